//! `cargo xtask test`: all that a contributor must see pass.
//!
//! The whole workspace once, which includes the doc tests of the crates, of the book and of README.md; sds and dict with
//! serde, and sds beside C code of our own.
//! Then the crates that allocate once more over the prefix and libc, because what is right over
//! jemalloc may not be over a size prefix; the blocks without the types made of them over mimalloc; and zmalloc over a jemalloc with the usual 16-byte
//! quantum, which an embedder gets who does not set ours. tcmalloc is gperftools', which is tested where it is installed; mimalloc is
//! built from source.
//!
//! Every step and in it every test program is run, also after one has failed, so that one run tells
//! everything.

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

struct Step {
    name: &'static str,
    command: Command,
}

fn steps() -> Vec<Step> {
    let test = |args: &[&str]| {
        let mut command = shell::cargo();
        command.args(["test", "--no-fail-fast"]).args(args);
        command
    };
    let on_back_end = |back_end: &str, crates: &[&str]| {
        let features = format!("zmalloc/{back_end},zmalloc/fault-injection");
        let mut command = test(&["--quiet", "--features", &features]);
        command.args(shell::packages(crates));
        command
    };
    let all = &shell::UNSAFE_CRATES;
    let mut quantum = test(&["--quiet", "--package", "zmalloc", "--features", "fault-injection"]);
    // A folder of its own: the variable would have jemalloc built anew each time it changes.
    quantum
        .env("JEMALLOC_SYS_WITH_LG_QUANTUM", "4")
        .env("CARGO_TARGET_DIR", shell::target_dir().join("quantum-4"));
    vec![
        Step {
            name: "workspace",
            command: test(&["--quiet", "--workspace", "--features", "sds/serde,dict/serde,sds/c-shim"]),
        },
        Step { name: "prefix", command: on_back_end("prefix", all) },
        Step { name: "libc", command: on_back_end("libc", all) },
        // A third malloc, and two that cannot tell beforehand what they give, find nothing new in what is built of the blocks.
        Step {
            name: "mimalloc",
            command: on_back_end("mimalloc", &["zmalloc", "sds", "intset", "listpack", "zindex"]),
        },
        Step { name: "tcmalloc", command: on_back_end("tcmalloc", &["zmalloc"]) },
        Step { name: "tcmalloc_minimal", command: on_back_end("tcmalloc_minimal", &["zmalloc"]) },
        Step { name: "quantum-16", command: quantum },
    ]
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let (mut results, mut not_run) = (Vec::new(), Vec::new());
    let has_tcmalloc = has_tcmalloc();
    for mut step in steps() {
        if args.only.as_ref().is_some_and(|part| !step.name.contains(part.as_str())) {
            continue;
        }
        if step.name.starts_with("tcmalloc") && !has_tcmalloc {
            not_run.push(step.name);
            continue;
        }
        eprintln!("\n== test: {} ==", step.name);
        let start = Instant::now();
        let passed = shell::exit_code(&mut step.command)? == 0;
        results.push((step.name, passed, start.elapsed()));
    }
    anyhow::ensure!(!results.is_empty() || !not_run.is_empty(), "no step has such a name");
    eprintln!();
    for (name, passed, time) in &results {
        let word = if *passed { "passed" } else { "FAILED" };
        eprintln!("{word}  {name:16} {:5} s", time.as_secs());
    }
    let all_passed = results.iter().all(|(_, passed, _)| *passed);
    if !not_run.is_empty() {
        let unavailable = shell::unavailable(
            &format!("tests over {}", not_run.join(" and ")),
            "To have them, install gperftools. Debian: apt-get install libgoogle-perftools-dev",
        );
        // An allocator that few use is no reason to call all tests impossible, only those that were asked for.
        if results.is_empty() {
            return Ok(unavailable);
        }
    }
    Ok(if all_passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether the C compiler finds gperftools: the minimal library, which comes with the whole one.
fn has_tcmalloc() -> bool {
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    let sees_header = ["-E", "-x", "c", "-include", "gperftools/tcmalloc.h", "/dev/null"];
    let library = shell::output(shell::program(&compiler).arg("-print-file-name=libtcmalloc_minimal.so"));
    shell::works(shell::program(&compiler).args(sees_header))
        && library.is_ok_and(|path| std::path::Path::new(&path).is_absolute())
}
