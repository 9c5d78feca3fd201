//! [`Elements`]: the elements of a node that is not compressed. Also the length of an element's text.

use crate::side::Side;
use listpack::{ListPack, Offset, Value, integer};

/// The elements of a node that is not compressed.
#[derive(Clone, Copy)]
pub(crate) enum Elements<'a> {
    Packed(&'a ListPack),
    Plain(&'a [u8]),
}

impl<'a> Elements<'a> {
    /// Returns the element at `index`.
    #[inline]
    pub(crate) fn get(self, index: usize) -> Option<Value<'a>> {
        match self {
            Self::Packed(pack) => pack.get(pack.seek(index as isize)?),
            Self::Plain(bytes) => (index == 0).then_some(Value::raw(bytes)),
        }
    }

    /// Returns the element at an end.
    #[inline]
    pub(crate) fn end(self, side: Side) -> Option<Value<'a>> {
        match self {
            Self::Packed(pack) => pack.get(pack_end(pack, side)?),
            Self::Plain(bytes) => Some(Value::raw(bytes)),
        }
    }
}

#[inline]
pub(crate) fn pack_end(pack: &ListPack, side: Side) -> Option<Offset> {
    match side {
        Side::Front => pack.first(),
        Side::Back => pack.last(),
    }
}

/// Returns how many bytes the text of a value has. A double has no text, and counts as eight bytes.
pub(crate) fn text_len(value: &Value<'_>) -> usize {
    match *value {
        Value::Int(value) => integer::decimal_len(value),
        Value::Str(bytes) => bytes.len(),
        Value::Double(_) => size_of::<f64>(),
    }
}
