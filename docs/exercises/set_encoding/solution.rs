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
        if self.members.contains(member) {
            return false;
        }
        let len = self.members.len() + 1;
        let fits = |member: &[u8]| len <= limits.listpack_entries && member.len() <= limits.listpack_value;
        self.encoding = match self.encoding {
            Encoding::IntSet if is_integer(member) && len <= limits.intset_entries => Encoding::IntSet,
            // With an integer too many, an intset does not become a listpack, even if the listpack's limits are larger.
            Encoding::IntSet if is_integer(member) => Encoding::HashTable,
            // The integers have not been compared with the limits of a listpack before.
            Encoding::IntSet if fits(member) && self.members.iter().all(|other| fits(other)) => {
                Encoding::ListPack
            }
            Encoding::ListPack if fits(member) => Encoding::ListPack,
            _ => Encoding::HashTable,
        };
        self.members.insert(member.to_vec())
    }

    /// Removes a member. Returns whether it was there.
    pub(crate) fn remove(&mut self, member: &[u8]) -> bool {
        let is_removed = self.members.remove(member);
        if self.members.is_empty() {
            *self = Self::new();
        }
        is_removed
    }
}
