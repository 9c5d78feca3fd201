//! jemalloc, through tikv-jemalloc-sys and, for its controls, tikv-jemalloc-ctl.
//!
//! Redis asks jemalloc for the size of each block that it allocates or frees. That loads allocator metadata
//! which nothing else needs. Here the layout determines the charge: it is the size class of the request,
//! which takes a handful of instructions and no look at the block. `sdallocx` receives the size and need not
//! look it up.
//! Alignments above 8 are passed to `mallocx`, because with an 8-byte quantum a block of 24 bytes is only
//! 8-aligned.
//!
//! Often this crate does not count bytes itself. jemalloc already adds up the bytes that each thread
//! allocates and frees ([`thread_counters`]), because its sampling and its cache maintenance depend on these
//! counters.

use super::{RAW_ALIGN, StepCallback};
use core::alloc::Layout;
use core::ffi::{CStr, c_int};
use core::sync::atomic::AtomicUsize;
use tikv_jemalloc_ctl::raw as control;
use tikv_jemalloc_sys as je;

/// Whether [`thread_counters`] may return counters. There are two conditions:
///
/// - The machine has 64 bits. The counters are 64 bits wide and other threads read them. A reader on a 32-bit
///   machine could see half of a change.
/// - The C library is glibc. It is the only one known to let a thread release its slot before jemalloc frees
///   the counters.
pub(crate) const COUNTS: bool =
    cfg!(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"));

/// Returns the addresses of the calling thread's counters: bytes allocated and bytes freed, in size classes
/// as [`charge`] returns them. Returns `None` if jemalloc does not offer them.
///
/// The counters live as long as the thread, and only the thread writes them, as aligned words of 64 bits.
/// jemalloc is compiled C, whose plain stores of such a word are not split.
pub(crate) fn thread_counters() -> Option<(*mut AtomicUsize, *mut AtomicUsize)> {
    if !COUNTS {
        return None;
    }
    // SAFETY: the values of both controls are pointers.
    unsafe { Some((address(c"thread.allocatedp")?, address(c"thread.deallocatedp")?)) }
}

/// Asks jemalloc to call `callback` on each thread that has allocated another `step` bytes. Returns whether
/// it will.
pub(crate) fn call_back_every(step: usize, callback: StepCallback) -> bool {
    /// The value that the control `experimental.hooks.thread_event` takes.
    #[repr(C)]
    struct ThreadEvent {
        callback: StepCallback,
        interval: u64,
        is_alloc_only: bool,
    }
    let event = ThreadEvent { callback, interval: step as u64, is_alloc_only: true };
    // SAFETY: the control takes a `ThreadEvent`, and jemalloc copies it.
    unsafe { control::write(b"experimental.hooks.thread_event\0", event).is_ok() }
}

/// Reads the address that one of jemalloc's controls holds.
///
/// The control is found by its name and not through `allocator::ctl`, which caches the position of a control
/// under a lock. The child of a fork must not wait for that lock in its first allocation.
///
/// # Safety
/// The control's value must be a pointer.
unsafe fn address(name: &CStr) -> Option<*mut AtomicUsize> {
    // SAFETY: the value is a pointer, by contract.
    let address: *mut AtomicUsize = unsafe { control::read(name.to_bytes_with_nul()) }.ok()?;
    (!address.is_null()).then_some(address)
}

/// Returns the `MALLOCX_*` flags for an alignment, which are 0 if plain `malloc` aligns well enough.
#[inline]
fn flags(align: usize) -> c_int {
    if align <= RAW_ALIGN { 0 } else { je::MALLOCX_ALIGN(align) }
}

/// Returns the size class of a request of `size` bytes (at least 1) at alignment 8 or less.
///
/// The simple version is [`ask_size_class`], which asks jemalloc. The tests compare the two. This version
/// differs as follows:
///
/// 1. Sizes up to 1 KiB, which are the most frequent, are looked up in a table. That takes three
///    instructions.
/// 2. Sizes up to 8 KiB are computed from the quantum, which the build knows.
/// 3. Larger sizes still ask jemalloc. A run-time option of jemalloc decides how it rounds blocks of more
///    than a few pages.
#[cfg(not(zmalloc_lg_quantum = "ask"))]
#[inline]
fn size_class(size: usize) -> usize {
    if size <= LOOKED_UP_MAX {
        usize::from(SIZE_CLASSES[size.div_ceil(8)])
    } else if size <= COMPUTED_MAX {
        computed_size_class(size)
    } else {
        ask_size_class(size)
    }
}

#[cfg(not(zmalloc_lg_quantum = "ask"))]
const LOOKED_UP_MAX: usize = 1024;

/// No option changes the classes up to this size. Their blocks are cut from slabs, whatever the size of a
/// page.
#[cfg(not(zmalloc_lg_quantum = "ask"))]
const COMPUTED_MAX: usize = 8 * 1024;

/// The class of each multiple of 8. All classes are multiples of 8.
#[cfg(not(zmalloc_lg_quantum = "ask"))]
static SIZE_CLASSES: [u16; LOOKED_UP_MAX / 8 + 1] = {
    let (mut classes, mut eighth) = ([8; LOOKED_UP_MAX / 8 + 1], 1);
    while eighth < classes.len() {
        classes[eighth] = computed_size_class(eighth * 8) as u16;
        eighth += 1;
    }
    classes
};

/// Computes a size class. jemalloc has four classes for each doubling of the size. Up to four quanta the
/// classes are one quantum apart, and below one quantum there is a class of 8.
#[cfg(not(zmalloc_lg_quantum = "ask"))]
const fn computed_size_class(size: usize) -> usize {
    const LG_QUANTUM: u32 = if cfg!(zmalloc_lg_quantum = "3") { 3 } else { 4 };
    if LG_QUANTUM > 3 && size <= 8 {
        return 8;
    }
    let lg_floor = usize::BITS - 1 - (size.wrapping_sub(1) | 1).leading_zeros();
    let lg_quarter = lg_floor.saturating_sub(2);
    let lg_spacing = if lg_quarter > LG_QUANTUM { lg_quarter } else { LG_QUANTUM };
    let spacing_mask = (1usize << lg_spacing) - 1;
    size.wrapping_add(spacing_mask) & !spacing_mask
}

/// The same function for builds that do not know the quantum of the linked jemalloc.
#[cfg(zmalloc_lg_quantum = "ask")]
use ask_size_class as size_class;

#[inline(never)]
fn ask_size_class(size: usize) -> usize {
    // SAFETY: `nallocx` only computes, and the size is at least 1.
    unsafe { je::nallocx(size, 0) }
}

#[inline]
fn class_of(layout: Layout) -> usize {
    if layout.align() <= RAW_ALIGN {
        size_class(layout.size().max(1))
    } else {
        // SAFETY: `nallocx` only computes, the size is at least 1, and the alignment is a power of two.
        unsafe { je::nallocx(layout.size().max(1), flags(layout.align())) }
    }
}

/// Here raw blocks do not differ from other blocks, except that one may be requested with 0 bytes.
pub(crate) use self::{
    alloc as raw_alloc, alloc_zeroed as raw_alloc_zeroed, charge as raw_charge, realloc as raw_realloc,
};

/// The charge of a raw block contains nothing besides its usable bytes.
pub(crate) const OVERHEAD: usize = 0;

/// # Safety
/// `layout.size()` must not be 0, except for a raw block.
#[inline]
pub(crate) unsafe fn alloc(layout: Layout) -> *mut u8 {
    if layout.align() <= RAW_ALIGN {
        // SAFETY: `malloc` takes any size.
        unsafe { je::malloc(layout.size()).cast() }
    } else {
        // SAFETY: the size is at least 1 and the alignment is a power of two, as `mallocx` requires.
        unsafe { je::mallocx(layout.size().max(1), flags(layout.align())).cast() }
    }
}

/// # Safety
/// `layout.size()` must not be 0, except for a raw block.
#[inline]
pub(crate) unsafe fn alloc_zeroed(layout: Layout) -> *mut u8 {
    if layout.align() <= RAW_ALIGN {
        // SAFETY: `calloc` takes any size.
        unsafe { je::calloc(1, layout.size()).cast() }
    } else {
        // SAFETY: as in `alloc`.
        unsafe { je::mallocx(layout.size().max(1), flags(layout.align()) | je::MALLOCX_ZERO).cast() }
    }
}

/// # Safety
/// `ptr` must be a live block, and `layout` must fit it. `new_size` must make a layout with the same
/// alignment.
#[inline]
pub(crate) unsafe fn realloc(ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
    // A block in a slab cannot grow or shrink in place. jemalloc would look up its size and then move it too.
    #[cfg(not(zmalloc_lg_quantum = "ask"))]
    if layout.align() <= RAW_ALIGN && layout.size().max(new_size) <= COMPUTED_MAX {
        let old_class = size_class(layout.size().max(1));
        if old_class == size_class(new_size.max(1)) {
            return ptr;
        }
        // SAFETY: `malloc` takes any size.
        let moved: *mut u8 = unsafe { je::malloc(new_size) }.cast();
        if !moved.is_null() {
            // SAFETY: the new block is disjoint, and both blocks have at least the copied bytes, written or
            // not. The old block is live until it is freed here, with a size of its class (module contract).
            unsafe {
                moved.copy_from_nonoverlapping(ptr, old_class.min(new_size));
                je::sdallocx(ptr.cast(), old_class, 0);
            }
        }
        return moved;
    }
    // SAFETY: `ptr` is a live block of this back end, by contract, and the new size is at least 1.
    unsafe { je::rallocx(ptr.cast(), new_size.max(1), flags(layout.align())).cast() }
}

/// # Safety
/// `ptr` must be a live block, and `layout` must fit it.
#[inline]
pub(crate) unsafe fn dealloc(ptr: *mut u8, layout: Layout) {
    // The branch saves most calls the computation of the flags. It is cheap, because it depends only on the
    // layout and waits for no memory.
    // SAFETY: `ptr` is a live block of this back end, and the size belongs to its class (module contract).
    // Such a block has a size of at least 1.
    unsafe {
        if layout.align() <= RAW_ALIGN {
            je::sdallocx(ptr.cast(), layout.size(), 0);
        } else {
            je::sdallocx(ptr.cast(), layout.size(), flags(layout.align()));
        }
    }
}

/// # Safety
/// `ptr` must be a live raw block, and `layout` must fit it.
#[inline]
pub(crate) unsafe fn raw_dealloc(ptr: *mut u8, layout: Layout) {
    // SAFETY: as in `dealloc`. The smallest class serves a request of 0 bytes.
    unsafe { je::sdallocx(ptr.cast(), layout.size().max(1), 0) }
}

/// # Safety
/// `ptr` must be a live block, and `layout` must fit it.
#[inline]
pub(crate) unsafe fn charge(_ptr: *mut u8, layout: Layout) -> usize {
    class_of(layout)
}

/// # Safety
/// `ptr` must be a live block, and `layout` must fit it.
#[inline]
pub(crate) unsafe fn usable(_ptr: *mut u8, layout: Layout) -> usize {
    class_of(layout)
}

/// # Safety
/// `ptr` must be a live raw block.
#[inline]
pub(crate) unsafe fn charge_unsized(ptr: *mut u8) -> usize {
    // SAFETY: `ptr` is a live block of this back end.
    unsafe { je::sallocx(ptr.cast(), 0) }
}

/// # Safety
/// `ptr` must be a live raw block, and `charge` must be its charge.
#[inline]
pub(crate) unsafe fn dealloc_unsized(ptr: *mut u8, charge: usize) {
    // SAFETY: `ptr` is a live block of this back end, and `sallocx` returned `charge` for it.
    unsafe { je::sdallocx(ptr.cast(), charge, 0) }
}

/// # Safety
/// `ptr` must be a live raw block.
#[inline]
pub(crate) unsafe fn free(ptr: *mut u8) {
    // SAFETY: `ptr` is a live block of this back end.
    unsafe { je::free(ptr.cast()) }
}

/// Returns the flags that bypass the thread's cache and select an arena, if one is given.
fn uncached(arena: Option<u32>) -> c_int {
    je::MALLOCX_TCACHE_NONE | arena.map_or(0, |index| je::MALLOCX_ARENA(index as usize))
}

/// # Safety
/// If an arena is given, it must exist.
pub(crate) unsafe fn alloc_uncached(layout: Layout, arena: Option<u32>) -> *mut u8 {
    // SAFETY: as in `alloc`. The arena exists, by contract.
    unsafe { je::mallocx(layout.size().max(1), uncached(arena) | je::MALLOCX_ALIGN(layout.align())).cast() }
}

/// # Safety
/// `ptr` must be a live block, raw or not, and `charge` must be its charge.
pub(crate) unsafe fn dealloc_uncached(ptr: *mut u8, charge: usize) {
    // SAFETY: `ptr` is a live block of this back end, and `charge` is its size class.
    unsafe { je::sdallocx(ptr.cast(), charge, uncached(None)) }
}

#[inline]
pub(crate) fn good_size(size: usize) -> usize {
    size_class(size.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_classes_are_those_of_the_linked_jemalloc() {
        for size in 1..=65_536 {
            assert_eq!(size_class(size), ask_size_class(size), "size {size}");
        }
        let mut class = size_class(65_537);
        while class < 1 << 30 {
            assert_eq!(size_class(class), ask_size_class(class), "class {class}");
            assert_eq!(size_class(class + 1), ask_size_class(class + 1), "above class {class}");
            class = size_class(class + 1 + class / 8);
        }
    }

    #[test]
    fn the_version_is_the_one_that_jemalloc_reports() {
        let version = tikv_jemalloc_ctl::version::read().unwrap();
        let short = version.split('-').next().unwrap();
        assert_eq!(crate::ALLOCATOR, format!("jemalloc-{short}"));
    }
}
