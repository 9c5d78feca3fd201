//! [`View`]: the bytes of a list, wherever they are, and what can be said of them without looking at the entries.

use crate::format::{COUNT_UNKNOWN, EMPTY_LEN, HEADER_LEN};
use crate::validate::{Fault, Malformed, validate_frame};
use core::fmt;
use core::num::NonZeroU32;

/// A borrowed list, as `str` is a borrowed string: `&View` is a reference to the bytes of a list, wherever they are.
///
/// All reading is done here. A [`ListPack`](crate::ListPack) and an [`Editor`](crate::Editor) lend a view, and [`View::new`]
/// makes one of bytes from elsewhere, without a copy.
///
/// The frame is known to be right: there are at least seven bytes, as many as the header says, and the last one is the end
/// byte. The bytes in between may be anything. Reading is total: damaged entries read as other values, or end the walk.
///
/// ```
/// use listpack::{Value, View};
/// let list = View::new(b"\x0C\0\0\0\x02\0\x81a\x02\x07\x01\xFF")?;
/// assert!(list.iter().eq([Value::raw(b"a"), Value::Int(7)]));
/// # Ok::<(), listpack::Malformed>(())
/// ```
#[repr(transparent)]
pub struct View([u8]);

/// Where an entry begins, in bytes from the beginning of the list.
///
/// An offset is good until the list changes before it. An offset that is no longer good, or belongs to another list, is
/// harmless: it leads to some other value, or to none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset(NonZeroU32);

const _: () = assert!(size_of::<Option<Offset>>() == 4);

impl Offset {
    /// The position `at`, which is not in front of the first entry.
    #[inline]
    pub(crate) fn new(at: usize) -> Self {
        debug_assert!(at >= HEADER_LEN);
        // No list is longer than 1 GiB. For a longer one the offset would be wrong, which is harmless.
        Self(NonZeroU32::new(at as u32).unwrap_or(NonZeroU32::MAX))
    }

    #[inline]
    pub(crate) fn at(self) -> usize {
        self.0.get() as usize
    }
}

impl From<Offset> for usize {
    /// The position in [`View::as_bytes`].
    #[inline]
    fn from(offset: Offset) -> Self {
        offset.at()
    }
}

impl View {
    /// The bytes as a list. Only header and end are checked, as with [`Depth::Shallow`](crate::Depth::Shallow). O(1).
    ///
    /// # Errors
    /// If the bytes do not begin with the header of a list of this length, or do not end with the end byte.
    #[inline]
    pub fn new(bytes: &[u8]) -> Result<&Self, Malformed> {
        validate_frame(bytes)?;
        Ok(Self::of(bytes))
    }

    /// The list that the bytes begin with, and the bytes behind it. The list's header says where it ends. Checked as by
    /// [`new`](Self::new). O(1).
    ///
    /// ```
    /// use listpack::View;
    /// let (list, key) = View::from_prefix(b"\x09\0\0\0\x01\0\x05\x01\xFFkey")?;
    /// assert_eq!((list.len(), key), (1, &b"key"[..]));
    /// # Ok::<(), listpack::Malformed>(())
    /// ```
    pub fn from_prefix(bytes: &[u8]) -> Result<(&Self, &[u8]), Malformed> {
        let len = bytes.first_chunk().ok_or(Malformed::new(bytes.len(), Fault::Size))?;
        let parts = bytes.split_at_checked(u32::from_le_bytes(*len) as usize);
        let (list, behind) = parts.ok_or(Malformed::new(0, Fault::ByteLen))?;
        Ok((Self::new(list)?, behind))
    }

    /// The bytes as a list, unchecked. The caller guarantees the frame.
    #[inline]
    pub(crate) fn of(bytes: &[u8]) -> &Self {
        // SAFETY: a view is a slice of bytes and nothing else (`repr(transparent)`), and no safe or unsafe code relies on
        // what they are.
        unsafe { &*(core::ptr::from_ref(bytes) as *const Self) }
    }

    /// The list in antirez' format, header and end included: what a dump holds. O(1).
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Header and entries, without the end byte.
    #[inline]
    pub(crate) fn body(&self) -> &[u8] {
        match &self.0 {
            [body @ .., _end] => body,
            [] => &[], // a list has seven bytes at least
        }
    }

    /// Bytes of the list. O(1). In C: `lpBytes`.
    #[inline]
    pub fn byte_len(&self) -> usize {
        self.0.len()
    }

    /// How many entries there are. O(1) up to 65,534 entries; beyond that they are counted: O(n).
    /// In C: `lpLength`.
    #[inline]
    pub fn len(&self) -> usize {
        self.known_len().unwrap_or_else(|| self.count_entries())
    }

    #[cold]
    #[inline(never)]
    fn count_entries(&self) -> usize {
        self.iter().count()
    }

    /// The number of entries, if the header tells.
    #[inline]
    pub(crate) fn known_len(&self) -> Option<usize> {
        let &[_, _, _, _, c0, c1, ..] = &self.0 else { return Some(0) }; // a list has seven bytes at least
        let count = u16::from_le_bytes([c0, c1]);
        (count != COUNT_UNKNOWN).then_some(usize::from(count))
    }

    /// Whether there is no entry. O(1).
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.len() <= EMPTY_LEN
    }
}

/// Lists are equal if their bytes are, or if their entries are, one by one. So a list equals itself even if it holds NaN.
impl PartialEq for View {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes() || self.iter().eq(other.iter())
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
