//! `ZRANDMEMBER`: members picked at random.
//!
//! By rank, so that every member has exactly the same chance. Different ones are picked by drawing ranks and refusing those
//! that have come; where more than a third of all is wanted, by going over the set and taking each with the chance that it has to
//! be among those still wanted (Knuth's algorithm S), which needs no memory.

use super::{Repr, ZSet};
use crate::collection::Collection;
use crate::element::Element;
use core::hash::BuildHasher;
use dict::{DefaultHashBuilder, Table};
use listpack::Value;
use zmalloc::ReserveError;

use super::score::score_of;

/// The number below `bound` that lies where `fraction` lies below 2^64: Lemire's multiplication.
fn scale(fraction: u64, bound: usize) -> usize {
    ((u128::from(fraction) * bound as u128) >> 64) as usize
}

fn pair<'a>((member, score): (Value<'a>, Value<'a>)) -> (Element<'a>, f64) {
    (Element::from_packed(member), score_of(score))
}

impl ZSet {
    /// A member and its score, each member with the same chance; `None` only if there is none. `rng` is a source of uniformly
    /// distributed 64-bit numbers. O(log n), or O(n) in a listpack. In C: `zsetTypeRandomElement`; `ZRANDMEMBER`.
    pub fn random(&self, mut rng: impl FnMut() -> u64) -> Option<(Element<'_>, f64)> {
        self.by_rank(scale(rng(), self.len()))
    }

    /// Hands `n` members to `each`, each picked from all: some may come twice. Nothing comes of an empty set. In C: `ZRANDMEMBER`
    /// with a negative count.
    pub fn random_many<'a>(
        &'a self,
        n: usize,
        mut rng: impl FnMut() -> u64,
        mut each: impl FnMut(Element<'a>, f64),
    ) {
        match &self.0 {
            Repr::ListPack(list) => {
                list.random_pairs(n, rng).map(pair).for_each(|(member, score)| each(member, score));
            }
            Repr::SkipList(table) => {
                for _ in 0..if table.is_empty() { 0 } else { n } {
                    if let Some((member, score)) = table.by_rank(scale(rng(), table.len())) {
                        each(Element::Bytes(member), score);
                    }
                }
            }
        }
    }

    /// Hands `n` different members to `each`, or all, in no particular order; every choice has the same chance. An error if there is no
    /// memory to remember those that have come, before the first is handed out. In C: `ZRANDMEMBER` with a positive count.
    pub fn try_random_unique<'a>(
        &'a self,
        n: usize,
        mut rng: impl FnMut() -> u64,
        mut each: impl FnMut(Element<'a>, f64),
    ) -> Result<(), ReserveError> {
        let table = match &self.0 {
            Repr::ListPack(list) => {
                list.random_pairs_unique(n, rng).map(pair).for_each(|(member, score)| each(member, score));
                return Ok(());
            }
            Repr::SkipList(table) => table,
        };
        let (len, mut wanted) = (table.len(), n.min(table.len()));
        if wanted > len / 3 {
            for (seen, (member, score)) in table.iter().enumerate() {
                if scale(rng(), len - seen) < wanted {
                    wanted -= 1;
                    each(Element::Bytes(member), score);
                }
            }
            return Ok(());
        }
        let (mut come, hasher) = (Table::<usize>::new(), DefaultHashBuilder::new());
        let hash = |rank: &usize| hasher.hash_one(rank);
        // At most a third has come, so two draws of three are new. When these are used up the source is bad, and any will do.
        let draws = (0..64 + 4 * wanted).map(|_| scale(rng(), len));
        for rank in draws.chain(0..len) {
            if come.len() == wanted {
                break;
            }
            if come.find(hash(&rank), |&other| other == rank).is_some() {
                continue;
            }
            let refused = |_| ReserveError::OutOfMemory { size: size_of::<usize>() };
            come.try_insert_unique(hash(&rank), rank, hash).map(drop).map_err(refused)?;
        }
        for (member, score) in come.iter().filter_map(|&rank| table.by_rank(rank)) {
            each(Element::Bytes(member), score);
        }
        Ok(())
    }
}
