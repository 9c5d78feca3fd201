//! Drives each target with random inputs, without libFuzzer. What it lacks is the steering by
//! coverage; what it has is that it runs everywhere and with every `cargo test`.

use proptest::prelude::*;
use std::sync::{Mutex, PoisonError};

/// The targets compare with the process's counter: one at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// Random inputs for each target, each of some dozens of operations.
const INPUTS: u32 = 4000;

fn drive(target: fn(&[u8])) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    // Inputs are random bytes: where they are stored after a failure, they would say nothing.
    let config = ProptestConfig { cases: INPUTS, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(data in prop::collection::vec(any::<u8>(), 0..1500))| target(&data));
}

#[test]
fn zmalloc() {
    drive(fuzz::targets::zmalloc::run);
}

#[test]
fn sds() {
    drive(fuzz::targets::sds::run);
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
