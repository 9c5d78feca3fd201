//! [`Sds`]: the type itself, and its creation, access, conversion to and from raw pointers, and drop. `room`
//! grows and shrinks a string; `edit` changes its bytes.

use crate::copy::copy;
use crate::layout::{self, HeaderType, MAX_LEN};
use core::mem::{ManuallyDrop, MaybeUninit};
use core::ptr::NonNull;
use core::slice;
use zmalloc::{ReserveError, or_oom};

/// A growable byte string in the layout of C's `sds`. It is one pointer to the bytes, with a
/// [header](crate::layout) in front of them and a NUL after them.
///
/// Taught in the chapter `docs/src/strings.md`.
///
/// Every `Sds` owns a block, even the empty string (8 bytes). So [`into_raw`](Sds::into_raw) can pass any
/// string to C code, and `drop` need not test for a shared empty block.
///
/// Operations that may allocate come in two forms. The `try_` form returns a [`ReserveError`] and leaves the
/// string unchanged. The plain form calls zmalloc's OOM handler.
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
    /// Invariants:
    ///
    /// - The pointer points to the bytes of a string in the layout of [`layout`], with provenance over its
    ///   block.
    /// - The block is a raw block of zmalloc, and only this value owns it.
    /// - `zfree_sized(layout::block(ptr))` frees the block correctly. For all types except `Sds5`, the sum of
    ///   the header, the capacity and the NUL lies between the requested and the usable size. For `Sds5`,
    ///   `set_len` and `from_raw` keep the sum in the same size class.
    pub(crate) ptr: NonNull<u8>,
}

const _: () = assert!(size_of::<Sds>() == size_of::<usize>());
const _: () = assert!(size_of::<Option<Sds>>() == size_of::<usize>());

// SAFETY: only the value owns the block, and the allocator frees on any thread.
unsafe impl Send for Sds {}
// SAFETY: a shared reference allows no change.
unsafe impl Sync for Sds {}

const SDS5_MAX: usize = HeaderType::Sds5.max_len();
const SDS8_MIN: usize = SDS5_MAX + 1;
const SDS8_MAX: usize = HeaderType::Sds8.max_len();
const SDS16_MAX: usize = HeaderType::Sds16.max_len();

/// Returns the error for a block with room for `capacity` bytes that the allocator refused.
#[cold]
fn alloc_error(ty: HeaderType, capacity: usize) -> ReserveError {
    ReserveError::OutOfMemory { size: ty.block_size(capacity) }
}

/// Returns the reason why a string of `len` bytes could not be created.
#[cold]
fn create_error(len: usize) -> ReserveError {
    match check_len(0, len) {
        Ok(_) => alloc_error(HeaderType::for_len(len), len),
        Err(error) => error,
    }
}

impl Sds {
    /// Allocates a string of `len` bytes with room for `capacity`. The bytes are uninitialised or zeroed, and
    /// the NUL is written. The header is the next type if the block has room for more than `ty` can count.
    ///
    /// Where the type is a constant, this inlines to a few instructions around the call of the allocator.
    ///
    /// # Safety
    /// `len <= capacity <= ty.max_len()` must hold, and for `Sds5` `len == capacity`. The caller must
    /// initialise the `len` bytes before they are read.
    #[inline(always)]
    unsafe fn allocate(ty: HeaderType, len: usize, capacity: usize, zeroed: bool) -> Option<Self> {
        let size = ty.block_size(capacity);
        // SAFETY: the block has room for the capacity that its header stores, also with a wider header.
        unsafe {
            let ptr = if zeroed {
                // Only the bytes after a header of this type are known to be zero. So the header must not
                // become a wider one.
                let (block, usable) = zmalloc::ztrycalloc_usable(size)?;
                let alloc = if ty == HeaderType::Sds5 { len } else { ty.capacity_of(usable) };
                layout::init(block, ty, len, alloc)
            } else if ty == HeaderType::Sds5 {
                layout::init(zmalloc::ztrymalloc(size)?, ty, len, len) // has no use for the usable size
            } else {
                let (block, usable) = zmalloc::ztrymalloc_usable(size)?;
                layout::init_block(block, ty, len, usable)
            };
            ptr.add(len).write(0);
            Some(Self { ptr })
        }
    }

    /// Copies `bytes` after a header of type `ty`.
    ///
    /// # Safety
    /// `ty` must be able to hold `bytes`. It must not be `Sds5` if `bytes` is empty.
    #[inline(always)]
    unsafe fn copied(ty: HeaderType, bytes: &[u8]) -> Option<Self> {
        // SAFETY: the type can hold the bytes, by contract. All bytes are initialised, and the new block
        // overlaps no other memory.
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

    /// [`from_bytes`](Self::from_bytes) that returns `None` for every failure. Most strings are short and
    /// take a branch in which the header is a constant.
    fn create(bytes: &[u8]) -> Option<Self> {
        // SAFETY: each type is the one for the length.
        unsafe {
            match bytes.len() {
                1..=SDS5_MAX => Self::copied(HeaderType::Sds5, bytes),
                // An empty string is usually appended to, which `Sds5` is bad at. As in C, it gets the next
                // type.
                0 | SDS8_MIN..=SDS8_MAX => Self::copied(HeaderType::Sds8, bytes),
                _ => Self::create_long(bytes),
            }
        }
    }

    /// [`create`](Self::create) for more than [`SDS8_MAX`] bytes. It is a separate function, so that `create`
    /// need not save registers for short strings.
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
        // SAFETY: the type is the one for the length.
        unsafe { Self::copied(HeaderType::for_len(bytes.len()), bytes) }
    }

    /// Creates the empty string, in the smallest block. In C: `sdsempty`.
    #[inline]
    pub fn new() -> Self {
        Self::with_capacity(0)
    }

    /// Creates the empty string with room for at least `capacity` bytes.
    #[inline]
    pub fn with_capacity(capacity: usize) -> Self {
        or_oom(Self::try_with_capacity(capacity))
    }

    /// The fallible form of [`with_capacity`](Self::with_capacity).
    #[inline]
    pub fn try_with_capacity(capacity: usize) -> Result<Self, ReserveError> {
        check_len(0, capacity)?;
        let ty = HeaderType::for_len(capacity).max(HeaderType::Sds8);
        // SAFETY: there are no bytes to initialise, and the type can hold `capacity`.
        unsafe { Self::allocate(ty, 0, capacity, false) }.ok_or_else(|| alloc_error(ty, capacity))
    }

    /// Creates a copy of `bytes`, with the smallest header that can count them. An empty string gets `Sds8`.
    /// In C: `sdsnewlen`, `sdsnew`.
    ///
    /// The rest of the block's size class becomes free space, except with `Sds5`, which has none. If the
    /// header cannot count the whole capacity, the next header is used. With jemalloc, this happens for 253
    /// to 255 bytes and for 65,531 to 65,535 bytes.
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

    /// The fallible form of [`from_bytes`](Self::from_bytes). In C: `sdstrynewlen`.
    #[inline]
    pub fn try_from_bytes(bytes: &[u8]) -> Result<Self, ReserveError> {
        Self::create(bytes).ok_or_else(|| create_error(bytes.len()))
    }

    /// Creates a string of `len` bytes, with the header of [`from_bytes`](Self::from_bytes).
    ///
    /// # Safety
    /// `len` must not be 0. The caller must initialise the bytes before they are read.
    pub(crate) unsafe fn try_uninit(len: usize) -> Result<Self, ReserveError> {
        check_len(0, len)?;
        let ty = HeaderType::for_len(len);
        // SAFETY: the type is the one for `len`, and the rest of the contract is passed on.
        unsafe { Self::allocate(ty, len, len, false) }.ok_or_else(|| alloc_error(ty, len))
    }

    /// Creates a string of `len` zero bytes. In C: `sdsnewlen` with a null pointer.
    pub fn zeroed(len: usize) -> Self {
        or_oom(Self::try_zeroed(len))
    }

    /// The fallible form of [`zeroed`](Self::zeroed).
    pub fn try_zeroed(len: usize) -> Result<Self, ReserveError> {
        check_len(0, len)?;
        let ty = if (1..=SDS5_MAX).contains(&len) { HeaderType::Sds5 } else { HeaderType::for_room(len) };
        // SAFETY: the type can hold `len`, and the allocator has zeroed all the bytes.
        unsafe { Self::allocate(ty, len, len, true) }.ok_or_else(|| alloc_error(ty, len))
    }

    /// Creates a copy without the free space of the original. In C: `sdsdup`.
    pub fn try_clone(&self) -> Result<Self, ReserveError> {
        Self::try_from_bytes(self)
    }

    /// Returns the number of bytes. O(1). In C: `sdslen`.
    #[inline]
    pub fn len(&self) -> usize {
        // SAFETY: the type's invariants.
        unsafe { layout::len(self.ptr) }
    }

    /// Returns whether the string has no bytes.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many bytes the string can hold without allocating. In C: `sdsalloc`.
    #[inline]
    pub fn capacity(&self) -> usize {
        // SAFETY: the type's invariants.
        unsafe { layout::capacity(self.ptr) }
    }

    /// Returns how many bytes can be appended without allocating. In C: `sdsavail`.
    #[inline]
    pub fn avail(&self) -> usize {
        self.capacity() - self.len()
    }

    /// Returns the type of the string's header.
    #[inline]
    pub fn header_type(&self) -> HeaderType {
        // SAFETY: the type's invariants.
        unsafe { layout::header_type(self.ptr) }
    }

    /// Returns the bytes that the string adds to [`zmalloc::used_memory`]: the header, the capacity, the NUL,
    /// and the bytes that the allocator adds by rounding up. In C: `sdsAllocSize`, which does not include the
    /// rounding.
    ///
    /// ```
    /// let s = sds::Sds::from_bytes(&[b'x'; 1000]);
    /// assert!(s.allocation_size() >= 5 + 1000 + 1);
    /// ```
    #[inline]
    pub fn allocation_size(&self) -> usize {
        // SAFETY: the type's invariants.
        unsafe {
            let (block, size) = layout::block(self.ptr);
            zmalloc::zmalloc_size_sized(block, size)
        }
    }

    /// Returns the number of bytes of the block that the string may use.
    pub(crate) fn usable_size(&self) -> usize {
        // SAFETY: the type's invariants.
        unsafe { zmalloc::zmalloc_usable_size(layout::block(self.ptr).0) }
    }

    /// Returns the bytes of the header.
    pub(crate) fn header_bytes(&self) -> &[u8] {
        // SAFETY: the type's invariants. `self` owns the block and is borrowed for as long as the result.
        unsafe { layout::header_bytes(self.ptr) }
    }

    /// Returns the bytes.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        // SAFETY: `len` initialised bytes lie at the pointer, as long as `self` is borrowed.
        unsafe { slice::from_raw_parts(self.ptr.as_ptr(), self.len()) }
    }

    /// Returns the bytes, which may be changed in place.
    #[inline]
    pub fn as_mut_bytes(&mut self) -> &mut [u8] {
        // SAFETY: as for `as_bytes`, and the borrow is exclusive.
        unsafe { slice::from_raw_parts_mut(self.ptr.as_ptr(), self.len()) }
    }

    /// Returns the bytes and the NUL after them.
    ///
    /// The method takes `&mut self` because it writes the NUL. After the free space was lent out
    /// ([`spare_capacity_mut`](Self::spare_capacity_mut), `BufMut::chunk_mut`) and before the next change,
    /// that byte may have any value.
    ///
    /// ```
    /// let mut s = sds::Sds::from("usable from C");
    /// let c = std::ffi::CStr::from_bytes_with_nul(s.as_bytes_with_nul()).unwrap();
    /// assert_eq!(c.to_str(), Ok("usable from C"));
    /// ```
    #[inline]
    pub fn as_bytes_with_nul(&mut self) -> &[u8] {
        let len = self.len();
        // SAFETY: the block has a byte for the NUL after every string.
        unsafe {
            self.ptr.add(len).write(0);
            slice::from_raw_parts(self.ptr.as_ptr(), len + 1)
        }
    }

    /// Returns the free space, which has [`avail`](Self::avail) bytes. To append bytes, write them to its
    /// start and call [`set_len`](Self::set_len).
    ///
    /// ```
    /// let mut s = sds::Sds::with_capacity(8);
    /// s.spare_capacity_mut()[0].write(b'x');
    /// // SAFETY: one byte of the free space was written.
    /// unsafe { s.set_len(1) };
    /// assert_eq!(s, "x");
    /// ```
    #[inline]
    pub fn spare_capacity_mut(&mut self) -> &mut [MaybeUninit<u8>] {
        let (len, avail) = (self.len(), self.avail());
        // SAFETY: the bytes from `len` to `capacity` are in the block, and no reference to them exists.
        unsafe { slice::from_raw_parts_mut(self.ptr.add(len).as_ptr().cast(), avail) }
    }

    /// Sets the length to `len` and writes the NUL after it. Never allocates. In C: `sdssetlen`,
    /// `sdsIncrLen`.
    ///
    /// An `Sds5` string has no field for the size of its block. If it becomes so short that it would belong
    /// in a smaller size class, it is turned into `Sds8` in place. Its bytes then move up by two in the
    /// block.
    ///
    /// # Safety
    /// `len` must be at most the capacity, and the first `len` bytes must be initialised.
    #[inline]
    pub unsafe fn set_len(&mut self, len: usize) {
        debug_assert!(len <= self.capacity());
        // SAFETY: `len` is within the capacity, by contract, and there is one more byte for the NUL.
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
    /// The header must be `Sds5`, and `len` at most its length.
    unsafe fn shorten_sds5(&mut self, len: usize) {
        let ty = HeaderType::Sds5;
        // SAFETY: the size that the header gives is in the block's size class (the type's invariants). So
        // `usable` bytes of the block may be written, and the wider header is chosen only if they hold it.
        // A string that leaves its class without room for that header keeps `Sds5`. This happens only where
        // classes are less than 8 bytes apart, and such allocators ignore the size of a freed block.
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

    /// Returns the pointer to the bytes. The pointer is valid until the string changes or is dropped.
    #[inline]
    pub fn as_ptr(&self) -> *const u8 {
        self.ptr.as_ptr()
    }

    /// Returns the pointer to the bytes for writing, also to the free space. After [`set_len`](Self::set_len)
    /// has shortened an `Sds5` string, an older pointer may point to another place in the string.
    #[inline]
    pub fn as_mut_ptr(&mut self) -> *mut u8 {
        self.ptr.as_ptr()
    }

    /// Converts the string into C's `sds`: a pointer to its NUL-terminated bytes.
    /// [`from_raw`](Self::from_raw) takes it back, and C code with the same allocator may free it.
    #[inline]
    pub fn into_raw(self) -> NonNull<u8> {
        let s = ManuallyDrop::new(self);
        // SAFETY: the block has a byte for the NUL. That byte may have another value if the free space was
        // lent out.
        unsafe { s.ptr.add(s.len()).write(0) };
        s.ptr
    }

    /// Takes ownership of a string from [`into_raw`](Self::into_raw) or from C code.
    ///
    /// A string of type 5 that C code has shortened no longer records the size of its block. It is turned
    /// into type 8 in place, and its bytes move up by two. [`as_ptr`](Self::as_ptr) then differs from `s`.
    ///
    /// If C code allocated the block, zmalloc did not count it. When the block is freed, zmalloc nevertheless
    /// subtracts it from `used_memory`.
    ///
    /// # Safety
    /// - `s` must point to the bytes of a string in the layout of [`layout`](crate::layout), with provenance
    ///   over its block.
    /// - The block must start with the header, and no other code may use it any more.
    /// - The block must be a raw block of zmalloc. In C, it must come from the `malloc` that zmalloc is built
    ///   on, and zmalloc must not use the prefix layout.
    /// - For types 8 to 64, the sum of the header, `alloc` and the NUL must lie between the requested and the
    ///   usable size of the block. `sds.c` maintains this.
    pub unsafe fn from_raw(s: NonNull<u8>) -> Self {
        let mut new = Self { ptr: s };
        if new.header_type() == HeaderType::Sds5 {
            // SAFETY: `s` lies in a live raw block, by contract. The block's size is looked up and not
            // computed.
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

/// Returns `len + additional`, if a string can be that long.
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
        // SAFETY: the type's invariants, and the block is not used after this.
        unsafe {
            let (block, size) = layout::block(self.ptr);
            zmalloc::zfree_sized(block, size);
        }
    }
}

impl Clone for Sds {
    /// Creates a copy without the free space. The fallible form is [`Sds::try_clone`]. In C: `sdsdup`.
    fn clone(&self) -> Self {
        Self::from_bytes(self)
    }
}

impl Default for Sds {
    /// Creates the empty string, which allocates like [`Sds::new`]. The fallible form is
    /// [`Sds::try_with_capacity`].
    fn default() -> Self {
        Self::new()
    }
}
