//! Measures the bytes per entry over N. Redcore has a flat line, and tables that double have a saw-tooth.
//!
//! A table that doubles has room for up to twice its entries. Its bytes per entry jump at a doubling, and
//! fall until the next one. During the doubling, the old and the new table exist. With a single N, each table
//! would be at an arbitrary point of its tooth. So the bytes are read at many N in every doubling, and the
//! mean is taken over whole doublings. (A few N are enough for the plot, but not for the mean. With four
//! readings in a doubling, hashbrown's mean is 8 % too low, because no reading is near its peak.)

use crate::keys::{self, Key};
use crate::maps::{CompactNode, FoldHash, Map, Node, Pointer, Visitor, for_each_map};
use crate::report::{Plot, Row, Series};
use crate::stores::{BoxMap, ClassicMap, Store};
use crate::suite::Ctx;
use keyspace::Keyspace;
use std::hash::BuildHasher;

/// The smallest N.
const FIRST: usize = 10_000;

/// The number of entries between two readings of `used_memory` that look for the peak.
const SAMPLE: usize = 1024;

/// The bytes of one subject from empty to the largest N.
struct Curve {
    name: &'static str,
    /// N and the bytes per entry, at every step.
    points: Vec<(usize, f64)>,
    /// The peak of the memory divided by the memory at the end. `peak_sampled` is from readings between
    /// inserts. `peak` is from `peak_memory`, which also includes the peak inside an insert.
    peak_sampled: f64,
    peak: f64,
    /// The bytes per entry after nine of ten entries are removed, if this was measured.
    thinned: Option<Thinned>,
}

/// The bytes per entry of a table after most of its entries are removed.
struct Thinned {
    /// Directly after the last removal.
    at_once: f64,
    /// After the maintenance that the table offers.
    maintained: f64,
}

/// Returns the N at which bytes are read: `per_octave` in each doubling from [`FIRST`], and `last` itself.
fn steps(last: usize, per_octave: u32) -> Vec<usize> {
    let nth = |i: u32| (FIRST as f64 * 2f64.powf(f64::from(i) / f64::from(per_octave))).round() as usize;
    (0..).map(nth).take_while(|&n| n < last).chain([last]).collect()
}

pub(super) fn run(ctx: &mut Ctx) {
    let last = ctx.settings.pick(25_000, 1_000_000, 10_000_000);
    let per_octave = ctx.settings.pick(2, 32, 32);
    let steps = steps(last, per_octave);
    let keys = keys::present(last, ctx.settings.seed);

    let mut grow = Grow { keys: &keys, steps: &steps, curves: Vec::new(), ctx };
    for_each_map::<Key, u64, Key, FoldHash>(&mut grow);
    let curves = grow.curves;
    let what = ", 16 B key and 8 B value";
    report(ctx, what, &curves, 1, per_octave);
    plot(ctx, "memory-inline", "Bytes per entry, 16-byte key and 8-byte value inline", &curves);

    let curves = pointer_curves(ctx, &keys, &steps);
    report(ctx, ", pointers", &curves, 2, per_octave);
    plot(ctx, "memory-pointers", "Bytes of table per entry, entries are pointers", &curves);

    ctx.progress.start("growth of stores", 3);
    let curves = [
        store_curve::<Keyspace<FoldHash>>(ctx, &keys, &steps),
        store_curve::<BoxMap>(ctx, &keys, &steps),
        store_curve::<ClassicMap>(ctx, &keys, &steps),
    ];
    report(ctx, ", keys of 16 B with values of 32 B", &curves, 1, per_octave);
    plot(ctx, "memory-keys", "Bytes a key, keys of 16 B with values of 32 B", &curves);
}

/// Returns the curve of a store with keys and values.
fn store_curve<S: Store>(ctx: &Ctx, keys: &[Key], steps: &[usize]) -> Curve {
    let mut store = S::new(keys.len());
    let curve = curve(S::NAME, steps, |i| store.set(&keys[i], &[keys[i], keys[i]].concat(), 0));
    ctx.progress.step();
    curve
}

/// Inserts one entry after the other with `insert`, and reads the memory at each of `steps`.
fn curve(name: &'static str, steps: &[usize], insert: impl FnMut(usize)) -> Curve {
    // This is allocated before the base is read, because it does not belong to the table.
    let points = Vec::with_capacity(steps.len());
    let base = zmalloc::used_memory();
    zmalloc::reset_peak_memory();
    let used = || zmalloc::used_memory().saturating_sub(base);
    let peak = || zmalloc::peak_memory().saturating_sub(base);
    read(name, steps, points, insert, used, peak)
}

/// Like [`curve`], with other functions that return the memory and its peak, in bytes.
fn read(
    name: &'static str,
    steps: &[usize],
    mut points: Vec<(usize, f64)>,
    mut insert: impl FnMut(usize),
    used: impl Fn() -> usize,
    peak: impl Fn() -> usize,
) -> Curve {
    let (mut done, mut peak_sampled) = (0, 0);
    for &n in steps {
        while done < n {
            let batch = (n - done).min(SAMPLE - done % SAMPLE);
            (done..done + batch).for_each(&mut insert);
            done += batch;
            peak_sampled = peak_sampled.max(used());
        }
        points.push((n, used() as f64 / n as f64));
    }
    let last = used() as f64;
    Curve {
        name,
        points,
        peak_sampled: peak_sampled as f64 / last,
        peak: peak() as f64 / last,
        thinned: None,
    }
}

struct Grow<'a, 'b> {
    keys: &'a [Key],
    steps: &'a [usize],
    curves: Vec<Curve>,
    ctx: &'a Ctx<'b>,
}

impl Visitor<Key, u64> for Grow<'_, '_> {
    fn visit<M: Map<Key, u64> + 'static>(&mut self) {
        self.ctx.progress.start(&format!("growth of {}", M::NAME), 1);
        let mut map = M::default();
        self.curves.push(curve(M::NAME, self.steps, |i| map.insert(self.keys[i], i as u64)));
        assert_eq!(map.len(), self.keys.len());
        self.ctx.progress.step();
    }
}

/// Makes the curve of a table of pointers. This is a macro because the two tables have the same methods and
/// no common trait. Only `$maintain` differs.
macro_rules! pointer_curve {
    ($table:ty, $pointer:ty, $name:literal, $nodes:expr, $steps:expr, $maintain:expr) => {{
        let hash = |pointer: &$pointer| FoldHash::default().hash_one(pointer.node().key);
        let (nodes, mut table): (&[Node], _) = ($nodes, <$table>::new());
        let mut curve = curve($name, $steps, |i| {
            let pointer = Pointer::to(&nodes[i]);
            table.insert_unique(hash(&pointer), pointer, hash);
        });
        let full = zmalloc::used_memory();
        // The order of insertion is random, so the first nine tenths are random entries.
        for node in &nodes[..nodes.len() / 10 * 9] {
            let is_it = |other: &$pointer| std::ptr::eq(other.node(), node);
            if let Ok(entry) = table.find_entry(hash(&Pointer::to(node)), is_it) {
                entry.remove();
            }
        }
        let (n, bytes) = curve.points.last().copied().unwrap_or((1, 0.0));
        let left = |now: usize, len: usize| (n as f64 * bytes + now as f64 - full as f64) / len as f64;
        let at_once = left(zmalloc::used_memory(), table.len());
        $maintain(&mut table, &hash);
        let maintained = left(zmalloc::used_memory(), table.len());
        curve.thinned = Some(Thinned { at_once, maintained });
        curve
    }};
}

/// The number of chunks that a round of maintenance merges.
const CHUNKS_PER_ROUND: usize = 1024;

/// Runs the maintenance of redcore's table: small steps until there is nothing left to do.
fn maintain<T>(table: &mut dict::Table<T>, hash: impl Fn(&T) -> u64) {
    while table.rehash_debt() > 0 {
        let work = table.rehash(CHUNKS_PER_ROUND, &hash);
        assert!(work.chunks_merged > 0, "a table that can shrink does");
    }
}

/// Runs the maintenance of hashbrown's table, which moves all entries to a smaller table at once.
fn shrink<T>(table: &mut hashbrown::HashTable<T>, hash: impl Fn(&T) -> u64) {
    table.shrink_to_fit(hash);
}

/// Returns the curves of tables of pointers, without the blocks that hold the keys. Nothing is timed, so the
/// blocks can be in one array.
fn pointer_curves(ctx: &Ctx, keys: &[Key], steps: &[usize]) -> Vec<Curve> {
    let nodes: Vec<Node> = keys.iter().map(|&key| Node { key, value: 0 }).collect();
    ctx.progress.start("growth of pointer tables", 3);
    let ours = pointer_curve!(dict::Table<_>, &Node, "Table", &nodes, steps, maintain);
    ctx.progress.step();
    let compact =
        pointer_curve!(dict::Table<_>, CompactNode, "Table, 6-byte pointers", &nodes, steps, maintain);
    ctx.progress.step();
    let theirs = pointer_curve!(hashbrown::HashTable<_>, &Node, "hashbrown HashTable", &nodes, steps, shrink);
    ctx.progress.step();
    vec![ours, compact, theirs]
}

/// A figure that summarizes a curve.
struct Summary {
    metric: &'static str,
    unit: &'static str,
    /// Computes the figure. The second argument is the number of readings in a doubling. The result is NaN if
    /// the figure was not measured.
    of: fn(&Curve, usize) -> f64,
}

const SUMMARIES: [Summary; 8] = [
    Summary {
        metric: "mean over N",
        unit: "B/entry",
        of: |curve, octave| mean(whole_doublings(curve, octave)),
    },
    Summary { metric: "most over N", unit: "B/entry", of: |curve, _| extremes(curve).1 },
    Summary { metric: "most over least", unit: "", of: |curve, _| extremes(curve).1 / extremes(curve).0 },
    Summary {
        metric: "at the largest N",
        unit: "B/entry",
        of: |curve, _| curve.points.last().map_or(0.0, |p| p.1),
    },
    Summary { metric: "peak over end, between inserts", unit: "", of: |curve, _| curve.peak_sampled },
    Summary {
        metric: "nine of ten removed",
        unit: "B/entry",
        of: |curve, _| curve.thinned.as_ref().map_or(f64::NAN, |thinned| thinned.maintained),
    },
    Summary {
        metric: "nine of ten removed, before maintenance",
        unit: "B/entry",
        of: |curve, _| curve.thinned.as_ref().map_or(f64::NAN, |thinned| thinned.at_once),
    },
    Summary { metric: "peak over end", unit: "", of: |curve, _| curve.peak },
];

fn extremes(curve: &Curve) -> (f64, f64) {
    let bytes = curve.points.iter().map(|&(_, bytes)| bytes);
    (bytes.clone().fold(f64::INFINITY, f64::min), bytes.fold(0.0, f64::max))
}

/// Returns the readings of all whole doublings, counted back from the last regular reading. (The very last
/// reading is at a round number, and is not a regular one.)
fn whole_doublings(curve: &Curve, per_octave: usize) -> &[(usize, f64)] {
    let regular = &curve.points[..curve.points.len() - 1];
    match regular.len() / per_octave * per_octave {
        0 => &curve.points,
        whole => &regular[regular.len() - whole..],
    }
}

fn mean(points: &[(usize, f64)]) -> f64 {
    points.iter().map(|&(_, bytes)| bytes).sum::<f64>() / points.len() as f64
}

/// Adds rows that compare each of the first `subjects` curves, which are redcore's, with each of the others.
fn report(ctx: &mut Ctx, what: &str, curves: &[Curve], subjects: usize, per_octave: u32) {
    let (subjects, peers) = curves.split_at(subjects);
    let case = format!("growth{what}");
    for Summary { metric, unit, of } in &SUMMARIES {
        for ours in subjects {
            let (last, value) =
                (ours.points.last().map_or(0, |&(n, _)| n as u64), of(ours, per_octave as usize));
            for peer in peers.iter().filter(|_| value.is_finite()) {
                let row = Row::alone(ctx.suite, &case, last, ours.name, metric, unit, value);
                ctx.report.row(row.beside(peer.name, of(peer, per_octave as usize)));
            }
        }
    }
}

fn plot(ctx: &mut Ctx, id: &str, title: &str, curves: &[Curve]) {
    let line = |curve: &Curve| Series {
        name: curve.name.into(),
        points: curve.points.iter().map(|&(n, bytes)| (n as f64, bytes)).collect(),
    };
    ctx.report.plot(Plot {
        id: id.into(),
        suite: ctx.suite.into(),
        title: title.into(),
        x_label: "entries".into(),
        y_label: "bytes per entry".into(),
        log_x: true,
        log_y: false,
        series: curves.iter().map(line).collect(),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_even_in_every_doubling_and_end_at_the_last_n() {
        assert_eq!(steps(40_000, 2), [10_000, 14_142, 20_000, 28_284, 40_000]);
        assert_eq!(steps(10_000, 8), [10_000]);
        let eight = steps(1_000_000, 8);
        assert!(
            eight.windows(9).all(|w| w[8] == 1_000_000 || (w[8] as f64 / w[0] as f64 - 2.0).abs() < 1e-3)
        );
    }

    fn curve_of(bytes: &[f64]) -> Curve {
        let points = bytes.iter().enumerate().map(|(i, &bytes)| (i + 1, bytes)).collect();
        Curve { name: "x", points, peak_sampled: 1.0, peak: 1.0, thinned: None }
    }

    #[test]
    fn the_mean_is_over_whole_doublings_only() {
        // There are five regular steps, two in each doubling. The first step is left out, and so is the round
        // number at the end.
        let curve = curve_of(&[100.0, 1.0, 2.0, 3.0, 4.0, 50.0]);
        assert_eq!(mean(whole_doublings(&curve, 2)), 2.5);
    }

    #[test]
    fn a_curve_is_read_at_its_steps_and_sees_both_peaks() {
        // A table of 10 bytes an entry, with 5,000 more bytes while entries 2,000 to 2,999 are inserted. Its
        // peak inside an insert is 100,000 bytes.
        let count = std::cell::Cell::new(0);
        let used = || count.get() * 10 + if (2_000..3_000).contains(&count.get()) { 5_000 } else { 0 };
        let insert = |i| {
            assert_eq!(i, count.get(), "entries come in order, each once");
            count.set(i + 1);
        };
        let curve = read("x", &[1_000, 2_500, 4_000], Vec::new(), insert, used, || 100_000);
        assert_eq!(curve.points, [(1_000, 10.0), (2_500, 12.0), (4_000, 10.0)]);
        // The readings are after 1,024, 2,048, 2,500, 3,072 and 4,000 entries. The greatest one is 40,000 at
        // the end.
        assert_eq!((curve.peak_sampled, curve.peak), (1.0, 2.5));
    }
}
