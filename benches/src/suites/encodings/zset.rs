//! Measures sorted sets: members are added and removed, found by name, by rank and by score, and get other
//! scores.
//!
//! The peers are an order of scores and members with a map from member to score ([`orders`](super::orders)),
//! and the skiplist of Redis.

use super::orders::{Indexed, Scored};
use super::packed::Packed;
use super::sorted_set::SortedSet;
use super::work::{Collections, Comparison, LIMITS, Phase, RANGE, Scale, Text, Work, add_bytes, visit_bytes};
use crate::lifecycle::timed;
use crate::maps::FoldHash;
use crate::suite::Ctx;
use compact_str::CompactString;
use hashbrown::HashMap;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use std::collections::BTreeSet;
use std::hint::black_box;
use std::time::Duration;
use values::ZSet;
use zindex::classic;

const PHASES: [Phase; 8] = [
    Phase::of_all("add"),
    Phase::of_all("score"),
    Phase::of_all("rank"),
    Phase::of_all("range by rank"),
    Phase::of_all("range by score"),
    Phase::of_all("iterate"),
    Phase::of_all("another score"),
    Phase::of_all("remove"),
];

pub(super) fn run(ctx: &mut Ctx, scale: Scale) {
    let digits = if scale.is_large() { 12 } else { 0 };
    let work = Work::new(scale, ctx.settings.seed, |number| Text::new("member:", number, digits));
    let mut field = Comparison::new(&work);
    add_candidate::<ZSet>(&mut field);
    field.mark_subjects();
    add_candidate::<Classic>(&mut field);
    add_candidate::<Indexed<wabi_tree::OSBTreeSet<Scored>>>(&mut field);
    add_candidate::<Indexed<indexset::BTreeSet<Scored>>>(&mut field);
    add_candidate::<Indexed<skiplist::SkipSet<Scored>>>(&mut field);
    add_candidate::<Indexed<BTreeSet<Scored>>>(&mut field);
    add_candidate::<Indexed<crossbeam_skiplist::SkipSet<Scored>>>(&mut field);
    if !scale.is_large() {
        add_candidate::<Vec<Scored>>(&mut field);
        add_candidate::<Packed>(&mut field);
    }
    field.run(ctx, "sorted set", PHASES);
}

fn add_candidate<Z: SortedSet>(field: &mut Comparison<{ PHASES.len() }>) {
    field.add_candidate(&Z::name(), run_phases::<Z>);
}

fn run_phases<Z: SortedSet>(work: &Work) -> ([Duration; PHASES.len()], usize) {
    let counts = Z::COUNTS || !work.scale.is_large();
    let mut sets = Collections::<Z>::new(work.scale);
    let add = timed(|| work.fill.iter().for_each(|v| sets.of(v).add(v.text.as_str(), v.score)));
    let full = sets.bytes();
    let mut scores = 0.0;
    let score = timed(|| {
        let of = |v| sets.of(v).score(black_box(v.text.as_str())).expect("a member");
        scores = work.find.iter().map(of).sum();
    });
    let expected: f64 = work.find.iter().map(|v| v.score).sum();
    assert_eq!(scores, expected, "{} forgot a score", Z::name());
    let mut ranks = 0;
    let rank = if_it(counts, || {
        let of = |v| sets.of(v).rank(black_box(v.text.as_str())).expect("a member");
        ranks = work.find.iter().map(of).sum();
    });
    let n = work.scale.n;
    assert!(!counts || ranks == work.scale.elements() * (n - 1) / 2, "{} counts wrongly", Z::name());
    let (mut sum, mut seen) = (0, 0);
    let mut visit = |bytes: &[u8], score: f64| {
        add_bytes(&mut sum, bytes);
        seen += usize::from(score < 2.0);
    };
    let by_rank = if_it(counts, || {
        work.find.iter().for_each(|v| sets.of(v).by_rank(work.range_start(v), RANGE, &mut visit));
    });
    let by_score = timed(|| work.find.iter().for_each(|v| sets.of(v).by_score(v.score, RANGE, &mut visit)));
    let iterate = timed(|| sets.all.iter().for_each(|set| set.for_each(&mut visit)));
    assert!(seen >= 2 * work.scale.elements(), "{} lost members", Z::name());
    black_box(sum);
    // Every score changes to another one from 0 to 1, so nearly all members move.
    let another =
        timed(|| work.find.iter().for_each(|v| sets.of(v).add(v.text.as_str(), other_score(v.score))));
    let mut count = 0;
    let remove = timed(|| count = work.fill.iter().filter(|v| sets.of(v).remove(v.text.as_str())).count());
    assert_eq!(count, work.fill.len(), "{} does not remove what it holds", Z::name());
    ([add, score, rank, by_rank, by_score, iterate, another, remove], full)
}

/// Returns the time of `work`, or 0 if it is not done.
fn if_it(does: bool, work: impl FnOnce()) -> Duration {
    if does { timed(work) } else { Duration::ZERO }
}

/// Returns another score from 0 to 1.
fn other_score(score: f64) -> f64 {
    let moved = score + 0.381_966_011_25;
    if moved < 1.0 { moved } else { moved - 1.0 }
}

impl SortedSet for ZSet {
    fn name() -> String {
        "ZSet".into()
    }

    #[inline]
    fn add(&mut self, member: &str, score: f64) {
        self.insert(member.as_bytes(), score, &LIMITS).expect("scores are numbers");
    }

    #[inline]
    fn score(&self, member: &str) -> Option<f64> {
        self.score(member.as_bytes())
    }

    #[inline]
    fn rank(&self, member: &str) -> Option<usize> {
        self.rank(member.as_bytes()).map(|(rank, _)| rank)
    }

    #[inline]
    fn by_rank(&self, rank: usize, count: usize, mut visit: impl FnMut(&[u8], f64)) {
        self.range(rank..rank + count)
            .for_each(|(member, score)| visit_bytes(member, &mut |m| visit(m, score)));
    }

    #[inline]
    fn by_score(&self, score: f64, count: usize, mut visit: impl FnMut(&[u8], f64)) {
        let from = self.range_by_score(score..);
        from.take(count).for_each(|(member, score)| visit_bytes(member, &mut |m| visit(m, score)));
    }

    #[inline]
    fn for_each(&self, mut visit: impl FnMut(&[u8], f64)) {
        self.iter().for_each(|(member, score)| visit_bytes(member, &mut |m| visit(m, score)));
    }

    #[inline]
    fn remove(&mut self, member: &str) -> bool {
        ZSet::remove(self, member.as_bytes()).is_some()
    }
}

/// The skiplist of Redis and a map of its members, which is the classic form of a sorted set.
struct Classic {
    order: classic::ZIndex,
    scores: HashMap<CompactString, f64, FoldHash>,
    /// The source of the random heights of nodes.
    rng: SmallRng,
}

impl Default for Classic {
    fn default() -> Self {
        Self { order: classic::ZIndex::new(), scores: HashMap::default(), rng: SmallRng::seed_from_u64(1) }
    }
}

impl SortedSet for Classic {
    fn name() -> String {
        "zindex::classic + HashMap".into()
    }

    #[inline]
    fn add(&mut self, member: &str, score: f64) {
        if let Some(old) = self.scores.insert(member.into(), score) {
            self.order.remove(member.as_bytes(), old);
        }
        let added = self.order.insert(member.as_bytes(), score, || self.rng.next_u64());
        added.expect("scores are numbers");
    }

    #[inline]
    fn score(&self, member: &str) -> Option<f64> {
        self.scores.get(member).copied()
    }

    #[inline]
    fn rank(&self, member: &str) -> Option<usize> {
        self.order.rank(member.as_bytes(), self.score(member)?)
    }

    #[inline]
    fn by_rank(&self, rank: usize, count: usize, mut visit: impl FnMut(&[u8], f64)) {
        self.order.range(rank).take(count).for_each(|(member, score)| visit(member, score));
    }

    #[inline]
    fn by_score(&self, score: f64, count: usize, visit: impl FnMut(&[u8], f64)) {
        self.by_rank(self.order.count_below(score, false), count, visit);
    }

    #[inline]
    fn for_each(&self, mut visit: impl FnMut(&[u8], f64)) {
        self.order.iter().for_each(|(member, score)| visit(member, score));
    }

    #[inline]
    fn remove(&mut self, member: &str) -> bool {
        let old = self.scores.remove(member);
        old.map(|score| self.order.remove(member.as_bytes(), score)).is_some()
    }
}

/// A sorted vector. Members are searched from the front.
impl SortedSet for Vec<Scored> {
    fn name() -> String {
        "sorted Vec<(f64, CompactString)>".into()
    }

    #[inline]
    fn add(&mut self, member: &str, score: f64) {
        SortedSet::remove(self, member);
        let entry = Scored::new(member, score);
        let place = self.partition_point(|other| *other < entry);
        self.insert(place, entry);
    }

    #[inline]
    fn score(&self, member: &str) -> Option<f64> {
        self.iter().find(|entry| entry.member == member).map(|entry| entry.score)
    }

    #[inline]
    fn rank(&self, member: &str) -> Option<usize> {
        self.iter().position(|entry| entry.member == member)
    }

    #[inline]
    fn by_rank(&self, rank: usize, count: usize, mut visit: impl FnMut(&[u8], f64)) {
        self.iter().skip(rank).take(count).for_each(|entry| visit(entry.member.as_bytes(), entry.score));
    }

    #[inline]
    fn by_score(&self, score: f64, count: usize, visit: impl FnMut(&[u8], f64)) {
        self.by_rank(self.partition_point(|entry| entry.score < score), count, visit);
    }

    #[inline]
    fn for_each(&self, visit: impl FnMut(&[u8], f64)) {
        self.by_rank(0, self.len(), visit);
    }

    #[inline]
    fn remove(&mut self, member: &str) -> bool {
        let place = SortedSet::rank(self, member);
        place.map(|place| self.remove(place)).is_some()
    }
}

/// The elements are the eight bytes of the score and the member, in the order of the scores.
impl SortedSet for Packed {
    fn name() -> String {
        Self::NAME.into()
    }

    #[inline]
    fn add(&mut self, member: &str, score: f64) {
        SortedSet::remove(self, member);
        let before = |element: &[u8]| {
            let (other_score, other) = split(element);
            other_score.total_cmp(&score).then_with(|| other.cmp(member.as_bytes())).is_lt()
        };
        let place = self.places().find(|place| !before(&self.0[place.clone()]));
        let at = place.map_or(self.0.len(), |place| place.start - 1);
        let mut element = [0; 8 + 23];
        element[..8].copy_from_slice(&score.to_ne_bytes());
        element[8..8 + member.len()].copy_from_slice(member.as_bytes());
        self.insert(at, &element[..8 + member.len()]);
    }

    #[inline]
    fn score(&self, member: &str) -> Option<f64> {
        self.iter().map(split).find(|(_, other)| *other == member.as_bytes()).map(|(score, _)| score)
    }

    #[inline]
    fn rank(&self, member: &str) -> Option<usize> {
        self.iter().position(|element| split(element).1 == member.as_bytes())
    }

    #[inline]
    fn by_rank(&self, rank: usize, count: usize, mut visit: impl FnMut(&[u8], f64)) {
        self.iter().skip(rank).take(count).map(split).for_each(|(score, member)| visit(member, score));
    }

    #[inline]
    fn by_score(&self, score: f64, count: usize, mut visit: impl FnMut(&[u8], f64)) {
        let from = self.iter().map(split).skip_while(|(other, _)| *other < score);
        from.take(count).for_each(|(score, member)| visit(member, score));
    }

    #[inline]
    fn for_each(&self, mut visit: impl FnMut(&[u8], f64)) {
        self.iter().map(split).for_each(|(score, member)| visit(member, score));
    }

    #[inline]
    fn remove(&mut self, member: &str) -> bool {
        let place = self.places().find(|place| self.0[place.start + 8..place.end] == *member.as_bytes());
        place.map(|place| self.remove(place)).is_some()
    }
}

#[inline]
fn split(element: &[u8]) -> (f64, &[u8]) {
    let (score, member) = element.split_first_chunk().expect("a score");
    (f64::from_ne_bytes(*score), member)
}
