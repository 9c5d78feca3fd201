//! Keeps the last lines that failed commands printed, and prints them again at the end. Readers start at the
//! end of a log of thousands of lines, so a failure in its middle must show up there.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Mutex;

/// The number of lines that are kept of each command.
const LINES: usize = 60;
/// The maximum number of texts that are shown for each step.
const TEXTS: usize = 8;

/// The texts of commands that failed.
struct Texts {
    /// The texts of the running step. They are reported only if the step fails.
    pending: Vec<String>,
    /// The report on the steps that have failed.
    report: String,
}

static TEXTS_KEPT: Mutex<Texts> = Mutex::new(Texts::new());

fn kept<T>(ask: impl FnOnce(&mut Texts) -> T) -> T {
    ask(&mut TEXTS_KEPT.lock().expect("no panic under the lock"))
}

/// Runs a command and forwards its output to standard error, line by line. If the command fails, its last
/// lines are kept under `name`.
///
/// Waits for every program that shares the command's output. A program that outlives the command must have
/// another output.
pub(crate) fn status(name: &str, command: &mut Command) -> io::Result<ExitStatus> {
    let (status, last) = status_and_last_lines(command)?;
    if !status.success() {
        keep_output(name, &last);
    }
    Ok(status)
}

fn status_and_last_lines(command: &mut Command) -> io::Result<(ExitStatus, String)> {
    let (reader, writer) = io::pipe()?;
    let mut child = command.stdout(writer.try_clone()?).stderr(writer).spawn()?;
    // `command` still has writing ends of the pipe. Reading ends only when all of them are closed.
    command.stdout(Stdio::inherit()).stderr(Stdio::inherit());
    let mut last = VecDeque::with_capacity(LINES);
    for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).into_owned();
        eprintln!("{line}");
        if last.len() == LINES {
            last.pop_front();
        }
        last.push_back(line);
    }
    Ok((child.wait()?, last.make_contiguous().join("\n")))
}

/// Keeps the last lines of the output of a command, or of a part of this program.
pub(crate) fn keep_output(name: &str, output: &str) {
    kept(|texts| texts.keep(name, output));
}

/// Keeps the error of a step, unless the output of a command is kept already. That output says more.
pub(crate) fn keep_error(step: &str, error: &str) {
    kept(|texts| {
        if texts.pending.is_empty() {
            texts.keep(step, error);
        }
    });
}

/// Ends a step. Adds its texts to the report if it failed, and drops them otherwise.
pub(crate) fn end_step(failed: bool) {
    kept(|texts| texts.end_step(failed));
}

/// Returns the texts of the steps that failed.
pub(crate) fn report() -> String {
    kept(|texts| texts.report.clone())
}

impl Texts {
    const fn new() -> Self {
        Self { pending: Vec::new(), report: String::new() }
    }

    fn keep(&mut self, name: &str, output: &str) {
        let lines: Vec<_> = output.lines().collect();
        let last = lines[lines.len().saturating_sub(LINES)..].join("\n");
        self.pending.push(format!("\nfailed: {name}\n{last}\n"));
    }

    fn end_step(&mut self, failed: bool) {
        let pending = std::mem::take(&mut self.pending);
        if failed {
            self.report.extend(pending.iter().take(TEXTS).map(String::as_str));
            if let Some(more @ 1..) = pending.len().checked_sub(TEXTS) {
                self.report += &format!("\nfailed: {more} more in this step\n");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_of_a_command_are_handed_on() {
        let (status, last) = status_and_last_lines(Command::new("rustc").arg("-vV")).unwrap();
        assert!(status.success() && last.contains("host: "), "{last}");
        let (status, last) = status_and_last_lines(Command::new("rustc").arg("--no-such-flag")).unwrap();
        assert!(!status.success() && last.starts_with("error: "), "{last}");
    }

    #[test]
    fn what_failed_steps_have_kept_is_reported() {
        let mut texts = Texts::new();
        texts.keep("a command", "of a step that was not run");
        texts.end_step(false);
        assert_eq!(texts.report, "");
        let output: String = (0..100).map(|line| format!("line {line}\n")).collect();
        texts.keep("many lines", &output);
        texts.end_step(true);
        assert!(texts.report.starts_with("\nfailed: many lines\nline 40\n"), "{}", texts.report);
        assert!(texts.report.ends_with("line 99\n"), "{}", texts.report);
        (0..TEXTS + 2).for_each(|_| texts.keep("one of many", "text"));
        texts.end_step(true);
        assert_eq!(texts.report.matches("one of many").count(), TEXTS);
        assert!(texts.report.ends_with("\nfailed: 2 more in this step\n"), "{}", texts.report);
    }
}
