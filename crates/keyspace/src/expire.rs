//! The expiry of single keys: `EXPIRE`, `TTL`, `PERSIST`, and the removal of a key that has expired.

use crate::access::modified;
use crate::entry::Entry;
use crate::error::Error;
use crate::event::Event;
use crate::expiry::{ExpireOptions, Expiry, Ttl};
use crate::key::Key;
use crate::keyspace::Keyspace;
use core::hash::BuildHasher;

impl<S: BuildHasher> Keyspace<S> {
    /// Sets the expiry of a key, or removes the key if the time has passed. Returns `false`, and changes
    /// nothing, if there is no such key, or if the conditions of `options` do not hold. O(1), or O(bytes of
    /// the block) if the key had no expiry. In C: `EXPIRE`, `PEXPIRE`, `EXPIREAT`, `PEXPIREAT`.
    ///
    /// # Errors
    /// [`Error::InvalidExpireTime`]; [`Error::IncompatibleOptions`]; no memory.
    ///
    /// ```
    /// use keyspace::{ExpireOptions, Expiry, Keyspace, Ttl};
    /// let mut keyspace = Keyspace::new();
    /// keyspace.set("session", "abc", 1_000)?;
    /// assert!(keyspace.expire("session", Expiry::InSeconds(5), ExpireOptions::default(), 1_000)?);
    /// assert_eq!(keyspace.ttl("session", 2_000), Ttl::Millis(4_000));
    ///
    /// let later = ExpireOptions { gt: true, ..ExpireOptions::default() };
    /// assert!(!keyspace.expire("session", Expiry::InSeconds(1), later, 2_000)?);
    /// assert!(keyspace.get("session", 6_000).is_none());
    /// # Ok::<(), keyspace::Error>(())
    /// ```
    pub fn expire<'k>(
        &mut self,
        key: impl Into<Key<'k>>,
        expiry: Expiry,
        options: ExpireOptions,
        now: u64,
    ) -> Result<bool, Error> {
        options.check()?;
        let (key, at) = (key.into(), expiry.at(now)?);
        let hash = self.hash_of(&key);
        let is_allowed = |entry: &Entry| at > now && options.allow(entry.expiry(), at);
        self.make_room_in(&key, hash, now, |entry| {
            entry.map_or(0, |entry| entry.growth_by_expiry(is_allowed(entry)))
        })?;
        let Some((mut entry, totals, settings)) = self.find_mut(hash, &key, now) else { return Ok(false) };
        if !options.allow(entry.get().expiry(), at) {
            return Ok(false);
        }
        if at <= now {
            totals.drop_key(entry, totals.lazyfree.lazy.expire);
        } else {
            totals.change(&mut entry, |entry, total_bytes| entry.try_set_expiry(Some(at), total_bytes))?;
            if let Some(clock) = modified(settings, now) {
                entry.get().view().set_clock(clock);
            }
            totals.notify(Event::Changed(key.bytes()));
        }
        self.evict_excess(&key, hash, now);
        Ok(true)
    }

    /// Removes the expiry of a key, and returns whether the key had one. Never fails: if there is no memory
    /// for a smaller block, the entry keeps its old one. In C: `PERSIST`.
    pub fn persist<'k>(&mut self, key: impl Into<Key<'k>>, now: u64) -> bool {
        let key = key.into();
        let hash = self.hash_of(&key);
        let Some((mut entry, totals, settings)) = self.find_mut(hash, &key, now) else { return false };
        if entry.get().expiry().is_none() {
            return false;
        }
        let done = totals.change(&mut entry, |entry, total_bytes| entry.try_set_expiry(None, total_bytes));
        debug_assert!(done.is_ok(), "what becomes shorter needs no memory");
        if let Some(clock) = modified(settings, now) {
            entry.get().view().set_clock(clock);
        }
        totals.notify(Event::Changed(key.bytes()));
        true
    }

    /// Removes a key if it has expired, and returns whether it had. The removal is reported as
    /// [`Event::Expired`]. One look-up, or none if no key has an expiry. In C: `expireIfNeeded`.
    ///
    /// Reads change nothing, so an expired key stays until a write or a [sweep](Self::expire_some) finds it.
    /// A caller that wants it to go at once calls this method after a read that has found no key.
    ///
    /// ```
    /// use keyspace::{Expiry, ExpireOptions, Keyspace};
    /// let mut keyspace = Keyspace::new();
    /// keyspace.set("session", "abc", 0)?;
    /// keyspace.expire("session", Expiry::InMillis(5), ExpireOptions::default(), 0)?;
    /// assert!(!keyspace.remove_expired("session", 4));
    /// assert!(keyspace.get("session", 5).is_none());
    /// assert_eq!(keyspace.len(), 1);
    /// assert!(keyspace.remove_expired("session", 5));
    /// assert_eq!((keyspace.len(), keyspace.expired_keys()), (0, 1));
    /// # Ok::<(), keyspace::Error>(())
    /// ```
    pub fn remove_expired<'k>(&mut self, key: impl Into<Key<'k>>, now: u64) -> bool {
        if self.expires() == 0 {
            return false;
        }
        let key = key.into();
        let has_key = |entry: &Entry| entry.has_key(key.bytes(), &self.reading.tables);
        let found = self.table.find_entry(self.hash_of(&key), has_key);
        let Some(entry) = found.ok().filter(|entry| entry.get().is_expired(now)) else { return false };
        self.totals.expire(entry);
        true
    }

    /// Returns the time until a key expires. In C: `TTL`, `PTTL`.
    pub fn ttl<'k>(&self, key: impl Into<Key<'k>>, now: u64) -> Ttl {
        Ttl::of(self.peek(&key.into(), now), |at| at - now)
    }

    /// Returns the absolute time at which a key expires. In C: `EXPIRETIME`, `PEXPIRETIME`.
    pub fn expire_time<'k>(&self, key: impl Into<Key<'k>>, now: u64) -> Ttl {
        Ttl::of(self.peek(&key.into(), now), |at| at)
    }
}
