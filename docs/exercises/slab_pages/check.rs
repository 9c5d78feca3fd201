//! Checks the pages of a slab.

#[cfg_attr(feature = "solutions", path = "solution.rs")]
mod exercise;

use exercise::{PAGE_SIZE, Slab};
use std::collections::BTreeSet;

#[test]
fn a_new_slab_has_no_pages_and_no_ratio() {
    let slab = Slab::new(64);
    assert_eq!((slab.used_memory(), slab.rss(), slab.fragmentation_ratio()), (0, 0, None));
}

#[test]
fn a_page_has_as_many_whole_blocks_as_fit() {
    for (block_size, blocks) in [(64, 64), (224, 18), (2_048, 2), (2_049, 1), (4_096, 1), (1, 4_096)] {
        let mut slab = Slab::new(block_size);
        for block in 0..blocks {
            assert_eq!(slab.alloc(), block);
        }
        assert_eq!((slab.used_memory(), slab.rss()), (blocks * block_size, PAGE_SIZE), "{block_size} bytes");
        assert_eq!(slab.alloc(), blocks);
        assert_eq!(slab.rss(), 2 * PAGE_SIZE, "{block_size} bytes");
    }
}

#[test]
fn removing_three_of_four_values_leaves_the_rss_as_it_was() {
    // Values of 200 bytes are in blocks of 224, because 224 is the next size class.
    let mut slab = Slab::new(224);
    (0..1_800).for_each(|block| assert_eq!(slab.alloc(), block));
    assert_eq!(slab.rss(), 100 * PAGE_SIZE);
    (0..1_800).filter(|block| block % 4 > 0).for_each(|block| assert!(slab.free(block)));
    assert_eq!((slab.used_memory(), slab.rss()), (450 * 224, 100 * PAGE_SIZE));
    let ratio = slab.fragmentation_ratio().unwrap();
    assert!((4.06..4.07).contains(&ratio), "{ratio}");
    // New values of this size use the gaps, and need no new page.
    (0..1_350).for_each(|_| assert!(slab.alloc() < 1_800));
    assert_eq!((slab.used_memory(), slab.rss()), (1_800 * 224, 100 * PAGE_SIZE));
}

#[test]
fn a_page_goes_back_to_the_system_with_its_last_block() {
    let mut slab = Slab::new(1_024);
    (0..12).for_each(|_| _ = slab.alloc());
    for (block, pages) in [(4, 3), (5, 3), (7, 3), (6, 2), (11, 2), (0, 2)] {
        assert!(slab.free(block));
        assert_eq!(slab.rss(), pages * PAGE_SIZE, "after block {block}");
    }
    // The lowest free block is on the first page, and then on the page that went back.
    assert_eq!((slab.alloc(), slab.rss()), (0, 2 * PAGE_SIZE));
    assert_eq!((slab.alloc(), slab.rss()), (4, 3 * PAGE_SIZE));
}

#[test]
fn a_block_that_is_not_in_use_cannot_be_freed() {
    let mut slab = Slab::new(64);
    assert!(!slab.free(0));
    assert_eq!(slab.alloc(), 0);
    assert!(!slab.free(1) && !slab.free(usize::MAX));
    assert!(slab.free(0) && !slab.free(0));
    assert_eq!(slab.used_memory(), 0);
}

#[test]
fn random_calls_have_the_results_of_a_set_of_numbers() {
    let (mut slab, mut model) = (Slab::new(700), BTreeSet::new()); // 5 blocks on a page
    let mut state = 1_u64;
    for _ in 0..3_000 {
        // Knuth's generator. Its upper bits are the better ones.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let block = (state >> 33) as usize % 60;
        if state >> 63 == 0 {
            assert_eq!(slab.free(block), model.remove(&block));
        } else {
            let lowest = (0..).find(|block| !model.contains(block)).unwrap();
            assert_eq!(slab.alloc(), lowest);
            model.insert(lowest);
        }
        let pages: BTreeSet<usize> = model.iter().map(|block| block / 5).collect();
        assert_eq!((slab.used_memory(), slab.rss()), (700 * model.len(), PAGE_SIZE * pages.len()));
    }
}
