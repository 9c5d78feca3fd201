//! The intended differences from a server, each with its reason.
//!
//! Some of them depend on the server, or would leave different values in the two stores. `random` never
//! creates these:
//!
//! - `LSET` with an index of more than 32 bits. A server keeps only the lowest 32 bits.
//!   `LSET key 9223372036854775807 x` changes the last element there, and is an index out of range here.
//! - `set-max-intset-entries` below `set-max-listpack-entries`. The encoding of a stored union then depends
//!   on whether an integer or a word comes first, and the order of a hash table is unspecified.
//! - `BITFIELD` with `OVERFLOW SAT` that sets a value near the lowest one of 64 bits. A server subtracts from
//!   it in 64 bits, which overflows. The server then sets the highest value of the field, and redcore sets
//!   the lowest.
//! - Hexadecimal scores. Redis accepts them, and Valkey refuses them.

use crate::Reply;

/// The family of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Redis.
    Redis,
    /// Valkey.
    Valkey,
}

/// Returns `true` if the two encodings count as equal.
///
/// There is one difference. Valkey stores the key in the object of its value, and a string is embstr if both
/// fit into 64 bytes (8.1) or 128 bytes (9). In redcore, the key is not part of the object, and a string of
/// up to 44 bytes is embstr, as in Redis.
pub fn same_encoding(family: Family, ours: &str, theirs: &str) -> bool {
    let embeds = |encoding| matches!(encoding, "embstr" | "raw");
    ours == theirs || (family == Family::Valkey && embeds(ours) && embeds(theirs))
}

/// Returns `true` if the two replies to a command count as equal. There are three differences:
///
/// - The order of members and fields in a hash table is unspecified. It is not compared for the other
///   encodings either.
/// - A server's listpack stores the score -0 as 0, so results that are computed from it have another sign.
///   redcore keeps -0.
/// - One score in a thousand has other last digits, which stand for the same double. Servers print with
///   Grisu2, which does not always find the shortest or the nearest digits.
pub fn same_reply(command: &[Vec<u8>], ours: &Reply, theirs: &Reply) -> bool {
    if ours == theirs {
        return true;
    }
    let name = &command[0][..];
    let is_score = matches!(name, b"ZSCORE" | b"ZINCRBY" | b"ZADD");
    match (ours, theirs) {
        (Reply::Bulk(ours), Reply::Bulk(theirs)) if is_score => same_score(ours, theirs),
        (Reply::Array(ours), Reply::Array(theirs)) if ours.len() == theirs.len() => match name {
            b"SMEMBERS" => same_in_any_order(ours, theirs, 1),
            b"HGETALL" => same_in_any_order(ours, theirs, 2),
            b"ZRANGE" | b"ZPOPMIN" | b"ZPOPMAX" => {
                ours.chunks(2).zip(theirs.chunks(2)).all(|pairs| match pairs {
                    ([member, Reply::Bulk(ours)], [other, Reply::Bulk(theirs)]) => {
                        member == other && same_score(ours, theirs)
                    }
                    (ours, theirs) => ours == theirs,
                })
            }
            _ => false,
        },
        _ => false,
    }
}

fn same_in_any_order(ours: &[Reply], theirs: &[Reply], width: usize) -> bool {
    let sorted = |replies: &[Reply]| {
        let mut texts: Vec<_> =
            replies.chunks(width).map(|some| Reply::Array(some.to_vec()).to_string()).collect();
        texts.sort();
        texts
    };
    sorted(ours) == sorted(theirs)
}

fn same_score(ours: &[u8], theirs: &[u8]) -> bool {
    let score = |text: &[u8]| std::str::from_utf8(text).ok()?.parse::<f64>().ok();
    let is_zero = |text: &[u8]| matches!(text, b"0" | b"-0");
    let same_double = score(ours).is_some() && score(ours) == score(theirs) && digits(theirs) >= 16;
    ours == theirs
        || (is_zero(ours) && is_zero(theirs))
        || (same_double && (digits(ours) < digits(theirs) || same_notation(ours, theirs)))
}

/// Returns the number of digits, without the zeros at both ends.
fn digits(text: &[u8]) -> usize {
    let mantissa = text.split(|&byte| byte == b'e').next().unwrap_or_default();
    let digits: Vec<u8> = mantissa.iter().copied().filter(u8::is_ascii_digit).collect();
    let is_zero = |byte: &&u8| **byte == b'0';
    let zeros = digits.iter().take_while(is_zero).count() + digits.iter().rev().take_while(is_zero).count();
    digits.len().saturating_sub(zeros)
}

/// Returns `true` if the decimal point is in the same place and the exponent is the same.
fn same_notation(ours: &[u8], theirs: &[u8]) -> bool {
    let shape = |text: &[u8]| {
        let position = |byte| text.iter().position(|&other| other == byte);
        (position(b'.'), position(b'e').map(|at| text[at..].to_vec()))
    };
    shape(ours) == shape(theirs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replies(command: &str, ours: &[&str], theirs: &[&str]) -> bool {
        let array = |texts: &[&str]| {
            Reply::Array(texts.iter().map(|text| Reply::Bulk(text.as_bytes().to_vec())).collect())
        };
        same_reply(&[command.as_bytes().to_vec()], &array(ours), &array(theirs))
    }

    #[test]
    fn scores_may_differ_in_digits_that_mean_the_same_double_and_in_nothing_else() {
        for (ours, theirs, same) in [
            ("2.1960221520438906e-151", "2.1960221520438907e-151", true),
            ("7e+22", "70000000000000004000000", true),
            ("-0", "0", true),
            ("1e+17", "100000000000000000", false),
            ("0.5", "0.50", false),
            ("2.1960221520438906e-151", "2.1960221520438906e-150", false),
            ("abcdefghijklmnopq", "abcdefghijklmnopr", false),
        ] {
            assert_eq!(same_score(ours.as_bytes(), theirs.as_bytes()), same, "{ours} {theirs}");
        }
    }

    #[test]
    fn only_the_order_of_hash_tables_is_passed_over_and_members_are_no_scores() {
        assert!(replies("SMEMBERS", &["a", "b"], &["b", "a"]));
        assert!(!replies("SMEMBERS", &["a", "b"], &["b", "c"]));
        assert!(replies("HGETALL", &["a", "1", "b", "2"], &["b", "2", "a", "1"]));
        assert!(!replies("HGETALL", &["a", "1", "b", "2"], &["a", "2", "b", "1"]));
        assert!(!replies("LRANGE", &["a", "b"], &["b", "a"]));
        assert!(!replies("ZRANGE", &["9007199254740993", "1"], &["9007199254740992", "1"]));
        assert!(replies("ZRANGE", &["m", "-0"], &["m", "0"]));
    }
}
