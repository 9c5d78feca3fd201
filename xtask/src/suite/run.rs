//! Runs one unit of the suite, with time limits.

use super::parse::Results;
use anyhow::{Context, Result};
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

/// The time limit of a unit.
const UNIT_LIMIT: Duration = Duration::from_secs(300);
/// The time limit for a unit that prints nothing.
const SILENCE_LIMIT: Duration = Duration::from_secs(60);

/// The tags of tests that redcore's server cannot pass, and of slow ones. The suite itself leaves out
/// `large-memory`.
const DENIED: &str = "-slow -needs:repl -repl -cluster -scripting -stream -needs:pfdebug -defrag";

/// The tests of `MIGRATE` and of replica buffers, as a pattern of the suite. Most of these tests start a second server,
/// whose tag is denied. A test would skip the block of that server, and pass without having tested anything.
const UNTAGGED: &str = "/^(MIGRATE |slave buffer |replica buffer )";

/// Runs a unit in the folder that [`super::folder::make`] returned.
pub(super) fn unit<'a>(
    tclsh: &Path,
    folder: &Path,
    name: &str,
    skipped: impl Iterator<Item = &'a str>,
    verbose: bool,
) -> Result<Results> {
    let mut command = Command::new(tclsh);
    command.current_dir(folder).args(["tests/test_helper.tcl", "--single", &format!("unit/{name}")]);
    command.args(["--clients", "1", "--durable", "--tags", DENIED, "--skiptest", UNTAGGED]);
    // Another run at the same time most likely has other ports. The suite tries the next one if one is busy.
    let base = 21_200 + std::process::id() % 25 * 400;
    command.args(["--baseport", &base.to_string(), "--portcount", "300"]);
    for test in skipped {
        command.args(["--skiptest", test]);
    }
    let (reader, writer) = std::io::pipe()?;
    // The servers share the group of the driver, so that all can be ended together.
    command.process_group(0).stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    let mut child = command.spawn().with_context(|| tclsh.display().to_string())?;
    // `command` has writing ends of the pipe. Reading ends when all of them are closed.
    drop(command);
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
            if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                return;
            }
        }
    });
    let mut results = Results::default();
    let start = Instant::now();
    let why = loop {
        let left = UNIT_LIMIT.saturating_sub(start.elapsed());
        match lines.recv_timeout(left.min(SILENCE_LIMIT)) {
            Ok(line) => {
                if verbose {
                    eprintln!("{line}");
                }
                results.line(&line);
            }
            Err(RecvTimeoutError::Disconnected) => break None,
            Err(RecvTimeoutError::Timeout) if left < SILENCE_LIMIT => {
                break Some(format!("it took more than {} s", UNIT_LIMIT.as_secs()));
            }
            Err(RecvTimeoutError::Timeout) => {
                break Some(format!("it printed nothing for {} s", SILENCE_LIMIT.as_secs()));
            }
        }
    };
    if let Some(why) = why {
        results.aborted = Some(why);
        // The shell's `kill` knows process groups; std does not. The driver leads its group.
        let group = format!("kill -KILL -{}", child.id());
        let _status = Command::new("sh").args(["-c", &group]).status()?;
    }
    child.wait()?;
    results.finish();
    Ok(results)
}
