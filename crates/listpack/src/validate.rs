//! The checks of bytes that should become a list.
//!
//! The methods that read accept any bytes, so damaged bytes never lead to undefined behaviour. The checks are
//! for callers that want to know *now* whether a file is damaged. A shallow check looks only at the header
//! and the end byte, in O(1). A deep check looks at every entry, in O(n).

use crate::entry;
use crate::format::{BYTE_LEN_MAX, COUNT_UNKNOWN, END, HEADER_LEN};
use core::fmt;

/// Which parts of foreign bytes are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// The header and the end byte. If the entries are damaged, a list reads as other values or ends early.
    /// O(1).
    Shallow,
    /// Every entry, every backlen and the count. O(n).
    Deep,
    /// Like `Deep`, but doubles are refused. The list is then valid for every reader of antirez' format.
    /// O(n).
    Strict,
}

/// The reason why bytes are not a valid listpack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// There are fewer bytes than the seven of an empty list, or more than [`BYTE_LEN_MAX`].
    Size,
    /// The number of bytes in the header is wrong.
    ByteLen,
    /// The last byte is not the end byte.
    End,
    /// No entry begins here, or the entry is longer than the rest of the bytes.
    Entry,
    /// The backlen of the entry that begins here is wrong.
    Backlen,
    /// The entry here is a double, which antirez' format does not have.
    Double,
    /// The number of entries in the header is wrong.
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

/// The bytes are not a valid listpack, or there was no memory for a copy of them.
pub type FromBytesError = common::FromBytesError<Fault>;

/// Checks that `bytes` are a list, with its header and end byte. See [`Depth`] for the complexity. In C:
/// `lpValidateIntegrity`.
///
/// # Errors
/// At the first fault, with its position.
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

/// The part of [`validate`] for the header and the end byte. O(1).
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

/// The part of [`validate`] for the entries and their count. The header and the end byte have been checked.
/// O(n).
fn validate_entries(bytes: &[u8], depth: Depth) -> Result<(), Malformed> {
    let malformed = |offset, fault| Err(Malformed::new(offset, fault));
    let header_count = match bytes {
        &[_, _, _, _, c0, c1, ..] => u16::from_le_bytes([c0, c1]),
        _ => COUNT_UNKNOWN,
    };
    let body = &bytes[..bytes.len() - 1];
    let (mut at, mut count) = (HEADER_LEN, 0);
    while at < body.len() {
        let Some(next) = entry::skip(body, at) else { return malformed(at, Fault::Entry) };
        if !entry::has_valid_backlen(body, at, next) {
            return malformed(at, Fault::Backlen);
        }
        if depth == Depth::Strict && body[at] == entry::DOUBLE {
            return malformed(at, Fault::Double);
        }
        (at, count) = (next, count + 1);
    }
    if header_count != COUNT_UNKNOWN && usize::from(header_count) != count {
        return malformed(4, Fault::Count);
    }
    Ok(())
}
