//! [`Item`]: an element that is read.

use crate::storage::Block;
use core::fmt;
use listpack::{Value, integer::Decimal};
use zmalloc::ReserveError;

/// An element of a list: in most cases where it is stored, or, if it was compressed there, a copy.
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

    /// One that borrows nothing.
    pub(crate) fn try_copied(value: Value<'_>) -> Result<Self, ReserveError> {
        Ok(Self(match value {
            Value::Str(bytes) => Repr::Copied(Block::try_new([bytes])?),
            Value::Int(value) => Repr::Stored(Value::Int(value)),
            Value::Double(value) => Repr::Stored(Value::Double(value)),
        }))
    }

    /// What it is.
    #[inline]
    pub fn value(&self) -> Value<'_> {
        match &self.0 {
            Repr::Stored(value) => *value,
            Repr::Copied(block) => Value::raw(block.as_bytes()),
        }
    }

    /// What it is, for as long as the list stays as it is; `None` if it is a copy.
    #[inline]
    pub fn as_stored(&self) -> Option<Value<'a>> {
        match self.0 {
            Repr::Stored(value) => Some(value),
            Repr::Copied(_) => None,
        }
    }

    /// Its text, in a vector of the caller's allocator. (A double, which has no text, as `Debug` prints it.)
    pub fn to_vec(&self) -> Vec<u8> {
        match self.value() {
            Value::Int(value) => Decimal::new(value).to_vec(),
            Value::Str(bytes) => bytes.to_vec(),
            Value::Double(value) => format!("{value:?}").into_bytes(),
        }
    }
}

/// One that is not copied.
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
