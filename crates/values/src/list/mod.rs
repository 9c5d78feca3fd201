//! [`List`]: lists, as a listpack or as a quicklist.
//!
//! A list begins as a listpack. A write that would take it over `list-max-listpack-size` first makes it a
//! quicklist, whose first node is the listpack. When only one node is left, and it is at most half as large
//! as the limit, its listpack becomes the list again. Neither conversion moves an element.
//!
//! Invariant: a quicklist is not empty between operations.
//!
//! Learned from: `t_list.c` of Redis 7.4.

mod convert;
mod edit;
mod ends;
mod nodes;
mod read;

use crate::encodings::encodings;
use crate::error::Error;
use crate::packed::{Contents, PackedShape, check_listpack, try_listpack, view_of_listpack};
use crate::types::Encoding;
use common::NoRoom;
use listpack::ListPack;
use quicklist::QuickList;

pub use quicklist::{NodeLimit, NodeView, Side, lzf};
pub use read::{Item, Iter, Positions};

/// A list of byte strings. It takes 16 bytes.
///
/// Taught in the chapter `docs/src/objects.md`.
///
/// Indexes are those of the commands: from 0 at the front, or negative ones from -1 at the back. Methods
/// that write take the limits, because they may change the encoding.
///
/// `R` is the type of the [`Room`](crate::Room) in which a packed list may be. Without it, as in `List`,
/// the list is an owned one. See [`Collection::In`](crate::Collection::In).
///
/// ```
/// use values::{Collection, EncodingLimits, Encoding, List, list::Side};
/// let limits = EncodingLimits::DEFAULT;
/// let mut list = List::new();
/// list.push_back(b"b", &limits);
/// list.push_front(b"a", &limits);
/// assert_eq!(list.get(-1).unwrap().element(), b"b"[..].into());
/// assert_eq!(list.encoding(), Encoding::ListPack);
///
/// list.push_back(&[0; 10_000], &limits);
/// assert_eq!(list.encoding(), Encoding::QuickList);
/// assert_eq!(list.pop_back(&limits).unwrap().as_element().len(), 10_000);
/// assert_eq!(list.encoding(), Encoding::ListPack); // one half empty node was left
/// ```
pub struct List<R = NoRoom>(Repr<R>);

/// A view of a [`List`], which may be in any place. What it lends lives for `'a`. An element is an
/// [`Item`], because an element of a compressed node is a copy.
#[derive(Clone, Copy)]
pub struct ListView<'a>(ReprView<'a>);

impl List {
    /// Creates an empty list, without an allocation.
    pub const fn new() -> Self {
        Self(Repr::ListPack(ListPack::new()))
    }
}

encodings! {
    List, ListView;
    ListPack; QuickList(QuickList);
    others {
        fn view_of_packed(encoding: Encoding, bytes: &[u8]) -> Result<ListView<'_>, Error> {
            Ok(ListView(ReprView::ListPack(view_of_listpack(encoding, bytes)?)))
        }

        fn check_packed(encoding: Encoding, bytes: &[u8]) -> Result<PackedShape, Error> {
            check_listpack(encoding, bytes, Contents::Elements)
        }

        fn try_from_packed(encoding: Encoding, bytes: &[u8]) -> Result<Self, Error> {
            Ok(Self(Repr::ListPack(try_listpack(encoding, bytes, Contents::Elements)?)))
        }
    }
}
