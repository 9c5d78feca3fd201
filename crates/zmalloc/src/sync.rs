//! The atomics that `counter::slots` uses. The model checker, `tests/interleavings.rs`, compiles the same
//! file with a module of the same name that exports loom's atomics. The constructors of loom's atomics are
//! not `const`.

pub(crate) use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering, fence};
pub(crate) use std::thread::yield_now;

/// Declares a function that is `const` here and not `const` under loom: `const_fn! { fn ... }`.
/// `const_fn!(array value; n)` is an array of `n` such values.
macro_rules! const_fn {
    (array $value:expr; $n:expr) => { [const { $value }; $n] };
    ($vis:vis fn $name:ident() -> $out:ty $body:block) => {
        $vis const fn $name() -> $out $body
    };
}
pub(crate) use const_fn;
