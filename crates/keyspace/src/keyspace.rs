//! [`Keyspace`]: one database of keys and values.
//!
//! ```text
//!  Keyspace -> Table, six bytes an entry, a mark for those with an expiry  ->  entry blocks (`entry`)
//!           -> options, hash, sums of bytes and expiries, callback, symbol tables
//! ```
//!
//! This file has the part that is common to all operations: it looks a key up, for reading or for writing.
//! Each of the other files has a group of operations: `strings`, `collections`, `expire`, `sweep`, `remove`,
//! `rename`, `restore`, `scan`, `batch`, `object`, `lazyfree`, `snapshot`, `defrag`, `maintain`, `report`.
//! `coded`, `recode`, `training` and `symbols_report` have coded strings and keys.
//!
//! Time is an argument of every operation that depends on it: `now`, in milliseconds since 1970, or since any
//! other moment if no absolute expiry is used. The time must not go backwards.

use crate::access::Access;
use crate::coded::Coder;
use crate::defrag::Defrag;
use crate::entry::{Entry, EntryView, ShortKey};
use crate::error::Error;
use crate::event::Event;
use crate::key::Key;
use crate::maintain::MaintainState;
use crate::options::Options;
use crate::reading::{Reading, Tables};
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

/// One database: keys, their values of five types, and the times at which keys expire. In C: `redisDb`.
///
/// Taught in the chapter `docs/src/build-a-store.md`.
///
/// See the [crate's page](crate) for an example and for the costs. Writing methods take `&mut self`. Reading
/// methods take `&self` and can run on several threads at once, under a read lock. A keyspace has no clock
/// and no thread, and changes no setting of the process.
///
/// If [`maxmemory`](Options::maxmemory) is set, an operation that adds data evicts keys first. It never
/// evicts the key that it writes to. If no room can be made, it fails with [`Error::MaxmemoryReached`]. After
/// the operation the keyspace is within the limit; see [`make_room`](Self::make_room) for the exception.
///
/// An operation that fails leaves the key and its value unchanged. There are two exceptions: changes that a
/// caller's closure made before it failed are kept, and [`set_many`](Self::set_many) stops in the middle.
///
/// If there is no memory, a method returns an error ([`Error::reserve_error`]), and does not call the
/// out-of-memory handler. There are three exceptions: [`StringRef::to_bytes`](crate::StringRef::to_bytes),
/// because `bytes` allocates by itself, the first call of [`take_garbage`](Keyspace::take_garbage), and
/// [`train_symbols`](Keyspace::train_symbols).
pub struct Keyspace<S = DefaultHashBuilder> {
    pub(crate) table: Table<Entry>,
    pub(crate) hasher: S,
    pub(crate) options: Options,
    /// Whether only the caller evicts. See [`set_evicts_in_writes`](Self::set_evicts_in_writes).
    pub(crate) leaves_eviction: bool,
    pub(crate) totals: Totals,
    /// Where the next sweep continues.
    pub(crate) sweep: Cursor,
    /// What the last sweeps have found.
    pub(crate) recent: Recent,
    pub(crate) defrag: Defrag,
    pub(crate) maintain_state: MaintainState,
    pub(crate) reading: Reading,
    pub(crate) coder: Coder,
}

impl Keyspace {
    /// Returns an empty keyspace with the default options. Its hasher has a random seed. Allocates nothing.
    pub fn new() -> Self {
        Self::with_options(Options::default())
    }

    /// Returns an empty keyspace with these options. Its hasher has a random seed.
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
    /// Returns an empty keyspace with the default options and this hasher.
    pub fn with_hasher(hasher: S) -> Self {
        Self::with_options_and_hasher(Options::default(), hasher)
    }

    /// Returns an empty keyspace with these options and this hasher. A hasher with a fixed seed
    /// ([`DefaultHashBuilder::with_seed`]) gives the same order of keys in every run.
    pub fn with_options_and_hasher(options: Options, hasher: S) -> Self {
        let mut keyspace = Self {
            table: Table::new(),
            hasher,
            options,
            leaves_eviction: false,
            totals: Totals::default(),
            sweep: Cursor::START,
            recent: Recent::default(),
            defrag: Defrag::default(),
            maintain_state: MaintainState::default(),
            reading: Reading::default(),
            coder: Coder::default(),
        };
        keyspace.apply_options();
        keyspace
    }

    /// Returns the number of keys. Keys that have expired but are not removed yet are included. In C:
    /// `DBSIZE`.
    #[inline]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Returns `true` if the keyspace has no keys.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of keys that have an expiry. In C: the `expires` of INFO keyspace.
    #[inline]
    pub fn expires(&self) -> usize {
        self.totals.expires
    }

    /// Returns the number of keys that were removed because they had expired, since the keyspace was created.
    /// In C: `expired_keys` of INFO stats.
    pub fn expired_keys(&self) -> u64 {
        self.totals.expired_keys
    }

    /// Returns the options.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Replaces the options. A value keeps its encoding until it is written to.
    ///
    /// A change between LRU and LFU gives the clocks of all keys another meaning, as `CONFIG SET
    /// maxmemory-policy` does. A change to or from S3-FIFO, or between its two policies, resets all clocks,
    /// which is O(n). After `maxmemory` is lowered, writes evict step by step; see
    /// [`evict_some`](Self::evict_some).
    pub fn set_options(&mut self, options: Options) {
        self.options = options;
        self.apply_options();
        self.totals.snapshot.note_clock(options.get_maxmemory_policy().ranking().clock());
        self.update_limit();
    }

    /// Lets reads and writes leave the access clocks of keys unchanged, or change them again. A new key has a
    /// clock, and writes still set the clock under LRM policies, which rank modifications.
    /// [`set_options`](Self::set_options) also ends this. In C: `CLIENT NO-TOUCH`.
    ///
    /// ```
    /// let mut keyspace = keyspace::Keyspace::new();
    /// keyspace.set("a", 1, 0)?;
    /// keyspace.set_no_touch(true);
    /// keyspace.get("a", 60_000);
    /// keyspace.append("a", b"0", 60_000)?;
    /// assert_eq!(keyspace.idle_time("a", 60_000), Some(60));
    /// keyspace.set_no_touch(false);
    /// keyspace.get("a", 60_000);
    /// assert_eq!(keyspace.idle_time("a", 60_000), Some(0));
    /// # Ok::<(), keyspace::Error>(())
    /// ```
    pub fn set_no_touch(&mut self, is_on: bool) {
        self.options.is_no_touch = is_on;
    }

    fn apply_options(&mut self) {
        self.totals.lazyfree.lazy = self.options.lazy();
        self.apply_policy();
    }

    /// Calls `on_event` after every operation that may have changed a key. Replaces the previous callback.
    /// The callback must not panic. In C: `notify-keyspace-events`.
    ///
    /// # Errors
    /// If there is no memory for the callback. The previous callback is then kept.
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

    /// Returns the bytes that this keyspace adds to `used_memory`: its table, its entries and all blocks of
    /// their values, its garbage ([`lazyfree_pending_bytes`](Self::lazyfree_pending_bytes)), and the memory
    /// of a snapshot ([`snapshot_bytes`](Self::snapshot_bytes)). Exact and O(1).
    ///
    /// A string that a reply still holds after its key was removed is not included; see
    /// [`lent_bytes`](Self::lent_bytes). Three other things are not counted: the callback for events, the
    /// symbol tables, which several keyspaces share, and the buffers for [coding strings and
    /// keys](Self::set_symbols). The buffers take at most 10 KiB, and about 100 KiB while existing strings
    /// and keys are recoded.
    #[inline]
    pub fn allocation_size(&self) -> usize {
        self.size_without_snapshot() + self.totals.snapshot.allocation_size()
    }

    /// Returns [`allocation_size`](Self::allocation_size) without the memory of a snapshot.
    #[inline]
    pub(crate) fn size_without_snapshot(&self) -> usize {
        self.table.allocation_size()
            + self.totals.entry_bytes
            + self.totals.eviction.allocation_size()
            + self.totals.lazyfree.allocation_size()
            + self.defrag.allocation_size()
    }

    /// Returns the bytes of all strings that replies share with their keys
    /// ([`StringRef::to_bytes`](crate::StringRef::to_bytes)). A reply counts until it is dropped. A string
    /// counts once for each reply that shares it, even while its key still has it. So the result is an upper
    /// bound of the memory that stays in use after keys are removed. O(1).
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

    /// Returns the entry of a key for writing. If the key has expired at `now`, removes it and returns
    /// `None`.
    #[inline]
    pub(crate) fn find_mut(
        &mut self,
        hash: u64,
        key: &Key<'_>,
        now: u64,
    ) -> Option<(OccupiedEntry<'_, Entry>, &mut Totals, &Options)> {
        let entry =
            self.table.find_entry(hash, |entry| entry.has_key(key.bytes(), &self.reading.tables)).ok()?;
        if entry.get().is_expired(now) {
            self.totals.expire(entry);
            return None;
        }
        Some((entry, &mut self.totals, &self.options))
    }
}

/// The result of a look-up for writing.
pub(crate) enum Found<'t> {
    /// The key is present, and has not expired.
    Live(OccupiedEntry<'t, Entry>),
    /// The key is absent, or it had expired and was just removed.
    Absent(VacantEntry<'t, Entry>),
}

impl<S: BuildHasher> Keyspace<S> {
    /// Returns the hash of a key, for [`Key::with_hash`]. Keyspaces with the same hasher return the same
    /// hash.
    #[inline]
    pub fn hash_key(&self, key: &[u8]) -> u64 {
        self.hasher.hash_one(key)
    }

    #[inline]
    pub(crate) fn hash_of(&self, key: &Key<'_>) -> u64 {
        key.hash_or(|bytes| self.hash_key(bytes))
    }

    /// Returns the entry of a key, or `None` if there is no such key or if it has expired at `now`.
    #[inline]
    pub(crate) fn find(&self, hash: u64, key: &Key<'_>, now: u64) -> Option<&Entry> {
        let entry = self.table.find(hash, |entry| entry.has_key(key.bytes(), &self.reading.tables))?;
        (!entry.is_expired(now)).then_some(entry)
    }

    /// Returns the entry of a key for reading, and updates its access clock. Returns `None` if there is no
    /// such key, or if it has expired at `now`.
    #[inline]
    pub(crate) fn access(&self, key: &Key<'_>, now: u64) -> Option<EntryView<'_>> {
        match ShortKey::new(key.bytes()) {
            Some(short) => self.access_short(short, self.hash_of(key), now),
            None => self.access_other(key, now),
        }
    }

    /// Like [`access`](Self::access), for a short key.
    ///
    /// The fast path makes no call, so it saves no registers. A look-up falls back to `access_hashed` if
    /// another entry of its chunk has the same tag, if its entry has overflowed, or under an LFU policy.
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

    /// Like [`access`](Self::access), for a key that is not short.
    #[inline(never)]
    fn access_other(&self, key: &Key<'_>, now: u64) -> Option<EntryView<'_>> {
        self.access_hashed(key.bytes(), self.hash_of(key), now)
    }

    /// Like [`access`](Self::access), for all keys and all policies.
    #[inline(never)]
    fn access_hashed(&self, key: &[u8], hash: u64, now: u64) -> Option<EntryView<'_>> {
        let entry = self.table.find_map(hash, |entry| entry.view_of(key, &self.reading.tables))?;
        if entry.is_expired(now) {
            return None;
        }
        Access::read_at(&self.options, now).touch(entry, hash);
        Some(entry)
    }

    /// Like [`find`](Self::find), but computes the hash. For operations that do not count as an access.
    #[inline]
    pub(crate) fn peek(&self, key: &Key<'_>, now: u64) -> Option<&Entry> {
        self.find(self.hash_of(key), key, now)
    }

    /// Returns the entry of a key, or the place for a new entry. An entry that has expired at `now` is
    /// removed.
    #[inline]
    pub(crate) fn find_or_vacant(
        &mut self,
        hash: u64,
        key: &Key<'_>,
        now: u64,
    ) -> Result<(Found<'_>, &mut Totals, &Options), Error> {
        let found = match try_entry(&mut self.table, &self.hasher, &self.reading.tables, (key, hash))? {
            table::Entry::Vacant(place) => Found::Absent(place),
            table::Entry::Occupied(entry) if entry.get().is_expired(now) => {
                Found::Absent(self.totals.take_expired(entry))
            }
            table::Entry::Occupied(entry) => Found::Live(entry),
        };
        Ok((found, &mut self.totals, &self.options))
    }
}

/// Returns the entry of a key, expired or not, or the place for a new entry.
#[inline]
pub(crate) fn try_entry<'t>(
    table: &'t mut Table<Entry>,
    hasher: &impl BuildHasher,
    tables: &Tables,
    (key, hash): (&Key<'_>, u64),
) -> Result<table::Entry<'t, Entry>, Error> {
    key.check()?;
    let has_key = |entry: &Entry| entry.has_key(key.bytes(), tables);
    Ok(table.try_entry(hash, has_key, |entry| entry.key_hash(hasher, tables))?)
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
