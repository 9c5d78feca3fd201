//! What keys and strings take in memory: here, and in classic Redis.
//!
//! ```text
//! $ cargo xtask estimate --keys 90000 --key-len 7 --value-len 7
//! $ cargo xtask estimate --keys 1000000 --key-len 16 --integers 100000..1099999 --expires
//! ```
//!
//! `cli` has the arguments and what is printed. The library has the arithmetic: `keyspace::estimate`.

mod cli;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use std::io::{self, Write};

fn main() {
    match cli::Args::parse().report() {
        // A closed pipe (`| head`) is ignored.
        Ok(report) => drop(io::stdout().write_all(report.as_bytes())),
        Err(error) => cli::Args::command().error(ErrorKind::ValueValidation, error).exit(),
    }
}
