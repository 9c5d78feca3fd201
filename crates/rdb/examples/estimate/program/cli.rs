//! The arguments of `estimate`: either numbers or a file.

use super::scan::ScanOptions;
use clap::{ArgGroup, Parser};
use keyspace::estimate::{Quantum, Values, Workload};
use std::fmt::Display;
use std::num::NonZeroU64;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

/// The parsed arguments.
#[derive(Parser)]
#[command(name = "estimate", bin_name = "cargo xtask estimate")]
#[command(about = "What keys take in memory: in a keyspace and in classic Redis, by numbers or from a dump")]
#[command(group = ArgGroup::new("values").args(["value_len", "integers"]))]
pub(crate) struct Args {
    /// A dump of Redis or Valkey, whose keys are loaded and measured
    #[arg(value_name = "FILE.rdb", required_unless_present = "keys")]
    pub(crate) file: Option<PathBuf>,
    /// Loads one key of N, chosen by its hash, and scales the figures (for dumps that are larger than memory)
    #[arg(long, value_name = "1/N", value_parser = one_of, conflicts_with = "keys")]
    sample: Option<NonZeroU64>,
    /// The byte that separates the parts of a key
    #[arg(long, value_name = "BYTE", value_parser = separator, default_value = ":", conflicts_with = "keys")]
    separator: u8,
    /// The distance between the small size classes of the Redis to compare with, in bytes: 16 for Debian's
    /// package, 8 for a build from source
    #[arg(long, value_name = "8|16", value_parser = quantum, default_value = "16", conflicts_with = "keys")]
    quantum: Quantum,
    /// Prints JSON
    #[arg(long, conflicts_with = "keys")]
    pub(crate) json: bool,
    /// The number of keys
    #[arg(long, value_name = "N", conflicts_with = "file", requires_all = ["key_len", "values"])]
    keys: Option<u64>,
    /// The length of each key, in bytes
    #[arg(long, value_name = "N", conflicts_with = "file")]
    key_len: Option<u64>,
    /// The length of each value, in bytes. With A..B, all these lengths are equally frequent. The values are
    /// not integers
    #[arg(long, value_name = "N|A..B", value_parser = range::<u64>, conflicts_with = "file")]
    value_len: Option<RangeInclusive<u64>>,
    /// The values are integers. With A..B, all these integers are equally frequent
    #[arg(long, value_name = "N|A..B", value_parser = range::<i64>, allow_hyphen_values = true, conflicts_with = "file")]
    integers: Option<RangeInclusive<i64>>,
    /// Every key has an expiry
    #[arg(long, conflicts_with = "file")]
    expires: bool,
}

/// Parses a number, or two numbers with `..` between them. The range includes both ends.
fn range<T: FromStr<Err: Display> + Copy + PartialOrd>(text: &str) -> Result<RangeInclusive<T>, String> {
    let number = |text: &str| text.parse::<T>().map_err(|error| format!("`{text}`: {error}"));
    let (from, to) = text.split_once("..").unwrap_or((text, text));
    let (from, to) = (number(from)?, number(to)?);
    if from <= to { Ok(from..=to) } else { Err("the first number is larger than the second".into()) }
}

/// Parses `1/N`, and returns N.
fn one_of(text: &str) -> Result<NonZeroU64, String> {
    let number = text.strip_prefix("1/").ok_or("a sample is written as 1/N")?;
    number.parse().map_err(|error| format!("`{number}`: {error}"))
}

fn separator(text: &str) -> Result<u8, String> {
    match *text.as_bytes() {
        [byte] => Ok(byte),
        _ => Err("a separator is one byte".into()),
    }
}

fn quantum(text: &str) -> Result<Quantum, String> {
    let all = [Quantum::Eight, Quantum::Sixteen];
    let found = all.into_iter().find(|quantum| quantum.bytes().to_string() == text);
    found.ok_or_else(|| "the quantum is 8 or 16".into())
}

impl Args {
    /// Returns the workload of an estimate from numbers.
    pub(crate) fn workload(&self) -> Workload {
        let values = match (&self.value_len, &self.integers) {
            (_, Some(integers)) => Values::Integers(integers.clone()),
            (lens, None) => Values::Strings(lens.clone().unwrap_or(0..=0)),
        };
        let (keys, key_len) = (self.keys.unwrap_or(0), self.key_len.unwrap_or(0));
        Workload { keys, key_len, values, expires: self.expires }
    }

    /// Returns the options for reading a file.
    pub(crate) fn scan_options(&self) -> ScanOptions {
        ScanOptions {
            one_of: self.sample.map_or(1, NonZeroU64::get),
            separator: self.separator,
            quantum: self.quantum,
        }
    }
}
