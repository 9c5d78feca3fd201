//! Decoding: eight bytes are copied for each code, whatever the length of its symbol.
//!
//! ```text
//!  codes    0      3    2
//!  store    u s e r : . . .               at 0, and 5 of the 8 bytes count
//!                     1 2 . . . . . .     at 5, and 2 count
//!                         x . . .         at 7
//! ```
//!
//! The next symbol overwrites the bytes behind a symbol. So there is no loop over the bytes of a symbol. Only
//! the place of the next store depends on the step before: one addition. The buffer is eight bytes longer
//! than the text.

use crate::error::{CodesFault, DecodeError, MalformedCodes};
use crate::table::{ESCAPE, SYMBOL_LEN_MAX, SymbolTable, grow};
use core::cmp::Ordering;

impl SymbolTable {
    /// Decodes a text of `len` bytes. The text is in `buffer`, from its start on. O(len).
    ///
    /// The text overwrites what the buffer has. The buffer grows to `len + 8` bytes, and never shrinks. A
    /// call with a buffer of that length does not allocate. A damaged `len` allocates no more than the
    /// codes can fill: `8 * codes.len() + 8` bytes.
    ///
    /// # Errors
    /// The codes are not those of a text of `len` bytes; no memory for the buffer. There is no checksum, so
    /// other damage gives another text.
    ///
    /// ```
    /// use symbols::SymbolTable;
    /// let table = SymbolTable::from_symbols(["user:", "1"])?;
    /// let mut buffer = Vec::new();
    /// assert_eq!(table.decode(&[0, 1, 255, b'7'], 7, &mut buffer)?, b"user:17");
    /// assert!(table.decode(&[0, 1, 255], 7, &mut buffer).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn decode<'b>(
        &self,
        codes: &[u8],
        len: usize,
        buffer: &'b mut Vec<u8>,
    ) -> Result<&'b [u8], DecodeError> {
        if len.div_ceil(SYMBOL_LEN_MAX) > codes.len() {
            return Err(MalformedCodes::new(codes.len(), CodesFault::TooShort).into());
        }
        let room = len.saturating_add(SYMBOL_LEN_MAX);
        grow(buffer, room)?;
        self.decode_into(codes, &mut buffer[..room])?;
        Ok(&buffer[..len])
    }

    /// Decodes a text that is eight bytes shorter than `out`.
    fn decode_into(&self, codes: &[u8], out: &mut [u8]) -> Result<(), MalformedCodes> {
        let len = out.len() - SYMBOL_LEN_MAX;
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
        match written.cmp(&len) {
            Ordering::Less => Err(MalformedCodes::new(read, CodesFault::TooShort)),
            Ordering::Equal => Ok(()),
            Ordering::Greater => Err(MalformedCodes::new(read, CodesFault::TooLong)),
        }
    }

    /// Whether `codes` decode to `text`. O(codes), and stops at the first difference.
    ///
    /// Each symbol is compared with the place in the text where it would be. So nothing is decoded, and the
    /// text is not coded first. Codes that decode to no text match none.
    pub fn matches(&self, codes: &[u8], text: &[u8]) -> bool {
        let (mut read, mut at) = (0, 0);
        while let Some(&code) = codes.get(read) {
            let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) else { return false };
            let is_same = if code == ESCAPE {
                read += 1;
                codes.get(read) == rest.first()
            } else {
                match rest.first_chunk() {
                    Some(word) => self.symbols.begins(code, u64::from_le_bytes(*word)),
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
