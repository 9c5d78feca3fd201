//! `cargo xtask test`: all that a contributor must see pass.
//!
//! The whole workspace once with its defaults, which includes the doc tests of the crates, of the
//! book and of README.md. Then the crates that allocate once more over each other back end, because
//! what is right over jemalloc may not be over a size prefix; and zmalloc over a jemalloc with the
//! usual 16-byte quantum, which an embedder gets who does not set ours.
//!
//! Every step is run, also after one has failed, so that one run tells everything.

use crate::shell;
use anyhow::Result;
use std::process::{Command, ExitCode};
use std::time::Instant;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only the steps whose name contains this
    #[arg(long, value_name = "PART")]
    only: Option<String>,
}

/// The crates whose memory comes from zmalloc, so that its back end matters to them.
const ALLOCATING: [&str; 4] = ["zmalloc", "sds", "dict", "robj"];

struct Step {
    name: &'static str,
    command: Command,
}

fn steps() -> Vec<Step> {
    let test = |args: &[&str]| {
        let mut command = shell::cargo();
        command.arg("test").args(args);
        command
    };
    let on_back_end = |features: &str| {
        let packages = ALLOCATING.iter().flat_map(|name| ["--package", name]);
        let mut command = test(&["--quiet", "--features", features]);
        command.args(packages);
        command
    };
    let mut quantum = test(&["--quiet", "--package", "zmalloc", "--features", "fault-injection"]);
    // A folder of its own: the variable would have jemalloc built anew each time it changes.
    quantum
        .env("JEMALLOC_SYS_WITH_LG_QUANTUM", "4")
        .env("CARGO_TARGET_DIR", shell::target_dir().join("quantum-4"));
    vec![
        Step { name: "workspace", command: test(&["--quiet", "--workspace"]) },
        Step { name: "serde", command: test(&["--quiet", "--package", "sds", "--features", "serde"]) },
        Step { name: "prefix", command: on_back_end("zmalloc/prefix,zmalloc/fault-injection") },
        Step { name: "libc", command: on_back_end("zmalloc/libc,zmalloc/fault-injection") },
        Step { name: "quantum-16", command: quantum },
    ]
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let mut results = Vec::new();
    for mut step in steps() {
        if args.only.as_ref().is_some_and(|part| !step.name.contains(part.as_str())) {
            continue;
        }
        eprintln!("\n== test: {} ==", step.name);
        let start = Instant::now();
        let passed = shell::exit_code(&mut step.command)? == 0;
        results.push((step.name, passed, start.elapsed()));
    }
    anyhow::ensure!(!results.is_empty(), "no step has such a name");
    eprintln!();
    for (name, passed, time) in &results {
        let word = if *passed { "passed" } else { "FAILED" };
        eprintln!("{word}  {name:12} {:5} s", time.as_secs());
    }
    let all_passed = results.iter().all(|(_, passed, _)| *passed);
    Ok(if all_passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
