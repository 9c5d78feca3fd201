//! `cargo xtask bench`: builds and runs the benchmarks.
//!
//! The benchmarks are built with optimisation, except for `--smoke`, which tests the program and measures
//! nothing.
//!
//! `cargo xtask publish` is another program of the same package.

use crate::outcome::Outcome;
use crate::shell;
use anyhow::Result;
use std::ffi::OsString;
use std::mem;
use std::path::{self, Path, PathBuf};
use std::process::Command;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Arguments of the benchmark program
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) rest: Vec<String>,
}

/// Runs every row of the benchmarks once.
pub(crate) fn smoke() -> Result<Outcome> {
    build_server(&["--smoke".into()])?;
    shell::run(&mut command(&["--smoke".into()]))
}

/// Runs the benchmarks and returns their exit code.
pub(crate) fn run(args: &Args) -> Result<u8> {
    if runs_server(&args.rest) {
        build_server(&args.rest)?;
    }
    shell::exit_code(&mut command(&args.rest))
}

/// Writes README.md's table and the pictures, and returns the exit code of the program that does it. The
/// program is built like the benchmarks, because these have usually just been built.
pub(crate) fn publish(args: &Args) -> Result<u8> {
    shell::exit_code(&mut program("redcore-publish", &args.rest))
}

/// Returns whether the suite `server` runs: it is named, or no suite is named.
fn runs_server(rest: &[String]) -> bool {
    let suites = rest.iter().enumerate().filter_map(|(i, argument)| match argument.as_str() {
        "--suite" => rest.get(i + 1).map(String::as_str),
        _ => argument.strip_prefix("--suite="),
    });
    let names: Vec<&str> = suites.flat_map(|names| names.split(',')).collect();
    names.is_empty() || names.contains(&"server")
}

/// Builds the program `redcore-server`, which the suite `server` starts.
fn build_server(rest: &[String]) -> Result<()> {
    let mut command = shell::cargo();
    command.args(["build", "--quiet", "--package", "server", "--bin", "redcore-server"]);
    if is_optimised(rest) {
        command.arg("--release");
    }
    anyhow::ensure!(shell::exit_code(&mut command)? == 0, "redcore-server could not be built");
    Ok(())
}

/// Returns whether the programs are built with optimisation.
fn is_optimised(rest: &[String]) -> bool {
    !rest.iter().any(|argument| argument == "--smoke")
}

/// Returns the command that runs a program of the package `benches`.
fn program(name: &str, rest: &[String]) -> Command {
    let mut command = shell::cargo();
    command.args(["run", "--quiet", "--package", "benches", "--bin", name]);
    if is_optimised(rest) {
        command.arg("--release");
    }
    command.arg("--");
    command.args(with_absolute_paths(rest));
    command
}

/// The options whose value is the path of a file. A server may be named without a path.
const FILES: [&str; 4] = ["--import", "--trace", "--targets", "--server"];

/// Returns the arguments with absolute paths. The program runs in the folder of the repository, but a
/// relative path starts at the caller's folder.
fn with_absolute_paths(arguments: &[String]) -> Vec<OsString> {
    let absolute = |option: &str, value: &str| {
        let is_name = option == "--server" && Path::new(value).components().count() == 1;
        let path = if is_name { None } else { path::absolute(value).ok() };
        path.map_or_else(|| value.into(), PathBuf::into_os_string)
    };
    let mut before = "";
    let argument = |argument: &'_ String| -> OsString {
        let option = mem::take(&mut before);
        if FILES.contains(&option) {
            return absolute(option, argument);
        }
        match argument.split_once('=') {
            Some((option, value)) if FILES.contains(&option) => {
                let mut joined = OsString::from(format!("{option}="));
                joined.push(absolute(option, value));
                joined
            }
            _ => {
                before = FILES.into_iter().find(|option| option == argument).unwrap_or_default();
                argument.into()
            }
        }
    };
    arguments.iter().map(argument).collect()
}

fn command(rest: &[String]) -> Command {
    let mut command = program("redcore-bench", rest);
    // The report names the measured commit. In a clone without git, it names none.
    if std::env::var_os("REDCORE_COMMIT").is_none() {
        let mut describe = shell::program("git");
        describe.args(["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]);
        if let Ok(commit) = shell::output(&mut describe) {
            command.env("REDCORE_COMMIT", commit);
        }
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_is_built_when_its_suite_runs() {
        let runs = |line: &str| runs_server(&line.split_whitespace().map(String::from).collect::<Vec<_>>());
        assert!(runs("") && runs("--quick") && runs("--suite sds,server") && runs("--suite=server"));
        assert!(!runs("--suite sds") && !runs("--suite=sds,alloc --server redis-server"));
    }

    #[test]
    fn relative_paths_of_files_are_made_absolute() {
        let here = std::env::current_dir().unwrap();
        let line =
            ["--quick", "--import", "own.rdb", "--trace=a/b.txt", "--server", "redis-server", "--server"];
        let line =
            line.into_iter().chain(["src/redis-server", "--import", "/dev/stdin", "--suite", "own.rdb"]);
        let arguments = with_absolute_paths(&line.map(String::from).collect::<Vec<_>>());
        let trace = format!("--trace={}", here.join("a/b.txt").display());
        let [import, server] =
            ["own.rdb", "src/redis-server"].map(|name| here.join(name).display().to_string());
        let expected =
            ["--quick", "--import", &import, &trace, "--server", "redis-server", "--server", &server];
        assert_eq!(arguments[..8], expected);
        assert_eq!(arguments[8..], ["--import", "/dev/stdin", "--suite", "own.rdb"]);
    }
}
