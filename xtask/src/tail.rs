//! The last lines that failed commands have printed. A log of thousands of lines is read from its end, and a failure in its
//! middle has to be found there.

use crate::shell::show;
use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Mutex;

/// How many lines of a command are kept.
const LINES: usize = 60;

/// One text for each failed command.
static FAILED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Runs a command and hands its output on as it comes, all of it to standard error. If the command fails, its last lines are
/// kept.
pub(crate) fn status(command: &mut Command) -> io::Result<ExitStatus> {
    let (reader, writer) = io::pipe()?;
    let mut child = command.stdout(writer.try_clone()?).stderr(writer).spawn()?;
    // The pipe ends when nobody can write to it, and until here the command can.
    command.stdout(Stdio::inherit()).stderr(Stdio::inherit());
    let mut last = VecDeque::with_capacity(LINES);
    for line in BufReader::new(reader).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
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

/// Keeps the last lines of a failed command's output.
pub(crate) fn keep_output(command: &str, output: &str) {
    let lines: Vec<_> = output.lines().map(str::to_owned).collect();
    keep(command, &lines[lines.len().saturating_sub(LINES)..]);
}

fn keep(command: &str, lines: &[String]) {
    let text = format!("\nfailed: {command}\n{}\n", lines.join("\n"));
    FAILED.lock().expect("no panic under the lock").push(text);
}

/// What has been kept so far.
pub(crate) fn of_failed() -> String {
    FAILED.lock().expect("no panic under the lock").concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_of_a_failed_command_are_kept() {
        let mut rustc = Command::new("rustc");
        assert!(status(rustc.arg("-vV")).unwrap().success());
        assert!(!of_failed().contains("rustc -vV"), "a command that passed is not kept");
        assert!(!status(rustc.arg("--no-such-flag")).unwrap().success());
        assert!(of_failed().contains("failed: rustc -vV --no-such-flag\nerror: "), "{}", of_failed());

        let output: String = (0..100).map(|line| format!("line {line}\n")).collect();
        keep_output("many lines", &output);
        let kept = of_failed();
        assert!(kept.contains("failed: many lines\nline 40\n") && kept.contains("line 99\n"), "{kept}");
        assert!(!kept.contains("line 39\n"), "{kept}");
    }
}
