//! [`Collection`]: what the types of values have in common besides strings, and how an [`Robj`](crate::Robj) lends its own
//! ([`Ref`], [`RefMut`]).
//!
//! A collection is an enum of its encodings, each one pointer wide: 16 bytes. In an object, the encoding stands in the
//! header's tag and the pointer is the value word. So a view takes the two, makes the enum of them on the stack, and
//! lends that; a view for writing puts both back when it ends, because a write may change encoding and pointer.
//!
//! ```text
//!  header  | type, encoding | lru | refcount | pointer |
//!                   \                           /
//!  view             enum { ListPack(pointer), ... }
//! ```

use crate::header::Header;
use crate::remains::Remains;
use crate::types::{Encoding, ObjectType};
use core::fmt;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;
use zmalloc::ReserveError;

pub(crate) mod sealed {
    pub trait Sealed {}
}

/// A list, set, sorted set or hash: a value that an [`Robj`](crate::Robj) can hold, and that an embedder can hold without one.
pub trait Collection: Sized + Send + Sync + sealed::Sealed {
    /// What `TYPE` says of it.
    const TYPE: ObjectType;

    /// Nothing in it, and nothing allocated.
    const EMPTY: Self;

    /// How it is stored now. In C: `OBJECT ENCODING`.
    fn encoding(&self) -> Encoding;

    /// How many elements there are: members, fields, or elements of a list.
    fn len(&self) -> usize;

    /// Whether there is no element. A store deletes the key of such a value.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What it adds to [`zmalloc::used_memory`], in bytes, exactly. In C: part of `objectComputeSize`.
    fn memory_usage(&self) -> usize;

    /// About how many blocks dropping it frees. In C: `lazyfreeGetFreeEffort`.
    fn free_effort(&self) -> usize;

    /// Starts to drop the collection little by little: does about `n` pieces of work, of which freeing an element is one, and gives back
    /// what is left, `None` when nothing is. O(n), whatever the length, and now and then a step of table memory, 256 KiB. A list frees
    /// whole nodes and a sorted set whole leaves. What is one block goes at once. In C: what `UNLINK` leaves to another thread.
    #[must_use = "what is left is dropped at once"]
    fn drop_in_steps(self, n: usize) -> Option<Remains>;

    /// Moves blocks for which `moves` says so (it is told address and size), as far as memory allows; a bounded part of them a
    /// call. Starts with cursor 0 and answers where to go on, 0 at the end. Writes in between are allowed.
    fn relocate(&mut self, cursor: u64, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> u64;

    /// A copy that shares nothing. In C: `setTypeDup` and its neighbours. O(elements).
    fn try_clone(&self) -> Result<Self, ReserveError>;

    /// Gives up the collection for its encoding and a word, for a keyspace that keeps the two in an entry of its own. The word is
    /// a pointer in its provenance only: all its bits count, the lowest too.
    fn into_raw(self) -> (Encoding, NonNull<u8>);

    /// Takes back what [`into_raw`](Self::into_raw) gave.
    ///
    /// # Safety
    /// The two came from `into_raw` of the same type together, and are taken back once.
    unsafe fn from_raw(encoding: Encoding, pointer: NonNull<u8>) -> Self;
}

/// An encoding's handle as an object's value word.
pub(crate) fn into_word<T>(handle: T) -> NonNull<u8> {
    const {
        assert!(size_of::<T>() == size_of::<usize>() && size_of::<Option<T>>() == size_of::<usize>());
        assert!(align_of::<T>() == align_of::<usize>());
    }
    // SAFETY: as wide as a pointer, and never null: all handles are one pointer.
    unsafe { core::mem::transmute_copy(&ManuallyDrop::new(handle)) }
}

/// The handle that a value word stands for.
///
/// # Safety
/// [`into_word`] of the same type gave the word, and it is taken back once.
pub(crate) unsafe fn from_word<T>(word: NonNull<u8>) -> T {
    const { assert!(size_of::<T>() == size_of::<usize>() && align_of::<T>() == align_of::<usize>()) };
    // SAFETY: by contract.
    unsafe { core::mem::transmute_copy(&word) }
}

/// A collection inside an object, to be read.
pub struct Ref<'a, C: Collection> {
    /// A bitwise copy of what the object owns; never dropped.
    value: ManuallyDrop<C>,
    _object: PhantomData<&'a Header>,
}

impl<'a, C: Collection> Ref<'a, C> {
    /// # Safety
    /// The header's type is `C::TYPE` (so that encoding and value are those of a `C`).
    #[inline]
    pub(crate) unsafe fn new(header: &'a Header) -> Self {
        // SAFETY: encoding and pointer came from `into_raw` (H1). The copy is not dropped, and as long as the header is
        // borrowed the original does not change (H2).
        let value = unsafe { C::from_raw(header.encoding(), header.value.collection) };
        Self { value: ManuallyDrop::new(value), _object: PhantomData }
    }
}

impl<C: Collection> Deref for Ref<'_, C> {
    type Target = C;

    #[inline]
    fn deref(&self) -> &C {
        &self.value
    }
}

impl<C: Collection + fmt::Debug> fmt::Debug for Ref<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// A collection inside an object, to be changed. The object has the changed one when this is dropped; if it never is, the object is
/// empty and the collection is leaked.
pub struct RefMut<'a, C: Collection> {
    value: ManuallyDrop<C>,
    header: &'a mut Header,
}

impl<'a, C: Collection> RefMut<'a, C> {
    /// # Safety
    /// As for [`Ref::new`].
    #[inline]
    pub(crate) unsafe fn new(header: &'a mut Header) -> Self {
        // SAFETY: encoding and pointer came from `into_raw` (H1); they are replaced at once, so that there is one owner.
        let value = unsafe { C::from_raw(header.encoding(), header.value.collection) };
        header.set_collection(C::EMPTY);
        Self { value: ManuallyDrop::new(value), header }
    }
}

impl<C: Collection> Deref for RefMut<'_, C> {
    type Target = C;

    #[inline]
    fn deref(&self) -> &C {
        &self.value
    }
}

impl<C: Collection> DerefMut for RefMut<'_, C> {
    #[inline]
    fn deref_mut(&mut self) -> &mut C {
        &mut self.value
    }
}

impl<C: Collection> Drop for RefMut<'_, C> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: taken once, here; the field is not used again. What the header held meanwhile owns nothing.
        self.header.set_collection(unsafe { ManuallyDrop::take(&mut self.value) });
    }
}

impl<C: Collection + fmt::Debug> fmt::Debug for RefMut<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EncodingLimits, Hash, List, Set, ZSet};

    /// Lets a collection go out as a word and come back, and answers whether the word was odd.
    fn there_and_back<C: Collection>(collection: &mut C) -> bool {
        let bytes = collection.memory_usage();
        let (encoding, word) = core::mem::replace(collection, C::EMPTY).into_raw();
        // SAFETY: the two of just now, taken back once.
        *collection = unsafe { C::from_raw(encoding, word) };
        assert_eq!((collection.encoding(), collection.memory_usage()), (encoding, bytes));
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
