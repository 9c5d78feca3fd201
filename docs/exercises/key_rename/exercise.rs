//! A store whose keys have an expiry and can be renamed.

use std::collections::HashMap;

/// The value of a key, and when the key expires.
#[derive(Debug)]
struct Entry {
    value: String,
    /// The time at which the key expires, in milliseconds.
    expires_at: Option<u64>,
}

/// Keys and their values.
#[derive(Debug, Default)]
pub(crate) struct Store {
    /// Some of these keys may have expired.
    keys: HashMap<String, Entry>,
}

/// The error of a rename if there is no key of the old name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoSuchKey;

impl Store {
    /// Sets the value of a key, and removes the key's expiry.
    pub(crate) fn set(&mut self, key: &str, value: &str) {
        self.keys.insert(key.into(), Entry { value: value.into(), expires_at: None });
    }

    /// Sets the time at which a key expires. The key must exist.
    pub(crate) fn expire_at(&mut self, key: &str, at: u64) {
        self.keys.get_mut(key).expect("the key exists").expires_at = Some(at);
    }

    /// Returns the value of a key.
    pub(crate) fn get(&self, key: &str, now: u64) -> Option<&str> {
        let Entry { value, expires_at } = self.keys.get(key)?;
        todo!("{value}, unless {expires_at:?} has come at {now}")
    }

    /// Gives a key another name. A key that already has this name is replaced.
    pub(crate) fn rename(&mut self, from: &str, to: &str, now: u64) -> Result<(), NoSuchKey> {
        todo!("rename {from} to {to} at {now}")
    }

    /// Gives a key another name if no key has this name, and returns whether it was renamed.
    pub(crate) fn rename_absent(&mut self, from: &str, to: &str, now: u64) -> Result<bool, NoSuchKey> {
        todo!("rename {from} to {to} at {now}, if there is no {to}")
    }
}
