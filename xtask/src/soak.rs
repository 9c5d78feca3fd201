//! `cargo xtask soak`: runs the operations of the fuzz target `keyspace` on large keyspaces, for a given
//! time.
//!
//! The profile `fuzz` is optimised and has all checks. In `cargo xtask ci` the program is the one that the
//! net `test` has built. It runs a third of the operations per second, but a build with the profile takes
//! four minutes.

use crate::outcome::Outcome;
use crate::shell;
use crate::test::FEATURES;
use anyhow::Result;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Arguments of the program
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

/// The time that the program runs in `cargo xtask ci`, in seconds.
const NET_SECONDS: &str = "90";

/// Runs the program and returns its exit code.
pub(crate) fn run(args: &Args) -> Result<u8> {
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
    shell::exit_code(command.args(&args.rest))
}

/// Builds and runs the program for `cargo xtask ci`. Each run has another seed, and prints it.
pub(crate) fn run_some() -> Result<Outcome> {
    // The packages and features are those of the net `test`, so that cargo has nothing to build.
    let workspace = ["--workspace", "--features", FEATURES];
    let built = shell::run(shell::cargo().args(["build", "--quiet", "--bin", "soak"]).args(workspace))?;
    if built != Outcome::Passed {
        return Ok(built);
    }
    shell::run(shell::program(shell::target_dir().join("debug/soak")).args(["--seconds", NET_SECONDS]))
}
