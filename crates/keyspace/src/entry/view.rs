//! [`EntryView`]: an entry whose key has been decoded.
//!
//! A look-up decodes an entry to compare its key, and then knows where the block is and where its key ends. A
//! GET needs no more to find kind, expiry, clock and value. So a look-up returns that, in two registers.

use super::{
    CLOCK_SHIFT, EXPIRES, EXPIRY_SIZE, Entry, KEY_LEN_AT, KIND_MASK, Kind, SNAPSHOT, Slot, SnapshotBit,
    length, value_at, value_len,
};
use common::length as key_length;
use core::marker::PhantomData;
use core::ptr::NonNull;
use core::slice;
use core::sync::atomic::{AtomicU32, Ordering};
use robj::Robj;
use values::{Collection, Element, ObjectType, WrongType};

/// The block of an entry, and where its key ends.
///
/// Two words, also as an `Option`: functions return it in registers. The head is read again where it is
/// needed. That is one instruction.
#[derive(Clone, Copy)]
pub(crate) struct EntryView<'a> {
    base: NonNull<u8>,
    key_end: usize,
    _entry: PhantomData<&'a Entry>,
}

/// A string as an entry has it.
#[derive(Clone, Copy)]
pub(crate) enum EntryString<'a> {
    /// An integer in the block.
    Int(i64),
    /// Bytes in the block.
    Bytes(&'a [u8]),
    /// An object with the string.
    Object(&'a Robj),
    /// Codes in the block.
    Coded(CodedString<'a>),
}

/// A coded string.
#[derive(Clone, Copy)]
pub(crate) struct CodedString<'a> {
    /// The slot of its table.
    pub(crate) slot: Slot,
    /// The bytes of the text.
    pub(crate) len: u32,
    pub(crate) codes: &'a [u8],
}

impl CodedString<'_> {
    /// How many bytes it takes in a block.
    #[inline]
    pub(crate) fn size(&self) -> usize {
        length::size(self.len as usize) + length::size(self.codes.len()) + self.codes.len()
    }
}

impl<'a> EntryString<'a> {
    /// The string where it lies. `None` if it is coded.
    #[inline]
    pub(crate) fn plain(self) -> Option<Element<'a>> {
        Some(match self {
            Self::Int(value) => Element::Int(value),
            Self::Bytes(bytes) => Element::Bytes(bytes),
            Self::Object(object) => Self::element_of(object),
            Self::Coded(_) => return None,
        })
    }

    /// How many bytes the text has. Constant time.
    #[inline]
    pub(crate) fn len(self) -> usize {
        match self {
            Self::Coded(coded) => coded.len as usize,
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
    /// The view of the entry.
    #[inline]
    pub(crate) fn view(&self) -> EntryView<'_> {
        self.view_with(self.layout().key_len)
    }

    /// The same if this is the entry of `key`.
    #[inline]
    pub(crate) fn view_of(&self, key: &[u8]) -> Option<EntryView<'_>> {
        match ShortKey::new(key) {
            Some(key) => self.view_of_short(key),
            None => self.view_of_other(key),
        }
    }

    /// The same for a short key. Compiles to no call.
    #[inline]
    pub(crate) fn view_of_short(&self, ShortKey(key): ShortKey<'_>) -> Option<EntryView<'_>> {
        // SAFETY: the first byte of the key's length is there (E2).
        let len = unsafe { self.base().add(KEY_LEN_AT).read() };
        // A key with a longer length has 255 here, and `key` is shorter.
        if usize::from(len) != key.len() {
            return None;
        }
        let view = self.view_with(key.len());
        // SAFETY: the key of the entry is as long as `key` (E2).
        let own = unsafe { view.key(key.len()) };
        is_same(own, key).then_some(view)
    }

    #[inline(never)]
    fn view_of_other(&self, key: &[u8]) -> Option<EntryView<'_>> {
        let len = self.layout().key_len;
        if len != key.len() {
            return None;
        }
        let view = self.view_with(len);
        // SAFETY: the length of the key (E2).
        let own = unsafe { view.key(len) };
        (own == key).then_some(view)
    }

    /// Whether this is the entry of `key`.
    #[inline]
    pub(crate) fn has_key(&self, key: &[u8]) -> bool {
        self.view_of(key).is_some()
    }

    /// The view of an entry whose key has so many bytes.
    #[inline]
    fn view_with(&self, key_len: usize) -> EntryView<'_> {
        let expiry = if self.form() & EXPIRES != 0 { EXPIRY_SIZE } else { 0 };
        let key_end = KEY_LEN_AT + key_length::size(key_len) + expiry + key_len;
        EntryView { base: self.base(), key_end, _entry: PhantomData }
    }
}

impl<'a> EntryView<'a> {
    #[inline]
    fn head(self) -> &'a AtomicU32 {
        // SAFETY: a live block begins with its head (E1), which changes only atomically while it is shared
        // (E4).
        unsafe { self.base.cast().as_ref() }
    }

    #[inline]
    fn form(self) -> u32 {
        self.head().load(Ordering::Relaxed)
    }

    /// The key.
    ///
    /// # Safety
    /// It has `len` bytes.
    #[inline]
    unsafe fn key(self, len: usize) -> &'a [u8] {
        // SAFETY: the key ends there and has so many bytes (E2), which do not change while the entry is
        // borrowed (E4).
        unsafe { slice::from_raw_parts(self.base.add(self.key_end - len).as_ptr(), len) }
    }

    /// What the value is.
    #[inline]
    pub(crate) fn kind(self) -> Kind {
        // SAFETY: the head has a kind (E2).
        unsafe { Kind::from_bits(self.form()) }
    }

    /// Whether the key has an expiry.
    #[inline]
    pub(crate) fn expires(self) -> bool {
        self.form() & EXPIRES != 0
    }

    /// Whether the key is no longer there at `now`, in milliseconds.
    #[inline]
    pub(crate) fn is_expired(self, now: u64) -> bool {
        if !self.expires() {
            return false;
        }
        // SAFETY: there is an expiry behind the length of the key, says the head (E2).
        let expiry =
            unsafe { key_length::read(self.base.add(KEY_LEN_AT)).1.cast::<[u8; EXPIRY_SIZE]>().read() };
        u64::from_le_bytes(expiry) <= now
    }

    /// The 24 bits of the access clock.
    #[inline]
    pub(crate) fn clock(self) -> u32 {
        self.form() >> CLOCK_SHIFT
    }

    /// Writes the low 24 bits of `clock`, unless they are there already.
    ///
    /// A load and a store, not a locked instruction: of two threads that touch an entry at once, the
    /// later store wins. So a count of uses may miss a few. The rest of the head does not change meanwhile
    /// (E4).
    #[inline]
    pub(crate) fn set_clock(self, clock: u32) {
        let form = self.form();
        let touched = form & ((1 << CLOCK_SHIFT) - 1) | clock << CLOCK_SHIFT;
        if touched != form {
            self.head().store(touched, Ordering::Relaxed);
        }
    }

    /// The string, if the value is one.
    #[inline]
    pub(crate) fn string(self) -> Result<EntryString<'a>, WrongType> {
        let kind = self.kind();
        // SAFETY: the kind says what the value is (E2). Strings and integers begin behind the key.
        unsafe {
            if kind == Kind::BYTES {
                let (len, at) = length::read(self.base.add(self.key_end));
                return Ok(EntryString::Bytes(slice::from_raw_parts(at.as_ptr(), len)));
            }
            if let Some(width) = kind.int_width() {
                return Ok(EntryString::Int(read_int(self.base.add(self.key_end), width)));
            }
            if let Some(slot) = kind.slot() {
                return Ok(EntryString::Coded(self.coded(slot)));
            }
            WrongType::check(ObjectType::String, kind.object_type())?;
            Ok(EntryString::Object(self.value().cast().as_ref()))
        }
    }

    /// The coded string.
    ///
    /// # Safety
    /// The value is one, with a table in `slot`.
    #[inline(never)]
    unsafe fn coded(self, slot: Slot) -> CodedString<'a> {
        // SAFETY: by contract. Two lengths and the codes are behind the key (E2), and do not change while the
        // entry is borrowed (E4).
        unsafe {
            let (len, at) = length::read(self.base.add(self.key_end));
            let (codes_len, at) = length::read(at);
            CodedString { slot, len: len as u32, codes: slice::from_raw_parts(at.as_ptr(), codes_len) }
        }
    }

    /// The length and the place of a string that lies in the block, if the key has no expiry, and its bit for
    /// snapshots that value.
    #[inline]
    pub(super) fn bytes_without_expiry(self, bit: SnapshotBit) -> Option<(usize, NonNull<u8>)> {
        if self.form() & (KIND_MASK | EXPIRES | SNAPSHOT) != Kind::BYTES.bits() | bit.0 {
            return None;
        }
        // SAFETY: a length stands in front of a string, behind the key (E2).
        Some(unsafe { length::read(self.base.add(self.key_end)) })
    }

    /// Where the value begins.
    #[inline]
    fn value(self) -> NonNull<u8> {
        // SAFETY: the value lies in the block (E2).
        unsafe { self.base.add(value_at(self.kind(), self.key_end)) }
    }

    /// The collection, to be read, if the value is one of that type.
    #[inline]
    pub(crate) fn collection<C: Collection>(self) -> Result<C::View<'a>, WrongType> {
        let kind = self.kind();
        WrongType::check(C::TYPE, kind.object_type())?;
        let (encoding, value) = (kind.encoding(), self.value());
        if kind.is_word() {
            // SAFETY: type and encoding are those of the word (E2), which stays while the entry is borrowed.
            return Ok(unsafe { C::view_of_raw(encoding, value.cast().as_ref()) });
        }
        // SAFETY: so many bytes are the value's (E2), which do not change while the entry is borrowed (E4).
        let bytes = unsafe { slice::from_raw_parts(value.as_ptr(), value_len(kind, value)) };
        match C::view_of_packed(encoding, bytes) {
            Ok(view) => Ok(view),
            Err(_) => unreachable!("a block holds valid values only"),
        }
    }
}

/// A key of 4 to 16 bytes. It is compared without a call.
#[derive(Clone, Copy)]
pub(crate) struct ShortKey<'k>(&'k [u8]);

impl<'k> ShortKey<'k> {
    /// The key, if it is short.
    #[inline]
    pub(crate) fn new(key: &'k [u8]) -> Option<Self> {
        (4 <= key.len() && key.len() <= 16).then_some(Self(key))
    }

    /// The bytes of the key.
    #[inline]
    pub(crate) fn bytes(self) -> &'k [u8] {
        self.0
    }
}

/// Whether two keys of 4 to 16 bytes and of the same length are equal: whether their first and their last
/// bytes are.
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

/// An integer of so many bytes, the lowest first.
///
/// # Safety
/// The bytes are there. There are 1 to 8 of them.
#[inline]
unsafe fn read_int(place: NonNull<u8>, width: usize) -> i64 {
    // Two reads that overlap where there are three, five, six or seven bytes. A copy of any length is a call.
    // SAFETY: by contract; both reads lie within the first `width` bytes.
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
