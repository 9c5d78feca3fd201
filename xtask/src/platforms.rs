//! `cargo xtask platforms`: the libraries checked for every platform of the book's table (`docs/src/zmalloc.md`),
//! and their tests run where this machine can run them.
//!
//! Checked without default features, because jemalloc is C and would need each platform's C compiler; the Rust of
//! the other back ends is checked over `libc` where there is one. What is run is musl, in 64 bits and in 32: rustup
//! brings its C library along, so nothing but Rust and a linker is needed. 32 bits are where sizes overflow.

use crate::shell;
use anyhow::Result;
use std::process::{Command, ExitCode};

/// A target, and whether zmalloc's back end `libc` exists there.
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

/// Run on a 64-bit x86 with Linux, each over the back ends named.
const RUN: [(&str, &[&str]); 2] =
    [("i686-unknown-linux-musl", &["prefix", "libc"]), ("x86_64-unknown-linux-musl", &["libc"])];

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Fetch the standard libraries that are missing, through rustup
    #[arg(long)]
    install: bool,
    /// Only check, run nothing
    #[arg(long)]
    no_run: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let mut missing = Vec::new();
    for platform in &PLATFORMS {
        let target = platform.target;
        if args.install && !is_installed(target)? {
            shell::exit_code(shell::program("rustup").args(["target", "add", target]))?;
        }
        if !is_installed(target)? {
            missing.push(target);
            continue;
        }
        for features in ["zmalloc/prefix", "zmalloc/libc"].iter().take(1 + usize::from(platform.libc)) {
            shell::must(cargo("check", target, features).args(["--quiet", "--lib"]))?;
        }
    }
    let runs_here = cfg!(all(target_os = "linux", target_arch = "x86_64"));
    let mut not_run = Vec::new();
    for (target, back_ends) in RUN {
        if args.no_run || !runs_here || missing.contains(&target) {
            not_run.push(target);
            continue;
        }
        for back_end in back_ends {
            let features = format!("zmalloc/{back_end},zmalloc/fault-injection");
            shell::must(cargo("test", target, &features).args(["--quiet", "--lib", "--tests"]))?;
        }
    }
    if missing.is_empty() && (not_run.is_empty() || args.no_run) {
        return Ok(ExitCode::SUCCESS);
    }
    let mut what = Vec::new();
    if !missing.is_empty() {
        what.push(format!("checks for {}", missing.join(", ")));
    }
    if !not_run.is_empty() {
        what.push(format!("tests on {}", not_run.join(", ")));
    }
    Ok(shell::unavailable(
        &what.join("; "),
        "Standard libraries come with: cargo xtask platforms --install\nTests of musl run on x86-64 Linux only.",
    ))
}

/// A cargo command over the libraries for one target. Its artefacts lie in a folder apart, so that they are
/// kept when the rest is built anew.
fn cargo(command: &str, target: &str, features: &str) -> Command {
    let mut cargo = shell::cargo();
    cargo.args([command, "--no-default-features", "--features", features, "--target", target]);
    cargo.args(shell::packages(&shell::UNSAFE_CRATES));
    cargo.env("CARGO_TARGET_DIR", shell::target_dir().join("platforms"));
    cargo
}

/// Whether the compiler in use has the standard library of a target.
fn is_installed(target: &str) -> Result<bool> {
    let folder = shell::output(Command::new("rustc").args(["--print", "target-libdir", "--target", target]))?;
    Ok(std::fs::read_dir(folder).is_ok_and(|mut files| files.next().is_some()))
}
