//! `redcore-server`: a Redis server around redcore's keyspace.

#![forbid(unsafe_code)]

mod writer;

use anyhow::{Context, Result};
use clap::Parser;
use server::{Config, Server};
use std::path::PathBuf;
use std::process::ExitCode;
use writer::Writer;
use zmalloc::Zmalloc;

/// All memory is counted, that of clients too, as `used_memory` of Redis is.
#[global_allocator]
static ALLOCATOR: Zmalloc = Zmalloc;

/// A Redis server around redcore's keyspace. Without arguments, it listens on port 6379 of the loopback.
#[derive(Parser)]
#[command(name = "redcore-server", version)]
struct Cli {
    /// A redis.conf. Directives that have no effect here are named with their lines
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The port, as the directive `port`
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// A socket in the file system, as the directive `unixsocket`
    #[arg(long, value_name = "PATH")]
    unixsocket: Option<PathBuf>,
    /// Any directive, as a line of redis.conf: --set 'maxmemory 1gb'. May be repeated
    #[arg(long, value_name = "LINE")]
    set: Vec<String>,
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("redcore-server: {error:#}");
            // A program that starts servers, such as Redis' suite, reads this line to try another port.
            if error.chain().any(|cause| cause.to_string().starts_with("cannot listen on")) {
                println!("Failed listening on port: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<()> {
    let mut config = Config::default();
    if let Some(path) = &cli.config {
        let unknown = config.read_file(path).with_context(|| path.display().to_string())?;
        for unknown in unknown {
            eprintln!("{}: {unknown}", path.display());
        }
    }
    let mut lines = cli.set.clone();
    lines.extend(cli.port.map(|port| format!("port {port}")));
    lines.extend(cli.unixsocket.as_ref().map(|path| format!("unixsocket {}", path.display())));
    for line in lines {
        let unknown = config.read(line.as_bytes()).with_context(|| line.clone())?;
        if let Some(unknown) = unknown.first() {
            anyhow::bail!("{line}: {unknown}");
        }
    }
    Writer::install(config.logfile())?;
    Server::new(config)?.run()
}
