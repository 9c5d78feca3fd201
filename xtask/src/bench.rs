//! `cargo xtask bench`: builds the benchmarks and hands over to them.
//!
//! They are built with optimisation, except for `--smoke`, which tests the program and measures nothing.
//!
//! `cargo xtask publish` is another program of the same package.

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

/// Writes README.md's table and the pictures; the exit code is that of the program. It is built as the benchmarks are, which have
/// usually just run.
pub(crate) fn publish(args: &Args) -> Result<u8> {
    shell::exit_code(&mut program("redcore-publish", &args.rest))
}

/// A program of the benchmarks.
fn program(name: &str, rest: &[String]) -> Command {
    let mut command = shell::cargo();
    command.args(["run", "--quiet", "--package", "benches", "--bin", name]);
    if !rest.iter().any(|arg| arg == "--smoke") {
        command.arg("--release");
    }
    command.arg("--");
    command.args(rest);
    command
}

fn command(rest: &[String]) -> Command {
    let mut command = program("redcore-bench", rest);
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
