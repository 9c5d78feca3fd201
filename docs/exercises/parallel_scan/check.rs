//! Checks the scan with several workers.

#[cfg_attr(feature = "solutions", path = "solution.rs")]
mod exercise;

use dict::{Cursor, Table};
use exercise::{is_done, start};

fn hash(n: &u64) -> u64 {
    n.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32)
}

/// Returns the bucket that a call visits, and the next cursor, in a table of `buckets` buckets, a power of two.
fn step(cursor: u64, buckets: u64) -> (u64, u64) {
    let next = (cursor | !(buckets - 1)).reverse_bits().wrapping_add(1).reverse_bits();
    (cursor & (buckets - 1), next)
}

/// Returns the buckets that a worker visits in a table that does not change.
fn visited(worker: u32, workers: u32, buckets: u64) -> Vec<u64> {
    let (mut cursor, mut visited) = (start(worker, workers), vec![]);
    loop {
        let (bucket, next) = step(cursor, buckets);
        visited.push(bucket);
        cursor = next;
        if is_done(worker, workers, cursor) {
            return visited;
        }
        assert!(visited.len() as u64 <= buckets, "worker {worker} of {workers} does not finish");
    }
}

#[test]
fn four_workers_begin_at_the_quarters_of_the_line() {
    assert_eq!(start(0, 1), 0);
    assert_eq!([0, 1].map(|worker| start(worker, 2)), [0b0, 0b1]);
    assert_eq!([0, 1, 2, 3].map(|worker| start(worker, 4)), [0b00, 0b10, 0b01, 0b11]);
}

#[test]
fn the_number_of_workers_need_not_be_a_power_of_two() {
    let thirds = [0, 0x5555_5555_5555_5555_u64, 0xAAAA_AAAA_AAAA_AAAA].map(u64::reverse_bits);
    assert_eq!([0, 1, 2].map(|worker| start(worker, 3)), thirds);
    assert_eq!(start(u32::MAX - 1, u32::MAX).reverse_bits(), u64::MAX - (1 << 32) - 1);
}

#[test]
fn each_of_four_workers_visits_a_quarter_of_eight_buckets() {
    let visited = [0, 1, 2, 3].map(|worker| visited(worker, 4, 8));
    assert_eq!(visited, [[0, 4], [2, 6], [1, 5], [3, 7]]);
}

#[test]
fn no_bucket_has_two_workers_if_the_parts_end_between_buckets() {
    for workers in [1, 2, 4, 8, 16] {
        for buckets in [16, 32, 64, 256] {
            let all: Vec<u64> = (0..workers).flat_map(|worker| visited(worker, workers, buckets)).collect();
            let mut cursor = 0;
            for bucket in all {
                let (expected, next) = step(cursor, buckets);
                assert_eq!(bucket, expected, "{workers} workers, {buckets} buckets");
                cursor = next;
            }
            assert_eq!(cursor, 0, "{workers} workers, {buckets} buckets");
        }
    }
}

#[test]
fn at_most_two_workers_visit_the_same_bucket_if_there_are_more_buckets_than_workers() {
    for workers in 1..=40 {
        let mut visits = [0; 64];
        for worker in 0..workers {
            visited(worker, workers, 64).iter().for_each(|bucket| visits[*bucket as usize] += 1);
        }
        assert!(visits.iter().all(|visits| (1..=2).contains(visits)), "{workers} workers: {visits:?}");
        let visits: u32 = visits.iter().sum();
        assert!(visits < 64 + workers, "{workers} workers make {visits} calls");
    }
}

#[test]
fn a_worker_whose_part_is_within_a_bucket_makes_one_call() {
    for worker in 0..64 {
        assert_eq!(visited(worker, 64, 1), [0], "worker {worker}");
        assert_eq!(visited(worker, 64, 2), [u64::from(worker >= 32)], "worker {worker}");
    }
}

#[test]
fn the_cursor_0_ends_the_part_of_every_worker() {
    for workers in [1, 2, 3, u32::MAX] {
        assert!([0, workers - 1].iter().all(|worker| is_done(*worker, workers, 0)), "{workers} workers");
    }
    // All other cursors are before the end of the line.
    assert!(!is_done(0, 1, u64::MAX) && !is_done(2, 3, u64::MAX));
    assert!(is_done(0, 2, 1) && !is_done(0, 2, 1 << 1) && is_done(0, 2, 0b11));
}

#[test]
fn the_workers_visit_everything_while_the_table_grows_or_shrinks() {
    for (workers, shrinks) in [1, 2, 3, 5, 8, 13, 100].into_iter().flat_map(|n| [(n, false), (n, true)]) {
        // The entries below 300 are there from the first call to the last. Others come or go.
        let mut table = Table::new();
        let mut present = if shrinks { 3_000 } else { 300 };
        for n in 0..present {
            table.insert_unique(hash(&n), n, hash);
        }
        let mut cursors: Vec<u64> = (0..workers).map(|worker| start(worker, workers)).collect();
        let mut working: Vec<u32> = (0..workers).collect();
        let mut seen = [false; 3_000];
        while !working.is_empty() {
            // Each worker makes one call. After each call, the table changes.
            working.retain(|&worker| {
                let cursor = &mut cursors[worker as usize];
                *cursor = table.scan(Cursor::from(*cursor), |n| seen[*n as usize] = true).into();
                for _ in 0..20 {
                    if shrinks && present > 300 {
                        present -= 1;
                        table.find_entry(hash(&present), |n| *n == present).unwrap().remove();
                    } else if !shrinks && present < 3_000 {
                        table.insert_unique(hash(&present), present, hash);
                        present += 1;
                    }
                }
                !is_done(worker, workers, *cursor)
            });
        }
        let missed = seen[..300].iter().filter(|seen| !**seen).count();
        assert_eq!(missed, 0, "of 300 entries were missed by {workers} workers");
    }
}
