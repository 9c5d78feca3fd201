//! [`Slot`]: the place of one entry, in a chunk or in a child.

use core::ptr::NonNull;

/// The place of one entry: pointers to its tag and to the entry itself.
pub(crate) struct Slot<T> {
    pub(crate) tag: NonNull<u8>,
    pub(crate) entry: NonNull<T>,
}

impl<T> Clone for Slot<T> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Slot<T> {}

impl<T> Slot<T> {
    /// Writes an entry and its tag into a free slot.
    ///
    /// # Safety
    /// The slot is a free one of a live chunk or child. `tag` is not 0.
    #[inline]
    pub(crate) unsafe fn fill(self, tag: u8, entry: T) {
        // SAFETY: the caller guarantees that the slot is free memory of the table.
        unsafe {
            self.tag.write(tag);
            self.entry.write(entry);
        }
    }

    /// Moves the entry out and frees the slot.
    ///
    /// # Safety
    /// The slot holds an entry.
    #[inline]
    pub(crate) unsafe fn take(self) -> (u8, T) {
        // SAFETY: the caller guarantees that the slot holds an entry. It is not read again, since its tag is
        // 0 now.
        unsafe {
            let taken = (self.tag.read(), self.entry.read());
            self.tag.write(0);
            taken
        }
    }
}
