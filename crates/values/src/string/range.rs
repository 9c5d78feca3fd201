//! Redis' rules for a start and an end: both are included, and negative ones count from the end.

use core::ops::Range;

/// The part of a string for [`bit_count`](super::bit_count) and [`bit_pos`](super::bit_pos). An index below
/// 0 counts from the end, so -1 is the last. The end is included. An index before the string means the
/// first byte or bit. The part of a range after the end of the string is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BitRange {
    /// The whole string.
    All,
    /// From this byte to the end.
    From(i64),
    /// From the first byte to the second one.
    Bytes(i64, i64),
    /// From the first bit to the second one.
    Bits(i64, i64),
}

impl BitRange {
    /// Returns the bits of a string of `len` bytes that are in the range, or `None` if the range is empty.
    #[inline]
    pub(super) fn bits(self, len: usize) -> Option<Range<u64>> {
        let len = len as u64;
        let bytes = |start, end| {
            let bytes = clamp(start, end, len)?;
            Some(bytes.start * 8..bytes.end * 8)
        };
        match self {
            Self::All => bytes(0, -1),
            Self::From(start) => bytes(start, -1),
            Self::Bytes(start, end) => bytes(start, end),
            Self::Bits(start, end) => clamp(start, end, len * 8),
        }
    }

    /// Returns whether start and end both count from the end of the string and are in the wrong order. For
    /// most commands such a range is empty. Without this check it would not be, if both lie before the
    /// string: both would then move to the first element.
    pub(super) fn is_reversed(self) -> bool {
        match self {
            Self::All | Self::From(_) => false,
            Self::Bytes(start, end) | Self::Bits(start, end) => is_reversed(start, end),
        }
    }
}

/// See [`BitRange::is_reversed`].
#[inline]
pub(super) fn is_reversed(start: i64, end: i64) -> bool {
    start < 0 && end < 0 && start > end
}

/// Returns the elements from `start` to `end` of `len`, or `None` if the range is empty. An index before the
/// first element means the first one, and an end after the last element means the last one.
#[inline]
pub(super) fn clamp(start: i64, end: i64, len: u64) -> Option<Range<u64>> {
    let at = |index: i64| match u64::try_from(index) {
        Ok(index) => index,
        Err(_) => len.saturating_sub(index.unsigned_abs()),
    };
    let (start, end) = (at(start), at(end).min(len.checked_sub(1)?));
    (start <= end).then(|| start..end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Applies the rules to each element on its own.
    fn naive(start: i64, end: i64, len: i64) -> Vec<i64> {
        let at = |index: i64| if index < 0 { (len + index).max(0) } else { index };
        (0..len).filter(|element| (at(start)..=at(end)).contains(element)).collect()
    }

    #[test]
    #[cfg_attr(miri, ignore = "no unsafe code")]
    fn all_small_ranges_hold_the_elements_they_should() {
        for len in 0..6 {
            for start in -8..8 {
                for end in -8..8 {
                    let range = clamp(start, end, len as u64).unwrap_or(0..0);
                    let elements: Vec<_> = range.map(|element| element as i64).collect();
                    assert_eq!(elements, naive(start, end, len), "{start} {end} of {len}");
                }
            }
        }
    }

    #[test]
    fn the_ends_of_the_integers_are_indexes_too() {
        assert_eq!(clamp(i64::MIN, i64::MAX, 5), Some(0..5));
        assert_eq!(clamp(i64::MAX, i64::MAX, 5), None);
        assert_eq!(clamp(i64::MIN, i64::MIN, 5), Some(0..1)); // moved to the first element, as Redis does
        assert!(is_reversed(-1, -2) && !is_reversed(-2, -1) && !is_reversed(1, -2) && !is_reversed(-1, 1));
    }
}
