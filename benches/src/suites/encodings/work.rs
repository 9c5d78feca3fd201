//! The operations on every collection, and the rows that are made from their times.

use crate::lifecycle::{Candidate, Schedule, time_phases};
use crate::measure::{Samples, ratio};
use crate::report::{NO_PEER, Row};
use crate::suite::Ctx;
use compact_str::CompactString;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use std::borrow::Borrow;
use std::cell::Cell;
use std::fmt::Write;
use std::hash::Hash;
use std::ops::Range;
use std::rc::Rc;
use std::time::Duration;
use values::EncodingLimits;

/// The metric of the rows that compare a subject with the fastest peer that takes at most twice its memory.
pub(crate) const RULE: &str = "beside the best in twice the memory";

/// A peer may take at most this many times the memory of the subject to count for [`RULE`].
const MEMORY_ALLOWED: f64 = 2.0;

/// The limits of redcore's collections, which are the defaults.
pub(super) const LIMITS: EncodingLimits = EncodingLimits::DEFAULT;

/// The number of elements that a range operation visits.
pub(super) const RANGE: usize = 10;

/// The number of collections, and of their elements.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    pub(super) n: usize,
    pub(super) collections: usize,
    rounds: usize,
}

impl Scale {
    /// Returns a scale of many collections of `n` elements.
    pub(super) fn small(n: usize, collections: usize, rounds: usize) -> Self {
        Self { n, collections: collections.max(1), rounds }
    }

    /// Returns a scale of one collection of `n` elements.
    pub(super) fn large(n: usize, rounds: usize) -> Self {
        Self { n, collections: 1, rounds }
    }

    /// Returns whether the collections are too large for operations of linear time.
    pub(super) fn is_large(self) -> bool {
        self.n > 1_000
    }

    pub(super) fn elements(self) -> usize {
        self.n * self.collections
    }
}

/// The type in which a peer holds a text.
pub(super) trait Element: Borrow<str> + Hash + Ord + Clone + for<'a> From<&'a str> + 'static {
    /// The name of the type in the tables.
    const NAME: &'static str;
}

impl Element for CompactString {
    const NAME: &'static str = "CompactString";
}

impl Element for Box<str> {
    const NAME: &'static str = "Box<str>";
}

/// A short text that is stored inline.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text {
    /// The bytes up to `len` are UTF-8. Only `new` writes them.
    bytes: [u8; 23],
    len: u8,
}

impl Text {
    /// Returns the text of `prefix` and `number`, with at least `digits` digits.
    pub(super) fn new(prefix: &str, number: u32, digits: usize) -> Self {
        let mut text = CompactString::from(prefix);
        let _ = write!(text, "{number:0digits$}");
        let mut bytes = [0; 23];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Self { bytes, len: text.len() as u8 }
    }

    #[inline]
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    #[inline]
    pub(super) fn as_str(&self) -> &str {
        // SAFETY: `new` has copied these bytes from a valid text, and nothing else writes them.
        unsafe { std::str::from_utf8_unchecked(self.as_bytes()) }
    }
}

/// One operation: the collection, and the element in all forms that a subject may need.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visit {
    pub(super) collection: u32,
    /// The number of the element. It is less than the `n` of the scale if the element is there.
    pub(super) number: u32,
    /// A random integer of 32 bits, which is different for every number.
    pub(super) integer: i64,
    /// A random score from 0 to 1, which is different for every number.
    pub(super) score: f64,
    pub(super) text: Text,
}

/// All operations of a life.
pub(super) struct Work {
    pub(super) scale: Scale,
    /// Every element of every collection, in a random order.
    pub(super) fill: Vec<Visit>,
    /// The same elements in another order.
    pub(super) find: Vec<Visit>,
    /// The same number of elements that no collection has.
    pub(super) absent: Vec<Visit>,
}

impl Work {
    /// Draws all operations. `text` returns the text of an element.
    pub(super) fn new(scale: Scale, seed: u64, text: impl Fn(u32) -> Text) -> Self {
        let n = u32::try_from(scale.n).expect("more elements than the suite ever asks for");
        let visits = |numbers: Range<u32>, seed| {
            let collections = 0..scale.collections as u32;
            let mut visits: Vec<Visit> = collections
                .flat_map(|c| numbers.clone().map(move |number| (c, number)))
                .map(|(collection, number)| Visit {
                    collection,
                    number,
                    integer: (number.wrapping_mul(0x9E37_79B1) as i32).into(),
                    score: (mix(number) >> 11) as f64 / (1_u64 << 53) as f64,
                    text: text(number),
                })
                .collect();
            visits.shuffle(&mut SmallRng::seed_from_u64(seed));
            visits
        };
        let (fill, find) = (visits(0..n, seed), visits(0..n, seed.wrapping_add(1)));
        Self { scale, fill, find, absent: visits(n..2 * n, seed.wrapping_add(2)) }
    }

    /// Returns the start of a range that begins at the element of the visit. The start is moved if necessary,
    /// so that the whole range exists.
    #[inline]
    pub(super) fn range_start(&self, visit: &Visit) -> usize {
        (visit.number as usize).min(self.scale.n - RANGE.min(self.scale.n))
    }
}

/// Maps numbers one-to-one to numbers that are spread over 64 bits.
fn mix(number: u32) -> u64 {
    let mixed = u64::from(number).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed ^ mixed >> 32).wrapping_mul(0xD6E8_FEB8_6659_FD93)
}

/// The collections of one life, and the memory that was used before them.
pub(super) struct Collections<C> {
    pub(super) all: Vec<C>,
    before: usize,
}

impl<C: Default> Collections<C> {
    pub(super) fn new(scale: Scale) -> Self {
        let before = zmalloc::used_memory();
        let mut all = Vec::with_capacity(scale.collections);
        all.resize_with(scale.collections, C::default);
        Self { all, before }
    }

    #[inline]
    pub(super) fn of(&mut self, visit: &Visit) -> &mut C {
        &mut self.all[visit.collection as usize]
    }

    /// Returns the bytes that the handles and their blocks take. (The difference may be negative in tests,
    /// because other tests free memory at the same time.)
    pub(super) fn bytes(&self) -> usize {
        zmalloc::used_memory().saturating_sub(self.before)
    }
}

/// Adds data from the bytes of an element to a sum, so that the bytes must be read.
#[inline]
pub(super) fn add_bytes(sum: &mut u64, bytes: &[u8]) {
    *sum += bytes.len() as u64 + u64::from(bytes.first().copied().unwrap_or(0));
}

/// Passes an element to a visitor.
#[inline]
pub(super) fn visit_bytes(element: values::Element, visit: &mut impl FnMut(&[u8])) {
    match element {
        values::Element::Bytes(bytes) => visit(bytes),
        integer => visit(&integer.text()),
    }
}

/// The candidates of one comparison. Redcore's come before their peers.
pub(super) struct Comparison<'a, const PHASES: usize> {
    work: &'a Work,
    /// How many of the candidates are redcore's.
    subjects: usize,
    candidates: Vec<Candidate<'a, PHASES>>,
    /// The bytes that the collections of each candidate took when they were full.
    bytes: Vec<Rc<Cell<usize>>>,
}

impl<'a, const PHASES: usize> Comparison<'a, PHASES> {
    pub(super) fn new(work: &'a Work) -> Self {
        Self { work, subjects: 0, candidates: Vec::new(), bytes: Vec::new() }
    }

    /// Adds a candidate. Its `run_phases` returns the times of the phases, and the bytes of its full
    /// collections.
    pub(super) fn add_candidate(
        &mut self,
        name: &str,
        run_phases: impl Fn(&Work) -> ([Duration; PHASES], usize) + 'a,
    ) {
        let bytes = Rc::new(Cell::new(0));
        self.bytes.push(bytes.clone());
        let work = self.work;
        self.candidates.push(Candidate::new(name, move || {
            let (times, full) = run_phases(work);
            bytes.set(full);
            times
        }));
    }

    /// Marks all candidates so far as redcore's.
    pub(super) fn mark_subjects(&mut self) {
        self.subjects = self.candidates.len();
    }

    /// Runs all lives, and adds the rows of `what`: for each phase a row for each peer that has the phase,
    /// and the bytes.
    pub(super) fn run(mut self, ctx: &mut Ctx, what: &str, phases: [Phase; PHASES]) {
        let scale = self.work.scale;
        let schedule = Schedule { rounds: scale.rounds, repeats: 1, warm_up: true, seed: ctx.settings.seed };
        let title = format!("{what} of {}", scale.n);
        let samples = time_phases(&mut self.candidates, schedule, &title, ctx.progress);
        let bytes: Vec<f64> = self.bytes.iter().map(|b| b.get() as f64 / scale.elements() as f64).collect();
        for (phase, samples) in phases.iter().zip(&samples) {
            let case = format!("{what}, {}", phase.name);
            let (n, ops) = (scale.n as u64, (phase.ops)(scale) as u64);
            let able: Vec<(&Samples, f64)> =
                samples.iter().zip(bytes.iter().copied()).filter(|(samples, _)| has_phase(samples)).collect();
            let subjects = samples[..self.subjects].iter().filter(|samples| has_phase(samples)).count();
            let (ours, peers) = able.split_at(subjects);
            let cloned =
                |side: &[(&Samples, f64)]| side.iter().map(|(s, _)| (*s).clone()).collect::<Vec<_>>();
            ctx.report.compare_many(ctx.suite, &case, n, ops, &cloned(ours), &cloned(peers));
            ours.iter().for_each(|&subject| {
                ctx.report.row(compare_with_best_peer(ctx.suite, &case, n, subject, peers))
            });
        }
        let names: Vec<&str> = samples[0].iter().map(|samples| samples.name.as_str()).collect();
        for (subject, ours) in names.iter().zip(&bytes).take(self.subjects) {
            let row = Row::alone(ctx.suite, what, scale.n as u64, subject, "memory", "B/element", *ours);
            for (peer, theirs) in names.iter().zip(&bytes).skip(self.subjects) {
                ctx.report.row(row.clone().beside(peer, *theirs));
            }
        }
    }
}

/// A phase of a life.
#[derive(Clone, Copy)]
pub(super) struct Phase {
    name: &'static str,
    /// The number of operations in the phase.
    ops: fn(Scale) -> usize,
}

impl Phase {
    /// Returns a phase with an operation on every element.
    pub(super) const fn of_all(name: &'static str) -> Self {
        Self { name, ops: Scale::elements }
    }

    /// Returns a phase with an operation on every second element.
    pub(super) const fn of_half(name: &'static str) -> Self {
        Self { name, ops: |scale| scale.elements() / 2 }
    }
}

/// Returns whether a candidate has the phase. The time of a phase that it does not have is 0.
fn has_phase(samples: &Samples) -> bool {
    samples.rounds.iter().any(|round| !round.is_zero())
}

/// Returns the row that compares a subject with the fastest of the peers that take at most twice its bytes.
fn compare_with_best_peer(
    suite: &str,
    case: &str,
    n: u64,
    (subject, ours): (&Samples, f64),
    peers: &[(&Samples, f64)],
) -> Row {
    let best = peers
        .iter()
        .filter(|(_, bytes)| *bytes <= ours * MEMORY_ALLOWED)
        .map(|(samples, _)| *samples)
        .min_by(|a, b| a.median_ns().total_cmp(&b.median_ns()));
    let row = |value| Row::alone(suite, case, n, &subject.name, RULE, "", value);
    match best {
        Some(best) => {
            let ratio = ratio(subject, best);
            Row { ratio_low: ratio.low, ratio_high: ratio.high, ..row(ratio.median).beside(&best.name, 1.0) }
        }
        // No peer does the operation in this memory.
        None => row(0.0).beside(NO_PEER, 1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn samples(name: &str, micros: [u64; 3]) -> Samples {
        Samples { name: name.into(), rounds: micros.map(Duration::from_micros).to_vec() }
    }

    #[test]
    fn the_rule_takes_the_fastest_peer_of_at_most_twice_the_bytes() {
        let (ours, fat, slow, fit) = (
            samples("ours", [10, 20, 30]),
            samples("fat", [1, 2, 3]),
            samples("slow", [40, 80, 120]),
            samples("fit", [20, 40, 60]),
        );
        let peers = [(&fat, 16.1), (&slow, 7.0), (&fit, 16.0)];
        let row = compare_with_best_peer("s", "c", 10, (&ours, 8.0), &peers);
        assert_eq!((row.peer.as_str(), row.value, row.ratio), ("fit", 0.5, 0.5));
        let row = compare_with_best_peer("s", "c", 10, (&ours, 8.05), &peers);
        assert_eq!((row.peer.as_str(), row.value), ("fat", 10.0));
        let row = compare_with_best_peer("s", "c", 10, (&ours, 1.0), &peers);
        assert_eq!((row.peer.as_str(), row.value), ("no peer", 0.0));
    }

    #[test]
    fn a_peer_without_the_operation_took_no_time_at_all() {
        assert!(has_phase(&samples("able", [0, 1, 0])) && !has_phase(&samples("unable", [0; 3])));
    }

    #[test]
    fn every_element_is_visited_once_in_each_order_and_absent_ones_are_others() {
        let work = Work::new(Scale::small(10, 7, 1), 1, |number| Text::new("e", number, 3));
        let key = |visit: &Visit| {
            (visit.collection, visit.text.as_bytes().to_vec(), visit.integer, visit.score.to_bits())
        };
        let keys = |visits: &[Visit]| visits.iter().map(key).collect::<HashSet<_>>();
        assert_eq!(keys(&work.fill).len(), 70);
        assert_eq!(keys(&work.fill), keys(&work.find));
        assert!(keys(&work.fill).is_disjoint(&keys(&work.absent)));
        assert!(work.fill.iter().zip(&work.find).any(|(a, b)| key(a) != key(b)));
        assert!(work.fill.iter().all(|visit| work.range_start(visit) == 0), "ten of ten");
    }
}
