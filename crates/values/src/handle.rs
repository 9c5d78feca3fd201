//! [`Handle`]: the structure behind one encoding of a collection.
//!
//! A collection is an enum of handles, one for each encoding. Its view is an enum of what the handles lend.
//! The macro `encodings` writes both.

use crate::hashtable::StringTable;
use crate::remains::{Remains, RemainsRepr};
use common::Cursor;
use core::ptr::NonNull;
use intset::IntSet;
use listpack::ListPack;
use quicklist::QuickList;
use zindex::ZTable;
use zmalloc::ReserveError;

/// A structure that is one pointer wide.
///
/// # Safety
/// The type must be one pointer that is not null, and nothing else.
pub(crate) unsafe trait Handle: Sized {
    /// The type that a view borrows.
    type Borrowed: ?Sized;

    /// Returns the structure in the form that a view holds.
    fn borrow(&self) -> &Self::Borrowed;

    /// Makes a copy of a borrowed structure. O(elements).
    fn try_own(borrowed: &Self::Borrowed) -> Result<Self, ReserveError>;

    /// Returns the bytes, if the structure is packed into one block.
    fn as_packed(&self) -> Option<&[u8]> {
        None
    }

    /// See [`Collection::allocation_size`](crate::Collection::allocation_size).
    fn allocation_size(&self) -> usize;

    /// See [`Collection::free_effort`](crate::Collection::free_effort).
    fn free_effort(&self) -> usize {
        1
    }

    /// See [`Collection::drop_in_steps`](crate::Collection::drop_in_steps). A structure of one block is
    /// dropped at once.
    fn drop_in_steps(self, _n: usize) -> Option<Remains> {
        None
    }

    /// See [`Collection::relocate`](crate::Collection::relocate).
    fn relocate(&mut self, cursor: Cursor, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> Cursor;
}

/// Implements [`Handle`] for a structure that is one block of bytes.
macro_rules! packed_handle {
    ($Handle:ty, $View:ty) => {
        // SAFETY: the type is one pointer, as its crate asserts.
        unsafe impl Handle for $Handle {
            type Borrowed = $View;

            #[inline]
            fn borrow(&self) -> &$View {
                self
            }

            fn try_own(borrowed: &$View) -> Result<Self, ReserveError> {
                borrowed.try_to_owned()
            }

            #[inline]
            fn as_packed(&self) -> Option<&[u8]> {
                Some(self.as_bytes())
            }

            fn allocation_size(&self) -> usize {
                <$Handle>::allocation_size(self)
            }

            fn relocate(
                &mut self,
                _cursor: Cursor,
                moves: &mut impl FnMut(NonNull<u8>, usize) -> bool,
            ) -> Cursor {
                <$Handle>::relocate(self, moves);
                Cursor::START
            }
        }
    };
}

packed_handle!(ListPack, listpack::View);
packed_handle!(IntSet, intset::View);

// SAFETY: the type is one pointer, as its crate asserts.
unsafe impl Handle for QuickList {
    type Borrowed = Self;

    #[inline]
    fn borrow(&self) -> &Self {
        self
    }

    fn try_own(borrowed: &Self) -> Result<Self, ReserveError> {
        borrowed.try_clone()
    }

    fn allocation_size(&self) -> usize {
        QuickList::allocation_size(self)
    }

    fn free_effort(&self) -> usize {
        self.node_count()
    }

    fn drop_in_steps(self, n: usize) -> Option<Remains> {
        QuickList::drop_in_steps(self, n).map(|list| Remains(RemainsRepr::List(list)))
    }

    fn relocate(&mut self, cursor: Cursor, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> Cursor {
        QuickList::relocate(self, cursor, moves)
    }
}

// SAFETY: the type is one pointer, as its crate asserts.
unsafe impl Handle for ZTable {
    type Borrowed = Self;

    #[inline]
    fn borrow(&self) -> &Self {
        self
    }

    fn try_own(borrowed: &Self) -> Result<Self, ReserveError> {
        borrowed.try_clone()
    }

    fn allocation_size(&self) -> usize {
        ZTable::allocation_size(self)
    }

    fn free_effort(&self) -> usize {
        self.len()
    }

    fn drop_in_steps(self, n: usize) -> Option<Remains> {
        ZTable::drop_in_steps(self, n).map(|remains| Remains(RemainsRepr::ZSet(remains)))
    }

    fn relocate(&mut self, cursor: Cursor, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> Cursor {
        ZTable::relocate(self, cursor, moves)
    }
}

// SAFETY: the type is a box of a sized type, which is one pointer.
unsafe impl<const N: usize> Handle for StringTable<N>
where
    RemainsRepr: From<Self>,
{
    type Borrowed = Self;

    #[inline]
    fn borrow(&self) -> &Self {
        self
    }

    fn try_own(borrowed: &Self) -> Result<Self, ReserveError> {
        borrowed.try_clone()
    }

    fn allocation_size(&self) -> usize {
        StringTable::allocation_size(self)
    }

    fn free_effort(&self) -> usize {
        self.len()
    }

    fn drop_in_steps(self, n: usize) -> Option<Remains> {
        StringTable::drop_in_steps(self, n).map(|table| Remains(table.into()))
    }

    fn relocate(&mut self, cursor: Cursor, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> Cursor {
        StringTable::relocate(self, cursor, moves)
    }
}
