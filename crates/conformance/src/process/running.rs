//! The list of running programs, each with its folder. A signal ends all programs of the list.
//!
//! Invariant: the list is locked while a folder is created or removed, and while a program is started or
//! ended. So the handler of a signal finds all programs, and no program is started after it.

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

/// A program and its folder. The folder is removed after the program has ended, because the program writes to
/// it.
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
    /// The number of programs that were started. It is also the unique id of the next program.
    started: u64,
    /// Whether the handler of signals is installed.
    has_handler: bool,
}

static RUNNING: Mutex<Running> =
    Mutex::new(Running { programs: BTreeMap::new(), started: 0, has_handler: false });

fn running() -> MutexGuard<'static, Running> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a signal has arrived that ends this process. The handler sets it. So it is set before an
/// interrupted call returns.
#[cfg(unix)]
static HAS_SIGNAL: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Waits for the end of this process if a signal has arrived. The thread for signals ends the process.
fn wait_for_signal() {
    #[cfg(unix)]
    while HAS_SIGNAL.get().is_some_and(|has_signal| has_signal.load(Ordering::SeqCst)) {
        std::thread::sleep(std::time::Duration::from_secs(1));
    }
}

/// A handle of a program in the list. When the handle is dropped, the program is killed and its folder is
/// removed.
#[derive(Debug)]
pub(super) struct Handle(u64);

impl Handle {
    /// Creates a folder in `parent`, and starts the command that `prepare` returns for it. From the first
    /// call on, SIGINT, SIGTERM and SIGQUIT end all programs before they end this process.
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

    /// Calls `f` with the program and returns its result. `f` must not block, because the list is locked.
    pub(super) fn with<T>(&self, f: impl FnOnce(&mut Child) -> T) -> T {
        let mut running = running();
        let program = running.programs.get_mut(&self.0);
        f(&mut program.expect("a program is in the list as long as its handle lives").child)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // A call that a signal interrupts fails, and its thread then drops the handle. The thread for signals
        // ends the programs and the process.
        wait_for_signal();
        // The list stays locked until the program has ended.
        let mut running = running();
        drop(running.programs.remove(&self.0));
    }
}

/// Installs the handler of signals. It ends all programs, and then this process. Signals that are ignored
/// stay ignored. A second signal ends this process at once, because the list may stay locked by a program
/// that does not start or end.
#[cfg(unix)]
fn handle_signals() -> std::io::Result<()> {
    use signal_hook::consts::TERM_SIGNALS;
    use signal_hook::flag::register_conditional_default;
    use signal_hook::iterator::Signals;
    use signal_hook::low_level::emulate_default_handler;
    use std::time::Duration;

    /// Signals that arrive within this time after the first one count as the same signal. `timeout` sends one
    /// to the process and one to its group.
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
            // This call does not return, so the list stays locked until the end.
            let _ = emulate_default_handler(signal);
        }
    };
    // The thread starts first. Without the thread, signals with a handler would have no effect.
    std::thread::Builder::new().name("signals".into()).spawn(wait)?;
    for signal in TERM_SIGNALS.iter().copied().filter(|signal| !is_ignored(*signal)) {
        handle.add_signal(signal)?;
        signal_hook::flag::register(signal, Arc::clone(has_signal))?;
        register_conditional_default(signal, Arc::clone(&ends_at_once))?;
    }
    Ok(())
}

/// Returns `true` if this process ignores the signal. Returns `false` if the system does not tell in `/proc`.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // The number of the first signal is 1.
    mask.is_some_and(|mask| (mask >> (signal - 1)) & 1 == 1)
}

#[cfg(not(unix))]
fn handle_signals() -> std::io::Result<()> {
    Ok(())
}
