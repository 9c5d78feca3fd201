//! [`Prefixes`]: figures for each prefix of keys, in bounded memory.
//!
//! ```text
//!  session:web:7f3a    ->  session: -> session:web:
//!  user:1001           ->  user:
//!  counter             ->  no prefix
//! ```
//!
//! A prefix ends with the second separator of a key, or with the first one if there is no second. So it has
//! one or two parts. Three rules bound the memory:
//!
//! - If a first part has more than [`SECOND_PARTS_MAX`] different second parts, these are probably numbers or
//!   names of things. Then the first part is counted as one prefix.
//! - At most [`FIRST_PARTS_MAX`] first parts are counted separately, the earliest in the file. All keys with
//!   another first part are counted together, as others.
//! - Only the first [`PREFIX_LEN_MAX`] bytes of a key are searched for separators.

use super::figures::Figures;
use std::collections::HashMap;

/// The maximum number of second parts of a first part that are counted separately.
pub(crate) const SECOND_PARTS_MAX: usize = 64;

/// The maximum number of first parts that are counted separately.
pub(crate) const FIRST_PARTS_MAX: usize = 4_096;

/// The maximum length of a prefix, in bytes. If the second separator comes later, the prefix ends with the
/// first one. If the first separator comes later, the key has no prefix.
pub(crate) const PREFIX_LEN_MAX: usize = 128;

pub(crate) struct Prefixes {
    separator: u8,
    firsts: HashMap<Box<[u8]>, First>,
    /// The figures of keys without a separator.
    pub(crate) none: Figures,
    /// The figures of keys whose first part is not counted separately.
    pub(crate) others: Figures,
}

/// The figures of a first part.
#[derive(Default)]
struct First {
    /// The figures of all keys with this first part.
    all: Figures,
    /// The figures of those keys that have no second separator.
    alone: Figures,
    /// The figures of the others, by prefix with both parts. `None` if there are too many of these.
    seconds: Option<HashMap<Box<[u8]>, Figures>>,
}

/// A prefix of the report.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Prefix {
    pub(crate) name: Box<[u8]>,
    /// Whether the prefix stands for all second parts.
    pub(crate) is_joined: bool,
    pub(crate) figures: Figures,
}

impl Prefixes {
    pub(crate) fn new(separator: u8) -> Self {
        Self { separator, firsts: HashMap::new(), none: Figures::default(), others: Figures::default() }
    }

    pub(crate) fn add(&mut self, key: &[u8], figures: Figures) {
        let head = &key[..key.len().min(PREFIX_LEN_MAX)];
        let mut ends =
            head.iter().enumerate().filter(|(_, byte)| **byte == self.separator).map(|(at, _)| at + 1);
        let (Some(end), second) = (ends.next(), ends.next()) else {
            self.none += figures;
            return;
        };
        let is_known = self.firsts.contains_key(&key[..end]);
        if !is_known && self.firsts.len() >= FIRST_PARTS_MAX {
            self.others += figures;
            return;
        }
        if !is_known {
            let first = First { seconds: Some(HashMap::new()), ..First::default() };
            self.firsts.insert(key[..end].into(), first);
        }
        if let Some(first) = self.firsts.get_mut(&key[..end]) {
            first.add(second.map(|end| &key[..end]), figures);
        }
    }

    /// Returns the `count` prefixes whose keys take the most bytes in a keyspace, sorted.
    pub(crate) fn largest(&self, count: usize) -> Vec<Prefix> {
        let mut all: Vec<Prefix> =
            self.firsts.iter().flat_map(|(name, first)| first.prefixes(name)).collect();
        all.sort_by(|a, b| b.figures.here.cmp(&a.figures.here).then_with(|| a.name.cmp(&b.name)));
        all.truncate(count);
        all
    }
}

impl First {
    fn add(&mut self, prefix: Option<&[u8]>, figures: Figures) {
        self.all += figures;
        match (prefix, &mut self.seconds) {
            (None, _) => self.alone += figures,
            (Some(prefix), Some(seconds)) => {
                if let Some(sum) = seconds.get_mut(prefix) {
                    *sum += figures;
                } else if seconds.len() < SECOND_PARTS_MAX {
                    seconds.insert(prefix.into(), figures);
                } else {
                    self.seconds = None;
                }
            }
            (Some(_), None) => {}
        }
    }

    fn prefixes(&self, name: &[u8]) -> Vec<Prefix> {
        let prefix = |name: &[u8], figures| Prefix { name: name.into(), is_joined: false, figures };
        let Some(seconds) = &self.seconds else {
            return vec![Prefix { is_joined: true, ..prefix(name, self.all) }];
        };
        let alone = (self.alone.keys > 0).then(|| prefix(name, self.alone));
        alone.into_iter().chain(seconds.iter().map(|(name, figures)| prefix(name, *figures))).collect()
    }
}
