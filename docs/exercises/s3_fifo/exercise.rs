//! S3-FIFO, with queues.

use std::collections::{BTreeMap, VecDeque};

/// The most uses that a key remembers.
pub(crate) const USES_MAX: u8 = 3;

/// The keys of a store. The first key of a queue is the one that was added first.
#[derive(Debug)]
pub(crate) struct Store {
    /// The most keys that the store holds.
    capacity: usize,
    /// The uses of each key that is there.
    uses: BTreeMap<u32, u8>,
    /// The new keys.
    probation: VecDeque<u32>,
    /// The keys that have passed.
    main: VecDeque<u32>,
    /// Keys that are not there any more: they were evicted from `probation`.
    ghosts: VecDeque<u32>,
}

impl Store {
    /// Creates an empty store.
    pub(crate) fn new(capacity: usize) -> Self {
        let [probation, main, ghosts] = Default::default();
        Self { capacity, uses: BTreeMap::new(), probation, main, ghosts }
    }

    /// Returns whether a key is there. Adds it if it is not.
    pub(crate) fn access(&mut self, key: u32) -> bool {
        let Self { capacity, uses, probation, main, ghosts } = self;
        todo!(
            "find {key} among {uses:?}, or in {ghosts:?}. Or evict a key of {probation:?} or {main:?} above {capacity}"
        )
    }
}
