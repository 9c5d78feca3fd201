//! `cargo xtask soak`: the operations of the fuzz target `keyspace` for as long as asked, on large keyspaces.
//!
//! The profile `fuzz` is optimised and has all checks. It is built in the folder that `cargo xtask fuzz` builds in, so that what
//! both need on the host is built once.

use crate::outcome::Outcome;
use crate::shell;
use anyhow::Result;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Handed to the program as they are
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

/// How long the net of `cargo xtask ci` runs, in seconds.
const NET_SECONDS: &str = "60";

/// The exit code is that of the program.
pub(crate) fn run(args: &Args) -> Result<u8> {
    shell::exit_code(command().args(&args.rest))
}

/// A minute of it, for `cargo xtask ci`. The seed is another one each time, and is printed.
pub(crate) fn run_some() -> Result<Outcome> {
    shell::run(command().args(["--seconds", NET_SECONDS]))
}

fn command() -> std::process::Command {
    let mut command = shell::cargo();
    command.args([
        "run",
        "--quiet",
        "--profile",
        "fuzz",
        "--package",
        "fuzz",
        "--features",
        "soak",
        "--bin",
        "soak",
    ]);
    command.arg("--target-dir").arg(shell::target_dir().join("fuzz")).arg("--");
    command
}
