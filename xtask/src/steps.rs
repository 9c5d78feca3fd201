//! Steps of a command: each is run, also after one has failed, and the end is a table of what each took.

use crate::shell::{FAILED, PASSED, UNAVAILABLE};
use anyhow::Result;
use std::time::{Duration, Instant};

/// What was run so far.
pub(crate) struct Steps {
    of: &'static str,
    done: Vec<Step>,
}

struct Step {
    name: &'static str,
    /// The exit code.
    code: u8,
    time: Duration,
}

impl Step {
    fn word(&self) -> &'static str {
        match self.code {
            PASSED => "passed",
            UNAVAILABLE => "NOT RUN",
            _ => "FAILED",
        }
    }
}

impl Steps {
    /// Steps of the command `of`.
    pub(crate) fn new(of: &'static str) -> Self {
        Self { of, done: Vec::new() }
    }

    /// Runs a step under a heading and notes its exit code; an error is printed and counts as [`FAILED`].
    pub(crate) fn run(&mut self, name: &'static str, step: impl FnOnce() -> Result<u8>) {
        eprintln!("\n=== {}: {name}", self.of);
        let start = Instant::now();
        let code = step().unwrap_or_else(|error| {
            eprintln!("xtask: {error:#}");
            FAILED
        });
        let step = Step { name, code, time: start.elapsed() };
        eprintln!("--- {name}: {} in {} s", step.word(), step.time.as_secs());
        self.done.push(step);
    }

    /// Prints the table. The exit code is [`FAILED`] if a step failed, [`UNAVAILABLE`] if none could be run, and
    /// [`PASSED`] otherwise: a step that this machine cannot run is no failure, and the table names it.
    pub(crate) fn finish(self) -> u8 {
        print!("{}", self.table());
        let has = |word| self.done.iter().any(|step| step.word() == word);
        match (has("FAILED"), has("passed")) {
            (true, _) => FAILED,
            (false, true) => PASSED,
            (false, false) => UNAVAILABLE,
        }
    }

    fn table(&self) -> String {
        let total: Duration = self.done.iter().map(|step| step.time).sum();
        let rows = self.done.iter().map(|step| (step.name, step.word(), step.time));
        let rows = rows.chain([("all", "", total)]);
        let rows = rows.map(|(name, word, time)| format!("{name:24} {word:8} {:6} s\n", time.as_secs()));
        format!("\n{}\n", self.of) + &rows.collect::<String>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    fn code(codes: &[u8]) -> u8 {
        let mut steps = Steps::new("test");
        codes.iter().for_each(|&code| steps.run("a step", || Ok(code)));
        steps.finish()
    }

    #[test]
    fn one_failure_fails_all_and_a_missing_tool_does_not() {
        assert_eq!(code(&[PASSED, UNAVAILABLE, PASSED]), PASSED);
        assert_eq!(code(&[PASSED, FAILED, UNAVAILABLE]), FAILED);
        assert_eq!(code(&[PASSED, 101]), FAILED);
        assert_eq!(code(&[UNAVAILABLE]), UNAVAILABLE);
    }

    #[test]
    fn an_error_is_a_failure_and_the_next_step_is_run() {
        let mut steps = Steps::new("test");
        steps.run("first", || Err(anyhow!("no such program")));
        steps.run("second", || Ok(PASSED));
        let table = steps.table();
        assert!(table.contains("first                    FAILED "), "{table}");
        assert!(table.contains("second                   passed "), "{table}");
        assert_eq!(steps.finish(), FAILED);
    }
}
