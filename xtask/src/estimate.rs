//! `cargo xtask estimate`: what keys and strings take in memory, here and in classic Redis.
//!
//! The arithmetic needs the size classes of the allocator, so this builds an example of the crate keyspace
//! and hands over to it.

use crate::shell;
use anyhow::Result;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Handed to the example as they are
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) rest: Vec<String>,
}

/// The exit code is that of the example.
pub(crate) fn run(args: &Args) -> Result<u8> {
    let mut command = shell::cargo();
    command.args(["run", "--quiet", "--package", "keyspace", "--example", "estimate", "--"]);
    shell::exit_code(command.args(&args.rest))
}
