//! [`Quantum`]: the size classes of a jemalloc, which may differ from the jemalloc of this build.

/// The distance between jemalloc's smallest size classes. It is chosen when jemalloc is built.
///
/// ```text
///  16   8  16      32      48      64  80  96  112  128   160  192  224  256 ...    jemalloc's default; Debian
///   8   8  16  24  32  40  48  56  64  80  96  112  128   160  192  224  256 ...    Redis' own build
/// ```
///
/// Above four times the quantum, there are four classes for each doubling of the size. A jemalloc before
/// 5.3.1, such as that of Redis 7, does this for all sizes. Later versions round blocks of more than 14 KiB
/// to whole pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantum {
    /// 8 bytes.
    Eight,
    /// 16 bytes.
    Sixteen,
}

impl Quantum {
    /// Returns the quantum of the jemalloc of this build. Returns `None` if the allocator is not jemalloc, or
    /// if its quantum is neither 8 nor 16 bytes.
    pub fn linked() -> Option<Self> {
        let bytes = zmalloc::quantum()? as u64;
        [Self::Eight, Self::Sixteen].into_iter().find(|quantum| quantum.bytes() == bytes)
    }

    /// Returns the quantum, in bytes.
    pub const fn bytes(self) -> u64 {
        match self {
            Self::Eight => 8,
            Self::Sixteen => 16,
        }
    }

    /// Returns the size class of a block of `size` bytes. O(1). In C: `zmalloc_usable_size` of such a block.
    ///
    /// ```
    /// use keyspace::estimate::Quantum;
    /// assert_eq!([1, 17, 24, 130].map(|size| Quantum::Eight.class(size)), [8, 24, 24, 160]);
    /// assert_eq!([1, 17, 24, 130].map(|size| Quantum::Sixteen.class(size)), [8, 32, 32, 160]);
    /// ```
    pub const fn class(self, size: u64) -> u64 {
        let quantum = self.bytes();
        if size <= 8 {
            return 8;
        }
        let step = if size <= 4 * quantum { quantum } else { 1 << ((size - 1).ilog2() - 2) };
        match size.checked_next_multiple_of(step) {
            Some(class) => class,
            None => u64::MAX,
        }
    }
}

#[cfg(all(test, not(miri)))] // no unsafe code
mod tests {
    use super::*;

    #[test]
    fn classes_are_those_of_the_linked_jemalloc() {
        let Some(quantum) = Quantum::linked() else { return };
        // The linked jemalloc may round larger blocks to pages.
        for size in 1..=14 * 1_024 {
            assert_eq!(quantum.class(size), zmalloc::good_size(size as usize) as u64, "size {size}");
        }
        for lg in 14..40 {
            assert_eq!(quantum.class(1 << lg), zmalloc::good_size(1 << lg) as u64);
        }
    }

    #[test]
    fn a_class_is_its_own_class_and_none_lies_below_the_size() {
        for quantum in [Quantum::Eight, Quantum::Sixteen] {
            let edges = (0..64).flat_map(|lg| [1_u64 << lg, (1 << lg) + 1, (1 << lg) - 1]);
            for size in edges.chain(0..2_000) {
                let class = quantum.class(size);
                assert!(class >= size && quantum.class(class) == class, "{size}");
            }
            assert_eq!(quantum.class(u64::MAX), u64::MAX);
        }
        // Both quanta have the same classes from 64 bytes on.
        for size in 57..1_000 {
            assert_eq!(Quantum::Eight.class(size), Quantum::Sixteen.class(size));
        }
    }
}
