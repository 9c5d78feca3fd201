//! `cargo xtask conformance`: random commands on redcore's values and on a real server.

use crate::outcome::{Outcome, unavailable};
use crate::shell;
use anyhow::Result;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// What is compared
    #[arg(value_parser = ["values"])]
    what: String,
    /// The server's program; `valkey-server` or `redis-server` of the path if left out
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
    /// How many commands
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    commands: u64,
    /// Other numbers give other commands
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

/// Servers to look for on the path.
const SERVERS: [&str; 2] = ["valkey-server", "redis-server"];
/// What the driver exits with if the server is too old.
const TOO_OLD: u8 = 3;

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let on_path = || SERVERS.into_iter().find(|name| shell::works(shell::program(name).arg("--version")));
    // A path is that of the caller's folder, and the driver runs in the repository.
    let absolute = |path: &PathBuf| {
        let is_name = path.components().count() == 1;
        if is_name { Ok(path.clone()) } else { std::path::absolute(path) }
    };
    let named = args.server.as_ref().map(absolute).transpose()?;
    let found = named.or_else(|| on_path().map(PathBuf::from));
    let Some(server) = found else { return Ok(without_server()) };
    let mut command = shell::cargo();
    command.args(["run", "--quiet", "--package", "conformance", "--", "--server"]).arg(server);
    command.args(["--commands", &args.commands.to_string(), "--seed", &args.seed.to_string()]);
    Ok(match shell::exit_code(&mut command)? {
        0 => Outcome::Passed,
        TOO_OLD => without_server(),
        _ => Outcome::Failed,
    })
}

/// About half a minute of it, for `cargo xtask ci`.
pub(crate) fn run_some() -> Result<Outcome> {
    run(&Args { what: "values".into(), server: None, commands: 300_000, seed: 1 })
}

fn without_server() -> Outcome {
    unavailable(
        "the comparison with a real server",
        "To have it, put a redis-server or valkey-server of version 7.2 or newer on the path, or name it: --server PATH",
    )
}
