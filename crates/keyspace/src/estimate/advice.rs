//! [`Advice`]: what follows from an estimate, worked out by estimates of workloads that differ a little.
//!
//! | advice | is given if |
//! |---|---|
//! | [`Longer`](Advice::Longer) | always, for the key and for strings |
//! | [`Shorter`](Advice::Shorter) | a key or a string that is up to [`SHORTER_MAX`] bytes shorter takes less |
//! | [`Integers`](Advice::Integers) | strings have one length, and integers of so many digits take less |
//! | [`SmallIntegers`](Advice::SmallIntegers) | some integers are not shared (classic Redis) |
//! | [`MoreSharedIntegers`](Advice::MoreSharedIntegers) | sharing all of them saves more than the shared objects take (classic Redis) |
//! | [`SharedIntegers`](Advice::SharedIntegers) | some integers are shared (classic Redis) |
//! | [`SmallSavings`](Advice::SmallSavings) | something can be saved, and it is less than [`SAVING_LARGE`] |
//!
//! A key is not made shorter than the decimal digits that number all keys.

use super::classic::{OBJECT, SHARED_END};
use super::{Count, Quantum, Spread, Store, Values, Workload, total};
use common::Thousands;
use core::fmt;
use core::ops::RangeInclusive;

/// By how many bytes a key or a string is made shorter at most.
const SHORTER_MAX: u64 = 8;

/// A saving of fewer bytes is hardly worth work.
const SAVING_LARGE: u64 = 10_000_000;

/// The largest number of digits with which every decimal number fits into an `i64`.
const DIGITS_MAX: u64 = 18;

/// What could be longer or shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// Each key.
    Key,
    /// Each value.
    Value,
}

/// What a change of a workload would do to its memory. `Display` says it in a sentence or two. Bytes are
/// those of all keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Advice {
    /// How much longer it can be before it takes more memory. In a keyspace, key and value share a block, so
    /// this counts for both together.
    Longer {
        /// What is longer.
        subject: Subject,
        /// Bytes that take no more memory.
        free: u64,
        /// What one byte more takes.
        bytes: u64,
        /// The number of keys.
        keys: u64,
    },
    /// It could be a little shorter and take less memory.
    Shorter {
        /// What is shorter.
        subject: Subject,
        /// By how many bytes.
        by: u64,
        /// What that saves.
        bytes: u64,
        /// The number of keys.
        keys: u64,
    },
    /// Integers take less than strings of the same length.
    Integers {
        /// The number of digits, which is the length of the strings.
        digits: u64,
        /// What they save.
        bytes: u64,
        /// The number of keys.
        keys: u64,
    },
    /// Integers from 0 to 9,999 would be shared, and take no object.
    SmallIntegers {
        /// What that would save.
        bytes: u64,
        /// The number of keys.
        keys: u64,
    },
    /// A server that shares more integers takes less. In C: `OBJ_SHARED_INTEGERS`, a constant of the source.
    MoreSharedIntegers {
        /// How many integers it would share, counted from 0.
        count: u64,
        /// What that would save, less the shared objects.
        bytes: u64,
        /// The number of keys.
        keys: u64,
    },
    /// Integers are shared, but not under every policy of eviction.
    SharedIntegers {
        /// What sharing saves.
        bytes: u64,
        /// The number of keys.
        keys: u64,
    },
    /// None of the others saves much.
    SmallSavings {
        /// The most that one of them saves.
        bytes: u64,
        /// The number of keys.
        keys: u64,
    },
}

impl Workload {
    /// What follows from the estimate. Nothing if there is no key. Takes as long as some tens of estimates.
    ///
    /// ```
    /// use keyspace::estimate::{Quantum, Store, Values, Workload};
    /// let workload = Workload { keys: 90_000, key_len: 7, values: Values::Strings(7..=7), expires: false };
    /// let advice = workload.advice(Store::Classic(Quantum::Sixteen));
    /// assert_eq!(
    ///     advice[0].to_string(),
    ///     "A key can be 7 bytes longer without more memory. One byte more takes 16 bytes a key, 1,440,000 in all."
    /// );
    /// ```
    pub fn advice(&self, store: Store) -> Vec<Advice> {
        if self.keys == 0 {
            return Vec::new();
        }
        let mut advice: Vec<_> = (self.lengths(store).into_iter().flatten())
            .chain(self.integers(store))
            .chain(self.sharing(store).into_iter().flatten())
            .collect();
        let most = advice.iter().filter_map(Advice::saves).max();
        if let Some(bytes) = most.filter(|bytes| *bytes < SAVING_LARGE) {
            advice.push(Advice::SmallSavings { bytes, keys: self.keys });
        }
        advice
    }

    /// The bytes without the tables, whose size depends only on the number of keys.
    fn block_bytes(&self, store: Store) -> u64 {
        total(&self.blocks(store))
    }

    /// The same with a key or values that are longer. `None` for values that have no length, and for lengths
    /// of more than 64 bits.
    pub(super) fn longer(&self, subject: Subject, by: u64) -> Option<Self> {
        self.resized(subject, |len| len.checked_add(by))
    }

    pub(super) fn resized(&self, subject: Subject, resize: impl Fn(u64) -> Option<u64>) -> Option<Self> {
        let mut resized = self.clone();
        match (subject, &mut resized.values) {
            (Subject::Key, _) => resized.key_len = resize(self.key_len)?,
            (Subject::Value, Values::Strings(lens)) => *lens = resize(*lens.start())?..=resize(*lens.end())?,
            (Subject::Value, Values::Integers(_)) => return None,
        }
        Some(resized)
    }

    /// What longer and shorter keys and values do.
    fn lengths(&self, store: Store) -> [Option<Advice>; 4] {
        let shorter = |subject| self.shorter(store, subject);
        let longer = |subject| self.longest(store, subject);
        [longer(Subject::Key), shorter(Subject::Key), longer(Subject::Value), shorter(Subject::Value)]
    }

    fn longest(&self, store: Store, subject: Subject) -> Option<Advice> {
        let bytes = self.block_bytes(store);
        // What the length takes that is so many bytes longer.
        let more = |by| Some(self.longer(subject, by)?.block_bytes(store).saturating_sub(bytes));
        let (mut free, mut costs) = (0, 1);
        while more(costs)? == 0 {
            (free, costs) = (costs, costs.checked_mul(2)?);
        }
        while costs - free > 1 {
            let middle = free + (costs - free) / 2;
            if more(middle)? == 0 { free = middle } else { costs = middle }
        }
        Some(Advice::Longer { subject, free, bytes: more(costs)?, keys: self.keys })
    }

    fn shorter(&self, store: Store, subject: Subject) -> Option<Advice> {
        let bytes = self.block_bytes(store);
        let digits = u64::from((self.keys - 1).checked_ilog10().unwrap_or(0)) + 1;
        let len_min = if subject == Subject::Key { digits } else { 0 };
        (1..=SHORTER_MAX).find_map(|by| {
            let shorter = self.resized(subject, |len| len.checked_sub(by).filter(|len| *len >= len_min))?;
            let saved = bytes.saturating_sub(shorter.block_bytes(store));
            (saved > 0).then_some(Advice::Shorter { subject, by, bytes: saved, keys: self.keys })
        })
    }

    /// What is saved if the strings are replaced by integers of the same length.
    fn integers(&self, store: Store) -> Option<Advice> {
        let Values::Strings(lens) = &self.values else { return None };
        let digits = *lens.start();
        if digits != *lens.end() || !(1..=DIGITS_MAX).contains(&digits) {
            return None;
        }
        let power = |digits: u64| 10_i64.pow(digits as u32);
        let from = if digits == 1 { 0 } else { power(digits - 1) };
        let values = Values::Integers(from..=power(digits) - 1);
        let integers = Self { values, ..self.clone() };
        let bytes = self.block_bytes(store).saturating_sub(integers.block_bytes(store));
        (bytes > 0).then_some(Advice::Integers { digits, bytes, keys: self.keys })
    }

    /// What sharing integers does, which only classic Redis does.
    fn sharing(&self, store: Store) -> [Option<Advice>; 3] {
        let (Store::Classic(quantum), Values::Integers(numbers)) = (store, &self.values) else {
            return [None; 3];
        };
        let keys = self.keys;
        let shared: u64 =
            self.blocks(store).iter().filter(|step| step.parts.is_empty()).map(|step| step.count).sum();
        let bytes = |keys: u64| keys.saturating_mul(quantum.class(OBJECT));
        let small = (shared < keys).then(|| Advice::SmallIntegers { bytes: bytes(keys - shared), keys });
        let unshared = (shared > 0).then(|| Advice::SharedIntegers { bytes: bytes(shared), keys });
        [small, more_shared(numbers, quantum, bytes(keys - shared), keys), unshared]
    }
}

/// What sharing all integers saves, if it would otherwise take `bytes` for those that are not shared.
fn more_shared(numbers: &RangeInclusive<i64>, quantum: Quantum, bytes: u64, keys: u64) -> Option<Advice> {
    let Spread { from, to } = numbers.into();
    let count = u64::try_from(to).ok().filter(|_| from >= 0)?.checked_add(1)?;
    // Each has an object, and a pointer at it.
    let objects = count.checked_sub(SHARED_END)?.saturating_mul(quantum.class(OBJECT) + 8);
    let bytes = bytes.checked_sub(objects).filter(|bytes| *bytes > 0)?;
    Some(Advice::MoreSharedIntegers { count, bytes, keys })
}

impl Advice {
    /// What following it saves, in bytes, if it saves anything.
    pub fn saves(&self) -> Option<u64> {
        match *self {
            Self::Shorter { bytes, .. }
            | Self::Integers { bytes, .. }
            | Self::SmallIntegers { bytes, .. }
            | Self::MoreSharedIntegers { bytes, .. } => Some(bytes),
            Self::Longer { .. } | Self::SharedIntegers { .. } | Self::SmallSavings { .. } => None,
        }
    }
}

/// `8 bytes a key, 720,000 in all`.
struct Bytes {
    bytes: u64,
    keys: u64,
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = Thousands(self.bytes);
        if self.keys > 0 && self.bytes.is_multiple_of(self.keys) {
            write!(f, "{} a key, {all} in all", Count(self.bytes / self.keys, "byte"))
        } else {
            write!(f, "{:.2} bytes a key, {all} in all", self.bytes as f64 / self.keys as f64)
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key => "key",
            Self::Value => "value",
        })
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Longer { subject, free: 0, bytes, keys } => {
                write!(f, "One byte more of each {subject} takes {}.", Bytes { bytes, keys })
            }
            Self::Longer { subject, free, bytes, keys } => write!(
                f,
                "A {subject} can be {} longer without more memory. One byte more takes {}.",
                Count(free, "byte"),
                Bytes { bytes, keys },
            ),
            Self::Shorter { subject, by, bytes, keys } => {
                write!(
                    f,
                    "A {subject} that is {} shorter saves {}.",
                    Count(by, "byte"),
                    Bytes { bytes, keys }
                )
            }
            Self::Integers { digits, bytes, keys } => write!(
                f,
                "Integers of {} take less than strings of {}. They save {}.",
                Count(digits, "digit"),
                Count(digits, "byte"),
                Bytes { bytes, keys },
            ),
            Self::SmallIntegers { bytes, keys } => write!(
                f,
                "Integers from 0 to {} are shared and take no object. If all values were in that range, it would save {}.",
                Thousands(SHARED_END - 1),
                Bytes { bytes, keys },
            ),
            Self::MoreSharedIntegers { count, bytes, keys } => write!(
                f,
                "A server built with OBJ_SHARED_INTEGERS = {count} shares all of these integers. That saves {}.",
                Bytes { bytes, keys },
            ),
            Self::SharedIntegers { bytes, keys } => write!(
                f,
                "Integers from 0 to {} are shared, unless maxmemory is set and its policy is one of LRU or LFU. Sharing saves {}.",
                Thousands(SHARED_END - 1),
                Bytes { bytes, keys },
            ),
            Self::SmallSavings { bytes, keys } => write!(
                f,
                "With {}, none of these changes saves more than {}. That is hardly worth more complex code. With tens of \
                 millions of keys, it can be.",
                Count(keys, "key"),
                Count(bytes, "byte"),
            ),
        }
    }
}
