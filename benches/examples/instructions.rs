//! One operation of one table, over and over, to count its instructions: what `cargo xtask instructions` runs under
//! callgrind.
//!
//! ```text
//! instructions CASE SUBJECT OPERATIONS     does so many; CASE and SUBJECT are those that `instructions list` prints
//! ```
//!
//! The table holds [`ENTRIES`] entries, so that a mean over its chunks is a mean over a table. Keys have 16 bytes. In the
//! cases *find* and *miss* the entries are pointers to blocks that hold the key, and the hashes are worked out before:
//! what is counted is the table, the comparison of the key in its block, and the loop. In the other cases keys and
//! values lie in the entries, and the hash is counted, the same on both sides.

use benches::keys::{Key, absent, present};
use benches::maps::{CompactNode, Fold, Node, Pointer};
use dict::{Dict, Table};
use hashbrown::{HashMap, HashTable};
use std::hash::BuildHasher;
use std::hint::black_box;

/// Entries of the table; half-way between two doublings of either side.
const ENTRIES: usize = 10_000;

/// What is counted, and in what.
const CASES: [(&str, &[&str]); 5] = [
    ("find", &["compact", "pointers", "hashbrown"]),
    ("miss", &["compact", "pointers", "hashbrown"]),
    ("get", &["dict", "hashbrown"]),
    ("insert", &["dict", "hashbrown"]),
    ("remove", &["dict", "hashbrown"]),
];

fn hash(key: &Key) -> u64 {
    Fold::default().hash_one(key)
}

/// Look-ups in a table of pointers. (Tables with the same methods and no trait in common.)
macro_rules! find {
    ($table:ident, $pointer:ty, $nodes:expr, $wanted:expr) => {{
        #[inline(never)]
        fn find(table: &$table<$pointer>, hash: u64, key: &Key) -> bool {
            table.find(hash, |other| other.node().key == *key).is_some()
        }
        let mut table = $table::<$pointer>::new();
        for node in $nodes {
            table.insert_unique(hash(&node.key), Pointer::to(node), |other| hash(&other.node().key));
        }
        $wanted.iter().filter(|(hash, key)| find(&table, *hash, key)).count()
    }};
}

/// The other operations, on a map of keys and numbers.
macro_rules! map {
    ($map:ty, $case:expr, $keys:expr, $wanted:expr) => {{
        #[inline(never)]
        fn get(map: &$map, key: &Key) -> bool {
            map.get(key).is_some()
        }
        #[inline(never)]
        fn insert(map: &mut $map, key: &Key) -> bool {
            map.insert(*key, 1).is_none()
        }
        #[inline(never)]
        fn remove(map: &mut $map, key: &Key) -> bool {
            map.remove(key).is_some()
        }
        let mut map = <$map>::default();
        if $case != "insert" {
            $keys.iter().for_each(|key| _ = insert(&mut map, key));
        }
        match $case {
            "get" => $wanted.iter().filter(|key| get(&map, key)).count(),
            "insert" => $wanted.iter().filter(|key| insert(&mut map, key)).count(),
            _ => $wanted.iter().filter(|key| remove(&mut map, key)).count(),
        }
    }};
}

fn run(case: &str, subject: &str, operations: usize) -> usize {
    let keys = present(ENTRIES, 1);
    let wanted = if case == "miss" { absent(ENTRIES, 1) } else { present(ENTRIES, 2) };
    if matches!(case, "find" | "miss") {
        let nodes: Vec<Node> = keys.iter().map(|&key| Node { key, value: 1 }).collect();
        let hashed: Vec<(u64, &Key)> = wanted.iter().map(|key| (hash(key), key)).collect();
        let wanted = &black_box(&hashed)[..operations];
        return match subject {
            "compact" => find!(Table, CompactNode, &nodes, wanted),
            "pointers" => find!(Table, &Node, &nodes, wanted),
            _ => find!(HashTable, &Node, &nodes, wanted),
        };
    }
    let wanted = &black_box(&wanted)[..operations];
    match subject {
        "dict" => map!(Dict<Key, u64, Fold>, case, keys, wanted),
        _ => map!(HashMap<Key, u64, Fold>, case, keys, wanted),
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["list"] => {
            for (case, subjects) in CASES {
                println!("{case} {}", subjects.join(" "));
            }
        }
        [case, subject, operations]
            if CASES.iter().any(|(name, subjects)| name == case && subjects.contains(subject))
                && operations.parse::<usize>().is_ok() =>
        {
            println!("{}", run(case, subject, operations.parse().expect("looked at just now")));
        }
        _ => {
            eprintln!("usage: instructions list | instructions CASE SUBJECT OPERATIONS");
            std::process::exit(2);
        }
    }
}
