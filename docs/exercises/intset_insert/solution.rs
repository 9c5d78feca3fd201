//! An insert into the bytes of an intset.

/// The bytes in front of the integers: the width in 4 bytes, and the number of integers in 4 bytes.
const HEADER: usize = 8;

fn width_of(value: i64) -> usize {
    match value {
        -0x8000..=0x7FFF => 2,
        -0x8000_0000..=0x7FFF_FFFF => 4,
        _ => 8,
    }
}

/// Reads a number of 4 bytes of the header.
fn header(set: &[u8], at: usize) -> usize {
    u32::from_le_bytes([set[at], set[at + 1], set[at + 2], set[at + 3]]) as usize
}

/// Reads integer number `at`.
fn read(set: &[u8], width: usize, at: usize) -> i64 {
    let mut bytes = [0; 8];
    bytes[8 - width..].copy_from_slice(&set[HEADER + at * width..][..width]);
    i64::from_le_bytes(bytes) >> (64 - 8 * width)
}

/// Writes integer number `at`.
fn write(set: &mut [u8], width: usize, at: usize, value: i64) {
    set[HEADER + at * width..][..width].copy_from_slice(&value.to_le_bytes()[..width]);
}

/// Adds an integer to the bytes of an intset. Returns whether it is new.
pub(crate) fn insert(set: &mut Vec<u8>, value: i64) -> bool {
    let (old_width, len) = (header(set, 0), header(set, 4));
    let width = old_width.max(width_of(value));
    let (mut place, mut end) = (0, len);
    while place < end {
        let middle = place.midpoint(end);
        match read(set, old_width, middle).cmp(&value) {
            std::cmp::Ordering::Equal => return false,
            std::cmp::Ordering::Less => place = middle + 1,
            std::cmp::Ordering::Greater => end = middle,
        }
    }
    set.resize(HEADER + (len + 1) * width, 0);
    let first_that_moves = if width > old_width { 0 } else { place };
    // The last integer moves first, because each one moves to the right.
    for at in (first_that_moves..len).rev() {
        let moving = read(set, old_width, at);
        write(set, width, at + usize::from(at >= place), moving);
    }
    write(set, width, place, value);
    set[..4].copy_from_slice(&(width as u32).to_le_bytes());
    set[4..8].copy_from_slice(&(len as u32 + 1).to_le_bytes());
    true
}
