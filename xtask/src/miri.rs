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

use crate::shell::{self, Outcome};
use anyhow::{Result, ensure};
use std::collections::BTreeSet;
use std::process::Command;

/// One run of cargo.
struct Run {
    package: &'static str,
    /// The target triple; `None` for this machine.
    target: Option<&'static str>,
    /// Arguments of cargo that choose test programs.
    programs: &'static [&'static str],
    /// Test name filters. Empty: all tests.
    filters: &'static [&'static str],
    flags: &'static str,
}

const LIB: &[&str] = &["--lib"];
/// Every integration test.
const SUITE: &[&str] = &["--test", "*"];
const BIG_ENDIAN: Option<&str> = Some("s390x-unknown-linux-gnu");
const ARM: Option<&str> = Some("aarch64-unknown-linux-gnu");

/// Whole programs on this machine.
const fn here(package: &'static str, programs: &'static [&'static str]) -> Run {
    on(None, package, programs, &[])
}

const fn on(
    target: Option<&'static str>,
    package: &'static str,
    programs: &'static [&'static str],
    filters: &'static [&'static str],
) -> Run {
    Run { package, target, programs, filters, flags: "" }
}

/// The longest first, so that the processors end together.
const RUNS: [Run; 26] = [
    here("dict", LIB),
    here("robj", LIB),
    here("zindex", LIB),
    here("listpack", SUITE),
    here("sds", SUITE),
    here("zindex", SUITE),
    here("quicklist", LIB),
    here("robj", SUITE),
    here("zmalloc", SUITE),
    here("dict", SUITE),
    here("intset", SUITE),
    here("quicklist", SUITE),
    here("listpack", LIB),
    here("intset", LIB),
    here("zmalloc", LIB),
    here("sds", LIB),
    // One run sees one order of the threads; a count that is wrong in another needs more of them.
    Run { flags: "-Zmiri-many-seeds=0..4", ..on(None, "robj", SUITE, &["threads::"]) },
    on(BIG_ENDIAN, "zmalloc", &["--test", "failure"], &[]),
    on(BIG_ENDIAN, "sds", LIB, &["layout::"]),
    on(BIG_ENDIAN, "sds", SUITE, &["layout::"]),
    on(BIG_ENDIAN, "intset", SUITE, &["model::"]),
    on(BIG_ENDIAN, "listpack", SUITE, &["format::"]),
    on(BIG_ENDIAN, "robj", LIB, &["header::", "types::", "string::", "packed::", "zset::score::"]),
    on(BIG_ENDIAN, "robj", SUITE, &["encodings::"]),
    on(BIG_ENDIAN, "dict", LIB, DICT),
    on(ARM, "dict", LIB, DICT),
];

/// Groups of tags, and small tables that grow, have children and shrink.
const DICT: &[&str] = &["group::", "tests::faults::"];

#[derive(clap::Args, Default)]
pub(crate) struct Args {
    /// Only this crate
    #[arg(long = "crate", value_name = "NAME", value_parser = shell::LIBRARIES)]
    only: Option<String>,
    /// Handed to the test programs, a filter for example; then only whole programs run, and on this machine only
    #[arg(last = true)]
    rest: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let wanted = |run: &&Run| {
        let whole = run.target.is_none() && run.filters.is_empty();
        args.only.as_ref().is_none_or(|only| only == run.package) && (args.rest.is_empty() || whole)
    };
    let runs: Vec<_> = RUNS.iter().filter(wanted).collect();
    // The standard library, once for each target: two runs that begin together would each build it.
    for target in runs.iter().map(|run| run.target).collect::<BTreeSet<_>>() {
        let mut setup = shell::nightly_cargo();
        setup.args(["miri", "setup"]).args(target.iter().flat_map(|target| ["--target", target]));
        if !shell::works(&mut setup) {
            return Ok(shell::unavailable(
                "Miri (undefined behaviour in unsafe code)",
                "To have it: rustup toolchain install nightly --component miri,rust-src",
            ));
        }
    }
    let outputs = shell::run_side_by_side(runs.iter().map(|run| command(run, &args.rest)).collect())?;
    for (run, output) in runs.iter().zip(outputs) {
        ensure!(
            run.filters.is_empty() || any_test_ran(&output),
            "{}: no test matches {:?}",
            run.package,
            run.filters
        );
    }
    Ok(Outcome::Passed)
}

/// Whether the output of test programs tells of a test that passed.
fn any_test_ran(output: &str) -> bool {
    let mut counts = output.lines().filter_map(|line| line.strip_prefix("test result: ok. "));
    counts.any(|counts| !counts.starts_with("0 passed"))
}

fn command(run: &Run, rest: &[String]) -> Command {
    let mut command = shell::nightly_cargo();
    command.args(["miri", "test", "--quiet", "--no-default-features", "--package", run.package]);
    command.args(run.programs).args(run.target.iter().flat_map(|target| ["--target", target]));
    command.arg("--").args(run.filters).args(rest);
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
    fn every_library_is_interpreted_whole() {
        for name in shell::LIBRARIES {
            for programs in [LIB, SUITE] {
                let whole = |run: &&Run| run.target.is_none() && run.filters.is_empty();
                let runs = RUNS.iter().filter(|run| run.package == name && run.programs == programs);
                assert_eq!(runs.filter(whole).count(), 1, "{name} {programs:?}");
            }
        }
    }

    #[test]
    fn a_run_without_a_test_is_noticed() {
        assert!(any_test_ran("running 2 tests\ntest result: ok. 2 passed; 0 failed\n"));
        assert!(any_test_ran("test result: ok. 0 passed; 0 failed\ntest result: ok. 1 passed; 0 failed\n"));
        assert!(!any_test_ran("running 0 tests\ntest result: ok. 0 passed; 0 failed\n"));
    }
}
