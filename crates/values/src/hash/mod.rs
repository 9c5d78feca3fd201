//! [`Hash`]: hashes.
//!
//! | encoding | holds | until |
//! |---|---|---|
//! | `listpack` | fields, values | `hash_max_listpack_entries`, or a string over `hash_max_listpack_value` |
//! | `hashtable` | one block a field, with its value | |
//!
//! A hash never changes back: a hash table that has become small stays one. `write` has the rules of
//! conversion, and `random` chooses random fields.

mod iter;
mod random;
mod read;
mod write;

pub use crate::error::HashError;
pub use iter::Iter;

use crate::encodings::encodings;
use crate::error::Error;
use crate::hashtable::StringTable;
use crate::packed::{Contents, PackedShape, check_listpack, try_listpack, view_of_listpack};
use crate::types::Encoding;
use common::NoRoom;
use listpack::ListPack;

/// A map of byte strings to byte strings. It takes 16 bytes.
///
/// Taught in the chapter `docs/src/objects.md`.
///
/// Field and value are [`Element`](crate::Element)s: bytes, or an integer, which stands for its decimal
/// form. Methods that may convert the hash take the [`EncodingLimits`](crate::EncodingLimits). Methods that
/// allocate have a `try_` form; if it returns an error, the hash is unchanged. The plain form calls
/// zmalloc's OOM handler.
///
/// `R` is the type of the [`Room`](crate::Room) in which a packed hash may be. Without it, as in `Hash`,
/// the hash is an owned one. See [`Collection::In`](crate::Collection::In).
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
pub struct Hash<R = NoRoom>(Repr<R>);

/// A view of a [`Hash`](struct@Hash), which may be in any place. What it lends lives for `'a`.
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

impl Hash {
    /// Creates an empty hash. Does not allocate.
    pub const fn new() -> Self {
        Self(Repr::ListPack(ListPack::new()))
    }
}

encodings! {
    Hash, HashView;
    ListPack; HashTable(StringTable<2>);
    others {
        fn view_of_packed(encoding: Encoding, bytes: &[u8]) -> Result<HashView<'_>, Error> {
            Ok(HashView(ReprView::ListPack(view_of_listpack(encoding, bytes)?)))
        }

        fn check_packed(encoding: Encoding, bytes: &[u8]) -> Result<PackedShape, Error> {
            check_listpack(encoding, bytes, Contents::Fields)
        }

        fn try_from_packed(encoding: Encoding, bytes: &[u8]) -> Result<Self, Error> {
            Ok(Self(Repr::ListPack(try_listpack(encoding, bytes, Contents::Fields)?)))
        }
    }
}
