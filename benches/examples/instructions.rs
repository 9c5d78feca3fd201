//! Runs one operation of a table for each of its entries. `cargo xtask instructions` runs this program under
//! callgrind, which counts the instructions inside the function of the operation.
//!
//! ```text
//! instructions list             prints a line for each case: its name, its function, its subjects
//! instructions CASE SUBJECT     runs it, and prints how many operations succeeded
//! ```
//!
//! Keys have 16 bytes. In the cases *find* and *miss*, the entries are pointers to blocks that hold the key,
//! and the hashes are computed before. So the counts contain the work of the table and the comparison of the
//! key in its block. In the other cases, the entries contain the keys and the values, and the counts contain
//! the hash, which is the same on both sides. *insert* starts with an empty table, so it includes growth.
//! *remove* ends with an empty table.
//!
//! [`ENTRIES`] is so small that look-ups do not prefetch.

use benches::keys::{Key, absent, present};
use benches::maps::{CompactNode, FoldHash, Node, Pointer};
use dict::{Dict, Table};
use hashbrown::{HashMap, HashTable};
use std::hash::BuildHasher;
use std::hint::black_box;

/// The number of entries in the table, and of operations. The load of hashbrown's table is 0.61. redcore's
/// table has 953 chunks, most of which are split.
const ENTRIES: usize = 10_000;

/// The cases, the functions that do their operation, and their subjects.
const CASES: [(&str, &str, &[&str]); 5] = [
    ("find", "find", &["compact", "pointers", "hashbrown"]),
    ("miss", "find", &["compact", "pointers", "hashbrown"]),
    ("get", "get", &["dict", "hashbrown"]),
    ("insert", "insert", &["dict", "hashbrown"]),
    ("remove", "remove", &["dict", "hashbrown"]),
];

fn hash(key: &Key) -> u64 {
    FoldHash::default().hash_one(key)
}

/// Look-ups in a table of pointers. The tables have the same methods and no trait in common.
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

/// The other operations, on a map from keys to numbers.
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

fn run(case: &str, subject: &str) -> usize {
    let keys = present(ENTRIES, 1);
    let wanted = if case == "miss" { absent(ENTRIES, 1) } else { present(ENTRIES, 2) };
    if matches!(case, "find" | "miss") {
        let nodes: Vec<Node> = keys.iter().map(|&key| Node { key, value: 1 }).collect();
        let hashed: Vec<(u64, &Key)> = wanted.iter().map(|key| (hash(key), key)).collect();
        let wanted = black_box(&hashed);
        return match subject {
            "compact" => find!(Table, CompactNode, &nodes, wanted),
            "pointers" => find!(Table, &Node, &nodes, wanted),
            _ => find!(HashTable, &Node, &nodes, wanted),
        };
    }
    let wanted = black_box(&wanted);
    match subject {
        "dict" => map!(Dict<Key, u64, FoldHash>, case, keys, wanted),
        _ => map!(HashMap<Key, u64, FoldHash>, case, keys, wanted),
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["list"] => {
            for (case, function, subjects) in CASES {
                println!("{case} {function} {}", subjects.join(" "));
            }
        }
        [case, subject]
            if CASES.iter().any(|(name, _, subjects)| name == case && subjects.contains(subject)) =>
        {
            println!("{}", run(case, subject));
        }
        _ => {
            eprintln!("usage: instructions list | instructions CASE SUBJECT");
            std::process::exit(2);
        }
    }
}
