//! [`Sharded`]: keyspaces behind read-write locks, for several threads.
//!
//! ```text
//!  hash of a key    | tag, 7 bits | slot, 16 | shard, up to 12 | chunk ... |
//!
//!  Sharded  ->  [ lock | Keyspace ] [ lock | Keyspace ] ...        a power of two of them, each on its own cache lines
//! ```
//!
//! The hash is computed once. The shard is chosen by bits of the hash that the table of a keyspace does not
//! use, so that the keys of a shard fill its table evenly.
//!
//! Invariants: all keyspaces have the same hasher. No method takes a lock twice, or takes the lock of a shard
//! while it holds the lock of a shard with a higher number. So there are no deadlocks.
//!
//! A panic in a closure does not poison a lock, because a keyspace stays valid after a panic.
//!
//! Learned from: dashmap (one lock per shard, and shards chosen by the hash).

use crate::batch::AHEAD;
use crate::defrag::ShardsDefrag;
use crate::error::Error;
use crate::key::Key;
use crate::keyspace::Keyspace;
use crate::maintain::FreePages;
use crate::options::Options;
use crate::scan::ScanOptions;
use crate::snapshot::ShardsSnapshot;
use crate::value::ValueRef;
use allocator_api2::vec::Vec;
use common::Cursor;
use core::array;
use core::cmp::Ordering;
use core::fmt;
use core::hash::BuildHasher;
use core::sync::atomic::AtomicUsize;
use crossbeam_utils::CachePadded;
use dict::DefaultHashBuilder;
use dict::prefetch::prefetch;
use parking_lot::{Mutex, RwLock};
use values::{Element, ReserveError};
use zmalloc::{Zmalloc, or_oom};

/// The number of a shard is taken from the bits of a hash below this one.
const SHARD_BITS_END: u32 = 41;

/// The most bits that a shard's number can have. A keyspace uses the bits below them for the chunk. 2^29
/// chunks hold five billion keys.
const SHARD_BITS_MAX: u32 = 12;

/// How many shards one call of a scan visits at most, if the shards are small.
const SHARDS_PER_SCAN: usize = 16;

type Shard<S> = CachePadded<RwLock<Keyspace<S>>>;

/// One database for several threads. Its keys are distributed over keyspaces by their hash, and each keyspace
/// has a read-write lock.
///
/// Readers of the same shard run in parallel. A writer has exclusive access to its shard.
///
/// A closure runs while the lock is held, and must keep three rules. Breaking them is not unsafe.
///
/// - The closure, and the callback of [`Keyspace::on_event`], must not call a method of the same `Sharded`,
///   because it might wait forever for that lock.
/// - The closure must use only the key that it gets. Other keys may belong to other shards, and a key that is
///   added to the wrong shard is not found.
/// - The closure must not replace the keyspace that it gets by another one, because all keyspaces have the
///   same hasher.
///
/// ```
/// use keyspace::Sharded;
/// let sharded = Sharded::new(16);
/// std::thread::scope(|scope| {
///     for thread in 0..4 {
///         let sharded = &sharded;
///         scope.spawn(move || {
///             for n in 0..100 {
///                 let key = format!("key:{thread}:{n}");
///                 sharded.write(&key, |keyspace, key| keyspace.set(key, n, 0)).unwrap();
///             }
///         });
///     }
/// });
/// assert_eq!(sharded.len(), 400);
/// let text = sharded.read("key:3:99", |keyspace, key| {
///     keyspace.get_string(key, 0).map(|text| text.map(|text| text.to_bytes()))
/// })?;
/// assert_eq!(text.as_deref(), Some(&b"99"[..]));
/// # Ok::<(), keyspace::values::WrongType>(())
/// ```
pub struct Sharded<S = DefaultHashBuilder> {
    /// The shards. Their number is a power of two.
    shards: Vec<Shard<S>, Zmalloc>,
    hasher: S,
    /// The shard with which the next call of [`Sharded::maintain`] begins.
    pub(crate) next_shard: AtomicUsize,
    /// How many consecutive shards had no work left when they were last maintained.
    pub(crate) idle_shards: AtomicUsize,
    /// The allocator's free pages, for [`Sharded::maintain`].
    pub(crate) free_pages: Mutex<FreePages>,
    /// The defragmentation of all shards, which one thread does at a time.
    pub(crate) defrag: Mutex<ShardsDefrag>,
    /// The snapshot of all shards. This lock is taken before that of any shard.
    pub(crate) snapshot: Mutex<ShardsSnapshot>,
}

impl Sharded {
    /// Returns an empty database with the default options. Its hasher has a random seed. The number of
    /// keyspaces is `shards`, rounded up to a power of two and limited to 4,096.
    ///
    /// Thirty-two shards per thread are a good choice. With fewer shards, threads often wait for each other.
    /// This affects batches most, because they take many locks.
    pub fn new(shards: usize) -> Self {
        or_oom(Self::try_with_options_and_hasher(shards, Options::default(), DefaultHashBuilder::new()))
    }
}

impl<S: Clone> Sharded<S> {
    /// Returns an empty database with these options and this hasher. The number of keyspaces is `shards`,
    /// rounded up to a power of two and limited to 4,096. Each keyspace gets an equal share of `maxmemory`.
    ///
    /// # Errors
    /// If there is no memory for the keyspaces, each of which has less than 1 KiB.
    pub fn try_with_options_and_hasher(
        shards: usize,
        options: Options,
        hasher: S,
    ) -> Result<Self, ReserveError> {
        let count = shards.clamp(1, 1 << SHARD_BITS_MAX).next_power_of_two();
        let options = shard_options(options, count);
        let mut all = Vec::new_in(Zmalloc);
        all.try_reserve_exact(count)
            .map_err(|_| ReserveError::OutOfMemory { size: count * size_of::<Shard<S>>() })?;
        all.extend((0..count).map(|_| {
            CachePadded::new(RwLock::new(Keyspace::with_options_and_hasher(options, hasher.clone())))
        }));
        let (next_shard, idle_shards, free_pages, defrag, snapshot) = Default::default();
        Ok(Self { shards: all, hasher, next_shard, idle_shards, free_pages, defrag, snapshot })
    }
}

/// Returns the options of one of `count` keyspaces.
fn shard_options(options: Options, count: usize) -> Options {
    match options.get_maxmemory() {
        0 => options,
        limit => options.maxmemory((limit / count).max(1)), // 0 would be no limit
    }
}

impl<S> Sharded<S> {
    /// Returns the number of keyspaces.
    pub fn shard_count(&self) -> usize {
        self.shards.len()
    }

    /// Returns the number of keys. Keys that have expired but are not removed yet are included. Takes each
    /// lock in turn. In C: `DBSIZE`.
    pub fn len(&self) -> usize {
        self.sum(Keyspace::len)
    }

    /// Returns the number of keys that have an expiry. Takes each lock in turn. In C: `expires` of INFO
    /// keyspace.
    pub fn expires(&self) -> usize {
        self.sum(Keyspace::expires)
    }

    /// Returns `true` if there are no keys. Takes each lock in turn.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the bytes that all keyspaces add to `used_memory`. Takes each lock in turn.
    pub fn allocation_size(&self) -> usize {
        size_of::<Shard<S>>() * self.shards.capacity() + self.sum(Keyspace::allocation_size)
    }

    pub(crate) fn sum(&self, figure: impl Fn(&Keyspace<S>) -> usize) -> usize {
        self.shards.iter().map(|shard| figure(&shard.read())).sum()
    }

    /// Calls `f` with every keyspace, each under its lock for reading. This is useful for reports.
    pub fn for_each(&self, mut f: impl FnMut(&Keyspace<S>)) {
        self.shards.iter().for_each(|shard| f(&shard.read()));
    }

    /// Replaces the options of all keyspaces, each under its lock for writing. Each keyspace gets an equal
    /// share of `maxmemory`, so a single value cannot be larger than that share.
    pub fn set_options(&self, options: Options) {
        let options = shard_options(options, self.shards.len());
        self.for_each_mut(|keyspace| keyspace.set_options(options));
    }

    /// Calls `f` with every keyspace, each under its lock for writing. This is useful to clear the keyspaces,
    /// or to take their garbage. The options of each keyspace have its share of `maxmemory`.
    ///
    /// ```
    /// # let sharded = keyspace::Sharded::new(4);
    /// let mut removed = 0;
    /// sharded.for_each_mut(|keyspace| removed += keyspace.expire_some(1_000, 64).removed);
    /// ```
    pub fn for_each_mut(&self, mut f: impl FnMut(&mut Keyspace<S>)) {
        self.shards.iter().for_each(|shard| f(&mut shard.write()));
    }

    /// Returns an iterator over the keyspaces, without their locks.
    pub fn into_keyspaces(self) -> impl Iterator<Item = Keyspace<S>> {
        self.shards.into_iter().map(|shard| CachePadded::into_inner(shard).into_inner())
    }

    /// Returns the shard with this number.
    pub(crate) fn shard(&self, number: usize) -> &RwLock<Keyspace<S>> {
        &self.shards[number]
    }

    /// Returns the number of the shard of a hash.
    #[inline]
    fn shard_of(&self, hash: u64) -> usize {
        let bits = self.shards.len().trailing_zeros();
        (hash >> (SHARD_BITS_END - bits)) as usize & (self.shards.len() - 1)
    }
}

impl<S: BuildHasher> Sharded<S> {
    /// Returns the hash of a key, for [`Key::with_hash`].
    #[inline]
    pub fn hash_key(&self, key: &[u8]) -> u64 {
        self.hasher.hash_one(key)
    }

    /// Returns the key with its hash, the number of its shard, and the hash.
    #[inline]
    fn locate<'k>(&self, key: Key<'k>) -> (Key<'k>, usize, u64) {
        let hash = key.hash_or(|bytes| self.hash_key(bytes));
        (Key::with_hash(key.bytes(), hash), self.shard_of(hash), hash)
    }

    /// Calls `f` with the keyspace of a key, under its lock for reading, and with the key, which then has its
    /// hash.
    #[inline]
    pub fn read<'k, T>(&self, key: impl Into<Key<'k>>, f: impl FnOnce(&Keyspace<S>, Key<'k>) -> T) -> T {
        let (key, shard, _) = self.locate(key.into());
        f(&self.shards[shard].read(), key)
    }

    /// Calls `f` with the keyspace of a key, under its lock for writing, and with the key, which then has its
    /// hash.
    #[inline]
    pub fn write<'k, T>(&self, key: impl Into<Key<'k>>, f: impl FnOnce(&mut Keyspace<S>, Key<'k>) -> T) -> T {
        let (key, shard, _) = self.locate(key.into());
        f(&mut self.shards[shard].write(), key)
    }

    /// Calls `each` with the index of every key and its value, as [`Keyspace::get_each`] does. In C: `MGET`.
    ///
    /// The keys are read in batches of 16. A batch takes each lock once, and takes all its locks before it
    /// reads the first key, so that the cache misses of the 16 keys overlap.
    ///
    /// ```
    /// let sharded = keyspace::Sharded::new(4);
    /// sharded.set_many(&[("a".into(), 1.into()), ("b".into(), 2.into())], 0)?;
    /// let mut found = [false; 3];
    /// sharded.get_each(&["b".into(), "x".into(), "a".into()], 0, |i, value| found[i] = value.is_some());
    /// assert_eq!(found, [true, false, true]);
    /// # Ok::<(), keyspace::Error>(())
    /// ```
    pub fn get_each(&self, keys: &[Key<'_>], now: u64, mut each: impl FnMut(usize, Option<ValueRef<'_>>)) {
        for (batch, keys) in keys.chunks(AHEAD).enumerate() {
            let locations = self.locate_all(keys.iter().copied());
            let guards: Guards<_> = self.lock(&locations, keys.len(), RwLock::read);
            let keyspace = |i: usize| guards[locations[i].guard].as_deref();
            let locations_of_keys = || locations.iter().enumerate().take(keys.len());
            for (i, location) in locations_of_keys() {
                keyspace(i).inspect(|keyspace| keyspace.table.prefetch(location.hash));
            }
            let mut candidates = [None; AHEAD];
            for (i, location) in locations_of_keys() {
                candidates[i] =
                    keyspace(i).and_then(|keyspace| keyspace.table.prefetch_candidate(location.hash));
            }
            candidates.into_iter().flatten().for_each(|entry| prefetch(entry.address()));
            for (i, (key, location)) in keys.iter().zip(&locations).enumerate() {
                let key = Key::with_hash(key.bytes(), location.hash);
                each(batch * AHEAD + i, keyspace(i).and_then(|keyspace| keyspace.get(key, now)));
            }
        }
    }

    /// Sets many keys, one after the other, as [`Keyspace::set_many`] does. Takes each lock once for 16 keys.
    /// In C: `MSET`. Unlike `MSET`, this method is not atomic: a reader may see some keys set and others not.
    ///
    /// # Errors
    /// The error of the first pair that fails. The pairs before it are set, and those after it are not.
    pub fn set_many(&self, pairs: &[(Key<'_>, Element<'_>)], now: u64) -> Result<(), Error> {
        for pairs in pairs.chunks(AHEAD) {
            let locations = self.locate_all(pairs.iter().map(|(key, _)| *key));
            let mut guards: Guards<_> = self.lock(&locations, pairs.len(), RwLock::write);
            for location in locations.iter().take(pairs.len()) {
                guards[location.guard].as_deref().inspect(|keyspace| keyspace.table.prefetch(location.hash));
            }
            for ((key, value), location) in pairs.iter().zip(&locations) {
                if let Some(keyspace) = guards[location.guard].as_deref_mut() {
                    keyspace.set(Key::with_hash(key.bytes(), location.hash), *value, now)?;
                }
            }
        }
        Ok(())
    }

    /// Renames a key, as [`Keyspace::rename`] does, even if the new name belongs to another shard. Takes the
    /// locks of both names for writing. Between two shards, the events are [`Event::Set`](crate::Event::Set)
    /// for the new name and [`Event::Removed`](crate::Event::Removed) for the old one. In C: `RENAME`.
    ///
    /// # Errors
    /// The errors of [`Keyspace::rename`].
    ///
    /// ```
    /// let sharded = keyspace::Sharded::new(64);
    /// sharded.write("draft", |keyspace, key| keyspace.set(key, "text", 0))?;
    /// sharded.rename("draft", "page", 0)?;
    /// assert!(sharded.read("page", |keyspace, key| keyspace.contains_key(key, 0)));
    /// # Ok::<(), keyspace::Error>(())
    /// ```
    pub fn rename<'f, 't>(
        &self,
        from: impl Into<Key<'f>>,
        to: impl Into<Key<'t>>,
        now: u64,
    ) -> Result<(), Error> {
        self.with_both(from.into(), to.into(), |from_keyspace, from, other, to| match other {
            None => from_keyspace.rename(from, to, now),
            Some(keyspace) => from_keyspace.rename_into(&from, keyspace, &to, now, true).map(|_done| ()),
        })
    }

    /// Renames a key if the new name is absent, as [`Keyspace::rename_absent`] does, even if the new name
    /// belongs to another shard. See [`rename`](Self::rename). In C: `RENAMENX`.
    ///
    /// # Errors
    /// The errors of [`Keyspace::rename_absent`].
    pub fn rename_absent<'f, 't>(
        &self,
        from: impl Into<Key<'f>>,
        to: impl Into<Key<'t>>,
        now: u64,
    ) -> Result<bool, Error> {
        self.with_both(from.into(), to.into(), |from_keyspace, from, other, to| match other {
            None => from_keyspace.rename_absent(from, to, now),
            Some(keyspace) => from_keyspace.rename_into(&from, keyspace, &to, now, false),
        })
    }

    /// Copies a key, as [`Keyspace::copy`] does, even if the other key belongs to another shard. Takes the
    /// locks of both keys for writing. In C: `COPY`.
    ///
    /// # Errors
    /// The errors of [`Keyspace::copy`].
    pub fn copy<'f, 't>(
        &self,
        from: impl Into<Key<'f>>,
        to: impl Into<Key<'t>>,
        replace: bool,
        now: u64,
    ) -> Result<bool, Error> {
        self.with_both(from.into(), to.into(), |from_keyspace, from, other, to| match other {
            None => from_keyspace.copy(from, to, replace, now),
            Some(keyspace) => from_keyspace.copy_to(from, keyspace, to, replace, now),
        })
    }

    /// Calls `f` with the keyspaces of two keys and with the keys, which then have their hashes. The second
    /// keyspace is `None` if both keys belong to the first. Takes the locks in the order of the shards, as a
    /// batch does.
    fn with_both<'f, 't, R>(
        &self,
        from: Key<'f>,
        to: Key<'t>,
        f: impl FnOnce(&mut Keyspace<S>, Key<'f>, Option<&mut Keyspace<S>>, Key<'t>) -> R,
    ) -> R {
        let ((from, from_shard, _), (to, to_shard, _)) = (self.locate(from), self.locate(to));
        let lock = |shard: usize| self.shards[shard].write();
        match from_shard.cmp(&to_shard) {
            Ordering::Equal => f(&mut lock(from_shard), from, None, to),
            Ordering::Less => {
                let (mut first, mut second) = (lock(from_shard), lock(to_shard));
                f(&mut first, from, Some(&mut second), to)
            }
            Ordering::Greater => {
                let (mut second, mut first) = (lock(to_shard), lock(from_shard));
                f(&mut first, from, Some(&mut second), to)
            }
        }
    }

    /// Returns the hashes, shards and guard indices of at most [`AHEAD`] keys.
    fn locate_all<'k>(&self, keys: impl Iterator<Item = Key<'k>>) -> [KeyLocation; AHEAD] {
        let mut locations = [KeyLocation::default(); AHEAD];
        for (location, key) in locations.iter_mut().zip(keys) {
            let (_, shard, hash) = self.locate(key);
            *location = KeyLocation { hash, shard, guard: 0 };
        }
        // A key uses the guard of the first key of the batch that is in the same shard.
        for i in 1..AHEAD {
            let shard = locations[i].shard;
            locations[i].guard =
                locations[..i].iter().position(|location| location.shard == shard).unwrap_or(i);
        }
        locations
    }

    /// Takes the locks of the first `len` locations, each once, in the order of the shards.
    fn lock<'s, G>(
        &'s self,
        locations: &[KeyLocation; AHEAD],
        len: usize,
        lock: impl Fn(&'s RwLock<Keyspace<S>>) -> G,
    ) -> Guards<G> {
        let mut order: [usize; AHEAD] = array::from_fn(|i| i);
        let order = &mut order[..len];
        order.sort_unstable_by_key(|&i| locations[i].shard);
        let mut guards = array::from_fn(|_| None);
        for &i in &*order {
            let KeyLocation { shard, guard, .. } = locations[i];
            if guards[guard].is_none() {
                guards[guard] = Some(lock(&self.shards[shard]));
            }
        }
        guards
    }

    /// Calls `each` with some keys and their values, and returns the next cursor, which is [`Cursor::START`]
    /// at the end. Visits the shards one after the other. The guarantees of [`Keyspace::scan`] hold for the
    /// keys of all shards. In C: `SCAN`.
    pub fn scan(
        &self,
        cursor: Cursor,
        options: &ScanOptions<'_>,
        now: u64,
        each: impl FnMut(&[u8], ValueRef<'_>),
    ) -> Cursor {
        // The low bits of the cursor are the shard's number. The bits above them are the cursor in that
        // shard.
        let count = self.shards.len() as u64;
        let (mut shard, mut inner) = (u64::from(cursor) % count, Cursor::from(u64::from(cursor) / count));
        let (mut each, mut shards) = (each, 0);
        loop {
            let keyspace = self.shards[shard as usize].read();
            inner = keyspace.scan(inner, options, now, &mut each);
            if !inner.is_start() {
                return Cursor::from(u64::from(inner).wrapping_mul(count) | shard);
            }
            shard += 1;
            shards += 1;
            if shard == count {
                return Cursor::START;
            }
            if keyspace.len() >= options.count || shards >= SHARDS_PER_SCAN {
                return Cursor::from(shard);
            }
        }
    }
}

/// The hash and the shard of a key of a batch.
#[derive(Clone, Copy, Default)]
struct KeyLocation {
    hash: u64,
    shard: usize,
    /// The index of the first key of the batch in the same shard. This key uses its guard.
    guard: usize,
}

/// The lock guards of a batch, each at the index of the first key that needs it.
type Guards<G> = [Option<G>; AHEAD];

impl<S> fmt::Debug for Sharded<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sharded").field("shard_count", &self.shard_count()).finish_non_exhaustive()
    }
}
