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

/// Both kinds of memory, from one thread to another.
struct Taken {
    ours: NonNull<u8>,
    theirs: Vec<u8>,
    /// What a region said of both.
    allocated: usize,
}

// SAFETY: memory that one owner at a time uses.
unsafe impl Send for Taken {}

fn takes() -> Taken {
    let region = Region::start();
    let ours = zmalloc(100);
    let theirs = black_box(vec![1_u8; 3 << 20]);
    Taken { ours, theirs, allocated: region.allocated() }
}

/// On a thread that std does not know, so that nothing is allocated on it before.
fn on_a_bare_thread(work: fn() -> Taken) -> Taken {
    struct Call(fn() -> Taken, Option<Taken>);
    extern "C" fn body(call: *mut libc::c_void) -> *mut libc::c_void {
        // SAFETY: the caller's, which waits.
        let call = unsafe { &mut *call.cast::<Call>() };
        call.1 = Some(call.0());
        std::ptr::null_mut()
    }
    let mut call = Call(work, None);
    // SAFETY: a plain thread, which is waited for; the handle is written before it is read.
    unsafe {
        let mut id = std::mem::zeroed();
        let started = libc::pthread_create(&mut id, std::ptr::null(), body, (&raw mut call).cast());
        assert_eq!(started, 0);
        assert_eq!(libc::pthread_join(id, std::ptr::null_mut()), 0);
    }
    call.1.unwrap()
}

#[test]
fn what_the_global_allocator_takes_is_not_counted() {
    let base = used_memory();
    assert_eq!(base, 0);
    // Theirs first, as std's threads begin; and ours first.
    for take in [|| thread::spawn(takes).join().unwrap(), || on_a_bare_thread(takes)] {
        let taken = take();
        // SAFETY: a live block, freed once; another thread took it, and theirs, which outlived the thread.
        unsafe {
            let charge = zmalloc_size(taken.ours);
            assert_eq!(taken.allocated, charge);
            assert_eq!(used_memory() - base, charge);
            drop(taken.theirs);
            assert_eq!(used_memory() - base, charge);
            zfree(taken.ours);
        }
        assert_eq!(used_memory(), base);
    }
}
