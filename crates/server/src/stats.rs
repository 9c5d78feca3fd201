//! [`Stats`]: the counters that `INFO` prints and `CONFIG RESETSTAT` clears.

use crate::histogram::Histogram;
use crate::log::warning;
use std::collections::BTreeMap;
use std::time::Duration;

/// The most codes of errors that are counted.
const ERRORS_MAX: usize = 128;

/// The counters.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    /// The changes of keys since the last snapshot.
    pub(crate) dirty: u64,
    /// The connections that were accepted and refused.
    pub(crate) connections: u64,
    /// See `connections`.
    pub(crate) rejected_connections: u64,
    /// The commands that have run.
    pub(crate) commands: u64,
    /// The bytes that were read and written.
    pub(crate) net_input: u64,
    /// See `net_input`.
    pub(crate) net_output: u64,
    /// The look-ups of `GET` and its like that found a key, and those that did not.
    pub(crate) keyspace_hits: u64,
    /// See `keyspace_hits`.
    pub(crate) keyspace_misses: u64,
    /// The clients that were closed because their replies took too much memory.
    pub(crate) output_limit_disconnections: u64,
    /// The clients that were closed because their queries took too much memory.
    pub(crate) query_limit_disconnections: u64,
    /// The clients that were closed because all clients exceeded `maxmemory-clients`.
    pub(crate) evicted_clients: u64,
    /// What the keyspaces had counted when the counters were cleared.
    pub(crate) cleared: KeyspaceCounts,
    /// The turns of the loop.
    pub(crate) eventloop: EventLoop,
    /// The most bytes that were in use.
    pub(crate) peak_memory: usize,
    /// The error replies, by their codes.
    pub(crate) errors: BTreeMap<String, u64>,
    /// Whether there were too many codes, so that they are no longer counted.
    pub(crate) is_errors_full: bool,
    /// The error replies in all.
    pub(crate) error_replies: u64,
    /// The commands, by their numbers in the table.
    pub(crate) by_command: Vec<CommandStats>,
}

/// What the keyspaces count by themselves.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KeyspaceCounts {
    /// The keys that were evicted.
    pub(crate) evicted_keys: u64,
    /// The keys that were removed because they had expired.
    pub(crate) expired_keys: u64,
    /// The objects that were freed later than they were removed.
    pub(crate) lazyfreed_objects: u64,
}

impl KeyspaceCounts {
    /// Returns what was counted after `earlier`.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            evicted_keys: self.evicted_keys.saturating_sub(earlier.evicted_keys),
            expired_keys: self.expired_keys.saturating_sub(earlier.expired_keys),
            lazyfreed_objects: self.lazyfreed_objects.saturating_sub(earlier.lazyfreed_objects),
        }
    }
}

/// The counters of a command.
#[derive(Debug, Default)]
pub(crate) struct CommandStats {
    /// How often it has run.
    pub(crate) calls: u64,
    /// The sum of the time that it took, in microseconds.
    pub(crate) micros: u64,
    /// How often it was refused before it ran.
    pub(crate) rejected: u64,
    /// How often it answered an error.
    pub(crate) failed: u64,
    /// How long its calls took, if `latency-tracking` is on.
    pub(crate) latency: Histogram,
}

impl Stats {
    /// Returns the counters of the command with this number, if one with at least this number has run.
    pub(crate) fn of_command(&self, number: usize) -> Option<&CommandStats> {
        self.by_command.get(number)
    }

    /// Returns how long the calls of the command with this number took, if there were any.
    pub(crate) fn latency(&self, number: usize) -> Option<&Histogram> {
        Some(&self.of_command(number)?.latency).filter(|latency| latency.calls() > 0)
    }

    /// Returns the counters of the command with this number, for counting.
    #[inline]
    pub(crate) fn of_command_mut(&mut self, number: usize) -> &mut CommandStats {
        if number >= self.by_command.len() {
            self.by_command.resize_with(number + 1, CommandStats::default);
        }
        &mut self.by_command[number]
    }

    /// Counts an error reply. Its first word is the code. If there are too many codes, they are forgotten and no
    /// longer counted until `CONFIG RESETSTAT`. In C: `incrementErrorCount`.
    pub(crate) fn count_error(&mut self, text: &str) {
        self.error_replies += 1;
        if self.is_errors_full {
            return;
        }
        let code = text.split(' ').next().unwrap_or_default();
        let codes = self.errors.len();
        match self.errors.get_mut(code) {
            Some(count) => *count += 1,
            None if codes >= ERRORS_MAX => {
                warning!("Errors are no longer counted by their codes, because there are too many codes");
                self.is_errors_full = true;
                self.errors = BTreeMap::from([("ERRORSTATS_DISABLED".to_owned(), 1)]);
            }
            None => drop(self.errors.insert(code.to_owned(), 1)),
        }
    }

    /// Counts a turn of the loop. `commands` is what the counter of commands was when the turn began.
    pub(crate) fn count_turn(&mut self, elapsed: Duration, commands: u64) {
        let micros = elapsed.as_micros() as u64;
        let turns = &mut self.eventloop;
        turns.cycles += 1;
        turns.micros += micros;
        turns.micros_max = turns.micros_max.max(micros);
        turns.commands_max = turns.commands_max.max(self.commands.saturating_sub(commands));
    }
}

/// The time that turns of the loop have taken, in microseconds. The wait for sockets does not count.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct EventLoop {
    /// The number of turns.
    pub(crate) cycles: u64,
    /// The sum of all turns.
    pub(crate) micros: u64,
    /// The part of the sum that commands took.
    pub(crate) command_micros: u64,
    /// The part of the sum that upkeep took.
    pub(crate) cron_micros: u64,
    /// The part of the sum that the append-only file took.
    pub(crate) aof_micros: u64,
    /// The longest turn.
    pub(crate) micros_max: u64,
    /// The most commands of a turn.
    pub(crate) commands_max: u64,
}
