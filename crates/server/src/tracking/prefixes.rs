//! [`Prefixes`]: the prefixes of keys that clients listen to in the mode `BCAST`, and the keys that have changed.
//!
//! Changes are collected until the end of a turn of the loop. Then each client is sent one message a prefix.

use crate::client::ClientId;
use std::collections::{BTreeMap, BTreeSet};

/// The keys that have changed, each with the client that has changed it, if it was only one.
pub(super) type Changed = BTreeMap<Vec<u8>, Option<ClientId>>;

/// The prefixes that clients listen to. In C: `PrefixTable`.
#[derive(Debug, Default)]
pub(super) struct Prefixes {
    listeners: BTreeMap<Vec<u8>, Listeners>,
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
        self.listeners.entry(prefix.to_vec()).or_default().ids.insert(id);
    }

    /// Removes a client from those of a prefix.
    pub(super) fn remove(&mut self, prefix: &[u8], id: ClientId) {
        if let Some(listeners) = self.listeners.get_mut(prefix) {
            listeners.ids.remove(&id);
            if listeners.ids.is_empty() {
                self.listeners.remove(prefix);
            }
        }
    }

    /// Notes that a key has changed, if it has one of the prefixes. O(number of prefixes).
    pub(super) fn key_changed(&mut self, key: &[u8], by: Option<ClientId>) {
        for (_, listeners) in self.listeners.iter_mut().filter(|(prefix, _)| key.starts_with(prefix)) {
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

/// Returns two prefixes of which one begins with the other: the new one, and the other. `is_known` is
/// whether the latter is one of `known`. In C: `checkPrefixCollisionsOrReply`.
pub(super) fn overlap<'a>(
    prefixes: &[&'a [u8]],
    known: impl Iterator<Item = &'a [u8]> + Clone,
) -> Option<Overlap<'a>> {
    let overlaps = |one: &[u8], other: &[u8]| one.starts_with(other) || other.starts_with(one);
    prefixes.iter().enumerate().find_map(|(index, prefix)| {
        let old = known.clone().find(|known| overlaps(prefix, known)).map(|known| (known, true));
        let new = || {
            let others = prefixes[index + 1..].iter().copied();
            others.into_iter().find(|other| overlaps(prefix, other)).map(|other| (other, false))
        };
        let (other, is_known) = old.or_else(new)?;
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
}
