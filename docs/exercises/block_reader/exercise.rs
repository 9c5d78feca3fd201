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

/// Reads a block.
pub(crate) fn read(block: &[u8]) -> Result<Entry<'_>, Error> {
    todo!("read {block:?}")
}
