//! [`Hash`]: hashes.
//!
//! | encoding | holds | until |
//! |---|---|---|
//! | `listpack` | `field, value, field, value, ..` | `hash_max_listpack_entries`, or a field or value beyond `hash_max_listpack_value` |
//! | `hashtable` | one block a field, with its value | |
//!
//! A hash never goes back: a large one that has become small stays a hash table. The rules of conversion are in `write`, random
//! fields in `random`.

mod error;
mod iter;
mod random;
mod write;

pub use error::HashError;
pub use iter::Iter;

use crate::collection::{Collection, from_word, into_word, sealed};
use crate::element::Element;
use crate::members::Members;
use crate::remains::{Remains, Rest};
use crate::types::{Encoding, ObjectType};
use core::array;
use core::fmt;
use core::ptr::NonNull;
use listpack::ListPack;
use zmalloc::{ReserveError, or_oom};

/// Look-ups whose cache misses overlap.
const BATCH: usize = 16;

/// A map of byte strings to byte strings; 16 bytes.
///
/// Field and value are given as [`Element`]s: bytes or an integer, which stands for its decimal form. What may convert the hash
/// takes the [`EncodingLimits`](crate::EncodingLimits). What allocates has a `try_` form, after whose error the hash is as it was; the plain
/// form calls zmalloc's OOM handler.
///
/// ```
/// use robj::{Collection, Element, Encoding, EncodingLimits, Hash};
/// let limits = EncodingLimits::DEFAULT;
/// let mut hash = Hash::new();
/// assert!(hash.insert(&b"name"[..], &b"redcore"[..], &limits));
/// assert!(!hash.insert(&b"name"[..], 7, &limits));
/// assert_eq!(hash.get(&b"name"[..]), Some(Element::Bytes(b"7")));
/// assert_eq!((hash.encoding(), hash.len()), (Encoding::ListPack, 1));
/// hash.insert(&[b'x'; 65][..], 1, &limits);
/// assert_eq!(hash.encoding(), Encoding::HashTable);
/// ```
pub struct Hash(Repr);

/// Its encodings.
enum Repr {
    ListPack(ListPack),
    HashTable(Members<2>),
}

/// One field at a time.
impl Hash {
    /// Nothing in it, and nothing allocated.
    pub const fn new() -> Self {
        Self(Repr::ListPack(ListPack::new()))
    }

    /// The field's value. O(1) on average in a hash table, O(n) in a listpack. In C: `hashTypeGetValue`; `HGET`.
    #[inline]
    pub fn get<'e>(&self, field: impl Into<Element<'e>>) -> Option<Element<'_>> {
        let field = field.into();
        match &self.0 {
            Repr::ListPack(list) => {
                let place = find(list, &field.text())?;
                list.get(list.next(place)?).map(Element::from_packed)
            }
            Repr::HashTable(members) => members.get(&field.text()).map(|pair| Element::Bytes(pair.value())),
        }
    }

    /// The values of these fields, in their order: their cache misses overlap. In C: `HMGET`.
    ///
    /// ```
    /// use robj::{Element, EncodingLimits, Hash};
    /// let mut hash = Hash::new();
    /// hash.insert(&b"a"[..], 1, &EncodingLimits::DEFAULT);
    /// let fields = [Element::Bytes(b"a"), Element::Bytes(b"b")];
    /// assert!(hash.get_many(&fields).eq([Some(Element::Int(1)), None]));
    /// ```
    pub fn get_many<'a>(&'a self, fields: &[Element<'_>]) -> impl Iterator<Item = Option<Element<'a>>> {
        fields.chunks(BATCH).flat_map(|batch| self.get_batch(batch).into_iter().take(batch.len()))
    }

    fn get_batch(&self, fields: &[Element<'_>]) -> [Option<Element<'_>>; BATCH] {
        match &self.0 {
            Repr::HashTable(members) if fields.len() > 1 => {
                let texts: [_; BATCH] =
                    array::from_fn(|i| fields.get(i).copied().unwrap_or(Element::Bytes(b"")).text());
                let found = members.get_many(array::from_fn(|i| &*texts[i]));
                found.map(|pair| pair.map(|pair| Element::Bytes(pair.value())))
            }
            _ => array::from_fn(|i| self.get(*fields.get(i)?)),
        }
    }

    /// Whether there is such a field. O(1) on average in a hash table, O(n) in a listpack. In C: `hashTypeExists`; `HEXISTS`.
    #[inline]
    pub fn contains_key<'e>(&self, field: impl Into<Element<'e>>) -> bool {
        let field = field.into();
        match &self.0 {
            Repr::ListPack(list) => find(list, &field.text()).is_some(),
            Repr::HashTable(members) => members.get(&field.text()).is_some(),
        }
    }

    /// How many bytes the field's value has. In C: `hashTypeGetValueLength`; `HSTRLEN`, which answers 0 without a field.
    pub fn value_len<'e>(&self, field: impl Into<Element<'e>>) -> Option<usize> {
        self.get(field).map(Element::len)
    }
}

/// Where a field stands.
#[inline]
fn find(list: &ListPack, field: &[u8]) -> Option<listpack::Offset> {
    list.find(list.first()?, field, 1)
}

impl Default for Hash {
    fn default() -> Self {
        Self::new()
    }
}

impl Clone for Hash {
    /// [`Collection::try_clone`], with the OOM handler in place of an error.
    fn clone(&self) -> Self {
        or_oom(self.try_clone())
    }
}

/// Hashes are equal if they have the same fields with the same values, however they are encoded. O(n) on average for hash tables.
impl PartialEq for Hash {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(field, value)| other.get(field) == Some(value))
    }
}

impl Eq for Hash {}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().fmt(f)
    }
}

impl sealed::Sealed for Hash {}

impl Collection for Hash {
    const TYPE: ObjectType = ObjectType::Hash;
    const EMPTY: Self = Self::new();

    fn encoding(&self) -> Encoding {
        match self.0 {
            Repr::ListPack(_) => Encoding::ListPack,
            Repr::HashTable(_) => Encoding::HashTable,
        }
    }

    fn len(&self) -> usize {
        match &self.0 {
            Repr::ListPack(list) => list.len() / 2,
            Repr::HashTable(inner) => inner.len(),
        }
    }

    fn memory_usage(&self) -> usize {
        match &self.0 {
            Repr::ListPack(inner) => inner.allocation_size(),
            Repr::HashTable(inner) => inner.allocation_size(),
        }
    }

    fn free_effort(&self) -> usize {
        match &self.0 {
            Repr::ListPack(_) => 1,
            Repr::HashTable(inner) => inner.len(),
        }
    }

    fn drop_in_steps(self, n: usize) -> Option<Remains> {
        match self.0 {
            Repr::ListPack(_) => None, // one block
            Repr::HashTable(inner) => Remains(Rest::Hash(inner.into_table())).drop_in_steps(n),
        }
    }

    fn relocate(&mut self, cursor: u64, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> u64 {
        match &mut self.0 {
            Repr::ListPack(inner) => {
                inner.relocate(moves);
                0
            }
            Repr::HashTable(inner) => inner.relocate(cursor, moves),
        }
    }

    fn try_clone(&self) -> Result<Self, ReserveError> {
        Ok(Self(match &self.0 {
            Repr::ListPack(inner) => Repr::ListPack(inner.try_clone()?),
            Repr::HashTable(inner) => Repr::HashTable(inner.try_clone()?),
        }))
    }

    fn into_raw(self) -> (Encoding, NonNull<u8>) {
        let encoding = self.encoding();
        let word = match self.0 {
            Repr::ListPack(inner) => into_word(inner),
            Repr::HashTable(inner) => into_word(inner),
        };
        (encoding, word)
    }

    unsafe fn from_raw(encoding: Encoding, pointer: NonNull<u8>) -> Self {
        // SAFETY: by contract, the encoding says whose word the pointer is.
        unsafe {
            Self(match encoding {
                Encoding::ListPack => Repr::ListPack(from_word(pointer)),
                _ => Repr::HashTable(from_word(pointer)),
            })
        }
    }
}
