//! The memory of a table: segments under a directory, and overflow children. Knows no entry type.
//!
//! ```text
//!  directory | tags entries | tags entries | ...      two pointers a segment
//!                 |     |
//!                 |     +--> 2^k chunks of entries, uninitialised until a split reaches them
//!                 +--------> 2^k groups of tags, likewise
//! ```
//!
//! Segments never move and the directory never holds a segment that is not allocated. A table without
//! memory points at [`Directory::EMPTY`], whose single chunk is forever free: look-ups need no special case.

use core::alloc::Layout;
use core::ptr::NonNull;

use allocator_api2::alloc::{AllocError, Allocator};
use zmalloc::Zmalloc;

use crate::geometry::{lg_segment_chunks, locate};
use crate::group::TAG_BYTES;
use crate::layout::ChunkLayout;

/// The two blocks of a segment.
#[derive(Clone, Copy)]
pub(crate) struct Segment {
    tags: NonNull<u8>,
    entries: NonNull<u8>,
}

/// The tags and entries of one chunk; see `layout.rs`.
#[derive(Clone, Copy)]
pub(crate) struct ChunkPtr {
    pub(crate) tags: NonNull<u8>,
    pub(crate) entries: NonNull<u8>,
}

/// Sixteen tags of free slots.
static EMPTY_TAGS: u128 = 0;

struct EmptyDirectory(Segment);
// SAFETY: the pointers lead to an immutable static, and nothing writes through the tags of a table
// without chunks.
unsafe impl Sync for EmptyDirectory {}

/// The directory of every table without memory: one segment, one chunk, no entry ever.
static EMPTY: EmptyDirectory = EmptyDirectory(Segment {
    tags: NonNull::from_ref(&EMPTY_TAGS).cast(),
    entries: NonNull::<u128>::dangling().cast(),
});

/// Leads to the chunks. A copy stays right until the storage allocates or frees a segment.
#[derive(Clone, Copy)]
pub(crate) struct Directory(NonNull<Segment>);

impl Directory {
    pub(crate) const EMPTY: Self = Self(NonNull::from_ref(&EMPTY.0));

    /// Chunk `chunk`.
    ///
    /// # Safety
    /// The segment of `chunk` is allocated, or `chunk` is 0.
    #[inline]
    pub(crate) unsafe fn chunk(self, layout: &ChunkLayout, chunk: usize) -> ChunkPtr {
        let (segment, place) = locate(chunk, layout.lg_cap);
        // SAFETY: the segment is in the directory (the empty directory holds segment 0), and the place
        // is inside it by `locate`.
        unsafe {
            let segment = *self.0.add(segment).as_ref();
            ChunkPtr {
                tags: segment.tags.add(place * TAG_BYTES),
                entries: segment.entries.add(place * layout.stride),
            }
        }
    }
}

/// A table's memory. Owns the blocks; does not free them by itself: [`Storage::free_all`].
pub(crate) struct Storage {
    directory: Directory,
    /// Room in the directory; 0 when it is [`Directory::EMPTY`].
    capacity: usize,
    /// Segments allocated.
    segments: usize,
    /// Overflow children allocated.
    children: usize,
    /// What all blocks together add to `used_memory`.
    bytes: usize,
    /// What was ever allocated, in the same measure.
    allocated: u64,
}

impl Storage {
    pub(crate) const fn new() -> Self {
        Self { directory: Directory::EMPTY, capacity: 0, segments: 0, children: 0, bytes: 0, allocated: 0 }
    }

    pub(crate) fn segments(&self) -> usize {
        self.segments
    }

    pub(crate) fn children(&self) -> usize {
        self.children
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn bytes_allocated(&self) -> u64 {
        self.allocated
    }

    pub(crate) fn directory(&self) -> Directory {
        self.directory
    }

    /// Goes on counting from where `before` stopped.
    pub(crate) fn carry_allocated(&mut self, before: &Self) {
        self.allocated += before.allocated;
    }

    /// Whether chunk `chunk` has memory.
    pub(crate) fn holds(&self, layout: &ChunkLayout, chunk: usize) -> bool {
        locate(chunk, layout.lg_cap).0 < self.segments
    }

    fn allocate(&mut self, layout: Layout) -> Result<NonNull<u8>, AllocError> {
        let block = Zmalloc.allocate(layout)?.cast::<u8>();
        // SAFETY: just allocated with this layout.
        let size = unsafe { Zmalloc.block_size(block, layout) };
        self.bytes += size;
        self.allocated += size as u64;
        Ok(block)
    }

    /// # Safety
    /// `block` came from `allocate` with the same layout and is not used again.
    unsafe fn release(&mut self, block: NonNull<u8>, layout: Layout) {
        // SAFETY: by contract.
        unsafe {
            self.bytes -= Zmalloc.block_size(block, layout);
            Zmalloc.deallocate(block, layout);
        }
    }

    /// Allocates the next segment. A failure changes nothing.
    pub(crate) fn push_segment(&mut self, layout: &ChunkLayout) -> Result<(), AllocError> {
        if self.segments == self.capacity {
            self.grow_directory()?;
        }
        let lg = lg_segment_chunks(self.segments, layout.lg_cap);
        let tags = self.allocate(layout.tags(lg))?;
        let entries = match self.allocate(layout.entries(lg)) {
            Ok(entries) => entries,
            Err(error) => {
                // SAFETY: allocated just above with this layout.
                unsafe { self.release(tags, layout.tags(lg)) };
                return Err(error);
            }
        };
        // SAFETY: the directory has room for one more.
        unsafe { self.directory.0.add(self.segments).write(Segment { tags, entries }) };
        self.segments += 1;
        Ok(())
    }

    /// Frees the last segment; with the last of all, the directory too.
    ///
    /// # Safety
    /// There is one, and no chunk of it is used any more.
    pub(crate) unsafe fn pop_segment(&mut self, layout: &ChunkLayout) {
        self.segments -= 1;
        let lg = lg_segment_chunks(self.segments, layout.lg_cap);
        // SAFETY: the directory holds this segment, which was allocated with these layouts.
        unsafe {
            let Segment { tags, entries } = self.directory.0.add(self.segments).read();
            self.release(tags, layout.tags(lg));
            self.release(entries, layout.entries(lg));
            if self.segments == 0 {
                self.release(self.directory.0.cast(), Self::directory_layout(self.capacity));
                (self.directory, self.capacity) = (Directory::EMPTY, 0);
            }
        }
    }

    fn directory_layout(capacity: usize) -> Layout {
        Layout::array::<Segment>(capacity).expect("a directory is far smaller than what it leads to")
    }

    /// Doubles the directory: it is copied, and is a thousandth of the table or less.
    fn grow_directory(&mut self) -> Result<(), AllocError> {
        let capacity = (self.capacity * 2).max(2);
        let new = self.allocate(Self::directory_layout(capacity))?.cast::<Segment>();
        // SAFETY: both directories are live, apart, and have room for the segments.
        unsafe {
            new.copy_from_nonoverlapping(self.directory.0, self.segments);
            if self.capacity > 0 {
                self.release(self.directory.0.cast(), Self::directory_layout(self.capacity));
            }
        }
        (self.directory, self.capacity) = (Directory(new), capacity);
        Ok(())
    }

    /// Allocates an overflow child; its contents are uninitialised.
    pub(crate) fn new_child(&mut self, layout: &ChunkLayout) -> Result<NonNull<u8>, AllocError> {
        let child = self.allocate(layout.child)?;
        self.children += 1;
        Ok(child)
    }

    /// # Safety
    /// `child` came from `new_child` of this storage and is not used again.
    pub(crate) unsafe fn free_child(&mut self, layout: &ChunkLayout, child: NonNull<u8>) {
        self.children -= 1;
        // SAFETY: by contract.
        unsafe { self.release(child, layout.child) };
    }

    /// Frees all segments and the directory.
    ///
    /// # Safety
    /// The children were freed, and no chunk is used any more.
    pub(crate) unsafe fn free_all(&mut self, layout: &ChunkLayout) {
        while self.segments > 0 {
            // SAFETY: there is one, and by contract nothing uses it.
            unsafe { self.pop_segment(layout) };
        }
    }
}
