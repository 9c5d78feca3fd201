//! What the targets share: reading operations, failing allocations, and the books at the end.

use ::zmalloc::{fault, used_memory};
use arbitrary::{Arbitrary, Unstructured};

/// Decodes operations until the input is used up. An input that ends in the middle of one ends there.
pub(crate) fn operations<Op: for<'a> Arbitrary<'a>>(data: &[u8]) -> impl Iterator<Item = Op> {
    let mut input = Unstructured::new(data);
    std::iter::from_fn(move || if input.is_empty() { None } else { Op::arbitrary(&mut input).ok() })
}

/// A plan of failures, as it stands in an input. Counts are small, so that they come true.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) enum Plan {
    None,
    Nth(u8),
    From(u8),
}

/// The plan in force.
pub(crate) struct Faults {
    guard: Option<fault::Guard>,
}

impl Faults {
    pub(crate) fn new() -> Self {
        Self { guard: None }
    }

    pub(crate) fn follow(&mut self, plan: Plan) {
        // The old guard ends whatever plan there is, so it goes first.
        self.guard = None;
        self.guard = match plan {
            Plan::None => None,
            Plan::Nth(n) => Some(fault::fail_nth(u64::from(n % 16))),
            Plan::From(n) => Some(fault::fail_from(u64::from(n % 16))),
        };
    }

    /// Runs `operation` and says whether an allocation was made to fail in it.
    pub(crate) fn watch<T>(&self, operation: impl FnOnce() -> T) -> (T, bool) {
        let failures = || self.guard.as_ref().map_or(0, fault::Guard::failures);
        let before = failures();
        let result = operation();
        (result, failures() > before)
    }
}

/// Checks when dropped that as much memory is in use as when it was made. A structure that is to be
/// checked is declared after it, so that it is dropped before.
pub(crate) struct Books {
    used_before: usize,
}

impl Books {
    pub(crate) fn open() -> Self {
        Self { used_before: used_memory() }
    }

    /// Bytes in use now, without those that were in use before.
    pub(crate) fn used(&self) -> usize {
        used_memory() - self.used_before
    }
}

impl Drop for Books {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(used_memory(), self.used_before, "bytes lost or freed twice");
        }
    }
}
