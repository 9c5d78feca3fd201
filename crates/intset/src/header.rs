//! [`Header`]: the eight bytes in front of the integers. They say how many bytes the set has.
//!
//! ```text
//!   | encoding: u32 | length: u32 | integer 0 | integer 1 | ... |      all little-endian
//!   0               4             8     encoding bytes each
//! ```

use crate::item::Encoding;

/// How many bytes are in front of the integers.
pub(crate) const HEADER_LEN: usize = 8;

/// How many integers there are, and how they are stored.
#[derive(Clone, Copy)]
pub struct Header {
    pub(crate) encoding: Encoding,
    pub(crate) len: usize,
}

impl Header {
    /// The header of a set without integers.
    pub(crate) const EMPTY: Self = Self { encoding: Encoding::Int16, len: 0 };

    /// Reads the header of a set's bytes. An invalid encoding is read as [`Encoding::Int64`]. Fewer than
    /// eight bytes are read as [`EMPTY`](Self::EMPTY).
    #[inline]
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let &[e0, e1, e2, e3, l0, l1, l2, l3, ..] = bytes else { return Self::EMPTY };
        let encoding = Encoding::from_number_lossy(u32::from_le_bytes([e0, e1, e2, e3]));
        Self { encoding, len: u32::from_le_bytes([l0, l1, l2, l3]) as usize }
    }

    /// Returns the bytes of the header. The length must fit in 32 bits, which [`byte_len`](Self::byte_len)
    /// checks.
    #[inline]
    pub(crate) const fn to_bytes(self) -> [u8; HEADER_LEN] {
        let [e0, e1, e2, e3] = (self.encoding as u32).to_le_bytes();
        let [l0, l1, l2, l3] = (self.len as u32).to_le_bytes();
        [e0, e1, e2, e3, l0, l1, l2, l3]
    }

    /// Returns how many bytes the header and the integers have. Returns `None` if the length needs more than
    /// 32 bits, or if the number of bytes is not less than half of `isize::MAX`.
    #[inline]
    pub(crate) fn byte_len(self) -> Option<usize> {
        u32::try_from(self.len).ok()?;
        let byte_len = self.len.checked_mul(self.encoding.size())?.checked_add(HEADER_LEN)?;
        (byte_len < isize::MAX as usize / 2).then_some(byte_len)
    }
}
