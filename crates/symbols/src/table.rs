//! [`SymbolTable`]: up to 255 symbols, and their codes.
//!
//! ```text
//!  code     0       1       2     ...    n - 1            n ..= 254    255
//!        "user:" "name\":"  "e"           "a"             no symbol    escape, in front of a byte
//! ```
//!
//! A code is one byte and stands for a symbol of one to eight bytes. A byte at which no symbol begins takes
//! two bytes: the escape and the byte itself.
//!
//! Invariants:
//!
//! - **S1.** A code below `count` has a symbol of one to eight bytes. No two symbols are the same.
//! - **S2.** In `lens`, the escape has the length 1, and every other code without a symbol has the length 0.
//!   For the escape and for these codes, [`Symbols::is_prefix`] returns `false`.

use crate::encode::Encoder;
use crate::error::{FromBytesError, FromSymbolsError, MalformedTable, TableFault};
use core::fmt;
use zmalloc::ReserveError;

/// The code that stands in front of a byte without a symbol.
pub(crate) const ESCAPE: u8 = 255;

/// The longest symbol, in bytes.
pub const SYMBOL_LEN_MAX: usize = 8;

/// The version of the format that [`SymbolTable::to_bytes`] writes.
const VERSION: u8 = 1;

/// The offset of the symbols' lengths in the bytes of a table.
const LENS_OFFSET: usize = 2;

/// The symbols, indexed by their codes.
pub(crate) struct Symbols {
    /// The bytes of each symbol, with zeros after them. All bits are 1 for a code without a symbol.
    texts: [[u8; SYMBOL_LEN_MAX]; 256],
    /// For each code, a word with all bits set in the bytes of the symbol. For a code without a
    /// symbol, the mask is 0 and the entry of `texts` is not 0, so no word matches (S2).
    masks: [u64; 256],
    /// How many bytes of text each code stands for (S2).
    lens: [u8; 256],
    count: u8,
}

impl Symbols {
    pub(crate) const EMPTY: Self = {
        let mut lens = [0; 256];
        lens[ESCAPE as usize] = 1;
        Self { texts: [[u8::MAX; SYMBOL_LEN_MAX]; 256], masks: [0; 256], lens, count: 0 }
    };

    /// Adds a symbol, which gets the next code.
    pub(crate) fn push(&mut self, symbol: &[u8]) -> Result<(), TableFault> {
        if symbol.is_empty() || symbol.len() > SYMBOL_LEN_MAX {
            return Err(TableFault::SymbolLen);
        }
        if self.count == ESCAPE {
            return Err(TableFault::TooManySymbols);
        }
        if self.iter().any(|other| other == symbol) {
            return Err(TableFault::Duplicate);
        }
        let code = usize::from(self.count);
        self.texts[code] = [0; SYMBOL_LEN_MAX];
        self.texts[code][..symbol.len()].copy_from_slice(symbol);
        self.masks[code] = u64::MAX >> (64 - 8 * symbol.len());
        self.lens[code] = symbol.len() as u8;
        self.count += 1;
        Ok(())
    }

    /// Returns an iterator over the symbols, in the order of their codes.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        (0..self.count).map(|code| self.get(code))
    }

    /// Returns the symbol of a code other than the escape. The result is empty if the code has no symbol.
    #[inline]
    pub(crate) fn get(&self, code: u8) -> &[u8] {
        &self.texts[usize::from(code)][..self.len(code)]
    }

    /// Returns the bytes of a symbol, with zeros after them. All bits are 1 if the code has no symbol.
    #[inline]
    pub(crate) fn text(&self, code: u8) -> [u8; SYMBOL_LEN_MAX] {
        self.texts[usize::from(code)]
    }

    /// Returns how many bytes of text the code stands for: 1 for the escape, and 0 for another code without a
    /// symbol.
    #[inline]
    pub(crate) fn len(&self, code: u8) -> usize {
        self.lens[usize::from(code)].into()
    }

    /// Returns whether a word begins with the symbol. Returns `false` if the code has no symbol.
    #[inline]
    pub(crate) fn is_prefix(&self, code: u8, word: u64) -> bool {
        word & self.masks[usize::from(code)] == u64::from_le_bytes(self.text(code))
    }
}

/// Up to 255 symbols of one to eight bytes, each with a code of one byte.
///
/// A table is made once, from a [sample](Self::train) of the texts or from given
/// [symbols](Self::from_symbols), and does not change. Each text is coded by itself. A table always gives the
/// same codes for the same text. Several threads can share a table.
///
/// ```
/// use symbols::SymbolTable;
/// let table = SymbolTable::from_symbols(["http://", "www.", ".com", "e"])?;
/// let mut buffer = Vec::new();
/// let coded = table.encode(b"http://www.he.com", &mut buffer)?;
/// assert_eq!(coded, [0, 1, 255, b'h', 3, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SymbolTable {
    pub(crate) symbols: Symbols,
    pub(crate) encoder: Encoder,
}

impl SymbolTable {
    /// Makes a table of these symbols. The first one has the code 0. O(symbols^2).
    ///
    /// [`encode`](Self::encode) finds a symbol of three bytes or more by a hash of its first three bytes, in
    /// 16,384 slots. A slot holds one symbol. Several symbols have the same slot if their first three bytes
    /// are the same, or by chance. Only the first of them is used then. The hash is chosen so that this
    /// happens to few symbols.
    ///
    /// # Errors
    /// Returns an error if a symbol is empty, is longer than eight bytes or occurs twice, if there are more
    /// than 255 symbols, or if there is no memory.
    pub fn from_symbols<T: AsRef<[u8]>>(
        symbols: impl IntoIterator<Item = T>,
    ) -> Result<Self, FromSymbolsError> {
        let mut all = Symbols::EMPTY;
        for (index, symbol) in symbols.into_iter().enumerate() {
            all.push(symbol.as_ref()).map_err(|fault| FromSymbolsError::Symbol { index, fault })?;
        }
        Ok(Self::try_new(all)?)
    }

    pub(crate) fn try_new(symbols: Symbols) -> Result<Self, ReserveError> {
        Ok(Self { encoder: Encoder::try_new(&symbols)?, symbols })
    }

    /// Reads a table from the bytes that [`to_bytes`](Self::to_bytes) returns. O(symbols^2).
    ///
    /// # Errors
    /// Returns an error if the bytes are not a valid table, or if there is no memory.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FromBytesError> {
        let malformed = |offset, fault| FromBytesError::from(MalformedTable::new(offset, fault));
        let truncated = || malformed(bytes.len(), TableFault::Truncated);
        let (&version, rest) = bytes.split_first().ok_or_else(truncated)?;
        if version != VERSION {
            return Err(malformed(0, TableFault::Version));
        }
        let (&count, rest) = rest.split_first().ok_or_else(truncated)?;
        let (lens, mut rest) = rest.split_at_checked(count.into()).ok_or_else(truncated)?;
        let is_len = |len: &u8| (1..=SYMBOL_LEN_MAX).contains(&usize::from(*len));
        if let Some(index) = lens.iter().position(|len| !is_len(len)) {
            return Err(malformed(LENS_OFFSET + index, TableFault::SymbolLen));
        }
        let mut all = Symbols::EMPTY;
        for &len in lens {
            let (symbol, behind) = rest.split_at_checked(len.into()).ok_or_else(truncated)?;
            all.push(symbol).map_err(|fault| malformed(bytes.len() - rest.len(), fault))?;
            rest = behind;
        }
        if !rest.is_empty() {
            return Err(malformed(bytes.len() - rest.len(), TableFault::TrailingBytes));
        }
        Ok(Self::try_new(all)?)
    }

    /// Returns the table as bytes: a version, the number of symbols, their lengths, and then their texts. The
    /// result has at most 2,297 bytes.
    ///
    /// # Errors
    /// Returns an error if there is no memory.
    ///
    /// ```
    /// use symbols::SymbolTable;
    /// let table = SymbolTable::from_symbols(["ab", "c"])?;
    /// assert_eq!(table.to_bytes()?, b"\x01\x02\x02\x01abc");
    /// assert_eq!(SymbolTable::from_bytes(b"\x01\x02\x02\x01abc")?, table);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_bytes(&self) -> Result<Vec<u8>, ReserveError> {
        let size = LENS_OFFSET + self.symbols().map(|symbol| 1 + symbol.len()).sum::<usize>();
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(size).map_err(|_| ReserveError::OutOfMemory { size })?;
        bytes.extend([VERSION, self.symbols.count]);
        bytes.extend(self.symbols().map(|symbol| symbol.len() as u8));
        bytes.extend(self.symbols().flatten());
        Ok(bytes)
    }

    /// Returns an iterator over the symbols, in the order of their codes.
    pub fn symbols(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.symbols.iter()
    }

    /// Returns how many bytes the table has allocated. They are part of `used_memory`. The `SymbolTable`
    /// value itself is not counted.
    pub fn allocation_size(&self) -> usize {
        self.encoder.allocation_size()
    }
}

/// Tables are equal if they have the same symbols with the same codes.
impl PartialEq for SymbolTable {
    fn eq(&self, other: &Self) -> bool {
        self.symbols().eq(other.symbols())
    }
}

impl Eq for SymbolTable {}

impl fmt::Debug for SymbolTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.symbols().map(|symbol| symbol.escape_ascii())).finish()
    }
}
