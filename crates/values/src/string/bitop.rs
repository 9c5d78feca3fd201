//! Bitwise operations over whole strings: `BITOP`.
//!
//! The result is made block by block, each block from all sources before the next, so that it stays in the
//! first cache however many sources there are. Inside a block the loops are over bytes, which the compiler makes
//! vectors of.
//!
//! Learned from: Redis' `bitops.c` (`bitopCommand`), for what happens to sources of different lengths.

use sds::Sds;
use zmalloc::{ReserveError, or_oom};

/// Bytes of the result that are made at a time.
const BLOCK: usize = 4096;

/// What [`bit_op`] does with each bit of its sources. (NOT has one source: [`bit_not`].)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BitOp {
    /// 1 where all sources are.
    And,
    /// 1 where at least one source is.
    Or,
    /// 1 where an odd number of sources is.
    Xor,
}

/// A new string as long as the longest source; shorter ones count as if filled with zeros. A key
/// that does not exist is the source `b""`, and a result that is empty is one that Redis does not store.
/// O(bytes of all sources). In C: `BITOP AND`, `OR`, `XOR`.
///
/// ```
/// use values::string::{BitOp, bit_op};
/// assert_eq!(bit_op(BitOp::And, &["foobar", "abcdef"]), "`bc`ab");
/// ```
pub fn bit_op(op: BitOp, sources: &[impl AsRef<[u8]>]) -> Sds {
    or_oom(try_bit_op(op, sources))
}

/// [`bit_op`] that returns an error.
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

/// A new string with every bit turned over. O(n). In C: `BITOP NOT`.
///
/// ```
/// assert_eq!(values::string::bit_not(b"a").as_bytes(), [!b'a']);
/// ```
pub fn bit_not(source: &[u8]) -> Sds {
    or_oom(try_bit_not(source))
}

/// [`bit_not`] that returns an error.
pub fn try_bit_not(source: &[u8]) -> Result<Sds, ReserveError> {
    let mut result = Sds::try_from_bytes(source)?;
    result.as_mut_bytes().iter_mut().for_each(|byte| *byte = !*byte);
    Ok(result)
}

/// Combines the start of `block` with `part`, which may be shorter: the zeros behind it clear the rest under
/// AND and change nothing under the others.
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
