//! Functions that the tests of sets share.

use std::collections::BTreeSet;
use values::{Element, EncodingLimits, Set};

/// A member of a set, as text.
pub(crate) type Text = Vec<u8>;

/// Returns the members as text. Panics if the set yields a member twice.
pub(crate) fn texts(set: &Set) -> BTreeSet<Text> {
    let texts: BTreeSet<Text> = set.iter().map(text).collect();
    assert_eq!(texts.len(), set.iter().len(), "a member twice");
    texts
}

pub(crate) fn text(member: Element<'_>) -> Text {
    member.text().to_vec()
}

/// Returns a set of these members, inserted in the given order.
pub(crate) fn set_of<T: AsRef<[u8]>>(members: impl IntoIterator<Item = T>, limits: &EncodingLimits) -> Set {
    let mut set = Set::new();
    for member in members {
        set.insert(member.as_ref(), limits);
    }
    set
}

/// Returns the numbers of `range` as text.
pub(crate) fn numbers(range: std::ops::Range<i64>) -> impl Iterator<Item = String> {
    range.map(|n| n.to_string())
}

/// Returns `count` members that are not integers.
pub(crate) fn words(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|n| format!("word:{n}"))
}

/// Returns a source of uniform numbers with the seed `state` (SplitMix64).
pub(crate) fn source(mut state: u64) -> impl FnMut() -> u64 {
    move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}
