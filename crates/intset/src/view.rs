//! [`View`]: the bytes of a set at any address, and all methods that read them.

use crate::error::{Fault, Malformed};
use crate::header::{HEADER_LEN, Header};
use crate::item::{Encoding, Item, Items, search, with_items};
use crate::iter::Iter;
use common::random::scale;
use core::ops::{Bound, RangeBounds};

/// A borrowed set, as `str` is a borrowed string. `&View` is a reference to the bytes of a set, which need no
/// alignment.
///
/// All methods that read a set are here. [`IntSet`](crate::IntSet) and [`Editor`](crate::Editor) deref to
/// `View`. [`View::new`] makes a view of any bytes, without a copy.
///
/// The header of a view is valid: the encoding is one of the three, and there are as many integers as the
/// header says. The order of the integers is known to be valid only after [`check_order`](Self::check_order).
/// If the integers do not ascend, every operation still ends, but its result may be wrong.
///
/// ```
/// let set = intset::View::new(&[2, 0, 0, 0, 2, 0, 0, 0, 7, 0, 0, 1])?;
/// assert!(set.contains(7) && set.iter().eq([7, 256]));
/// # Ok::<(), intset::Malformed>(())
/// ```
#[repr(transparent)]
pub struct View([u8]);

impl View {
    /// Returns the bytes as a set. Checks the header but not the order of the integers. O(1).
    ///
    /// # Errors
    /// If the encoding is not valid, or if the number of bytes is not the one that the header gives.
    #[inline]
    pub fn new(bytes: &[u8]) -> Result<&Self, Malformed> {
        match Self::from_prefix(bytes)? {
            (set, []) => Ok(set),
            _ => Err(Malformed::new(4, Fault::Length)),
        }
    }

    /// Returns the set at the start of the bytes, and the bytes after it. The header says where the set
    /// ends. Does not check the order of the integers. O(1).
    ///
    /// # Errors
    /// If the encoding is not valid, or if there are fewer bytes than the header and its integers take.
    ///
    /// ```
    /// let (set, key) = intset::View::from_prefix(b"\x02\0\0\0\x01\0\0\0\x07\0key")?;
    /// assert_eq!((set.len(), key), (1, &b"key"[..]));
    /// # Ok::<(), intset::Malformed>(())
    /// ```
    #[inline]
    pub fn from_prefix(bytes: &[u8]) -> Result<(&Self, &[u8]), Malformed> {
        let truncated = Malformed::new(bytes.len(), Fault::Truncated);
        let &[e0, e1, e2, e3, l0, l1, l2, l3] = bytes.first_chunk::<HEADER_LEN>().ok_or(truncated)?;
        let encoding = Encoding::from_number(u32::from_le_bytes([e0, e1, e2, e3]));
        let encoding = encoding.ok_or(Malformed::new(0, Fault::Encoding))?;
        let len = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        let byte_len = Header { encoding, len }.byte_len();
        let parts = byte_len.and_then(|byte_len| bytes.split_at_checked(byte_len));
        let (set, rest) = parts.ok_or(Malformed::new(4, Fault::Length))?;
        Ok((Self::of(set), rest))
    }

    /// Returns the bytes as a set without checks. The caller guarantees that the header is valid.
    #[inline]
    pub(crate) fn of(bytes: &[u8]) -> &Self {
        // SAFETY: `View` is a transparent wrapper of `[u8]`, so the cast keeps address and length. No unsafe
        // code relies on the contents of the bytes.
        unsafe { &*(core::ptr::from_ref(bytes) as *const Self) }
    }

    /// Checks that each integer is greater than the one before it. [`new`](Self::new) does not check this.
    /// O(n).
    ///
    /// # Errors
    /// If an integer is not greater than the one before it. The error has the offset of the first such
    /// integer.
    ///
    /// ```
    /// use intset::{Fault, View};
    /// let set = View::new(&[2, 0, 0, 0, 2, 0, 0, 0, 7, 0, 1, 0])?;
    /// let error = set.check_order().unwrap_err();
    /// assert_eq!((error.offset, error.fault), (10, Fault::Order)); // 1 after 7
    /// # Ok::<(), intset::Malformed>(())
    /// ```
    pub fn check_order(&self) -> Result<(), Malformed> {
        fn index_of_fault<T: Item>(items: &[T]) -> Option<usize> {
            items.windows(2).position(|pair| pair[0].number() >= pair[1].number()).map(|index| index + 1)
        }
        match with_items!(self.items(), items => index_of_fault(items)) {
            Some(index) => Err(Malformed::new(HEADER_LEN + index * self.encoding().size(), Fault::Order)),
            None => Ok(()),
        }
    }

    /// Returns the bytes that Redis stores: the encoding, the length and the integers, all little-endian. An
    /// empty set has the eight bytes of the header. O(1).
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    #[inline]
    pub(crate) fn header(&self) -> Header {
        Header::of(&self.0)
    }

    #[inline]
    pub(crate) fn items(&self) -> Items<'_> {
        match &self.0 {
            [e0, e1, e2, e3, _, _, _, _, items @ ..] => {
                Items::new(u32::from_le_bytes([*e0, *e1, *e2, *e3]), items)
            }
            _ => Items::Int16(&[]), // not reached by a valid set, which has at least eight bytes
        }
    }

    /// Returns the number of integers. O(1). In C: `intsetLen`.
    #[inline]
    pub fn len(&self) -> usize {
        self.header().len
    }

    /// Returns whether the set has no integers. O(1).
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the encoding of the integers. An insert makes it wider if the new integer does not fit. It
    /// becomes narrower only when the set becomes empty. O(1).
    #[inline]
    pub fn encoding(&self) -> Encoding {
        self.header().encoding
    }

    /// Returns whether `value` is in the set. O(log n). In C: `intsetFind`.
    #[inline]
    pub fn contains(&self, value: i64) -> bool {
        self.rank(value).is_ok()
    }

    /// Returns how many integers are less than `value`: `Ok(index)` if the set has the value, and otherwise
    /// `Err(index)` with the index where it can be inserted. O(log n), as [`slice::binary_search`]. In C:
    /// `intsetSearch`.
    ///
    /// ```
    /// let set = intset::IntSet::from_iter([10, 20]);
    /// assert_eq!((set.rank(20), set.rank(15), set.rank(i64::MAX)), (Ok(1), Err(1), Err(2)));
    /// ```
    #[inline]
    pub fn rank(&self, value: i64) -> Result<usize, usize> {
        with_items!(self.items(), items => search(items, value))
    }

    /// Returns the integer at `index`, in ascending order. O(1). In C: `intsetGet`.
    #[inline]
    pub fn get(&self, index: usize) -> Option<i64> {
        with_items!(self.items(), items => items.get(index).map(|item| item.get()))
    }

    /// Returns the smallest integer. O(1). In C: `intsetMin`.
    #[inline]
    pub fn min(&self) -> Option<i64> {
        self.get(0)
    }

    /// Returns the largest integer. O(1). In C: `intsetMax`.
    #[inline]
    pub fn max(&self) -> Option<i64> {
        self.get(self.len().checked_sub(1)?)
    }

    /// Returns a random integer of the set. O(1). In C: `intsetRandom`.
    ///
    /// `rng` is called once. If it returns uniform 64-bit numbers, every integer has the same chance, to
    /// within 2^-32.
    #[inline]
    pub fn random(&self, mut rng: impl FnMut() -> u64) -> Option<i64> {
        self.get(scale(rng(), self.len()))
    }

    /// Returns an iterator over all integers, in ascending order.
    #[inline]
    pub fn iter(&self) -> Iter<'_> {
        Iter::new(self.items())
    }

    /// Returns an iterator over the integers within `range`, in ascending order. The iterator is empty if the
    /// range starts beyond its end. O(log n).
    ///
    /// ```
    /// let set = intset::IntSet::from_iter([1, 2, 3, 5, 8]);
    /// assert_eq!(set.range(2..8).collect::<Vec<_>>(), [2, 3, 5]);
    /// assert_eq!(set.range(..=3).next_back(), Some(3));
    /// ```
    pub fn range(&self, range: impl RangeBounds<i64>) -> Iter<'_> {
        let below = |value| self.rank(value).unwrap_or_else(|index| index);
        let below_or_at = |value| self.rank(value).map_or_else(|index| index, |index| index + 1);
        let start = match range.start_bound() {
            Bound::Included(&value) => below(value),
            Bound::Excluded(&value) => below_or_at(value),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(&value) => below_or_at(value),
            Bound::Excluded(&value) => below(value),
            Bound::Unbounded => self.len(),
        };
        self.slice(start, end)
    }

    /// Returns an iterator over the integers with the indices `start..end`. `end` is at most the length.
    fn slice(&self, start: usize, end: usize) -> Iter<'_> {
        let mut part = self.iter();
        if let Some(beyond) = (self.len() - end).checked_sub(1) {
            part.nth_back(beyond);
        }
        if let Some(before) = start.checked_sub(1) {
            part.nth(before);
        }
        part
    }
}
