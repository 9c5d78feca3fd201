//! [`Collection`]: what lists, sets, sorted sets and hashes have in common.
//!
//! A collection is an enum of its encodings, each one pointer wide: 16 bytes. A store that keeps the encoding elsewhere, in a
//! header or an entry of its own, keeps the pointer alone, as a *word*. So a value is reached in several ways:
//!
//! ```text
//!  owned      Hash              enum { ListPack(pointer), HashTable(pointer) }
//!  borrowed   HashView<'a>      from a Hash; from an encoding and a word; or from the bytes of a packed value,
//!                               wherever they lie
//!  in a room  Hash<R>           a packed value in a block of the caller's, which implements `Room`, or an owned value
//! ```
//!
//! Reading is the same for all of them, and what a view lends lives as long as the value, not as long as the view. Writing is the
//! same for an owned value and for one in a room.

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
    /// What `TYPE` says of it.
    const TYPE: ObjectType;

    /// Nothing in it, and nothing allocated.
    const EMPTY: Self;

    /// The collection to be read, borrowed from wherever it lies.
    type View<'a>: CollectionView<Owned = Self>;

    /// The collection to be read. Constant time.
    fn view(&self) -> Self::View<'_>;

    /// The collection that an encoding and a word stand for, to be read. Constant time.
    ///
    /// # Safety
    /// The two came from [`into_raw`](Self::into_raw) of the same type together. They have not been taken back, and are not
    /// taken back while the view, or anything that it lent, is in use.
    unsafe fn view_of_raw(encoding: Encoding, word: &NonNull<u8>) -> Self::View<'_>;

    /// The collection that the bytes of a packed value are, to be read where they lie. Header and end of the bytes are checked,
    /// in constant time. Entries that are damaged read as other ones, or end the value early, and a damaged count makes `len` wrong.
    ///
    /// # Errors
    /// [`Error::Malformed`]; [`Error::NotPacked`] for an encoding that is not a packed one of this type.
    fn view_of_packed(encoding: Encoding, bytes: &[u8]) -> Result<Self::View<'_>, Error>;

    /// The bytes of the value, if it is packed into one block: those of a listpack or an intset. Constant time.
    fn as_packed(&self) -> Option<&[u8]>;

    /// The same collection when its packed encodings may lie in a room of the type `R`: `Hash<R>` for [`Hash`](struct@crate::Hash). All that reads
    /// and writes the collection reads and writes this one. It is either a packed value in a room, or an owned collection.
    ///
    /// A write that fits the encoding changes the bytes in the room, and asks the room at most once or twice for more or fewer of
    /// them. A write that changes the encoding makes a structure of its own beside the room, and drops the room, whose bytes stay as
    /// they were. A write that fails leaves collection and room as they were.
    ///
    /// ```
    /// use values::{Collection, Edited, Encoding, EncodingLimits, Hash, Room};
    ///
    /// /// Lets `edit` change the collection in the room, and returns what takes the place of the room, if anything.
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
    /// // A value that is too long for a listpack: the hash leaves its room.
    /// let long = [b'x'; 65];
    /// let (is_new, own) = edit::<Hash, _>(packed, &mut entry, |hash| hash.try_insert("field", &long, &limits))?;
    /// let own = own.unwrap();
    /// assert_eq!((is_new, own.encoding(), own.len()), (Ok(false), Encoding::HashTable, 1));
    /// # Ok::<(), values::Error>(())
    /// ```
    type In<R: Room>;

    /// The packed value of that encoding that the room holds, to be changed there. The bytes are checked as by
    /// [`view_of_packed`](Self::view_of_packed), in constant time.
    ///
    /// # Errors
    /// [`Error::Malformed`]; [`Error::NotPacked`] for an encoding that is not a packed one of this type. The error has the room.
    fn in_room<R: Room>(encoding: Encoding, room: R) -> Result<Self::In<R>, (Error, R)>;

    /// The owned collection, as one of the type whose collections may lie in a room. Constant time.
    fn into_in<R: Room>(self) -> Self::In<R>;

    /// The collection to be read, wherever it lies: whether it is empty, for example. Constant time.
    fn view_in<R: Room>(value: &Self::In<R>) -> Self::View<'_>;

    /// Says where the collection lies after it was changed: in its room still, then in the encoding that it had, or in blocks of its
    /// own. Constant time.
    fn from_in<R: Room>(value: Self::In<R>) -> Edited<Self, R>;

    /// A collection from the bytes of a packed value, every entry of which is checked. O(bytes).
    ///
    /// # Errors
    /// [`Error::Malformed`]; [`Error::NotPacked`] for an encoding that is not a packed one of this type; [`Error::Reserve`].
    fn try_from_packed(encoding: Encoding, bytes: &[u8]) -> Result<Self, Error>;

    /// Checks every entry of the bytes of a packed value, and what the type promises of them, without a copy: what
    /// [`try_from_packed`](Self::try_from_packed) checks. A caller that adopts the bytes compares the shape with its limits. O(bytes).
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
    /// As for [`try_from_packed`](Self::try_from_packed).
    fn check_packed(encoding: Encoding, bytes: &[u8]) -> Result<PackedShape, Error>;

    /// How it is stored now. In C: `OBJECT ENCODING`.
    fn encoding(&self) -> Encoding;

    /// How many elements there are: members, fields, or elements of a list.
    fn len(&self) -> usize;

    /// Whether there is no element. A store deletes the key of such a value.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the value adds to [`zmalloc::used_memory`], in bytes, exactly. Constant time. In C: part of `objectComputeSize`.
    fn allocation_size(&self) -> usize;

    /// About how many blocks dropping it frees. Constant time, or O(nodes / 128) for a quicklist. In C: `lazyfreeGetFreeEffort`.
    fn free_effort(&self) -> usize;

    /// Starts to drop the collection little by little: does about `n` pieces of work, of which freeing an element is one, and gives back
    /// what is left, `None` when nothing is. O(n), whatever the length, and now and then a step of table memory, 256 KiB. A list frees
    /// `n` nodes, each with many elements, and a sorted set whole leaves. What is one block goes at once. In C: what `UNLINK` leaves to another thread.
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

    /// Moves blocks for which `moves` says so (it is told address and size in bytes), as far as memory allows, and a bounded part of
    /// them a call: some tens of blocks. Starts with [`Cursor::START`] and returns where to go on, `START` at the end. Writes in
    /// between are allowed.
    ///
    /// A block that `moves` was asked about, and that it let lie, is live when the call returns. So a caller may note blocks in one call,
    /// ask about all of them at once, and move them in another call at the same cursor.
    fn relocate(&mut self, cursor: Cursor, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> Cursor;

    /// A copy that shares nothing. In C: `setTypeDup` and its neighbours. O(elements).
    fn try_clone(&self) -> Result<Self, ReserveError>;

    /// Gives up the collection for its encoding and a word, for a store that keeps the two in an entry of its own. The value
    /// leaks unless it is taken back. The word keeps a pointer's provenance, but all its bits count, the lowest too: it is not to be
    /// dereferenced, and has no room for a tag.
    #[must_use = "the value leaks unless it is taken back"]
    fn into_raw(self) -> (Encoding, NonNull<u8>);

    /// [`allocation_size`](Self::allocation_size) of the collection that an encoding and a word stand for.
    ///
    /// # Safety
    /// As for [`view_of_raw`](Self::view_of_raw), for the time of the call.
    unsafe fn allocation_size_of_raw(encoding: Encoding, word: &NonNull<u8>) -> usize;

    /// [`free_effort`](Self::free_effort) of the collection that an encoding and a word stand for.
    ///
    /// # Safety
    /// As for [`view_of_raw`](Self::view_of_raw), for the time of the call.
    unsafe fn free_effort_of_raw(encoding: Encoding, word: &NonNull<u8>) -> usize;

    /// Takes back what [`into_raw`](Self::into_raw) gave.
    ///
    /// # Safety
    /// The two came from `into_raw` of the same type together, and are taken back once.
    unsafe fn from_raw(encoding: Encoding, word: NonNull<u8>) -> Self;
}

/// Where a collection lies that may have been changed in a room: what [`Collection::from_in`] answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edited<C, R> {
    /// It is a packed value in the room, in the encoding that it had.
    InRoom(R),
    /// It has blocks of its own, in any encoding, and the bytes in the room are no longer the value.
    Own(C),
}

/// A collection to be read. See [`Collection::View`].
pub trait CollectionView: Copy + PartialEq + fmt::Debug + Send + Sync + sealed::Sealed {
    /// The type of the collection.
    type Owned: Collection;

    /// How it is stored now. In C: `OBJECT ENCODING`.
    fn encoding(self) -> Encoding;

    /// How many elements there are: members, fields, or elements of a list.
    fn len(self) -> usize;

    /// Whether there is no element.
    fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// A copy that shares nothing. O(elements). Damaged entries of foreign bytes are copied as they are: see
    /// [`Collection::try_from_packed`].
    fn try_to_owned(self) -> Result<Self::Owned, ReserveError>;
}

/// Checks what the compiler can check of a [`Handle`]'s contract: size, alignment, and that there is a value that it cannot have.
const fn assert_is_word<T: Handle>() {
    assert!(size_of::<T>() == size_of::<usize>() && size_of::<Option<T>>() == size_of::<usize>());
    assert!(align_of::<T>() == align_of::<usize>());
}

/// An encoding's handle as a word.
pub(crate) fn into_word<T: Handle>(handle: T) -> NonNull<u8> {
    const { assert_is_word::<T>() };
    // SAFETY: a handle is one pointer that is not null, and nothing else, by the contract of the trait.
    unsafe { core::mem::transmute_copy(&ManuallyDrop::new(handle)) }
}

/// The handle that a word stands for.
///
/// # Safety
/// [`into_word`] of the same type gave the word, and it is taken back once.
pub(crate) unsafe fn from_word<T: Handle>(word: NonNull<u8>) -> T {
    const { assert_is_word::<T>() };
    // SAFETY: by contract, the word's bytes are those of a handle of this type, whose only owner is the word.
    unsafe { core::mem::transmute_copy(&word) }
}

/// The handle that a word stands for, borrowed where the word lies.
///
/// # Safety
/// [`into_word`] of the same type gave the word. It has not been taken back, and is not taken back while the reference, or
/// anything that it lent, is in use.
pub(crate) unsafe fn word_as_ref<T: Handle>(word: &NonNull<u8>) -> &T {
    const { assert_is_word::<T>() };
    // SAFETY: by contract, the bytes of the word are those of the handle, which is as large and aligned as much.
    unsafe { NonNull::from(word).cast().as_ref() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EncodingLimits, Hash, List, Set, ZSet};

    /// Lets a collection go out as a word and come back, and returns whether the word was odd.
    fn there_and_back<C: Collection>(collection: &mut C) -> bool {
        let bytes = collection.allocation_size();
        let (encoding, word) = core::mem::replace(collection, C::EMPTY).into_raw();
        // SAFETY: the two of just now, taken back once.
        *collection = unsafe { C::from_raw(encoding, word) };
        assert_eq!((collection.encoding(), collection.allocation_size()), (encoding, bytes));
        word.addr().get() % 2 == 1
    }

    /// The block of a listpack that has become shorter is larger than its length tells, and its word's lowest bit says so.
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
        let even = [there_and_back(&mut list), there_and_back(&mut hash)];
        assert_eq!(even, [false; 2]);
        for name in &names[..2] {
            list.pop_front(&limits);
            assert!(set.remove(*name) && hash.remove(*name) && zset.remove(*name) == Some(0.1));
        }
        let odd = [
            there_and_back(&mut list),
            there_and_back(&mut set),
            there_and_back(&mut hash),
            there_and_back(&mut zset),
        ];
        assert!(odd.contains(&true));
        assert!(names[2..].iter().all(|name| set.contains(*name) && zset.contains(*name)));
    }
}
