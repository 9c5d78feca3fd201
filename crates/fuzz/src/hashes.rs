//! Good and bad hashes and random sources for tables.

use arbitrary::Arbitrary;
use std::hash::{BuildHasher, Hasher};

/// A hash function of numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Hash {
    /// The bits of the number are mixed.
    Mixed,
    /// The hash is the number. Chunks fill in order, and all tags are equal.
    Identity,
    /// There are only sixteen different hashes.
    Few,
    /// The number is in the highest bits, so all entries are in the first chunk.
    High,
}

impl Hash {
    pub(crate) fn chosen_by(byte: u8) -> Self {
        [Self::Mixed, Self::Identity, Self::Few, Self::High][usize::from(byte % 4)]
    }

    pub(crate) fn of(self, key: u64) -> u64 {
        match self {
            Self::Mixed => {
                let x = key.wrapping_mul(0x9E37_79B9_7F4A_7C15);
                x ^ (x >> 29)
            }
            Self::Identity => key,
            Self::Few => (key % 16).wrapping_mul(0x9E37_79B9_7F4A_7C15),
            Self::High => key << 48,
        }
    }
}

impl BuildHasher for Hash {
    type Hasher = KeyHasher;

    fn build_hasher(&self) -> KeyHasher {
        KeyHasher { function: *self, state: 0 }
    }
}

pub(crate) struct KeyHasher {
    function: Hash,
    state: u64,
}

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.state = self.state << 8 | u64::from(*byte);
        }
    }

    fn finish(&self) -> u64 {
        self.function.of(self.state)
    }
}

/// A random source. Some are broken, but picking a random entry must end with each of them.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) enum RandomSource {
    Constant(u64),
    Counting { from: u64, by: u16 },
    Shifting(u64),
    Mixed(u64),
}

impl RandomSource {
    pub(crate) fn source(mut self) -> impl FnMut() -> u64 {
        move || match &mut self {
            Self::Constant(number) => *number,
            Self::Counting { from, by } => {
                *from = from.wrapping_add(u64::from(*by));
                *from
            }
            Self::Shifting(bits) => {
                *bits = bits.rotate_left(1);
                *bits & 1
            }
            Self::Mixed(state) => {
                *state = state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
                *state ^ *state >> 32
            }
        }
    }
}
