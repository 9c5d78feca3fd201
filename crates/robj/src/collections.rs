//! Objects that are collections, and operations on objects of any type: their size, the cost of dropping
//! them, and dropping, moving and copying them.

use crate::error::AccessError;
use crate::object::Robj;
use crate::ref_mut::{RefMut, store_collection};
use common::Cursor;
use core::fmt;
use core::ptr::NonNull;
use values::{
    Collection, Encoding, Hash, HashView, List, ListView, Remains, ReserveError, Set, SetView, WrongType,
    ZSet, ZSetView, by_type,
};
use zmalloc::or_oom;

/// Making objects of collections, and the reverse.
impl Robj {
    /// Creates an object around a collection. If there is no memory for its header, returns the collection
    /// with the error. In C: `createObject`, `createSetObject` and similar functions.
    ///
    /// ```
    /// use robj::{ObjectType, Robj};
    /// use values::Set;
    /// let object = Robj::from(Set::new());
    /// assert_eq!(object.object_type(), ObjectType::Set);
    /// ```
    pub fn try_from_collection<C: Collection>(collection: C) -> Result<Self, (ReserveError, C)> {
        Self::try_from_collection_with_lru(collection, 0)
    }

    fn try_from_collection_with_lru<C: Collection>(
        collection: C,
        lru: u32,
    ) -> Result<Self, (ReserveError, C)> {
        match Self::try_int(0, lru) {
            Ok(mut object) => {
                let header = object.header_mut().expect("a new object has one reference");
                store_collection(header, collection);
                Ok(object)
            }
            Err(error) => Err((error, collection)),
        }
    }

    fn check_type<C: Collection>(&self) -> Result<(), WrongType> {
        WrongType::check(C::TYPE, self.object_type())
    }

    /// Returns a view of the collection. What the view lends lives as long as the object is borrowed.
    /// [`as_list`](Self::as_list) and similar methods do the same for one type. Constant time.
    ///
    /// ```
    /// use robj::Robj;
    /// use values::{Element, EncodingLimits, Hash};
    /// fn hget<'a>(o: &'a Robj, f: &[u8]) -> Option<Element<'a>> {
    ///     o.as_hash().ok()?.get(f)
    /// }
    /// let mut hash = Hash::new();
    /// hash.insert("name", "redcore", &EncodingLimits::DEFAULT);
    /// assert_eq!(hget(&Robj::from(hash), b"name"), Some("redcore".into()));
    /// ```
    #[inline]
    pub fn as_collection<C: Collection>(&self) -> Result<C::View<'_>, WrongType> {
        self.check_type::<C>()?;
        // SAFETY: the type was just compared.
        Ok(unsafe { self.header().view::<C>() })
    }

    /// Lends the collection for writing, if this is the only reference.
    #[inline]
    pub fn as_collection_mut<C: Collection>(&mut self) -> Result<RefMut<'_, C>, AccessError> {
        self.check_type::<C>()?;
        let refcount = self.refcount();
        let header = self.header_mut().ok_or(AccessError::Shared { refcount })?;
        // SAFETY: the type was just compared.
        Ok(unsafe { RefMut::new(header) })
    }

    /// Lends the collection for writing. If the object has other references, it is copied first, and they
    /// keep the old value, as in [`make_mut`](Self::make_mut). The copy is O(elements). In C:
    /// `dbUnshareStringValue`, which is for strings.
    pub fn make_collection_mut<C: Collection>(&mut self) -> Result<RefMut<'_, C>, WrongType> {
        match self.try_make_collection_mut() {
            Ok(view) => Ok(view),
            Err(AccessError::WrongType(error)) => Err(error),
            Err(AccessError::Reserve(error)) => or_oom(Err(error)),
            Err(AccessError::Shared { .. }) => unreachable!("it has just been unshared"),
        }
    }

    /// Does the same as [`make_collection_mut`](Self::make_collection_mut), but returns an error if an
    /// allocation fails. The object is then unchanged.
    pub fn try_make_collection_mut<C: Collection>(&mut self) -> Result<RefMut<'_, C>, AccessError> {
        self.check_type::<C>()?;
        self.try_unshare()?;
        self.as_collection_mut()
    }

    /// Takes the collection out of its object, if this is the only reference. Otherwise returns the object
    /// and the reason.
    pub fn into_collection<C: Collection>(mut self) -> Result<C, (AccessError, Self)> {
        let taken = self.as_collection_mut::<C>().map(|mut view| core::mem::replace(&mut *view, C::EMPTY));
        taken.map_err(|error| (error, self))
    }

    /// Makes this the only reference to its value. A deep copy with the same clock takes the place of a
    /// shared integer, and of an object with other references. The copy is O(bytes, or elements).
    pub fn unshare(&mut self) {
        or_oom(self.try_unshare());
    }

    /// Does the same as [`unshare`](Self::unshare), but returns an error if an allocation fails. The object
    /// is then unchanged.
    pub fn try_unshare(&mut self) -> Result<(), ReserveError> {
        if self.refcount() != 1 {
            *self = self.try_duplicate()?;
        }
        Ok(())
    }

    /// Returns another object with a copy of the value, in the same encoding and with the same clock.
    /// O(bytes, or elements). In C: `dupStringObject`, `listTypeDup`, `setTypeDup`, `zsetDup`,
    /// `hashTypeDup`; `COPY`.
    pub fn duplicate(&self) -> Self {
        or_oom(self.try_duplicate())
    }

    /// Does the same as [`duplicate`](Self::duplicate), but returns an error if an allocation fails.
    pub fn try_duplicate(&self) -> Result<Self, ReserveError> {
        let lru = self.header().lru();
        by_type!(self.object_type(), string => self.try_duplicate_string(), C => {
            // SAFETY: the header's type is that of `C`.
            let copy = unsafe { self.header().view::<C>() }.try_to_owned()?;
            Self::try_from_collection_with_lru(copy, lru).map_err(|(error, _)| error)
        })
    }
}

/// The size of objects of any type, and the cost of dropping and moving them.
impl Robj {
    /// Returns the number of bytes that the object adds to [`zmalloc::used_memory`]. Constant time.
    ///
    /// The number is exact. It includes the slack of size classes and every element of a collection;
    /// nothing is sampled. It is 0 for a shared integer. An object with several references has the same
    /// size through each of them. In C: `objectComputeSize`. `MEMORY USAGE` adds key and table.
    ///
    /// ```
    /// let before = zmalloc::used_memory();
    /// let object = robj::Robj::from("The quick brown fox jumps over the lazy dog, twice");
    /// assert_eq!(zmalloc::used_memory() - before, object.allocation_size());
    /// ```
    pub fn allocation_size(&self) -> usize {
        let header = self.header();
        let value = by_type!(self.object_type(), string => match self.encoding() {
            // SAFETY: the encoding tells which member is present (H1).
            Encoding::Raw => unsafe { header.value.raw.allocation_size() },
            _ => 0,
        // SAFETY: the header's type is that of `C`.
        }, C => unsafe { C::allocation_size_of_raw(header.encoding(), &header.value.collection) });
        self.block_allocation_size() + value
    }

    /// Returns how much work it is to drop this reference: one for each block to free, and one for each 4
    /// KiB page of a string. If there are other references, the result is 0. In C: `lazyfreeGetFreeEffort`,
    /// which counts every string as 1.
    ///
    /// With this number a caller decides whether to drop a large value in another thread, or with
    /// [`drop_in_steps`](Self::drop_in_steps).
    ///
    /// Pages count because a large string costs the time to return them to the system. jemalloc does so at
    /// once from 8 MiB on (its `oversize_threshold`), and some time later for smaller blocks.
    pub fn free_effort(&self) -> usize {
        const PAGE: usize = 4096;
        if !self.count().is_unique() {
            return 0;
        }
        let header = self.header();
        1 + by_type!(self.object_type(), string => match self.encoding() {
            // SAFETY: the encoding tells which member is present (H1).
            Encoding::Raw => 1 + unsafe { header.value.raw.allocation_size() } / PAGE,
            _ => 0,
        // SAFETY: the header's type is that of `C`.
        }, C => unsafe { C::free_effort_of_raw(header.encoding(), &header.value.collection) })
    }

    /// Drops this reference. If it is the last one to a collection, drops a part of it and returns the
    /// rest, or `None` if nothing is left ([`Collection::drop_in_steps`]). A call does about `n` units of
    /// work; freeing an element is one. In C: the work that `UNLINK` leaves to another thread.
    ///
    /// Anything else is dropped at once. That includes a string, which is one block of any length.
    /// [`free_effort`](Self::free_effort) tells beforehand how much work it is.
    ///
    /// ```
    /// use robj::Robj;
    /// use values::{EncodingLimits, Set};
    /// let mut set = Set::new();
    /// for n in 0..10_000_i64 {
    ///     set.insert(n.to_string().as_bytes(), &EncodingLimits::DEFAULT);
    /// }
    /// let (mut left, mut steps) = (Robj::from(set).drop_in_steps(100), 1);
    /// while let Some(remains) = left {
    ///     // Requests are served in between.
    ///     (left, steps) = (remains.drop_in_steps(100), steps + 1);
    /// }
    /// assert!(steps > 50);
    /// ```
    #[must_use = "what is left is dropped at once"]
    pub fn drop_in_steps(self, n: usize) -> Option<Remains> {
        by_type!(self.object_type(), string => None, C => {
            // If there are other references, the object lives on, and only this reference is dropped.
            self.into_collection::<C>().ok()?.drop_in_steps(n)
        })
    }

    /// Moves the object's blocks for which `moves` returns `true`. `moves` gets the address and the size of
    /// each block, and can ask `zmalloc::defrag`. In C: `defragKey` and the functions that it calls.
    ///
    /// A call does a bounded part. The first call takes [`Cursor::START`]. Each call returns the cursor for
    /// the next one, and the last call returns `START`. The object's own block is the first to be asked
    /// about; if it moves, the `Robj` points to the new one. An object with other references does not move,
    /// nor does a block for which there is no memory.
    pub fn relocate(&mut self, cursor: Cursor, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> Cursor {
        if !self.count().is_unique() {
            return Cursor::START;
        }
        if cursor.is_start() {
            self.relocate_block(moves);
        }
        by_type!(self.object_type(), string => {
            self.relocate_string(moves);
            Cursor::START
        }, C => self.as_collection_mut::<C>().map_or(Cursor::START, |mut value| value.relocate(cursor, moves)))
    }
}

/// The methods of each type: `as_x`, `as_x_mut`, `make_x_mut`, `try_make_x_mut`, `into_x`, and `From`.
macro_rules! collection_methods {
    ($($C:ident, $View:ident, $as:ident, $as_mut:ident, $make_mut:ident, $try_make_mut:ident, $into:ident, $article:literal;)*) => {
        $(
            impl Robj {
                #[doc = concat!("The object as ", $article, ", to be read. Constant time. In C: a look at `o->type`.")]
                #[inline]
                pub fn $as(&self) -> Result<$View<'_>, WrongType> {
                    self.as_collection::<$C>()
                }

                #[doc = concat!("The object as ", $article, ", to be changed, if this is the only reference. Constant time.")]
                #[inline]
                pub fn $as_mut(&mut self) -> Result<RefMut<'_, $C>, AccessError> {
                    self.as_collection_mut()
                }

                #[doc = concat!("The object as ", $article, ", to be changed. If others hold it too, a copy takes its place here. O(elements) then.")]
                pub fn $make_mut(&mut self) -> Result<RefMut<'_, $C>, WrongType> {
                    self.make_collection_mut()
                }

                #[doc = concat!("[`", stringify!($make_mut), "`](Self::", stringify!($make_mut), ") that returns an error; the object is then as it was.")]
                pub fn $try_make_mut(&mut self) -> Result<RefMut<'_, $C>, AccessError> {
                    self.try_make_collection_mut()
                }

                #[doc = concat!("Takes ", $article, " out of its object, if this is the only reference; else the object comes back.")]
                pub fn $into(self) -> Result<$C, (AccessError, Self)> {
                    self.into_collection()
                }
            }

            impl From<$C> for Robj {
                /// Does the same as [`Robj::try_from_collection`], but calls the OOM handler if the
                /// allocation fails.
                #[inline]
                fn from(collection: $C) -> Self {
                    or_oom(Self::try_from_collection(collection).map_err(|(error, _)| error))
                }
            }
        )*
    };
}

collection_methods! {
    List, ListView, as_list, as_list_mut, make_list_mut, try_make_list_mut, into_list, "a list";
    Set, SetView, as_set, as_set_mut, make_set_mut, try_make_set_mut, into_set, "a set";
    ZSet, ZSetView, as_zset, as_zset_mut, make_zset_mut, try_make_zset_mut, into_zset, "a sorted set";
    Hash, HashView, as_hash, as_hash_mut, make_hash_mut, try_make_hash_mut, into_hash, "a hash";
}

/// Objects are equal if types and values are equal, whatever the encodings. O(bytes, or elements). In C,
/// for strings: `equalStringObjects`.
impl PartialEq for Robj {
    fn eq(&self, other: &Self) -> bool {
        if self.object_type() != other.object_type() {
            return false;
        }
        let (a, b) = (self.header(), other.header());
        // SAFETY: the type of both headers is that of `C`.
        by_type!(self.object_type(), string => a.string() == b.string(), C => unsafe {
            a.view::<C>() == b.view::<C>()
        })
    }
}

impl Eq for Robj {}

impl fmt::Debug for Robj {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Robj");
        out.field("type", &self.object_type())
            .field("encoding", &self.encoding())
            .field("refcount", &self.refcount());
        // SAFETY: the header's type is string, or that of `C`.
        by_type!(self.object_type(), string => out.field("value", &unsafe { self.header().string_unchecked() }), C => unsafe {
            out.field("value", &self.header().view::<C>())
        });
        out.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use values::{EncodingLimits, ObjectType};

    /// Returns objects under small limits: four in their small encodings, and four in their large ones.
    fn objects() -> Vec<Robj> {
        let few = EncodingLimits {
            list_max_listpack_size: 4,
            set_max_intset_entries: 4,
            set_max_listpack_entries: 4,
            hash_max_listpack_entries: 4,
            zset_max_listpack_entries: 4,
            ..EncodingLimits::DEFAULT
        };
        let of = |count: i64| {
            let (mut list, mut set, mut hash, mut zset) = (List::new(), Set::new(), Hash::new(), ZSet::new());
            for n in 0..count {
                list.push_back(n, &few);
                set.insert(n, &few);
                hash.insert(n, "value", &few);
                zset.insert(n, n as f64, &few).unwrap();
            }
            [Robj::from(list), Robj::from(set), Robj::from(hash), Robj::from(zset)]
        };
        of(3).into_iter().chain(of(if cfg!(miri) { 24 } else { 40 })).collect()
    }

    #[test]
    fn every_object_reports_its_type_and_is_lent_as_no_other_type() {
        use Encoding::{HashTable, IntSet, ListPack, QuickList, SkipList};
        let encodings: Vec<_> = objects().iter().map(Robj::encoding).collect();
        assert_eq!(
            encodings,
            [ListPack, IntSet, ListPack, ListPack, QuickList, HashTable, HashTable, SkipList]
        );
        for object in objects() {
            let is = object.object_type();
            let lends = [
                (ObjectType::String, object.as_string().is_ok()),
                (ObjectType::List, object.as_list().is_ok()),
                (ObjectType::Set, object.as_set().is_ok()),
                (ObjectType::Hash, object.as_hash().is_ok()),
                (ObjectType::ZSet, object.as_zset().is_ok()),
            ];
            assert!(lends.iter().all(|(name, lent)| *lent == (*name == is)), "{is}");
        }
    }

    #[test]
    fn a_loan_that_changes_the_encoding_changes_the_object() {
        let limits = EncodingLimits::DEFAULT;
        let mut object = Robj::from(Set::new());
        object.touch(77);
        object.as_set_mut().unwrap().insert(1, &limits);
        assert_eq!((object.encoding(), object.as_set().unwrap().len()), (Encoding::IntSet, 1));
        object.as_set_mut().unwrap().insert("one", &limits);
        assert_eq!((object.encoding(), object.idle_time(77)), (Encoding::ListPack, 0));
        let set = object.into_set().unwrap();
        assert!(set.contains("one") && set.contains(1));
    }

    #[test]
    fn a_loan_that_never_ends_leaves_an_empty_object() {
        let mut object = Robj::from({
            let mut set = Set::new();
            set.insert(1, &EncodingLimits::DEFAULT);
            set
        });
        let mut view = object.as_set_mut().unwrap();
        view.remove(1); // so that the test does not leak
        core::mem::forget(view);
        assert!(object.as_set().unwrap().is_empty());
    }

    #[test]
    fn shared_values_are_not_changed_and_are_copied_on_demand() {
        for mut object in objects() {
            let other = object.clone();
            assert!(matches!(
                object.as_list_mut(),
                Err(AccessError::Shared { refcount: 2 } | AccessError::WrongType(_))
            ));
            assert_eq!(object.relocate(Cursor::START, &mut |_, _| unreachable!("held twice")), Cursor::START);
            assert_eq!(object.free_effort(), 0);
            object.unshare();
            assert!(!object.ptr_eq(&other) && object == other && object.encoding() == other.encoding());
            assert!(object.drop_in_steps(1_000_000).is_none());
            assert_eq!(other.refcount(), 1);
        }
    }

    #[test]
    fn a_collection_that_others_hold_is_copied_before_it_is_changed() {
        let limits = EncodingLimits::DEFAULT;
        let mut object = Robj::from(Set::new());
        object.make_set_mut().unwrap().insert(1, &limits);
        let address = object.as_ptr();
        object.make_set_mut().unwrap().insert(2, &limits);
        assert_eq!(object.as_ptr(), address, "held once, it is changed where it is");
        let other = object.clone();
        for nth in 1.. {
            let plan = zmalloc::fault::fail_nth(nth);
            let refused = matches!(object.try_make_set_mut(), Err(AccessError::Reserve(_)));
            let failures = plan.failures();
            drop(plan);
            assert_eq!(refused, failures > 0);
            if failures == 0 {
                break;
            }
            assert!(object.ptr_eq(&other));
        }
        assert!(object.make_set_mut().unwrap().remove(2));
        assert_eq!((object.as_set().unwrap().len(), other.as_set().unwrap().len()), (1, 2));
        assert_eq!(object.encoding(), other.encoding());
        let error = object.make_hash_mut().map(drop).unwrap_err();
        assert_eq!((error.expected, error.found), (ObjectType::Hash, ObjectType::Set));
    }

    #[test]
    fn objects_are_moved_and_dropped_little_by_little() {
        for mut object in objects() {
            let (copy, address) = (object.duplicate(), object.as_ptr());
            let (mut cursor, mut blocks) = (Cursor::START, 0);
            loop {
                cursor = object.relocate(cursor, &mut |_, size| {
                    blocks += 1;
                    size > 0
                });
                if cursor.is_start() {
                    break;
                }
            }
            assert!(blocks >= 2 && object.as_ptr() != address && object == copy);
            let (mut left, mut steps) = (object.drop_in_steps(1), 1);
            while let Some(remains) = left {
                (left, steps) = (remains.drop_in_steps(1), steps + 1);
            }
            assert!(steps > 1 || copy.free_effort() < 7, "{copy:?} in {steps} step");
        }
    }
}
