//! [`Pool`]: the best candidates for eviction that have been seen.
//!
//! A victim is the best of a few entries that were looked at. The others were looked at in vain, unless they are
//! remembered: sixteen of them are, so that each victim is the best of many more. In C: `EvictionPoolLRU`.
//!
//! A candidate says where its entry was, and what its entry's clock was. Both may have changed. Whoever takes a
//! candidate looks its entry up, and compares the clock.

use super::order::Order;

const CANDIDATES: usize = 16;

/// An entry that may be evicted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    /// The hash of its key.
    pub(crate) hash: u64,
    /// Where its block was.
    pub(crate) address: usize,
    /// What its rank follows from; see [`Order::standing`].
    pub(crate) standing: u64,
    /// Whether it had expired. It then goes first.
    pub(crate) is_expired: bool,
}

impl Candidate {
    const NONE: Self = Self { hash: 0, address: 0, standing: 0, is_expired: false };

    fn rank(&self, order: Order<'_>) -> u64 {
        if self.is_expired { u64::MAX } else { order.rank(self.standing) }
    }
}

/// Up to sixteen candidates.
pub(crate) struct Pool {
    candidates: [Candidate; CANDIDATES],
    len: usize,
}

impl Pool {
    pub(crate) const fn new() -> Self {
        Self { candidates: [Candidate::NONE; CANDIDATES], len: 0 }
    }

    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn all(&self) -> &[Candidate] {
        self.candidates.get(..self.len).unwrap_or_default()
    }

    /// Adds the candidate that `make` makes, if its rank is high enough and it is not there.
    pub(crate) fn offer(
        &mut self,
        order: Order<'_>,
        rank: u64,
        address: usize,
        make: impl FnOnce() -> Candidate,
    ) {
        if self.all().iter().any(|candidate| candidate.address == address) {
            return;
        }
        if self.len < CANDIDATES {
            self.candidates[self.len] = make();
            self.len += 1;
            return;
        }
        let ranks = self.candidates.iter().map(|candidate| candidate.rank(order));
        if let Some((index, lowest)) = ranks.enumerate().min_by_key(|(_, rank)| *rank)
            && lowest < rank
        {
            self.candidates[index] = make();
        }
    }

    /// Takes out the candidate with the highest rank.
    pub(crate) fn take_best(&mut self, order: Order<'_>) -> Option<Candidate> {
        let ranks = self.all().iter().map(|candidate| candidate.rank(order));
        let (index, _) = ranks.enumerate().max_by_key(|(_, rank)| *rank)?;
        let best = self.candidates[index];
        self.len -= 1;
        self.candidates[index] = self.candidates[self.len];
        Some(best)
    }

    /// Puts a candidate back that was just taken out, with what its rank follows from now.
    pub(crate) fn put_back(&mut self, candidate: Candidate) {
        if let Some(place) = self.candidates.get_mut(self.len) {
            *place = candidate;
            self.len += 1;
        }
    }
}
