//! A key-value store that is asked in lines, in the manner of redis-cli.
//!
//! ```text
//! $ cargo run -p keyspace --example kv
//! kv> set greeting "hello, world" EX 60
//! OK
//! kv> get greeting
//! "hello, world"
//! kv> memory doctor
//! Small instance: the process uses only 9.97K of memory. Ratios mean little below 5.00M.
//! kv> help
//! ```
//!
//! An argument is the path of a redis.conf, from which the options are taken. Standard input may also be a
//! file of commands.
//!
//! `shell` reads lines and looks commands up. `reply` has what a command answers, and `strings`,
//! `collections`, `keys` and `inspect` have the commands, one function each. All of them get the keyspace,
//! the arguments and the time, and return a reply or an error.

mod shell;

use keyspace::{Keyspace, Options};
use std::error::Error;
use std::io::{self, IsTerminal};
use std::time::{SystemTime, UNIX_EPOCH};
use zmalloc::Zmalloc;

/// All memory of the program comes from `zmalloc`, so that MEMORY STATS and MEMORY DOCTOR see all of it.
#[global_allocator]
static ALLOC: Zmalloc = Zmalloc;

fn main() -> Result<(), Box<dyn Error>> {
    let options = match std::env::args_os().nth(1) {
        Some(path) => Options::from_conf(&std::fs::read(path)?)?.options,
        None => Options::default(),
    };
    let mut keyspace = Keyspace::with_options(options);
    let prompt = if io::stdin().is_terminal() { "kv> " } else { "" };
    shell::run(&mut keyspace, io::stdin().lock(), io::stdout().lock(), prompt, now)?;
    Ok(())
}

/// Milliseconds since 1970. The library has no clock: its caller says what time it is.
fn now() -> u64 {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
