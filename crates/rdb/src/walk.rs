//! [`Walk`]: reads one value, and gives its parts to a [`Sink`], a few elements in each step.
//!
//! ```text
//!  element by element   | len | element | element | ...
//!                       a field of a hash is followed by its value, a member of a sorted set by its score
//!  packed               | string: a listpack, an intset, a ziplist or a zipmap |
//!  quicklist            | nodes | string: a ziplist | ...
//!  quicklist 2          | nodes | 1 | string: an element | 2 | string: a listpack | ...
//!  fields that expire   24: | first expiry, 8 | len | time since then, + 1 | field | value | ...
//!                       25: | first expiry, 8 | string: a listpack of field, value, time |
//!                       22 of Valkey: | len | field | value | time, 8 | ...
//!                       a field that does not expire has time 0 in 24 and 25, and -1 in 22
//! ```
//!
//! A walk remembers how many elements are left, so that a value can be read in slices. A ziplist or a zipmap
//! is given to the sink as a listpack, or element by element if it is long.

use crate::chunks::{self, Packing};
use crate::error::{Error, Fault};
use crate::format::{ValueType, Version};
use crate::input::{Input, PackedBytes};
use crate::sink::{LongPair, PartError, Sink, SinkResult, Skip, part_error};
use crate::skip;
use crate::text::{LONG_MIN, MaybeCompressed, StringValue};
use crate::ziplist::{Ziplist, Zipmap};
use allocator_api2::vec::Vec;
use keyspace::values::{Element, Encoding, ObjectType};
use listpack::{Depth, ListPack, Value};
use std::io::Read;
use zmalloc::Zmalloc;

/// The elements of a ziplist or zipmap of more than this many bytes are given one by one.
const REPACKED_MAX: usize = 64 << 10;

/// This many bytes of elements use as much of a step's budget as one element.
const BYTES_PER_UNIT: usize = 256;

/// A value that is being read.
pub(crate) struct Walk {
    value_type: ValueType,
    version: Version,
    /// The offset of the type's byte.
    offset: u64,
    code: u8,
    state: State,
    /// When the first field of the hash expires, in milliseconds since 1970. The other times are relative to
    /// it.
    min_expiry: u64,
    /// The strings of an element that has not been read completely. They are a field without its value, a
    /// field and its value without their time, or a member without its score.
    pending: Vec<u8, Zmalloc>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    /// The number of elements or nodes that have not been read.
    Left(u64),
    Done,
}

impl Walk {
    /// Returns a walk that has ended, in a file of this version.
    pub(crate) fn done(version: Version) -> Self {
        let (value_type, pending) = (ValueType::String, Vec::new_in(Zmalloc));
        Self { value_type, version, offset: 0, code: 0, state: State::Done, min_expiry: 0, pending }
    }

    /// Starts to walk over the value of a new key. `code` is the byte of its type, which is at `offset`.
    /// Returns `false` if there is no such type.
    pub(crate) fn restart(&mut self, code: u8, offset: u64) -> bool {
        let Some(value_type) = ValueType::from_code(code, self.version) else { return false };
        (self.value_type, self.code, self.offset, self.state) = (value_type, code, offset, State::Start);
        true
    }

    pub(crate) fn value_type(&self) -> ValueType {
        self.value_type
    }

    pub(crate) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Returns whether no part of the value has been read.
    pub(crate) fn is_at_start(&self) -> bool {
        self.state == State::Start
    }

    pub(crate) fn unsupported(&self) -> Error {
        Error::Unsupported { offset: self.offset, code: self.code, version: self.version }
    }

    /// Reads the value, which must be a string.
    #[inline]
    pub(crate) fn string<'i, R: Read>(&mut self, input: &'i mut Input<R>) -> Result<StringValue<'i>, Error> {
        self.state = State::Done;
        input.text()
    }

    /// Skips the rest of the value.
    pub(crate) fn skip<R: Read>(&mut self, input: &mut Input<R>) -> Result<(), Error> {
        if self.state == State::Start && self.value_type.object_type().is_none() {
            self.state = State::Done;
            return match self.value_type {
                ValueType::Module2 => {
                    input.len()?; // the module's name and version
                    skip::module(input)
                }
                ValueType::Stream | ValueType::Stream2 | ValueType::Stream3 => {
                    skip::stream(input, self.value_type)
                }
                _ => Err(self.unsupported()),
            };
        }
        self.finish(input, &mut Skip)
    }

    /// Reads the rest of the value.
    pub(crate) fn finish<R: Read, S: Sink>(
        &mut self,
        input: &mut Input<R>,
        sink: &mut S,
    ) -> Result<(), Error> {
        let mut budget = usize::MAX;
        while !self.step(input, sink, &mut budget)? {
            budget = usize::MAX;
        }
        Ok(())
    }

    /// Reads about `budget` elements, and subtracts them from the budget. Returns whether the value is
    /// complete.
    pub(crate) fn step<R: Read, S: Sink>(
        &mut self,
        input: &mut Input<R>,
        sink: &mut S,
        budget: &mut usize,
    ) -> Result<bool, Error> {
        loop {
            match self.state {
                State::Start => self.start(input, sink)?,
                State::Left(0) => {
                    let offset = input.offset();
                    convert_error(input, sink.end(), |_| offset)?;
                    self.state = State::Done;
                }
                State::Left(left) => {
                    if *budget == 0 {
                        return Ok(false);
                    }
                    let before = input.offset();
                    self.element(input, sink)?;
                    self.release(input);
                    let bytes = input.offset() - before;
                    *budget = budget.saturating_sub(1 + bytes as usize / BYTES_PER_UNIT);
                    self.state = State::Left(left - 1);
                }
                State::Done => return Ok(true),
            }
        }
    }

    fn start<R: Read, S: Sink>(&mut self, input: &mut Input<R>, sink: &mut S) -> Result<(), Error> {
        use ValueType as T;
        let offset = input.offset();
        match self.value_type {
            T::String if S::READS => {
                let result = match input.text()? {
                    StringValue::Borrowed(text) => sink.string(text),
                    StringValue::Owned(text) => sink.long_string(text),
                };
                convert_error(input, result, |_| offset)?;
            }
            T::String => input.skip_text()?,
            T::List | T::Set | T::ZSet | T::ZSet2 | T::Hash | T::Hash2 | T::HashMetadataPreGa => {
                return self.begin(input, sink);
            }
            T::HashMetadata => {
                self.min_expiry = input.u64_le()?;
                return self.begin(input, sink);
            }
            T::ListQuicklist | T::ListQuicklist2 => return self.begin(input, sink),
            T::SetIntset => self.packed(input, sink, ObjectType::Set, Encoding::IntSet)?,
            T::SetListpack => self.packed(input, sink, ObjectType::Set, Encoding::ListPack)?,
            T::ZSetListpack => self.packed(input, sink, ObjectType::ZSet, Encoding::ListPack)?,
            T::HashListpack => self.packed(input, sink, ObjectType::Hash, Encoding::ListPack)?,
            T::ListZiplist | T::ZSetZiplist | T::HashZiplist | T::HashZipmap => {
                self.repacked(input, sink)?;
            }
            T::HashListpackEx | T::HashListpackExPreGa => {
                if self.value_type == T::HashListpackEx {
                    input.skip(8)?;
                }
                self.triples(input, sink)?;
            }
            T::ModulePreGa | T::Module2 | T::Stream | T::Stream2 | T::Stream3 | T::Unknown(_) => {
                return Err(self.unsupported());
            }
        }
        input.release();
        convert_error(input, sink.end(), |_| offset)?;
        self.state = State::Done;
        Ok(())
    }

    /// Frees the memory of long strings.
    #[inline]
    fn release<R: Read>(&mut self, input: &mut Input<R>) {
        input.release();
        if self.pending.capacity() > LONG_MIN {
            self.pending = Vec::new_in(Zmalloc);
        }
    }

    /// Reads the number of elements.
    fn begin<R: Read, S: Sink>(&mut self, input: &mut Input<R>, sink: &mut S) -> Result<(), Error> {
        let offset = input.offset();
        let len = input.len()?;
        let object_type = self.value_type.object_type().unwrap_or(ObjectType::List);
        convert_error(input, sink.begin(object_type, len), |_| offset)?;
        self.state = State::Left(len);
        Ok(())
    }

    /// Reads one element, member, node, or field with its value.
    fn element<R: Read, S: Sink>(&mut self, input: &mut Input<R>, sink: &mut S) -> Result<(), Error> {
        use ValueType as T;
        let offset = input.offset();
        match self.value_type {
            T::List | T::Set if S::READS => {
                let result = match input.element()? {
                    MaybeCompressed::Element(element) => sink.element(element),
                    MaybeCompressed::Stream(stream) => sink.long_element(stream),
                };
                convert_error(input, result, |_| offset)
            }
            T::List | T::Set => input.skip_text(),
            T::ZSet | T::ZSet2 => self.scored(input, sink),
            T::ListQuicklist => self.repacked(input, sink),
            T::ListQuicklist2 => match input.len()? {
                1 if S::READS => {
                    let result = match input.element()? {
                        MaybeCompressed::Element(element) => sink.plain(&element.text()),
                        MaybeCompressed::Stream(stream) => sink.long_plain(stream),
                    };
                    convert_error(input, result, |_| offset)
                }
                1 => input.skip_text(),
                2 => self.packed(input, sink, ObjectType::List, Encoding::ListPack),
                _ => input.fault(offset, Fault::Number),
            },
            _ => self.pair(input, sink),
        }
    }

    fn scored<R: Read, S: Sink>(&mut self, input: &mut Input<R>, sink: &mut S) -> Result<(), Error> {
        let offset = input.offset();
        self.pending.clear();
        let kept = if S::READS { Some(input.append(&mut self.pending)?) } else { None };
        if kept.is_none() {
            input.skip_text()?;
        }
        let score = if self.value_type == ValueType::ZSet { input.text_score()? } else { input.score()? };
        let result = match kept.map(|kept| kept.element(&self.pending)) {
            None => Ok(()),
            Some(MaybeCompressed::Element(member)) => sink.scored(member, score),
            Some(MaybeCompressed::Stream(member)) => sink.long_scored(member, score),
        };
        convert_error(input, result, |_| offset)
    }

    fn pair<R: Read, S: Sink>(&mut self, input: &mut Input<R>, sink: &mut S) -> Result<(), Error> {
        use ValueType as T;
        let (value_type, offset) = (self.value_type, input.offset());
        let mut expiry = None;
        if matches!(value_type, T::HashMetadata | T::HashMetadataPreGa) {
            let time = input.len()?;
            expiry = match (value_type, time) {
                (_, 0) => None,
                (T::HashMetadata, time) => Some(self.min_expiry.saturating_add(time - 1)),
                (_, time) => Some(time),
            };
        }
        if !S::READS {
            input.skip_text()?;
            input.skip_text()?;
            return if value_type == T::Hash2 { input.skip(8) } else { Ok(()) };
        }
        self.pending.clear();
        let field = input.append(&mut self.pending)?;
        let result = if value_type == T::Hash2 {
            // The time follows the value. So the value is kept after the field until the time has been read.
            let value = input.append(&mut self.pending)?;
            expiry = u64::try_from(input.u64_le()? as i64).ok();
            emit_pair(sink, (field.element(&self.pending), value.element(&self.pending), expiry))
        } else {
            let value = input.element()?;
            emit_pair(sink, (field.element(&self.pending), value, expiry))
        };
        convert_error(input, result, |_| offset)
    }

    /// Reads a packed value, or a node of a list.
    fn packed<R: Read, S: Sink>(
        &self,
        input: &mut Input<R>,
        sink: &mut S,
        object_type: ObjectType,
        encoding: Encoding,
    ) -> Result<(), Error> {
        if !S::READS {
            return input.skip_text();
        }
        let offset = input.offset();
        match input.packed_bytes()? {
            PackedBytes::Bytes(position, bytes) => {
                let result = sink.packed(object_type, encoding, bytes);
                convert_error(input, result, |at| position.offset(at))
            }
            PackedBytes::Stream(stream) => {
                let result = match encoding {
                    Encoding::IntSet => {
                        stream.try_decompressed().and_then(|bytes| sink.packed(object_type, encoding, &bytes))
                    }
                    _ => {
                        let is_node = object_type == ObjectType::List;
                        chunks::emit(stream, Packing::Listpack, (object_type, is_node), sink)
                    }
                };
                convert_error(input, result, |_| offset)
            }
        }
    }

    /// Reads a ziplist or a zipmap.
    fn repacked<R: Read, S: Sink>(&self, input: &mut Input<R>, sink: &mut S) -> Result<(), Error> {
        if !S::READS {
            return input.skip_text();
        }
        let object_type = self.value_type.object_type().unwrap_or(ObjectType::List);
        let offset = input.offset();
        let (position, bytes) = match input.packed_bytes()? {
            PackedBytes::Bytes(position, bytes) => (position, bytes),
            PackedBytes::Stream(stream) => {
                let is_zipmap = self.value_type == ValueType::HashZipmap;
                let packing = if is_zipmap { Packing::Zipmap } else { Packing::Ziplist };
                let is_node = self.value_type == ValueType::ListQuicklist;
                let result = chunks::emit(stream, packing, (object_type, is_node), sink);
                return convert_error(input, result, |_| offset);
            }
        };
        let result = if self.value_type == ValueType::HashZipmap {
            match Zipmap::new(bytes) {
                Ok(map) => repack(map, bytes.len(), object_type, sink),
                Err(at) => Err(PartError::Packed(Fault::Zipmap, at)),
            }
        } else {
            match Ziplist::new(bytes) {
                Ok(list) => repack(list, bytes.len(), object_type, sink),
                Err(at) => Err(PartError::Packed(Fault::Ziplist, at)),
            }
        };
        // An offset in the new listpack does not say where the fault is in the ziplist.
        let is_own = |fault| matches!(fault, Fault::Ziplist | Fault::Zipmap);
        let result = result.map_err(|part_error| match part_error {
            PartError::Packed(fault, _) if !is_own(fault) => PartError::Packed(fault, 0),
            part_error => part_error,
        });
        convert_error(input, result, |at| position.offset(at))
    }

    /// Reads a listpack in which each field is followed by its value and its time.
    fn triples<R: Read, S: Sink>(&self, input: &mut Input<R>, sink: &mut S) -> Result<(), Error> {
        if !S::READS {
            return input.skip_text();
        }
        let offset = input.offset();
        match input.packed_bytes()? {
            PackedBytes::Bytes(position, bytes) => {
                let result = emit_triples(bytes, sink);
                convert_error(input, result, |at| position.offset(at))
            }
            PackedBytes::Stream(stream) => {
                let result = chunks::emit(stream, Packing::Triples, (ObjectType::Hash, false), sink);
                convert_error(input, result, |_| offset)
            }
        }
    }
}

/// Converts a refusal of a sink to an error. `offset` maps an offset in the packed bytes to one in the input.
#[inline]
fn convert_error<R: Read>(
    input: &Input<R>,
    result: SinkResult,
    offset: impl FnOnce(usize) -> u64,
) -> Result<(), Error> {
    result.map_err(|part_error| input.part_error(part_error, offset))
}

/// Gives a pair to a sink. Calls `long_pair` if one of the strings is long and compressed.
#[inline]
fn emit_pair<S: Sink>(sink: &mut S, pair: LongPair<'_>) -> SinkResult {
    match pair {
        (MaybeCompressed::Element(field), MaybeCompressed::Element(value), expiry) => {
            sink.pair((field, value, expiry))
        }
        pair => sink.long_pair(pair),
    }
}

/// Gives elements to a sink as a listpack, or one by one if they have more than [`REPACKED_MAX`] bytes.
fn repack<'a, S: Sink>(
    elements: impl Iterator<Item = Value<'a>> + Clone,
    len: usize,
    object_type: ObjectType,
    sink: &mut S,
) -> SinkResult {
    if len <= REPACKED_MAX {
        let mut list = ListPack::new();
        list.try_extend(elements).map_err(part_error)?;
        return sink.packed(object_type, Encoding::ListPack, list.as_bytes());
    }
    let count = elements.clone().count() as u64;
    sink.begin(object_type, if object_type == ObjectType::List { count } else { count / 2 })?;
    emit_all(elements, object_type, sink)
}

/// Gives the entries of a packed value to a sink one by one.
pub(crate) fn emit_all<'a, S: Sink>(
    mut entries: impl Iterator<Item = Value<'a>>,
    object_type: ObjectType,
    sink: &mut S,
) -> SinkResult {
    let odd = PartError::Packed(Fault::OddCount, 0);
    while let Some(first) = entries.next() {
        match object_type {
            ObjectType::Hash => {
                let Some(value) = entries.next() else { return Err(odd) };
                sink.pair((element(first), element(value), None))?;
            }
            ObjectType::ZSet => {
                let Some(score) = entries.next() else { return Err(odd) };
                let score = score_of(score).ok_or(PartError::Packed(Fault::Score, 0))?;
                sink.scored(element(first), score)?;
            }
            ObjectType::String | ObjectType::List | ObjectType::Set => sink.element(element(first))?,
        }
    }
    Ok(())
}

/// Converts an entry of a listpack to an element. A double becomes an empty string: doubles are only valid as
/// scores.
pub(crate) fn element(value: Value<'_>) -> Element<'_> {
    match value {
        Value::Int(value) => Element::Int(value),
        Value::Str(bytes) => Element::Bytes(bytes),
        Value::Double(_) => Element::Bytes(b""),
    }
}

/// Converts an entry of a listpack to a score. Returns `None` if the entry is not a number.
pub(crate) fn score_of(value: Value<'_>) -> Option<f64> {
    match value {
        Value::Int(score) => Some(score as f64),
        Value::Double(score) => Some(score).filter(|score| !score.is_nan()),
        Value::Str(text) => crate::input::parse_score(text),
    }
}

fn emit_triples<S: Sink>(bytes: &[u8], sink: &mut S) -> SinkResult {
    listpack::validate(bytes, Depth::Strict)
        .map_err(|error| PartError::Packed(Fault::Listpack, error.offset))?;
    let view =
        listpack::View::new(bytes).map_err(|error| PartError::Packed(Fault::Listpack, error.offset))?;
    sink.begin(ObjectType::Hash, view.len() as u64 / 3)?;
    let mut entries = view.iter();
    while let Some(field) = entries.next() {
        emit_triple(field, &mut entries, bytes.len() - 1, sink)?;
    }
    Ok(())
}

/// Gives a field to a sink, with the value and the time that follow it. `end` is the offset of the end of the
/// listpack.
pub(crate) fn emit_triple<'a, S: Sink>(
    field: Value<'a>,
    entries: &mut impl Iterator<Item = Value<'a>>,
    end: usize,
    sink: &mut S,
) -> SinkResult {
    let (Some(value), Some(time)) = (entries.next(), entries.next()) else {
        return Err(PartError::Packed(Fault::OddCount, end));
    };
    let Value::Int(time) = time else { return Err(PartError::Packed(Fault::Number, 0)) };
    let expiry = u64::try_from(time).ok().filter(|time| *time > 0);
    sink.pair((element(field), element(value), expiry))
}
