//! Words: pointers in an entry's block to a value that is stored outside of it.
//!
//! The word of a string is an [`Robj`]. The word of a collection came from [`Collection::into_raw`], and the
//! kind determines its type and its encoding.

use super::kind::Kind;
use core::ptr::NonNull;
use robj::Robj;
use values::{Collection, by_type};

/// The size of a word, in bytes.
pub(crate) const SIZE: usize = size_of::<NonNull<u8>>();

/// The alignment of a word in a block, so that the word can be borrowed in place.
pub(crate) const ALIGN: usize = align_of::<NonNull<u8>>();

const _: () = assert!(size_of::<Robj>() == SIZE && align_of::<Robj>() == ALIGN);

/// Returns the bytes that the value of a word adds to `used_memory`. O(1).
///
/// # Safety
/// `place` must hold a live word of this kind.
pub(crate) unsafe fn allocation_size(kind: Kind, place: NonNull<u8>) -> usize {
    // SAFETY: by contract.
    unsafe {
        by_type!(kind.object_type(), string => place.cast::<Robj>().as_ref().allocation_size(), C => {
            C::allocation_size_of_raw(kind.encoding(), place.cast::<NonNull<u8>>().as_ref())
        })
    }
}

/// Returns approximately how many blocks are freed when the value of a word is dropped. O(1), except for long
/// lists.
///
/// # Safety
/// `place` must hold a live word of this kind.
pub(crate) unsafe fn free_effort(kind: Kind, place: NonNull<u8>) -> usize {
    // SAFETY: by contract.
    unsafe {
        by_type!(kind.object_type(), string => place.cast::<Robj>().as_ref().free_effort(), C => {
            C::free_effort_of_raw(kind.encoding(), place.cast::<NonNull<u8>>().as_ref())
        })
    }
}

/// Drops the value of a word.
///
/// # Safety
/// `place` must hold a live word of this kind, which must not be used again.
pub(crate) unsafe fn drop_value(kind: Kind, place: NonNull<u8>) {
    // SAFETY: by contract.
    unsafe {
        by_type!(kind.object_type(), string => drop(place.cast::<Robj>().read()), C => {
            drop(C::from_raw(kind.encoding(), place.cast::<NonNull<u8>>().read()));
        })
    }
}
