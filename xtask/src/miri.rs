//! `cargo xtask miri`: the crates with unsafe code, interpreted.
//!
//! Miri finds undefined behaviour in what the tests do: a read past a block, a reference that
//! aliases another, memory that was never written, a race. Strict provenance forbids making a
//! pointer from a number, which would hide such mistakes. zmalloc chooses its prefix layout by
//! itself here, because Miri cannot call into C; without default features jemalloc is not even built.

use crate::shell;
use anyhow::Result;
use std::process::ExitCode;

/// The crates that hold unsafe code.
const CRATES: [&str; 4] = ["zmalloc", "sds", "dict", "robj"];

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only this crate
    #[arg(long = "crate", value_name = "NAME", value_parser = CRATES)]
    only: Option<String>,
    /// Handed to the test program: a filter, for example
    #[arg(last = true)]
    rest: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    if !shell::works(shell::nightly_cargo().args(["miri", "--version"])) {
        return Ok(shell::unavailable(
            "Miri (undefined behaviour in unsafe code)",
            "To have it: rustup toolchain install nightly --component miri,rust-src",
        ));
    }
    let flags = std::env::var("MIRIFLAGS").unwrap_or_default();
    for name in CRATES {
        if args.only.as_ref().is_some_and(|only| only != name) {
            continue;
        }
        let mut command = shell::nightly_cargo();
        command.args(["miri", "test", "--package", name, "--no-default-features", "--"]).args(&args.rest);
        command.env("MIRIFLAGS", format!("{flags} -Zmiri-strict-provenance"));
        // Artefacts of two compilers in one folder make each other stale.
        command.env("CARGO_TARGET_DIR", shell::target_dir().join("miri-tests"));
        shell::must(&mut command)?;
    }
    if args.only.as_ref().is_none_or(|only| only == "robj") {
        // One run sees one order of the threads; a count that is wrong in another needs more of them.
        let mut command = shell::nightly_cargo();
        command.args(["miri", "test", "--package", "robj", "--no-default-features", "--test", "threads"]);
        command.env("MIRIFLAGS", format!("{flags} -Zmiri-strict-provenance -Zmiri-many-seeds=0..4"));
        command.env("CARGO_TARGET_DIR", shell::target_dir().join("miri-tests"));
        shell::must(&mut command)?;
    }
    Ok(ExitCode::SUCCESS)
}
