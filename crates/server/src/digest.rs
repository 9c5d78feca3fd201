//! [`Digest`]: a short text that is the same for equal data, whatever the encodings. It is not Redis' digest.

use keyspace::{Keyspace, ValueRef};
use std::fmt;
use std::hash::{DefaultHasher, Hasher};
use values::ReserveError;

/// The digest of a value, of a database, or of several of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Digest([u64; 3]);

/// Prints forty hexadecimal digits.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:016x}{:08x}", self.0[0], self.0[1], self.0[2] as u32)
    }
}

impl Digest {
    /// Returns the digest of some strings in this order.
    fn of(parts: &[&[u8]]) -> Self {
        Self([0, 1, 2].map(|lane| {
            let mut hasher = DefaultHasher::new();
            hasher.write_u64(lane);
            for part in parts {
                hasher.write_usize(part.len());
                hasher.write(part);
            }
            hasher.finish()
        }))
    }

    /// Adds something that has no order.
    pub(crate) fn add(&mut self, other: Self) {
        self.0.iter_mut().zip(other.0).for_each(|(lane, other)| *lane ^= other);
    }

    fn bytes(self) -> [u8; 24] {
        let mut bytes = [0; 24];
        bytes.chunks_exact_mut(8).zip(self.0).for_each(|(to, lane)| to.copy_from_slice(&lane.to_le_bytes()));
        bytes
    }

    /// Returns the digest of a value. O(elements).
    pub(crate) fn of_value(value: ValueRef<'_>) -> Result<Self, ReserveError> {
        let mut digest = Self::default();
        let kind: &[u8] = match value {
            ValueRef::String(string) => {
                digest = Self::of(&[&string.text(&mut Vec::new())?]);
                b"string"
            }
            ValueRef::List(list) => {
                for item in list.iter() {
                    digest = Self::of(&[&digest.bytes(), &item.element().text()]);
                }
                b"list"
            }
            ValueRef::Set(set) => {
                set.iter().for_each(|member| digest.add(Self::of(&[&member.text()])));
                b"set"
            }
            ValueRef::ZSet(zset) => {
                for (member, score) in zset.iter() {
                    // Both zeros are the same score.
                    digest.add(Self::of(&[&member.text(), &(score + 0.0).to_le_bytes()]));
                }
                b"zset"
            }
            ValueRef::Hash(hash) => {
                hash.iter().for_each(|(field, value)| digest.add(Self::of(&[&field.text(), &value.text()])));
                b"hash"
            }
        };
        Ok(Self::of(&[kind, &digest.bytes()]))
    }

    /// Returns the digest of all keys of a database. It depends on which keys expire, but not on when. It is
    /// zero if there are no keys. O(elements).
    pub(crate) fn of_keys(db: usize, keys: &Keyspace, now: u64) -> Result<Self, ReserveError> {
        let mut digest = Self::default();
        for record in keys.records(now) {
            let value = Self::of_value(record.value)?.bytes();
            let expires = [u8::from(record.expiry.is_some())];
            digest.add(Self::of(&[&db.to_le_bytes(), &record.key.text(), &value, &expires]));
        }
        Ok(digest)
    }
}
