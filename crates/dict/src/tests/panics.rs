//! Closures, clones and drops that panic: the table stays valid, and no entry is dropped twice.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use super::mix;
use crate::Table;

/// Counts its drops, and panics when it is told to.
struct Bomb {
    number: u64,
    drops: Rc<Cell<u32>>,
    armed: Rc<Cell<u64>>,
}

impl Bomb {
    fn strike(&self) {
        if self.armed.get() == self.number {
            self.armed.set(u64::MAX);
            panic!("bomb {}", self.number);
        }
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        self.drops.set(self.drops.get() + 1);
        if !std::thread::panicking() {
            self.strike();
        }
    }
}

impl Clone for Bomb {
    fn clone(&self) -> Self {
        self.strike();
        Self { number: self.number, drops: self.drops.clone(), armed: self.armed.clone() }
    }
}

const COUNT: u64 = 60;

fn hash(bomb: &Bomb) -> u64 {
    mix(bomb.number)
}

/// A table of bombs, their drop counter and their fuse.
fn bombs() -> (Table<Bomb>, Rc<Cell<u32>>, Rc<Cell<u64>>) {
    let (drops, armed) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(u64::MAX)));
    let mut table = Table::new();
    for number in 0..COUNT {
        let bomb = Bomb { number, drops: drops.clone(), armed: armed.clone() };
        table.insert_unique(mix(number), bomb, hash);
    }
    (table, drops, armed)
}

fn panics(run: impl FnOnce()) {
    assert!(catch_unwind(AssertUnwindSafe(run)).is_err(), "it was meant to panic");
}

#[test]
fn a_hasher_that_panics_during_a_split_loses_no_entry() {
    for nth in 0..20 {
        let (mut table, drops, armed) = bombs();
        let calls = Cell::new(0);
        panics(|| {
            table.reserve(1_000, |bomb| {
                calls.set(calls.get() + 1);
                assert!(calls.get() <= nth * 7, "the hasher gives up");
                hash(bomb)
            });
        });
        table.raw().check(hash);
        assert_eq!((table.len() as u64, drops.get()), (COUNT, 0));
        let bomb = Bomb { number: COUNT, drops: drops.clone(), armed };
        table.insert_unique(mix(COUNT), bomb, hash);
        drop(table);
        assert_eq!(u64::from(drops.get()), COUNT + 1);
    }
}

#[test]
fn an_equality_that_panics_changes_nothing() {
    let (mut table, drops, _) = bombs();
    panics(|| drop(table.find_entry(mix(3), |_| panic!("no answer"))));
    table.raw().check(hash);
    assert_eq!((table.len() as u64, drops.get()), (COUNT, 0));
}

#[test]
fn a_predicate_that_panics_leaves_the_rest_where_it_is() {
    for number in 0..COUNT {
        let (mut table, drops, _) = bombs();
        panics(|| {
            table.retain(|bomb| {
                assert_ne!(bomb.number, number);
                bomb.number % 2 == 0
            });
        });
        table.raw().check(hash);
        assert_eq!(table.len() as u64 + u64::from(drops.get()), COUNT);
        drop(table);
        assert_eq!(u64::from(drops.get()), COUNT);
    }
}

#[test]
fn a_drop_that_panics_leaves_an_empty_or_valid_table() {
    for number in [0, 1, COUNT / 2, COUNT - 1] {
        let (mut table, drops, armed) = bombs();
        armed.set(number);
        panics(|| table.retain(|_| false));
        table.raw().check(hash);
        armed.set(number + 1);
        let before = drops.get();
        if table.iter().any(|bomb| bomb.number == number + 1) {
            panics(|| table.clear());
        } else {
            table.clear();
        }
        assert_eq!((table.len(), table.allocation_size()), (0, 0));
        assert!(drops.get() >= before && u64::from(drops.get()) <= COUNT);
    }
}

#[test]
fn a_clone_that_panics_drops_what_was_cloned_and_spares_the_original() {
    let (table, drops, armed) = bombs();
    armed.set(COUNT / 2);
    panics(|| drop(table.clone()));
    let half_a_clone = drops.get();
    table.raw().check(hash);
    drop(table);
    assert_eq!(u64::from(drops.get() - half_a_clone), COUNT);
}

#[test]
fn a_scan_whose_closure_panics_changes_nothing() {
    let (table, drops, _) = bombs();
    panics(|| {
        table.scan(crate::Cursor::START, |_| panic!("seen enough"));
    });
    table.raw().check(hash);
    assert_eq!(drops.get(), 0);
}
