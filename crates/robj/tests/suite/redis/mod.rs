//! What Redis 7.4.1 answered, step by step, and how it stored the values afterwards: the tables beside this file, replayed
//! on this crate's types.
//!
//! The tables are a record of a server's answers to commands that were chosen for the edges of every limit, one command a
//! line. `table` reads them; each other module says what a type's commands are in terms of its methods. So
//! this is also a list of how to build the commands.

mod hash;
mod list;
mod set;
mod sort;
mod string;
mod table;
mod zset;

use robj::{EncodingLimits, Robj};
use std::collections::HashMap;
use std::fmt;
use table::{Case, Step, quoted};

/// The values, by key, and the limits in force.
struct World {
    keys: HashMap<Vec<u8>, Robj>,
    limits: EncodingLimits,
}

/// What a command answers.
#[derive(Clone, Debug, PartialEq)]
enum Reply {
    Ok,
    Nil,
    Error(String),
    Int(i64),
    Bulk(Vec<u8>),
    Array(Vec<Reply>),
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok => f.write_str("OK"),
            Self::Nil => f.write_str("nil"),
            Self::Error(text) => write!(f, "!ERR {text}"),
            Self::Int(value) => write!(f, "({value})"),
            Self::Bulk(bytes) => f.write_str(&quoted(bytes)),
            Self::Array(replies) => {
                let replies: Vec<_> = replies.iter().map(Self::to_string).collect();
                write!(f, "[{}]", replies.join(", "))
            }
        }
    }
}

impl Reply {
    fn error(text: impl fmt::Display) -> Self {
        Self::Error(text.to_string())
    }

    fn int(value: usize) -> Self {
        Self::Int(i64::try_from(value).unwrap())
    }
}

/// The integer that an argument is.
fn integer(argument: &[u8]) -> Result<i64, Reply> {
    let value = listpack::integer::parse(argument);
    value.ok_or_else(|| Reply::error("value is not an integer or out of range"))
}

/// An argument that is known to be text.
fn text(argument: &[u8]) -> &str {
    std::str::from_utf8(argument).unwrap()
}

/// Replays a table; `run` makes the replies.
fn replay(table: &str, mut run: impl FnMut(&mut World, &[Vec<u8>]) -> Reply) {
    let mut steps = 0;
    for Case { name, limits, steps: all } in table::read(table) {
        let mut world = World { keys: HashMap::new(), limits };
        for Step { line, command, reply, encodings } in all {
            let at = || format!("line {line}, in \"{name}\"");
            let ours = run(&mut world, &command);
            assert_eq!(ours.to_string(), reply, "{}", at());
            for (key, encoding) in encodings {
                if (command[0].as_slice(), encoding) == (b"SORT", "skiplist") {
                    continue; // what Redis makes of a sorted set before it sorts it; here it is only read
                }
                let ours = world.keys.get(key.as_bytes()).map_or("-", |value| value.encoding().as_str());
                assert_eq!(ours, encoding, "{key} after {}", at());
            }
            steps += 1;
        }
    }
    assert!(steps > 50, "the table has only {steps} steps");
}

#[test]
#[cfg_attr(miri, ignore = "large tables, and no unsafe code that other tests do not reach")]
#[cfg_attr(target_pointer_width = "32", ignore = "the table has offsets beyond 4 GiB")]
fn strings_do_as_redis_does() {
    replay(include_str!("string.txt"), string::run);
}

#[test]
#[cfg_attr(miri, ignore = "hundreds of commands, and no unsafe code that other tests do not reach")]
fn hashes_do_as_redis_does() {
    replay(include_str!("hash.txt"), hash::run);
}

#[test]
#[cfg_attr(miri, ignore = "hundreds of commands, and no unsafe code that other tests do not reach")]
fn sets_do_as_redis_does() {
    replay(include_str!("set.txt"), set::run);
}

#[test]
#[cfg_attr(miri, ignore = "hundreds of commands, and no unsafe code that other tests do not reach")]
fn lists_do_as_redis_does() {
    replay(include_str!("list.txt"), list::run);
}

/// What is compressed does not show in an answer, nor in an encoding.
#[test]
#[cfg_attr(miri, ignore = "hundreds of commands, and no unsafe code that other tests do not reach")]
fn compressed_lists_do_as_redis_does() {
    for depth in [1, 2] {
        replay(include_str!("list.txt"), |world, command| {
            world.limits.list_compress_depth = depth;
            list::run(world, command)
        });
    }
}

#[test]
#[cfg_attr(miri, ignore = "hundreds of commands, and no unsafe code that other tests do not reach")]
fn sorted_sets_do_as_redis_does() {
    replay(include_str!("zset.txt"), zset::run);
}

#[test]
#[cfg_attr(miri, ignore = "hundreds of commands, and no unsafe code that other tests do not reach")]
fn sort_does_as_redis_does() {
    replay(include_str!("sort.txt"), sort::run);
}
