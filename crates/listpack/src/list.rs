//! [`ListPack`]: a list in its own block, or in a caller's [`Room`].

use crate::backing::Backing;
use crate::editor::Editor;
use crate::format::{BYTE_LEN_MAX, HEADER_LEN};
use crate::iter::Iter;
use crate::storage::Storage;
use crate::validate::{Depth, FromBytesError, Malformed, validate};
use crate::value::Value;
use crate::view::View;
use common::{NoRoom, ReserveError, Room};
use core::borrow::Borrow;
use core::fmt;
use core::ops::Deref;
use core::ptr::NonNull;
use zmalloc::or_oom;

/// A packed list: strings and integers, one after the other, in one block. See the [crate's page](crate).
///
/// Taught in the chapter `docs/src/packed.md`.
///
/// A `ListPack` is one pointer wide, and so is an `Option<ListPack>`. An empty list owns no block. The
/// methods that read are on [`View`], to which it derefs.
///
/// `R` is the type of the [`Room`] that may hold the list. The default, [`NoRoom`], means that the list
/// always has its own block. A `ListPack<R>` either lies in a caller's room ([`in_room`](Self::in_room)) or
/// has its own block ([`into_room_type`](ListPack::into_room_type)). Its methods do the same in both cases.
/// The methods that create, clone, split, merge or relocate a list exist only for `ListPack<NoRoom>`.
#[repr(transparent)]
pub struct ListPack<R = NoRoom> {
    pub(crate) editor: Editor<Backing<R>>,
}

const _: () = assert!(size_of::<Option<ListPack>>() == size_of::<usize>());

impl<R: Room> ListPack<R> {
    /// Returns the list that the room holds. Changes are made there. Checks only the header and the end byte,
    /// as [`View::new`] does. O(1).
    ///
    /// ```
    /// use listpack::ListPack;
    /// let mut entry = testing::Entry::new(b"8 bytes:", ListPack::new().as_bytes(), b"key", 40);
    /// let mut list = ListPack::in_room(&mut entry).map_err(|(fault, _room)| fault)?;
    /// list.try_extend(["one", "2"])?;
    /// let room = list.into_own().unwrap_err(); // the list does not have its own block
    /// assert_eq!(room.block().len(), 8 + 7 + 5 + 2 + 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the room's bytes are not valid. The error contains the room.
    pub fn in_room(room: R) -> Result<Self, (Malformed, R)> {
        match View::new(room.bytes()) {
            Ok(_) => Ok(Self { editor: Editor { buffer: Backing::Room(room) } }),
            Err(fault) => Err((fault, room)),
        }
    }

    /// Returns the list if it has its own block, and otherwise its room as the error. O(1).
    #[inline]
    pub fn into_own(self) -> Result<ListPack, R> {
        match self.editor.buffer {
            Backing::Own(storage) => Ok(ListPack::of(storage)),
            Backing::Room(room) => Err(room),
        }
    }

    /// Calls `f` with the list if it has its own block, and returns the result. Returns `None` if the list
    /// lies in a room.
    ///
    /// `f` gets a `ListPack` without a room, which has more methods. If `f` panics, the list is empty.
    pub fn with_own<T>(&mut self, f: impl FnOnce(&mut ListPack) -> T) -> Option<T> {
        let Backing::Own(storage) = &mut self.editor.buffer else { return None };
        let mut list = ListPack::of(core::mem::replace(storage, Storage::new()));
        let result = f(&mut list);
        self.editor.buffer = list.into_room_type().editor.buffer;
        Some(result)
    }

    /// Replaces the list by `other`.
    ///
    /// A list with its own block takes the block of `other`, in O(1). A list in a room copies the bytes of
    /// `other`, in O(n), and resizes the room at most once.
    ///
    /// # Errors
    /// If the room has no memory for the bytes. The list is then unchanged.
    pub fn try_assign(&mut self, other: ListPack) -> Result<(), ReserveError> {
        match &self.editor.buffer {
            Backing::Own(_) => self.editor.buffer = other.into_room_type().editor.buffer,
            Backing::Room(_) => self.editor.try_assign(&other)?,
        }
        Ok(())
    }

    /// Removes all entries. A list with its own block frees it. O(1), plus the time that a room takes to
    /// remove the bytes.
    pub fn clear(&mut self) {
        self.editor.clear();
    }
}

impl ListPack {
    /// Creates an empty list. Does not allocate. In C: `lpNew`.
    #[inline]
    pub const fn new() -> Self {
        Self::of(Storage::new())
    }

    const fn of(storage: Storage) -> Self {
        Self { editor: Editor { buffer: Backing::Own(storage) } }
    }

    /// Converts the list to a type whose lists may lie in a room. The list keeps its own block. O(1).
    #[inline]
    pub fn into_room_type<R: Room>(self) -> ListPack<R> {
        let Backing::Own(storage) = self.editor.buffer;
        ListPack { editor: Editor { buffer: Backing::Own(storage) } }
    }

    /// Copies a list from its bytes, with the header and the end byte. Checks every entry. Accepts doubles.
    /// O(n).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        FromBytesError::or_oom(Self::try_from_bytes(bytes, Depth::Deep))
    }

    /// Copies a list from its bytes. Checks only the header and the end byte. The check takes O(1), and the
    /// copy O(n).
    ///
    /// Every operation is sound even if the entries are damaged. It may then find fewer entries than
    /// [`len`](View::len) returns, or other values.
    pub fn from_bytes_shallow(bytes: &[u8]) -> Result<Self, Malformed> {
        Ok(View::new(bytes)?.to_owned())
    }

    /// Copies a list from its bytes. `depth` says what is checked.
    pub fn try_from_bytes(bytes: &[u8], depth: Depth) -> Result<Self, FromBytesError> {
        validate(bytes, depth)?;
        Ok(View::of(bytes).try_to_owned()?)
    }

    /// Returns how many bytes the list adds to `used_memory`. This is 0 if the list is empty. O(1).
    #[inline]
    pub fn allocation_size(&self) -> usize {
        self.editor.buffer.own().allocation_size()
    }

    /// Moves the list to a block of the size class that it needs, if its block is larger and there is memory.
    /// O(n). In C: `lpShrinkToFit`.
    ///
    /// Operations that remove entries do this themselves once half of the block is free.
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

    /// Copies the list. Returns an error if there is no memory. O(n). In C: `lpDup`.
    pub fn try_clone(&self) -> Result<Self, ReserveError> {
        self.try_to_owned()
    }

    /// Removes the entries from `index` on, and returns them as a list. That list is empty if there are no
    /// such entries. O(n).
    pub fn split_off(&mut self, index: usize) -> Self {
        or_oom(self.try_split_off(index))
    }

    /// Like [`split_off`](Self::split_off), but returns an error if there is no memory, and leaves the list
    /// unchanged.
    pub fn try_split_off(&mut self, index: usize) -> Result<Self, ReserveError> {
        let mut tail = Self::new();
        let Some(from) = isize::try_from(index).ok().and_then(|index| self.seek(index)) else {
            return Ok(tail);
        };
        let count = self.iter_from(from).count();
        tail.editor.try_append_bytes(&self.body()[from.at()..], count)?;
        self.editor.truncate_at(from.at(), index);
        self.shrink_to_fit();
        Ok(tail)
    }

    /// Moves all entries of `other` to the end of this list. O(n) for n bytes of `other`. In C: `lpMerge`.
    pub fn merge(&mut self, other: &mut Self) {
        or_oom(self.try_merge(other));
    }

    /// Like [`merge`](Self::merge), but returns an error if there is no memory, and leaves both lists
    /// unchanged.
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

    /// Moves the list to a new block if `moves` returns `true` for its block. Returns whether the block has
    /// moved. O(n).
    ///
    /// A defragmenter calls this. `moves` gets the address of the block and its size in bytes. The block does
    /// not move if there is no memory.
    pub fn relocate(&mut self, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> bool {
        self.editor.buffer.own_mut().relocate(moves)
    }
}

impl View {
    /// Copies the list to a [`ListPack`] with its own block. Returns an error if there is no memory. O(n).
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

    /// Like [`View::try_to_owned`], but calls the OOM handler if there is no memory.
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
    /// Like [`ListPack::try_clone`], but calls the OOM handler if there is no memory.
    fn clone(&self) -> Self {
        or_oom(self.try_clone())
    }
}

/// Two lists are equal if they have the same entries in the same order.
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
