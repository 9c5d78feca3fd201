//! Bytes from elsewhere: what is checked before they become a list.
//!
//! Reading is total, so no list endangers memory, whatever its bytes are. The checks are for callers that want to know *now*
//! whether a file is damaged. A shallow check looks at the frame: O(1). A deep check looks at every entry: O(n).

use crate::entry;
use crate::format::{BYTE_LEN_MAX, COUNT_UNKNOWN, END, HEADER_LEN};
use core::fmt;

/// How closely foreign bytes are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Header and end. A list that is damaged between them reads as other values, or ends early. O(1).
    Shallow,
    /// Every entry, every backlen, and the count. O(n).
    Deep,
    /// As `Deep`, and doubles are refused: the list can be given to any reader of antirez' format. O(n).
    Strict,
}

/// What is wrong with bytes that should be a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// There are fewer bytes than in an empty list, or more than [`BYTE_LEN_MAX`].
    Size,
    /// The header states another number of bytes.
    ByteLen,
    /// The last byte is not the end byte.
    End,
    /// No entry begins here, or the entry is longer than what is left.
    Entry,
    /// The backlen of the entry that begins here is wrong.
    Backlen,
    /// The entry here is a double, which the strict format does not have.
    Double,
    /// The header states another number of entries.
    Count,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Size => "too few bytes or too many",
            Self::ByteLen => "the header's size is not that of the bytes",
            Self::End => "no end byte",
            Self::Entry => "no entry",
            Self::Backlen => "an entry with a wrong backlen",
            Self::Double => "a double",
            Self::Count => "the header's count is not that of the entries",
        })
    }
}

impl common::Fault for Fault {
    const FORMAT: &'static str = "listpack";
}

/// The bytes are not a valid listpack.
pub type Malformed = common::Malformed<Fault>;

/// Why no list could be made of foreign bytes.
pub type FromBytesError = common::FromBytesError<Fault>;

/// Checks that `bytes` are a list, header and end included. In C: `lpValidateIntegrity`.
///
/// ```
/// use listpack::{Depth, Fault, validate};
/// assert!(validate(&[9, 0, 0, 0, 1, 0, 5, 1, 0xFF], Depth::Strict).is_ok());
/// let error = validate(&[9, 0, 0, 0, 1, 0, 5, 2, 0xFF], Depth::Deep).unwrap_err();
/// assert_eq!((error.offset, error.fault), (6, Fault::Backlen));
/// ```
pub fn validate(bytes: &[u8], depth: Depth) -> Result<(), Malformed> {
    validate_frame(bytes)?;
    if depth == Depth::Shallow { Ok(()) } else { validate_entries(bytes, depth) }
}

/// [`validate`] of header and end alone. O(1).
#[inline]
pub(crate) fn validate_frame(bytes: &[u8]) -> Result<(), Malformed> {
    let malformed = |offset, fault| Err(Malformed::new(offset, fault));
    let Some((header, [entries @ .., end])) = bytes.split_first_chunk::<HEADER_LEN>() else {
        return malformed(bytes.len(), Fault::Size);
    };
    let &[b0, b1, b2, b3, c0, c1] = header;
    if bytes.len() > BYTE_LEN_MAX {
        return malformed(0, Fault::Size);
    }
    if u32::from_le_bytes([b0, b1, b2, b3]) as usize != bytes.len() {
        return malformed(0, Fault::ByteLen);
    }
    if *end != END {
        return malformed(bytes.len() - 1, Fault::End);
    }
    if entries.is_empty() && !matches!(u16::from_le_bytes([c0, c1]), 0 | COUNT_UNKNOWN) {
        return malformed(4, Fault::Count);
    }
    Ok(())
}

/// [`validate`] of the entries and of their count. The frame is right. O(n).
fn validate_entries(bytes: &[u8], depth: Depth) -> Result<(), Malformed> {
    let malformed = |offset, fault| Err(Malformed::new(offset, fault));
    let says = match bytes {
        &[_, _, _, _, c0, c1, ..] => u16::from_le_bytes([c0, c1]),
        _ => COUNT_UNKNOWN,
    };
    let body = &bytes[..bytes.len() - 1];
    let (mut at, mut count) = (HEADER_LEN, 0);
    while at < body.len() {
        let Some(next) = entry::skip(body, at) else { return malformed(at, Fault::Entry) };
        if !entry::has_its_backlen(body, at, next) {
            return malformed(at, Fault::Backlen);
        }
        if depth == Depth::Strict && body[at] == entry::DOUBLE {
            return malformed(at, Fault::Double);
        }
        (at, count) = (next, count + 1);
    }
    if says != COUNT_UNKNOWN && usize::from(says) != count {
        return malformed(4, Fault::Count);
    }
    Ok(())
}
