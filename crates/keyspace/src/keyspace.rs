//! [`Keyspace`]: one database.
//!
//! ```text
//!  Keyspace -> Table, six bytes an entry, a mark for those with an expiry  ->  entry blocks (`entry`)
//!           -> options, hash, sums of bytes and expiries, callback
//! ```
//!
//! This file has what is common to all operations: looking a key up to read it or to write it. Each of the
//! other files has a group of operations: `strings`, `collections`, `expire`, `sweep`, `remove`, `rename`,
//! `scan`, `batch`, `object`, `lazyfree`, `snapshot`, `defrag`, `maintain`, `report`.
//!
//! Time is an argument of every operation that depends on it: `now`, in milliseconds since 1970, or since any
//! other moment if no absolute expiry is used. It must not go back.

use crate::access::Access;
use crate::coded::Coder;
use crate::defrag::Defrag;
use crate::entry::{Entry, EntryView, ShortKey};
use crate::error::Error;
use crate::event::Event;
use crate::key::Key;
use crate::maintain::Upkeep;
use crate::options::Options;
use crate::reading::Reading;
use crate::sweep::Recent;
use crate::totals::Totals;
use allocator_api2::boxed::Box;
use allocator_api2::unsize_box;
use common::Cursor;
use core::fmt;
use core::hash::BuildHasher;
use dict::table::{self, OccupiedEntry, VacantEntry};
use dict::{DefaultHashBuilder, Table};
use values::ReserveError;
use zmalloc::Zmalloc;

/// One database: keys, the values of five types, and the time at which a key expires. In C: `redisDb`.
///
/// See the [crate's page](crate) for an example and for what it costs. Writing methods take `&mut self`.
/// Reading methods take `&self` and can run on several threads at once, under a read lock. Nothing here has a
/// clock, a thread or a setting of the whole process.
///
/// With [`maxmemory`](Options::maxmemory) set, an operation that adds evicts keys first, but never the one
/// that it writes to, or fails with [`Error::MaxmemoryReached`]. After it the bytes are within the limit; see
/// [`make_room`](Self::make_room) for the exception.
///
/// An operation that fails leaves key and value as they were. But what a closure of the caller's has done
/// before it failed stays done, and [`set_many`](Self::set_many) stops in the middle. A method without memory
/// returns an error ([`Error::reserve_error`]) and does not call the out-of-memory handler. The exceptions
/// are [`StringRef::to_bytes`](crate::StringRef::to_bytes), because `bytes` allocates by itself, the counter of
/// [`take_garbage`](Keyspace::take_garbage), and [`train_symbols`](Keyspace::train_symbols).
pub struct Keyspace<S = DefaultHashBuilder> {
    pub(crate) table: Table<Entry>,
    pub(crate) hasher: S,
    pub(crate) options: Options,
    pub(crate) totals: Totals,
    /// Where the next sweep continues, and what the last ones have found.
    pub(crate) sweep: Cursor,
    pub(crate) recent: Recent,
    pub(crate) defrag: Defrag,
    pub(crate) upkeep: Upkeep,
    pub(crate) reading: Reading,
    pub(crate) coder: Coder,
}

impl Keyspace {
    /// An empty keyspace with the default options, whose hash has a random seed. Allocates nothing.
    pub fn new() -> Self {
        Self::with_options(Options::default())
    }

    /// An empty keyspace with these options, whose hash has a random seed.
    pub fn with_options(options: Options) -> Self {
        Self::with_options_and_hasher(options, DefaultHashBuilder::new())
    }
}

impl<S: Default> Default for Keyspace<S> {
    fn default() -> Self {
        Self::with_hasher(S::default())
    }
}

impl<S> Keyspace<S> {
    /// An empty keyspace with the default options and the caller's hasher.
    pub fn with_hasher(hasher: S) -> Self {
        Self::with_options_and_hasher(Options::default(), hasher)
    }

    /// An empty keyspace with the caller's hasher. A fixed seed ([`DefaultHashBuilder::with_seed`]) gives the
    /// same order of keys in every run.
    pub fn with_options_and_hasher(options: Options, hasher: S) -> Self {
        let mut keyspace = Self {
            table: Table::new(),
            hasher,
            options,
            totals: Totals::default(),
            sweep: Cursor::START,
            recent: Recent::default(),
            defrag: Defrag::default(),
            upkeep: Upkeep::default(),
            reading: Reading::default(),
            coder: Coder::default(),
        };
        keyspace.apply_options();
        keyspace
    }

    /// How many keys there are, expired ones included that have not been removed yet. In C: `DBSIZE`.
    #[inline]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is no key.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many keys have an expiry. In C: the `expires` of INFO keyspace.
    #[inline]
    pub fn expires(&self) -> usize {
        self.totals.expires
    }

    /// The options.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Replaces the options, at any time. Values keep their encoding until they are written to. A change
    /// between LRU and LFU gives the clocks of all keys another meaning, as `CONFIG SET maxmemory-policy`
    /// does. A change to or from S3-FIFO, or between its two policies, resets all clocks: O(n). After a limit
    /// is lowered, writes evict step by step; see [`evict_some`](Self::evict_some).
    pub fn set_options(&mut self, options: Options) {
        self.options = options;
        self.apply_options();
        self.totals.snapshot.note_clock(options.get_maxmemory_policy().ranking().clock());
        self.note_limit();
    }

    fn apply_options(&mut self) {
        self.totals.lazyfree.lazy = self.options.lazy();
        self.apply_policy();
    }

    /// Calls `on_event` after every operation that may have changed a key. Replaces the previous callback.
    /// The callback must not panic. In C: `notify-keyspace-events`.
    ///
    /// # Errors
    /// If there is no memory for the callback. The one before then stays.
    ///
    /// ```
    /// use keyspace::{Event, Keyspace};
    /// use std::sync::{Arc, Mutex};
    /// let (mut keyspace, log) = (Keyspace::new(), Arc::new(Mutex::new(Vec::new())));
    /// let to = log.clone();
    /// keyspace.on_event(move |event| {
    ///     if let Event::Removed(key) = event {
    ///         to.lock().unwrap().push(key.to_vec());
    ///     }
    /// })?;
    /// keyspace.set("a", 1, 0)?;
    /// keyspace.remove("a", 0);
    /// assert_eq!(*log.lock().unwrap(), [b"a"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_event<F>(&mut self, on_event: F) -> Result<(), ReserveError>
    where
        F: FnMut(Event<'_>) + Send + Sync + 'static,
    {
        let no_memory = ReserveError::OutOfMemory { size: size_of::<F>() };
        self.totals.on_event = Some(unsize_box!(Box::try_new_in(on_event, Zmalloc).map_err(|_| no_memory)?));
        Ok(())
    }

    /// Drops the callback.
    pub fn clear_on_event(&mut self) {
        self.totals.on_event = None;
    }

    /// Bytes that this keyspace adds to `used_memory`: its table, its entries and all blocks of their values,
    /// its garbage ([`lazyfree_pending_bytes`](Self::lazyfree_pending_bytes)), and what a snapshot holds
    /// ([`snapshot_bytes`](Self::snapshot_bytes)). Constant time, exact.
    ///
    /// A string that a reply still holds after its key was removed is no longer counted here: see
    /// [`lent_bytes`](Self::lent_bytes). Three things are not counted: the callback for events, symbol
    /// tables, which keyspaces share, and the buffers for [coded strings](Self::set_symbols). These have at most
    /// 8 KiB, and about 100 KiB while existing strings get a new form.
    #[inline]
    pub fn allocation_size(&self) -> usize {
        self.size_without_snapshot() + self.totals.snapshot.allocation_size()
    }

    /// [`allocation_size`](Self::allocation_size) without what a snapshot holds.
    #[inline]
    pub(crate) fn size_without_snapshot(&self) -> usize {
        self.table.allocation_size()
            + self.totals.entry_bytes
            + self.totals.eviction.allocation_size()
            + self.totals.lazyfree.allocation_size()
            + self.defrag.allocation_size()
    }

    /// The sum over all replies that share a string ([`StringRef::to_bytes`](crate::StringRef::to_bytes)), in
    /// bytes, for as long as they are held. A string that several replies share counts several times, and its
    /// key may still have it. So this is at most what removing keys leaves in use. Constant time.
    ///
    /// ```
    /// # let mut keyspace = keyspace::Keyspace::new();
    /// keyspace.set("long", &[b'x'; 2_000], 0)?;
    /// let reply = keyspace.get_string("long", 0)?.unwrap().to_bytes();
    /// keyspace.remove("long", 0);
    /// assert!(keyspace.lent_bytes() > 2_000);
    /// drop(reply);
    /// assert_eq!(keyspace.lent_bytes(), 0);
    /// # Ok::<(), keyspace::Error>(())
    /// ```
    pub fn lent_bytes(&self) -> usize {
        self.reading.lent.bytes() + self.totals.snapshot.lent_bytes()
    }

    /// The entry of a key that is there at `now`, for writing. An expired one is removed.
    #[inline]
    pub(crate) fn find_mut(
        &mut self,
        hash: u64,
        key: &Key<'_>,
        now: u64,
    ) -> Option<(OccupiedEntry<'_, Entry>, &mut Totals, &Options)> {
        let entry = self.table.find_entry(hash, |entry| entry.has_key(key.bytes())).ok()?;
        if entry.get().is_expired(now) {
            self.totals.expire(entry);
            return None;
        }
        Some((entry, &mut self.totals, &self.options))
    }
}

/// What a look-up for writing finds.
pub(crate) enum Found<'t> {
    /// The key is there.
    Live(OccupiedEntry<'t, Entry>),
    /// The key is not there. An expired one has just been removed.
    Absent(VacantEntry<'t, Entry>),
}

impl<S: BuildHasher> Keyspace<S> {
    /// The hash of a key, for [`Key::with_hash`]. Keyspaces with the same hasher agree.
    #[inline]
    pub fn hash_key(&self, key: &[u8]) -> u64 {
        self.hasher.hash_one(key)
    }

    #[inline]
    pub(crate) fn hash_of(&self, key: &Key<'_>) -> u64 {
        key.hash_or(|bytes| self.hash_key(bytes))
    }

    /// The entry of a key that is there at `now`.
    #[inline]
    pub(crate) fn find(&self, hash: u64, key: &Key<'_>, now: u64) -> Option<&Entry> {
        let entry = self.table.find(hash, |entry| entry.has_key(key.bytes()))?;
        (!entry.is_expired(now)).then_some(entry)
    }

    /// The entry of a key that is there at `now`, for reading. The read counts in its access clock.
    #[inline]
    pub(crate) fn access(&self, key: &Key<'_>, now: u64) -> Option<EntryView<'_>> {
        match ShortKey::new(key.bytes()) {
            Some(short) => self.access_short(short, self.hash_of(key), now),
            None => self.access_other(key, now),
        }
    }

    /// [`access`](Self::access) for a short key.
    ///
    /// The code up to `access_hashed` has no call, and so saves no registers. A look-up gets there if another
    /// entry of its chunk has the same tag, if its entry has overflowed, or under an LFU policy.
    #[inline]
    fn access_short(&self, key: ShortKey<'_>, hash: u64, now: u64) -> Option<EntryView<'_>> {
        if !self.options.get_maxmemory_policy().is_lfu()
            && let Ok(found) = self.table.find_first(hash, |entry| entry.view_of_short(key))
        {
            let entry = found.filter(|entry| !entry.is_expired(now))?;
            Access::read_at(&self.options, now).touch(entry, hash);
            return Some(entry);
        }
        self.access_hashed(key.bytes(), hash, now)
    }

    /// [`access`](Self::access) for a key that is not short.
    #[inline(never)]
    fn access_other(&self, key: &Key<'_>, now: u64) -> Option<EntryView<'_>> {
        self.access_hashed(key.bytes(), self.hash_of(key), now)
    }

    /// [`access`](Self::access) for all keys and policies.
    #[inline(never)]
    fn access_hashed(&self, key: &[u8], hash: u64, now: u64) -> Option<EntryView<'_>> {
        let entry = self.table.find_map(hash, |entry| entry.view_of(key))?;
        if entry.is_expired(now) {
            return None;
        }
        Access::read_at(&self.options, now).touch(entry, hash);
        Some(entry)
    }

    /// [`find`](Self::find) by the key alone, for operations that do not count as an access.
    #[inline]
    pub(crate) fn peek(&self, key: &Key<'_>, now: u64) -> Option<&Entry> {
        self.find(self.hash_of(key), key, now)
    }

    /// The entry of a key that is there at `now`, or the place for it. An expired one is removed.
    #[inline]
    pub(crate) fn find_or_place(
        &mut self,
        hash: u64,
        key: &Key<'_>,
        now: u64,
    ) -> Result<(Found<'_>, &mut Totals, &Options), Error> {
        let found = match try_entry(&mut self.table, &self.hasher, hash, key)? {
            table::Entry::Vacant(place) => Found::Absent(place),
            table::Entry::Occupied(entry) if entry.get().is_expired(now) => {
                Found::Absent(self.totals.take_expired(entry))
            }
            table::Entry::Occupied(entry) => Found::Live(entry),
        };
        Ok((found, &mut self.totals, &self.options))
    }
}

/// The entry of a key, expired or not, or the place for it.
#[inline]
pub(crate) fn try_entry<'t>(
    table: &'t mut Table<Entry>,
    hasher: &impl BuildHasher,
    hash: u64,
    key: &Key<'_>,
) -> Result<table::Entry<'t, Entry>, Error> {
    key.check()?;
    let has_key = |entry: &Entry| entry.has_key(key.bytes());
    Ok(table.try_entry(hash, has_key, |entry| hasher.hash_one(entry.key()))?)
}

impl<S> fmt::Debug for Keyspace<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyspace")
            .field("len", &self.len())
            .field("totals", &self.totals)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
