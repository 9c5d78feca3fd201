//! What a keyspace reports: the events of its callback, and what a model learns from them.

use super::model::{Bytes, Model};
use keyspace::{Event, Keyspace, MaxmemoryPolicy};
use std::sync::{Arc, Mutex, PoisonError};

/// An event, owned.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Told {
    Set(Bytes),
    Changed(Bytes),
    Expired(Bytes),
    Evicted(Bytes),
    Removed(Bytes),
    Renamed(Bytes, Bytes),
    Cleared,
}

impl Told {
    fn new(event: Event<'_>) -> Self {
        match event {
            Event::Set(key) => Self::Set(key.to_vec()),
            Event::Changed(key) => Self::Changed(key.to_vec()),
            Event::Expired(key) => Self::Expired(key.to_vec()),
            Event::Evicted(key) => Self::Evicted(key.to_vec()),
            Event::Removed(key) => Self::Removed(key.to_vec()),
            Event::Renamed { from, to } => Self::Renamed(from.to_vec(), to.to_vec()),
            Event::Cleared => Self::Cleared,
            other => panic!("an event that the model does not know: {other:?}"),
        }
    }

    /// Whether it is what an operation has done itself, and not what it did to make room.
    pub(crate) fn is_own(&self) -> bool {
        !matches!(self, Self::Expired(_) | Self::Evicted(_))
    }
}

/// Where the callback of a keyspace writes.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Told>>>);

impl Log {
    pub(crate) fn push(&self, event: Event<'_>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Told::new(event));
    }

    /// What was reported since the last time.
    pub(crate) fn take(&self) -> Vec<Told> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A key went without being asked for: it had expired, or it was evicted. Then it has to have been there, and the policy has to
/// allow it.
pub(crate) fn learn(model: &mut Model, counts: &mut Counts, policy: MaxmemoryPolicy, told: Told) {
    match told {
        Told::Expired(key) => {
            assert!(model.stale.remove(&key), "{} has not expired", key.escape_ascii());
            counts.expired += 1;
        }
        Told::Evicted(key) => {
            let held = model.remove(&key);
            let held = held.unwrap_or_else(|| panic!("{} is evicted, and was not there", key.escape_ascii()));
            let may_go =
                policy != MaxmemoryPolicy::Noeviction && (!policy.is_volatile() || held.expiry.is_some());
            assert!(may_go, "{} is evicted under {policy}, expiry {:?}", key.escape_ascii(), held.expiry);
            counts.evicted += 1;
        }
        own => panic!("nothing of this was asked for: {own:?}"),
    }
}

/// What has been done so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Operations in which an allocation was made to fail, and that returned the error.
    pub without_memory: u64,
    /// Operations that `maxmemory` refused.
    pub refused: u64,
    /// Keys that were evicted.
    pub evicted: u64,
    /// Expired keys that were removed.
    pub expired: u64,
    /// Answers that were compared.
    pub answers: u64,
    /// Values that were compared in full.
    pub values: u64,
    /// Large values that were removed, and freed later.
    pub lazyfreed: u64,
    /// Blocks that defragmentation has moved.
    pub defragged: u64,
    /// The most bytes of all keyspaces.
    pub bytes_max: usize,
}

impl Counts {
    /// Counts what a keyspace has done since it was made.
    pub(crate) fn add_totals(&mut self, keyspace: &Keyspace) {
        self.lazyfreed += keyspace.lazyfreed_objects();
        self.defragged += keyspace.active_defrag_hits();
    }

    /// The counts of both.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            without_memory: self.without_memory + other.without_memory,
            refused: self.refused + other.refused,
            evicted: self.evicted + other.evicted,
            expired: self.expired + other.expired,
            answers: self.answers + other.answers,
            values: self.values + other.values,
            lazyfreed: self.lazyfreed + other.lazyfreed,
            defragged: self.defragged + other.defragged,
            bytes_max: self.bytes_max.max(other.bytes_max),
        }
    }
}
