//! Estimates how much memory keys and strings will take, before they are stored.
//!
//! A [`Workload`] describes the number of keys, their lengths, and their values. Its
//! [`estimate`](Workload::estimate) lists the blocks of the entries and of the table. The size of a block is
//! a sum of a few lengths, rounded up to a size class of the allocator.
//!
//! An estimate can be computed for a [`Keyspace`](crate::Keyspace) and for classic Redis, and prints each
//! step. [`advice`](Workload::advice) describes the effect of longer or shorter keys and values.
//!
//! ```
//! use keyspace::estimate::{Quantum, Store, Values, Workload};
//!
//! // 90,000 keys of 7 bytes, whose values are strings of 7 bytes.
//! let workload = Workload { keys: 90_000, key_len: 7, values: Values::Strings(7..=7), expires: false };
//! let classic = workload.estimate(Store::Classic(Quantum::Sixteen))?;
//! assert_eq!(classic.total(), 90_000 * 80 + 131_072 * 8);
//! assert!(classic.to_string().ends_with("90,000 * (32 + 16 + 32) + 131,072 * 8 = 8,248,576 bytes, 91.65 a key"));
//! assert!(workload.estimate(Store::Keyspace)?.total() < classic.total() / 2);
//! # Ok::<(), keyspace::estimate::EstimateError>(())
//! ```
//!
//! Limits:
//!
//! - The values of a workload are strings or integers. Keys and strings are plain.
//!   [`symbols_report`](crate::Keyspace::symbols_report) estimates what coding saves. For collections, fill a
//!   keyspace with some of them, and call [`memory_usage`](crate::Keyspace::memory_usage). [`ClassicRedis`]
//!   computes what each of them takes in Redis.
//! - The table is one that was filled by inserts. In classic Redis, a second bucket array exists during a
//!   rehash, and is not included.
//! - The size classes of a keyspace are those of the allocator of this build. The sum is complete if
//!   `zmalloc::good_size` returns them, as it does for jemalloc. The allocators `libc` and `prefix` add their
//!   own bytes to each block, which are not in the sum.
//! - A key has at most [`Workload::KEY_LEN_MAX`] bytes, and a value at most [`Workload::VALUE_LEN_MAX`].
//!   Greater lengths are an [`EstimateError`].
//! - A sum that does not fit into 64 bits becomes `u64::MAX`. Nothing panics.

mod advice;
mod classic;
mod error;
mod keyspace_layout;
mod number_range;
mod quantum;
mod redis;
mod step;
#[cfg(all(test, not(miri)))] // millions of sums, and no unsafe code
mod tests;

pub use advice::{Advice, Subject};
pub use error::EstimateError;
pub use quantum::Quantum;
pub use redis::{ClassicRedis, ClassicValue};
pub use step::{Part, Step};

use common::{SignedThousands, Thousands};
use core::fmt::{self, Display};
use core::ops::RangeInclusive;
use number_range::NumberRange;
use step::{DisplayRange, Factor};
use values::EncodingLimits;

/// The values of a workload. Each length or each integer of the range occurs equally often. The ends of the
/// range can be in either order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Values {
    /// Strings of these lengths, in bytes. Their text is not an integer.
    Strings(RangeInclusive<u64>),
    /// These integers.
    Integers(RangeInclusive<i64>),
}

/// A description of keys and values that are to be stored. See the [module](self) for an example.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Workload {
    /// The number of keys.
    pub keys: u64,
    /// The length of each key, in bytes.
    pub key_len: u64,
    /// The values.
    pub values: Values,
    /// Whether every key has an expiry.
    pub expires: bool,
}

/// Where keys are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Store {
    /// In a [`Keyspace`](crate::Keyspace), with the allocator of this build.
    Keyspace,
    /// In Redis 7 on a 64-bit machine, with a jemalloc of this quantum. Redis 3.2 to 7.2 differ little.
    Classic(Quantum),
}

impl Workload {
    /// The length of the longest key of a [`Keyspace`](crate::Keyspace), in bytes.
    pub const KEY_LEN_MAX: u64 = crate::entry::KEY_LEN_MAX as u64;

    /// The length of the longest value, in bytes. In redis.conf: the default of `proto-max-bulk-len`.
    pub const VALUE_LEN_MAX: u64 = EncodingLimits::DEFAULT.proto_max_bulk_len as u64;

    /// Computes the memory, step by step. O(log n) for n keys. O(n) for strings of n different lengths, of
    /// which at most 65,536 are computed.
    ///
    /// # Errors
    /// If a key or a value is longer than the limits allow.
    pub fn estimate(&self, store: Store) -> Result<Estimate, EstimateError> {
        self.check()?;
        let mut steps = self.blocks(store);
        match store {
            Store::Keyspace => steps.extend(keyspace_layout::table(self)),
            Store::Classic(quantum) => steps.extend(classic::tables(self, quantum)),
        }
        Ok(Estimate { store, keys: self.keys, steps })
    }

    /// Returns an error if a key or a value is too long.
    fn check(&self) -> Result<(), EstimateError> {
        if self.key_len > Self::KEY_LEN_MAX {
            return Err(EstimateError::KeyTooLong { len: self.key_len });
        }
        match self.value_len_max() {
            Some(len) if len > Self::VALUE_LEN_MAX => Err(EstimateError::ValueTooLong { len }),
            _ => Ok(()),
        }
    }

    /// Returns the length of the longest value, or `None` for integers.
    fn value_len_max(&self) -> Option<u64> {
        match &self.values {
            Values::Strings(lens) => Some(*lens.start().max(lens.end())),
            Values::Integers(_) => None,
        }
    }

    /// Returns all steps except those of the tables.
    fn blocks(&self, store: Store) -> Vec<Step> {
        match store {
            _ if self.keys == 0 => Vec::new(),
            Store::Keyspace => keyspace_layout::blocks(self),
            Store::Classic(quantum) => classic::blocks(self, quantum),
        }
    }
}

/// `90,000 keys of 7 bytes, strings of 7 bytes`.
impl Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}, ", Count(self.keys, "key"), Count(self.key_len, "byte"))?;
        match &self.values {
            Values::Strings(lens) => {
                write!(f, "strings of {} bytes", DisplayRange(&NumberRange::from(lens).lens()))?
            }
            Values::Integers(numbers) => {
                let (from, to) = (*numbers.start(), *numbers.end());
                let [from, to] = [from.min(to), from.max(to)].map(SignedThousands);
                write!(f, "integers from {from} to {to}")?;
            }
        }
        f.write_str(if self.expires { ", with an expiry" } else { "" })
    }
}

/// `1 byte` or `2 bytes`.
struct Count(u64, &'static str);

impl Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(count, noun) = *self;
        write!(f, "{} {noun}{}", Thousands(count), if count == 1 { "" } else { "s" })
    }
}

/// `keyspace, jemalloc-5.3.1` or `classic Redis 7, jemalloc with classes of 16 bytes`.
impl Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keyspace => write!(f, "keyspace, {}", zmalloc::ALLOCATOR),
            Self::Classic(quantum) => {
                write!(f, "classic Redis 7, jemalloc with classes of {} bytes", quantum.bytes())
            }
        }
    }
}

/// The heading of the lines, which explains their columns.
const HEADING: &str = "blocks * contents = bytes that are asked for -> size class: the block size to which the allocator rounds them up";

/// The memory that a workload takes, step by step. `Display` prints a line for each step, and the whole sum
/// on the last line.
///
/// Taught in the chapter `docs/src/size-classes.md`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Estimate {
    /// The store of the keys.
    pub store: Store,
    /// The number of keys.
    pub keys: u64,
    /// The blocks. Those of the tables come last.
    pub steps: Vec<Step>,
}

impl Estimate {
    /// Returns the bytes of all steps.
    pub fn total(&self) -> u64 {
        total(&self.steps)
    }

    /// Returns [`total`](Self::total) divided by the number of keys, or 0 if there are no keys.
    pub fn bytes_per_key(&self) -> f64 {
        if self.keys == 0 { 0.0 } else { self.total() as f64 / self.keys as f64 }
    }

    /// Returns the sum in one line. Steps with the same number of blocks share a factor.
    fn formula(&self) -> String {
        let mut terms: Vec<(u64, Vec<String>)> = Vec::new();
        for step in self.steps.iter().filter(|step| step.bytes > 0) {
            match step.factor() {
                Factor::Text(text) => terms.push((1, vec![text])),
                Factor::Class(class) => {
                    let class = Thousands(class).to_string();
                    match terms.iter_mut().find(|(count, _)| *count == step.count) {
                        Some((_, classes)) => classes.push(class),
                        None => terms.push((step.count, vec![class])),
                    }
                }
            }
        }
        let terms = terms.into_iter().map(|(count, factors)| match factors.as_slice() {
            [text] if count == 1 => text.clone(),
            [class] => format!("{} * {class}", Thousands(count)),
            classes => format!("{} * ({})", Thousands(count), classes.join(" + ")),
        });
        match terms.collect::<Vec<_>>() {
            none if none.is_empty() => "0".into(),
            terms => terms.join(" + "),
        }
    }
}

/// Returns the bytes of all steps.
fn total(steps: &[Step]) -> u64 {
    steps.iter().fold(0, |sum, step| sum.saturating_add(step.bytes))
}

impl Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<[String; 5]> = (self.steps.iter())
            .map(|step| {
                let (asked, class) =
                    (DisplayRange(&step.asked).to_string(), DisplayRange(&step.class).to_string());
                [Thousands(step.count).to_string(), step.label(), step.sum(), asked, class]
            })
            .collect();
        let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
        let [w0, w1, w2, w3, w4] = [0, 1, 2, 3, 4].map(width);
        writeln!(f, "{}:", self.store)?;
        if !rows.is_empty() {
            writeln!(f, "  {HEADING}")?;
        }
        for [count, label, sum, asked, class] in &rows {
            writeln!(f, "  {count:>w0$} * {label:w1$}  {sum:>w2$} = {asked:>w3$} -> class {class:>w4$}")?;
        }
        let (formula, total) = (self.formula(), Thousands(self.total()));
        write!(f, "  {formula} = {total} bytes, {:.2} a key", self.bytes_per_key())
    }
}
