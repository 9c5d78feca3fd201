//! [`Hash`]: hashes.
//!
//! | encoding | holds | until |
//! |---|---|---|
//! | `listpack` | `field, value, field, value, ..` | `hash_max_listpack_entries`, or a field or value beyond `hash_max_listpack_value` |
//! | `hashtable` | one block a field, with its value | |
//!
//! A hash never goes back: a large one that has become small stays a hash table. The rules of conversion are in `write`, random
//! fields in `random`.

mod iter;
mod random;
mod read;
mod write;

pub use crate::error::HashError;
pub use iter::Iter;

use crate::collection::{Collection, from_word, into_word, sealed, word_as_ref};
use crate::error::Error;
use crate::hashtable::StringTable;
use crate::packed::{Contents, try_listpack, view_of_listpack};
use crate::remains::{Remains, Rest};
use crate::types::{Encoding, ObjectType};
use common::Cursor;
use core::fmt;
use core::ptr::NonNull;
use listpack::ListPack;
use zmalloc::{ReserveError, or_oom};

/// A map of byte strings to byte strings; 16 bytes.
///
/// Field and value are given as [`Element`]s: bytes or an integer, which stands for its decimal form. What may convert the hash
/// takes the [`EncodingLimits`](crate::EncodingLimits). What allocates has a `try_` form, after whose error the hash is as it was; the plain
/// form calls zmalloc's OOM handler.
///
/// ```
/// use values::{Collection, Element, Encoding, EncodingLimits, Hash};
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
    HashTable(StringTable<2>),
}

/// A [`Hash`](struct@Hash) to be read, borrowed from wherever it lies. What it lends lives for `'a`.
///
/// ```
/// use values::{Element, EncodingLimits, Hash, HashView};
/// fn hget<'a>(hash: HashView<'a>, field: &[u8]) -> Option<Element<'a>> {
///     hash.get(field)
/// }
/// let mut hash = Hash::new();
/// hash.insert("name", "redcore", &EncodingLimits::DEFAULT);
/// assert_eq!(hget(hash.view(), b"name"), Some("redcore".into()));
/// ```
#[derive(Clone, Copy)]
pub struct HashView<'a>(ReprView<'a>);

#[derive(Clone, Copy)]
enum ReprView<'a> {
    ListPack(&'a listpack::View),
    HashTable(&'a StringTable<2>),
}

impl Hash {
    /// Nothing in it, and nothing allocated.
    pub const fn new() -> Self {
        Self(Repr::ListPack(ListPack::new()))
    }

    /// The hash to be read.
    #[inline]
    pub fn view(&self) -> HashView<'_> {
        HashView(match &self.0 {
            Repr::ListPack(list) => ReprView::ListPack(list),
            Repr::HashTable(table) => ReprView::HashTable(table),
        })
    }
}

impl<'a> From<&'a Hash> for HashView<'a> {
    #[inline]
    fn from(hash: &'a Hash) -> Self {
        hash.view()
    }
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
        self.view() == other.view()
    }
}

impl Eq for Hash {}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().fmt(f)
    }
}

impl sealed::Sealed for Hash {}

impl Collection for Hash {
    const TYPE: ObjectType = ObjectType::Hash;
    const EMPTY: Self = Self::new();

    type View<'a> = HashView<'a>;

    #[inline]
    fn view(&self) -> HashView<'_> {
        self.view()
    }

    #[inline]
    unsafe fn view_of_raw(encoding: Encoding, word: &NonNull<u8>) -> HashView<'_> {
        // SAFETY: by contract, the encoding says whose word it is.
        unsafe {
            HashView(match encoding {
                Encoding::ListPack => ReprView::ListPack(word_as_ref::<ListPack>(word)),
                _ => ReprView::HashTable(word_as_ref(word)),
            })
        }
    }

    fn view_of_packed(encoding: Encoding, bytes: &[u8]) -> Result<HashView<'_>, Error> {
        Ok(HashView(ReprView::ListPack(view_of_listpack(encoding, bytes)?)))
    }

    fn as_packed(&self) -> Option<&[u8]> {
        match &self.0 {
            Repr::ListPack(list) => Some(list.as_bytes()),
            Repr::HashTable(_) => None,
        }
    }

    fn try_from_packed(encoding: Encoding, bytes: &[u8]) -> Result<Self, Error> {
        Ok(Self(Repr::ListPack(try_listpack(encoding, bytes, Contents::Fields)?)))
    }

    #[inline]
    fn encoding(&self) -> Encoding {
        self.view().encoding()
    }

    #[inline]
    fn len(&self) -> usize {
        self.view().len()
    }

    fn allocation_size(&self) -> usize {
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

    fn relocate(&mut self, cursor: Cursor, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> Cursor {
        match &mut self.0 {
            Repr::ListPack(inner) => {
                inner.relocate(moves);
                Cursor::START
            }
            Repr::HashTable(inner) => inner.relocate(cursor, moves),
        }
    }

    fn try_clone(&self) -> Result<Self, ReserveError> {
        self.view().try_to_owned()
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
