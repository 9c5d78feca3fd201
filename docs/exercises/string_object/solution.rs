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

/// The bytes of an object without an embedded string.
const OBJECT: usize = 16;
/// The longest string in the block of its object.
const EMBSTR_MAX: usize = 44;

/// Returns the integer whose canonical form is the text.
fn integer(text: &[u8]) -> Option<i64> {
    let number: i64 = str::from_utf8(text).ok()?.parse().ok()?;
    (number.to_string().as_bytes() == text).then_some(number)
}

/// Returns the blocks of the object that stores a text. The integers from 0 to `shared_integers - 1` are shared.
pub(crate) fn blocks(text: &[u8], shared_integers: u32) -> Blocks {
    if let Some(number) = integer(text) {
        let is_shared = (0..i64::from(shared_integers)).contains(&number);
        return Blocks { encoding: Encoding::Int, object: if is_shared { 0 } else { OBJECT }, string: 0 };
    }
    let header = match text.len() {
        0..=255 => 3,
        256..=65_535 => 5,
        _ => 9,
    };
    let string = header + text.len() + 1;
    if text.len() <= EMBSTR_MAX {
        Blocks { encoding: Encoding::EmbStr, object: OBJECT + string, string: 0 }
    } else {
        Blocks { encoding: Encoding::Raw, object: OBJECT, string }
    }
}
