//! The system's figures follow what the process does. There is only one test, because the figures include the
//! whole process.
#![cfg(not(miri))] // Miri has none of the system's files

use std::hint::black_box;
use zmalloc::{fragmentation_ratio, memory_size, private_dirty, rss, smap_bytes_by_field};

const BYTES: usize = 64 << 20;

#[test]
fn pages_that_are_written_to_appear_in_the_figures() {
    let before = (rss(), private_dirty(None), smap_bytes_by_field("Anonymous", None));
    let block = vec![1_u8; BYTES];
    let after = (rss(), private_dirty(None), smap_bytes_by_field("Anonymous", None));
    assert_eq!(black_box(block)[BYTES / 2], 1);

    let near = BYTES as u64 * 9 / 10..BYTES as u64 * 11 / 10;
    let grown = |before: Option<u64>, after: Option<u64>| after.unwrap() - before.unwrap();
    let has_rss = cfg!(any(target_os = "linux", target_os = "macos", target_os = "freebsd"));
    assert_eq!(after.0.is_some(), has_rss);
    if has_rss {
        let rss = grown(before.0.map(|bytes| bytes as u64), after.0.map(|bytes| bytes as u64));
        assert!(near.contains(&rss), "{rss}");
        assert!(memory_size().unwrap() >= BYTES as u64);
        let block = zmalloc::zmalloc(1000);
        assert!(fragmentation_ratio().unwrap() > 1.0, "a test allocates little and is resident all the same");
        // SAFETY: the block is live.
        unsafe { zmalloc::zfree(block) };
    }
    assert_eq!(after.1.is_some(), cfg!(target_os = "linux"));
    if cfg!(target_os = "linux") {
        assert!(near.contains(&grown(before.1, after.1)), "{before:?} {after:?}");
        assert!(near.contains(&grown(before.2, after.2)), "{before:?} {after:?}");
    }
}
