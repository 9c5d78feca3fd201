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
    match len {
        0..0x40 => output.push(len as u8),
        0x40..0x4000 => output.extend((0x4000 | len as u16).to_be_bytes()),
        0x4000..=0xffff_ffff => {
            output.push(0x80);
            output.extend((len as u32).to_be_bytes());
        }
        _ => {
            output.push(0x81);
            output.extend(len.to_be_bytes());
        }
    }
}

/// Reads the length at `offset`. Returns the length, and the offset after it.
pub(crate) fn read_len(input: &[u8], offset: usize) -> Result<(u64, usize), LengthError> {
    let bytes = input.get(offset..).unwrap_or_default();
    let truncated = LengthError::Truncated { offset: input.len() };
    let (&byte, rest) = bytes.split_first().ok_or(truncated)?;
    let (len, size) = match byte {
        0..0x40 => (Some(byte.into()), 1),
        0x40..0x80 => (bytes.first_chunk().map(|bytes| (u16::from_be_bytes(*bytes) & 0x3fff).into()), 2),
        0x80 => (rest.first_chunk().map(|bytes| u32::from_be_bytes(*bytes).into()), 5),
        0x81 => (rest.first_chunk().map(|bytes| u64::from_be_bytes(*bytes)), 9),
        _ => return Err(LengthError::NotALength { offset, byte }),
    };
    Ok((len.ok_or(truncated)?, offset + size))
}
