//! Tests for AddressSanitizer (`cargo xtask asan`): it watches each of our blocks, whichever function or
//! trait allocated it.

#![cfg(zmalloc_sanitizer = "address")]

use std::alloc::{GlobalAlloc, Layout};
use std::hint::black_box;
use std::process::Command;

use zmalloc::*;

/// The environment variable that tells the child which mistake to make.
const MISTAKE: &str = "ZMALLOC_TEST_MISTAKE";

/// A mistake, what AddressSanitizer calls it, and how to make it.
type Mistake = (&'static str, &'static str, fn());

const MISTAKES: [Mistake; 6] = [
    // SAFETY, here and below: none of these is sound. Each is a mistake that AddressSanitizer must report.
    ("a byte past the end", "heap-buffer-overflow", || unsafe {
        black_box(zmalloc(100).add(100).read());
    }),
    ("a byte before the start", "heap-buffer-overflow", || unsafe {
        black_box(zmalloc(100).sub(1).read());
    }),
    ("after zfree", "heap-use-after-free", || unsafe {
        let block = zmalloc(100);
        zfree(block);
        black_box(block.read());
    }),
    ("after zrealloc", "heap-use-after-free", || unsafe {
        let block = zmalloc(100);
        black_box(zrealloc(block, 10_000));
        black_box(block.read());
    }),
    ("freed twice", "double-free", || unsafe {
        let block = zmalloc(100);
        zfree_sized(block, 100);
        libc::free(block.as_ptr().cast());
    }),
    ("past an aligned block of the global face", "heap-buffer-overflow", || unsafe {
        let block = Zmalloc.alloc(Layout::from_size_align_unchecked(200, 64));
        black_box(block.add(200).read());
    }),
];

#[test]
fn sanitized_builds_have_the_back_end_that_is_watched() {
    assert_eq!(ALLOCATOR, "libc");
}

#[test]
fn a_request_gets_no_byte_more_than_it_asked_for() {
    for size in [1, 7, 100, 1_001] {
        let (block, usable) = zmalloc_usable(size);
        assert_eq!((usable, good_size(size)), (size, size));
        // SAFETY: the block is live.
        unsafe { zfree(block) };
    }
}

/// This test is also the child.
#[test]
fn mistakes_with_our_blocks_are_caught() {
    if let Ok(mistake) = std::env::var(MISTAKE) {
        let (_, _, make) = MISTAKES.into_iter().find(|(name, ..)| *name == mistake).unwrap();
        make();
        return; // not caught
    }
    for (name, report, _) in MISTAKES {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "mistakes_with_our_blocks_are_caught", "--nocapture"]).env(MISTAKE, name);
        let output = child.output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{name}: nobody noticed");
        assert!(stderr.contains(&format!("AddressSanitizer: {report}")), "{name}:\n{stderr}");
    }
}
