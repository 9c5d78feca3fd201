//! Counting and finding bits, many at a time.
//!
//! A string's first bit is the highest of its first byte. Both functions are loops over whole words, which
//! the compiler turns into vector code. The first x86-64 machines lack the instructions that count bits. So
//! on x86-64 the counting loop is compiled twice: for every machine, and for machines with AVX2.
//!
//! Learned from: Wojciech Muła, Nathan Kurz and Daniel Lemire, *Faster population counts using AVX2
//! instructions*. LLVM compiles the loop to their method.

/// Returns the number of bits that are 1.
#[inline]
pub(super) fn count_ones(bytes: &[u8]) -> u64 {
    /// Below this number of bytes, the check of the machine would cost as much as it saves.
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    const DETECT_LEN_MIN: usize = 32;

    #[cfg(all(target_arch = "x86_64", not(miri)))]
    if bytes.len() >= DETECT_LEN_MIN
        && std::arch::is_x86_feature_detected!("avx2")
        && std::arch::is_x86_feature_detected!("popcnt")
    {
        // SAFETY: the machine has the features for which the function is compiled.
        return unsafe { count_ones_avx2(bytes) };
    }
    count_ones_by_words(bytes)
}

/// Does the same as [`count_ones_by_words`], compiled for machines with AVX2.
///
/// # Safety
/// The machine must have AVX2 and POPCNT.
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[target_feature(enable = "avx2,popcnt")]
fn count_ones_avx2(bytes: &[u8]) -> u64 {
    count_ones_by_words(bytes)
}

#[inline(always)]
fn count_ones_by_words(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let words: u64 = words.iter().map(|word| u64::from(u64::from_ne_bytes(*word).count_ones())).sum();
    let rest: u32 = rest.iter().map(|byte| byte.count_ones()).sum();
    words + u64::from(rest)
}

/// Returns the position of the first bit that equals `bit`.
#[inline]
pub(super) fn first_bit(bytes: &[u8], bit: bool) -> Option<u64> {
    // `without` is a byte that does not contain the bit. XOR with it makes such a byte zero.
    let without = if bit { 0x00 } else { 0xFF };
    let blocks = skip::<64>(bytes, without);
    let words = blocks + skip::<8>(&bytes[blocks..], without);
    let at = words + bytes[words..].iter().position(|byte| *byte != without)?;
    Some(at as u64 * 8 + u64::from((bytes[at] ^ without).leading_zeros()))
}

/// Returns the number of leading bytes, in whole blocks, that are all `without`. Takes one branch a block.
#[inline]
fn skip<const BLOCK: usize>(bytes: &[u8], without: u8) -> usize {
    let (blocks, _) = bytes.as_chunks::<BLOCK>();
    let is_empty = |block: &&[u8; BLOCK]| block.iter().fold(0, |all, byte| all | (byte ^ without)) == 0;
    blocks.iter().take_while(is_empty).count() * BLOCK
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns strings of all lengths around the sizes of words and blocks, with few ones, few zeros, and
    /// many of both.
    fn strings() -> impl Iterator<Item = Vec<u8>> {
        let lens = if cfg!(miri) { vec![0, 3, 8, 67] } else { (0..200).collect() };
        lens.into_iter().flat_map(|len| {
            let noise = (0..len as u32).map(|i| (i.wrapping_mul(0x9E37_79B9) >> 13) as u8).collect();
            let mut last = vec![0; len];
            last.iter_mut().last().into_iter().for_each(|byte| *byte = 1);
            let not_last = last.iter().map(|byte| !byte).collect();
            [vec![0; len], vec![0xFF; len], noise, last, not_last]
        })
    }

    fn bits(bytes: &[u8]) -> impl Iterator<Item = bool> {
        bytes.iter().flat_map(|byte| (0..8).map(move |bit| byte << bit & 0x80 != 0))
    }

    #[test]
    fn every_bit_is_counted_on_every_machine() {
        for bytes in strings() {
            let naive = bits(&bytes).filter(|bit| *bit).count() as u64;
            assert_eq!(count_ones(&bytes), naive, "{bytes:?}");
            assert_eq!(count_ones_by_words(&bytes), naive, "{bytes:?}");
        }
    }

    #[test]
    fn the_first_bit_is_found_wherever_it_is() {
        for bytes in strings() {
            for bit in [false, true] {
                let naive = bits(&bytes).position(|other| other == bit).map(|at| at as u64);
                assert_eq!(first_bit(&bytes, bit), naive, "{bit} in {bytes:?}");
            }
        }
        for at in (0..300).step_by(if cfg!(miri) { 71 } else { 1 }) {
            let mut bytes = [0; 40];
            bytes.get_mut(at / 8).into_iter().for_each(|byte| *byte = 0x80 >> (at % 8));
            assert_eq!(first_bit(&bytes, true), (at < 320).then_some(at as u64));
            let inverted = bytes.map(|byte| !byte);
            assert_eq!(first_bit(&inverted, false), (at < 320).then_some(at as u64));
        }
    }
}
