//! When the append-only file begins and ends, and when it is rewritten. See [`AppendOnly`](crate::append_only).

use crate::append_only::AppendOnly;
use crate::log::{notice, warning};
use crate::snapshot::{Ended, Purpose};
use crate::state::State;
use std::time::{Duration, Instant};

/// How long no rewrite begins by itself after one that has failed. The time doubles with each failure after it.
const RETRY_MIN: Duration = Duration::from_secs(60);

/// The longest time between two rewrites that fail and were begun by the server itself.
const RETRY_MAX: Duration = Duration::from_secs(60 * 60);

/// Returns how long no rewrite begins by itself after so many have failed. In C: `aofRewriteLimited`.
fn retry_delay(failures: u32) -> Duration {
    match failures {
        0 => Duration::ZERO,
        _ => (RETRY_MIN * (1 << (failures - 1).min(6))).min(RETRY_MAX),
    }
}

/// Begins a rewrite. No other snapshot must be running. In C: `rewriteAppendOnlyFileBackground`.
///
/// # Errors
/// A text for the log, which has it already.
pub(crate) fn begin(state: &mut State) -> Result<(), String> {
    state.append_only.is_scheduled = false;
    let begun = try_begin(state);
    if let Err(error) = &begun {
        warning!("Can't rewrite append only file in background: {error}");
        note_failure(&mut state.append_only);
    }
    begun
}

fn note_failure(files: &mut AppendOnly) {
    files.failures = files.failures.saturating_add(1);
    files.failed_at = Some(Instant::now());
    files.drop_unlisted();
}

fn try_begin(state: &mut State) -> Result<(), String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let files = &mut state.append_only;
    files.open(&state.config).map_err(|error| text(&error))?;
    // What is in the buffer is in the snapshot too, so it belongs into the files in front of it.
    files.flush(state.config.appendfsync, true).map_err(|error| text(&error))?;
    if files.buffer_len() > 0 {
        return Err("the present file cannot be written".into());
    }
    files.begin_rewrite().map_err(|error| text(&error))?;
    files.rewrites += 1;
    let path = files.path_of(&files.next_base());
    state.update_removed_log().map_err(|error| text(&error))?;
    let (options, now) = (state.config.write_options(), state.now);
    let begun = state.snapshots.begin(Purpose::Rewrite, &mut state.dbs, &path, &options, now, 0);
    begun.map_err(|error| text(&error))?;
    notice!("Background append only file rewriting started");
    Ok(())
}

/// Ends a rewrite. In C: `backgroundRewriteDoneHandler`.
pub(crate) fn end(state: &mut State, ended: Ended) {
    let files = &mut state.append_only;
    files.last_secs = Some(ended.secs);
    let base = files.next_base();
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let result = ended.result.map_err(|error| text(&error));
    match result.and_then(|bytes| files.end_rewrite(base).map(|()| bytes).map_err(|error| text(&error))) {
        Ok(bytes) => {
            files.failures = 0;
            notice!("Background AOF rewrite finished successfully, {bytes} bytes");
        }
        Err(error) => {
            note_failure(files);
            warning!("Background AOF rewrite terminated with error: {error}");
        }
    }
}

/// Begins a rewrite if one is due and nothing else is being written. In C: `serverCron`.
pub(crate) fn cron(state: &mut State) {
    if state.snapshots.is_running() {
        return;
    }
    let files = &state.append_only;
    let percentage = state.config.auto_aof_rewrite_percentage;
    let growth =
        || files.current_size.saturating_sub(files.base_size).saturating_mul(100) / files.base_size.max(1);
    let is_long = files.is_on()
        && percentage > 0
        && files.current_size > state.config.auto_aof_rewrite_min_size as u64
        && growth() >= percentage;
    let may_retry = files.failed_at.is_none_or(|at| at.elapsed() >= retry_delay(files.failures));
    if files.is_scheduled || (files.is_waiting || is_long) && may_retry {
        if is_long {
            notice!("Starting automatic rewriting of AOF on {}% growth", growth());
        }
        // The log has the error.
        let _tried_again_later = begin(state);
    }
}

/// Begins or ends to append commands, when `appendonly` has changed. In C: `applyAppendOnlyConfig`.
///
/// # Errors
/// If it cannot begin. Nothing is appended then.
pub(crate) fn apply(state: &mut State, is_in_exec: bool) -> Result<(), String> {
    const LATER: &str = "An AOF background was scheduled to start when possible.";
    let is_rewriting = state.snapshots.is_running_for(Purpose::Rewrite);
    if is_rewriting {
        // It was begun under the other setting.
        state.snapshots.abandon(&mut state.dbs);
    }
    if !state.config.appendonly {
        state.append_only.stop(state.config.appendfsync);
        return Ok(());
    }
    state.append_only.is_waiting = true;
    if state.snapshots.is_running() || is_in_exec {
        let during = if is_in_exec { "during a transaction" } else { "during another background operation" };
        notice!("AOF was enabled {during}. {LATER}");
        state.append_only.is_scheduled = true;
        return Ok(());
    }
    let begun = begin(state);
    state.append_only.is_waiting = begun.is_ok();
    begun
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rewrite_that_fails_again_and_again_is_tried_less_and_less_often() {
        let minutes = |failures| retry_delay(failures).as_secs() / 60;
        assert_eq!([0, 1, 2, 3, 4, 5, 6, 7, 8, u32::MAX].map(minutes), [0, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }
}
