//! Growing and shrinking the block: the growth policy.
//!
//! A greedy request doubles what is needed while that is below 1 MiB and adds 1 MiB from there: appending
//! n bytes one by one moves each byte a bounded number of times, and a large string wastes at most 1 MiB. In
//! both cases the slack of the size class becomes capacity, so a request is met in place for as long as
//! the block has room at all.

use crate::Sds;
use crate::layout::{self, HeaderType, MAX_LEN};
use crate::string::check_len;
use core::ptr::NonNull;
use zmalloc::{ReserveError, or_oom};

/// From here on a greedy request adds this many bytes instead of doubling. In C: `SDS_MAX_PREALLOC`.
pub const MAX_PREALLOC: usize = 1024 * 1024;

impl Sds {
    /// Makes room for `additional` more bytes, and for as many again as the string will then hold, up to
    /// [`MAX_PREALLOC`]. The length does not change. In C: `sdsMakeRoomFor`.
    ///
    /// ```
    /// let mut s = sds::Sds::from("0123456789");
    /// s.make_room_for(90);
    /// assert!(s.capacity() >= 200);
    /// ```
    #[inline]
    pub fn make_room_for(&mut self, additional: usize) {
        or_oom(self.try_make_room_for(additional));
    }

    /// [`make_room_for`](Self::make_room_for) that answers an error.
    #[inline]
    pub fn try_make_room_for(&mut self, additional: usize) -> Result<(), ReserveError> {
        if additional <= self.avail() { Ok(()) } else { self.grow(additional, true) }
    }

    /// Makes room for `additional` more bytes and no more than the size class brings along. In C:
    /// `sdsMakeRoomForNonGreedy`.
    #[inline]
    pub fn make_room_for_non_greedy(&mut self, additional: usize) {
        or_oom(self.try_make_room_for_non_greedy(additional));
    }

    /// [`make_room_for_non_greedy`](Self::make_room_for_non_greedy) that answers an error.
    #[inline]
    pub fn try_make_room_for_non_greedy(&mut self, additional: usize) -> Result<(), ReserveError> {
        if additional <= self.avail() { Ok(()) } else { self.grow(additional, false) }
    }

    /// Grows although, or because, `additional` bytes do not fit. Afterwards the header is not `Sds5`.
    #[cold]
    #[inline(never)]
    pub(crate) fn grow(&mut self, additional: usize, greedy: bool) -> Result<(), ReserveError> {
        let (len, old_type) = (self.len(), self.header_type());
        let needed = check_len(len, additional)?;
        if old_type == HeaderType::Sds5 {
            // SAFETY: the block is charged as its size says, so it is usable to its good size.
            unsafe {
                let usable = zmalloc::good_size(layout::block(self.ptr).1);
                if usable >= HeaderType::Sds8.block_size(needed) {
                    self.ptr = layout::widen_sds5(self.ptr, len, usable);
                    return Ok(());
                }
            }
        }
        let capacity = match needed {
            _ if !greedy => needed,
            0..MAX_PREALLOC => needed * 2,
            _ => needed.saturating_add(MAX_PREALLOC).min(MAX_LEN),
        };
        let ty = HeaderType::for_room(capacity).max(old_type);
        // SAFETY: the type can hold the capacity, which is at least the length.
        unsafe { self.rehouse(ty, len, capacity) }
    }

    /// Gives back the free space, as far as that makes the block smaller. In C: `sdsRemoveFreeSpace`.
    ///
    /// ```
    /// let mut s = sds::Sds::with_capacity(1000);
    /// s.push_bytes(b"short");
    /// s.remove_free_space();
    /// assert!(s.allocation_size() < 32);
    /// ```
    pub fn remove_free_space(&mut self) {
        or_oom(self.try_remove_free_space());
    }

    /// [`remove_free_space`](Self::remove_free_space) that answers an error.
    pub fn try_remove_free_space(&mut self) -> Result<(), ReserveError> {
        self.try_resize(self.len())
    }

    /// Makes the capacity `capacity`, or what the size class makes of that, and cuts the string to it. Unlike
    /// `Vec::resize` it is about room, not length. In C: `sdsResize`.
    ///
    /// The header becomes the smallest that can count the capacity; `Sds5`, which remembers no free space, only
    /// where that saves a size class.
    pub fn resize(&mut self, capacity: usize) {
        or_oom(self.try_resize(capacity));
    }

    /// [`resize`](Self::resize) that answers an error, the string then not cut either.
    pub fn try_resize(&mut self, capacity: usize) -> Result<(), ReserveError> {
        let len = self.len().min(capacity);
        let additional = capacity.saturating_sub(len);
        check_len(len, additional)?;
        let block_of = |ty: HeaderType| zmalloc::good_size(ty.block_size(capacity));
        let roomy = HeaderType::for_room(capacity);
        // An `Sds5` string with free space is not possible, and an empty one not wanted.
        let is_sds5 = HeaderType::for_len(capacity) == HeaderType::Sds5 && len == capacity && len > 0;
        let ty =
            if is_sds5 && block_of(HeaderType::Sds5) < block_of(roomy) { HeaderType::Sds5 } else { roomy };

        // SAFETY: the type's invariant; a type chosen for `capacity` can hold it; `len` is not above the
        // length.
        unsafe {
            let now = zmalloc::good_size(layout::block(self.ptr).1);
            if capacity <= self.capacity() && now < block_of(ty).saturating_add(least_gain()) {
                self.set_len(len); // nothing to win
                return Ok(());
            }
            self.rehouse(ty, len, capacity)
        }
    }

    /// Moves the block elsewhere if `moves`, which is told its address and size, says so and there is memory. Says
    /// whether it moved. For a defragmenter; length and capacity stay. In C: `activeDefragSds`.
    ///
    /// ```
    /// let mut s = sds::Sds::from_bytes(b"text");
    /// assert!(s.relocate(&mut |_, size| size >= 6)); // a byte of header, the text and a NUL
    /// assert_eq!(s, "text");
    /// ```
    pub fn relocate(&mut self, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> bool {
        // SAFETY: block and size are those of the live block (the type's invariant), whose bytes keep their places in it.
        unsafe {
            let (block, size) = layout::block(self.ptr);
            if !moves(block, zmalloc::zmalloc_size_sized(block, size)) {
                return false;
            }
            let header = self.ptr.offset_from(block) as usize;
            let Some(new) = zmalloc::ztryrelocate(block, size) else { return false };
            self.ptr = new.add(header);
            true
        }
    }

    /// Moves the first `len` bytes into a block with header `ty` and room for `capacity`. If that fails
    /// nothing has changed.
    ///
    /// # Safety
    /// `len` is at most the length and at most `capacity`, which `ty` can hold; for `Sds5` they are equal.
    unsafe fn rehouse(&mut self, ty: HeaderType, len: usize, capacity: usize) -> Result<(), ReserveError> {
        let size = ty.block_size(capacity);
        let failed = ReserveError::OutOfMemory { size };
        // SAFETY: block and size are those of the live block (the type's invariant). A header of the same type
        // keeps its bytes where they are relative to the block, so the allocator may move it whole; else
        // the bytes are copied to behind the new header.
        unsafe {
            let (old_block, old_size) = layout::block(self.ptr);
            let (block, usable) = if ty == self.header_type() {
                zmalloc::ztryrealloc_sized(old_block, old_size, size).ok_or(failed)?
            } else {
                let new = zmalloc::ztrymalloc_usable(size).ok_or(failed)?;
                new.0.add(ty.header_len()).copy_from_nonoverlapping(self.ptr, len);
                zmalloc::zfree_sized(old_block, old_size);
                new
            };
            let alloc = if ty == HeaderType::Sds5 { len } else { ty.capacity_of(usable) };
            self.ptr = layout::init(block, ty, len, alloc);
            self.ptr.add(len).write(0);
        }
        Ok(())
    }
}

/// By how many bytes a block must become smaller for another one to be asked for. Where zmalloc knows the size classes, any
/// smaller class is. The C library does not tell how it rounds: to 16 on the platforms known, so that less may be
/// nothing and the string be moved for it.
fn least_gain() -> usize {
    const LIBC_GRAIN: usize = 16;
    let rounds = zmalloc::good_size(1) > 1;
    if rounds { 1 } else { LIBC_GRAIN }
}
