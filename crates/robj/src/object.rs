//! [`Robj`]: a counted pointer to a header.
//!
//! ```text
//!  int      Robj -> | header 16 |                                    16 bytes
//!
//!  embstr   Robj -> | header 16 | len | alloc | flags | bytes ... 0 |    20 + len bytes, one block
//!                        value -------------------------^
//!
//!  raw      Robj -> | header 16 |     | sds header | bytes ... 0 | free |
//!                        value -------------------------^
//!
//!  others   Robj -> | header 16 |     a list, set, sorted set or hash
//!                        value -----> in one of its encodings
//! ```
//!
//! This file allocates and frees the blocks of objects, counts references, and computes the sizes of blocks.
//! `string` works on the bytes of a string, `clock` on the access clock, and `collections` on objects that
//! are collections.

use crate::header::{Header, Value};
use crate::refcount::RefCount;
use crate::value::EMBEDDED_TYPE;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;
use sds::layout;
use sds::{ReserveError, Sds};
use values::{Encoding, EncodingLimits, ObjectType};

/// The length of the longest string that an object can embed.
pub(crate) const EMBEDDED_LEN_MAX: usize = EMBEDDED_TYPE.max_len();

/// The size of an object's header in bytes: 16 on a 64-bit platform. An embedded string follows it. In C:
/// `sizeof(robj)`.
pub const HEADER_SIZE: usize = size_of::<Header>();

/// Returns the size of the block of an object with an embedded string.
const fn embstr_size(len: usize) -> usize {
    HEADER_SIZE + EMBEDDED_TYPE.header_len() + len + 1
}

// This is the reason for the limit of 44: the object fills a size class of jemalloc, and a cache line.
const _: () = assert!(embstr_size(EncodingLimits::DEFAULT.embstr_size_limit) == 64);

/// A counted reference to a value object. Both `Robj` and `Option<Robj>` are one pointer wide.
///
/// Taught in the chapter `docs/src/objects.md`.
///
/// [`from_bytes`](Self::from_bytes) and related constructors make strings. `From` makes the other values, as
/// in `Robj::from(Set::new())`.
///
/// Cloning adds a reference (in C: `incrRefCount`), and dropping removes one (`decrRefCount`). Dropping the
/// last reference frees the value. References can be cloned and dropped on any thread. A value can be changed
/// only while it has exactly one reference ([`get_mut`](Self::get_mut), [`make_mut`](Self::make_mut)).
///
/// More than 2^30 references to one object abort the process.
///
/// ```
/// use robj::{Encoding, Robj};
/// let object = Robj::from("short");
/// let reply = object.clone();
/// assert!(object.ptr_eq(&reply));
/// assert_eq!((object.refcount(), object.encoding()), (2, Encoding::EmbStr));
/// assert_eq!(size_of::<Option<Robj>>(), size_of::<usize>());
/// ```
#[repr(transparent)]
pub struct Robj {
    /// Invariant: the header is live, keeps H1 to H3, and its count includes this reference. Unless the
    /// header is immortal, the pointer has provenance over its whole block. That block is of zmalloc's raw
    /// family and has the size that [`block_size`](Self::block_size) returns.
    header: NonNull<Header>,
}

const _: () = assert!(size_of::<Robj>() == size_of::<usize>());
const _: () = assert!(size_of::<Option<Robj>>() == size_of::<usize>());

// SAFETY: the header is `Send` and `Sync`, the count is atomic, and the allocator frees from any thread.
unsafe impl Send for Robj {}
// SAFETY: as above.
unsafe impl Sync for Robj {}

#[inline]
fn allocate(size: usize) -> Result<NonNull<u8>, ReserveError> {
    zmalloc::ztrymalloc(size).ok_or(ReserveError::OutOfMemory { size })
}

/// Constructors, one for each block layout.
impl Robj {
    /// Makes a reference to an immortal header.
    ///
    /// # Safety
    /// The header must be live forever, and its count must say that it is immortal.
    #[inline]
    pub(crate) unsafe fn immortal(header: NonNull<Header>) -> Self {
        Self { header }
    }

    #[inline]
    pub(crate) fn try_int(value: i64, lru: u32) -> Result<Self, ReserveError> {
        let header = allocate(HEADER_SIZE)?.cast::<Header>();
        // SAFETY: the new block has the header's size, and blocks of the raw family are aligned to 8 bytes.
        unsafe { header.write(Header::new(Encoding::Int, lru, Value { int: value })) };
        Ok(Self { header })
    }

    /// Creates an object around `string`. If there is no memory for its header, returns the string with the
    /// error.
    #[inline]
    pub(crate) fn try_raw_with_lru(string: Sds, lru: u32) -> Result<Self, (ReserveError, Sds)> {
        let header = match allocate(HEADER_SIZE) {
            Ok(block) => block.cast::<Header>(),
            Err(error) => return Err((error, string)),
        };
        // SAFETY: as in `try_int`.
        unsafe {
            header.write(Header::new(Encoding::Raw, lru, Value { raw: ManuallyDrop::new(string) }));
        }
        Ok(Self { header })
    }

    /// Creates an object with the bytes in its own block. There may be at most [`EMBEDDED_LEN_MAX`] bytes.
    #[inline]
    pub(crate) fn try_embstr(bytes: &[u8], lru: u32) -> Result<Self, ReserveError> {
        let len = bytes.len();
        debug_assert!(len <= EMBEDDED_LEN_MAX);
        let block = allocate(embstr_size(len))?;
        let header = block.cast::<Header>();
        // SAFETY: the new block has room for the header, the sds header, the bytes and the NUL, and
        // overlaps nothing. The pointer to the bytes is derived from the block's pointer, so it may reach
        // the sds header too.
        unsafe {
            let embedded = layout::init(block.add(HEADER_SIZE), EMBEDDED_TYPE, len, len);
            embedded.copy_from_nonoverlapping(NonNull::from(bytes).cast(), len);
            embedded.add(len).write(0);
            header.write(Header::new(Encoding::EmbStr, lru, Value { embedded }));
        }
        Ok(Self { header })
    }
}

/// Internal access to the header and its block.
impl Robj {
    #[inline]
    pub(crate) fn header(&self) -> &Header {
        // SAFETY: the header is live (invariant of the field). While it is shared, only the atomics change
        // (H2).
        unsafe { self.header.as_ref() }
    }

    /// Returns the count without making a `&Header`. The module `refcount` gives the reason.
    #[inline]
    pub(crate) fn count(&self) -> &RefCount {
        // SAFETY: the header is live (invariant of the field).
        unsafe { &(*self.header.as_ptr()).refcount }
    }

    /// Returns the header for writing, if this is the only reference.
    #[inline]
    pub(crate) fn header_mut(&mut self) -> Option<&mut Header> {
        // SAFETY: the count is 1, and this reference is borrowed for writing, so nothing else can reach the
        // header.
        if self.count().is_unique() { Some(unsafe { self.header.as_mut() }) } else { None }
    }

    /// Returns the string of a raw object.
    ///
    /// # Safety
    /// The encoding must be raw, and this must be the only reference.
    #[inline]
    pub(crate) unsafe fn raw_mut_unchecked(&mut self) -> &mut Sds {
        // SAFETY: the caller guarantees the encoding and that nothing else can reach the header.
        unsafe { &mut self.header.as_mut().value.raw }
    }

    /// Returns the size of the block that starts with the header.
    #[inline]
    fn block_size(&self) -> usize {
        match self.encoding() {
            // SAFETY: the encoding tells which member is present (H1).
            Encoding::EmbStr => embstr_size(unsafe { self.header().embedded_bytes().len() }),
            _ => HEADER_SIZE,
        }
    }

    /// Frees the object. The function is not inlined, so that a drop that does not free takes only a few
    /// instructions.
    ///
    /// # Safety
    /// This must have been the last reference, and it must not be used again.
    #[inline(never)]
    unsafe fn free(&mut self) {
        let size = self.block_size();
        // SAFETY: nothing else can reach the header or its value. Type and encoding tell which member is
        // present (H1) and how large the block is.
        unsafe {
            self.header.as_mut().drop_value();
            zmalloc::zfree_sized(self.header.cast(), size);
        }
    }

    /// Moves the header's block if `moves` returns `true` and there is memory. This must be the only
    /// reference.
    pub(crate) fn relocate_block(&mut self, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) {
        debug_assert!(self.count().is_unique());
        let (block, size, encoding) = (self.header.cast(), self.block_size(), self.encoding());
        if !moves(block, self.block_allocation_size()) {
            return;
        }
        // SAFETY: the block is live, of the raw family and of that size, and nothing else can reach it. An
        // embedded string moves with the block, and gets a new pointer.
        unsafe {
            let Some(new) = zmalloc::ztryrelocate(block, size) else { return };
            self.header = new.cast();
            if encoding == Encoding::EmbStr {
                let embedded = new.add(HEADER_SIZE + EMBEDDED_TYPE.header_len());
                self.header.as_mut().value.embedded = embedded;
            }
        }
    }

    /// Returns the number of bytes that the header's own block adds to `used_memory`: 0 for a shared integer.
    pub(crate) fn block_allocation_size(&self) -> usize {
        if self.is_shared_integer() {
            return 0;
        }
        // SAFETY: the block is live, of the raw family and of that size.
        unsafe { zmalloc::zmalloc_size_sized(self.header.cast(), self.block_size()) }
    }
}

/// Identity and references.
impl Robj {
    /// Returns the type of the value. In C: `o->type`, `TYPE`.
    #[inline]
    pub fn object_type(&self) -> ObjectType {
        self.header().object_type()
    }

    /// Returns how the value is stored. In C: `o->encoding`, `OBJECT ENCODING`.
    #[inline]
    pub fn encoding(&self) -> Encoding {
        self.header().encoding()
    }

    /// Returns the number of references, or [`SHARED_REFCOUNT`](crate::SHARED_REFCOUNT) for a shared
    /// integer. Other threads may change the number at any time. In C: `o->refcount`, `OBJECT REFCOUNT`.
    #[inline]
    pub fn refcount(&self) -> u32 {
        self.count().get()
    }

    /// Returns whether the object is an immortal one of the shared table. Such an object takes no memory
    /// and has no access clock.
    #[inline]
    pub fn is_shared_integer(&self) -> bool {
        self.count().is_immortal()
    }

    /// Returns the address of the 16-byte header.
    #[inline]
    pub fn as_ptr(&self) -> *const u8 {
        self.header.as_ptr().cast()
    }

    /// Returns whether both are references to the same object.
    #[inline]
    pub fn ptr_eq(&self, other: &Self) -> bool {
        self.header == other.header
    }
}

impl Clone for Robj {
    /// Adds a reference. In C: `incrRefCount`.
    #[inline]
    fn clone(&self) -> Self {
        self.count().retain();
        Self { header: self.header }
    }
}

impl Drop for Robj {
    /// Removes a reference, and frees the object with the last one. In C: `decrRefCount`.
    #[inline]
    fn drop(&mut self) {
        if self.count().release() {
            // SAFETY: this was the last reference, and it is not used again.
            unsafe { self.free() }
        }
    }
}
