//! `cargo xtask book`: draws the drawings of the book, and builds `docs/` with its live parts into `target/book`.

use crate::outcome::Outcome;
use crate::steps::{self, Step};
use crate::{layout, live, shell};
use anyhow::{Context, Result};
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

/// The version that is installed if mdBook is not on the path. The pages were last checked with this version.
const MDBOOK_VERSION: &str = "0.5.4";

#[derive(clap::Args, Default)]
pub(crate) struct Args {
    /// Also check the script of the live pages, and use the pages in Chromium. Keeps screenshots in target/live-pages
    #[arg(long)]
    test: bool,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let built = build()?;
    if !args.test || built != Outcome::Passed {
        return Ok(built);
    }
    let book = folder();
    let steps = vec![Step::new("lint", live::lint), Step::new("live-pages", || live::test(&book))];
    Ok(steps::run("book", steps, None, String::new))
}

/// Builds the book, and tests it. `cargo xtask ci` calls it.
pub(crate) fn run_and_test() -> Result<Outcome> {
    run(&Args { test: true })
}

fn folder() -> PathBuf {
    shell::target_dir().join("book")
}

fn build() -> Result<Outcome> {
    let start = Instant::now();
    layout::write()?;
    let mut mdbook = mdbook()?;
    let out = folder();
    shell::run_checked(mdbook.args(["build", "docs", "--dest-dir"]).arg(&out))?;
    let live = live::write(&out)?;
    println!("Open {} (built in {:.0} s)", out.join("index.html").display(), start.elapsed().as_secs_f64());
    Ok(match live {
        Outcome::Unavailable => Outcome::Partly(vec!["the live parts".into()]),
        other => other,
    })
}

/// Returns mdBook from the path, or from `target/tools`. Builds it there if it is missing.
fn mdbook() -> Result<Command> {
    if shell::works(shell::program("mdbook").arg("--version")) {
        return Ok(shell::program("mdbook"));
    }
    let tools = shell::target_dir().join("tools");
    let path = tools.join("bin").join(format!("mdbook{}", std::env::consts::EXE_SUFFIX));
    if !path.is_file() {
        let mut install = shell::cargo();
        // An unoptimised mdBook builds faster, and is fast enough for a book of this size.
        install.args(["install", "mdbook", "--locked", "--debug"]);
        install.args(["--no-default-features", "--features", "search"]);
        install.args(["--version", MDBOOK_VERSION, "--root"]).arg(&tools);
        shell::run_checked(&mut install).context("mdBook is neither on the path nor can it be installed")?;
    }
    Ok(shell::program(path))
}
