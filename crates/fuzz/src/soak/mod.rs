//! The soak: millions of random operations of all types on large keyspaces beside plain models, with eviction, expiry and
//! failing allocations on.
//!
//! The operations are those of the fuzz target `keyspace` ([`world`](crate::world)), decoded from random bytes. Operation `n` of a
//! seed is always the same, so that it can be shown again. Time decides only where a run stops.
//!
//! A run checks each answer, and the key that an operation has touched. Every [`COMPARE_ALL_EVERY`] operations and at the end
//! it compares all keys and all bytes. A difference is a panic in the model, and so is a bug of the library; [`run`] returns
//! either as a [`Failure`].
//!
//! Learned from: TigerBeetle's VOPR (a long run from a seed that can be repeated exactly).

use crate::harness::{Books, Plan};
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
    /// The number of the operation, counted from 0. The comparison after it may have found the fault.
    pub operation: u64,
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
    // A panic says where it was, and a wait for memory that never comes would not.
    zmalloc::set_oom_handler(|size| panic!("no memory for {size} bytes where nothing may fail"));
    let number = Cell::new(0);
    let all = || {
        let books = Books::open();
        let mut world = World::new(Scale::Large, settings.seed);
        let (start, mut report) = (Instant::now(), Report::default());
        while number.get() < settings.operations {
            let n = number.get();
            if n.is_multiple_of(LOOK_EVERY) && start.elapsed() >= settings.time {
                break;
            }
            let step = step(settings.seed, n);
            if n == PLANT_AT {
                settings.plant.into_iter().for_each(|plant| world.plant(plant));
            }
            world.step(&step);
            report.operations[step.op.group()] += 1;
            if (n + 1).is_multiple_of(COMPARE_ALL_EVERY) {
                world.compare_all();
                report.compared_all += 1;
                (report.time, report.counts) = (start.elapsed(), world.context.counts);
                progress(&report);
            }
            number.set(n + 1);
        }
        world.compare_all();
        report.compared_all += 1;
        (report.time, report.counts) = (start.elapsed(), world.context.counts);
        drop(world);
        drop(books);
        report
    };
    panic::catch_unwind(AssertUnwindSafe(all)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let message = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        let operation = number.get();
        let first = (operation + 1).saturating_sub(SHOWN);
        let last = (first..=operation).map(|n| format!("{n}: {:?}", step(settings.seed, n))).collect();
        Failure { operation, message: message.unwrap_or_default(), last }
    })
}
