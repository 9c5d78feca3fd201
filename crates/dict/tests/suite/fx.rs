//! A weak hash, and keys made to collide under it, for the tests and the example `flooding`.

use std::hash::Hasher;

/// The hash that Firefox uses, and that rustc used until 2024. It is fast and has no key.
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

/// Returns pairs that all have the hash 0 under [`Fx`]: the second word cancels the effect of the first.
pub(crate) fn against_fx(n: u64) -> (u64, u64) {
    (n, n.wrapping_mul(FX_FACTOR).rotate_left(5))
}
