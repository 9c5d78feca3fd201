//! [`Figures`]: a number of keys, and their bytes in the file, in Redis and in a keyspace. [`Types`]: the
//! same figures for each type and encoding.

use keyspace::values::{Encoding, ObjectType};
use std::collections::BTreeMap;
use std::ops::AddAssign;

/// A number of keys, and their bytes. The bytes of the tables are not included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) keys: u64,
    /// The bytes in the file.
    pub(crate) file: u64,
    /// The bytes in classic Redis.
    pub(crate) redis: u64,
    /// The bytes in a keyspace.
    pub(crate) here: u64,
    /// The bytes in a keyspace that codes its strings. The bytes of strings are added when all keys are
    /// loaded.
    pub(crate) coded: u64,
}

impl AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.keys += other.keys;
        self.file += other.file;
        self.redis += other.redis;
        self.here += other.here;
        self.coded += other.coded;
    }
}

impl Figures {
    /// Returns the figures of all `keys` keys, if these figures are those of a sample of `sampled` keys.
    pub(crate) fn scaled(self, keys: u64, sampled: u64) -> Self {
        let scaled = |figure| scale(figure, keys, sampled);
        Self {
            keys: scaled(self.keys),
            file: scaled(self.file),
            redis: scaled(self.redis),
            here: scaled(self.here),
            coded: scaled(self.coded),
        }
    }
}

/// Returns `figure * keys / sampled`, rounded to the nearest integer.
pub(crate) fn scale(figure: u64, keys: u64, sampled: u64) -> u64 {
    if keys == sampled || sampled == 0 {
        return figure;
    }
    let product = u128::from(figure) * u128::from(keys) + u128::from(sampled) / 2;
    u64::try_from(product / u128::from(sampled)).unwrap_or(u64::MAX)
}

/// How a value is stored: its type, its encoding in Redis, and its encoding in a keyspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) object_type: ObjectType,
    pub(crate) redis: Encoding,
    pub(crate) here: Encoding,
}

/// Figures by form, in the order of types and encodings.
#[derive(Debug, Default)]
pub(crate) struct Types(BTreeMap<(u8, u8, u8), (Form, Figures)>);

impl Types {
    /// Adds figures to those of a form.
    pub(crate) fn add(&mut self, form: Form, figures: Figures) {
        let order = (form.object_type as u8, form.redis as u8, form.here as u8);
        let (_, sum) = self.0.entry(order).or_insert((form, Figures::default()));
        *sum += figures;
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Form, Figures)> {
        self.0.values().copied()
    }

    /// Returns the sum of the figures of each type.
    pub(crate) fn by_type(&self) -> Vec<(ObjectType, Figures)> {
        let mut sums: Vec<(ObjectType, Figures)> = Vec::new();
        for (form, figures) in self.iter() {
            match sums.last_mut() {
                Some((object_type, sum)) if *object_type == form.object_type => *sum += figures,
                _ => sums.push((form.object_type, figures)),
            }
        }
        sums
    }

    /// Returns the sum of all figures.
    pub(crate) fn total(&self) -> Figures {
        self.iter().fold(Figures::default(), |mut sum, (_, figures)| {
            sum += figures;
            sum
        })
    }
}
