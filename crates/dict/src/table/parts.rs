//! [`ChunkPart`]: the slots of a chunk and of its children, for drawings.

use crate::group::SLOTS;
use crate::layout::{CHILD_SLOTS, CHILD_SLOTS_WITH_NEXT};
use crate::slot::Slot;
use crate::table::Table;

/// The slots of a chunk, or of one of its overflow children. The drawing in `layout.rs` shows both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkPart<'a, T> {
    /// The tag of each slot: 0 if the slot is free, and otherwise seven bits of the hash and the mark.
    pub tags: Vec<u8>,
    /// The byte after the tags. In a chunk, it is the filter of the tags that its children hold. In a child, it
    /// says whether there is another child.
    pub overflow: u8,
    /// The entry of each slot, or `None` if the slot is free.
    pub entries: Vec<Option<&'a T>>,
}

impl<T> Table<T> {
    /// Returns the slots of chunk number `chunk`, followed by those of its children. A number beyond the table
    /// has no slots. O(entries of the chunk).
    ///
    /// ```
    /// # let hash = |n: &u64| n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    /// let mut table = dict::Table::new();
    /// table.insert_unique(hash(&7), 7_u64, hash);
    /// let parts = table.chunk_parts(0);
    /// assert_eq!(parts.len(), 1); // the chunk has no child
    /// assert_eq!(parts[0].entries.len(), 15);
    /// assert_eq!(parts[0].entries.iter().flatten().collect::<Vec<_>>(), [&&7]);
    /// ```
    pub fn chunk_parts(&self, chunk: usize) -> Vec<ChunkPart<'_, T>> {
        if chunk >= self.raw.chunks() {
            return Vec::new();
        }
        let mut parts = Vec::new();
        // SAFETY: the number is that of a live chunk, whose children are live, and the table is borrowed. Each
        // index is below the number of slots that the chunk or the child has.
        unsafe {
            let chunk = self.raw.chunk(chunk);
            parts.push(part((0..SLOTS).map(|index| chunk.slot(index)), chunk.filter()));
            let mut child = chunk.child();
            while let Some(one) = child {
                child = one.next();
                let slots = if child.is_some() { CHILD_SLOTS_WITH_NEXT } else { CHILD_SLOTS };
                parts.push(part((0..slots).map(|index| one.slot(index)), u8::from(child.is_some())));
            }
        }
        parts
    }
}

/// # Safety
/// The slots belong to a live chunk or child, which does not change during `'a`.
unsafe fn part<'a, T: 'a>(slots: impl Iterator<Item = Slot<T>>, overflow: u8) -> ChunkPart<'a, T> {
    let read = |slot: Slot<T>| {
        // SAFETY: the tag of a live chunk or child is initialised. If it is not 0, the slot holds an entry.
        unsafe {
            let tag = slot.tag.read();
            (tag, if tag == 0 { None } else { Some(slot.entry.as_ref()) })
        }
    };
    let (tags, entries) = slots.map(read).unzip();
    ChunkPart { tags, overflow, entries }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hash with the same low bits for all entries, so that one chunk holds them all.
    fn hash(number: &u64) -> u64 {
        number.wrapping_mul(0x9E37_79B9_7F4A_7C15) << 40
    }

    #[test]
    fn the_parts_hold_every_entry_once() {
        let mut table = Table::new();
        assert!(table.chunk_parts(0).is_empty());
        for number in 0..60 {
            table.insert_unique(hash(&number), number, hash);
            let chunks = table.stats().chunks;
            let parts: Vec<_> = (0..chunks).flat_map(|chunk| table.chunk_parts(chunk)).collect();
            let mut entries: Vec<u64> =
                parts.iter().flat_map(|part| &part.entries).flatten().copied().copied().collect();
            entries.sort_unstable();
            assert_eq!(entries, (0..=number).collect::<Vec<_>>());
            for part in &parts {
                let occupied = part.tags.iter().map(|tag| *tag != 0);
                assert!(occupied.eq(part.entries.iter().map(Option::is_some)));
            }
        }
        assert!(table.chunk_parts(table.stats().chunks).is_empty());
    }

    #[test]
    fn a_part_with_a_child_says_so() {
        let mut table = Table::new();
        for number in 0..60 {
            table.insert_unique(hash(&number), number, hash);
        }
        let parts = table.chunk_parts(0);
        assert!(parts.len() > 2, "{} parts", parts.len());
        let (last, others) = parts.split_last().unwrap();
        assert!(others.iter().all(|part| part.overflow != 0 && part.tags.iter().all(|tag| *tag != 0)));
        assert_eq!(last.overflow, 0);
        let slots: Vec<usize> = parts.iter().map(|part| part.entries.len()).collect();
        assert_eq!((slots[0], slots[1], *slots.last().unwrap()), (15, 6, 7));
    }
}
