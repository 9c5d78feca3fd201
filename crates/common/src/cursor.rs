//! [`Cursor`]: where a walk goes on.

/// The position of a walk that is made in steps, such as a scan or a defragmentation. A walk starts at, and ends with,
/// [`Cursor::START`]. In between it is opaque, and valid for any state of the same structure.
///
/// ```
/// use common::Cursor;
/// assert_eq!(u64::from(Cursor::START), 0);
/// assert_eq!(Cursor::from(0), Cursor::default());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Cursor(u64);

impl Cursor {
    /// Nothing has been visited yet. A walk returns this when everything has been.
    pub const START: Self = Self(0);

    /// Whether this is [`START`](Self::START).
    #[inline]
    pub const fn is_start(self) -> bool {
        self.0 == 0
    }
}

impl From<u64> for Cursor {
    /// Restores a cursor from its number. Any number is accepted.
    #[inline]
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl From<Cursor> for u64 {
    #[inline]
    fn from(cursor: Cursor) -> Self {
        cursor.0
    }
}
