//! `cargo xtask book`: draws the drawings of the book, and builds `docs/` into `target/book`.

use crate::outcome::Outcome;
use crate::{layout, shell};
use anyhow::{Context, Result};
use std::process::Command;
use std::time::Instant;

/// The version that is installed if mdBook is not on the path. The pages were last checked with this version.
const MDBOOK_VERSION: &str = "0.5.4";

pub(crate) fn run() -> Result<Outcome> {
    let start = Instant::now();
    layout::write()?;
    let mut mdbook = mdbook()?;
    let out = shell::target_dir().join("book");
    shell::run_checked(mdbook.args(["build", "docs", "--dest-dir"]).arg(&out))?;
    println!("Open {} (built in {:.0} s)", out.join("index.html").display(), start.elapsed().as_secs_f64());
    Ok(Outcome::Passed)
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
