//! `cargo xtask miri`: the crates with unsafe code, interpreted.
//!
//! Miri finds undefined behaviour in what the tests do: a read past a block, a reference that aliases another, memory that
//! was never written, a race. Strict provenance forbids making a pointer from a number, which would hide such mistakes.
//! zmalloc chooses its prefix layout by itself here, because Miri cannot call into C; without default features jemalloc is
//! not even built.
//!
//! Miri interprets other machines as well, with nothing installed for them but the source of std: a big-endian one for
//! the layouts that are read by hand, and an ARM for dict's NEON path.
//!
//! The runs below are shared out between the processors. A run starts with three seconds in which the compiler's front
//! end reads the test program, so a run is a whole program and not a single test, which is what `cargo miri nextest`
//! would start.

use crate::shell::{self, PASSED};
use anyhow::Result;
use std::process::Command;

/// One test program, or tests of it that match a filter.
struct Run {
    package: &'static str,
    /// The target triple; empty for this machine.
    target: &'static str,
    /// Arguments of cargo that choose the program.
    program: &'static [&'static str],
    /// Parts of the names of tests; all if empty.
    filters: &'static [&'static str],
    flags: &'static str,
}

const LIB: &[&str] = &["--lib"];
const SUITE: &[&str] = &["--test", "suite"];
/// The library and every integration test.
const TESTS: &[&str] = &["--tests"];
const BIG_ENDIAN: &str = "s390x-unknown-linux-gnu";
const ARM: &str = "aarch64-unknown-linux-gnu";

const fn here(
    package: &'static str,
    program: &'static [&'static str],
    filters: &'static [&'static str],
) -> Run {
    Run { package, target: "", program, filters, flags: "" }
}

const fn on(
    target: &'static str,
    package: &'static str,
    program: &'static [&'static str],
    filters: &'static [&'static str],
) -> Run {
    Run { package, target, program, filters, flags: "" }
}

/// The longest first, so that the processors end together.
const RUNS: [Run; 23] = [
    here("dict", LIB, &[]),
    here("robj", LIB, &[]),
    here("zindex", LIB, &[]),
    here("listpack", SUITE, &[]),
    here("sds", SUITE, &[]),
    here("zindex", SUITE, &[]),
    here("quicklist", LIB, &[]),
    here("robj", SUITE, &[]),
    here("zmalloc", TESTS, &[]),
    here("dict", SUITE, &[]),
    here("intset", SUITE, &[]),
    here("quicklist", &["--test", "segments"], &[]),
    here("listpack", LIB, &[]),
    here("intset", LIB, &[]),
    here("sds", LIB, &[]),
    // One run sees one order of the threads; a count that is wrong in another needs more of them.
    Run { flags: "-Zmiri-many-seeds=0..4", ..here("robj", SUITE, &["threads::"]) },
    on(BIG_ENDIAN, "zmalloc", &["--test", "failure"], &[]),
    on(BIG_ENDIAN, "sds", SUITE, &["layout::"]),
    on(BIG_ENDIAN, "intset", SUITE, &["model::"]),
    on(BIG_ENDIAN, "listpack", SUITE, &["format::"]),
    on(BIG_ENDIAN, "robj", LIB, &["types::", "string::", "packed::", "zset::score::"]),
    on(BIG_ENDIAN, "dict", LIB, DICT),
    on(ARM, "dict", LIB, DICT),
];

/// Groups of tags, and small tables that grow, have children and shrink.
const DICT: &[&str] = &["group::", "tests::faults::"];

#[derive(clap::Args, Default)]
pub(crate) struct Args {
    /// Only this crate
    #[arg(long = "crate", value_name = "NAME", value_parser = shell::UNSAFE_CRATES)]
    only: Option<String>,
    /// A filter that takes the place of those of the runs, or other arguments of the test programs
    #[arg(last = true)]
    rest: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<u8> {
    if !shell::works(shell::nightly_cargo().args(["miri", "--version"])) {
        return Ok(shell::unavailable(
            "Miri (undefined behaviour in unsafe code)",
            "To have it: rustup toolchain install nightly --component miri,rust-src",
        ));
    }
    let wanted = |run: &&Run| args.only.as_ref().is_none_or(|only| only == run.package);
    shell::run_side_by_side(RUNS.iter().filter(wanted).map(|run| command(run, &args.rest)).collect())?;
    Ok(PASSED)
}

fn command(run: &Run, rest: &[String]) -> Command {
    let mut command = shell::nightly_cargo();
    command
        .args(["miri", "test", "--quiet", "--no-default-features", "--package", run.package])
        .args(run.program);
    if !run.target.is_empty() {
        command.args(["--target", run.target]);
    }
    command.arg("--");
    if rest.is_empty() {
        command.args(run.filters);
    } else {
        command.args(rest);
    }
    let own = std::env::var("MIRIFLAGS").unwrap_or_default();
    command.env("MIRIFLAGS", format!("{own} -Zmiri-strict-provenance {}", run.flags));
    // Artefacts of two compilers in one folder make each other stale.
    command.env("CARGO_TARGET_DIR", shell::target_dir().join("miri-tests"));
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_crate_with_unsafe_code_is_interpreted_whole() {
        for name in shell::UNSAFE_CRATES {
            let whole = |program: &[&str]| {
                let runs = RUNS.iter().filter(|run| run.package == name && run.target.is_empty());
                runs.filter(|run| run.filters.is_empty()).any(|run| run.program[0] == program[0])
            };
            assert!(whole(TESTS) || whole(LIB) && whole(SUITE), "{name}");
        }
    }
}
