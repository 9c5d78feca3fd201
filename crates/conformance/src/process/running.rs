//! The programs that run: each with its folder, in a list that a signal can end as a whole.
//!
//! Invariant: a program is started and ended while the list is locked. So a signal finds all of them, and
//! none is started after it.

use super::StartError;
use std::collections::BTreeMap;
use std::process::{Child, Command};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tempfile::TempDir;

/// A program and its folder, which goes after the program that writes to it.
#[derive(Debug)]
struct Program {
    child: Child,
    _folder: TempDir,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Running {
    programs: BTreeMap<u64, Program>,
    /// Whether a signal ends them.
    has_handler: bool,
}

static RUNNING: Mutex<Running> = Mutex::new(Running { programs: BTreeMap::new(), has_handler: false });

fn running() -> MutexGuard<'static, Running> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A program of the list. It is ended, and its folder is removed, when this is dropped.
#[derive(Debug)]
pub(super) struct Handle(u64);

impl Handle {
    /// Starts a program that may write to `folder`. From the first one on, SIGINT, SIGTERM and SIGQUIT end
    /// all of them before they end this process.
    pub(super) fn start(command: &mut Command, folder: TempDir) -> Result<Self, StartError> {
        let mut running = running();
        if !running.has_handler {
            handle_signals().map_err(StartError::Signals)?;
            running.has_handler = true;
        }
        let child = command.spawn().map_err(StartError::Program)?;
        let id = running.programs.last_key_value().map_or(0, |(id, _)| id + 1);
        running.programs.insert(id, Program { child, _folder: folder });
        Ok(Self(id))
    }

    /// What `f` makes of the program.
    pub(super) fn with<T>(&self, f: impl FnOnce(&mut Child) -> T) -> T {
        let mut running = running();
        let program = running.programs.get_mut(&self.0);
        f(&mut program.expect("a program is in the list as long as its handle lives").child)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // The list stays locked until the program has ended.
        let mut running = running();
        drop(running.programs.remove(&self.0));
    }
}

/// Starts the thread that waits for a signal.
#[cfg(unix)]
fn handle_signals() -> std::io::Result<()> {
    use signal_hook::consts::TERM_SIGNALS;
    use signal_hook::iterator::Signals;
    use signal_hook::low_level::emulate_default_handler;

    let mut signals = Signals::new(TERM_SIGNALS)?;
    let wait = move || {
        for signal in signals.forever() {
            let mut running = running();
            running.programs.clear();
            // It does not return, and the list stays locked to the end.
            let _ = emulate_default_handler(signal);
        }
    };
    std::thread::Builder::new().name("signals".into()).spawn(wait).map(drop)
}

#[cfg(not(unix))]
fn handle_signals() -> std::io::Result<()> {
    Ok(())
}
