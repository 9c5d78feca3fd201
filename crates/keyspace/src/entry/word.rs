//! Words: a value that lies elsewhere, as a pointer in an entry's block.
//!
//! The word of a string is an [`Robj`]. The word of a collection came from [`Collection::into_raw`], and the
//! kind knows its type and its encoding.

use super::kind::Kind;
use core::ptr::NonNull;
use robj::Robj;
use values::{Collection, by_type};

/// The bytes of a word.
pub(crate) const SIZE: usize = size_of::<NonNull<u8>>();

/// A word lies at a multiple of this, so that it can be borrowed where it lies.
pub(crate) const ALIGN: usize = align_of::<NonNull<u8>>();

const _: () = assert!(size_of::<Robj>() == SIZE && align_of::<Robj>() == ALIGN);

/// What the value of a word adds to `used_memory`, in bytes. Constant time.
///
/// # Safety
/// The place holds a live word of that kind.
pub(crate) unsafe fn allocation_size(kind: Kind, place: NonNull<u8>) -> usize {
    // SAFETY: by contract.
    unsafe {
        by_type!(kind.object_type(), string => place.cast::<Robj>().as_ref().allocation_size(), C => {
            C::allocation_size_of_raw(kind.encoding(), place.cast::<NonNull<u8>>().as_ref())
        })
    }
}

/// About how many blocks are freed when the value of a word is dropped. Constant time but for long lists.
///
/// # Safety
/// The place holds a live word of that kind.
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
/// The place holds a live word of that kind, which is not used again.
pub(crate) unsafe fn drop_value(kind: Kind, place: NonNull<u8>) {
    // SAFETY: by contract.
    unsafe {
        by_type!(kind.object_type(), string => drop(place.cast::<Robj>().read()), C => {
            drop(C::from_raw(kind.encoding(), place.cast::<NonNull<u8>>().read()));
        })
    }
}
