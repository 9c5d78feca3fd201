//! Checks a cache of free blocks.

#[cfg_attr(feature = "solutions", path = "solution.rs")]
mod exercise;

use exercise::{Block, Cache, MAX, Slabs};
use std::collections::{BTreeMap, BTreeSet};

/// Slabs that record their calls.
#[derive(Default)]
struct Recorder {
    /// The class of each block that was ever taken. Its index is the number of the block.
    classes: Vec<usize>,
    /// The blocks that were put back, in this order.
    returned: Vec<Block>,
    calls: usize,
}

impl Slabs for Recorder {
    fn take(&mut self, class: usize, count: usize) -> Vec<Block> {
        self.calls += 1;
        let first = self.classes.len() as Block;
        self.classes.resize(self.classes.len() + count, class);
        (first..first + count as Block).collect()
    }

    fn put_back(&mut self, class: usize, blocks: Vec<Block>) {
        self.calls += 1;
        assert!(
            blocks.iter().all(|&block| self.classes[block as usize] == class),
            "class {class}: {blocks:?}"
        );
        self.returned.extend(blocks);
    }
}

/// Allocates `count` blocks of one size.
fn alloc(cache: &mut Cache, slabs: &mut Recorder, size: usize, count: usize) -> Vec<Block> {
    (0..count).map(|_| cache.alloc(size, slabs)).collect()
}

#[test]
fn one_call_of_the_slabs_serves_half_a_list_of_requests() {
    let (mut cache, mut slabs) = (Cache::default(), Recorder::default());
    let blocks = alloc(&mut cache, &mut slabs, 100, MAX / 2);
    assert_eq!((slabs.calls, slabs.classes.len()), (1, MAX / 2));
    assert_eq!(BTreeSet::from_iter(blocks).len(), MAX / 2, "all blocks differ");
    cache.alloc(100, &mut slabs);
    assert_eq!((slabs.calls, slabs.classes.len()), (2, MAX));
}

#[test]
fn sizes_of_the_same_class_share_a_list() {
    let (mut cache, mut slabs) = (Cache::default(), Recorder::default());
    for (size, class) in [(0, 8), (8, 8), (49, 56), (64, 64), (65, 80), (1_000, 1_024)] {
        let block = cache.alloc(size, &mut slabs);
        assert_eq!(slabs.classes[block as usize], class, "{size} bytes");
        cache.free(block, size, &mut slabs);
        let calls = slabs.calls;
        assert_eq!((cache.alloc(class, &mut slabs), slabs.calls), (block, calls), "{size} bytes");
    }
}

#[test]
fn the_block_that_was_freed_last_is_used_first() {
    let (mut cache, mut slabs) = (Cache::default(), Recorder::default());
    let blocks = alloc(&mut cache, &mut slabs, 56, MAX / 2);
    blocks.iter().for_each(|&block| cache.free(block, 56, &mut slabs));
    let again = alloc(&mut cache, &mut slabs, 49, MAX / 2);
    assert!(again.iter().eq(blocks.iter().rev()), "{again:?} of {blocks:?}");
    assert_eq!(slabs.calls, 1);
}

#[test]
fn a_full_list_returns_the_blocks_that_were_freed_longest_ago() {
    let (mut cache, mut slabs) = (Cache::default(), Recorder::default());
    let blocks = alloc(&mut cache, &mut slabs, 24, 2 * MAX);
    let calls = slabs.calls;
    blocks[..MAX].iter().for_each(|&block| cache.free(block, 24, &mut slabs));
    assert_eq!((slabs.calls, &slabs.returned[..]), (calls, &[][..]));
    cache.free(blocks[MAX], 24, &mut slabs);
    assert_eq!((slabs.calls, &slabs.returned[..]), (calls + 1, &blocks[..MAX / 2]));
    assert_eq!(cache.alloc(24, &mut slabs), blocks[MAX]);
}

#[test]
fn a_program_that_allocates_and_frees_in_turn_needs_no_further_calls() {
    // The list begins with any number of blocks, so it may be empty or full.
    for freed in 0..=2 * MAX {
        let (mut cache, mut slabs) = (Cache::default(), Recorder::default());
        let mut blocks = alloc(&mut cache, &mut slabs, 40, 2 * MAX);
        blocks.drain(..freed).for_each(|block| cache.free(block, 40, &mut slabs));
        let calls = slabs.calls;
        for _ in 0..100 {
            let [a, b] = [cache.alloc(40, &mut slabs), cache.alloc(40, &mut slabs)];
            cache.free(a, 40, &mut slabs);
            cache.free(b, 40, &mut slabs);
            if let Some(block) = blocks.pop() {
                cache.free(block, 40, &mut slabs);
                blocks.push(cache.alloc(40, &mut slabs));
            }
        }
        assert!(slabs.calls <= calls + 2, "{} calls with {freed} free blocks", slabs.calls - calls);
    }
}

#[test]
fn a_cleared_cache_has_returned_all_its_blocks_with_one_call_for_each_class() {
    let (mut cache, mut slabs) = (Cache::default(), Recorder::default());
    cache.clear(&mut slabs);
    assert_eq!(slabs.calls, 0);
    let blocks: Vec<Block> = [8, 16, 24].map(|size| cache.alloc(size, &mut slabs)).into();
    alloc(&mut cache, &mut slabs, 32, MAX / 2); // the list of this class is empty now
    assert_eq!(slabs.calls, 4);
    cache.clear(&mut slabs);
    assert_eq!(slabs.calls, 4 + 3);
    assert_eq!(slabs.returned.len(), 3 * (MAX / 2 - 1));
    assert!(blocks.iter().all(|block| !slabs.returned.contains(block)), "blocks in use are not returned");
    cache.clear(&mut slabs);
    assert_eq!(slabs.calls, 4 + 3);
}

#[test]
fn no_block_is_lost_and_none_is_used_twice() {
    let (mut cache, mut slabs) = (Cache::default(), Recorder::default());
    let mut in_use = BTreeMap::new();
    let mut state = 1_u64;
    for _ in 0..5_000 {
        // Knuth's generator. Its upper bits are the better ones.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let size = (state >> 33) as usize % 100;
        if state >> 63 == 0 {
            let block = cache.alloc(size, &mut slabs);
            assert_eq!(in_use.insert(block, size), None);
        } else if let Some((block, size)) = in_use.pop_first() {
            cache.free(block, size, &mut slabs);
        }
    }
    in_use.into_iter().for_each(|(block, size)| cache.free(block, size, &mut slabs));
    cache.clear(&mut slabs);
    slabs.returned.sort_unstable();
    assert!(slabs.returned.iter().copied().eq(0..slabs.classes.len() as Block));
}
