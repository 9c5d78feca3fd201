//! [`EstimateError`]: lengths that no key and no value has.

use core::fmt;
use values::EncodingLimits;

/// The longest key of a workload, in bytes: that of a [`Keyspace`](crate::Keyspace).
pub const KEY_LEN_MAX: u64 = crate::entry::KEY_LEN_MAX as u64;

/// The longest value of a workload, in bytes. In redis.conf: the default of `proto-max-bulk-len`.
pub const VALUE_LEN_MAX: u64 = EncodingLimits::DEFAULT.proto_max_bulk_len as u64;

/// Why there is no estimate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EstimateError {
    /// Keys have more than [`KEY_LEN_MAX`] bytes.
    KeyTooLong {
        /// How many they have.
        len: u64,
    },
    /// Values have more than [`VALUE_LEN_MAX`] bytes.
    ValueTooLong {
        /// How many the longest has.
        len: u64,
    },
}

impl fmt::Display for EstimateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, len, max) = match *self {
            Self::KeyTooLong { len } => ("key", len, KEY_LEN_MAX),
            Self::ValueTooLong { len } => ("value", len, VALUE_LEN_MAX),
        };
        write!(f, "a {what} of {len} bytes is too long: the most is {max}")
    }
}

impl core::error::Error for EstimateError {}
