//! [`Header`]: the eight bytes in front of the integers, and how many bytes those take.
//!
//! ```text
//!   | encoding: u32 | length: u32 | integer 0 | integer 1 | ... |      all little-endian
//!   0               4             8     encoding bytes each
//! ```

use crate::item::Encoding;

/// Bytes in front of the integers.
pub(crate) const HEADER_LEN: usize = 8;

/// How many integers there are, and how they are stored.
#[derive(Clone, Copy)]
pub struct Header {
    pub(crate) encoding: Encoding,
    pub(crate) len: usize,
}

impl Header {
    /// Of a set without integers.
    pub(crate) const EMPTY: Self = Self { encoding: Encoding::Int16, len: 0 };

    /// The header of a set's bytes. A number that is no encoding counts as 64 bits, and bytes that are too few as no integers.
    #[inline]
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let &[e0, e1, e2, e3, l0, l1, l2, l3, ..] = bytes else { return Self::EMPTY };
        let encoding = Encoding::from_number_lossy(u32::from_le_bytes([e0, e1, e2, e3]));
        Self { encoding, len: u32::from_le_bytes([l0, l1, l2, l3]) as usize }
    }

    /// The bytes of the header. The length has 32 bits, as [`byte_len`](Self::byte_len) has seen to.
    #[inline]
    pub(crate) const fn to_bytes(self) -> [u8; HEADER_LEN] {
        let [e0, e1, e2, e3] = (self.encoding as u32).to_le_bytes();
        let [l0, l1, l2, l3] = (self.len as u32).to_le_bytes();
        [e0, e1, e2, e3, l0, l1, l2, l3]
    }

    /// Bytes of the header and the integers. `None` if the length has more than 32 bits or no memory can be so large.
    #[inline]
    pub(crate) fn byte_len(self) -> Option<usize> {
        u32::try_from(self.len).ok()?;
        let byte_len = self.len.checked_mul(self.encoding.size())?.checked_add(HEADER_LEN)?;
        (byte_len < isize::MAX as usize / 2).then_some(byte_len)
    }
}
