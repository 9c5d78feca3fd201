//! `cargo xtask miri`: runs the tests of the crates with unsafe code under Miri.
//!
//! Miri finds undefined behaviour: a read past the end of a block, an aliasing reference, a read of
//! uninitialised memory, a data race. Strict provenance forbids making a pointer from a number, because this
//! would hide such mistakes. Miri cannot call C code, so zmalloc uses its prefix layout. The default features
//! are off, so jemalloc is not built.
//!
//! Miri also interprets programs for other machines, and needs only the source of std for them. A big-endian
//! machine tests the layouts that are read byte by byte, and an ARM tests the NEON code of dict.
//!
//! The runs below are distributed over the processors. Each run starts with three seconds in which the
//! compiler reads the test program. So a run is a whole test program, and not a single test as with
//! `cargo miri nextest`.

use crate::outcome::{Outcome, unavailable};
use crate::shell;
use anyhow::{Result, ensure};
use std::collections::BTreeSet;
use std::process::Command;

/// One run of cargo.
struct Run {
    package: &'static str,
    /// The target triple, or `None` for this machine.
    target: Option<&'static str>,
    /// The arguments of cargo that choose test programs.
    programs: &'static [&'static str],
    /// Filters of test names. If there is none, all tests run.
    filters: &'static [&'static str],
    /// Further flags of Miri.
    flags: &'static str,
}

impl Run {
    /// Returns `true` if the run is for this machine and has no filter.
    fn is_whole(&self) -> bool {
        self.target.is_none() && self.filters.is_empty()
    }
}

const LIB: &[&str] = &["--lib"];
/// Every integration test.
const SUITE: &[&str] = &["--test", "*"];
const BIG_ENDIAN: Option<&str> = Some("s390x-unknown-linux-gnu");
const ARM: Option<&str> = Some("aarch64-unknown-linux-gnu");

/// Returns a run of whole test programs on this machine.
const fn on_host(package: &'static str, programs: &'static [&'static str]) -> Run {
    on_target(None, package, programs, &[])
}

/// Returns a run for `target`, of the tests that match one of the filters. Without filters, all tests run.
const fn on_target(
    target: Option<&'static str>,
    package: &'static str,
    programs: &'static [&'static str],
    filters: &'static [&'static str],
) -> Run {
    Run { package, target, programs, filters, flags: "" }
}

/// All runs. The longest ones come first, so that the processors finish at about the same time.
const RUNS: [Run; 35] = [
    on_host("dict", LIB),
    on_host("keyspace", SUITE),
    on_host("keyspace", LIB),
    on_host("values", SUITE),
    on_host("zindex", LIB),
    on_host("listpack", SUITE),
    on_host("sds", SUITE),
    on_host("zindex", SUITE),
    on_host("quicklist", LIB),
    on_host("robj", SUITE),
    on_host("values", LIB),
    on_host("zmalloc", SUITE),
    on_host("dict", SUITE),
    on_host("intset", SUITE),
    on_host("quicklist", SUITE),
    on_host("listpack", LIB),
    on_host("intset", LIB),
    on_host("zmalloc", LIB),
    on_host("robj", LIB),
    on_host("sds", LIB),
    on_host("common", LIB),
    // One seed tests one order of the threads. A count may be wrong only in another order, so there are four
    // seeds.
    Run { flags: "-Zmiri-many-seeds=0..4", ..on_target(None, "robj", SUITE, &["threads::"]) },
    on_target(BIG_ENDIAN, "zmalloc", &["--test", "failure"], &[]),
    on_target(BIG_ENDIAN, "common", LIB, &["length::"]),
    on_target(BIG_ENDIAN, "sds", LIB, &["layout::"]),
    on_target(BIG_ENDIAN, "sds", SUITE, &["layout::"]),
    on_target(BIG_ENDIAN, "zindex", LIB, &["block::"]),
    on_target(BIG_ENDIAN, "intset", SUITE, &["model::"]),
    on_target(BIG_ENDIAN, "listpack", SUITE, &["format::"]),
    on_target(BIG_ENDIAN, "values", LIB, &["types::", "string::", "hashtable::block::", "zset::score::"]),
    on_target(BIG_ENDIAN, "robj", LIB, &["header::"]),
    on_target(BIG_ENDIAN, "robj", SUITE, &["encodings::"]),
    on_target(BIG_ENDIAN, "keyspace", LIB, &["entry::"]),
    on_target(BIG_ENDIAN, "dict", LIB, DICT),
    on_target(ARM, "dict", LIB, DICT),
];

/// The tests of groups of tags, and of small tables that grow, have children and shrink.
const DICT: &[&str] = &["group::", "tests::faults::"];

#[derive(clap::Args, Default)]
pub(crate) struct Args {
    /// Run only this crate
    #[arg(long = "crate", value_name = "NAME", value_parser = shell::LIBRARIES)]
    only: Option<String>,
    /// Arguments of the test programs, for example filters. Runs for other machines and runs that have
    /// filters are then skipped
    #[arg(last = true)]
    rest: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let source = shell::program("rustup")
        .args(["component", "list", "--installed", "--toolchain", "nightly"])
        .output();
    let has_source = source.is_ok_and(|list| String::from_utf8_lossy(&list.stdout).contains("rust-src"));
    if !has_source || !shell::works(shell::nightly_cargo().args(["miri", "--version"])) {
        return Ok(unavailable(
            "Miri (undefined behaviour in unsafe code)",
            "To have it: rustup toolchain install nightly --component miri,rust-src",
        ));
    }
    let wanted = |run: &&Run| {
        args.only.as_ref().is_none_or(|only| only == run.package) && (args.rest.is_empty() || run.is_whole())
    };
    let runs: Vec<_> = RUNS.iter().filter(wanted).collect();
    // Builds the standard library once for each target. Otherwise two runs that start together would both
    // build it.
    for target in runs.iter().map(|run| run.target).collect::<BTreeSet<_>>() {
        let mut setup = shell::nightly_cargo();
        setup.args(["miri", "setup"]).args(target.iter().flat_map(|target| ["--target", target]));
        shell::run_checked(&mut setup)?;
    }
    let outputs = shell::run_side_by_side(runs.iter().map(|run| command(run, &args.rest)).collect())?;
    for (run, output) in runs.iter().zip(&outputs) {
        for filter in run.filters {
            let machine = run.target.unwrap_or("this machine");
            ensure!(any_test_ran(output, filter), "{}, {machine}: no test matches {filter}", run.package);
        }
    }
    ensure!(outputs.iter().any(|output| any_test_ran(output, "")), "no test matches {:?}", args.rest);
    Ok(Outcome::Passed)
}

/// Returns `true` if the output of test programs has a test that passed and whose name contains `part`.
fn any_test_ran(output: &str, part: &str) -> bool {
    let mut tests = output.lines().filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... ok"));
    tests.any(|name| name.contains(part))
}

fn command(run: &Run, rest: &[String]) -> Command {
    let mut command = shell::nightly_cargo();
    command.args(["miri", "test", "--no-default-features", "--package", run.package]);
    command.args(run.programs).args(run.target.iter().flat_map(|target| ["--target", target]));
    command.arg("--").args(run.filters).args(rest);
    let own = std::env::var("MIRIFLAGS").unwrap_or_default();
    command.env("MIRIFLAGS", format!("{own} -Zmiri-strict-provenance {}", run.flags));
    // Two compilers that share a folder would rebuild each other's artefacts.
    command.env("CARGO_TARGET_DIR", shell::target_dir().join("miri-tests"));
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_library_with_unsafe_code_is_interpreted_whole() {
        for name in shell::libraries_with_unsafe_code() {
            let has_suite = shell::root().join(format!("crates/{name}/tests")).is_dir();
            for (programs, wanted) in [(LIB, 1), (SUITE, usize::from(has_suite))] {
                let runs = RUNS.iter().filter(|run| run.package == name && run.programs == programs);
                assert_eq!(runs.filter(|run| run.is_whole()).count(), wanted, "{name} {programs:?}");
            }
        }
    }

    #[test]
    fn a_filter_without_a_test_is_noticed() {
        let output = "running 2 tests\ntest layout::tests::one ... ok\ntest group::two ... ignored\n\ntest result: ok. 1 passed\n";
        assert!(any_test_ran(output, "layout::") && any_test_ran(output, ""));
        assert!(!any_test_ran(output, "group::") && !any_test_ran(output, "result"));
        assert!(!any_test_ran("running 0 tests\n\ntest result: ok. 0 passed\n", ""));
    }
}
