//! Replays a trace file on an empty store in every round. Each request is a GET, and a SET if the key is
//! missing.

use super::store::{OwnedKey, Store, StoreVisitor, Value, for_each_store};
use crate::maps::Map;
use crate::measure::{Samples, Subject, paired};
use crate::report::Row;
use crate::suite::Ctx;
use crate::text::{figure, thousands};
use crate::trace::Trace;
use std::cell::Cell;
use std::hint::black_box;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// The number of rounds depends on the length of the trace: they have about this many requests in all. There
/// is at least one round.
const REQUESTS_WANTED: usize = 4_000_000;
const MAX_ROUNDS: usize = 15;

/// The result of one replay. It is the same for all subjects, except for the bytes.
#[derive(Clone, Copy, Default)]
struct Found {
    hits: usize,
    keys: usize,
    bytes: usize,
}

struct Collect<'a> {
    trace: &'a Trace,
    /// The first `n` of these bytes are a value of `n` bytes.
    value: &'a [u8],
    subjects: Vec<Subject<'a>>,
    found: Vec<Rc<Cell<Found>>>,
}

impl StoreVisitor for Collect<'_> {
    fn visit<K: OwnedKey, V: Value, M: Map<K, V, [u8]> + 'static>(&mut self, name: &str) {
        let found = Rc::new(Cell::new(Found::default()));
        let (trace, value, out) = (self.trace, self.value, Rc::clone(&found));
        self.subjects.push(Subject::new(name, move || {
            let (time, result) = replay::<K, V, M>(trace, value);
            out.set(result);
            time
        }));
        self.found.push(found);
    }
}

fn replay<K: OwnedKey, V: Value, M: Map<K, V, [u8]>>(trace: &Trace, value: &[u8]) -> (Duration, Found) {
    let before = zmalloc::used_memory();
    let mut store = Store::<M, K, V>::new();
    let mut hits = 0;
    let start = Instant::now();
    for request in trace.requests() {
        let key = trace.key(request.key);
        match store.get(key) {
            Some(read) => {
                black_box(read);
                hits += 1;
            }
            None => {
                let size = (request.size as usize).min(value.len());
                store.add(key, &value[..size]);
            }
        }
    }
    let time = start.elapsed();
    store.finish_background_work();
    let bytes = zmalloc::used_memory().saturating_sub(before);
    (time, Found { hits, keys: store.len(), bytes })
}

pub(super) fn run(ctx: &mut Ctx, name: &str, trace: &Trace) {
    let requests = trace.requests().len();
    let value = vec![b'v'; ctx.settings.value_cap];
    let mut collect = Collect { trace, value: &value, subjects: Vec::new(), found: Vec::new() };
    for_each_store(&mut collect);
    let Collect { mut subjects, found, .. } = collect;

    let rounds = ctx.settings.pick(1, (REQUESTS_WANTED / requests).clamp(1, MAX_ROUNDS), MAX_ROUNDS);
    let rounds = rounds.min((4 * REQUESTS_WANTED / requests).max(1));
    ctx.progress.start(name, rounds + 1);
    let samples = paired(&mut subjects, rounds, ctx.settings.seed, ctx.progress);
    drop(subjects);

    let case = format!("replay of {name}");
    ctx.report.compare(ctx.suite, &case, requests as u64, requests as u64, &samples);
    let per_key = |found: &Cell<Found>| found.get().bytes as f64 / found.get().keys as f64;
    for (peer, samples_of_peer) in found.iter().zip(&samples).skip(1) {
        let metric = "used_memory a key";
        let row =
            Row::alone(ctx.suite, &case, requests as u64, &samples[0].name, metric, "B", per_key(&found[0]));
        ctx.report.row(row.beside(&samples_of_peer.name, per_key(peer)));
    }
    let note = note(ctx.settings.value_cap, name, trace, found[0].get(), &samples);
    ctx.report.note(ctx.suite, note);
}

fn note(value_cap: usize, name: &str, trace: &Trace, found: Found, samples: &[Samples]) -> String {
    let requests = trace.requests();
    let cut = requests.iter().filter(|request| request.size as usize > value_cap).count();
    let asked: u64 = requests.iter().map(|request| u64::from(request.size)).sum();
    let mut text = format!(
        "{name}: {} requests, {} distinct keys, hit ratio {:.2} % (a store that keeps everything); mean value {} B, \
         in memory at most {} B (--value-cap), which cuts {:.1} % of the requests' values.\nRequests a second:",
        thousands(requests.len() as i64),
        thousands(trace.distinct_keys() as i64),
        found.hits as f64 / requests.len() as f64 * 100.0,
        figure(asked as f64 / requests.len() as f64),
        thousands(value_cap as i64),
        cut as f64 / requests.len() as f64 * 100.0,
    );
    for samples in samples {
        let per_second = requests.len() as f64 / (samples.median_ns() / 1e9);
        text += &format!(" {} {};", samples.name, figure(per_second));
    }
    text.pop();
    text + "."
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::maps::FoldHash;

    #[test]
    fn a_replay_sets_on_a_miss_and_hits_from_then_on() {
        let dir = std::env::temp_dir().join(format!("redcore-replay-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let path = dir.join("t.csv");
        std::fs::write(&path, "1,a,10\n2,b,99999\n3,a,10\n4,a,10\n").unwrap();
        let trace = Trace::open(&path).unwrap();
        std::fs::remove_dir_all(&dir).unwrap();
        let value = [b'v'; 64];
        type Peer = hashbrown::HashMap<Vec<u8>, Vec<u8>, FoldHash>;
        let (_, found) = replay::<Vec<u8>, Vec<u8>, Peer>(&trace, &value);
        assert_eq!((found.hits, found.keys), (2, 2));
    }
}
