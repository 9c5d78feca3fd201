//! The bytes of a string in memory: C's `sds.h`, bit for bit. Only this module reads and writes headers.
//!
//! A string is represented by the address of its first byte. The header lies in front of that byte. The
//! `flags` byte comes last in the header, so that one load at `s - 1` tells which of the five headers this
//! is:
//!
//! ```text
//!                                   s
//! Sds5                      | flags | bytes ... | 0 |            flags: type in the low 3 bits,
//! Sds8          | len | alloc | flags | bytes ... | 0 | free |          length in the high 5 (Sds5 only)
//! Sds16     | len  2 | alloc  2 | flags | bytes ... | 0 | free ... |
//! Sds32   | len  4     | alloc  4     | flags | bytes ... | 0 | free ... |
//! Sds64   | len  8         | alloc  8         | flags | bytes ... | 0 | free ... |
//! ```
//!
//! - `len` is the number of bytes, and `alloc` is the number of bytes that there is room for. Neither
//!   includes the header and the NUL. Both are packed and in the machine's byte order, as in C. No field is
//!   aligned, so there is no padding.
//! - Always `len <= alloc <= max_len`, and the block has at least `header_len + alloc + 1` bytes.
//! - `Sds5` has no `alloc`. It cannot have free space, and its `alloc` is its `len`.
//! - The byte after the string is 0, except after code has written to the free space (see
//!   [`Sds::as_bytes_with_nul`](crate::Sds::as_bytes_with_nul)).
//!
//! The functions here serve [`Sds`](crate::Sds), and structures that hold a string inside a block of their
//! own (an object and its short string in one block). All functions take the pointer to the bytes. It must
//! have provenance over the whole block, as the pointer that [`init`] returns has.
//!
//! Learned from: Redis' `sds.h` by Salvatore Sanfilippo, Oran Agra and Redis Ltd.

use crate::copy::copy;
use crate::header_type::{TYPE_BITS, TYPE_MASK};
use core::hint::cold_path;
use core::ptr::NonNull;
use core::sync::atomic::{Ordering, compiler_fence};

pub use crate::header_type::{HeaderType, MAX_LEN};

/// The header of all types except [`HeaderType::Sds5`]: two numbers of `W` bytes, and the flags. It consists
/// of bytes, so it needs neither alignment nor `packed`.
#[repr(C)]
struct Header<const W: usize> {
    len: [u8; W],
    alloc: [u8; W],
    flags: u8,
}

const _: () = assert!(size_of::<Header<1>>() == 3 && align_of::<Header<1>>() == 1);
const _: () = assert!(size_of::<Header<2>>() == 5 && align_of::<Header<2>>() == 1);
const _: () = assert!(size_of::<Header<4>>() == 9 && align_of::<Header<4>>() == 1);
const _: () = assert!(size_of::<Header<8>>() == 17 && align_of::<Header<8>>() == 1);
const _: () = assert!(size_of::<Header<1>>() == HeaderType::Sds8.header_len());
const _: () = assert!(size_of::<Header<2>>() == HeaderType::Sds16.header_len());
const _: () = assert!(size_of::<Header<4>>() == HeaderType::Sds32.header_len());
const _: () = assert!(size_of::<Header<8>>() == HeaderType::Sds64.header_len());

/// Returns the range of the low `W` bytes in a word of eight bytes, in the machine's byte order.
const fn low_bytes<const W: usize>() -> core::ops::Range<usize> {
    if cfg!(target_endian = "little") { 0..W } else { 8 - W..8 }
}

/// Returns the number that `W` bytes represent in the machine's byte order. This compiles to one load.
#[inline(always)]
fn load<const W: usize>(bytes: [u8; W]) -> usize {
    let mut wide = [0; 8];
    wide[low_bytes::<W>()].copy_from_slice(&bytes);
    u64::from_ne_bytes(wide) as usize
}

/// The reverse of [`load`], for numbers that fit.
#[inline(always)]
fn store<const W: usize>(number: usize) -> [u8; W] {
    debug_assert!(W == 8 || number as u64 >> (8 * W) == 0, "{number} does not fit into {W} bytes");
    let mut bytes = [0; W];
    bytes.copy_from_slice(&(number as u64).to_ne_bytes()[low_bytes::<W>()]);
    bytes
}

/// Calls a function with the field width of a header type. `Sds5` is a separate case.
///
/// This is a chain of comparisons and not a `match`. Most branches are predicted correctly, and then nothing
/// waits for more than the one field. A jump table needs one more load.
macro_rules! by_width {
    ($ty:expr, Sds5 => $five:expr, $function:ident($($argument:expr),*)) => {{
        let ty: u8 = $ty;
        if ty <= HeaderType::Sds8 as u8 {
            if ty == HeaderType::Sds5 as u8 { $five } else { $function::<1>($($argument),*) }
        } else if ty == HeaderType::Sds16 as u8 {
            $function::<2>($($argument),*)
        } else if ty == HeaderType::Sds32 as u8 {
            $function::<4>($($argument),*)
        } else {
            $function::<8>($($argument),*)
        }
    }};
}

/// Returns the flags byte of a string.
///
/// # Safety
/// As for [`header_type`].
#[inline(always)]
unsafe fn flags(s: NonNull<u8>) -> u8 {
    // SAFETY: the flags byte lies in front of the bytes, in the same block.
    unsafe { s.sub(1).read() }
}

/// Returns the address of the header in front of `s`.
///
/// # Safety
/// `s` must be a string whose header has fields of `W` bytes.
#[inline(always)]
unsafe fn header<const W: usize>(s: NonNull<u8>) -> *mut Header<W> {
    // SAFETY: the header lies in front of the bytes, in the same block.
    unsafe { s.as_ptr().sub(size_of::<Header<W>>()).cast() }
}

/// # Safety
/// As for [`header`].
#[inline(always)]
unsafe fn len_field<const W: usize>(s: NonNull<u8>) -> usize {
    // SAFETY: the contract is passed on, and every header's field is initialised.
    unsafe { load((*header::<W>(s)).len) }
}

/// # Safety
/// As for [`header`].
#[inline(always)]
unsafe fn alloc_field<const W: usize>(s: NonNull<u8>) -> usize {
    // SAFETY: the contract is passed on, and every header's field is initialised.
    unsafe { load((*header::<W>(s)).alloc) }
}

/// # Safety
/// As for [`header`].
#[inline(always)]
unsafe fn block_of<const W: usize>(s: NonNull<u8>) -> (NonNull<u8>, usize) {
    let header_len = size_of::<Header<W>>();
    // SAFETY: the block starts with the header.
    unsafe { (s.sub(header_len), header_len + alloc_field::<W>(s) + 1) }
}

/// # Safety
/// As for [`header`]. In addition, no other code may use the header meanwhile.
#[inline(always)]
unsafe fn set_len_field<const W: usize>(s: NonNull<u8>, len: usize) {
    // SAFETY: the contract is passed on.
    unsafe { (*header::<W>(s)).len = store(len) }
}

/// # Safety
/// As for [`header`], except that the header need not be initialised.
#[inline(always)]
unsafe fn write_header<const W: usize>(s: NonNull<u8>, len: usize, alloc: usize, flags: u8) {
    // There are deliberately three stores. A string that is freed soon after reads `alloc`. A load of one
    // field waits longer for a merged store of two fields than for its own store. The fences have no effect
    // on the processor.
    // SAFETY: the header is in bounds by contract, and bytes need no alignment.
    unsafe {
        let header = header::<W>(s);
        (*header).len = store(len);
        compiler_fence(Ordering::Release);
        (*header).alloc = store(alloc);
        compiler_fence(Ordering::Release);
        (*header).flags = flags;
    }
}

/// Appends one byte if there is room.
///
/// # Safety
/// As for [`push_in_place`], and the header must have fields of `W` bytes.
#[inline(always)]
unsafe fn push_fields<const W: usize>(s: NonNull<u8>, byte: u8) -> bool {
    // SAFETY: `len < alloc`, so the byte and the NUL lie inside the block, and the new length fits into the
    // field.
    unsafe {
        let len = len_field::<W>(s);
        let fits = len < alloc_field::<W>(s);
        if fits {
            // This is one store for the byte and the NUL.
            s.add(len).cast::<u16>().write_unaligned(u16::from(byte).to_le());
            set_len_field::<W>(s, len + 1);
        }
        fits
    }
}

/// Writes a header at the start of `block` and returns the address where the bytes begin. The caller writes
/// the bytes and the NUL. [`HeaderType::Sds5`] does not store `alloc`. In C: the first half of
/// `sdsnewplacement`.
///
/// # Safety
/// `block` must be valid for writes of `ty.header_len() + alloc + 1` bytes, and
/// `len <= alloc <= ty.max_len()` must hold.
#[inline]
pub unsafe fn init(block: NonNull<u8>, ty: HeaderType, len: usize, alloc: usize) -> NonNull<u8> {
    debug_assert!(len <= alloc && alloc <= ty.max_len(), "{ty:?}: len {len}, alloc {alloc}");
    let flags = ty as u8;
    // SAFETY: the header, `alloc` bytes and the NUL fit into the block, by contract.
    unsafe {
        let s = block.add(ty.header_len());
        match ty {
            HeaderType::Sds5 => block.write(flags | (len as u8) << TYPE_BITS),
            HeaderType::Sds8 => write_header::<1>(s, len, alloc, flags),
            HeaderType::Sds16 => write_header::<2>(s, len, alloc, flags),
            HeaderType::Sds32 => write_header::<4>(s, len, alloc, flags),
            HeaderType::Sds64 => write_header::<8>(s, len, alloc, flags),
        }
        s
    }
}

/// [`init`] with all the room that a block of `usable` bytes has. The header is of type `ty`, or of the next
/// type if `ty` cannot count all the room.
///
/// # Safety
/// `block` must be valid for writes of `usable` bytes, which must be enough for `ty` and `len`. `ty` must not
/// be [`HeaderType::Sds5`].
#[inline(always)]
pub(crate) unsafe fn init_block(
    block: NonNull<u8>,
    ty: HeaderType,
    len: usize,
    usable: usize,
) -> NonNull<u8> {
    /// The rare case is a separate function. A branch that is hardly ever taken replaces arithmetic for both
    /// types.
    ///
    /// # Safety
    /// As for [`init_block`].
    #[cold]
    #[inline(never)]
    unsafe fn init_large(block: NonNull<u8>, ty: HeaderType, len: usize, usable: usize) -> NonNull<u8> {
        let ty = ty.widened_for(usable);
        // SAFETY: the contract is passed on. `widened_for` returns a wider header only if that leaves more
        // room than `ty` can count.
        unsafe { init(block, ty, len, ty.capacity_of(usable)) }
    }
    // SAFETY: the contract is passed on. `ty` can count all the room of a block up to the one of its largest
    // capacity.
    unsafe {
        if usable <= ty.block_size(ty.max_len()) {
            init(block, ty, len, usable - ty.block_size(0))
        } else {
            init_large(block, ty, len, usable)
        }
    }
}

/// Returns the type of a string's header. In C: `s[-1] & SDS_TYPE_MASK`.
///
/// # Safety
/// `s` must point to the bytes of a string in this layout, with provenance over its header.
#[inline]
pub unsafe fn header_type(s: NonNull<u8>) -> HeaderType {
    // SAFETY: the contract is the same.
    HeaderType::of_flags(unsafe { flags(s) })
}

/// Returns the bytes of the header in front of `s`, including the flags.
///
/// # Safety
/// As for [`header_type`]. In addition, the block must stay live, and its header must not change, for `'a`.
pub(crate) unsafe fn header_bytes<'a>(s: NonNull<u8>) -> &'a [u8] {
    // SAFETY: the header lies in front of the bytes, in the same block, and all of its bytes are initialised.
    unsafe {
        let len = header_type(s).header_len();
        core::slice::from_raw_parts(s.as_ptr().sub(len), len)
    }
}

/// Returns the length of a string in bytes. In C: `sdslen`.
///
/// # Safety
/// As for [`header_type`].
#[inline]
pub unsafe fn len(s: NonNull<u8>) -> usize {
    // SAFETY: the header has the type that its flags name.
    unsafe {
        let flags = flags(s);
        by_width!(flags & TYPE_MASK, Sds5 => usize::from(flags >> TYPE_BITS), len_field(s))
    }
}

/// Returns the length that a string can have in its block, in bytes. For [`HeaderType::Sds5`] this is its
/// present length. In C: `sdsalloc`.
///
/// # Safety
/// As for [`header_type`].
#[inline]
pub unsafe fn capacity(s: NonNull<u8>) -> usize {
    // SAFETY: the header has the type that its flags name.
    unsafe {
        let flags = flags(s);
        by_width!(flags & TYPE_MASK, Sds5 => usize::from(flags >> TYPE_BITS), alloc_field(s))
    }
}

/// Writes a new length. In C: `sdssetlen`.
///
/// # Safety
/// As for [`header_type`]. In addition, no other code may use the header meanwhile, and `len` must be at most
/// the capacity. For [`HeaderType::Sds5`], `len` must instead be at most 31 and within the block.
#[inline]
pub(crate) unsafe fn set_len(s: NonNull<u8>, len: usize) {
    // SAFETY: the header has the type that its flags name.
    unsafe {
        by_width!(
            flags(s) & TYPE_MASK,
            Sds5 => s.sub(1).write(HeaderType::Sds5 as u8 | (len as u8) << TYPE_BITS),
            set_len_field(s, len)
        )
    }
}

/// Returns the start of a string's block and a size to free it with: the bytes of the header, the capacity
/// and the NUL. In C: `sdsAllocPtr` and `sdsAllocSize`.
///
/// # Safety
/// As for [`header_type`].
#[inline]
pub(crate) unsafe fn block(s: NonNull<u8>) -> (NonNull<u8>, usize) {
    // SAFETY: the header has the type that its flags name.
    unsafe {
        let flags = flags(s);
        by_width!(
            flags & TYPE_MASK,
            Sds5 => (s.sub(1), HeaderType::Sds5.block_size(usize::from(flags >> TYPE_BITS))),
            block_of(s)
        )
    }
}

/// Appends `bytes` and a NUL if the capacity allows it. Returns whether it did.
///
/// # Safety
/// As for [`header_type`]. In addition, only the caller may use the string meanwhile.
#[inline]
pub(crate) unsafe fn append_in_place(s: NonNull<u8>, bytes: &[u8]) -> bool {
    // SAFETY: `len + bytes <= capacity`, so the bytes and the NUL lie inside the block. `Sds5` has no free
    // space, so only an empty append fits. Only the caller uses the string, so `bytes` is not part of it.
    unsafe {
        let len = len(s);
        if bytes.len() > capacity(s) - len {
            return false;
        }
        let end = s.add(len);
        copy(bytes, end);
        end.add(bytes.len()).write(0);
        set_len(s, len + bytes.len());
    }
    true
}

/// [`append_in_place`] of one byte, made for inlining. The large header is tested first, because a loop that
/// appends byte by byte has it most of the time. The other headers need one jump.
///
/// # Safety
/// As for [`append_in_place`].
#[inline(always)]
pub(crate) unsafe fn push_in_place(s: NonNull<u8>, byte: u8) -> bool {
    // SAFETY: the header has the type that its flags name, and `Sds5` has no free space.
    unsafe {
        let ty = flags(s) & TYPE_MASK;
        if ty == HeaderType::Sds32 as u8 {
            return push_fields::<4>(s, byte);
        }
        cold_path();
        if ty == HeaderType::Sds8 as u8 {
            push_fields::<1>(s, byte)
        } else if ty == HeaderType::Sds16 as u8 {
            push_fields::<2>(s, byte)
        } else {
            ty == HeaderType::Sds64 as u8 && push_fields::<8>(s, byte)
        }
    }
}

/// Turns an `Sds5` string into an `Sds8` string in the same block, cut to `len` bytes, and writes the NUL.
/// Returns the new address of the bytes, which is two higher.
///
/// # Safety
/// `s` must be an `Sds5` string of at least `len` bytes, and only the caller may use it. Its block must be
/// valid for writes of `usable` bytes, and `usable` must be at least `len + 4`.
pub(crate) unsafe fn widen_sds5(s: NonNull<u8>, len: usize, usable: usize) -> NonNull<u8> {
    let ty = HeaderType::Sds8;
    // SAFETY: the wider header, `len` bytes and the NUL fit into `usable`. The bytes are moved before the
    // header overwrites their old place.
    unsafe {
        let block = s.sub(HeaderType::Sds5.header_len());
        let moved = block.add(ty.header_len());
        moved.copy_from(s, len);
        init(block, ty, len, ty.capacity_of(usable));
        moved.add(len).write(0);
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_the_smallest_that_can_count() {
        use HeaderType::*;
        let edges =
            [(0, Sds5), (31, Sds5), (32, Sds8), (255, Sds8), (256, Sds16), (65_535, Sds16), (65_536, Sds32)];
        for (len, ty) in edges {
            assert_eq!(HeaderType::for_len(len), ty, "{len}");
        }
        #[cfg(target_pointer_width = "64")]
        {
            assert_eq!(HeaderType::for_len((1 << 32) - 1), Sds32);
            assert_eq!(HeaderType::for_len(1 << 32), Sds64);
            assert_eq!(Sds32.max_len(), (1 << 32) - 1);
            assert_eq!(HeaderType::for_len(usize::MAX), Sds64);
        }
        assert_eq!([Sds5, Sds8, Sds16, Sds32, Sds64].map(HeaderType::header_len), [1, 3, 5, 9, 17]);
        for len in [0, 31, 255, 256, 65_535, 65_536, MAX_LEN] {
            assert!(HeaderType::for_len(len).max_len() >= len, "{len}");
        }
    }

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn lengths_beyond_four_bytes_are_in_the_machines_order() {
        let mut memory = [0xee_u8; 24];
        let (len, alloc) = (0x0000_0102_0304_0506, 0x0000_1112_1314_1516);
        // SAFETY: these functions use only the header, which lies in front of `s` in `memory`.
        unsafe {
            let s = NonNull::from(&mut memory).cast::<u8>().add(17);
            write_header::<8>(s, len, alloc, HeaderType::Sds64 as u8);
            assert_eq!((super::len(s), capacity(s), header_type(s)), (len, alloc, HeaderType::Sds64));
            set_len(s, len + 1);
            assert_eq!(super::len(s), len + 1);
            set_len(s, len);
        }
        let (mut len, mut alloc) = ([6, 5, 4, 3, 2, 1, 0, 0], [0x16, 0x15, 0x14, 0x13, 0x12, 0x11, 0, 0]);
        if cfg!(target_endian = "big") {
            len.reverse();
            alloc.reverse();
        }
        assert_eq!(memory[..8], len);
        assert_eq!(memory[8..16], alloc);
        assert_eq!(memory[16], 4);
        assert_eq!(memory[17..], [0xee; 7]);
    }
}
