//! [`EncodingLimits`]: the limits between one encoding and the next.

/// The default number of shared integers of an object store, counted from 0. In C: `OBJ_SHARED_INTEGERS`.
pub const OBJ_SHARED_INTEGERS: u32 = 10_000;

/// The limits of what a value may pack, and of what an object around it may embed and share.
///
/// One value holds for a whole keyspace. Every function that may change an encoding takes it by reference.
/// Names and defaults are those of redis.conf in Redis 7.4. More limits may be added, so build it as
/// follows:
///
/// ```
/// use values::EncodingLimits;
/// let limits = EncodingLimits { hash_max_listpack_entries: 64, ..EncodingLimits::DEFAULT };
/// # assert_eq!(limits.shared_integers, 10_000);
/// ```
///
/// A collection starts in its smallest encoding. The first write that exceeds a limit changes the encoding.
/// In general a collection does not change back when it shrinks. There are two exceptions, as in Redis: a
/// list does, and a set does when `SPOP` takes nearly all members. Changed limits take effect with the next
/// write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EncodingLimits {
    /// The largest string, in bytes, in its object's own block. The default of 44 fills a block of 64: a
    /// header of 16, an sds header of 3, 44 bytes, and a NUL. Values above 255 count as 255, the longest
    /// length that the embedded header can hold. In C: `OBJ_ENCODING_EMBSTR_SIZE_LIMIT`.
    pub embstr_size_limit: usize,
    /// Integers from 0 up to, but without, this number are shared. The maximum and the default are
    /// [`OBJ_SHARED_INTEGERS`]. Use 0 if an eviction policy reads the clock of each object, because a
    /// shared object has none.
    pub shared_integers: u32,
    /// The largest string, in bytes, that `APPEND`, `SETRANGE`, `SETBIT` and similar commands make. 512 MiB
    /// by default. An existing string may be longer, and stays so.
    pub proto_max_bulk_len: usize,
    /// If positive, the largest number of elements of a list's listpack. -1 to -5 limit its bytes to 4, 8,
    /// 16, 32 or 64 KiB. A larger list becomes a quicklist of such listpacks. -2 by default.
    pub list_max_listpack_size: i32,
    /// The number of nodes at each end of a quicklist that are never compressed. The default of 0
    /// compresses no node.
    pub list_compress_depth: u16,
    /// The largest number of members of a set in an intset. 512 by default.
    pub set_max_intset_entries: usize,
    /// The largest number of members of a set in a listpack. 128 by default.
    pub set_max_listpack_entries: usize,
    /// The longest member, in bytes, of a set in a listpack. 64 by default.
    pub set_max_listpack_value: usize,
    /// The largest number of fields of a hash in a listpack. 512 by default.
    pub hash_max_listpack_entries: usize,
    /// The longest field or value, in bytes, of a hash in a listpack. 64 by default.
    pub hash_max_listpack_value: usize,
    /// The largest number of members of a sorted set in a listpack. 128 by default.
    pub zset_max_listpack_entries: usize,
    /// The longest member, in bytes, of a sorted set in a listpack. 64 by default.
    pub zset_max_listpack_value: usize,
}

impl EncodingLimits {
    /// The defaults of Redis.
    pub const DEFAULT: Self = Self {
        embstr_size_limit: 44,
        shared_integers: OBJ_SHARED_INTEGERS,
        proto_max_bulk_len: 512 * 1024 * 1024,
        list_max_listpack_size: -2,
        list_compress_depth: 0,
        set_max_intset_entries: 512,
        set_max_listpack_entries: 128,
        set_max_listpack_value: 64,
        hash_max_listpack_entries: 512,
        hash_max_listpack_value: 64,
        zset_max_listpack_entries: 128,
        zset_max_listpack_value: 64,
    };

    /// The defaults without shared integers, for eviction by LRU or LFU.
    pub const NO_SHARED_INTEGERS: Self = Self { shared_integers: 0, ..Self::DEFAULT };
}

impl Default for EncodingLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
