//! The block of a string: header, text, NUL and free bytes.

/// Returns the block of a string with a capacity, which is at least the length.
pub(crate) fn write(text: &[u8], capacity: usize) -> Vec<u8> {
    todo!("a block for {text:?} with a capacity of {capacity}")
}

/// Returns the text that begins at `at`, and its capacity. Returns `None` if the block is not valid.
pub(crate) fn read(block: &[u8], at: usize) -> Option<(&[u8], usize)> {
    todo!("the text at {at} of {block:?}")
}
