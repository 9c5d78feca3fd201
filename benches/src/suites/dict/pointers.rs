//! The same life for tables of pointers. The key is in the block that the entry points to, as in a key-value
//! store. A hit costs two cache misses: one for the table, and one for the block.
//!
//! The blocks are allocated beforehand, one by one in the order of insertion. Only the table is timed.

use super::life::{Candidate, PhaseTimes};
use crate::dependent;
use crate::keys::{Key, Keys};
use crate::lifecycle::timed;
use crate::maps::{CompactNode, FoldHash, Node, Pointer};
use dict::Table;
use hashbrown::HashTable;
use std::hash::BuildHasher;
use std::hint::black_box;

/// How many of the candidates are redcore's. The others are their peers.
pub(super) const SUBJECTS: usize = 2;

/// Allocates a block for each key, in the order of insertion, and lends the blocks to `work`.
pub(super) fn nodes_and(keys: &Keys, work: impl FnOnce(Vec<&Node>)) {
    let make = |(value, key): (usize, &Key)| Box::new(Node { key: *key, value: value as u64 });
    let nodes: Vec<Box<Node>> = keys.insert.iter().enumerate().map(make).collect();
    work(nodes.iter().map(|node| &**node).collect());
}

/// Returns redcore's table, with plain pointers and with pointers of six bytes, and hashbrown's table.
pub(super) fn candidates<'a>(nodes: &'a [&'a Node], keys: &'a Keys) -> Vec<Candidate<'a>> {
    vec![
        Candidate::new("Table", || dict_life(nodes, keys)),
        Candidate::new("Table, 6-byte pointers", || compact_life(nodes, keys)),
        Candidate::new("hashbrown HashTable", || hashbrown_life(nodes, keys)),
    ]
}

#[inline]
pub(super) fn hash(key: &Key) -> u64 {
    FoldHash::default().hash_one(key)
}

/// Defines a life. This is a macro because the two tables have the same methods and no common trait.
macro_rules! life {
    ($name:ident, $table:ident, $pointer:ty) => {
        fn $name<'a>(nodes: &[&'a Node], keys: &Keys) -> PhaseTimes {
            let mut table = $table::<$pointer>::new();
            let n = nodes.len();
            let insert = timed(|| {
                for node in nodes {
                    let is_it = |other: &$pointer| other.node().key == node.key;
                    table
                        .entry(hash(&node.key), is_it, |other| hash(&other.node().key))
                        .or_insert(Pointer::to(node));
                }
            });
            assert_eq!(table.len(), n);
            let mut found = 0;
            let mut look_up = |wanted: &[Key]| {
                timed(|| {
                    let is_there = |key: &&Key| {
                        table.find(hash(black_box(key)), |other| other.node().key == **key).is_some()
                    };
                    found = wanted.iter().filter(is_there).count();
                })
            };
            let hit = look_up(&keys.find);
            let dependent = dependent::hits(&keys.find, |key| {
                table.find(hash(key), |other| other.node().key == *key).expect("all are there").node().value
            });
            let miss = look_up(&keys.absent);
            assert_eq!(found, 0);
            let mut sum = 0;
            // The values are in the blocks too. So an iteration that reads them has one cache miss for each.
            let iterate = timed(|| table.iter().for_each(|entry| sum += entry.node().value));
            assert_eq!(sum, n as u64 * (n as u64 - 1) / 2);
            let remove = timed(|| {
                for key in &keys.find {
                    let is_it = |other: &$pointer| other.node().key == *key;
                    if let Ok(entry) = table.find_entry(hash(black_box(key)), is_it) {
                        entry.remove();
                    }
                }
            });
            assert_eq!(table.len(), 0);
            [insert, hit, dependent, miss, iterate, remove]
        }
    };
}

life!(dict_life, Table, &'a Node);
life!(compact_life, Table, CompactNode<'a>);
life!(hashbrown_life, HashTable, &'a Node);
