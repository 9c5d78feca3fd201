//! A sweep that removes expired keys.

/// The number of looks in a window.
pub(crate) const WINDOW: usize = 20;

/// What a sweep has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Swept {
    /// The slots that the sweep has visited.
    pub(crate) visited: usize,
    /// The visited slots that had an expiry.
    pub(crate) looked_at: usize,
    /// The keys that the sweep has removed.
    pub(crate) removed: usize,
}

/// A table of the expiries of keys.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    /// The expiry of the key in each slot. A slot without a key, or with a key that does not expire, is `None`.
    pub(crate) slots: Vec<Option<u64>>,
    /// The slot at which the next sweep begins.
    next: usize,
}

impl Table {
    /// Creates a table of these slots.
    pub(crate) fn new(slots: Vec<Option<u64>>) -> Self {
        Self { slots, next: 0 }
    }

    /// Removes keys that have expired at `now`. Visits at most `budget` slots.
    pub(crate) fn sweep(&mut self, now: u64, budget: usize) -> Swept {
        todo!("visit up to {budget} slots from {} on, at {now}: {:?}", self.next, Swept::default())
    }
}
