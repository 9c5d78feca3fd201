//! Measures the time that coding takes: `SET` and `GET` with coded JSON records, and with coded session keys,
//! beside the same operations with plain ones.
//!
//! The mean record has 279 bytes. A `GET` of a record appends its text to a buffer. It decodes a coded
//! record, and copies a plain one. A session key has 28 bytes, and its value is an integer. Look-ups are
//! [`dependent`].

use crate::dependent;
use crate::keys::{Key, Keys, shuffled};
use crate::lifecycle::{Candidate, Schedule, time_phases, timed};
use crate::maps::FoldHash;
use crate::suite::Ctx;
use crate::texts;
use keyspace::{Keyspace, Options, symbols::SymbolTable};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

/// The peer: a keyspace whose strings and keys are not coded.
pub(super) const WITHOUT: &str = "Keyspace without symbols";

/// The subject.
const WITH: &str = "Keyspace with symbols";

/// The timed operations with records, and those with session keys, in the order in which they run.
const RECORD_PHASES: [&str; 3] =
    ["SET of a new JSON record", "GET of a JSON record, dependent", "SET of an old JSON record"];
const SESSION_PHASES: [&str; 3] =
    ["SET of a new session key", "GET by a session key, dependent", "SET by an old session key"];

type SessionKey = [u8; 28];

/// The number of different records. If there are more keys, several keys have the same record.
const RECORDS: usize = 4_096;

pub(super) fn run(ctx: &mut Ctx) {
    let records: Vec<String> = (0..RECORDS as u64).map(texts::record).collect();
    let sample: Vec<String> = (0..RECORDS as u64).map(texts::session_key).collect();
    let [of_records, of_keys] =
        [&records, &sample].map(|texts| Arc::new(SymbolTable::train(texts).expect("memory for a table")));
    for &(n, rounds) in ctx.settings.pick(&[(2_000, 1)][..], &[(100_000, 5)], &[(100_000, 9), (1_000_000, 5)])
    {
        let keys = Keys::new(n, ctx.settings.seed);
        let candidate = |name, table: Option<&Arc<SymbolTable>>| {
            let (keys, records, table) = (&keys, &records, table.cloned());
            Candidate::new(name, move || run_records(keys, records, table.clone()))
        };
        let candidates = [candidate(WITH, Some(&of_records)), candidate(WITHOUT, None)];
        compare(ctx, (n, rounds), RECORD_PHASES, "JSON records", candidates);

        let in_order_of = |seed| {
            let keys = shuffled(0..n as u32, seed).into_iter();
            keys.map(|number| texts::session_key(number.into()).as_bytes().try_into().expect("28 bytes"))
        };
        let seed = ctx.settings.seed;
        let new: Vec<SessionKey> = in_order_of(seed).collect();
        let old: Vec<SessionKey> = in_order_of(seed.wrapping_add(1)).collect();
        let candidate = |name, table: Option<&Arc<SymbolTable>>| {
            let (keys, table) = ([&new[..], &old[..]], table.cloned());
            Candidate::new(name, move || run_sessions(keys, table.clone()))
        };
        let candidates = [candidate(WITH, Some(&of_keys)), candidate(WITHOUT, None)];
        compare(ctx, (n, rounds), SESSION_PHASES, "session keys", candidates);
    }
}

/// Times the phases of both candidates, and reports the ratios.
fn compare<const N: usize>(
    ctx: &mut Ctx,
    (n, rounds): (usize, usize),
    phases: [&str; N],
    name: &str,
    mut candidates: [Candidate<'_, N>; 2],
) {
    let schedule = Schedule { rounds, repeats: 1, warm_up: !ctx.settings.smoke, seed: ctx.settings.seed };
    let samples = time_phases(&mut candidates, schedule, &format!("{n} {name}"), ctx.progress);
    for (case, samples) in phases.iter().zip(&samples) {
        ctx.report.compare(ctx.suite, case, n as u64, n as u64, samples);
    }
}

/// Returns a keyspace that codes strings and keys with this table. Without a table, it stores them plain.
fn keyspace_with(table: Option<Arc<SymbolTable>>) -> Keyspace<FoldHash> {
    let mut keyspace = Keyspace::with_options_and_hasher(Options::default(), FoldHash::default());
    keyspace.set_symbols(table).expect("there is no table yet");
    keyspace
}

/// Returns the times of the phases with records.
fn run_records(keys: &Keys, records: &[String], table: Option<Arc<SymbolTable>>) -> [Duration; 3] {
    let mut keyspace = keyspace_with(table);
    let set = |keyspace: &mut Keyspace<FoldHash>, keys: &[Key], first: usize| {
        timed(|| {
            for (key, record) in keys.iter().zip(records.iter().cycle().skip(first)) {
                keyspace.set(black_box(key), record, 0).expect("memory for a record");
            }
        })
    };
    let new = set(&mut keyspace, &keys.insert, 0);
    let mut reply = Vec::new();
    let get = dependent::hits(&keys.find, |key| {
        reply.clear();
        assert!(keyspace.get_into(key, &mut reply, 0).expect("a string"));
        reply.iter().rev().step_by(64).fold(0, |sum, byte| sum ^ u64::from(*byte))
    });
    let old = set(&mut keyspace, &keys.find, 7);
    [new, get, old]
}

/// Returns the times of the phases with session keys. `new` and `old` have the same keys in two orders: the
/// keys are set in the first order, and then read and set again in the second one.
fn run_sessions([new, old]: [&[SessionKey]; 2], table: Option<Arc<SymbolTable>>) -> [Duration; 3] {
    let mut keyspace = keyspace_with(table);
    let set = |keyspace: &mut Keyspace<FoldHash>, keys: &[SessionKey]| {
        timed(|| {
            for (number, key) in keys.iter().enumerate() {
                keyspace.set(black_box(key), number as i64, 0).expect("memory for a key");
            }
        })
    };
    let new_time = set(&mut keyspace, new);
    let get = dependent::hits(old, |key| match keyspace.get_string(key, 0) {
        Ok(Some(string)) => string.len() as u64,
        _ => unreachable!("the key has a string"),
    });
    let old_time = set(&mut keyspace, old);
    [new_time, get, old_time]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_session_keys_are_coded_and_found() {
        let keys: Vec<String> = (0..1_000).map(texts::session_key).collect();
        let table = Arc::new(SymbolTable::train(&keys).unwrap());
        let mut keyspace = keyspace_with(Some(table));
        keys.iter().for_each(|key| keyspace.set(key, 1, 0).unwrap());
        assert!(keyspace.iter(0).filter(|(key, _value)| key.plain().is_none()).count() > 900);
    }
}
