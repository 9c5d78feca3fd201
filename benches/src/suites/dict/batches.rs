//! Look-ups with work between them, and inserts, in batches of sixteen.
//!
//! A loop that only looks keys up overlaps their cache misses, because the processor runs ahead into the next
//! look-ups. A store works on each value before the next request, and a processor does not look ahead that
//! far. So the *store-like* round looks a key up, works on the value for 200 ns, and continues with the next
//! key:
//!
//! ```text
//!  single      look up 1, work, look up 2, work, ...          each look-up waits for memory alone
//!  in batches  look up 1 to 16 together, work, work, ...      as with sixteen requests of a pipeline
//! ```
//!
//! Why it is fair: the work is a chain of multiplications that begins with the value and the result so far.
//! The place of the next request depends on the result. (The dependence adds an amount that is always 0, but
//! the processor cannot know this.) So a look-up cannot begin before the previous work is done. Within a
//! batch, the keys are known beforehand, which is the purpose of a batch. Both ways do the same work on the
//! same values in the same order. Requests are read one after the other, as from the buffer of a socket.
//! Random places would add one more cache miss that batches overlap.
//!
//! hashbrown has no batches. But a program can look sixteen known keys up in a loop, and work on the values
//! afterwards. The subjects *16 gets* and *16 finds* do this.
//!
//! Inserts are timed from an empty table. `extend`, which hashes and prefetches sixteen keys before it
//! inserts the first one, is compared with single inserts.

use super::pointers::{hash, nodes_and};
use crate::keys::{Key, Keys};
use crate::lifecycle::timed;
use crate::maps::{CompactNode, FoldHash, Map, Node, Pointer};
use crate::measure::{Subject, paired};
use crate::suite::Ctx;
use dict::prefetch::prefetch;
use dict::{Dict, Table};
use hashbrown::{HashMap, HashTable};
use std::hint::black_box;
use std::time::Duration;

const GET: &str = "Dict, get";
const FIND: &str = "Table, find";
const FIND_COMPACT: &str = "Table, 6-byte pointers, find";
const INSERT: &str = "Dict, insert";

/// The single operations of redcore, which are peers of its batches.
pub(super) const SINGLE: [&str; 4] = [GET, FIND, FIND_COMPACT, INSERT];

/// The number of keys in a batch.
const BATCH: usize = 16;

/// The time of the work on a value, in nanoseconds.
const WORK_NS: f64 = 200.0;

/// The maximum number of look-ups in a round.
const LOOK_UPS: usize = 400_000;

/// The work on a value: a chain of steps of a few cycles, each of which waits for the previous one.
#[derive(Clone, Copy)]
struct Work {
    steps: u32,
}

impl Work {
    /// Finds the number of steps that take [`WORK_NS`]. Returns it, and the time of the steps, which is the
    /// least of several readings.
    fn calibrate() -> (Self, f64) {
        const STEPS: u32 = 200_000;
        let trial = Self { steps: STEPS };
        let read = |_| timed(|| _ = black_box(trial.run(black_box(1), 1)));
        let least = (0..20).map(read).min().unwrap_or(Duration::ZERO);
        let step_ns = (least.as_secs_f64() * 1e9 / f64::from(STEPS)).max(f64::EPSILON);
        let steps = (WORK_NS / step_ns).round() as u32;
        (Self { steps }, f64::from(steps) * step_ns)
    }

    #[inline]
    fn run(self, so_far: u64, value: u64) -> u64 {
        (0..self.steps).fold(so_far ^ value, |x, _| (x ^ x >> 32).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }
}

/// Requests whose place depends on the result so far. They are read in order, but the processor cannot know
/// this.
struct Requests<'a> {
    keys: &'a [Key],
    /// The number 0, which the compiler cannot know.
    shift: u64,
}

impl<'a> Requests<'a> {
    /// Returns the requests of a round, which are whole batches.
    fn new(keys: &'a [Key]) -> Self {
        Self { keys: &keys[..keys.len().min(LOOK_UPS) / BATCH * BATCH], shift: black_box(0) }
    }

    #[inline]
    fn batch(&self, at: usize, so_far: u64) -> &'a [Key; BATCH] {
        let at = at + (so_far & self.shift) as usize;
        self.keys[at..].first_chunk().expect("whole batches")
    }

    /// Makes single look-ups. `find` returns the value.
    fn single(&self, work: Work, mut find: impl FnMut(&Key) -> Option<u64>) -> Duration {
        let mut result = 0;
        let time = timed(|| {
            for at in 0..self.keys.len() {
                let key = &self.keys[at + (result & self.shift) as usize];
                result = work.run(result, find(key).expect("all are there"));
            }
        });
        black_box(result);
        time
    }

    /// Makes look-ups in batches. `find` passes each value to its second argument, in order.
    fn batches(
        &self,
        work: Work,
        mut find: impl FnMut(&[Key; BATCH], &mut dyn FnMut(Option<u64>)),
    ) -> Duration {
        let mut result = 0;
        let time = timed(|| {
            for at in (0..self.keys.len()).step_by(BATCH) {
                let keys = self.batch(at, result);
                find(keys, &mut |value| result = work.run(result, value.expect("all are there")));
            }
        });
        black_box(result);
        time
    }
}

/// Measures look-ups and inserts.
pub(super) fn run(ctx: &mut Ctx, keys: &Keys) {
    let (work, ns) = Work::calibrate();
    let n = keys.insert.len();
    ctx.report.note(
        ctx.suite,
        format!(
            "Store-like round of {n}: work of {} dependent steps, {ns:.0} ns, on each value.",
            work.steps
        ),
    );
    inline(ctx, keys, work);
    nodes_and(keys, |nodes| pointers(ctx, keys, &nodes, work));
    inserts(ctx, keys);
}

/// Measures values in the entries: batches of redcore are compared with single look-ups of redcore and of
/// hashbrown.
fn inline(ctx: &mut Ctx, keys: &Keys, work: Work) {
    let (mut ours, mut theirs) =
        (Dict::<Key, u64, FoldHash>::default(), HashMap::<Key, u64, FoldHash>::default());
    for (value, key) in (0..).zip(&keys.insert) {
        ours.insert(*key, value);
        theirs.insert(*key, value);
    }
    let requests = Requests::new(&keys.find);
    let (ours, theirs, requests) = (&ours, &theirs, &requests);
    let mut subjects = [
        Subject::new("Dict, get_many of 16", move || {
            requests.batches(work, |keys, each| {
                ours.get_many(keys.each_ref()).into_iter().for_each(|found| each(found.copied()));
            })
        }),
        Subject::new(GET, move || requests.single(work, |key| ours.get(key).copied())),
        Subject::new("hashbrown, get", move || requests.single(work, |key| theirs.get(key).copied())),
        Subject::new("hashbrown, 16 gets", move || {
            requests.batches(work, |keys, each| {
                keys.map(|key| theirs.get(&key).copied()).into_iter().for_each(each);
            })
        }),
    ];
    store_like(ctx, "store-like", keys, &mut subjects);
}

/// Makes a table. This is a macro because the two tables have the same methods and no common trait.
macro_rules! table_of {
    ($table:ty, $nodes:expr) => {{
        let mut table = <$table>::new();
        for &node in $nodes {
            table.insert_unique(hash(&node.key), Pointer::to(node), |other| hash(&other.node().key));
        }
        table
    }};
}

/// Makes sixteen look-ups in a plain loop, and then does the work.
macro_rules! find_sixteen {
    ($table:ident, $requests:ident, $work:ident) => {
        move || {
            $requests.batches($work, |keys, each| {
                let find = |key: &Key| {
                    $table.find(hash(key), |other| other.node().key == *key).map(|other| other.node().value)
                };
                keys.each_ref().map(find).into_iter().for_each(each);
            })
        }
    };
}

macro_rules! find_one {
    ($table:ident, $requests:ident, $work:ident) => {
        move || {
            $requests.single($work, |key| {
                $table.find(hash(key), |other| other.node().key == *key).map(|other| other.node().value)
            })
        }
    };
}

/// Makes look-ups in batches in a table of pointers, and prefetches their blocks.
fn find_batches<'a, P: Pointer<'a>>(table: &Table<P>, requests: &Requests, work: Work) -> Duration {
    requests.batches(work, |keys, each| {
        let found = table.find_many(
            keys.each_ref().map(hash),
            |ahead| prefetch(ahead.node()),
            |i, other| other.node().key == keys[i],
        );
        found.into_iter().for_each(|found| each(found.map(|pointer| pointer.node().value)));
    })
}

/// Measures values in separate blocks.
fn pointers(ctx: &mut Ctx, keys: &Keys, nodes: &[&Node], work: Work) {
    let ours = &table_of!(Table<&Node>, nodes);
    let compact = &table_of!(Table<CompactNode>, nodes);
    let theirs = &table_of!(HashTable<&Node>, nodes);
    let requests = &Requests::new(&keys.find);
    let case = "store-like, pointers";
    let mut subjects = [
        Subject::new("Table, find_many of 16", move || find_batches(ours, requests, work)),
        Subject::new(FIND, find_one!(ours, requests, work)),
        Subject::new("hashbrown HashTable, find", find_one!(theirs, requests, work)),
        Subject::new("hashbrown HashTable, 16 finds", find_sixteen!(theirs, requests, work)),
    ];
    store_like(ctx, case, keys, &mut subjects);
    let mut subjects = [
        Subject::new("Table, 6-byte pointers, find_many of 16", move || {
            find_batches(compact, requests, work)
        }),
        Subject::new(FIND_COMPACT, find_one!(compact, requests, work)),
        Subject::new("hashbrown HashTable, find", find_one!(theirs, requests, work)),
        Subject::new("hashbrown HashTable, 16 finds", find_sixteen!(theirs, requests, work)),
    ];
    store_like(ctx, case, keys, &mut subjects);
}

/// Compares the first subject with the others. Then compares the second subject, which makes single look-ups,
/// with the third one, which is hashbrown's.
fn store_like(ctx: &mut Ctx, case: &str, keys: &Keys, subjects: &mut [Subject]) {
    let (n, rounds) = (keys.insert.len(), ctx.settings.pick(1, 3, 7));
    ctx.progress.start(&format!("{case} of {n}"), rounds + 1);
    let samples = paired(subjects, rounds, ctx.settings.seed, ctx.progress);
    let look_ups = Requests::new(&keys.find).keys.len() as u64;
    ctx.report.compare(ctx.suite, case, n as u64, look_ups, &samples);
    ctx.report.compare(ctx.suite, case, n as u64, look_ups, &samples[1..3]);
}

/// Measures inserts into an empty table, in batches and one by one.
fn inserts(ctx: &mut Ctx, keys: &Keys) {
    let (n, rounds) = (keys.insert.len(), ctx.settings.pick(1, 3, 3));
    let entries = || keys.insert.iter().copied().zip(0..);
    fn from_empty<M: Map<Key, u64>>(n: usize, insert: impl FnOnce(&mut M)) -> Duration {
        let mut map = M::default();
        let time = timed(|| insert(&mut map));
        assert_eq!(map.len(), n);
        time
    }
    let mut subjects = [
        Subject::new("Dict, extend", || {
            from_empty(n, |dict: &mut Dict<Key, u64, FoldHash>| dict.extend(entries()))
        }),
        Subject::new(INSERT, || {
            from_empty(n, |dict: &mut Dict<Key, u64, FoldHash>| {
                entries().for_each(|(key, value)| _ = dict.insert(key, value));
            })
        }),
        Subject::new("hashbrown, insert", || {
            from_empty(n, |map: &mut HashMap<Key, u64, FoldHash>| {
                entries().for_each(|(key, value)| _ = map.insert(key, value));
            })
        }),
    ];
    ctx.progress.start(&format!("inserts of {n}"), rounds + 1);
    let samples = paired(&mut subjects, rounds, ctx.settings.seed, ctx.progress);
    ctx.report.compare(ctx.suite, "insert in batches", n as u64, n as u64, &samples);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_asking_do_the_same_work_in_the_same_order() {
        let keys = Keys::new(10 * BATCH + 3, 1);
        let requests = Requests::new(&keys.find);
        assert_eq!(requests.keys.len(), 10 * BATCH);
        let value = |key: &Key| u64::from(key[15]);
        let (mut single, mut batched) = (Vec::new(), Vec::new());
        let work = Work { steps: 2 };
        requests.single(work, |key| {
            single.push(*key);
            Some(value(key))
        });
        requests.batches(work, |keys, each| {
            batched.extend(keys);
            keys.iter().for_each(|key| each(Some(value(key))));
        });
        assert_eq!((single.len(), &single), (160, &batched));
        assert!(work.run(1, 2) != work.run(2, 2) && work.run(1, 2) != work.run(1, 3));
    }

    #[test]
    fn the_work_is_as_long_as_it_says() {
        let (work, ns) = Work::calibrate();
        assert!(work.steps > 0 && (ns - WORK_NS).abs() < WORK_NS / 10.0, "{} steps, {ns} ns", work.steps);
    }
}
