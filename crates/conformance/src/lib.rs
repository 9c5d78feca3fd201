#![doc = include_str!("../README.md")]

pub mod files;
mod hash;
pub mod known;
mod list;
pub mod process;
pub mod random;
pub mod server;
mod set;
mod sort;
mod string;
mod zset;

use known::Family;
use robj::{EncodingLimits, Robj};
use std::collections::HashMap;
use std::fmt;
use values::Error;
use values::hash::HashError;
use values::string::StringError;
use values::zset::AddError;

/// A store of values by key, with the limits of their encodings.
#[derive(Debug)]
pub struct World {
    keys: HashMap<Vec<u8>, Robj>,
    /// The limits that the next command follows.
    pub limits: EncodingLimits,
    /// The family whose behaviour the commands follow where Redis and Valkey differ.
    pub family: Family,
}

impl World {
    /// Returns an empty store that behaves like Redis.
    pub fn new(limits: EncodingLimits) -> Self {
        Self { keys: HashMap::new(), limits, family: Family::Redis }
    }

    /// Executes a command and returns the reply that a server would send.
    ///
    /// # Panics
    /// If no module implements the command, or if a key has a value of another type.
    pub fn execute(&mut self, command: &[Vec<u8>]) -> Reply {
        match text(&command[0]) {
            "DEL" => Reply::Int(self.keys.remove(&command[1]).is_some().into()),
            "SORT" => sort::run(self, command),
            name if name.starts_with('H') => hash::run(self, command),
            name if name.starts_with('Z') => zset::run(self, command),
            "SADD" | "SREM" | "SCARD" | "SMOVE" | "SPOP" | "SMEMBERS" | "SISMEMBER" | "SINTERSTORE"
            | "SUNIONSTORE" | "SDIFFSTORE" => set::run(self, command),
            name if name.starts_with('L') || name.starts_with("RP") => list::run(self, command),
            _ => string::run(self, command),
        }
    }

    /// Returns the answer of `OBJECT ENCODING`, or `None` if there is no such key.
    pub fn encoding(&self, key: &[u8]) -> Option<&'static str> {
        self.keys.get(key).map(|value| value.encoding().as_str())
    }
}

/// The reply to a command.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// The command succeeded.
    Ok,
    /// There is no value.
    Nil,
    /// The text of an error, without its code (`ERR`).
    Error(String),
    /// An integer.
    Int(i64),
    /// Bytes.
    Bulk(Vec<u8>),
    /// Several replies.
    Array(Vec<Reply>),
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok => f.write_str("OK"),
            Self::Nil => f.write_str("nil"),
            Self::Error(text) => write!(f, "!ERR {text}"),
            Self::Int(value) => write!(f, "({value})"),
            Self::Bulk(bytes) => f.write_str(&quoted(bytes)),
            Self::Array(replies) => {
                let replies: Vec<_> = replies.iter().map(Self::to_string).collect();
                write!(f, "[{}]", replies.join(", "))
            }
        }
    }
}

impl Reply {
    fn error(text: impl fmt::Display) -> Self {
        Self::Error(text.to_string())
    }

    fn int(value: usize) -> Self {
        Self::Int(i64::try_from(value).unwrap())
    }
}

/// Converts errors into replies. An error prints the text that a server sends after the code `ERR`.
macro_rules! replies {
    ($($Error:ty),*) => { $(
        impl From<$Error> for Reply {
            fn from(error: $Error) -> Self {
                Self::error(error)
            }
        }
    )* };
}

replies!(Error, AddError, HashError, StringError);

/// Parses an argument as an integer.
fn integer(argument: &[u8]) -> Result<i64, Reply> {
    let value = listpack::integer::parse(argument);
    value.ok_or_else(|| Reply::error("value is not an integer or out of range"))
}

/// Returns an argument as text. Panics if it is not UTF-8.
fn text(argument: &[u8]) -> &str {
    std::str::from_utf8(argument).unwrap()
}

/// Formats bytes for the display of a reply. Plain bytes are shown as they are, and others in quotes with escapes.
/// Of more than 200 bytes, only the number is shown: `#201`.
pub fn quoted(bytes: &[u8]) -> String {
    if bytes.len() > 200 {
        return format!("#{}", bytes.len());
    }
    let plain = |byte: &u8| byte.is_ascii_graphic() && !b"\"<>{}\\%;,[]".contains(byte);
    if !bytes.is_empty() && bytes.iter().all(plain) {
        return String::from_utf8(bytes.to_vec()).unwrap();
    }
    let escaped = bytes.iter().map(|&byte| match byte {
        b'"' | b'\\' => format!("\\x{byte:02x}"),
        b' '..=b'~' => char::from(byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_quoted_where_they_are_not_plain() {
        assert_eq!(quoted(b"a\xFF\"b c"), "\"a\\xff\\x22b c\"");
        assert_eq!((quoted(b"abc").as_str(), quoted(b"").as_str()), ("abc", "\"\""));
        assert_eq!(quoted(&[b'x'; 201]), "#201");
    }
}
