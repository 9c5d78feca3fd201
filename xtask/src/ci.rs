//! `cargo xtask ci`: every net there is, one after another, and a table of what each took. `.ci/run` calls it.
//!
//! What a net is for, and which net stands in for a run that was left out, is told in `docs/src/testing.md`.

use crate::shell;
use crate::steps::Steps;
use crate::{asan, bench, book, features, fuzz, miri, platforms, test, tidy};
use anyhow::{Result, ensure};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only the nets whose name contains this
    #[arg(long, value_name = "PART")]
    only: Option<String>,
}

/// How long each fuzz target runs.
const FUZZ_SECONDS: u64 = 20;

type Net = (&'static str, fn() -> Result<u8>);

/// The quick ones first, so that a slip is known soon.
const NETS: [Net; 13] = [
    ("format", || shell::exit_code(shell::cargo().args(["fmt", "--all", "--check"]))),
    ("tidy", tidy::run),
    ("clippy", clippy),
    ("features", features::run),
    ("documentation", documentation),
    ("tests", test::run_workspace),
    ("back ends", test::run_back_ends),
    ("benchmarks, smoke", || bench::run(&bench::Args { rest: vec!["--smoke".into()] })),
    ("book", book::run),
    ("Miri", || miri::run(&miri::Args::default())),
    ("AddressSanitizer", || asan::run(&asan::Args::default())),
    ("platforms", || platforms::run(&platforms::Args::default())),
    ("fuzzing", || fuzz::run_all(FUZZ_SECONDS)),
];

pub(crate) fn run(args: &Args) -> Result<u8> {
    let mut steps = Steps::new("ci");
    let wanted = |name: &str| args.only.as_ref().is_none_or(|part| name.contains(part.as_str()));
    ensure!(NETS.iter().any(|(name, _)| wanted(name)), "no net has such a name");
    for (name, net) in NETS.into_iter().filter(|(name, _)| wanted(name)) {
        steps.run(name, net);
    }
    Ok(steps.finish())
}

fn clippy() -> Result<u8> {
    let mut command = shell::cargo();
    command.args(["clippy", "--workspace", "--all-targets", "--features", test::FEATURES]);
    shell::exit_code(command.args(["--", "-D", "warnings"]))
}

fn documentation() -> Result<u8> {
    let mut command = shell::cargo();
    shell::exit_code(command.args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))
}
