//! `cargo xtask fuzz`: runs the targets of `crates/fuzz` under libFuzzer.
//!
//! libFuzzer needs coverage instrumentation. It is a pass of LLVM, so a stable compiler can add it.
//! AddressSanitizer needs a nightly compiler, and is used if there is one. A target triple is given, so the
//! flags do not apply to build scripts.

use crate::outcome::{Outcome, unavailable};
use crate::shell;
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The target to run. The default is all targets, as many at a time as there are processors
    target: Option<String>,
    /// The time to run each target, in seconds
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Run only the input in this file, instead of searching for new ones
    #[arg(long, value_name = "FILE", requires = "target")]
    input: Option<PathBuf>,
}

/// The flags that instrument the code for libFuzzer. The other settings are in the profile `fuzz`.
const FLAGS: [&str; 6] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "--cfg=fuzzing",
];

/// The maximum length of an input, in bytes. It is enough for some hundreds of operations.
const INPUT_LEN_MAX: u32 = 4096;

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let targets = targets(&std::fs::read_to_string(shell::root().join("crates/fuzz/Cargo.toml"))?)?;
    if let Some(name) = &args.target
        && !targets.contains(name)
    {
        eprintln!("xtask: there is no fuzz target `{name}`; there are: {}", targets.join(", "));
        return Ok(Outcome::WrongArguments);
    }
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".into());
    if !shell::works(shell::program(&compiler).arg("--version")) {
        return Ok(unavailable(
            "fuzzing (libFuzzer is written in C++)",
            &format!("`{compiler}` does not run. To have it: install g++ or clang, or set CXX"),
        ));
    }
    let bin_dir = build()?;
    let wanted = targets.iter().filter(|name| args.target.as_ref().is_none_or(|only| only == *name));
    let mut runs: Vec<_> = wanted.map(|name| command(&bin_dir, name, args)).collect::<Result<_>>()?;
    let again = "again with: cargo xtask fuzz TARGET --input FILE (the file named above)";
    match &mut runs[..] {
        [only] => shell::run_checked(only).context(again)?, // its output is shown while it runs
        _ => drop(shell::run_side_by_side(runs).context(again)?),
    }
    if shell::has_nightly() {
        return Ok(Outcome::Passed);
    }
    let _ =
        unavailable("AddressSanitizer in the fuzz targets", "To have it: rustup toolchain install nightly");
    Ok(Outcome::Partly(vec!["AddressSanitizer".into()]))
}

/// Runs all targets, for `cargo xtask ci`.
pub(crate) fn run_all(seconds: u64) -> Result<Outcome> {
    run(&Args { target: None, seconds, input: None })
}

/// Returns the names of the targets. Each target `NAME` is the binary `fuzz_NAME` of `crates/fuzz`.
fn targets(manifest: &str) -> Result<Vec<String>> {
    let manifest: toml::Table = manifest.parse().context("crates/fuzz/Cargo.toml")?;
    let bins = manifest.get("bin").and_then(|bins| bins.as_array()).into_iter().flatten();
    let names = bins.filter_map(|bin| bin.get("name")?.as_str()?.strip_prefix("fuzz_"));
    let names: Vec<_> = names.map(str::to_owned).collect();
    ensure!(!names.is_empty(), "crates/fuzz/Cargo.toml names no binary `fuzz_...`");
    Ok(names)
}

/// Builds all targets and returns the folder of their programs.
fn build() -> Result<PathBuf> {
    let host = shell::host()?;
    let mut flags = FLAGS.to_vec();
    let (mut command, features) = if shell::has_nightly() {
        flags.push("-Zsanitizer=address");
        // AddressSanitizer replaces the allocator, so jemalloc need not be built.
        (shell::nightly_cargo(), "libfuzzer")
    } else {
        (shell::cargo(), "libfuzzer,jemalloc")
    };
    let target_dir = shell::target_dir().join("fuzz");
    command.args(["build", "--profile", "fuzz", "--package", "fuzz", "--bins"]);
    command.args(["--no-default-features", "--features", features]);
    command.args(["--target", &host, "--target-dir"]).arg(&target_dir);
    shell::set_rustflags(&mut command, &flags);
    shell::run_checked(&mut command)?;
    Ok(target_dir.join(host).join("fuzz"))
}

/// Returns the command that runs one target. The inputs that it finds are stored in folders below
/// `target/fuzz`.
fn command(bin_dir: &Path, name: &str, args: &Args) -> Result<Command> {
    let base = shell::target_dir().join("fuzz");
    let (corpus, artifacts) = (base.join("corpus").join(name), base.join("artifacts").join(name));
    for folder in [&corpus, &artifacts] {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    let mut command = shell::program(bin_dir.join(format!("fuzz_{name}")));
    // By default, libFuzzer begins with short inputs and makes them longer in the course of a run. Some bugs
    // need forty operations, and a short run may never reach inputs that long. `-len_control=0` allows long
    // inputs from the beginning.
    match &args.input {
        Some(file) => command.arg(std::path::absolute(file)?),
        None => command
            .arg(&corpus)
            .arg(format!("-max_total_time={}", args.seconds))
            .arg(format!("-max_len={INPUT_LEN_MAX}"))
            .arg(format!("-artifact_prefix={}/", artifacts.display()))
            .args([
                "-timeout=20",
                "-rss_limit_mb=2048",
                "-print_final_stats=1",
                "-verbosity=0",
                "-print_funcs=0",
                "-len_control=0",
            ]),
    };
    // An input may request sizes that no allocator has.
    shell::let_allocations_fail(&mut command);
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_the_binaries_of_the_fuzz_crate() {
        let manifest = "[[bin]]\nname = \"fuzz_a\"\n[[bin]]\nname = \"other\"\n[[bin]]\nname = \"fuzz_b\"\n";
        assert_eq!(targets(manifest).unwrap(), ["a", "b"]);
        assert!(targets("[package]\nname = \"fuzz\"\n").is_err());
        assert!(targets("[[bin").is_err());
    }
}
