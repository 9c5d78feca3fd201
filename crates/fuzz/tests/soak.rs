//! Tests that the soak passes for some seconds, and that it finds each planted fault.

use fuzz::soak::{self, Failure, PlantedFault, Report, Settings};
use std::time::Duration;

/// The maximum time of a run. It is enough to plant and find a fault, and a run that finds one ends at once.
const LIMIT: Duration = Duration::from_secs(60);

fn run(
    plant: Option<PlantedFault>,
    time: Duration,
    operations: u64,
    threads: usize,
) -> Result<Report, Failure> {
    soak::run(&Settings { seed: 1, time, operations, threads, plant }, |_| {})
}

fn found(plant: PlantedFault) -> String {
    let failure = run(Some(plant), LIMIT, u64::MAX, 0).expect_err("a planted fault");
    assert!(failure.operation.is_some() && !failure.last.is_empty());
    failure.message
}

#[test]
fn without_a_fault_it_passes_and_every_kind_of_operation_and_failure_comes() {
    let report =
        run(None, Duration::from_secs(12), 120_000, 2).unwrap_or_else(|failure| panic!("{failure:#?}"));
    assert!(report.operations.iter().all(|count| *count > 1_000), "{report:?}");
    assert!(report.thread_operations > 0 && report.compared_all > 0 && report.rounds > 0);
    let counts = report.counts;
    let all = [counts.without_memory, counts.refused, counts.evicted, counts.expired, counts.values];
    assert!(all.iter().all(|count| *count > 20) && counts.lazyfreed > 0, "{report:?}");
}

#[test]
fn the_same_seed_gives_the_same_operations() {
    let run = || run(None, LIMIT, 5_000, 0).unwrap_or_else(|failure| panic!("{failure:#?}")).operations;
    assert_eq!(run(), run());
}

#[test]
fn a_value_that_is_never_freed_is_found() {
    let message = found(PlantedFault::Leak);
    assert!(message.contains("bytes are in use"), "{message}");
}

#[test]
fn a_key_that_is_lost_is_found() {
    let message = found(PlantedFault::LostKey);
    assert!(message.contains("keys of the keyspace"), "{message}");
}

#[test]
fn an_answer_from_before_the_expiry_is_found() {
    let message = found(PlantedFault::ExpiredAnswer { late: 5_000 });
    assert!(message.contains("the model"), "{message}");
}
