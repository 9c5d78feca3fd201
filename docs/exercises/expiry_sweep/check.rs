//! Checks a sweep.

#[cfg_attr(feature = "solutions", path = "solution.rs")]
mod exercise;

use exercise::{Swept, Table, WINDOW};

const NOW: u64 = 1_000;

/// An expiry that has come at the time [`NOW`].
const DUE: Option<u64> = Some(NOW);

/// An expiry that has not come yet.
const LIVE: Option<u64> = Some(NOW + 1);

/// Returns slots with `due` expired keys, and then with live ones.
fn slots(due: usize, len: usize) -> Vec<Option<u64>> {
    (0..len).map(|n| if n < due { DUE } else { LIVE }).collect()
}

#[test]
fn a_sweep_removes_the_keys_whose_expiry_has_come() {
    let mut table = Table::new(vec![DUE, None, LIVE, Some(0), Some(u64::MAX)]);
    assert_eq!(table.sweep(NOW, 10), Swept { visited: 5, looked_at: 4, removed: 2 });
    assert_eq!(table.slots, [None, None, LIVE, None, Some(u64::MAX)]);
    assert_eq!(table.sweep(NOW, 10), Swept { visited: 5, looked_at: 2, removed: 0 });
}

#[test]
fn a_sweep_continues_where_the_last_one_stopped() {
    let mut table = Table::new(slots(7, 7));
    let left = |table: &Table| table.slots.iter().flatten().count();
    for expected in [(3, 4), (3, 1), (1, 0), (3, 0)] {
        assert_eq!((table.sweep(NOW, 3).visited, left(&table)), expected);
    }
    table.slots.fill(DUE);
    table.sweep(NOW, 1);
    assert_eq!(table.slots, [DUE, DUE, DUE, None, DUE, DUE, DUE]);
}

#[test]
fn a_sweep_that_ends_exactly_at_the_end_of_the_table_is_followed_by_one_from_the_start() {
    let mut table = Table::new(slots(0, 6));
    assert_eq!([6, 6, 3, 3, 6].map(|budget| table.sweep(NOW, budget).visited), [6, 6, 3, 3, 6]);
}

#[test]
fn a_table_that_grows_after_a_sweep_to_its_end_is_swept_from_the_start() {
    // The budget, the end of the table, or a window with few expired keys ends the first sweep.
    for (len, budget) in [(7, 7), (7, 8), (WINDOW, 1_000)] {
        let mut table = Table::new(slots(0, len));
        assert_eq!(table.sweep(NOW, budget).visited, len);
        table.slots = slots(1, len + 10);
        assert_eq!(table.sweep(NOW, 1).removed, 1, "{len} slots, and a budget of {budget}");
    }
}

#[test]
fn a_table_that_grows_after_a_sweep_to_another_slot_is_swept_from_there() {
    let mut table = Table::new(slots(0, 7));
    table.sweep(NOW, 6);
    table.slots = slots(7, 10);
    assert_eq!(table.sweep(NOW, 10), Swept { visited: 4, looked_at: 4, removed: 1 });
}

#[test]
fn slots_without_an_expiry_use_the_budget_up() {
    let mut table = Table::new(vec![None; 1_000]);
    table.slots[999] = DUE;
    assert_eq!(table.sweep(NOW, 600), Swept { visited: 600, looked_at: 0, removed: 0 });
    assert_eq!(table.sweep(NOW, 600), Swept { visited: 400, looked_at: 1, removed: 1 });
}

#[test]
fn a_sweep_stops_after_a_window_with_few_expired_keys() {
    for (due, expected) in [(0, 1), (WINDOW / 10 - 1, 1), (WINDOW / 10, 2), (WINDOW, 2)] {
        let mut table = Table::new(slots(due, 10 * WINDOW));
        assert_eq!(table.sweep(NOW, 1_000).looked_at, expected * WINDOW, "{due} expired keys");
    }
}

#[test]
fn each_window_is_judged_by_its_own_looks() {
    // The first five windows have expired keys only, so the mean of all windows is high for long.
    let mut table = Table::new(slots(5 * WINDOW, 20 * WINDOW));
    let expected = Swept { visited: 6 * WINDOW, looked_at: 6 * WINDOW, removed: 5 * WINDOW };
    assert_eq!(table.sweep(NOW, 1_000), expected);
}

#[test]
fn a_window_counts_looks_and_not_slots() {
    // Every fourth slot has an expiry.
    let slots = (0..20 * WINDOW).map(|n| if n % 4 == 3 { LIVE } else { None }).collect();
    let expected = Swept { visited: 4 * WINDOW, looked_at: WINDOW, removed: 0 };
    assert_eq!(Table::new(slots).sweep(NOW, 1_000), expected);
}

#[test]
fn each_sweep_begins_with_a_new_window() {
    let mut table = Table::new(slots(0, 10 * WINDOW));
    let budgets = [WINDOW - 1, 1_000, 1_000];
    assert_eq!(budgets.map(|budget| table.sweep(NOW, budget).looked_at), [WINDOW - 1, WINDOW, WINDOW]);
}

#[test]
fn a_table_may_be_empty_or_become_shorter() {
    let mut table = Table::new(vec![]);
    assert_eq!((table.sweep(NOW, 10), table.sweep(NOW, 0)), (Swept::default(), Swept::default()));
    for len in 0..8 {
        let mut table = Table::new(slots(8, 8));
        assert_eq!(table.sweep(NOW, 5).removed, 5);
        table.slots = slots(8, len);
        let begin = if len > 5 { 5 } else { 0 };
        assert_eq!(table.sweep(NOW, 100).removed, len - begin, "{len} slots");
    }
}

#[test]
fn a_round_visits_each_slot_once_with_any_budget() {
    for budget in 1..100 {
        let mut table = Table::new((0..97).map(|n| if n % 3 == 0 { None } else { DUE }).collect());
        let (mut visited, mut removed) = (0, 0);
        while visited < 97 {
            let swept = table.sweep(NOW, budget);
            assert!((1..=budget).contains(&swept.visited), "budget {budget}: {swept:?}");
            visited += swept.visited;
            removed += swept.removed;
        }
        assert_eq!((visited, removed), (97, 64), "budget {budget}");
    }
}

#[test]
fn sweeps_leave_few_expired_keys_with_few_looks() {
    // The store of the chapter: 20,000 keys that live for 500 to 1,499 ticks.
    const KEYS: usize = 20_000;
    let mut state = 1_u64;
    let mut random = |below: u64| {
        // Knuth's generator. Its upper bits are the better ones.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut table = Table::new((0..KEYS).map(|_| Some(random(1_500))).collect());
    let (mut sum, mut expired) = (Swept::default(), 0);
    for tick in 0..5_000 {
        let swept = table.sweep(tick, 2_000);
        assert!(swept.visited <= 2_000);
        if tick >= 2_000 {
            sum.looked_at += swept.looked_at;
            sum.removed += swept.removed;
            if tick % 20 == 0 {
                expired += table.slots.iter().flatten().filter(|&&expiry| expiry <= tick).count();
            }
        }
        // Clients replace the keys that were removed.
        if swept.removed > 0 {
            for slot in table.slots.iter_mut().filter(|slot| slot.is_none()) {
                *slot = Some(tick + 500 + random(1_000));
            }
        }
    }
    let share = expired as f64 / (150 * KEYS) as f64;
    let looks = sum.looked_at as f64 / sum.removed as f64;
    assert!(share < 0.10, "{share:.3} of the keys have expired");
    assert!(looks < 16.0, "a removal takes {looks:.1} looks");
}
