//! What a command answers: [`Reply`], or [`Refusal`] for an error.

use bytes::Bytes;
use keyspace::{Error, Figure, KeyRef, StringRef};
use std::borrow::Cow;
use std::fmt;
use values::{Element, OwnedElement, ReserveError, WrongType};

/// A reply, which `Display` prints as redis-cli does. It borrows nothing from the keyspace.
#[derive(Debug)]
pub(crate) enum Reply {
    /// A word or lines, printed as they are.
    Text(Cow<'static, str>),
    /// An integer.
    Integer(i64),
    /// A string, printed in quotes.
    String(Bytes),
    /// No value.
    Nil,
    /// Several replies, printed with their numbers.
    Array(Vec<Reply>),
}

impl Reply {
    pub(crate) const OK: Self = Self::Text(Cow::Borrowed("OK"));

    pub(crate) fn text(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Text(text.into())
    }

    /// A double. It is a string, as in the second version of the protocol.
    pub(crate) fn double(value: f64) -> Self {
        Self::String(Bytes::copy_from_slice(&sds::Sds::from_f64(value)))
    }

    /// Prints the reply. The lines after the first one begin with `indent` blanks.
    fn print(&self, f: &mut fmt::Formatter<'_>, indent: usize) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Integer(value) => write!(f, "(integer) {value}"),
            // `Display` of an `Sds` writes quotes and escapes.
            Self::String(bytes) => write!(f, "{}", sds::Sds::from(&bytes[..])),
            Self::Nil => f.write_str("(nil)"),
            Self::Array(replies) if replies.is_empty() => f.write_str("(empty array)"),
            Self::Array(replies) => {
                let width = replies.len().to_string().len();
                for (index, reply) in replies.iter().enumerate() {
                    let margin = if index == 0 { 0 } else { indent };
                    let separator = if index == 0 { "" } else { "\n" };
                    write!(f, "{separator}{:margin$}{:>width$}) ", "", index + 1)?;
                    reply.print(f, indent + width + ") ".len())?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.print(f, 0)
    }
}

impl From<i64> for Reply {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

/// A count.
impl From<usize> for Reply {
    fn from(count: usize) -> Self {
        Self::Integer(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

/// 1 for `true`.
impl From<bool> for Reply {
    fn from(value: bool) -> Self {
        Self::Integer(value.into())
    }
}

/// A copy.
impl From<&[u8]> for Reply {
    fn from(bytes: &[u8]) -> Self {
        Self::String(Bytes::copy_from_slice(bytes))
    }
}

/// A copy.
impl From<Element<'_>> for Reply {
    fn from(element: Element<'_>) -> Self {
        Self::from(&element.text()[..])
    }
}

impl From<OwnedElement> for Reply {
    fn from(element: OwnedElement) -> Self {
        element.as_element().into()
    }
}

impl From<KeyRef<'_>> for Reply {
    fn from(key: KeyRef<'_>) -> Self {
        Self::String(Bytes::copy_from_slice(&key.text()))
    }
}

/// A long string is not copied: reply and keyspace share it.
impl From<StringRef<'_>> for Reply {
    fn from(string: StringRef<'_>) -> Self {
        Self::String(string.to_bytes())
    }
}

impl From<Figure> for Reply {
    fn from(figure: Figure) -> Self {
        match figure {
            Figure::Integer(value) => Self::Integer(value),
            Figure::Double(value) => Self::double(value),
            other => Self::from(other.to_string().as_bytes()),
        }
    }
}

impl<T: Into<Reply>> From<Option<T>> for Reply {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nil, Into::into)
    }
}

impl<T: Into<Reply>> FromIterator<T> for Reply {
    fn from_iter<I: IntoIterator<Item = T>>(replies: I) -> Self {
        Self::Array(replies.into_iter().map(Into::into).collect())
    }
}

/// Why a command did nothing, in the words of Redis.
#[derive(Debug)]
pub(crate) struct Refusal(Cow<'static, str>);

impl Refusal {
    pub(crate) fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Each error of the library knows its words.
impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::new(error.reply())
    }
}

impl From<WrongType> for Refusal {
    fn from(error: WrongType) -> Self {
        Error::from(error).into()
    }
}

impl From<ReserveError> for Refusal {
    fn from(error: ReserveError) -> Self {
        Error::from(error).into()
    }
}
