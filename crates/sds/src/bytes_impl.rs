//! [`BufMut`]: a socket or a codec writes straight into the free space.

use crate::Sds;
use crate::layout::MAX_LEN;
use bytes::BufMut;
use bytes::buf::UninitSlice;

/// How much room a string without free space makes when it is asked for some, before the growth policy
/// adds its own, in bytes.
const CHUNK_LEN: usize = 64;

// SAFETY: `chunk_mut` is the free space, which starts at the length; `advance_mut` takes in that many
// bytes from there, and what follows is the free space again.
unsafe impl BufMut for Sds {
    #[inline]
    fn remaining_mut(&self) -> usize {
        MAX_LEN - self.len()
    }

    /// # Panics
    /// If `count` is more than the free space, which breaks the trait's contract.
    #[inline]
    unsafe fn advance_mut(&mut self, count: usize) {
        let avail = self.avail();
        assert!(count <= avail, "cannot advance past the free space: {count} > {avail}");
        // SAFETY: within the capacity, and initialised by the trait's contract.
        unsafe { self.set_len(self.len() + count) };
    }

    /// The free space; where there is none, room is made. Empty only when the string is
    /// [`MAX_LEN`] long.
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
        // SAFETY: there is room for `count` more bytes, and all of them are filled.
        unsafe {
            self.ptr.add(len).write_bytes(byte, count);
            self.set_len(len + count);
        }
    }
}
