//! Checks that a scan loses nothing while its table changes its size.

#[cfg_attr(feature = "solutions", path = "solution.rs")]
mod exercise;

use exercise::Table;

const HASHES: u64 = 64;

/// Scans a table whose size changes from `first` to `second` buckets after `calls` calls. Between the later calls,
/// `moves` buckets are moved. Returns how often the scan has visited each hash.
fn visits(first: usize, second: usize, calls: usize, moves: usize) -> Vec<usize> {
    let mut table = Table::new(first, 0..HASHES);
    let (mut cursor, mut visits) = (0, vec![0; HASHES as usize]);
    for call in 0..1_000 {
        if call == calls && first != second {
            table.resize(second);
        }
        if call >= calls {
            (0..moves).for_each(|_| table.move_bucket());
        }
        cursor = table.scan(cursor, |hash| visits[hash as usize] += 1);
        if cursor == 0 {
            return visits;
        }
    }
    panic!("the scan does not end");
}

/// Checks that no hash is lost, for all sizes that are `allowed`.
fn check(allowed: impl Fn(usize, usize) -> bool) {
    let sizes = || (0..=5).map(|exponent| 1 << exponent);
    for (first, second) in sizes().flat_map(|first| sizes().map(move |second| (first, second))) {
        if !allowed(first, second) {
            continue;
        }
        for (calls, moves) in (0..=first).flat_map(|calls| (0..=33).map(move |moves| (calls, moves))) {
            let visits = visits(first, second, calls, moves);
            let lost: Vec<usize> = (0..visits.len()).filter(|hash| visits[*hash] == 0).collect();
            let when = format!("from {first} to {second} buckets after {calls} calls, {moves} moves a call");
            assert!(lost.is_empty(), "{when}: lost {lost:?}");
        }
    }
}

#[test]
fn a_table_that_does_not_change_is_visited_once() {
    check(|first, second| first == second);
    for buckets in [1, 2, 4, 8, 16, 32] {
        assert_eq!(visits(buckets, buckets, 0, 0), [1; HASHES as usize], "{buckets} buckets");
    }
}

#[test]
fn nothing_is_lost_while_the_table_grows() {
    check(|first, second| first < second);
}

#[test]
fn nothing_is_lost_while_the_table_shrinks_to_half() {
    check(|first, second| first == 2 * second);
}

#[test]
fn nothing_is_lost_while_the_table_shrinks_to_a_quarter_or_less() {
    check(|first, second| first >= 4 * second);
}

#[test]
fn a_call_visits_one_bucket_of_the_smaller_size_while_entries_move() {
    // A scan that starts over after a change of size would lose nothing either. But it would not end if the size
    // changed again and again.
    for (first, second) in [(16, 4), (32, 1), (4, 16), (8, 4)] {
        let mut table = Table::new(first, 0..HASHES);
        table.resize(second);
        let small = first.min(second) as u64;
        for bucket in 0..small {
            let mut seen = vec![];
            table.scan(bucket, |hash| seen.push(hash));
            seen.sort();
            assert!(seen.iter().copied().eq((bucket..HASHES).step_by(small as usize)), "{bucket}: {seen:?}");
        }
    }
}

#[test]
fn a_cursor_keeps_its_meaning() {
    let mut table = Table::new(16, 0..HASHES);
    assert_eq!([0, 8, 4, 15].map(|cursor| table.scan(cursor, |_| ())), [8, 4, 12, 0]);
    table.resize(4);
    assert_eq!([0, 8, 2, 15].map(|cursor| table.scan(cursor, |_| ())), [2, 2, 1, 0]);
}
