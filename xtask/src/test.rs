//! `cargo xtask test`: the tests that a contributor runs before a commit.
//!
//! Without options, the command tests the whole workspace once, over jemalloc. It runs unit, property and
//! integration tests, and the doc tests of the crates, of the book and of README.md. sds, dict and keyspace
//! are built with serde, and sds is tested against C code.
//!
//! `--all` adds the other back ends. Each allocator runs once, with the crates whose behaviour depends on it
//! (`docs/src/testing.md` has the table). gperftools is used if it is installed.
//!
//! The command runs all steps, and all test programs of a step, even after one has failed.

use crate::outcome::Outcome;
use crate::shell;
use crate::steps::{self, Step};
use anyhow::Result;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Also test the other back ends
    #[arg(long)]
    all: bool,
    /// Run only the steps whose name contains PART, including those of `--all`
    #[arg(long, value_name = "PART", conflicts_with = "all")]
    only: Option<String>,
}

/// The features that are off by default, and that have tests or a program.
pub(crate) const FEATURES: &str =
    "sds/serde,dict/serde,keyspace/serde,sds/c-shim,fuzz/soak,exercises/solutions";

/// Runs the tests of the whole workspace over jemalloc.
pub(crate) fn run_workspace() -> Result<Outcome> {
    let workspace = ["--workspace", "--features", FEATURES];
    let tests = shell::run(&mut shell::test(shell::cargo, &workspace, &[]))?;
    let doc_tests =
        shell::run(shell::cargo().args(["test", "--quiet", "--no-fail-fast", "--doc"]).args(workspace))?;
    Ok(if tests == Outcome::Passed { doc_tests } else { tests })
}

/// Returns a step that runs the tests of some crates over another back end.
fn back_end(name: &'static str, crates: &'static [&'static str]) -> Step<'static> {
    Step::new(name, move || {
        if name.starts_with("tcmalloc") && !shell::has_gperftools() {
            return Ok(shell::without_gperftools());
        }
        let features = format!("zmalloc/{name},zmalloc/fault-injection");
        let words: Vec<_> = ["--features", &features].into_iter().chain(shell::packages(crates)).collect();
        shell::run(&mut shell::test(shell::cargo, &words, &[]))
    })
}

/// Tests zmalloc over jemalloc as a program outside of this workspace may build them. jemalloc has its usual
/// quantum of 16 bytes instead of 8, zmalloc is optimised, and the feature `disable_initial_exec_tls` is on,
/// as in a plug-in. Because of this feature, cargo also keeps this build of jemalloc apart from the one with
/// the quantum of 8 bytes.
fn jemalloc_elsewhere() -> Result<Outcome> {
    let features = "fault-injection,disable_initial_exec_tls";
    let mut command = shell::test(shell::cargo, &["--package", "zmalloc", "--features", features], &[]);
    command.envs([("JEMALLOC_SYS_WITH_LG_QUANTUM", "4"), ("CARGO_PROFILE_DEV_OPT_LEVEL", "3")]);
    shell::run(&mut command)
}

fn back_ends() -> Vec<Step<'static>> {
    vec![
        back_end("libc", &["zmalloc", "sds", "intset", "listpack", "zindex", "values"]),
        back_end("mimalloc", &["zmalloc", "sds", "intset", "listpack"]),
        // Two crates are enough here: `cargo xtask platforms` and Miri run all crates over `prefix`.
        back_end("prefix", &["zmalloc", "sds"]),
        back_end("tcmalloc", &["zmalloc"]),
        Step::new("jemalloc-16", jemalloc_elsewhere),
    ]
}

/// Runs the steps that `--all` adds.
pub(crate) fn run_back_ends() -> Result<Outcome> {
    Ok(steps::run("back-ends", back_ends(), None, String::new))
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let mut all = vec![Step::new("workspace", run_workspace)];
    if args.all || args.only.is_some() {
        all.extend(back_ends());
    }
    Ok(steps::run("test", all, args.only.as_deref(), String::new))
}
