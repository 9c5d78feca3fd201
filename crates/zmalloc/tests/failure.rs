//! Requests that the allocator cannot satisfy.

use std::alloc::{GlobalAlloc, Layout};
use std::hint::black_box;
use std::panic::{catch_unwind, resume_unwind};
use std::process::Command;
use std::ptr::NonNull;

use allocator_api2::alloc::Allocator;
use zmalloc::*;

const TOO_LARGE: [usize; 5] =
    [isize::MAX as usize - 8, isize::MAX as usize, isize::MAX as usize + 1, usize::MAX - 8, usize::MAX];

#[test]
fn sizes_that_no_object_can_have_are_refused_before_the_allocator_sees_them() {
    for size in TOO_LARGE {
        assert!(ztrymalloc(size).is_none());
        assert!(ztrymalloc_usable(size).is_none());
        assert!(ztrycalloc(size).is_none());
        assert!(ztrycalloc_usable(size).is_none());
        assert!(ztrycalloc_num(1, size).is_none());
        assert!(ztrycalloc_num(size, 2).is_none());
        assert!(good_size(size) >= size);
    }
}

#[test]
fn a_block_that_cannot_grow_stays_as_it_was() {
    let block = zmalloc(5);
    // SAFETY: the block is live and has 5 bytes. The attempts fail and do not change it.
    unsafe {
        block.copy_from_nonoverlapping(NonNull::from(b"hello").cast(), 5);
        for size in TOO_LARGE {
            assert!(ztryrealloc(block, size).is_none());
            assert!(ztryrealloc_usable(block, size).is_none());
            assert!(ztryrealloc_sized(block, 5, size).is_none());
        }
        assert_eq!(std::slice::from_raw_parts(block.as_ptr(), 5), b"hello");
        zfree(block);
    }
}

#[test]
#[cfg_attr(miri, ignore = "Miri ends at a request that it cannot serve")]
fn the_allocator_face_answers_with_an_error() {
    let most = Layout::from_size_align(isize::MAX as usize - 7, 8).unwrap();
    // The compiler may assume that an allocation succeeds whose result is not used.
    assert!(black_box(Zmalloc.allocate(most)).is_err());
    assert!(black_box(Zmalloc.allocate_zeroed(most)).is_err());
    let small = Layout::new::<[u64; 4]>();
    let block = Zmalloc.allocate(small).unwrap().cast();
    // SAFETY: the block is a live one of `small`, and a failed growth does not change it.
    unsafe {
        assert!(black_box(Zmalloc.grow(block, small, most)).is_err());
        Zmalloc.deallocate(block, small);
        // The other trait returns null.
        assert!(black_box(GlobalAlloc::alloc(&Zmalloc, most)).is_null());
    }
}

#[test]
fn empty_layouts_take_no_memory() {
    let (empty, some) = (Layout::from_size_align(0, 64).unwrap(), Layout::from_size_align(8, 64).unwrap());
    let block = Zmalloc.allocate(empty).unwrap();
    assert_eq!((block.len(), block.addr().get() % 64), (0, 0));
    // SAFETY: each call receives the block and the layout of the previous call.
    unsafe {
        let grown = Zmalloc.grow_zeroed(block.cast(), empty, some).unwrap();
        assert_eq!(grown.cast::<u64>().read(), 0);
        let shrunk = Zmalloc.shrink(grown.cast(), some, empty).unwrap();
        Zmalloc.deallocate(shrunk.cast(), empty);
    }
}

/// The handler belongs to the process, so each case runs in a child process. This test is also the child.
#[test]
#[cfg_attr(miri, ignore = "Miri starts no processes")]
fn an_infallible_request_that_fails_calls_the_handler() {
    const ROLE: &str = "ZMALLOC_TEST_ROLE";
    match std::env::var(ROLE).as_deref() {
        Ok("default") => {
            zmalloc(usize::MAX);
        }
        Ok("unwinding") => {
            set_oom_handler(|size| panic!("no {size} bytes"));
            let requests: [fn(); 6] = [
                || {
                    black_box(zmalloc(usize::MAX));
                },
                || {
                    black_box(zmalloc_usable(usize::MAX));
                },
                || {
                    black_box(zcalloc(usize::MAX));
                },
                || {
                    black_box(zcalloc_usable(usize::MAX));
                },
                || {
                    black_box(zcalloc_num(usize::MAX, 8));
                },
                || {
                    let block = zmalloc(1);
                    // SAFETY: the block is live, and stays so when the handler unwinds.
                    let payload =
                        catch_unwind(|| unsafe { black_box(zrealloc(block, usize::MAX)) }).unwrap_err();
                    // SAFETY: the block is live and is freed once.
                    unsafe { zfree(block) };
                    resume_unwind(payload);
                },
            ];
            for request in requests {
                let payload = catch_unwind(request).unwrap_err();
                assert_eq!(*payload.downcast::<String>().unwrap(), format!("no {} bytes", usize::MAX));
            }
        }
        _ => {
            let child = |role: &str| {
                let mut command = Command::new(std::env::current_exe().unwrap());
                command.args([
                    "--exact",
                    "an_infallible_request_that_fails_calls_the_handler",
                    "--nocapture",
                ]);
                command.env(ROLE, role).output().unwrap()
            };
            assert!(child("unwinding").status.success());
            let aborted = child("default");
            assert!(!aborted.status.success());
            let message = format!("zmalloc: Out of memory trying to allocate {} bytes\n", usize::MAX);
            assert!(String::from_utf8_lossy(&aborted.stderr).contains(&message));
        }
    }
}
