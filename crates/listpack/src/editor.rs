//! [`Editor`]: a list that is changed where it is.

use crate::buffer::Buffer;
use crate::validate::Malformed;
use crate::view::View;
use common::Room;
use core::fmt;
use core::ops::Deref;

/// A list in a block of the caller's, changed where it is. `R` is a [`Room`], which is a `Buffer` in the
/// signatures below. Reading goes through the [`View`] that the editor lends.
///
/// Each operation asks the room for more or fewer bytes at most once, or twice if an iterator yields fewer values than its clone
/// did. An operation that fails leaves the list as it was. A list
/// without entries keeps its seven bytes. A [`ListPack`](crate::ListPack) is changed by the same code.
///
/// ```
/// use listpack::{Editor, ListPack, ReserveError, Value, View};
///
/// // An entry of a table: eight bytes, a list, and a key behind it. It can be 40 bytes long.
/// let mut entry = testing::Entry::new(b"8 bytes:", ListPack::new().as_bytes(), b"key", 40);
///
/// let mut list = Editor::new(&mut entry)?;
/// list.try_extend(["field", "12", "other"])?;
/// list.try_replace(list.first().unwrap(), "name")?;
/// assert!(list.iter().eq(["name", "12", "other"].map(Value::from)));
///
/// let refused = list.try_push_back("as long as the block");
/// assert!(matches!(refused, Err(ReserveError::OutOfMemory { .. })));
/// assert_eq!(list.len(), 3);
///
/// // The rest of the block is as it was, and the list is found between.
/// let block = entry.block();
/// let (list, key) = View::from_prefix(&block[8..])?;
/// assert_eq!((&block[..8], list.len(), key), (&b"8 bytes:"[..], 3, &b"key"[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[repr(transparent)]
pub struct Editor<R> {
    pub(crate) buffer: R,
}

impl<R: Room> Editor<R> {
    /// An editor of the list that the room holds. Only header and end are checked, as by [`View::new`]. O(1).
    ///
    /// # Errors
    /// If the room's bytes are not valid. An error drops the room, unless `room` is a `&mut R`.
    pub fn new(room: R) -> Result<Self, Malformed> {
        View::new(room.bytes())?;
        Ok(Self { buffer: room })
    }

    /// The room.
    #[inline]
    pub fn into_room(self) -> R {
        self.buffer
    }
}

impl<B: Buffer> Deref for Editor<B> {
    type Target = View;

    #[inline]
    fn deref(&self) -> &View {
        View::of(self.buffer.bytes())
    }
}

impl<B: Buffer> fmt::Debug for Editor<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
