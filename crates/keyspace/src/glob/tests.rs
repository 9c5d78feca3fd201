//! Tests that compare the matcher with the results of a server, with an oracle, and with the bound on its
//! steps.

use super::*;
use proptest::prelude::*;
use testing::NaiveGlob;

/// A pattern, a key, and whether `KEYS` of valkey-server 9.1 on x86-64 listed the key. `SCAN` gave the same
/// answers.
const RECORDED: &[(&[u8], &[u8], bool)] = &[
    (b"", b"", true),
    (b"", b"a", false),
    (b"*", b"", true),
    (b"**", b"", false),
    (b"***", b"a", true),
    (b"?", b"", false),
    (b"a*", b"a", true),
    (b"a**", b"a", true),
    (b"*a*", b"a", true),
    (b"a", b"A", false),
    (b"h?llo", b"hllo", false),
    (b"h*llo", b"hllo", true),
    (b"*aab", b"aaaab", true),
    (b"a*b*c", b"abbcbc", true),
    (b"a*b*c", b"abbcb", false),
    (b"*ab", b"aba", false),
    (b"[abc]", b"b", true),
    (b"[abc]", b"", false),
    (b"[abc]", b"d", false),
    (b"[^abc]", b"b", false),
    (b"[^abc]", b"d", true),
    (b"[^abc]", b"", false),
    (b"[!a]", b"!", true),
    (b"[!a]", b"b", false),
    (b"[a^]", b"^", true),
    (b"[^^]", b"^", false),
    (b"[^^]", b"a", true),
    (b"[a-c]", b"b", true),
    (b"[c-a]", b"b", true),
    (b"[^c-a]", b"b", false),
    (b"[a-]", b"a", true),
    (b"[a-]", b"-", false),
    (b"[a-]", b"]", true),
    (b"[a-]", b"_", true),
    (b"[a-]]", b"_", true),
    (b"[a-]]", b"a]", false),
    (b"[a-", b"a", true),
    (b"[a-", b"-", true),
    (b"[a-c", b"b", true),
    (b"[-a]", b"-", true),
    (b"[--a]", b"A", true),
    (b"[a-c-e]", b"d", false),
    (b"[a-c-e]", b"-", true),
    (b"[a-c-e]", b"e", true),
    (b"[]", b"]", false),
    (b"[]", b"", false),
    (b"[]a]", b"a", false),
    (b"[]a]", b"a]", false),
    (b"[^]", b"a", true),
    (b"[^]", b"", false),
    (b"[^]]", b"a]", true),
    (b"[^]a]", b"xa]", true),
    (b"[", b"[", false),
    (b"[", b"", false),
    (b"[", b"a", false),
    (b"[^", b"^", true),
    (b"[^", b"a", true),
    (b"[^", b"", false),
    (b"[a", b"a", true),
    (b"[a", b"[a", false),
    (b"[^a", b"a", false),
    (b"[^a", b"b", true),
    (b"*[", b"a", false),
    (b"*[^", b"aa", true),
    (b"[ab*", b"*", true),
    (b"[ab*", b"ab", false),
    (b"\\a", b"a", true),
    (b"\\*", b"*", true),
    (b"\\*", b"a", false),
    (b"\\?", b"?", true),
    (b"\\[a]", b"[a]", true),
    (b"\\\\", b"\\", true),
    (b"\\", b"\\", true),
    (b"\\", b"", false),
    (b"a\\", b"a\\", true),
    (b"a\\", b"a", false),
    (b"*\\", b"x\\", true),
    (b"[\\]]", b"]", true),
    (b"[\\a-c]", b"a", true),
    (b"[\\a-c]", b"b", false),
    (b"[\\a-c]", b"-", true),
    (b"[a\\-c]", b"b", false),
    (b"[a\\-c]", b"-", true),
    (b"[a-\\]", b"_", true),
    (b"[a-\\]", b"b", false),
    (b"[\\-z]", b"-", true),
    (b"[a-\\c]", b"b", false),
    (b"[a-\\c]", b"]", true),
    (b"[a-\\c]", b"c", true),
    (b"[\\", b"\\", true),
    (b"[a\\", b"\\", true),
    (b"[\\]", b"]", true),
    (b"[\\]", b"\\", false),
    (b"[^\\]", b"]", false),
    (b"[\\^a]", b"^", true),
    (b"[\\^a]", b"b", false),
    (b"[\x80-\xff]", b"\xc0", true),
    (b"[\x80-\xff]", b"\x7f", false),
    (b"[a-\xff]", b"b", false),
    (b"[a-\xff]", b"A", true),
    (b"[a-\xff]", b"\xff", true),
    (b"[a-\xff]", b"\xfe", false),
    (b"[\0-\xff]", b"a", false),
    (b"[\0-\xff]", b"\0", true),
    (b"\0*", b"\0a", true),
    (b"a\0", b"a", false),
    (b"?", b"\xc3\xa4", false),
];

#[test]
fn the_answers_are_a_servers() {
    for &(pattern, text, expected) in RECORDED {
        let (shown, of) = (pattern.escape_ascii(), text.escape_ascii());
        assert_eq!(glob_match(pattern, text), expected, "{shown} with {of}");
        assert_eq!(Glob::new(pattern).is_match(text), expected, "{shown} with {of}, prepared");
        assert_eq!(NaiveGlob::new(pattern).is_match(text), expected, "{shown} with {of}, the oracle");
    }
}

/// Returns all strings of up to `len_max` bytes over an alphabet, in ascending order of length.
fn strings(alphabet: &[u8], len_max: usize) -> Vec<Vec<u8>> {
    let mut all = vec![Vec::new()];
    let mut from = 0;
    for _ in 0..len_max {
        let longer: Vec<_> = all[from..]
            .iter()
            .flat_map(|start| alphabet.iter().map(|byte| [start, &[*byte][..]].concat()))
            .collect();
        from = all.len();
        all.extend(longer);
    }
    all
}

fn compare(patterns: &[Vec<u8>], texts: &[Vec<u8>]) {
    let mut matched = 0;
    for pattern in patterns {
        let (oracle, glob) = (NaiveGlob::new(pattern), Glob::new(pattern));
        for text in texts {
            let expected = oracle.is_match(text);
            matched += usize::from(expected);
            let is_right = glob_match(pattern, text) == expected && glob.is_match(text) == expected;
            assert!(is_right, "{} with {}: {expected}", pattern.escape_ascii(), text.escape_ascii());
        }
    }
    assert!(matched > texts.len(), "matches were compared too");
}

#[test]
fn every_short_pattern_matches_as_the_oracle_says() {
    const ALPHABET: &[u8] = b"ab*?[]^-\\";
    let miri = cfg!(miri);
    compare(&strings(ALPHABET, if miri { 1 } else { 3 }), &strings(ALPHABET, if miri { 1 } else { 3 }));
    compare(&strings(ALPHABET, if miri { 2 } else { 5 }), &strings(b"a]", if miri { 2 } else { 4 }));
}

/// Generates mostly bytes with a special meaning, so that a pattern and a text are likely to match.
fn bytes(len_max: usize) -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![6 => prop::sample::select(&b"aab**?[]^-\\"[..]), 1 => any::<u8>()];
    prop::collection::vec(byte, 0..=len_max)
}

proptest! {
    #![proptest_config(testing::config(20_000, 4))]

    #[test]
    fn a_random_pattern_matches_as_the_oracle_says(pattern in bytes(24), text in bytes(16)) {
        prop_assert_eq!(glob_match(&pattern, &text), NaiveGlob::new(&pattern).is_match(&text));
    }

    #[test]
    fn a_class_matches_as_the_oracle_says_for_every_byte(members in prop::collection::vec(any::<u8>(), 0..6), byte: u8) {
        for pattern in [[b"[", &members[..], b"]"].concat(), [b"[^", &members[..]].concat()] {
            prop_assert_eq!(glob_match(&pattern, &[byte]), NaiveGlob::new(&pattern).is_match(&[byte]));
        }
    }

    #[test]
    fn a_text_with_each_byte_escaped_matches_that_text_alone(text in bytes(16), other in bytes(16)) {
        let pattern: Vec<u8> = text.iter().flat_map(|byte| [b'\\', *byte]).collect();
        prop_assert!(glob_match(&pattern, &text));
        prop_assert_eq!(glob_match(&pattern, &other), text == other);
    }

    #[test]
    fn no_pattern_is_read_more_often_than_the_bound_says(pattern in bytes(24), text in bytes(16)) {
        prop_assert!(bytes_read(&pattern, &text) <= (pattern.len() + 1) * (text.len() + 1));
    }
}

/// Returns how many bytes of the pattern the matcher reads.
fn bytes_read(pattern: &[u8], text: &[u8]) -> usize {
    let mut sum = 0;
    matches(pattern, text, |len| sum += len);
    sum
}

#[test]
fn many_stars_cost_no_more_than_one_pass() {
    let len = if cfg!(miri) { 1_000 } else { 100_000 };
    let text = vec![b'a'; len];
    // A matcher that tries each star again at each byte would need about len^40 steps.
    let pattern = [&b"a*".repeat(40)[..], b"b"].concat();
    assert!(!glob_match(&pattern, &text));
    assert_eq!(bytes_read(&pattern, &text), 2 * 40 + len - 40);
}

#[test]
fn the_worst_pattern_stays_within_the_bound() {
    let (pattern_len, text_len) = if cfg!(miri) { (20, 200) } else { (200, 20_000) };
    let (text, repeated) = (vec![b'a'; text_len], vec![b'a'; pattern_len]);
    let pattern = [b"*", &repeated[..], b"b"].concat();
    let read = bytes_read(&pattern, &text);
    assert!(read > (pattern_len - 1) * (text_len - pattern_len), "{read}: this pattern is the bad case");
    assert!(read <= (pattern.len() + 1) * (text.len() + 1), "{read}");
}

#[test]
fn a_pattern_may_have_more_stars_than_redis_follows() {
    let stars = if cfg!(miri) { 50 } else { 5_000 };
    assert!(glob_match(&b"*a".repeat(stars), &vec![b'a'; stars]));
    assert!(!glob_match(&b"*a".repeat(stars), &vec![b'a'; stars - 1]));
}

#[test]
fn a_prepared_pattern_knows_what_needs_no_scan() {
    for plain in [&b""[..], b"a", b"]", b"a^-]", b"user:7\0"] {
        let glob = Glob::new(plain);
        assert_eq!((glob.literal(), glob.matches_everything()), (Some(plain), false));
        assert_eq!(glob.pattern(), plain);
    }
    for special in [&b"**"[..], b"a*", b"?", b"[a", b"a\\"] {
        let glob = Glob::new(special);
        assert_eq!((glob.literal(), glob.matches_everything()), (None, false));
    }
    let everything = Glob::new(b"*");
    assert_eq!((everything.literal(), everything.matches_everything()), (None, true));
}
