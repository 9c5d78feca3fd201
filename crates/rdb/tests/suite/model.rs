//! The contents of a keyspace as collections of std.

use rdb::keyspace::values::Element;
use rdb::keyspace::{Keyspace, ValueRef};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) type Bytes = Vec<u8>;

/// A value, independent of its encoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    String(Bytes),
    List(Vec<Bytes>),
    Set(BTreeSet<Bytes>),
    Hash(BTreeMap<Bytes, Bytes>),
    /// The members, with the bits of their scores.
    ZSet(BTreeMap<Bytes, u64>),
}

/// The expiry and the value of each key.
pub(crate) type Model = BTreeMap<Bytes, (Option<u64>, Content)>;

pub(crate) fn bytes(element: Element<'_>) -> Bytes {
    element.text().to_vec()
}

pub(crate) fn content(value: ValueRef<'_>) -> Content {
    match value {
        ValueRef::String(string) => Content::String(string.to_bytes().to_vec()),
        ValueRef::List(list) => Content::List(list.iter().map(|item| bytes(item.element())).collect()),
        ValueRef::Set(set) => Content::Set(set.iter().map(bytes).collect()),
        ValueRef::Hash(hash) => {
            Content::Hash(hash.iter().map(|(field, value)| (bytes(field), bytes(value))).collect())
        }
        ValueRef::ZSet(zset) => {
            Content::ZSet(zset.iter().map(|(member, score)| (bytes(member), score.to_bits())).collect())
        }
    }
}

/// Returns the contents of a keyspace, including expired keys. Checks the invariants of the keyspace.
pub(crate) fn model(keyspace: &Keyspace) -> Model {
    keyspace.check();
    let all = keyspace.records(0);
    all.map(|record| (record.key.to_vec(), (record.expiry, content(record.value)))).collect()
}
