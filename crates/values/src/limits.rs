//! [`EncodingLimits`]: where one encoding ends and the next begins.

/// How many integers an object store shares by default, counted from 0. In C: `OBJ_SHARED_INTEGERS`.
pub const OBJ_SHARED_INTEGERS: u32 = 10_000;

/// What a value may pack, and what an object around it may embed and share. One value for a whole keyspace; every function that
/// may change an encoding takes it by reference. Names and defaults are those of redis.conf in Redis 7.4. More limits may join
/// these, so build it as
///
/// ```
/// use values::EncodingLimits;
/// let limits = EncodingLimits { hash_max_listpack_entries: 64, ..EncodingLimits::DEFAULT };
/// # assert_eq!(limits.shared_integers, 10_000);
/// ```
///
/// A collection starts in its smallest encoding and leaves it with the first write that goes beyond a limit; it does not
/// come back when it shrinks. As in Redis, a list does, and so does a set of which `SPOP` takes nearly all. Changed limits show with the next write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EncodingLimits {
    /// The longest string, in bytes, that lives in its object's block. 44 by default, which fills a block
    /// of 64: 16 of header, 3 of sds header, 44, and a NUL. Values above 255 count as 255, the most that
    /// the embedded header can say. In C: `OBJ_ENCODING_EMBSTR_SIZE_LIMIT`.
    pub embstr_size_limit: usize,
    /// Integers from 0 up to below this are shared; at most, and by default, [`OBJ_SHARED_INTEGERS`]. 0 for an
    /// eviction policy that looks at each object's clock, because a shared object has none.
    pub shared_integers: u32,
    /// The longest string, in bytes, that `APPEND`, `SETRANGE`, `SETBIT` and their like make. 512 MiB by default. A string
    /// that is longer when it comes may stay so.
    pub proto_max_bulk_len: usize,
    /// The most elements of a list's listpack, if positive; -1 to -5 limit its bytes to 4, 8, 16, 32 or 64 KiB. What is
    /// larger becomes a quicklist of such listpacks. -2 by default.
    pub list_max_listpack_size: i32,
    /// How many nodes at each end of a quicklist are never compressed; 0, the default, compresses none.
    pub list_compress_depth: u16,
    /// The most members of a set in an intset. 512 by default.
    pub set_max_intset_entries: usize,
    /// The most members of a set in a listpack. 128 by default.
    pub set_max_listpack_entries: usize,
    /// The longest member, in bytes, of a set in a listpack. 64 by default.
    pub set_max_listpack_value: usize,
    /// The most fields of a hash in a listpack. 512 by default.
    pub hash_max_listpack_entries: usize,
    /// The longest field or value, in bytes, of a hash in a listpack. 64 by default.
    pub hash_max_listpack_value: usize,
    /// The most members of a sorted set in a listpack. 128 by default.
    pub zset_max_listpack_entries: usize,
    /// The longest member, in bytes, of a sorted set in a listpack. 64 by default.
    pub zset_max_listpack_value: usize,
}

impl EncodingLimits {
    /// What Redis does where nothing is configured.
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
