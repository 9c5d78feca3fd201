//! [`NodeLimit`]: the maximum size of one listpack of a list.

/// If the limit is a number of elements, this is the maximum size of a listpack in bytes, and also of an
/// element that shares a listpack. In C: `SIZE_SAFETY_LIMIT`.
const SAFETY_LIMIT: usize = 8192;

/// A high estimate of the bytes that an element adds to a listpack in addition to its text. In C:
/// `SIZE_ESTIMATE_OVERHEAD`.
const OVERHEAD_ESTIMATE: usize = 8;

/// `list-max-listpack-size`: the maximum size, or the maximum number of elements, of one listpack of a list.
///
/// | value | limit |
/// |---|---|
/// | -1, -2, -3, -4, -5 and below | 4, 8, 16, 32, 64 KiB |
/// | 0, 1 | one element |
/// | n | n elements, but at most 8 KiB |
///
/// The same setting decides when a list is no longer a single listpack (see the crate `robj`), which a client
/// sees in `OBJECT ENCODING`. So the limits are exactly those of Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NodeLimit {
    /// The maximum size of a listpack, in bytes.
    bytes: usize,
    /// The maximum number of elements of a listpack.
    entries: usize,
    /// The maximum length of an element that shares a node, in bytes.
    element: usize,
    /// Whether the setting is a number of elements, and not a size.
    by_entries: bool,
}

impl NodeLimit {
    /// Returns the limit for a value of `list-max-listpack-size`. In C: `quicklistNodeLimit`.
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

    /// Returns whether a listpack of `bytes` with `entries` elements is within the limit. In C:
    /// `quicklistNodeExceedsLimit`, which returns the opposite.
    #[inline]
    pub const fn allows(&self, bytes: usize, entries: usize) -> bool {
        bytes <= self.bytes && entries <= self.entries
    }

    /// Returns whether a list that has shrunk to this size is small enough to become one listpack again. The
    /// bound is half of the setting. In C: part of `listTypeTryConvertQuicklist`.
    #[inline]
    pub const fn allows_conversion(&self, bytes: usize, entries: usize) -> bool {
        if self.by_entries { entries <= self.entries / 2 } else { bytes <= self.bytes / 2 }
    }

    /// Returns whether an element of `len` bytes needs its own node. In C: `isLargeElement`.
    #[inline]
    pub const fn is_large(&self, len: usize) -> bool {
        len > self.element
    }

    /// Returns whether an element of `len` bytes may join a listpack of `bytes` with `entries` elements. In
    /// C: `_quicklistNodeAllowInsert`.
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
            assert!(
                limit.allows_conversion(kib * 512, 1_000_000) && !limit.allows_conversion(kib * 512 + 1, 1)
            );
        }
    }

    #[test]
    fn others_are_counts_of_elements_in_at_most_eight_kib() {
        for (value, entries) in [(0, 1), (1, 1), (2, 2), (128, 128), (i32::MAX, i32::MAX as usize)] {
            let limit = NodeLimit::new(value);
            assert!(limit.allows(8192, entries) && !limit.allows(8192, entries + 1), "{value}");
            assert!(!limit.allows(8193, 1) && !limit.is_large(8192) && limit.is_large(8193));
            assert!(
                limit.allows_conversion(usize::MAX, entries / 2)
                    && !limit.allows_conversion(7, entries / 2 + 1)
            );
        }
    }

    #[test]
    fn an_element_joins_if_eight_bytes_more_than_it_has_would_fit() {
        let limit = NodeLimit::new(-1);
        assert!(limit.allows_insert(4000, 9, 88) && !limit.allows_insert(4000, 9, 89));
        assert!(!NodeLimit::new(10).allows_insert(100, 10, 1));
    }
}
