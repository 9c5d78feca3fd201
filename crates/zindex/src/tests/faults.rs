//! Tests of operations that fail, because an allocation fails or because a score is NaN. An operation that
//! fails must change nothing.

use zmalloc::fault;

use super::name;
use crate::{InsertError, Order, ZIndex, ZTable};

/// Runs `operation` on a new value of `make` for each of its allocations, and lets that allocation fail.
/// Stops when no allocation is left. Returns the number of allocations. `operation` is told whether an
/// allocation may fail, and returns whether it has succeeded.
fn each_fault<T>(make: impl Fn() -> T, mut operation: impl FnMut(&mut T, bool) -> bool) -> u64 {
    for nth in 1.. {
        let mut value = make();
        let plan = fault::fail_nth(nth);
        let done = operation(&mut value, true);
        let failures = plan.failures();
        drop(plan);
        assert!(done || failures > 0, "allocation {nth} was there");
        if failures == 0 {
            return nth - 1;
        }
        // The operation may succeed although an allocation failed: a table that cannot grow may still take
        // members. If the operation failed, it succeeds now that there is memory.
        assert!(done || operation(&mut value, false));
    }
    unreachable!("an operation that allocates without end")
}

fn table(n: usize) -> ZTable {
    let mut table = ZTable::new();
    for number in 0..n {
        table.insert(&name(2 * number), 2.0 * number as f64).unwrap();
    }
    table
}

#[test]
fn an_insert_that_finds_no_memory_changes_nothing() {
    let mut most = 0;
    for n in if cfg!(miri) { vec![0, 4] } else { (0..70).collect() } {
        for at in (0..=n).step_by(if cfg!(miri) { 2 } else { 1 }) {
            let before = table(n);
            let allocations = each_fault(
                || table(n),
                |table, fails| {
                    let inserted = table.try_insert(&name(2 * at + 1), 2.0 * at as f64 + 1.0);
                    if inserted.is_err() {
                        assert!(fails && matches!(inserted, Err(InsertError::Reserve(_))));
                        assert_eq!(*table, before);
                    }
                    table.check();
                    assert_eq!(table.allocation_size() == 0, table.is_empty());
                    inserted.is_ok()
                },
            );
            most = most.max(allocations);
        }
    }
    assert!(most >= if cfg!(miri) { 3 } else { 6 }, "a block, and nodes on several levels: {most}");
}

#[test]
fn an_insert_that_the_member_table_refuses_leaves_no_nodes_behind() {
    let mut refused = 0;
    for n in if cfg!(miri) { vec![15] } else { (1..600).collect() } {
        for allocations in 1.. {
            let mut table = table(n);
            let before = Order::allocation_size(&table);
            // The first `allocations - 1` allocations succeed and all others fail. At some point the order
            // has its nodes, but the table has no room.
            let plan = fault::fail_from(allocations);
            // The member goes to the last leaf if `n` is even, and to the first one otherwise. For some `n`
            // that leaf is full.
            let inserted = table.try_insert(&name(2 * n), if n % 2 == 0 { 2.0 * n as f64 } else { -1.0 });
            drop(plan);
            table.check();
            if inserted.is_ok() {
                break;
            }
            refused += 1;
            assert_eq!(
                (table.len(), Order::allocation_size(&table)),
                (n, before),
                "allocation {allocations}"
            );
        }
    }
    assert!(refused > 0);
}

#[test]
fn a_score_that_cannot_be_updated_stays() {
    let mut most = 0;
    // The number of members, and the step of the loops over the moved member and over its new place.
    let sizes = if cfg!(miri) { vec![(5, 4)] } else { vec![(3, 1), (5, 1), (17, 1), (40, 3), (64, 7)] };
    for (n, step) in sizes {
        for from in (0..n).step_by(step) {
            for to in (0..=n).step_by(step) {
                let before = table(n);
                let allocations = each_fault(
                    || table(n),
                    |table, _| {
                        let updated = table.try_insert(&name(2 * from), 2.0 * to as f64 - 1.0);
                        if updated.is_err() {
                            assert_eq!(*table, before);
                        }
                        table.check();
                        updated.is_ok()
                    },
                );
                most = most.max(allocations);
            }
        }
    }
    assert!(most >= if cfg!(miri) { 1 } else { 3 }, "nodes on several levels: {most}");
}

#[test]
fn a_copy_that_finds_no_memory_leaves_nothing_behind() {
    let n = if cfg!(miri) { 5 } else { 20 };
    let (mut index, table) = (ZIndex::new(), table(n));
    for number in 0..n {
        index.insert(&name(number), 1.0).unwrap();
    }
    let copies = each_fault(
        || (),
        |_, _| {
            table.try_clone().is_ok_and(|copy| copy == table) && index.try_clone().is_ok_and(|it| it == index)
        },
    );
    assert!(copies > 2 * n as u64, "{copies}");
}

#[test]
fn what_finds_no_new_block_stays_where_it_is() {
    let len = if cfg!(miri) { 14 } else { 30 };
    let mut table = table(len);
    let before = table.clone();
    let mut cursor = crate::Cursor::START;
    let _plan = fault::fail_every(3);
    let mut asked = 0;
    loop {
        cursor = table.relocate(cursor, &mut |_, _| {
            asked += 1;
            true
        });
        table.check();
        if cursor.is_start() {
            break;
        }
    }
    assert!(asked > len);
    assert_eq!(table, before);
}

#[test]
fn nan_is_refused_and_changes_nothing() {
    let mut index = ZIndex::new();
    assert!(index.insert(b"a", f64::NAN).is_err());
    assert_eq!(index.allocation_size(), 0);
    index.insert(b"a", 1.0).unwrap();
    assert!(index.update_score(b"a", 1.0, f64::NAN).is_err());
    assert_eq!((index.rank(b"a", f64::NAN), index.remove(b"a", f64::NAN)), (None, false));
    assert_eq!(index.ranks_by_score(f64::NAN..).len() + index.ranks_by_score(..f64::NAN).len(), 0);

    let mut table = ZTable::new();
    assert!(table.insert(b"a", f64::NAN).is_err());
    assert_eq!(table.allocation_size(), 0);
    table.insert(b"a", f64::INFINITY).unwrap();
    assert!(table.upsert(b"a", |old| old.map(|old| old - f64::INFINITY)).is_err());
    assert_eq!(table.get(b"a"), Some(f64::INFINITY));
}
