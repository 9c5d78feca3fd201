//! The room below `maxmemory`, and how writes stay within it.
//!
//! A write without a closure knows how many bytes it adds. It makes room for them first, and evicts keys for
//! that, but never the key that it is about to write. If there is no room, the write fails and has changed no
//! value. A closure that edits a value may add more than was estimated. The call evicts keys for the excess
//! before it returns.
//!
//! **Garbage** is freed before keys are evicted. It consists of the values that were removed and are not yet
//! freed (`lazyfree`). Only as much of it is freed as the room needs.
//!
//! **Growth of the table** waits until there is room for it. A step takes up to 256 KiB, for which thousands
//! of keys would have to be evicted at once. While the growth waits, each new key evicts one key more than it
//! needs.
//!
//! **A limit that is lowered** leaves more in memory than is allowed. No call evicts all of the excess. Each
//! write evicts what it needs, and as much more as `maxmemory-eviction-tenacity` allows. The *ceiling* is the
//! largest number of bytes that a call may leave in use meanwhile. No write raises it. There is one
//! exception: if no key is left to evict, or only the one that is written, an overflow child of the table or
//! the state of eviction may add some KiB.
//!
//! **Far below the limit** a write costs two comparisons. When the room is measured, half of it becomes an
//! *allowance*. Each `SET` subtracts from it the most that it can add. A write that grows the table measures
//! the room again. Any other call that adds bytes cancels the allowance.
//!
//! Limits: if no key may be evicted, an edit may end above `maxmemory` by what its closure has added. The
//! next write that adds bytes is then refused.

use crate::entry::Entry;
use crate::error::Error;
use crate::key::Key;
use crate::keyspace::Keyspace;
use core::hash::BuildHasher;
use values::Element;

/// The bytes below the limit that writes leave free. An insert or a removal may need a few overflow children
/// of the table, and eviction needs some bytes to begin.
const RESERVE: usize = 1_024;
/// The bytes that writes leave free under S3-FIFO with a queue and ghosts, whose blocks have up to 4 KiB.
const RESERVE_FOR_QUEUE: usize = 8_192;

/// The most bytes that a `SET` adds beside the key and the value: headers, an object's block, an overflow
/// child, and the share of a block of S3-FIFO's queue.
const WRITE_BYTES_MAX: usize = 256;

/// The number of blocks of garbage that can be freed in the time of one eviction.
const BLOCKS_PER_VICTIM: usize = 8;

/// An estimate of the bytes that a new element takes beside its own.
const ELEMENT_BYTES: usize = 64;

/// The result of an eviction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Evicted {
    /// The number of keys that were evicted, or were removed because they had expired. 0 if only garbage was
    /// freed.
    pub keys: usize,
    /// The counted bytes that are no longer in use, including those of garbage.
    pub bytes: usize,
    /// Whether the counted bytes are now within `maxmemory`, or there is no limit.
    pub is_within: bool,
}

impl Evicted {
    /// Adds the result of a later call.
    pub(crate) fn add(&mut self, later: Self) {
        self.keys += later.keys;
        self.bytes += later.bytes;
        self.is_within = later.is_within;
    }
}

impl<S> Keyspace<S> {
    /// Returns whether the counted bytes are within `maxmemory`, or there is no limit.
    pub(crate) fn is_within_limit(&self) -> bool {
        !self.is_limited() || self.counted_bytes() <= self.options.get_maxmemory()
    }

    /// Returns the bytes that count towards `maxmemory`: [`allocation_size`](Self::allocation_size) minus
    /// [`snapshot_bytes`](Self::snapshot_bytes), plus the bytes of
    /// [`set_other_bytes`](Self::set_other_bytes). O(1).
    ///
    /// The bytes of a snapshot do not count, just as Redis does not count the pages that a fork copies.
    /// Otherwise removals would make no room during a snapshot, and writes would evict more keys.
    pub fn counted_bytes(&self) -> usize {
        self.size_without_snapshot().saturating_add(self.totals.eviction.other_bytes)
    }

    /// Sets the number of bytes outside the keyspace that count towards `maxmemory`, such as those of client
    /// buffers and [`lent_bytes`](Self::lent_bytes). If the counted bytes then exceed the limit, the next
    /// writes evict keys as after a lowered limit. O(1).
    ///
    /// ```
    /// use keyspace::{Keyspace, Options};
    /// let mut keyspace = Keyspace::with_options(Options::new().maxmemory(1 << 20));
    /// keyspace.set_other_bytes(1 << 20);
    /// let error = keyspace.set("key", "value", 0).unwrap_err();
    /// assert_eq!(error.reply(), "OOM command not allowed when used memory > 'maxmemory'.");
    /// ```
    pub fn set_other_bytes(&mut self, bytes: usize) {
        self.totals.eviction.other_bytes = bytes;
        self.update_limit();
    }

    /// Returns the number of bytes that [`set_other_bytes`](Self::set_other_bytes) has set.
    pub fn other_bytes(&self) -> usize {
        self.totals.eviction.other_bytes
    }

    /// Sets whether writes make room for themselves, which is the default. If they do not, no write is refused
    /// because of `maxmemory`, not even in the middle of [`set_many`](Self::set_many), and
    /// [`set_options`](Self::set_options) does not change that. The caller then evicts between writes, as Redis
    /// does, with [`evict_some`](Self::evict_some) or [`maintain`](Self::maintain). O(1).
    ///
    /// ```
    /// use keyspace::{Keyspace, Options};
    /// let mut keyspace = Keyspace::with_options(Options::new().maxmemory(1 << 20));
    /// keyspace.set_evicts_in_writes(false);
    /// keyspace.set("key", &*vec![b'x'; 2 << 20], 0)?;
    /// assert!(keyspace.counted_bytes() > 2 << 20);
    /// # Ok::<(), keyspace::Error>(())
    /// ```
    pub fn set_evicts_in_writes(&mut self, is_on: bool) {
        self.leaves_eviction = !is_on;
        self.update_limit();
    }

    #[inline]
    pub(crate) fn is_limited(&self) -> bool {
        self.options.get_maxmemory() != 0
    }

    /// Returns whether a write makes room for itself.
    #[inline]
    pub(crate) fn limits_writes(&self) -> bool {
        self.is_limited() && !self.leaves_eviction
    }

    /// Updates the ceiling and the allowance after the limit or the counted bytes have changed.
    pub(crate) fn update_limit(&mut self) {
        if self.is_limited() {
            self.totals.eviction.ceiling = self.options.get_maxmemory().max(self.counted_bytes());
            self.limit_growth(0);
        } else {
            self.totals.eviction.cancel_allowance();
            self.table.set_growth_limit(usize::MAX);
        }
    }

    /// Subtracts from the allowance the most bytes that a `SET` of this key and value can add. Returns
    /// `false` and subtracts nothing if the allowance is too small, or if the table is about to grow.
    #[inline]
    pub(crate) fn try_use_allowance(&mut self, key: &Key<'_>, value: Element<'_>) -> bool {
        let bytes = key.bytes().len().saturating_add(value.len());
        // A size class is up to a quarter larger than the requested size.
        let most = bytes.saturating_add(bytes / 4).saturating_add(WRITE_BYTES_MAX);
        match self.totals.eviction.allowance.checked_sub(most) {
            Some(left) if self.table.next_growth_bytes() == 0 => {
                self.totals.eviction.allowance = left;
                true
            }
            _ => false,
        }
    }

    /// Measures the room, and makes half of it the allowance.
    pub(crate) fn renew_allowance(&mut self) {
        let room = self.write_limit().saturating_sub(self.counted_bytes());
        self.limit_growth(room / 2);
        self.totals.eviction.allowance = room / 2;
    }

    /// Returns the most bytes that writes may leave in use.
    #[inline]
    fn write_limit(&self) -> usize {
        let eviction = &self.totals.eviction;
        let has_queue = eviction.is_s3fifo() && eviction.has_queue();
        self.options.get_maxmemory().saturating_sub(if has_queue { RESERVE_FOR_QUEUE } else { RESERVE })
    }

    /// Lets the table grow into the room that is left after `additional` bytes. Returns the bytes that the
    /// table may request. The allocator rounds a size up by at most a quarter, so they are four fifths of the
    /// room.
    pub(crate) fn limit_growth(&mut self, additional: usize) -> usize {
        self.totals.eviction.cancel_allowance();
        let left = self.write_limit().saturating_sub(self.counted_bytes()).saturating_sub(additional);
        let bytes = if self.leaves_eviction { usize::MAX } else { left / 5 * 4 };
        self.table.set_growth_limit(bytes);
        bytes
    }

    /// Lowers the ceiling to the counted bytes, but not below the limit.
    fn lower_ceiling(&mut self) {
        let (limit, counted) = (self.options.get_maxmemory(), self.counted_bytes());
        let eviction = &mut self.totals.eviction;
        eviction.ceiling = eviction.ceiling.min(counted).max(limit);
    }

    /// Returns the number of evictions after which one write may stop above the limit, if it is within the
    /// ceiling. `usize::MAX` unless the limit was lowered.
    fn victims_max(&self) -> usize {
        if self.totals.eviction.ceiling > self.options.get_maxmemory() {
            victims_max(self.options.get_maxmemory_eviction_tenacity())
        } else {
            usize::MAX
        }
    }
}

impl<S: BuildHasher> Keyspace<S> {
    /// Evicts keys until `additional` more bytes fit below `maxmemory`. Does nothing if there is no limit.
    ///
    /// Use it before a call whose closure adds to a value, such as [`edit_as`](Self::edit_as). The keyspace
    /// cannot know how much the closure will add, and evicts keys for any excess afterwards.
    ///
    /// After the limit was lowered, this evicts only as much as `maxmemory-eviction-tenacity` allows. It then
    /// succeeds if no more bytes will be in use than before.
    ///
    /// # Errors
    /// [`Error::MaxmemoryReached`] if it cannot make that much room. Keys may have been evicted, unless the
    /// bytes could never fit.
    ///
    /// ```
    /// use keyspace::{Error, Keyspace, Options};
    /// use values::list::Side;
    /// use values::{EncodingLimits, List};
    /// let mut keyspace = Keyspace::with_options(Options::new().maxmemory(10_000));
    /// let mut push = |bytes: &[u8]| {
    ///     keyspace.make_room(bytes.len() + 16, 0)?;
    ///     keyspace.edit_as::<List, _, _>("log", 0, |list| {
    ///         list.try_push(Side::Back, bytes, &EncodingLimits::DEFAULT)
    ///     })
    /// };
    /// push(&[b'x'; 1_000])?;
    /// assert!(matches!(push(&[b'x'; 20_000]), Err(Error::MaxmemoryReached { .. })));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn make_room(&mut self, additional: usize, now: u64) -> Result<(), Error> {
        if !self.limits_writes() || additional == 0 {
            return Ok(());
        }
        self.evict_for(additional, 0, now)
    }

    /// Evicts keys until the counted bytes are within `maxmemory`, but at most `budget` keys. Frees garbage
    /// first: eight blocks count as one key. Use it in idle time after the limit was lowered. In C:
    /// `performEvictions`.
    ///
    /// O(`budget`). Under a volatile policy, add the keys without an expiry that the search visits.
    pub fn evict_some(&mut self, now: u64, budget: usize) -> Evicted {
        self.evict_steps(now, budget).0
    }

    /// Like [`evict_some`](Self::evict_some). Also returns whether it has stopped because of the budget.
    pub(crate) fn evict_steps(&mut self, now: u64, budget: usize) -> (Evicted, bool) {
        let (mut evicted, mut is_cut_off) = (Evicted::default(), false);
        let before = self.counted_bytes();
        self.totals.eviction.protected = 0;
        let mut steps_left = budget;
        while !self.is_within_limit() && self.can_reach_limit() {
            if steps_left == 0 {
                is_cut_off = true;
                break;
            }
            let is_key = !self.totals.lazyfree.has_garbage();
            if !self.free_or_evict(now) {
                break;
            }
            evicted.keys += usize::from(is_key);
            steps_left -= 1;
        }
        if self.is_limited() {
            self.lower_ceiling();
        }
        evicted.bytes = before.saturating_sub(self.counted_bytes());
        evicted.is_within = self.is_within_limit();
        (evicted, is_cut_off)
    }

    /// Returns whether evictions can bring the counted bytes below the limit. They cannot if the bytes
    /// outside the keyspace alone reach it.
    fn can_reach_limit(&self) -> bool {
        self.totals.eviction.other_bytes < self.options.get_maxmemory()
    }

    /// Makes room for a new entry of a key. The new entry takes `size` bytes, and replaces the key's present
    /// entry, if there is one.
    #[inline]
    pub(crate) fn make_room_for(
        &mut self,
        key: &Key<'_>,
        hash: u64,
        size: usize,
        now: u64,
    ) -> Result<(), Error> {
        if !self.limits_writes() {
            return Ok(());
        }
        self.begin_write();
        let fits = self.counted_bytes().saturating_add(size) <= self.write_limit();
        if fits && self.table.next_growth_bytes() == 0 {
            return Ok(());
        }
        self.make_room_at_limit(key, hash, size, now)
    }

    #[inline(never)]
    fn make_room_at_limit(&mut self, key: &Key<'_>, hash: u64, size: usize, now: u64) -> Result<(), Error> {
        key.check()?;
        self.prefetch_new(hash);
        let old = self.table.find(hash, |entry| entry.has_key(key.bytes(), &self.reading.tables));
        let (old_size, address) = old.map_or((0, 0), |old| (old.usable_size(), old.address().addr()));
        let additional = size.saturating_sub(old_size);
        if additional > 0 && size > self.write_limit().saturating_sub(self.totals.eviction.other_bytes) {
            return self.limit_error(size);
        }
        if address != 0 {
            return self.evict_for(additional, address, now);
        }
        self.evict_for(size, 0, now)?;
        let mut steps_left = self.victims_max();
        while self.table.next_growth_bytes() > self.limit_growth(size) && !self.table.is_empty() {
            let is_key = !self.totals.lazyfree.has_garbage();
            if !self.free_or_evict(now) || is_key || steps_left == 0 {
                self.limit_growth(size);
                break;
            }
            steps_left -= 1;
        }
        Ok(())
    }

    /// Makes room for more bytes in the value of a key. `additional` gets the key's entry, if there is one,
    /// and returns the number of bytes.
    #[inline]
    pub(crate) fn make_room_in(
        &mut self,
        key: &Key<'_>,
        hash: u64,
        now: u64,
        additional: impl FnOnce(Option<&Entry>) -> usize,
    ) -> Result<(), Error> {
        if !self.limits_writes() {
            return Ok(());
        }
        let entry = self.find(hash, key, now);
        let address = entry.map_or(0, |entry| entry.address().addr());
        let additional = additional(entry);
        self.evict_for(additional, address, now)
    }

    /// Makes room for elements that are added to a collection: for their bytes, and for some bytes of the
    /// collection itself.
    #[inline]
    pub(crate) fn make_room_for_elements<const N: usize>(
        &mut self,
        key: &Key<'_>,
        elements: [Element<'_>; N],
        now: u64,
    ) -> Result<(), Error> {
        if !self.limits_writes() {
            return Ok(());
        }
        let bytes = elements.iter().fold(ELEMENT_BYTES, |sum, element| sum.saturating_add(element.len()));
        self.make_room_in(key, self.hash_of(key), now, |entry| match entry {
            Some(entry) if entry.object_type() == values::ObjectType::String => 0, // refused later
            _ => bytes,
        })
    }

    /// Evicts keys until `additional` bytes fit, but not the entry at the address `protected`. The table may
    /// then grow into the room that is left.
    #[inline(never)]
    fn evict_for(&mut self, additional: usize, protected: usize, now: u64) -> Result<(), Error> {
        self.lower_ceiling();
        let limit = self.write_limit();
        if additional > limit.saturating_sub(self.totals.eviction.other_bytes) {
            return self.limit_error(additional);
        }
        let mut victims_left = self.victims_max();
        self.totals.eviction.protected = protected;
        let is_room = loop {
            let after = self.counted_bytes().saturating_add(additional);
            if additional == 0 || after <= limit || victims_left == 0 && after <= self.totals.eviction.ceiling
            {
                break true;
            }
            if !self.free_or_evict(now) {
                break false;
            }
            victims_left = victims_left.saturating_sub(1);
        };
        self.totals.eviction.protected = 0;
        self.limit_growth(additional);
        if is_room { Ok(()) } else { self.limit_error(additional) }
    }

    /// Frees eight blocks of garbage. If there is no garbage, evicts a key. Returns `false` if no key may be
    /// evicted.
    fn free_or_evict(&mut self, now: u64) -> bool {
        if self.totals.lazyfree.has_garbage() {
            self.totals.lazyfree.free(BLOCKS_PER_VICTIM);
            return true;
        }
        self.evict_one(now)
    }

    fn limit_error(&self, additional: usize) -> Result<(), Error> {
        Err(Error::MaxmemoryReached { additional, maxmemory: self.options.get_maxmemory() })
    }

    /// Begins a write whose bytes are not known, or are not subtracted from the allowance.
    #[inline]
    pub(crate) fn begin_write(&mut self) {
        self.totals.eviction.cancel_allowance();
        if self.totals.eviction.ceiling > self.options.get_maxmemory() {
            self.lower_ceiling();
        }
    }

    /// Evicts keys for what a write to this key has added beyond the limit. The key itself is evicted last.
    #[inline]
    pub(crate) fn evict_excess(&mut self, key: &Key<'_>, hash: u64, now: u64) {
        self.totals.eviction.cancel_allowance();
        if self.limits_writes() && !self.is_within_limit() {
            self.evict_excess_above(key, hash, now);
        }
    }

    #[cold]
    fn evict_excess_above(&mut self, key: &Key<'_>, hash: u64, now: u64) {
        let mut victims_left = self.victims_max();
        let written = self.table.find(hash, |entry| entry.has_key(key.bytes(), &self.reading.tables));
        self.totals.eviction.protected = written.map_or(0, |entry| entry.address().addr());
        while self.can_reach_limit()
            && self.counted_bytes() > self.write_limit()
            && (victims_left > 0 || self.counted_bytes() > self.totals.eviction.ceiling)
        {
            victims_left = victims_left.saturating_sub(1);
            if !self.free_or_evict(now) {
                if self.totals.eviction.protected == 0 {
                    break;
                }
                self.totals.eviction.protected = 0;
            }
        }
        self.totals.eviction.protected = 0;
        self.lower_ceiling();
    }
}

/// Returns the number of evictions after which a write may stop above the limit, for this tenacity.
///
/// Redis' tenacity is a time: 50 us per step up to 10, 15 % more with each step above, and no limit at 100. A
/// keyspace has no clock, so one key stands for half a microsecond. An eviction takes about that long
/// (docs/src/eviction.md).
fn victims_max(tenacity: u8) -> usize {
    match tenacity {
        0 => 16,
        1..=10 => 100 * usize::from(tenacity),
        11..=99 => (11..=tenacity).fold(1_000_usize, |victims, _step| victims + victims / 20 * 3),
        _ => usize::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::victims_max;

    #[test]
    fn more_tenacity_evicts_more_and_the_most_has_no_bound() {
        assert_eq!([0, 1, 10, 11, 100].map(victims_max), [16, 100, 1_000, 1_150, usize::MAX]);
        assert!((1..=100).all(|tenacity| victims_max(tenacity - 1) < victims_max(tenacity)));
        assert!(victims_max(99) > 200_000_000);
    }
}
