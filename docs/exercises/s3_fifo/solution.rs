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
        if let Some(uses) = self.uses.get_mut(&key) {
            *uses = (*uses + 1).min(USES_MAX);
            return true;
        }
        let ghost = self.ghosts.iter().position(|ghost| *ghost == key);
        if let Some(ghost) = ghost {
            self.ghosts.remove(ghost);
        }
        if self.uses.len() == self.capacity {
            self.evict();
        }
        // A ghost has been away for a short time only, so it need not pass probation.
        let queue = if ghost.is_some() { &mut self.main } else { &mut self.probation };
        queue.push_back(key);
        self.uses.insert(key, 0);
        false
    }

    /// Evicts one key. Each turn of the loop evicts a key, or takes uses from one. So the loop ends.
    fn evict(&mut self) {
        loop {
            let is_new = self.main.is_empty() || self.probation.len() >= (self.capacity / 10).max(1);
            let queue = if is_new { &mut self.probation } else { &mut self.main };
            let Some(key) = queue.pop_front() else { return };
            match self.uses.get_mut(&key) {
                Some(uses) if *uses > 0 => {
                    *uses = if is_new { 0 } else { *uses - 1 };
                    self.main.push_back(key);
                }
                _ => {
                    self.uses.remove(&key);
                    if is_new {
                        self.ghosts.push_back(key);
                    }
                    if self.ghosts.len() > self.capacity {
                        self.ghosts.pop_front();
                    }
                    return;
                }
            }
        }
    }
}
