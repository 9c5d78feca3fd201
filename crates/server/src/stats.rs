//! [`Stats`]: the counters that `INFO` prints and `CONFIG RESETSTAT` clears.

use std::collections::BTreeMap;

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
    /// The keys that have expired.
    pub(crate) expired_keys: u64,
    /// The clients that were closed because their replies took too much memory.
    pub(crate) output_limit_disconnections: u64,
    /// The clients that were closed because their queries took too much memory.
    pub(crate) query_limit_disconnections: u64,
    /// The most bytes that were in use.
    pub(crate) peak_memory: usize,
    /// The error replies, by their codes.
    pub(crate) errors: BTreeMap<String, u64>,
    /// The error replies in all.
    pub(crate) error_replies: u64,
    /// The commands, by their numbers in the table.
    by_command: Vec<CommandStats>,
}

/// The counters of a command.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CommandStats {
    /// How often it has run.
    pub(crate) calls: u64,
    /// The sum of the time that it took, in microseconds.
    pub(crate) micros: u64,
    /// How often it was refused before it ran.
    pub(crate) rejected: u64,
    /// How often it answered an error.
    pub(crate) failed: u64,
}

impl Stats {
    /// Clears the counters, but not the changes since the last snapshot. In C: `resetServerStats`.
    pub(crate) fn reset(&mut self, used_memory: usize) {
        *self = Self { dirty: self.dirty, peak_memory: used_memory, ..Self::default() };
    }

    /// Returns the counters of the command with this number.
    pub(crate) fn of_command(&self, number: usize) -> CommandStats {
        self.by_command.get(number).copied().unwrap_or_default()
    }

    /// Returns the counters of the command with this number, for counting.
    #[inline]
    pub(crate) fn of_command_mut(&mut self, number: usize) -> &mut CommandStats {
        if number >= self.by_command.len() {
            self.by_command.resize(number + 1, CommandStats::default());
        }
        &mut self.by_command[number]
    }
}
