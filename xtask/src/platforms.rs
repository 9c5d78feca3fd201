//! `cargo xtask platforms`: checks the libraries for every platform of the book's table
//! (`docs/src/zmalloc.md`), and runs their tests on 32-bit musl if this machine is x86-64 Linux.
//!
//! The checks have no default features, because jemalloc is C code and would need the C compiler of each
//! platform. They use the back end `libc` where it exists, and `prefix` elsewhere. The tests run on 32-bit
//! musl, because sizes overflow first in 32 bits. rustup installs musl's C library, so the tests need only
//! Rust and a linker.

use crate::outcome::{Outcome, unavailable};
use crate::shell;
use anyhow::Result;

/// A target triple, and whether zmalloc's back end `libc` exists there.
struct Platform {
    target: &'static str,
    libc: bool,
}

const PLATFORMS: [Platform; 13] = [
    Platform { target: "x86_64-unknown-linux-gnu", libc: true },
    Platform { target: "aarch64-unknown-linux-gnu", libc: true },
    Platform { target: "i686-unknown-linux-gnu", libc: true },
    Platform { target: "x86_64-unknown-linux-musl", libc: true },
    Platform { target: "i686-unknown-linux-musl", libc: true },
    Platform { target: "aarch64-linux-android", libc: true },
    Platform { target: "x86_64-apple-darwin", libc: true },
    Platform { target: "aarch64-apple-darwin", libc: true },
    Platform { target: "x86_64-unknown-freebsd", libc: true },
    Platform { target: "x86_64-pc-windows-gnu", libc: false },
    Platform { target: "x86_64-pc-windows-msvc", libc: false },
    Platform { target: "wasm32-unknown-unknown", libc: false },
    Platform { target: "wasm32-wasip1", libc: false },
];

/// The tests that run on 64-bit x86 with Linux: the target, the back end, and the crates. All crates run over
/// the back end `prefix`. zmalloc and sds also run over musl's `malloc`.
const RUN: [(&str, &str, &[&str]); 2] = [
    ("i686-unknown-linux-musl", "prefix", &shell::LIBRARIES),
    ("i686-unknown-linux-musl", "libc", &["zmalloc", "sds"]),
];

#[derive(clap::Args, Default)]
pub(crate) struct Args {
    /// Install the missing standard libraries with rustup
    #[arg(long)]
    install: bool,
    /// Only check, and run no tests
    #[arg(long)]
    no_run: bool,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    // The folder is separate, so that other builds do not replace these artefacts.
    let target_dir = shell::target_dir().join("platforms");
    let (mut missing, mut libc, mut prefix) = (Vec::new(), Vec::new(), Vec::new());
    for platform in &PLATFORMS {
        let target = platform.target;
        if args.install && !shell::has_standard_library(target)? {
            shell::exit_code(shell::program("rustup").args(["target", "add", target]))?;
        }
        if !shell::has_standard_library(target)? {
            missing.push(target);
            continue;
        }
        let list = if platform.libc { &mut libc } else { &mut prefix };
        list.push(target);
    }
    for (back_end, targets) in [("libc", libc), ("prefix", prefix)] {
        if !targets.is_empty() {
            let features = format!("zmalloc/{back_end}");
            let mut check = shell::cargo();
            check.args(["check", "--quiet", "--lib"]).args(words(&targets, &shell::LIBRARIES, &features));
            shell::run_checked(check.env("CARGO_TARGET_DIR", &target_dir))?;
        }
    }
    let runs_here = cfg!(all(target_os = "linux", target_arch = "x86_64"));
    let mut not_run = Vec::new();
    for (target, back_end, crates) in RUN {
        if args.no_run || !runs_here || missing.contains(&target) {
            not_run.push(target);
            continue;
        }
        let features = format!("zmalloc/{back_end},zmalloc/fault-injection");
        let mut test = shell::test(shell::cargo, &words(&[target], crates, &features), &[]);
        shell::run_checked(test.env("CARGO_TARGET_DIR", &target_dir))?;
    }
    not_run.dedup();
    let checks = missing.iter().map(|target| format!("a check for {target}"));
    let tests = not_run.iter().filter(|_| !args.no_run).map(|target| format!("tests on {target}"));
    let left_out: Vec<_> = checks.chain(tests).collect();
    if left_out.is_empty() {
        return Ok(Outcome::Passed);
    }
    let advice =
        "Standard libraries come with: cargo xtask platforms --install\nTests run on x86-64 Linux only.";
    let nothing = unavailable(&left_out.join(", "), advice);
    Ok(if missing.len() == PLATFORMS.len() { nothing } else { Outcome::Partly(left_out) })
}

/// Returns the arguments of cargo that build the crates for the targets, with only these features.
fn words<'a>(targets: &[&'a str], crates: &'a [&'a str], features: &'a str) -> Vec<&'a str> {
    let targets = targets.iter().flat_map(|target| ["--target", target]);
    let features = ["--no-default-features", "--features", features];
    features.into_iter().chain(targets).chain(shell::packages(crates)).collect()
}
