//! [`Item`]: an element that a caller reads.

use crate::storage::Block;
use core::fmt;
use listpack::{Value, integer::Decimal};
use zmalloc::ReserveError;

/// An element of a list. It borrows the stored element, or is a copy if the element's node is compressed.
#[derive(Debug)]
pub struct Item<'a>(Repr<'a>);

enum Repr<'a> {
    Stored(Value<'a>),
    Copied(Block),
}

impl fmt::Debug for Repr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stored(value) => value.fmt(f),
            Self::Copied(block) => write!(f, "\"{}\"", block.as_bytes().escape_ascii()),
        }
    }
}

impl<'a> Item<'a> {
    #[inline]
    pub(crate) fn stored(value: Value<'a>) -> Self {
        Self(Repr::Stored(value))
    }

    /// Copies an element. The item borrows nothing from the list.
    pub(crate) fn try_copied(value: Value<'_>) -> Result<Self, ReserveError> {
        Ok(Self(match value {
            Value::Str(bytes) => Repr::Copied(Block::try_new([bytes])?),
            Value::Int(value) => Repr::Stored(Value::Int(value)),
            Value::Double(value) => Repr::Stored(Value::Double(value)),
        }))
    }

    /// Returns the value of the element.
    #[inline]
    pub fn value(&self) -> Value<'_> {
        match &self.0 {
            Repr::Stored(value) => *value,
            Repr::Copied(block) => Value::raw(block.as_bytes()),
        }
    }

    /// Returns the value of the element, borrowed from the list. Returns `None` if the item is a copy of a string.
    #[inline]
    pub fn as_stored(&self) -> Option<Value<'a>> {
        match self.0 {
            Repr::Stored(value) => Some(value),
            Repr::Copied(_) => None,
        }
    }

    /// Returns the text of the element in a vector, which uses the global allocator. A double is printed as `Debug`
    /// prints it.
    pub fn to_vec(&self) -> Vec<u8> {
        match self.value() {
            Value::Int(value) => Decimal::new(value).to_vec(),
            Value::Str(bytes) => bytes.to_vec(),
            Value::Double(value) => format!("{value:?}").into_bytes(),
        }
    }
}

/// Makes an item that borrows the value.
impl<'a> From<Value<'a>> for Item<'a> {
    #[inline]
    fn from(value: Value<'a>) -> Self {
        Self::stored(value)
    }
}

impl PartialEq<[u8]> for Item<'_> {
    fn eq(&self, bytes: &[u8]) -> bool {
        self.value() == *bytes
    }
}
