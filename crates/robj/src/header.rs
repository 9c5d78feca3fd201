//! The 16 bytes at the start of every object.
//!
//! ```text
//!  byte   0              1..=3        4..=7        8..=15
//!       +--------------+------------+------------+-----------------------------------------+
//!       | type:4       |            |            | int:    the integer                     |
//!       | encoding:4   |   lru:24   | refcount   | embstr: pointer to the bytes, at byte 19|
//!       | (high bits)  |            |            | raw:    the `Sds`, pointer to its bytes |
//!       |              |            |            | others: pointer of the collection       |
//!       +--------------+------------+------------+-----------------------------------------+
//! ```
//!
//! Each word is in the machine's byte order. The drawing shows a little-endian machine, where the first word
//! has the layout of C's bit field `type:4, encoding:4, lru:24`.
//!
//! All `unsafe` code of this crate relies on these invariants, which its constructors establish:
//!
//! - **H1.** Type and encoding tell which member of [`Value`] is present. The encoding of a string is
//!   `Int`, `EmbStr` or `Raw`. For any other type, encoding and pointer came from
//!   [`Collection::into_raw`](values::Collection::into_raw) of that type, and the header owns that
//!   collection.
//! - **H2.** Type, encoding and value change only through a unique reference (`&mut` and a count of 1). The
//!   `lru` bits may change through any reference. Such a write must keep type and encoding.
//! - **H3.** A header whose [count](RefCount) is immortal is never written again and never freed. Any other
//!   count is the number of `Robj` that point to the header.
//!
//! Learned from: Redis' `server.h` (`struct redisObject`).

use crate::refcount::RefCount;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, Ordering};
use sds::Sds;
use values::{Encoding, ObjectType};

const ENCODING_SHIFT: u32 = 4;
const LRU_SHIFT: u32 = 8;
const TAG_MASK: u32 = (1 << LRU_SHIFT) - 1;

/// The value word. The encoding tells which member is present (H1).
#[repr(C)]
pub(crate) union Value {
    /// The value of `Int`.
    pub(crate) int: i64,
    /// The bytes of `EmbStr`. The pointer is derived from that of the whole block, so it may reach the sds
    /// header too.
    pub(crate) embedded: NonNull<u8>,
    /// The string of `Raw`, which is owned.
    pub(crate) raw: ManuallyDrop<Sds>,
    /// The word of any other type, which is owned.
    pub(crate) collection: NonNull<u8>,
}

/// The header, as drawn above. In C: `robj`, `struct redisObject`.
#[repr(C, align(8))]
pub(crate) struct Header {
    tag_and_lru: AtomicU32,
    pub(crate) refcount: RefCount,
    pub(crate) value: Value,
}

const _: () = {
    assert!(size_of::<Value>() == 8);
    assert!(size_of::<Header>() == 16 && align_of::<Header>() == 8);
    assert!(core::mem::offset_of!(Header, tag_and_lru) == 0);
    assert!(core::mem::offset_of!(Header, refcount) == 4);
    assert!(core::mem::offset_of!(Header, value) == 8);
    assert!(size_of::<Sds>() == size_of::<usize>());
    // H1 relies on this: each number fits four bits and converts back.
    let mut i = 0;
    while i < ObjectType::ALL.len() {
        let number = ObjectType::ALL[i] as u8;
        assert!(number < 1 << ENCODING_SHIFT);
        assert!(matches!(ObjectType::from_number(number), Some(same) if same as u8 == number));
        i += 1;
    }
    let mut i = 0;
    while i < Encoding::ALL.len() {
        let number = Encoding::ALL[i] as u8;
        assert!(number < 1 << (LRU_SHIFT - ENCODING_SHIFT));
        assert!(matches!(Encoding::from_number(number), Some(same) if same as u8 == number));
        i += 1;
    }
};

// SAFETY: the first two fields are atomic. The value changes only through a unique reference (H2). An `Sds`,
// embedded bytes and a `Collection` may be sent to other threads and read there.
unsafe impl Send for Header {}
// SAFETY: as above.
unsafe impl Sync for Header {}

const fn tag(object_type: ObjectType, encoding: Encoding) -> u32 {
    object_type as u32 | (encoding as u32) << ENCODING_SHIFT
}

impl Header {
    /// Creates the header of a string object with one reference. `encoding` must be that of the member in
    /// `value`.
    #[inline]
    pub(crate) const fn new(encoding: Encoding, lru: u32, value: Value) -> Self {
        Self {
            tag_and_lru: AtomicU32::new(tag(ObjectType::String, encoding) | lru << LRU_SHIFT),
            refcount: RefCount::one(),
            value,
        }
    }

    /// Creates the header of an immortal integer object.
    pub(crate) const fn shared_integer(value: i64) -> Self {
        Self {
            tag_and_lru: AtomicU32::new(tag(ObjectType::String, Encoding::Int)),
            refcount: RefCount::immortal(),
            value: Value { int: value },
        }
    }

    #[inline]
    pub(crate) fn object_type(&self) -> ObjectType {
        let bits = self.tag_and_lru.load(Ordering::Relaxed) & ((1 << ENCODING_SHIFT) - 1);
        // SAFETY: the bits were written from an `ObjectType` (H1), and its numbers convert back (asserted
        // above).
        unsafe { ObjectType::from_number(bits as u8).unwrap_unchecked() }
    }

    #[inline]
    pub(crate) fn encoding(&self) -> Encoding {
        let bits = (self.tag_and_lru.load(Ordering::Relaxed) & TAG_MASK) >> ENCODING_SHIFT;
        // SAFETY: the bits were written from an `Encoding` (H1), and its numbers convert back (asserted
        // above).
        unsafe { Encoding::from_number(bits as u8).unwrap_unchecked() }
    }

    /// Replaces encoding and value, and makes the type string. The old value must not own anything.
    #[inline]
    pub(crate) fn set_value(&mut self, encoding: Encoding, value: Value) {
        self.set(tag(ObjectType::String, encoding), value);
    }

    /// Replaces type, encoding and value by those of a collection. `encoding` and `word` must come from its
    /// `into_raw`. The old value must not own anything.
    #[inline]
    pub(crate) fn set_collection(&mut self, object_type: ObjectType, encoding: Encoding, word: NonNull<u8>) {
        self.set(tag(object_type, encoding), Value { collection: word });
    }

    #[inline]
    fn set(&mut self, tag: u32, value: Value) {
        let word = self.tag_and_lru.get_mut();
        *word = (*word & !TAG_MASK) | tag;
        self.value = value;
    }

    /// Returns the 24 bits of the access clock.
    #[inline]
    pub(crate) fn lru(&self) -> u32 {
        self.tag_and_lru.load(Ordering::Relaxed) >> LRU_SHIFT
    }

    /// Writes the low 24 bits of `lru`, unless the object is immortal (H3).
    ///
    /// This is a load and a store, not a locked instruction. If two threads write at once, one of the two
    /// values stays, and either is right. Type and encoding cannot change in between (H2).
    #[inline]
    pub(crate) fn set_lru(&self, lru: u32) {
        if !self.refcount.is_immortal() {
            let tag = self.tag_and_lru.load(Ordering::Relaxed) & TAG_MASK;
            self.tag_and_lru.store(tag | lru << LRU_SHIFT, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header::new(Encoding::Int, 0x00AB_CDEF, Value { int: -2 })
    }

    #[test]
    fn the_sixteen_bytes_are_those_of_the_drawing() {
        let header = header();
        // SAFETY: the header is 16 initialised bytes without padding, and nothing writes them meanwhile.
        let bytes = unsafe { (&raw const header).cast::<[u8; 16]>().read() };
        let mut expected = Vec::new();
        expected.extend_from_slice(&0xABCD_EF10u32.to_ne_bytes()); // lru, encoding 1 (int), type 0 (string)
        expected.extend_from_slice(&1u32.to_ne_bytes());
        expected.extend_from_slice(&(-2i64).to_ne_bytes());
        assert_eq!(bytes.as_slice(), expected);
    }

    #[test]
    fn the_clock_and_the_tag_leave_each_other_alone() {
        let mut header = header();
        header.set_lru(0x0012_3456);
        assert_eq!((header.object_type(), header.encoding()), (ObjectType::String, Encoding::Int));
        header.set_value(Encoding::Raw, Value { int: 0 });
        assert_eq!((header.lru(), header.encoding()), (0x0012_3456, Encoding::Raw));
        header.set_lru(u32::MAX);
        assert_eq!((header.lru(), header.encoding()), (0x00FF_FFFF, Encoding::Raw));
    }

    #[test]
    fn an_immortal_header_is_never_touched() {
        let header = Header::shared_integer(7);
        header.set_lru(5);
        assert_eq!(header.lru(), 0);
    }
}
