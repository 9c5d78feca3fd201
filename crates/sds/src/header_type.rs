//! Which of the five headers a string has, and what each can count.

/// The greatest length of a string on this platform, in bytes: header, string and NUL stay within what
/// an allocation may be.
pub const MAX_LEN: usize = isize::MAX as usize - 32;

/// Where the type stands in the flags byte.
pub(crate) const TYPE_MASK: u8 = 0b111;
/// How many bits that takes.
pub(crate) const TYPE_BITS: u32 = 3;

/// The five headers. The number is what stands in the low three bits of the flags byte. In C:
/// `SDS_TYPE_5` to `SDS_TYPE_64`.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HeaderType {
    /// One byte: type and length. No free space.
    Sds5 = 0,
    /// Length and room of one byte each.
    Sds8 = 1,
    /// Length and room of two bytes each.
    Sds16 = 2,
    /// Length and room of four bytes each.
    Sds32 = 3,
    /// Length and room of eight bytes each.
    Sds64 = 4,
}

impl HeaderType {
    /// The smallest header whose length field can hold `len`. In C: `sdsReqType`.
    ///
    /// ```
    /// use sds::layout::HeaderType;
    /// assert_eq!(HeaderType::for_len(31), HeaderType::Sds5);
    /// assert_eq!(HeaderType::for_len(32), HeaderType::Sds8);
    /// assert_eq!(HeaderType::for_len(65_536), HeaderType::Sds32);
    /// ```
    #[inline]
    pub const fn for_len(len: usize) -> Self {
        if len <= Self::Sds5.max_len() {
            Self::Sds5
        } else if len <= Self::Sds8.max_len() {
            Self::Sds8
        } else if len <= Self::Sds16.max_len() {
            Self::Sds16
        } else if len as u64 <= u32::MAX as u64 {
            Self::Sds32
        } else {
            Self::Sds64
        }
    }

    /// The bytes in front of the string, flags included. In C: `sdsHdrSize`.
    #[inline]
    pub const fn header_len(self) -> usize {
        match self {
            Self::Sds5 => 1,
            Self::Sds8 => 1 + 1 + 1,
            Self::Sds16 => 2 + 2 + 1,
            Self::Sds32 => 4 + 4 + 1,
            Self::Sds64 => 8 + 8 + 1,
        }
    }

    /// The greatest length, and the greatest room, that this header can hold. In C: `sdsTypeMaxSize`.
    #[inline]
    pub const fn max_len(self) -> usize {
        match self {
            Self::Sds5 => (1 << (u8::BITS - TYPE_BITS)) - 1,
            Self::Sds8 => u8::MAX as usize,
            Self::Sds16 => u16::MAX as usize,
            Self::Sds32 if MAX_LEN as u64 > u32::MAX as u64 => u32::MAX as usize,
            Self::Sds32 | Self::Sds64 => MAX_LEN,
        }
    }

    /// The bytes of a block that holds a string with room for `capacity` bytes.
    #[inline]
    pub(crate) const fn block_size(self, capacity: usize) -> usize {
        self.header_len() + capacity + 1
    }

    /// This type, or the next one where the block has room for more than this one can count: a string of 253 bytes
    /// lies in a block of 320, of which `Sds8` could never use the last 61.
    #[inline]
    pub(crate) fn roomy(self, usable: usize) -> Self {
        let next = match self {
            Self::Sds8 => Self::Sds16,
            Self::Sds16 => Self::Sds32,
            // On a platform of four-byte sizes no block is larger than `Sds32` can count.
            Self::Sds32 if self.max_len() < MAX_LEN => Self::Sds64,
            Self::Sds5 | Self::Sds32 | Self::Sds64 => return self, // `Sds5` cannot count room at all
        };
        if usable > next.block_size(self.max_len()) { next } else { self }
    }

    /// The type for a string with room for `capacity` bytes and for what the size class adds to them.
    pub(crate) fn for_room(capacity: usize) -> Self {
        let ty = Self::for_len(capacity).max(Self::Sds8);
        ty.roomy(zmalloc::good_size(ty.block_size(capacity)))
    }

    /// The room for a string in a block of `usable` bytes: what header and NUL leave, as far as the
    /// header can count.
    #[inline]
    pub(crate) fn capacity_of(self, usable: usize) -> usize {
        (usable - self.header_len() - 1).min(self.max_len())
    }

    /// The type a flags byte names. No header has another type; should one, it counts as the last.
    #[inline]
    pub(crate) const fn of_flags(flags: u8) -> Self {
        match flags & TYPE_MASK {
            0 => Self::Sds5,
            1 => Self::Sds8,
            2 => Self::Sds16,
            3 => Self::Sds32,
            _ => Self::Sds64,
        }
    }
}
