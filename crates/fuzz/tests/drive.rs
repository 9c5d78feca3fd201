//! Runs each target on random inputs, without libFuzzer. Coverage does not guide the inputs, but the tests
//! run on every machine with `cargo test --workspace`.

use proptest::prelude::*;
use std::sync::{PoisonError, RwLock};

/// The target `zmalloc` reads the counters of the process, so it runs alone. The others run in parallel.
static PROCESS: RwLock<()> = RwLock::new(());

/// The number of random inputs for each target. Each has some dozens of operations. libFuzzer runs many more.
const INPUTS: u32 = 800;

/// Runs a target in parallel with others.
fn drive(target: fn(&[u8])) {
    let _shared = PROCESS.read().unwrap_or_else(PoisonError::into_inner);
    run_inputs(target);
}

/// Runs a target on [`INPUTS`] random inputs.
fn run_inputs(target: fn(&[u8])) {
    let config = testing::config(INPUTS, INPUTS);
    proptest!(config, |(data in prop::collection::vec(any::<u8>(), 0..1500))| target(&data));
}

#[test]
fn zmalloc() {
    let _alone = PROCESS.write().unwrap_or_else(PoisonError::into_inner);
    run_inputs(fuzz::targets::zmalloc::run);
}

#[test]
fn sds() {
    drive(fuzz::targets::sds::run);
}

#[test]
fn symbols() {
    drive(fuzz::targets::symbols::run);
}

#[test]
fn robj() {
    drive(fuzz::targets::robj::run);
}

#[test]
fn dict() {
    drive(fuzz::targets::dict::run);
}

#[test]
fn table() {
    drive(fuzz::targets::table::run);
}

#[test]
fn intset() {
    drive(fuzz::targets::intset::run);
}

#[test]
fn listpack() {
    drive(fuzz::targets::listpack::run);
}

#[test]
fn quicklist() {
    drive(fuzz::targets::quicklist::run);
}

#[test]
fn zindex() {
    drive(fuzz::targets::zindex::run);
}

#[test]
fn values() {
    drive(fuzz::targets::values::run);
}

#[test]
fn keyspace() {
    drive(fuzz::targets::keyspace::run);
}

#[test]
fn rdb() {
    drive(fuzz::targets::rdb::run);
}

#[test]
fn glob() {
    drive(fuzz::targets::glob::run);
}
