//! Decoding: eight bytes are stored for each code, whatever the length of its symbol.
//!
//! ```text
//!  codes    0         3   2
//!  store 1  u s e r : . . .               at 0: 5 bytes are the symbol
//!  store 2            1 2 . . . . . .     at 5: 2 bytes are the symbol
//!  store 3                x . . . . . . . at 7: 1 byte is the symbol
//! ```
//!
//! The bytes of a store that are not part of its symbol are overwritten by the next store. So there is no
//! loop over the bytes of a symbol. A step needs only one result of the step before: the place of its store,
//! which takes one addition to compute. During decoding, the buffer is eight bytes longer than the text, for
//! the last store.

use crate::error::{CodesFault, DecodeError, MalformedCodes};
use crate::table::{ESCAPE, SYMBOL_LEN_MAX, SymbolTable};
use core::cmp::Ordering;
use zmalloc::ReserveError;

impl SymbolTable {
    /// Decodes a text of `len` bytes, and appends it to `out`. O(len).
    ///
    /// Reserves `len + 8` bytes, and does not allocate if `out` has that much spare capacity. If `len` is too
    /// large for the codes, nothing is reserved. So the method never reserves more than `8 * codes.len() + 8`
    /// bytes.
    ///
    /// # Errors
    /// Returns an error if the codes do not decode to a text of `len` bytes, or if there is no memory. Then
    /// `out` is as it was. There is no checksum, so damaged codes may also decode to another text of this
    /// length.
    ///
    /// ```
    /// use symbols::SymbolTable;
    /// let table = SymbolTable::from_symbols(["user:", "1"])?;
    /// let mut out = b"key ".to_vec();
    /// table.decode(&[0, 1, 255, b'7'], 7, &mut out)?;
    /// assert_eq!(out, b"key user:17");
    /// assert!(table.decode(&[0, 1, 255], 7, &mut out).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn decode(&self, codes: &[u8], len: usize, out: &mut Vec<u8>) -> Result<(), DecodeError> {
        if len.div_ceil(SYMBOL_LEN_MAX) > codes.len() {
            return Err(MalformedCodes::new(codes.len(), CodesFault::TooShort).into());
        }
        let (start, room) = (out.len(), len.saturating_add(SYMBOL_LEN_MAX));
        out.try_reserve(room).map_err(|_| ReserveError::OutOfMemory { size: room })?;
        out.resize(start + room, 0);
        let result =
            self.decode_to_slice(codes, &mut out[start..]).and_then(|written| match written.cmp(&len) {
                Ordering::Less => Err(MalformedCodes::new(codes.len(), CodesFault::TooShort)),
                Ordering::Equal => Ok(()),
                Ordering::Greater => Err(MalformedCodes::new(codes.len(), CodesFault::TooLong)),
            });
        out.truncate(start + if result.is_ok() { len } else { 0 });
        Ok(result?)
    }

    /// Decodes a text into `out`, and returns its length. Allocates nothing. O(codes).
    ///
    /// `out` must have [`SYMBOL_LEN_MAX`] bytes more than the text. The bytes after the text may be
    /// overwritten.
    ///
    /// # Errors
    /// Returns an error if the codes are damaged, or if `out` is too small. Then `out` may hold the beginning
    /// of the text.
    ///
    /// ```
    /// use symbols::SymbolTable;
    /// let table = SymbolTable::from_symbols(["user:", "1"])?;
    /// let mut buffer = [0; 64];
    /// let len = table.decode_to_slice(&[0, 1, 255, b'7'], &mut buffer)?;
    /// assert_eq!(&buffer[..len], b"user:17");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn decode_to_slice(&self, codes: &[u8], out: &mut [u8]) -> Result<usize, MalformedCodes> {
        let (mut read, mut written) = (0, 0);
        while let Some(&code) = codes.get(read) {
            let start = read;
            let fault = |fault| Err(MalformedCodes::new(start, fault));
            let Some(word) = out.get_mut(written..written + SYMBOL_LEN_MAX) else {
                return fault(CodesFault::TooLong);
            };
            if code == ESCAPE {
                let Some(&byte) = codes.get(read + 1) else { return fault(CodesFault::Truncated) };
                word[0] = byte;
                read += 1;
            } else {
                word.copy_from_slice(&self.symbols.text(code));
            }
            let symbol_len = self.symbols.len(code);
            if symbol_len == 0 {
                return fault(CodesFault::UnknownCode);
            }
            read += 1;
            written += symbol_len;
        }
        Ok(written)
    }

    /// Returns an iterator over the pieces of a text, in order. A piece is a symbol, or a single byte without
    /// a symbol. The iterator allocates nothing. It ends early at damaged codes.
    ///
    /// ```
    /// use symbols::SymbolTable;
    /// let table = SymbolTable::from_symbols(["user:", "1"])?;
    /// assert!(table.pieces(&[0, 255, b'7', 1]).eq([&b"user:"[..], b"7", b"1"]));
    /// # Ok::<(), symbols::FromSymbolsError>(())
    /// ```
    pub fn pieces<'a>(&'a self, codes: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let mut rest = codes;
        core::iter::from_fn(move || {
            let (&code, behind) = rest.split_first()?;
            let piece;
            (piece, rest) = match code {
                ESCAPE => behind.split_at_checked(1)?,
                code => (self.symbols.get(code), behind),
            };
            (!piece.is_empty()).then_some(piece)
        })
    }

    /// Returns whether `codes` decode to `text`. O(codes). Stops at the first difference.
    ///
    /// Each symbol is compared with the text at the place where it would be. So the method neither decodes
    /// the codes nor encodes the text. Damaged codes match no text.
    pub fn matches(&self, codes: &[u8], text: &[u8]) -> bool {
        let (mut read, mut at) = (0, 0);
        while let Some(&code) = codes.get(read) {
            let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) else { return false };
            let is_same = if code == ESCAPE {
                read += 1;
                codes.get(read) == rest.first()
            } else {
                match rest.first_chunk() {
                    Some(word) => self.symbols.is_prefix(code, u64::from_le_bytes(*word)),
                    None => self.symbols.len(code) > 0 && rest.starts_with(self.symbols.get(code)),
                }
            };
            if !is_same {
                return false;
            }
            read += 1;
            at += self.symbols.len(code);
        }
        at == text.len()
    }
}
