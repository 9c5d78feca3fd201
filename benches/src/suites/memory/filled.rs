//! Fills each store with a [`DataSet`], and measures its bytes and the processor time of its commands.
//!
//! The bytes of redcore are those that the calling thread has added to `used_memory` ([`Region`]). Other
//! threads are not included.

use super::data_set::{DataSet, LIMITS, Part, remove_command};
use crate::lifecycle::timed;
use crate::maps::FoldHash;
use crate::server::{Client, Program};
use anyhow::ensure;
use dict::{DefaultHashBuilder, Dict};
use keyspace::{Keyspace, Options, Value};
use robj::Robj;
use sds::Sds;
use std::time::Duration;
use values::OwnedElement;
use zmalloc::Region;

/// Returns a keyspace with the data set, and the bytes that it has added to `used_memory`.
pub(in crate::suites) fn in_keyspace(set: &DataSet<'_>) -> (Keyspace<FoldHash>, usize) {
    let region = Region::start();
    let mut keyspace = Keyspace::with_options_and_hasher(Options::default(), FoldHash::default());
    set.batches(|batch| {
        for (key, part) in batch.writes() {
            part.apply(&mut keyspace, key, set.ttl).expect("there is memory");
        }
    });
    let bytes = region.held().unsigned_abs();
    assert_eq!(bytes, keyspace.allocation_size(), "{}: a keyspace counts its bytes", set.name);
    assert_eq!(keyspace.len() as u64, set.keys, "{}", set.name);
    (keyspace, bytes)
}

/// Returns the processor time of the commands of the data set in a new keyspace. The keyspace has the default
/// hash with a fixed seed.
pub(super) fn keyspace_cpu(set: &DataSet<'_>, seed: u64) -> Duration {
    // Free pages are returned first, because a new process has no pages of an earlier life either.
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

/// Returns the bytes of the data set in a `Dict<Sds, Robj>`, which has no expiries.
pub(super) fn in_dict(set: &DataSet<'_>) -> usize {
    let region = Region::start();
    let mut dict: Dict<Sds, Robj, FoldHash> = Dict::default();
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
    region.held().unsigned_abs()
}

/// Converts a value to an object, as the [`Dict`] holds it.
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

/// Sends each kind of command once, and removes the data that it has written. A server allocates some data at
/// their first use, such as the histogram of the latencies of a command, which takes 26 KB in Redis 7.0.
fn warm_up(client: &mut Client) -> anyhow::Result<()> {
    let key = b"rehearsal".as_slice();
    let parts = [
        Part::String(key),
        Part::Field(key, key),
        Part::Member(key),
        Part::Scored(key, 1.0),
        Part::Item(key),
    ];
    for part in parts {
        let ttl = Some(1_000_000);
        for command in [part.write_command(key, ttl), part.read_command(key), remove_command(key)] {
            client.send(&command.get_packed_command(), 1)?;
        }
    }
    ensure!(client.is_empty()?, "a key that was removed is there");
    Ok(())
}

/// The memory of a server with a data set.
pub(super) struct InServer {
    /// The bytes that the data set has added to `used_memory`.
    pub(super) bytes: u64,
    /// The integers of MEMORY STATS.
    pub(super) stats: Vec<(String, i64)>,
}

/// Fills a new server. Returns its processor time for the commands of the data set, and its memory if
/// `looks_up` is set.
///
/// The commands are sent one [batch](super::data_set::Batch) at a time. Before the bytes are read, each key
/// and element is looked up once. Each look-up moves a part of a table that is being resized, so afterwards
/// no table exists twice.
pub(super) fn fill_server(
    program: &Program,
    set: &DataSet<'_>,
    looks_up: bool,
) -> anyhow::Result<(Duration, Option<InServer>)> {
    let server = program.start()?;
    let mut client = server.connect()?;
    warm_up(&mut client)?;
    client.cpu_time()?;
    client.memory_stats()?;
    drop(client);
    let before = server.used_memory()?;
    let mut client = server.connect()?;
    let start = client.cpu_time()?;
    write(&mut client, set)?;
    let cpu = client.cpu_time()?.saturating_sub(start);
    check_keys(&mut client, set)?;
    if !looks_up {
        return Ok((cpu, None));
    }
    look_up(&mut client, set)?;
    let stats = client.memory_stats()?;
    drop(client);
    let bytes = server.used_memory()?.saturating_sub(before);
    Ok((cpu, Some(InServer { bytes, stats })))
}

/// Fills a new server. Returns the bytes that the data set has added to `used_memory`.
pub(in crate::suites) fn bytes_in_server(program: &Program, set: &DataSet<'_>) -> anyhow::Result<u64> {
    let server = program.start()?;
    warm_up(&mut server.connect()?)?;
    let before = server.used_memory()?;
    let mut client = server.connect()?;
    write(&mut client, set)?;
    check_keys(&mut client, set)?;
    look_up(&mut client, set)?;
    drop(client);
    Ok(server.used_memory()?.saturating_sub(before))
}

/// Sends the commands that write the data set.
fn write(client: &mut Client, set: &DataSet<'_>) -> anyhow::Result<()> {
    set.try_batches(|batch| {
        client.send(&batch.packed(|key, part| part.write_command(key, set.ttl)), batch.len())
    })
}

/// Looks up each key and element of the data set once.
fn look_up(client: &mut Client, set: &DataSet<'_>) -> anyhow::Result<()> {
    set.try_batches(|batch| client.send(&batch.packed(|key, part| part.read_command(key)), batch.len()))
}

/// Fails if the server does not have the keys of the data set.
fn check_keys(client: &mut Client, set: &DataSet<'_>) -> anyhow::Result<()> {
    let keys = client.len()?;
    ensure!(keys == set.keys, "{}: the server has {keys} keys instead of {}", set.name, set.keys);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Kind = fn(&[u8]) -> Part<&[u8]>;

    const KINDS: [Kind; 5] = [
        |bytes| Part::String(bytes),
        |bytes| Part::Field(bytes, bytes),
        |bytes| Part::Member(bytes),
        |bytes| Part::Scored(bytes, bytes[bytes.len() - 1] as f64),
        |bytes| Part::Item(bytes),
    ];

    /// Returns a data set of one value with many parts.
    fn of_parts(kind: Kind, parts: u32) -> DataSet<'static> {
        DataSet {
            name: "one value".into(),
            keys: 1,
            items: parts.into(),
            ttl: None,
            writes: Box::new(move |sink| {
                (0..parts).for_each(|i| sink(b"key", kind(format!("part:{i:09}").as_bytes())));
            }),
        }
    }

    #[test]
    fn a_keyspace_takes_as_much_whether_it_is_filled_by_commands_or_with_whole_values() {
        for kind in KINDS {
            for (parts, tolerance) in [(1, 0.0), (10, 0.0), (1_000, 0.05)] {
                let set = of_parts(kind, parts);
                let mut value = None;
                (set.writes)(&mut |_, part| value = Some(part.add_to(value.take())));
                let mut whole = Keyspace::new();
                whole.insert("key", value.unwrap(), None, 0).unwrap();
                let (by_commands, _) = in_keyspace(&set);
                // Tables of elements have random seeds, so their number of children varies a little.
                let ratio = by_commands.allocation_size() as f64 / whole.allocation_size() as f64;
                assert!((ratio - 1.0).abs() <= tolerance, "{ratio} for {parts} of {:?}", kind(b"part"));
            }
        }
    }

    #[test]
    fn a_dict_has_each_key_once_and_all_its_parts() {
        for kind in KINDS {
            let (one, many) = (in_dict(&of_parts(kind, 1)), in_dict(&of_parts(kind, 1_000)));
            let is_string = matches!(kind(b"part"), Part::String(_));
            assert!(if is_string { one == many } else { one + 1_000 * 14 < many }, "{one} {many}");
        }
    }
}
