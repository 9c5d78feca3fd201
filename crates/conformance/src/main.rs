//! `conformance`: compares redcore with a server, by random commands on values (`values`) or by dump files
//! (`files`). `cargo xtask conformance` runs it.
//!
//! Exit codes: 0 no difference, 1 a difference or an error, 3 no server, or one that is too old.

use anyhow::Result;
use clap::{Parser, ValueEnum};
use conformance::files;
use conformance::known::{same_encoding, same_reply};
use conformance::process::{server_on_path, servers_on_path};
use conformance::random::Commands;
use conformance::server::Server;
use conformance::{Reply, World, quoted};
use std::path::PathBuf;
use std::process::ExitCode;
use values::EncodingLimits;

/// The number of commands that are sent together.
const BATCH: usize = 200;
/// The number of batches between two changes of the limits.
const BATCHES_PER_LIMIT: usize = 5;
/// The number of commands that are shown with a difference.
const SHOWN: usize = 30;
/// The exit code if there is no server, or if it is too old.
const NO_SERVER: u8 = 3;

#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// Random commands on values, and their answers
    Values,
    /// Dump files and payloads, in both directions
    Files,
}

#[derive(Parser)]
#[command(
    about = "redcore beside a server: the answers to random commands, or dump files in both directions"
)]
struct Args {
    /// What to compare
    what: What,
    /// The program of the server. The default is `valkey-server` or `redis-server` on the path, and both for
    /// `files`
    #[arg(long)]
    server: Option<PathBuf>,
    /// The number of commands of `values`
    #[arg(long, default_value_t = 1_000_000)]
    commands: usize,
    /// The seed of the random commands
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let outcome = match args.what {
        What::Values => compare_values(&args),
        What::Files => compare_files(&args),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("conformance: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Transfers the data of each server to redcore and back.
fn compare_files(args: &Args) -> Result<ExitCode> {
    let on_path = || servers_on_path().into_iter().map(PathBuf::from).collect();
    let programs: Vec<PathBuf> = args.server.clone().map_or_else(on_path, |program| vec![program]);
    let mut done = 0;
    for program in &programs {
        match files::round_trip(program)? {
            Some(round_trip) => {
                println!("{round_trip}");
                done += 1;
            }
            None => eprintln!("conformance: {} is too old, it has to be 7.0 or newer", program.display()),
        }
    }
    Ok(if done > 0 { ExitCode::SUCCESS } else { NO_SERVER.into() })
}

fn compare_values(args: &Args) -> Result<ExitCode> {
    let program = args.server.clone().or_else(|| server_on_path().map(PathBuf::from));
    let Some(program) = program else { return Ok(NO_SERVER.into()) };
    let mut server = Server::start(&program)?;
    let name = format!("{:?} {}.{}", server.family, server.version.0, server.version.1);
    if !server.is_comparable() {
        eprintln!("conformance: {name} is too old, it has to be 7.2 or newer");
        return Ok(NO_SERVER.into());
    }
    let (mut world, mut source) = (World::new(EncodingLimits::DEFAULT), Commands::new(args.seed));
    let mut history: Vec<Vec<Vec<u8>>> = Vec::new();
    let mut done = 0;
    world.family = server.family;
    for batch in 0.. {
        if done >= args.commands {
            break;
        }
        if batch % BATCHES_PER_LIMIT == 0 {
            world.limits = source.limits();
            server.configure(&world.limits)?;
        }
        let commands: Vec<_> = (0..BATCH).map(|_| source.next_command()).collect();
        let asked: Vec<_> =
            commands.iter().flat_map(|command| [command.clone(), encoding_of(command)]).collect();
        let theirs = server.execute(&asked)?;
        for (command, theirs) in commands.into_iter().zip(theirs.chunks(2)) {
            let ours = world.execute(&command);
            let key = written_key(&command);
            let encoding = world.encoding(key).map_or(Reply::Nil, |name| Reply::Bulk(name.into()));
            history.push(command);
            let command = &history[history.len() - 1];
            let same_encodings = match (&encoding, &theirs[1]) {
                (Reply::Bulk(ours), Reply::Bulk(theirs)) => same_encoding(
                    server.family,
                    &String::from_utf8_lossy(ours),
                    &String::from_utf8_lossy(theirs),
                ),
                (ours, theirs) => ours == theirs,
            };
            if !same_encodings || !same_reply(command, &ours, &theirs[0]) {
                println!("Command {} of seed {} differs. {name} answers", done + 1, args.seed);
                println!("  {}, {}", theirs[0], theirs[1]);
                println!("and redcore\n  {ours}, {encoding}\nwith {:?}.", world.limits);
                let key = written_key(command).to_vec();
                println!("The last commands with {}:", quoted(&key));
                let about: Vec<_> = history.iter().filter(|words| words[1..].contains(&key)).collect();
                about
                    .iter()
                    .skip(about.len().saturating_sub(SHOWN))
                    .for_each(|words| println!("  {}", line(words)));
                return Ok(ExitCode::FAILURE);
            }
            done += 1;
        }
        if history.len() > 20_000 {
            history.drain(..10_000);
        }
    }
    println!("{done} commands, seed {}: {name} and redcore answer the same", args.seed);
    Ok(ExitCode::SUCCESS)
}

/// Returns the key that a command writes, or reads if it writes none.
fn written_key(command: &[Vec<u8>]) -> &[u8] {
    match &command[0][..] {
        b"BITOP" => &command[2],
        b"LMOVE" | b"RPOPLPUSH" | b"SMOVE" => &command[2],
        _ => &command[1],
    }
}

fn encoding_of(command: &[Vec<u8>]) -> Vec<Vec<u8>> {
    vec![b"OBJECT".to_vec(), b"ENCODING".to_vec(), written_key(command).to_vec()]
}

fn line(words: &[Vec<u8>]) -> String {
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}
