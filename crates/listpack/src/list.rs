//! [`ListPack`]: a list with a block of its own, or in a room of a caller's.

use crate::editor::Editor;
use crate::format::{BYTE_LEN_MAX, HEADER_LEN};
use crate::place::Place;
use crate::storage::Storage;
use crate::validate::{Depth, FromBytesError, Malformed, validate};
use crate::value::Value;
use crate::view::View;
use crate::walk::Iter;
use common::{NoRoom, ReserveError, Room};
use core::borrow::Borrow;
use core::fmt;
use core::ops::Deref;
use core::ptr::NonNull;
use zmalloc::or_oom;

/// A packed list: strings and integers, one behind the other, in one block. See the [crate's page](crate).
///
/// One pointer wide, and so is `Option<ListPack>`. An empty list owns no block. What reads is on [`View`].
///
/// `R` is the type of the [`Room`] in which a list may lie. Without it, as in `ListPack`, a list always has a block of its own. A
/// `ListPack<R>` is either: a list that a room of the caller's holds ([`in_room`](Self::in_room)), or a list with its own block
/// ([`into_any`](ListPack::into_any)). All operations are the same for both. Only a list that is known to have its own block can be
/// created, split, merged and moved.
#[repr(transparent)]
pub struct ListPack<R = NoRoom> {
    pub(crate) editor: Editor<Place<R>>,
}

const _: () = assert!(size_of::<Option<ListPack>>() == size_of::<usize>());

impl<R: Room> ListPack<R> {
    /// The list that the room holds, changed there. Only header and end are checked, as by [`View::new`]. O(1).
    ///
    /// ```
    /// use listpack::ListPack;
    /// let mut entry = testing::Entry::new(b"8 bytes:", ListPack::new().as_bytes(), b"key", 40);
    /// let mut list = ListPack::in_room(&mut entry).map_err(|(fault, _room)| fault)?;
    /// list.try_extend(["one", "2"])?;
    /// let room = list.into_own().unwrap_err(); // it has no block of its own
    /// assert_eq!(room.block().len(), 8 + 7 + 5 + 2 + 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the room's bytes are not valid. The error has the room.
    pub fn in_room(room: R) -> Result<Self, (Malformed, R)> {
        match View::new(room.bytes()) {
            Ok(_) => Ok(Self { editor: Editor { buffer: Place::Room(room) } }),
            Err(fault) => Err((fault, room)),
        }
    }

    /// The list, if it has a block of its own, else its room. O(1).
    #[inline]
    pub fn into_own(self) -> Result<ListPack, R> {
        match self.editor.buffer {
            Place::Own(storage) => Ok(ListPack::of(storage)),
            Place::Room(room) => Err(room),
        }
    }

    /// Lets `f` change a list that has a block of its own, and returns what `f` returned. `None` if the list lies in a room. If
    /// `f` panics, the list is empty.
    pub fn with_own<T>(&mut self, f: impl FnOnce(&mut ListPack) -> T) -> Option<T> {
        let Place::Own(storage) = &mut self.editor.buffer else { return None };
        let mut list = ListPack::of(core::mem::replace(storage, Storage::new()));
        let result = f(&mut list);
        self.editor.buffer = list.into_any().editor.buffer;
        Some(result)
    }

    /// Puts `other` in the place of the list. A list with a block of its own takes the block of `other`, in O(1). A room gets the
    /// bytes, O(n), and is asked for more or fewer of them at most once.
    ///
    /// # Errors
    /// If the room has no place for the bytes; the list is then as it was.
    pub fn try_assign(&mut self, other: ListPack) -> Result<(), ReserveError> {
        match &self.editor.buffer {
            Place::Own(_) => self.editor.buffer = other.into_any().editor.buffer,
            Place::Room(_) => self.editor.try_assign(&other)?,
        }
        Ok(())
    }

    /// Removes all entries. A list with a block of its own gives the block back. O(1), but for what a room does with the bytes.
    pub fn clear(&mut self) {
        self.editor.clear();
    }
}

impl ListPack {
    /// An empty list. Allocates nothing. In C: `lpNew`.
    #[inline]
    pub const fn new() -> Self {
        Self::of(Storage::new())
    }

    const fn of(storage: Storage) -> Self {
        Self { editor: Editor { buffer: Place::Own(storage) } }
    }

    /// The same list, which keeps its own block, as one of a type whose lists may lie in a room. O(1).
    #[inline]
    pub fn into_any<R: Room>(self) -> ListPack<R> {
        let Place::Own(storage) = self.editor.buffer;
        ListPack { editor: Editor { buffer: Place::Own(storage) } }
    }

    /// A list from its bytes, header and end included, every entry checked. A double is accepted. O(n).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        FromBytesError::or_oom(Self::try_from_bytes(bytes, Depth::Deep))
    }

    /// A list from its bytes, of which only header and end are checked. Copying is O(n).
    ///
    /// If the bytes are damaged in between, every operation is sound all the same. It may find fewer entries than
    /// [`len`](View::len) says, or other values.
    pub fn from_bytes_shallow(bytes: &[u8]) -> Result<Self, Malformed> {
        Ok(View::new(bytes)?.to_owned())
    }

    /// A list from its bytes, as closely checked as `depth` says.
    pub fn try_from_bytes(bytes: &[u8], depth: Depth) -> Result<Self, FromBytesError> {
        validate(bytes, depth)?;
        Ok(View::of(bytes).try_to_owned()?)
    }

    /// What the list adds to `used_memory`, in bytes: 0 if it is empty. O(1).
    #[inline]
    pub fn allocation_size(&self) -> usize {
        self.editor.buffer.own().allocation_size()
    }

    /// Moves the list to a block of the size class that it needs, if it has a larger one and there is memory. Removing entries
    /// does so by itself once half of the block is empty. O(n). In C: `lpShrinkToFit`.
    ///
    /// ```
    /// let mut list = listpack::ListPack::new();
    /// list.extend(1_000..1_100);
    /// list.truncate(70);
    /// let roomy = list.allocation_size();
    /// list.shrink_to_fit();
    /// assert!(list.allocation_size() < roomy);
    /// ```
    pub fn shrink_to_fit(&mut self) {
        self.editor.buffer.own_mut().shrink_to_fit();
    }

    /// A copy, or an error if there is no memory. O(n). In C: `lpDup`.
    pub fn try_clone(&self) -> Result<Self, ReserveError> {
        self.try_to_owned()
    }

    /// Removes the entries from `index` on and returns them as a list. The list is empty if there are no such entries. O(n).
    pub fn split_off(&mut self, index: usize) -> Self {
        or_oom(self.try_split_off(index))
    }

    /// [`split_off`](Self::split_off) that returns an error, the list then as it was.
    pub fn try_split_off(&mut self, index: usize) -> Result<Self, ReserveError> {
        let mut tail = Self::new();
        let Some(from) = isize::try_from(index).ok().and_then(|index| self.seek(index)) else {
            return Ok(tail);
        };
        let count = self.iter_from(from).count();
        tail.editor.try_append_bytes(&self.body()[from.at()..], count)?;
        self.editor.drop_tail(from.at(), index);
        self.shrink_to_fit();
        Ok(tail)
    }

    /// Moves the entries of `other` behind those of this list. O(n) for n bytes of `other`. In C: `lpMerge`.
    pub fn merge(&mut self, other: &mut Self) {
        or_oom(self.try_merge(other));
    }

    /// [`merge`](Self::merge) that returns an error, both lists then as they were.
    pub fn try_merge(&mut self, other: &mut Self) -> Result<(), ReserveError> {
        if self.is_empty() {
            core::mem::swap(self, other);
            return Ok(());
        }
        let count = other.known_len().unwrap_or(BYTE_LEN_MAX);
        self.editor.try_append_bytes(&other.body()[HEADER_LEN..], count)?;
        other.clear();
        Ok(())
    }

    /// For defragmentation: asks `moves` about the block, with its address and size in bytes, and moves the list to a new one
    /// if the answer is `true` and there is memory. Returns whether it has moved. O(n) if so.
    pub fn relocate(&mut self, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> bool {
        self.editor.buffer.own_mut().relocate(moves)
    }
}

impl View {
    /// A list of its own with the same bytes, or an error if there is no memory. O(n).
    ///
    /// ```
    /// let list = listpack::View::new(b"\x09\0\0\0\x01\0\x05\x01\xFF")?.try_to_owned()?;
    /// assert_eq!((list.len(), list.byte_len()), (1, 9));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_to_owned(&self) -> Result<ListPack, ReserveError> {
        Storage::try_from_bytes(self.as_bytes()).map(ListPack::of)
    }
}

impl ToOwned for View {
    type Owned = ListPack;

    /// [`View::try_to_owned`], with the OOM handler in place of an error.
    fn to_owned(&self) -> ListPack {
        or_oom(self.try_to_owned())
    }
}

impl Borrow<View> for ListPack {
    fn borrow(&self) -> &View {
        self
    }
}

impl<R: Room> Deref for ListPack<R> {
    type Target = View;

    #[inline]
    fn deref(&self) -> &View {
        &self.editor
    }
}

impl Default for ListPack {
    fn default() -> Self {
        Self::new()
    }
}

impl Clone for ListPack {
    /// [`ListPack::try_clone`], with the OOM handler in place of an error.
    fn clone(&self) -> Self {
        or_oom(self.try_clone())
    }
}

/// Lists are equal if their entries are, one by one.
impl<R: Room, S: Room> PartialEq<ListPack<S>> for ListPack<R> {
    fn eq(&self, other: &ListPack<S>) -> bool {
        **self == **other
    }
}

impl<R: Room> fmt::Debug for ListPack<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<'a, R: Room> IntoIterator for &'a ListPack<R> {
    type Item = Value<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}
