//! [`CompactPtr`]: pointers of six bytes, for tables of pointers.
//!
//! The systems that redcore runs on give programs addresses below 2⁴⁸, so two of the eight bytes of a pointer
//! are always zero. In a [`Table`](crate::Table), whose chunks have fifteen entries, these bytes are a fifth
//! of the memory:
//!
//! ```text
//!                     a chunk: tags of 16 B, 15 entries,             a chunk          an entry, at
//!                     the pointer to a child, and padding                             a load of 0.7
//!  pointers of 8 B    16 + 15 * 8 + 6 + 2                            144 B            13.7 B
//!  pointers of 6 B    16 + 15 * 6 + 6                                112 B            10.7 B
//! ```
//!
//! The compiler loses the provenance of a pointer that is stored as bytes. The provenance is therefore
//! *exposed*, and recovered from the address. A pointer is stored whole
//!
//! - under Miri, which checks more if pointers are whole;
//! - on targets whose addresses have 32 bits;
//! - on targets where the top byte carries a tag: 64-bit Android, whose allocator tags pointers, and the
//!   sanitizers `hwaddress` and `memtag` (`build.rs`).
//!
//! Tags that are switched on at run time are not known at compile time. With the tags of glibc
//! (`glibc.mem.tagging` on ARM) and the back end `libc`, no address fits into six bytes. Tables of such
//! pointers then report that there is no memory. Build with another back end.

use core::fmt;
use core::ptr::NonNull;

/// A [`NonNull`] of six bytes and an alignment of two, on targets whose pointers have eight bytes. Read it
/// with [`CompactPtr::get`].
///
/// ```
/// use core::ptr::NonNull;
/// use dict::CompactPtr;
/// let number = 7;
/// let pointer = NonNull::from(&number);
/// let compact = CompactPtr::new(pointer).expect("an address below 2^48");
/// assert_eq!(compact.get(), pointer);
/// assert!(size_of::<CompactPtr<u32>>() <= 8); // 6 on most machines of 64 bits
/// ```
pub struct CompactPtr<T> {
    repr: repr::Repr<T>,
}

impl<T> CompactPtr<T> {
    /// Stores a pointer in six bytes. Returns `None` if its address has more than 48 bits. Such an address
    /// exists only if the program asked the kernel for one above the usual range. On targets that store
    /// pointers whole, the result is never `None`.
    #[inline]
    pub fn new(pointer: NonNull<T>) -> Option<Self> {
        repr::Repr::new(pointer).map(|repr| Self { repr })
    }

    /// Returns the pointer.
    #[inline]
    pub fn get(self) -> NonNull<T> {
        self.repr.get()
    }

    /// Returns a reference to what the pointer leads to.
    ///
    /// # Safety
    /// The requirements are those of [`NonNull::as_ref`].
    #[inline]
    pub unsafe fn as_ref<'a>(self) -> &'a T {
        // SAFETY: the caller guarantees what `NonNull::as_ref` requires.
        unsafe { self.get().as_ref() }
    }
}

impl<T> Clone for CompactPtr<T> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for CompactPtr<T> {}

impl<T> PartialEq for CompactPtr<T> {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl<T> Eq for CompactPtr<T> {}

impl<T> fmt::Debug for CompactPtr<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

#[cfg(all(target_pointer_width = "64", not(miri), not(dict_tagged_pointers)))]
mod repr {
    use core::marker::PhantomData;
    use core::ptr::{NonNull, with_exposed_provenance_mut};

    pub(super) struct Repr<T> {
        /// The address in three parts, the lowest sixteen bits first.
        address: [u16; 3],
        _pointer: PhantomData<NonNull<T>>,
    }

    impl<T> Clone for Repr<T> {
        #[inline]
        fn clone(&self) -> Self {
            *self
        }
    }

    impl<T> Copy for Repr<T> {}

    impl<T> Repr<T> {
        #[inline]
        pub(super) fn new(pointer: NonNull<T>) -> Option<Self> {
            let address = pointer.as_ptr().expose_provenance() as u64;
            if address >> 48 != 0 {
                return None;
            }
            let address = [address as u16, (address >> 16) as u16, (address >> 32) as u16];
            Some(Self { address, _pointer: PhantomData })
        }

        #[inline]
        pub(super) fn get(self) -> NonNull<T> {
            let [low, middle, high] = self.address.map(u64::from);
            let address = low | middle << 16 | high << 32;
            // SAFETY: this is the address of the pointer given to `new`, which is not null.
            unsafe { NonNull::new_unchecked(with_exposed_provenance_mut(address as usize)) }
        }
    }
}

#[cfg(not(all(target_pointer_width = "64", not(miri), not(dict_tagged_pointers))))]
mod repr {
    use core::ptr::NonNull;

    pub(super) struct Repr<T>(NonNull<T>);

    impl<T> Clone for Repr<T> {
        #[inline]
        fn clone(&self) -> Self {
            *self
        }
    }

    impl<T> Copy for Repr<T> {}

    impl<T> Repr<T> {
        pub(super) fn new(pointer: NonNull<T>) -> Option<Self> {
            Some(Self(pointer))
        }

        pub(super) fn get(self) -> NonNull<T> {
            self.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Table;
    use crate::tests::mix;

    /// Whether pointers are stored whole.
    const WHOLE: bool = size_of::<CompactPtr<u8>>() == size_of::<usize>();

    #[test]
    fn every_pointer_below_the_limit_comes_back_and_none_above_is_taken() {
        for shift in 0..usize::BITS {
            let pointer = NonNull::<u8>::dangling().with_addr(core::num::NonZero::new(1 << shift).unwrap());
            let compact = CompactPtr::new(pointer);
            assert_eq!(compact.is_some(), shift < 48 || WHOLE, "2^{shift}");
            assert!(compact.is_none_or(|compact| compact.get() == pointer));
        }
    }

    #[test]
    fn a_table_of_compact_pointers_finds_what_they_point_to() {
        let numbers: Vec<Box<u64>> = (0..if cfg!(miri) { 100 } else { 5_000 }).map(Box::new).collect();
        // SAFETY: the boxes outlive the table.
        let hash = |pointer: &CompactPtr<u64>| mix(unsafe { *pointer.as_ref() });
        let mut table = Table::new();
        for number in &numbers {
            let pointer = CompactPtr::new(NonNull::from(&**number)).unwrap();
            table.insert_unique(hash(&pointer), pointer, hash);
        }
        table.raw().check(hash);
        for number in &numbers {
            // SAFETY: the boxes outlive the table.
            let found = table.find(mix(**number), |pointer| unsafe { pointer.as_ref() } == &**number);
            assert_eq!(found.map(|pointer| pointer.get()), Some(NonNull::from(&**number)));
        }
        let bytes = table.allocation_size() as f64 / table.len() as f64;
        assert!(bytes < 13.0 || WHOLE, "{bytes}");
    }
}
