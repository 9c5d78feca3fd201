//! [`Sds`]: creating, looking at, handing over, freeing. Growing is in `room`, changing in `edit`.

use crate::copy::copy;
use crate::layout::{self, HeaderType, MAX_LEN};
use core::mem::{ManuallyDrop, MaybeUninit};
use core::ptr::NonNull;
use core::slice;
use zmalloc::{ReserveError, or_oom};

/// A growable byte string in the layout of C's `sds`: one pointer, to the bytes; the [header](crate::layout)
/// in front of them, a NUL behind.
///
/// Every `Sds` owns a block of its own, the empty string too (8 bytes): [`into_raw`](Sds::into_raw) can
/// hand any of them to C code, and dropping needs no test for a shared empty block.
///
/// Operations that may allocate come in two forms. `try_...` answers a [`ReserveError`] and leaves the string
/// as it was; the plain form calls zmalloc's OOM handler.
///
/// ```
/// use sds::Sds;
/// let mut s = Sds::from_bytes(b"key");
/// s.push_bytes(b":1000");
/// assert_eq!(s, "key:1000");
/// assert_eq!(size_of::<Option<Sds>>(), size_of::<usize>());
/// ```
#[repr(transparent)]
pub struct Sds {
    /// Invariant: points at the bytes of a string in the layout of [`layout`], with provenance over its
    /// block. The block is of zmalloc's raw family and owned by this value alone, and
    /// `zfree_sized(layout::block(ptr))` is right for it: for all types but `Sds5` because header, capacity
    /// and NUL lie between what was asked for and what is usable; for `Sds5` because `set_len` and `from_raw`
    /// see to it.
    pub(crate) ptr: NonNull<u8>,
}

const _: () = assert!(size_of::<Sds>() == size_of::<usize>());
const _: () = assert!(size_of::<Option<Sds>>() == size_of::<usize>());

// SAFETY: the block is owned by the value alone, and the allocator frees from any thread.
unsafe impl Send for Sds {}
// SAFETY: nothing changes through a shared reference.
unsafe impl Sync for Sds {}

const SDS5_MAX: usize = HeaderType::Sds5.max_len();
const SDS8_MIN: usize = SDS5_MAX + 1;
const SDS8_MAX: usize = HeaderType::Sds8.max_len();
const SDS16_MAX: usize = HeaderType::Sds16.max_len();

/// The allocator's refusal of a block with room for `capacity`.
#[cold]
fn refused(ty: HeaderType, capacity: usize) -> ReserveError {
    ReserveError::OutOfMemory { size: ty.block_size(capacity) }
}

/// Why there is no string of `len` bytes.
#[cold]
fn not_created(len: usize) -> ReserveError {
    match check_len(0, len) {
        Ok(_) => refused(HeaderType::for_len(len), len),
        Err(error) => error,
    }
}

impl Sds {
    /// Allocates for `len` bytes with room for `capacity`, the bytes uninitialised or zeroed and the NUL
    /// written. Where the block has room for more than `ty` can count the header is the next one. Inlined where the type
    /// is a constant, it is a few instructions around the allocator.
    ///
    /// # Safety
    /// `len <= capacity <= ty.max_len()`, `Sds5` only with `len == capacity`; the caller fills the `len`
    /// bytes before anybody looks.
    #[inline(always)]
    unsafe fn allocate(ty: HeaderType, len: usize, capacity: usize, zeroed: bool) -> Option<Self> {
        let size = ty.block_size(capacity);
        // SAFETY: the block has room for as many bytes as a header is told, with a wider header too.
        unsafe {
            let ptr = if zeroed {
                // What is zero ends where this header puts the end: it must not become a wider one.
                let (block, usable) = zmalloc::ztrycalloc_usable(size)?;
                let alloc = if ty == HeaderType::Sds5 { len } else { ty.capacity_of(usable) };
                layout::init(block, ty, len, alloc)
            } else if ty == HeaderType::Sds5 {
                layout::init(zmalloc::ztrymalloc(size)?, ty, len, len) // does not care what is usable
            } else {
                let (block, usable) = zmalloc::ztrymalloc_usable(size)?;
                layout::init_block(block, ty, len, usable)
            };
            ptr.add(len).write(0);
            Some(Self { ptr })
        }
    }

    /// A copy of `bytes` behind a header of type `ty`.
    ///
    /// # Safety
    /// `ty` can hold `bytes`, and is not `Sds5` for none.
    #[inline(always)]
    unsafe fn copied(ty: HeaderType, bytes: &[u8]) -> Option<Self> {
        // SAFETY: the type can hold the bytes, by contract; all are filled, and the new block overlaps nothing.
        unsafe {
            let new = Self::allocate(ty, bytes.len(), bytes.len(), false)?;
            if ty == HeaderType::Sds5 {
                copy(bytes, new.ptr);
            } else {
                new.ptr.copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len());
            }
            Some(new)
        }
    }

    /// [`from_bytes`](Self::from_bytes), `None` for every failure. Short strings are most strings: they take
    /// the branches where the header is a constant.
    fn create(bytes: &[u8]) -> Option<Self> {
        // SAFETY: the types are those for the lengths.
        unsafe {
            match bytes.len() {
                1..=SDS5_MAX => Self::copied(HeaderType::Sds5, bytes),
                // The empty string will be appended to, which `Sds5` is bad at: as in C, it gets the next.
                0 | SDS8_MIN..=SDS8_MAX => Self::copied(HeaderType::Sds8, bytes),
                _ => Self::create_long(bytes),
            }
        }
    }

    /// [`create`](Self::create) beyond [`SDS8_MAX`]: apart, so that the short ones save no registers for it.
    #[inline(never)]
    fn create_long(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > SDS16_MAX {
            return Self::create_huge(bytes);
        }
        // SAFETY: the type is the one for the length.
        unsafe { Self::copied(HeaderType::Sds16, bytes) }
    }

    #[cold]
    #[inline(never)]
    fn create_huge(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > MAX_LEN {
            return None;
        }
        // SAFETY: as above.
        unsafe { Self::copied(HeaderType::for_len(bytes.len()), bytes) }
    }

    /// The empty string, in the smallest block. In C: `sdsempty`.
    #[inline]
    pub fn new() -> Self {
        Self::with_capacity(0)
    }

    /// The empty string with room for at least `capacity` bytes.
    #[inline]
    pub fn with_capacity(capacity: usize) -> Self {
        or_oom(Self::try_with_capacity(capacity))
    }

    /// [`with_capacity`](Self::with_capacity) that answers an error.
    #[inline]
    pub fn try_with_capacity(capacity: usize) -> Result<Self, ReserveError> {
        check_len(0, capacity)?;
        let ty = HeaderType::for_len(capacity).max(HeaderType::Sds8);
        // SAFETY: 0 bytes are to be filled; the type is one that can hold `capacity`.
        unsafe { Self::allocate(ty, 0, capacity, false) }.ok_or_else(|| refused(ty, capacity))
    }

    /// A copy of `bytes`, in a block of the smallest header that can hold them; the slack of the block
    /// becomes capacity, and where that is more than the header can count, the header is the next one (with jemalloc
    /// from 253 and from 65,531 bytes). In C: `sdsnewlen`, `sdsnew`.
    ///
    /// ```
    /// use sds::{Sds, layout::HeaderType};
    /// let s = Sds::from_bytes(b"binary \0 safe");
    /// assert_eq!(s.len(), 13);
    /// assert_eq!(s.header_type(), HeaderType::Sds5);
    /// ```
    #[inline]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        or_oom(Self::try_from_bytes(bytes))
    }

    /// [`from_bytes`](Self::from_bytes) that answers an error. In C: `sdstrynewlen`.
    #[inline]
    pub fn try_from_bytes(bytes: &[u8]) -> Result<Self, ReserveError> {
        Self::create(bytes).ok_or_else(|| not_created(bytes.len()))
    }

    /// A string of `len` bytes, at least one, with the header of [`from_bytes`](Self::from_bytes).
    ///
    /// # Safety
    /// The caller fills the bytes before anybody looks.
    pub(crate) unsafe fn try_uninit(len: usize) -> Result<Self, ReserveError> {
        check_len(0, len)?;
        let ty = HeaderType::for_len(len);
        // SAFETY: the type is the one for `len`; the rest is passed on.
        unsafe { Self::allocate(ty, len, len, false) }.ok_or_else(|| refused(ty, len))
    }

    /// `len` zero bytes. In C: `sdsnewlen` of a null pointer.
    pub fn zeroed(len: usize) -> Self {
        or_oom(Self::try_zeroed(len))
    }

    /// [`zeroed`](Self::zeroed) that answers an error.
    pub fn try_zeroed(len: usize) -> Result<Self, ReserveError> {
        check_len(0, len)?;
        let ty = if (1..=SDS5_MAX).contains(&len) { HeaderType::Sds5 } else { HeaderType::for_room(len) };
        // SAFETY: the type is the one for `len`, and the allocator has zeroed all the bytes.
        unsafe { Self::allocate(ty, len, len, true) }.ok_or_else(|| refused(ty, len))
    }

    /// A copy, without the free space of the original. In C: `sdsdup`.
    pub fn try_clone(&self) -> Result<Self, ReserveError> {
        Self::try_from_bytes(self)
    }

    /// The number of bytes, O(1). In C: `sdslen`.
    #[inline]
    pub fn len(&self) -> usize {
        // SAFETY: the type's invariant.
        unsafe { layout::len(self.ptr) }
    }

    /// Whether there are no bytes.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes the string can hold without allocating. In C: `sdsalloc`.
    #[inline]
    pub fn capacity(&self) -> usize {
        // SAFETY: the type's invariant.
        unsafe { layout::capacity(self.ptr) }
    }

    /// How many bytes can be appended without allocating. In C: `sdsavail`.
    #[inline]
    pub fn avail(&self) -> usize {
        self.capacity() - self.len()
    }

    /// Which of the five headers the string has.
    #[inline]
    pub fn header_type(&self) -> HeaderType {
        // SAFETY: the type's invariant.
        unsafe { layout::header_type(self.ptr) }
    }

    /// What the string adds to [`zmalloc::used_memory`], in bytes: header, capacity, NUL and whatever the
    /// allocator rounds up. In C: `sdsAllocSize`, which leaves the rounding out.
    ///
    /// ```
    /// let s = sds::Sds::from_bytes(&[b'x'; 1000]);
    /// assert!(s.allocation_size() >= 5 + 1000 + 1);
    /// ```
    #[inline]
    pub fn allocation_size(&self) -> usize {
        // SAFETY: the type's invariant.
        unsafe {
            let (block, size) = layout::block(self.ptr);
            zmalloc::zmalloc_size_sized(block, size)
        }
    }

    /// The bytes.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        // SAFETY: `len` initialised bytes lie at the pointer, for as long as `self` is borrowed.
        unsafe { slice::from_raw_parts(self.ptr.as_ptr(), self.len()) }
    }

    /// The bytes, to be changed in place.
    #[inline]
    pub fn as_mut_bytes(&mut self) -> &mut [u8] {
        // SAFETY: as for `as_bytes`, and the borrow is exclusive.
        unsafe { slice::from_raw_parts_mut(self.ptr.as_ptr(), self.len()) }
    }

    /// The bytes and the NUL behind them.
    ///
    /// Takes `&mut self` because it writes the NUL: between handing out the free space
    /// ([`spare_capacity_mut`](Self::spare_capacity_mut), `BufMut::chunk_mut`) and the next change, the byte there
    /// may be anything.
    ///
    /// ```
    /// let mut s = sds::Sds::from("usable from C");
    /// let c = std::ffi::CStr::from_bytes_with_nul(s.as_bytes_with_nul()).unwrap();
    /// assert_eq!(c.to_str(), Ok("usable from C"));
    /// ```
    #[inline]
    pub fn as_bytes_with_nul(&mut self) -> &[u8] {
        let len = self.len();
        // SAFETY: the block has a byte for the NUL behind every string.
        unsafe {
            self.ptr.add(len).write(0);
            slice::from_raw_parts(self.ptr.as_ptr(), len + 1)
        }
    }

    /// The free space, [`avail`](Self::avail) bytes. Fill some of it and call [`set_len`](Self::set_len).
    ///
    /// ```
    /// let mut s = sds::Sds::with_capacity(8);
    /// s.spare_capacity_mut()[0].write(b'x');
    /// // SAFETY: one byte of the free space was filled.
    /// unsafe { s.set_len(1) };
    /// assert_eq!(s, "x");
    /// ```
    #[inline]
    pub fn spare_capacity_mut(&mut self) -> &mut [MaybeUninit<u8>] {
        let (len, avail) = (self.len(), self.avail());
        // SAFETY: the bytes from `len` to `capacity` are in the block and belong to nobody.
        unsafe { slice::from_raw_parts_mut(self.ptr.add(len).as_ptr().cast(), avail) }
    }

    /// Sets the length to `len` and writes the NUL there. Never allocates. In C: `sdssetlen`, `sdsIncrLen`.
    ///
    /// An `Sds5` string that becomes so much shorter that its block is one size class too large is made
    /// `Sds8` in place, two bytes further up in its block: it has no field to remember the size of its block by.
    ///
    /// # Safety
    /// `len` is at most the capacity, and the first `len` bytes are initialised.
    #[inline]
    pub unsafe fn set_len(&mut self, len: usize) {
        debug_assert!(len <= self.capacity());
        // SAFETY: within the capacity, by contract; the NUL has a byte behind it.
        unsafe {
            if self.header_type() == HeaderType::Sds5 {
                return self.shorten_sds5(len);
            }
            layout::set_len(self.ptr, len);
            self.ptr.add(len).write(0);
        }
    }

    /// [`set_len`](Self::set_len) for `Sds5`.
    ///
    /// # Safety
    /// The header is `Sds5` and `len` at most its length.
    unsafe fn shorten_sds5(&mut self, len: usize) {
        let ty = HeaderType::Sds5;
        // SAFETY: the block is charged as its size says (the type's invariant), so it is usable to its good
        // size; a size of another class must not be given to an allocator that goes by it. Those space their classes by 8
        // bytes or more, so what leaves its class has the room; the others ask the block.
        unsafe {
            let usable = zmalloc::good_size(layout::block(self.ptr).1);
            let stays = zmalloc::good_size(ty.block_size(len)) == usable;
            if !stays && usable >= HeaderType::Sds8.block_size(len) {
                self.ptr = layout::widen_sds5(self.ptr, len, usable);
            } else {
                layout::set_len(self.ptr, len);
                self.ptr.add(len).write(0);
            }
        }
    }

    /// The pointer to the bytes, which stay valid until the string changes or is dropped.
    #[inline]
    pub fn as_ptr(&self) -> *const u8 {
        self.ptr.as_ptr()
    }

    /// As [`as_ptr`](Self::as_ptr), to write by: into the free space too. After [`set_len`](Self::set_len) has
    /// shortened an `Sds5` string, pointers taken before may lead elsewhere.
    #[inline]
    pub fn as_mut_ptr(&mut self) -> *mut u8 {
        self.ptr.as_ptr()
    }

    /// Gives the string away as C's `sds`: the pointer to its bytes, NUL-terminated. It is freed by
    /// [`from_raw`](Self::from_raw), or by C code with the same allocator.
    #[inline]
    pub fn into_raw(self) -> NonNull<u8> {
        let s = ManuallyDrop::new(self);
        // SAFETY: the byte for the NUL; free space may have been written and not taken in.
        unsafe { s.ptr.add(s.len()).write(0) };
        s.ptr
    }

    /// Takes over a string from [`into_raw`](Self::into_raw) or from C code.
    ///
    /// A string of type 5 that C code has shortened no longer says how large its block is. It is made type 8 in place,
    /// two bytes further up: [`as_ptr`](Self::as_ptr) then differs from `s`.
    ///
    /// # Safety
    /// `s` points at the bytes of a string in the layout of [`layout`](crate::layout), with provenance over its
    /// block. The block starts with the header, comes from zmalloc's raw family (in C: from the `malloc` that zmalloc
    /// is built on, and not under the prefix layout), and nobody else uses it any more. For types 8 to 64 header,
    /// `alloc` and NUL lie between what was asked for and what is usable, as C keeps it. A block that zmalloc did not
    /// count when it was allocated is subtracted all the same when it is freed.
    pub unsafe fn from_raw(s: NonNull<u8>) -> Self {
        let mut new = Self { ptr: s };
        if new.header_type() == HeaderType::Sds5 {
            // SAFETY: a live block of the raw family, by contract; asked, not computed, for its size.
            unsafe {
                let (block, size) = layout::block(s);
                let usable = zmalloc::zmalloc_usable_size(block);
                let stays = zmalloc::zmalloc_size_sized(block, size) == zmalloc::zmalloc_size(block);
                if !stays && usable >= HeaderType::Sds8.block_size(new.len()) {
                    new.ptr = layout::widen_sds5(s, new.len(), usable);
                }
            }
        }
        new
    }
}

/// `len + additional`, if a string can be that long.
#[inline]
pub(crate) fn check_len(len: usize, additional: usize) -> Result<usize, ReserveError> {
    match len.checked_add(additional) {
        Some(sum) if sum <= MAX_LEN => Ok(sum),
        _ => Err(ReserveError::TooLong { len, additional }),
    }
}

impl Drop for Sds {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the type's invariant; nobody uses the block after this.
        unsafe {
            let (block, size) = layout::block(self.ptr);
            zmalloc::zfree_sized(block, size);
        }
    }
}

impl Clone for Sds {
    /// A copy without the free space. The fallible form is [`Sds::try_clone`]. In C: `sdsdup`.
    fn clone(&self) -> Self {
        Self::from_bytes(self)
    }
}

impl Default for Sds {
    /// The empty string; allocates, like [`Sds::new`]. The fallible form is [`Sds::try_from_bytes`].
    fn default() -> Self {
        Self::new()
    }
}
