//! `cargo xtask bench`: builds the benchmarks with optimisation and hands over to them.
//!
//! `--smoke` tests the program and measures nothing, so that run is built as tests are.

use crate::shell;
use anyhow::Result;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Handed to the benchmark program as they are
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) rest: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<u8> {
    let mut command = shell::cargo();
    command.args(["run", "--quiet", "--package", "benches", "--bin", "redcore-bench"]);
    if !args.rest.iter().any(|arg| arg == "--smoke") {
        command.arg("--release");
    }
    command.arg("--");
    command.args(&args.rest);
    // The report names the commit that it measured; a clone without git names none.
    if std::env::var_os("REDCORE_COMMIT").is_none() {
        let mut describe = shell::program("git");
        describe.args(["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]);
        if let Ok(commit) = shell::output(&mut describe) {
            command.env("REDCORE_COMMIT", commit);
        }
    }
    shell::exit_code(&mut command)
}
