//! The soak: millions of random operations of all types on large keyspaces beside plain models, with eviction, expiry, lazy
//! free, defragmentation and failing allocations on.
//!
//! The operations are those of the fuzz target `keyspace` ([`world`](crate::world)), decoded from random bytes. Operation `n` of a
//! seed is always the same, so that it can be shown again. Time decides only where a run stops.
//!
//! A run checks each answer, and the key that an operation has touched. Every [`COMPARE_ALL_EVERY`] operations and at the end
//! it compares all keys and all bytes. A difference is a panic in the model, and so is a bug of the library; [`run`] returns
//! either as a [`Failure`].
//!
//! Learned from: TigerBeetle's VOPR (a long run from a seed that can be repeated exactly).

mod threads;

use crate::harness::Plan;
pub use crate::world::{Counts, Plant};
use crate::world::{GROUPS, Scale, Step, World};
use arbitrary::{Arbitrary, Unstructured};
use common::random;
use rand::rngs::SmallRng;
use rand::{Rng, RngExt, SeedableRng};
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::time::{Duration, Instant};

/// What to run.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Other numbers give other operations.
    pub seed: u64,
    /// How long to run at most.
    pub time: Duration,
    /// How many operations to run at most.
    pub operations: u64,
    /// Threads of the second part, which takes a sixth of the time. 0 leaves it out.
    pub threads: usize,
    /// A fault of the soak itself, which it has to find.
    pub plant: Option<Plant>,
}

/// What a run has done.
#[derive(Clone, Copy, Debug, Default)]
pub struct Report {
    /// Operations of each of [`groups`].
    pub operations: [u64; GROUPS.len()],
    /// What else happened.
    pub counts: Counts,
    /// How often all keys and bytes were compared.
    pub compared_all: u64,
    /// Operations of the second part, of all threads.
    pub thread_operations: u64,
    /// How often the threads have stopped, and everything was compared.
    pub rounds: u64,
    /// How long it took.
    pub time: Duration,
}

impl Report {
    /// All operations.
    pub fn operations(&self) -> u64 {
        self.operations.iter().sum()
    }
}

/// What the operations are about, for [`Report::operations`].
pub fn groups() -> &'static [&'static str] {
    &GROUPS
}

/// What a run has found.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The number of the operation, counted from 0. The comparison after it may have found the fault. `None` in the second
    /// part.
    pub operation: Option<u64>,
    /// What differs.
    pub message: String,
    /// The last operations, the oldest first.
    pub last: Vec<String>,
}

/// Operations between two comparisons of everything.
pub const COMPARE_ALL_EVERY: u64 = 20_000;
/// Operations between two looks at the clock.
const LOOK_EVERY: u64 = 64;
/// Operations that are shown with a failure.
const SHOWN: u64 = 20;
/// Bytes that an operation is decoded from. What an operation wants beyond them is zero.
const INPUT_LEN: usize = 512;
/// When a fault is planted: in the middle of a store that is full.
const PLANT_AT: u64 = 30_000;

/// Operation number `n` of a seed.
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

/// Runs operations until the time is over, and tells `progress` about it now and then.
///
/// # Errors
/// The first difference.
pub fn run(settings: &Settings, mut progress: impl FnMut(&Report)) -> Result<Report, Failure> {
    // A panic says where it was, and an abort would not.
    zmalloc::set_oom_handler(|size| panic!("no memory for {size} bytes where nothing may fail"));
    let (mut report, n) = (Report::default(), Cell::new(0));
    let parts = if settings.threads == 0 { 1 } else { PARTS };
    let alone = settings.time / parts * (parts - 1).max(1);
    let done = caught(|| run_alone(settings, alone, &n, &mut report, &mut progress));
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

/// The second part is one of so many.
const PARTS: u32 = 6;

/// The message of a panic, if there was one.
fn caught(run: impl FnOnce()) -> Result<(), String> {
    panic::catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
    })
}

/// The first part. `n` is the number of the operation that is running.
fn run_alone(
    settings: &Settings,
    time: Duration,
    n: &Cell<u64>,
    report: &mut Report,
    progress: &mut dyn FnMut(&Report),
) {
    let (start, mut world) = (Instant::now(), World::new(Scale::Large, settings.seed));
    while n.get() < settings.operations {
        if n.get().is_multiple_of(LOOK_EVERY) && start.elapsed() >= time {
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
