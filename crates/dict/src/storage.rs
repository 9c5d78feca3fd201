//! [`Storage`]: the memory of a table. It consists of pages of chunks under a directory, and of overflow
//! children. This file does not depend on the type of the entries.
//!
//! ```text
//!  directory | tags entries | tags entries | ...      two pointers a page
//!                 |     |
//!                 |     +--> up to 128 chunks of entries, uninitialised until a split reaches them
//!                 +--------> as many groups of tags, uninitialised too
//! ```
//!
//! The directory does not store the address of a page itself. It stores the address that chunk 0 of the table
//! would have if all chunks lay in a row with that page. A look-up therefore uses the number of the chunk,
//! and need not compute its index in the page. This saves two instructions.
//!
//! The pages that one step of growth allocates share a pair of blocks, which is called a segment.
//! `Paging::step` says how many chunks a step adds. A table without memory points at [`Directory::EMPTY`],
//! whose single chunk has only free slots. Look-ups therefore need no special case.

use core::alloc::Layout;
use core::ptr::NonNull;

use allocator_api2::alloc::Allocator;
use zmalloc::{ReserveError, Zmalloc};

use crate::compact::CompactPtr;
use crate::group::TAG_BYTES;
use crate::layout::ChunkLayout;

/// A pair of blocks, which holds the tags and the entries of consecutive chunks.
#[derive(Clone, Copy)]
struct Blocks {
    tags: NonNull<u8>,
    entries: NonNull<u8>,
}

/// A page of chunks. The pointers lead to where chunk 0 of the table would be if all chunks lay in a row with
/// this page.
#[derive(Clone, Copy)]
struct Page {
    tags: *mut u8,
    entries: *mut u8,
}

impl Page {
    /// Creates the page of these blocks, which begin with chunk `first`.
    fn new(layout: &ChunkLayout, blocks: Blocks, first: usize) -> Self {
        Self {
            tags: blocks.tags.as_ptr().wrapping_sub(first * TAG_BYTES),
            entries: blocks.entries.as_ptr().wrapping_sub(first * layout.stride),
        }
    }

    /// Returns chunk `chunk` of the table.
    ///
    /// # Safety
    /// The page has memory for the chunk.
    #[inline]
    unsafe fn chunk(self, layout: &ChunkLayout, chunk: usize) -> ChunkPtr {
        // SAFETY: the addition undoes the subtraction in `new`. The results lead to a chunk in the page's
        // blocks, so they are not null.
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
// SAFETY: the pointers lead to an immutable static, and nothing writes through the tags of a table without
// chunks.
unsafe impl Sync for EmptyDirectory {}

/// The directory of every table without memory: one page of one chunk, which never has an entry.
static EMPTY: EmptyDirectory = EmptyDirectory(Page {
    tags: (&raw const EMPTY_TAGS).cast_mut().cast(),
    entries: NonNull::<u128>::dangling().as_ptr().cast(),
});

/// The pointer to the pages. A copy is valid until the storage allocates or frees memory for chunks.
#[derive(Clone, Copy)]
pub(crate) struct Directory(NonNull<Page>);

impl Directory {
    pub(crate) const EMPTY: Self = Self(NonNull::from_ref(&EMPTY.0));

    /// Returns chunk `chunk`.
    ///
    /// # Safety
    /// The storage holds memory for the chunk, or it is chunk 0.
    #[inline]
    pub(crate) unsafe fn chunk(self, layout: &ChunkLayout, chunk: usize) -> ChunkPtr {
        // SAFETY: the page is in the directory (the empty directory holds page 0), and has memory for the
        // chunk.
        unsafe { self.0.add(layout.paging.page_of(chunk).0).read().chunk(layout, chunk) }
    }

    /// Returns the blocks whose first chunk is `first`.
    ///
    /// # Safety
    /// The storage holds memory for the chunk.
    unsafe fn blocks(self, layout: &ChunkLayout, first: usize) -> Blocks {
        // SAFETY: the caller guarantees what `chunk` requires.
        let ChunkPtr { tags, entries } = unsafe { self.chunk(layout, first) };
        Blocks { tags, entries }
    }
}

/// A directory of at least this many pages, 16 KiB, is not copied in one go.
const LARGE_DIRECTORY: usize = 1024;
/// The number of pages of a large directory that are copied with one split or merge.
const PAGES_PER_COPY: usize = 64;

/// Returns whether a large directory of this capacity should have a successor of twice the capacity.
fn is_nearly_full(pages: usize, capacity: usize) -> bool {
    pages > capacity / 8 * 7
}

/// Returns the size, in bytes, of the directory of a table that has grown to this many pages and has finished
/// copying.
pub(crate) fn directory_size(pages: usize) -> usize {
    // A step adds fewer pages than there are, so each capacity is twice the one before.
    let capacity = pages.checked_next_power_of_two().unwrap_or(usize::MAX);
    let doubles = capacity >= LARGE_DIRECTORY && is_nearly_full(pages, capacity);
    capacity.saturating_mul(if doubles { 2 } else { 1 }).saturating_mul(size_of::<Page>())
}

/// A directory of another capacity, which replaces a large one when all pages are copied to it.
struct Successor {
    directory: Directory,
    capacity: usize,
    copied: usize,
}

/// The memory of a table. It owns the blocks, but does not free them when it is dropped: see
/// [`Storage::free_all`].
pub(crate) struct Storage {
    directory: Directory,
    /// The capacity of the directory in pages; 0 when it is [`Directory::EMPTY`].
    capacity: usize,
    successor: Option<Successor>,
    /// The number of chunks that there is memory for.
    chunks_allocated: usize,
    /// The number of overflow children allocated.
    children: usize,
    /// The bytes that all blocks together add to `used_memory`.
    allocation_size: usize,
    /// The bytes that were ever allocated, in the same measure.
    bytes_allocated: u64,
}

impl Storage {
    pub(crate) const fn new() -> Self {
        Self {
            directory: Directory::EMPTY,
            capacity: 0,
            successor: None,
            chunks_allocated: 0,
            children: 0,
            allocation_size: 0,
            bytes_allocated: 0,
        }
    }

    /// The number of chunks that there is memory for.
    pub(crate) fn chunks_allocated(&self) -> usize {
        self.chunks_allocated
    }

    pub(crate) fn children(&self) -> usize {
        self.children
    }

    pub(crate) fn allocation_size(&self) -> usize {
        self.allocation_size
    }

    pub(crate) fn bytes_allocated(&self) -> u64 {
        self.bytes_allocated
    }

    pub(crate) fn directory(&self) -> Directory {
        self.directory
    }

    /// Adds the bytes that `before` has ever allocated to those of this storage.
    pub(crate) fn add_allocated(&mut self, before: &Self) {
        self.bytes_allocated += before.bytes_allocated;
    }

    fn allocate(&mut self, layout: Layout) -> Result<NonNull<u8>, ReserveError> {
        let out_of_memory = ReserveError::OutOfMemory { size: layout.size() };
        let block = Zmalloc.allocate(layout).map_err(|_| out_of_memory)?.cast::<u8>();
        // SAFETY: the block was just allocated with this layout.
        let size = unsafe { Zmalloc.block_size(block, layout) };
        self.allocation_size += size;
        self.bytes_allocated += size as u64;
        Ok(block)
    }

    /// # Safety
    /// `block` came from `allocate` with the same layout and is not used again.
    unsafe fn release(&mut self, block: NonNull<u8>, layout: Layout) {
        // SAFETY: the caller guarantees that the block came from `allocate` with this layout.
        unsafe {
            self.allocation_size -= Zmalloc.block_size(block, layout);
            Zmalloc.deallocate(block, layout);
        }
    }

    /// Allocates both blocks of `chunks` chunks, or none.
    fn allocate_chunks(&mut self, layout: &ChunkLayout, chunks: usize) -> Result<Blocks, ReserveError> {
        let (tags_layout, entries_layout) = (layout.tags(chunks)?, layout.entries(chunks)?);
        let tags = self.allocate(tags_layout)?;
        match self.allocate(entries_layout) {
            Ok(entries) => Ok(Blocks { tags, entries }),
            Err(error) => {
                // SAFETY: the block was allocated just above with this layout.
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
        // SAFETY: the blocks were allocated with these layouts, and the caller does not use them again.
        unsafe {
            self.release(blocks.tags, tags);
            self.release(blocks.entries, entries);
        }
    }

    /// Allocates memory for more chunks. `Paging::step` says how many. A failure changes nothing.
    pub(crate) fn grow(&mut self, layout: &ChunkLayout) -> Result<(), ReserveError> {
        let step = layout.paging.step(self.chunks_allocated);
        let (page, index_in_page) = layout.paging.page_of(self.chunks_allocated);
        if index_in_page > 0 {
            // SAFETY: the last page has memory for `index_in_page` chunks.
            unsafe { self.move_last_page(layout, page, index_in_page, index_in_page + step)? };
        } else {
            // The directory is changed last, so it never leads to a page that has no memory.
            let pages = step.div_ceil(layout.paging.page());
            let new = self.allocate_chunks(layout, step)?;
            if page + pages > self.capacity
                && let Err(error) = self.move_directory(page, (page + pages).max(self.capacity * 2))
            {
                // SAFETY: the blocks were allocated just above for this number of chunks.
                unsafe { self.release_chunks(layout, new, step) };
                return Err(error);
            }
            // All pages of these blocks are contiguous, so chunk 0 has the same address for all of them.
            let new = Page::new(layout, new, self.chunks_allocated);
            for nth in page..page + pages {
                // SAFETY: the directory has room for these pages.
                unsafe { self.directory.0.add(nth).write(new) };
            }
        }
        self.chunks_allocated += step;
        Ok(())
    }

    /// Returns the bytes that [`Storage::grow`] would allocate now, before the allocator rounds them up. The
    /// bytes that `grow` would free are not subtracted: those of a directory or a page that it copies.
    pub(crate) fn growth_bytes(&self, layout: &ChunkLayout) -> usize {
        let step = layout.paging.step(self.chunks_allocated);
        let (page, index_in_page) = layout.paging.page_of(self.chunks_allocated);
        let chunks = (index_in_page + step).saturating_mul(layout.stride + TAG_BYTES);
        let pages = page + step.div_ceil(layout.paging.page());
        let directory = if pages > self.capacity { pages.max(self.capacity * 2) } else { 0 };
        chunks + directory * size_of::<Page>()
    }

    /// Returns the number of chunks that there would be memory for after [`Storage::shrink`].
    pub(crate) fn chunks_after_shrinking(&self, layout: &ChunkLayout) -> usize {
        layout.paging.chunks_before_last_step(self.chunks_allocated)
    }

    /// Undoes the last [`Storage::grow`]. If that was the first one, the directory is freed too. To make the
    /// last page smaller, a new one is allocated; a failure changes nothing.
    ///
    /// # Safety
    /// The storage holds chunks, and the freed ones are not used any more.
    pub(crate) unsafe fn shrink(&mut self, layout: &ChunkLayout) -> Result<(), ReserveError> {
        let chunks_allocated = self.chunks_after_shrinking(layout);
        let (page, index_in_page) = layout.paging.page_of(chunks_allocated);
        let step = self.chunks_allocated - chunks_allocated;
        // SAFETY: the last step allocated these blocks, which begin with its first page. If it extended a
        // page, that page has memory for `index_in_page + step` chunks.
        unsafe {
            if index_in_page > 0 {
                self.move_last_page(layout, page, index_in_page + step, index_in_page)?;
            } else {
                self.release_chunks(layout, self.directory.blocks(layout, chunks_allocated), step);
            }
        }
        self.chunks_allocated = chunks_allocated;
        let pages = chunks_allocated.div_ceil(layout.paging.page());
        if let Some(successor) = &mut self.successor {
            // Later growth may put new pages in the place of the freed ones. These must then be copied.
            successor.copied = successor.copied.min(pages);
        }
        if pages == 0 {
            self.release_directory();
        } else if pages <= self.capacity / 4 && self.capacity < LARGE_DIRECTORY {
            // The directory keeps half of its capacity free, so that its size does not oscillate. If there is
            // no memory for a smaller one, the old one stays.
            let _ = self.move_directory(pages, self.capacity / 2);
        }
        Ok(())
    }

    /// Returns the bytes that a split of a table of `chunks` chunks would allocate, before the allocator
    /// rounds them up.
    pub(crate) fn split_bytes(&self, layout: &ChunkLayout, chunks: usize) -> usize {
        let growth = if chunks == self.chunks_allocated { self.growth_bytes(layout) } else { 0 };
        let copies_directory = self.successor.is_none() && self.copies_directory(layout, chunks);
        let successor = if copies_directory { self.next_capacity(layout).unwrap_or(0) } else { 0 };
        growth + successor * size_of::<Page>()
    }

    /// Returns whether a split or merge of a table of `chunks` chunks also calls
    /// [`Storage::copy_directory_step`].
    ///
    /// To bound its work, a split or merge does so only if it neither allocates nor frees memory for chunks.
    /// If every step of growth is a single chunk, every split allocates and every merge frees. Then all of
    /// them do so.
    pub(crate) fn copies_directory(&self, layout: &ChunkLayout, chunks: usize) -> bool {
        self.capacity >= LARGE_DIRECTORY
            && (layout.paging.step_max() == 1
                || (chunks < self.chunks_allocated && self.chunks_after_shrinking(layout) < chunks))
    }

    /// Returns the capacity that a large directory should have, if that differs from the capacity it has.
    fn next_capacity(&self, layout: &ChunkLayout) -> Option<usize> {
        let pages = self.chunks_allocated.div_ceil(layout.paging.page());
        if is_nearly_full(pages, self.capacity) {
            Some(self.capacity * 2)
        } else if pages <= self.capacity / 4 {
            Some(self.capacity / 2)
        } else {
            None
        }
    }

    /// Copies a few pages to a directory of the right capacity, if a large directory will soon be full or is
    /// much too large. The first call allocates the new directory, and the call that copies the last page
    /// puts it in the place of the old one.
    pub(crate) fn copy_directory_step(&mut self, layout: &ChunkLayout) {
        // A merge asks `copies_directory` before it frees chunks. If it freed all of them, it freed the
        // directory too.
        if self.capacity < LARGE_DIRECTORY {
            return;
        }
        let (pages, next_capacity) =
            (self.chunks_allocated.div_ceil(layout.paging.page()), self.next_capacity(layout));
        let Some(successor) = &mut self.successor else {
            let Some(capacity) = next_capacity else { return };
            // Without memory the directory stays as it is. When it is full, `grow` moves it in one go.
            if let Ok(block) = self.allocate(Self::directory_layout(capacity)) {
                self.successor = Some(Successor { directory: Directory(block.cast()), capacity, copied: 0 });
            }
            return;
        };
        if pages > successor.capacity {
            return self.release_successor();
        }
        let from = successor.copied;
        let count = (pages - from).min(PAGES_PER_COPY);
        // SAFETY: both directories are live and distinct, and have room for the pages. The pages of a large
        // table stay where they are until they are freed.
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
            // SAFETY: the directory was allocated with this capacity, and nothing else leads to it.
            unsafe { self.release(directory.0.cast(), Self::directory_layout(capacity)) };
        }
    }

    /// Makes the directory as small as its pages allow.
    pub(crate) fn shrink_directory(&mut self, layout: &ChunkLayout) {
        let pages = self.chunks_allocated.div_ceil(layout.paging.page());
        if (1..self.capacity).contains(&pages) {
            let _ = self.move_directory(pages, pages);
        }
    }

    /// Gives `page`, the last one of a small table, memory for `to` chunks instead of `from`.
    ///
    /// # Safety
    /// The page has memory for `from` chunks, and its chunks from `to` on are not used.
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
        // SAFETY: both pairs of blocks are live and distinct, and have room for the chunks kept.
        // Uninitialised bytes may be copied as bytes.
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

    /// Moves the first `pages` pages of the directory to a new one with room for `capacity` pages. Of a large
    /// table, this copies about a thousandth of the bytes.
    fn move_directory(&mut self, pages: usize, capacity: usize) -> Result<(), ReserveError> {
        debug_assert!(pages <= capacity);
        self.release_successor();
        let new = self.allocate(Self::directory_layout(capacity))?.cast::<Page>();
        // SAFETY: both directories are live and distinct, and have room for the pages.
        unsafe { new.copy_from_nonoverlapping(self.directory.0, pages) };
        if self.capacity > 0 {
            self.release_directory();
        }
        (self.directory, self.capacity) = (Directory(new), capacity);
        Ok(())
    }

    /// Allocates an overflow child, whose contents are uninitialised. Fails if a [`CompactPtr`] cannot
    /// represent its address.
    pub(crate) fn new_child(&mut self, layout: &ChunkLayout) -> Result<NonNull<u8>, ReserveError> {
        let child = self.allocate(layout.child)?;
        if CompactPtr::new(child).is_none() {
            // SAFETY: the block was allocated just above with this layout.
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
        // SAFETY: the caller guarantees that the child came from `new_child`, which allocates this layout.
        unsafe { self.release(child, layout.child) };
    }

    /// Moves a child to another block, for defragmentation. The new block does not come from the thread's
    /// cache, because that hands out the blocks that were freed last: the gaps that are to be closed. Returns
    /// `None` and changes nothing if there is no memory.
    ///
    /// # Safety
    /// `child` came from `new_child` of this storage. If it moves, the old block is not used again.
    pub(crate) unsafe fn relocate_child(
        &mut self,
        layout: &ChunkLayout,
        child: NonNull<u8>,
    ) -> Option<NonNull<u8>> {
        // SAFETY: the child is a live block of this layout.
        unsafe { self.relocate_block(child, layout.child) }
    }

    /// Moves the directory, the block of tags and the block of entries: each of them if `moves` returns
    /// `true` for it. To bound the copy, a large directory never moves, and the other two move only if the
    /// table is no larger than a page.
    pub(crate) fn relocate(
        &mut self,
        layout: &ChunkLayout,
        moves: &mut impl FnMut(NonNull<u8>, usize) -> bool,
    ) {
        if self.chunks_allocated == 0 || self.capacity >= LARGE_DIRECTORY {
            return;
        }
        let directory = Self::directory_layout(self.capacity);
        // SAFETY: the blocks are live and have the layouts with which they were allocated. The pointers to
        // them are updated. A table of at most a page has one pair of blocks, which begins with chunk 0.
        unsafe {
            if moves(self.directory.0.cast(), directory.size())
                && let Some(new) = self.relocate_block(self.directory.0.cast(), directory)
            {
                self.directory = Directory(new.cast());
            }
            let (Ok(tags), Ok(entries)) =
                (layout.tags(self.chunks_allocated), layout.entries(self.chunks_allocated))
            else {
                return;
            };
            if self.chunks_allocated > layout.paging.page() {
                return;
            }
            let mut blocks = self.directory.blocks(layout, 0);
            // The directory is updated after each move, because the next call of `moves` may panic.
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
    /// `block` came from `allocate` with the same layout. If it moves, the old block is not used again.
    unsafe fn relocate_block(&mut self, block: NonNull<u8>, layout: Layout) -> Option<NonNull<u8>> {
        // SAFETY: the block is live and has this layout, and so does the new one. Uninitialised bytes may be
        // copied as bytes.
        unsafe {
            let before = Zmalloc.block_size(block, layout);
            let new = Zmalloc.try_relocate_if(block, layout, |new| CompactPtr::new(new).is_some())?;
            let size = Zmalloc.block_size(new, layout);
            self.allocation_size = self.allocation_size - before + size;
            self.bytes_allocated += size as u64;
            Some(new)
        }
    }

    /// Frees all chunks and the directory.
    ///
    /// # Safety
    /// The children were freed, and no chunk is used any more.
    pub(crate) unsafe fn free_all(&mut self, layout: &ChunkLayout) {
        if self.chunks_allocated == 0 {
            return;
        }
        while self.chunks_allocated > 0 {
            let start = layout.paging.block_start(self.chunks_allocated);
            // SAFETY: these chunks are one pair of blocks.
            unsafe {
                self.release_chunks(
                    layout,
                    self.directory.blocks(layout, start),
                    self.chunks_allocated - start,
                );
            }
            self.chunks_allocated = start;
        }
        self.release_directory();
    }

    fn release_directory(&mut self) {
        self.release_successor();
        // SAFETY: the directory was allocated with this capacity. Its chunks are freed, or it was copied.
        unsafe { self.release(self.directory.0.cast(), Self::directory_layout(self.capacity)) };
        (self.directory, self.capacity) = (Directory::EMPTY, 0);
    }
}
