//! `cargo xtask ci`: runs every net, one after another, and prints the time of each. `.ci/run` calls it.
//!
//! A net is a check of the whole repository. `docs/src/testing.md` says what each net is for. It also lists
//! the runs that were dropped, and the net that covers each of them.

use crate::outcome::Outcome;
use crate::shell;
use crate::steps::{self, Step};
use crate::{
    asan, bench, book, conformance, exercise, features, fuzz, miri, platforms, soak, tail, test, tidy,
};
use anyhow::Result;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run only the nets whose name contains PART
    #[arg(long, value_name = "PART")]
    only: Option<String>,
    /// The time to run each fuzz target, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 6)]
    fuzz_seconds: u64,
}

/// Returns all nets. The fast ones come first, so that most failures show early.
fn nets(fuzz_seconds: u64) -> Vec<Step<'static>> {
    vec![
        Step::new("format", || shell::run(shell::cargo().args(["fmt", "--all", "--check"]))),
        Step::new("tidy", tidy::run),
        Step::new("clippy", clippy),
        Step::new("doc", documentation),
        Step::new("features", features::run),
        Step::new("test", test::run_workspace),
        Step::new("back-ends", test::run_back_ends),
        Step::new("bench-smoke", bench::smoke),
        Step::new("book", book::run_and_test),
        Step::new("exercises", exercise::check),
        Step::new("conformance", conformance::run_some),
        Step::new("miri", || miri::run(&miri::Args::default())),
        Step::new("asan", || asan::run(&asan::Args::default())),
        Step::new("platforms", || platforms::run(&platforms::Args::default())),
        Step::new("fuzz", move || fuzz::run_all(fuzz_seconds)),
        Step::new("soak", soak::run_some),
    ]
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    shell::unattended();
    Ok(steps::run("ci", nets(args.fuzz_seconds), args.only.as_deref(), tail::report))
}

fn clippy() -> Result<Outcome> {
    let mut command = shell::cargo();
    command.args(["clippy", "--workspace", "--all-targets", "--features", test::FEATURES]);
    command.args(["--features", "pages/bind,pages/drive"]);
    shell::run(command.args(["--", "-D", "warnings"]))
}

fn documentation() -> Result<Outcome> {
    let mut command = shell::cargo();
    shell::run(command.args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))
}
