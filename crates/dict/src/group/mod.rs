//! [`Group`]: the sixteen tag bytes of a chunk, which a look-up reads at once.
//!
//! The first fifteen bytes are the tags of the slots. The tag of a free slot is 0. Any other tag has the caller's mark
//! in the top bit, and seven bits of the hash, which are never all 0. A look-up compares only the seven bits. The
//! last byte is the filter of the overflow.
//!
//! The result of a look-up is one number. Bits 0 to 14 say which slots may hold the hash. Bit 15 says whether the
//! overflow may hold it.
//!
//! Each instruction set has its own file. The portable one is also the oracle in the tests of the others.
//!
//! Learned from: hashbrown's control groups (after Google's SwissTable); Folly's F14, whose chunks of 14
//! slots have an overflow count where these chunks have a filter.

use core::hint::assert_unchecked;

#[cfg(all(target_arch = "aarch64", target_feature = "neon", target_endian = "little"))]
use neon as imp;
#[cfg(not(any(
    all(target_arch = "x86_64", target_feature = "sse2"),
    all(target_arch = "aarch64", target_feature = "neon", target_endian = "little")
)))]
use portable as imp;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
use sse2 as imp;

#[cfg(all(target_arch = "aarch64", target_feature = "neon", target_endian = "little"))]
mod neon;
#[cfg_attr(not(test), allow(dead_code, reason = "only an oracle in tests if there is a vector file"))]
mod portable;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
mod sse2;

/// The number of slots in a chunk. The sixteenth tag byte is the filter.
pub(crate) const SLOTS: usize = 15;
/// The number of tag bytes per chunk, with the filter.
pub(crate) const TAG_BYTES: usize = 16;
/// The bit of a tag that is the caller's mark.
pub(crate) const MARK: u8 = 0x80;
/// The mask of the lanes that are slots. Lane 15 is the filter.
const SLOT_MASK: u32 = (1 << SLOTS) - 1;
/// The tag that replaces the tag 0. It has the same filter bit.
const TAG_FOR_ZERO: u8 = 8;

/// Returns the tag of a hash: its seven highest bits, with 0 replaced by 8.
#[inline]
pub(crate) const fn tag_of(hash: u64) -> u8 {
    let tag = (hash >> 57) as u8;
    if tag == 0 { TAG_FOR_ZERO } else { tag }
}

/// Returns the bit that a tag sets in the filter of a chunk whose overflow has an entry with that tag.
#[inline]
pub(crate) const fn filter_bit(tag: u8) -> u8 {
    1 << (tag & 7)
}

/// A set of slots, one bit per slot. The iterator returns the lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slots(pub(crate) u32);

impl Slots {
    /// Returns the set of all slots of a chunk.
    pub(crate) const fn all() -> Self {
        Self(SLOT_MASK)
    }

    #[inline]
    pub(crate) fn first(self) -> Option<usize> {
        if self.0 == 0 { None } else { Some(self.0.trailing_zeros() as usize) }
    }

    /// Returns the first slot from `start` on, where slot 0 follows slot 14. `start` and all members are below
    /// [`SLOTS`].
    ///
    /// This compiles to code without a branch on whether the search wraps to slot 0. A processor could not predict
    /// that branch.
    #[inline]
    pub(crate) fn first_from(self, start: usize) -> Option<usize> {
        debug_assert!(start < SLOTS && self.0 <= SLOT_MASK);
        // The set is repeated, so that slot 0 follows slot 14. Bit 31 ends the search in an empty set.
        let twice = (self.0 | self.0 << SLOTS) >> start | 1 << 31;
        let slot = start + twice.trailing_zeros() as usize;
        let slot = if slot >= SLOTS { slot - SLOTS } else { slot };
        (slot < SLOTS).then_some(slot)
    }

    #[inline]
    pub(crate) fn remove_first(&mut self) {
        self.0 &= self.0.wrapping_sub(1);
    }

    #[inline]
    pub(crate) fn len(self) -> usize {
        self.0.count_ones() as usize
    }
}

impl Iterator for Slots {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        let slot = self.first()?;
        self.remove_first();
        Some(slot)
    }
}

/// The result of a look-up in a group. Bits 0 to 14 are the slots with the hash's tag, marked or not. Bit 15
/// is set if the filter has the tag's bit. The bits above are 0.
///
/// The slots and the overflow bit share one number, and a caller removes a slot after comparing it. With two numbers
/// and an iterator, a hit would take seven more instructions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidates(u32);

impl Candidates {
    /// No slot, and no overflow.
    pub(crate) const NONE: Self = Self(0);

    #[inline]
    pub(crate) fn first(self) -> Option<usize> {
        if self.0 & SLOT_MASK == 0 {
            return None;
        }
        // SAFETY: the check above returns unless a slot bit is set, so the value is not 0. The compiler does not
        // derive this, and would add code for 0.
        unsafe { assert_unchecked(self.0 != 0) };
        Some(self.0.trailing_zeros() as usize)
    }

    /// Removes the slot that [`Candidates::first`] has returned.
    #[inline]
    pub(crate) fn remove_first(&mut self) {
        debug_assert!(self.first().is_some());
        self.0 &= self.0.wrapping_sub(1);
    }

    /// Returns whether the overflow of the chunk may hold the hash.
    #[inline]
    pub(crate) fn overflow(self) -> bool {
        self.0 > SLOT_MASK
    }

    /// Returns the candidates that are in `slots`, without the overflow bit.
    #[inline]
    pub(crate) fn among(self, slots: Slots) -> Self {
        Self(self.0 & slots.0)
    }
}

/// Sixteen tags in a register.
#[derive(Clone, Copy)]
pub(crate) struct Group(imp::Group);

impl Group {
    /// Loads the tags of a chunk.
    ///
    /// # Safety
    /// `tags` points at 16 readable bytes.
    #[inline]
    pub(crate) unsafe fn load(tags: *const u8) -> Self {
        // SAFETY: the caller guarantees what `load` requires.
        Self(unsafe { imp::Group::load(tags) })
    }

    /// Loads eight lanes. The other lanes read as free slots. Lane 7 of a child is a flag, which the caller masks
    /// out.
    ///
    /// # Safety
    /// `tags` points at 8 readable bytes.
    #[inline]
    pub(crate) unsafe fn load_half(tags: *const u8) -> Self {
        // SAFETY: the caller guarantees what `load_half` requires.
        Self(unsafe { imp::Group::load_half(tags) })
    }

    /// Returns the slots where an entry of `hash` may be, and whether the overflow may hold it.
    #[inline]
    pub(crate) fn probe(self, hash: u64) -> Candidates {
        Candidates(self.0.probe(hash))
    }

    /// Returns the slots that hold an entry.
    #[inline]
    pub(crate) fn occupied(self) -> Slots {
        Slots(!self.0.matching_zero() & SLOT_MASK)
    }

    /// Returns the slots that hold no entry.
    #[inline]
    pub(crate) fn free(self) -> Slots {
        Slots(self.0.matching_zero() & SLOT_MASK)
    }

    /// Returns the slots whose entry is marked.
    #[inline]
    pub(crate) fn marked(self) -> Slots {
        Slots(self.0.top_bits() & SLOT_MASK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares every result of a group with that of a loop over the bytes.
    fn check(tags: [u8; 16]) {
        let naive = |test: &dyn Fn(u8) -> bool| {
            Slots((0..SLOTS).filter(|&slot| test(tags[slot])).fold(0, |bits, slot| bits | 1 << slot))
        };
        // SAFETY: `tags` is 16 bytes long.
        let (group, portable) = unsafe { (Group::load(tags.as_ptr()), portable::Group::load(tags.as_ptr())) };
        for high_bits in (0..128).step_by(if cfg!(miri) { 25 } else { 1 }) {
            let hash = high_bits << 57 | 0x1234;
            let tag = tag_of(hash);
            let slots = naive(&|byte| byte & 0x7f == tag);
            let overflow = tags[SLOTS] & filter_bit(tag) != 0;
            let found = [("this group", group.probe(hash)), ("portable", Candidates(portable.probe(hash)))];
            for (name, mut found) in found {
                for slot in slots {
                    assert_eq!((found.first(), found.overflow()), (Some(slot), overflow), "{name}");
                    found.remove_first();
                }
                assert_eq!((found.first(), found.overflow()), (None, overflow), "{name}");
            }
        }
        assert_eq!(group.free(), naive(&|byte| byte == 0));
        assert_eq!(group.occupied(), naive(&|byte| byte != 0));
        assert_eq!(group.marked(), naive(&|byte| byte >= 0x80));
        assert_eq!(portable.matching_zero() & SLOT_MASK, group.free().0);
        assert_eq!(portable.top_bits() & SLOT_MASK, group.marked().0);
    }

    #[test]
    fn every_tag_is_found_in_every_slot_beside_every_neighbour() {
        let (bytes, slots) =
            if cfg!(miri) { (vec![0, 1, 0x81, 0xff], 14..16) } else { ((0..=255).collect(), 0..16) };
        for byte in bytes {
            let neighbours = [byte ^ 1, byte ^ 0x80, 0, 255, 1, 2, 126, 127, 128, 129, 254];
            for neighbour in neighbours.into_iter().take(if cfg!(miri) { 4 } else { neighbours.len() }) {
                for slot in slots.clone() {
                    let mut tags = [neighbour; 16];
                    tags[slot] = byte;
                    check(tags);
                }
            }
        }
    }

    #[test]
    fn half_a_group_answers_for_eight_tags_and_reads_no_further() {
        for byte in [0, 1, 5, 0x7f, 0x80, 0x81, 0xff_u8] {
            for slot in (0..8).step_by(if cfg!(miri) { 7 } else { 1 }) {
                let mut tags = [byte ^ 1; 8];
                tags[slot] = byte;
                let mut whole = [0; 16];
                whole[..8].copy_from_slice(&tags);
                // SAFETY: the first group reads the 16 bytes of `whole`, and the others read the 8 bytes of
                // `tags`.
                let (whole, half, portable) = unsafe {
                    let half = Group::load_half(tags.as_ptr());
                    (Group::load(whole.as_ptr()), half, portable::Group::load_half(tags.as_ptr()))
                };
                for high in [0, 1, 5, 0x7f] {
                    let hash = high << 57;
                    assert_eq!(half.probe(hash).0, whole.probe(hash).0, "{tags:?}");
                    assert_eq!(portable.probe(hash), whole.probe(hash).0, "{tags:?}");
                }
                assert_eq!((half.occupied(), half.marked()), (whole.occupied(), whole.marked()), "{tags:?}");
                assert_eq!(portable.matching_zero() & SLOT_MASK, whole.free().0, "{tags:?}");
                assert_eq!(portable.top_bits(), whole.marked().0, "{tags:?}");
            }
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "no unsafe code")]
    fn the_slot_taken_is_the_next_free_one_going_round() {
        for bits in 0..=SLOT_MASK {
            for start in 0..SLOTS {
                let expected = (start..SLOTS).chain(0..start).find(|slot| bits & 1 << slot != 0);
                assert_eq!(Slots(bits).first_from(start), expected, "{bits:b} from {start}");
            }
        }
    }

    #[test]
    fn a_tag_is_never_the_free_byte_nor_marked() {
        for high in 0..128_u64 {
            let tag = tag_of(high << 57 | 0x1234);
            assert!((1..128).contains(&tag));
            assert_eq!(tag & 7, high as u8 & 7, "the filter bit can be computed from the hash");
        }
    }
}
