//! [`Advice`]: how a change of the workload would change its memory. It is computed by estimates of workloads
//! that differ slightly.
//!
//! | advice | is given if |
//! |---|---|
//! | [`Longer`](Advice::Longer) | a key or a string takes more memory if it is longer, within its limit |
//! | [`Shorter`](Advice::Shorter) | a key or a string up to [`SHORTER_MAX`] bytes shorter takes less |
//! | [`SharedBlock`](Advice::SharedBlock) | a longer key or value is free, but not both together (keyspace) |
//! | [`Integers`](Advice::Integers) | strings have one length, and integers with as many digits take less |
//! | [`SmallIntegers`](Advice::SmallIntegers) | some integers are not shared (classic Redis) |
//! | [`MoreSharedIntegers`](Advice::MoreSharedIntegers) | sharing more of them saves memory (classic Redis) |
//! | [`SharedIntegers`](Advice::SharedIntegers) | some integers are shared (classic Redis) |
//! | [`SmallSavings`](Advice::SmallSavings) | something can be saved, and it is less than [`SAVING_LARGE`] |
//!
//! A key is never made shorter than the number of decimal digits that distinguish all keys. No key or value
//! is made longer than its limit.
//!
//! Redis does not share integers if `maxmemory` is set with an LRU or LFU policy. Advice whose numbers
//! include shared integers mentions this condition.

use super::classic::{OBJECT, SHARED_END};
use super::{Count, EstimateError, NumberRange, Quantum, Store, Values, Workload, total};
use common::Thousands;
use core::fmt;
use core::ops::RangeInclusive;

/// The most bytes by which a key or a string is made shorter.
const SHORTER_MAX: u64 = 8;

/// A saving of fewer bytes is small: it is hardly worth a change.
const SAVING_LARGE: u64 = 10_000_000;

/// The largest number of decimal digits for which every number fits into an `i64`.
const DIGITS_MAX: u64 = 18;

/// The sentence that is added if the numbers include shared integers.
const SHARING: &str = "Redis does not share integers if maxmemory is set with an LRU or LFU policy.";

/// The part of a workload that could be longer or shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// Each key.
    Key,
    /// Each value.
    Value,
}

/// The effect of a change of a workload on its memory. `Display` writes it in one or a few sentences. Each
/// field `bytes` is a sum over all keys. The other numbers of bytes are lengths of one key or one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Advice {
    /// How much longer the keys or the values can be before they take more memory, if nothing else changes.
    Longer {
        /// What would be longer.
        subject: Subject,
        /// How many bytes longer it can be without more memory.
        free: u64,
        /// The bytes that one more byte of length takes.
        bytes: u64,
        /// The number of keys.
        keys: u64,
    },
    /// Slightly shorter keys or values take less memory.
    Shorter {
        /// What would be shorter.
        subject: Subject,
        /// By how many bytes it would be shorter.
        by: u64,
        /// The bytes that this saves.
        bytes: u64,
        /// The number of keys.
        keys: u64,
    },
    /// A key and its value share the spare bytes of one block. Each of them alone can be longer by the `free`
    /// bytes of [`Longer`](Self::Longer), but not both.
    SharedBlock,
    /// Integers take less than strings of the same length.
    Integers {
        /// The number of digits, which is the length of the strings.
        digits: u64,
        /// The bytes that integers save.
        bytes: u64,
        /// Whether this relies on shared integers, which classic Redis does not use under an LRU or LFU
        /// policy.
        relies_on_sharing: bool,
        /// The number of keys.
        keys: u64,
    },
    /// If all values were integers from 0 to 9,999, they would be shared and take no object.
    SmallIntegers {
        /// The bytes that this would save.
        bytes: u64,
        /// The number of keys.
        keys: u64,
    },
    /// A server that shares more integers takes less. In C: `OBJ_SHARED_INTEGERS`, a constant of the source.
    MoreSharedIntegers {
        /// How many integers the server would share, beginning with 0.
        count: u64,
        /// The bytes that this would save, minus the bytes of the shared objects.
        bytes: u64,
        /// The number of keys.
        keys: u64,
    },
    /// Some integers are shared, but not under every policy of eviction.
    SharedIntegers {
        /// The bytes that sharing saves.
        bytes: u64,
        /// The number of keys.
        keys: u64,
    },
    /// None of the other changes saves much.
    SmallSavings {
        /// The most bytes that one of them saves.
        bytes: u64,
        /// The number of keys.
        keys: u64,
    },
}

impl Workload {
    /// Returns advice for this workload, or none if there are no keys. Takes as long as some tens of
    /// estimates.
    ///
    /// # Errors
    /// If a key or a value is longer than the limits allow.
    ///
    /// ```
    /// use keyspace::estimate::{Quantum, Store, Values, Workload};
    /// let workload = Workload { keys: 90_000, key_len: 7, values: Values::Strings(7..=7), expires: false };
    /// let advice = workload.advice(Store::Classic(Quantum::Sixteen))?;
    /// assert_eq!(
    ///     advice[0].to_string(),
    ///     "A key can be 7 bytes longer without more memory. One byte more takes 16 bytes a key, 1,440,000 in all."
    /// );
    /// # Ok::<(), keyspace::estimate::EstimateError>(())
    /// ```
    pub fn advice(&self, store: Store) -> Result<Vec<Advice>, EstimateError> {
        self.check()?;
        if self.keys == 0 {
            return Ok(Vec::new());
        }
        let mut advice: Vec<_> = (self.lengths(store).into_iter().flatten())
            .chain(self.integers(store))
            .chain(self.sharing(store).into_iter().flatten())
            .collect();
        let most = advice.iter().filter_map(Advice::saves).max();
        if let Some(bytes) = most.filter(|bytes| *bytes < SAVING_LARGE) {
            advice.push(Advice::SmallSavings { bytes, keys: self.keys });
        }
        Ok(advice)
    }

    /// Returns the bytes without the tables, whose size depends only on the number of keys.
    fn block_bytes(&self, store: Store) -> u64 {
        total(&self.blocks(store))
    }

    /// Returns the workload with keys or values that are `by` bytes longer. Returns `None` for integers,
    /// which have no length, and for lengths beyond the limits.
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
        resized.check().is_ok().then_some(resized)
    }

    /// Returns how many bytes longer the keys or the values can be, or `None` for integers, which have no
    /// length.
    fn growth_max(&self, subject: Subject) -> Option<u64> {
        match subject {
            Subject::Key => Self::KEY_LEN_MAX.checked_sub(self.key_len),
            Subject::Value => Self::VALUE_LEN_MAX.checked_sub(self.value_len_max()?),
        }
    }

    /// Returns the advice about longer and shorter keys and values.
    fn lengths(&self, store: Store) -> [Option<Advice>; 5] {
        let [key, value] = [Subject::Key, Subject::Value].map(|subject| self.longest(store, subject));
        let shared = self.shared_block(store, key, value);
        let shorter = |subject| self.shorter(store, subject);
        [key, shorter(Subject::Key), value, shorter(Subject::Value), shared]
    }

    /// Returns [`Advice::SharedBlock`] if the key and the value cannot both be longer by their free bytes.
    fn shared_block(&self, store: Store, key: Option<Advice>, value: Option<Advice>) -> Option<Advice> {
        let (Advice::Longer { free: of_key, .. }, Advice::Longer { free: of_value, .. }) = (key?, value?)
        else {
            return None;
        };
        let both = self.longer(Subject::Key, of_key)?.longer(Subject::Value, of_value)?;
        let is_shared = of_key > 0 && of_value > 0 && both.block_bytes(store) > self.block_bytes(store);
        is_shared.then_some(Advice::SharedBlock)
    }

    fn longest(&self, store: Store, subject: Subject) -> Option<Advice> {
        let bytes = self.block_bytes(store);
        // Returns the additional bytes if the length is `by` bytes longer.
        let more = |by| Some(self.longer(subject, by)?.block_bytes(store).saturating_sub(bytes));
        let growth_max = self.growth_max(subject)?;
        let (mut free, mut costs) = (0, growth_max.min(1));
        while more(costs)? == 0 {
            if costs == growth_max {
                return None;
            }
            (free, costs) = (costs, costs.saturating_mul(2).min(growth_max));
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

    /// Returns the advice to replace strings by integers of the same length.
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
        let relies_on_sharing = integers.shared_keys(store) > 0;
        (bytes > 0).then_some(Advice::Integers { digits, bytes, relies_on_sharing, keys: self.keys })
    }

    /// Returns how many values are shared integers.
    fn shared_keys(&self, store: Store) -> u64 {
        self.blocks(store).iter().filter(|step| step.is_shared_integers()).map(|step| step.count).sum()
    }

    /// Returns the advice about shared integers, which only classic Redis has.
    fn sharing(&self, store: Store) -> [Option<Advice>; 3] {
        let (Store::Classic(quantum), Values::Integers(numbers)) = (store, &self.values) else {
            return [None; 3];
        };
        let keys = self.keys;
        let shared = self.shared_keys(store);
        let bytes = |keys: u64| keys.saturating_mul(quantum.class(OBJECT));
        let small = (shared < keys).then(|| Advice::SmallIntegers { bytes: bytes(keys - shared), keys });
        let unshared = (shared > 0).then(|| Advice::SharedIntegers { bytes: bytes(shared), keys });
        [small, more_shared(numbers, quantum, bytes(keys - shared), keys), unshared]
    }
}

/// Returns the advice to share all integers. `bytes` is the memory of the integers that are not shared now.
fn more_shared(numbers: &RangeInclusive<i64>, quantum: Quantum, bytes: u64, keys: u64) -> Option<Advice> {
    let NumberRange { from, to } = numbers.into();
    let count = u64::try_from(to).ok().filter(|_| from >= 0)?.checked_add(1)?;
    // Each shared integer has an object, and a pointer to it.
    let objects = count.checked_sub(SHARED_END)?.saturating_mul(quantum.class(OBJECT) + 8);
    let bytes = bytes.checked_sub(objects).filter(|bytes| *bytes > 0)?;
    Some(Advice::MoreSharedIntegers { count, bytes, keys })
}

impl Advice {
    /// Returns the bytes that the change saves, or `None` if the advice is not a change that saves memory.
    pub fn saves(&self) -> Option<u64> {
        match *self {
            Self::Shorter { bytes, .. }
            | Self::Integers { bytes, .. }
            | Self::SmallIntegers { bytes, .. }
            | Self::MoreSharedIntegers { bytes, .. } => Some(bytes),
            Self::Longer { .. }
            | Self::SharedBlock
            | Self::SharedIntegers { .. }
            | Self::SmallSavings { .. } => None,
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
            Self::SharedBlock => f.write_str(
                "A key and its value share the spare bytes of one block. A byte that one uses is not free for the other.",
            ),
            Self::Integers { digits, bytes, relies_on_sharing, keys } => write!(
                f,
                "Integers of {} take less than strings of {}. They save {}.{}{}",
                Count(digits, "digit"),
                Count(digits, "byte"),
                Bytes { bytes, keys },
                if relies_on_sharing { " " } else { "" },
                if relies_on_sharing { SHARING } else { "" },
            ),
            Self::SmallIntegers { bytes, keys } => write!(
                f,
                "Integers from 0 to {} are shared and take no object. If all values were in that range, it would save {}. {SHARING}",
                Thousands(SHARED_END - 1),
                Bytes { bytes, keys },
            ),
            Self::MoreSharedIntegers { count, bytes, keys } => write!(
                f,
                "A server built with OBJ_SHARED_INTEGERS = {count} shares all of these integers. That saves {}. {SHARING}",
                Bytes { bytes, keys },
            ),
            Self::SharedIntegers { bytes, keys } => write!(
                f,
                "Integers from 0 to {} are shared. That saves {}. {SHARING}",
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
