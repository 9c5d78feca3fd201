//! [`Tracking`]: the clients that keep copies of keys, and what they are told when keys change.
//!
//! A client that has sent `CLIENT TRACKING ON` may keep what it reads. The table has each key that such a client
//! has read. When the key changes, expires or is evicted, its clients are sent a message, and the key leaves the
//! table until it is read again. In the mode `BCAST` nothing is noted when a client reads: it is sent the changes of
//! all keys with its prefixes.
//!
//! ```text
//!  client 7   GET a            table: a -> [7]
//!  client 9   SET a 1          table is empty, and 7 is sent: invalidate [a]
//!  client 9   SET a 2          nothing is sent
//! ```
//!
//! Keys of all databases share the table, as in Redis. A message that is not needed costs a client a look-up.
//! A message that is missing leaves it with an old value. So in doubt one is sent.

mod keys;
mod prefixes;

pub(crate) use prefixes::Overlap;

use crate::client::ClientId;
use crate::clients::{Clients, PushForm};
use crate::reply::Reply;
use keys::TrackedKeys;
use prefixes::Prefixes;
use std::collections::{BTreeSet, HashMap};

/// The channel of messages for clients of RESP2. In C: `TrackingChannelName`.
const CHANNEL: &[u8] = b"__redis__:invalidate";

/// How many keys beyond `tracking-table-max-keys` are removed at once. Each further attempt removes as many more.
const EFFORT: usize = 100;

/// The clients that keep copies of keys.
#[derive(Default)]
pub(crate) struct Tracking {
    clients: HashMap<ClientId, Tracker, foldhash::fast::RandomState>,
    keys: TrackedKeys,
    prefixes: Prefixes,
    /// How often in turn the keys above the limit were too many to be removed at once.
    overruns: usize,
}

/// What a client has chosen by `CLIENT TRACKING`, and what has become of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tracker {
    /// The client that is sent the messages, if it is another one.
    pub(crate) redirect: Option<ClientId>,
    /// Which of its reads are noted.
    pub(crate) mode: Mode,
    /// Whether it is not told what it has changed itself.
    pub(crate) is_noloop: bool,
    /// Whether `CLIENT CACHING` makes an exception of the next command or transaction.
    pub(crate) is_caching_given: bool,
    /// Whether the client that should be sent the messages is gone. In C: `CLIENT_TRACKING_BROKEN_REDIR`.
    pub(crate) is_redirect_broken: bool,
    /// The prefixes of the mode `BCAST`.
    pub(crate) prefixes: BTreeSet<Vec<u8>>,
}

/// Which reads of a client are noted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    /// All of them.
    #[default]
    All,
    /// Those after `CLIENT CACHING YES`.
    OptIn,
    /// Those that do not follow `CLIENT CACHING NO`.
    OptOut,
    /// None: the client is told about all keys with its prefixes.
    Broadcast,
}

impl Tracking {
    /// Returns whether no client tracks.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.clients.is_empty()
    }

    /// Returns the numbers for `INFO`: clients, keys, pairs of a key and a client, and prefixes.
    pub(crate) fn counts(&self) -> [usize; 4] {
        [self.clients.len(), self.keys.len(), self.keys.items(), self.prefixes.len()]
    }

    /// Returns what a client has chosen, if it tracks.
    pub(crate) fn get(&self, id: ClientId) -> Option<&Tracker> {
        self.clients.get(&id)
    }

    /// Returns what a client has chosen, for changing it.
    pub(crate) fn get_mut(&mut self, id: ClientId) -> Option<&mut Tracker> {
        self.clients.get_mut(&id)
    }

    /// Returns a new prefix that overlaps with another one of the client.
    pub(crate) fn overlap<'a>(&'a self, id: ClientId, prefixes: &[&'a [u8]]) -> Option<Overlap<'a>> {
        let known = self.get(id).into_iter().flat_map(|tracker| &tracker.prefixes).map(Vec::as_slice);
        prefixes::overlap(prefixes, known)
    }

    /// Starts to track for a client, or changes how. It keeps the prefixes that it has. In C: `enableTracking`.
    pub(crate) fn enable(&mut self, id: ClientId, mut tracker: Tracker) {
        if tracker.mode == Mode::Broadcast && tracker.prefixes.is_empty() {
            tracker.prefixes.insert(Vec::new());
        }
        tracker.prefixes.iter().for_each(|prefix| self.prefixes.insert(prefix, id));
        if let Some(before) = self.clients.remove(&id) {
            tracker.prefixes.extend(before.prefixes);
            tracker.is_caching_given = before.is_caching_given;
        }
        self.clients.insert(id, tracker);
    }

    /// Stops tracking for a client. In C: `disableTracking`.
    pub(crate) fn disable(&mut self, id: ClientId) {
        let Some(tracker) = self.clients.remove(&id) else { return };
        tracker.prefixes.iter().for_each(|prefix| self.prefixes.remove(prefix, id));
        if self.clients.is_empty() {
            self.keys.clear();
        }
    }

    /// Returns whether the keys that a client reads now are noted.
    pub(crate) fn notes_reads_of(&self, id: ClientId) -> bool {
        self.get(id).is_some_and(|tracker| match tracker.mode {
            Mode::All => true,
            Mode::OptIn => tracker.is_caching_given,
            Mode::OptOut => !tracker.is_caching_given,
            Mode::Broadcast => false,
        })
    }

    /// Notes that a client has read a key. In C: `trackingRememberKeys`.
    pub(crate) fn remember(&mut self, id: ClientId, key: &[u8]) {
        self.keys.insert(key, id);
    }

    /// Ends what `CLIENT CACHING` has made an exception of.
    pub(crate) fn end_caching(&mut self, id: ClientId) {
        self.get_mut(id).into_iter().for_each(|tracker| tracker.is_caching_given = false);
    }

    /// Tells the clients that may have a copy of a key that it has changed. `by` is the client that has changed it, or
    /// `None` if it has expired or was evicted. In C: `trackingInvalidateKey`.
    pub(crate) fn invalidate(&mut self, key: &[u8], by: Option<ClientId>, clients: &mut Clients) {
        self.prefixes.key_changed(key, by);
        self.forget(key, by, clients);
    }

    /// Removes a key from the table, and tells its clients.
    fn forget(&mut self, key: &[u8], by: Option<ClientId>, clients: &mut Clients) {
        for id in self.keys.remove(key).into_iter().flatten() {
            let Some(tracker) = self.clients.get_mut(&id) else { continue };
            let is_own = tracker.is_noloop && by == Some(id);
            // A client may have been in another mode when it read the key.
            if tracker.mode != Mode::Broadcast && !is_own {
                tracker.send(id, clients, |reply| {
                    reply.array(1);
                    reply.bulk(key);
                });
            }
        }
    }

    /// Tells all clients that no copy is valid any more. In C: `trackingInvalidateKeysOnFlush`.
    pub(crate) fn flush(&mut self, clients: &mut Clients) {
        self.keys.clear();
        let mut ids: Vec<ClientId> = self.clients.keys().copied().collect();
        ids.sort_unstable();
        for id in ids {
            if let Some(tracker) = self.clients.get_mut(&id) {
                tracker.send(id, clients, Reply::null);
            }
        }
    }

    /// Tells the clients of the mode `BCAST` which keys have changed since the last call. In C:
    /// `trackingBroadcastInvalidationMessages`.
    pub(crate) fn broadcast(&mut self, clients: &mut Clients) {
        for (ids, changed) in self.prefixes.take_changed() {
            for id in ids {
                let Some(tracker) = self.clients.get_mut(&id) else { continue };
                let is_noloop = tracker.is_noloop;
                let told = changed.iter().filter(|(_, by)| !is_noloop || **by != Some(id));
                let len = told.clone().count();
                if len > 0 {
                    tracker.send(id, clients, |reply| {
                        reply.array(len);
                        told.for_each(|(key, _)| reply.bulk(key));
                    });
                }
            }
        }
    }

    /// Removes keys from the table, until there are at most `max_keys`, and tells their clients. 0 means that there is
    /// no limit. In C: `trackingLimitUsedSlots`.
    pub(crate) fn limit(&mut self, max_keys: usize, mut rng: impl FnMut() -> u64, clients: &mut Clients) {
        let mut effort = EFFORT.saturating_mul(self.overruns + 1);
        while max_keys > 0 && self.keys.len() > max_keys {
            if effort == 0 {
                self.overruns += 1;
                return;
            }
            effort -= 1;
            if let Some(key) = self.keys.random(&mut rng) {
                self.forget(&key, None, clients);
            }
        }
        self.overruns = 0;
    }

    /// Drops some of the memory of tables that were cleared. Returns whether there is more.
    pub(crate) fn drop_some(&mut self) -> bool {
        self.keys.drop_some()
    }
}

impl Tracker {
    /// Sends a message for the client `id`, whose last part is written by `write`. In C: `sendTrackingMessage`.
    ///
    /// RESP2 has messages only for the clients that others redirect theirs to, if they listen to channels.
    fn send(&mut self, id: ClientId, clients: &mut Clients, write: impl FnOnce(&mut Reply)) {
        let receiver = self.redirect.unwrap_or(id);
        match (clients.push_form(receiver), self.redirect) {
            (Some(PushForm::Push), _) => clients.send(receiver, |reply| {
                reply.push(2);
                reply.bulk(b"invalidate");
                write(reply);
            }),
            (Some(PushForm::Message), Some(_)) => clients.send(receiver, |reply| {
                reply.push(3);
                reply.bulk(b"message");
                reply.bulk(CHANNEL);
                write(reply);
            }),
            (None, Some(_)) => {
                self.is_redirect_broken = true;
                if clients.push_form(id) == Some(PushForm::Push) {
                    clients.send(id, |reply| {
                        reply.push(2);
                        reply.bulk(b"tracking-redir-broken");
                        reply.integer(receiver as i64);
                    });
                }
            }
            _ => {}
        }
    }
}
