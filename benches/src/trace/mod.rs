//! Request traces: the key of each request, and the size of its value.
//!
//! A trace is read completely before anything is timed. It is kept as numbers: a buffer has every distinct
//! key once, and each request takes eight bytes. So a hundred million requests take 800 MB, and the bytes of
//! their keys.
//!
//! | format | recognized by the name | recognized by the content | a request is |
//! |---|---|---|---|
//! | *oracleGeneral* of libCacheSim | `.bin`, `.oracleGeneral` | a NUL byte in the first 4 KiB | a record of 24 bytes, see [`oracle`] |
//! | CSV | `.csv` | two commas in the first line | `time,key,size`; a header line is allowed |
//! | plain keys | `.txt`, `.keys` | anything else | a line; its value has [`PLAIN_VALUE_BYTES`](text::PLAIN_VALUE_BYTES) bytes |
//!
//! A file of any format may be compressed by zstd. It is then recognized by a name that ends in `.zst`, or by
//! its first four bytes. The name without `.zst` gives the format of the content.
//!
//! An error is a [`TraceError`], whose message is one line with the offset. [`ycsb`] generates requests if
//! there is no trace.

pub mod error;
pub mod oracle;
mod requests;
pub mod text;
pub mod ycsb;
mod zst;

pub use error::TraceError;
pub use requests::{Request, Trace};

use requests::Builder;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

/// How many bytes of a file are read to recognize its format.
const PEEK_BYTES: usize = 4096;

impl Trace {
    /// Reads a trace file of any of the formats above.
    pub fn open(path: &Path) -> Result<Self, TraceError> {
        let file = File::open(path).map_err(|source| TraceError::Io { offset: 0, source })?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        Self::read(&name, BufReader::new(file))
    }

    /// Reads a trace. `name` is the name of the file, in lower case.
    fn read(name: &str, mut input: impl Read) -> Result<Self, TraceError> {
        let head = peek(&mut input)?;
        let packed = head.starts_with(&zst::MAGIC) || name.ends_with(".zst");
        let whole = head.as_slice().chain(input);
        if packed {
            let name = name.strip_suffix(".zst").unwrap_or(name);
            Self::read_plain(name, zst::Frames::new(whole))
        } else {
            Self::read_plain(name, whole)
        }
    }

    fn read_plain(name: &str, mut input: impl Read) -> Result<Self, TraceError> {
        let head = peek(&mut input)?;
        let mut builder = Builder::default();
        let format = Format::of(name, &head);
        let input = BufReader::with_capacity(64 * 1024, head.as_slice().chain(input));
        match format {
            Format::OracleGeneral => oracle::read(input, &mut builder)?,
            Format::Csv => text::read_csv(input, &mut builder)?,
            Format::Plain => text::read_keys(input, &mut builder)?,
        }
        builder.finish()
    }
}

/// Returns the first [`PEEK_BYTES`] bytes of a file, or all of them if it is shorter.
fn peek(input: &mut impl Read) -> Result<Vec<u8>, TraceError> {
    let mut head = Vec::new();
    match input.take(PEEK_BYTES as u64).read_to_end(&mut head) {
        Ok(_) => Ok(head),
        Err(err) => Err(TraceError::reading(head.len() as u64, err)),
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Format {
    OracleGeneral,
    Csv,
    Plain,
}

impl Format {
    fn of(name: &str, head: &[u8]) -> Self {
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        match extension {
            "bin" | "oraclegeneral" => return Self::OracleGeneral,
            "csv" => return Self::Csv,
            "txt" | "keys" => return Self::Plain,
            _ => {}
        }
        let first_line = head.split(|&byte| byte == b'\n').next().unwrap_or_default();
        if head.contains(&0) {
            Self::OracleGeneral
        } else if first_line.iter().filter(|&&byte| byte == b',').count() == 2 {
            Self::Csv
        } else {
            Self::Plain
        }
    }
}

#[cfg(test)]
mod tests;
