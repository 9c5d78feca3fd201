//! `cargo xtask instructions`: how many instructions an operation of a table takes, beside hashbrown's.
//!
//! valgrind's callgrind counts them: the same number in each run of the same program, whatever else the machine does. It
//! counts a run of `benches/examples/instructions.rs` with operations and one without; the difference belongs to the
//! operations and the loop around them. Numbers change by one or two with what the compiler makes of the code around.

use crate::outcome::{Outcome, unavailable};
use crate::shell;
use anyhow::{Context, Result};
use std::path::Path;

/// Operations of a run: each key of the table once.
const OPERATIONS: u64 = 10_000;

pub(crate) fn run() -> Result<Outcome> {
    if !shell::works(shell::program("valgrind").arg("--version")) {
        return Ok(unavailable("instructions", "To have them, install valgrind"));
    }
    let build = ["build", "--quiet", "--release", "--package", "benches", "--example", "instructions"];
    shell::must(shell::cargo().args(build))?;
    let program = shell::target_dir().join("release/examples/instructions");
    println!("instructions an operation, with the loop around it");
    for case in shell::output(shell::program(&program).arg("list"))?.lines() {
        let mut words = case.split(' ');
        let operation = words.next().unwrap_or_default();
        print!("{operation:8}");
        for subject in words {
            let counted = |operations| count(&program, operation, subject, operations);
            let taken = counted(OPERATIONS)?.saturating_sub(counted(0)?);
            print!("  {subject} {:.1}", taken as f64 / OPERATIONS as f64);
        }
        println!();
    }
    Ok(Outcome::Passed)
}

/// The instructions of a whole run.
fn count(program: &Path, operation: &str, subject: &str, operations: u64) -> Result<u64> {
    let mut command = shell::program("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    command.arg(program).args([operation, subject, &operations.to_string()]);
    let output = command.output().with_context(|| shell::show(&command))?;
    collected(&String::from_utf8_lossy(&output.stderr))
        .with_context(|| format!("{}: no count in what it prints", shell::show(&command)))
}

/// The number in callgrind's line `==123== Collected : 456`.
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
