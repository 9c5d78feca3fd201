//! One structure, filled with data from the command line.

use crate::drawing::{Frame, Look, Panel};
use crate::numbers::Numbers;
use anyhow::{Context, Result, bail, ensure};
use intset::IntSet;
use keyspace::{ExpireOptions, Expiry, Keyspace};
use listpack::{ListPack, Value};
use sds::Sds;

/// A structure that can be drawn.
pub struct Structure {
    /// The name on the command line.
    pub name: &'static str,
    /// The data that it takes.
    pub data: &'static str,
    /// What is drawn.
    pub about: &'static str,
    draw: fn(&[String]) -> Result<Vec<Frame>>,
}

/// All structures.
pub const ALL: [Structure; 5] = [
    Structure {
        name: "sds",
        data: "TEXT...",
        about: "the block of a string; each further text is appended",
        draw: sds,
    },
    Structure { name: "intset", data: "N...", about: "the bytes of a set of integers", draw: intset },
    Structure {
        name: "table",
        data: "N...",
        about: "the chunks of a hash table of numbers below 1,000, whose low bits give the chunk",
        draw: table,
    },
    Structure { name: "listpack", data: "VALUE...", about: "the bytes of a packed list", draw: listpack },
    Structure {
        name: "entry",
        data: "KEY VALUE [MS]",
        about: "the block of a key, which expires after MS milliseconds",
        draw: entry,
    },
];

/// Returns the drawing of a structure with this data.
///
/// # Errors
/// If there is no such structure, or if the data are not valid for it.
pub fn draw(name: &str, data: &[String]) -> Result<Vec<Frame>> {
    let Some(structure) = ALL.iter().find(|structure| structure.name == name) else {
        bail!("there is no structure and no series `{name}`; without arguments, all are listed");
    };
    let Structure { data: usage, .. } = structure;
    (structure.draw)(data).with_context(|| format!("usage: {name} {usage}"))
}

fn sds(data: &[String]) -> Result<Vec<Frame>> {
    let (first, rest) = data.split_first().context("the text is missing")?;
    let mut s = Sds::try_from_bytes(first.as_bytes())?;
    let mut frames = vec![Frame::of_block(format!("a string of length {}", s.len()), s.parts())];
    for more in rest {
        s.try_push_bytes(more.as_bytes())?;
        frames.push(Frame::of_block(format!("after an append: length {}", s.len()), s.parts()));
    }
    Ok(frames)
}

fn intset(data: &[String]) -> Result<Vec<Frame>> {
    let mut set = IntSet::new();
    for text in data {
        let value = text.parse().with_context(|| format!("`{text}` is not an integer of 64 bits"))?;
        set.try_insert(value)?;
    }
    Ok(vec![Frame::of_bytes(format!("a set, length {}", set.len()), set.parts())])
}

/// The numbers that fit into a box are below this one.
const NUMBER_END: u64 = 1_000;

fn table(data: &[String]) -> Result<Vec<Frame>> {
    let mut numbers = Numbers::default();
    for text in data {
        let number = text.parse().ok().filter(|number| *number < NUMBER_END);
        numbers.insert(number.with_context(|| format!("`{text}` is not a number below {NUMBER_END}"))?);
    }
    let (len, chunks) = (numbers.table.len(), numbers.chunks());
    let caption = format!("a hash table, length {len}, chunks: {chunks}");
    Ok(vec![Frame::new(caption, vec![Panel::Grid(numbers.rows(|_, _| Look::Plain))])])
}

fn listpack(data: &[String]) -> Result<Vec<Frame>> {
    let mut list = ListPack::new();
    for text in data {
        list.try_push_back(Value::from(text.as_bytes()))?;
    }
    Ok(vec![Frame::of_bytes(format!("a list, length {}", list.len()), list.parts())])
}

fn entry(data: &[String]) -> Result<Vec<Frame>> {
    let (key, value, after) = match data {
        [key, value] => (key, value, None),
        [key, value, after] => (key, value, Some(after)),
        _ => bail!("a key and a value are needed"),
    };
    let mut keyspace = Keyspace::new();
    keyspace.set(key.as_bytes(), value.as_bytes(), 0)?;
    if let Some(after) = after {
        let after = after.parse().with_context(|| format!("`{after}` is not a number of milliseconds"))?;
        ensure!(after > 0, "the number of milliseconds has to be positive");
        keyspace.expire(key.as_bytes(), Expiry::InMillis(after), ExpireOptions::default(), 0)?;
    }
    let parts = keyspace.block_parts(key.as_bytes(), 0).context("the key has expired")?;
    Ok(vec![Frame::of_block(format!("the key `{}`", key.as_bytes().escape_ascii()), parts)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(words: &[&str]) -> Result<String> {
        let data: Vec<String> = words[1..].iter().map(|word| (*word).into()).collect();
        draw(words[0], &data).map(|frames| crate::text::draw(&frames) + &crate::svg::draw(&frames))
    }

    #[test]
    fn every_structure_can_be_drawn() {
        for (words, part) in [
            (&["sds", "hello", "world"][..], "bytes"),
            (&["sds", ""], "flags"),
            (&["intset"], "length"),
            (&["intset", "5", "-70000", "5"], "length   2"),
            (&["table"], "chunks: 0"),
            (&["table", "7", "512", "7"], "[512]"),
            (&["listpack"], "end"),
            (&["listpack", "hello", "1024", "-1", ""], "data"),
            (&["entry", "user:1", "Ada", "60000"], "expiry"),
            (&["entry", "", ""], "form"),
        ] {
            let text = drawn(words).unwrap();
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn a_key_of_any_bytes_is_drawn_as_printable_text_in_one_block_of_html() {
        let text = drawn(&["entry", "a\n\nb\x1b[31m", "v"]).unwrap();
        assert!(text.contains("`a\\n\\nb\\x1b[31m`"), "{text}");
        let html = &text[text.find("<div").unwrap()..];
        assert!(!html.contains("\n\n") && !text.contains('\x1b'), "{text}");
    }

    #[test]
    fn data_that_do_not_fit_are_an_error() {
        for words in [
            &["sds"][..],
            &["intset", "x"],
            &["table", "1000"],
            &["table", "-1"],
            &["entry", "key"],
            &["entry", "key", "value", "soon"],
            &["entry", "key", "value", "0"],
            &["entry", "key", "value", "-5"],
        ] {
            let error = format!("{:#}", drawn(words).unwrap_err());
            assert!(error.contains("usage: "), "{error}");
        }
        assert!(drawn(&["tree", "1"]).unwrap_err().to_string().contains("no structure and no series `tree`"));
    }
}
