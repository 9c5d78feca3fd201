//! Measures a [`DataSet`]: its bytes in redcore's stores, and the processor time of its commands. The peers
//! are constants, other stores, and the servers of `--server`.
//!
//! A server gets a new process for each life. In a round, the keyspace and each server have one life. The
//! bytes of a server are those of its first life.
//!
//! The rows of processor time are **not like for like**. A server reads its socket, parses, checks and
//! replies. A keyspace is called by a loop in the same process. So these rows are shown and never counted, as
//! [`PeerKind::NotComparable`](crate::peers::PeerKind::NotComparable).

use super::data_set::{BATCH_COMMANDS, DataSet};
use super::filled::{InServer, fill_server, in_dict, in_keyspace, keyspace_cpu};
use super::{CPU_TIME, IN_A_DICT, KEYSPACE};
use crate::lifecycle::{Candidate, Schedule, time_phases};
use crate::measure::Samples;
use crate::report::{Report, Row};
use crate::server::Program;
use crate::suite::Ctx;
use crate::table;
use crate::text::thousands;
use keyspace::Figure;
use std::cell::RefCell;
use std::time::Duration;

/// The integers of MEMORY STATS of a store, with their names.
pub(super) struct Stats {
    pub(super) store: String,
    pub(super) figures: Vec<(String, i64)>,
}

impl Stats {
    /// Returns the figure with a name. A server has some figures for each of its databases, of which only the
    /// first is in use.
    pub(super) fn get(&self, name: &str) -> Option<i64> {
        let of_database = format!("db.0 {name}");
        let found = self.figures.iter().find(|(other, _)| other == name || *other == of_database);
        found.map(|(_, value)| *value)
    }
}

/// The number of commands in a CPU second for each data set, in the order of [`Rates::stores`].
#[derive(Default)]
pub(super) struct Rates {
    stores: Vec<String>,
    sets: Vec<(String, Vec<f64>)>,
}

impl Rates {
    fn add(&mut self, set: &DataSet<'_>, commands: u64, samples: &[Samples]) {
        self.stores = samples.iter().map(|samples| samples.name.clone()).collect();
        let rates = samples.iter().map(|samples| commands as f64 / (samples.median_ns() / 1e9));
        self.sets.push((set.name.clone(), rates.collect()));
    }

    /// Returns the note below the table, or `None` if there was no server.
    pub(super) fn note(&self) -> Option<String> {
        if self.sets.is_empty() {
            return None;
        }
        let header: Vec<&str> =
            std::iter::once("thousands").chain(self.stores.iter().map(String::as_str)).collect();
        let row = |(name, rates): &(String, Vec<f64>)| {
            let rates = rates.iter().map(|rate| thousands((rate / 1e3).round() as i64));
            std::iter::once(name.clone()).chain(rates).collect()
        };
        let table = table::of_note(&header, self.sets.iter().map(row).collect());
        Some(format!(
            "A server's bytes are what its own allocator says: jemalloc with the size classes of its build (q8 has classes 8 bytes \
             apart, q16 has them 16 bytes apart), or the C library, whose blocks have a header of eight bytes that is in no figure. \
             Rows beside a server that is unlike ours do not count in the score.\n\
             Commands a CPU second, the inverse of {CPU_TIME}. A server's processor time is that of its process, as INFO cpu \
             says, for one command an element, {} of them in a pipeline over a socket of the same machine. The keyspace's is \
             that of a loop that calls the library: no socket, no parsing, no replies, no access control. So its figure is an \
             upper bound of what a server around it could reach, and the rows do not count in the score.\n{table}",
            thousands(BATCH_COMMANDS as i64)
        ))
    }
}

/// Measures a data set. `constants` are peers whose bytes a key or an element are known.
pub(super) fn measure(
    ctx: &mut Ctx,
    set: &DataSet<'_>,
    constants: &[(&str, f64)],
    rates: &mut Rates,
) -> anyhow::Result<Vec<Stats>> {
    ctx.progress.start(&set.name, 2);
    let (keyspace, bytes) = in_keyspace(set);
    let report = keyspace.memory_report();
    let integers = report.stats().filter_map(|(name, figure)| match figure {
        Figure::Integer(value) => Some((name.to_owned(), value)),
        _ => None,
    });
    let mut stats = vec![Stats { store: KEYSPACE.into(), figures: integers.collect() }];
    drop(keyspace);
    let mut subjects = vec![(KEYSPACE, bytes)];
    ctx.progress.step();
    if set.ttl.is_none() {
        subjects.push((IN_A_DICT, in_dict(set)));
    }
    ctx.progress.step();

    let an_item = |bytes: f64| bytes / set.items as f64;
    let mut peers: Vec<(&str, f64)> = constants.to_vec();
    let mut samples = Vec::new();
    let programs = &ctx.inputs.servers;
    if !programs.is_empty() {
        let (found, of_all) = run_phases(ctx, set, programs)?;
        for (program, found) in programs.iter().zip(found) {
            peers.push((&program.name, an_item(found.bytes as f64)));
            stats.push(Stats { store: program.name.clone(), figures: found.stats });
        }
        samples = of_all;
    }
    for (subject, bytes) in subjects {
        let value = an_item(bytes as f64);
        let row = Row::alone(ctx.suite, &set.name, set.items, subject, set.metric(), "B", value);
        if peers.is_empty() {
            ctx.report.row(row.clone());
        }
        peers.iter().for_each(|&(peer, bytes)| ctx.report.row(row.clone().beside(peer, bytes)));
    }
    if !samples.is_empty() {
        let mut commands = 0;
        set.batches(|batch| commands += batch.len() as u64);
        let mut times = Report::default();
        times.compare(ctx.suite, &set.name, set.items, commands, &samples);
        times.rows.into_iter().for_each(|row| ctx.report.row(Row { metric: CPU_TIME.into(), ..row }));
        rates.add(set, commands, &samples);
    }
    Ok(stats)
}

/// Runs the lives of the keyspace and of the servers in turns. Returns the memory of each server, and all
/// processor times, of which those of the keyspace come first.
fn run_phases(
    ctx: &Ctx,
    set: &DataSet<'_>,
    programs: &[Program],
) -> anyhow::Result<(Vec<InServer>, Vec<Samples>)> {
    let found: Vec<RefCell<Option<InServer>>> = programs.iter().map(|_| RefCell::default()).collect();
    let failed = RefCell::new(None);
    let server_life = |program: &Program, found: &RefCell<Option<InServer>>| {
        if failed.borrow().is_some() {
            return Duration::ZERO;
        }
        let is_first = found.borrow().is_none();
        match fill_server(program, set, is_first) {
            Ok((cpu, in_server)) => {
                if is_first {
                    *found.borrow_mut() = in_server;
                }
                cpu
            }
            Err(err) => {
                *failed.borrow_mut() = Some(err.context(program.name.clone()));
                Duration::ZERO
            }
        }
    };
    let seed = ctx.settings.seed;
    let mut candidates = vec![Candidate::new(KEYSPACE, || [keyspace_cpu(set, seed)])];
    for (program, found) in programs.iter().zip(&found) {
        candidates.push(Candidate::new(&program.name, || [server_life(program, found)]));
    }
    let rounds = ctx.settings.pick(1, 3, 5);
    let schedule = Schedule { rounds, repeats: 1, warm_up: false, seed };
    let [samples] = time_phases(&mut candidates, schedule, &set.name, ctx.progress);
    drop(candidates);
    match failed.into_inner() {
        Some(err) => Err(err),
        None => Ok((found.into_iter().filter_map(RefCell::into_inner).collect(), samples)),
    }
}
