//! A string that a reader appends to and cuts.

use crate::recording::Structure;
use crate::words::{Words, unknown};
use common::Thousands;
use layout::drawing::Frame;
use sds::Sds;
use std::fmt;

/// The longest string that `grow` makes.
const LEN_MAX: usize = 1_000_000;

/// A string.
#[derive(Default)]
pub struct Text {
    string: Sds,
}

/// An operation on a string.
#[derive(Clone, Debug)]
pub enum Operation {
    /// The string becomes a text.
    Set(Vec<u8>),
    /// A text is appended.
    Append(Vec<u8>),
    /// A number of letters is appended.
    Grow(usize),
    /// The string keeps this many bytes. The rest is free space.
    Truncate(usize),
    /// The free space is given back.
    Shrink,
}

use Operation::{Append, Grow, Set, Shrink, Truncate};

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Set(text) => write!(f, "set \"{}\"", text.escape_ascii()),
            Append(text) => write!(f, "append \"{}\"", text.escape_ascii()),
            Grow(len) => write!(f, "grow {len}"),
            Truncate(len) => write!(f, "truncate {len}"),
            Shrink => f.write_str("shrink"),
        }
    }
}

impl Structure for Text {
    type Operation = Operation;

    const COMMANDS: &'static str = "set TEXT\nappend TEXT\ngrow BYTES\ntruncate LENGTH\nshrink";

    fn parse(&self, mut words: Words<'_>) -> Result<Vec<Operation>, String> {
        let operation = match &*words.command()? {
            "set" => Set(words.next("the text")?.into()),
            "append" => Append(words.next("the text")?.into()),
            "grow" => {
                let len = words.number("the number of bytes")?;
                if len > LEN_MAX - self.string.len().min(LEN_MAX) {
                    return Err(format!(
                        "the string would be longer than {} bytes",
                        Thousands(LEN_MAX as u64)
                    ));
                }
                Grow(len)
            }
            "truncate" => Truncate(words.number("the length")?),
            "shrink" => Shrink,
            other => return unknown(other),
        };
        words.end()?;
        Ok(vec![operation])
    }

    fn apply(&mut self, operation: &Operation) -> String {
        let string = &mut self.string;
        let before = (string.header_type(), string.allocation_size());
        let done = match operation {
            Set(text) => string.try_assign(text),
            Append(text) => string.try_push_bytes(text),
            Grow(len) => string.try_push_bytes(&vec![b'x'; *len]),
            Truncate(len) => {
                string.truncate(*len);
                Ok(())
            }
            Shrink => string.try_remove_free_space(),
        };
        if let Err(error) = done {
            return error.to_string();
        }
        let after = (string.header_type(), string.allocation_size());
        let change = match () {
            () if before.0 != after.0 => format!("a header of type {:?}", after.0),
            () if before.1 != after.1 => "a block of another size".to_owned(),
            () => "the same block".to_owned(),
        };
        format!("length {}, {change}", Thousands(string.len() as u64))
    }

    fn frame(&self) -> Frame {
        let (len, avail) = (self.string.len() as u64, self.string.avail() as u64);
        let caption = format!("Length {}, free {}.", Thousands(len), Thousands(avail));
        Frame::of_block(caption, self.string.parts())
    }
}
