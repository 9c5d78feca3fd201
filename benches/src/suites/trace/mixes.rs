//! Runs the YCSB mixes on a loaded store.
//!
//! Each subject keeps its store over all rounds of a mix. A round continues with the store that the last
//! round has left. In each round, all subjects get the same requests.

use super::store::{OwnedKey, Store, StoreVisitor, Value, for_each_scan_store, for_each_store};
use crate::keys::{Key, key, shuffled};
use crate::maps::Map;
use crate::measure::{Samples, Subject, paired};
use crate::report::Row;
use crate::suite::Ctx;
use crate::text::figure;
use crate::trace::ycsb::{Generator, MIXES, Mix, Op, Step, ZIPF_EXPONENT};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// The size of a value in bytes. (The default record of YCSB has ten fields of a hundred bytes.)
const VALUE_BYTES: usize = 100;

/// The work of one mix. It is generated before anything is timed.
struct Work {
    /// The key of each record, including the records that are inserted later.
    keys: Vec<Key>,
    /// The order in which the records are loaded.
    load: Vec<u32>,
    /// The requests of each round. Those of the warm-up come first.
    rounds: Vec<Vec<Step>>,
}

impl Work {
    fn new(mix: Mix, records: u32, requests: usize, rounds: usize, seed: u64) -> Self {
        let mut generator = Generator::new(mix, records, seed);
        let rounds: Vec<Vec<Step>> = (0..=rounds).map(|_| generator.steps(requests)).collect();
        let inserts = rounds.iter().flatten().filter(|step| step.op == Op::Insert).count();
        let keys = (0..u64::from(records) + inserts as u64).map(key).collect();
        Self { keys, load: shuffled(0..records, seed), rounds }
    }
}

struct Collect<'a> {
    work: &'a Work,
    subjects: Vec<Subject<'a>>,
    /// The name of each store, and its bytes for each key after loading.
    bytes: Vec<(String, f64)>,
}

impl StoreVisitor for Collect<'_> {
    fn visit<K: OwnedKey, V: Value, M: Map<K, V, [u8]> + 'static>(&mut self, name: &str) {
        let work = self.work;
        let before = zmalloc::used_memory();
        let mut store = Store::<M, K, V>::new();
        for &record in &work.load {
            store.add(&work.keys[record as usize], &[b'v'; VALUE_BYTES]);
        }
        store.finish_background_work();
        let bytes = zmalloc::used_memory() - before;
        self.bytes.push((name.into(), bytes as f64 / store.len() as f64));
        let mut rounds = work.rounds.iter();
        self.subjects.push(Subject::new(name, move || {
            let steps = rounds.next().map_or(&[][..], Vec::as_slice);
            play(&mut store, steps, &work.keys)
        }));
    }
}

fn play<K: OwnedKey, V: Value, M: Map<K, V, [u8]>>(
    store: &mut Store<M, K, V>,
    steps: &[Step],
    keys: &[Key],
) -> Duration {
    let mut value = [b'w'; VALUE_BYTES];
    let (mut missing, mut read) = (0, 0_usize);
    let start = Instant::now();
    for step in steps {
        let key = &keys[step.record as usize];
        match step.op {
            Op::Read => match store.get(key) {
                Some(found) => read = read.wrapping_add(found),
                None => missing += 1,
            },
            Op::Update => store.set(key, &value),
            Op::Insert => store.add(key, &value),
            Op::Scan(length) => read = read.wrapping_add(store.scan(length as usize)),
            Op::ReadModifyWrite => match store.get(key) {
                Some(found) => {
                    // The value that is written depends on the value that was read.
                    value[0] = found as u8;
                    store.set(key, &value);
                }
                None => missing += 1,
            },
        }
    }
    let time = start.elapsed();
    black_box(read);
    assert_eq!(missing, 0, "records that are there were not found");
    time
}

pub(super) fn run(ctx: &mut Ctx) {
    let records: u32 = ctx.settings.pick(1_000, 100_000, 1_000_000);
    let requests = ctx.settings.pick(1_000, 200_000, 400_000);
    let rounds = ctx.settings.pick(1, 5, 5);
    let mut speeds = Vec::new();
    for (i, mix) in MIXES.into_iter().enumerate() {
        ctx.progress.start(&format!("YCSB {}", mix.name), rounds + 1);
        // A scan takes about as long as fifty look-ups.
        let requests = if mix.scans() { requests / 20 } else { requests };
        let work = Work::new(mix, records, requests, rounds, ctx.settings.seed);
        let mut collect = Collect { work: &work, subjects: Vec::new(), bytes: Vec::new() };
        if mix.scans() {
            for_each_scan_store(&mut collect);
        } else {
            for_each_store(&mut collect);
        }
        let Collect { mut subjects, bytes, .. } = collect;
        let samples = paired(&mut subjects, rounds, ctx.settings.seed, ctx.progress);
        drop(subjects);
        let case = format!("YCSB {}", mix.name);
        ctx.report.compare(ctx.suite, &case, records.into(), requests as u64, &samples);
        if i == 0 {
            memory(ctx, records, &bytes);
        }
        speeds.push(speed(&case, requests, &samples));
    }
    ctx.report.note(
        ctx.suite,
        format!(
            "{records} records, keys of 16 B, values of {VALUE_BYTES} B, Zipf {ZIPF_EXPONENT} scrambled, seed {}. \
             Requests a second:\n{}",
            ctx.settings.seed,
            speeds.join("\n")
        ),
    );
}

fn memory(ctx: &mut Ctx, records: u32, bytes: &[(String, f64)]) {
    let Some(((subject, ours), peers)) = bytes.split_first() else { return };
    for (peer, bytes) in peers {
        let row =
            Row::alone(ctx.suite, "YCSB records", records.into(), subject, "used_memory a key", "B", *ours);
        ctx.report.row(row.beside(peer, *bytes));
    }
}

fn speed(case: &str, requests: usize, samples: &[Samples]) -> String {
    let of = |samples: &Samples| {
        format!("{} {}", samples.name, figure(requests as f64 / (samples.median_ns() / 1e9)))
    };
    format!("  {case}: {}", samples.iter().map(of).collect::<Vec<_>>().join("; "))
}
