//! [`Entry`]: a key, its expiry and its value, in one block.
//!
//! ```text
//!  byte   0      1..=3     4         5 or 9
//!       +------+---------+---------+----------+-----+-------+-----------------------------+
//!       | form | clock   | key len | expiry 8 | key | value |                             |
//!       +------+---------+---------+----------+-----+-------+-----------------------------+
//!         |                  1 | 5   if it has one      |
//!         |                                             |  int       1 to 8 bytes
//!         kind:5  what the value is (`kind`)            |  bytes     length of 1, 3 or 5 bytes, and the bytes
//!         loose:1 the block is larger than it need be   |  coded     length of the text, of the codes, and the codes
//!         expires:1                                     |  packed    a listpack or an intset, at least as long as a word
//!         snapshot:1 see `SnapshotBit`                  |  word      up to 7 bytes of padding, and a pointer
//! ```
//!
//! The first four bytes are one word in the machine's order (drawn for little-endian): the *head*. All other
//! numbers are little-endian and not aligned, but for words, which are borrowed where they lie. There is no
//! NUL byte and no reference count, and nothing says how large the block is: that follows from what is in it.
//!
//! A key of 16 bytes and a value of 32 take 4 + 1 + 16 + 1 + 32 = 54 bytes, a block of 56.
//!
//! Invariants, on which all unsafe code of this folder leans:
//!
//! - **E1.** The block belongs to the entry alone. It is of zmalloc's raw family, and its first
//!   [`Entry::byte_len`] bytes are initialised, but for the padding in front of a word, and behind a packed
//!   value that is shorter than a word.
//! - **E2.** The kind says what the value is, and lengths in the block are right. A word is one of that kind,
//!   and the entry owns it.
//! - **E3.** `good_size(byte_len)` is a size to free the block with, unless the head says *loose*. Then the
//!   block has at least that size, and may be larger: because its collection was, or because there was no
//!   memory for a smaller one. Only the allocator knows by how much.
//! - **E4.** Through a shared reference only the 24 bits of the clock and the bit for snapshots change,
//!   atomically. The bit changes only while the keyspace is borrowed for writing, so that nothing touches the
//!   clock meanwhile.
//!
//! No unsafe code leans on this one:
//!
//! - **E5.** A coded string has its table in the slot of the keyspace that its kind names, and its codes
//!   decode to a text of its length.
//!
//! `view` is an entry whose key has been decoded, for look-ups. `content` has values on their way into a
//! block, `write` all that makes a block or writes to it, `edit` what changes a value in place, `relocate`
//! what moves blocks for a defragmenter, and `parts` the lengths of blocks that need not be there.

mod content;
mod edit;
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
pub(crate) use kind::{Kind, Place, Slot};
pub(crate) use view::{CodedString, EntryString, EntryView, ShortKey};
pub(crate) use write::Shell;

use crate::garbage::FREE_EFFORT_MAX;
use common::length as key_length;
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

/// Where the key's length is.
const KEY_LEN_AT: usize = size_of::<AtomicU32>();

/// The bytes of an expiry.
const EXPIRY_SIZE: usize = size_of::<u64>();

/// The longest key, in bytes.
pub(crate) const KEY_LEN_MAX: usize = key_length::LEN_MAX;

/// A block that holds a key, and owns its value. Six bytes where pointers have eight.
#[repr(transparent)]
pub(crate) struct Entry {
    block: CompactPtr<AtomicU32>,
}

// What the drawing says.
const _: () = {
    assert!(size_of::<Entry>() == size_of::<CompactPtr<AtomicU32>>());
    assert!(KEY_LEN_AT == 4 && EXPIRY_SIZE == 8);
    assert!(LOOSE == 1 << 5 && EXPIRES == LOOSE << 1 && SNAPSHOT == EXPIRES << 1);
    assert!(SNAPSHOT << 1 == 1 << CLOCK_SHIFT);
    let short = Layout { kind: Kind::BYTES, expires: true, key_len: 254 };
    assert!(short.expiry_at() == 5 && short.key_at() == 13 && short.key_end() == 267);
    let long = Layout { kind: Kind::BYTES, expires: false, key_len: 255 };
    assert!(long.key_at() == 9 && long.key_end() == 264);
};

// SAFETY: the block belongs to the entry, and all values may be sent.
unsafe impl Send for Entry {}
// SAFETY: shared, only clock and snapshot bit change, atomically (E4), and all values may be shared.
unsafe impl Sync for Entry {}

/// A value of the bit for snapshots in the head of an entry. The keyspace has one too: an entry with the same
/// value is saved, or there is no snapshot that needs it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SnapshotBit(u32);

impl SnapshotBit {
    /// The other value.
    pub(crate) const fn flipped(self) -> Self {
        Self(self.0 ^ SNAPSHOT)
    }
}

/// What a head and a key's length say about a block.
#[derive(Clone, Copy)]
struct Layout {
    kind: Kind,
    expires: bool,
    key_len: usize,
}

impl Layout {
    #[inline]
    const fn expiry_at(self) -> usize {
        KEY_LEN_AT + key_length::size(self.key_len)
    }

    #[inline]
    const fn key_at(self) -> usize {
        self.expiry_at() + if self.expires { EXPIRY_SIZE } else { 0 }
    }

    #[inline]
    const fn key_end(self) -> usize {
        self.key_at() + self.key_len
    }

    #[inline(always)]
    fn value_at(self) -> usize {
        value_at(self.kind, self.key_end())
    }

    /// How many bytes of the block a value of `len` bytes takes.
    #[inline]
    fn value_room(self, len: usize) -> usize {
        match self.kind.place() {
            Place::Packed => packed_end(self.key_end(), len) - self.key_end(),
            _ => len,
        }
    }
}

/// Reading.
impl Entry {
    /// The block.
    #[inline]
    pub(crate) fn base(&self) -> NonNull<u8> {
        self.block.get().cast()
    }

    #[inline]
    fn head(&self) -> &AtomicU32 {
        // SAFETY: a live block begins with its head (E1), which changes only atomically while it is shared
        // (E4).
        unsafe { self.block.as_ref() }
    }

    #[inline]
    fn form(&self) -> u32 {
        self.head().load(Ordering::Relaxed)
    }

    #[inline]
    fn layout(&self) -> Layout {
        let form = self.form();
        // SAFETY: a live block has the length of its key behind the head (E2); `write` has written both.
        let (kind, (key_len, _)) =
            unsafe { (Kind::from_bits(form), key_length::read(self.base().add(KEY_LEN_AT))) };
        Layout { kind, expires: form & EXPIRES != 0, key_len }
    }

    /// The bytes from `at` on.
    ///
    /// # Safety
    /// So many initialised bytes are there.
    #[inline]
    unsafe fn bytes(&self, at: usize, len: usize) -> &[u8] {
        // SAFETY: by contract; the block lives and does not change while `self` is borrowed (E1, E4).
        unsafe { slice::from_raw_parts(self.base().add(at).as_ptr(), len) }
    }

    /// The key.
    #[inline]
    pub(crate) fn key(&self) -> &[u8] {
        let layout = self.layout();
        // SAFETY: the key's bytes are there (E2).
        unsafe { self.bytes(layout.key_at(), layout.key_len) }
    }

    #[inline]
    pub(crate) fn kind(&self) -> Kind {
        // SAFETY: the head has a kind (E2).
        unsafe { Kind::from_bits(self.form()) }
    }

    /// What `TYPE` says.
    #[inline]
    pub(crate) fn object_type(&self) -> ObjectType {
        self.kind().object_type()
    }

    /// Whether the key has an expiry.
    #[inline]
    pub(crate) fn expires(&self) -> bool {
        self.form() & EXPIRES != 0
    }

    /// Whether the bit for snapshots has that value.
    #[inline]
    pub(crate) fn has_snapshot_bit(&self, bit: SnapshotBit) -> bool {
        self.form() & SNAPSHOT == bit.0
    }

    /// Gives the bit for snapshots that value. The keyspace, if the entry is in one, is borrowed for writing.
    #[inline]
    pub(crate) fn set_snapshot_bit(&self, bit: SnapshotBit) {
        self.head().store(self.form() & !SNAPSHOT | bit.0, Ordering::Relaxed);
    }

    /// When the key expires, in milliseconds.
    #[inline]
    pub(crate) fn expiry(&self) -> Option<u64> {
        if !self.expires() {
            return None;
        }
        // SAFETY: there is an expiry, says the head (E2).
        let bytes = unsafe { self.base().add(self.layout().expiry_at()).cast::<[u8; EXPIRY_SIZE]>().read() };
        Some(u64::from_le_bytes(bytes))
    }

    /// Whether the key is no longer there at `now`, in milliseconds.
    #[inline]
    pub(crate) fn is_expired(&self, now: u64) -> bool {
        self.view().is_expired(now)
    }

    /// Where the value of that layout begins.
    #[inline]
    fn value(&self, layout: Layout) -> NonNull<u8> {
        // SAFETY: the value lies in the block (E2).
        unsafe { self.base().add(layout.value_at()) }
    }

    /// How many bytes the value takes in the block. Constant time.
    #[inline]
    fn value_len(&self, layout: Layout) -> usize {
        // SAFETY: a value of that kind lies there (E2).
        unsafe { value_len(layout.kind, self.value(layout)) }
    }

    /// How many bytes of the block are in use. Constant time.
    #[inline]
    pub(crate) fn byte_len(&self) -> usize {
        let layout = self.layout();
        let end = layout.key_end();
        // Strings and integers first: they need no alignment.
        if layout.kind == Kind::BYTES {
            // SAFETY: a length stands in front of a string (E2).
            let (len, _) = unsafe { length::read(self.base().add(end)) };
            return end + length::size(len) + len;
        }
        match layout.kind.int_width() {
            Some(width) => end + width,
            None => layout.value_at() + layout.value_room(self.value_len(layout)),
        }
    }

    /// The string, if the value is one.
    #[inline]
    pub(crate) fn string(&self) -> Result<EntryString<'_>, WrongType> {
        self.view().string()
    }

    /// The string where it lies, if the value is one that is not coded.
    #[inline]
    pub(crate) fn plain(&self) -> Option<Element<'_>> {
        self.string().ok()?.plain()
    }

    /// The object of a string that does not lie in the block.
    #[inline]
    pub(crate) fn object(&self) -> Option<&Robj> {
        match self.view().string() {
            Ok(EntryString::Object(object)) => Some(object),
            _ => None,
        }
    }

    /// The collection, to be read, if the value is one of that type.
    #[inline]
    pub(crate) fn collection<C: Collection>(&self) -> Result<C::View<'_>, WrongType> {
        self.view().collection::<C>()
    }

    /// How the value is stored, in the words of `OBJECT ENCODING`: a string of more than `embstr_size_limit`
    /// bytes is *raw*.
    pub(crate) fn encoding(&self, embstr_size_limit: usize) -> Encoding {
        match self.kind().encoding() {
            Encoding::EmbStr if self.string().is_ok_and(|string| string.len() > embstr_size_limit) => {
                Encoding::Raw
            }
            encoding => encoding,
        }
    }

    /// How many elements a collection has. `None` for a string. Constant time.
    pub(crate) fn len(&self) -> Option<usize> {
        by_type!(self.object_type(), string => None, C => self.collection::<C>().ok().map(CollectionView::len))
    }

    /// Whether the value is a collection without elements. No entry of a keyspace has one between two
    /// operations.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }

    /// What the entry adds to `used_memory`, in bytes: its block and all blocks of its value. Constant time.
    #[inline]
    pub(crate) fn allocation_size(&self) -> usize {
        self.block_allocation_size(self.byte_len()) + self.value_allocation_size()
    }

    /// By how much the block grows if it has to hold so many bytes more.
    pub(crate) fn growth_by(&self, bytes: usize) -> usize {
        let len = self.byte_len();
        let own = self.block_allocation_size(len) - self.block_overhead(len);
        zmalloc::good_size(len.saturating_add(bytes)).saturating_sub(own)
    }

    /// What the allocator adds to a block beside its usable bytes: its own header, where it has one.
    fn block_overhead(&self, len: usize) -> usize {
        if self.is_loose() {
            return 0;
        }
        self.block_allocation_size(len).saturating_sub(zmalloc::good_size(len))
    }

    /// [`allocation_size`](Self::allocation_size) without the allocator's headers, to be compared with the
    /// sizes of strings that are yet to be written.
    pub(crate) fn usable_size(&self) -> usize {
        let blocks = if self.kind() == Kind::OBJECT { 3 } else { 1 };
        self.allocation_size().saturating_sub(blocks * self.block_overhead(self.byte_len()))
    }

    /// By how much the block grows by an expiry, if it gets one and has none.
    pub(crate) fn growth_by_expiry(&self, gets_one: bool) -> usize {
        if gets_one && !self.expires() { self.growth_by(EXPIRY_SIZE) } else { 0 }
    }

    /// By how much the blocks grow if the string becomes so long. `is_greedy`: with as much again to grow
    /// into, as far as `sds` does that. An object always does; one that a reply shares is copied first.
    pub(crate) fn growth_of_string(&self, len: usize, is_greedy: bool) -> usize {
        let (key, expires, own) = (self.key(), self.expires(), self.usable_size());
        let object = self.object();
        let is_shared = object.is_some_and(|object| object.refcount() > 1);
        if !is_shared && Self::size_of_len(key, expires, len, false) <= own {
            return 0;
        }
        Self::size_of_len(key, expires, len, is_greedy || object.is_some()).saturating_sub(own)
    }

    /// What an entry with a string of so many bytes adds to `used_memory`. The string is not an integer.
    pub(crate) fn size_of_len(key: &[u8], expires: bool, len: usize, is_greedy: bool) -> usize {
        let front = Layout { kind: Kind::BYTES, expires, key_len: key.len() }.key_end();
        if len <= content::INLINE_LEN_MAX {
            return zmalloc::good_size(front + length::size(len) + len);
        }
        // The object and its string have blocks of their own.
        let spare = if is_greedy { len.min(sds::MAX_PREALLOC) } else { 0 };
        let capacity = len.saturating_add(spare);
        let header = HeaderType::for_len(capacity).header_len();
        let block = zmalloc::good_size(value_at(Kind::OBJECT, front) + word::SIZE);
        zmalloc::good_size(capacity.saturating_add(header + 1))
            .saturating_add(block + zmalloc::good_size(robj::HEADER_SIZE))
    }

    /// What an entry with a coded string adds to `used_memory`, in bytes.
    pub(crate) fn size_of_coded(key: &[u8], expires: bool, coded: &CodedString<'_>) -> usize {
        let front = Layout { kind: Kind::coded(coded.slot), expires, key_len: key.len() }.key_end();
        zmalloc::good_size(front + coded.size())
    }

    /// What an entry with that string adds to `used_memory`, in bytes.
    #[inline]
    pub(crate) fn size_of_string(key: &[u8], expires: bool, value: Element<'_>) -> usize {
        match value.as_i64() {
            Some(value) => {
                let front = Layout { kind: Kind::BYTES, expires, key_len: key.len() }.key_end();
                zmalloc::good_size(front + content::int_width(value))
            }
            None => Self::size_of_len(key, expires, value.len(), false),
        }
    }

    /// What the blocks of the value add, but for the entry's own.
    #[inline]
    fn value_allocation_size(&self) -> usize {
        let layout = self.layout();
        if !layout.kind.is_word() {
            return 0;
        }
        // SAFETY: a live word of that kind (E2).
        unsafe { word::allocation_size(layout.kind, self.value(layout)) }
    }

    /// About how many blocks dropping the entry frees. Constant time but for long lists. In C:
    /// `lazyfreeGetFreeEffort`.
    pub(crate) fn free_effort(&self) -> usize {
        let layout = self.layout();
        if !layout.kind.is_word() {
            return 1;
        }
        // SAFETY: a live word of that kind (E2).
        1 + unsafe { word::free_effort(layout.kind, self.value(layout)) }
    }

    /// Whether the value has so many blocks that it is not freed by the operation that removes it.
    #[inline]
    pub(crate) fn is_large(&self) -> bool {
        self.kind().is_word() && self.free_effort() > FREE_EFFORT_MAX
    }

    /// What the block adds, of which `len` bytes are in use.
    #[inline]
    fn block_allocation_size(&self, len: usize) -> usize {
        // SAFETY: a live block (E1); unless it is loose, that size frees it (E3).
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

    /// Where the block is: to tell entries apart, and for prefetches.
    #[inline]
    pub(crate) fn address(&self) -> *const u8 {
        self.base().as_ptr()
    }
}

/// Checking, for tests.
impl Entry {
    /// Panics if the block is not one of an entry (E1 to E3), as far as can be seen. O(value).
    pub(crate) fn check(&self) {
        let (layout, len) = (self.layout(), self.byte_len());
        assert_eq!(self.capacity(len).max(len), self.capacity(len), "the block holds what it says");
        assert!(layout.key_at() + layout.key_len <= len);
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
            if layout.kind.place() == Place::Packed {
                // SAFETY: the bytes of the value (E2).
                let bytes = unsafe { self.bytes(layout.value_at(), self.value_len(layout)) };
                C::try_from_packed(layout.kind.encoding(), bytes).expect("a valid packed value");
            }
        });
    }
}

/// Where a value begins behind a key that ends at `key_end`. Only words are aligned.
#[inline]
fn value_at(kind: Kind, key_end: usize) -> usize {
    if kind.is_word() { key_end.next_multiple_of(word::ALIGN) } else { key_end }
}

/// How many bytes a value takes in its block. Constant time.
///
/// # Safety
/// A value of that kind lies there.
#[inline]
unsafe fn value_len(kind: Kind, value: NonNull<u8>) -> usize {
    match kind.place() {
        Place::Int => kind.int_width().unwrap_or(1),
        // SAFETY: a length stands in front of a string.
        Place::Bytes => unsafe {
            let (len, _) = length::read(value);
            length::size(len) + len
        },
        // SAFETY: two lengths stand in front of codes.
        Place::Coded => unsafe {
            let (len, at) = length::read(value);
            let (codes_len, _) = length::read(at);
            length::size(len) + length::size(codes_len) + codes_len
        },
        // SAFETY: a packed value begins with eight bytes or more, and they are right.
        Place::Packed => unsafe { packed_len(kind, value) },
        Place::Word => word::SIZE,
    }
}

/// How many bytes a listpack or an intset says that it has.
///
/// # Safety
/// The header of a packed value of that kind is there.
#[inline]
unsafe fn packed_len(kind: Kind, place: NonNull<u8>) -> usize {
    // SAFETY: by contract; both headers have at least six bytes.
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

/// Where a packed value of `len` bytes ends that begins at `value_at`: no earlier than a word would.
///
/// So a packed value can always become a word without memory.
#[inline]
fn packed_end(value_at: usize, len: usize) -> usize {
    (value_at + len).max(value_at.next_multiple_of(word::ALIGN) + word::SIZE)
}
