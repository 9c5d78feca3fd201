//! [`Collection`]: what lists, sets, sorted sets and hashes have in common.
//!
//! A collection is an enum of its encodings, each of which is one pointer wide, so it takes 16 bytes. A
//! store may keep the encoding elsewhere, in a header or an entry of its own. It then keeps only the
//! pointer, as a *word*. So a value may be in several places:
//!
//! ```text
//!  owned      Hash           enum { ListPack(pointer), HashTable(pointer) }
//!  borrowed   HashView<'a>   from a Hash; from an encoding and a word; or from the bytes of a packed value,
//!                            in any block
//!  in a room  Hash<R>        a packed value in the caller's block, a `Room`, or an owned value
//! ```
//!
//! All of them have the same methods for reading. What a view lends lives as long as the value, which may
//! be longer than the view. An owned value and one in a room have the same methods for writing.

use crate::error::Error;
use crate::handle::Handle;
use crate::packed::PackedShape;
use crate::remains::Remains;
use crate::types::{Encoding, ObjectType};
use common::{Cursor, Room};
use core::fmt;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;
use zmalloc::ReserveError;

pub(crate) mod sealed {
    pub trait Sealed {}
}

/// A list, set, sorted set or hash.
pub trait Collection: Sized + Send + Sync + sealed::Sealed {
    /// The type of the collection, as `TYPE` prints it.
    const TYPE: ObjectType;

    /// An empty collection, which owns no memory.
    const EMPTY: Self;

    /// The view of a collection: a borrowed form with the methods that read.
    type View<'a>: CollectionView<Owned = Self>;

    /// Returns a view of the collection. Constant time.
    fn view(&self) -> Self::View<'_>;

    /// Returns a view of the collection that an encoding and a word stand for. Constant time.
    ///
    /// # Safety
    /// Encoding and word must come from one call of [`into_raw`](Self::into_raw) of the same type. They
    /// must not have been taken back, and must not be taken back while the view, or anything that it lent,
    /// is in use.
    unsafe fn view_of_raw(encoding: Encoding, word: &NonNull<u8>) -> Self::View<'_>;

    /// Returns a view of a packed value, which is read where its bytes are. Constant time.
    ///
    /// Only the header and the end of the bytes are checked. Damaged entries read as other ones, or end the
    /// value early. A damaged count makes `len` wrong.
    ///
    /// # Errors
    /// [`Error::Malformed`], and [`Error::NotPacked`] for an encoding that is not a packed one of this type.
    fn view_of_packed(encoding: Encoding, bytes: &[u8]) -> Result<Self::View<'_>, Error>;

    /// Returns the bytes of the value if it is packed into one block: those of a listpack or an intset.
    /// Constant time.
    fn as_packed(&self) -> Option<&[u8]>;

    /// The same collection, with packed encodings that may be in a room of the type `R`: `Hash<R>` for
    /// [`Hash`](struct@crate::Hash). It has all methods of the collection. Its value is either a packed one
    /// in a room, or an owned collection.
    ///
    /// A write that keeps the encoding changes the bytes in the room, and asks the room at most twice for
    /// more or fewer bytes. A write that changes the encoding makes a structure of its own beside the room.
    /// It then drops the room, whose bytes stay as they were. A write that fails leaves collection and room
    /// as they were.
    ///
    /// ```
    /// use values::{Collection, Edited, Encoding, EncodingLimits, Hash, Room};
    ///
    /// /// Lets `edit` change the collection in the room. Returns the collection that replaces it, if any.
    /// fn edit<C: Collection, T>(
    ///     encoding: Encoding,
    ///     room: &mut impl Room,
    ///     edit: impl FnOnce(&mut C::In<&mut dyn Room>) -> T,
    /// ) -> Result<(T, Option<C>), values::Error> {
    ///     let mut value = C::in_room(encoding, room as &mut dyn Room).map_err(|(error, _room)| error)?;
    ///     let answer = edit(&mut value);
    ///     Ok(match C::from_in(value) {
    ///         Edited::InRoom(_) => (answer, None),
    ///         Edited::Own(value) => (answer, Some(value)),
    ///     })
    /// }
    ///
    /// let limits = EncodingLimits::DEFAULT;
    /// let empty = Hash::new();
    /// let mut entry = testing::Entry::new(b"8 bytes:", empty.as_packed().unwrap(), b"key", 100);
    /// let packed = Encoding::ListPack;
    ///
    /// let (is_new, own) = edit::<Hash, _>(packed, &mut entry, |hash| hash.try_insert("field", "value", &limits))?;
    /// assert_eq!((is_new, own), (Ok(true), None));
    ///
    /// // The value is too long for a listpack, so the hash leaves its room.
    /// let long = [b'x'; 65];
    /// let (is_new, own) = edit::<Hash, _>(packed, &mut entry, |hash| hash.try_insert("field", &long, &limits))?;
    /// let own = own.unwrap();
    /// assert_eq!((is_new, own.encoding(), own.len()), (Ok(false), Encoding::HashTable, 1));
    /// # Ok::<(), values::Error>(())
    /// ```
    type In<R: Room>;

    /// Returns the packed value in a room, for changes in place. The bytes are checked as in
    /// [`view_of_packed`](Self::view_of_packed). Constant time.
    ///
    /// # Errors
    /// [`Error::Malformed`], and [`Error::NotPacked`] for an encoding that is not a packed one of this
    /// type. The room is returned with the error.
    fn in_room<R: Room>(encoding: Encoding, room: R) -> Result<Self::In<R>, (Error, R)>;

    /// Converts an owned collection to the type of collections that may be in a room. Constant time.
    fn into_in<R: Room>(self) -> Self::In<R>;

    /// Returns a view of a collection that may be in a room. Constant time.
    fn view_in<R: Room>(value: &Self::In<R>) -> Self::View<'_>;

    /// Tells where a collection is after changes: still in its room, with the same encoding, or in blocks
    /// of its own. Constant time.
    fn from_in<R: Room>(value: Self::In<R>) -> Edited<Self, R>;

    /// Creates a collection from the bytes of a packed value. Every entry is checked. O(bytes).
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::Reserve`], and [`Error::NotPacked`] for an encoding that is not a
    /// packed one of this type.
    fn try_from_packed(encoding: Encoding, bytes: &[u8]) -> Result<Self, Error>;

    /// Checks the bytes of a packed value as [`try_from_packed`](Self::try_from_packed) does, without a
    /// copy: every entry, and the properties that the type promises. A caller that adopts the bytes
    /// compares the shape with its limits. O(bytes).
    ///
    /// ```
    /// use values::{Collection, Encoding, EncodingLimits, Hash, PackedShape};
    /// let mut hash = Hash::new();
    /// hash.insert("name", "redcore", &EncodingLimits::DEFAULT);
    /// let bytes = hash.as_packed().unwrap();
    /// assert_eq!(Hash::check_packed(Encoding::ListPack, bytes), Ok(PackedShape { len: 1, longest: 7 }));
    /// assert!(Hash::check_packed(Encoding::ListPack, &bytes[1..]).is_err());
    /// ```
    ///
    /// # Errors
    /// The same as for [`try_from_packed`](Self::try_from_packed).
    fn check_packed(encoding: Encoding, bytes: &[u8]) -> Result<PackedShape, Error>;

    /// Returns how the value is stored now. In C: `OBJECT ENCODING`.
    fn encoding(&self) -> Encoding;

    /// Returns the number of elements: members, fields, or elements of a list.
    fn len(&self) -> usize;

    /// Returns whether there are no elements. A store deletes the key of such a value.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the exact number of bytes that the value adds to [`zmalloc::used_memory`]. Constant time. In
    /// C: part of `objectComputeSize`.
    fn allocation_size(&self) -> usize;

    /// Returns about how many blocks dropping the value frees. Constant time, or O(nodes / 128) for a
    /// quicklist. In C: `lazyfreeGetFreeEffort`.
    fn free_effort(&self) -> usize;

    /// Drops a part of the collection and returns the rest, or `None` if nothing is left. In C: the work
    /// that `UNLINK` leaves to another thread.
    ///
    /// A call does about `n` units of work; freeing an element is one. It takes O(n), whatever the length,
    /// and sometimes frees a piece of table memory of 256 KiB. A list frees `n` nodes, each with many
    /// elements. A sorted set frees whole leaves. A value of one block is dropped at once.
    ///
    /// ```
    /// use values::{Collection, EncodingLimits, Set};
    /// let mut set = Set::new();
    /// for n in 0..10_000_i64 {
    ///     set.insert(n.to_string().as_bytes(), &EncodingLimits::DEFAULT);
    /// }
    /// let (mut left, mut steps) = (set.drop_in_steps(100), 1);
    /// while let Some(remains) = left {
    ///     // Requests are served in between.
    ///     (left, steps) = (remains.drop_in_steps(100), steps + 1);
    /// }
    /// assert!(steps > 50);
    /// ```
    #[must_use = "what is left is dropped at once"]
    fn drop_in_steps(self, n: usize) -> Option<Remains>;

    /// Moves the blocks for which `moves` returns `true`, if there is memory. `moves` gets a block's
    /// address and its size in bytes.
    ///
    /// A call handles a bounded part, some tens of blocks. The first call takes [`Cursor::START`]. Each
    /// call returns the cursor for the next one, and the last call returns `START`. Writes between the
    /// calls are allowed.
    ///
    /// A block for which `moves` returned `false` is still live when the call returns. So a caller may note
    /// the blocks in one call, check all of them at once, and move them in another call with the same
    /// cursor.
    fn relocate(&mut self, cursor: Cursor, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> Cursor;

    /// Returns a deep copy. O(elements). In C: `setTypeDup` and similar functions.
    fn try_clone(&self) -> Result<Self, ReserveError>;

    /// Gives up the collection and returns its encoding and a word, for a store that keeps the two in an
    /// entry of its own. The value leaks unless [`from_raw`](Self::from_raw) takes it back.
    ///
    /// The word keeps a pointer's provenance, but must not be dereferenced. All its bits count, even the
    /// lowest, so it has no room for a tag.
    #[must_use = "the value leaks unless it is taken back"]
    fn into_raw(self) -> (Encoding, NonNull<u8>);

    /// Returns the [`allocation_size`](Self::allocation_size) of the collection that an encoding and a word
    /// stand for.
    ///
    /// # Safety
    /// The same as for [`view_of_raw`](Self::view_of_raw), for the time of the call.
    unsafe fn allocation_size_of_raw(encoding: Encoding, word: &NonNull<u8>) -> usize;

    /// Returns the [`free_effort`](Self::free_effort) of the collection that an encoding and a word stand
    /// for.
    ///
    /// # Safety
    /// The same as for [`view_of_raw`](Self::view_of_raw), for the time of the call.
    unsafe fn free_effort_of_raw(encoding: Encoding, word: &NonNull<u8>) -> usize;

    /// Takes back a collection that [`into_raw`](Self::into_raw) gave up.
    ///
    /// # Safety
    /// Encoding and word must come from one call of `into_raw` of the same type, and may be taken back only
    /// once.
    unsafe fn from_raw(encoding: Encoding, word: NonNull<u8>) -> Self;
}

/// The place of a collection after changes in a room. [`Collection::from_in`] returns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edited<C, R> {
    /// The collection is a packed value in the room, with the same encoding.
    InRoom(R),
    /// The collection has blocks of its own, in any encoding. The bytes in the room are no longer its value.
    Own(C),
}

/// A collection that is borrowed for reading. See [`Collection::View`].
pub trait CollectionView: Copy + PartialEq + fmt::Debug + Send + Sync + sealed::Sealed {
    /// The type of the collection.
    type Owned: Collection;

    /// Returns how the value is stored now. In C: `OBJECT ENCODING`.
    fn encoding(self) -> Encoding;

    /// Returns the number of elements: members, fields, or elements of a list.
    fn len(self) -> usize;

    /// Returns whether there are no elements.
    fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Returns a deep copy. O(elements). Damaged entries of foreign bytes are copied as they are.
    /// [`Collection::try_from_packed`] checks them instead.
    fn try_to_owned(self) -> Result<Self::Owned, ReserveError>;
}

/// Checks the part of a [`Handle`]'s contract that the compiler can check: size, alignment, and that there
/// is a bit pattern that it cannot have.
const fn assert_is_word<T: Handle>() {
    assert!(size_of::<T>() == size_of::<usize>() && size_of::<Option<T>>() == size_of::<usize>());
    assert!(align_of::<T>() == align_of::<usize>());
}

/// Converts an encoding's handle to a word.
pub(crate) fn into_word<T: Handle>(handle: T) -> NonNull<u8> {
    const { assert_is_word::<T>() };
    // SAFETY: a handle is one pointer that is not null, and nothing else (contract of the trait).
    unsafe { core::mem::transmute_copy(&ManuallyDrop::new(handle)) }
}

/// Converts a word back to the handle.
///
/// # Safety
/// The word must come from [`into_word`] of the same type, and may be taken back only once.
pub(crate) unsafe fn from_word<T: Handle>(word: NonNull<u8>) -> T {
    const { assert_is_word::<T>() };
    // SAFETY: the caller guarantees that the word's bytes are those of a handle of this type, which only
    // the word owns.
    unsafe { core::mem::transmute_copy(&word) }
}

/// Borrows the handle that a word stands for. The word stays where it is.
///
/// # Safety
/// The word must come from [`into_word`] of the same type. It must not have been taken back, and must not
/// be taken back while the reference, or anything that it lent, is in use.
pub(crate) unsafe fn word_as_ref<T: Handle>(word: &NonNull<u8>) -> &T {
    const { assert_is_word::<T>() };
    // SAFETY: the caller guarantees that the word's bytes are those of a handle. Size and alignment are the
    // same.
    unsafe { NonNull::from(word).cast().as_ref() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EncodingLimits, Hash, List, Set, ZSet};

    /// Converts a collection to a word and back. Returns whether the word was odd.
    fn round_trip<C: Collection>(collection: &mut C) -> bool {
        let bytes = collection.allocation_size();
        let (encoding, word) = core::mem::replace(collection, C::EMPTY).into_raw();
        // SAFETY: both come from `into_raw` above, and are taken back once.
        *collection = unsafe { C::from_raw(encoding, word) };
        assert_eq!((collection.encoding(), collection.allocation_size()), (encoding, bytes));
        word.addr().get() % 2 == 1
    }

    /// A listpack that has become shorter has a larger block than its length tells. The lowest bit of its
    /// word says so.
    #[test]
    fn a_word_stands_for_the_collection_with_all_its_bits() {
        let (limits, names) = (EncodingLimits::DEFAULT, ["one", "two", "three", "four", "five", "six"]);
        let (mut list, mut set, mut hash, mut zset) = (List::new(), Set::new(), Hash::new(), ZSet::new());
        for name in names {
            list.push_back(name, &limits);
            set.insert(name, &limits);
            hash.insert(name, name, &limits);
            zset.insert(name, 0.1, &limits).unwrap();
        }
        let even = [round_trip(&mut list), round_trip(&mut hash)];
        assert_eq!(even, [false; 2]);
        for name in &names[..2] {
            list.pop_front(&limits);
            assert!(set.remove(*name) && hash.remove(*name) && zset.remove(*name) == Some(0.1));
        }
        let odd = [round_trip(&mut list), round_trip(&mut set), round_trip(&mut hash), round_trip(&mut zset)];
        assert!(odd.contains(&true));
        assert!(names[2..].iter().all(|name| set.contains(*name) && zset.contains(*name)));
    }
}
