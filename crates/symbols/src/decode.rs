//! Decoding: one load and one store of eight bytes for each code, whatever the length of its symbol.
//!
//! ```text
//!  codes    0      3    2
//!  store    u s e r : . . .               at 0, and 5 of the 8 bytes count
//!                     1 2 . . . . . .     at 5, and 2 count
//!                         x . . .         at 7
//! ```
//!
//! What is stored behind a symbol is overwritten by the next one. So there is no loop over bytes, and no branch on lengths. Only
//! the place of the next store depends on the step before: one addition. The buffer has seven bytes more than the text.

use crate::error::{CodedFault, DecodeError, MalformedCoded};
use crate::table::{ESCAPE, SYMBOL_LEN_MAX, SymbolTable};
use core::cmp::Ordering;
use zmalloc::ReserveError;

impl SymbolTable {
    /// Decodes a text of `len` bytes. The text is in `buffer`, from its start on. O(len).
    ///
    /// The buffer becomes eight bytes longer than the text if it is shorter, and keeps its bytes otherwise: with the buffer
    /// of an earlier call there is no allocation.
    ///
    /// # Errors
    /// The codes are not those of a text of `len` bytes; no memory for the buffer. Damaged codes make no more bytes than `len`.
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
        let room = len.saturating_add(SYMBOL_LEN_MAX);
        if buffer.len() < room {
            let out_of_memory = |_| ReserveError::OutOfMemory { size: room };
            buffer.try_reserve_exact(room - buffer.len()).map_err(out_of_memory)?;
            buffer.resize(room, 0);
        }
        self.decode_to(codes, &mut buffer[..room])?;
        Ok(&buffer[..len])
    }

    /// Decodes a text that is eight bytes shorter than `place`.
    fn decode_to(&self, codes: &[u8], place: &mut [u8]) -> Result<(), MalformedCoded> {
        let len = place.len() - SYMBOL_LEN_MAX;
        let (mut read, mut written) = (0, 0);
        while let Some(&code) = codes.get(read) {
            let start = read;
            let fault = |fault| Err(MalformedCoded::new(start, fault));
            let Some(word) = place.get_mut(written..written + SYMBOL_LEN_MAX) else {
                return fault(CodedFault::TooLong);
            };
            if code == ESCAPE {
                let Some(&byte) = codes.get(read + 1) else { return fault(CodedFault::Truncated) };
                word[0] = byte;
                read += 1;
            } else {
                word.copy_from_slice(&self.symbols.text(code));
            }
            let symbol_len = self.symbols.len(code);
            if symbol_len == 0 {
                return fault(CodedFault::Code);
            }
            read += 1;
            written += symbol_len;
        }
        match written.cmp(&len) {
            Ordering::Less => Err(MalformedCoded::new(read, CodedFault::TooShort)),
            Ordering::Equal => Ok(()),
            Ordering::Greater => Err(MalformedCoded::new(read, CodedFault::TooLong)),
        }
    }

    /// Whether `codes` are those of `text`. O(codes), and stops at the first difference.
    ///
    /// Each symbol is compared with the place in the text where it would be. So nothing is decoded, and the text is not coded
    /// first. Codes of another table, or damaged ones, are those of no text.
    #[inline]
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
