//! Lengths of one or five bytes, in front of a string.
//!
//! ```text
//!   | len |                 below 255
//!   | 255 | len, 4 bytes |  from 255 on, little-endian
//! ```

use core::ptr::NonNull;

/// The first byte of a length that takes five bytes.
const LONG: u8 = u8::MAX;

/// The largest length that can be written.
pub const LEN_MAX: usize = u32::MAX as usize;

/// Returns the number of bytes that the length `len` takes: 1 or 5.
#[inline]
pub const fn size(len: usize) -> usize {
    if len < LONG as usize { 1 } else { 1 + size_of::<u32>() }
}

/// Writes `len` and returns the address after its last byte.
///
/// # Safety
/// `len` must be at most [`LEN_MAX`], and [`size(len)`](size) bytes at `place` must be valid for writes.
#[inline]
pub unsafe fn write(place: NonNull<u8>, len: usize) -> NonNull<u8> {
    debug_assert!(len <= LEN_MAX);
    // SAFETY: the caller guarantees that there is room for one byte, or for all five.
    unsafe {
        if len < usize::from(LONG) {
            place.write(len as u8);
        } else {
            place.write(LONG);
            place.add(1).cast::<[u8; 4]>().write((len as u32).to_le_bytes());
        }
        place.add(size(len))
    }
}

/// Reads a length. Returns the length and the address after its last byte.
///
/// # Safety
/// [`write()`] must have written a length at `place`.
#[inline]
pub unsafe fn read(place: NonNull<u8>) -> (usize, NonNull<u8>) {
    // SAFETY: the caller guarantees that a length is there, so there is one byte, or all five.
    unsafe {
        match place.read() {
            LONG => (u32::from_le_bytes(place.add(1).cast::<[u8; 4]>().read()) as usize, place.add(5)),
            len => (usize::from(len), place.add(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_come_back_with_the_address_behind_them() {
        for len in [0, 1, 254, 255, 256, 65_536, LEN_MAX] {
            let mut bytes = [0xEE; 6];
            let place = NonNull::from(&mut bytes).cast::<u8>();
            // SAFETY: there are six bytes, and a length takes at most five.
            unsafe {
                let behind = write(place, len);
                assert_eq!(behind, place.add(size(len)));
                assert_eq!(read(place), (len, behind));
            }
            assert!(bytes[size(len)..].iter().all(|byte| *byte == 0xEE), "{len}");
        }
    }
}
