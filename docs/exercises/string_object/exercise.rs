//! The blocks of a string object.

/// The encoding of a string object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// The number is in the object, or the object is shared.
    Int,
    /// The string is in the block of the object.
    EmbStr,
    /// The string has a block of its own.
    Raw,
}

/// The blocks of a string object, as the bytes that the allocator is asked for. 0 bytes means that there is no block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Blocks {
    pub(crate) encoding: Encoding,
    /// The bytes of the object's block, including an embedded string.
    pub(crate) object: usize,
    /// The bytes of the string's own block.
    pub(crate) string: usize,
}

/// Returns the blocks of the object that stores a text. The integers from 0 to `shared_integers - 1` are shared.
pub(crate) fn blocks(text: &[u8], shared_integers: u32) -> Blocks {
    todo!("the blocks of {text:?}, with {shared_integers} shared integers")
}
