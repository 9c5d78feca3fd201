//! Reads the lengths and the strings of the format.
//!
//! ```text
//!  00LLLLLL                        a length below 64
//!  01LLLLLL LLLLLLLL               below 16,384
//!  10000000 4 bytes, big-endian    below 2^32
//!  10000001 8 bytes, big-endian    below 2^64
//!  11000000 1 byte                 a string that is the decimal text of an integer of 8 bits
//!  11000001 2 bytes, little-endian                                               of 16 bits
//!  11000010 4 bytes, little-endian                                               of 32 bits
//!  11000011 len, raw len, bytes    a string compressed by LZF
//! ```

use super::{BUFFER, Block, Input, append, clear_block, out_of_memory, try_reserve, try_resized};
use crate::chunks;
use crate::error::{Error, Fault};
use crate::sink::PartError;
use crate::text::{LONG_MIN, MaybeCompressed, Stream, StringValue};
use keyspace::values::list::lzf;
use keyspace::values::{Element, OwnedElement};
use sds::Sds;
use std::io::Read;
use zmalloc::Zmalloc;

/// The longest compressed string that [`Input::text`] returns as a borrowed one, in decompressed bytes. Such
/// a string is copied into the block of its entry. A longer one gets a block that the keyspace takes over.
const SHORT_MAX: usize = 1_024;

/// A length, or the encoding of a string that is not stored as plain bytes.
pub(crate) enum Prefix {
    Len(u64),
    Encoding(u8),
}

/// Where the bytes of a packed value are in the input.
#[derive(Clone, Copy)]
pub(crate) struct InputPosition {
    offset: u64,
    is_plain: bool,
}

impl InputPosition {
    /// Returns the offset in the input of one byte of the packed value. `at` is the index of the byte in the
    /// value. If the value is compressed, returns the offset of the whole string.
    pub(crate) fn offset(self, at: usize) -> u64 {
        if self.is_plain { self.offset + at as u64 } else { self.offset }
    }
}

/// A packed value.
pub(crate) enum PackedBytes<'i> {
    Bytes(InputPosition, &'i [u8]),
    /// The value is compressed, and so much larger than its stream that a sink gets it in chunks.
    Stream(Stream<'i>),
}

/// Adds bytes to a block.
fn extend(block: &mut Block, bytes: &[u8]) -> Result<(), keyspace::Error> {
    block.try_reserve(bytes.len()).map_err(|_| out_of_memory(bytes.len()))?;
    append(block, bytes);
    Ok(())
}

/// Where [`Input::append`] has put a string in a block.
#[derive(Clone, Copy)]
pub(crate) struct AppendedString {
    start: usize,
    end: usize,
    /// `Some` if the block has the compressed bytes: the decompressed length, and the string's offset in the
    /// input.
    stream: Option<(usize, u64)>,
}

impl AppendedString {
    /// Returns the string, borrowed from the block.
    #[inline]
    pub(crate) fn element(self, block: &[u8]) -> MaybeCompressed<'_> {
        let bytes = &block[self.start..self.end];
        match self.stream {
            None => MaybeCompressed::Element(Element::Bytes(bytes)),
            Some((raw_len, offset)) => MaybeCompressed::Stream(Stream::new(bytes, raw_len, offset)),
        }
    }
}

impl<R: Read> Input<R> {
    /// Reads a length or an encoding. In C: `rdbLoadLenByRef`.
    #[inline]
    pub(crate) fn prefix(&mut self) -> Result<Prefix, Error> {
        let first = self.byte()?;
        match first >> 6 {
            0 => Ok(Prefix::Len(u64::from(first))),
            1 => Ok(Prefix::Len(u64::from(first & 0x3F) << 8 | u64::from(self.byte()?))),
            2 => self.wide_len(first).map(Prefix::Len),
            _ => Ok(Prefix::Encoding(first & 0x3F)),
        }
    }

    fn wide_len(&mut self, first: u8) -> Result<u64, Error> {
        match first {
            0x80 => Ok(u64::from(u32::from_be_bytes(self.array()?))),
            0x81 => Ok(u64::from_be_bytes(self.array()?)),
            _ => self.fault(self.offset() - 1, Fault::Length),
        }
    }

    /// Reads a length. In C: `rdbLoadLen`.
    #[inline]
    pub(crate) fn len(&mut self) -> Result<u64, Error> {
        match self.prefix()? {
            Prefix::Len(len) => Ok(len),
            Prefix::Encoding(_) => self.fault(self.offset() - 1, Fault::Length),
        }
    }

    /// Reads a string of a collection. A long compressed string is not decompressed. In C:
    /// `rdbGenericLoadStringObject`.
    #[inline]
    pub(crate) fn element(&mut self) -> Result<MaybeCompressed<'_>, Error> {
        match self.prefix()? {
            Prefix::Len(len) => self.take(len).map(|bytes| MaybeCompressed::Element(Element::Bytes(bytes))),
            Prefix::Encoding(3) => self.compressed_element(),
            Prefix::Encoding(encoding) => {
                self.int(encoding).map(|int| MaybeCompressed::Element(Element::Int(int)))
            }
        }
    }

    fn compressed_element(&mut self) -> Result<MaybeCompressed<'_>, Error> {
        let offset = self.offset() - 1;
        let (len, raw_len) = self.lzf_lens()?;
        if raw_len <= LONG_MIN {
            return self
                .decompress(offset, len, raw_len)
                .map(|bytes| MaybeCompressed::Element(Element::Bytes(bytes)));
        }
        Ok(MaybeCompressed::Stream(Stream::new(self.take(len)?, raw_len, offset)))
    }

    /// Reads a string, and adds it to the end of a block. A long compressed string is not decompressed.
    #[inline]
    pub(crate) fn append(&mut self, block: &mut Block) -> Result<AppendedString, Error> {
        let start = block.len();
        let (extended, stream) = match self.element()? {
            MaybeCompressed::Element(element) => (extend(block, &element.text()), None),
            MaybeCompressed::Stream(stream) => {
                (extend(block, stream.bytes()), Some((stream.raw_len(), stream.offset())))
            }
        };
        extended.map_err(|error| self.keyspace_error(error))?;
        Ok(AppendedString { start, end: block.len(), stream })
    }

    /// Reads a string into a block, and replaces the content of the block.
    #[inline]
    pub(crate) fn read_into(&mut self, block: &mut Block) -> Result<(), Error> {
        clear_block(block);
        let result = match self.element()? {
            MaybeCompressed::Element(element) => extend(block, &element.text()).map_err(PartError::Keyspace),
            MaybeCompressed::Stream(stream) => {
                try_reserve(block, stream.raw_len()).map_err(PartError::Keyspace).and_then(|()| {
                    block.resize(stream.raw_len(), 0);
                    stream.decompress(block)
                })
            }
        };
        self.release();
        result.map_err(|part_error| self.part_error(part_error, |_| 0))
    }

    /// Reads a string that is encoded as an integer.
    fn int(&mut self, encoding: u8) -> Result<i64, Error> {
        match encoding {
            0 => Ok(i64::from(i8::from_le_bytes(self.array()?))),
            1 => Ok(i64::from(i16::from_le_bytes(self.array()?))),
            2 => Ok(i64::from(i32::from_le_bytes(self.array()?))),
            _ => self.fault(self.offset() - 1, Fault::StringEncoding),
        }
    }

    /// Reads the two lengths of a compressed string: the compressed one and the decompressed one.
    fn lzf_lens(&mut self) -> Result<(u64, usize), Error> {
        let offset = self.offset() - 1;
        let (len, raw_len) = (self.len()?, self.len()?);
        let can_be = raw_len <= len.saturating_mul(lzf::EXPANSION_MAX as u64);
        match usize::try_from(raw_len) {
            Ok(raw_len) if can_be => Ok((len, raw_len)),
            _ => self.fault(offset, Fault::Lzf),
        }
    }

    /// Reads the bytes of a compressed string, and decompresses them. The string begins at `offset` in the
    /// input, and its two lengths have been read before. The memory is reserved only after all compressed
    /// bytes have arrived.
    fn decompress(&mut self, offset: u64, len: u64, raw_len: usize) -> Result<&[u8], Error> {
        let mut plain = core::mem::replace(&mut self.plain, Block::new_in(Zmalloc));
        let stream = self.take(len)?;
        let decompressed = try_resized(&mut plain, raw_len).map(|room| lzf::decompress(stream, room));
        self.plain = plain;
        match decompressed {
            Ok(Some(())) => Ok(&self.plain[..raw_len]),
            Ok(None) => self.fault(offset, Fault::Lzf),
            Err(error) => Err(self.keyspace_error(error)),
        }
    }

    /// Reads a packed value.
    pub(crate) fn packed_bytes(&mut self) -> Result<PackedBytes<'_>, Error> {
        let offset = self.offset();
        match self.prefix()? {
            Prefix::Len(len) => {
                let position = InputPosition { offset: self.offset(), is_plain: true };
                Ok(PackedBytes::Bytes(position, self.take(len)?))
            }
            Prefix::Encoding(3) => {
                let (len, raw_len) = self.lzf_lens()?;
                if raw_len > chunks::RAW_MIN && (raw_len / chunks::RATIO_MIN) as u64 > len {
                    return Ok(PackedBytes::Stream(Stream::new(self.take(len)?, raw_len, offset)));
                }
                let bytes = self.decompress(offset, len, raw_len)?;
                Ok(PackedBytes::Bytes(InputPosition { offset, is_plain: false }, bytes))
            }
            Prefix::Encoding(_) => self.fault(offset, Fault::StringEncoding),
        }
    }

    /// Reads a string that is the whole value of a key. A short string is borrowed from the input. A long
    /// one gets its own block, which the keyspace takes over. So a long string is in memory only once.
    pub(crate) fn text(&mut self) -> Result<StringValue<'_>, Error> {
        match self.prefix()? {
            Prefix::Len(len) if len > BUFFER as u64 => {
                let string = Sds::try_with_capacity(0);
                let mut string = string.map_err(|error| self.keyspace_error(error.into()))?;
                self.pieces(len, |piece| Ok(string.try_push_bytes(piece)?))?;
                let _ = string.try_remove_free_space(); // without memory, the longer block is kept
                Ok(StringValue::Owned(OwnedElement::Bytes(string)))
            }
            Prefix::Len(len) => self.take(len).map(|bytes| StringValue::Borrowed(Element::Bytes(bytes))),
            Prefix::Encoding(3) => self.compressed_text(),
            Prefix::Encoding(encoding) => {
                self.int(encoding).map(|int| StringValue::Borrowed(Element::Int(int)))
            }
        }
    }

    fn compressed_text(&mut self) -> Result<StringValue<'_>, Error> {
        let offset = self.offset() - 1;
        let (len, raw_len) = self.lzf_lens()?;
        if raw_len <= SHORT_MAX {
            return self
                .decompress(offset, len, raw_len)
                .map(|bytes| StringValue::Borrowed(Element::Bytes(bytes)));
        }
        let string = Stream::new(self.take(len)?, raw_len, offset).try_decompressed();
        match string {
            Ok(string) => Ok(StringValue::Owned(OwnedElement::Bytes(string))),
            Err(part_error) => Err(self.part_error(part_error, |_| offset)),
        }
    }

    /// Skips a string.
    pub(crate) fn skip_text(&mut self) -> Result<(), Error> {
        match self.prefix()? {
            Prefix::Len(len) => self.skip(len),
            Prefix::Encoding(3) => {
                let (len, _) = self.lzf_lens()?;
                self.skip(len)
            }
            Prefix::Encoding(encoding) => self.int(encoding).map(drop),
        }
    }

    /// Reads a score of eight bytes.
    pub(crate) fn score(&mut self) -> Result<f64, Error> {
        let offset = self.offset();
        let score = f64::from_le_bytes(self.array()?);
        if score.is_nan() { self.fault(offset, Fault::Score) } else { Ok(score) }
    }

    /// Reads a score that is text. In C: `rdbLoadDoubleValue`.
    pub(crate) fn text_score(&mut self) -> Result<f64, Error> {
        let offset = self.offset();
        let score = match self.byte()? {
            255 => Some(f64::NEG_INFINITY),
            254 => Some(f64::INFINITY),
            253 => None,
            len => parse_score(self.take(len.into())?),
        };
        score.map_or_else(|| self.fault(offset, Fault::Score), Ok)
    }
}

/// Parses a score. Returns `None` if the text is not a number.
pub(crate) fn parse_score(text: &[u8]) -> Option<f64> {
    let score: f64 = core::str::from_utf8(text).ok()?.parse().ok()?;
    Some(score).filter(|score| !score.is_nan())
}
