//! Entries picked at random.
//!
//! *With repetition*, each pick is independent of the others. An entry is found by walking, so the walk begins at the
//! nearest of up to 64 *signposts*, offsets at equal distances that one pass notes beforehand: of 1,024 entries a pick passes
//! 16 at most, and nothing is allocated.
//!
//! *Without*, one pass decides for each entry whether it is taken: `wanted` more from `left`, this one among them, is a
//! chance of `wanted / left` (selection sampling, Knuth's algorithm S). Every subset is as likely as any other; they come
//! in the list's order.
//!
//! The source of numbers is the caller's and is taken to be uniform over 64 bits; a bad one gives bad picks, no loops.

use crate::entry;
use crate::format::HEADER_LEN;
use crate::value::Value;
use crate::view::{Offset, View};
use common::random::scale;
use core::iter;

const SIGNPOSTS: usize = 64;

/// Offsets of the units (entries, or pairs of them) 0, `stride`, 2 * `stride`, ...
struct Signposts<'a> {
    body: &'a [u8],
    /// Entries in a unit.
    width: usize,
    /// Units in the list.
    units: usize,
    stride: usize,
    offsets: [u32; SIGNPOSTS],
}

impl<'a> Signposts<'a> {
    fn new(list: &'a View, width: usize) -> Self {
        let (body, units) = (list.body(), list.len() / width);
        let stride = units.div_ceil(SIGNPOSTS).max(1);
        let mut offsets = [HEADER_LEN as u32; SIGNPOSTS];
        let mut at = Some(HEADER_LEN);
        for offset in offsets.iter_mut().take(units / stride + 1) {
            // In a list that is damaged the walk ends early. Such a signpost points at the end, where there is nothing.
            *offset = at.unwrap_or(body.len()) as u32;
            at = at.and_then(|at| pass(body, at, stride * width));
        }
        Self { body, width, units, stride, offsets }
    }

    /// Where the unit at `index`, which is below `units`, begins.
    fn position(&self, index: usize) -> Option<usize> {
        let at = *self.offsets.get(index / self.stride)?;
        pass(self.body, at as usize, index % self.stride * self.width)
    }
}

/// The position behind `n` entries.
fn pass(body: &[u8], at: usize, n: usize) -> Option<usize> {
    (0..n).try_fold(at, |at, _| entry::skip(body, at))
}

impl View {
    /// An entry, each with the same chance; `None` only if there is none. O(n). In C: what `SPOP` does.
    pub fn random(&self, mut rng: impl FnMut() -> u64) -> Option<Offset> {
        let len = self.len();
        if len == 0 { None } else { self.seek(scale(rng(), len) as isize) }
    }

    /// A pair of an entry with even index and the one behind it, each with the same chance; `None` only if there is none. O(n).
    /// In C: `lpRandomPair`.
    pub fn random_pair(&self, mut rng: impl FnMut() -> u64) -> Option<(Value<'_>, Value<'_>)> {
        let pairs = self.len() / 2;
        let first = self.seek(2 * scale(rng(), pairs) as isize)?;
        pair(self.body(), first.at()).map(|(pair, _)| pair)
    }

    /// `n` entries, each picked from all: some may come twice. Nothing comes of an empty list. O(len / 64) each, after a pass of
    /// O(len).
    pub fn random_many(&self, n: usize, mut rng: impl FnMut() -> u64) -> impl Iterator<Item = Value<'_>> {
        let signposts = Signposts::new(self, 1);
        (0..n).map_while(move |_| {
            let at = signposts.position(scale(rng(), signposts.units))?;
            Some(entry::decode(signposts.body, at)?.0)
        })
    }

    /// `n` pairs of an entry with even index and the one behind it, each picked from all: some may come twice. Nothing comes
    /// of a list with fewer than two entries. O(len / 64) each, after a pass of O(len). In C: `lpRandomPairs`.
    pub fn random_pairs(
        &self,
        n: usize,
        mut rng: impl FnMut() -> u64,
    ) -> impl Iterator<Item = (Value<'_>, Value<'_>)> {
        let signposts = Signposts::new(self, 2);
        (0..n).map_while(move |_| {
            let at = signposts.position(scale(rng(), signposts.units))?;
            pair(signposts.body, at).map(|(pair, _)| pair)
        })
    }

    /// `n` different entries, or all, in the list's order; every choice has the same chance. O(len). In C: `lpNextRandom`.
    pub fn random_unique(
        &self,
        n: usize,
        mut rng: impl FnMut() -> u64,
    ) -> impl Iterator<Item = (Offset, Value<'_>)> {
        let (body, mut at, mut left) = (self.body(), HEADER_LEN, self.len());
        let mut wanted = n.min(left);
        iter::from_fn(move || {
            while wanted > 0 {
                let (value, next) = entry::decode(body, at)?;
                let taken = scale(rng(), left) < wanted;
                let offset = Offset::new(at);
                (at, left) = (next, left - 1);
                if taken {
                    wanted -= 1;
                    return Some((offset, value));
                }
            }
            None
        })
    }

    /// `n` different pairs, or all, in the list's order; every choice has the same chance. O(len). In C:
    /// `lpRandomPairsUnique`.
    pub fn random_pairs_unique(
        &self,
        n: usize,
        mut rng: impl FnMut() -> u64,
    ) -> impl Iterator<Item = (Value<'_>, Value<'_>)> {
        let (body, mut at, mut left) = (self.body(), HEADER_LEN, self.len() / 2);
        let mut wanted = n.min(left);
        iter::from_fn(move || {
            while wanted > 0 {
                let (pair, next) = pair(body, at)?;
                let taken = scale(rng(), left) < wanted;
                (at, left) = (next, left - 1);
                if taken {
                    wanted -= 1;
                    return Some(pair);
                }
            }
            None
        })
    }
}

type Pair<'a> = (Value<'a>, Value<'a>);

/// The two values from `at` on, and the position behind them.
fn pair(body: &[u8], at: usize) -> Option<(Pair<'_>, usize)> {
    let (first, at) = entry::decode(body, at)?;
    let (second, at) = entry::decode(body, at)?;
    Some(((first, second), at))
}
