//! [`Editor`]: changes a list in place.

use crate::buffer::Buffer;
use crate::validate::Malformed;
use crate::view::View;
use common::Room;
use core::fmt;
use core::ops::Deref;

/// Changes a list in place, in a block that the caller owns.
///
/// `R` is a [`Room`], which holds the bytes of the list and can resize them. The signatures below say
/// `Buffer`, which every `Room` implements. The editor derefs to [`View`], which has the methods that read.
///
/// Each operation resizes the room at most once, with one exception. Some operations take an iterator, clone
/// it, and add up the sizes of the clone's values first. If the iterator then yields fewer bytes, the room is
/// resized twice.
///
/// An operation that fails leaves the list unchanged. An empty list keeps its seven bytes. The methods of
/// [`ListPack`](crate::ListPack) run the same code.
///
/// ```
/// use listpack::{Editor, ListPack, ReserveError, Value, View};
///
/// // This entry of a table consists of eight bytes, a list and a key. It can grow to 40 bytes.
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
/// // The rest of the block is unchanged, and the list is still between the eight bytes and the key.
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
    /// Returns an editor of the list that the room holds. Checks only the header and the end byte, as
    /// [`View::new`] does. O(1).
    ///
    /// # Errors
    /// If the header or the end byte is not valid. The room is then dropped. Pass a `&mut R` to keep it.
    pub fn new(room: R) -> Result<Self, Malformed> {
        View::new(room.bytes())?;
        Ok(Self { buffer: room })
    }

    /// Returns the room.
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
