//! Where a string should be stored: in the block of its entry, so that a reply copies it, or in an object,
//! which a reply shares.
//!
//! The suite compares the time of a reply that copies the string into a `Bytes` with the time of one that
//! shares the object. (A keyspace also counts the bytes that it lends, which takes four more atomic
//! operations.) It also computes how many bytes a string in the block saves, from the size classes of the
//! allocator. The two figures determine the length up to which a keyspace stores a string in the block
//! (`INLINE_LEN_MAX`). No other library is measured.

use crate::keys::{KEY_BYTES, shuffled};
use crate::lifecycle::timed;
use crate::measure::{Subject, paired};
use crate::report::Row;
use crate::suite::Ctx;
use bytes::Bytes;
use robj::Robj;
use sds::Sds;
use std::hint::black_box;

/// The name of the peer of this suite: a reply that shares the object.
pub(super) const HOLD: &str = "hold the object";

/// The lengths of the strings, in bytes.
const LENGTHS: [usize; 8] = [64, 256, 512, 1_000, 1_500, 2_000, 4_000, 16_000];

/// The ranges of lengths over which the saved bytes are averaged. Range `n` is from 2^n to below 2^(n+1)
/// bytes.
const DOUBLINGS: std::ops::Range<u32> = 6..14;

pub(super) fn run(ctx: &mut Ctx) {
    for len in LENGTHS {
        let count = ctx.settings.pick(100, 5_000, 20_000).min(64_000_000 / len as u32);
        let rounds = ctx.settings.pick(1, 7, 21);
        let objects: Vec<Robj> = (0..count).map(|_| Robj::raw(Sds::from_bytes(&vec![b'x'; len]))).collect();
        let order = shuffled(0..count, ctx.settings.seed);
        let each = |reply: fn(&Robj) -> Bytes| {
            timed(|| order.iter().for_each(|&i| drop(black_box(reply(&objects[i as usize])))))
        };
        let mut subjects = [
            Subject::new("copy into a Bytes", || {
                each(|object| Bytes::copy_from_slice(&object.as_string().expect("a string")))
            }),
            Subject::new(HOLD, || each(|object| Bytes::try_from(object.clone()).expect("a string"))),
        ];
        ctx.progress.start("replies", rounds + 1);
        let samples = paired(&mut subjects, rounds, ctx.settings.seed, ctx.progress);
        ctx.report.compare(ctx.suite, "reply of a string", len as u64, count.into(), &samples);
    }
    let row = Row::alone(
        ctx.suite,
        "string in the block instead of an object, mean over doublings from 64 B to 16 KiB",
        KEY_BYTES as u64,
        "Keyspace",
        "bytes less",
        "B",
        mean_saved(),
    );
    ctx.report.row(row);
}

/// Returns how many bytes a string in the block saves on average. All ranges of [`DOUBLINGS`] have the same
/// weight, and so have all lengths of a range.
fn mean_saved() -> f64 {
    let of_doubling = |lg: u32| {
        let lens = 1_usize << lg..2 << lg;
        lens.clone().map(|len| saved(len) as f64).sum::<f64>() / lens.len() as f64
    };
    DOUBLINGS.map(of_doubling).sum::<f64>() / DOUBLINGS.len() as f64
}

/// Returns how many bytes are saved if a string of `len` bytes is in the block of its entry, and not in an
/// object. The key has [`KEY_BYTES`] bytes. The blocks count with their size classes.
fn saved(len: usize) -> isize {
    /// The head, the length of the key, and the key.
    const FRONT: usize = 4 + 1 + KEY_BYTES;
    const WORD: usize = size_of::<usize>();
    const OBJECT: usize = 16;
    let length = if len < 254 { 1 } else { 3 };
    let in_block = zmalloc::good_size(FRONT + length + len);
    let header = sds::layout::HeaderType::for_len(len).header_len();
    let apart = zmalloc::good_size(FRONT.next_multiple_of(WORD) + WORD)
        + zmalloc::good_size(OBJECT)
        + zmalloc::good_size(header + len + 1);
    apart as isize - in_block as isize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The arithmetic must agree with real blocks.
    #[test]
    fn a_string_in_the_block_saves_what_the_arithmetic_says() {
        let entry = |len: usize| {
            let mut keyspace = keyspace::Keyspace::new();
            keyspace.set(&[b'k'; KEY_BYTES], &vec![b'x'; len], 0).unwrap();
            keyspace.memory_usage(&[b'k'; KEY_BYTES], 0).unwrap() as isize
        };
        // A string of 1,024 bytes is the longest in the block, and one of 1,025 bytes is in an object. The
        // tolerance is this one byte and the rounding to a size class.
        let at_limit = entry(1_025) - entry(1_024);
        assert!(
            (at_limit - saved(1_024)).abs() <= 1 + zmalloc::good_size(1_100) as isize - 1_100,
            "{at_limit}"
        );
        assert!((20.0..32.0).contains(&mean_saved()), "{}", mean_saved());
    }
}
