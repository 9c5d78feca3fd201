//! Lengths of one, three or five bytes, which are stored in front of a string in a block.
//!
//! ```text
//!   | len |                 below 254
//!   | 254 | len, 2 bytes |  below 65,536, little-endian
//!   | 255 | len, 4 bytes |  from there on, little-endian
//! ```
//!
//! The header of a key (`key`) has no form of three bytes. Values are often longer than keys, so the length
//! of a value can also take three bytes. For example, a key of 16 bytes and a value of 1,000 bytes then fit
//! into a block of 1,024.

use core::ptr::NonNull;

const TWO_MORE: u8 = 254;
const FOUR_MORE: u8 = 255;

/// Returns how many bytes the length `len` takes: 1, 3 or 5. `len` must fit into 32 bits.
#[inline]
pub(crate) const fn size(len: usize) -> usize {
    if len < TWO_MORE as usize {
        1
    } else if len <= u16::MAX as usize {
        3
    } else {
        5
    }
}

/// Writes `len`.
///
/// # Safety
/// `len` must fit into 32 bits, and [`size(len)`](size) bytes at `place` must be valid for writes.
#[inline]
pub(crate) unsafe fn write(place: NonNull<u8>, len: usize) {
    debug_assert!(len <= u32::MAX as usize);
    // SAFETY: by contract there is room for `size(len)` bytes.
    unsafe {
        match size(len) {
            1 => place.write(len as u8),
            3 => {
                place.write(TWO_MORE);
                place.add(1).cast::<[u8; 2]>().write((len as u16).to_le_bytes());
            }
            _ => {
                place.write(FOUR_MORE);
                place.add(1).cast::<[u8; 4]>().write((len as u32).to_le_bytes());
            }
        }
    }
}

/// Reads a length, and returns it with the address of the next byte.
///
/// # Safety
/// `place` must point to a length that [`write()`] has written.
#[inline]
pub(crate) unsafe fn read(place: NonNull<u8>) -> (usize, NonNull<u8>) {
    // SAFETY: by contract there is a first byte, and it determines how many bytes are after it.
    unsafe {
        let next = place.add(1);
        match place.read() {
            TWO_MORE => (usize::from(u16::from_le_bytes(next.cast::<[u8; 2]>().read())), place.add(3)),
            FOUR_MORE => (u32::from_le_bytes(next.cast::<[u8; 4]>().read()) as usize, place.add(5)),
            len => (usize::from(len), next),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_come_back_with_the_address_behind_them() {
        for (len, bytes) in
            [(0, 1), (253, 1), (254, 3), (255, 3), (65_535, 3), (65_536, 5), (u32::MAX as usize, 5)]
        {
            let mut buffer = [0xEE; 6];
            let place = NonNull::from(&mut buffer).cast::<u8>();
            // SAFETY: there are six bytes.
            let read = unsafe {
                write(place, len);
                read(place)
            };
            // SAFETY: there are six bytes.
            assert_eq!(read, (len, unsafe { place.add(size(len)) }));
            assert_eq!(size(len), bytes);
            assert!(buffer[bytes..].iter().all(|byte| *byte == 0xEE), "{len}");
        }
    }
}
