//! The events that a keyspace reports to its callback, and how they change a model.

use super::model::{Bytes, Model};
use keyspace::{Event, Keyspace, MaxmemoryPolicy};
use std::sync::{Arc, Mutex, PoisonError};

/// An event with owned keys.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum OwnedEvent {
    Set(Bytes),
    Changed(Bytes),
    Expired(Bytes),
    Evicted(Bytes),
    Removed(Bytes),
    Renamed(Bytes, Bytes),
    Cleared,
}

impl OwnedEvent {
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

    /// Returns `true` if the event is a change that the operation itself makes. The other events report keys
    /// that the keyspace removes on its own, because they have expired or to make room.
    pub(crate) fn is_own(&self) -> bool {
        !matches!(self, Self::Expired(_) | Self::Evicted(_))
    }
}

/// The log of events. The callback of a keyspace writes to it.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<OwnedEvent>>>);

impl Log {
    pub(crate) fn push(&self, event: Event<'_>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(OwnedEvent::new(event));
    }

    /// Returns the events since the last call.
    pub(crate) fn take(&self) -> Vec<OwnedEvent> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Removes an expired or an evicted key from the model. An expired key must be stale. An evicted key must
/// exist, and the policy must allow its eviction.
pub(crate) fn apply_event(
    model: &mut Model,
    counts: &mut Counts,
    policy: MaxmemoryPolicy,
    logged: OwnedEvent,
) {
    match logged {
        OwnedEvent::Expired(key) => {
            assert!(model.stale.remove(&key), "{} has not expired", key.escape_ascii());
            counts.expired += 1;
        }
        OwnedEvent::Evicted(key) => {
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

/// Counts of events during a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Operations that returned an error because of a failed allocation.
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
    /// The maximum number of bytes of all keyspaces.
    pub bytes_max: usize,
}

impl Counts {
    /// Adds the counters of a keyspace since its creation.
    pub(crate) fn add_totals(&mut self, keyspace: &Keyspace) {
        self.lazyfreed += keyspace.lazyfreed_objects();
        self.defragged += keyspace.active_defrag_hits();
    }

    /// Returns the sums of both counts, and the larger `bytes_max`.
    pub(crate) fn combined(self, other: Self) -> Self {
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
