//! [`Database`]: a keyspace, and who waits for its keys.

use crate::client::ClientId;
use keyspace::{Event, Keyspace, Options};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use values::ReserveError;

/// The clients that wait for a key, in the order in which they came.
type Waiting = HashMap<Vec<u8>, VecDeque<ClientId>, foldhash::fast::RandomState>;

/// The clients that have watched a key. Their order does not matter, so each of many leaves in logarithmic time.
type Watching = HashMap<Vec<u8>, BTreeSet<ClientId>, foldhash::fast::RandomState>;

/// One of the numbered databases. In C: `redisDb`.
pub(crate) struct Database {
    /// The keys.
    pub(crate) keys: Keyspace,
    /// The clients of `WATCH`.
    pub(crate) watching: Watching,
    /// The clients in a blocking command.
    pub(crate) blocked: Waiting,
    /// The keys of this database among those that have changed and that clients wait for.
    pub(crate) ready: BTreeSet<Vec<u8>>,
    /// The removed keys that are not published yet.
    pub(crate) removed: Arc<RemovedLog>,
    /// When its keys are next due for upkeep.
    pub(crate) upkeep_at: Instant,
}

/// Removed keys, in the order in which they were removed.
#[derive(Debug, Default)]
pub(crate) struct RemovedLog {
    keys: Mutex<Vec<Removed>>,
    /// About the bytes that the log takes. 0 means that it is empty.
    bytes: AtomicUsize,
}

impl RemovedLog {
    fn push(&self, removed: Removed) {
        let (Removed::Expired(key) | Removed::Evicted(key)) = &removed;
        self.bytes.fetch_add(key.len() + size_of::<Removed>(), Ordering::Relaxed);
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).push(removed);
    }

    /// Returns about the bytes that the log takes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    fn take(&self) -> Vec<Removed> {
        // A load costs less than a swap, and the log is nearly always empty.
        if self.bytes() == 0 || self.bytes.swap(0, Ordering::Relaxed) == 0 {
            return Vec::new();
        }
        std::mem::take(&mut *self.keys.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A removed key: one that has expired or was evicted. A key that a command removes is not meant.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Removed {
    /// It had expired.
    Expired(Vec<u8>),
    /// It was evicted.
    Evicted(Vec<u8>),
}

impl Removed {
    /// Returns the key.
    pub(crate) fn key(&self) -> &[u8] {
        let (Self::Expired(key) | Self::Evicted(key)) = self;
        key
    }
}

impl Database {
    /// Returns an empty database.
    pub(crate) fn new(options: Options) -> Self {
        let mut keys = Keyspace::with_options(options);
        // `State::make_room` evicts in front of each command, so that no command is refused half way.
        keys.set_evicts_in_writes(false);
        Self {
            keys,
            watching: Watching::default(),
            blocked: Waiting::default(),
            ready: BTreeSet::new(),
            removed: Arc::default(),
            upkeep_at: Instant::now(),
        }
    }

    /// Adds a client to those that watch a key.
    pub(crate) fn add_watching(&mut self, key: &[u8], client: ClientId) {
        self.watching.entry(key.to_vec()).or_default().insert(client);
    }

    /// Removes a client from those that watch a key.
    pub(crate) fn remove_watching(&mut self, key: &[u8], client: ClientId) {
        if let Some(clients) = self.watching.get_mut(key) {
            clients.remove(&client);
            if clients.is_empty() {
                self.watching.remove(key);
            }
        }
    }

    /// Starts or stops noting removed keys.
    pub(crate) fn log_removed(&mut self, is_on: bool) -> Result<(), ReserveError> {
        if !is_on {
            self.keys.clear_on_event();
            return Ok(());
        }
        let removed = self.removed.clone();
        self.keys.on_event(move |event| {
            let key = match event {
                Event::Expired(key) => Removed::Expired(key.to_vec()),
                Event::Evicted(key) => Removed::Evicted(key.to_vec()),
                _ => return,
            };
            removed.push(key);
        })
    }

    /// Returns the keys that were removed since the last call.
    pub(crate) fn take_removed(&mut self) -> Vec<Removed> {
        self.removed.take()
    }
}

/// Adds a client to those that wait for a key.
pub(crate) fn add_waiting(waiting: &mut Waiting, key: &[u8], client: ClientId) {
    let clients = waiting.entry(key.to_vec()).or_default();
    if !clients.contains(&client) {
        clients.push_back(client);
    }
}

/// Removes a client from those that wait for a key.
pub(crate) fn remove_waiting(waiting: &mut Waiting, key: &[u8], client: ClientId) {
    if let Some(clients) = waiting.get_mut(key) {
        if clients.front() == Some(&client) {
            clients.pop_front();
        } else {
            clients.retain(|waiting| *waiting != client);
        }
        if clients.is_empty() {
            waiting.remove(key);
        }
    }
}
