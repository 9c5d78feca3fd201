//! Closures, clones and drops that panic: the table stays valid, and no entry is dropped twice.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::mix;
use crate::Table;

/// An entry that counts its drops, and panics if its number is armed. It owns no memory, since some are
/// leaked here on purpose.
struct PanicOnDrop<'a> {
    number: u64,
    plan: &'a PanicPlan,
}

/// The state that the entries of a table share.
struct PanicPlan {
    drops: Cell<u32>,
    /// The number of the entry that panics next.
    armed: Cell<u64>,
}

impl PanicPlan {
    fn new() -> Self {
        Self { drops: Cell::new(0), armed: Cell::new(u64::MAX) }
    }
}

impl PanicOnDrop<'_> {
    fn panic_if_armed(&self) {
        if self.plan.armed.get() == self.number {
            self.plan.armed.set(u64::MAX);
            panic!("entry {}", self.number);
        }
    }
}

impl Drop for PanicOnDrop<'_> {
    fn drop(&mut self) {
        self.plan.drops.set(self.plan.drops.get() + 1);
        if !std::thread::panicking() {
            self.panic_if_armed();
        }
    }
}

impl Clone for PanicOnDrop<'_> {
    fn clone(&self) -> Self {
        self.panic_if_armed();
        Self { number: self.number, plan: self.plan }
    }
}

const COUNT: u64 = 60;

fn hash(entry: &PanicOnDrop<'_>) -> u64 {
    mix(entry.number)
}

/// Returns a table whose entries may panic.
fn panicking_table(plan: &PanicPlan) -> Table<PanicOnDrop<'_>> {
    let mut table = Table::new();
    for number in 0..COUNT {
        table.insert_unique(mix(number), PanicOnDrop { number, plan }, hash);
    }
    table
}

fn panics(run: impl FnOnce()) {
    assert!(catch_unwind(AssertUnwindSafe(run)).is_err(), "it was meant to panic");
}

#[test]
fn a_hasher_that_panics_during_a_split_loses_no_entry() {
    for nth in (0..20).step_by(if cfg!(miri) { 7 } else { 1 }) {
        let plan = PanicPlan::new();
        let mut table = panicking_table(&plan);
        let calls = Cell::new(0);
        panics(|| {
            table.reserve(if cfg!(miri) { 300 } else { 1_000 }, |entry| {
                calls.set(calls.get() + 1);
                assert!(calls.get() <= nth * if cfg!(miri) { 2 } else { 7 }, "the hasher gives up");
                hash(entry)
            });
        });
        table.raw().check(hash);
        assert_eq!((table.len() as u64, plan.drops.get()), (COUNT, 0));
        table.insert_unique(mix(COUNT), PanicOnDrop { number: COUNT, plan: &plan }, hash);
        drop(table);
        assert_eq!(u64::from(plan.drops.get()), COUNT + 1);
    }
}

#[test]
fn an_equality_that_panics_changes_nothing() {
    let plan = PanicPlan::new();
    let mut table = panicking_table(&plan);
    panics(|| drop(table.find_entry(mix(3), |_| panic!("no answer"))));
    table.raw().check(hash);
    assert_eq!((table.len() as u64, plan.drops.get()), (COUNT, 0));
}

#[test]
fn a_predicate_that_panics_leaves_the_rest_where_it_is() {
    for number in (0..COUNT).step_by(if cfg!(miri) { 41 } else { 1 }) {
        let plan = PanicPlan::new();
        let mut table = panicking_table(&plan);
        panics(|| {
            table.retain(|entry| {
                assert_ne!(entry.number, number);
                entry.number % 2 == 0
            });
        });
        table.raw().check(hash);
        assert_eq!(table.len() as u64 + u64::from(plan.drops.get()), COUNT);
        drop(table);
        assert_eq!(u64::from(plan.drops.get()), COUNT);
    }
}

#[test]
fn a_drop_that_panics_in_a_step_leaks_nothing() {
    // All entries are in one chunk with its children, so that entries follow the one that panics in a step.
    let region = zmalloc::Region::start();
    let plan = PanicPlan::new();
    let mut table = Table::new();
    for number in 0..COUNT {
        table.insert_unique(0, PanicOnDrop { number, plan: &plan }, |_| 0);
    }
    plan.armed.set(7);
    panics(|| {
        let mut left = Some(table);
        while let Some(table) = left {
            left = table.drop_in_steps(10);
        }
    });
    assert_eq!(u64::from(plan.drops.get()), COUNT, "the rest of the chunk is dropped all the same");
    assert_eq!(region.held(), 0);
}

#[test]
fn a_drop_that_panics_leaves_an_empty_or_valid_table() {
    for number in [0, 1, COUNT / 2, COUNT - 1] {
        let plan = PanicPlan::new();
        let mut table = panicking_table(&plan);
        plan.armed.set(number);
        panics(|| table.retain(|_| false));
        table.raw().check(hash);
        plan.armed.set(number + 1);
        let before = plan.drops.get();
        if table.iter().any(|entry| entry.number == number + 1) {
            panics(|| table.clear());
        } else {
            table.clear();
        }
        assert_eq!((table.len(), table.allocation_size()), (0, 0));
        assert!(plan.drops.get() >= before && u64::from(plan.drops.get()) <= COUNT);
    }
}

#[test]
fn a_clone_that_panics_drops_what_was_cloned_and_spares_the_original() {
    let plan = PanicPlan::new();
    let table = panicking_table(&plan);
    plan.armed.set(COUNT / 2);
    panics(|| drop(table.clone()));
    let half_a_clone = plan.drops.get();
    table.raw().check(hash);
    drop(table);
    assert_eq!(u64::from(plan.drops.get() - half_a_clone), COUNT);
}

#[test]
fn a_scan_whose_closure_panics_changes_nothing() {
    let plan = PanicPlan::new();
    let table = panicking_table(&plan);
    panics(|| {
        table.scan(crate::Cursor::START, |_| panic!("seen enough"));
    });
    table.raw().check(hash);
    assert_eq!(plan.drops.get(), 0);
}
