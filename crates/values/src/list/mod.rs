//! [`List`]: lists, as a listpack or as a quicklist.
//!
//! A list begins as a listpack. What would take it over `list-max-listpack-size` makes it a quicklist first, of which the listpack is the
//! first node; and unlike other values, a list comes back: when one node is left that is at most half as large as the limit, its listpack
//! is the list again. Neither way moves an element.
//!
//! Invariant: a quicklist is not empty between operations.
//!
//! Learned from: `t_list.c` of Redis 7.4.

mod convert;
mod edit;
mod ends;
mod read;

use crate::collection::{Collection, from_word, into_word, sealed, word_as_ref};
use crate::error::Error;
use crate::packed::{Contents, try_listpack, view_of_listpack};
use crate::remains::{Remains, Rest};
use crate::types::{Encoding, ObjectType};
use common::Cursor;
use core::fmt;
use core::ptr::NonNull;
use listpack::ListPack;
use quicklist::QuickList;
use zmalloc::ReserveError;

pub use quicklist::Side;
pub use read::{Item, Iter, Positions};

/// A list of byte strings; 16 bytes.
///
/// Indexes are those of the commands: from 0 at the front, and negative ones from -1 at the back. Methods that write take the
/// limits, because what they write may change the encoding.
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
pub struct List(Repr);

/// Its encodings.
enum Repr {
    ListPack(ListPack),
    QuickList(QuickList),
}

/// A [`List`] to be read, borrowed from wherever it lies. What it lends lives for `'a`.
#[derive(Clone, Copy)]
pub struct ListView<'a>(ReprView<'a>);

#[derive(Clone, Copy)]
enum ReprView<'a> {
    ListPack(&'a listpack::View),
    QuickList(&'a QuickList),
}

impl List {
    /// Nothing in it, and nothing allocated.
    pub const fn new() -> Self {
        Self(Repr::ListPack(ListPack::new()))
    }

    /// The list to be read.
    #[inline]
    pub fn view(&self) -> ListView<'_> {
        ListView(match &self.0 {
            Repr::ListPack(list) => ReprView::ListPack(list),
            Repr::QuickList(list) => ReprView::QuickList(list),
        })
    }
}

impl<'a> From<&'a List> for ListView<'a> {
    #[inline]
    fn from(list: &'a List) -> Self {
        list.view()
    }
}

impl Default for List {
    fn default() -> Self {
        Self::new()
    }
}

/// Equal elements in the same order, whatever the encodings. Where nodes are compressed, memory to look into them is needed, and
/// its lack ends in the OOM handler.
impl PartialEq for List {
    fn eq(&self, other: &Self) -> bool {
        self.view() == other.view()
    }
}

impl Eq for List {}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().fmt(f)
    }
}

impl sealed::Sealed for List {}

impl Collection for List {
    const TYPE: ObjectType = ObjectType::List;
    const EMPTY: Self = Self::new();

    type View<'a> = ListView<'a>;

    #[inline]
    fn view(&self) -> ListView<'_> {
        self.view()
    }

    #[inline]
    unsafe fn view_of_raw(encoding: Encoding, word: &NonNull<u8>) -> ListView<'_> {
        // SAFETY: by contract, the encoding says whose word it is.
        unsafe {
            ListView(match encoding {
                Encoding::QuickList => ReprView::QuickList(word_as_ref(word)),
                _ => ReprView::ListPack(word_as_ref::<ListPack>(word)),
            })
        }
    }

    fn view_of_packed(encoding: Encoding, bytes: &[u8]) -> Result<ListView<'_>, Error> {
        Ok(ListView(ReprView::ListPack(view_of_listpack(encoding, bytes)?)))
    }

    fn as_packed(&self) -> Option<&[u8]> {
        match &self.0 {
            Repr::ListPack(list) => Some(list.as_bytes()),
            Repr::QuickList(_) => None,
        }
    }

    fn try_from_packed(encoding: Encoding, bytes: &[u8]) -> Result<Self, Error> {
        Ok(Self(Repr::ListPack(try_listpack(encoding, bytes, Contents::Elements)?)))
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
            Repr::QuickList(inner) => inner.allocation_size(),
        }
    }

    fn free_effort(&self) -> usize {
        match &self.0 {
            Repr::ListPack(_) => 1,
            Repr::QuickList(inner) => inner.node_count(),
        }
    }

    fn drop_in_steps(self, n: usize) -> Option<Remains> {
        match self.0 {
            Repr::ListPack(_) => None, // one block
            Repr::QuickList(inner) => Remains(Rest::List(inner)).drop_in_steps(n),
        }
    }

    fn relocate(&mut self, cursor: Cursor, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> Cursor {
        match &mut self.0 {
            Repr::ListPack(inner) => {
                inner.relocate(moves);
                Cursor::START
            }
            Repr::QuickList(inner) => inner.relocate(cursor, moves),
        }
    }

    fn try_clone(&self) -> Result<Self, ReserveError> {
        self.view().try_to_owned()
    }

    fn into_raw(self) -> (Encoding, NonNull<u8>) {
        let encoding = self.encoding();
        let word = match self.0 {
            Repr::ListPack(inner) => into_word(inner),
            Repr::QuickList(inner) => into_word(inner),
        };
        (encoding, word)
    }

    unsafe fn from_raw(encoding: Encoding, pointer: NonNull<u8>) -> Self {
        // SAFETY: by contract, the encoding says whose word the pointer is.
        unsafe {
            Self(match encoding {
                Encoding::QuickList => Repr::QuickList(from_word(pointer)),
                _ => Repr::ListPack(from_word(pointer)),
            })
        }
    }
}
