//! `cargo xtask conformance`: compares redcore with a real server, by random commands, by dump files, or by
//! Redis' test suite.

use crate::outcome::{Outcome, unavailable};
use crate::{shell, suite};
use anyhow::Result;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Compare the answers to random commands on values
    Values(Options),
    /// Write and read dump files, in both directions
    Files(Options),
    /// Run Redis' Tcl test suite on redcore's server
    Suite(suite::Args),
}

#[derive(clap::Args)]
struct Options {
    /// The program of the server. The default is `valkey-server` or `redis-server` on the path, and both for
    /// `files`
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
    /// The number of commands of `values`
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    commands: u64,
    /// The seed of the random commands
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

/// The exit code of the driver if there is no server, or if the server is too old.
const NO_SERVER: u8 = 3;

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    match &args.what {
        What::Values(options) => compare("values", options),
        What::Files(options) => compare("files", options),
        What::Suite(args) => suite::run(args),
    }
}

fn compare(what: &str, args: &Options) -> Result<Outcome> {
    // A relative path starts at the caller's folder, but the driver runs in the folder of the repository.
    let absolute = |path: &PathBuf| {
        let is_name = path.components().count() == 1;
        if is_name { Ok(path.clone()) } else { std::path::absolute(path) }
    };
    let mut command = shell::cargo();
    command.args(["run", "--quiet", "--package", "conformance", "--", what]);
    if let Some(server) = args.server.as_ref().map(absolute).transpose()? {
        command.arg("--server").arg(server);
    }
    command.args(["--commands", &args.commands.to_string(), "--seed", &args.seed.to_string()]);
    Ok(match shell::exit_code(&mut command)? {
        0 => Outcome::Passed,
        NO_SERVER => without_server(),
        _ => Outcome::Failed,
    })
}

/// Runs both comparisons for about half a minute, for `cargo xtask ci`.
pub(crate) fn run_some() -> Result<Outcome> {
    let options = Options { server: None, commands: 300_000, seed: 1 };
    Ok(match (compare("values", &options)?, compare("files", &options)?) {
        (Outcome::Unavailable, Outcome::Passed) => Outcome::Partly(vec!["values".into()]),
        (values @ (Outcome::Failed | Outcome::WrongArguments), _) => values,
        (_, files) => files,
    })
}

fn without_server() -> Outcome {
    unavailable(
        "the comparison with a real server",
        "To have it, put a redis-server or valkey-server of version 7.2 or newer (`files`: 7.0) on the path, or name it: --server PATH",
    )
}
