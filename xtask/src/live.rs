//! The live parts of the book: builds their modules, and tries the pages in a browser. `cargo xtask book` calls it.

use crate::outcome::{Outcome, unavailable};
use crate::shell;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;
use std::process::Command;

const TARGET: &str = "wasm32-unknown-unknown";

/// Returns the names of the pages in `docs/src/live`. Each has a module, which is a program of the crate `live`.
fn pages() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(shell::root().join("docs/src/live"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "md") {
            names.extend(path.file_stem().and_then(|name| name.to_str()).map(str::to_owned));
        }
    }
    names.sort();
    Ok(names)
}

/// Writes the script of each module to the folder `live` of the book. Without the compiler's target for WebAssembly,
/// it writes empty scripts, and the pages say that their live parts are missing.
pub(crate) fn write(book: &Path) -> Result<Outcome> {
    let scripts = book.join("live");
    if !has_target()? {
        for module in pages()? {
            let text = "// The target for WebAssembly was missing when `cargo xtask book` wrote this file.\n";
            fs::write(scripts.join(format!("{module}.js")), text).context("cannot write a script")?;
        }
        return Ok(unavailable(
            "the live parts of the book",
            "They need: rustup target add wasm32-unknown-unknown",
        ));
    }
    let mut build = shell::cargo();
    build.args(["build", "--quiet", "--package", "live", "--bins", "--target", TARGET, "--profile", "live"]);
    shell::run_checked(&mut build)?;
    let modules = shell::target_dir().join(TARGET).join("live");
    for module in pages()? {
        let mut bind = tool("bind");
        bind.arg(modules.join(format!("{module}.wasm"))).arg(scripts.join(format!("{module}.js")));
        shell::run_checked(&mut bind)?;
    }
    Ok(Outcome::Passed)
}

/// Opens each live page in Chromium, uses it, and checks what it shows. Screenshots are kept in `target/live-pages`.
pub(crate) fn test(book: &Path) -> Result<Outcome> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let Some(browser) = names.into_iter().find(|name| shell::works(Command::new(name).arg("--version")))
    else {
        return Ok(unavailable("the live pages in a browser", "They need Chromium (Debian: chromium)"));
    };
    shell::run(tool("drive").arg(browser).arg(book).arg(shell::target_dir().join("live-pages")))
}

/// Checks the pages' script with oxlint, which npx installs.
pub(crate) fn lint() -> Result<Outcome> {
    let npx = |args: &[&str]| {
        let mut command = shell::program("npx");
        command.args(["--yes", "oxlint@1.70.0"]).args(args);
        command
    };
    if !shell::works(&mut npx(&["--version"])) {
        return Ok(unavailable("the lints of the pages' script", "They need npx, which comes with Node.js"));
    }
    shell::run(&mut npx(&["--deny-warnings", "docs/src/live"]))
}

/// Returns the command of a program of the crate `pages`.
fn tool(name: &str) -> Command {
    let mut command = shell::cargo();
    command.args(["run", "--quiet", "--package", "pages", "--features", name, "--bin", name, "--"]);
    command
}

/// Returns whether the compiler has the target. Asks rustup for it if it is missing.
fn has_target() -> Result<bool> {
    if !shell::has_standard_library(TARGET)? {
        shell::works(shell::program("rustup").args(["target", "add", TARGET]));
    }
    shell::has_standard_library(TARGET)
}
