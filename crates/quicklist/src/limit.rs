//! [`NodeLimit`]: how much goes into one listpack of a list.

/// The largest listpack, in bytes, where the limit is a number of elements; and the longest element that shares one.
/// In C: `SIZE_SAFETY_LIMIT`.
const SAFETY_LIMIT: usize = 8192;

/// What an element may add to a listpack beside its bytes, reckoned high. In C: `SIZE_ESTIMATE_OVERHEAD`.
const OVERHEAD_ESTIMATE: usize = 8;

/// `list-max-listpack-size`: the largest size, or the largest number of elements, that one listpack of a list has.
///
/// | value | limit |
/// |---|---|
/// | -1, -2, -3, -4, -5 and below | 4, 8, 16, 32, 64 KiB |
/// | 0, 1 | one element |
/// | n | n elements, and 8 KiB |
///
/// The same number decides when a list leaves its one listpack (see the crate `robj`), so where nodes end shows in
/// `OBJECT ENCODING`, and is exactly where Redis ends them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NodeLimit {
    /// Bytes of a listpack.
    bytes: usize,
    /// Elements of a listpack.
    entries: usize,
    /// The longest element that shares a node, in bytes.
    element: usize,
    /// The second of the two limits is the one that was set.
    by_entries: bool,
}

impl NodeLimit {
    /// What a value of `list-max-listpack-size` means. In C: `quicklistNodeLimit`.
    pub const fn new(list_max_listpack_size: i32) -> Self {
        if list_max_listpack_size >= 0 {
            let entries = if list_max_listpack_size == 0 { 1 } else { list_max_listpack_size as usize };
            Self { bytes: SAFETY_LIMIT, entries, element: SAFETY_LIMIT, by_entries: true }
        } else {
            let shift = if list_max_listpack_size < -5 { 4 } else { -1 - list_max_listpack_size };
            let bytes = 4096 << shift;
            Self { bytes, entries: usize::MAX, element: bytes, by_entries: false }
        }
    }

    /// Whether a listpack of `bytes` with `entries` elements is within the limit. In C: `quicklistNodeExceedsLimit`.
    #[inline]
    pub const fn allows(&self, bytes: usize, entries: usize) -> bool {
        bytes <= self.bytes && entries <= self.entries
    }

    /// Whether a list that shrank to these is small enough to be one listpack again: half of the limit, and of that
    /// limit alone which was set. In C: part of `listTypeTryConvertQuicklist`.
    #[inline]
    pub const fn allows_twice(&self, bytes: usize, entries: usize) -> bool {
        if self.by_entries { entries <= self.entries / 2 } else { bytes <= self.bytes / 2 }
    }

    /// Whether an element of `len` bytes has to have a node of its own. In C: `isLargeElement`.
    #[inline]
    pub const fn is_large(&self, len: usize) -> bool {
        len > self.element
    }

    /// Whether an element of `len` bytes may join a listpack of `bytes` with `entries`. In C:
    /// `_quicklistNodeAllowInsert`.
    #[inline]
    pub(crate) const fn allows_insert(&self, bytes: usize, entries: usize, len: usize) -> bool {
        !self.is_large(len) && self.allows(bytes + len + OVERHEAD_ESTIMATE, entries + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_values_are_sizes() {
        for (value, kib) in [(-1, 4), (-2, 8), (-3, 16), (-4, 32), (-5, 64), (-6, 64), (i32::MIN, 64)] {
            let limit = NodeLimit::new(value);
            assert!(limit.allows(kib * 1024, usize::MAX) && !limit.allows(kib * 1024 + 1, 1), "{value}");
            assert!(!limit.is_large(kib * 1024) && limit.is_large(kib * 1024 + 1), "{value}");
            assert!(limit.allows_twice(kib * 512, 1_000_000) && !limit.allows_twice(kib * 512 + 1, 1));
        }
    }

    #[test]
    fn others_are_counts_of_elements_in_at_most_eight_kib() {
        for (value, entries) in [(0, 1), (1, 1), (2, 2), (128, 128), (i32::MAX, i32::MAX as usize)] {
            let limit = NodeLimit::new(value);
            assert!(limit.allows(8192, entries) && !limit.allows(8192, entries + 1), "{value}");
            assert!(!limit.allows(8193, 1) && !limit.is_large(8192) && limit.is_large(8193));
            assert!(limit.allows_twice(usize::MAX, entries / 2) && !limit.allows_twice(7, entries / 2 + 1));
        }
    }

    #[test]
    fn an_element_joins_if_eight_bytes_more_than_it_has_would_fit() {
        let limit = NodeLimit::new(-1);
        assert!(limit.allows_insert(4000, 9, 88) && !limit.allows_insert(4000, 9, 89));
        assert!(!NodeLimit::new(10).allows_insert(100, 10, 1));
    }
}
