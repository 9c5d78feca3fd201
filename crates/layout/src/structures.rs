//! One structure, filled with data from the command line.

use crate::drawing::{Frame, Series};
use anyhow::{Context, Result, bail};
use intset::IntSet;
use keyspace::{ExpireOptions, Expiry, Keyspace};
use listpack::{ListPack, Value};
use sds::Sds;

/// The structures, and what data each takes.
pub const ALL: [(&str, &str); 4] = [
    ("sds", "TEXT...      the block of a string; each further text is appended"),
    ("intset", "N...      the integers of a set"),
    ("listpack", "VALUE...  the entries of a list"),
    ("entry", "KEY VALUE [MS]  the block of a key, which expires after so many milliseconds"),
];

/// Returns the drawing of a structure with this data.
///
/// # Errors
/// If there is no such structure, or if the data are not valid for it.
pub fn draw(structure: &str, data: &[String]) -> Result<Series> {
    let frames = match structure {
        "sds" => sds(data)?,
        "intset" => vec![intset(data)?],
        "listpack" => vec![listpack(data)?],
        "entry" => vec![entry(data)?],
        _ => bail!("there is no structure and no series `{structure}`; without arguments, all are listed"),
    };
    Ok(Series { name: "data", about: "data of the command line", frames })
}

fn sds(data: &[String]) -> Result<Vec<Frame>> {
    let (first, rest) = data.split_first().context("sds needs a text")?;
    let mut s = Sds::try_from_bytes(first.as_bytes())?;
    let mut frames = vec![Frame::of_block(format!("a string of {} bytes", s.len()), s.parts())];
    for more in rest {
        s.try_push_bytes(more.as_bytes())?;
        frames.push(Frame::of_block(format!("{} bytes were appended", more.len()), s.parts()));
    }
    Ok(frames)
}

fn intset(data: &[String]) -> Result<Frame> {
    let mut set = IntSet::new();
    for text in data {
        let value = text.parse().with_context(|| format!("`{text}` is not an integer of 64 bits"))?;
        set.try_insert(value)?;
    }
    Ok(Frame::of_bytes(format!("a set of {} integers", set.len()), set.parts()))
}

fn listpack(data: &[String]) -> Result<Frame> {
    let mut list = ListPack::new();
    for text in data {
        list.try_push_back(Value::from(text.as_bytes()))?;
    }
    Ok(Frame::of_bytes(format!("a list of {} entries", list.len()), list.parts()))
}

fn entry(data: &[String]) -> Result<Frame> {
    let (key, value, after) = match data {
        [key, value] => (key, value, None),
        [key, value, after] => (key, value, Some(after)),
        _ => bail!("entry needs a key and a value, and may have milliseconds"),
    };
    let mut keyspace = Keyspace::new();
    keyspace.set(key.as_bytes(), value.as_bytes(), 0)?;
    if let Some(after) = after {
        let after = after.parse().with_context(|| format!("`{after}` is not a number of milliseconds"))?;
        keyspace.expire(key.as_bytes(), Expiry::InMillis(after), ExpireOptions::default(), 0)?;
    }
    let parts = keyspace.block_parts(key.as_bytes(), 0).context("the key has expired")?;
    Ok(Frame::of_block(format!("the key {key}"), parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(String::from).collect()
    }

    #[test]
    fn every_structure_can_be_drawn() {
        for (line, part) in [
            ("sds hello world", "bytes"),
            ("intset 5 -70000", "int"),
            ("listpack hello 1024 -1", "data"),
            ("entry user:1 Ada 60000", "expiry"),
        ] {
            let (structure, data) = line.split_once(' ').unwrap();
            let text = crate::text::draw(&draw(structure, &words(data)).unwrap());
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn data_that_do_not_fit_are_an_error() {
        for line in ["intset x", "entry key", "entry key value soon", "entry key value 0", "tree 1"] {
            let (structure, data) = line.split_once(' ').unwrap();
            assert!(draw(structure, &words(data)).is_err(), "{line}");
        }
    }
}
