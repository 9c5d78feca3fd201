//! [`EntryView`]: an entry whose key was found.
//!
//! A look-up reads an entry to compare its key. It then knows the address of the block and the offset at
//! which the key ends. A GET needs only these two to find the kind, the expiry, the clock and the value. So a
//! look-up returns both, in two registers.

use super::{
    CLOCK_SHIFT, CODED_KEY_LENS, EXPIRES, EXPIRY_SIZE, Entry, KEY_HEADER_AT, KIND_MASK, KeyLayout, Kind,
    SNAPSHOT, Slot, SnapshotBit, StoredKey, length, value_at, value_len,
};
use crate::reading::Tables;
use core::marker::PhantomData;
use core::ptr::NonNull;
use core::slice;
use core::sync::atomic::{AtomicU32, Ordering};
use robj::Robj;
use values::{Collection, Element, ObjectType, WrongType};

/// The block of an entry, and the offset at which its key ends.
///
/// A view and an `Option` of a view have two machine words, so functions return them in registers. The head
/// is read again where it is needed, which is one instruction.
#[derive(Clone, Copy)]
pub(crate) struct EntryView<'a> {
    base: NonNull<u8>,
    key_end: usize,
    _entry: PhantomData<&'a Entry>,
}

/// A string in the form in which an entry stores it.
#[derive(Clone, Copy)]
pub(crate) enum EntryString<'a> {
    /// An integer in the block.
    Int(i64),
    /// Bytes in the block.
    Bytes(&'a [u8]),
    /// An object that holds the string.
    Object(&'a Robj),
    /// Codes in the block.
    Coded(CodedView<'a>),
}

// A larger `EntryString` would make each look-up of a plain string slower.
const _: () = assert!(size_of::<EntryString>() <= 3 * size_of::<usize>() || size_of::<usize>() < 8);

/// A coded string in an entry. Its lengths are read when they are needed.
#[derive(Clone, Copy)]
pub(crate) struct CodedView<'a> {
    /// Points to the length of the text. The length of the codes and the codes are after it.
    value: NonNull<u8>,
    slot: Slot,
    _entry: PhantomData<&'a Entry>,
}

// SAFETY: the view stands for a shared reference to an entry, which is `Sync`.
unsafe impl Send for CodedView<'_> {}
// SAFETY: the same.
unsafe impl Sync for CodedView<'_> {}

impl<'a> CodedView<'a> {
    /// Returns the slot of the symbol table.
    pub(crate) fn slot(self) -> Slot {
        self.slot
    }

    /// Returns the number of bytes of the text.
    pub(crate) fn len(self) -> usize {
        // SAFETY: a coded string begins with the length of its text (E2).
        unsafe { length::read(self.value) }.0
    }

    /// Returns the slot, the length of the text, and the codes.
    pub(crate) fn get(self) -> CodedString<'a> {
        // SAFETY: the two lengths and the codes follow each other (E2), and do not change while the entry is
        // borrowed (E4).
        let (len, codes) = unsafe {
            let (len, at) = length::read(self.value);
            let (codes_len, at) = length::read(at);
            (len, slice::from_raw_parts(at.as_ptr(), codes_len))
        };
        CodedString { slot: self.slot, len: len as u32, codes }
    }
}

/// The parts of a coded string, which may not be in an entry yet.
#[derive(Clone, Copy)]
pub(crate) struct CodedString<'a> {
    /// The slot of its symbol table.
    pub(crate) slot: Slot,
    /// The number of bytes of the text.
    pub(crate) len: u32,
    pub(crate) codes: &'a [u8],
}

impl CodedString<'_> {
    /// Returns how many bytes the string takes in a block.
    #[inline]
    pub(crate) fn size(&self) -> usize {
        length::size(self.len as usize) + length::size(self.codes.len()) + self.codes.len()
    }
}

impl<'a> EntryString<'a> {
    /// Returns the string without a copy, or `None` if it is coded.
    #[inline]
    pub(crate) fn plain(self) -> Option<Element<'a>> {
        Some(match self {
            Self::Int(value) => Element::Int(value),
            Self::Bytes(bytes) => Element::Bytes(bytes),
            Self::Object(object) => Self::element_of(object),
            Self::Coded(_) => return None,
        })
    }

    /// Returns the number of bytes of the text. O(1).
    #[inline]
    pub(crate) fn len(self) -> usize {
        match self {
            Self::Coded(coded) => coded.len(),
            other => other.plain().map_or(0, Element::len),
        }
    }

    #[inline]
    pub(crate) fn is_empty(self) -> bool {
        self.len() == 0
    }

    #[inline(never)]
    fn element_of(object: &Robj) -> Element<'_> {
        object.as_element().unwrap_or_else(|_| unreachable!("the object of an entry is a string"))
    }
}

impl Entry {
    /// Returns the view of the entry.
    #[inline]
    pub(crate) fn view(&self) -> EntryView<'_> {
        self.view_with(self.key_layout())
    }

    /// Returns the view if this is the entry of `key`, and otherwise `None`. `tables` must be those of the
    /// keyspace.
    #[inline]
    pub(crate) fn view_of(&self, key: &[u8], tables: &Tables) -> Option<EntryView<'_>> {
        match ShortKey::new(key) {
            Some(key) => self.view_of_short(key),
            None => self.view_of_other(key, tables),
        }
    }

    /// Like [`view_of`](Self::view_of), for a short key. The compiled code makes no call.
    #[inline]
    pub(crate) fn view_of_short(&self, ShortKey(key): ShortKey<'_>) -> Option<EntryView<'_>> {
        // SAFETY: the key's header begins at this offset (E2).
        let len = unsafe { self.base().add(KEY_HEADER_AT).read() };
        // A header of more than one byte begins with 254 or 255, and `key` is shorter than that.
        if usize::from(len) != key.len() {
            return None;
        }
        let view = self.view_with(KeyLayout::plain(key.len()));
        // SAFETY: the key of the entry is as long as `key` (E2).
        let own = unsafe { view.key(key.len()) };
        is_same(own, key).then_some(view)
    }

    #[inline(never)]
    fn view_of_other(&self, key: &[u8], tables: &Tables) -> Option<EntryView<'_>> {
        let StoredKey { bytes, slot } = self.stored_key();
        let is_same = match slot {
            None => bytes == key,
            Some(slot) => CODED_KEY_LENS.contains(&key.len()) && tables.is_key(slot, bytes, key),
        };
        is_same.then(|| self.view())
    }

    /// Returns whether this is the entry of `key`. `tables` must be those of the keyspace.
    #[inline]
    pub(crate) fn has_key(&self, key: &[u8], tables: &Tables) -> bool {
        self.view_of(key, tables).is_some()
    }

    /// Returns the view of the entry, whose key has this layout.
    #[inline]
    fn view_with(&self, key: KeyLayout) -> EntryView<'_> {
        let expiry = if self.form() & EXPIRES != 0 { EXPIRY_SIZE } else { 0 };
        let key_end = KEY_HEADER_AT + key.total_len() + expiry;
        EntryView { base: self.base(), key_end, _entry: PhantomData }
    }
}

impl<'a> EntryView<'a> {
    #[inline]
    fn head(self) -> &'a AtomicU32 {
        // SAFETY: a live block begins with its head (E1). While it is shared, the head changes only
        // atomically (E4).
        unsafe { self.base.cast().as_ref() }
    }

    #[inline]
    fn form(self) -> u32 {
        self.head().load(Ordering::Relaxed)
    }

    /// Returns the key.
    ///
    /// # Safety
    /// The key must have `len` bytes.
    #[inline]
    unsafe fn key(self, len: usize) -> &'a [u8] {
        // SAFETY: the key ends at `key_end` and by contract has `len` bytes (E2). They do not change while
        // the entry is borrowed (E4).
        unsafe { slice::from_raw_parts(self.base.add(self.key_end - len).as_ptr(), len) }
    }

    /// Returns the kind of the value.
    #[inline]
    pub(crate) fn kind(self) -> Kind {
        // SAFETY: the head has a kind (E2).
        unsafe { Kind::from_bits(self.form()) }
    }

    /// Returns whether the key has an expiry.
    #[inline]
    pub(crate) fn expires(self) -> bool {
        self.form() & EXPIRES != 0
    }

    /// Returns whether the key has expired at `now`, in milliseconds.
    #[inline]
    pub(crate) fn is_expired(self, now: u64) -> bool {
        if !self.expires() {
            return false;
        }
        // SAFETY: the head says that there is an expiry, which is after the header of the key (E2).
        let expiry = unsafe {
            let header_at = self.base.add(KEY_HEADER_AT);
            header_at.add(KeyLayout::read(header_at).header_len()).cast::<[u8; EXPIRY_SIZE]>().read()
        };
        u64::from_le_bytes(expiry) <= now
    }

    /// Returns the 24 bits of the access clock.
    #[inline]
    pub(crate) fn clock(self) -> u32 {
        self.form() >> CLOCK_SHIFT
    }

    /// Sets the access clock to the low 24 bits of `clock`. Writes nothing if they are equal.
    ///
    /// The update is a load and a store, and not an atomic read-modify-write, which would cost more. If two
    /// threads touch an entry at the same time, the later store wins, so a count of uses may miss a few. The
    /// rest of the head does not change meanwhile (E4).
    #[inline]
    pub(crate) fn set_clock(self, clock: u32) {
        let form = self.form();
        let touched = form & ((1 << CLOCK_SHIFT) - 1) | clock << CLOCK_SHIFT;
        if touched != form {
            self.head().store(touched, Ordering::Relaxed);
        }
    }

    /// Returns the string, or an error if the value is a collection.
    #[inline(always)]
    pub(crate) fn string(self) -> Result<EntryString<'a>, WrongType> {
        let kind = self.kind();
        // SAFETY: the value has this kind (E2). Strings and integers in the block begin directly after the
        // key.
        unsafe {
            if kind == Kind::BYTES {
                let (len, at) = length::read(self.base.add(self.key_end));
                return Ok(EntryString::Bytes(slice::from_raw_parts(at.as_ptr(), len)));
            }
            if let Some(width) = kind.int_width() {
                return Ok(EntryString::Int(read_int(self.base.add(self.key_end), width)));
            }
        }
        self.other_string(kind)
    }

    /// Does the same as [`string`](Self::string) if the value, of this kind, is neither an integer nor bytes in
    /// the block that were not edited. It is a separate function so that `string` is short enough to be inlined.
    #[inline(never)]
    fn other_string(self, kind: Kind) -> Result<EntryString<'a>, WrongType> {
        if kind == Kind::EDITED {
            // SAFETY: the value is a string after its length, directly after the key (E2).
            return Ok(EntryString::Bytes(unsafe {
                let (len, at) = length::read(self.base.add(self.key_end));
                slice::from_raw_parts(at.as_ptr(), len)
            }));
        }
        let Some(slot) = kind.slot() else {
            WrongType::check(ObjectType::String, kind.object_type())?;
            // SAFETY: a string of any other kind is an object, and the word is a pointer to it (E2).
            return Ok(EntryString::Object(unsafe { self.value().cast().as_ref() }));
        };
        // SAFETY: the value is a coded string, which begins directly after the key (E2).
        let value = unsafe { self.base.add(self.key_end) };
        Ok(EntryString::Coded(CodedView { value, slot, _entry: PhantomData }))
    }

    /// Returns the length and the address of a string in the block. Returns `None` for any other kind, if the
    /// key has an expiry, or if the snapshot bit has another value than `bit`.
    #[inline]
    pub(super) fn bytes_without_expiry(self, bit: SnapshotBit) -> Option<(usize, NonNull<u8>)> {
        if self.form() & (KIND_MASK | EXPIRES | SNAPSHOT) != Kind::BYTES.bits() | bit.0 {
            return None;
        }
        // SAFETY: a string has its length in front of it, directly after the key (E2).
        Some(unsafe { length::read(self.base.add(self.key_end)) })
    }

    /// Returns the address of the value.
    #[inline]
    fn value(self) -> NonNull<u8> {
        // SAFETY: the offset of the value is within the block (E2).
        unsafe { self.base.add(value_at(self.kind(), self.key_end)) }
    }

    /// Returns a view of the collection, or an error if the value is of another type.
    #[inline]
    pub(crate) fn collection<C: Collection>(self) -> Result<C::View<'a>, WrongType> {
        let kind = self.kind();
        WrongType::check(C::TYPE, kind.object_type())?;
        let (encoding, value) = (kind.encoding(), self.value());
        if kind.is_word() {
            // SAFETY: the type and the encoding are those of the word (E2), which does not change while the
            // entry is borrowed.
            return Ok(unsafe { C::view_of_raw(encoding, value.cast().as_ref()) });
        }
        // SAFETY: the value has this many bytes (E2), which do not change while the entry is borrowed (E4).
        let bytes = unsafe { slice::from_raw_parts(value.as_ptr(), value_len(kind, value)) };
        match C::view_of_packed(encoding, bytes) {
            Ok(view) => Ok(view),
            Err(_) => unreachable!("a block holds valid values only"),
        }
    }
}

/// A key of 4 to 16 bytes, which can be compared without a call.
#[derive(Clone, Copy)]
pub(crate) struct ShortKey<'k>(&'k [u8]);

impl<'k> ShortKey<'k> {
    const LEN_MAX: usize = 16;

    /// Returns the key if it is short, and otherwise `None`.
    #[inline]
    pub(crate) fn new(key: &'k [u8]) -> Option<Self> {
        (4 <= key.len() && key.len() <= Self::LEN_MAX).then_some(Self(key))
    }

    /// Returns the bytes of the key.
    #[inline]
    pub(crate) fn bytes(self) -> &'k [u8] {
        self.0
    }
}

// `view_of_short` never looks at codes.
const _: () = assert!(ShortKey::LEN_MAX < *CODED_KEY_LENS.start());

/// Returns whether two keys of 4 to 16 bytes and of the same length are equal.
///
/// The simple version is `a == b`, which is a call of `memcmp`. This version differs in two points:
///
/// 1. It reads the first and the last 8 bytes of each key, or 4 bytes if the keys have fewer than 8. Together
///    the two reads cover the key, because it has at most 16 bytes. They may overlap.
/// 2. It combines the differences of both reads, so that one comparison with zero decides.
#[inline]
fn is_same(a: &[u8], b: &[u8]) -> bool {
    fn words<const N: usize>(key: &[u8]) -> Option<[[u8; N]; 2]> {
        Some([*key.first_chunk()?, *key.last_chunk()?])
    }
    if a.len() >= 8 {
        let words = |key| words(key).unwrap_or_default().map(u64::from_ne_bytes);
        let ([a0, a1], [b0, b1]) = (words(a), words(b));
        (a0 ^ b0) | (a1 ^ b1) == 0
    } else {
        let words = |key| words(key).unwrap_or_default().map(u32::from_ne_bytes);
        let ([a0, a1], [b0, b1]) = (words(a), words(b));
        (a0 ^ b0) | (a1 ^ b1) == 0
    }
}

/// Reads a little-endian integer of `width` bytes, and extends its sign.
///
/// # Safety
/// `width` must be 1 to 8, and `width` bytes at `place` must be valid for reads.
#[inline]
unsafe fn read_int(place: NonNull<u8>, width: usize) -> i64 {
    // The simple version copies the bytes into an array of eight, which is a call of `memcpy`. Instead, two
    // reads cover all bytes. They overlap if there are three, five, six or seven bytes, and then both have
    // the same bits there.
    // SAFETY: by contract, because both reads are within the first `width` bytes.
    let bits = unsafe {
        if width >= 4 {
            let word = |at: usize| u64::from(u32::from_le_bytes(place.add(at).cast::<[u8; 4]>().read()));
            word(0) | word(width - 4) << (8 * (width - 4))
        } else if width >= 2 {
            let word = |at: usize| u64::from(u16::from_le_bytes(place.add(at).cast::<[u8; 2]>().read()));
            word(0) | word(width - 2) << (8 * (width - 2))
        } else {
            u64::from(place.read())
        }
    };
    let unused = 64 - 8 * width as u32;
    (bits << unused) as i64 >> unused
}
