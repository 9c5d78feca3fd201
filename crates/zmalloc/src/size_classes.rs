//! The sizes of blocks: what a request is rounded up to.

use crate::backend;

/// Returns how many bytes are certainly usable in a block that is requested with `size`. A caller that can
/// use them gets them for free.
///
/// This is the size class with jemalloc, tcmalloc and mimalloc, whole words under the prefix layout, and
/// `size` itself with libc. Sizes of `isize::MAX / 2` and above are not rounded.
///
/// ```
/// assert!(zmalloc::good_size(100) >= 100);
/// ```
#[inline]
pub fn good_size(size: usize) -> usize {
    // Rounding larger sizes could overflow, and no allocation can have them.
    if size < isize::MAX as usize / 2 { backend::good_size(size) } else { size }
}

/// Returns the size classes of the allocator, from the smallest up to `limit` bytes. A class is a size `n`
/// for which [`good_size`](crate::good_size)`(n)` is `n`. Returns `None` if the allocator has no classes or
/// does not report them (libc).
///
/// jemalloc has four small classes for each doubling of the size, so that rounding loses at most a fifth of a
/// block. From 14 KiB on (with pages of 4 KiB), it rounds to whole pages:
///
/// ```
/// # #[cfg(all(feature = "jemalloc", not(any(feature = "prefix", feature = "libc"))))] {
/// if let Some(classes) = zmalloc::size_classes(512) {
///     let upper: Vec<usize> = classes.filter(|&class| class > 128).collect();
/// #   if zmalloc::ALLOCATOR.starts_with("jemalloc") {
///     assert_eq!(upper, [160, 192, 224, 256, 320, 384, 448, 512]);
/// #   }
/// }
/// # }
/// ```
///
/// The classes below 128 depend on the quantum that jemalloc was built with. They are 8, 16, 24, 32 and so on
/// to 64, or 8, 16, 32, 48, 64. The classes above 14 KiB continue with four for each doubling if the run-time
/// option `disable_large_size_classes:false` is set. That was the rule before jemalloc 5.3.1.
///
/// Each class takes a few instructions up to 8 KiB, and a call of the allocator above.
pub fn size_classes(limit: usize) -> Option<impl Iterator<Item = usize>> {
    // No allocation can have a larger size, so those are not rounded.
    let limit = limit.min(isize::MAX as usize / 2 - 1);
    if good_size(1) == 1 && good_size(2) == 2 {
        return None; // the allocator guarantees only the requested size
    }
    let next = |&class: &usize| class.checked_add(1).map(good_size);
    Some(core::iter::successors(Some(good_size(1)), next).take_while(move |&class| class <= limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_classes_are_the_sizes_that_round_to_themselves() {
        const LIMIT: usize = if cfg!(miri) { 500 } else { 20_000 };
        let Some(classes) = size_classes(LIMIT) else {
            assert!((1..LIMIT).all(|size| good_size(size) == size));
            return;
        };
        let want: Vec<usize> = (1..=LIMIT).filter(|&size| good_size(size) == size).collect();
        assert_eq!(classes.collect::<Vec<_>>(), want);
        assert_eq!(size_classes(0).unwrap().count(), 0);
    }
}

/// Compares the classes with jemalloc itself, and with the rule as books state it.
#[cfg(all(test, zmalloc_backend = "jemalloc"))]
mod jemalloc_tests {
    use super::*;
    use core::ptr::NonNull;
    use tikv_jemalloc_sys as je;

    fn asked(size: usize) -> usize {
        // SAFETY: `nallocx` only computes, and all sizes here are at least 1.
        unsafe { je::nallocx(size, 0) }
    }

    fn usable(size: usize) -> usize {
        let block: NonNull<u8> = crate::zmalloc(size);
        // SAFETY: the block is live and is freed once.
        unsafe {
            let usable = je::sallocx(block.as_ptr().cast(), 0);
            crate::zfree_sized(block, size);
            usable
        }
    }

    #[test]
    fn good_size_is_what_is_given_for_every_size_up_to_64_kib() {
        for size in 1..=64 * 1024 {
            assert_eq!(good_size(size), asked(size), "size {size}");
            assert_eq!(good_size(size), usable(size), "size {size}");
        }
    }

    /// Above the small classes, every page is the edge of a class unless an option says otherwise. Those are
    /// too many to test. So beyond 4 MiB only the edges at each quarter of a doubling are tested.
    #[test]
    fn good_size_is_right_at_the_edges_up_to_the_largest_class() {
        const LARGEST: usize = (isize::MAX as usize / 8 + 1) * 7; // the next class would be 2^63, or 2^31
        let quarters = (22..usize::BITS - 1).flat_map(|lg| (4..8).map(move |n| n << (lg - 2)));
        let edges = size_classes(4 << 20).unwrap().chain(quarters.take_while(|&edge| edge < LARGEST));
        let mut count = 0;
        for edge in edges {
            assert_eq!(asked(edge), edge);
            for size in [edge - 1, edge, edge + 1] {
                assert_eq!(backend::good_size(size), asked(size), "size {size}");
                if size < isize::MAX as usize / 2 {
                    assert_eq!(good_size(size), asked(size), "size {size}");
                }
            }
            count += 1;
        }
        assert!(count > 1000 || usize::BITS == 32, "{count}");
        assert_eq!((asked(LARGEST - 1), asked(LARGEST), asked(LARGEST + 1)), (LARGEST, LARGEST, 0));
        assert_eq!((backend::good_size(LARGEST - 1), backend::good_size(LARGEST)), (LARGEST, LARGEST));
    }

    #[test]
    fn the_small_classes_are_those_of_the_rule() {
        const SMALL_MAX: usize = 14 * 1024; // with pages of 4 KiB
        let quantum = if good_size(17) == 24 { 8 } else { 16 };
        let mut want = vec![8];
        want.extend((1..=4).map(|n| n * quantum).filter(|&class| class > 8)); // one quantum apart, up to four
        while *want.last().unwrap() < SMALL_MAX {
            let base = *want.last().unwrap(); // then four classes for each doubling
            want.extend((1..=4).map(|quarter| base + quarter * base / 4));
        }
        want.retain(|&class| class <= SMALL_MAX);
        assert_eq!(size_classes(SMALL_MAX).unwrap().collect::<Vec<_>>(), want);
    }
}
