//! `INCRBY`, on a small store.

use std::collections::BTreeMap;

/// A value of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Text(Vec<u8>),
    Hash(BTreeMap<Vec<u8>, Vec<u8>>),
}

/// The keys and their values.
pub(crate) type Store = BTreeMap<Vec<u8>, Value>;

/// The reason why a value was not incremented.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum IncrError {
    /// The value is a hash.
    WrongType,
    /// The text is not the decimal form of an `i64`.
    NotAnInteger,
    /// The sum does not fit into an `i64`.
    Overflow {
        /// The integer that the key has.
        value: i64,
    },
}

/// Adds `increment` to the integer at `key`, stores the sum, and returns it.
pub(crate) fn incr_by(store: &mut Store, key: &[u8], increment: i64) -> Result<i64, IncrError> {
    todo!("add {increment} to {key:?} of {store:?}")
}
