//! Compares the matching of glob patterns with an oracle that takes O(pattern x text) for every input.
//!
//! Each pattern is matched as it is. Then several copies of it, one after the other, are matched as one
//! pattern. Such a pattern often has many stars, and a matcher of exponential time would not finish with it.

use crate::harness::{Text, operations};
use arbitrary::Arbitrary;
use keyspace::{Glob, glob_match};
use std::time::{Duration, Instant};
use testing::NaiveGlob;

/// The maximum length of each text of a [`Case`], in bytes. Longer ones are cut, so that the oracle is fast.
/// A pattern of several copies is cut to the same length before [`Case::end`] is appended.
const LEN_MAX: usize = 128;

/// The time limit of one match. A match takes at most about 50,000 steps, so a busy machine does not exceed
/// the limit.
const TIME_MAX: Duration = Duration::from_secs(5);

#[derive(Arbitrary, Debug)]
struct Case {
    pattern: Text,
    /// How many copies of the pattern the long pattern has.
    repeat: u8,
    /// What follows the copies in the long pattern.
    end: Text,
    text: Text,
    /// Whether each byte is mapped to one of a few letters and special characters. Patterns of random bytes
    /// rarely match anything.
    is_narrow: bool,
}

/// Matches the patterns and texts that `data` encodes.
pub fn run(data: &[u8]) {
    for case in operations::<Case>(data) {
        let [pattern, end, text] =
            [case.pattern, case.end, case.text].map(|Text(bytes)| narrowed(bytes, case.is_narrow));
        check(&pattern, &text);
        let mut long = pattern.repeat(case.repeat.into());
        long.truncate(LEN_MAX);
        long.extend(end);
        check(&long, &text);
    }
}

fn narrowed(mut bytes: Vec<u8>, is_narrow: bool) -> Vec<u8> {
    const NARROW: &[u8] = b"aab**?[]^-\\";
    bytes.truncate(LEN_MAX);
    if is_narrow {
        bytes.iter_mut().for_each(|byte| *byte = NARROW[usize::from(*byte) % NARROW.len()]);
    }
    bytes
}

fn check(pattern: &[u8], text: &[u8]) {
    let start = Instant::now();
    let is_match = glob_match(pattern, text);
    assert!(start.elapsed() < TIME_MAX, "{:?} for {}", start.elapsed(), pattern.escape_ascii());
    assert_eq!(is_match, NaiveGlob::new(pattern).is_match(text));
    let glob = Glob::new(pattern);
    assert_eq!(is_match, glob.is_match(text));
    assert!(glob.literal().is_none_or(|literal| (literal == text) == is_match));
    assert!(is_match || !glob.matches_everything());
}
