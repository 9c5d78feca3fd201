//! Tests of the allocator's figures and controls. The figures include the whole process, so tests on other
//! threads would change them. That is why there is only one `#[test]`.

use std::ptr::NonNull;
use zmalloc::*;

/// Returns whether the allocator must have figures. The build determines this. The allocator's answers are
/// compared with it.
fn has_figures() -> bool {
    ALLOCATOR.starts_with("jemalloc") && cfg!(feature = "stats")
}

/// Returns whether the allocator must have controls and arenas. The build determines this too.
fn has_controls() -> bool {
    ALLOCATOR.starts_with("jemalloc")
}

/// Blocks that are sent to another thread.
struct Sent(Vec<NonNull<u8>>);

// SAFETY: the sender does not use the blocks any more.
unsafe impl Send for Sent {}

#[test]
fn the_allocator_answers_or_says_that_it_cannot() {
    blocks_past_the_cache_are_counted_like_any_other();
    arenas_are_counted_and_come_back();
    an_arena_with_a_live_block_is_not_destroyed();
    impossible_sizes_are_refused();
    #[cfg(feature = "fault-injection")]
    faults_reach_arenas();
    the_figures_follow_the_blocks();
    flushing_the_cache_frees_what_is_in_it();
    the_figures_of_the_arenas_sum_to_the_whole();
    free_pages_are_given_back();
    the_background_thread_is_switched();
}

fn blocks_past_the_cache_are_counted_like_any_other() {
    let before = used_memory();
    for size in [0, 1, 8, 100, 5_000, 300_000] {
        let block = zmalloc_no_tcache(size);
        // SAFETY: both blocks are live raw blocks and are freed once. `zfree` and `zfree_no_tcache` both take
        // any raw block.
        unsafe {
            block.as_ptr().write_bytes(7, size);
            assert_eq!(used_memory() - before, zmalloc_size(block), "size {size}");
            zfree(block);
            zfree_no_tcache(zmalloc(size));
        }
        assert_eq!(used_memory(), before, "size {size}");
    }
}

fn arenas_are_counted_and_come_back() {
    let Some(arena) = Arena::new() else { return assert!(!has_controls()) };
    assert!(has_controls());
    let before = used_memory();
    let blocks: Vec<(NonNull<u8>, usize)> =
        (0..1000).map(|n| (arena.allocate(n * 37).unwrap(), n * 37)).collect();
    let in_blocks = used_memory() - before;
    assert_eq!(arena.used(), in_blocks);
    // SAFETY: the blocks are live. `zmalloc_size` also takes blocks of an arena.
    assert_eq!(in_blocks, blocks.iter().map(|(block, _)| unsafe { zmalloc_size(*block) }).sum());
    if has_figures() {
        let info = arena.info().unwrap();
        assert_eq!(info.allocated, in_blocks, "no cache stands between the arena and its blocks");
        assert_eq!(arena_info(arena.index()), Some(info));
    }
    // Half of the blocks are freed here and half on another thread.
    let (here, there) = blocks.split_at(500);
    let there = Sent(there.iter().map(|(block, _)| *block).collect());
    let free = |blocks: Sent| {
        for block in blocks.0 {
            // SAFETY: the block is live and belongs to this arena, and only this thread has it.
            unsafe { arena.free(block) };
        }
    };
    std::thread::scope(|scope| scope.spawn(|| free(there)).join().unwrap());
    free(Sent(here.iter().map(|(block, _)| *block).collect()));
    assert_eq!((arena.used(), used_memory()), (0, before));
    assert!(arena.purge());
    let index = arena.index();
    arena.destroy().unwrap();
    assert_eq!(arena_info(index), None, "a destroyed arena has no figures");
    assert_eq!(Arena::new().unwrap().index(), index, "and its place is free");
}

fn an_arena_with_a_live_block_is_not_destroyed() {
    let Some(arena) = Arena::new() else { return };
    let before = used_memory();
    let block = arena.allocate(1000).unwrap();
    let arena = arena.destroy().unwrap_err();
    // SAFETY: the block is still live and belongs to the arena.
    unsafe {
        block.as_ptr().write_bytes(7, 1000);
        arena.free(block);
    }
    assert_eq!(used_memory(), before);
    let block = arena.allocate(1000).unwrap();
    drop(arena);
    // SAFETY: an arena with a live block is not destroyed when it is dropped, so the block is still live.
    unsafe { block.as_ptr().write_bytes(7, 1000) };
    assert!(used_memory() > before);
}

fn impossible_sizes_are_refused() {
    let Some(arena) = Arena::new() else { return };
    for size in [isize::MAX as usize - 8, isize::MAX as usize - 7, isize::MAX as usize, usize::MAX] {
        assert_eq!(arena.allocate(size), None);
    }
    assert_eq!(arena.used(), 0);
}

#[cfg(feature = "fault-injection")]
fn faults_reach_arenas() {
    let Some(arena) = Arena::new() else { return };
    let _plan = fault::fail_nth(1);
    assert_eq!((arena.allocate(10), arena.used()), (None, 0));
    let block = arena.allocate(10).unwrap();
    // SAFETY: the block is live and belongs to this arena.
    unsafe { arena.free(block) };
}

fn the_figures_follow_the_blocks() {
    const BYTES: usize = 16 << 20;
    assert_eq!(allocator_info().is_some(), has_figures());
    let Some(before) = allocator_info() else { return };
    let block = zmalloc(BYTES);
    let during = allocator_info().unwrap();
    // SAFETY: the block is live.
    unsafe { zfree(block) };
    assert!(
        (BYTES..BYTES + BYTES / 8).contains(&(during.allocated - before.allocated)),
        "{before:?} {during:?}"
    );
    assert!(during.active - before.active >= BYTES);
    assert!(during.allocated <= during.active && during.active <= during.resident, "{during:?}");
    assert!(during.frag_ratio().unwrap() >= 1.0 && during.rss_ratio().unwrap() >= 1.0);
}

/// Blocks in the cache of a thread are free, but the allocator counts them as in use.
fn flushing_the_cache_frees_what_is_in_it() {
    const BLOCKS: usize = 16; // a thread's cache has room for at least as many blocks of one size class
    let size = good_size(1000);
    let before_flush = flush_tcache().then(allocator_info).flatten();
    assert_eq!(before_flush.is_some(), has_figures());
    let Some(empty) = before_flush else { return };
    let blocks: [NonNull<u8>; BLOCKS] = std::array::from_fn(|_| zmalloc(size));
    for block in blocks {
        // SAFETY: the block is live.
        unsafe { zfree(block) };
    }
    let cached = allocator_info().unwrap();
    assert!(flush_tcache());
    let flushed = allocator_info().unwrap();
    assert!(cached.allocated - flushed.allocated >= BLOCKS * size, "{cached:?} {flushed:?}");
    assert!(flushed.allocated - empty.allocated < BLOCKS * size, "{empty:?} {flushed:?}");
}

fn the_figures_of_the_arenas_sum_to_the_whole() {
    assert_eq!(arena_infos().is_some(), has_figures());
    let Some(infos) = arena_infos() else { return };
    let infos: Vec<(usize, AllocatorInfo)> = infos.collect();
    let whole = allocator_info().unwrap();
    let sum = |field: fn(&AllocatorInfo) -> usize| infos.iter().map(|(_, info)| field(info)).sum::<usize>();
    assert_eq!(sum(|info| info.allocated), whole.allocated);
    assert_eq!(sum(|info| info.active), whole.active);
    assert_eq!(sum(|info| info.frag_smallbins_bytes), whole.frag_smallbins_bytes);
    for index in [100_000, 4096, usize::MAX] {
        assert_eq!(arena_info(index), None);
    }
}

fn free_pages_are_given_back() {
    // Each block is smaller than 8 MiB. jemalloc gives larger ones back at once.
    const BYTES: usize = if cfg!(miri) { 64 << 10 } else { 32 << 20 };
    let blocks: Vec<NonNull<u8>> = (0..64).map(|_| zmalloc(BYTES / 64)).collect();
    for block in blocks {
        // SAFETY: the block is live and has that many bytes.
        unsafe {
            block.as_ptr().write_bytes(1, BYTES / 64);
            zfree(block);
        }
    }
    assert_eq!(flush_tcache(), has_controls());
    let before = allocator_info();
    let is_glibc = ALLOCATOR == "libc" && cfg!(all(target_os = "linux", target_env = "gnu"));
    assert_eq!(decay(), has_controls());
    assert_eq!(purge(), has_controls() || is_glibc);
    if let Some(before) = before {
        let after = allocator_info().unwrap();
        assert!(before.resident - after.resident > BYTES / 2, "{before:?} {after:?}");
    }
}

fn the_background_thread_is_switched() {
    let has_thread = has_controls() && cfg!(any(target_os = "linux", target_os = "freebsd"));
    assert_eq!(background_thread(true).is_some(), has_thread);
    if has_thread {
        assert_eq!(background_thread(true), Some(true));
        assert_eq!(background_thread(false), Some(true));
        assert_eq!(background_thread(false), Some(false));
    }
}
