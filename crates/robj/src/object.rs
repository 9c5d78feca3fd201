//! [`Robj`]: one pointer to a header, counted.
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
//! This file has the object's life: allocating and freeing its blocks, counting its references, saying
//! what it weighs. `string` has what its bytes mean, `clock` its access clock, and `collections` objects that are collections.

use crate::header::{Header, Value};
use crate::refcount::RefCount;
use crate::value::EMBEDDED_TYPE;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;
use sds::layout;
use sds::{ReserveError, Sds};
use values::{Encoding, EncodingLimits, ObjectType};

/// The longest string that an object can embed.
pub(crate) const EMBEDDED_LEN_MAX: usize = EMBEDDED_TYPE.max_len();

/// The bytes of an object's header, in front of an embedded string: 16 on a platform with 64 bits. In C:
/// `sizeof(robj)`.
pub const HEADER_SIZE: usize = size_of::<Header>();

/// The block of an object with an embedded string.
const fn embstr_size(len: usize) -> usize {
    HEADER_SIZE + EMBEDDED_TYPE.header_len() + len + 1
}

// The reason for the limit of 44: the object fills a size class of jemalloc, and a cache line.
const _: () = assert!(embstr_size(EncodingLimits::DEFAULT.embstr_size_limit) == 64);

/// A counted reference to a value object. One pointer wide, `Option<Robj>` too.
///
/// Strings come from [`from_bytes`](Self::from_bytes) and its neighbours, other values from `Robj::from(Set::new())`.
/// Cloning counts up (in C: `incrRefCount`), dropping counts down (`decrRefCount`), and the last one frees;
/// a value can be cloned and dropped on any thread. A value changes only through a reference that is the
/// only one ([`get_mut`](Self::get_mut), [`make_mut`](Self::make_mut)).
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
    /// Invariant: a live header that keeps H1 to H3, whose count this reference is part of. Unless it is
    /// immortal, the pointer has provenance over the header's whole block, which is of zmalloc's raw family
    /// and of the size that [`block_size`](Self::block_size) says.
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

/// Making objects, one block layout each.
impl Robj {
    /// Takes over one reference to an immortal header.
    ///
    /// # Safety
    /// The header's count says immortal, and it is.
    #[inline]
    pub(crate) unsafe fn immortal(header: NonNull<Header>) -> Self {
        Self { header }
    }

    #[inline]
    pub(crate) fn try_int(value: i64, lru: u32) -> Result<Self, ReserveError> {
        let header = allocate(HEADER_SIZE)?.cast::<Header>();
        // SAFETY: a fresh block of the header's size, 8-aligned as all of the raw family are.
        unsafe { header.write(Header::new(Encoding::Int, lru, Value { int: value })) };
        Ok(Self { header })
    }

    /// An object around `string`; where there is no memory for its header, the string comes back.
    #[inline]
    pub(crate) fn try_raw_with(string: Sds, lru: u32) -> Result<Self, (ReserveError, Sds)> {
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

    /// An object with the bytes in its own block; there may be at most [`EMBEDDED_LEN_MAX`] of them.
    #[inline]
    pub(crate) fn try_embstr(bytes: &[u8], lru: u32) -> Result<Self, ReserveError> {
        let len = bytes.len();
        debug_assert!(len <= EMBEDDED_LEN_MAX);
        let block = allocate(embstr_size(len))?;
        let header = block.cast::<Header>();
        // SAFETY: a fresh block, large enough for header, sds header, bytes and NUL; it overlaps nothing.
        // The pointer to the bytes is derived from the block's, so it reaches the sds header too.
        unsafe {
            let embedded = layout::init(block.add(HEADER_SIZE), EMBEDDED_TYPE, len, len);
            embedded.copy_from_nonoverlapping(NonNull::from(bytes).cast(), len);
            embedded.add(len).write(0);
            header.write(Header::new(Encoding::EmbStr, lru, Value { embedded }));
        }
        Ok(Self { header })
    }
}

/// Inside.
impl Robj {
    #[inline]
    pub(crate) fn header(&self) -> &Header {
        // SAFETY: the field's invariant; only the atomics change while it is shared (H2).
        unsafe { self.header.as_ref() }
    }

    /// The count, by its own address (see `refcount` for why).
    #[inline]
    pub(crate) fn count(&self) -> &RefCount {
        // SAFETY: the field's invariant.
        unsafe { &(*self.header.as_ptr()).refcount }
    }

    /// The header, to be changed, if this is the only reference.
    #[inline]
    pub(crate) fn header_mut(&mut self) -> Option<&mut Header> {
        // SAFETY: nobody else can see the header: the count is 1, and this reference is borrowed.
        if self.count().is_unique() { Some(unsafe { self.header.as_mut() }) } else { None }
    }

    /// The string of a raw object.
    ///
    /// # Safety
    /// The encoding is raw and this is the only reference.
    #[inline]
    pub(crate) unsafe fn raw_mut_unchecked(&mut self) -> &mut Sds {
        // SAFETY: passed on.
        unsafe { &mut self.header.as_mut().value.raw }
    }

    /// The size of the block that starts with the header.
    #[inline]
    fn block_size(&self) -> usize {
        match self.encoding() {
            // SAFETY: the encoding names the member (H1).
            Encoding::EmbStr => embstr_size(unsafe { self.header().embedded_bytes().len() }),
            _ => HEADER_SIZE,
        }
    }

    /// Frees the object. Not inlined, so that a drop that is not the last one stays a few instructions in
    /// line.
    ///
    /// # Safety
    /// This was the last reference, and is not used again.
    #[inline(never)]
    unsafe fn free(&mut self) {
        let size = self.block_size();
        // SAFETY: nobody else can see the header or its value; type and encoding name the member (H1) and say how
        // large the block is.
        unsafe {
            self.header.as_mut().drop_value();
            zmalloc::zfree_sized(self.header.cast(), size);
        }
    }

    /// Moves the header's block if `moves` says so and there is memory. This must be the only reference.
    pub(crate) fn relocate_block(&mut self, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) {
        debug_assert!(self.count().is_unique());
        let (block, size, encoding) = (self.header.cast(), self.block_size(), self.encoding());
        if !moves(block, self.block_allocation_size()) {
            return;
        }
        // SAFETY: a live block of the raw family and of that size, which nobody else can see; an embedded string lies in
        // it, and its pointer is made anew.
        unsafe {
            let Some(new) = zmalloc::ztryrelocate(block, size) else { return };
            self.header = new.cast();
            if encoding == Encoding::EmbStr {
                let embedded = new.add(HEADER_SIZE + EMBEDDED_TYPE.header_len());
                self.header.as_mut().value.embedded = embedded;
            }
        }
    }

    /// What the header's own block adds to `used_memory`; 0 for a shared integer.
    pub(crate) fn block_allocation_size(&self) -> usize {
        if self.is_shared_integer() {
            return 0;
        }
        // SAFETY: a live block of the raw family and of that size.
        unsafe { zmalloc::zmalloc_size_sized(self.header.cast(), self.block_size()) }
    }
}

/// Identity, references, weight.
impl Robj {
    /// What the object is. In C: `o->type`, `TYPE`.
    #[inline]
    pub fn object_type(&self) -> ObjectType {
        self.header().object_type()
    }

    /// How its value is stored. In C: `o->encoding`, `OBJECT ENCODING`.
    #[inline]
    pub fn encoding(&self) -> Encoding {
        self.header().encoding()
    }

    /// How many references there are; [`SHARED_REFCOUNT`](crate::SHARED_REFCOUNT) for a shared integer. Others
    /// may come and go while this is read. In C: `o->refcount`, `OBJECT REFCOUNT`.
    #[inline]
    pub fn refcount(&self) -> u32 {
        self.count().get()
    }

    /// Whether the object is an immortal of the shared table: it costs no memory and keeps no clock.
    #[inline]
    pub fn is_shared_integer(&self) -> bool {
        self.count().is_immortal()
    }

    /// The address of the 16-byte header.
    #[inline]
    pub fn as_ptr(&self) -> *const u8 {
        self.header.as_ptr().cast()
    }

    /// Whether both are references to one object.
    #[inline]
    pub fn ptr_eq(&self, other: &Self) -> bool {
        self.header == other.header
    }
}

impl Clone for Robj {
    /// Counts one more reference. In C: `incrRefCount`.
    #[inline]
    fn clone(&self) -> Self {
        self.count().retain();
        Self { header: self.header }
    }
}

impl Drop for Robj {
    /// Counts one reference less, and frees with the last. In C: `decrRefCount`.
    #[inline]
    fn drop(&mut self) {
        if self.count().release() {
            // SAFETY: that was the last reference.
            unsafe { self.free() }
        }
    }
}
