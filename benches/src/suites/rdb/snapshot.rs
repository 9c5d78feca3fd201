//! Measures a snapshot during random writes, beside the fork of servers.
//!
//! ```text
//!  begin | slice, 500 us | 256 SETs | 256 writes, each timed | slice | ... | end | load and compare
//! ```
//!
//! - **Memory**: the maximum of `used_memory` beyond the live data. It is read after each slice and each
//!   batch of writes. It includes the state of the snapshot, removed values that are not saved yet, garbage,
//!   and the buffers of the sink. The peer is the memory of the pages that a server's fork has copied, which
//!   INFO persistence reports (`current_cow_peak`, `rdb_last_cow_size`). The server gets the same writes
//!   through a socket, at full speed.
//! - **Longest calls**: the processor time of single writes and slices. An interrupt lengthens a call. So
//!   several snapshots are measured, and the row has the smallest of their longest calls.
//! - **SET**: the time of SETs of old keys during a snapshot, beside the same batches without one, in turns.
//!
//! The keys and values of a batch are made before it is timed. The file must have the state at the start of
//! the snapshot. So a digest of all keys before the snapshot is compared with a digest of the file.

use super::KEYSPACE;
use super::fork;
use super::workload::{self, Data, Writes};
use crate::lifecycle::timed;
use crate::maps::FoldHash;
use crate::measure::Samples;
use crate::report::Row;
use crate::suite::Ctx;
use crate::text::thousands;
use anyhow::{Result, ensure};
use keyspace::{Keyspace, ValueRef};
use rdb::{LoadOptions, Loader, SnapshotFile, WriteOptions};
use std::hash::BuildHasher;
use std::path::Path;
use std::time::{Duration, Instant};

/// The budget of a slice.
const BUDGET: Duration = Duration::from_micros(500);

/// The number of SETs that are timed together between two slices. As many writes are timed one by one.
const BATCH: usize = 256;

/// The subject and the peer of the time of a SET.
const DURING: &str = "during a snapshot";
pub(super) const WITHOUT: &str = "without a snapshot";

/// The results of one run, with or without a snapshot.
#[derive(Default)]
struct Found {
    batches: usize,
    /// The time of each slice, in nanoseconds.
    slices: Vec<u32>,
    /// The time of each write that was timed alone, in nanoseconds.
    writes: Vec<u32>,
    /// The time of all batches of SETs.
    sets: Duration,
    /// The maximum number of bytes beyond the live data.
    extra: usize,
    /// The live data at the start, in bytes.
    live: usize,
    /// The length of the file, in bytes.
    file: u64,
    took: Duration,
}

impl Found {
    /// Returns the mean time of a million SETs. A `Duration` has no fractions of a nanosecond, so a single
    /// SET would be rounded.
    fn set_time(&self) -> Duration {
        Duration::from_nanos((self.sets.as_nanos() as f64 * 1e6 / (self.batches * BATCH) as f64) as u64)
    }
}

pub(super) fn run(ctx: &mut Ctx) -> Result<()> {
    for data in workload::data_sets(ctx.settings) {
        measure(ctx, data)?;
    }
    Ok(())
}

fn measure(ctx: &mut Ctx, data: Data) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (start_file, path) = (folder.path().join("start.rdb"), folder.path().join("dump.rdb"));
    let case = format!("snapshot of {} under writes", data.name);
    let rounds = ctx.settings.pick(1, 3, 3);
    ctx.progress.start(&case, rounds + ctx.inputs.servers.len());
    let mut store = Keyspace::with_hasher(FoldHash::default());
    data.fill(&mut store, ctx.settings.seed);
    super::beside::save(&store, &start_file)?;
    let mut writes = Writes::new(data, ctx.settings.seed);
    let mut found = Vec::new();
    let (mut during, mut without) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        // In every second round, the writes without a snapshot come first.
        let batches = found.last().map_or(1, |found: &Found| found.batches);
        let before = (round % 2 == 1).then(|| writes_alone(&mut store, &mut writes, batches));
        let one = snapshot(&mut store, &mut writes, &path)?;
        let plain = before.unwrap_or_else(|| writes_alone(&mut store, &mut writes, one.batches));
        during.push(one.set_time());
        without.push(plain.set_time());
        found.push(one);
        ctx.progress.step();
    }
    drop(store);
    let mut forks = Vec::new();
    for program in &ctx.inputs.servers {
        forks.push((program.name.clone(), fork::measure(program, &start_file, data, ctx.settings.seed)?));
        ctx.progress.step();
    }
    let n = data.strings + data.collections;
    report(ctx, &case, n, &found, &forks);
    let samples =
        [(DURING, during), (WITHOUT, without)].map(|(name, rounds)| Samples { name: name.into(), rounds });
    ctx.report.compare(ctx.suite, &format!("SET of an old key, {case}"), n, 1_000_000, &samples);
    Ok(())
}

/// Measures a whole snapshot. Returns an error if the file does not have the state at the start.
fn snapshot(store: &mut Keyspace<FoldHash>, writes: &mut Writes, path: &Path) -> Result<Found> {
    let expected = digest(store);
    let (live, used) = (live_bytes(store), zmalloc::used_memory());
    let mut found = Found { live, ..Found::default() };
    let start = Instant::now();
    let mut file = SnapshotFile::create(path, &WriteOptions::default(), 0, live as u64)?;
    file.begin(0, store, 0)?;
    // The bytes of the process besides the store, which do not change.
    let others = used - live;
    loop {
        let mut is_complete = false;
        let time = timed(|| is_complete = store.snapshot_for(BUDGET, || start.elapsed()).is_complete);
        found.slices.push(nanos(time));
        let mut update_extra = |store: &Keyspace<FoldHash>| {
            let others = live_bytes(store) + others;
            found.extra = found.extra.max(zmalloc::used_memory().saturating_sub(others));
        };
        update_extra(store);
        if is_complete {
            break;
        }
        found.sets += sets(store, writes);
        update_extra(store);
        each_write(store, writes, |nanos| found.writes.push(nanos));
        found.batches += 1;
    }
    found.batches = found.batches.max(1);
    found.file = file.finish()?;
    found.took = start.elapsed();
    let mut loaded = Keyspace::with_hasher(FoldHash::default());
    Loader::open(path, LoadOptions::default())?.load(&mut loaded, 0)?;
    ensure!(digest(&loaded) == expected, "the file has another state than that of the start");
    Ok(found)
}

/// Returns the bytes of the data, without garbage and without the memory of a snapshot.
fn live_bytes(store: &Keyspace<FoldHash>) -> usize {
    store.allocation_size() - store.snapshot_bytes() - store.lazyfree_pending_bytes()
}

/// Measures the same writes without a snapshot.
fn writes_alone(store: &mut Keyspace<FoldHash>, writes: &mut Writes, batches: usize) -> Found {
    let mut found = Found { batches, ..Found::default() };
    for _ in 0..batches {
        found.sets += sets(store, writes);
        each_write(store, writes, |_| ());
    }
    found
}

/// Returns the time of a batch of SETs of old keys.
fn sets(store: &mut Keyspace<FoldHash>, writes: &mut Writes) -> Duration {
    let batch: [_; BATCH] = std::array::from_fn(|_| writes.old_key());
    timed(|| batch.iter().for_each(|(key, value)| store.set(key, value, 0).expect("there is memory")))
}

/// Passes the time of each write of a batch to `took`, in nanoseconds.
fn each_write(store: &mut Keyspace<FoldHash>, writes: &mut Writes, mut took: impl FnMut(u32)) {
    for _ in 0..BATCH {
        took(nanos(writes.next_write(|key, write| timed(|| write.apply(store, key)))));
    }
}

fn nanos(time: Duration) -> u32 {
    time.as_nanos().min(u32::MAX.into()) as u32
}

/// Returns a digest of all keys, values and expiries. It does not depend on their order or encodings.
fn digest(store: &Keyspace<FoldHash>) -> u64 {
    let hasher = FoldHash::default();
    let sum = |all: &mut dyn Iterator<Item = u64>| all.fold(0_u64, u64::wrapping_add);
    let record = |record: keyspace::Record<'_>| {
        let value = match record.value {
            ValueRef::String(string) => hasher.hash_one(&*string.to_bytes()),
            ValueRef::List(list) => {
                list.iter().fold(0, |all, item| hasher.hash_one((all, &*item.element().text())))
            }
            ValueRef::Set(set) => sum(&mut set.iter().map(|member| hasher.hash_one(&*member.text()))),
            ValueRef::Hash(hash) => {
                let pair = |(field, value): (values::Element<'_>, values::Element<'_>)| {
                    hasher.hash_one((&*field.text(), &*value.text()))
                };
                sum(&mut hash.iter().map(pair))
            }
            ValueRef::ZSet(zset) => {
                let member = |(member, score): (values::Element<'_>, f64)| {
                    hasher.hash_one((&*member.text(), score.to_bits()))
                };
                sum(&mut zset.iter().map(member))
            }
        };
        hasher.hash_one((&*record.key.text(), record.expiry, record.value.object_type() as u8, value))
    };
    sum(&mut store.records(0).map(record))
}

/// Returns the time that a share `q` of the calls does not exceed, in microseconds. This is the smallest
/// result of all snapshots.
fn least_us(found: &mut [Vec<u32>], q: f64) -> f64 {
    let of_one = |times: &mut Vec<u32>| {
        times.sort_unstable();
        let rank = (times.len() as f64 * q).ceil() as usize;
        times.get(rank.max(1) - 1).map_or(0.0, |&ns| f64::from(ns) / 1e3)
    };
    found.iter_mut().map(of_one).fold(f64::INFINITY, f64::min)
}

fn report(ctx: &mut Ctx, case: &str, n: u64, found: &[Found], forks: &[(String, fork::Copied)]) {
    let share = |found: &Found| 100.0 * found.extra as f64 / found.live as f64;
    let most = found.iter().map(share).fold(0.0, f64::max);
    let row = |metric: &str, unit: &str, value| Row::alone(ctx.suite, case, n, KEYSPACE, metric, unit, value);
    let extra = row("extra memory", "%", most);
    let [slices, writes] = [|found: &Found| found.slices.clone(), |found: &Found| found.writes.clone()]
        .map(|times| found.iter().map(times).collect::<Vec<_>>());
    let mut rows = Vec::new();
    if forks.is_empty() {
        rows.push(extra.clone());
    }
    rows.extend(forks.iter().map(|(name, copied)| extra.clone().beside(name, copied.percent())));
    for (what, mut times) in [("slice", slices), ("write", writes)] {
        rows.push(row(&format!("longest {what}"), "us", least_us(&mut times, 1.0)));
        rows.push(row(&format!("p99.99 {what}"), "us", least_us(&mut times, 0.9999)));
    }
    rows.into_iter().for_each(|row| ctx.report.row(row));
    let [first, ..] = found else { return };
    let mut text = format!(
        "The {case}: {} B of data and {} B more at most; {} writes in {:.1} s, the sync of {} B included.",
        thousands(first.live as i64),
        thousands(first.extra as i64),
        thousands((2 * BATCH * first.batches) as i64),
        first.took.as_secs_f64(),
        thousands(first.file as i64)
    );
    for (name, copied) in forks {
        text += &format!(
            "\n{name}: {} B copied of {} B, {} writes in {:.1} s.",
            thousands(copied.bytes as i64),
            thousands(copied.used as i64),
            thousands(copied.writes as i64),
            copied.took.as_secs_f64()
        );
    }
    ctx.report.note(ctx.suite, text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn a_loaded_copy_has_the_same_digest_and_writes_change_it() {
        let data = workload::data_sets(&Settings { smoke: true, ..Settings::default() })[1];
        let mut store = Keyspace::with_hasher(FoldHash::default());
        data.fill(&mut store, 1);
        let before = digest(&store);
        let file = rdb::save(&store, Vec::new(), &WriteOptions::default(), 0).unwrap();
        let mut copy = Keyspace::with_hasher(FoldHash::default());
        Loader::new(&file[..], LoadOptions::default()).unwrap().load(&mut copy, 0).unwrap();
        assert_eq!(digest(&copy), before);
        // Almost every write changes the digest. The others change nothing.
        let mut writes = Writes::new(data, 7);
        let mut changed = 0;
        for _ in 0..100 {
            writes.next_write(|key, write| write.apply(&mut copy, key));
            changed += usize::from(digest(&copy) != before);
        }
        assert!(changed > 90, "{changed}");
    }
}
