//! The processor time and the latency of commands, from 50 connections, alone and 16 at a time.
//!
//! All servers are filled with the same data first. In each round, each server gets the same requests, in an
//! order of servers that is drawn from the seed. A batch of 16 counts as one request for the latency. The
//! connections wait for their replies before they send more, so the latency is that of a busy server, and a
//! slow server gets fewer requests in a second.

use super::connections::{Batches, Connections};
use super::process::{Cores, cpu_time};
use super::requests::{COMMANDS, Command, fill};
use crate::lifecycle::{Candidate, Schedule, time_phases};
use crate::measure::Samples;
use crate::min_times::Percentiles;
use crate::report::{Report, Row};
use crate::server::{Program, Server};
use crate::suite::Ctx;
use crate::table;
use crate::text::thousands;
use anyhow::{Context, Result};
use rand::SeedableRng;
use rand::rngs::SmallRng;
use std::cell::RefCell;
use std::time::Duration;

/// The number of connections.
const CONNECTIONS: usize = 50;

/// The metrics of the phases, in their order.
const METRICS: [&str; 3] = ["CPU time", "p50", "p99"];

/// The numbers of requests that are sent together.
const PIPELINES: [usize; 2] = [1, 16];

/// A server with its connections.
struct Lane<'a> {
    name: &'a str,
    server: Server,
    connections: Connections,
    rng: SmallRng,
}

impl<'a> Lane<'a> {
    fn start(program: &'a Program, name: &'a str, cores: &Cores, n: u64, seed: u64) -> Result<Self> {
        let server = program.start()?;
        cores.pin_server(server.id())?;
        fill(&mut server.connect()?, &mut SmallRng::seed_from_u64(seed), n)?;
        let connections = Connections::open(&server, CONNECTIONS)?;
        Ok(Self { name, server, connections, rng: SmallRng::seed_from_u64(seed) })
    }

    /// Runs a round. Returns the processor time of the server and two percentiles of the latency.
    fn round(&mut self, batches: &Batches) -> Result<[Duration; METRICS.len()]> {
        let mut times = Vec::with_capacity(batches.ends.len());
        let before = cpu_time(self.server.id())?;
        batches.send(&mut self.connections, &mut times)?;
        let cpu = cpu_time(self.server.id())?.saturating_sub(before);
        let percentile = |wanted| {
            let found =
                Percentiles::of(&mut times.clone()).named().into_iter().find(|(name, _)| *name == wanted);
            Duration::from_nanos(found.map_or(0.0, |(_, ns)| ns) as u64)
        };
        Ok([cpu, percentile(METRICS[1]), percentile(METRICS[2])])
    }
}

pub(super) fn run(ctx: &mut Ctx, redcore: &Program, cores: &Cores) -> Result<()> {
    let n = ctx.settings.pick(1_000, 100_000, 1_000_000);
    let programs: Vec<&Program> = std::iter::once(redcore).chain(&ctx.inputs.servers).collect();
    let mut lanes = Vec::new();
    ctx.progress.start("filling servers", programs.len());
    for program in &programs {
        let name = program.name_among(&ctx.inputs.servers);
        let lane = Lane::start(program, name, cores, n, ctx.settings.seed);
        lanes.push(RefCell::new(lane.with_context(|| program.name.clone())?));
        ctx.progress.step();
    }
    let mut rates = Vec::new();
    for pipeline in PIPELINES {
        for command in &COMMANDS {
            rates.push(measure(ctx, &lanes, command, n, pipeline)?);
        }
    }
    let names: Vec<&str> = programs.iter().map(|program| program.name_among(&ctx.inputs.servers)).collect();
    let header: Vec<&str> = std::iter::once("thousands").chain(names).collect();
    ctx.report.note(
        ctx.suite,
        format!(
            "Commands a CPU second of the server, the inverse of its CPU time, with {CONNECTIONS} connections. With a pipeline \
             of 16, the latency is that of all 16. A latency also has the times in which the client is busy with other \
             connections.\n{}",
            table::of_note(&header, rates)
        ),
    );
    Ok(())
}

/// Measures a command. Returns its row of the note.
fn measure(
    ctx: &mut Ctx,
    lanes: &[RefCell<Lane<'_>>],
    command: &Command,
    n: u64,
    pipeline: usize,
) -> Result<Vec<String>> {
    let commands = ctx.settings.pick(1_600, 8_000, if pipeline == 1 { 50_000 } else { 200_000 });
    let batches = (commands / pipeline / command.weight).max(1);
    let failed = RefCell::new(None);
    let round = |lane: &RefCell<Lane<'_>>| {
        if failed.borrow().is_some() {
            return [Duration::ZERO; METRICS.len()];
        }
        let lane = &mut *lane.borrow_mut();
        let packed = command.batches(&mut lane.rng, n, batches, pipeline);
        lane.round(&packed).unwrap_or_else(|error| {
            *failed.borrow_mut() = Some(error.context(format!("{}: {}", lane.name, command.name)));
            [Duration::ZERO; METRICS.len()]
        })
    };
    let mut candidates: Vec<_> =
        lanes.iter().map(|lane| Candidate::new(lane.borrow().name, || round(lane))).collect();
    let schedule =
        Schedule { rounds: ctx.settings.pick(1, 3, 5), repeats: 1, warm_up: true, seed: ctx.settings.seed };
    let case = format!("{}, pipeline {pipeline}", command.name);
    let phases = time_phases(&mut candidates, schedule, &case, ctx.progress);
    drop(candidates);
    if let Some(error) = failed.into_inner() {
        return Err(error);
    }
    let commands = (batches * pipeline) as u64;
    for ((metric, samples), ops) in METRICS.into_iter().zip(&phases).zip([commands, 1, 1]) {
        let mut times = Report::default();
        times.compare(ctx.suite, &case, n, ops, samples);
        times.rows.into_iter().for_each(|row| ctx.report.row(Row { metric: metric.into(), ..row }));
    }
    let rate =
        |samples: &Samples| thousands((commands as f64 / (samples.median_ns() / 1e9) / 1e3).round() as i64);
    Ok(std::iter::once(case).chain(phases[0].iter().map(rate)).collect())
}
