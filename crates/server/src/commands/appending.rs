//! What a command adds to the append-only file.
//!
//! While files are loaded, no key expires, so the files say when a key was removed. A command is repeated on the
//! keys that it has seen, and so these removals have their place in the order:
//!
//! - A key that had expired was absent for the command. It is removed before the command, even if the command has
//!   only read it and the sweep has yet to find it.
//! - A key that was evicted while the command ran is removed after it, because a command makes room when it has read
//!   its keys. If the command has created the key again, it is removed before.

use super::command::keys_of;
use crate::args::Args;
use crate::call::Call;
use crate::database::Removed;
use crate::spec::{Keys, Spec, flags};
use crate::state::State;
use keyspace::Ttl;

/// Appends what a command of a database has changed. `is_changed` is whether the counter of changes has moved. In
/// C: `afterCommand`, `propagateNow`.
pub(super) fn append_changes(
    state: &mut State,
    db: usize,
    args: Args<'_>,
    spec: &Spec,
    is_changed: bool,
    is_in_exec: bool,
) {
    let instead = state.append_only.buffer.take_instead();
    let mut evicted = Vec::new();
    for (db, removed) in state.take_removed() {
        match removed {
            Removed::Evicted(key) if !state.dbs[db].keys.contains_key(&*key, state.now) => {
                evicted.push((db, key))
            }
            removed => state.append_only.buffer.push_del(db, removed.key()),
        }
    }
    let buffer = &mut state.append_only.buffer;
    if (is_changed || !instead.is_empty()) && spec.has(flags::WRITE) {
        if spec.keys != Keys::FIRST {
            let keys = &state.dbs[db].keys;
            for key in keys_of(spec.keys, args).unwrap_or_default().into_iter().map(|place| args.at(place)) {
                if keys.contains_key(key, 0) && !keys.contains_key(key, state.now) {
                    buffer.push_del(db, key);
                }
            }
        }
        if instead.is_empty() {
            buffer.push(db, args.iter());
        }
        instead.iter().for_each(|command| buffer.push(db, command.as_args().iter()));
    }
    evicted.iter().for_each(|(db, key)| buffer.push_del(*db, key));
    if !is_in_exec {
        buffer.end_unit();
    }
}

impl Call<'_> {
    /// Returns whether the command is appended to the append-only file if it changes a key.
    pub(super) fn is_appended(&self) -> bool {
        self.state.append_only.is_on()
    }

    /// Appends a command to the append-only file instead of the one that runs, because that would not have the same
    /// effect again. It is called once for each command that is appended, and also if the counter of changes does not
    /// move. In C: `rewriteClientCommandVector`, `alsoPropagate`, `forceCommandPropagation`.
    pub(super) fn append_instead(&mut self, command: &[&[u8]]) {
        if self.is_appended() {
            self.state.append_only.buffer.replace(command.iter().copied().collect());
        }
    }

    /// Like [`append_instead`](Self::append_instead), for a command that has changed only the expiry of a key.
    pub(super) fn append_expiry(&mut self, key: &[u8]) {
        if !self.is_appended() {
            return;
        }
        match self.keys().expire_time(key, self.now) {
            Ttl::Millis(at) => self.append_instead(&[b"PEXPIREAT", key, at.to_string().as_bytes()]),
            Ttl::Persistent => self.append_instead(&[b"PERSIST", key]),
            Ttl::Absent => self.append_instead(&[b"DEL", key]),
        }
    }
}
