//! The atomics that `counter::slots` is made of. Its model checker, `tests/interleavings.rs`, compiles the same
//! file with a module of the same name that leads to loom's, whose constructors are not `const`.

pub(crate) use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering, fence};
pub(crate) use std::thread::yield_now;

/// `const_fn! { fn ... }` makes the function `const` here, but not for loom; `const_fn!(array value; n)` is an
/// array of `n` such values.
macro_rules! const_fn {
    (array $value:expr; $n:expr) => { [const { $value }; $n] };
    ($vis:vis fn $name:ident() -> $out:ty $body:block) => {
        $vis const fn $name() -> $out $body
    };
}
pub(crate) use const_fn;
