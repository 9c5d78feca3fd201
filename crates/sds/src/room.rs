//! Grows and shrinks the block of a string: the growth policy.
//!
//! A greedy request doubles the needed size below 1 MiB and adds 1 MiB above. So appending n bytes one by one
//! moves each byte a bounded number of times, and a large string wastes at most 1 MiB. With greedy and exact
//! requests, the bytes that the size class adds become capacity. So a request is satisfied in place as long
//! as the block has any room.

use crate::Sds;
use crate::layout::{self, HeaderType, MAX_LEN};
use crate::string::check_len;
use core::ptr::NonNull;
use zmalloc::{ReserveError, or_oom};

/// From this size on, a greedy request adds this many bytes instead of doubling. In C: `SDS_MAX_PREALLOC`.
pub const MAX_PREALLOC: usize = 1024 * 1024;

impl Sds {
    /// Makes room for `additional` more bytes. If the block must grow, it also gets free space: as many bytes
    /// again as the string will then hold, up to [`MAX_PREALLOC`]. The length does not change. In C:
    /// `sdsMakeRoomFor`.
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

    /// The fallible form of [`make_room_for`](Self::make_room_for).
    #[inline]
    pub fn try_make_room_for(&mut self, additional: usize) -> Result<(), ReserveError> {
        if additional <= self.avail() { Ok(()) } else { self.grow(additional, true) }
    }

    /// Makes room for `additional` more bytes, without more free space than the size class adds. In C:
    /// `sdsMakeRoomForNonGreedy`.
    #[inline]
    pub fn make_room_for_non_greedy(&mut self, additional: usize) {
        or_oom(self.try_make_room_for_non_greedy(additional));
    }

    /// The fallible form of [`make_room_for_non_greedy`](Self::make_room_for_non_greedy).
    #[inline]
    pub fn try_make_room_for_non_greedy(&mut self, additional: usize) -> Result<(), ReserveError> {
        if additional <= self.avail() { Ok(()) } else { self.grow(additional, false) }
    }

    /// Makes room for `additional` bytes, which do not fit into the free space. Afterwards the header is not
    /// `Sds5`.
    #[cold]
    #[inline(never)]
    pub(crate) fn grow(&mut self, additional: usize, greedy: bool) -> Result<(), ReserveError> {
        let (len, old_type) = (self.len(), self.header_type());
        let needed = check_len(len, additional)?;
        if old_type == HeaderType::Sds5 {
            // SAFETY: the header's size belongs to the block's size class, so the block is usable up to the
            // good size.
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
        unsafe { self.move_to_block(ty, len, capacity) }
    }

    /// Gives back the free space, if that makes the block smaller. In C: `sdsRemoveFreeSpace`.
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

    /// The fallible form of [`remove_free_space`](Self::remove_free_space).
    pub fn try_remove_free_space(&mut self) -> Result<(), ReserveError> {
        self.try_resize(self.len())
    }

    /// Sets the capacity to at least `capacity` (the size class may add some bytes), and cuts a longer string
    /// to `capacity` bytes. Unlike `Vec::resize`, it never lengthens the string. In C: `sdsResize`.
    ///
    /// The header becomes the smallest that can count the capacity. It becomes `Sds5`, which cannot have free
    /// space, only if that saves a size class.
    pub fn resize(&mut self, capacity: usize) {
        or_oom(self.try_resize(capacity));
    }

    /// The fallible form of [`resize`](Self::resize). After an error the string is not cut.
    pub fn try_resize(&mut self, capacity: usize) -> Result<(), ReserveError> {
        let len = self.len().min(capacity);
        let additional = capacity.saturating_sub(len);
        check_len(len, additional)?;
        let block_of = |ty: HeaderType| zmalloc::good_size(ty.block_size(capacity));
        let widened_for = HeaderType::for_room(capacity);
        // An `Sds5` string cannot have free space. An empty string should not be `Sds5`.
        let is_sds5 = HeaderType::for_len(capacity) == HeaderType::Sds5 && len == capacity && len > 0;
        let ty = if is_sds5 && block_of(HeaderType::Sds5) < block_of(widened_for) {
            HeaderType::Sds5
        } else {
            widened_for
        };

        // SAFETY: the type's invariants. `ty` can hold `capacity`, and `len` is at most the length.
        unsafe {
            let now = zmalloc::good_size(layout::block(self.ptr).1);
            if capacity <= self.capacity() && now < block_of(ty).saturating_add(min_gain()) {
                self.set_len(len); // a move would not make the block smaller
                return Ok(());
            }
            self.move_to_block(ty, len, capacity)
        }
    }

    /// Moves the block if `moves` returns `true` for its address and its size in bytes, and if there is
    /// memory. Returns whether the block was moved. The length and the capacity do not change. A defragmenter
    /// uses this. In C: `activeDefragSds`.
    ///
    /// ```
    /// let mut s = sds::Sds::from_bytes(b"text");
    /// assert!(s.relocate(&mut |_, size| size >= 6)); // one byte of header, the text and the NUL
    /// assert_eq!(s, "text");
    /// ```
    pub fn relocate(&mut self, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> bool {
        // SAFETY: `block` and `size` are those of the live block (the type's invariants). Its bytes keep
        // their offsets.
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

    /// Moves the first `len` bytes into a block with a header of type `ty` and room for `capacity`. On
    /// failure nothing changes.
    ///
    /// # Safety
    /// `len` must be at most the length and at most `capacity`, and `ty` must be able to hold `capacity`. For
    /// `Sds5`, `len` and `capacity` must be equal.
    unsafe fn move_to_block(
        &mut self,
        ty: HeaderType,
        len: usize,
        capacity: usize,
    ) -> Result<(), ReserveError> {
        let size = ty.block_size(capacity);
        let failed = ReserveError::OutOfMemory { size };
        // SAFETY: `old_block` and `old_size` are those of the live block (the type's invariants). With a
        // header of the same type, the bytes keep their offsets, so the allocator may move the block.
        // Otherwise the bytes are copied after the new header.
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

/// Returns by how many bytes a block must become smaller to make a new block worthwhile.
///
/// If zmalloc knows the size classes, any smaller class is worthwhile. The C library does not report how it
/// rounds. On the known platforms it rounds to 16 bytes. A smaller difference may be no gain at all, and the
/// string would be moved for nothing.
fn min_gain() -> usize {
    const LIBC_GRAIN: usize = 16;
    let rounds = zmalloc::good_size(1) > 1;
    if rounds { 1 } else { LIBC_GRAIN }
}
