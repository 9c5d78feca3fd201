//! [`View`]: the bytes of a set, wherever they are, and what can be read of them.

use crate::error::{Fault, Malformed};
use crate::header::{HEADER_LEN, Header};
use crate::item::{Encoding, Item, Items, search, with_items};
use crate::iter::Iter;
use common::random::scale;
use core::ops::{Bound, RangeBounds};

/// A borrowed set, as `str` is a borrowed string: `&View` is a reference to the bytes of a set, wherever they are. They need no
/// alignment.
///
/// All reading is done here. An [`IntSet`](crate::IntSet) and an [`Editor`](crate::Editor) lend a view, and [`View::new`]
/// makes one of bytes from elsewhere, without a copy.
///
/// The frame is known to be right: the encoding is one of the three, and there are as many integers as the header says. Whether
/// they ascend has been checked only if [`check_order`](Self::check_order) was called. If they do not, every operation still
/// ends, and gives wrong answers.
///
/// ```
/// let set = intset::View::new(&[2, 0, 0, 0, 2, 0, 0, 0, 7, 0, 0, 1])?;
/// assert!(set.contains(7) && set.iter().eq([7, 256]));
/// # Ok::<(), intset::Malformed>(())
/// ```
#[repr(transparent)]
pub struct View([u8]);

impl View {
    /// The bytes as a set. The header is checked, and not the order of the integers. O(1).
    ///
    /// # Errors
    /// If the header has no valid encoding or is not right about the number of bytes.
    #[inline]
    pub fn new(bytes: &[u8]) -> Result<&Self, Malformed> {
        match Self::from_prefix(bytes)? {
            (set, []) => Ok(set),
            _ => Err(Malformed::new(4, Fault::Length)),
        }
    }

    /// The set that the bytes begin with, and the bytes behind it. The set's header says where it ends. Checked as by
    /// [`new`](Self::new). O(1).
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
        let (set, behind) = parts.ok_or(Malformed::new(4, Fault::Length))?;
        Ok((Self::of(set), behind))
    }

    /// The bytes as a set, unchecked. The caller guarantees the frame.
    #[inline]
    pub(crate) fn of(bytes: &[u8]) -> &Self {
        // SAFETY: a view is a slice of bytes and nothing else (`repr(transparent)`), and no safe or unsafe code relies on
        // what they are.
        unsafe { &*(core::ptr::from_ref(bytes) as *const Self) }
    }

    /// Checks that the integers ascend, no two the same, which [`new`](Self::new) does not. O(n).
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

    /// The bytes that Redis would store: encoding, length, integers, all little-endian. O(1). Of an empty set the header
    /// alone.
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
            _ => Items::Int16(&[]), // a set has eight bytes at least
        }
    }

    /// How many integers there are. O(1). In C: `intsetLen`.
    #[inline]
    pub fn len(&self) -> usize {
        self.header().len
    }

    /// Whether the set has no integers.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How the integers are stored. It grows with what is inserted and never shrinks while the set has anything in it.
    #[inline]
    pub fn encoding(&self) -> Encoding {
        self.header().encoding
    }

    /// Whether `value` is in the set. O(log n). In C: `intsetFind`.
    #[inline]
    pub fn contains(&self, value: i64) -> bool {
        self.rank(value).is_ok()
    }

    /// How many integers are below `value`: `Ok` if it is in the set, so that this is its index; `Err` if not. O(log n), as
    /// [`slice::binary_search`]. In C: `intsetSearch`.
    ///
    /// ```
    /// let set = intset::IntSet::from_iter([10, 20]);
    /// assert_eq!((set.rank(20), set.rank(15), set.rank(i64::MAX)), (Ok(1), Err(1), Err(2)));
    /// ```
    #[inline]
    pub fn rank(&self, value: i64) -> Result<usize, usize> {
        with_items!(self.items(), items => search(items, value))
    }

    /// The integer at `index`, in ascending order. O(1). In C: `intsetGet`.
    #[inline]
    pub fn get(&self, index: usize) -> Option<i64> {
        with_items!(self.items(), items => items.get(index).map(|item| item.get()))
    }

    /// The smallest. O(1). In C: `intsetMin`.
    #[inline]
    pub fn min(&self) -> Option<i64> {
        self.get(0)
    }

    /// The largest. O(1). In C: `intsetMax`.
    #[inline]
    pub fn max(&self) -> Option<i64> {
        self.get(self.len().checked_sub(1)?)
    }

    /// One of them, each with the same chance (to within 2^-32) if `rng` gives fair 64-bit numbers; it is asked once. O(1). In
    /// C: `intsetRandom`.
    #[inline]
    pub fn random(&self, mut rng: impl FnMut() -> u64) -> Option<i64> {
        self.get(scale(rng(), self.len()))
    }

    /// All, in ascending order.
    #[inline]
    pub fn iter(&self) -> Iter<'_> {
        Iter::new(self.items())
    }

    /// Those within `range`, in ascending order; none if it starts beyond its end. O(log n).
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

    /// Those from index `start` up to before `end`, which is no more than the length.
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
