//! [`Database`]: a keyspace, and who waits for its keys.

use crate::client::ClientId;
use keyspace::{Event, Keyspace, Options};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use values::ReserveError;

/// The clients that have watched or wait for a key, in the order in which they came.
type Waiting = HashMap<Vec<u8>, VecDeque<ClientId>, foldhash::fast::RandomState>;

/// One of the numbered databases. In C: `redisDb`.
pub(crate) struct Database {
    /// The keys.
    pub(crate) keys: Keyspace,
    /// The clients of `WATCH`.
    pub(crate) watching: Waiting,
    /// The clients in a blocking command.
    pub(crate) blocked: Waiting,
    /// The keys that went without a command, since the last [`take_lost`](Self::take_lost).
    pub(crate) lost: Arc<Mutex<Vec<Lost>>>,
    /// When its keys are next due for upkeep.
    pub(crate) upkeep_at: Instant,
}

/// A key that went without a command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// It had expired.
    Expired(Vec<u8>),
    /// It was evicted.
    Evicted(Vec<u8>),
}

impl Database {
    /// Returns an empty database.
    pub(crate) fn new(options: Options) -> Self {
        Self {
            keys: Keyspace::with_options(options),
            watching: Waiting::default(),
            blocked: Waiting::default(),
            lost: Arc::default(),
            upkeep_at: Instant::now(),
        }
    }

    /// Starts or stops to note the keys that expire or are evicted.
    pub(crate) fn log_lost(&mut self, is_on: bool) -> Result<(), ReserveError> {
        if !is_on {
            self.keys.clear_on_event();
            return Ok(());
        }
        let lost = self.lost.clone();
        self.keys.on_event(move |event| {
            let key = match event {
                Event::Expired(key) => Lost::Expired(key.to_vec()),
                Event::Evicted(key) => Lost::Evicted(key.to_vec()),
                _ => return,
            };
            lost.lock().unwrap_or_else(PoisonError::into_inner).push(key);
        })
    }

    /// Returns the keys that have expired or were evicted since the last call.
    pub(crate) fn take_lost(&mut self) -> Vec<Lost> {
        std::mem::take(&mut *self.lost.lock().unwrap_or_else(PoisonError::into_inner))
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
        clients.retain(|waiting| *waiting != client);
        if clients.is_empty() {
            waiting.remove(key);
        }
    }
}
