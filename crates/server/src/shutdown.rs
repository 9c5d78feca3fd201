//! The end of the server: what `SHUTDOWN` and a signal do before the loop stops.

use crate::log::{notice, warning};
use crate::state::State;

/// How the server stops.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shutdown {
    /// Whether a snapshot is written. `None`: if `save` is set.
    pub(crate) saves: Option<bool>,
    /// Whether the server stops even if the snapshot cannot be written.
    pub(crate) is_forced: bool,
}

impl State {
    /// Saves the keys, if that is asked for, and lets the loop stop. Returns `false` if the keys cannot be saved, or
    /// the first append-only file is not complete, so that the server goes on. In C: `prepareForShutdown`.
    pub(crate) fn shut_down(&mut self, how: Shutdown) -> bool {
        notice!("User requested shutdown...");
        if self.append_only.is_waiting {
            // The next start reads the append-only file, which is not there yet.
            if !how.is_forced {
                warning!("Writing initial AOF, can't exit");
                return false;
            }
            warning!("Writing initial AOF, exiting anyway because of FORCE");
        }
        self.snapshots.abandon(&mut self.dbs);
        if how.saves.unwrap_or(!self.config.save.is_empty()) {
            match self.save() {
                Ok(()) => notice!("DB saved on disk"),
                Err(error) if how.is_forced => {
                    warning!("Error trying to save the DB, exiting anyway because of FORCE: {error}");
                }
                Err(error) => {
                    warning!("Error trying to save the DB, can't exit: {error}");
                    return false;
                }
            }
        }
        if let Err(error) = self.append_only.finish(self.config.appendfsync) {
            // By `always`, the next flush fails too, so no reply confirms what was lost.
            warning!("Error writing to the AOF file: {error}");
        }
        self.is_stopping = true;
        true
    }
}
