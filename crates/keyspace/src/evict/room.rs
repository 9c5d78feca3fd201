//! How much memory there is, and how writes keep to it.
//!
//! A write knows about how many bytes it adds. It makes room for them first, and evicts for that. If it cannot get
//! the room it fails, and has changed nothing. A closure that edits a value may add more than was said. The keys
//! that are then too many are evicted before the call returns.
//!
//! **The table's own growth** waits until there is room for it: a step takes up to 256 KiB, for which thousands of
//! keys would have to go at once. While it waits, each new key evicts one more than it needs.
//!
//! **A limit that is lowered** leaves more in memory than is allowed. No call evicts all of that: each write evicts
//! what it needs, and as much more as `maxmemory-eviction-tenacity` allows.

use crate::entry::Entry;
use crate::error::Error;
use crate::key::Key;
use crate::keyspace::Keyspace;
use core::hash::BuildHasher;
use dict::Table;
use values::Element;

/// Bytes below the limit that writes leave free: for a few overflow children of the table, which an insert or a
/// removal may need, and for what eviction needs to begin.
const RESERVE: usize = 1_024;

/// About what a new element takes beside its bytes.
const ELEMENT_BYTES: usize = 64;

/// What an eviction has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Evicted {
    /// Keys that were evicted or had expired.
    pub keys: usize,
    /// Bytes that count for `maxmemory` and are no longer in use.
    pub bytes: usize,
    /// Whether the bytes that count are now at most `maxmemory`, or there is no limit.
    pub is_within: bool,
}

impl<S> Keyspace<S> {
    /// The bytes that count for `maxmemory`: [`allocation_size`](Self::allocation_size), and those of
    /// [`set_other_bytes`](Self::set_other_bytes). Constant time.
    pub fn counted_bytes(&self) -> usize {
        self.allocation_size().saturating_add(self.totals.eviction.other_bytes)
    }

    /// Says how many bytes of others count for `maxmemory`, such as the buffers of clients and
    /// [`lent_bytes`](Self::lent_bytes). The next write evicts if that is too much. Constant time.
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
        self.note_limit();
    }

    /// What [`set_other_bytes`](Self::set_other_bytes) said last.
    pub fn other_bytes(&self) -> usize {
        self.totals.eviction.other_bytes
    }

    #[inline]
    pub(crate) fn is_limited(&self) -> bool {
        self.options.get_maxmemory() != 0
    }

    /// The limit or what counts has changed.
    pub(crate) fn note_limit(&mut self) {
        self.totals.eviction.is_above =
            self.is_limited() && self.counted_bytes() > self.options.get_maxmemory();
        if !self.is_limited() {
            self.table.set_growth_limit(usize::MAX);
        }
    }
}

impl<S: BuildHasher> Keyspace<S> {
    /// Evicts keys until `additional` more bytes fit below `maxmemory`. For a call whose closure adds to a value,
    /// such as [`edit_as`](Self::edit_as): a keyspace cannot know what it will add, and evicts afterwards what
    /// was too much. Without a limit it does nothing.
    ///
    /// If the limit was lowered, evicts as much as `maxmemory-eviction-tenacity` allows, and then succeeds if there
    /// is no more in use than before.
    ///
    /// # Errors
    /// [`Error::MaxmemoryReached`] if so much cannot be had. Keys may have been evicted, unless the limit itself is
    /// too low.
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
        if !self.is_limited() || additional == 0 {
            return Ok(());
        }
        self.make_room_by(now, |_table| additional)
    }

    /// Evicts keys until the bytes that count are at most `maxmemory`, but at most `budget` keys. For idle time, after
    /// the limit was lowered. O(`budget`), and the values that are dropped. In C: `performEvictions`.
    pub fn evict_some(&mut self, now: u64, budget: usize) -> Evicted {
        let mut evicted = Evicted::default();
        let before = self.counted_bytes();
        while self.exceeds_limit() && evicted.keys < budget && self.evict_one(now) {
            evicted.keys += 1;
        }
        let after = self.counted_bytes();
        evicted.bytes = before.saturating_sub(after);
        evicted.is_within = !self.exceeds_limit();
        self.totals.eviction.is_above &= !evicted.is_within;
        evicted
    }

    fn exceeds_limit(&self) -> bool {
        self.is_limited() && self.counted_bytes() > self.options.get_maxmemory()
    }

    /// Makes room for the entry of a key, which takes `size` bytes and takes the place of one that is there.
    #[inline]
    pub(crate) fn make_room_for(
        &mut self,
        key: &Key<'_>,
        hash: u64,
        size: usize,
        now: u64,
    ) -> Result<(), Error> {
        if !self.is_limited() {
            return Ok(());
        }
        let fits = self.counted_bytes().saturating_add(size) <= self.limit();
        if fits && self.table.next_growth_bytes() == 0 {
            return Ok(());
        }
        self.prefetch_new(hash);
        self.make_room_by(now, |table| match table.find(hash, |entry| entry.has_key(key.bytes())) {
            Some(old) => size.saturating_sub(old.allocation_size()),
            None => size,
        })
    }

    /// Makes room for elements that are added to a collection: for their bytes, and for some of the collection's
    /// own.
    #[inline]
    pub(crate) fn make_room_for_elements<const N: usize>(
        &mut self,
        elements: [Element<'_>; N],
        now: u64,
    ) -> Result<(), Error> {
        if !self.is_limited() {
            return Ok(());
        }
        let bytes = elements.iter().fold(ELEMENT_BYTES, |sum, element| sum.saturating_add(element.len()));
        self.make_room(bytes, now)
    }

    /// Makes room for the expiry of a key that has none.
    pub(crate) fn make_room_for_expiry(&mut self, key: &Key<'_>, hash: u64, now: u64) -> Result<(), Error> {
        if !self.is_limited() {
            return Ok(());
        }
        let entry = self.find(hash, key, now).filter(|entry| !entry.expires());
        let growth = entry.map_or(0, |entry| entry.growth_by(size_of::<u64>()));
        self.make_room(growth, now)
    }

    /// Makes room for another key of so many bytes, in the place of one that is there.
    pub(crate) fn make_room_for_longer_key(
        &mut self,
        key: &Key<'_>,
        hash: u64,
        new_len: usize,
        now: u64,
    ) -> Result<(), Error> {
        let longer = new_len.saturating_sub(key.bytes().len());
        if !self.is_limited() || longer == 0 {
            return Ok(());
        }
        // A length of five bytes may take the place of one of one byte.
        let growth = self.find(hash, key, now).map_or(0, |entry| entry.growth_by(longer + 4));
        self.make_room(growth, now)
    }

    /// Makes room for what `growth` says, which is asked again after each eviction: the victim may be the very key
    /// that is written to.
    #[inline(never)]
    fn make_room_by(&mut self, now: u64, growth: impl Fn(&Table<Entry>) -> usize) -> Result<(), Error> {
        let (limit, start) = (self.limit(), self.counted_bytes());
        let mut additional = growth(&self.table);
        let maxmemory = self.options.get_maxmemory();
        let refused = |additional| Err(Error::MaxmemoryReached { additional, maxmemory });
        if additional == 0 {
            self.limit_growth(0);
            return Ok(());
        }
        if additional > limit.saturating_sub(self.totals.eviction.other_bytes) {
            return refused(additional);
        }
        let mut left = self.victims_max();
        while self.counted_bytes().saturating_add(additional) > limit {
            let is_less = self.counted_bytes() + additional <= start;
            if left == 0 && is_less {
                break;
            }
            if !self.evict_one(now) {
                return refused(additional);
            }
            left = left.saturating_sub(1);
            additional = growth(&self.table);
        }
        self.totals.eviction.is_above &= self.counted_bytes() > limit;
        if self.table.next_growth_bytes() > self.limit_growth(additional) && !self.table.is_empty() {
            self.evict_one(now);
            self.limit_growth(additional);
        }
        Ok(())
    }

    /// What writes may fill.
    #[inline]
    fn limit(&self) -> usize {
        self.options.get_maxmemory().saturating_sub(RESERVE)
    }

    /// The table may grow by what is left beside so many bytes, and by how much that is. The allocator rounds it
    /// up by a quarter at most.
    fn limit_growth(&mut self, additional: usize) -> usize {
        let left = self.limit().saturating_sub(self.counted_bytes()).saturating_sub(additional);
        let bytes = left / 5 * 4;
        self.table.set_growth_limit(bytes);
        bytes
    }

    /// Evicts what a write has added beyond the limit.
    #[inline]
    pub(crate) fn settle(&mut self, now: u64) {
        if self.exceeds_limit() {
            self.evict_some(now, self.victims_max());
        }
    }

    /// How many keys one write may evict beyond its need. There is no bound unless the limit was lowered: a write
    /// alone never leaves more than the limit.
    fn victims_max(&self) -> usize {
        if self.totals.eviction.is_above {
            victims_max(self.options.get_maxmemory_eviction_tenacity())
        } else {
            usize::MAX
        }
    }
}

/// How many keys a write may evict beyond its need, with that tenacity. Redis' tenacity is a time: 50 us a step up to
/// 10, 15 % more with each step above, and no limit at 100. Here it is that time by half a microsecond a key.
fn victims_max(tenacity: u8) -> usize {
    match tenacity {
        0 => 16,
        1..=10 => 100 * usize::from(tenacity),
        11..=99 => (11..=tenacity).fold(1_000, |victims, _step| victims * 115 / 100),
        _ => usize::MAX,
    }
}
