//! The differences from a server that are meant, each with its reason.
//!
//! Some depend on the server, or would leave different values behind, so `random` does not ask for them:
//!
//! - `LSET` with an index of more than 32 bits. A server keeps its lowest 32: `LSET key 9223372036854775807 x` changes the last
//!   element there, and is an index out of range here.
//! - `set-max-intset-entries` below `set-max-listpack-entries`. Then the encoding of a stored union depends on whether an integer or
//!   a word comes first, and in a hash table that is the table's own affair.
//! - `BITFIELD` with `OVERFLOW SAT` that sets a value near the lowest of 64 bits. A server subtracts from it in 64 bits, which overflows:
//!   it sets the highest value of the field, and redcore the lowest.
//! - Hexadecimal scores, which Redis takes and Valkey refuses.

use crate::Reply;

/// A server, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Redis.
    Redis,
    /// Valkey.
    Valkey,
}

/// Whether the two encodings stand for one another.
///
/// - Valkey puts the key into the object of a value, and a string embeds if both fit into 64 bytes (8.1), or 128 (9). Here the key is
///   not part of the object, and a string of up to 44 bytes embeds, as in Redis.
pub fn same_encoding(family: Family, ours: &str, theirs: &str) -> bool {
    let embeds = |encoding| matches!(encoding, "embstr" | "raw");
    ours == theirs || (family == Family::Valkey && embeds(ours) && embeds(theirs))
}

/// Whether the two replies to a command stand for one another.
///
/// - The order of members and fields in a hash table is the table's own.
/// - A listpack of a server stores the score -0 as 0, and what is computed from it has the other sign. Here it stays -0.
/// - One score in a thousand has other last digits, which mean the same double: servers print by Grisu2, which does not always find
///   the shortest digits, nor the nearest ones.
pub fn same_reply(command: &[Vec<u8>], ours: &Reply, theirs: &Reply) -> bool {
    if ours == theirs {
        return true;
    }
    match (ours, theirs) {
        (Reply::Array(ours), Reply::Array(theirs)) if ours.len() == theirs.len() => {
            let width = match &command[0][..] {
                b"SMEMBERS" => 1,
                b"HGETALL" => 2,
                _ => return ours.iter().zip(theirs).all(|(a, b)| same_reply(command, a, b)),
            };
            let sorted = |replies: &[Reply]| {
                let mut texts: Vec<_> =
                    replies.chunks(width).map(|some| Reply::Array(some.to_vec()).to_string()).collect();
                texts.sort();
                texts
            };
            sorted(ours) == sorted(theirs)
        }
        (Reply::Bulk(ours), Reply::Bulk(theirs)) if command[0].starts_with(b"Z") => {
            let score = |text: &[u8]| std::str::from_utf8(text).ok()?.parse::<f64>().ok();
            let is_zero = |text: &[u8]| matches!(text, b"0" | b"-0");
            let same_double = score(ours) == score(theirs) && digits(theirs) >= 16;
            (is_zero(ours) && is_zero(theirs))
                || (same_double && (digits(ours) < digits(theirs) || same_notation(ours, theirs)))
        }
        _ => false,
    }
}

/// How many digits a number has without the zeros at either end.
fn digits(text: &[u8]) -> usize {
    let mantissa = text.split(|&byte| byte == b'e').next().unwrap_or_default();
    let digits: Vec<u8> = mantissa.iter().copied().filter(u8::is_ascii_digit).collect();
    let is_zero = |byte: &&u8| **byte == b'0';
    let zeros = digits.iter().take_while(is_zero).count() + digits.iter().rev().take_while(is_zero).count();
    digits.len().saturating_sub(zeros)
}

/// Whether the point and the exponent are in the same places.
fn same_notation(ours: &[u8], theirs: &[u8]) -> bool {
    let shape = |text: &[u8]| {
        let position = |byte| text.iter().position(|&other| other == byte);
        (position(b'.'), position(b'e').map(|at| text[at..].to_vec()))
    };
    shape(ours) == shape(theirs)
}
