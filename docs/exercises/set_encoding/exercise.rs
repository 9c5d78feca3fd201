//! A set that changes its encoding.

use std::collections::BTreeSet;

/// The encoding of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    IntSet,
    ListPack,
    HashTable,
}

/// The limits of redis.conf: `set-max-intset-entries`, `set-max-listpack-entries` and `set-max-listpack-value`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) intset_entries: usize,
    pub(crate) listpack_entries: usize,
    /// In bytes.
    pub(crate) listpack_value: usize,
}

/// A set. It stores its members in the same form for all encodings, because the exercise is only about the rules.
pub(crate) struct Set {
    pub(crate) members: BTreeSet<Vec<u8>>,
    pub(crate) encoding: Encoding,
}

/// Returns whether a member is an integer of 64 bits in its canonical form.
fn is_integer(member: &[u8]) -> bool {
    listpack::integer::parse(member).is_some()
}

impl Set {
    /// Creates an empty set.
    pub(crate) fn new() -> Self {
        Self { members: BTreeSet::new(), encoding: Encoding::IntSet }
    }

    /// Adds a member, and changes the encoding if the limits require it. Returns whether the member is new.
    pub(crate) fn add(&mut self, member: &[u8], limits: Limits) -> bool {
        let is_integer = is_integer(member);
        todo!("add {member:?} with {limits:?}, and use whether it is an integer: {is_integer}")
    }

    /// Removes a member. Returns whether it was there.
    pub(crate) fn remove(&mut self, member: &[u8]) -> bool {
        todo!("remove {member:?}")
    }
}
