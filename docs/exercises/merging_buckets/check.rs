//! Checks the table that shrinks.

#[cfg_attr(feature = "solutions", path = "solution.rs")]
mod exercise;

use exercise::Table;

/// Returns `n` hashes, whose low bits are well mixed.
fn hashes(n: u64) -> Vec<u64> {
    (1..=n).map(|n| n.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32)).collect()
}

fn filled(hashes: &[u64]) -> Table {
    let mut table = Table::new();
    hashes.iter().for_each(|hash| table.insert(*hash));
    table
}

/// Checks that the table has exactly these entries, each in its bucket.
fn check(table: &Table, hashes: &[u64]) {
    let mut expected = vec![vec![]; table.buckets.len()];
    for &hash in hashes {
        expected[table.bucket(hash)].push(hash);
    }
    let mut found = table.buckets.clone();
    found.iter_mut().chain(&mut expected).for_each(|bucket| bucket.sort());
    assert_eq!((found, table.len), (expected, hashes.len()));
}

#[test]
fn an_entry_that_is_absent_cannot_be_removed() {
    let mut table = Table::new();
    assert_eq!(table.remove(7), None);
    table.insert(7);
    assert_eq!(table.remove(8), None);
    check(&table, &[7]);
    // Nothing merges, although there are fewer entries than buckets.
    table.buckets.push(vec![]);
    assert_eq!((table.remove(8), table.buckets.len()), (None, 2));
}

#[test]
fn each_removal_leaves_every_other_entry_in_its_bucket() {
    for n in 0..120 {
        let mut hashes = hashes(n);
        let mut table = filled(&hashes);
        while let Some(hash) = hashes.pop() {
            let buckets = table.buckets.len();
            assert!(table.remove(hash).is_some());
            check(&table, &hashes);
            let is_merge = hashes.len() < buckets && buckets > 1;
            assert_eq!(table.buckets.len(), buckets - usize::from(is_merge), "{} entries", hashes.len());
        }
    }
}

#[test]
fn a_removal_moves_the_entries_of_the_last_bucket_only() {
    for buckets in 2..=40 {
        let mut table = Table { buckets: vec![vec![]; buckets], len: buckets };
        (0..buckets as u64).for_each(|hash| table.buckets[hash as usize].push(hash));
        let before = table.buckets.clone();
        assert_eq!(table.remove(0), Some(1), "{buckets} buckets");
        assert_eq!(table.buckets.len(), buckets - 1);
        let changed: Vec<usize> = (1..buckets - 1).filter(|at| table.buckets[*at] != before[*at]).collect();
        let half = 1 << (buckets - 1).ilog2();
        let from = buckets - 1 - half;
        assert_eq!(changed, if from == 0 { vec![] } else { vec![from] }, "{buckets} buckets");
    }
}

#[test]
fn the_entry_that_is_removed_is_not_counted_as_moved() {
    // The last bucket has the entry and one other.
    let mut table = Table { buckets: vec![vec![], vec![1, 3]], len: 2 };
    assert_eq!(table.remove(3), Some(1));
    assert_eq!(table.buckets, [[1]]);
}

#[test]
fn one_of_two_entries_with_the_same_hash_stays() {
    let mut table = filled(&[5, 5, 6]);
    assert!(table.remove(5).is_some());
    check(&table, &[5, 6]);
}

#[test]
fn adding_and_removing_one_entry_again_and_again_moves_nothing() {
    for n in 0..200 {
        let hashes = hashes(n + 1);
        let (last, others) = hashes.split_last().unwrap();
        let mut table = filled(others);
        let moved: Vec<_> = (0..20)
            .map(|_| {
                table.insert(*last);
                table.remove(*last)
            })
            .collect();
        assert_eq!(moved, vec![Some(0); 20], "{n} entries");
    }
}
