//! A program whose global allocator calls the same jemalloc without this crate. The blocks of that allocator
//! are not counted, on any thread and in any order.
#![cfg(zmalloc_backend = "jemalloc")]

use std::alloc::{GlobalAlloc, Layout};
use std::hint::black_box;
use std::ptr::NonNull;
use std::thread;

use tikv_jemalloc_sys as je;
use zmalloc::{Region, used_memory, zfree, zmalloc, zmalloc_size};

struct Foreign;

// SAFETY: jemalloc keeps the size and the alignment.
unsafe impl GlobalAlloc for Foreign {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the layout is not empty, by contract.
        unsafe { je::mallocx(layout.size(), je::MALLOCX_ALIGN(layout.align())).cast() }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the block is live and has this layout, by contract.
        unsafe { je::sdallocx(ptr.cast(), layout.size(), je::MALLOCX_ALIGN(layout.align())) }
    }
}

#[global_allocator]
static GLOBAL: Foreign = Foreign;

/// Both kinds of memory, which are sent from one thread to another.
struct TestAllocations {
    ours: NonNull<u8>,
    theirs: Vec<u8>,
    /// The bytes of both that a region reported.
    allocated: usize,
}

// SAFETY: this is memory that one owner uses at a time.
unsafe impl Send for TestAllocations {}

fn allocate_both() -> TestAllocations {
    let region = Region::start();
    let ours = zmalloc(100);
    let theirs = black_box(vec![1_u8; 3 << 20]);
    TestAllocations { ours, theirs, allocated: region.allocated() }
}

/// Runs `work` on a thread that std does not know, so that nothing was allocated on it before.
fn on_posix_thread(work: fn() -> TestAllocations) -> TestAllocations {
    struct Call(fn() -> TestAllocations, Option<TestAllocations>);
    extern "C" fn body(call: *mut libc::c_void) -> *mut libc::c_void {
        // SAFETY: the pointer leads to the caller's `Call`, and the caller waits for this thread.
        let call = unsafe { &mut *call.cast::<Call>() };
        call.1 = Some(call.0());
        std::ptr::null_mut()
    }
    let mut call = Call(work, None);
    // SAFETY: the thread is waited for, and its handle is written before it is read.
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
    // On std's threads the other allocator is called first. On a bare thread this crate is.
    for allocate in [|| thread::spawn(allocate_both).join().unwrap(), || on_posix_thread(allocate_both)] {
        let allocations = allocate();
        // SAFETY: the block is live and is freed once. Another thread allocated both kinds of memory, which
        // outlive it.
        unsafe {
            let charge = zmalloc_size(allocations.ours);
            assert_eq!(allocations.allocated, charge);
            assert_eq!(used_memory() - base, charge);
            drop(allocations.theirs);
            assert_eq!(used_memory() - base, charge);
            zfree(allocations.ours);
        }
        assert_eq!(used_memory(), base);
    }
}
