//! The memory of a table: pages of chunks under a directory, and overflow children. Knows no entry type.
//!
//! ```text
//!  directory | tags entries | tags entries | ...      two pointers a page
//!                 |     |
//!                 |     +--> up to 128 chunks of entries, uninitialised until a split reaches them
//!                 +--------> as many groups of tags, likewise
//! ```
//!
//! The directory's pointers are moved back by the chunks before the page, so that a look-up adds the chunk's number to
//! them as it is: two instructions less for each.
//!
//! The pages that one step of growth brings share a pair of blocks, which is called a segment
//! (`geometry::step` says how many). A table without memory points at [`Directory::EMPTY`], whose single chunk is forever free:
//! look-ups need no special case.

use core::alloc::Layout;
use core::ptr::NonNull;

use allocator_api2::alloc::Allocator;
use zmalloc::{ReserveError, Zmalloc};

use crate::compact::CompactPtr;
use crate::group::TAG_BYTES;
use crate::layout::ChunkLayout;

/// The blocks of some chunks.
#[derive(Clone, Copy)]
struct Blocks {
    tags: NonNull<u8>,
    entries: NonNull<u8>,
}

/// Where chunk 0 would be if it lay before the chunks of a page as they lie one after the other.
#[derive(Clone, Copy)]
struct Page {
    tags: *mut u8,
    entries: *mut u8,
}

impl Page {
    /// The page of these blocks, the first of which is chunk `first`.
    fn new(layout: &ChunkLayout, blocks: Blocks, first: usize) -> Self {
        Self {
            tags: blocks.tags.as_ptr().wrapping_sub(first * TAG_BYTES),
            entries: blocks.entries.as_ptr().wrapping_sub(first * layout.stride),
        }
    }

    /// Chunk `chunk` of the table.
    ///
    /// # Safety
    /// The page has memory for it.
    #[inline]
    unsafe fn chunk(self, layout: &ChunkLayout, chunk: usize) -> ChunkPtr {
        // SAFETY: undoes the subtraction of `new` and goes on to a chunk of the blocks, which is not at null.
        unsafe {
            ChunkPtr {
                tags: NonNull::new_unchecked(self.tags.wrapping_add(chunk * TAG_BYTES)),
                entries: NonNull::new_unchecked(self.entries.wrapping_add(chunk * layout.stride)),
            }
        }
    }
}

/// The tags and entries of one chunk; see `layout.rs`.
#[derive(Clone, Copy)]
pub(crate) struct ChunkPtr {
    pub(crate) tags: NonNull<u8>,
    pub(crate) entries: NonNull<u8>,
}

/// Sixteen tags of free slots.
static EMPTY_TAGS: u128 = 0;

struct EmptyDirectory(Page);
// SAFETY: the pointers lead to an immutable static, and nothing writes through the tags of a table
// without chunks.
unsafe impl Sync for EmptyDirectory {}

/// The directory of every table without memory: one page, one chunk, no entry ever.
static EMPTY: EmptyDirectory = EmptyDirectory(Page {
    tags: (&raw const EMPTY_TAGS).cast_mut().cast(),
    entries: NonNull::<u128>::dangling().as_ptr().cast(),
});

/// Leads to the chunks. A copy stays right until the storage gets or gives back memory for chunks.
#[derive(Clone, Copy)]
pub(crate) struct Directory(NonNull<Page>);

impl Directory {
    pub(crate) const EMPTY: Self = Self(NonNull::from_ref(&EMPTY.0));

    /// Chunk `chunk`.
    ///
    /// # Safety
    /// The storage holds memory for it, or it is chunk 0.
    #[inline]
    pub(crate) unsafe fn chunk(self, layout: &ChunkLayout, chunk: usize) -> ChunkPtr {
        // SAFETY: the page is in the directory (the empty directory holds page 0), and has memory for the chunk.
        unsafe { self.0.add(layout.paging.page_of(chunk).0).read().chunk(layout, chunk) }
    }

    /// The blocks whose first chunk is `first`.
    ///
    /// # Safety
    /// The storage holds memory for it.
    unsafe fn blocks(self, layout: &ChunkLayout, first: usize) -> Blocks {
        // SAFETY: passed on unchanged.
        let ChunkPtr { tags, entries } = unsafe { self.chunk(layout, first) };
        Blocks { tags, entries }
    }
}

/// From how many pages on a directory is not copied in one go: 16 KiB of it.
const LARGE_DIRECTORY: usize = 1024;
/// How much of a large one is copied with one split or merge.
const PAGES_A_COPY: usize = 64;

/// Whether a large directory of that capacity should have a successor of twice the size.
fn is_nearly_full(pages: usize, capacity: usize) -> bool {
    pages > capacity / 8 * 7
}

/// The size, in bytes, of the directory of a table that has grown to so many pages and has finished copying.
pub(crate) fn directory_size(pages: usize) -> usize {
    // A step brings fewer pages than there are, so each capacity is twice the one before.
    let capacity = pages.checked_next_power_of_two().unwrap_or(usize::MAX);
    let doubles = capacity >= LARGE_DIRECTORY && is_nearly_full(pages, capacity);
    capacity.saturating_mul(if doubles { 2 } else { 1 }).saturating_mul(size_of::<Page>())
}

/// A directory of another size, which is to take the place of a large one when all pages are in it.
struct Successor {
    directory: Directory,
    capacity: usize,
    copied: usize,
}

/// A table's memory. Owns the blocks; does not free them by itself: [`Storage::free_all`].
pub(crate) struct Storage {
    directory: Directory,
    /// Room in the directory; 0 when it is [`Directory::EMPTY`].
    capacity: usize,
    successor: Option<Successor>,
    /// Chunks that there is memory for.
    held: usize,
    /// Overflow children allocated.
    children: usize,
    /// What all blocks together add to `used_memory`.
    allocation_size: usize,
    /// What was ever allocated, in the same measure.
    allocated: u64,
}

impl Storage {
    pub(crate) const fn new() -> Self {
        Self {
            directory: Directory::EMPTY,
            capacity: 0,
            successor: None,
            held: 0,
            children: 0,
            allocation_size: 0,
            allocated: 0,
        }
    }

    /// Chunks that there is memory for.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    pub(crate) fn children(&self) -> usize {
        self.children
    }

    pub(crate) fn allocation_size(&self) -> usize {
        self.allocation_size
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

    fn allocate(&mut self, layout: Layout) -> Result<NonNull<u8>, ReserveError> {
        let refused = ReserveError::OutOfMemory { size: layout.size() };
        let block = Zmalloc.allocate(layout).map_err(|_| refused)?.cast::<u8>();
        // SAFETY: just allocated with this layout.
        let size = unsafe { Zmalloc.block_size(block, layout) };
        self.allocation_size += size;
        self.allocated += size as u64;
        Ok(block)
    }

    /// # Safety
    /// `block` came from `allocate` with the same layout and is not used again.
    unsafe fn release(&mut self, block: NonNull<u8>, layout: Layout) {
        // SAFETY: by contract.
        unsafe {
            self.allocation_size -= Zmalloc.block_size(block, layout);
            Zmalloc.deallocate(block, layout);
        }
    }

    /// Allocates the two blocks of `chunks` chunks; both or none.
    fn allocate_chunks(&mut self, layout: &ChunkLayout, chunks: usize) -> Result<Blocks, ReserveError> {
        let (tags_layout, entries_layout) = (layout.tags(chunks)?, layout.entries(chunks)?);
        let tags = self.allocate(tags_layout)?;
        match self.allocate(entries_layout) {
            Ok(entries) => Ok(Blocks { tags, entries }),
            Err(error) => {
                // SAFETY: allocated just above with this layout.
                unsafe { self.release(tags, tags_layout) };
                Err(error)
            }
        }
    }

    /// # Safety
    /// `blocks` came from `allocate_chunks` with the same number and are not used again.
    unsafe fn release_chunks(&mut self, layout: &ChunkLayout, blocks: Blocks, chunks: usize) {
        let layouts = layout.tags(chunks).and_then(|tags| Ok((tags, layout.entries(chunks)?)));
        let (tags, entries) = layouts.expect("what was allocated has a layout");
        // SAFETY: by contract.
        unsafe {
            self.release(blocks.tags, tags);
            self.release(blocks.entries, entries);
        }
    }

    /// Gets memory for more chunks: `geometry::step` says how many. A failure changes nothing.
    pub(crate) fn grow(&mut self, layout: &ChunkLayout) -> Result<(), ReserveError> {
        let step = layout.paging.step(self.held);
        let (page, place) = layout.paging.page_of(self.held);
        if place > 0 {
            // SAFETY: the last page has memory for `place` chunks.
            unsafe { self.move_last_page(layout, page, place, place + step)? };
        } else {
            // The directory last: it never leads to a page that is not there.
            let pages = step.div_ceil(layout.paging.page());
            let new = self.allocate_chunks(layout, step)?;
            if page + pages > self.capacity
                && let Err(error) = self.move_directory(page, (page + pages).max(self.capacity * 2))
            {
                // SAFETY: allocated just above with this number.
                unsafe { self.release_chunks(layout, new, step) };
                return Err(error);
            }
            // All pages of these blocks, which go on from page to page, have the same place for chunk 0.
            let new = Page::new(layout, new, self.held);
            for nth in page..page + pages {
                // SAFETY: the directory has room.
                unsafe { self.directory.0.add(nth).write(new) };
            }
        }
        self.held += step;
        Ok(())
    }

    /// The bytes that [`Storage::grow`] would ask for now, before the allocator rounds them up; an old directory or page
    /// that is copied is given back in the same call.
    pub(crate) fn growth_bytes(&self, layout: &ChunkLayout) -> usize {
        let step = layout.paging.step(self.held);
        let (page, place) = layout.paging.page_of(self.held);
        let chunks = (place + step).saturating_mul(layout.stride + TAG_BYTES);
        let pages = page + step.div_ceil(layout.paging.page());
        let directory = if pages > self.capacity { pages.max(self.capacity * 2) } else { 0 };
        chunks + directory * size_of::<Page>()
    }

    /// What there would be memory for after [`Storage::shrink`].
    pub(crate) fn held_after_shrinking(&self, layout: &ChunkLayout) -> usize {
        layout.paging.held_before(self.held)
    }

    /// Undoes the last [`Storage::grow`]; with the first of all, the directory goes too. Making the last page
    /// smaller needs memory for a moment: a failure changes nothing.
    ///
    /// # Safety
    /// Something is held, and the chunks given back are not used any more.
    pub(crate) unsafe fn shrink(&mut self, layout: &ChunkLayout) -> Result<(), ReserveError> {
        let held = self.held_after_shrinking(layout);
        let (page, place) = layout.paging.page_of(held);
        let step = self.held - held;
        // SAFETY: the last step allocated these blocks, whose first page starts them; a page that goes on has
        // memory for `place + step` chunks.
        unsafe {
            if place > 0 {
                self.move_last_page(layout, page, place + step, place)?;
            } else {
                self.release_chunks(layout, self.directory.blocks(layout, held), step);
            }
        }
        self.held = held;
        let pages = held.div_ceil(layout.paging.page());
        if let Some(successor) = &mut self.successor {
            // What comes after these pages may be another page by the time that it is copied.
            successor.copied = successor.copied.min(pages);
        }
        if pages == 0 {
            self.release_directory();
        } else if pages <= self.capacity / 4 && self.capacity < LARGE_DIRECTORY {
            // Half empty is full enough to stay; without memory for a smaller one the large one stays.
            let _ = self.move_directory(pages, self.capacity / 2);
        }
        Ok(())
    }

    /// What a split of a table of `chunks` chunks would ask for, before the allocator rounds it up.
    pub(crate) fn split_bytes(&self, layout: &ChunkLayout, chunks: usize) -> usize {
        let growth = if chunks == self.held { self.growth_bytes(layout) } else { 0 };
        let tends = self.successor.is_none() && self.tends_directory(layout, chunks);
        let successor = if tends { self.next_capacity(layout).unwrap_or(0) } else { 0 };
        growth + successor * size_of::<Page>()
    }

    /// Whether a split or merge of a table of `chunks` chunks is to look after the directory: one that neither gets nor gives
    /// back memory for chunks, if there are such.
    pub(crate) fn tends_directory(&self, layout: &ChunkLayout, chunks: usize) -> bool {
        self.capacity >= LARGE_DIRECTORY
            && (layout.paging.step_max() == 1
                || (chunks < self.held && self.held_after_shrinking(layout) < chunks))
    }

    /// The capacity that a large directory should have instead of its own, if that is another one.
    fn next_capacity(&self, layout: &ChunkLayout) -> Option<usize> {
        let pages = self.held.div_ceil(layout.paging.page());
        if is_nearly_full(pages, self.capacity) {
            Some(self.capacity * 2)
        } else if pages <= self.capacity / 4 {
            Some(self.capacity / 2)
        } else {
            None
        }
    }

    /// Does a little towards a directory of the right size, if a large one will soon be full or is much too large: see
    /// [`Storage::tends_directory`].
    pub(crate) fn tend_directory(&mut self, layout: &ChunkLayout) {
        // What was given back meanwhile may have been the last of the table.
        if self.capacity < LARGE_DIRECTORY {
            return;
        }
        let (pages, next_capacity) = (self.held.div_ceil(layout.paging.page()), self.next_capacity(layout));
        let Some(successor) = &mut self.successor else {
            let Some(capacity) = next_capacity else { return };
            // Without memory the directory stays as it is: a full one is moved in one go.
            if let Ok(block) = self.allocate(Self::directory_layout(capacity)) {
                self.successor = Some(Successor { directory: Directory(block.cast()), capacity, copied: 0 });
            }
            return;
        };
        if pages > successor.capacity {
            return self.release_successor();
        }
        let from = successor.copied;
        let count = (pages - from).min(PAGES_A_COPY);
        // SAFETY: both directories are live, apart, and have room for the pages; pages of a large table stay where they are
        // until they are given back.
        unsafe {
            successor.directory.0.add(from).copy_from_nonoverlapping(self.directory.0.add(from), count);
        }
        successor.copied = from + count;
        if successor.copied == pages
            && let Some(Successor { directory, capacity, .. }) = self.successor.take()
        {
            self.release_directory();
            (self.directory, self.capacity) = (directory, capacity);
        }
    }

    fn release_successor(&mut self) {
        if let Some(Successor { directory, capacity, .. }) = self.successor.take() {
            // SAFETY: allocated with this capacity, and nobody has read it.
            unsafe { self.release(directory.0.cast(), Self::directory_layout(capacity)) };
        }
    }

    /// Makes the directory as small as its pages allow.
    pub(crate) fn shrink_directory(&mut self, layout: &ChunkLayout) {
        let pages = self.held.div_ceil(layout.paging.page());
        if (1..self.capacity).contains(&pages) {
            let _ = self.move_directory(pages, pages);
        }
    }

    /// Gives `page`, the last one of a small table, memory for `to` chunks instead of `from`.
    ///
    /// # Safety
    /// It has memory for `from`, and those from `to` on are not used.
    unsafe fn move_last_page(
        &mut self,
        layout: &ChunkLayout,
        page: usize,
        from: usize,
        to: usize,
    ) -> Result<(), ReserveError> {
        debug_assert!(from.max(to) <= layout.paging.page());
        let new = self.allocate_chunks(layout, to)?;
        let kept = from.min(to);
        // SAFETY: both pairs of blocks are live, apart, and have room for the chunks kept. Uninitialised bytes
        // may be copied as such.
        unsafe {
            let first = page * layout.paging.page();
            let old = self.directory.blocks(layout, first);
            new.tags.copy_from_nonoverlapping(old.tags, kept * TAG_BYTES);
            new.entries.copy_from_nonoverlapping(old.entries, kept * layout.stride);
            self.release_chunks(layout, old, from);
            self.directory.0.add(page).write(Page::new(layout, new, first));
        }
        Ok(())
    }

    fn directory_layout(capacity: usize) -> Layout {
        Layout::array::<Page>(capacity).expect("a directory is far smaller than what it leads to")
    }

    /// Moves the directory, of which the first `pages` are there, to one with room for `capacity`: it is copied,
    /// a thousandth of a large table.
    fn move_directory(&mut self, pages: usize, capacity: usize) -> Result<(), ReserveError> {
        debug_assert!(pages <= capacity);
        self.release_successor();
        let new = self.allocate(Self::directory_layout(capacity))?.cast::<Page>();
        // SAFETY: both directories are live, apart, and have room for the pages.
        unsafe { new.copy_from_nonoverlapping(self.directory.0, pages) };
        if self.capacity > 0 {
            self.release_directory();
        }
        (self.directory, self.capacity) = (Directory(new), capacity);
        Ok(())
    }

    /// Allocates an overflow child; its contents are uninitialised. Memory that a [`CompactPtr`] does not reach is none.
    pub(crate) fn new_child(&mut self, layout: &ChunkLayout) -> Result<NonNull<u8>, ReserveError> {
        let child = self.allocate(layout.child)?;
        if CompactPtr::new(child).is_none() {
            // SAFETY: allocated just above with this layout.
            unsafe { self.release(child, layout.child) };
            return Err(ReserveError::OutOfMemory { size: layout.child.size() });
        }
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

    /// Moves a child to another block, as a defragmenter wants it: past the thread's cache, which would hand out the gaps
    /// that are to be closed. `None`, and nothing changed, if there is no memory.
    ///
    /// # Safety
    /// `child` came from `new_child` of this storage; nothing leads to it any more.
    pub(crate) unsafe fn relocate_child(
        &mut self,
        layout: &ChunkLayout,
        child: NonNull<u8>,
    ) -> Option<NonNull<u8>> {
        // SAFETY: a live block of this layout.
        unsafe { self.relocate_block(child, layout.child) }
    }

    /// Moves the directory and the blocks of a table of less than a page for which `moves` says so.
    pub(crate) fn relocate(
        &mut self,
        layout: &ChunkLayout,
        moves: &mut impl FnMut(NonNull<u8>, usize) -> bool,
    ) {
        if self.held == 0 || self.capacity >= LARGE_DIRECTORY {
            return;
        }
        let directory = Self::directory_layout(self.capacity);
        // SAFETY: live blocks with the layouts that they were allocated with; what leads to them is told their new
        // places. A table of up to a page has one pair of blocks, which begins with chunk 0.
        unsafe {
            if moves(self.directory.0.cast(), directory.size())
                && let Some(new) = self.relocate_block(self.directory.0.cast(), directory)
            {
                self.directory = Directory(new.cast());
            }
            let (Ok(tags), Ok(entries)) = (layout.tags(self.held), layout.entries(self.held)) else { return };
            if self.held > layout.paging.page() {
                return;
            }
            let mut blocks = self.directory.blocks(layout, 0);
            // The directory learns of each move at once: the next question may panic.
            if moves(blocks.tags, tags.size())
                && let Some(new) = self.relocate_block(blocks.tags, tags)
            {
                blocks.tags = new;
                self.directory.0.write(Page::new(layout, blocks, 0));
            }
            if moves(blocks.entries, entries.size())
                && let Some(new) = self.relocate_block(blocks.entries, entries)
            {
                blocks.entries = new;
                self.directory.0.write(Page::new(layout, blocks, 0));
            }
        }
    }

    /// # Safety
    /// `block` came from `allocate` with the same layout, and is not used again if there is another one.
    unsafe fn relocate_block(&mut self, block: NonNull<u8>, layout: Layout) -> Option<NonNull<u8>> {
        // SAFETY: a live block of this layout, and so is the one that it moves to. Uninitialised bytes may be copied as such.
        unsafe {
            let before = Zmalloc.block_size(block, layout);
            let new = Zmalloc.try_relocate_if(block, layout, |new| CompactPtr::new(new).is_some())?;
            let size = Zmalloc.block_size(new, layout);
            self.allocation_size = self.allocation_size - before + size;
            self.allocated += size as u64;
            Some(new)
        }
    }

    /// Frees all chunks and the directory.
    ///
    /// # Safety
    /// The children were freed, and no chunk is used any more.
    pub(crate) unsafe fn free_all(&mut self, layout: &ChunkLayout) {
        if self.held == 0 {
            return;
        }
        while self.held > 0 {
            let start = layout.paging.block_start(self.held);
            // SAFETY: these chunks are one pair of blocks.
            unsafe {
                self.release_chunks(layout, self.directory.blocks(layout, start), self.held - start);
            }
            self.held = start;
        }
        self.release_directory();
    }

    fn release_directory(&mut self) {
        self.release_successor();
        // SAFETY: allocated with this capacity; callers have no chunk any more, or have copied it.
        unsafe { self.release(self.directory.0.cast(), Self::directory_layout(self.capacity)) };
        (self.directory, self.capacity) = (Directory::EMPTY, 0);
    }
}
