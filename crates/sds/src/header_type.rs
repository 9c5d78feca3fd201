//! [`HeaderType`]: the five headers, and the lengths that each can count.

/// The greatest length of a string on this platform, in bytes. The header, the string and the NUL together
/// stay below the greatest size of an allocation.
pub const MAX_LEN: usize = isize::MAX as usize - 32;

/// The bits of the flags byte that hold the type.
pub(crate) const TYPE_MASK: u8 = 0b111;
/// The number of those bits.
pub(crate) const TYPE_BITS: u32 = 3;

/// The five headers. The discriminant is the value of the low three bits of the flags byte. In C:
/// `SDS_TYPE_5` to `SDS_TYPE_64`.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HeaderType {
    /// One byte, which holds the type and the length. No free space.
    Sds5 = 0,
    /// Length and capacity of one byte each.
    Sds8 = 1,
    /// Length and capacity of two bytes each.
    Sds16 = 2,
    /// Length and capacity of four bytes each.
    Sds32 = 3,
    /// Length and capacity of eight bytes each.
    Sds64 = 4,
}

impl HeaderType {
    /// Returns the smallest header whose length field can hold `len`. In C: `sdsReqType`.
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

    /// Returns the number of bytes in front of the string, including the flags. In C: `sdsHdrSize`.
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

    /// Returns the greatest length and capacity that this header can hold. In C: `sdsTypeMaxSize`.
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

    /// Returns the size of a block that holds a string with a capacity of `capacity` bytes.
    #[inline]
    pub(crate) const fn block_size(self, capacity: usize) -> usize {
        self.header_len() + capacity + 1
    }

    /// Returns this type, or the next one if the block has room for more bytes than this type can count. A
    /// string of 253 bytes lies in a block of 320 bytes, for example, and `Sds8` could never use the last 61.
    #[inline]
    pub(crate) fn widened_for(self, usable: usize) -> Self {
        let next = match self {
            Self::Sds8 => Self::Sds16,
            Self::Sds16 => Self::Sds32,
            // On a platform of four-byte sizes no block is larger than `Sds32` can count.
            Self::Sds32 if self.max_len() < MAX_LEN => Self::Sds64,
            Self::Sds5 | Self::Sds32 | Self::Sds64 => return self, // `Sds5` has no capacity field
        };
        if usable > next.block_size(self.max_len()) { next } else { self }
    }

    /// Returns the type for a string with a capacity of `capacity` bytes plus the bytes that the size class
    /// adds.
    pub(crate) fn for_room(capacity: usize) -> Self {
        let ty = Self::for_len(capacity).max(Self::Sds8);
        ty.widened_for(zmalloc::good_size(ty.block_size(capacity)))
    }

    /// Returns the capacity of a string in a block of `usable` bytes. It is what the header and the NUL
    /// leave, and at most what the header can count.
    #[inline]
    pub(crate) fn capacity_of(self, usable: usize) -> usize {
        (usable - self.header_len() - 1).min(self.max_len())
    }

    /// Returns the type that a flags byte names. No header has any other type; an unknown value counts as the
    /// last type.
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
