//! [`Input`]: the bytes of a file, with their offset and checksum, and the format's lengths and strings.
//!
//! ```text
//!  00LLLLLL                        a length below 64
//!  01LLLLLL LLLLLLLL               below 16,384
//!  10000000 4 bytes, big-endian    below 2^32             10000001 8 bytes, big-endian
//!  11000000 1 byte                 the text of an integer; 11000001 2 bytes, 11000010 4 bytes, little-endian
//!  11000011 len, raw len, bytes    a string compressed by LZF
//! ```
//!
//! Invariants: `hashed <= at <= end <= buffer.len()`. The checksum covers all bytes before `hashed`. Bytes
//! are hashed when they leave the buffer, many at once.
//!
//! Limits: the buffer is 64 KiB. A string that does not fit is collected in a block of its own, which grows
//! as bytes arrive: a length that the input only claims reserves at most as much again as has arrived, and 64
//! KiB. A compressed string reserves what it says when all its bytes have arrived, and only if they can be that
//! long: LZF stands for at most 88 bytes in one. What lies in memory at once stands in [`crate::text`].

use crate::crc::Crc;
use crate::error::{Error, Fault};
use crate::pieces;
use crate::sink::Refused;
use crate::text::{LONG_MIN, Part, Stream, Text};
use allocator_api2::vec::Vec;
use keyspace::values::list::lzf;
use keyspace::values::{Element, OwnedElement, ReserveError};
use sds::Sds;
use std::io::{self, Read};
use zmalloc::Zmalloc;

/// The bytes of the buffer.
const BUFFER: usize = 64 << 10;

/// A block for long strings that is larger than this is given back.
const KEPT_MAX: usize = LONG_MIN;

/// Strings up to this length lie inside an entry's block: see [`Input::text`].
const SHORT_MAX: usize = 1_024;

pub(crate) type Block = Vec<u8, Zmalloc>;

/// A length, or the encoding of a string, which stands in its place.
pub(crate) enum Prefix {
    Len(u64),
    Encoding(u8),
}

/// Where the bytes of a packed value lie.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    offset: u64,
    is_plain: bool,
}

impl Place {
    /// The offset in the input of the byte `at` of the packed value. That of the whole string if it is
    /// compressed.
    pub(crate) fn offset(self, at: usize) -> u64 {
        if self.is_plain { self.offset + at as u64 } else { self.offset }
    }
}

/// A packed value.
pub(crate) enum Blob<'i> {
    Bytes(Place, &'i [u8]),
    /// Compressed, and so large otherwise that it is given in pieces.
    Stream(Stream<'i>),
}

/// See the module's page.
pub(crate) struct Input<R> {
    read: R,
    buffer: Sds,
    at: usize,
    end: usize,
    hashed: usize,
    /// The offset of the buffer's first byte.
    base: u64,
    crc: Crc,
    /// A string that does not fit into the buffer.
    long: Block,
    /// A string that was compressed.
    plain: Block,
}

fn out_of_memory(size: usize) -> keyspace::Error {
    ReserveError::OutOfMemory { size }.into()
}

/// Makes room for `additional` bytes, and for no more.
fn try_reserve(block: &mut Block, additional: usize) -> Result<(), keyspace::Error> {
    block.try_reserve_exact(additional).map_err(|_| out_of_memory(additional))
}

/// A block of `len` zeros.
pub(crate) fn try_zeros(len: usize) -> Result<Sds, ReserveError> {
    Sds::try_zeroed(len)
}

/// Makes a block at least `len` bytes long, of any content. A much larger one is given back first.
pub(crate) fn try_room(block: &mut Block, len: usize) -> Result<&mut [u8], keyspace::Error> {
    if !(len..=len.max(KEPT_MAX)).contains(&block.len()) {
        *block = Block::new_in(Zmalloc);
        try_reserve(block, len)?;
        block.resize(len, 0);
    }
    Ok(&mut block[..len])
}

/// Empties a block, and gives its memory back if that is much.
pub(crate) fn empty(block: &mut Block) {
    block.clear();
    if block.capacity() > KEPT_MAX {
        *block = Block::new_in(Zmalloc);
    }
}

/// Adds bytes to a block.
fn extend(block: &mut Block, bytes: &[u8]) -> Result<(), keyspace::Error> {
    block.try_reserve(bytes.len()).map_err(|_| out_of_memory(bytes.len()))?;
    block.extend_from_slice(bytes);
    Ok(())
}

/// A string at the end of a block, as [`Input::append`] leaves it there.
#[derive(Clone, Copy)]
pub(crate) struct Kept {
    start: usize,
    end: usize,
    /// The length without compression, and where the string begins in the input, if it is compressed.
    stream: Option<(usize, u64)>,
}

impl Kept {
    /// The string, lent by the block.
    #[inline]
    pub(crate) fn part(self, block: &[u8]) -> Part<'_> {
        let bytes = &block[self.start..self.end];
        match self.stream {
            None => Part::Element(Element::Bytes(bytes)),
            Some((raw_len, offset)) => Part::Stream(Stream::new(bytes, raw_len, offset)),
        }
    }
}

impl<R: Read> Input<R> {
    pub(crate) fn try_new(read: R) -> Result<Self, Error> {
        Self::try_with_buffer(read, BUFFER)
    }

    /// An input of at most `len` bytes, if that is less than the usual buffer.
    pub(crate) fn try_with_buffer(read: R, len: usize) -> Result<Self, Error> {
        let buffer = try_zeros(len.clamp(16, BUFFER));
        let buffer = buffer.map_err(|error| Error::Keyspace { offset: 0, error: error.into() })?;
        Ok(Self {
            read,
            buffer,
            at: 0,
            end: 0,
            hashed: 0,
            base: 0,
            crc: Crc::new(),
            long: Block::new_in(Zmalloc),
            plain: Block::new_in(Zmalloc),
        })
    }

    /// How many bytes have been consumed.
    #[inline]
    pub(crate) fn offset(&self) -> u64 {
        self.base + self.at as u64
    }

    /// The error of a fault at `offset`.
    #[cold]
    pub(crate) fn fault<T>(&self, offset: u64, fault: Fault) -> Result<T, Error> {
        Err(Error::Malformed { offset, fault })
    }

    /// The error of a keyspace or of the allocator.
    #[cold]
    pub(crate) fn failure(&self, error: keyspace::Error) -> Error {
        Error::Keyspace { offset: self.offset(), error }
    }

    /// The error of what a sink refuses. `offset` says where a byte of packed bytes is in the input.
    #[cold]
    pub(crate) fn refused(&self, refused: Refused, offset: impl FnOnce(usize) -> u64) -> Error {
        match refused {
            Refused::Fault(fault, at) => Error::Malformed { offset: offset(at), fault },
            Refused::Malformed(fault, offset) => Error::Malformed { offset, fault },
            Refused::Keyspace(error) => self.failure(error),
        }
    }

    /// Gives the memory of long strings back. What was lent of them is no longer in use.
    #[inline]
    pub(crate) fn release(&mut self) {
        if self.plain.len() > KEPT_MAX {
            self.plain = Block::new_in(Zmalloc);
        }
        if self.long.capacity() > KEPT_MAX {
            self.long = Block::new_in(Zmalloc);
        }
    }

    /// The checksum of all bytes that were consumed.
    pub(crate) fn checksum(&mut self) -> u64 {
        self.crc.update(&self.buffer[self.hashed..self.at]);
        self.hashed = self.at;
        self.crc.value()
    }

    /// One call of the reader. Returns 0 at the end of the input.
    fn read_some(read: &mut R, into: &mut [u8], offset: u64) -> Result<usize, Error> {
        loop {
            match read.read(into) {
                Ok(count) => return Ok(count.min(into.len())),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::Io { offset, error }),
            }
        }
    }

    /// Gets at least `len` bytes into the buffer, which can hold so many.
    #[cold]
    fn fill(&mut self, len: usize) -> Result<(), Error> {
        self.crc.update(&self.buffer[self.hashed..self.at]);
        self.buffer.copy_within(self.at..self.end, 0);
        self.base += self.at as u64;
        (self.at, self.end, self.hashed) = (0, self.end - self.at, 0);
        while self.end < len {
            let offset = self.base + self.end as u64;
            match Self::read_some(&mut self.read, &mut self.buffer[self.end..], offset)? {
                0 => return self.fault(offset, Fault::Truncated),
                count => self.end += count,
            }
        }
        Ok(())
    }

    #[inline]
    fn fill_one(&mut self) -> Result<(), Error> {
        if self.at < self.end { Ok(()) } else { self.fill(1) }
    }

    /// The next byte.
    #[inline]
    pub(crate) fn byte(&mut self) -> Result<u8, Error> {
        self.fill_one()?;
        let byte = self.buffer[self.at];
        self.at += 1;
        Ok(byte)
    }

    /// The next few bytes.
    #[inline]
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        if self.end - self.at < N {
            self.fill(N)?;
        }
        let bytes = self.buffer[self.at..self.end].first_chunk().copied();
        self.at += N;
        Ok(bytes.unwrap_or([0; N])) // there are as many bytes
    }

    /// The next eight bytes as a number.
    pub(crate) fn u64_le(&mut self) -> Result<u64, Error> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// The next `len` bytes, from the buffer if it can hold so many.
    #[inline]
    pub(crate) fn take(&mut self, len: u64) -> Result<&[u8], Error> {
        let left = self.end - self.at;
        if len > left as u64 {
            match usize::try_from(len) {
                Ok(len) if len <= self.buffer.len() => self.fill(len)?,
                _ => return self.take_long(len),
            }
        }
        let start = self.at;
        self.at += len as usize;
        Ok(&self.buffer[start..self.at])
    }

    /// [`take`](Self::take) of more than the buffer holds.
    #[cold]
    fn take_long(&mut self, len: u64) -> Result<&[u8], Error> {
        let mut long = core::mem::replace(&mut self.long, Block::new_in(Zmalloc));
        empty(&mut long);
        let read = self.pieces(len, |piece| {
            if long.capacity() - long.len() < piece.len() {
                // As much again as has arrived, but not beyond the end.
                let more = (len - long.len() as u64).min(long.len().max(BUFFER) as u64);
                try_reserve(&mut long, piece.len().max(more as usize))?;
            }
            long.extend_from_slice(piece);
            Ok(())
        });
        self.long = long;
        read?;
        Ok(&self.long)
    }

    /// Lends the next `len` bytes piece by piece.
    fn pieces(
        &mut self,
        len: u64,
        mut each: impl FnMut(&[u8]) -> Result<(), keyspace::Error>,
    ) -> Result<(), Error> {
        let mut left = len;
        while left > 0 {
            self.fill_one()?;
            let count = left.min((self.end - self.at) as u64) as usize;
            let piece = &self.buffer[self.at..self.at + count];
            each(piece).map_err(|error| Error::Keyspace { offset: self.base + self.at as u64, error })?;
            self.at += count;
            left -= count as u64;
        }
        Ok(())
    }

    /// Passes over the next `len` bytes.
    #[inline]
    pub(crate) fn skip(&mut self, len: u64) -> Result<(), Error> {
        if len <= (self.end - self.at) as u64 {
            self.at += len as usize;
            return Ok(());
        }
        self.pieces(len, |_| Ok(()))
    }
}

/// Lengths and strings.
impl<R: Read> Input<R> {
    /// A length or an encoding. In C: `rdbLoadLenByRef`.
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

    /// A length. In C: `rdbLoadLen`.
    #[inline]
    pub(crate) fn len(&mut self) -> Result<u64, Error> {
        match self.prefix()? {
            Prefix::Len(len) => Ok(len),
            Prefix::Encoding(_) => self.fault(self.offset() - 1, Fault::Length),
        }
    }

    /// A string of a collection. It stays compressed if it is long then. In C: `rdbGenericLoadStringObject`.
    #[inline]
    pub(crate) fn part(&mut self) -> Result<Part<'_>, Error> {
        match self.prefix()? {
            Prefix::Len(len) => self.take(len).map(|bytes| Part::Element(Element::Bytes(bytes))),
            Prefix::Encoding(3) => self.compressed_part(),
            Prefix::Encoding(encoding) => self.int(encoding).map(|int| Part::Element(Element::Int(int))),
        }
    }

    fn compressed_part(&mut self) -> Result<Part<'_>, Error> {
        let offset = self.offset() - 1;
        let (len, raw_len) = self.lzf_lens()?;
        if raw_len <= LONG_MIN {
            return self.inflate(offset, len, raw_len).map(|bytes| Part::Element(Element::Bytes(bytes)));
        }
        Ok(Part::Stream(Stream::new(self.take(len)?, raw_len, offset)))
    }

    /// Adds a string to a block, which then lends it. It stays compressed if it is long then.
    #[inline]
    pub(crate) fn append(&mut self, block: &mut Block) -> Result<Kept, Error> {
        let start = block.len();
        let (extended, stream) = match self.part()? {
            Part::Element(element) => (extend(block, &element.text()), None),
            Part::Stream(stream) => {
                (extend(block, stream.bytes()), Some((stream.raw_len(), stream.offset())))
            }
        };
        extended.map_err(|error| self.failure(error))?;
        Ok(Kept { start, end: block.len(), stream })
    }

    /// Reads a string into a block, in place of what was there.
    #[inline]
    pub(crate) fn read_into(&mut self, block: &mut Block) -> Result<(), Error> {
        empty(block);
        let result = match self.part()? {
            Part::Element(element) => extend(block, &element.text()).map_err(Refused::Keyspace),
            Part::Stream(stream) => {
                try_reserve(block, stream.raw_len()).map_err(Refused::Keyspace).and_then(|()| {
                    block.resize(stream.raw_len(), 0);
                    stream.inflate(block)
                })
            }
        };
        self.release();
        result.map_err(|refused| self.refused(refused, |_| 0))
    }

    /// The integer whose text the string is.
    fn int(&mut self, encoding: u8) -> Result<i64, Error> {
        match encoding {
            0 => Ok(i64::from(i8::from_le_bytes(self.array()?))),
            1 => Ok(i64::from(i16::from_le_bytes(self.array()?))),
            2 => Ok(i64::from(i32::from_le_bytes(self.array()?))),
            _ => self.fault(self.offset() - 1, Fault::StringEncoding),
        }
    }

    /// The two lengths of a compressed string: as it stands here, and as it was.
    fn lzf_lens(&mut self) -> Result<(u64, usize), Error> {
        let offset = self.offset() - 1;
        let (len, raw_len) = (self.len()?, self.len()?);
        let can_be = raw_len <= len.saturating_mul(lzf::EXPANSION_MAX as u64);
        match usize::try_from(raw_len) {
            Ok(raw_len) if can_be => Ok((len, raw_len)),
            _ => self.fault(offset, Fault::Lzf),
        }
    }

    /// A compressed string whose lengths, from `offset` on, have been read. The memory for it is asked for
    /// when all its bytes have arrived.
    fn inflate(&mut self, offset: u64, len: u64, raw_len: usize) -> Result<&[u8], Error> {
        let mut plain = core::mem::replace(&mut self.plain, Block::new_in(Zmalloc));
        let stream = self.take(len)?;
        let inflated = try_room(&mut plain, raw_len).map(|room| lzf::decompress(stream, room));
        self.plain = plain;
        match inflated {
            Ok(Some(())) => Ok(&self.plain[..raw_len]),
            Ok(None) => self.fault(offset, Fault::Lzf),
            Err(error) => Err(self.failure(error)),
        }
    }

    /// The bytes of a packed value, and where they lie.
    pub(crate) fn blob(&mut self) -> Result<Blob<'_>, Error> {
        let offset = self.offset();
        match self.prefix()? {
            Prefix::Len(len) => {
                let place = Place { offset: self.offset(), is_plain: true };
                Ok(Blob::Bytes(place, self.take(len)?))
            }
            Prefix::Encoding(3) => {
                let (len, raw_len) = self.lzf_lens()?;
                if raw_len > pieces::RAW_MIN && (raw_len / pieces::RATIO_MIN) as u64 > len {
                    return Ok(Blob::Stream(Stream::new(self.take(len)?, raw_len, offset)));
                }
                let bytes = self.inflate(offset, len, raw_len)?;
                Ok(Blob::Bytes(Place { offset, is_plain: false }, bytes))
            }
            Prefix::Encoding(_) => self.fault(offset, Fault::StringEncoding),
        }
    }

    /// A string that a keyspace takes over if it is long, so that it lies in memory once: as it is in the
    /// input if it is short.
    pub(crate) fn text(&mut self) -> Result<Text<'_>, Error> {
        match self.prefix()? {
            Prefix::Len(len) if len > BUFFER as u64 => {
                let string = Sds::try_with_capacity(0);
                let mut string = string.map_err(|error| self.failure(error.into()))?;
                self.pieces(len, |piece| Ok(string.try_push_bytes(piece)?))?;
                let _ = string.try_remove_free_space(); // without memory for the shorter block it stays
                Ok(Text::Owned(OwnedElement::Bytes(string)))
            }
            Prefix::Len(len) => self.take(len).map(|bytes| Text::Borrowed(Element::Bytes(bytes))),
            Prefix::Encoding(3) => self.compressed_text(),
            Prefix::Encoding(encoding) => self.int(encoding).map(|int| Text::Borrowed(Element::Int(int))),
        }
    }

    fn compressed_text(&mut self) -> Result<Text<'_>, Error> {
        let offset = self.offset() - 1;
        let (len, raw_len) = self.lzf_lens()?;
        if raw_len <= SHORT_MAX {
            return self.inflate(offset, len, raw_len).map(|bytes| Text::Borrowed(Element::Bytes(bytes)));
        }
        let string = Stream::new(self.take(len)?, raw_len, offset).try_inflated();
        match string {
            Ok(string) => Ok(Text::Owned(OwnedElement::Bytes(string))),
            Err(refused) => Err(self.refused(refused, |_| offset)),
        }
    }

    /// Passes over a string.
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

    /// A score of eight bytes.
    pub(crate) fn score(&mut self) -> Result<f64, Error> {
        let offset = self.offset();
        let score = f64::from_le_bytes(self.array()?);
        if score.is_nan() { self.fault(offset, Fault::Score) } else { Ok(score) }
    }

    /// A score as text. In C: `rdbLoadDoubleValue`.
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

/// The score that a text says, `None` if that is not a number.
pub(crate) fn parse_score(text: &[u8]) -> Option<f64> {
    let score: f64 = core::str::from_utf8(text).ok()?.parse().ok()?;
    Some(score).filter(|score| !score.is_nan())
}
