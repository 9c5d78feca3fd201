//! [`EstimateError`]: a key or a value is too long for an estimate.

use super::Workload;
use common::Thousands;
use core::fmt;

/// The reason why an estimate failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EstimateError {
    /// The keys have more than [`Workload::KEY_LEN_MAX`] bytes.
    KeyTooLong {
        /// The length of the keys, in bytes.
        len: u64,
    },
    /// Some values have more than [`Workload::VALUE_LEN_MAX`] bytes.
    ValueTooLong {
        /// The length of the longest value, in bytes.
        len: u64,
    },
}

impl fmt::Display for EstimateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, len, max) = match *self {
            Self::KeyTooLong { len } => ("key", len, Workload::KEY_LEN_MAX),
            Self::ValueTooLong { len } => ("value", len, Workload::VALUE_LEN_MAX),
        };
        let (len, max) = (Thousands(len), Thousands(max));
        write!(f, "a {what} of {len} bytes is too long: it can have at most {max} bytes")
    }
}

impl core::error::Error for EstimateError {}
