//! The lengths in a dump file.

/// The reason why there is no length at an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LengthError {
    /// The input ends before the length does.
    Truncated {
        /// Where the input ends.
        offset: usize,
    },
    /// The byte does not begin a length.
    NotALength {
        /// Where the byte is.
        offset: usize,
        byte: u8,
    },
}

/// Appends a length in its shortest form.
pub(crate) fn write_len(len: u64, output: &mut Vec<u8>) {
    todo!("append the length {len} to {output:?}")
}

/// Reads the length at `offset`. Returns the length, and the offset after it.
pub(crate) fn read_len(input: &[u8], offset: usize) -> Result<(u64, usize), LengthError> {
    todo!("read the length at {offset} of {input:?}")
}
