//! [`Queue`]: the keys on probation, in the order in which they were added.
//!
//! S3-FIFO evicts keys that were hardly used since they were added, the oldest first. An entry's clock says
//! *that* its key is on probation. The queue records the order of these keys, in six bytes per key. These are
//! forty bits of the hash, by which the table finds the key, and the size of its entry.
//!
//! ```text
//!  first                                               next
//!    v                                                   v
//!  | . . . e e e e e | e e e e e e e e | e e e e e . . . |     blocks of 512 elements, in a ring of pointers
//! ```
//!
//! The *number* of an element is the number of elements that were pushed before it. An entry keeps the low
//! bits of its element's number. If a key is removed and added again, its old element is therefore not
//! confused with its new one.
//!
//! Limits: every 512th push allocates a block of 3 KiB. When the ring is full, it is replaced by one of twice
//! as many pointers. Elements never move, so no push takes long.

use allocator_api2::boxed::Box;
use allocator_api2::vec::Vec;
use values::ReserveError;
use zmalloc::{Zmalloc, box_size, vec_size};

/// A [`Table`](dict::Table) uses these bits of a hash: the top seven for the tag, and the low ones for the
/// number of the chunk. 33 low bits suffice for 90 billion keys.
const TAG_SHIFT: u32 = 57;
const CHUNK_BITS: u32 = 33;

/// Forty bits of a hash, by which a table finds the entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Locator(u64);

impl Locator {
    #[inline]
    pub(crate) fn of(hash: u64) -> Self {
        Self(hash >> TAG_SHIFT << CHUNK_BITS | hash & ((1 << CHUNK_BITS) - 1))
    }

    /// Returns a hash that leads to the same entries.
    #[inline]
    pub(crate) fn hash(self) -> u64 {
        self.0 >> CHUNK_BITS << TAG_SHIFT | self.0 & ((1 << CHUNK_BITS) - 1)
    }

    /// Returns the forty bits.
    #[inline]
    pub(crate) fn bits(self) -> u64 {
        self.0
    }
}

/// A key on probation.
#[derive(Clone, Copy)]
struct Element {
    locator: [u8; 5],
    size: SizeCode,
}

const _: () = assert!(size_of::<Element>() == 6);

impl Element {
    const NONE: Self = Self { locator: [0; 5], size: SizeCode(0) };

    fn new(locator: Locator, size: usize) -> Self {
        let [a, b, c, d, e, ..] = locator.0.to_le_bytes();
        Self { locator: [a, b, c, d, e], size: SizeCode::of(size) }
    }

    fn locator(self) -> Locator {
        let [a, b, c, d, e] = self.locator;
        Locator(u64::from_le_bytes([a, b, c, d, e, 0, 0, 0]))
    }
}

/// A size in bytes, rounded down by at most an eighth. It has an exponent of five bits, and the three bits
/// after the highest bit of the size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct SizeCode(u8);

impl SizeCode {
    fn of(size: usize) -> Self {
        match size.checked_ilog2() {
            None | Some(0..3) => Self(size as u8),
            Some(log @ 3..=33) => Self(((log - 2) << 3) as u8 | (size >> (log - 3)) as u8 & 7),
            Some(_) => Self(u8::MAX),
        }
    }

    fn size(self) -> u64 {
        let (exponent, fraction) = (self.0 >> 3, u64::from(self.0 & 7));
        match exponent.checked_sub(1) {
            None => fraction,
            Some(shift) => (8 + fraction) << shift,
        }
    }
}

const BLOCK_LEN: usize = 512;
type Block = Box<[Element; BLOCK_LEN], Zmalloc>;

/// The keys on probation, in the order in which they were added. Some of them may no longer exist.
pub(crate) struct Queue {
    /// The ring. Its length is a power of two, or 0. Block number `n` is at `n % blocks.len()`.
    blocks: Vec<Option<Block>, Zmalloc>,
    /// The number of the first element.
    first: u64,
    /// The number of the next element.
    next: u64,
    /// The sum of the sizes of all elements.
    size_sum: u64,
    /// The bytes that the blocks and the ring add to `used_memory`.
    bytes: usize,
}

impl Queue {
    pub(crate) const fn new() -> Self {
        Self { blocks: Vec::new_in(Zmalloc), first: 0, next: 0, size_sum: 0, bytes: 0 }
    }

    /// Returns the number of elements.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        (self.next - self.first) as usize
    }

    /// Returns the sum of the sizes that the entries had when they were pushed, in bytes. Each of them is
    /// rounded down by at most an eighth.
    #[inline]
    pub(crate) fn size_sum(&self) -> u64 {
        self.size_sum
    }

    /// Adds a key, and returns the number of its element. O(1), except when the ring of pointers grows.
    ///
    /// # Errors
    /// [`ReserveError`] if there is no memory. The queue is then unchanged.
    pub(crate) fn try_push(&mut self, locator: Locator, size: usize) -> Result<u64, ReserveError> {
        let number = self.next;
        let index = self.block_index(number);
        if number.is_multiple_of(BLOCK_LEN as u64) || !matches!(self.blocks.get(index), Some(Some(_))) {
            self.try_add_block(number / BLOCK_LEN as u64)?;
        }
        let element = Element::new(locator, size);
        let index = self.block_index(number);
        if let Some(Some(block)) = self.blocks.get_mut(index) {
            block[number as usize % BLOCK_LEN] = element;
        }
        self.next += 1;
        self.size_sum += element.size.size();
        Ok(number)
    }

    /// Removes the first element. Returns its number and its locator. O(1).
    pub(crate) fn pop(&mut self) -> Option<(u64, Locator)> {
        let number = self.first;
        let element = self.element(number)?;
        self.first += 1;
        self.size_sum -= element.size.size();
        if self.first.is_multiple_of(BLOCK_LEN as u64) {
            let index = self.block_index(number);
            if let Some(block) = self.blocks.get_mut(index).and_then(Option::take) {
                self.bytes -= box_size(&block);
            }
        }
        Some((number, element.locator()))
    }

    /// Returns the locator of the element `ahead` places after the first one.
    #[inline]
    pub(crate) fn peek(&self, ahead: u64) -> Option<Locator> {
        self.element(self.first + ahead).map(Element::locator)
    }

    /// Returns an iterator over the numbers and locators of all elements.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, Locator)> {
        (self.first..self.next).filter_map(|number| Some((number, self.element(number)?.locator())))
    }

    /// Returns the bytes that the queue adds to `used_memory`.
    pub(crate) fn allocation_size(&self) -> usize {
        self.bytes
    }

    fn element(&self, number: u64) -> Option<Element> {
        if !(self.first..self.next).contains(&number) {
            return None;
        }
        let block = self.blocks.get(self.block_index(number))?.as_ref()?;
        Some(block[number as usize % BLOCK_LEN])
    }

    fn block_index(&self, number: u64) -> usize {
        (number / BLOCK_LEN as u64) as usize & self.blocks.len().wrapping_sub(1)
    }

    fn try_add_block(&mut self, block_number: u64) -> Result<(), ReserveError> {
        let blocks = block_number - self.first / BLOCK_LEN as u64;
        if blocks as usize == self.blocks.len() {
            self.try_grow_ring()?;
        }
        let no_memory = ReserveError::OutOfMemory { size: size_of::<[Element; BLOCK_LEN]>() };
        let block = Box::try_new_in([Element::NONE; BLOCK_LEN], Zmalloc).map_err(|_| no_memory)?;
        self.bytes += box_size(&block);
        let index = block_number as usize & (self.blocks.len() - 1);
        self.blocks[index] = Some(block);
        Ok(())
    }

    /// Doubles the ring, and moves the pointer of each block to its new place.
    fn try_grow_ring(&mut self) -> Result<(), ReserveError> {
        let old_len = self.blocks.len();
        let new_len = (2 * old_len).max(4);
        let mut new = Vec::new_in(Zmalloc);
        let no_memory = ReserveError::OutOfMemory { size: new_len * size_of::<Option<Block>>() };
        new.try_reserve_exact(new_len).map_err(|_| no_memory)?;
        new.resize_with(new_len, || None);
        let first = self.first as usize / BLOCK_LEN;
        for number in first..first + old_len {
            new[number & (new_len - 1)] = self.blocks[number & (old_len - 1)].take();
        }
        self.bytes += vec_size(&new) - vec_size(&self.blocks);
        self.blocks = new;
        Ok(())
    }
}

#[cfg(all(test, not(miri)))] // no unsafe code
mod tests {
    use super::*;
    use std::collections::VecDeque;

    #[test]
    fn a_locator_keeps_the_bits_that_a_table_looks_at() {
        for hash in [0, 1, u64::MAX, 0xFE00_0001_FFFF_FFFF, 0x8000_0000_0000_0000] {
            let kept = hash & ((0x7F << TAG_SHIFT) | ((1 << CHUNK_BITS) - 1));
            assert_eq!(Locator::of(hash).hash(), kept);
            assert_eq!(Element::new(Locator::of(hash), 1).locator(), Locator::of(hash));
        }
    }

    #[test]
    fn a_size_code_is_right_to_within_an_eighth() {
        let large = (12..34).map(|bits| 1_u64 << bits).chain([(1 << 34) - 1]);
        for size in (0..4_096).chain(large.filter_map(|size| usize::try_from(size).ok())) {
            let coded = SizeCode::of(size).size();
            assert!(coded <= size as u64 && coded >= size as u64 - size as u64 / 8, "{size}: {coded}");
        }
        assert_eq!(SizeCode(u8::MAX).size(), 15 << 30);
    }

    /// Compares random pushes and pops with a deque. The runs are long enough to fill and to empty several
    /// blocks.
    #[test]
    fn a_queue_is_first_in_first_out_whatever_its_length() {
        let (mut queue, mut model, mut random) = (Queue::new(), VecDeque::new(), 1_u64);
        let mut pushed = 0;
        for _ in 0..400 {
            random = common::random::mix(random);
            let (count, pushes) = (random as usize % 2_000, random >> 63 == 0);
            for _ in 0..count {
                if pushes {
                    let hash = common::random::mix(pushed);
                    assert_eq!(queue.try_push(Locator::of(hash), pushed as usize % 1_000), Ok(pushed));
                    model.push_back((pushed, Locator::of(hash)));
                    pushed += 1;
                } else {
                    assert_eq!(queue.peek(0), model.front().map(|(_, locator)| *locator));
                    assert_eq!(queue.pop(), model.pop_front());
                }
            }
            assert_eq!(queue.len(), model.len());
            let sizes = model.iter().map(|(number, _)| SizeCode::of(*number as usize % 1_000).size());
            assert_eq!(queue.size_sum(), sizes.sum::<u64>());
            let held = queue.blocks.iter().flatten().count();
            assert!(held <= model.len() / BLOCK_LEN + 2, "{held} blocks for {}", model.len());
        }
        assert!(pushed > 50_000);
    }
}
