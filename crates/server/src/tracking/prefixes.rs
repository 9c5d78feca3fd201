//! [`Prefixes`]: the prefixes of keys that clients listen to in the mode `BCAST`, and the keys that have changed.
//!
//! Changes are collected until the end of a turn of the loop. Then each client is sent one message a prefix.

use crate::client::ClientId;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// The keys that have changed, each with the client that has changed it, if it was only one.
pub(super) type Changed = BTreeMap<Vec<u8>, Option<ClientId>>;

/// The prefixes that clients listen to. In C: `PrefixTable`.
#[derive(Debug, Default)]
pub(super) struct Prefixes {
    listeners: BTreeMap<Vec<u8>, Listeners>,
    /// The lengths of the prefixes, and how many prefixes have each of them.
    lengths: BTreeMap<usize, usize>,
    /// Whether a key has changed since the last [`take_changed`](Self::take_changed).
    has_changed: bool,
}

/// The clients of a prefix. In C: `bcastState`.
#[derive(Debug, Default)]
struct Listeners {
    ids: BTreeSet<ClientId>,
    changed: Changed,
}

impl Prefixes {
    /// Returns the number of prefixes.
    pub(super) fn len(&self) -> usize {
        self.listeners.len()
    }

    /// Adds a client to those of a prefix.
    pub(super) fn insert(&mut self, prefix: &[u8], id: ClientId) {
        let listeners = self.listeners.entry(prefix.to_vec()).or_insert_with(|| {
            *self.lengths.entry(prefix.len()).or_default() += 1;
            Listeners::default()
        });
        listeners.ids.insert(id);
    }

    /// Removes a client from those of a prefix.
    pub(super) fn remove(&mut self, prefix: &[u8], id: ClientId) {
        if let Some(listeners) = self.listeners.get_mut(prefix) {
            listeners.ids.remove(&id);
            if listeners.ids.is_empty() {
                self.listeners.remove(prefix);
                if let Entry::Occupied(mut count) = self.lengths.entry(prefix.len()) {
                    *count.get_mut() -= 1;
                    if *count.get() == 0 {
                        count.remove();
                    }
                }
            }
        }
    }

    /// Notes that a key has changed, if it has one of the prefixes. O(lengths of prefixes); Redis compares the key with
    /// each prefix.
    pub(super) fn key_changed(&mut self, key: &[u8], by: Option<ClientId>) {
        for (&len, _) in self.lengths.range(..=key.len()) {
            let Some(listeners) = self.listeners.get_mut(&key[..len]) else { continue };
            let changed = listeners.changed.entry(key.to_vec());
            changed.and_modify(|old| *old = old.filter(|old| by == Some(*old))).or_insert(by);
            self.has_changed = true;
        }
    }

    /// Returns the keys that have changed, a prefix at a time, with the clients of the prefix.
    pub(super) fn take_changed(&mut self) -> Vec<(Vec<ClientId>, Changed)> {
        if !std::mem::take(&mut self.has_changed) {
            return Vec::new();
        }
        let with_changes = self.listeners.values_mut().filter(|listeners| !listeners.changed.is_empty());
        with_changes
            .map(|listeners| {
                (listeners.ids.iter().copied().collect(), std::mem::take(&mut listeners.changed))
            })
            .collect()
    }
}

/// Returns two prefixes of which one begins with the other: a new one, and the other. `is_known` is whether the latter
/// is one of `known`, which do not overlap. O(n log n). In C: `checkPrefixCollisionsOrReply`.
pub(super) fn overlap<'a>(
    prefixes: &[&'a [u8]],
    known: impl Iterator<Item = &'a [u8]>,
) -> Option<Overlap<'a>> {
    let new = prefixes.iter().enumerate().map(|(index, prefix)| (*prefix, Some(index)));
    let mut all: Vec<_> = known.map(|prefix| (prefix, None)).chain(new).collect();
    all.sort_unstable();
    // If a text begins with another one, so do all texts between them in this order. So neighbours are enough.
    all.array_windows().find_map(|&[(short, one), (long, other)]| {
        let (prefix, other, is_known) = match (one, other) {
            _ if !long.starts_with(short) => return None,
            (None, None) => return None,
            (Some(_), None) => (short, long, true),
            (None, Some(_)) => (long, short, true),
            (Some(one), Some(other)) if one < other => (short, long, false),
            (Some(_), Some(_)) => (long, short, false),
        };
        Some(Overlap { prefix, other, is_known })
    })
}

/// Two prefixes of which one begins with the other.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Overlap<'a> {
    /// The new one.
    pub(crate) prefix: &'a [u8],
    /// The other one.
    pub(crate) other: &'a [u8],
    /// Whether the client has the other one already.
    pub(crate) is_known: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_counts_for_each_prefix_of_its_key() {
        let mut prefixes = Prefixes::default();
        for (prefix, id) in [("", 1), ("a", 2), ("ab", 3), ("b", 4), ("a", 5)] {
            prefixes.insert(prefix.as_bytes(), id);
        }
        prefixes.key_changed(b"abc", Some(9));
        prefixes.key_changed(b"abc", None);
        let changed = Changed::from([(b"abc".to_vec(), None)]);
        let all = [vec![1], vec![2, 5], vec![3]].map(|ids| (ids, changed.clone()));
        assert_eq!(prefixes.take_changed(), all);
        assert_eq!(prefixes.take_changed(), []);
        for (prefix, id) in [("a", 2), ("a", 5), ("none", 1)] {
            prefixes.remove(prefix.as_bytes(), id);
        }
        assert_eq!(prefixes.len(), 3);
    }

    #[test]
    fn a_key_that_two_clients_have_changed_is_news_for_both() {
        let mut prefixes = Prefixes::default();
        prefixes.insert(b"", 1);
        for (key, by) in [(b"x", 7), (b"x", 1), (b"y", 1), (b"y", 1)] {
            prefixes.key_changed(key, Some(by));
        }
        let changed = Changed::from([(b"x".to_vec(), None), (b"y".to_vec(), Some(1))]);
        assert_eq!(prefixes.take_changed(), [(vec![1], changed)]);
    }

    #[test]
    fn prefixes_of_one_client_do_not_overlap() {
        let find = |prefixes: &[&'static str], known: &[&'static str]| {
            let prefixes: Vec<&[u8]> = prefixes.iter().map(|text| text.as_bytes()).collect();
            overlap(&prefixes, known.iter().map(|text| text.as_bytes()))
        };
        let found = |prefix: &'static str, other: &'static str, is_known| {
            Some(Overlap { prefix: prefix.as_bytes(), other: other.as_bytes(), is_known })
        };
        assert_eq!(find(&["a", "b"], &["c"]), None);
        assert_eq!(find(&["foobar", "foo"], &[]), found("foobar", "foo", false));
        assert_eq!(find(&["a", "foo", "foobar"], &[]), found("foo", "foobar", false));
        assert_eq!(find(&["a", "fo"], &["foo"]), found("fo", "foo", true));
        assert_eq!(find(&["a"], &["a"]), found("a", "a", true));
    }

    #[test]
    fn an_overlap_is_found_exactly_if_a_comparison_of_all_pairs_finds_one() {
        let texts = ["", "a", "b", "aa", "ab", "ba", "aab"].map(str::as_bytes);
        let overlaps = |one: &[u8], other: &[u8]| one.starts_with(other) || other.starts_with(one);
        let has_overlap =
            |list: &[&[u8]]| (1..list.len()).any(|i| list[..i].iter().any(|one| overlaps(one, list[i])));
        // Each text is absent, new or known.
        for choice in 0..3_usize.pow(texts.len() as u32) {
            let of = |part| {
                let chosen = |(i, _): &(usize, &&[u8])| choice / 3_usize.pow(*i as u32) % 3 == part;
                texts.iter().enumerate().filter(chosen).map(|(_, text)| *text).collect::<Vec<_>>()
            };
            let (new, known) = (of(1), of(2));
            if has_overlap(&known) {
                continue;
            }
            let found = overlap(&new, known.iter().copied());
            assert_eq!(found.is_some(), has_overlap(&[&*known, &*new].concat()), "{new:?} {known:?}");
            if let Some(Overlap { prefix, other, is_known }) = found {
                assert!(new.contains(&prefix) && overlaps(prefix, other));
                assert!(if is_known { known.contains(&other) } else { new.contains(&other) });
            }
        }
    }

    #[test]
    fn the_lengths_are_those_of_the_prefixes_that_are_left() {
        let mut prefixes = Prefixes::default();
        for (prefix, id) in [("a", 1), ("a", 2), ("b", 1), ("abc", 1), ("", 1)] {
            prefixes.insert(prefix.as_bytes(), id);
        }
        assert_eq!(prefixes.lengths, BTreeMap::from([(0, 1), (1, 2), (3, 1)]));
        for (prefix, id) in [("a", 1), ("a", 1), ("b", 1), ("abc", 2), ("", 1)] {
            prefixes.remove(prefix.as_bytes(), id);
        }
        assert_eq!(prefixes.lengths, BTreeMap::from([(1, 1), (3, 1)]));
    }
}
