//! Replays the tables in this folder on redcore's values. Each line has a command, the reply of Redis 7.4.1,
//! and the encodings afterwards.
//!
//! The tables were recorded from a server. Their commands test the edges of every limit.

mod table;

use conformance::World;
use table::{Case, Step};

/// Replays a table. Calls `prepare` before each command.
fn replay(table: &str, prepare: impl Fn(&mut World)) {
    let mut steps = 0;
    for Case { name, limits, steps: all } in table::read(table) {
        let mut world = World::new(limits);
        for Step { line, command, reply, encodings } in all {
            let at = || format!("line {line}, in \"{name}\"");
            prepare(&mut world);
            assert_eq!(world.execute(&command).to_string(), reply, "{}", at());
            for (key, encoding) in encodings {
                if (command[0].as_slice(), encoding) == (b"SORT", "skiplist") {
                    continue; // Redis converts a sorted set before it sorts it, and redcore only reads it
                }
                assert_eq!(world.encoding(key.as_bytes()).unwrap_or("-"), encoding, "{key} after {}", at());
            }
            steps += 1;
        }
    }
    assert!(steps > 50, "the table has only {steps} steps");
}

#[test]
#[cfg_attr(target_pointer_width = "32", ignore = "the table has offsets beyond 4 GiB")]
fn strings_do_as_redis_does() {
    replay(include_str!("string.txt"), |_| ());
}

#[test]
fn hashes_do_as_redis_does() {
    replay(include_str!("hash.txt"), |_| ());
}

#[test]
fn sets_do_as_redis_does() {
    replay(include_str!("set.txt"), |_| ());
}

#[test]
fn lists_do_as_redis_does() {
    replay(include_str!("list.txt"), |_| ());
}

/// Compression changes neither replies nor encodings.
#[test]
fn compressed_lists_do_as_redis_does() {
    for depth in [1, 2] {
        replay(include_str!("list.txt"), |world| world.limits.list_compress_depth = depth);
    }
}

#[test]
fn sorted_sets_do_as_redis_does() {
    replay(include_str!("zset.txt"), |_| ());
}

#[test]
fn sort_does_as_redis_does() {
    replay(include_str!("sort.txt"), |_| ());
}
