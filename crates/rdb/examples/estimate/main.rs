//! What keys take in memory: here, and in classic Redis. By numbers, before there are any keys, or from a
//! dump.
//!
//! ```text
//! $ cargo xtask estimate --keys 90000 --key-len 7 --value-len 7
//! $ cargo xtask estimate dump.rdb
//! $ cargo xtask estimate dump.rdb --sample 1/100 --json
//! ```
//!
//! The library has the arithmetic: `keyspace::estimate`. What a keyspace takes of a dump is measured, by
//! loading.

mod program;

use std::io;
use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(program::run(std::env::args_os(), &mut io::stdout().lock(), &mut io::stderr()))
}
