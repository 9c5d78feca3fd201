//! The commands that are measured, and the data that they work on.
//!
//! | keys | | |
//! |---|---|---|
//! | `key:N` | strings of 32 bytes | `GET`, `SET`, `MSET` |
//! | `cnt:N` | integers | `INCR` |
//! | `list` | one list; what `LPUSH` adds, `LPOP` removes | `LPUSH`, `LPOP` |
//! | `set`, `hash`, `zset` | one value with N elements | `SADD`, `HSET`, `ZADD`, `ZRANGE` |
//!
//! Numbers are drawn from all N, so that nearly every access misses the caches. The elements exist before.

use super::connections::Batches;
use crate::keys::key;
use crate::server::Client;
use anyhow::Result;
use rand::RngExt;
use rand::rngs::SmallRng;
use redis::Cmd;

const VALUE: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz012345";

/// The number of commands that are sent together while a server is filled.
const FILL_BATCH: u64 = 1_000;

/// A command that is measured.
pub(super) struct Command {
    pub(super) name: &'static str,
    /// How many keys or elements a request has. A round has fewer requests accordingly.
    pub(super) weight: usize,
    /// Returns a request about one of `n` numbers.
    request: fn(&mut SmallRng, u64) -> Cmd,
}

/// All commands, in the order in which they are measured. `LPOP` follows `LPUSH`.
pub(super) const COMMANDS: [Command; 10] = [
    Command { name: "GET", weight: 1, request: |rng, n| words("GET", &[&any_key(rng, n)]) },
    Command { name: "SET", weight: 1, request: |rng, n| words("SET", &[&any_key(rng, n), VALUE]) },
    Command { name: "INCR", weight: 1, request: |rng, n| words("INCR", &[&counter(rng.random_range(0..n))]) },
    Command { name: "LPUSH", weight: 1, request: |_, _| words("LPUSH", &[b"list", VALUE]) },
    Command { name: "LPOP", weight: 1, request: |_, _| words("LPOP", &[b"list"]) },
    Command { name: "SADD", weight: 1, request: |rng, n| words("SADD", &[b"set", &any_key(rng, n)]) },
    Command { name: "HSET", weight: 1, request: |rng, n| words("HSET", &[b"hash", &any_key(rng, n), VALUE]) },
    Command {
        name: "ZADD",
        weight: 1,
        request: |rng, n| {
            let member = any_key(rng, n);
            scored(rng, &member)
        },
    },
    Command { name: "ZRANGE 10", weight: 2, request: |rng, n| range(rng.random_range(0..n)) },
    Command { name: "MSET 10", weight: 5, request: ten_keys },
];

fn words(name: &str, arguments: &[&[u8]]) -> Cmd {
    let mut command = redis::cmd(name);
    for argument in arguments {
        command.arg(*argument);
    }
    command
}

fn any_key(rng: &mut SmallRng, n: u64) -> Vec<u8> {
    key(rng.random_range(0..n)).to_vec()
}

fn counter(id: u64) -> Vec<u8> {
    format!("cnt:{id:012}").into_bytes()
}

fn scored(rng: &mut SmallRng, member: &[u8]) -> Cmd {
    let score = rng.random_range(0..1_000_000).to_string();
    words("ZADD", &[b"zset", score.as_bytes(), member])
}

fn range(start: u64) -> Cmd {
    words("ZRANGE", &[b"zset", start.to_string().as_bytes(), (start + 9).to_string().as_bytes()])
}

fn ten_keys(rng: &mut SmallRng, n: u64) -> Cmd {
    let mut command = redis::cmd("MSET");
    for _ in 0..10 {
        command.arg(any_key(rng, n)).arg(VALUE);
    }
    command
}

impl Command {
    /// Returns `batches` batches of `pipeline` requests.
    pub(super) fn batches(&self, rng: &mut SmallRng, n: u64, batches: usize, pipeline: usize) -> Batches {
        let mut packed = Batches::default();
        for _ in 0..batches {
            for _ in 0..pipeline {
                (self.request)(rng, n).write_packed_command(&mut packed.bytes);
            }
            packed.ends.push((packed.bytes.len(), pipeline));
        }
        packed
    }
}

/// Fills a server with the data that the commands work on.
pub(super) fn fill(client: &mut Client, rng: &mut SmallRng, n: u64) -> Result<()> {
    send_all(client, n, |i| words("SET", &[&key(i), VALUE]))?;
    send_all(client, n, |i| words("SET", &[&counter(i), (100_000 + i).to_string().as_bytes()]))?;
    send_all(client, n, |i| words("SADD", &[b"set", &key(i)]))?;
    send_all(client, n, |i| words("HSET", &[b"hash", &key(i), VALUE]))?;
    send_all(client, n, |i| scored(rng, &key(i)))
}

/// Sends a command for each number below `n`.
pub(super) fn send_all(client: &mut Client, n: u64, mut command: impl FnMut(u64) -> Cmd) -> Result<()> {
    let mut packed = Vec::new();
    for start in (0..n).step_by(FILL_BATCH as usize) {
        let end = n.min(start + FILL_BATCH);
        packed.clear();
        (start..end).for_each(|i| command(i).write_packed_command(&mut packed));
        client.send(&packed, (end - start) as usize)?;
    }
    Ok(())
}

/// Returns a SET of a key with a value of 32 bytes. It expires at `deadline`, in milliseconds of Unix time.
pub(super) fn set(key: &[u8], deadline: Option<u64>) -> Cmd {
    let mut command = words("SET", &[key, VALUE]);
    if let Some(deadline) = deadline {
        command.arg("PXAT").arg(deadline);
    }
    command
}

/// Returns a GET or a SET of one of the first `n` keys, each equally often.
pub(super) fn get_or_set(rng: &mut SmallRng, n: u64) -> Cmd {
    let key = any_key(rng, n);
    if rng.random() { set(&key, None) } else { words("GET", &[&key]) }
}
