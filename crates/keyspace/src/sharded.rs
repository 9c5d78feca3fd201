//! [`Sharded`]: keyspaces behind read-write locks, for several threads.
//!
//! ```text
//!  hash of a key    | tag, 7 bits | slot, 16 | shard, up to 12 | chunk ... |
//!
//!  Sharded  ->  [ lock | Keyspace ] [ lock | Keyspace ] ...        a power of two of them, each on its own cache lines
//! ```
//!
//! The hash is computed once. It chooses the shard by bits that the table of a keyspace does not look at, so
//! that the keys of a shard fill its table evenly.
//!
//! Invariants: all keyspaces have the same hasher, and no method takes a lock while it holds one of a higher
//! number, or takes a lock twice. So no two threads wait for each other.
//!
//! A panic in a closure does not poison a lock, because a keyspace stays valid after a panic.
//!
//! Learned from: dashmap (a lock a shard, chosen by the hash).

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

/// The shards' numbers are the bits of a hash below this one.
const SHARD_BITS_END: u32 = 41;

/// The most bits of a shard's number. A keyspace uses the bits below them for the chunk: 2^29 chunks hold
/// five billion keys.
const SHARD_BITS_MAX: u32 = 12;

/// A scan goes on to the next shard as long as shards are small, at most so often.
const SHARDS_A_SCAN: usize = 16;

type Shard<S> = CachePadded<RwLock<Keyspace<S>>>;

/// One database for several threads: its keys are spread over keyspaces by their hash, and each keyspace has
/// a read-write lock.
///
/// Readers of a shard run at once. A writer has its shard alone.
///
/// A closure runs while the lock is held. It must not call a method of the same `Sharded`, and neither must
/// the callback of [`Keyspace::on_event`]: they might wait for that lock. A closure must use no key but the
/// one that it gets, because other keys belong to other shards: a key that it adds there is not found. It
/// must not put another keyspace in the place of the one that it gets, because all of them have the same
/// hasher. None of these mistakes is unsafe.
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
    /// A power of two of them.
    shards: Vec<Shard<S>, Zmalloc>,
    hasher: S,
    /// The shard with which the next call of [`Sharded::maintain`] begins.
    pub(crate) turn: AtomicUsize,
    /// How many shards in a row had no work left when their turn ended.
    pub(crate) idle: AtomicUsize,
    /// The allocator's free pages, for [`Sharded::maintain`].
    pub(crate) free_pages: Mutex<FreePages>,
    /// Defragmentation of all shards, which one thread does at a time.
    pub(crate) defrag: Mutex<ShardsDefrag>,
    /// The snapshot of all shards. Locked before any shard is.
    pub(crate) snapshot: Mutex<ShardsSnapshot>,
}

impl Sharded {
    /// An empty database with the default options, whose hash has a random seed. The number of keyspaces is
    /// `shards`, rounded up to a power of two and limited to 4,096. Thirty-two shards per thread are a good
    /// choice: with fewer, threads often wait for each other. A batch takes many locks, and waits most.
    pub fn new(shards: usize) -> Self {
        or_oom(Self::try_with_options_and_hasher(shards, Options::default(), DefaultHashBuilder::new()))
    }
}

impl<S: Clone> Sharded<S> {
    /// An empty database with these options and this hasher. The number of keyspaces is `shards`, rounded up
    /// to a power of two and limited to 4,096. Each keyspace gets its share of `maxmemory`.
    ///
    /// # Errors
    /// If there is no memory for the keyspaces, of less than 1 KiB each.
    pub fn try_with_options_and_hasher(
        shards: usize,
        options: Options,
        hasher: S,
    ) -> Result<Self, ReserveError> {
        let count = shards.clamp(1, 1 << SHARD_BITS_MAX).next_power_of_two();
        let options = share_of(options, count);
        let mut all = Vec::new_in(Zmalloc);
        all.try_reserve_exact(count)
            .map_err(|_| ReserveError::OutOfMemory { size: count * size_of::<Shard<S>>() })?;
        all.extend((0..count).map(|_| {
            CachePadded::new(RwLock::new(Keyspace::with_options_and_hasher(options, hasher.clone())))
        }));
        let (turn, idle, free_pages, defrag, snapshot) = Default::default();
        Ok(Self { shards: all, hasher, turn, idle, free_pages, defrag, snapshot })
    }
}

/// The options of one of `count` keyspaces.
fn share_of(options: Options, count: usize) -> Options {
    match options.get_maxmemory() {
        0 => options,
        limit => options.maxmemory((limit / count).max(1)), // 0 would be no limit
    }
}

impl<S> Sharded<S> {
    /// How many keyspaces there are.
    pub fn shard_count(&self) -> usize {
        self.shards.len()
    }

    /// How many keys there are, expired ones included that have not been removed yet. Takes each lock in
    /// turn. In C: `DBSIZE`.
    pub fn len(&self) -> usize {
        self.sum(Keyspace::len)
    }

    /// How many keys have an expiry. Takes each lock in turn. In C: `expires` of INFO keyspace.
    pub fn expires(&self) -> usize {
        self.sum(Keyspace::expires)
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What all keyspaces add to `used_memory`, in bytes. Takes each lock in turn.
    pub fn allocation_size(&self) -> usize {
        size_of::<Shard<S>>() * self.shards.capacity() + self.sum(Keyspace::allocation_size)
    }

    pub(crate) fn sum(&self, figure: impl Fn(&Keyspace<S>) -> usize) -> usize {
        self.shards.iter().map(|shard| figure(&shard.read())).sum()
    }

    /// Calls `f` with every keyspace, each under its lock for reading: for reports.
    pub fn for_each(&self, mut f: impl FnMut(&Keyspace<S>)) {
        self.shards.iter().for_each(|shard| f(&shard.read()));
    }

    /// Replaces the options of all keyspaces, each under its lock for writing. Each gets its share of
    /// `maxmemory`, which is the most that one value can have.
    pub fn set_options(&self, options: Options) {
        let options = share_of(options, self.shards.len());
        self.for_each_mut(|keyspace| keyspace.set_options(options));
    }

    /// Calls `f` with every keyspace, each under its lock for writing: to clear, for example, or to
    /// take garbage. The options of one keyspace have its share of `maxmemory`.
    ///
    /// ```
    /// # let sharded = keyspace::Sharded::new(4);
    /// let mut removed = 0;
    /// sharded.for_each_mut(|keyspace| removed += keyspace.expire_some(1_000, 64).removed);
    /// ```
    pub fn for_each_mut(&self, mut f: impl FnMut(&mut Keyspace<S>)) {
        self.shards.iter().for_each(|shard| f(&mut shard.write()));
    }

    /// The keyspaces, without locks.
    pub fn into_keyspaces(self) -> impl Iterator<Item = Keyspace<S>> {
        self.shards.into_iter().map(|shard| CachePadded::into_inner(shard).into_inner())
    }

    /// The shard with this number.
    pub(crate) fn shard(&self, number: usize) -> &RwLock<Keyspace<S>> {
        &self.shards[number]
    }

    /// The number of the shard of a hash.
    #[inline]
    fn shard_of(&self, hash: u64) -> usize {
        let bits = self.shards.len().trailing_zeros();
        (hash >> (SHARD_BITS_END - bits)) as usize & (self.shards.len() - 1)
    }
}

impl<S: BuildHasher> Sharded<S> {
    /// The hash of a key, for [`Key::with_hash`].
    #[inline]
    pub fn hash_key(&self, key: &[u8]) -> u64 {
        self.hasher.hash_one(key)
    }

    /// The key with its hash, and the number of its shard.
    #[inline]
    fn place<'k>(&self, key: Key<'k>) -> (Key<'k>, usize, u64) {
        let hash = key.hash_or(|bytes| self.hash_key(bytes));
        (Key::with_hash(key.bytes(), hash), self.shard_of(hash), hash)
    }

    /// Calls `f` with the keyspace of a key, under its lock for reading, and with the key and its hash.
    #[inline]
    pub fn read<'k, T>(&self, key: impl Into<Key<'k>>, f: impl FnOnce(&Keyspace<S>, Key<'k>) -> T) -> T {
        let (key, shard, _) = self.place(key.into());
        f(&self.shards[shard].read(), key)
    }

    /// Calls `f` with the keyspace of a key, under its lock for writing, and with the key and its hash.
    #[inline]
    pub fn write<'k, T>(&self, key: impl Into<Key<'k>>, f: impl FnOnce(&mut Keyspace<S>, Key<'k>) -> T) -> T {
        let (key, shard, _) = self.place(key.into());
        f(&mut self.shards[shard].write(), key)
    }

    /// [`Keyspace::get_each`] of any number of keys: calls `each` with the index of every key and its value.
    /// Takes each lock once for sixteen keys, all of them before the first key is read, so that the misses of
    /// the sixteen overlap. In C: `MGET`.
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
            let places = self.places(keys.iter().copied());
            let guards: Guards<_> = self.lock(&places, keys.len(), RwLock::read);
            let keyspace = |i: usize| guards[places[i].guard].as_deref();
            let places_of_keys = || places.iter().enumerate().take(keys.len());
            for (i, place) in places_of_keys() {
                keyspace(i).inspect(|keyspace| keyspace.table.prefetch(place.hash));
            }
            let mut candidates = [None; AHEAD];
            for (i, place) in places_of_keys() {
                candidates[i] =
                    keyspace(i).and_then(|keyspace| keyspace.table.prefetch_candidate(place.hash));
            }
            candidates.into_iter().flatten().for_each(|entry| prefetch(entry.address()));
            for (i, (key, place)) in keys.iter().zip(&places).enumerate() {
                let key = Key::with_hash(key.bytes(), place.hash);
                each(batch * AHEAD + i, keyspace(i).and_then(|keyspace| keyspace.get(key, now)));
            }
        }
    }

    /// [`Keyspace::set_many`]: sets many keys, one after the other. Takes each lock once for sixteen keys. In
    /// C: `MSET`, which no other client sees half done; here a reader may see the first keys set and the
    /// others not yet.
    ///
    /// # Errors
    /// That of the first pair that fails. The pairs before it are set.
    pub fn set_many(&self, pairs: &[(Key<'_>, Element<'_>)], now: u64) -> Result<(), Error> {
        for pairs in pairs.chunks(AHEAD) {
            let places = self.places(pairs.iter().map(|(key, _)| *key));
            let mut guards: Guards<_> = self.lock(&places, pairs.len(), RwLock::write);
            for place in places.iter().take(pairs.len()) {
                guards[place.guard].as_deref().inspect(|keyspace| keyspace.table.prefetch(place.hash));
            }
            for ((key, value), place) in pairs.iter().zip(&places) {
                if let Some(keyspace) = guards[place.guard].as_deref_mut() {
                    keyspace.set(Key::with_hash(key.bytes(), place.hash), *value, now)?;
                }
            }
        }
        Ok(())
    }

    /// [`Keyspace::rename`], also if the new name belongs to another shard. Takes the locks of both names for
    /// writing. Between two shards the events are [`Event::Set`](crate::Event::Set) of the new name and
    /// [`Event::Removed`](crate::Event::Removed) of the old one. In C: `RENAME`.
    ///
    /// # Errors
    /// As of [`Keyspace::rename`].
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

    /// [`Keyspace::rename_absent`], also if the new name belongs to another shard: see
    /// [`rename`](Self::rename). In C: `RENAMENX`.
    ///
    /// # Errors
    /// As of [`Keyspace::rename_absent`].
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

    /// [`Keyspace::copy`], also if the other key belongs to another shard. Takes the locks of both keys for
    /// writing. In C: `COPY`.
    ///
    /// # Errors
    /// As of [`Keyspace::copy`].
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

    /// Calls `f` with the keyspaces of two keys and with the keys and their hashes. The second keyspace is
    /// `None` if both keys belong to the first. Takes the locks in the order of the shards, as a batch does.
    fn with_both<'f, 't, R>(
        &self,
        from: Key<'f>,
        to: Key<'t>,
        f: impl FnOnce(&mut Keyspace<S>, Key<'f>, Option<&mut Keyspace<S>>, Key<'t>) -> R,
    ) -> R {
        let ((from, from_shard, _), (to, to_shard, _)) = (self.place(from), self.place(to));
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

    /// Hashes and shards of at most [`AHEAD`] keys.
    fn places<'k>(&self, keys: impl Iterator<Item = Key<'k>>) -> [Place; AHEAD] {
        let mut places = [Place::default(); AHEAD];
        for (place, key) in places.iter_mut().zip(keys) {
            let (_, shard, hash) = self.place(key);
            *place = Place { hash, shard, guard: 0 };
        }
        // The guard of a key is that of the first key of its shard.
        for i in 1..AHEAD {
            let shard = places[i].shard;
            places[i].guard = places[..i].iter().position(|place| place.shard == shard).unwrap_or(i);
        }
        places
    }

    /// Takes the locks of the first `len` places by their numbers, each once.
    fn lock<'s, G>(
        &'s self,
        places: &[Place; AHEAD],
        len: usize,
        lock: impl Fn(&'s RwLock<Keyspace<S>>) -> G,
    ) -> Guards<G> {
        let mut order: [usize; AHEAD] = array::from_fn(|i| i);
        let order = &mut order[..len];
        order.sort_unstable_by_key(|&i| places[i].shard);
        let mut guards = array::from_fn(|_| None);
        for &i in &*order {
            let Place { shard, guard, .. } = places[i];
            if guards[guard].is_none() {
                guards[guard] = Some(lock(&self.shards[shard]));
            }
        }
        guards
    }

    /// Calls `each` with some keys and their values, and returns the next cursor: [`Cursor::START`] at the
    /// end. Goes through the shards one after the other. See [`Keyspace::scan`], whose guarantees hold for
    /// the keys of all shards. In C: `SCAN`.
    pub fn scan(
        &self,
        cursor: Cursor,
        options: &ScanOptions<'_>,
        now: u64,
        each: impl FnMut(&[u8], ValueRef<'_>),
    ) -> Cursor {
        // The low bits are the shard's number. The bits above are the cursor in that shard.
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
            if keyspace.len() >= options.count || shards >= SHARDS_A_SCAN {
                return Cursor::from(shard);
            }
        }
    }
}

/// Where a key of a batch belongs.
#[derive(Clone, Copy, Default)]
struct Place {
    hash: u64,
    shard: usize,
    /// The index of the first key of the batch in the same shard, whose guard it uses.
    guard: usize,
}

/// The guards of a batch, each at the index of the first key that needs it.
type Guards<G> = [Option<G>; AHEAD];

impl<S> fmt::Debug for Sharded<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sharded").field("shard_count", &self.shard_count()).finish_non_exhaustive()
    }
}
