//! Random members: looked at, or taken out.
//!
//! Members with the same chance each, from the caller's source `rng` of uniform 64-bit numbers. Different ones are chosen by
//! *selection sampling* (Knuth's algorithm S): one walk over the set, on which each member is taken with the chance
//! `wanted / left`. That needs no memory. For few of a large hash table it would take too long: those are drawn one by one, and a
//! second table says which have been drawn.

use super::{Repr, Set};
use crate::collection::Collection;
use crate::element::Element;
use crate::limits::EncodingLimits;
use crate::members::TABLE_REFUSED;
use core::hash::BuildHasher;
use dict::{DefaultHashBuilder, Table};
use intset::IntSet;
use listpack::ListPack;
use zmalloc::ReserveError;

/// A hash table is walked over if one of so many members is wanted. In C: `SRANDMEMBER_SUB_STRATEGY_MUL`.
const WALK_FROM_ONE_OF: usize = 3;

/// Draws for each member that is wanted, and besides: far more than a good source needs.
const DRAWS_A_MEMBER: usize = 4;
const DRAWS_MIN: usize = 64;

/// Those that stay are copied if they are one for so many that go. In C: `SPOP_MOVE_STRATEGY_MUL`.
const KEEP_BY_COPY_FROM_ONE_FOR: usize = 5;

/// Decides for one member after another whether it is chosen, `wanted` of `left` in the end.
struct Selection {
    wanted: usize,
    left: usize,
}

impl Selection {
    fn next(&mut self, rng: &mut impl FnMut() -> u64) -> bool {
        let below = (u128::from(rng()) * self.left as u128) >> 64;
        let chosen = below < self.wanted as u128;
        self.left = self.left.saturating_sub(1);
        self.wanted -= usize::from(chosen);
        chosen
    }
}

impl Set {
    /// A member; `None` if there is none. O(1) on average, O(n) in a listpack. In C: `setTypeRandomElement`; `SRANDMEMBER`.
    pub fn random(&self, rng: impl FnMut() -> u64) -> Option<Element<'_>> {
        match &self.0 {
            Repr::IntSet(set) => set.random(rng).map(Element::Int),
            Repr::ListPack(list) => list.get(list.random(rng)?).map(Element::from_packed),
            Repr::HashTable(members) => members.fair_random(rng).map(|member| Element::Bytes(member.key())),
        }
    }

    /// Visits `count` members, each drawn from all: some may come twice. None of an empty set. In C: `SRANDMEMBER` with a
    /// negative count.
    pub fn random_many<'a>(
        &'a self,
        count: usize,
        mut rng: impl FnMut() -> u64,
        mut each: impl FnMut(Element<'a>),
    ) {
        match &self.0 {
            Repr::ListPack(list) => {
                list.random_many(count, rng).for_each(|value| each(Element::from_packed(value)))
            }
            _ => (0..count).map_while(|_| self.random(&mut rng)).for_each(each),
        }
    }

    /// Visits `count` different members, or all, and says how many. Every choice has the same chance; the order is not random. O(n), or O(count) if
    /// that is a small part of a hash table; only then does it allocate, and an error comes before the first visit.
    /// In C: `SRANDMEMBER` with a positive count.
    pub fn try_random_unique<'a>(
        &'a self,
        count: usize,
        mut rng: impl FnMut() -> u64,
        mut each: impl FnMut(Element<'a>),
    ) -> Result<usize, ReserveError> {
        let len = self.len();
        let wanted = count.min(len);
        match &self.0 {
            Repr::HashTable(_) if wanted < len / WALK_FROM_ONE_OF => {
                let mut drawn = Distinct::new();
                // At least two draws of three hit a new one. When these are used up the source is bad, and any will do.
                let draws = (0..DRAWS_MIN + DRAWS_A_MEMBER * wanted).map_while(|_| self.random(&mut rng));
                for member in draws.chain(self.iter()) {
                    if drawn.len() == wanted {
                        break;
                    }
                    drawn.try_insert(member)?;
                }
                drawn.iter().for_each(each);
            }
            _ => {
                let mut selection = Selection { wanted, left: len };
                let mut walk = self.iter();
                while selection.wanted > 0
                    && let Some(member) = walk.next()
                {
                    if selection.next(&mut rng) {
                        each(member);
                    }
                }
            }
        }
        Ok(wanted)
    }

    /// Takes a member out and gives it to `each`, whose answer comes back; `None` if there is none. Allocates nothing. In C:
    /// `setTypePopRandom`; `SPOP`.
    ///
    /// ```
    /// use robj::{Collection, EncodingLimits, Set};
    /// let mut set = Set::new();
    /// set.insert(&b"only"[..], &EncodingLimits::DEFAULT);
    /// let popped = set.pop(|| 4, |member| member.text().to_vec());
    /// assert_eq!((popped.unwrap(), set.len()), (b"only".to_vec(), 0));
    /// ```
    pub fn pop<T>(&mut self, rng: impl FnMut() -> u64, each: impl FnOnce(Element<'_>) -> T) -> Option<T> {
        match &mut self.0 {
            Repr::IntSet(set) => {
                let value = set.random(rng)?;
                set.remove(value);
                Some(each(Element::Int(value)))
            }
            Repr::ListPack(list) => {
                let offset = list.random(rng)?;
                let answer = each(Element::from_packed(list.get(offset)?));
                list.remove(offset);
                Some(answer)
            }
            Repr::HashTable(members) => {
                let member = members.pop_random(rng)?;
                Some(each(Element::Bytes(member.key())))
            }
        }
    }

    /// Takes out `count` members, or all, gives each to `each`, and says how many. If nearly all go, those that stay are
    /// copied to a new set, which may have a smaller encoding than before; only then does it allocate, and
    /// after an error all are still here, and none was visited. In C: `SPOP` with a count.
    pub fn try_pop_many(
        &mut self,
        count: usize,
        limits: &EncodingLimits,
        mut rng: impl FnMut() -> u64,
        mut each: impl FnMut(Element<'_>),
    ) -> Result<usize, ReserveError> {
        let len = self.len();
        let count = count.min(len);
        if count == len {
            let all = core::mem::take(self);
            all.iter().for_each(each);
        } else if (len - count).saturating_mul(KEEP_BY_COPY_FROM_ONE_FOR) <= count {
            let stay = self.try_choose(len - count, limits, &mut rng)?;
            let mut all = core::mem::replace(self, stay);
            if matches!(all.0, Repr::HashTable(_)) {
                // Those that stay are few, and a look-up in a packed set of them is a walk.
                for member in self.iter() {
                    all.remove(member);
                }
                all.iter().for_each(each);
            } else {
                all.iter().filter(|&member| !self.contains(member)).for_each(each);
            }
        } else if let Repr::ListPack(list) = &mut self.0 {
            pop_from_list(list, count, &mut rng, each);
        } else {
            for _ in 0..count {
                self.pop(&mut rng, &mut each);
            }
        }
        Ok(count)
    }

    /// A set of `count` different members of this one, at the most compact that it may be.
    fn try_choose(
        &self,
        count: usize,
        limits: &EncodingLimits,
        rng: &mut impl FnMut() -> u64,
    ) -> Result<Self, ReserveError> {
        let mut chosen = match &self.0 {
            Repr::IntSet(_) => Self(Repr::IntSet(IntSet::new())),
            _ => Self(Repr::ListPack(ListPack::new())),
        };
        let mut selection = Selection { wanted: count, left: self.len() };
        for member in self {
            if selection.next(rng) {
                chosen.try_insert(member, limits)?;
            }
        }
        Ok(chosen)
    }
}

/// Takes out `count` of the list's members on one walk.
fn pop_from_list(
    list: &mut ListPack,
    count: usize,
    rng: &mut impl FnMut() -> u64,
    mut each: impl FnMut(Element<'_>),
) {
    let mut selection = Selection { wanted: count, left: list.len() };
    let mut at = list.first();
    while selection.wanted > 0
        && let Some(offset) = at
    {
        at = if selection.next(rng) {
            list.get(offset).into_iter().for_each(|value| each(Element::from_packed(value)));
            list.remove(offset)
        } else {
            list.next(offset)
        };
    }
}

/// Members of other sets, each once: where there is no set that has them, and none to be made.
pub(super) struct Distinct<'a> {
    table: Table<Element<'a>>,
    hash_builder: DefaultHashBuilder,
}

impl<'a> Distinct<'a> {
    pub(super) fn new() -> Self {
        Self { table: Table::new(), hash_builder: DefaultHashBuilder::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    pub(super) fn try_insert(&mut self, member: Element<'a>) -> Result<bool, ReserveError> {
        let Self { table, hash_builder } = self;
        let hash = hash_builder.hash_one(member);
        if table.find(hash, |other| *other == member).is_some() {
            return Ok(false);
        }
        let hasher = |member: &Element<'_>| hash_builder.hash_one(member);
        table.try_insert_unique(hash, member, hasher).map_err(|_| TABLE_REFUSED)?;
        Ok(true)
    }

    pub(super) fn remove(&mut self, member: Element<'_>) {
        let hash = self.hash_builder.hash_one(member);
        if let Ok(entry) = self.table.find_entry(hash, |other| *other == member) {
            entry.remove();
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Element<'a>> {
        self.table.iter().copied()
    }
}
