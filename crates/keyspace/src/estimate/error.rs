//! [`EstimateError`]: lengths that no key and no value has.

use super::Workload;
use common::Thousands;
use core::fmt;

/// Why there is no estimate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EstimateError {
    /// Keys have more than [`Workload::KEY_LEN_MAX`] bytes.
    KeyTooLong {
        /// How many they have.
        len: u64,
    },
    /// Values have more than [`Workload::VALUE_LEN_MAX`] bytes.
    ValueTooLong {
        /// How many the longest has.
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
