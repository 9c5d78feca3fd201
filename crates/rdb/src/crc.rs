//! The checksum of files and payloads. It is the CRC-64 of Redis: the reflected polynomial of Jones, with the
//! initial value 0.
//!
//! The crate `crc-fast` computes it, by carry-less multiplication if the processor has it, and otherwise with
//! tables.

use crc_fast::{CrcAlgorithm, Digest};

/// A checksum that is computed piece by piece.
pub(crate) struct Crc(Digest);

impl Crc {
    pub(crate) fn new() -> Self {
        Self(Digest::new(CrcAlgorithm::Crc64Redis))
    }

    #[inline]
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn value(&self) -> u64 {
        self.0.finalize()
    }
}

/// Returns the checksum of `bytes`.
pub(crate) fn crc64(bytes: &[u8]) -> u64 {
    crc_fast::checksum(CrcAlgorithm::Crc64Redis, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, as an oracle: bit by bit, the lowest bit first.
    fn bit_by_bit(bytes: &[u8]) -> u64 {
        const POLYNOMIAL: u64 = 0x95AC_9329_AC4B_C9B5; // 0xAD93_D235_94C9_35A9 with its bits in the other order
        bytes.iter().fold(0, |crc, byte| {
            (0..8).fold(
                crc ^ u64::from(*byte),
                |crc: u64, _| {
                    if crc & 1 == 1 { crc >> 1 ^ POLYNOMIAL } else { crc >> 1 }
                },
            )
        })
    }

    #[test]
    fn the_checksum_is_that_of_redis() {
        assert_eq!(crc64(b"123456789"), 0xE9C6_D914_C4B8_D9CA); // the value that the test of Redis checks
        let bytes: Vec<u8> = (0..5_000_u32).map(|n| ((n * n) >> 3) as u8).collect();
        for len in [0, 1, 7, 8, 9, 63, 64, 255, 256, 1_000, 5_000] {
            assert_eq!(crc64(&bytes[..len]), bit_by_bit(&bytes[..len]), "{len}");
        }
    }

    #[test]
    fn pieces_have_the_checksum_of_the_whole() {
        let bytes: Vec<u8> = (0..1_000_u32).map(|n| (n * 7) as u8).collect();
        for piece in [1, 3, 64, 999, 1_000] {
            let mut crc = Crc::new();
            bytes.chunks(piece).for_each(|piece| crc.update(piece));
            assert_eq!(crc.value(), crc64(&bytes), "{piece}");
        }
    }
}
