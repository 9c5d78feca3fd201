//! Checks a defragmentation.

#[cfg_attr(feature = "solutions", path = "solution.rs")]
mod exercise;

use exercise::{BLOCKS, Block, Heap};
use std::collections::BTreeSet;

/// Returns a heap of a hundred slabs that are about a quarter full, and the pointers to its blocks. The content of a
/// block is its number.
fn heap_with_gaps() -> (Heap, Vec<Block>) {
    let mut heap = Heap::default();
    let mut blocks: Vec<Block> = (0..100 * BLOCKS as u64).map(|n| heap.new_block(n)).collect();
    let mut state = 1_u64;
    blocks.retain(|&block| {
        // Knuth's generator. Its upper bits are the better ones.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let is_kept = state >> 62 == 0;
        if !is_kept {
            heap.free(block);
        }
        is_kept
    });
    (heap, blocks)
}

/// Returns a heap whose slabs have these numbers of blocks in use, and the pointers to its blocks.
fn heap_of(in_use: &[usize]) -> (Heap, Vec<Block>) {
    let mut heap = Heap::default();
    let mut blocks: Vec<Block> = (0..in_use.len() * BLOCKS).map(|n| heap.new_block(n as u64)).collect();
    blocks.retain(|&block| {
        let is_kept = block.place < in_use[block.slab];
        if !is_kept {
            heap.free(block);
        }
        is_kept
    });
    heap.flush_cache();
    (heap, blocks)
}

#[test]
fn a_request_gets_the_block_that_was_freed_last() {
    let (mut heap, blocks) = heap_of(&[BLOCKS, 3]);
    for &block in &blocks[4..8] {
        heap.free(block);
    }
    let new: Vec<Block> = (0..4).map(|n| heap.new_block(n)).collect();
    assert!(new.iter().eq(blocks[4..8].iter().rev()), "{new:?}");
}

#[test]
fn a_request_with_an_empty_cache_gets_a_gap_of_the_fullest_slab() {
    let (mut heap, _) = heap_of(&[3, BLOCKS, 9, BLOCKS - 2]);
    assert_eq!([0, 1, 2].map(|n| heap.new_block(n).slab), [3, 3, 2]);
}

#[test]
fn a_pass_keeps_all_contents() {
    let (mut heap, mut blocks) = heap_with_gaps();
    let contents: Vec<u64> = blocks.iter().map(|&block| heap.content(block)).collect();
    assert!(heap.defrag(&mut blocks) > 0);
    assert!(blocks.iter().map(|&block| heap.content(block)).eq(contents));
    assert_eq!(BTreeSet::from_iter(&blocks).len(), blocks.len(), "no block has two pointers");
}

#[test]
fn a_pass_moves_only_blocks_of_slabs_that_are_emptier_than_the_average() {
    // The average of the slabs with gaps is 8.
    let (mut heap, mut blocks) = heap_of(&[9, BLOCKS, 4, 13, 6]);
    let before = blocks.clone();
    assert_eq!(heap.defrag(&mut blocks), 4 + 6);
    let is_kept = |block: &&Block| ![2, 4].contains(&block.slab);
    assert!(before.iter().filter(is_kept).all(|block| blocks.contains(block)));
}

#[test]
fn the_cache_serves_requests_between_two_passes() {
    let (mut heap, mut blocks) = heap_with_gaps();
    for n in 0..5 {
        heap.defrag(&mut blocks);
        let block = heap.new_block(n);
        heap.free(block);
        assert_eq!(heap.new_block(n), block);
        blocks.push(block);
    }
}

#[test]
fn a_slab_is_empty_when_its_last_block_has_moved() {
    for in_use in [[1, 2], [2, 9], [13, 3], [1, 15]] {
        let (mut heap, mut blocks) = heap_of(&in_use);
        let fewer = in_use.into_iter().min();
        assert_eq!(Some(heap.defrag(&mut blocks)), fewer, "{in_use:?}");
        assert_eq!(heap.slabs_in_use(), 1, "{in_use:?}: {blocks:?}");
    }
    // A block in the cache must not keep its slab in use.
    let (mut heap, mut blocks) = heap_of(&[2, 9]);
    heap.free(blocks.remove(0));
    assert_eq!((heap.defrag(&mut blocks), heap.slabs_in_use()), (1, 1), "{blocks:?}");
}

#[test]
fn a_pass_empties_the_slabs_that_are_emptier_than_the_average() {
    let (mut heap, mut blocks) = heap_with_gaps();
    let before = heap.slabs_in_use();
    let moves: usize = (0..10).map(|_| heap.defrag(&mut blocks)).sum();
    let [after, least] = [heap.slabs_in_use(), blocks.len().div_ceil(BLOCKS)];
    assert!(
        after <= least + 1,
        "{moves} moves: there were {before} slabs in use, there are {after}, and {least} are enough"
    );
}
