//! Methods that change a value in place.
//!
//! A packed collection is edited inside the entry's block, by the same code that edits a collection with its
//! own block: an [`InEntry`] is a [`Room`], which the editors of listpack and intset require. If a collection
//! is stored outside of the block, the block holds only a pointer to it, the *word*. Such a collection is
//! taken out of the entry for the edit, and is put back afterwards. Both look the same to the caller, which
//! gets a `C::In<InEntry>`.
//!
//! ```text
//!  before                            after HSET
//!  | head | key | packed value |     | head | key | packed val+++ue |   in the same block, or in a new one
//!                                    | head | key | word |              if the hash becomes a table
//! ```
//!
//! Safe code can write any bytes into a [`Room`]. So while a packed value is edited, nothing relies on the
//! length in its header. The length is stored outside of the block, and compared with the header at the end.

use super::content::{Content, INLINE_LEN_MAX};
use super::kind::{Kind, Storage};
use super::write::{Fit, total};
use super::{Entry, EntryString, Layout, packed_end};
use common::Room;
use core::fmt;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;
use core::slice;
use robj::Robj;
use sds::Sds;
use values::string::StringMut;
use values::{Collection, CollectionView, Edited, Element, Encoding, Error, ReserveError};

/// The place of a packed value in the block of an entry.
///
/// It is the type parameter of a collection that is being edited: `values::Hash<InEntry<'_>>` is the hash of
/// a key, wherever it is stored.
pub struct InEntry<'a>(&'a mut Packed);

/// A packed value in a block, and the state of an edit.
struct Packed {
    /// Invariant: valid for reads and writes, and not aliased, while the owning [`Editing`] lives.
    entry: NonNull<Entry>,
    /// The bytes that all entries of the keyspace add to `used_memory`. See [`Entry::try_set`]. The invariant
    /// of `entry` holds for this pointer, too.
    total_bytes: NonNull<usize>,
    /// The address of the value. `value_at` is its offset in the block.
    start: NonNull<u8>,
    value_at: usize,
    /// The length of the value. Invariant: `len` bytes from `start` on are initialised. The block has the
    /// size class of an entry with such a value, or is larger and marked as loose (E3).
    len: usize,
}

// SAFETY: the pointers stand for mutable references to an entry and to a number, both of which are `Send`.
unsafe impl Send for Packed {}
// SAFETY: a shared reference only reads the block.
unsafe impl Sync for Packed {}

impl Packed {
    #[inline]
    fn entry(&mut self) -> &mut Entry {
        // SAFETY: by the field's invariant. A room borrows the `Editing`, which therefore lives.
        unsafe { self.entry.as_mut() }
    }

    /// The part of [`Room::try_splice`] for a change to a length of another size class. The value moves to a
    /// new block, unless the present one is large enough and is kept.
    #[inline(never)]
    fn try_splice_other_class(
        &mut self,
        at: usize,
        removed: usize,
        added: usize,
        new_len: usize,
    ) -> Result<(), ReserveError> {
        let (value_at, len, start) = (self.value_at, self.len, self.start);
        let [old_total, new_total] = [len, new_len].map(|len| packed_end(value_at, len));
        match self.entry().try_fit_other_class(old_total, new_total)? {
            Fit::New(block) => {
                let (base, gap, tail) = (block.base(), value_at + at, len - at - removed);
                // SAFETY: the gap and the tail are within the new length, for which the new block has room.
                // The bytes in front of the gap and the tail are initialised in the old block, and the gap is
                // filled with zeros. The copied bytes include the head, so the new block is a valid entry.
                unsafe {
                    base.copy_from_nonoverlapping(self.entry().base(), gap);
                    base.add(gap).write_bytes(0, added);
                    base.add(gap + added).copy_from_nonoverlapping(start.add(at + removed), tail);
                    let mut total_bytes = self.total_bytes;
                    self.entry().take_block(old_total, block, new_total, total_bytes.as_mut());
                    self.entry().set_loose(false);
                    self.start = base.add(value_at);
                }
                self.len = new_len;
            }
            Fit::Same { is_loose } => {
                self.entry().set_loose(is_loose);
                // SAFETY: the block has room for the new length.
                unsafe { self.splice_in_place(at, removed, added, new_len) };
            }
        }
        Ok(())
    }

    /// Moves the tail of the value within the block, and makes sure that the gap is initialised.
    ///
    /// # Safety
    /// The `removed` bytes from `at` on must be in the value. `new_len` must be the length of the value after
    /// the splice, and the block must have room for it.
    #[inline]
    unsafe fn splice_in_place(&mut self, at: usize, removed: usize, added: usize, new_len: usize) {
        let len = self.len;
        // SAFETY: by contract, the gap and the tail are within the block. Bytes that were part of the value
        // are initialised.
        unsafe {
            let (gap, behind) = (self.start.add(at), self.start.add(at + removed));
            match len - at - removed {
                1 => gap.add(added).write(behind.read()), // the last byte of a listpack
                tail => gap.add(added).copy_from(behind, tail),
            }
            let fresh = at.max(len).min(at + added);
            self.start.add(fresh).write_bytes(0, at + added - fresh);
        }
        self.len = new_len;
    }
}

impl fmt::Debug for InEntry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InEntry").field("bytes", &self.bytes()).finish_non_exhaustive()
    }
}

impl Room for InEntry<'_> {
    #[inline]
    fn bytes(&self) -> &[u8] {
        // SAFETY: by the invariant of `len`. The block is borrowed.
        unsafe { slice::from_raw_parts(self.0.start.as_ptr(), self.0.len) }
    }

    #[inline]
    fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: by the invariant of `len`. The block is borrowed for writing.
        unsafe { slice::from_raw_parts_mut(self.0.start.as_ptr(), self.0.len) }
    }

    #[inline]
    fn try_splice(&mut self, at: usize, removed: usize, added: usize) -> Result<(), ReserveError> {
        let Packed { value_at, len, .. } = *self.0;
        assert!(at <= len && removed <= len - at, "the bytes to remove are not in the value");
        let new_len = total(len - removed, added)?;
        total(value_at, new_len)?; // so the length of the block cannot overflow
        let [end, new_end] = [len, new_len].map(|len| packed_end(value_at, len));
        // Both sizes have the same class if and only if the larger size is at most the class of the smaller
        // one. A loose block has at least that class (E3).
        if end.max(new_end) > zmalloc::good_size(end.min(new_end)) {
            return self.0.try_splice_other_class(at, removed, added, new_len);
        }
        // SAFETY: by the invariant of `len`, the block has at least the class of the old length, which is
        // also the class of the new one.
        unsafe { self.0.splice_in_place(at, removed, added, new_len) };
        Ok(())
    }
}

/// A packed value that is being edited. When this is dropped, even by a panic, the block becomes a valid
/// entry again.
struct Editing<'e, C: Collection> {
    packed: Packed,
    encoding: Encoding,
    _entry: PhantomData<(&'e mut Entry, &'e mut usize, C)>,
}

impl<'e, C: Collection> Editing<'e, C> {
    /// `layout` must be the entry's.
    #[inline]
    fn new(entry: &'e mut Entry, total_bytes: &'e mut usize, layout: Layout) -> Self {
        let packed = Packed {
            start: entry.value(layout),
            value_at: layout.value_at(),
            len: entry.value_len(layout),
            entry: NonNull::from_mut(entry),
            total_bytes: NonNull::from_mut(total_bytes),
        };
        Self { packed, encoding: layout.kind.encoding(), _entry: PhantomData }
    }

    #[inline]
    fn room(&mut self) -> InEntry<'_> {
        InEntry(&mut self.packed)
    }

    /// Replaces the packed value by a collection.
    #[inline(never)]
    fn replace(mut self, collection: C) {
        self.discard_if_damaged(); // the caller's closure may have written other bytes to the room
        let mut this = ManuallyDrop::new(self); // the edit has ended
        let mut total_bytes = this.packed.total_bytes;
        // SAFETY: by the invariant of `total_bytes`. The number is not part of the entry.
        this.packed.entry().put(collection, unsafe { total_bytes.as_mut() });
    }

    /// Makes the block a valid entry again: discards bytes that are not a valid value of this encoding.
    #[inline]
    fn discard_if_damaged(&mut self) {
        if C::view_of_packed(self.encoding, self.room().bytes()).is_err() {
            self.packed.entry().discard_value();
        }
    }
}

impl<C: Collection> Drop for Editing<'_, C> {
    #[inline]
    fn drop(&mut self) {
        self.discard_if_damaged();
    }
}

/// A guard for a collection that has been taken out of its word. When the guard is dropped, even by a panic,
/// it puts the collection back.
struct PutBackGuard<'e, C: Collection> {
    entry: &'e mut Entry,
    total_bytes: &'e mut usize,
    value: ManuallyDrop<C::In<InEntry<'e>>>,
}

impl<C: Collection> Drop for PutBackGuard<'_, C> {
    fn drop(&mut self) {
        // SAFETY: the value is taken only here, once.
        let value = unsafe { ManuallyDrop::take(&mut self.value) };
        let collection = match C::from_in(value) {
            Edited::Own(collection) => collection,
            Edited::InRoom(_) => C::EMPTY, // no room was lent
        };
        self.entry.put(collection, self.total_bytes);
    }
}

/// Methods for collections.
impl Entry {
    /// Calls `f` to change the collection, wherever it is stored. Returns the result of `f`, and whether the
    /// collection is empty afterwards. Returns `None` if the value is of another type. For `total_bytes`, see
    /// [`try_set`](Self::try_set).
    #[inline]
    pub(crate) fn edit<C: Collection, T>(
        &mut self,
        total_bytes: &mut usize,
        f: impl FnOnce(&mut C::In<InEntry<'_>>) -> T,
    ) -> Option<(T, bool)> {
        let layout = self.layout();
        if layout.kind.object_type() != C::TYPE {
            return None;
        }
        if layout.kind.is_word() {
            let mut taken = self.take_out::<C>(layout, total_bytes);
            let result = f(&mut taken.value);
            let is_empty = C::view_in(&taken.value).is_empty();
            return Some((result, is_empty));
        }
        let mut editing = Editing::<C>::new(self, total_bytes, layout);
        let mut value = C::in_room(editing.encoding, editing.room()).ok()?;
        let result = f(&mut value);
        let is_empty = C::view_in(&value).is_empty();
        if let Edited::Own(collection) = C::from_in(value) {
            editing.replace(collection);
        }
        Some((result, is_empty))
    }

    /// Takes the collection out of its word. Meanwhile, the entry has an empty collection.
    fn take_out<'e, C: Collection>(
        &'e mut self,
        layout: Layout,
        total_bytes: &'e mut usize,
    ) -> PutBackGuard<'e, C> {
        let place = self.value(layout).cast::<NonNull<u8>>();
        let (encoding, empty) = C::EMPTY.into_raw();
        let kind = Kind::collection(C::TYPE, encoding, Storage::Word).expect("every encoding can be a word");
        // SAFETY: the caller has compared the type, so the word is a collection of type `C` (E2). It is
        // taken, and replaced at once together with the kind.
        let collection = unsafe {
            let collection = C::from_raw(layout.kind.encoding(), place.read());
            place.write(empty);
            Layout { kind, ..layout }.write_head(self.base(), self.form());
            collection
        };
        *total_bytes -= collection.allocation_size();
        PutBackGuard { entry: self, total_bytes, value: ManuallyDrop::new(collection.into_in()) }
    }

    /// Replaces the value, which is packed or a word, by a collection. The collection is stored in the block
    /// if it is packed and if there is memory. Otherwise it is stored as a word, which needs no memory.
    fn put<C: Collection>(&mut self, mut collection: C, total_bytes: &mut usize) {
        if self.kind().is_word() && collection.as_packed().is_none() {
            return self.put_word(collection, total_bytes);
        }
        let expiry = self.expiry();
        if self.try_set(expiry, Content::collection(&mut collection), total_bytes).is_err() {
            let fitted = self.try_set(expiry, Content::word(collection), total_bytes);
            debug_assert!(fitted.is_ok(), "a packed value has room for a word");
        }
    }

    /// Replaces the word that [`take_out`](Self::take_out) has left by that of a collection, without a look at the
    /// size of the block. Each edit of a large collection ends here.
    fn put_word<C: Collection>(&mut self, collection: C, total_bytes: &mut usize) {
        let layout = self.layout();
        debug_assert!(layout.kind.is_word() && self.value_allocation_size() == 0, "the collection was taken");
        *total_bytes += collection.allocation_size();
        let (encoding, word) = collection.into_raw();
        let kind = Kind::collection(C::TYPE, encoding, Storage::Word).expect("every encoding can be a word");
        // SAFETY: the new word replaces that of an empty collection, which owns no memory, together with the kind.
        // Nothing else in the block changes, since all words have the same size (E2).
        unsafe {
            self.value(layout).cast::<NonNull<u8>>().write(word);
            Layout { kind, ..layout }.write_head(self.base(), self.form());
        }
    }
}

/// The string of an entry, which the functions of [`values::string`] can change.
///
/// No call changes the type of the value: it stays a string.
pub struct StringEdit<'e> {
    entry: &'e mut Entry,
    /// The bytes that all entries of the keyspace add to `used_memory`. See [`Entry::try_set`].
    total_bytes: &'e mut usize,
}

impl fmt::Debug for StringEdit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StringEdit").field(&self.entry.plain()).finish()
    }
}

impl<'e> StringEdit<'e> {
    /// `entry` must hold a string that is not coded.
    pub(crate) fn new(entry: &'e mut Entry, total_bytes: &'e mut usize) -> Self {
        debug_assert!(entry.kind().slot().is_none(), "a coded string is decoded first");
        Self { entry, total_bytes }
    }

    /// Returns the object of a string that is not stored in the block.
    #[inline]
    fn object_mut(&mut self) -> Option<&mut Robj> {
        let layout = self.entry.layout();
        // SAFETY: the word of this kind is an object (E2), and the entry is borrowed for writing.
        (layout.kind == Kind::OBJECT).then(|| unsafe { self.entry.value(layout).cast::<Robj>().as_mut() })
    }

    fn is_object(&self) -> bool {
        self.entry.kind() == Kind::OBJECT
    }

    /// Changes the object, and updates the sum of bytes.
    fn change_object<T>(&mut self, change: impl FnOnce(&mut Robj) -> Result<T, Error>) -> Result<T, Error> {
        *self.total_bytes -= self.entry.value_allocation_size();
        let result = self.object_mut().map(change);
        *self.total_bytes += self.entry.value_allocation_size();
        result.unwrap_or_else(|| unreachable!("the caller has asked for the kind"))
    }

    fn len(&self) -> usize {
        self.entry.string().map_or(0, EntryString::len)
    }

    /// Grows a string in the block to `new_len` bytes, and returns its bytes. `new_len` is at least the
    /// present length. The new bytes are zeros. In the block, the string becomes one of this kind. If it is too
    /// long for the block, it becomes an object, with `spare` bytes of room to grow.
    fn try_grow(&mut self, new_len: usize, kind: Kind, spare: usize) -> Result<&mut [u8], Error> {
        if new_len <= INLINE_LEN_MAX {
            return Ok(self.entry.try_grow_bytes(new_len, kind, self.total_bytes)?);
        }
        let mut string = Sds::try_with_capacity(new_len.saturating_add(spare))?;
        let old = self.entry.plain().unwrap_or(Element::Bytes(b"")); // the string is not coded
        string.try_push_bytes(&old.text())?;
        string.try_grow_zero(new_len)?;
        let object = Robj::try_raw(string).map_err(|(error, _string)| error)?;
        self.entry.try_set(self.entry.expiry(), Content::Object(object), self.total_bytes)?;
        Ok(self.object_bytes())
    }

    /// Returns the bytes of the object. It is not shared, because it has just been written to.
    fn object_bytes(&mut self) -> &mut [u8] {
        self.object_mut().and_then(Robj::get_mut).map_or(&mut [], Sds::as_mut_bytes)
    }
}

impl StringMut for StringEdit<'_> {
    type Error = Error;

    #[inline]
    fn string_len(&self) -> Result<usize, Error> {
        Ok(self.len())
    }

    fn try_append_bytes(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        if self.is_object() {
            return self.change_object(|object| object.try_append_bytes(bytes));
        }
        let len = self.len();
        let new_len = total(len, bytes.len())?;
        // As in Redis, a string that an append creates was not edited.
        let kind = if len == 0 { Kind::BYTES } else { Kind::EDITED };
        // The spare room is for the next append, as in `sds`.
        self.try_grow(new_len, kind, new_len.min(sds::MAX_PREALLOC))?[len..].copy_from_slice(bytes);
        Ok(new_len)
    }

    fn try_make_len(&mut self, len: usize) -> Result<&mut [u8], Error> {
        if self.is_object() {
            self.change_object(|object| object.try_make_len(len).map(|_bytes| ()))?;
            return Ok(self.object_bytes());
        }
        self.try_grow(len.max(self.len()), Kind::EDITED, 0)
    }
}
