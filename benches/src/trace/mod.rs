//! Request traces: who asks for which key, and how large its value is.
//!
//! A trace is read whole before anything is timed, and kept as numbers: every distinct key once, in one
//! buffer, and eight bytes a request. A hundred million requests take 800 MB and their keys.
//!
//! | format | told by the name | told by the content | a request is |
//! |---|---|---|---|
//! | *oracleGeneral* of libCacheSim | `.bin`, `.oracleGeneral` | a NUL byte in the first 4 KiB | a record of 24 bytes, see [`oracle`] |
//! | CSV | `.csv` | two commas in the first line | `time,key,size`; a header line is allowed |
//! | plain keys | `.txt`, `.keys` | anything else | a line; its value has [`PLAIN_VALUE_BYTES`] bytes |
//!
//! Any of them may be compressed by zstd: a name that ends in `.zst`, or the four bytes with which such
//! a file begins. The name without `.zst` then tells the format inside.
//!
//! Errors are [`TraceError`]: one line, with the offset. [`ycsb`] makes requests where there is no trace.

pub mod error;
pub mod oracle;
pub mod text;
pub mod ycsb;
mod zst;

pub use error::TraceError;

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::fs::File;
use std::hash::BuildHasher;
use std::io::{self, BufReader, Read};
use std::path::Path;

/// The value of a plain text trace's keys, in bytes: the file does not say.
pub const PLAIN_VALUE_BYTES: u32 = 100;

/// Keys longer than this are taken for a file of another format, in bytes.
pub const MAX_KEY_BYTES: usize = 64 * 1024;

/// Requests and distinct keys are numbered by 32 bits.
const MAX_REQUESTS: usize = u32::MAX as usize;

/// How much of a file is looked at to tell its format.
const PEEK_BYTES: usize = 4096;

/// One request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Which key: an index for [`Trace::key`].
    pub key: u32,
    /// The size of the value that belongs to it, in bytes.
    pub size: u32,
}

/// A trace in memory.
#[derive(Default)]
pub struct Trace {
    requests: Vec<Request>,
    /// The distinct keys one behind the other, and where each ends.
    key_bytes: Vec<u8>,
    key_ends: Vec<usize>,
}

impl Trace {
    /// Reads a trace file of any of the formats above.
    pub fn open(path: &Path) -> Result<Self, TraceError> {
        let file = File::open(path).map_err(|source| TraceError::Io { offset: 0, source })?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        Self::read(&name, BufReader::new(file))
    }

    /// Reads a trace; `name` is the file's, in lower case.
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

    /// All requests, in order.
    pub fn requests(&self) -> &[Request] {
        &self.requests
    }

    /// The bytes of a request's key.
    #[inline]
    pub fn key(&self, key: u32) -> &[u8] {
        let key = key as usize;
        let start = if key == 0 { 0 } else { self.key_ends[key - 1] };
        &self.key_bytes[start..self.key_ends[key]]
    }

    /// How many different keys there are.
    pub fn distinct_keys(&self) -> usize {
        self.key_ends.len()
    }
}

/// The first bytes of a file: [`PEEK_BYTES`] of them unless it is shorter.
fn peek(input: &mut impl Read) -> Result<Vec<u8>, TraceError> {
    let mut head = Vec::new();
    match input.take(PEEK_BYTES as u64).read_to_end(&mut head) {
        Ok(_) => Ok(head),
        Err(err) => Err(read_error(head.len() as u64, err)),
    }
}

/// An error of reading, which may be one of unpacking.
fn read_error(offset: u64, source: io::Error) -> TraceError {
    match source.get_ref().and_then(|inner| inner.downcast_ref::<zst::Damaged>()) {
        Some(damaged) => TraceError::Zstd { offset: damaged.offset, what: damaged.to_string() },
        None => TraceError::Io { offset, source },
    }
}

/// Numbers the keys of a trace as it is read.
#[derive(Default)]
pub struct Builder {
    trace: Trace,
    index: HashTable<u32>,
    hasher: FixedState,
}

impl Builder {
    /// Adds a request.
    pub fn push(&mut self, key: &[u8], size: u32) -> Result<(), TraceError> {
        if self.trace.requests.len() == MAX_REQUESTS {
            return Err(TraceError::TooLong { limit: MAX_REQUESTS as u64 });
        }
        let Self { trace, index, hasher } = self;
        let hash = hasher.hash_one(key);
        let known = index.find(hash, |&number| trace.key(number) == key).copied();
        let number = known.unwrap_or_else(|| {
            let number = trace.key_ends.len() as u32;
            trace.key_bytes.extend_from_slice(key);
            trace.key_ends.push(trace.key_bytes.len());
            index.insert_unique(hash, number, |&other| hasher.hash_one(trace.key(other)));
            number
        });
        trace.requests.push(Request { key: number, size });
        Ok(())
    }

    fn finish(self) -> Result<Trace, TraceError> {
        if self.trace.requests.is_empty() { Err(TraceError::Empty) } else { Ok(self.trace) }
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
