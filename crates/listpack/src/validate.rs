//! Lists from elsewhere: what is checked before bytes become a list.
//!
//! Reading is total, so that no list is a danger to memory, whatever is in it. The checks are for the caller, who wants to
//! know *now* that a file is damaged. Shallow, the frame is checked: O(1). Deep, every entry: O(n).

use crate::entry;
use crate::list::ListPack;
use crate::storage::{BYTE_LEN_MAX, COUNT_UNKNOWN, EMPTY_LEN, HEADER_LEN, Storage};
use core::error::Error;
use core::fmt;
use zmalloc::{ReserveError, oom};

/// How closely foreign bytes are looked at.
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
pub enum Flaw {
    /// There are fewer bytes than in an empty list, or more than [`BYTE_LEN_MAX`].
    Size,
    /// The header speaks of another number of bytes.
    ByteLen,
    /// The last byte is not the end byte.
    End,
    /// Here begins no entry, or one that is longer than what is left.
    Entry,
    /// The backlen of the entry that begins here is wrong.
    Backlen,
    /// The entry here is a double, which the strict format does not have.
    Double,
    /// The header speaks of another number of entries.
    Count,
}

/// Bytes that are no list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Malformed {
    /// Where, in bytes from the beginning.
    pub offset: usize,
    /// What is wrong there.
    pub flaw: Flaw,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flaw = match self.flaw {
            Flaw::Size => "too few bytes or too many",
            Flaw::ByteLen => "the header's size is not that of the bytes",
            Flaw::End => "no end byte",
            Flaw::Entry => "no entry",
            Flaw::Backlen => "an entry with a wrong backlen",
            Flaw::Double => "a double",
            Flaw::Count => "the header's count is not that of the entries",
        };
        write!(f, "no listpack: {flaw} at offset {}", self.offset)
    }
}

impl Error for Malformed {}

/// No list could be made of the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FromBytesError {
    /// They are none.
    Malformed(Malformed),
    /// There is no memory for it.
    Reserve(ReserveError),
}

impl fmt::Display for FromBytesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => error.fmt(f),
            Self::Reserve(error) => error.fmt(f),
        }
    }
}

impl Error for FromBytesError {}

/// Whether `bytes` are a list, header and end included. In C: `lpValidateIntegrity`.
///
/// ```
/// use listpack::{Depth, Flaw, validate};
/// assert!(validate(&[9, 0, 0, 0, 1, 0, 5, 1, 0xFF], Depth::Strict).is_ok());
/// let error = validate(&[9, 0, 0, 0, 1, 0, 5, 2, 0xFF], Depth::Deep).unwrap_err();
/// assert_eq!((error.offset, error.flaw), (6, Flaw::Backlen));
/// ```
pub fn validate(bytes: &[u8], depth: Depth) -> Result<(), Malformed> {
    let malformed = |offset, flaw| Err(Malformed { offset, flaw });
    let Some((header, [entries @ .., end])) = bytes.split_first_chunk::<HEADER_LEN>() else {
        return malformed(bytes.len(), Flaw::Size);
    };
    let &[b0, b1, b2, b3, c0, c1] = header;
    if bytes.len() > BYTE_LEN_MAX {
        return malformed(0, Flaw::Size);
    }
    if u32::from_le_bytes([b0, b1, b2, b3]) as usize != bytes.len() {
        return malformed(0, Flaw::ByteLen);
    }
    if *end != entry::END {
        return malformed(bytes.len() - 1, Flaw::End);
    }
    let says = u16::from_le_bytes([c0, c1]);
    if depth == Depth::Shallow && !entries.is_empty() {
        return Ok(());
    }
    let body = &bytes[..bytes.len() - 1];
    let (mut at, mut count) = (HEADER_LEN, 0);
    while at < body.len() {
        let Some(next) = entry::skip(body, at) else { return malformed(at, Flaw::Entry) };
        if !entry::has_its_backlen(body, at, next) {
            return malformed(at, Flaw::Backlen);
        }
        if depth == Depth::Strict && body[at] == entry::DOUBLE {
            return malformed(at, Flaw::Double);
        }
        (at, count) = (next, count + 1);
    }
    if says != COUNT_UNKNOWN && usize::from(says) != count {
        return malformed(4, Flaw::Count);
    }
    Ok(())
}

impl ListPack {
    /// A list from its bytes, header and end included, every entry checked. A double is accepted. O(n).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        Self::or_malformed(Self::try_from_bytes(bytes, Depth::Deep))
    }

    /// A list from its bytes of which only header and end are checked. Copying is O(n).
    ///
    /// If they are damaged in between, every operation is sound all the same, and says what it sees: fewer entries than
    /// [`len`](Self::len), perhaps, or other values.
    pub fn from_bytes_shallow(bytes: &[u8]) -> Result<Self, Malformed> {
        Self::or_malformed(Self::try_from_bytes(bytes, Depth::Shallow))
    }

    /// A list from its bytes, as closely checked as `depth` says.
    pub fn try_from_bytes(bytes: &[u8], depth: Depth) -> Result<Self, FromBytesError> {
        validate(bytes, depth).map_err(FromBytesError::Malformed)?;
        if bytes.len() == EMPTY_LEN {
            return Ok(Self::new()); // perhaps the count was lost once: it is known now
        }
        let storage = Storage::try_from_bytes(bytes).map_err(FromBytesError::Reserve)?;
        Ok(Self { storage })
    }

    fn or_malformed(result: Result<Self, FromBytesError>) -> Result<Self, Malformed> {
        result.map_err(|error| match error {
            FromBytesError::Malformed(malformed) => malformed,
            FromBytesError::Reserve(error) => oom(error.size()),
        })
    }
}
