//! `cargo xtask bench`: builds the benchmarks with optimisation and hands over to them.

use crate::shell;
use anyhow::Result;
use std::process::ExitCode;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Handed to the benchmark program as they are
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) rest: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let mut command = shell::cargo();
    command.args(["run", "--release", "--quiet", "--package", "benches", "--bin", "redcore-bench", "--"]);
    command.args(&args.rest);
    // The report names the commit that it measured; a clone without git names none.
    if std::env::var_os("REDCORE_COMMIT").is_none() {
        let mut describe = shell::program("git");
        describe.args(["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]);
        if let Ok(commit) = shell::output(&mut describe) {
            command.env("REDCORE_COMMIT", commit);
        }
    }
    Ok(ExitCode::from(shell::exit_code(&mut command)?))
}
