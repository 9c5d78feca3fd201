//! [`Cursor`]: the position of a walk that is made in steps.

/// The position of a walk that is made in steps, such as a scan or a defragmentation.
///
/// A walk starts and ends with [`Cursor::START`]. Any other value is opaque. It is valid for any state of
/// the structure that returned it.
///
/// ```
/// use common::Cursor;
/// assert_eq!(u64::from(Cursor::START), 0);
/// assert_eq!(Cursor::from(0), Cursor::default());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Cursor(u64);

impl Cursor {
    /// The cursor of a walk that has not visited anything. A walk returns it when it has visited everything.
    pub const START: Self = Self(0);

    /// Returns whether this is [`START`](Self::START).
    #[inline]
    pub const fn is_start(self) -> bool {
        self.0 == 0
    }
}

impl From<u64> for Cursor {
    /// Restores a cursor from its number. Every number is accepted.
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
