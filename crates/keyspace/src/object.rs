//! Queries about single keys: `EXISTS`, `TOUCH`, `TYPE`, `OBJECT`, `MEMORY USAGE`. Only `TOUCH` counts as an
//! access.

use crate::access::{MINUTE, SECOND};
use crate::entry::Entry;
use crate::evict::S3Clock;
use crate::key::Key;
use crate::keyspace::Keyspace;
use crate::options::ClockKind;
use common::Part;
use core::hash::BuildHasher;
use robj::Robj;
use values::{Encoding, Lfu, ObjectType, idle_time};

impl<S: BuildHasher> Keyspace<S> {
    /// Returns whether there is such a key. Does not count as an access. In C: `EXISTS`.
    #[inline]
    pub fn contains_key<'k>(&self, key: impl Into<Key<'k>>, now: u64) -> bool {
        self.peek(&key.into(), now).is_some()
    }

    /// Updates the access clock of a key as a read does, and returns whether there is such a key. A read
    /// changes no clock under an LRM policy. In C: `TOUCH`.
    #[inline]
    pub fn touch<'k>(&self, key: impl Into<Key<'k>>, now: u64) -> bool {
        self.access(&key.into(), now).is_some()
    }

    /// Returns the type of a value. In C: `TYPE`.
    pub fn object_type<'k>(&self, key: impl Into<Key<'k>>, now: u64) -> Option<ObjectType> {
        self.peek(&key.into(), now).map(Entry::object_type)
    }

    /// Returns the encoding of a value, as Redis names it, wherever its bytes are stored. A string is `int`,
    /// or `embstr` if it has at most `embstr_size_limit` bytes, or otherwise `raw`. A shorter string is `raw`
    /// after an edit in place, such as [`append`](Self::append). It is `embstr` again when it is set, copied, or
    /// coded with a symbol table. In C: `OBJECT ENCODING`.
    ///
    /// ```
    /// use keyspace::Keyspace;
    /// use values::Encoding;
    /// let mut keyspace = Keyspace::new();
    /// keyspace.set("key", "1", 0)?;
    /// assert_eq!(keyspace.encoding("key", 0), Some(Encoding::Int));
    /// keyspace.append("key", b"2", 0)?;
    /// assert_eq!(keyspace.encoding("key", 0), Some(Encoding::Raw));
    /// keyspace.incr_by("key", 1, 0)?;
    /// assert_eq!(keyspace.encoding("key", 0), Some(Encoding::Int));
    /// # Ok::<(), keyspace::Error>(())
    /// ```
    pub fn encoding<'k>(&self, key: impl Into<Key<'k>>, now: u64) -> Option<Encoding> {
        let limit = self.options.encoding_limits().embstr_size_limit;
        self.peek(&key.into(), now).map(|entry| entry.encoding(limit))
    }

    /// Returns how many references a value has. A long string has more than 1 while replies hold it. In C:
    /// `OBJECT REFCOUNT`.
    pub fn refcount<'k>(&self, key: impl Into<Key<'k>>, now: u64) -> Option<u32> {
        self.peek(&key.into(), now).map(|entry| entry.object().map_or(1, Robj::refcount))
    }

    /// Returns for how many seconds a key has not been used, modulo 2^24. Under an LRM policy, returns for
    /// how many seconds it has not been modified. Returns `None` if there is no such key, or under an LFU or
    /// S3-FIFO policy. In C: `OBJECT IDLETIME`.
    pub fn idle_time<'k>(&self, key: impl Into<Key<'k>>, now: u64) -> Option<u32> {
        let clock = self.peek(&key.into(), now)?.view().clock();
        match self.clock_kind() {
            ClockKind::Seconds => Some(idle_time(clock, now / SECOND)),
            ClockKind::Lfu | ClockKind::S3fifo => None,
        }
    }

    /// Returns how often a key is used: a logarithmic counter under an LFU policy, and a number from 0 to 3
    /// under S3-FIFO. Returns `None` if there is no such key, or under any other policy. In C: `OBJECT FREQ`.
    pub fn freq<'k>(&self, key: impl Into<Key<'k>>, now: u64) -> Option<u8> {
        let clock = self.peek(&key.into(), now)?.view().clock();
        match self.clock_kind() {
            ClockKind::Seconds => None,
            ClockKind::Lfu => Some(Lfu::from_bits(clock).freq(now / MINUTE, self.options.lfu_params())),
            ClockKind::S3fifo => Some(S3Clock::from_bits(clock).uses() as u8),
        }
    }

    fn clock_kind(&self) -> ClockKind {
        self.options.get_maxmemory_policy().ranking().clock()
    }

    /// Returns the bytes that a key and its value add to `used_memory`: the entry's block and all blocks of
    /// the value. Exact and O(1). The key's share of the table, which is six bytes and free places, is not
    /// included. In C: `MEMORY USAGE`, which estimates from a sample.
    pub fn memory_usage<'k>(&self, key: impl Into<Key<'k>>, now: u64) -> Option<usize> {
        self.peek(&key.into(), now).map(Entry::allocation_size)
    }

    /// Returns the bytes of a key's block as named parts: the head, the key, the expiry and the value. A value
    /// that is stored outside of the block is a pointer. Does not count as an access. O(size of the block).
    ///
    /// ```
    /// let mut keyspace = keyspace::Keyspace::new();
    /// keyspace.set("user:1", "Ada", 0)?;
    /// let parts = keyspace.block_parts("user:1", 0).unwrap();
    /// let names: Vec<_> = parts.iter().map(|part| part.name).collect();
    /// assert!(names.starts_with(&["form", "clock", "len", "key", "len", "value"]));
    /// # Ok::<(), keyspace::Error>(())
    /// ```
    pub fn block_parts<'k>(&self, key: impl Into<Key<'k>>, now: u64) -> Option<Vec<Part>> {
        self.peek(&key.into(), now).map(|entry| entry.block_parts(&self.reading.tables))
    }
}
