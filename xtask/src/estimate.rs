//! `cargo xtask estimate`: what keys take in memory, here and in classic Redis, by numbers or from a dump.
//!
//! The figures need the size classes of the allocator, so this builds an example of the crate rdb and hands
//! over to it. A large file is read by an optimised build, whose compilation takes longer than an estimate by
//! numbers.

use crate::shell;
use anyhow::Result;
use std::fs;
use std::path::{self, PathBuf};

/// A larger file is worth an optimised build, in bytes.
const LARGE: u64 = 128 << 20;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Handed to the example as they are
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) rest: Vec<String>,
}

/// The exit code is that of the example.
pub(crate) fn run(args: &Args) -> Result<u8> {
    let mut command = shell::cargo();
    command.args(["run", "--quiet", "--package", "rdb", "--example", "estimate"]);
    if args.rest.iter().any(|argument| is_large_file(argument)) {
        command.arg("--release");
    }
    shell::exit_code(command.arg("--").args(args.rest.iter().map(|argument| absolute(argument))))
}

fn is_large_file(argument: &str) -> bool {
    fs::metadata(argument).is_ok_and(|file| file.is_file() && file.len() > LARGE)
}

/// The name of a file from the root, since the example runs in the folder of the repository. Any other
/// argument as it is.
fn absolute(argument: &str) -> PathBuf {
    match path::absolute(argument) {
        Ok(path) if path.is_file() => path,
        _ => argument.into(),
    }
}
