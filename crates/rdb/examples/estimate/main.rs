//! Estimates the memory that keys take in a keyspace and in classic Redis. The input is either numbers, for
//! keys that do not exist yet, or a dump.
//!
//! ```text
//! $ cargo xtask estimate --keys 90000 --key-len 7 --value-len 7
//! $ cargo xtask estimate dump.rdb
//! $ cargo xtask estimate dump.rdb --sample 1/100 --json
//! ```
//!
//! The arithmetic is in the library: `keyspace::estimate`. For a dump, the memory of a keyspace is measured
//! by loading the keys.

mod program;

use std::io;
use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(program::run(std::env::args_os(), &mut io::stdout().lock(), &mut io::stderr()))
}
