//! The sizes that blocks come in.

use crate::backend;

/// How many bytes are certainly usable in a block of `size`, so that asking for them costs nothing:
/// the size class with jemalloc, tcmalloc and mimalloc, whole words under the prefix layout, `size` itself with
/// libc. Sizes from half of `isize::MAX` up are not rounded.
///
/// ```
/// assert!(zmalloc::good_size(100) >= 100);
/// ```
#[inline]
pub fn good_size(size: usize) -> usize {
    // Rounding could overflow beyond; there is no such allocation.
    if size < isize::MAX as usize / 2 { backend::good_size(size) } else { size }
}

/// The size classes of the allocator from the smallest up to `limit` bytes: every size `n` for which
/// [`good_size`](crate::good_size)`(n)` is `n` itself. `None` where the allocator has no classes, or does not
/// tell them (libc).
///
/// jemalloc spaces four small classes to each doubling, so that at most a fifth of a block is lost to rounding;
/// from 14 KiB on (with pages of 4 KiB) it rounds to whole pages:
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
/// What lies below depends on the quantum that jemalloc was built with: 8, 16, 24, 32 and so on to 64, or 8,
/// 16, 32, 48, 64. What lies above 14 KiB goes on by fours too if an option of jemalloc says so at run time
/// (`disable_large_size_classes:false`, as it was before 5.3.1). A few instructions a class up to 8 KiB, a
/// question to the allocator above.
pub fn size_classes(limit: usize) -> Option<impl Iterator<Item = usize>> {
    // Sizes that no allocation can have are not rounded.
    let limit = limit.min(isize::MAX as usize / 2 - 1);
    if good_size(1) == 1 && good_size(2) == 2 {
        return None; // a size itself is all that is promised
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

/// Against jemalloc itself, and against the rule written out as a table is drawn.
#[cfg(all(test, zmalloc_backend = "jemalloc"))]
mod jemalloc_tests {
    use super::*;
    use core::ptr::NonNull;
    use tikv_jemalloc_sys as je;

    fn asked(size: usize) -> usize {
        // SAFETY: `nallocx` only computes; all sizes here are at least 1.
        unsafe { je::nallocx(size, 0) }
    }

    fn usable(size: usize) -> usize {
        let block: NonNull<u8> = crate::zmalloc(size);
        // SAFETY: a live block, freed once.
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

    /// Above the small classes every page is an edge, unless an option says otherwise: too many to try them all,
    /// so beyond 4 MiB those around each quarter of a doubling are.
    #[test]
    fn good_size_is_right_at_the_edges_up_to_the_largest_class() {
        const LARGEST: usize = (isize::MAX as usize / 8 + 1) * 7; // the next would be 2^63, or 2^31
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
        want.extend((1..=4).map(|n| n * quantum).filter(|&class| class > 8)); // by the quantum up to four of them
        while *want.last().unwrap() < SMALL_MAX {
            let base = *want.last().unwrap(); // then four to each doubling
            want.extend((1..=4).map(|quarter| base + quarter * base / 4));
        }
        want.retain(|&class| class <= SMALL_MAX);
        assert_eq!(size_classes(SMALL_MAX).unwrap().collect::<Vec<_>>(), want);
    }
}
