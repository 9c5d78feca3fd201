//! Changing a value where it lies.
//!
//! A packed collection is edited inside its block, by the same code that edits one with a block of its own: an [`InEntry`] is the
//! [`Room`] that the editors of listpack and intset ask for. A collection that lies elsewhere is taken out of its word and put
//! back. Both look the same to a caller, who gets a `C::In<InEntry>`.
//!
//! ```text
//!  | head | key | packed value |      HSET      | head | key | packed val+++ue |     in the same block, or in one of another class
//!  | head | key | packed value |      HSET      | head | key | word |              after a conversion
//! ```
//!
//! While a packed value is edited, nothing relies on what its bytes say about their length: safe code can write any bytes
//! into a [`Room`]. The length is kept beside the block, and compared at the end.

use super::content::{Content, INLINE_LEN_MAX};
use super::kind::{Kind, Place};
use super::write::{Fit, total};
use super::{Entry, Layout, packed_end};
use common::Room;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;
use core::slice;
use robj::Robj;
use sds::Sds;
use values::string::StringMut;
use values::{Collection, Edited, Element, Error, ReserveError, by_type};

/// The place of a packed value in the block of an entry.
///
/// A collection that is lent for editing names it as its type parameter: `values::Hash<InEntry<'_>>` is the hash of a key, wherever it
/// lies.
pub struct InEntry<'a> {
    entry: &'a mut Entry,
    /// Where the value begins.
    value_at: usize,
    /// Invariant: so many bytes from there on are initialised, and the block has the size class for them, or is loose.
    len: &'a mut usize,
}

impl core::fmt::Debug for InEntry<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("InEntry").field("bytes", &self.bytes()).finish()
    }
}

impl InEntry<'_> {
    #[inline]
    fn start(&self) -> NonNull<u8> {
        // SAFETY: the value lies in the block.
        unsafe { self.entry.base().add(self.value_at) }
    }
}

impl Room for InEntry<'_> {
    #[inline]
    fn bytes(&self) -> &[u8] {
        // SAFETY: by the invariant of `len`; the block is borrowed.
        unsafe { slice::from_raw_parts(self.start().as_ptr(), *self.len) }
    }

    #[inline]
    fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `bytes`; the block is borrowed for writing.
        unsafe { slice::from_raw_parts_mut(self.start().as_ptr(), *self.len) }
    }

    #[inline]
    fn try_splice(&mut self, at: usize, removed: usize, added: usize) -> Result<(), ReserveError> {
        let (value_at, len) = (self.value_at, *self.len);
        assert!(at <= len && removed <= len - at, "the bytes to remove are not in the value");
        let new_len = total(len - removed, added)?;
        let [old_total, new_total] = [len, new_len].map(|len| packed_end(value_at, len));
        let fit = self.entry.try_fit_again(old_total, new_total)?;
        let (base, gap, tail) = (self.entry.base(), value_at + at, len - at - removed);
        // SAFETY: gap and tail lie within the new length, for which there is room. All bytes in front of the value and of the gap are
        // initialised, and so is the tail. The gap is filled with zeros.
        unsafe {
            let behind = base.add(gap + removed);
            match fit {
                Fit::New(block) => {
                    let base = block.base();
                    base.copy_from_nonoverlapping(self.entry.base(), gap);
                    base.add(gap).write_bytes(0, added);
                    base.add(gap + added).copy_from_nonoverlapping(behind, tail);
                    self.entry.take_block(old_total, block);
                    self.entry.set_loose(false);
                }
                Fit::Same { is_loose } => {
                    base.add(gap + added).copy_from(behind, tail);
                    base.add(gap).write_bytes(0, added);
                    self.entry.set_loose(is_loose);
                }
            }
        }
        *self.len = new_len;
        Ok(())
    }
}

/// A packed value that is being edited. When this is dropped, the block is one of an entry again, even after a panic.
pub(super) struct Editing<'e> {
    entry: &'e mut Entry,
    value_at: usize,
    len: usize,
}

impl<'e> Editing<'e> {
    pub(super) fn new(entry: &'e mut Entry, layout: Layout) -> Self {
        Self { value_at: layout.value_at(), len: entry.value_len(layout), entry }
    }

    pub(super) fn room(&mut self) -> InEntry<'_> {
        InEntry { entry: self.entry, value_at: self.value_at, len: &mut self.len }
    }

    /// Makes the block one of an entry again: bytes that are no value of that kind are given up.
    #[inline]
    fn settle(&mut self) {
        let kind = self.entry.kind();
        let room = self.room();
        let is_right = by_type!(kind.object_type(), string => false, C => {
            C::view_of_packed(kind.encoding(), room.bytes()).is_ok()
        });
        if !is_right {
            self.entry.discard_value();
        }
    }
}

impl Drop for Editing<'_> {
    #[inline]
    fn drop(&mut self) {
        self.settle();
    }
}

/// A collection that has been taken out of its word. It is put back when this is dropped, even after a panic.
struct Loan<'e, C: Collection> {
    entry: &'e mut Entry,
    value: ManuallyDrop<C::In<InEntry<'e>>>,
}

impl<C: Collection> Drop for Loan<'_, C> {
    fn drop(&mut self) {
        // SAFETY: the value is taken once, here.
        let value = unsafe { ManuallyDrop::take(&mut self.value) };
        let collection = match C::from_in(value) {
            Edited::Own(collection) => collection,
            Edited::InRoom(_) => C::EMPTY, // no room was lent
        };
        self.entry.put(collection);
    }
}

/// Collections.
impl Entry {
    /// Lends the collection to be changed, wherever it lies. `None` if the value is of another type.
    #[inline]
    pub(crate) fn edit<C: Collection, T>(
        &mut self,
        f: impl FnOnce(&mut C::In<InEntry<'_>>) -> T,
    ) -> Option<T> {
        let layout = self.layout();
        if layout.kind.object_type() != C::TYPE {
            return None;
        }
        if layout.kind.is_word() {
            return Some(f(&mut self.lend::<C>(layout).value));
        }
        let mut editing = Editing::new(self, layout);
        let mut value = C::in_room(layout.kind.encoding(), editing.room()).ok()?;
        let result = f(&mut value);
        if let Edited::Own(collection) = C::from_in(value) {
            editing.settle(); // the closure may have damaged the bytes that it left
            editing.entry.put(collection);
            core::mem::forget(editing); // no value is edited any more
        }
        Some(result)
    }

    /// Takes the collection out of its word, in the place of which an empty one stands meanwhile.
    fn lend<C: Collection>(&mut self, layout: Layout) -> Loan<'_, C> {
        let place = self.value(layout).cast::<NonNull<u8>>();
        let (encoding, empty) = C::EMPTY.into_raw();
        let kind = Kind::collection(C::TYPE, encoding, Place::Word).expect("every encoding can be a word");
        // SAFETY: a word of that type (E2), which is replaced at once, kind and all. The caller has compared the type.
        let collection = unsafe {
            let collection = C::from_raw(layout.kind.encoding(), place.read());
            place.write(empty);
            Layout { kind, ..layout }.write_head(self.base(), self.form());
            collection
        };
        Loan { entry: self, value: ManuallyDrop::new(collection.into_in()) }
    }

    /// Gives the entry a collection in the place of its value, which may be a packed one or a word. In the block, if it is packed and
    /// there is memory; else as a word, which needs none.
    fn put<C: Collection>(&mut self, mut collection: C) {
        let expiry = self.expiry();
        if self.try_set(expiry, Content::collection(&mut collection)).is_err() {
            let fitted = self.try_set(expiry, Content::word(collection));
            debug_assert!(fitted.is_ok(), "a packed value has room for a word");
        }
    }
}

/// The string of an entry, to be changed by the operations of [`values::string`]. The entry holds a string.
pub struct StringEdit<'e>(pub(crate) &'e mut Entry);

impl StringEdit<'_> {
    /// The object of a string that does not lie in the block.
    #[inline]
    fn object_mut(&mut self) -> Option<&mut Robj> {
        let layout = self.0.layout();
        // SAFETY: the word is an object (E2), and the entry is borrowed for writing.
        (layout.kind == Kind::OBJECT).then(|| unsafe { self.0.value(layout).cast::<Robj>().as_mut() })
    }

    fn len(&self) -> usize {
        self.0.string().map_or(0, Element::len)
    }

    /// Makes a string that lies in the block one of `new_len` bytes, at least as many as it has, and lends it. The new bytes are
    /// zeros. A string that is too long for the block becomes an object, with `spare` bytes to grow into.
    fn try_grow(&mut self, new_len: usize, spare: usize) -> Result<&mut [u8], Error> {
        if new_len <= INLINE_LEN_MAX {
            return Ok(self.0.try_grow_bytes(new_len)?);
        }
        let mut string = Sds::try_with_capacity(new_len.saturating_add(spare))?;
        string.try_push_bytes(&self.0.string().unwrap_or(Element::Bytes(b"")).text())?;
        string.try_grow_zero(new_len)?;
        let object = Robj::try_raw(string).map_err(|(error, _string)| error)?;
        self.0.try_set(self.0.expiry(), Content::Object(object))?;
        Ok(self.object_mut().and_then(Robj::get_mut).map_or(&mut [], Sds::as_mut_bytes))
    }
}

impl StringMut for StringEdit<'_> {
    type Error = Error;

    #[inline]
    fn string_len(&self) -> Result<usize, Error> {
        Ok(self.len())
    }

    fn try_append_bytes(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        if let Some(object) = self.object_mut() {
            return object.try_append_bytes(bytes);
        }
        let len = self.len();
        let new_len = total(len, bytes.len())?;
        // Room for what is appended next, as in `sds`.
        self.try_grow(new_len, new_len.min(sds::MAX_PREALLOC))?[len..].copy_from_slice(bytes);
        Ok(new_len)
    }

    fn try_make_len(&mut self, len: usize) -> Result<&mut [u8], Error> {
        if self.0.kind() != Kind::OBJECT {
            return self.try_grow(len.max(self.len()), 0);
        }
        match self.object_mut() {
            Some(object) => object.try_make_len(len),
            None => Ok(&mut []),
        }
    }
}
