//! `cargo xtask soak`: runs the operations of the fuzz target `keyspace` on large keyspaces, for a given
//! time.
//!
//! The profile `fuzz` is optimised and has all checks. `cargo xtask fuzz` builds in the same folder, so that
//! the crates that both need for the host are built only once.

use crate::outcome::Outcome;
use crate::shell;
use anyhow::Result;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Arguments of the program
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

/// The time that the net of `cargo xtask ci` runs, in seconds.
const NET_SECONDS: &str = "60";

/// Runs the program and returns its exit code.
pub(crate) fn run(args: &Args) -> Result<u8> {
    shell::exit_code(command().args(&args.rest))
}

/// Runs the program for a minute, for `cargo xtask ci`. Each run has another seed, and prints it.
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
