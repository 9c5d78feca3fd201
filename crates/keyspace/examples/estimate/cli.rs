//! The arguments of `estimate`, and its report.

use clap::{ArgGroup, Parser};
use keyspace::estimate::{EstimateError, Quantum, Store, Values, Workload};
use std::fmt::{Display, Write};
use std::ops::RangeInclusive;
use std::str::FromStr;

/// Where the keys are stored.
const STORES: [Store; 3] =
    [Store::Keyspace, Store::Classic(Quantum::Sixteen), Store::Classic(Quantum::Eight)];

/// What is asked.
#[derive(Parser)]
#[command(name = "estimate", bin_name = "cargo xtask estimate")]
#[command(about = "What keys and strings take in memory: in a keyspace and in classic Redis, step by step")]
#[command(group = ArgGroup::new("values").required(true).args(["value_len", "integers"]))]
pub(crate) struct Args {
    /// How many keys there are
    #[arg(long, value_name = "N")]
    keys: u64,
    /// The length of each key, in bytes
    #[arg(long, value_name = "N")]
    key_len: u64,
    /// The length of each value, in bytes; from A to B, each equally often; the values are not integers
    #[arg(long, value_name = "N|A..B", value_parser = range::<u64>)]
    value_len: Option<RangeInclusive<u64>>,
    /// The values are the integers from A to B, each equally often
    #[arg(long, value_name = "N|A..B", value_parser = range::<i64>, allow_hyphen_values = true)]
    integers: Option<RangeInclusive<i64>>,
    /// Every key has an expiry
    #[arg(long)]
    expires: bool,
}

/// A number, or two with `..` between. Both ends are included.
fn range<T: FromStr<Err: Display> + Copy + PartialOrd>(text: &str) -> Result<RangeInclusive<T>, String> {
    let number = |text: &str| text.parse::<T>().map_err(|error| format!("`{text}`: {error}"));
    let (from, to) = text.split_once("..").unwrap_or((text, text));
    let (from, to) = (number(from)?, number(to)?);
    if from <= to { Ok(from..=to) } else { Err("the first number is larger than the second".into()) }
}

impl Args {
    fn workload(self) -> Workload {
        let values = match (self.value_len, self.integers) {
            (_, Some(integers)) => Values::Integers(integers),
            (lens, None) => Values::Strings(lens.unwrap_or(0..=0)),
        };
        Workload { keys: self.keys, key_len: self.key_len, values, expires: self.expires }
    }

    /// An estimate for each store, with the advice that follows from it.
    pub(crate) fn report(self) -> Result<String, EstimateError> {
        let workload = self.workload();
        let mut report = format!("{workload}\n");
        for store in STORES {
            let _ = writeln!(report, "\n{}", workload.estimate(store)?);
            for advice in workload.advice(store)? {
                let _ = writeln!(report, "  - {advice}");
            }
        }
        Ok(report)
    }
}
