//! [`Sink`]: receives the parts of a value while it is read.

use crate::error::Fault;
use crate::text::{MaybeCompressed, Stream};
use keyspace::values::{
    Collection, Element, Encoding, Hash, List, ObjectType, OwnedElement, PackedShape, ReserveError, Set, ZSet,
};

/// Why a sink has refused a part.
pub(crate) enum PartError {
    /// The part is not valid. The number is the offset of the fault in the packed bytes of the part. It is 0
    /// if the part is not packed, or if the offset is not known.
    Packed(Fault, usize),
    /// A string of the part is not valid. The number is the offset of the string in the input.
    Input(Fault, u64),
    /// There is no memory, or the keyspace has refused the value.
    Keyspace(keyspace::Error),
}

impl<E: Into<keyspace::Error>> From<E> for PartError {
    fn from(error: E) -> Self {
        Self::Keyspace(error.into())
    }
}

impl PartError {
    /// Converts the error of a check of packed bytes.
    pub(crate) fn of_packed(error: keyspace::values::Error, fault: Fault) -> Self {
        match error {
            keyspace::values::Error::Malformed { offset } => Self::Packed(fault, offset),
            error => Self::Keyspace(error.into()),
        }
    }
}

/// Whether a sink has taken a part, or why it has refused it.
pub(crate) type SinkResult = Result<(), PartError>;

/// A field of a hash, its value, and when the field expires, in milliseconds since 1970.
pub(crate) type Pair<'a> = (Element<'a>, Element<'a>, Option<u64>);

/// A [`Pair`] whose strings may be compressed.
pub(crate) type LongPair<'a> = (MaybeCompressed<'a>, MaybeCompressed<'a>, Option<u64>);

/// Receives the parts of one value in their order, as [`Walk`](crate::walk::Walk) reads them.
///
/// A string is one part, and so is a packed set, sorted set or hash. Any other collection begins with
/// [`begin`](Self::begin), and its elements or nodes follow. Every value ends with [`end`](Self::end).
pub(crate) trait Sink {
    /// Whether the sink needs the parts. If not, the walk skips strings without decompressing them.
    const READS: bool = true;

    /// The value of a string.
    fn string(&mut self, string: Element<'_>) -> SinkResult;

    /// The value of a long string, which the sink takes over.
    fn long_string(&mut self, string: OwnedElement) -> SinkResult;

    /// The start of a collection. `len` is the number of elements that the input claims, which has not been
    /// checked.
    fn begin(&mut self, object_type: ObjectType, len: u64) -> SinkResult;

    /// An element of a list, or a member of a set.
    fn element(&mut self, element: Element<'_>) -> SinkResult;

    /// A member of a sorted set, and its score.
    fn scored(&mut self, member: Element<'_>, score: f64) -> SinkResult;

    /// A field of a hash, and its value.
    fn pair(&mut self, pair: Pair<'_>) -> SinkResult;

    /// A whole packed value, or a packed node of a list. The bytes have not been checked.
    fn packed(&mut self, object_type: ObjectType, encoding: Encoding, bytes: &[u8]) -> SinkResult;

    /// A large element of a list, which is a separate node.
    fn plain(&mut self, element: &[u8]) -> SinkResult;

    /// Like [`element`](Self::element), for a long string that is compressed. A sink that keeps the element
    /// decompresses it directly into its final place.
    fn long_element(&mut self, element: Stream<'_>) -> SinkResult {
        self.element(Element::Bytes(&element.try_decompressed()?))
    }

    /// Like [`scored`](Self::scored), for a long member that is compressed.
    fn long_scored(&mut self, member: Stream<'_>, score: f64) -> SinkResult {
        self.scored(Element::Bytes(&member.try_decompressed()?), score)
    }

    /// Like [`pair`](Self::pair), for a pair with at least one long string that is compressed.
    fn long_pair(&mut self, (field, value, expiry): LongPair<'_>) -> SinkResult {
        let (field, value) = (field.try_decompressed()?, value.try_decompressed()?);
        self.pair((field.element(), value.element(), expiry))
    }

    /// Like [`plain`](Self::plain), for a long element that is compressed.
    fn long_plain(&mut self, element: Stream<'_>) -> SinkResult {
        self.plain(&element.try_decompressed()?)
    }

    /// The end of the value.
    fn end(&mut self) -> SinkResult;
}

/// A sink that ignores all parts, for values that are skipped.
pub(crate) struct Skip;

impl Sink for Skip {
    const READS: bool = false;

    fn string(&mut self, _string: Element<'_>) -> SinkResult {
        Ok(())
    }

    fn long_string(&mut self, _string: OwnedElement) -> SinkResult {
        Ok(())
    }

    fn begin(&mut self, _object_type: ObjectType, _len: u64) -> SinkResult {
        Ok(())
    }

    fn element(&mut self, _element: Element<'_>) -> SinkResult {
        Ok(())
    }

    fn scored(&mut self, _member: Element<'_>, _score: f64) -> SinkResult {
        Ok(())
    }

    fn pair(&mut self, _pair: Pair<'_>) -> SinkResult {
        Ok(())
    }

    fn packed(&mut self, _object_type: ObjectType, _encoding: Encoding, _bytes: &[u8]) -> SinkResult {
        Ok(())
    }

    fn plain(&mut self, _element: &[u8]) -> SinkResult {
        Ok(())
    }

    fn end(&mut self) -> SinkResult {
        Ok(())
    }
}

/// Checks all bytes of a listpack, and that its elements form a valid value of this type. No string is a
/// listpack, so callers never pass [`ObjectType::String`].
pub(crate) fn check_listpack(object_type: ObjectType, bytes: &[u8]) -> Result<PackedShape, PartError> {
    let checked = match object_type {
        ObjectType::List => List::check_packed(Encoding::ListPack, bytes),
        ObjectType::Hash => Hash::check_packed(Encoding::ListPack, bytes),
        ObjectType::ZSet => ZSet::check_packed(Encoding::ListPack, bytes),
        ObjectType::Set | ObjectType::String => Set::check_packed(Encoding::ListPack, bytes),
    };
    checked.map_err(|error| PartError::of_packed(error, Fault::Listpack))
}

/// Converts the error of an allocation.
pub(crate) fn part_error(error: ReserveError) -> PartError {
    PartError::Keyspace(error.into())
}
