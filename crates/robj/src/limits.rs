//! [`EncodingLimits`]: where one encoding ends and the next begins.

use crate::shared::OBJ_SHARED_INTEGERS;

/// What an object may embed and share. One value for a whole keyspace; every function that creates an
/// object takes it by reference. More limits will join these with later kinds of values, so build it as
///
/// ```
/// use robj::EncodingLimits;
/// let limits = EncodingLimits { embstr_size_limit: 20, ..EncodingLimits::DEFAULT };
/// # assert_eq!(limits.shared_integers, 10_000);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EncodingLimits {
    /// The longest string, in bytes, that lives in its object's block. 44 by default, which fills a block
    /// of 64: 16 of header, 3 of sds header, 44, and a NUL. Values above 255 count as 255, the most that
    /// the embedded header can say. In C: `OBJ_ENCODING_EMBSTR_SIZE_LIMIT`.
    pub embstr_size_limit: usize,
    /// Integers from 0 up to below this are shared; at most, and by default, [`OBJ_SHARED_INTEGERS`]. 0 for an
    /// eviction policy that looks at each object's clock, because a shared object has none.
    pub shared_integers: u32,
}

impl EncodingLimits {
    /// What Redis does where nothing is configured.
    pub const DEFAULT: Self = Self { embstr_size_limit: 44, shared_integers: OBJ_SHARED_INTEGERS };

    /// The defaults without shared integers, for eviction by LRU or LFU.
    pub const NO_SHARED_INTEGERS: Self = Self { shared_integers: 0, ..Self::DEFAULT };
}

impl Default for EncodingLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
