//! The keys of a table: those that it holds, in two orders, and others.

use crate::keys::{self, Key};

/// Keys for one N.
pub(super) struct Keys {
    /// In the order of insertion.
    pub(super) insert: Vec<Key>,
    /// The same in the order of look-up and removal.
    pub(super) find: Vec<Key>,
    /// As many that are not in the table.
    pub(super) absent: Vec<Key>,
}

impl Keys {
    pub(super) fn new(n: usize, seed: u64) -> Self {
        Self {
            insert: keys::present(n, seed),
            find: keys::present(n, seed.wrapping_add(1)),
            absent: keys::absent(n, seed),
        }
    }
}
