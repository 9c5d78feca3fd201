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
use std::process::ExitCode;

fn main() -> ExitCode {
    let report = match cli::Args::parse().report() {
        Ok(report) => report,
        Err(error) => cli::Args::command().error(ErrorKind::ValueValidation, error).exit(),
    };
    match io::stdout().write_all(report.as_bytes()) {
        // A closed pipe (`| head`) is no failure.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("estimate: {error}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}
