//! `cargo xtask test`: what a contributor runs before a commit.
//!
//! Without options the whole workspace over jemalloc, once: unit, property and integration tests, and the doc tests of
//! the crates, of the book and of README.md; sds and dict with serde, and sds beside C code of our own.
//!
//! `--all` adds the other back ends: each allocator once, under the crates that it can make a difference to
//! (`docs/src/testing.md` has the table). gperftools is used where it is installed.
//!
//! All steps are run, and all test programs of a step, also after one has failed.

use crate::shell;
use crate::steps::Steps;
use anyhow::{Result, ensure};
use std::process::Command;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The other back ends as well
    #[arg(long)]
    all: bool,
    /// Only the steps whose name contains this
    #[arg(long, value_name = "PART", conflicts_with = "all")]
    only: Option<String>,
}

struct Step {
    name: &'static str,
    command: Command,
    needs_gperftools: bool,
}

fn test(args: &[&str]) -> Command {
    let mut command = shell::cargo();
    command.args(["test", "--quiet", "--no-fail-fast"]).args(args);
    command
}

/// All features that are neither a back end nor for plug-ins.
pub(crate) const FEATURES: &str = "sds/serde,dict/serde,sds/c-shim";

fn workspace() -> Step {
    let command = test(&["--workspace", "--features", FEATURES]);
    Step { name: "workspace", command, needs_gperftools: false }
}

fn back_ends() -> Vec<Step> {
    let on = |name: &'static str, crates: &[&str]| {
        let mut command = test(&["--lib", "--tests", "--features"]);
        command.arg(format!("zmalloc/{name},zmalloc/fault-injection")).args(shell::packages(crates));
        Step { name, command, needs_gperftools: name.starts_with("tcmalloc") }
    };
    // jemalloc as an embedder may build it: with its usual quantum of 16 bytes, and for a plug-in. The second feature also
    // keeps this build of jemalloc apart from the one with our quantum.
    let mut embedded = test(&["--lib", "--tests", "--package", "zmalloc", "--features"]);
    embedded.arg("fault-injection,disable_initial_exec_tls").env("JEMALLOC_SYS_WITH_LG_QUANTUM", "4");
    vec![
        on("libc", &shell::UNSAFE_CRATES),
        on("mimalloc", &["zmalloc", "sds", "intset", "listpack"]),
        // All crates run over the prefix in 32 bits (`platforms`) and under Miri.
        on("prefix", &["zmalloc", "sds"]),
        on("tcmalloc", &["zmalloc"]),
        on("tcmalloc_minimal", &["zmalloc"]),
        Step { name: "jemalloc, quantum 16", command: embedded, needs_gperftools: false },
    ]
}

pub(crate) fn run(args: &Args) -> Result<u8> {
    let mut steps = vec![workspace()];
    if args.all || args.only.is_some() {
        steps.extend(back_ends());
    }
    steps.retain(|step| args.only.as_ref().is_none_or(|part| step.name.contains(part.as_str())));
    ensure!(!steps.is_empty(), "no step has such a name");
    Ok(run_steps(steps))
}

/// The step of the workspace, for `cargo xtask ci`.
pub(crate) fn run_workspace() -> Result<u8> {
    shell::exit_code(&mut workspace().command)
}

/// The steps of the back ends, for `cargo xtask ci`.
pub(crate) fn run_back_ends() -> Result<u8> {
    Ok(run_steps(back_ends()))
}

fn run_steps(steps: Vec<Step>) -> u8 {
    let has_gperftools = has_gperftools();
    let mut table = Steps::new("test");
    for mut step in steps {
        table.run(step.name, || {
            if step.needs_gperftools && !has_gperftools {
                return Ok(shell::unavailable(
                    &format!("tests over {}", step.name),
                    "To have them, install gperftools. Debian: apt-get install libgoogle-perftools-dev",
                ));
            }
            shell::exit_code(&mut step.command)
        });
    }
    table.finish()
}

/// Whether the C compiler finds gperftools: the minimal library, which comes with the whole one.
pub(crate) fn has_gperftools() -> bool {
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    let sees_header = ["-E", "-x", "c", "-include", "gperftools/tcmalloc.h", "/dev/null"];
    let library = shell::output(shell::program(&compiler).arg("-print-file-name=libtcmalloc_minimal.so"));
    shell::works(shell::program(&compiler).args(sees_header))
        && library.is_ok_and(|path| std::path::Path::new(&path).is_absolute())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_can_be_chosen_by_a_part_of_its_name_and_a_wrong_name_is_an_error() {
        let names: Vec<_> = back_ends().iter().map(|step| step.name).collect();
        assert!(names.contains(&"libc") && names.contains(&"tcmalloc_minimal"));
        let args = Args { all: false, only: Some("no such step".into()) };
        assert!(run(&args).is_err());
    }
}
