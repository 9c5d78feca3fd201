//! A reader of the blocks of a keyspace.

/// What is in a block.
#[derive(Debug, PartialEq)]
pub(crate) struct Entry<'b> {
    pub(crate) key: &'b [u8],
    /// In milliseconds.
    pub(crate) expiry: Option<u64>,
    pub(crate) value: Value<'b>,
}

/// A value in a block.
#[derive(Debug, PartialEq)]
pub(crate) enum Value<'b> {
    Int(i64),
    Bytes(&'b [u8]),
}

/// Why a block cannot be read.
#[derive(Debug, PartialEq)]
pub(crate) enum Error {
    /// The block ends before the end of the part that begins at this offset.
    Truncated { at: usize },
    /// The reader does not know this kind of value.
    UnknownKind(u8),
    /// The key is coded.
    CodedKey,
}

/// The part of a block that has not been read yet, and its offset.
struct Rest<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Rest<'b> {
    /// Returns the next part, which has this length.
    fn take(&mut self, len: usize) -> Result<&'b [u8], Error> {
        let (part, bytes) = self.bytes.split_at_checked(len).ok_or(Error::Truncated { at: self.at })?;
        *self = Self { bytes, at: self.at + len };
        Ok(part)
    }

    /// Returns the next part, which is a length of 1, 3 or 5 bytes.
    fn take_len(&mut self) -> Result<usize, Error> {
        let more = match self.bytes.first() {
            Some(254) => 2,
            Some(255) => 4,
            _ => 0,
        };
        let part = self.take(1 + more)?;
        Ok(unsigned(if more == 0 { part } else { &part[1..] }) as usize)
    }
}

/// Returns the number in 1 to 8 bytes, without a sign.
fn unsigned(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Returns the number in 1 to 8 bytes, with a sign.
fn signed(bytes: &[u8]) -> i64 {
    let unused = 64 - 8 * bytes.len();
    (unsigned(bytes) << unused) as i64 >> unused
}

/// Reads a block.
pub(crate) fn read(block: &[u8]) -> Result<Entry<'_>, Error> {
    let mut rest = Rest { bytes: block, at: 0 };
    let form = rest.take(4)?[0];
    let kind = form & 31;
    if kind > 8 {
        return Err(Error::UnknownKind(kind));
    }
    if rest.bytes.first() == Some(&254) {
        return Err(Error::CodedKey);
    }
    let key_len = rest.take_len()?;
    let expiry = if form & 1 << 6 == 0 { None } else { Some(unsigned(rest.take(8)?)) };
    let key = rest.take(key_len)?;
    let value = if kind == 8 {
        let len = rest.take_len()?;
        Value::Bytes(rest.take(len)?)
    } else {
        Value::Int(signed(rest.take(usize::from(kind) + 1)?))
    };
    Ok(Entry { key, expiry, value })
}
