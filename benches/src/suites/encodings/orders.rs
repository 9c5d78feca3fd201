//! The peers of sorted sets: an order of scores and members, and a map from member to score.

use super::sorted_set::SortedSet;
use crate::maps::FoldHash;
use compact_str::CompactString;
use crossbeam_skiplist::SkipSet;
use hashbrown::HashMap;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::ops::Bound;
use wabi_tree::OSBTreeSet;

/// A member with its score. The order is by score, and then by name.
#[derive(Clone, Debug)]
pub(super) struct Scored {
    pub(super) score: f64,
    pub(super) member: CompactString,
}

impl Scored {
    #[inline]
    pub(super) fn new(member: &str, score: f64) -> Self {
        Self { score, member: member.into() }
    }

    /// Returns a value that is before all members with this score.
    #[inline]
    fn first_of(score: f64) -> Self {
        Self { score, member: CompactString::const_new("") }
    }
}

impl PartialEq for Scored {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Scored {}

impl PartialOrd for Scored {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Scored {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.total_cmp(&other.score).then_with(|| self.member.cmp(&other.member))
    }
}

/// An order of scored members.
pub(super) trait Order: Default + 'static {
    const NAME: &'static str;
    const COUNTS: bool;
    fn insert(&mut self, entry: Scored);
    fn remove(&mut self, entry: &Scored);
    fn rank(&self, entry: &Scored) -> usize;
    /// Visits `count` members from a rank on.
    fn starting_at_rank(&self, rank: usize, count: usize, visit: impl FnMut(&Scored));
    /// Visits `count` members from the first one on that is not less than `entry`.
    fn starting_at(&self, entry: Scored, count: usize, visit: impl FnMut(&Scored));
    fn for_each(&self, visit: impl FnMut(&Scored));
}

/// An order, and the score of each member.
#[derive(Default)]
pub(super) struct Indexed<O> {
    order: O,
    scores: HashMap<CompactString, f64, FoldHash>,
}

impl<O: Order> SortedSet for Indexed<O> {
    const COUNTS: bool = O::COUNTS;

    fn name() -> String {
        format!("{} + HashMap", O::NAME)
    }

    #[inline]
    fn add(&mut self, member: &str, score: f64) {
        let entry = Scored::new(member, score);
        if let Some(old) = self.scores.insert(entry.member.clone(), score) {
            self.order.remove(&Scored { score: old, member: entry.member.clone() });
        }
        self.order.insert(entry);
    }

    #[inline]
    fn score(&self, member: &str) -> Option<f64> {
        self.scores.get(member).copied()
    }

    #[inline]
    fn rank(&self, member: &str) -> Option<usize> {
        self.score(member).map(|score| self.order.rank(&Scored::new(member, score)))
    }

    #[inline]
    fn by_rank(&self, rank: usize, count: usize, mut visit: impl FnMut(&[u8], f64)) {
        self.order.starting_at_rank(rank, count, |entry| visit(entry.member.as_bytes(), entry.score));
    }

    #[inline]
    fn by_score(&self, score: f64, count: usize, mut visit: impl FnMut(&[u8], f64)) {
        self.order
            .starting_at(Scored::first_of(score), count, |entry| visit(entry.member.as_bytes(), entry.score));
    }

    #[inline]
    fn for_each(&self, mut visit: impl FnMut(&[u8], f64)) {
        self.order.for_each(|entry| visit(entry.member.as_bytes(), entry.score));
    }

    #[inline]
    fn remove(&mut self, member: &str) -> bool {
        let old = self.scores.remove(member);
        old.map(|score| self.order.remove(&Scored::new(member, score))).is_some()
    }
}

/// Implements [`Order`] for a type with the methods of std's `BTreeSet`. If the type can count, the last two
/// arguments are the methods that do.
macro_rules! order {
    ($name:literal, $order:ty, $counts:literal, |$set:ident, $entry:ident| $rank:expr, |$from:ident, $at:ident, $count:ident| $slice:expr) => {
        impl Order for $order {
            const NAME: &'static str = $name;
            const COUNTS: bool = $counts;

            #[inline]
            fn insert(&mut self, entry: Scored) {
                <$order>::insert(self, entry);
            }

            #[inline]
            fn remove(&mut self, entry: &Scored) {
                <$order>::remove(self, entry);
            }

            #[inline]
            fn rank(&self, $entry: &Scored) -> usize {
                let $set = self;
                $rank
            }

            #[inline]
            fn starting_at_rank(&self, $at: usize, $count: usize, mut visit: impl FnMut(&Scored)) {
                let $from = self;
                $slice.take($count).for_each(|entry| visit(&entry));
            }

            #[inline]
            fn starting_at(&self, entry: Scored, count: usize, mut visit: impl FnMut(&Scored)) {
                self.range(entry..).take(count).for_each(|entry| visit(&entry));
            }

            #[inline]
            fn for_each(&self, mut visit: impl FnMut(&Scored)) {
                self.iter().for_each(|entry| visit(&entry));
            }
        }
    };
}

order!("BTreeSet", BTreeSet<Scored>, false, |set, entry| set.range(..entry).count(), |set, rank, count| set
    .iter()
    .skip(rank));
order!(
    "crossbeam SkipSet",
    SkipSet<Scored>,
    false,
    |set, entry| set.range(..entry.clone()).count(),
    |set, rank, count| set.iter().skip(rank)
);
order!(
    "wabi_tree",
    OSBTreeSet<Scored>,
    true,
    |set, entry| set.rank_of(entry).expect("a member"),
    |set, rank, count| set.get_by_rank(rank).map(|first| set.range(first..)).into_iter().flatten()
);
order!("indexset", indexset::BTreeSet<Scored>, true, |set, entry| set.rank(entry), |set, rank, count| set
    .range_idx(rank..set.len().min(rank + count)));
/// In version 1.3, `range` walks from the first member on, and the cursors do not.
impl Order for skiplist::SkipSet<Scored> {
    const NAME: &'static str = "skiplist";
    const COUNTS: bool = true;

    #[inline]
    fn insert(&mut self, entry: Scored) {
        self.insert(entry);
    }

    #[inline]
    fn remove(&mut self, entry: &Scored) {
        self.remove(entry);
    }

    #[inline]
    fn rank(&self, entry: &Scored) -> usize {
        self.rank(entry).expect("a member")
    }

    #[inline]
    fn starting_at_rank(&self, rank: usize, count: usize, visit: impl FnMut(&Scored)) {
        if let Some(first) = self.get_by_index(rank) {
            walk(self.lower_bound(Bound::Included(first)), count, visit);
        }
    }

    #[inline]
    fn starting_at(&self, entry: Scored, count: usize, visit: impl FnMut(&Scored)) {
        walk(self.lower_bound(Bound::Included(&entry)), count, visit);
    }

    #[inline]
    fn for_each(&self, visit: impl FnMut(&Scored)) {
        self.iter().for_each(visit);
    }
}

fn walk<const N: usize, C, G>(
    mut cursor: skiplist::skip_set::Cursor<'_, Scored, N, C, G>,
    count: usize,
    visit: impl FnMut(&Scored),
) where
    C: skiplist::Comparator<Scored>,
    G: skiplist::LevelGenerator,
{
    std::iter::from_fn(|| cursor.next()).take(count).for_each(visit);
}
