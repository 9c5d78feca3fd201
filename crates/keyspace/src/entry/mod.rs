//! [`Entry`]: a key, its expiry and its value, in one block.
//!
//! ```text
//!  byte   0      1..=3     4         5, 6 or 9
//!       +------+---------+---------+----------+-----+-------+-----------------------------+
//!       | form | clock   | header  | expiry 8 | key | value |                             |
//!       +------+---------+---------+----------+-----+-------+-----------------------------+
//!         |                1, 2, 5   if it has one      |
//!         |                                             |  int       1 to 8 bytes
//!         kind:5  what the value is (`kind`)            |  bytes     length of 1, 3 or 5 bytes, and the bytes
//!         loose:1 the block is larger than necessary    |  coded     length of the text, of the codes, and the codes
//!         expires:1                                     |  packed    a listpack or an intset, at least as long as a word
//!         snapshot:1 see `SnapshotBit`                  |  word      up to 7 bytes of padding, and a pointer
//! ```
//!
//! The first four bytes are the *head*. It is one word in the machine's byte order; the drawing shows it for
//! little-endian. All other numbers are little-endian and not aligned. Only a *word* is aligned, because it
//! is borrowed in place.
//!
//! A string in the block that was edited has a kind of its own, because Redis calls it raw.
//!
//! The header of the key is after the head. It says how long the key is, and whether it is coded (`key`).
//!
//! There is no NUL byte and no reference count. The size of the block is not stored: it follows from the
//! contents.
//!
//! For example, a key of 16 bytes and a value of 32 take 4 + 1 + 16 + 1 + 32 = 54 bytes, in a block of 56.
//!
//! All unsafe code of this folder relies on these invariants:
//!
//! - **E1.** The block belongs only to the entry, and was allocated by zmalloc's raw functions. Its first
//!   [`Entry::byte_len`] bytes are initialised, except for padding. Padding is in front of a word, and after
//!   a packed value that is shorter than a word.
//! - **E2.** The kind in the head is the kind of the value, and the lengths in the block are right. The entry
//!   owns its word.
//! - **E3.** The block can be freed with the size `good_size(byte_len)`, unless its *loose* bit is set. A
//!   loose block has at least that size, and may be larger, because its collection was larger, or because
//!   there was no memory for a smaller block. Only the allocator knows its size.
//! - **E4.** Through a shared reference, only the 24 bits of the clock and the snapshot bit change, and they
//!   change atomically. The snapshot bit changes only while the keyspace is borrowed for writing, so no
//!   reader changes the clock at the same time.
//!
//! No unsafe code relies on this one:
//!
//! - **E5.** The kind of a coded string names one of the keyspace's two slots for symbol tables. The table
//!   with which the string was coded is in this slot. The codes decode to a text of the stored length. The
//!   header of a coded key names a slot in the same way. The codes of the key decode to a text with one of
//!   the lengths of `CODED_KEY_LENS`.
//!
//! The modules: `key` has keys, plain and coded, and `kind` has the kinds of values. `view` has entries whose
//! key was found, for look-ups. `length` has the lengths in a block, and `word` has the values outside of it.
//! `content` has values that are to be written into a block. `write` creates blocks and writes to them,
//! `edit` changes a value in place, and `relocate` moves blocks for a defragmenter. `parts` computes the
//! lengths of blocks that do not exist yet. `block_parts` names the bytes of a block.

mod block_parts;
mod content;
mod edit;
mod key;
mod kind;
mod length;
pub(crate) mod parts;
mod relocate;
#[cfg(test)]
mod tests;
mod view;
mod word;
mod write;

pub(crate) use content::Content;
pub use edit::{InEntry, StringEdit};
pub(crate) use key::{CODED_KEY_LENS, KEY_LEN_MAX, KeyLayout, StoredKey};
pub use key::{KeyRef, KeyText};
pub(crate) use kind::{Kind, Slot, Storage};
pub(crate) use view::{CodedString, CodedView, EntryString, EntryView, ShortKey};
pub(crate) use write::BlockOnlyEntry;

use crate::garbage::FREE_EFFORT_MAX;
use core::ptr::NonNull;
use core::slice;
use core::sync::atomic::{AtomicU32, Ordering};
use dict::CompactPtr;
use kind::KIND_BITS;
use robj::Robj;
use sds::layout::HeaderType;
use values::{Collection, CollectionView, Element, Encoding, ObjectType, WrongType, by_type};

const KIND_MASK: u32 = (1 << KIND_BITS) - 1;
const LOOSE: u32 = 1 << KIND_BITS;
const EXPIRES: u32 = 1 << 6;
const SNAPSHOT: u32 = 1 << 7;
const CLOCK_SHIFT: u32 = 8;

/// The offset of the key's header in the block.
const KEY_HEADER_AT: usize = size_of::<AtomicU32>();

/// The size of an expiry, in bytes.
const EXPIRY_SIZE: usize = size_of::<u64>();

/// A pointer to a block that holds a key and its expiry, and holds or owns its value. It has six bytes on
/// machines with 64-bit pointers.
#[repr(transparent)]
pub(crate) struct Entry {
    block: CompactPtr<AtomicU32>,
}

// These assertions check the offsets in the drawing.
const _: () = {
    assert!(size_of::<Entry>() == size_of::<CompactPtr<AtomicU32>>());
    assert!(KEY_HEADER_AT == 4 && EXPIRY_SIZE == 8);
    assert!(LOOSE == 1 << 5 && EXPIRES == LOOSE << 1 && SNAPSHOT == EXPIRES << 1);
    assert!(SNAPSHOT << 1 == 1 << CLOCK_SHIFT);
    let short = Layout { kind: Kind::BYTES, expires: true, key: KeyLayout::plain(253) };
    assert!(short.expiry_at() == 5 && short.key_at() == 13 && short.key_end() == 266);
    let long = Layout { kind: Kind::BYTES, expires: false, key: KeyLayout::plain(254) };
    assert!(long.key_at() == 9 && long.key_end() == 263);
    let coded = Layout { kind: Kind::BYTES, expires: true, key: KeyLayout::coded(Slot::First, 9) };
    assert!(coded.expiry_at() == 6 && coded.key_at() == 14 && coded.key_end() == 23);
};

// SAFETY: the block belongs to the entry, and all values are `Send`.
unsafe impl Send for Entry {}
// SAFETY: through a shared reference, only the clock and the snapshot bit change, and they change atomically
// (E4). All values are `Sync`.
unsafe impl Sync for Entry {}

/// A value of the snapshot bit in the head of an entry. The keyspace has such a bit too. An entry whose bit
/// is equal to the keyspace's is saved, or no snapshot needs it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SnapshotBit(u32);

impl SnapshotBit {
    /// Returns the other value.
    pub(crate) const fn flipped(self) -> Self {
        Self(self.0 ^ SNAPSHOT)
    }
}

/// The layout of a block, which follows from its head and the header of its key.
#[derive(Clone, Copy)]
struct Layout {
    kind: Kind,
    expires: bool,
    key: KeyLayout,
}

impl Layout {
    #[inline]
    const fn expiry_at(self) -> usize {
        KEY_HEADER_AT + self.key.header_len()
    }

    #[inline]
    const fn key_at(self) -> usize {
        self.expiry_at() + if self.expires { EXPIRY_SIZE } else { 0 }
    }

    #[inline]
    const fn key_end(self) -> usize {
        self.key_at() + self.key.len
    }

    #[inline(always)]
    fn value_at(self) -> usize {
        value_at(self.kind, self.key_end())
    }

    /// Returns how many bytes of the block a value of `len` bytes takes.
    #[inline]
    fn value_room(self, len: usize) -> usize {
        match self.kind.storage() {
            Storage::Packed => packed_end(self.key_end(), len) - self.key_end(),
            _ => len,
        }
    }
}

/// Methods that read.
impl Entry {
    /// Returns the address of the block.
    #[inline]
    pub(crate) fn base(&self) -> NonNull<u8> {
        self.block.get().cast()
    }

    #[inline]
    fn head(&self) -> &AtomicU32 {
        // SAFETY: a live block begins with its head (E1). While it is shared, the head changes only
        // atomically (E4).
        unsafe { self.block.as_ref() }
    }

    #[inline]
    fn form(&self) -> u32 {
        self.head().load(Ordering::Relaxed)
    }

    #[inline]
    fn layout(&self) -> Layout {
        let form = self.form();
        // SAFETY: the head of a live block has a valid kind, and the header of the key is after the head
        // (E2).
        let (kind, key) = unsafe { (Kind::from_bits(form), KeyLayout::read(self.base().add(KEY_HEADER_AT))) };
        Layout { kind, expires: form & EXPIRES != 0, key }
    }

    /// Returns `len` bytes of the block, beginning at offset `at`.
    ///
    /// # Safety
    /// The `len` bytes must be in the block and be initialised.
    #[inline]
    unsafe fn bytes(&self, at: usize, len: usize) -> &[u8] {
        // SAFETY: by contract the bytes are initialised. The block is live and does not change while `self`
        // is borrowed (E1, E4).
        unsafe { slice::from_raw_parts(self.base().add(at).as_ptr(), len) }
    }

    #[inline]
    pub(crate) fn kind(&self) -> Kind {
        // SAFETY: the head has a kind (E2).
        unsafe { Kind::from_bits(self.form()) }
    }

    /// Returns the type of the value. In C: `TYPE`.
    #[inline]
    pub(crate) fn object_type(&self) -> ObjectType {
        self.kind().object_type()
    }

    /// Returns whether the key has an expiry.
    #[inline]
    pub(crate) fn expires(&self) -> bool {
        self.form() & EXPIRES != 0
    }

    /// Returns whether the snapshot bit has this value.
    #[inline]
    pub(crate) fn has_snapshot_bit(&self, bit: SnapshotBit) -> bool {
        self.form() & SNAPSHOT == bit.0
    }

    /// Sets the snapshot bit to this value. If the entry is in a keyspace, the caller must have borrowed the
    /// keyspace for writing (E4).
    #[inline]
    pub(crate) fn set_snapshot_bit(&self, bit: SnapshotBit) {
        self.head().store(self.form() & !SNAPSHOT | bit.0, Ordering::Relaxed);
    }

    /// Returns the time at which the key expires, in milliseconds.
    #[inline]
    pub(crate) fn expiry(&self) -> Option<u64> {
        if !self.expires() {
            return None;
        }
        // SAFETY: the head says that there is an expiry (E2).
        let bytes = unsafe { self.base().add(self.layout().expiry_at()).cast::<[u8; EXPIRY_SIZE]>().read() };
        Some(u64::from_le_bytes(bytes))
    }

    /// Returns whether the key has expired at `now`, in milliseconds.
    #[inline]
    pub(crate) fn is_expired(&self, now: u64) -> bool {
        self.view().is_expired(now)
    }

    /// Returns the address of the value. `layout` must be the entry's.
    #[inline]
    fn value(&self, layout: Layout) -> NonNull<u8> {
        // SAFETY: the offset of the value is within the block (E2).
        unsafe { self.base().add(layout.value_at()) }
    }

    /// Returns how many bytes the value takes in the block. O(1).
    #[inline]
    fn value_len(&self, layout: Layout) -> usize {
        // SAFETY: the value has the kind of the layout (E2).
        unsafe { value_len(layout.kind, self.value(layout)) }
    }

    /// Returns how many bytes of the block are in use. O(1).
    #[inline]
    pub(crate) fn byte_len(&self) -> usize {
        let layout = self.layout();
        let end = layout.key_end();
        // Strings and integers come first, because they need no alignment.
        if layout.kind == Kind::BYTES {
            // SAFETY: a string has its length in front of it (E2).
            let (len, _) = unsafe { length::read(self.base().add(end)) };
            return end + length::size(len) + len;
        }
        match layout.kind.int_width() {
            Some(width) => end + width,
            None => layout.value_at() + layout.value_room(self.value_len(layout)),
        }
    }

    /// Returns the string, or an error if the value is a collection.
    #[inline]
    pub(crate) fn string(&self) -> Result<EntryString<'_>, WrongType> {
        self.view().string()
    }

    /// Returns the string without a copy, or `None` if it is coded or if the value is a collection.
    #[inline]
    pub(crate) fn plain(&self) -> Option<Element<'_>> {
        self.string().ok()?.plain()
    }

    /// Returns the object of a string that is not stored in the block.
    #[inline]
    pub(crate) fn object(&self) -> Option<&Robj> {
        match self.view().string() {
            Ok(EntryString::Object(object)) => Some(object),
            _ => None,
        }
    }

    /// Returns a view of the collection, or an error if the value is of another type.
    #[inline]
    pub(crate) fn collection<C: Collection>(&self) -> Result<C::View<'_>, WrongType> {
        self.view().collection::<C>()
    }

    /// Returns the encoding of the value, as `OBJECT ENCODING` names it. A string is *raw* if it has more than
    /// `embstr_size_limit` bytes, or if it was edited and is not coded.
    pub(crate) fn encoding(&self, embstr_size_limit: usize) -> Encoding {
        match self.kind().encoding() {
            Encoding::EmbStr if self.string().is_ok_and(|string| string.len() > embstr_size_limit) => {
                Encoding::Raw
            }
            encoding => encoding,
        }
    }

    /// Returns the number of elements of a collection, or `None` for a string. O(1).
    pub(crate) fn len(&self) -> Option<usize> {
        by_type!(self.object_type(), string => None, C => self.collection::<C>().ok().map(CollectionView::len))
    }

    /// Returns whether the value is a collection without elements. Between two operations, no entry of a
    /// keyspace has such a value.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }

    /// Returns the bytes that the entry adds to `used_memory`: its block and all blocks of its value. O(1).
    #[inline]
    pub(crate) fn allocation_size(&self) -> usize {
        self.block_allocation_size(self.byte_len()) + self.value_allocation_size()
    }

    /// Returns by how much the block grows if it has to hold `bytes` more bytes.
    pub(crate) fn growth_by(&self, bytes: usize) -> usize {
        let len = self.byte_len();
        let own = self.block_allocation_size(len) - self.block_overhead(len);
        zmalloc::good_size(len.saturating_add(bytes)).saturating_sub(own)
    }

    /// Returns the bytes that the allocator adds to the usable bytes of a block. Some allocators add a
    /// header.
    fn block_overhead(&self, len: usize) -> usize {
        if self.is_loose() {
            return 0;
        }
        self.block_allocation_size(len).saturating_sub(zmalloc::good_size(len))
    }

    /// Returns [`allocation_size`](Self::allocation_size) without the allocator's headers. The result can be
    /// compared with the computed sizes of strings that are not written yet.
    pub(crate) fn usable_size(&self) -> usize {
        let blocks = if self.kind() == Kind::OBJECT { 3 } else { 1 };
        self.allocation_size().saturating_sub(blocks * self.block_overhead(self.byte_len()))
    }

    /// Returns by how much the block grows if the key gets an expiry. The result is 0 if `adds_expiry` is
    /// `false`, or if the key has an expiry already.
    pub(crate) fn growth_by_expiry(&self, adds_expiry: bool) -> usize {
        if adds_expiry && !self.expires() { self.growth_by(EXPIRY_SIZE) } else { 0 }
    }

    /// Returns by how much the blocks grow if the string gets `len` bytes. If `with_spare` is set, the new
    /// string also reserves as much spare room as `sds` would. The string of an object always reserves it, as
    /// does a coded string that becomes an object before it grows. If a reply shares the object, the object
    /// is copied first.
    pub(crate) fn growth_of_string(&self, len: usize, with_spare: bool) -> usize {
        let (key, expires, own) = (self.key_layout(), self.expires(), self.usable_size());
        let object = self.object();
        let is_shared = object.is_some_and(|object| object.refcount() > 1);
        if !is_shared && Self::size_of_len(key, expires, len, false) <= own {
            return 0;
        }
        let is_decoded_as_object = match self.string() {
            Ok(string @ EntryString::Coded(_)) => {
                string.len() > content::INLINE_LEN_MAX && len > string.len()
            }
            _ => false,
        };
        let with_spare = with_spare || object.is_some() || is_decoded_as_object;
        Self::size_of_len(key, expires, len, with_spare).saturating_sub(own)
    }

    /// Returns the bytes that an entry with a plain string of `len` bytes adds to `used_memory`. The string
    /// is not an integer.
    pub(crate) fn size_of_len(key: KeyLayout, expires: bool, len: usize, with_spare: bool) -> usize {
        let front = Layout { kind: Kind::BYTES, expires, key }.key_end();
        if len <= content::INLINE_LEN_MAX {
            return zmalloc::good_size(front + length::size(len) + len);
        }
        // The object and its string have their own blocks.
        let spare = if with_spare { len.min(sds::MAX_PREALLOC) } else { 0 };
        let capacity = len.saturating_add(spare);
        let header = HeaderType::for_len(capacity).header_len();
        let block = zmalloc::good_size(value_at(Kind::OBJECT, front) + word::SIZE);
        zmalloc::good_size(capacity.saturating_add(header + 1))
            .saturating_add(block + zmalloc::good_size(robj::HEADER_SIZE))
    }

    /// Returns the bytes that an entry with this coded string adds to `used_memory`.
    pub(crate) fn size_of_coded(key: KeyLayout, expires: bool, coded: &CodedString<'_>) -> usize {
        Self::size_of_value(key, expires, coded.size())
    }

    /// Returns the bytes that an entry adds to `used_memory` if its value takes `len` bytes of the block, and
    /// is not aligned.
    pub(crate) fn size_of_value(key: KeyLayout, expires: bool, len: usize) -> usize {
        zmalloc::good_size(Layout { kind: Kind::BYTES, expires, key }.key_end() + len)
    }

    /// Returns the bytes that an entry with this string adds to `used_memory` if the string is plain.
    #[inline]
    pub(crate) fn size_of_string(key: KeyLayout, expires: bool, value: Element<'_>) -> usize {
        match value.as_i64() {
            Some(value) => Self::size_of_value(key, expires, content::int_width(value)),
            None => Self::size_of_len(key, expires, value.len(), false),
        }
    }

    /// Returns the bytes that the blocks of the value add to `used_memory`, without the entry's own block.
    #[inline]
    fn value_allocation_size(&self) -> usize {
        let layout = self.layout();
        if !layout.kind.is_word() {
            return 0;
        }
        // SAFETY: the word is live and of this kind (E2).
        unsafe { word::allocation_size(layout.kind, self.value(layout)) }
    }

    /// Returns approximately how many blocks are freed when the entry is dropped. O(1), except for long
    /// lists. In C: `lazyfreeGetFreeEffort`.
    pub(crate) fn free_effort(&self) -> usize {
        let layout = self.layout();
        if !layout.kind.is_word() {
            return 1;
        }
        // SAFETY: the word is live and of this kind (E2).
        1 + unsafe { word::free_effort(layout.kind, self.value(layout)) }
    }

    /// Returns whether the value has so many blocks that the operation that removes it does not free it.
    #[inline]
    pub(crate) fn is_large(&self) -> bool {
        self.kind().is_word() && self.free_effort() > FREE_EFFORT_MAX
    }

    /// Returns the bytes that the block adds to `used_memory`. `len` is how many of its bytes are in use.
    #[inline]
    fn block_allocation_size(&self, len: usize) -> usize {
        // SAFETY: the block is live (E1). Unless it is loose, it has the size class of `len` (E3).
        unsafe {
            if self.is_loose() {
                zmalloc::zmalloc_size(self.base())
            } else {
                zmalloc::zmalloc_size_sized(self.base(), zmalloc::good_size(len))
            }
        }
    }

    #[inline]
    fn is_loose(&self) -> bool {
        self.form() & LOOSE != 0
    }

    /// Returns the address of the block, which identifies the entry and can be prefetched.
    #[inline]
    pub(crate) fn address(&self) -> *const u8 {
        self.base().as_ptr()
    }
}

/// Checks for tests.
impl Entry {
    /// Panics if the block is not a valid entry (E1 to E3), as far as can be checked. O(value).
    pub(crate) fn check(&self) {
        let (layout, len) = (self.layout(), self.byte_len());
        assert_eq!(self.capacity(len).max(len), self.capacity(len), "the block holds what it says");
        assert!(layout.key_end() <= len);
        by_type!(self.object_type(), string => {
            let string = self.string().expect("a string");
            let is_integer = string.plain().and_then(Element::as_i64).is_some_and(|value| {
                layout.kind.int_width().is_none_or(|width| width == content::int_width(value))
            });
            assert!(is_integer || layout.kind.int_width().is_none(), "an integer has as few bytes as it can");
        }, C => {
            let view = self.collection::<C>().expect("the type was asked for");
            assert!(!view.is_empty(), "no key has an empty collection");
            assert_eq!(view.encoding(), layout.kind.encoding());
            if layout.kind.storage() == Storage::Packed {
                // SAFETY: these are the bytes of the value (E2).
                let bytes = unsafe { self.bytes(layout.value_at(), self.value_len(layout)) };
                C::try_from_packed(layout.kind.encoding(), bytes).expect("a valid packed value");
            }
        });
    }
}

/// Returns the offset of a value after a key that ends at `key_end`. Only words are aligned.
#[inline]
fn value_at(kind: Kind, key_end: usize) -> usize {
    if kind.is_word() { key_end.next_multiple_of(word::ALIGN) } else { key_end }
}

/// Returns how many bytes a value takes in its block. O(1).
///
/// # Safety
/// `value` must point to a live value of this kind.
#[inline]
unsafe fn value_len(kind: Kind, value: NonNull<u8>) -> usize {
    match kind.storage() {
        Storage::Int => kind.int_width().unwrap_or(1),
        // SAFETY: a string has its length in front of it.
        Storage::Bytes => unsafe {
            let (len, _) = length::read(value);
            length::size(len) + len
        },
        // SAFETY: a coded string has two lengths in front of its codes.
        Storage::Coded => unsafe {
            let (len, at) = length::read(value);
            let (codes_len, _) = length::read(at);
            length::size(len) + length::size(codes_len) + codes_len
        },
        // SAFETY: a packed value begins with a valid header.
        Storage::Packed => unsafe { packed_len(kind, value) },
        Storage::Word => word::SIZE,
    }
}

/// Returns the number of bytes of a listpack or an intset, which is read from its header.
///
/// # Safety
/// `place` must point to the header of a packed value of this kind.
#[inline]
unsafe fn packed_len(kind: Kind, place: NonNull<u8>) -> usize {
    // SAFETY: by contract there is a header. That of a listpack has six bytes, and that of an intset has
    // eight.
    unsafe {
        let first = u32::from_le_bytes(place.cast::<[u8; 4]>().read()) as usize;
        if kind.encoding() == Encoding::IntSet {
            let len = u32::from_le_bytes(place.add(4).cast::<[u8; 4]>().read()) as usize;
            8 + first * len
        } else {
            first
        }
    }
}

/// Returns where a packed value of `len` bytes that begins at `value_at` ends. It ends no earlier than a word
/// in the same place would.
///
/// So a packed value can always be replaced by a word without new memory.
#[inline]
fn packed_end(value_at: usize, len: usize) -> usize {
    (value_at + len).max(value_at.next_multiple_of(word::ALIGN) + word::SIZE)
}
