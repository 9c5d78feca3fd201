//! [`Text`], [`MaybeCompressed`], [`Stream`]: strings on their way from the input to a sink.
//!
//! One byte of LZF stands for at most 88 bytes. So a string that is decompressed into a block and then copied
//! takes 176 times its bytes in the file for a moment. A string of more than [`LONG_MIN`] bytes therefore
//! reaches the sink as a [`Stream`], and is decompressed where it will stay.
//!
//! The table says what lies in memory at once, in multiples of the bytes in the input. It is for content that
//! LZF compresses as far as it can.
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
//! | field about the file, library of functions | the text | 88 |
//!
//! A node of a list is a packed value too. Values beyond 48 are given in chunks: see [`crate::chunks`].
//!
//! Two cases are beyond 128. One is a key. The other is a node of a list under `list-compress-depth`: it
//! takes its length twice, 88 + 88, while the quicklist compresses it again.
//!
//! Two blocks have a fixed size: the input's buffer has 64 KiB, and the block of short decompressed strings
//! 128 KiB. A string that is not compressed lies in memory twice, or three times while its block grows. If
//! `list-max-listpack-size` asks for nodes below 8 KiB, a node takes more than its elements. So the figures
//! hold for the limits of redis.conf.

use crate::error::Fault;
use crate::input::try_zeros;
use crate::lzf_reader::LzfReader;
use crate::sink::{Refused, Taken};
use core::cell::RefCell;
use core::ops::Range;
use keyspace::values::list::lzf;
use keyspace::values::{Element, OwnedElement};
use sds::Sds;

/// A string that is decompressed to more bytes is decompressed where it will stay.
pub(crate) const LONG_MIN: usize = 128 << 10;

/// A compressed string that is read from any place.
pub(crate) trait ReadAt {
    /// Writes the bytes from `start` on. `None` if there are too few.
    fn read_at(&self, start: usize, place: &mut [u8]) -> Option<()>;
}

impl ReadAt for RefCell<LzfReader<'_>> {
    fn read_at(&self, start: usize, place: &mut [u8]) -> Option<()> {
        self.borrow_mut().read_at(start, place)
    }
}

/// The string of a key.
pub(crate) enum Text<'i> {
    /// In a block of the input.
    Borrowed(Element<'i>),
    /// In a block of its own, which a keyspace takes over.
    Owned(OwnedElement),
}

/// An element, a member, a field or a value of a collection.
#[derive(Clone, Copy)]
pub(crate) enum MaybeCompressed<'i> {
    /// As it is.
    Element(Element<'i>),
    /// Compressed, and long.
    Stream(Stream<'i>),
}

impl<'i> MaybeCompressed<'i> {
    /// How many bytes it has when it is not compressed.
    pub(crate) fn len(self) -> usize {
        match self {
            Self::Element(element) => element.len(),
            Self::Stream(stream) => stream.raw_len(),
        }
    }

    /// Decompresses it into a block of its own, if it is compressed.
    pub(crate) fn try_decompressed(self) -> Result<Decompressed<'i>, Refused> {
        Ok(match self {
            Self::Element(element) => Decompressed::Element(element),
            Self::Stream(stream) => Decompressed::Block(stream.try_decompressed()?),
        })
    }

    /// Writes its bytes to a place of that length.
    pub(crate) fn write(self, place: &mut [u8]) -> Taken {
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

/// A compressed string, with the length that it says it has. That it is valid LZF has not been checked.
#[derive(Clone, Copy)]
pub(crate) struct Stream<'i> {
    bytes: &'i [u8],
    raw_len: usize,
    /// Where the string begins in the input.
    offset: u64,
    /// If the string is a slice of another one: where it begins there, and what decompresses that.
    whole: Option<(usize, &'i dyn ReadAt)>,
}

impl<'i> Stream<'i> {
    pub(crate) fn new(bytes: &'i [u8], raw_len: usize, offset: u64) -> Self {
        Self { bytes, raw_len, offset, whole: None }
    }

    /// A slice of the string, which `source` decompresses.
    pub(crate) fn slice<'p>(self, range: Range<usize>, source: &'p dyn ReadAt) -> Stream<'p>
    where
        'i: 'p,
    {
        let Self { bytes, offset, .. } = self;
        Stream { bytes, raw_len: range.len(), offset, whole: Some((range.start, source)) }
    }

    /// How many bytes it has when it is not compressed.
    pub(crate) fn raw_len(self) -> usize {
        self.raw_len
    }

    /// The compressed bytes.
    pub(crate) fn bytes(self) -> &'i [u8] {
        self.bytes
    }

    /// Where the string begins in the input.
    pub(crate) fn offset(self) -> u64 {
        self.offset
    }

    /// Decompresses it to a place of its length.
    pub(crate) fn decompress(self, place: &mut [u8]) -> Taken {
        let decompressed = match self.whole {
            None => lzf::decompress(self.bytes, place),
            Some((start, source)) => source.read_at(start, place),
        };
        decompressed.ok_or(Refused::Input(Fault::Lzf, self.offset))
    }

    /// Decompresses it into a block of its own.
    pub(crate) fn try_decompressed(self) -> Result<Sds, Refused> {
        let mut string = try_zeros(self.raw_len)?;
        self.decompress(&mut string)?;
        Ok(string)
    }
}
