//! [`Prefixes`]: figures by the first parts of keys, in bounded memory.
//!
//! ```text
//!  session:web:7f3a    ->  session: -> session:web:
//!  user:1001           ->  user:
//!  counter             ->  no prefix
//! ```
//!
//! A prefix ends with the second separator of a key, or with the only one. The rule that bounds them:
//!
//! - A first part that more than [`SECONDS_MAX`] second parts follow is counted as one prefix, since those
//!   are numbers or names of things.
//! - The first [`FIRSTS_MAX`] first parts are counted. Keys of later ones are the others.
//! - Separators are looked for in the first [`PREFIX_LEN_MAX`] bytes of a key.

use super::figures::Figures;
use std::collections::HashMap;

/// More second parts are not told apart.
pub(crate) const SECONDS_MAX: usize = 64;

/// More first parts are not told apart.
pub(crate) const FIRSTS_MAX: usize = 4_096;

/// A longer prefix is cut after its first separator. Without one, the key has no prefix.
pub(crate) const PREFIX_LEN_MAX: usize = 128;

pub(crate) struct Prefixes {
    separator: u8,
    firsts: HashMap<Box<[u8]>, First>,
    /// Keys without a separator.
    pub(crate) none: Figures,
    /// Keys whose first part came too late.
    pub(crate) others: Figures,
}

#[derive(Default)]
struct First {
    /// All keys that begin with it.
    all: Figures,
    /// Keys without a second separator.
    alone: Figures,
    /// By whole prefix. `None` once there are too many.
    seconds: Option<HashMap<Box<[u8]>, Figures>>,
}

/// A prefix of the report.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Prefix {
    pub(crate) name: Box<[u8]>,
    /// Whether second parts are not told apart.
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
        if !is_known && self.firsts.len() >= FIRSTS_MAX {
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

    /// The prefixes whose keys take most here, at most `count` of them.
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
                } else if seconds.len() < SECONDS_MAX {
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
