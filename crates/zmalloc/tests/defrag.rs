//! Moving the blocks that the hints select wins memory back, and few hints are wrong. There is only one test,
//! because the slabs belong to the whole process.
#![cfg(not(miri))] // Miri has the prefix layout, which has no slabs

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use std::collections::BTreeSet;
use std::ptr::NonNull;
use zmalloc::defrag::{self, Survey};
use zmalloc::*;

const SIZE: usize = 200; // the size class is 224 bytes
const BLOCKS: usize = 200_000;

#[test]
fn moving_what_the_hints_say_wins_the_memory_back() {
    let Some(survey) = Survey::take() else {
        assert!(!(ALLOCATOR.starts_with("jemalloc") && cfg!(feature = "stats")));
        let block = zmalloc(SIZE);
        // SAFETY: the block is live.
        unsafe {
            assert_eq!(defrag::hint(block), None);
            zfree(block);
        }
        return;
    };
    drop(survey);
    let mut random = rand::rngs::SmallRng::seed_from_u64(7);
    let mut blocks: Vec<NonNull<u8>> = (0..BLOCKS).map(|_| zmalloc(SIZE)).collect();

    // If the blocks are packed tightly, no block is worth moving, except perhaps those of the last slab.
    let yes = count_hints(&blocks);
    println!("unfragmented: {yes} of {BLOCKS} hints say yes");
    assert!(yes < BLOCKS / 1000, "{yes}");

    // Nine of ten blocks are freed at random.
    blocks.shuffle(&mut random);
    for block in blocks.drain(BLOCKS / 10..) {
        // SAFETY: the block is live.
        unsafe { zfree(block) };
    }
    flush_tcache();
    for (n, block) in blocks.iter().enumerate() {
        // SAFETY: the block is live and has that many bytes.
        unsafe { block.as_ptr().write_bytes(n as u8, SIZE) };
    }
    let (used, before) = (used_memory(), allocator_info().unwrap());
    let mut moved = 0;
    for pass in 1..=5 {
        let copied = move_blocks(&mut blocks);
        moved += copied;
        let info = allocator_info().unwrap();
        println!(
            "pass {pass}: {copied} of {} blocks moved; active {} KiB of {}, frag_smallbins_bytes {} KiB of {}",
            blocks.len(),
            info.active / 1024,
            before.active / 1024,
            info.frag_smallbins_bytes / 1024,
            before.frag_smallbins_bytes / 1024,
        );
    }
    let after = allocator_info().unwrap();
    assert_eq!(used_memory(), used, "moved blocks are neither more nor less");
    // Nine tenths of the bin were free. The passes had to win nearly all of that back ...
    let in_blocks = BLOCKS / 10 * good_size(SIZE);
    assert!(before.frag_smallbins_bytes > 8 * in_blocks, "{before:?}");
    assert!(after.frag_smallbins_bytes < before.frag_smallbins_bytes / 50, "{after:?}");
    assert!(before.active - after.active > 8 * in_blocks, "{before:?} {after:?}");
    // ... without copying all blocks repeatedly.
    assert!(moved < blocks.len() * 3 / 2, "{moved}");

    for (n, block) in blocks.iter().enumerate() {
        // SAFETY: the block is live and has that many bytes, all of them written.
        let bytes = unsafe { std::slice::from_raw_parts(block.as_ptr(), SIZE) };
        assert!(bytes.iter().all(|&byte| byte == n as u8), "block {n} lost its content");
    }
    let yes = count_hints(&blocks);
    println!("after: {yes} of {} hints say yes", blocks.len());
    assert!(yes < blocks.len() / 50, "{yes}");
    let one = blocks[random.random_range(0..blocks.len())];
    // SAFETY: the block is live.
    assert!(unsafe { defrag::hint(one) }.is_some());
    for block in blocks {
        // SAFETY: the block is live.
        unsafe { zfree(block) };
    }
    assert_eq!(large_blocks_that_are_worth_moving(), 0);
    what_is_free_in_the_cache_counts_as_free();
}

fn count_hints(blocks: &[NonNull<u8>]) -> usize {
    let survey = Survey::take().unwrap();
    let mut answers = vec![false; blocks.len()];
    // SAFETY: the blocks are live.
    unsafe { survey.hints(blocks, &mut answers) }.unwrap();
    for (block, answer) in blocks.iter().zip(&answers).step_by(97) {
        // SAFETY: the block is live.
        assert_eq!(unsafe { survey.hint(*block) }, Some(*answer), "one by one as all together");
    }
    answers.into_iter().filter(|&answer| answer).count()
}

/// Runs one pass of a defragmenter, with a survey for each few thousand blocks and a hint for each block.
/// Returns how many blocks were moved.
fn move_blocks(blocks: &mut [NonNull<u8>]) -> usize {
    let mut moved = 0;
    for some in blocks.chunks_mut(2000) {
        let survey = Survey::take().unwrap();
        for block in some {
            // SAFETY: the block is live, the new one has as many bytes, and the old one is not used
            // afterwards.
            unsafe {
                if survey.hint(*block).unwrap() {
                    let new = zmalloc_no_tcache(SIZE);
                    new.as_ptr().copy_from_nonoverlapping(block.as_ptr(), SIZE);
                    zfree_no_tcache(*block);
                    *block = new;
                    moved += 1;
                }
            }
        }
    }
    moved
}

fn large_blocks_that_are_worth_moving() -> usize {
    let blocks: Vec<NonNull<u8>> = (0..100).map(|_| zmalloc(100_000)).collect();
    let yes = count_hints(&blocks);
    for block in blocks {
        // SAFETY: the block is live.
        unsafe { zfree(block) };
    }
    yes
}

/// Frees all blocks of some slabs except one in each. The freed blocks are so few that the thread's cache
/// keeps all of them.
fn what_is_free_in_the_cache_counts_as_free() {
    const SIZE: usize = 1024;
    let Some(page @ 4096) = zmalloc::page_size() else {
        println!("skipped: the thread's cache takes all blocks of some slabs only if pages have 4 KiB");
        return;
    };
    flush_tcache();
    let mut blocks: Vec<NonNull<u8>> = (0..16).map(|_| zmalloc(SIZE)).collect();
    blocks.sort();
    let (mut kept, mut pages) = (Vec::new(), BTreeSet::new());
    for block in blocks {
        if pages.insert(block.addr().get() / page) {
            kept.push(block);
        } else {
            // SAFETY: the block is live.
            unsafe { zfree(block) };
        }
    }
    let yes = count_hints(&kept);
    println!("{yes} of {} blocks that are alone in their pages are worth moving", kept.len());
    // One of the slabs is the current one, whose blocks are not worth moving.
    assert!(kept.len() >= 4);
    assert!(yes + 1 >= kept.len(), "{yes} of {}", kept.len());
    for block in kept {
        // SAFETY: the block is live.
        unsafe { zfree(block) };
    }
}
