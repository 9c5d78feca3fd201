//! Queries about single keys that do not count as a use: `EXISTS`, `TYPE`, `OBJECT`, `MEMORY USAGE`.

use crate::access::{MINUTE, SECOND};
use crate::entry::Entry;
use crate::evict::S3Clock;
use crate::key::Key;
use crate::keyspace::Keyspace;
use crate::options::ClockKind;
use core::hash::BuildHasher;
use robj::Robj;
use values::{Encoding, Lfu, ObjectType, idle_time};

impl<S: BuildHasher> Keyspace<S> {
    /// Whether there is such a key. Does not count as an access. In C: `EXISTS`.
    #[inline]
    pub fn contains_key<'k>(&self, key: impl Into<Key<'k>>, now: u64) -> bool {
        self.peek(&key.into(), now).is_some()
    }

    /// Uses a key, and returns whether it is there. A use is a read: it changes nothing under an LRM policy.
    /// In C: `TOUCH`.
    #[inline]
    pub fn touch<'k>(&self, key: impl Into<Key<'k>>, now: u64) -> bool {
        self.access(&key.into(), now).is_some()
    }

    /// The type of a value. In C: `TYPE`.
    pub fn object_type<'k>(&self, key: impl Into<Key<'k>>, now: u64) -> Option<ObjectType> {
        self.peek(&key.into(), now).map(Entry::object_type)
    }

    /// How a value is stored, in Redis' words: a string is `int`, `embstr` up to `embstr_size_limit` bytes,
    /// or else `raw`, wherever it lies. In C: `OBJECT ENCODING`.
    pub fn encoding<'k>(&self, key: impl Into<Key<'k>>, now: u64) -> Option<Encoding> {
        let limit = self.options.encoding_limits().embstr_size_limit;
        self.peek(&key.into(), now).map(|entry| entry.encoding(limit))
    }

    /// How many references a value has: more than 1 for a long string while replies hold it. In C: `OBJECT
    /// REFCOUNT`.
    pub fn refcount<'k>(&self, key: impl Into<Key<'k>>, now: u64) -> Option<u32> {
        self.peek(&key.into(), now).map(|entry| entry.object().map_or(1, Robj::refcount))
    }

    /// For how many seconds a key has not been used, modulo 2^24; not been modified under an LRM policy.
    /// `None` if there is no such key, or under an LFU or S3-FIFO policy. In C: `OBJECT IDLETIME`.
    pub fn idle_time<'k>(&self, key: impl Into<Key<'k>>, now: u64) -> Option<u32> {
        let clock = self.peek(&key.into(), now)?.view().clock();
        match self.clock_kind() {
            ClockKind::Seconds => Some(idle_time(clock, now / SECOND)),
            ClockKind::Lfu | ClockKind::S3fifo => None,
        }
    }

    /// How often a key is used: a logarithmic counter under an LFU policy, and 0 to 3 under S3-FIFO. `None`
    /// if there is no such key, or under any other policy. In C: `OBJECT FREQ`.
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

    /// What a key and its value add to `used_memory`, in bytes: the entry's block and all blocks of the
    /// value, exactly. The six bytes in the table and its free places are not in it. Constant time. In C:
    /// `MEMORY USAGE`, which samples.
    pub fn memory_usage<'k>(&self, key: impl Into<Key<'k>>, now: u64) -> Option<usize> {
        self.peek(&key.into(), now).map(Entry::allocation_size)
    }
}
