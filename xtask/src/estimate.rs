//! `cargo xtask estimate`: estimates the memory that keys need in redcore and in classic Redis. The input is
//! either numbers, such as the length of a key, or a dump.
//!
//! The estimate needs the size classes of the allocator, so this command builds and runs an example of the
//! crate rdb. A large file is read by an optimised build. For numbers and small files, a debug build is used:
//! the estimate then takes less time than compiling an optimised build.

use crate::shell;
use anyhow::Result;
use std::fs;
use std::path::{self, PathBuf};

/// The size in bytes above which a file is worth an optimised build.
const LARGE: u64 = 128 << 20;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Arguments of the example
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) rest: Vec<String>,
}

/// Runs the example and returns its exit code.
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

/// Returns the absolute path of an argument that names a file, because the example runs in the folder of the
/// repository. Returns any other argument unchanged.
fn absolute(argument: &str) -> PathBuf {
    match path::absolute(argument) {
        Ok(path) if path.is_file() => path,
        _ => argument.into(),
    }
}
