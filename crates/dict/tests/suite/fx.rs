//! A weak hash and keys made against it, for the test of flooding and for the example of the same name.

use std::hash::Hasher;

/// The hash of Firefox and of rustc until 2024: fast, and without a key.
#[derive(Default)]
pub(crate) struct Fx(u64);

const FX_FACTOR: u64 = 0x517c_c1b7_2722_0a95;

impl Hasher for Fx {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(FX_FACTOR);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Pairs that all have the hash 0 under [`Fx`]: the second word undoes what the first has done.
pub(crate) fn against_fx(n: u64) -> (u64, u64) {
    (n, n.wrapping_mul(FX_FACTOR).rotate_left(5))
}
