//! `cargo xtask layout`: draws the bytes of a structure as text, or writes the drawings of the book.
//!
//! The drawings come from real structures, so this command builds and runs the crate layout.

use crate::shell;
use anyhow::Result;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Arguments of the program
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

/// Runs the program and returns its exit code.
pub(crate) fn run(args: &Args) -> Result<u8> {
    shell::exit_code(program().args(&args.rest))
}

/// Writes the drawings of the book.
pub(crate) fn write() -> Result<()> {
    shell::run_checked(program().args(["--write", "docs/src/drawings"]))
}

fn program() -> std::process::Command {
    let mut command = shell::cargo();
    command.args(["run", "--quiet", "--package", "layout", "--"]);
    command
}
