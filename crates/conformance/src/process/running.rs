//! The programs that run: each with its folder, in a list that a signal can end as a whole.
//!
//! Invariant: folders are made and removed, and programs are started and ended, while the list is locked. So
//! a signal finds all of them, and none is started after it.

use super::StartError;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command};
#[cfg(unix)]
use std::sync::atomic::{AtomicBool, Ordering};
#[cfg(unix)]
use std::sync::{Arc, OnceLock};
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
    /// How many programs were started. Each has the number of those before it, which no other has.
    started: u64,
    /// Whether a signal ends them.
    has_handler: bool,
}

static RUNNING: Mutex<Running> =
    Mutex::new(Running { programs: BTreeMap::new(), started: 0, has_handler: false });

fn running() -> MutexGuard<'static, Running> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a signal has come that ends this process. The handler sets it, so it is set before a call that the
/// signal interrupts returns.
#[cfg(unix)]
static HAS_SIGNAL: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Waits for the end of this process if a signal has come. The thread for signals ends it.
fn wait_for_signal() {
    #[cfg(unix)]
    while HAS_SIGNAL.get().is_some_and(|has_signal| has_signal.load(Ordering::SeqCst)) {
        std::thread::sleep(std::time::Duration::from_secs(1));
    }
}

/// A program of the list. It is ended, and its folder is removed, when this is dropped.
#[derive(Debug)]
pub(super) struct Handle(u64);

impl Handle {
    /// Makes a folder in `parent` and starts the command that `prepare` makes for it. From the first call on,
    /// SIGINT, SIGTERM and SIGQUIT end all programs before they end this process.
    pub(super) fn start<T>(
        parent: &Path,
        prepare: impl FnOnce(&Path) -> Result<(Command, T), StartError>,
    ) -> Result<(Self, T), StartError> {
        let mut running = running();
        if !running.has_handler {
            handle_signals().map_err(StartError::Signals)?;
            running.has_handler = true;
        }
        let mut builder = tempfile::Builder::new();
        let folder = builder.prefix("redcore-server-").tempdir_in(parent).map_err(StartError::Folder)?;
        let (mut command, prepared) = prepare(folder.path())?;
        let child = command.spawn().map_err(StartError::Program)?;
        let id = running.started;
        running.started += 1;
        running.programs.insert(id, Program { child, _folder: folder });
        Ok((Self(id), prepared))
    }

    /// What `f` makes of the program. `f` does not wait, because the list is locked.
    pub(super) fn with<T>(&self, f: impl FnOnce(&mut Child) -> T) -> T {
        let mut running = running();
        let program = running.programs.get_mut(&self.0);
        f(&mut program.expect("a program is in the list as long as its handle lives").child)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // A call that a signal has interrupted fails, and its thread gives up.
        wait_for_signal();
        // The list stays locked until the program has ended.
        let mut running = running();
        drop(running.programs.remove(&self.0));
    }
}

/// Has a signal end the programs, and then this process. A signal that is ignored stays so. A second signal
/// ends this process at once: the list may be locked by a program that cannot be started or ended.
#[cfg(unix)]
fn handle_signals() -> std::io::Result<()> {
    use signal_hook::consts::TERM_SIGNALS;
    use signal_hook::flag::register_conditional_default;
    use signal_hook::iterator::Signals;
    use signal_hook::low_level::emulate_default_handler;
    use std::time::Duration;

    /// Signals that come so soon after the first one are the same: `timeout` sends one to the process and one
    /// to its group.
    const SAME_SIGNAL: Duration = Duration::from_millis(100);

    let has_signal = HAS_SIGNAL.get_or_init(Arc::default);
    let mut signals = Signals::new([] as [i32; 0])?;
    let handle = signals.handle();
    let ends_at_once = Arc::new(AtomicBool::new(false));
    let first_has_come = Arc::clone(&ends_at_once);
    let wait = move || {
        for signal in signals.forever() {
            std::thread::sleep(SAME_SIGNAL);
            first_has_come.store(true, Ordering::SeqCst);
            let mut running = running();
            running.programs.clear();
            // It does not return, and the list stays locked to the end.
            let _ = emulate_default_handler(signal);
        }
    };
    // The thread comes first. Without it, signals that have a handler would do nothing.
    std::thread::Builder::new().name("signals".into()).spawn(wait)?;
    for signal in TERM_SIGNALS.iter().copied().filter(|signal| !is_ignored(*signal)) {
        handle.add_signal(signal)?;
        signal_hook::flag::register(signal, Arc::clone(has_signal))?;
        register_conditional_default(signal, Arc::clone(&ends_at_once))?;
    }
    Ok(())
}

/// Whether this process ignores a signal. `false` where the system does not say so in `/proc`.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // Signals are counted from 1.
    mask.is_some_and(|mask| (mask >> (signal - 1)) & 1 == 1)
}

#[cfg(not(unix))]
fn handle_signals() -> std::io::Result<()> {
    Ok(())
}
