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
        todo!("the value of {key} at {now} in {self:?}")
    }

    /// Returns the time until a key expires.
    pub(crate) fn ttl(&self, key: u32, now: u64) -> Ttl {
        let [_absent, _persistent] = [Ttl::Absent, Ttl::Persistent];
        todo!("the time that is left to {key} at {now} in {self:?}, such as {:?}", Ttl::Millis(1))
    }

    /// Sets the value of a key. Clears the expiry of the key, or keeps it.
    pub(crate) fn set(&mut self, key: u32, value: u32, keeps_expiry: bool, now: u64) {
        todo!("set {key} to {value} at {now}, and keep the expiry: {keeps_expiry}")
    }

    /// Sets the expiry of a key to `now + millis`, and returns whether the key exists.
    pub(crate) fn expire(&mut self, key: u32, millis: i64, now: u64) -> Result<bool, InvalidExpiry> {
        todo!("let {key} expire {millis} ms after {now}, or return {InvalidExpiry:?}")
    }

    /// Removes the expiry of a key, and returns whether the key had one.
    pub(crate) fn persist(&mut self, key: u32, now: u64) -> bool {
        todo!("remove the expiry of {key} at {now}")
    }

    /// Removes a key, and returns whether it existed.
    pub(crate) fn remove(&mut self, key: u32, now: u64) -> bool {
        todo!("remove {key} at {now}")
    }
}
