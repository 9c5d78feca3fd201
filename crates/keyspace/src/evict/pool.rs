//! [`Pool`]: the best candidates for eviction that the search has seen.
//!
//! A victim is the best of a few entries that the search has visited. The pool keeps the sixteen best of the
//! others, so that the visits to them are not wasted. In C: `EvictionPoolLRU`.
//!
//! A candidate holds the address and the precedence that its entry had when the search visited it. Both may
//! have changed since then. So the entry of the best candidate is looked up before it is evicted.

/// The number of candidates that a pool holds. In C: `EVPOOL_SIZE`.
const CANDIDATES: usize = 16;

/// An entry that may be evicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// Its rank for eviction; see [`Order`](super::order::Order).
    pub(crate) precedence: u64,
    /// The hash of its key.
    pub(crate) hash: u64,
    /// The address that its block had.
    pub(crate) address: usize,
}

/// Up to sixteen candidates, sorted by precedence. The best one is the last.
pub(crate) struct Pool {
    candidates: [Candidate; CANDIDATES],
    len: usize,
}

impl Pool {
    pub(crate) const fn new() -> Self {
        let none = Candidate { precedence: 0, hash: 0, address: 0 };
        Self { candidates: [none; CANDIDATES], len: 0 }
    }

    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns whether the pool has a place for a candidate with this precedence.
    #[inline]
    pub(crate) fn accepts(&self, precedence: u64) -> bool {
        self.len < CANDIDATES || self.candidates[0].precedence < precedence
    }

    /// Adds a candidate if its precedence is high enough, and no candidate has the same address. If the pool
    /// is full, removes the candidate with the lowest precedence.
    pub(crate) fn offer(&mut self, new: Candidate) {
        let all = &mut self.candidates[..self.len];
        if !all.iter().all(|candidate| candidate.address != new.address) {
            return;
        }
        let place = all.partition_point(|candidate| candidate.precedence < new.precedence);
        if self.len < CANDIDATES {
            self.candidates.copy_within(place..self.len, place + 1);
            self.candidates[place] = new;
            self.len += 1;
        } else if let Some(place) = place.checked_sub(1) {
            self.candidates.copy_within(1..=place, 0);
            self.candidates[place] = new;
        }
    }

    /// Returns the candidate with the highest precedence.
    pub(crate) fn best(&self) -> Option<&Candidate> {
        self.candidates[..self.len].last()
    }

    /// Removes and returns the candidate with the highest precedence.
    pub(crate) fn take_best(&mut self) -> Option<Candidate> {
        self.len = self.len.checked_sub(1)?;
        Some(self.candidates[self.len])
    }
}

#[cfg(all(test, not(miri)))] // no unsafe code
mod tests {
    use super::*;
    use common::random::mix;

    fn candidate(precedence: u64, address: usize) -> Candidate {
        Candidate { precedence, hash: precedence, address }
    }

    #[test]
    fn a_pool_keeps_the_sixteen_best_and_gives_the_best_first() {
        let (mut pool, mut model) = (Pool::new(), Vec::new());
        for step in 0..2_000_u64 {
            if mix(step).is_multiple_of(5) {
                assert_eq!(pool.take_best().map(|best| best.precedence), model.pop());
            } else {
                let precedence = mix(step) >> 32;
                let is_taken = model.len() < CANDIDATES || model[0] < precedence;
                assert_eq!(pool.accepts(precedence), is_taken);
                pool.offer(candidate(precedence, step as usize));
                if is_taken {
                    model.push(precedence);
                    model.sort_unstable();
                    model.drain(..model.len().saturating_sub(CANDIDATES));
                }
            }
            assert_eq!(pool.is_empty(), model.is_empty());
        }
    }

    #[test]
    fn an_entry_is_a_candidate_once() {
        let mut pool = Pool::new();
        pool.offer(candidate(1, 7));
        pool.offer(candidate(2, 7));
        assert_eq!((pool.take_best(), pool.take_best()), (Some(candidate(1, 7)), None));
    }
}
