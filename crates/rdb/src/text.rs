//! [`StringValue`], [`MaybeCompressed`] and [`Stream`]: the forms that a string has on its way from the input
//! to a sink.
//!
//! In this crate, the *stream* of a string is its LZF-compressed bytes. The values of type stream are
//! something else.
//!
//! One byte of LZF stands for at most 88 bytes. So a string that is decompressed into a block and then copied
//! takes, for a moment, up to 176 times its length in the file. Therefore a compressed element of more than
//! [`LONG_MIN`] bytes reaches the sink as a [`Stream`], and is decompressed directly into its final place. A
//! long string that is the whole value of a key is decompressed into a block that the keyspace takes over.
//!
//! The table lists what is in memory at the same time, in multiples of the bytes in the input. The figures
//! are for content that LZF compresses as much as it can.
//!
//! | shape | while it is read | at most |
//! |---|---|---|
//! | string | its stream; the string, which the keyspace takes over | 1 + 88 |
//! | element of a list, member of a set | its stream; its place in the value | 1 + 88 |
//! | member of a sorted set | its stream until the score has been read; its place | 2 + 88 |
//! | field and value of a hash | both streams; their place | 2 + 88 |
//! | packed value, up to 48 times its stream | its stream; the value; its elements | 1 + 48 + 48 |
//! | packed value, beyond that | its stream; the value, and then its elements | 1 + 88 |
//! | key | the key as it was read; its copy in the keyspace | 88 + 88 |
//! | aux field, function library | the text | 88 |
//!
//! A node of a list is a packed value too. A packed value that is more than 48 times as long as its stream,
//! and longer than 256 KiB, reaches the sink in chunks: see [`crate::chunks`].
//!
//! Two cases take more than 128 times their bytes. One is a key. The other is a node of a list under
//! `list-compress-depth`. It takes 88 + 88 while the quicklist compresses it again.
//!
//! Two blocks have a fixed size: the input's buffer has 64 KiB, and the block of short decompressed strings
//! has 128 KiB. A symbol table has about 86 KB, and there is at most one for each database that has a
//! keyspace. A string that is not compressed is in memory twice, or three times while its block grows. The
//! figures hold for the default limits of redis.conf. If `list-max-listpack-size` asks for nodes of less than
//! 8 KiB, a node takes more memory than its elements.

use crate::error::Fault;
use crate::input::try_zeros;
use crate::lzf_reader::LzfReader;
use crate::sink::{PartError, SinkResult};
use core::cell::RefCell;
use core::ops::Range;
use keyspace::values::list::lzf;
use keyspace::values::{Element, OwnedElement};
use sds::Sds;

/// A compressed element reaches the sink as a [`Stream`] if it has more than this many decompressed bytes.
pub(crate) const LONG_MIN: usize = 128 << 10;

/// A compressed string that can be read from any offset.
pub(crate) trait ReadAt {
    /// Fills `place` with the decompressed bytes that begin at `start`. Returns `None` if there are too few.
    fn read_at(&self, start: usize, place: &mut [u8]) -> Option<()>;
}

impl ReadAt for RefCell<LzfReader<'_>> {
    fn read_at(&self, start: usize, place: &mut [u8]) -> Option<()> {
        self.borrow_mut().read_at(start, place)
    }
}

/// A string that is the whole value of a key.
pub(crate) enum StringValue<'i> {
    /// A string in a block of the input.
    Borrowed(Element<'i>),
    /// A string in its own block, which a keyspace takes over.
    Owned(OwnedElement),
}

/// An element, a member, a field or a value of a collection.
#[derive(Clone, Copy)]
pub(crate) enum MaybeCompressed<'i> {
    /// The string itself.
    Element(Element<'i>),
    /// A long string that is compressed.
    Stream(Stream<'i>),
}

impl<'i> MaybeCompressed<'i> {
    /// Returns the length of the decompressed string, in bytes.
    pub(crate) fn len(self) -> usize {
        match self {
            Self::Element(element) => element.len(),
            Self::Stream(stream) => stream.raw_len(),
        }
    }

    /// Returns the string itself. A compressed string is decompressed into a new block.
    pub(crate) fn try_decompressed(self) -> Result<Decompressed<'i>, PartError> {
        Ok(match self {
            Self::Element(element) => Decompressed::Element(element),
            Self::Stream(stream) => Decompressed::Block(stream.try_decompressed()?),
        })
    }

    /// Writes the decompressed bytes to `place`, which has exactly their length.
    pub(crate) fn write(self, place: &mut [u8]) -> SinkResult {
        match self {
            Self::Element(element) => place.copy_from_slice(&element.text()),
            Self::Stream(stream) => stream.decompress(place)?,
        }
        Ok(())
    }
}

/// A [`MaybeCompressed`] that is not compressed.
pub(crate) enum Decompressed<'i> {
    Element(Element<'i>),
    Block(Sds),
}

impl Decompressed<'_> {
    pub(crate) fn element(&self) -> Element<'_> {
        match self {
            Self::Element(element) => *element,
            Self::Block(string) => Element::Bytes(string),
        }
    }
}

/// A compressed string, with the decompressed length that the input claims. The bytes may be invalid LZF.
#[derive(Clone, Copy)]
pub(crate) struct Stream<'i> {
    bytes: &'i [u8],
    raw_len: usize,
    /// The offset of the string in the input.
    offset: u64,
    /// `Some` if the string is a slice of another one: its offset there, and the source that decompresses the
    /// other one.
    whole: Option<(usize, &'i dyn ReadAt)>,
}

impl<'i> Stream<'i> {
    pub(crate) fn new(bytes: &'i [u8], raw_len: usize, offset: u64) -> Self {
        Self { bytes, raw_len, offset, whole: None }
    }

    /// Returns a slice of the string. `source` decompresses the whole string.
    pub(crate) fn slice<'p>(self, range: Range<usize>, source: &'p dyn ReadAt) -> Stream<'p>
    where
        'i: 'p,
    {
        let Self { bytes, offset, .. } = self;
        Stream { bytes, raw_len: range.len(), offset, whole: Some((range.start, source)) }
    }

    /// Returns the length of the decompressed string, in bytes.
    pub(crate) fn raw_len(self) -> usize {
        self.raw_len
    }

    /// Returns the compressed bytes. For a slice, these are the compressed bytes of the whole string.
    pub(crate) fn bytes(self) -> &'i [u8] {
        self.bytes
    }

    /// Returns the offset of the string in the input.
    pub(crate) fn offset(self) -> u64 {
        self.offset
    }

    /// Decompresses the string into `place`, which has exactly the length of the decompressed string.
    pub(crate) fn decompress(self, place: &mut [u8]) -> SinkResult {
        let decompressed = match self.whole {
            None => lzf::decompress(self.bytes, place),
            Some((start, source)) => source.read_at(start, place),
        };
        decompressed.ok_or(PartError::Input(Fault::Lzf, self.offset))
    }

    /// Decompresses the string into a new block.
    pub(crate) fn try_decompressed(self) -> Result<Sds, PartError> {
        let mut string = try_zeros(self.raw_len)?;
        self.decompress(&mut string)?;
        Ok(string)
    }
}
