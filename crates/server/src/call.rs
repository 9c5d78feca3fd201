//! [`Call`]: a command that runs, with everything that it may use.

use crate::args::Args;
use crate::client::{Blocked, Client, TimeoutReply};
use crate::error::CommandError;
use crate::reply::Reply;
use crate::state::State;
use keyspace::Keyspace;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use values::{EncodingLimits, ObjectType};

/// A command that runs.
pub(crate) struct Call<'a> {
    /// The server.
    pub(crate) state: &'a mut State,
    /// The client that has sent the command.
    pub(crate) client: &'a mut Client,
    /// The arguments. The first one is the name.
    pub(crate) args: Args<'a>,
    /// The time, in milliseconds since 1970.
    pub(crate) now: u64,
    /// Whether the command may not wait: it is part of a transaction.
    pub(crate) is_in_exec: bool,
}

impl<'a> Call<'a> {
    /// Returns the keys of the client's database, for reading.
    pub(crate) fn keys(&self) -> &Keyspace {
        &self.state.dbs[self.client.db].keys
    }

    /// Returns the keys of the client's database, and its reply.
    pub(crate) fn parts(&mut self) -> (&mut Keyspace, &mut Reply) {
        (&mut self.state.dbs[self.client.db].keys, &mut self.client.reply)
    }

    /// Returns the reply.
    pub(crate) fn reply(&mut self) -> &mut Reply {
        &mut self.client.reply
    }

    /// Returns a source of random numbers for this command. It borrows nothing.
    pub(crate) fn random_source(&mut self) -> impl FnMut() -> u64 + use<> {
        let mut rng = SmallRng::seed_from_u64(self.state.rng.random());
        move || rng.random()
    }

    /// Returns the limits of the encodings.
    pub(crate) fn limits(&self) -> EncodingLimits {
        *self.state.config.options.encoding_limits()
    }

    /// Notes that a key has changed: wakes the clients that wait for it, and fails the transactions that
    /// watch it. Publishes the event, if it is configured. `changes` is how many elements have changed, which
    /// counts towards the next snapshot. In C: `signalModifiedKey`, `notifyKeyspaceEvent`, `server.dirty`.
    ///
    /// If one change affects two keys, such as a move, the second call passes 0.
    pub(crate) fn changed(&mut self, class: u32, event: &str, key: &[u8], changes: usize) {
        self.changed_in(self.client.db, key, changes);
        self.notify(class, event, key);
    }

    /// Like [`changed`](Self::changed), for a key of another database, or without an event.
    pub(crate) fn changed_in(&mut self, db: usize, key: &[u8], changes: usize) {
        self.state.stats.dirty += changes as u64;
        self.state.publish_removed_of(db);
        self.state.key_changed(db, key, Some(&mut *self.client));
    }

    /// Counts a look-up for reading. After a miss, removes the key if it has expired, and publishes the miss.
    /// Commands that look up a key by its name to read it call this method or `count_inspection`. In C: `lookupKeyReadWithFlags`.
    #[inline]
    pub(crate) fn count_read(&mut self, key: &[u8], is_found: bool) {
        self.count_inspection(key, is_found);
        if !is_found {
            self.notify(crate::notify::KEY_MISS, "keymiss", key);
        }
    }

    /// Like [`count_read`](Self::count_read), but does not publish a miss. In C: `LOOKUP_NONOTIFY`.
    #[inline]
    pub(crate) fn count_inspection(&mut self, key: &[u8], is_found: bool) {
        if is_found {
            self.state.stats.keyspace_hits += 1;
        } else {
            self.state.remove_expired(self.client.db, key);
            self.state.stats.keyspace_misses += 1;
        }
    }

    /// Returns whether a key exists, for a command that will write to it. Removes it if it has expired. Does
    /// not count. In C: `lookupKeyWrite`.
    pub(crate) fn exists(&mut self, key: &[u8]) -> bool {
        let is_found = self.keys().contains_key(key, self.now);
        if !is_found {
            self.state.remove_expired(self.client.db, key);
        }
        is_found
    }

    /// Returns the type of a value, and counts the look-up. In C: `lookupKeyReadWithFlags` with
    /// `LOOKUP_NOTOUCH`.
    pub(crate) fn read_type(&mut self, key: &[u8]) -> Option<ObjectType> {
        let object_type = self.keys().object_type(key, self.now);
        self.count_read(key, object_type.is_some());
        object_type
    }

    /// Publishes an event about a key, if it is configured.
    pub(crate) fn notify(&mut self, class: u32, event: &str, key: &[u8]) {
        self.state.notify(self.client.db, class, event, key);
    }

    /// Publishes `del` if an edit has removed the last element of a key.
    pub(crate) fn notify_if_removed(&mut self, key: &[u8]) {
        let is_published = self.state.config.notify_keyspace_events & crate::notify::GENERIC != 0;
        if is_published && !self.keys().contains_key(key, self.now) {
            self.notify(crate::notify::GENERIC, "del", key);
        }
    }

    /// Lets the client wait until one of the keys has a value of this type. The command is then run again.
    /// `timeout` is in milliseconds, and 0 means without end. In a transaction, the client does not wait, and
    /// is sent the reply of a timeout at once. In C: `blockForKeys`.
    pub(crate) fn block<'k>(
        &mut self,
        keys: impl Iterator<Item = &'k [u8]>,
        wanted: ObjectType,
        timeout: u64,
        timeout_reply: TimeoutReply,
    ) {
        if self.is_in_exec {
            match timeout_reply {
                TimeoutReply::Null => self.client.reply.null(),
                TimeoutReply::NullArray => self.client.reply.null_array(),
            }
            return;
        }
        // A client that is woken in vain waits for the rest of its time.
        let deadline = match &self.state.retried_deadline {
            Some(deadline) => *deadline,
            None => (timeout > 0).then(|| self.now.saturating_add(timeout)),
        };
        let keys: Vec<Vec<u8>> = keys.map(<[u8]>::to_vec).collect();
        let db = &mut self.state.dbs[self.client.db];
        for key in &keys {
            crate::database::add_waiting(&mut db.blocked, key, self.client.id);
        }
        let request = self.args.to_owned();
        self.client.blocked = Some(Blocked { keys, wanted, deadline, request, timeout_reply });
        self.state.blocked_clients += 1;
        self.state.deadlines.extend(deadline.map(|deadline| (deadline, self.client.id)));
    }

    /// Parses the timeout of a blocking command: seconds, which may have a fraction. Returns milliseconds.
    pub(crate) fn timeout(text: &[u8]) -> Result<u64, CommandError> {
        let seconds = crate::numbers::parse_float(text);
        let seconds = seconds.ok_or(CommandError::new("ERR timeout is not a float or out of range"))?;
        let millis = (seconds * 1_000.0).ceil();
        if millis < 0.0 {
            return Err(CommandError::new("ERR timeout is negative"));
        }
        if millis >= i64::MAX as f64 {
            return Err(CommandError::new("ERR timeout is out of range"));
        }
        Ok(millis as u64)
    }
}
