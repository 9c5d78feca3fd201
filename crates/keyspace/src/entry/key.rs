//! The key of an entry. It is *plain*, which means stored as it is, or coded with a symbol table.
//!
//! A header of one, two or five bytes is after the head of the block. It says whether the key is plain or
//! coded, and how many bytes the key takes:
//!
//! ```text
//!   | len |                  a plain key of less than 254 bytes
//!   | 254 | slot:1, len:7 |  a coded key: the slot of its table, and the number of bytes of its codes
//!   | 255 | len, 4 bytes |   a plain key of 254 bytes or more; `len` is little-endian
//! ```
//!
//! The length of a coded key's text is not stored. It follows from the codes.
//!
//! The text of a coded key has one of the lengths of [`CODED_KEY_LENS`]. A shorter key is never compared with
//! codes, so its look-up takes as long as it would without coded keys.

use super::{Entry, Slot};
use crate::reading::Tables;
use core::fmt;
use core::hash::BuildHasher;
use core::ops::{Deref, RangeInclusive};
use core::ptr::NonNull;
use symbols::{SYMBOL_LEN_MAX, SymbolTable};
use values::Element;

/// The lengths of keys that may be coded, in bytes. A [`ShortKey`](super::ShortKey) is never coded, so that
/// its look-up needs no check for codes. A longer key would not fit into a [`KeyText`].
pub(crate) const CODED_KEY_LENS: RangeInclusive<usize> = 17..=255;

/// The largest number of bytes that the codes of a key may take.
pub(crate) const KEY_CODES_MAX: usize = 127;

/// The longest key, in bytes.
pub(crate) const KEY_LEN_MAX: usize = u32::MAX as usize;

const CODED: u8 = 254;
const LONG: u8 = 255;
const SLOT_SHIFT: u32 = 7;

const _: () = assert!(KEY_CODES_MAX < 1 << SLOT_SHIFT);

/// How a key is stored: how many bytes it takes in the block, and the slot of its symbol table if it is
/// coded. The header of the key stores this.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct KeyLayout {
    pub(super) len: usize,
    /// 1 or 5 if the key is plain, and 2 if it is coded. The number is a field of its own, because it is used
    /// more often than the other fields.
    header_len: u8,
    /// The slot of the symbol table, or [`Slot::First`] if the key is plain.
    slot: Slot,
}

const CODED_HEADER_LEN: u8 = 2;
const LONG_HEADER_LEN: u8 = 1 + size_of::<u32>() as u8;

impl KeyLayout {
    /// Returns the layout of a plain key of `len` bytes.
    #[inline]
    pub(crate) const fn plain(len: usize) -> Self {
        let header_len = if len < CODED as usize { 1 } else { LONG_HEADER_LEN };
        Self { len, header_len, slot: Slot::First }
    }

    /// Returns the layout of a key that is coded with the table of this slot, and has `len` codes.
    #[inline]
    pub(super) const fn coded(slot: Slot, len: usize) -> Self {
        Self { len, header_len: CODED_HEADER_LEN, slot }
    }

    /// Returns the slot of the symbol table, or `None` if the key is plain.
    #[inline]
    pub(crate) fn slot(self) -> Option<Slot> {
        (self.header_len == CODED_HEADER_LEN).then_some(self.slot)
    }

    /// Returns how many bytes the key takes without its header.
    pub(crate) fn len(self) -> usize {
        self.len
    }

    /// Returns how many bytes the header and the key take.
    #[inline]
    pub(crate) const fn total_len(self) -> usize {
        self.header_len() + self.len
    }

    /// Returns how many bytes the header takes.
    #[inline]
    pub(super) const fn header_len(self) -> usize {
        self.header_len as usize
    }

    /// Writes the header.
    ///
    /// # Safety
    /// [`header_len`](Self::header_len) bytes at `place` must be valid for writes. The length must be at most
    /// [`KEY_LEN_MAX`], or [`KEY_CODES_MAX`] if the key is coded.
    #[inline]
    pub(super) unsafe fn write(self, place: NonNull<u8>) {
        // SAFETY: by contract there is room for all bytes of the header.
        unsafe {
            match self.header_len {
                1 => place.write(self.len as u8),
                CODED_HEADER_LEN => {
                    debug_assert!(self.len <= KEY_CODES_MAX);
                    place.write(CODED);
                    place.add(1).write((self.slot as u8) << SLOT_SHIFT | self.len as u8);
                }
                _ => {
                    debug_assert!(self.len <= KEY_LEN_MAX);
                    place.write(LONG);
                    place.add(1).cast::<[u8; 4]>().write((self.len as u32).to_le_bytes());
                }
            }
        }
    }

    /// Reads a header.
    ///
    /// # Safety
    /// [`write`](Self::write) must have written a header at `place`.
    #[inline]
    pub(super) unsafe fn read(place: NonNull<u8>) -> Self {
        // SAFETY: by contract there is a first byte.
        let first = unsafe { place.read() };
        if first < CODED {
            return Self { len: usize::from(first), header_len: 1, slot: Slot::First };
        }
        // SAFETY: by contract, and the first byte says that more bytes follow.
        unsafe { Self::read_other(place, first) }
    }

    /// Reads a header of more than one byte.
    ///
    /// # Safety
    /// [`write`](Self::write) must have written a header at `place`. Its first byte must be `first`, and at
    /// least [`CODED`].
    #[cold]
    unsafe fn read_other(place: NonNull<u8>, first: u8) -> Self {
        // SAFETY: by contract there are two bytes if the first one is `CODED`, and otherwise five.
        unsafe {
            let next = place.add(1);
            if first == LONG {
                return Self::plain(u32::from_le_bytes(next.cast::<[u8; 4]>().read()) as usize);
            }
            let byte = next.read();
            let slot = if byte >> SLOT_SHIFT == 0 { Slot::First } else { Slot::Second };
            Self::coded(slot, usize::from(byte) & KEY_CODES_MAX)
        }
    }
}

/// A key in the form in which it is to be written into a block.
#[derive(Clone, Copy)]
pub(crate) struct StoredKey<'k> {
    /// The key, or its codes.
    pub(super) bytes: &'k [u8],
    /// The slot of the symbol table, or `None` if the key is plain.
    pub(super) slot: Option<Slot>,
}

impl<'k> StoredKey<'k> {
    /// Returns a key in its plain form. It must not be written if it has more than [`KEY_LEN_MAX`] bytes.
    #[inline]
    pub(crate) fn plain(key: &'k [u8]) -> Self {
        Self { bytes: key, slot: None }
    }

    /// Returns a key in its coded form, or `None` if the length of its text is not one of [`CODED_KEY_LENS`],
    /// or if there are too many codes.
    pub(crate) fn coded(slot: Slot, codes: &'k [u8], text_len: usize) -> Option<Self> {
        let fits = codes.len() <= KEY_CODES_MAX && CODED_KEY_LENS.contains(&text_len);
        fits.then_some(Self { bytes: codes, slot: Some(slot) })
    }

    #[inline]
    pub(crate) fn layout(self) -> KeyLayout {
        match self.slot {
            None => KeyLayout::plain(self.bytes.len()),
            Some(slot) => KeyLayout::coded(slot, self.bytes.len()),
        }
    }

    /// Writes the key without its header.
    ///
    /// # Safety
    /// As many bytes at `place` as the [layout](Self::layout) says must be valid for writes, and nothing
    /// else may read or write them.
    #[inline]
    pub(super) unsafe fn write(self, place: NonNull<u8>) {
        // SAFETY: by contract there is room, which does not overlap the borrowed bytes.
        unsafe { place.copy_from_nonoverlapping(NonNull::from(self.bytes).cast(), self.bytes.len()) };
    }
}

impl Entry {
    /// Returns how the key is stored.
    #[inline]
    pub(crate) fn key_layout(&self) -> KeyLayout {
        self.layout().key
    }

    /// Returns the key in the form in which it is stored.
    #[inline]
    pub(crate) fn stored_key(&self) -> StoredKey<'_> {
        let layout = self.layout();
        // SAFETY: the key has this offset and this length (E2).
        let bytes = unsafe { self.bytes(layout.key_at(), layout.key.len) };
        StoredKey { bytes, slot: layout.key.slot() }
    }

    /// Returns a view of the key. `tables` must be those of the keyspace.
    #[inline]
    pub(crate) fn key<'a>(&'a self, tables: &'a Tables) -> KeyRef<'a> {
        let StoredKey { bytes, slot } = self.stored_key();
        KeyRef { bytes, table: slot.map(|slot| tables.of_slot(slot)) }
    }

    /// Returns the hash of the key, which is the hash of its text. `tables` must be those of the keyspace.
    /// O(key).
    #[inline]
    pub(crate) fn key_hash(&self, hasher: &impl BuildHasher, tables: &Tables) -> u64 {
        match self.key(tables) {
            KeyRef { bytes, table: None } => hasher.hash_one(bytes),
            coded => hasher.hash_one(&*coded.text()),
        }
    }
}

/// A key of a keyspace, borrowed.
///
/// A key is *plain*, which means stored as it is, or *coded* with a [symbol
/// table](crate::Keyspace::set_symbols). [`text`](Self::text) returns its bytes in either case. A key can be
/// compared with text.
///
/// ```
/// # let mut keyspace = keyspace::Keyspace::new();
/// keyspace.set("user:1", "Ada", 0)?;
/// let key = keyspace.random_key(0, keyspace::random_source()).unwrap();
/// assert_eq!(key, "user:1");
/// assert!(key.text().starts_with(b"user:"));
/// # Ok::<(), keyspace::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct KeyRef<'a> {
    /// The key, or its codes.
    bytes: &'a [u8],
    /// The table of a coded key.
    table: Option<&'a SymbolTable>,
}

impl<'a> KeyRef<'a> {
    /// Returns the bytes of the key. The bytes of a coded key are decoded into the returned value, and those
    /// of a plain key are borrowed. Allocates nothing. O(1), or O(key) if the key is coded.
    #[inline]
    pub fn text(self) -> KeyText<'a> {
        match self.table {
            None => KeyText(Text::Borrowed(self.bytes)),
            Some(table) => KeyText(Self::decoded(table, self.bytes)),
        }
    }

    /// Returns the bytes of the key without a copy, or `None` if the key is coded. O(1).
    #[inline]
    pub fn plain(self) -> Option<&'a [u8]> {
        self.table.is_none().then_some(self.bytes)
    }

    /// Returns a copy of the bytes of the key. O(key).
    pub fn to_vec(self) -> Vec<u8> {
        self.text().to_vec()
    }

    #[inline(never)]
    fn decoded(table: &SymbolTable, codes: &[u8]) -> Text<'a> {
        let mut buffer = [0; BUFFER_LEN];
        match table.decode_to_slice(codes, &mut buffer) {
            Ok(len) => Text::Decoded { len, buffer },
            Err(error) => unreachable!("{error}"),
        }
    }
}

/// The bytes of a key. See [`KeyRef::text`]. This type dereferences to a slice. It has about 280 bytes,
/// because it contains the text of a coded key.
#[derive(Clone)]
pub struct KeyText<'a>(Text<'a>);

/// The size of a buffer for the longest text of a coded key, and for the bytes that a decoder needs after
/// it.
const BUFFER_LEN: usize = *CODED_KEY_LENS.end() + SYMBOL_LEN_MAX;

#[expect(clippy::large_enum_variant, reason = "a box would be an allocation")]
#[derive(Clone)]
enum Text<'a> {
    Borrowed(&'a [u8]),
    Decoded { len: usize, buffer: [u8; BUFFER_LEN] },
}

impl Deref for KeyText<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Text::Borrowed(key) => key,
            Text::Decoded { len, buffer } => &buffer[..*len],
        }
    }
}

impl AsRef<[u8]> for KeyText<'_> {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for KeyText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&Element::Bytes(self), f)
    }
}

impl fmt::Debug for KeyRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyRef").field(&self.text()).finish()
    }
}

impl PartialEq for KeyRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        *self == *other.text()
    }
}

impl Eq for KeyRef<'_> {}

/// Compares a key with text. A coded key is not decoded.
impl<T: AsRef<[u8]> + ?Sized> PartialEq<T> for KeyRef<'_> {
    fn eq(&self, other: &T) -> bool {
        match self.table {
            None => self.bytes == other.as_ref(),
            Some(table) => table.matches(self.bytes, other.as_ref()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_come_back() {
        let plain = [(0, 1), (253, 1), (254, 5), (255, 5), (KEY_LEN_MAX, 5)];
        let plain = plain.map(|(len, size)| (KeyLayout::plain(len), size));
        let coded = [(0, Slot::First), (127, Slot::First), (0, Slot::Second), (127, Slot::Second)];
        let coded = coded.map(|(len, slot)| (KeyLayout::coded(slot, len), 2));
        for (layout, size) in plain.into_iter().chain(coded) {
            let mut bytes = [0xEE; 6];
            let place = NonNull::from(&mut bytes).cast::<u8>();
            // SAFETY: there are six bytes, and a header has at most five.
            let read = unsafe {
                layout.write(place);
                KeyLayout::read(place)
            };
            assert_eq!((read, read.header_len()), (layout, size));
            assert!(bytes[size..].iter().all(|byte| *byte == 0xEE), "{layout:?}");
        }
    }

    #[test]
    fn a_key_is_coded_only_if_its_text_and_its_codes_are_not_too_long() {
        let coded = |codes_len: usize, text_len| {
            StoredKey::coded(Slot::Second, &[1; 256][..codes_len], text_len).map(|key| key.layout())
        };
        assert_eq!(coded(127, 255), Some(KeyLayout::coded(Slot::Second, 127)));
        assert_eq!([coded(128, 255), coded(9, 16), coded(9, 256)], [None; 3]);
    }
}
