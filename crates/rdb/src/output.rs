//! [`Output`]: writes bytes, lengths and strings of the format through a buffer, and computes the checksum.
//!
//! Learned from: Redis' `rdbSaveLen`, `rdbSaveRawString` and `rdbEncodeInteger` (which string is written in
//! which way).

use crate::crc::Crc;
use crate::error::SaveError;
use crate::input::{Block, try_resized};
use core::mem;
use keyspace::StringRef;
use keyspace::values::list::lzf;
use keyspace::values::{Element, ReserveError};
use listpack::integer;
use std::io::Write;
use zmalloc::Zmalloc;

/// The maximum length of the buffer, in bytes. A full buffer is passed to the underlying writer in one call.
const BUFFER: usize = 64 << 10;

/// Shorter strings are not compressed. In C: a number in `rdbSaveRawString`.
const COMPRESSED_MIN: usize = 21;

/// A string is compressed if that saves at least this many bytes.
const GAIN_MIN: usize = 4;

/// The longest text of a 32-bit integer, in bytes. Longer texts are not parsed.
const INT_TEXT_MAX: usize = 11;

pub(crate) struct Output<W> {
    write: W,
    /// The whole block is initialised, so that bytes can be copied to any place in it.
    buffer: Block,
    /// How many bytes of the buffer are in use.
    filled: usize,
    /// The number of bytes that were passed to `write`.
    written: u64,
    /// The checksum of these bytes, or `None` if the file gets no checksum.
    crc: Option<Crc>,
    /// Whether the options ask for compression. If so, strings that are compressed in memory are written as
    /// they are.
    may_compress: bool,
    /// The longest string that is compressed, in bytes. 0 if `may_compress` is not set.
    compressed_max: usize,
    /// A buffer in which strings are compressed or decompressed.
    scratch: Block,
    /// A buffer for the text of a coded string.
    decoded: Vec<u8>,
}

impl<W: Write> Output<W> {
    pub(crate) fn new(write: W, may_compress: bool, has_checksum: bool) -> Self {
        Self {
            write,
            buffer: Block::new_in(Zmalloc),
            filled: 0,
            written: 0,
            crc: has_checksum.then(Crc::new),
            may_compress,
            compressed_max: if may_compress { usize::MAX } else { 0 },
            scratch: Block::new_in(Zmalloc),
            decoded: Vec::new(),
        }
    }

    /// Sets the length of the longest string that is compressed, in bytes. Compressing a longer one would
    /// take too much time. Strings that are compressed in memory are not affected. Without the option for
    /// compression, the call does nothing.
    pub(crate) fn set_compressed_max(&mut self, len: usize) {
        self.compressed_max = if self.may_compress { len } else { 0 };
    }

    /// Returns the number of bytes so far, including those in the buffer.
    pub(crate) fn offset(&self) -> u64 {
        self.written + self.filled as u64
    }

    /// Writes bytes as they are.
    #[inline]
    pub(crate) fn raw(&mut self, bytes: &[u8]) -> Result<(), SaveError> {
        let end = self.filled.saturating_add(bytes.len());
        let Some(place) = self.buffer.get_mut(self.filled..end) else { return self.raw_large(bytes) };
        place.copy_from_slice(bytes);
        self.filled = end;
        Ok(())
    }

    /// Like [`raw`](Self::raw), for more bytes than the buffer has room for. The buffer grows up to
    /// [`BUFFER`]. A buffer of that size is flushed instead, and [`BUFFER`] or more bytes at once bypass it.
    #[cold]
    fn raw_large(&mut self, bytes: &[u8]) -> Result<(), SaveError> {
        let len = self.filled.saturating_add(bytes.len());
        if len <= BUFFER {
            let room = len.max(2 * self.buffer.len()).min(BUFFER);
            let more = room - self.buffer.len();
            let reserved = self.buffer.try_reserve_exact(more);
            reserved.map_err(|_| SaveError::Memory(ReserveError::OutOfMemory { size: more }))?;
            self.buffer.resize(room, 0);
            return self.raw(bytes);
        }
        self.flush()?;
        if bytes.len() < BUFFER {
            return self.raw(bytes);
        }
        if let Some(crc) = &mut self.crc {
            crc.update(bytes);
        }
        self.send(bytes.len(), |write, _| write.write_all(bytes))
    }

    fn send(
        &mut self,
        len: usize,
        send: impl FnOnce(&mut W, &[u8]) -> std::io::Result<()>,
    ) -> Result<(), SaveError> {
        let sent = send(&mut self.write, &self.buffer[..self.filled]);
        sent.map_err(|error| SaveError::Io { offset: self.written, error })?;
        self.written += len as u64;
        Ok(())
    }

    /// Passes the bytes in the buffer to the underlying writer.
    pub(crate) fn flush(&mut self) -> Result<(), SaveError> {
        let filled = &self.buffer[..self.filled];
        if let Some(crc) = &mut self.crc {
            crc.update(filled);
        }
        self.send(self.filled, |write, buffer| write.write_all(buffer))?;
        self.filled = 0;
        Ok(())
    }

    /// Returns the checksum of all bytes so far, or 0 if the file gets no checksum. Flushes the buffer.
    pub(crate) fn checksum(&mut self) -> Result<u64, SaveError> {
        self.flush()?;
        Ok(self.crc.as_ref().map_or(0, Crc::value))
    }

    /// Flushes the buffer and the underlying writer, and returns the writer.
    pub(crate) fn finish(mut self) -> Result<W, SaveError> {
        self.flush()?;
        self.write.flush().map_err(|error| SaveError::Io { offset: self.written, error })?;
        Ok(self.write)
    }

    #[inline]
    pub(crate) fn byte(&mut self, byte: u8) -> Result<(), SaveError> {
        self.raw(&[byte])
    }

    /// Writes a length, in 1, 2, 5 or 9 bytes. In C: `rdbSaveLen`.
    #[inline]
    pub(crate) fn len(&mut self, len: u64) -> Result<(), SaveError> {
        match len {
            0..0x40 => self.byte(len as u8),
            0x40..0x4000 => self.raw(&[0x40 | (len >> 8) as u8, len as u8]),
            0x4000..0x1_0000_0000 => {
                self.byte(0x80)?;
                self.raw(&(len as u32).to_be_bytes())
            }
            _ => {
                self.byte(0x81)?;
                self.raw(&len.to_be_bytes())
            }
        }
    }

    /// Writes the string that a key holds. A coded string is decoded first.
    #[inline]
    pub(crate) fn string(&mut self, string: StringRef<'_>) -> Result<(), SaveError> {
        if let Some(plain) = string.plain() {
            return self.text(plain);
        }
        let mut decoded = mem::take(&mut self.decoded);
        let written = string.element(&mut decoded).map_err(SaveError::from).and_then(|text| self.text(text));
        self.decoded = decoded;
        written
    }

    /// Writes a string. An integer of 32 bits or its text is written as an integer. In C:
    /// `rdbSaveStringObject`.
    #[inline]
    pub(crate) fn text(&mut self, text: Element<'_>) -> Result<(), SaveError> {
        match text {
            Element::Int(value) => self.int(value),
            Element::Bytes(bytes) if bytes.len() <= INT_TEXT_MAX => match integer::parse(bytes) {
                Some(value) => self.int(value),
                None => self.plain(bytes),
            },
            Element::Bytes(bytes) => self.bytes(bytes),
        }
    }

    /// Writes an integer: in 1, 2 or 4 bytes after a marker, or as text.
    fn int(&mut self, value: i64) -> Result<(), SaveError> {
        if let Ok(value) = i8::try_from(value) {
            return self.raw(&[0xC0, value as u8]);
        }
        if let Ok(value) = i16::try_from(value) {
            let [low, high] = value.to_le_bytes();
            return self.raw(&[0xC1, low, high]);
        }
        if let Ok(value) = i32::try_from(value) {
            self.byte(0xC2)?;
            return self.raw(&value.to_le_bytes());
        }
        self.plain(&integer::Decimal::new(value))
    }

    /// Writes a string that is not compressed.
    #[inline]
    fn plain(&mut self, bytes: &[u8]) -> Result<(), SaveError> {
        self.len(bytes.len() as u64)?;
        self.raw(bytes)
    }

    /// Writes a string that is not an integer. It is compressed if its length allows that and if the result
    /// is at least [`GAIN_MIN`] bytes shorter.
    #[inline]
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<(), SaveError> {
        let is_worth_it = (COMPRESSED_MIN..=self.compressed_max).contains(&bytes.len());
        if is_worth_it { self.lzf(bytes) } else { self.plain(bytes) }
    }

    fn lzf(&mut self, bytes: &[u8]) -> Result<(), SaveError> {
        let mut stream = mem::replace(&mut self.scratch, Block::new_in(Zmalloc));
        // If there is no memory for the compressed bytes, the string is written as it is.
        let compressed =
            try_resized(&mut stream, bytes.len() - GAIN_MIN).ok().and_then(|room| lzf::compress(bytes, room));
        let written = match compressed {
            Some(len) => self.compressed(&stream[..len], bytes.len()),
            None => self.plain(bytes),
        };
        self.scratch = stream;
        written
    }

    fn compressed(&mut self, stream: &[u8], raw_len: usize) -> Result<(), SaveError> {
        self.byte(0xC3)?;
        self.len(stream.len() as u64)?;
        self.len(raw_len as u64)?;
        self.raw(stream)
    }

    /// Writes a string that is compressed in memory. Without the option for compression, it is decompressed
    /// first.
    pub(crate) fn stream(&mut self, stream: &[u8], raw_len: usize) -> Result<(), SaveError> {
        if self.may_compress {
            return self.compressed(stream, raw_len);
        }
        let mut bytes = mem::replace(&mut self.scratch, Block::new_in(Zmalloc));
        let no_memory = SaveError::Memory(ReserveError::OutOfMemory { size: raw_len });
        let decompressed =
            try_resized(&mut bytes, raw_len).ok().and_then(|room| lzf::decompress(stream, room));
        let written = decompressed.ok_or(no_memory).and_then(|()| self.plain(&bytes[..raw_len]));
        self.scratch = bytes;
        written
    }
}
