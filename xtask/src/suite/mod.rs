//! `cargo xtask conformance suite`: runs Redis' Tcl test suite on redcore's server.
//!
//! The suite starts the servers itself, through a script in its folder. Tests for which the suite needs
//! servers of its own (`external:skip`) run too. The checkout of Redis is not changed.

use crate::outcome::{Outcome, unavailable};
use crate::shell;
use anyhow::Result;
use std::path::{Path, PathBuf};
use std::time::Instant;

mod expected;
mod folder;
mod parse;
mod run;

use expected::{Expected, Unit};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// A checkout of redis/redis
    dir: PathBuf,
    /// The units, as `type/string`. The default is all units that are about what redcore has
    units: Vec<String>,
    /// The program of the server. The default is `redcore-server`, which is built
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
    /// Print the output of the suite
    #[arg(long)]
    verbose: bool,
    /// Write the numbers of tests that pass. Needs `--server DIR/src/redis-server`
    #[arg(long)]
    write: bool,
}

/// The units that run by default.
const UNITS: [&str; 26] = [
    "type/string",
    "type/incr",
    "type/list",
    "type/list-2",
    "type/list-3",
    "type/set",
    "type/zset",
    "type/hash",
    "keyspace",
    "expire",
    "scan",
    "sort",
    "bitops",
    "bitfield",
    "dump",
    "other",
    "multi",
    "pubsub",
    "lazyfree",
    "querybuf",
    "protocol",
    "limits",
    "maxmemory",
    "memefficiency",
    "info",
    "tracking",
];

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let dir = std::path::absolute(&args.dir)?;
    if !dir.join("tests/test_helper.tcl").is_file() {
        let what = format!("Redis' test suite: {} has no tests/test_helper.tcl", dir.display());
        return Ok(unavailable(&what, "To have it, name the folder of a checkout of redis/redis"));
    }
    let Some(tclsh) = ["tclsh8.6", "tclsh8.5", "tclsh"].into_iter().find_map(folder::on_path) else {
        return Ok(unavailable("Redis' test suite", "To have it, install Tcl. Debian: apt-get install tcl"));
    };
    let units: Vec<_> =
        if args.units.is_empty() { UNITS.map(String::from).into() } else { args.units.clone() };
    for unit in &units {
        if !dir.join(format!("tests/unit/{unit}.tcl")).is_file() {
            eprintln!("xtask: {unit} is not a unit of the suite");
            return Ok(Outcome::WrongArguments);
        }
    }
    let server = match &args.server {
        Some(path) => std::path::absolute(path)?,
        None => build()?,
    };
    if args.write && server != dir.join("src/redis-server") {
        eprintln!("xtask: --write needs --server {}", dir.join("src/redis-server").display());
        return Ok(Outcome::WrongArguments);
    }
    if !server.is_file() {
        eprintln!("xtask: {} is not a program", server.display());
        return Ok(Outcome::WrongArguments);
    }
    run_units(args, &dir, &tclsh, &server, &units)
}

/// Builds redcore's server and returns its path.
fn build() -> Result<PathBuf> {
    let package = ["build", "--release", "--package", "server", "--bin", "redcore-server"];
    shell::run_checked(shell::cargo().args(package))?;
    Ok(shell::target_dir().join("release/redcore-server"))
}

fn run_units(args: &Args, dir: &Path, tclsh: &Path, server: &Path, units: &[String]) -> Result<Outcome> {
    let mut expected = Expected::read(&Expected::path())?;
    let folder = folder::make(dir, server)?;
    let is_redis = folder::is_redis(server);
    let (mut differences, mut passed, mut tests) = (Vec::new(), 0, 0);
    println!(
        "{:<16} {:>6} {:>6} {:>8} {:>7} {:>7}",
        "unit", "passed", "failed", "left out", "not run", "seconds"
    );
    for name in units {
        let mut unit = expected.0.get(name).cloned().unwrap_or_default();
        if is_redis {
            // The list is about redcore's server.
            unit.not_passing.clear();
        }
        let start = Instant::now();
        let results = run::unit(tclsh, folder.path(), name, unit.skipped(), args.verbose)?;
        if args.write {
            unit.tests = results.passed.len();
            expected.0.entry(name.clone()).or_default().tests = unit.tests;
            let early = results.aborted.iter().map(|why| format!("{name}: ended early: {why}"));
            differences.extend(early);
        } else {
            differences.extend(unit.differences(&results).iter().map(|text| format!("{name}: {text}")));
        }
        let failed = results.failed.len();
        println!(
            "{name:<16} {:>6} {failed:>6} {:>8} {:>7} {:>7}",
            results.passed.len(),
            results.left_out,
            not_run(&unit, &results),
            start.elapsed().as_secs()
        );
        passed += results.passed.len();
        tests += unit.tests;
    }
    println!("{passed} of {tests} ({:.1} %)", 100.0 * passed as f64 / tests.max(1) as f64);
    differences.iter().for_each(|difference| println!("{difference}"));
    if args.write && differences.is_empty() {
        std::fs::write(Expected::path(), expected.text())?;
    }
    Ok(if differences.is_empty() { Outcome::Passed } else { Outcome::Failed })
}

/// Returns the number of tests that did not run although they run on the snapshot's own server.
fn not_run(unit: &Unit, results: &parse::Results) -> usize {
    unit.tests.saturating_sub(results.passed.len() + results.failed.len()).max(results.after_death)
}
