//! The bytes of a listpack's entry.

/// Returns the bytes of the entry that stores a text, with its back length.
pub(crate) fn encode(text: &[u8]) -> Vec<u8> {
    todo!("the entry of {text:?}, whose integer is {:?}", listpack::integer::parse(text))
}
