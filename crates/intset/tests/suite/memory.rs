//! What sets allocate and free, and what they do when an allocation fails.

use intset::{FromBytesError, IntSet, ReserveError};
use zmalloc::{Region, fault};

/// Under Miri, which is slow, only every 307th case is tested.
const STEP: usize = if cfg!(miri) { 307 } else { 1 };

#[test]
fn memory_is_accounted_for_and_failures_leave_everything_as_it_was() {
    drop(IntSet::from_iter([1])); // a first allocation may allocate for the allocator itself
    every_byte_is_counted_and_given_back();
    every_failure_leaves_the_set_as_it_was();
    a_set_moves_when_it_is_told_to_and_there_is_room();
    a_block_is_the_smallest_that_holds_the_set();
}

fn every_byte_is_counted_and_given_back() {
    let region = Region::start();
    let mut set = IntSet::new();
    assert_eq!(region.held(), 0);
    for value in (0..1000).step_by(STEP) {
        for value in [value, value << 20, -(value << 40)] {
            set.insert(value);
            assert_eq!(region.held() as usize, set.allocation_size());
        }
    }
    let copy = set.clone();
    assert_eq!(region.held() as usize, set.allocation_size() + copy.allocation_size());
    drop(copy);
    while let Some(value) = set.get(set.len() / 2) {
        set.remove(value);
        assert_eq!(region.held() as usize, set.allocation_size());
    }
    assert_eq!(region.held(), 0);
    set.extend(0..100);
    set.clear();
    assert_eq!(region.held(), 0);
}

fn every_failure_leaves_the_set_as_it_was() {
    let region = Region::start();
    for len in (0..200).step_by(STEP) {
        for value in [-1, i64::from(i32::MAX), i64::MIN] {
            let mut set: IntSet = (0..len as i64).collect();
            let copy = set.clone();
            let mut used = region.held() as usize;
            {
                let _plan = fault::fail_from(1);
                match set.try_insert(value) {
                    Ok(new) => {
                        assert!(new && set.remove(value), "there was room in the block");
                        used = set.allocation_size() + copy.allocation_size(); // may be less than before
                    }
                    Err(error) => assert!(matches!(error, ReserveError::OutOfMemory { .. })),
                }
                assert_eq!(set.try_clone().is_ok(), len == 0);
                let read = IntSet::try_from_bytes(copy.as_bytes());
                assert_eq!(matches!(read, Err(FromBytesError::Reserve(_))), len > 0);
            }
            assert_eq!((set, region.held() as usize), (copy, used));
        }
    }
    // Removing works without memory. The block keeps its size.
    let mut set: IntSet = (0..1000).collect();
    let size = set.allocation_size();
    let plan = fault::fail_from(1);
    for value in 0..999 {
        assert!(set.remove(value));
    }
    assert!(plan.failures() > 0);
    assert_eq!((set.len(), set.allocation_size(), region.held() as usize), (1, size, size));
    // The block has room for the removed integers.
    for value in (0..999).step_by(STEP) {
        assert_eq!(set.try_insert(value), Ok(true));
    }
    set.remove_range(1, 999);
    drop(plan);
    // Once there is memory, an insert makes the block smaller, although the set grows.
    set.extend(1_000..1_020);
    assert!(set.allocation_size() < size / 2);
    assert_eq!(region.held() as usize, set.allocation_size());
    drop(set);
    assert_eq!(region.held(), 0);
}

fn a_set_moves_when_it_is_told_to_and_there_is_room() {
    let mut set: IntSet = (0..100).collect();
    let (copy, region, at) = (set.clone(), Region::start(), set.as_bytes().as_ptr());
    let size = set.allocation_size();
    assert!(!set.relocate(&mut |block, asked| {
        assert_eq!((block.as_ptr().cast_const(), asked), (at, size));
        false
    }));
    {
        let _plan = fault::fail_from(1);
        assert!(!set.relocate(&mut |_, _| true));
    }
    assert_eq!(set.as_bytes().as_ptr(), at);
    assert!(set.relocate(&mut |_, _| true));
    assert_ne!(set.as_bytes().as_ptr(), at);
    // With some allocators, the block at the new address is a little larger or smaller.
    assert_eq!((&set, region.held()), (&copy, set.allocation_size() as isize - size as isize));
    assert!(!IntSet::new().relocate(&mut |_, _| unreachable!("an empty set has no block")));
}

/// A block has the header and the integers, rounded up to the size class and no further. libc has no size
/// classes, so a block that has grown may be larger there.
fn a_block_is_the_smallest_that_holds_the_set() {
    if zmalloc::ALLOCATOR == "libc" {
        return;
    }
    for len in (1..600).step_by(STEP) {
        let set: IntSet = (0..len as i64).collect();
        let block = zmalloc::zmalloc(8 + 2 * len);
        // SAFETY: the block is live, and it is freed only here.
        let size = unsafe {
            let size = zmalloc::zmalloc_size(block);
            zmalloc::zfree(block);
            size
        };
        assert!(set.allocation_size() <= size, "{len}: {} > {size}", set.allocation_size());
    }
}
