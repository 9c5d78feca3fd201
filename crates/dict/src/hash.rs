//! The default hash of a [`Dict`](crate::Dict): foldhash, with seeds from the operating system.
//!
//! ```text
//!  once a process   SharedSeed   six words derived from 64 random bits   the constants that multiply keys
//!  once a dict      own seed     64 random bits                          mixed with the first bytes of a key
//!
//!  16 bytes         product = (first 8 ^ own seed) * (last 8 ^ shared[1])
//!                   high half ^ low half of the product; then once more, with the length
//! ```
//!
//! A table needs three properties of its hash.
//!
//! - It must be good in all bits: the lowest bits choose the chunk, and the highest are the tag.
//! - It must be short, because the cache miss of a look-up starts only when the hash is known. SipHash takes
//!   ten times the instructions, and a hit then takes three times as long.
//! - A client that chooses keys must not be able to choose chains. Both factors of the multiplication contain
//!   a secret, so no list of keys written beforehand collides.
//!
//! The seed of each dict has one more use. Entries are often copied from one dict to another in the order of
//! the chunks. If both dicts hash alike, that fills the chunks of the other unevenly (`Table::scan`). With
//! different seeds it does not.
//!
//! Of foldhash's two kinds, this is the *quality* one, which folds once more. With the fast one, under one
//! seed in thirty, a hundred numbers in steps of a power of two fall into one chunk.
//!
//! foldhash's own `RandomState` takes its seeds from addresses and the clock. This file takes them from std's
//! [`RandomState`], which is the only access that std gives to the random numbers of the operating system.
//! Each seed is an output of SipHash under a secret key, so one seed does not reveal the next.
//!
//! Credits: Orson Peters, for foldhash and its plain words on what it does not protect against; Redis and
//! std, which showed what an unkeyed default costs; Tim McLean and others, for the quadratic copy
//! (rust-lang/rust#36481).

use core::fmt;
use core::hash::{BuildHasher, Hasher};
use std::hash::RandomState;
use std::sync::OnceLock;

use foldhash::SharedSeed;
use foldhash::quality::{FoldHasher, SeedableRandomState};

/// The default hash of a [`Dict`](crate::Dict): foldhash, with seeds that the operating system provides for
/// each process and each dict.
///
/// It protects against:
///
/// - *Keys written beforehand*: no list of keys collides in every process. A client that sends keys, and
///   learns only that they were accepted, cannot make chains.
/// - *The order of one dict in another*: two dicts do not share their order, so copying one into the other is
///   not quadratic. A clone has the order of its original.
///
/// It does not protect against:
///
/// - *Clients that see hashes, or what follows from them*: the order of an iteration or a scan, or the time
///   of single look-ups. Each of these reveals a few bits of a hash. foldhash is not cryptographic: from
///   enough bits, the seeds can be computed, and with them keys that collide. A server that shows the order
///   of its keys to strangers should use [`std::hash::RandomState`] (SipHash-1-3) instead, which is made for
///   this. A hit then takes about three times as long.
/// - *Rare pairs*: there are known pairs of keys that collide under one seed in a hundred million. With an
///   ideal hash it would be one seed in 2^64. A pair does not make a chain.
/// - *A fixed seed*: see [`DefaultHashBuilder::with_seed`].
///
/// ```
/// use dict::{DefaultHashBuilder, Dict};
/// let mut dict = Dict::with_hasher(DefaultHashBuilder::with_seed(7)); // the same order in every run
/// dict.insert("key", 1);
/// let mut slow_but_sure = Dict::with_hasher(std::hash::RandomState::new());
/// slow_but_sure.insert("key", 1);
/// assert_eq!(dict["key"], slow_but_sure["key"]);
/// ```
#[derive(Clone)]
pub struct DefaultHashBuilder {
    seeds: SeedableRandomState,
}

/// Returns random bits that were never used before: std seeds the `RandomState` of every thread from the
/// operating system.
fn random() -> u64 {
    RandomState::new().hash_one(())
}

impl DefaultHashBuilder {
    /// Creates a hash with a new seed. The first call in the process, and the first in each thread, ask the
    /// operating system for random numbers. The others take about 130 instructions.
    pub fn new() -> Self {
        static SHARED: OnceLock<SharedSeed> = OnceLock::new();
        let shared = SHARED.get_or_init(|| SharedSeed::from_u64(random()));
        Self { seeds: SeedableRandomState::with_seed(random(), shared) }
    }

    /// Creates a hash that depends on the seed and the version of this crate only. It is for tests, and for
    /// work that must be repeatable. In C: `dictSetHashFunctionSeed`.
    ///
    /// Do not use it for keys that strangers choose, **even if the seed is secret**. The constants beside the
    /// seed are public then, and keys can be made that collide under all seeds.
    pub fn with_seed(seed: u64) -> Self {
        Self { seeds: SeedableRandomState::with_seed(seed, SharedSeed::global_fixed()) }
    }
}

impl Default for DefaultHashBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for DefaultHashBuilder {
    /// Does not show the seed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DefaultHashBuilder").finish_non_exhaustive()
    }
}

impl BuildHasher for DefaultHashBuilder {
    type Hasher = DefaultHasher;

    #[inline]
    fn build_hasher(&self) -> DefaultHasher {
        DefaultHasher(self.seeds.build_hasher())
    }
}

/// The hasher that [`DefaultHashBuilder`] creates for each key.
#[derive(Clone)]
pub struct DefaultHasher(FoldHasher<'static>);

impl fmt::Debug for DefaultHasher {
    /// Does not show the seed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DefaultHasher").finish_non_exhaustive()
    }
}

/// Passes numbers on as numbers. The trait's own methods would turn them into bytes.
macro_rules! forward {
    ($($write:ident: $number:ty)*) => {$(
        #[inline]
        fn $write(&mut self, number: $number) {
            self.0.$write(number);
        }
    )*};
}

impl Hasher for DefaultHasher {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    forward! { write_u8: u8 write_u16: u16 write_u32: u32 write_u64: u64 write_u128: u128 write_usize: usize }

    #[inline]
    fn finish(&self) -> u64 {
        self.0.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_says_all_and_every_new_hash_has_one_of_its_own() {
        let hash = |of: &DefaultHashBuilder| of.hash_one("key");
        assert_eq!(hash(&DefaultHashBuilder::with_seed(7)), hash(&DefaultHashBuilder::with_seed(7)));
        assert_ne!(hash(&DefaultHashBuilder::with_seed(7)), hash(&DefaultHashBuilder::with_seed(8)));
        let one = DefaultHashBuilder::new();
        assert_eq!(hash(&one), hash(&one.clone()));
        // 32 draws of 64 bits: two are the same in one of 2^55 runs.
        let mut all: Vec<u64> = (0..32).map(|_| hash(&DefaultHashBuilder::default())).collect();
        all.extend(std::thread::spawn(move || hash(&DefaultHashBuilder::new())).join());
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 33);
    }

    #[test]
    fn no_seed_is_ever_printed() {
        let hash = DefaultHashBuilder::with_seed(0x1234_5678);
        assert_eq!(format!("{hash:?}"), "DefaultHashBuilder { .. }");
        assert_eq!(format!("{:?}", hash.build_hasher()), "DefaultHasher { .. }");
    }

    #[test]
    fn numbers_are_hashed_as_numbers() {
        // foldhash itself does this for every type.
        let ours = DefaultHashBuilder::with_seed(7);
        let theirs = foldhash::quality::FixedState::with_seed(7);
        let key = (1_u8, -2_i16, 3_u32, -4_i64, 5_u128, 6_usize, 'c', "text", [9_u8; 40]);
        assert_eq!(ours.hash_one(key), theirs.hash_one(key));
    }
}
