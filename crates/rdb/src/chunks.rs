//! Gives a packed value to a sink in chunks, if the value is much larger than its compressed bytes.
//!
//! Elements that are inserted from a packed value are copies. If the packed value stayed in memory until all
//! of them are inserted, the two would take up to 176 times their bytes in the file. So such a value is
//! decompressed twice. The first pass checks the whole value, divides it into chunks, and frees the memory of
//! the value. The second pass decompresses the chunks one after the other.
//!
//! ```text
//!  packed value   | entry | entry | ... | entry | long entry | entry | ...
//!  chunks         | short elements, 128 KiB     | long       | short elements ...
//! ```
//!
//! A chunk of short elements is decompressed into a block. A long element is decompressed directly into its
//! final place. A chunk never ends between a field and its value, or between a member and its score.
//!
//! Limits: decompressing twice takes more time. So only values that LZF has made more than 48 times smaller
//! are given in chunks.

use crate::error::Fault;
use crate::input::{Block, try_resized};
use crate::lzf_reader::LzfReader;
use crate::sink::{PartError, Sink, SinkResult, check_listpack};
use crate::text::{LONG_MIN, MaybeCompressed, Stream};
use crate::walk::{element, emit_all, emit_triple, score_of};
use crate::ziplist::{Ziplist, Zipmap};
use allocator_api2::vec::Vec;
use core::cell::RefCell;
use core::ops::Range;
use keyspace::values::{Element, ObjectType, ReserveError};
use listpack::{Depth, Value, View};
use zmalloc::Zmalloc;

/// A value may be given in chunks if it has more than this many bytes when it is decompressed.
pub(crate) const RAW_MIN: usize = 256 << 10;

/// A value is given in chunks if it is more than this many times as large as its compressed bytes.
pub(crate) const RATIO_MIN: usize = 48;

/// How elements are packed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    Listpack,
    /// A listpack in which each field is followed by its value and its time of expiry.
    Triples,
    Ziplist,
    Zipmap,
}

/// The number of bytes in front of a listpack's entries, and the byte after them.
const HEADER: usize = 6;
const END: u8 = 0xFF;

/// An iterator over entries that knows where the next one begins.
enum Entries<'a> {
    Listpack(listpack::Iter<'a>, usize),
    Ziplist(Ziplist<'a>),
    Zipmap(Zipmap<'a>),
}

impl Entries<'_> {
    fn at(&self) -> usize {
        match self {
            Self::Listpack(entries, end) => entries.offset().map_or(*end, usize::from),
            Self::Ziplist(entries) => entries.at(),
            Self::Zipmap(entries) => entries.at(),
        }
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        match self {
            Self::Listpack(entries, _) => entries.next(),
            Self::Ziplist(entries) => entries.next(),
            Self::Zipmap(entries) => entries.next(),
        }
    }
}

/// Where an element is in a value that is no longer in memory. For an integer, this is the integer itself.
enum ElementSource {
    Int(i64),
    Bytes(Range<usize>),
}

enum Chunk {
    /// Entries whose elements are short.
    Short(Range<usize>),
    /// An element, a field and its value, or a member and its score. At least one of the strings is long.
    Long { first: ElementSource, second: ElementSource, score: f64, expiry: Option<u64> },
}

impl Packing {
    /// Returns how many entries belong to one element, including its value, score and time.
    fn entries_of(self, object_type: ObjectType) -> usize {
        match object_type {
            _ if self == Self::Triples => 3,
            ObjectType::Hash | ObjectType::ZSet => 2,
            ObjectType::String | ObjectType::List | ObjectType::Set => 1,
        }
    }

    /// Checks the whole value, and returns its entries.
    fn check<'a>(self, object_type: ObjectType, bytes: &'a [u8]) -> Result<Entries<'a>, PartError> {
        Ok(match self {
            Self::Ziplist => {
                Entries::Ziplist(Ziplist::new(bytes).map_err(|at| PartError::Packed(Fault::Ziplist, at))?)
            }
            Self::Zipmap => {
                Entries::Zipmap(Zipmap::new(bytes).map_err(|at| PartError::Packed(Fault::Zipmap, at))?)
            }
            Self::Listpack | Self::Triples => {
                let malformed = |error: listpack::Malformed| PartError::Packed(Fault::Listpack, error.offset);
                if self == Self::Listpack {
                    check_listpack(object_type, bytes)?;
                } else {
                    listpack::validate(bytes, Depth::Strict).map_err(malformed)?;
                }
                let view = View::new(bytes).map_err(malformed)?;
                Entries::Listpack(view.iter(), bytes.len() - 1)
            }
        })
    }
}

/// Divides a value into chunks, and counts its elements.
fn split_into_chunks(
    bytes: &[u8],
    packing: Packing,
    object_type: ObjectType,
) -> Result<(Vec<Chunk, Zmalloc>, u64), PartError> {
    let mut entries = packing.check(object_type, bytes)?;
    let source = |value: Value<'_>| match element(value) {
        Element::Int(value) => ElementSource::Int(value),
        Element::Bytes(string) => {
            let start = string.as_ptr().addr().saturating_sub(bytes.as_ptr().addr());
            ElementSource::Bytes(start..start + string.len())
        }
    };
    let is_long = |value: &Value<'_>| matches!(value, Value::Str(string) if string.len() > LONG_MIN);
    let count = packing.entries_of(object_type);
    let (mut chunks, mut elements, mut start) = (Vec::new_in(Zmalloc), 0, entries.at());
    let mut push = |chunk| {
        let size = size_of::<Chunk>();
        chunks.try_reserve(1).map_err(|_| PartError::from(ReserveError::OutOfMemory { size }))?;
        chunks.push(chunk);
        Ok::<_, PartError>(())
    };
    let mut at = start;
    while let Some(first) = entries.next() {
        let mut values = [first, Value::Int(0), Value::Int(0)];
        for value in &mut values[1..count] {
            *value = entries.next().ok_or(PartError::Packed(Fault::OddCount, 0))?;
        }
        let end = entries.at();
        elements += 1;
        if values.iter().any(is_long) {
            if start < at {
                push(Chunk::Short(start..at))?;
            }
            let [first, second, third] = values;
            let is_scored = object_type == ObjectType::ZSet;
            let score = if is_scored { score_of(second) } else { Some(0.0) };
            let Value::Int(time) = third else { return Err(PartError::Packed(Fault::Number, 0)) };
            push(Chunk::Long {
                first: source(first),
                second: source(second),
                score: score.ok_or(PartError::Packed(Fault::Score, 0))?,
                expiry: u64::try_from(time).ok().filter(|time| *time > 0),
            })?;
            start = end;
        } else if end - start >= LONG_MIN {
            push(Chunk::Short(start..end))?;
            start = end;
        }
        at = end;
    }
    if start < at {
        push(Chunk::Short(start..at))?;
    }
    Ok((chunks, elements))
}

/// Gives the elements of a packed value to a sink. The elements of a node are added to the list that has
/// begun.
pub(crate) fn emit<S: Sink>(
    stream: Stream<'_>,
    packing: Packing,
    (object_type, is_node): (ObjectType, bool),
    sink: &mut S,
) -> SinkResult {
    let bytes = stream.try_decompressed()?;
    let (chunks, count) = split_into_chunks(&bytes, packing, object_type)?;
    drop(bytes);
    if !is_node {
        sink.begin(object_type, count)?;
    }
    let reader = RefCell::new(LzfReader::try_new(stream.bytes()).map_err(PartError::Keyspace)?);
    let part = |source: &ElementSource| match source {
        ElementSource::Int(value) => MaybeCompressed::Element(Element::Int(*value)),
        ElementSource::Bytes(range) => MaybeCompressed::Stream(stream.slice(range.clone(), &reader)),
    };
    let mut block = Block::new_in(Zmalloc);
    for chunk in &chunks {
        match chunk {
            Chunk::Short(range) => {
                let bytes = try_resized(&mut block, HEADER + range.len() + 1).map_err(PartError::Keyspace)?;
                let read = reader.borrow_mut().read_at(range.start, &mut bytes[HEADER..HEADER + range.len()]);
                read.ok_or(PartError::Input(Fault::Lzf, stream.offset()))?;
                emit_short(bytes, packing, object_type, sink)?;
            }
            Chunk::Long { first, second, score, expiry } => match (object_type, part(first)) {
                (ObjectType::Hash, field) => sink.long_pair((field, part(second), *expiry))?,
                (ObjectType::ZSet, MaybeCompressed::Stream(member)) => sink.long_scored(member, *score)?,
                (ObjectType::ZSet, MaybeCompressed::Element(member)) => sink.scored(member, *score)?,
                (_, MaybeCompressed::Stream(element)) => sink.long_element(element)?,
                (_, MaybeCompressed::Element(element)) => sink.element(element)?,
            },
        }
    }
    Ok(())
}

/// Gives entries to a sink. `bytes` has room for a listpack's header before the entries, and for the end byte
/// after them.
fn emit_short<S: Sink>(
    bytes: &mut [u8],
    packing: Packing,
    object_type: ObjectType,
    sink: &mut S,
) -> SinkResult {
    let len = bytes.len();
    match packing {
        Packing::Ziplist => emit_all(Ziplist::of_entries(&bytes[HEADER..len - 1]), object_type, sink),
        Packing::Zipmap => emit_all(Zipmap::of_entries(&bytes[HEADER..len - 1]), object_type, sink),
        Packing::Listpack | Packing::Triples => {
            bytes[..4].copy_from_slice(&(len as u32).to_le_bytes());
            bytes[4..HEADER].fill(0xFF); // the number of elements is not known
            bytes[len - 1] = END;
            let view = View::new(bytes).map_err(|error| PartError::Packed(Fault::Listpack, error.offset))?;
            if packing == Packing::Listpack {
                return emit_all(view.iter(), object_type, sink);
            }
            let mut entries = view.iter();
            while let Some(field) = entries.next() {
                emit_triple(field, &mut entries, 0, sink)?;
            }
            Ok(())
        }
    }
}
