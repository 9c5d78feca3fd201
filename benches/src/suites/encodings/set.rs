//! Measures sets of integers and of texts: members are added, looked up and removed, and absent members are
//! looked up.

use super::packed::Packed;
use super::work::{Collections, Comparison, Element, LIMITS, Phase, Scale, Text, Visit, Work};
use crate::lifecycle::timed;
use crate::maps::FoldHash;
use crate::suite::Ctx;
use compact_str::CompactString;
use hashbrown::HashSet;
use indexmap::IndexSet;
use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::hash::Hash;
use std::hint::black_box;
use std::time::Duration;

const PHASES: [Phase; 4] = [
    Phase::of_all("add"),
    Phase::of_all("contains"),
    Phase::of_all("contains, absent"),
    Phase::of_all("remove"),
];

/// The type of a member in an operation: a number or a text.
trait Member {
    fn of(visit: &Visit) -> &Self;
}

impl Member for i64 {
    #[inline]
    fn of(visit: &Visit) -> &Self {
        &visit.integer
    }
}

impl Member for str {
    #[inline]
    fn of(visit: &Visit) -> &Self {
        visit.text.as_str()
    }
}

/// The operations that the suite needs of a set.
trait Set<M: ?Sized>: Default + 'static {
    fn name() -> String;
    /// Adds a member. Returns whether it is new.
    fn add(&mut self, member: &M) -> bool;
    fn contains(&self, member: &M) -> bool;
    /// Removes a member. Returns whether it was there.
    fn remove(&mut self, member: &M) -> bool;
}

pub(super) fn run(ctx: &mut Ctx, scale: Scale) {
    let digits = if scale.is_large() { 12 } else { 0 };
    let work = Work::new(scale, ctx.settings.seed, |number| Text::new("member:", number, digits));

    let mut field = Comparison::new(&work);
    add_candidate::<values::Set, i64>(&mut field);
    field.mark_subjects();
    add_candidate::<HashSet<i64, FoldHash>, i64>(&mut field);
    add_candidate::<BTreeSet<i64>, i64>(&mut field);
    add_candidate::<IndexSet<i64, FoldHash>, i64>(&mut field);
    if !scale.is_large() {
        add_candidate::<Sorted<i64>, i64>(&mut field);
        add_candidate::<Sorted<i32>, i64>(&mut field);
    }
    field.run(ctx, "set of integers", PHASES);

    let mut field = Comparison::new(&work);
    add_candidate::<values::Set, str>(&mut field);
    field.mark_subjects();
    add_candidate::<HashSet<CompactString, FoldHash>, str>(&mut field);
    add_candidate::<HashSet<Box<str>, FoldHash>, str>(&mut field);
    add_candidate::<BTreeSet<CompactString>, str>(&mut field);
    add_candidate::<IndexSet<CompactString, FoldHash>, str>(&mut field);
    if !scale.is_large() {
        add_candidate::<Vec<CompactString>, str>(&mut field);
        add_candidate::<Packed, str>(&mut field);
    }
    field.run(ctx, "set of strings", PHASES);
}

fn add_candidate<S: Set<M>, M: Member + ?Sized + 'static>(field: &mut Comparison<{ PHASES.len() }>) {
    field.add_candidate(&S::name(), run_phases::<S, M>);
}

fn run_phases<S: Set<M>, M: Member + ?Sized>(work: &Work) -> ([Duration; PHASES.len()], usize) {
    let mut sets = Collections::<S>::new(work.scale);
    let mut count = 0;
    let add = timed(|| count = work.fill.iter().filter(|v| sets.of(v).add(black_box(M::of(v)))).count());
    assert_eq!(count, work.fill.len(), "{} has members that were not added", S::name());
    let full = sets.bytes();
    let mut found = |wanted: &[Visit]| {
        timed(|| count = wanted.iter().filter(|v| sets.of(v).contains(black_box(M::of(v)))).count())
    };
    let absent = found(&work.absent);
    let hit = found(&work.find);
    assert_eq!(count, work.find.len(), "{} does not find what it holds", S::name());
    let remove =
        timed(|| count = work.find.iter().filter(|v| sets.of(v).remove(black_box(M::of(v)))).count());
    assert_eq!(count, work.find.len(), "{} does not remove what it holds", S::name());
    ([add, hit, absent, remove], full)
}

/// Converts a member for redcore's sets.
trait Asked {
    fn asked(&self) -> values::Element<'_>;
}

impl Asked for i64 {
    #[inline]
    fn asked(&self) -> values::Element<'_> {
        (*self).into()
    }
}

impl Asked for str {
    #[inline]
    fn asked(&self) -> values::Element<'_> {
        self.as_bytes().into()
    }
}

impl<M: Asked + ?Sized> Set<M> for values::Set {
    fn name() -> String {
        "Set".into()
    }

    #[inline]
    fn add(&mut self, member: &M) -> bool {
        self.insert(member.asked(), &LIMITS)
    }

    #[inline]
    fn contains(&self, member: &M) -> bool {
        self.contains(member.asked())
    }

    #[inline]
    fn remove(&mut self, member: &M) -> bool {
        self.remove(member.asked())
    }
}

/// The type in which a collection owns a member.
trait Owned<M: ?Sized> {
    const NAME: &'static str;
    fn from_member(member: &M) -> Self;
}

impl Owned<i64> for i64 {
    const NAME: &'static str = "i64";
    #[inline]
    fn from_member(member: &i64) -> Self {
        *member
    }
}

impl<E: Element> Owned<str> for E {
    const NAME: &'static str = E::NAME;
    #[inline]
    fn from_member(member: &str) -> Self {
        member.into()
    }
}

/// Implements [`Set`] for a type with the methods of std's `HashSet`.
macro_rules! std_set {
    ($name:literal, $set:ty, $remove:ident, $($bound:path),*) => {
        impl<O, M> Set<M> for $set
        where
            O: Owned<M> + Borrow<M> + Eq + 'static $(+ $bound)*,
            M: Eq + ?Sized $(+ $bound)*,
        {
            fn name() -> String {
                format!(concat!($name, "<{}>"), O::NAME)
            }

            #[inline]
            fn add(&mut self, member: &M) -> bool {
                self.insert(O::from_member(member))
            }

            #[inline]
            fn contains(&self, member: &M) -> bool {
                <$set>::contains(self, member)
            }

            #[inline]
            fn remove(&mut self, member: &M) -> bool {
                self.$remove(member)
            }
        }
    };
}

std_set!("hashbrown HashSet", HashSet<O, FoldHash>, remove, Hash);
std_set!("BTreeSet", BTreeSet<O>, remove, Ord);
std_set!("IndexSet", IndexSet<O, FoldHash>, swap_remove, Hash);

/// A sorted vector with a binary search.
struct Sorted<T>(Vec<T>);

impl<T> Default for Sorted<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Ord + TryFrom<i64>> Sorted<T> {
    #[inline]
    fn search(&self, member: i64) -> Option<(T, Result<usize, usize>)> {
        let member = T::try_from(member).ok()?;
        let place = self.0.binary_search(&member);
        Some((member, place))
    }
}

impl<T: Ord + TryFrom<i64> + 'static> Set<i64> for Sorted<T> {
    fn name() -> String {
        format!("sorted Vec<{}>", std::any::type_name::<T>())
    }

    #[inline]
    fn add(&mut self, member: &i64) -> bool {
        match self.search(*member) {
            Some((member, Err(place))) => {
                self.0.insert(place, member);
                true
            }
            _ => false,
        }
    }

    #[inline]
    fn contains(&self, member: &i64) -> bool {
        matches!(self.search(*member), Some((_, Ok(_))))
    }

    #[inline]
    fn remove(&mut self, member: &i64) -> bool {
        match self.search(*member) {
            Some((_, Ok(place))) => {
                self.0.remove(place);
                true
            }
            _ => false,
        }
    }
}

impl<E: Element> Set<str> for Vec<E> {
    fn name() -> String {
        format!("Vec<{}>", E::NAME)
    }

    #[inline]
    fn add(&mut self, member: &str) -> bool {
        let new = !Set::contains(self, member);
        if new {
            self.push(member.into());
        }
        new
    }

    #[inline]
    fn contains(&self, member: &str) -> bool {
        self.iter().any(|other| other.borrow() == member)
    }

    #[inline]
    fn remove(&mut self, member: &str) -> bool {
        let place = self.iter().position(|other| other.borrow() == member);
        place.map(|place| self.swap_remove(place)).is_some()
    }
}

impl Set<str> for Packed {
    fn name() -> String {
        Self::NAME.into()
    }

    #[inline]
    fn add(&mut self, member: &str) -> bool {
        let new = !Set::contains(self, member);
        if new {
            self.push(member.as_bytes());
        }
        new
    }

    #[inline]
    fn contains(&self, member: &str) -> bool {
        self.find(member.as_bytes(), 1).is_some()
    }

    #[inline]
    fn remove(&mut self, member: &str) -> bool {
        let place = self.find(member.as_bytes(), 1);
        place.map(|place| self.remove(place)).is_some()
    }
}
