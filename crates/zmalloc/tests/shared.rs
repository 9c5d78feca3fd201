//! A program whose global allocator is another face of the same jemalloc: what it takes is not counted, on no thread and in no
//! order.
#![cfg(zmalloc_backend = "jemalloc")]

use std::alloc::{GlobalAlloc, Layout};
use std::hint::black_box;
use std::ptr::NonNull;
use std::thread;

use tikv_jemalloc_sys as je;
use zmalloc::{Region, used_memory, zfree, zmalloc, zmalloc_size};

struct Foreign;

// SAFETY: jemalloc keeps size and alignment.
unsafe impl GlobalAlloc for Foreign {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: a layout that is not empty.
        unsafe { je::mallocx(layout.size(), je::MALLOCX_ALIGN(layout.align())).cast() }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: a live block with its own layout.
        unsafe { je::sdallocx(ptr.cast(), layout.size(), je::MALLOCX_ALIGN(layout.align())) }
    }
}

#[global_allocator]
static GLOBAL: Foreign = Foreign;

/// A raw block that goes from thread to thread.
struct Block(NonNull<u8>);

// SAFETY: memory that one owner at a time uses.
unsafe impl Send for Block {}

#[test]
fn what_the_global_allocator_takes_is_not_counted() {
    let base = used_memory();
    assert_eq!(base, 0);
    // Ours first, theirs first; theirs outlives its thread, and is freed by another.
    for ours_first in [true, false] {
        let (ours, theirs) = thread::spawn(move || {
            let early = (!ours_first).then(|| black_box(vec![1_u8; 1 << 20]));
            let region = Region::start();
            let ours = Block(zmalloc(100));
            let late = black_box(vec![1_u8; 3 << 20]);
            // SAFETY: a live block.
            assert_eq!(region.allocated(), unsafe { zmalloc_size(ours.0) });
            (ours, (early, late))
        })
        .join()
        .unwrap();
        // SAFETY: a live block, freed once.
        unsafe {
            assert_eq!(used_memory() - base, zmalloc_size(ours.0));
            drop(theirs);
            assert_eq!(used_memory() - base, zmalloc_size(ours.0));
            zfree(ours.0);
        }
        assert_eq!(used_memory(), base);
    }
}
