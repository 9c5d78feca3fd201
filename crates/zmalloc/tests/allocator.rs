//! What the allocator says and does. One test, because the figures are of the whole process.

use std::ptr::NonNull;
use zmalloc::*;

/// Whether there is an allocator that answers: decided by what was built in, not by what it answers.
fn has_figures() -> bool {
    ALLOCATOR.starts_with("jemalloc") && cfg!(feature = "stats")
}

fn has_controls() -> bool {
    ALLOCATOR.starts_with("jemalloc")
}

/// Blocks on their way to another thread.
struct Sent(Vec<NonNull<u8>>);

// SAFETY: whoever sends them uses them no more.
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
        // SAFETY: live blocks, each freed once, by either way of the C-named family.
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
    // SAFETY: live blocks of the arena, which are asked for their sizes like those of the C-named family.
    assert_eq!(in_blocks, blocks.iter().map(|(block, _)| unsafe { zmalloc_size(*block) }).sum());
    if has_figures() {
        let info = arena.info().unwrap();
        assert_eq!(info.allocated, in_blocks, "no cache stands between the arena and its blocks");
        assert_eq!(arena_info(arena.index()), Some(info));
    }
    // Half of them go back here, half on another thread.
    let (here, there) = blocks.split_at(500);
    let there = Sent(there.iter().map(|(block, _)| *block).collect());
    let free = |blocks: Sent| {
        for block in blocks.0 {
            // SAFETY: a live block of this arena, that only this thread has.
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
    // SAFETY: still a live block of the arena.
    unsafe {
        block.as_ptr().write_bytes(7, 1000);
        arena.free(block);
    }
    assert_eq!(used_memory(), before);
    let block = arena.allocate(1000).unwrap();
    drop(arena);
    // SAFETY: the arena lives on with its block.
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
    // SAFETY: a live block of this arena.
    unsafe { arena.free(block) };
}

fn the_figures_follow_the_blocks() {
    const BYTES: usize = 16 << 20;
    assert_eq!(allocator_info().is_some(), has_figures());
    let Some(before) = allocator_info() else { return };
    let block = zmalloc(BYTES);
    let during = allocator_info().unwrap();
    // SAFETY: a live block.
    unsafe { zfree(block) };
    assert!(
        (BYTES..BYTES + BYTES / 8).contains(&(during.allocated - before.allocated)),
        "{before:?} {during:?}"
    );
    assert!(during.active - before.active >= BYTES);
    assert!(during.allocated <= during.active && during.active <= during.resident, "{during:?}");
    assert!(during.frag_ratio().unwrap() >= 1.0 && during.rss_ratio().unwrap() >= 1.0);
}

/// Blocks in the cache of a thread are free, and yet the allocator counts them.
fn flushing_the_cache_frees_what_is_in_it() {
    const BLOCKS: usize = 16; // no more than a cache holds of a class
    let size = good_size(1000);
    let before_flush = flush_tcache().then(allocator_info).flatten();
    assert_eq!(before_flush.is_some(), has_figures());
    let Some(empty) = before_flush else { return };
    let blocks: [NonNull<u8>; BLOCKS] = std::array::from_fn(|_| zmalloc(size));
    for block in blocks {
        // SAFETY: a live block.
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
    // Small enough not to be given back at once: jemalloc does that from 8 MiB on.
    const BYTES: usize = if cfg!(miri) { 64 << 10 } else { 32 << 20 };
    let blocks: Vec<NonNull<u8>> = (0..64).map(|_| zmalloc(BYTES / 64)).collect();
    for block in blocks {
        // SAFETY: a live block of as many bytes.
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
