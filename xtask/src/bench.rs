//! `cargo xtask bench`: builds the benchmarks and hands over to them.
//!
//! They are built with optimisation, except for `--smoke`, which tests the program and measures nothing.

use crate::outcome::Outcome;
use crate::shell;
use anyhow::Result;
use std::process::Command;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Handed to the benchmark program as they are
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) rest: Vec<String>,
}

/// Runs every row once.
pub(crate) fn smoke() -> Result<Outcome> {
    shell::run(&mut command(&["--smoke".into()]))
}

/// The exit code is that of the benchmark program.
pub(crate) fn run(args: &Args) -> Result<u8> {
    shell::exit_code(&mut command(&args.rest))
}

fn command(rest: &[String]) -> Command {
    let mut command = shell::cargo();
    command.args(["run", "--quiet", "--package", "benches", "--bin", "redcore-bench"]);
    if !rest.iter().any(|arg| arg == "--smoke") {
        command.arg("--release");
    }
    command.arg("--");
    command.args(rest);
    // The report names the commit that it measured; a clone without git names none.
    if std::env::var_os("REDCORE_COMMIT").is_none() {
        let mut describe = shell::program("git");
        describe.args(["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]);
        if let Ok(commit) = shell::output(&mut describe) {
            command.env("REDCORE_COMMIT", commit);
        }
    }
    command
}
