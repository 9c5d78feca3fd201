//! [`Input`]: reads the bytes of a file, and keeps their offset and checksum. The module `strings` reads the
//! format's lengths and strings.
//!
//! Invariants: `hashed <= at <= end <= buffer.len()`. The checksum covers all bytes before `hashed`. Bytes
//! are hashed when they leave the buffer, so that many are hashed at once.
//!
//! Limits: the buffer is 64 KiB. A string that does not fit is collected in a separate block, which grows as
//! bytes arrive. So a length that the input only claims reserves at most as many bytes again as have arrived,
//! or 64 KiB if that is more. The memory for a decompressed string is reserved when all compressed bytes have
//! arrived, and only if the length is possible: one byte of LZF stands for at most 88 bytes. [`crate::text`]
//! lists what is in memory at the same time.

mod strings;

pub(crate) use strings::{PackedBytes, parse_score};

use crate::crc::Crc;
use crate::error::{Error, Fault};
use crate::sink::PartError;
use crate::text::LONG_MIN;
use allocator_api2::vec::Vec;
use keyspace::values::ReserveError;
use sds::Sds;
use std::io::{self, Read};
use zmalloc::Zmalloc;

/// The size of the buffer in bytes.
const BUFFER: usize = 64 << 10;

/// A block for long strings is freed after its use if it has more than this many bytes.
const KEPT_MAX: usize = LONG_MIN;

pub(crate) type Block = Vec<u8, Zmalloc>;

/// The bytes of a file on their way in. See the documentation of the module.
pub(crate) struct Input<R> {
    read: R,
    buffer: Sds,
    at: usize,
    end: usize,
    hashed: usize,
    /// The offset of the buffer's first byte.
    base: u64,
    crc: Crc,
    /// A string that does not fit in the buffer.
    long: Block,
    /// A string after its decompression.
    plain: Block,
}

fn out_of_memory(size: usize) -> keyspace::Error {
    ReserveError::OutOfMemory { size }.into()
}

/// Reserves room for exactly `additional` more bytes.
fn try_reserve(block: &mut Block, additional: usize) -> Result<(), keyspace::Error> {
    block.try_reserve_exact(additional).map_err(|_| out_of_memory(additional))
}

/// Adds bytes to a block that has room for them. This is faster than `extend_from_slice` of `allocator_api2`,
/// which copies byte by byte.
#[inline]
pub(crate) fn append(block: &mut Block, bytes: &[u8]) {
    let start = block.len();
    block.resize(start + bytes.len(), 0);
    block[start..].copy_from_slice(bytes);
}

/// Returns a string of `len` zero bytes.
pub(crate) fn try_zeros(len: usize) -> Result<Sds, ReserveError> {
    Sds::try_zeroed(len)
}

/// Makes a block at least `len` bytes long, and returns its first `len` bytes, whose content is unspecified.
/// The block is replaced by a new one if it is shorter than that, or longer than both `len` and [`KEPT_MAX`].
pub(crate) fn try_resized(block: &mut Block, len: usize) -> Result<&mut [u8], keyspace::Error> {
    if !(len..=len.max(KEPT_MAX)).contains(&block.len()) {
        *block = Block::new_in(Zmalloc);
        try_reserve(block, len)?;
        block.resize(len, 0);
    }
    Ok(&mut block[..len])
}

/// Empties a block, and frees its memory if it is more than [`KEPT_MAX`].
pub(crate) fn clear_block(block: &mut Block) {
    block.clear();
    if block.capacity() > KEPT_MAX {
        *block = Block::new_in(Zmalloc);
    }
}

impl<R: Read> Input<R> {
    pub(crate) fn try_new(read: R) -> Result<Self, Error> {
        Self::try_with_buffer(read, BUFFER)
    }

    /// Returns an input whose buffer has `len` bytes, but at least 16 bytes and at most the usual size.
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

    /// Returns how many bytes have been consumed.
    #[inline]
    pub(crate) fn offset(&self) -> u64 {
        self.base + self.at as u64
    }

    /// Returns the error for a fault at `offset`.
    #[cold]
    pub(crate) fn fault<T>(&self, offset: u64, fault: Fault) -> Result<T, Error> {
        Err(Error::Malformed { offset, fault })
    }

    /// Returns the error for a refusal by a keyspace or by the allocator.
    #[cold]
    pub(crate) fn keyspace_error(&self, error: keyspace::Error) -> Error {
        Error::Keyspace { offset: self.offset(), error }
    }

    /// Returns the error for a part that a sink refuses. `offset` maps an offset in the packed bytes to one
    /// in the input.
    #[cold]
    pub(crate) fn part_error(&self, part_error: PartError, offset: impl FnOnce(usize) -> u64) -> Error {
        match part_error {
            PartError::Packed(fault, at) => Error::Malformed { offset: offset(at), fault },
            PartError::Input(fault, offset) => Error::Malformed { offset, fault },
            PartError::Keyspace(error) => self.keyspace_error(error),
        }
    }

    /// Frees the blocks of long strings, which are no longer needed.
    #[inline]
    pub(crate) fn release(&mut self) {
        if self.plain.len() > KEPT_MAX {
            self.plain = Block::new_in(Zmalloc);
        }
        if self.long.capacity() > KEPT_MAX {
            self.long = Block::new_in(Zmalloc);
        }
    }

    /// Returns the checksum of all bytes that have been consumed.
    pub(crate) fn checksum(&mut self) -> u64 {
        self.crc.update(&self.buffer[self.hashed..self.at]);
        self.hashed = self.at;
        self.crc.value()
    }

    /// Calls the reader until a call is not interrupted. Returns 0 at the end of the input.
    fn read_some(read: &mut R, into: &mut [u8], offset: u64) -> Result<usize, Error> {
        loop {
            match read.read(into) {
                Ok(count) => return Ok(count.min(into.len())),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::Io { offset, error }),
            }
        }
    }

    /// Fills the buffer until it has `len` bytes that have not been consumed. `len` is at most the size of
    /// the buffer.
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

    /// Reads a byte.
    #[inline]
    pub(crate) fn byte(&mut self) -> Result<u8, Error> {
        self.fill_one()?;
        let byte = self.buffer[self.at];
        self.at += 1;
        Ok(byte)
    }

    /// Reads `N` bytes. `N` is at most the size of the buffer.
    #[inline]
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        if self.end - self.at < N {
            self.fill(N)?;
        }
        let bytes = self.buffer[self.at..self.end].first_chunk().copied();
        self.at += N;
        Ok(bytes.unwrap_or([0; N])) // there are at least `N` bytes
    }

    /// Reads eight bytes as a little-endian number.
    pub(crate) fn u64_le(&mut self) -> Result<u64, Error> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// Reads `len` bytes. They are lent from the buffer if they fit in it.
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

    /// Like [`take`](Self::take), for bytes that do not fit in the buffer.
    #[cold]
    fn take_long(&mut self, len: u64) -> Result<&[u8], Error> {
        let mut long = core::mem::replace(&mut self.long, Block::new_in(Zmalloc));
        clear_block(&mut long);
        let read = self.pieces(len, |piece| {
            if long.capacity() - long.len() < piece.len() {
                // The block doubles, but does not grow beyond the end of the string.
                let more = (len - long.len() as u64).min(long.len().max(BUFFER) as u64);
                try_reserve(&mut long, piece.len().max(more as usize))?;
            }
            append(&mut long, piece);
            Ok(())
        });
        self.long = long;
        read?;
        Ok(&self.long)
    }

    /// Reads `len` bytes, and calls `each` for one piece after the other.
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

    /// Skips `len` bytes.
    #[inline]
    pub(crate) fn skip(&mut self, len: u64) -> Result<(), Error> {
        if len <= (self.end - self.at) as u64 {
            self.at += len as usize;
            return Ok(());
        }
        self.pieces(len, |_| Ok(()))
    }
}
