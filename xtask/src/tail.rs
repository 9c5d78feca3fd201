//! The last lines that failed commands have printed. A log of thousands of lines is read from its end, and a failure in its
//! middle has to be found there.

use crate::shell::show;
use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Mutex;

/// How many lines of a command are kept.
const LINES: usize = 60;
/// How many texts are shown.
const TEXTS: usize = 8;

/// Texts of what did not succeed.
struct Texts {
    /// Those of the step that is running. Its outcome says whether they matter.
    pending: Vec<String>,
    /// Those of the steps that failed.
    failed: Vec<String>,
}

static TEXTS_KEPT: Mutex<Texts> = Mutex::new(Texts { pending: Vec::new(), failed: Vec::new() });

/// Runs a command and hands its output on as it comes, all of it to standard error. If the command does not succeed, its last lines are
/// kept.
///
/// Returns when nobody can write to the command's output any more: programs that it has started must end before it does, or have
/// another output.
pub(crate) fn status(command: &mut Command) -> io::Result<ExitStatus> {
    let (reader, writer) = io::pipe()?;
    let mut child = command.stdout(writer.try_clone()?).stderr(writer).spawn()?;
    // The pipe ends when nobody can write to it, and until here the command can.
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
    let status = child.wait()?;
    if !status.success() {
        keep(&show(command), last.make_contiguous());
    }
    Ok(status)
}

/// Keeps the last lines of what a command, or a part of this program, has printed.
pub(crate) fn keep_output(name: &str, output: &str) {
    let lines: Vec<_> = output.lines().map(str::to_owned).collect();
    keep(name, &lines[lines.len().saturating_sub(LINES)..]);
}

fn keep(name: &str, lines: &[String]) {
    let text = format!("\nfailed: {name}\n{}\n", lines.join("\n"));
    kept(|texts| texts.pending.push(text));
}

/// Says how a step ended: if it has failed, what it kept is for the report.
pub(crate) fn end_step(failed: bool) {
    kept(|texts| {
        let pending = std::mem::take(&mut texts.pending);
        if failed {
            texts.failed.extend(pending);
        }
    });
}

/// What the steps that failed have kept.
pub(crate) fn report() -> String {
    kept(|texts| {
        let more = texts.failed.len().saturating_sub(TEXTS);
        let shown = texts.failed[..texts.failed.len() - more].concat();
        if more > 0 { format!("{shown}\nfailed: {more} more\n") } else { shown }
    })
}

fn kept<T>(ask: impl FnOnce(&mut Texts) -> T) -> T {
    ask(&mut TEXTS_KEPT.lock().expect("no panic under the lock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One test, because what is kept is the process's.
    #[test]
    fn the_last_lines_of_what_failed_are_reported() {
        let mut rustc = Command::new("rustc");
        assert!(status(rustc.arg("-vV")).unwrap().success());
        end_step(true);
        assert!(!report().contains("rustc -vV"), "a command that succeeded is not kept");
        assert!(!status(rustc.arg("--no-such-flag")).unwrap().success());
        end_step(false);
        assert!(!report().contains("rustc -vV"), "the step has not failed");
        assert!(!status(&mut rustc).unwrap().success());
        end_step(true);
        assert!(report().contains("failed: rustc -vV --no-such-flag\nerror: "), "{}", report());

        let output: String = (0..100).map(|line| format!("line {line}\n")).collect();
        keep_output("many lines", &output);
        end_step(true);
        let text = report();
        assert!(text.contains("failed: many lines\nline 40\n") && text.contains("line 99\n"), "{text}");
        assert!(!text.contains("line 39\n"), "{text}");
        (0..TEXTS).for_each(|_| keep_output("one more", "of many"));
        end_step(true);
        assert!(report().contains(" more\n"), "{}", report());
    }
}
