//! `cargo xtask miri`: the crates with unsafe code, interpreted.
//!
//! Miri finds undefined behaviour in what the tests do: a read past a block, a reference that
//! aliases another, memory that was never written, a race. Strict provenance forbids making a
//! pointer from a number, which would hide such mistakes. zmalloc chooses its prefix layout by
//! itself here, because Miri cannot call into C; without default features jemalloc is not even built.
//!
//! Miri interprets other machines as well, with nothing installed for them but the source of std: a big-endian one
//! for the layouts that are read by hand, and an ARM for dict's NEON path.

use crate::shell;
use anyhow::Result;
use std::process::{Command, ExitCode};
use std::sync::Mutex;

/// Tests that go into the matters of another machine.
struct Elsewhere {
    target: &'static str,
    package: &'static str,
    /// Which test programs: arguments of cargo.
    programs: &'static [&'static str],
    /// Which tests of theirs; all if empty.
    filters: &'static [&'static str],
}

const BIG_ENDIAN: &str = "s390x-unknown-linux-gnu";
const ARM: &str = "aarch64-unknown-linux-gnu";

const ELSEWHERE: [Elsewhere; 7] = [
    Elsewhere { target: BIG_ENDIAN, package: "zmalloc", programs: &["--test", "failure"], filters: &[] },
    Elsewhere { target: BIG_ENDIAN, package: "sds", programs: &["--lib", "--test", "layout"], filters: &[] },
    Elsewhere {
        target: BIG_ENDIAN,
        package: "robj",
        programs: &["--lib", "--test", "encodings"],
        filters: &[],
    },
    Elsewhere { target: BIG_ENDIAN, package: "intset", programs: &["--test", "model"], filters: &[] },
    Elsewhere { target: BIG_ENDIAN, package: "listpack", programs: &["--test", "format"], filters: &[] },
    Elsewhere { target: BIG_ENDIAN, package: "dict", programs: &["--lib"], filters: DICT },
    Elsewhere { target: ARM, package: "dict", programs: &["--lib"], filters: DICT },
];

/// The crates that take longest, the longest first.
const LONGEST: [&str; 3] = ["dict", "robj", "quicklist"];

/// Groups of tags, and small tables that grow, have children and shrink.
const DICT: &[&str] = &["group::", "tests::faults::"];

/// The test programs of robj that are interpreted.
const ROBJ: [&str; 11] = [
    "--lib",
    "--test",
    "accounting",
    "--test",
    "encodings",
    "--test",
    "failure",
    "--test",
    "model",
    "--test",
    "threads",
];

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only this crate
    #[arg(long = "crate", value_name = "NAME", value_parser = shell::UNSAFE_CRATES)]
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
    // Miri runs on one processor, so two crates at a time; those first that take longest.
    let wanted = |name: &&str| args.only.as_ref().is_none_or(|only| only == name);
    let mut crates: Vec<_> = shell::UNSAFE_CRATES.into_iter().filter(wanted).collect();
    crates.sort_by_key(|name| LONGEST.iter().rev().position(|long| long == name));
    let next = Mutex::new(crates);
    let work = || -> Result<()> {
        loop {
            let Some(name) = next.lock().expect("no panic under the lock").pop() else { return Ok(()) };
            interpret(name, &args.rest)?;
        }
    };
    std::thread::scope(|scope| {
        let second = scope.spawn(work);
        let first = work();
        second.join().expect("no panic in a step").and(first)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// All runs of a crate, one after the other.
fn interpret(name: &str, rest: &[String]) -> Result<()> {
    let mut command = miri(&["--package", name], "");
    match name {
        // The models of its collections would take hours; their unsafe code (blocks, tables, views) has tests in the library.
        "robj" => command.args(ROBJ),
        // The examples are of long lists, and all safe.
        "quicklist" => command.args(["--lib", "--tests"]),
        _ => &mut command,
    };
    shell::must(command.arg("--").args(rest))?;
    if name == "robj" {
        // One run sees one order of the threads; a count that is wrong in another needs more of them.
        shell::must(&mut miri(&["--package", "robj", "--test", "threads"], "-Zmiri-many-seeds=0..4"))?;
    }
    if rest.is_empty() {
        for one in ELSEWHERE.iter().filter(|one| one.package == name) {
            let mut command = miri(&["--target", one.target, "--package", one.package], "");
            shell::must(command.args(one.programs).arg("--").args(one.filters))?;
        }
    }
    Ok(())
}

/// `cargo miri test`, and the flags that all runs have.
fn miri(args: &[&str], flags: &str) -> Command {
    let mut command = shell::nightly_cargo();
    command.args(["miri", "test", "--no-default-features"]).args(args);
    let own = std::env::var("MIRIFLAGS").unwrap_or_default();
    command.env("MIRIFLAGS", format!("{own} -Zmiri-strict-provenance {flags}"));
    // Artefacts of two compilers in one folder make each other stale.
    command.env("CARGO_TARGET_DIR", shell::target_dir().join("miri-tests"));
    command
}
