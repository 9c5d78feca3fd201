//! The block of a string: header, text, NUL and free bytes.

/// Returns the block of a string with a capacity, which is at least the length.
pub(crate) fn write(text: &[u8], capacity: usize) -> Vec<u8> {
    let mut block = Vec::new();
    if text.len() == capacity && (1..=31).contains(&capacity) {
        block.push((capacity as u8) << 3);
    } else {
        let (flags, width) = match capacity as u64 {
            0..=0xff => (1, 1),
            0x100..=0xffff => (2, 2),
            0x1_0000..=0xffff_ffff => (3, 4),
            _ => (4, 8),
        };
        for number in [text.len(), capacity] {
            block.extend_from_slice(&(number as u64).to_le_bytes()[..width]);
        }
        block.push(flags);
    }
    let header_len = block.len();
    block.extend_from_slice(text);
    block.resize(header_len + capacity + 1, 0); // the NUL and the free bytes
    block
}

/// Returns the text that begins at `at`, and its capacity. Returns `None` if the block is not valid.
pub(crate) fn read(block: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let flags_at = at.checked_sub(1)?;
    let flags = *block.get(flags_at)?;
    let (len, capacity) = match flags & 0b111 {
        0 => (usize::from(flags >> 3), usize::from(flags >> 3)),
        exponent @ 1..=4 => {
            let width = 1 << (exponent - 1);
            let header = block.get(flags_at.checked_sub(2 * width)?..flags_at)?;
            let (len, capacity) = header.split_at(width);
            (number(len)?, number(capacity)?)
        }
        _ => return None,
    };
    // The capacity and the NUL have to be inside the block.
    let rest = block.get(at..at.checked_add(capacity)?.checked_add(1)?)?;
    (len <= capacity && rest[len] == 0).then(|| (&rest[..len], capacity))
}

/// Returns the number whose bytes these are, the lowest one first.
fn number(bytes: &[u8]) -> Option<usize> {
    let mut wide = [0; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    usize::try_from(u64::from_le_bytes(wide)).ok()
}
