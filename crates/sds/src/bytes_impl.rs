//! [`BufMut`]: a socket or a codec writes directly into the free space.

use crate::Sds;
use crate::layout::MAX_LEN;
use bytes::BufMut;
use bytes::buf::UninitSlice;

/// The room in bytes that a string without free space requests, before the growth policy adds more.
const CHUNK_LEN: usize = 64;

// SAFETY: `chunk_mut` returns the free space, which starts at the length. `advance_mut` adds the first
// `count` bytes of the free space to the string. The rest stays free.
unsafe impl BufMut for Sds {
    #[inline]
    fn remaining_mut(&self) -> usize {
        MAX_LEN - self.len()
    }

    /// # Panics
    /// Panics if `count` is more than the free space, which violates the trait's contract.
    #[inline]
    unsafe fn advance_mut(&mut self, count: usize) {
        let avail = self.avail();
        assert!(count <= avail, "cannot advance past the free space: {count} > {avail}");
        // SAFETY: `count` is within the capacity, and the bytes are initialised by the trait's contract.
        unsafe { self.set_len(self.len() + count) };
    }

    /// Returns the free space. Reserves some if the string is full. The returned slice is empty only if the
    /// string has [`MAX_LEN`] bytes.
    #[inline]
    fn chunk_mut(&mut self) -> &mut UninitSlice {
        if self.avail() == 0 {
            self.make_room_for(CHUNK_LEN.min(self.remaining_mut()));
        }
        self.spare_capacity_mut().into()
    }

    #[inline]
    fn put_slice(&mut self, bytes: &[u8]) {
        self.push_bytes(bytes);
    }

    fn put_bytes(&mut self, byte: u8, count: usize) {
        self.make_room_for(count);
        let len = self.len();
        // SAFETY: there is room for `count` more bytes, and all of them are initialised.
        unsafe {
            self.ptr.add(len).write_bytes(byte, count);
            self.set_len(len + count);
        }
    }
}
