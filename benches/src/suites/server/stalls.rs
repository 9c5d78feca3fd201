//! The latency of GET and SET at a fixed rate, while the server is busy with something else.
//!
//! ```text
//!  quiet      only the requests that are timed, before and after everything else
//!  growing    keys are added, until there are 4,000,000
//!  saving     BGSAVE, until it has ended
//!  expiring   the keys that were added are all due at the same moment, until they are gone
//!  evicting   maxmemory is what the server uses, and new keys are added
//! ```
//!
//! A request has a time at which it is to be sent, and is timed from then on, even if it is sent later. So a
//! stall of the server counts for all requests that fall into it. If the client waited for replies instead,
//! a stall would count once (*coordinated omission*).
//!
//! The requests run in slices. Between two slices the client asks whether the work has ended, on another
//! connection. The client itself never sleeps within a slice.

use super::QUIET;
use super::connections::{Connections, REPLY_TIME_MAX, nanoseconds};
use super::process::Cores;
use super::requests::{get_or_set, send_all, set};
use crate::keys::key;
use crate::min_times::Percentiles;
use crate::report::Row;
use crate::server::Program;
use crate::suite::Ctx;
use crate::table;
use crate::text::{duration, figure};
use anyhow::{Context, Result, ensure};
use rand::SeedableRng;
use rand::rngs::SmallRng;
use std::collections::VecDeque;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The number of connections of the requests that are timed. One more adds keys.
const CONNECTIONS: usize = 10;

/// The pause between two requests: 20,000 a second.
const PAUSE: Duration = Duration::from_micros(50);

/// The number of keys that are added together, and the pause between two of these batches: 200,000 keys a
/// second.
const ADDED: u64 = 20;
const PAUSE_OF_ADDED: Duration = Duration::from_micros(100);

/// The time limit of a phase.
const PHASE_TIME_MAX: Duration = Duration::from_secs(600);

/// The phases after the quiet one.
const BUSY: [&str; 4] = ["growing", "saving", "expiring", "evicting"];

/// The sizes of a run.
struct Scale {
    /// The number of keys of the requests that are timed.
    keys: u64,
    /// The number of keys that are added.
    added: u64,
    slice: Duration,
    quiet: Duration,
    /// The time from the end of the growth to the expiry of the keys, in which they are saved.
    margin: Duration,
}

pub(super) fn run(ctx: &mut Ctx, redcore: &Program, cores: &Cores) -> Result<()> {
    let millis = Duration::from_millis;
    let (keys, added) = ctx.settings.pick((1_000, 2_000), (50_000, 100_000), (100_000, 4_000_000));
    let scale = Scale {
        keys,
        added,
        slice: ctx.settings.pick(millis(5), millis(50), millis(100)),
        quiet: ctx.settings.pick(millis(20), millis(500), millis(4_000)),
        margin: ctx.settings.pick(millis(2_000), millis(5_000), millis(90_000)),
    };
    let mut lines = Vec::new();
    for program in std::iter::once(redcore).chain(&ctx.inputs.servers) {
        ctx.progress.start(&format!("stalls of {}", program.version), BUSY.len() + 2);
        let [quiet, busy @ ..] = phases(ctx, program, cores, &scale).with_context(|| program.name.clone())?;
        let is_ours = std::ptr::eq(program, redcore);
        for (phase, busy) in BUSY.into_iter().zip(busy) {
            let mut line = vec![program.name_among(&ctx.inputs.servers).to_owned(), phase.into()];
            for ((metric, busy), (_, quiet)) in busy.named().into_iter().zip(quiet.named()) {
                if !["p50", "p99", "max"].contains(&metric) {
                    continue;
                }
                line.push(format!("{} ({})", duration(busy), figure(busy / quiet)));
                if is_ours {
                    let case = format!("GET and SET, {phase}");
                    let row = Row::alone(ctx.suite, &case, scale.added, &redcore.version, metric, "ns", busy);
                    ctx.report.row(row.beside(QUIET, quiet));
                }
            }
            lines.push(line);
        }
    }
    ctx.report.note(
        ctx.suite,
        format!(
            "GET and SET at 20,000 requests a second, timed from when each was to be sent; in parentheses the ratio to the same \
             server when it is quiet.\n{}",
            table::of_note(&["server", "while", "p50", "p99", "max"], lines)
        ),
    );
    Ok(())
}

/// Runs all phases on a new server. Returns the percentiles of the quiet phase and of the [`BUSY`] ones.
fn phases(
    ctx: &Ctx,
    program: &Program,
    cores: &Cores,
    scale: &Scale,
) -> Result<[Percentiles; 1 + BUSY.len()]> {
    let server = program.start()?;
    cores.pin_server(server.id())?;
    let mut client = server.connect()?;
    send_all(&mut client, scale.keys, |i| set(&key(i), None))?;
    let connections = Connections::open(&server, CONNECTIONS + 1)?;
    let rng = SmallRng::seed_from_u64(ctx.settings.seed);
    let mut prober = Prober { connections, rng, keys: scale.keys, next_key: scale.keys };
    let mut times: [Vec<u32>; 1 + BUSY.len()] = Default::default();
    let [quiet, growing, saving, expiring, evicting] = &mut times;

    prober.slice(scale.quiet, None, &mut Vec::new())?; // the first requests find cold caches
    prober.slice(scale.quiet, None, quiet)?;
    ctx.progress.step();

    let growth = PAUSE_OF_ADDED * u32::try_from(scale.added / ADDED)?;
    let deadline = SystemTime::now() + growth + growth / 2 + scale.margin;
    let deadline_millis = u64::try_from(deadline.duration_since(UNIX_EPOCH)?.as_millis())?;
    let adding = Adding { until: scale.keys + scale.added, deadline: Some(deadline_millis) };
    until(|| {
        prober.slice(scale.slice, Some(adding), growing)?;
        Ok(prober.next_key >= adding.until)
    })?;
    ctx.progress.step();

    client.background_save()?;
    until(|| {
        prober.slice(scale.slice, None, saving)?;
        Ok(client.info("persistence")?.number("rdb_bgsave_in_progress") == Some(0))
    })?;
    let status = client.info("persistence")?.text("rdb_last_bgsave_status").map(str::to_owned);
    ensure!(status.as_deref() == Some("ok"), "BGSAVE: {status:?}");
    ctx.progress.step();

    let left = deadline.duration_since(SystemTime::now()).unwrap_or_default();
    ensure!(!left.is_zero(), "the keys were due before they were saved");
    std::thread::sleep(left);
    until(|| {
        prober.slice(scale.slice, None, expiring)?;
        Ok(client.len()? <= scale.keys)
    })?;
    ctx.progress.step();

    client.configure("maxmemory-policy", "allkeys-lru")?;
    let used: u64 = client.info("memory")?.number("used_memory").context("INFO has no used_memory")?;
    client.configure("maxmemory", &used.to_string())?;
    prober.slice(scale.quiet, Some(Adding { until: u64::MAX, deadline: None }), evicting)?;
    let evicted: Option<u64> = client.info("stats")?.number("evicted_keys");
    ensure!(evicted > Some(0), "the server has evicted nothing");
    client.configure("maxmemory", "0")?;
    ctx.progress.step();

    // What eviction has begun may go on for a moment.
    prober.slice(scale.slice, None, &mut Vec::new())?;
    prober.slice(scale.quiet, None, quiet)?;
    ctx.progress.step();
    Ok(times.each_mut().map(|times| Percentiles::of(times)))
}

/// Calls `is_done` until it returns `true`, or time is up.
fn until(mut is_done: impl FnMut() -> Result<bool>) -> Result<()> {
    let start = Instant::now();
    while !is_done()? {
        ensure!(start.elapsed() < PHASE_TIME_MAX, "a phase takes longer than {PHASE_TIME_MAX:?}");
    }
    Ok(())
}

/// The keys that are added during a slice.
#[derive(Clone, Copy)]
struct Adding {
    /// The number after that of the last key.
    until: u64,
    /// When the keys expire, in milliseconds of Unix time.
    deadline: Option<u64>,
}

/// Sends requests at their times, and waits for the replies.
struct Prober {
    connections: Connections,
    rng: SmallRng,
    /// The number of keys of the requests that are timed.
    keys: u64,
    /// The number of the next key that is added.
    next_key: u64,
}

impl Prober {
    /// Sends requests for some time, and appends their latencies in nanoseconds.
    fn slice(&mut self, time: Duration, adding: Option<Adding>, times: &mut Vec<u32>) -> Result<()> {
        let mut planned: [VecDeque<Instant>; CONNECTIONS] = Default::default();
        let (mut packed, mut received) = (Vec::new(), Vec::new());
        let start = Instant::now();
        let end = start + time;
        let (mut next, mut next_added) = (start, start);
        let mut turn = 0;
        loop {
            let now = Instant::now();
            while next <= now && next < end {
                packed.clear();
                get_or_set(&mut self.rng, self.keys).write_packed_command(&mut packed);
                self.connections.send(turn, &packed, 1)?;
                planned[turn].push_back(next);
                turn = (turn + 1) % CONNECTIONS;
                next += PAUSE;
            }
            if let Some(adding) = adding
                && next_added <= now
                && now < end
                && self.connections.pending(CONNECTIONS) == 0
            {
                self.add(adding, &mut packed)?;
                next_added = now + PAUSE_OF_ADDED;
            }
            let is_idle =
                planned.iter().all(VecDeque::is_empty) && self.connections.pending(CONNECTIONS) == 0;
            if next >= end && is_idle {
                return Ok(());
            }
            self.connections.wait(Duration::ZERO, &mut received)?;
            let now = Instant::now();
            for &(i, replies) in received.iter().filter(|(i, _)| *i < CONNECTIONS) {
                for planned in planned[i].drain(..replies) {
                    times.push(nanoseconds(now.saturating_duration_since(planned)));
                }
            }
            ensure!(now < end + REPLY_TIME_MAX, "the server does not reply");
        }
    }

    /// Sends the next keys that are added.
    fn add(&mut self, adding: Adding, packed: &mut Vec<u8>) -> Result<()> {
        let first = self.next_key;
        self.next_key = adding.until.min(first + ADDED).max(first);
        packed.clear();
        (first..self.next_key).for_each(|i| set(&key(i), adding.deadline).write_packed_command(packed));
        self.connections.send(CONNECTIONS, packed, (self.next_key - first) as usize)
    }
}
