//! The overflow children of a chunk, which hold the entries that do not fit into its fifteen slots.
//!
//! A child has no holes (see the invariants in `layout.rs`). `chunk.rs` and `moving.rs` contain the
//! operations of chunks on their children.

use core::marker::PhantomData;
use core::ptr::NonNull;

use zmalloc::ReserveError;

use crate::compact::CompactPtr;
use crate::group::{Candidates, Group, SLOTS, Slots, filter_bit};
use crate::layout::{CHILD_SLOTS, CHILD_SLOTS_WITH_NEXT, ChunkLayout, HAS_NEXT_OFFSET};
use crate::slot::Slot;
use crate::storage::Storage;

/// The lanes of a child's group that are slots. The eighth lane is its flag.
const CHILD_LANES: Slots = Slots((1 << CHILD_SLOTS) - 1);

/// An overflow child of entries `T`.
pub(crate) struct Child<T> {
    pub(crate) ptr: NonNull<u8>,
    _entries: PhantomData<NonNull<T>>,
}

impl<T> Clone for Child<T> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Child<T> {}

/// The `# Safety` sections below use the word *live*, which the first point defines. Every method also
/// requires the points after it:
///
/// - A child is *live* while its storage holds its block, its tags and its flag are initialised, and its
///   entries have no hole. If its flag is set, its next pointer leads to a live child.
/// - Nothing changes the child while a method reads it.
/// - Nothing else uses the child while a method changes it.
impl<T> Child<T> {
    const LAYOUT: ChunkLayout = ChunkLayout::of::<T>();

    /// Returns the child whose block is at `ptr`.
    #[inline]
    pub(crate) fn at(ptr: NonNull<u8>) -> Self {
        Self { ptr, _entries: PhantomData }
    }

    /// Returns the child to which the pointer at `place` leads.
    ///
    /// # Safety
    /// [`Child::write`] wrote the pointer at `place`.
    #[inline]
    pub(crate) unsafe fn read(place: NonNull<u8>) -> Self {
        // SAFETY: the caller guarantees that `write` wrote the pointer there.
        Self::at(unsafe { place.cast::<CompactPtr<u8>>().read_unaligned() }.get())
    }

    /// Writes a pointer to this child to `place`.
    ///
    /// # Safety
    /// `place` is the place of a pointer to a child, and may be written to.
    pub(crate) unsafe fn write(self, place: NonNull<u8>) {
        let pointer = CompactPtr::new(self.ptr).expect("the storage takes no block out of reach");
        // SAFETY: the caller guarantees that this is the place of a pointer to a child.
        unsafe { place.cast::<CompactPtr<u8>>().write_unaligned(pointer) };
    }

    /// Initialises the tags of a new block, so that it is a child without entries. The caller adds an entry
    /// at once.
    ///
    /// # Safety
    /// `ptr` is an unused block of the layout `LAYOUT.child`.
    pub(crate) unsafe fn init(ptr: NonNull<u8>) -> Self {
        // SAFETY: a block of `LAYOUT.child` is aligned to 8 bytes and begins with the eight bytes of its
        // header.
        unsafe { ptr.cast::<u64>().write(0) };
        Self::at(ptr)
    }

    /// # Safety
    /// The child is live.
    #[inline]
    unsafe fn group(self) -> Group {
        // SAFETY: a child begins with eight initialised bytes, which are seven tags and the flag.
        unsafe { Group::load_half(self.ptr.as_ptr()) }
    }

    /// # Safety
    /// The child is live.
    #[inline]
    unsafe fn has_next(self) -> bool {
        // SAFETY: the flag is a byte of the header.
        unsafe { self.ptr.add(HAS_NEXT_OFFSET).read() != 0 }
    }

    /// # Safety
    /// The child is live.
    #[inline]
    pub(crate) unsafe fn next(self) -> Option<Self> {
        // SAFETY: the flag is set, so the pointer after the sixth entry leads to a live child.
        unsafe {
            if !self.has_next() {
                return None;
            }
            Some(Self::read(self.ptr.add(Self::LAYOUT.next_offset)))
        }
    }

    /// # Safety
    /// The child is live. If there is a `next`, it is live too, and the seventh slot of this child is free.
    pub(crate) unsafe fn set_next(self, next: Option<Self>) {
        // SAFETY: both places are inside the child. The place of the seventh entry is free, as the caller
        // guarantees.
        unsafe {
            self.ptr.add(HAS_NEXT_OFFSET).write(next.is_some() as u8);
            if let Some(next) = next {
                next.write(self.ptr.add(Self::LAYOUT.next_offset));
            }
        }
    }

    /// # Safety
    /// The child is live, and `index` is less than [`CHILD_SLOTS`].
    #[inline]
    pub(crate) unsafe fn slot(self, index: usize) -> Slot<T> {
        debug_assert!(index < CHILD_SLOTS);
        // SAFETY: a child has room for seven tags and entries.
        unsafe {
            Slot {
                tag: self.ptr.add(index),
                entry: self.ptr.add(Self::LAYOUT.child_entries_offset).cast::<T>().add(index),
            }
        }
    }

    /// # Safety
    /// The child is live.
    #[inline]
    pub(crate) unsafe fn occupied(self) -> Slots {
        // SAFETY: the child is live.
        Slots(unsafe { self.group() }.occupied().0 & CHILD_LANES.0)
    }

    /// # Safety
    /// The child is live.
    #[inline]
    pub(crate) unsafe fn marked(self) -> Slots {
        // SAFETY: the child is live.
        Slots(unsafe { self.group() }.marked().0 & CHILD_LANES.0)
    }

    /// Returns where an entry of `hash` may be in this child.
    ///
    /// # Safety
    /// The child is live.
    #[inline]
    pub(crate) unsafe fn probe(self, hash: u64) -> Candidates {
        // SAFETY: the child is live.
        unsafe { self.group() }.probe(hash).among(CHILD_LANES)
    }

    /// # Safety
    /// The child is live.
    #[inline]
    pub(crate) unsafe fn len(self) -> usize {
        // SAFETY: the child is live.
        unsafe { self.occupied().len() }
    }

    /// Returns the filter bits of all its entries.
    ///
    /// # Safety
    /// The child is live.
    pub(crate) unsafe fn filter(self) -> u8 {
        let mut filter = 0;
        // SAFETY: the child is live.
        for index in unsafe { self.occupied() } {
            // SAFETY: the slot is an occupied one of the child.
            filter |= unsafe { filter_bit(self.slot(index).tag.read()) };
        }
        filter
    }
}

/// A list of unused child blocks, linked through their first word. With them, entries move between chunks
/// without an allocation that could fail half-way.
pub(crate) struct Spares<T> {
    head: Option<NonNull<u8>>,
    _entries: PhantomData<NonNull<T>>,
}

impl<T> Spares<T> {
    pub(crate) fn new() -> Self {
        Self { head: None, _entries: PhantomData }
    }

    /// Allocates `count` children. On failure frees those that it got.
    pub(crate) fn with(count: usize, storage: &mut Storage) -> Result<Self, ReserveError> {
        let mut spares = Self::new();
        for _ in 0..count {
            match storage.new_child(&Child::<T>::LAYOUT) {
                // SAFETY: the block was just allocated as a child block.
                Ok(block) => unsafe { spares.put(block) },
                Err(error) => {
                    spares.free(storage);
                    return Err(error);
                }
            }
        }
        Ok(spares)
    }

    /// # Safety
    /// `block` is a child block of the storage to which the spares are returned, and nothing else uses it.
    pub(crate) unsafe fn put(&mut self, block: NonNull<u8>) {
        // SAFETY: a child block is at least as large as a pointer and aligned for one.
        unsafe { block.cast::<Option<NonNull<u8>>>().write(self.head) };
        self.head = Some(block);
    }

    pub(crate) fn take(&mut self) -> Option<NonNull<u8>> {
        let block = self.head?;
        // SAFETY: `put` wrote the link.
        self.head = unsafe { block.cast::<Option<NonNull<u8>>>().read() };
        Some(block)
    }

    pub(crate) fn free(mut self, storage: &mut Storage) {
        while let Some(block) = self.take() {
            // SAFETY: the contract of `put` makes it an unused child block of this storage.
            unsafe { storage.free_child(&Child::<T>::LAYOUT, block) };
        }
    }
}

/// Returns how many children a chunk of `entries` entries has.
pub(crate) fn children_for(entries: usize) -> usize {
    match entries.saturating_sub(SLOTS) {
        0 => 0,
        over => (over - 1).div_ceil(CHILD_SLOTS_WITH_NEXT).max(1),
    }
}
