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
    let value = match store.get(key) {
        None => 0,
        Some(Value::Text(text)) => integer(text).ok_or(IncrError::NotAnInteger)?,
        Some(Value::Hash(_)) => return Err(IncrError::WrongType),
    };
    let sum = value.checked_add(increment).ok_or(IncrError::Overflow { value })?;
    // Nothing can fail any more, so the store may change.
    store.insert(key.to_vec(), Value::Text(sum.to_string().into_bytes()));
    Ok(sum)
}

/// Returns the integer whose decimal form is `text`.
fn integer(text: &[u8]) -> Option<i64> {
    let value: i64 = str::from_utf8(text).ok()?.parse().ok()?;
    // `parse` accepts `+7` and `07`, too. The store never writes these texts.
    (value.to_string().as_bytes() == text).then_some(value)
}
