//! Measures the time that coding takes: sets and gets of JSON records that are coded, beside plain records.
//!
//! The mean record has 279 bytes. A get appends the text to a buffer. It decodes a coded record, and copies a
//! plain one. Look-ups are [dependent](crate::dependent).

use crate::dependent;
use crate::keys::{Key, Keys};
use crate::lifecycle::{Candidate, Schedule, time_phases, timed};
use crate::maps::FoldHash;
use crate::suite::Ctx;
use crate::texts;
use keyspace::{Keyspace, Options, symbols::SymbolTable};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

/// The peer: a keyspace whose strings are not coded.
pub(super) const WITHOUT: &str = "Keyspace without symbols";

/// The subject.
const WITH: &str = "Keyspace with symbols";

/// The operations that are timed, in this order.
const PHASES: [&str; 3] =
    ["SET of a new JSON record", "GET of a JSON record, dependent", "SET of an old JSON record"];

/// The number of different records. If there are more keys, several keys have the same record.
const RECORDS: usize = 4_096;

pub(super) fn run(ctx: &mut Ctx) {
    let records: Vec<String> = (0..RECORDS as u64).map(texts::record).collect();
    let table = Arc::new(SymbolTable::train(&records).expect("memory for a table"));
    for &(n, rounds) in ctx.settings.pick(&[(2_000, 1)][..], &[(100_000, 5)], &[(100_000, 9), (1_000_000, 5)])
    {
        let keys = Keys::new(n, ctx.settings.seed);
        let candidate = |name, table: Option<&Arc<SymbolTable>>| {
            let (keys, records, table) = (&keys, &records, table.cloned());
            Candidate::new(name, move || run_phases(keys, records, table.clone()))
        };
        let mut candidates = [candidate(WITH, Some(&table)), candidate(WITHOUT, None)];
        let schedule = Schedule { rounds, repeats: 1, warm_up: !ctx.settings.smoke, seed: ctx.settings.seed };
        let samples = time_phases(&mut candidates, schedule, &format!("{n} JSON records"), ctx.progress);
        for (case, samples) in PHASES.iter().zip(&samples) {
            ctx.report.compare(ctx.suite, case, n as u64, n as u64, samples);
        }
    }
}

/// Returns the times of the phases.
fn run_phases(keys: &Keys, records: &[String], table: Option<Arc<SymbolTable>>) -> [Duration; PHASES.len()] {
    let mut keyspace = Keyspace::with_options_and_hasher(Options::default(), FoldHash::default());
    keyspace.set_symbols(table).expect("there is no table yet");
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
