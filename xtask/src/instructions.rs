//! `cargo xtask instructions`: counts the instructions of operations on our table and on hashbrown's.
//!
//! valgrind's callgrind counts the instructions. The number is the same in each run of the same program,
//! whatever else the machine does. In `benches/examples/instructions.rs`, each operation is a separate
//! function. Only the instructions of this function and of the functions that it calls count. The comparison
//! of the key is among them.

use crate::outcome::{Outcome, unavailable};
use crate::shell;
use anyhow::{Context, Result, ensure};
use std::path::Path;

/// The number of operations in a run: `ENTRIES` of the example.
const OPERATIONS: u64 = 10_000;

pub(crate) fn run() -> Result<Outcome> {
    if !shell::works(shell::program("valgrind").arg("--version")) {
        return Ok(unavailable("instructions", "To have them, install valgrind"));
    }
    let build = ["build", "--quiet", "--release", "--package", "benches", "--example", "instructions"];
    shell::run_checked(shell::cargo().args(build))?;
    let program = shell::target_dir().join("release/examples/instructions");
    println!("instructions an operation");
    for line in shell::output(shell::program(&program).arg("list"))?.lines() {
        let mut words = line.split(' ');
        let (case, function) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        print!("{case:8}");
        for subject in words {
            let taken = count(&program, case, function, subject)?;
            print!("  {subject} {:.1}", taken as f64 / OPERATIONS as f64);
        }
        println!();
    }
    Ok(Outcome::Passed)
}

/// Returns the number of instructions in all calls of `function` in a run, including those of the functions
/// that it calls.
fn count(program: &Path, case: &str, function: &str, subject: &str) -> Result<u64> {
    let mut command = shell::program("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    command.arg(format!("--toggle-collect=instructions::run::{function}"));
    command.arg(program).args([case, subject]);
    let output = command.output().with_context(|| shell::show(&command))?;
    ensure!(output.status.success(), "{}: {}", shell::show(&command), output.status);
    let counted = collected(&String::from_utf8_lossy(&output.stderr)).filter(|&counted| counted > 0);
    counted.with_context(|| format!("{}: no instructions were counted", shell::show(&command)))
}

/// Returns the number in callgrind's line `==123== Collected : 456`.
fn collected(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_read_from_what_callgrind_prints() {
        let text = "==1== Events    : Ir\n==1== Collected : 69012345\n==1== \n";
        assert_eq!(collected(text), Some(69_012_345));
        assert_eq!(collected("==1== Events    : Ir\n"), None);
    }
}
