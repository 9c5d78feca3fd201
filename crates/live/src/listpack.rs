//! A packed list that a reader changes.

use crate::recording::Structure;
use crate::words::{Words, unknown};
use common::Thousands;
use layout::drawing::Frame;
use listpack::{ListPack, Offset, Value};
use std::fmt;

/// The most bytes of a list, so that a drawing stays small.
const BYTE_LEN_MAX: usize = 4_096;

/// A packed list.
#[derive(Default)]
pub struct Elements {
    list: ListPack,
}

/// An operation on a list.
#[derive(Clone, Debug)]
pub enum Operation {
    /// A value becomes the last one.
    Push(Vec<u8>),
    /// A value becomes the first one.
    PushFront(Vec<u8>),
    /// A value is inserted before the one at an index.
    Insert(isize, Vec<u8>),
    /// The value at an index is replaced.
    Set(isize, Vec<u8>),
    /// The value at an index is removed.
    Remove(isize),
    /// A value is searched.
    Find(Vec<u8>),
}

use Operation::{Find, Insert, Push, PushFront, Remove, Set};

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Push(value) => write!(f, "push \"{}\"", value.escape_ascii()),
            PushFront(value) => write!(f, "push-front \"{}\"", value.escape_ascii()),
            Insert(index, value) => write!(f, "insert {index} \"{}\"", value.escape_ascii()),
            Set(index, value) => write!(f, "set {index} \"{}\"", value.escape_ascii()),
            Remove(index) => write!(f, "remove {index}"),
            Find(value) => write!(f, "find \"{}\"", value.escape_ascii()),
        }
    }
}

impl Elements {
    fn at(&self, index: isize) -> Result<Offset, String> {
        self.list.seek(index).ok_or_else(|| format!("there is no element {index}"))
    }

    fn change(&mut self, operation: &Operation) -> Result<String, String> {
        let before = self.list.byte_len();
        let list = &mut self.list;
        let done = match operation {
            Push(value) => list.try_push_back(&**value),
            PushFront(value) => list.try_push_front(&**value),
            Insert(index, value) => {
                let at = self.at(*index)?;
                self.list.try_insert_before(at, &**value).map(|_| ())
            }
            Set(index, value) => {
                let at = self.at(*index)?;
                self.list.try_replace(at, &**value).map(|_| ())
            }
            Remove(index) => {
                let at = self.at(*index)?;
                self.list.remove(at);
                Ok(())
            }
            Find(value) => {
                let found = list.position(value, 0);
                return Ok(found.map_or("not found".into(), |(_, index)| format!("at index {index}")));
            }
        };
        done.map_err(|error| error.to_string())?;
        Ok(format!("{:+} bytes", self.list.byte_len() as isize - before as isize))
    }
}

impl Structure for Elements {
    type Operation = Operation;

    const COMMANDS: &'static str =
        "push VALUE\npush-front VALUE\ninsert INDEX VALUE\nset INDEX VALUE\nremove INDEX\nfind VALUE";

    fn parse(&self, mut words: Words<'_>) -> Result<Vec<Operation>, String> {
        fn value(words: &mut Words<'_>) -> Result<Vec<u8>, String> {
            words.next("the value").map(Into::into)
        }
        fn index(words: &mut Words<'_>) -> Result<isize, String> {
            words.number("the index")
        }
        let words = &mut words;
        let operation = match &*words.command()? {
            "push" => Push(value(words)?),
            "push-front" => PushFront(value(words)?),
            "insert" => Insert(index(words)?, value(words)?),
            "set" => Set(index(words)?, value(words)?),
            "remove" => Remove(index(words)?),
            "find" => Find(value(words)?),
            other => return unknown(other),
        };
        words.end()?;
        let mut next = Self { list: self.list.try_clone().map_err(|error| error.to_string())? };
        _ = next.change(&operation); // an error is the answer of the operation
        if next.list.byte_len() > BYTE_LEN_MAX {
            return Err(format!("the list would have more than {} bytes", Thousands(BYTE_LEN_MAX as u64)));
        }
        Ok(vec![operation])
    }

    fn apply(&mut self, operation: &Operation) -> String {
        self.change(operation).unwrap_or_else(|error| error)
    }

    fn frame(&self) -> Frame {
        let values: Vec<String> = self.list.iter().map(text).collect();
        let caption = format!("Length {}: {}", values.len(), values.join(", "));
        Frame::of_bytes(caption, self.list.parts())
    }
}

fn text(value: Value<'_>) -> String {
    match value {
        Value::Str(bytes) => format!("\"{}\"", bytes.escape_ascii()),
        Value::Int(value) => value.to_string(),
        Value::Double(value) => value.to_string(),
    }
}
