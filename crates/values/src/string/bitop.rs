//! Bitwise operations over whole strings: `BITOP`.
//!
//! The result is made block by block. Each block is combined from all sources before the next one, so it
//! stays in the first-level cache for any number of sources. The inner loops are over bytes, which the
//! compiler vectorises.
//!
//! Learned from: Redis' `bitops.c` (`bitopCommand`), for the rules on sources of different lengths.

use sds::Sds;
use zmalloc::{ReserveError, or_oom};

/// The number of bytes of the result that are made at a time.
const BLOCK: usize = 4096;

/// The operation of [`bit_op`] on each bit of its sources. (NOT has one source: [`bit_not`].)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BitOp {
    /// The result is 1 if all sources are.
    And,
    /// The result is 1 if at least one source is.
    Or,
    /// The result is 1 if an odd number of sources are.
    Xor,
}

/// Combines the sources into a new string, which is as long as the longest of them. Shorter ones count as
/// if filled up with zeros. O(bytes of all sources). In C: `BITOP AND`, `OR`, `XOR`.
///
/// A key that does not exist is the source `b""`. Redis does not store an empty result.
///
/// ```
/// use values::string::{BitOp, bit_op};
/// assert_eq!(bit_op(BitOp::And, &["foobar", "abcdef"]), "`bc`ab");
/// ```
pub fn bit_op(op: BitOp, sources: &[impl AsRef<[u8]>]) -> Sds {
    or_oom(try_bit_op(op, sources))
}

/// Does the same as [`bit_op`], but returns an error if an allocation fails.
pub fn try_bit_op(op: BitOp, sources: &[impl AsRef<[u8]>]) -> Result<Sds, ReserveError> {
    let len = sources.iter().map(|source| source.as_ref().len()).max().unwrap_or(0);
    let mut result = Sds::try_zeroed(len)?;
    for (number, block) in result.as_mut_bytes().chunks_mut(BLOCK).enumerate() {
        let start = number * BLOCK;
        for (index, source) in sources.iter().enumerate() {
            let source = source.as_ref();
            let end = source.len().min(start + block.len());
            let part = source.get(start..end).unwrap_or(&[]);
            if index == 0 {
                block[..part.len()].copy_from_slice(part);
            } else {
                combine(op, block, part);
            }
        }
    }
    Ok(result)
}

/// Returns a new string with every bit inverted. O(n). In C: `BITOP NOT`.
///
/// ```
/// assert_eq!(values::string::bit_not(b"a").as_bytes(), [!b'a']);
/// ```
pub fn bit_not(source: &[u8]) -> Sds {
    or_oom(try_bit_not(source))
}

/// Does the same as [`bit_not`], but returns an error if an allocation fails.
pub fn try_bit_not(source: &[u8]) -> Result<Sds, ReserveError> {
    let mut result = Sds::try_from_bytes(source)?;
    result.as_mut_bytes().iter_mut().for_each(|byte| *byte = !*byte);
    Ok(result)
}

/// Combines the start of `block` with `part`, which may be shorter. The missing bytes count as zeros, so
/// they clear the rest under AND, and change nothing under OR and XOR.
fn combine(op: BitOp, block: &mut [u8], part: &[u8]) {
    let (start, rest) = block.split_at_mut(part.len());
    let pairs = start.iter_mut().zip(part);
    match op {
        BitOp::And => {
            pairs.for_each(|(byte, other)| *byte &= other);
            rest.fill(0);
        }
        BitOp::Or => pairs.for_each(|(byte, other)| *byte |= other),
        BitOp::Xor => pairs.for_each(|(byte, other)| *byte ^= other),
    }
}
