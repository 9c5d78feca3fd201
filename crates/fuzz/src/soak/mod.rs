//! The soak: millions of random operations of all types, on large keyspaces and on plain models. Eviction,
//! expiry, lazy freeing, defragmentation and failing allocations are enabled. The first part runs one thread.
//! The second part runs several (`threads`).
//!
//! The operations are those of the fuzz target `keyspace` ([`world`](crate::world)), decoded from random
//! bytes. Operation `n` of a seed is always the same, so that a run can be repeated. The time only decides
//! when a run stops.
//!
//! A run checks each answer, and the key that the operation has used. Every [`COMPARE_ALL_EVERY`] operations
//! and at the end, it compares all keys and all bytes. A difference panics in the model, and a bug of the
//! library may panic too. [`run`] returns both as a [`Failure`].
//!
//! Learned from: TigerBeetle's VOPR (a long run from a seed that can be repeated exactly).

mod threads;

use crate::harness::Plan;
pub use crate::world::{Counts, PlantedFault};
use crate::world::{GROUPS, Scale, Step, World};
use arbitrary::{Arbitrary, Unstructured};
use common::random;
use rand::rngs::SmallRng;
use rand::{Rng, RngExt, SeedableRng};
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::time::{Duration, Instant};

/// The settings of a run.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The seed of the operations.
    pub seed: u64,
    /// The maximum time.
    pub time: Duration,
    /// The maximum number of operations.
    pub operations: u64,
    /// The number of threads of the second part, which takes a sixth of the time. 0 skips this part.
    pub threads: usize,
    /// A planted fault that the soak must find.
    pub plant: Option<PlantedFault>,
}

/// The numbers of a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Report {
    /// The number of operations of each of the [`groups`].
    pub operations: [u64; GROUPS.len()],
    /// The counts of other events.
    pub counts: Counts,
    /// The number of comparisons of all keys and bytes.
    pub compared_all: u64,
    /// The number of operations of all threads in the second part.
    pub thread_operations: u64,
    /// The number of rounds of the second part. At the end of a round, everything is compared.
    pub rounds: u64,
    /// The time of the run.
    pub time: Duration,
}

impl Report {
    /// Returns the number of all operations of the first part.
    pub fn operations(&self) -> u64 {
        self.operations.iter().sum()
    }
}

/// Returns the names of the groups in [`Report::operations`].
pub fn groups() -> &'static [&'static str] {
    &GROUPS
}

/// A difference that a run has found.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The number of the operation, from 0, or `None` in the second part. The fault may be older: the
    /// comparison after this operation has found it.
    pub operation: Option<u64>,
    /// The description of the difference.
    pub message: String,
    /// The last operations, the oldest first.
    pub last: Vec<String>,
}

/// The number of operations between two comparisons of everything.
pub const COMPARE_ALL_EVERY: u64 = 20_000;
/// The number of operations between two reads of the clock.
const CLOCK_READ_EVERY: u64 = 64;
/// The number of operations that are shown with a failure.
const SHOWN: u64 = 20;
/// The number of bytes that an operation is decoded from. Further bytes are zero.
const INPUT_LEN: usize = 512;
/// The number of operations before a fault is planted. The keyspaces are full then.
const PLANT_AT: u64 = 30_000;

/// Returns operation number `n` of a seed.
fn step(seed: u64, n: u64) -> Step {
    let mut rng = SmallRng::seed_from_u64(random::mix(seed) ^ random::mix(n));
    let mut input = [0; INPUT_LEN];
    rng.fill_bytes(&mut input);
    let mut input = Unstructured::new(&input);
    let op = Arbitrary::arbitrary(&mut input).expect("what is missing is zero");
    let plan = match rng.random_range(0..24) {
        0 | 1 => Plan::Nth(rng.random_range(1..16)),
        2 => Plan::From(rng.random_range(1..16)),
        _ => Plan::None,
    };
    Step { plan, db: rng.random(), op }
}

/// Runs operations until the time is over. Calls `progress` with the numbers from time to time.
///
/// # Errors
/// At the first difference.
pub fn run(settings: &Settings, mut progress: impl FnMut(&Report)) -> Result<Report, Failure> {
    // A panic becomes a failure with its operation. An abort would end the program.
    zmalloc::set_oom_handler(|size| panic!("no memory for {size} bytes where nothing may fail"));
    let (mut report, n) = (Report::default(), Cell::new(0));
    let parts = if settings.threads == 0 { 1 } else { PARTS };
    let alone = settings.time / parts * (parts - 1).max(1);
    let done = caught(|| run_single_thread(settings, alone, &n, &mut report, &mut progress));
    done.map_err(|message| {
        let operation = n.get();
        let first = (operation + 1).saturating_sub(SHOWN);
        let last = (first..=operation).map(|n| format!("{n}: {:?}", step(settings.seed, n))).collect();
        Failure { operation: Some(operation), message, last }
    })?;
    if settings.threads > 0 {
        let time = settings.time / parts;
        caught(|| threads::run(settings.seed, settings.threads, time, &mut report, &mut progress))
            .map_err(|message| Failure { operation: None, message, last: Vec::new() })?;
    }
    Ok(report)
}

/// The second part takes one of this many parts of the time.
const PARTS: u32 = 6;

/// Calls `run`. Returns the message of a panic as an error.
fn caught(run: impl FnOnce()) -> Result<(), String> {
    panic::catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
    })
}

/// Runs the first part. `n` is the number of the running operation.
fn run_single_thread(
    settings: &Settings,
    time: Duration,
    n: &Cell<u64>,
    report: &mut Report,
    progress: &mut dyn FnMut(&Report),
) {
    let (start, mut world) = (Instant::now(), World::new(Scale::Large, settings.seed));
    while n.get() < settings.operations {
        if n.get().is_multiple_of(CLOCK_READ_EVERY) && start.elapsed() >= time {
            break;
        }
        let step = step(settings.seed, n.get());
        if n.get() == PLANT_AT {
            settings.plant.into_iter().for_each(|plant| world.plant(plant));
        }
        world.step(&step);
        report.operations[step.op.group()] += 1;
        if (n.get() + 1).is_multiple_of(COMPARE_ALL_EVERY) {
            world.compare_all();
            report.compared_all += 1;
            (report.time, report.counts) = (start.elapsed(), world.context.counts);
            progress(report);
        }
        n.set(n.get() + 1);
    }
    world.compare_all();
    report.compared_all += 1;
    (report.time, report.counts) = (start.elapsed(), world.context.counts);
}
