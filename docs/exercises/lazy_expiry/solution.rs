//! A store whose reads never return an expired key.

use std::collections::BTreeMap;

/// A key's value and expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) value: u32,
    /// The time from which on the key counts as absent, in milliseconds.
    pub(crate) expiry: Option<u64>,
}

/// The time until a key expires.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ttl {
    Absent,
    /// The key has no expiry.
    Persistent,
    Millis(u64),
}

/// The error of an expiry that is above `i64::MAX`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct InvalidExpiry;

/// The keys, including those that have expired and are not removed yet.
#[derive(Debug, Default)]
pub(crate) struct Store {
    pub(crate) entries: BTreeMap<u32, Entry>,
}

impl Store {
    /// Returns the value of a key.
    pub(crate) fn get(&self, key: u32, now: u64) -> Option<u32> {
        self.live(key, now).map(|entry| entry.value)
    }

    /// Returns the time until a key expires.
    pub(crate) fn ttl(&self, key: u32, now: u64) -> Ttl {
        match self.live(key, now).map(|entry| entry.expiry) {
            None => Ttl::Absent,
            Some(None) => Ttl::Persistent,
            Some(Some(expiry)) => Ttl::Millis(expiry - now),
        }
    }

    /// Sets the value of a key. Clears the expiry of the key, or keeps it.
    pub(crate) fn set(&mut self, key: u32, value: u32, keeps_expiry: bool, now: u64) {
        let kept = self.live_mut(key, now).and_then(|entry| entry.expiry).filter(|_| keeps_expiry);
        self.entries.insert(key, Entry { value, expiry: kept });
    }

    /// Sets the expiry of a key to `now + millis`, and returns whether the key exists.
    pub(crate) fn expire(&mut self, key: u32, millis: i64, now: u64) -> Result<bool, InvalidExpiry> {
        let expiry = (now as i64).checked_add(millis).ok_or(InvalidExpiry)?.max(0).unsigned_abs();
        let Some(entry) = self.live_mut(key, now) else { return Ok(false) };
        entry.expiry = Some(expiry);
        self.live_mut(key, now); // removes the key if the expiry has come already
        Ok(true)
    }

    /// Removes the expiry of a key, and returns whether the key had one.
    pub(crate) fn persist(&mut self, key: u32, now: u64) -> bool {
        self.live_mut(key, now).is_some_and(|entry| entry.expiry.take().is_some())
    }

    /// Removes a key, and returns whether it existed.
    pub(crate) fn remove(&mut self, key: u32, now: u64) -> bool {
        self.live_mut(key, now).is_some() && self.entries.remove(&key).is_some()
    }

    /// Returns the entry of a key that has not expired. All reads use it.
    fn live(&self, key: u32, now: u64) -> Option<&Entry> {
        self.entries.get(&key).filter(|entry| entry.expiry.is_none_or(|expiry| expiry > now))
    }

    /// Returns the entry of a key that has not expired, and removes one that has. All writes use it.
    fn live_mut(&mut self, key: u32, now: u64) -> Option<&mut Entry> {
        if self.live(key, now).is_none() {
            self.entries.remove(&key);
        }
        self.entries.get_mut(&key)
    }
}
