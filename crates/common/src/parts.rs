//! [`Part`]: a run of bytes in a block, with its name and its meaning.
//!
//! Structures describe their blocks with a list of parts. `cargo xtask layout` draws the list, and the book shows
//! the drawing. So a drawing always agrees with the code that writes the bytes.

/// A run of bytes in a block, with its name and its meaning.
///
/// The parts of a block come in the order of the bytes, without gaps. Together they have the size of the block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The name of the field, in the words of the structure's documentation.
    pub name: &'static str,
    /// What the bytes mean, such as a number in decimal. It is empty if the name says everything.
    pub meaning: String,
    /// The bytes.
    pub bytes: PartBytes,
}

/// The bytes of a [`Part`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartBytes {
    /// Bytes that the structure has written.
    Written(Vec<u8>),
    /// Bytes of a text that the structure has written.
    Text(Vec<u8>),
    /// The number of bytes of a pointer. The address is not part of the description, because it differs from run
    /// to run.
    Pointer(usize),
    /// The number of bytes that are not in use. They may be uninitialised.
    Unused(usize),
}

impl Part {
    /// Returns a part with these bytes.
    pub fn written(name: &'static str, meaning: impl ToString, bytes: &[u8]) -> Self {
        Self { name, meaning: meaning.to_string(), bytes: PartBytes::Written(bytes.to_vec()) }
    }

    /// Returns a part that is a text. Its meaning is the text, with escapes for bytes that are not printable
    /// ASCII.
    pub fn text(name: &'static str, bytes: &[u8]) -> Self {
        Self { name, meaning: bytes.escape_ascii().to_string(), bytes: PartBytes::Text(bytes.to_vec()) }
    }

    /// Returns a part that is a pointer of `len` bytes.
    pub fn pointer(name: &'static str, meaning: impl ToString, len: usize) -> Self {
        Self { name, meaning: meaning.to_string(), bytes: PartBytes::Pointer(len) }
    }

    /// Returns a part of `len` bytes that are not in use.
    pub fn unused(name: &'static str, len: usize) -> Self {
        Self { name, meaning: String::new(), bytes: PartBytes::Unused(len) }
    }

    /// Returns the number of bytes.
    pub fn len(&self) -> usize {
        match &self.bytes {
            PartBytes::Written(bytes) | PartBytes::Text(bytes) => bytes.len(),
            PartBytes::Pointer(len) | PartBytes::Unused(len) => *len,
        }
    }

    /// Returns whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
