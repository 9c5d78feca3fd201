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
        let mut swept = Swept::default();
        let mut window = Swept::default();
        if self.next >= self.slots.len() {
            self.next = 0; // the table has become shorter
        }
        while swept.visited < budget
            && let Some(slot) = self.slots.get_mut(self.next)
        {
            self.next += 1;
            swept.visited += 1;
            let Some(expiry) = *slot else { continue };
            window.looked_at += 1;
            if expiry <= now {
                *slot = None;
                window.removed += 1;
            }
            if window.looked_at == WINDOW {
                let is_worth_it = 10 * window.removed >= WINDOW;
                swept.add(std::mem::take(&mut window));
                if !is_worth_it {
                    break;
                }
            }
        }
        swept.add(window);
        if self.next == self.slots.len() {
            self.next = 0;
        }
        swept
    }
}

impl Swept {
    /// Adds the looks and removals of a window.
    fn add(&mut self, window: Self) {
        self.looked_at += window.looked_at;
        self.removed += window.removed;
    }
}
