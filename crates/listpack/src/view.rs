//! [`View`]: the bytes of a list at any address, and the methods that do not look at the entries.

use crate::format::{COUNT_UNKNOWN, EMPTY_LEN, HEADER_LEN};
use crate::validate::{Fault, Malformed, validate_frame};
use core::fmt;
use core::num::NonZeroU32;

/// A borrowed list, as `str` is a borrowed string. `&View` is a reference to the bytes of a list, which need
/// no alignment.
///
/// All methods that read a list are here. [`ListPack`](crate::ListPack) and [`Editor`](crate::Editor) deref
/// to `View`. [`View::new`] makes a view of any bytes, without a copy.
///
/// The header and the end byte of a view are valid: there are at least seven bytes, there are as many as the
/// header says, and the last one is the end byte. The bytes between them may have any value. Reading is
/// total: damaged entries are read as other values, or end the walk.
///
/// ```
/// use listpack::{Value, View};
/// let list = View::new(b"\x0C\0\0\0\x02\0\x81a\x02\x07\x01\xFF")?;
/// assert!(list.iter().eq([Value::raw(b"a"), Value::Int(7)]));
/// # Ok::<(), listpack::Malformed>(())
/// ```
#[repr(transparent)]
pub struct View([u8]);

/// The position of an entry, in bytes from the beginning of the list.
///
/// An offset is valid until the list changes in front of it. An offset that is no longer valid, or that
/// belongs to another list, is harmless: it leads to another value, or to none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset(NonZeroU32);

const _: () = assert!(size_of::<Option<Offset>>() == 4);

impl Offset {
    /// Returns the offset of the position `at`, which is not within the header.
    #[inline]
    pub(crate) fn new(at: usize) -> Self {
        debug_assert!(at >= HEADER_LEN);
        // The cast is exact, because no list is longer than 1 GiB. A wrong offset would be harmless.
        Self(NonZeroU32::new(at as u32).unwrap_or(NonZeroU32::MAX))
    }

    #[inline]
    pub(crate) fn at(self) -> usize {
        self.0.get() as usize
    }
}

impl From<Offset> for usize {
    /// Returns the position in [`View::as_bytes`].
    #[inline]
    fn from(offset: Offset) -> Self {
        offset.at()
    }
}

impl View {
    /// Returns the bytes as a list. Checks only the header and the end byte, as
    /// [`Depth::Shallow`](crate::Depth::Shallow) does. O(1).
    ///
    /// # Errors
    /// If the bytes do not begin with the header of a list of this length, or do not end with the end byte.
    #[inline]
    pub fn new(bytes: &[u8]) -> Result<&Self, Malformed> {
        validate_frame(bytes)?;
        Ok(Self::of(bytes))
    }

    /// Returns the list at the start of the bytes, and the bytes after it. The header says where the list
    /// ends. Checks what [`new`](Self::new) checks. O(1).
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
        let (list, rest) = parts.ok_or(Malformed::new(0, Fault::ByteLen))?;
        Ok((Self::new(list)?, rest))
    }

    /// Returns the bytes as a list without checks. The caller guarantees that the header and the end byte are
    /// valid.
    #[inline]
    pub(crate) fn of(bytes: &[u8]) -> &Self {
        // SAFETY: `View` is a transparent wrapper of `[u8]`, so the cast keeps address and length. No unsafe
        // code relies on the contents of the bytes.
        unsafe { &*(core::ptr::from_ref(bytes) as *const Self) }
    }

    /// Returns the bytes of the list in antirez' format, with the header and the end byte. A dump contains
    /// these bytes. O(1).
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the header and the entries, without the end byte.
    #[inline]
    pub(crate) fn body(&self) -> &[u8] {
        match &self.0 {
            [body @ .., _end] => body,
            [] => &[], // not reached by a valid list, which has at least seven bytes
        }
    }

    /// Returns the number of bytes of the list. O(1). In C: `lpBytes`.
    #[inline]
    pub fn byte_len(&self) -> usize {
        self.0.len()
    }

    /// Returns the number of entries. O(1) up to 65,534 entries. With more entries, the list is walked, in
    /// O(n). In C: `lpLength`.
    #[inline]
    pub fn len(&self) -> usize {
        self.known_len().unwrap_or_else(|| self.count_entries())
    }

    #[cold]
    #[inline(never)]
    fn count_entries(&self) -> usize {
        self.iter().count()
    }

    /// Returns the number of entries, if the header contains it.
    #[inline]
    pub(crate) fn known_len(&self) -> Option<usize> {
        let &[_, _, _, _, c0, c1, ..] = &self.0 else { return Some(0) }; // not reached by a valid list
        let count = u16::from_le_bytes([c0, c1]);
        (count != COUNT_UNKNOWN).then_some(usize::from(count))
    }

    /// Returns whether the list has no entries. O(1).
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.len() <= EMPTY_LEN
    }
}

/// Two lists are equal if they have the same bytes, or the same entries in the same order. So a list equals
/// itself even if it contains a NaN.
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
