//! jemalloc, through tikv-jemalloc-sys and, for its controls, tikv-jemalloc-ctl.
//!
//! Redis asks jemalloc for the size of each block it allocates or frees, which loads allocator
//! metadata that nothing else needs. The layout already says it: the charge is the size class of
//! the request, computed here with a handful of register instructions, and `sdallocx` is told the
//! size instead of looking it up. Alignments above 8 go through `mallocx` with the alignment
//! spelled out, because with an 8-byte quantum a block of 24 bytes is only 8-aligned.
//!
//! Nor does anybody have to count: a jemalloc thread adds up what it allocates and what it frees, because its sampling and
//! its cache maintenance hang on these counters ([`thread_counters`]).

use super::{RAW_ALIGN, StepCallback};
use core::alloc::Layout;
use core::ffi::{CStr, c_int};
use core::sync::atomic::AtomicUsize;
use tikv_jemalloc_ctl::raw as control;
use tikv_jemalloc_sys as je;

/// Whether [`thread_counters`] may have an answer. They are 64 bits wide, and are read from other threads, which on a 32-bit
/// machine could see half of a change; and that a thread gives its slot back before jemalloc takes the counters away
/// is known of glibc.
pub(crate) const COUNTS: bool =
    cfg!(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"));

/// The calling thread's count of bytes allocated and of bytes freed, in size classes as `charge` says them. They live as long
/// as the thread, which alone writes them, as aligned words of 64 bits; jemalloc is compiled C, whose plain stores of such a
/// word are whole. `None` where jemalloc does not offer them.
pub(crate) fn thread_counters() -> Option<(*mut AtomicUsize, *mut AtomicUsize)> {
    if !COUNTS {
        return None;
    }
    // SAFETY: the values of both controls are pointers.
    unsafe { Some((address(c"thread.allocatedp")?, address(c"thread.deallocatedp")?)) }
}

/// Has jemalloc call `callback` on each thread that has allocated another `step` bytes. Returns whether it will.
pub(crate) fn call_back_each(step: usize, callback: StepCallback) -> bool {
    /// What `experimental.hooks.thread_event` takes.
    #[repr(C)]
    struct ThreadEvent {
        callback: StepCallback,
        interval: u64,
        is_alloc_only: bool,
    }
    let event = ThreadEvent { callback, interval: step as u64, is_alloc_only: true };
    // SAFETY: the control takes a `ThreadEvent`, which jemalloc copies.
    unsafe { control::write(b"experimental.hooks.thread_event\0", event).is_ok() }
}

/// The address that a control of jemalloc's holds. By name, and not through `allocator::ctl`, which remembers under a lock
/// where a control is: a child of a fork must not wait for that lock in its first allocation.
///
/// # Safety
/// The control's value is a pointer.
unsafe fn address(name: &CStr) -> Option<*mut AtomicUsize> {
    // SAFETY: by contract.
    let address: *mut AtomicUsize = unsafe { control::read(name.to_bytes_with_nul()) }.ok()?;
    (!address.is_null()).then_some(address)
}

/// The `MALLOCX_*` word for `layout`: 0 where plain `malloc` aligns well enough.
#[inline]
fn flags(align: usize) -> c_int {
    if align <= RAW_ALIGN { 0 } else { je::MALLOCX_ALIGN(align) }
}

/// The size class that serves a request of `size` bytes (at least 1) at alignment 8 or less.
///
/// Small sizes are most sizes: they are looked up, which takes three instructions. How blocks of more than a
/// few pages are rounded is an option of jemalloc that may be set at run time, so those are asked for.
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

/// Classes up to this one are spaced by no option. Blocks of them are cut from slabs, whatever the size of a page.
#[cfg(not(zmalloc_lg_quantum = "ask"))]
const COMPUTED_MAX: usize = 8 * 1024;

/// The class of every eighth size: all classes are multiples of 8.
#[cfg(not(zmalloc_lg_quantum = "ask"))]
static SIZE_CLASSES: [u16; LOOKED_UP_MAX / 8 + 1] = {
    let (mut classes, mut eighth) = ([8; LOOKED_UP_MAX / 8 + 1], 1);
    while eighth < classes.len() {
        classes[eighth] = computed_size_class(eighth * 8) as u16;
        eighth += 1;
    }
    classes
};

/// jemalloc spaces four classes to each doubling; up to four quanta it spaces them by the quantum; below one
/// quantum there is a class of 8.
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

/// The same where the build does not know the quantum of the jemalloc it is linked with.
#[cfg(zmalloc_lg_quantum = "ask")]
use ask_size_class as size_class;

#[inline(never)]
fn ask_size_class(size: usize) -> usize {
    // SAFETY: `nallocx` only computes; a size of at least 1 is its one condition.
    unsafe { je::nallocx(size, 0) }
}

#[inline]
fn class_of(layout: Layout) -> usize {
    if layout.align() <= RAW_ALIGN {
        size_class(layout.size().max(1))
    } else {
        // SAFETY: `nallocx` only computes; size is at least 1 and the alignment a power of two.
        unsafe { je::nallocx(layout.size().max(1), flags(layout.align())) }
    }
}

/// Raw blocks are blocks like any other here, except that one may have been asked for with no bytes.
pub(crate) use self::{
    alloc as raw_alloc, alloc_zeroed as raw_alloc_zeroed, charge as raw_charge, realloc as raw_realloc,
};

/// What the charge of a raw block holds besides usable bytes: nothing.
pub(crate) const OVERHEAD: usize = 0;

/// # Safety
/// `layout.size()` is not 0, except for a raw block.
#[inline]
pub(crate) unsafe fn alloc(layout: Layout) -> *mut u8 {
    if layout.align() <= RAW_ALIGN {
        // SAFETY: `malloc` takes any size.
        unsafe { je::malloc(layout.size()).cast() }
    } else {
        // SAFETY: a size of at least 1 and a power-of-two alignment are what `mallocx` asks for.
        unsafe { je::mallocx(layout.size().max(1), flags(layout.align())).cast() }
    }
}

/// # Safety
/// `layout.size()` is not 0, except for a raw block.
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
/// `ptr` is a live block, and `layout` fits it. `new_size` makes a layout with the same alignment.
#[inline]
pub(crate) unsafe fn realloc(ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
    // A block cut from a slab cannot grow or shrink where it is: jemalloc would look up its size, and then do the same.
    #[cfg(not(zmalloc_lg_quantum = "ask"))]
    if layout.align() <= RAW_ALIGN && layout.size().max(new_size) <= COMPUTED_MAX {
        let old_class = size_class(layout.size().max(1));
        if old_class == size_class(new_size.max(1)) {
            return ptr;
        }
        // SAFETY: `malloc` takes any size.
        let moved: *mut u8 = unsafe { je::malloc(new_size) }.cast();
        if !moved.is_null() {
            // SAFETY: the new block overlaps nothing, and both have so many bytes, written or not; the old one is live
            // until the copy is made, and freed with a size of its class (module contract).
            unsafe {
                moved.copy_from_nonoverlapping(ptr, old_class.min(new_size));
                je::sdallocx(ptr.cast(), old_class, 0);
            }
        }
        return moved;
    }
    // SAFETY: the caller passes a live block of this back end; the new size is made at least 1.
    unsafe { je::rallocx(ptr.cast(), new_size.max(1), flags(layout.align())).cast() }
}

/// # Safety
/// `ptr` is a live block, and `layout` fits it.
#[inline]
pub(crate) unsafe fn dealloc(ptr: *mut u8, layout: Layout) {
    // A branch, because it is known long before the block is needed, and saves most calls the arithmetic.
    // SAFETY: a live block of this back end, and a size that maps to its class (module contract); blocks with a
    // layout are not empty.
    unsafe {
        if layout.align() <= RAW_ALIGN {
            je::sdallocx(ptr.cast(), layout.size(), 0);
        } else {
            je::sdallocx(ptr.cast(), layout.size(), flags(layout.align()));
        }
    }
}

/// # Safety
/// `ptr` is a live raw block, and `layout` fits it.
#[inline]
pub(crate) unsafe fn raw_dealloc(ptr: *mut u8, layout: Layout) {
    // SAFETY: as in `dealloc`; the smallest class serves a request of no bytes.
    unsafe { je::sdallocx(ptr.cast(), layout.size().max(1), 0) }
}

/// # Safety
/// `ptr` is a live block, and `layout` fits it.
#[inline]
pub(crate) unsafe fn charge(_ptr: *mut u8, layout: Layout) -> usize {
    class_of(layout)
}

/// # Safety
/// `ptr` is a live block, and `layout` fits it.
#[inline]
pub(crate) unsafe fn usable(_ptr: *mut u8, layout: Layout) -> usize {
    class_of(layout)
}

/// # Safety
/// `ptr` is a live raw block.
#[inline]
pub(crate) unsafe fn charge_unsized(ptr: *mut u8) -> usize {
    // SAFETY: a live block of this back end.
    unsafe { je::sallocx(ptr.cast(), 0) }
}

/// # Safety
/// `ptr` is a live raw block, and `charge` is its charge.
#[inline]
pub(crate) unsafe fn dealloc_unsized(ptr: *mut u8, charge: usize) {
    // SAFETY: a live block of this back end; `charge` is what `sallocx` said of it.
    unsafe { je::sdallocx(ptr.cast(), charge, 0) }
}

/// # Safety
/// `ptr` is a live raw block.
#[inline]
pub(crate) unsafe fn free(ptr: *mut u8) {
    // SAFETY: a live block of this back end.
    unsafe { je::free(ptr.cast()) }
}

/// Past the thread's cache.
fn uncached(arena: Option<u32>) -> c_int {
    je::MALLOCX_TCACHE_NONE | arena.map_or(0, |index| je::MALLOCX_ARENA(index as usize))
}

/// # Safety
/// An arena that is given exists.
pub(crate) unsafe fn alloc_uncached(layout: Layout, arena: Option<u32>) -> *mut u8 {
    // SAFETY: as in `alloc`; the arena exists, by contract.
    unsafe { je::mallocx(layout.size().max(1), uncached(arena) | je::MALLOCX_ALIGN(layout.align())).cast() }
}

/// # Safety
/// `ptr` is a live block, raw or not, and `charge` is its charge.
pub(crate) unsafe fn dealloc_uncached(ptr: *mut u8, charge: usize) {
    // SAFETY: a live block of this back end, and its size class.
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
