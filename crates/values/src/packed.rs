//! Packed values: the bytes of a listpack or an intset as a value, borrowed or copied.
//!
//! Which encodings a type packs is the type's to say; these functions refuse the others.

use crate::error::Error;
use crate::types::Encoding;
use intset::IntSet;
use listpack::{Depth, ListPack};

fn expect(expected: Encoding, encoding: Encoding) -> Result<(), Error> {
    if encoding == expected { Ok(()) } else { Err(Error::Malformed { offset: 0 }) }
}

/// The listpack that the bytes are, checked in constant time.
pub(crate) fn view_of_listpack(encoding: Encoding, bytes: &[u8]) -> Result<&listpack::View, Error> {
    expect(Encoding::ListPack, encoding)?;
    let _ = bytes;
    Err(Error::Malformed { offset: 0 })
}

/// A copy of the listpack that the bytes are, every entry of which has been checked.
pub(crate) fn try_listpack(encoding: Encoding, bytes: &[u8]) -> Result<ListPack, Error> {
    expect(Encoding::ListPack, encoding)?;
    ListPack::try_from_bytes(bytes, Depth::Deep).map_err(|_| Error::Malformed { offset: 0 })
}

/// The intset that the bytes are, checked in constant time.
pub(crate) fn view_of_intset(encoding: Encoding, bytes: &[u8]) -> Result<&intset::View, Error> {
    expect(Encoding::IntSet, encoding)?;
    let _ = bytes;
    Err(Error::Malformed { offset: 0 })
}

/// A copy of the intset that the bytes are, every integer of which has been checked.
pub(crate) fn try_intset(encoding: Encoding, bytes: &[u8]) -> Result<IntSet, Error> {
    expect(Encoding::IntSet, encoding)?;
    IntSet::try_from_bytes(bytes).map_err(|_| Error::Malformed { offset: 0 })
}
