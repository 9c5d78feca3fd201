//! A [`DataSet`] in each store: what it takes, and how long its commands keep a processor busy.

use super::data_set::{DataSet, LIMITS};
use crate::lives::timed;
use crate::maps::Fold;
use crate::server::Program;
use anyhow::ensure;
use dict::{DefaultHashBuilder, Dict};
use keyspace::{Keyspace, Options, Value};
use robj::Robj;
use sds::Sds;
use std::time::Duration;
use values::OwnedElement;

/// A keyspace with the data set, and the bytes that it has added to `used_memory`.
pub(super) fn in_keyspace(set: &DataSet<'_>) -> (Keyspace<Fold>, usize) {
    let before = zmalloc::used_memory();
    let mut keyspace = Keyspace::with_options_and_hasher(Options::default(), Fold::default());
    set.batches(|batch| {
        for (key, part) in batch.writes() {
            part.apply(&mut keyspace, key, set.ttl).expect("there is memory");
        }
    });
    let bytes = zmalloc::used_memory() - before;
    // Other threads, such as that of the progress bar, may hold some bytes too.
    assert!(bytes.abs_diff(keyspace.allocation_size()) < 4_096, "{}: a keyspace counts its bytes", set.name);
    assert_eq!(keyspace.len() as u64, set.keys, "{}", set.name);
    (keyspace, bytes)
}

/// How long the commands of the data set keep this thread busy in a new keyspace, which has the hash that embedders get, under a
/// seed.
pub(super) fn keyspace_cpu(set: &DataSet<'_>, seed: u64) -> Duration {
    // A new process has no pages of an earlier life to hand out either.
    zmalloc::purge();
    let hasher = DefaultHashBuilder::with_seed(seed);
    let mut keyspace = Keyspace::with_options_and_hasher(Options::default(), hasher);
    let mut time = Duration::ZERO;
    set.batches(|batch| {
        time += timed(|| {
            for (key, part) in batch.writes() {
                part.apply(&mut keyspace, key, set.ttl).expect("there is memory");
            }
        });
    });
    time
}

/// The bytes of the data set in a `Dict<Sds, Robj>`, which has no expiries.
pub(super) fn in_dict(set: &DataSet<'_>) -> usize {
    let before = zmalloc::used_memory();
    let mut dict: Dict<Sds, Robj, Fold> = Dict::default();
    let mut open: Option<(Sds, Value)> = None;
    let mut close = |open: Option<(Sds, Value)>| open.map(|(key, value)| dict.insert(key, object(value)));
    set.batches(|batch| {
        for (key, part) in batch.writes() {
            open = match open.take() {
                Some((last, value)) if *last == *key => Some((last, part.add_to(Some(value)))),
                other => {
                    close(other);
                    Some((Sds::from_bytes(key), part.add_to(None)))
                }
            };
        }
    });
    close(open);
    assert_eq!(dict.len() as u64, set.keys, "{}", set.name);
    zmalloc::used_memory() - before
}

/// The value as an object, as [`Dict`] holds it.
fn object(value: Value) -> Robj {
    match value {
        Value::String(OwnedElement::Int(value)) => Robj::from(value),
        Value::String(OwnedElement::Bytes(bytes)) => Robj::from_bytes(&bytes, &LIMITS).encode(&LIMITS),
        Value::List(list) => list.into(),
        Value::Set(set) => set.into(),
        Value::ZSet(zset) => zset.into(),
        Value::Hash(hash) => hash.into(),
    }
}

/// What a server makes of a data set.
pub(super) struct InServer {
    /// Bytes that the data set has added to `used_memory`.
    pub(super) bytes: u64,
    /// The integers of MEMORY STATS.
    pub(super) stats: Vec<(String, i64)>,
}

/// The processor time of a fresh server for the commands of the data set, and, if `look`, what it has taken.
///
/// The commands are sent a [batch](super::data_set::BATCH_COMMANDS) at a time. Before its bytes are read, the server is asked for each key and element once:
/// every look-up moves a part of a table that still moves to its new size, so none is left with two.
pub(super) fn fill_server(
    program: &Program,
    set: &DataSet<'_>,
    look: bool,
) -> anyhow::Result<(Duration, Option<InServer>)> {
    let server = program.start()?;
    let before = server.used_memory()?;
    let mut client = server.connect()?;
    let start = client.cpu_time()?;
    set.try_batches(|batch| {
        client.send(&batch.packed(|key, part| part.write_command(key, set.ttl)), batch.len())
    })?;
    let cpu = client.cpu_time()?.saturating_sub(start);
    let keys = client.len()?;
    ensure!(keys == set.keys, "{}: the server has {keys} keys instead of {}", set.name, set.keys);
    if !look {
        return Ok((cpu, None));
    }
    set.try_batches(|batch| client.send(&batch.packed(|key, part| part.read_command(key)), batch.len()))?;
    let stats = client.memory_stats()?;
    drop(client);
    let bytes = server.used_memory()?.saturating_sub(before);
    Ok((cpu, Some(InServer { bytes, stats })))
}
