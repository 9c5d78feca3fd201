//! The hash of a [`Dict`](crate::Dict) that is not told otherwise: foldhash, under seeds from the operating system.
//!
//! ```text
//!  once a process   SharedSeed   six words grown from 64 random bits      the constants that keys are multiplied by
//!  once a dict      own seed     64 random bits                           what the first key bytes are mixed with
//!
//!  16 bytes         ((first 8 ^ own seed) * (last 8 ^ shared[1])), high half ^ low half; then once more with the length
//! ```
//!
//! A table asks three things of its hash. Its lowest bits choose the chunk and its highest the tag, so all
//! must be good. It must be short: what is waited for is the next look-up's cache miss, and a processor that has hashed early
//! has started it early (SipHash costs ten times the instructions and three times the time of a hit). And who
//! chooses keys must not choose chains: both factors hold a secret, so that no list of keys written beforehand collides.
//!
//! The own seed does one thing more. Entries that are copied from one dict to another in the order of its chunks
//! fill the chunks of the other unevenly if both hash alike (`Table::scan`); under seeds of their own they do not.
//!
//! Of foldhash's two kinds this is the *quality* one, which folds once more: under one seed in thirty the fast one puts a hundred
//! numbers that lie in steps of a power of two into one chunk.
//!
//! foldhash's own `RandomState` draws its seeds from addresses and the clock. Ours come from [`RandomState`], the one door
//! that std has to the operating system's random numbers; each is an output of SipHash under a key that nobody sees,
//! so that one seed does not tell the next.
//!
//! Credits: Orson Peters, foldhash, and its plain words on what it does not protect against; Redis and std, that showed
//! what an unkeyed default costs; Tim McLean and others, the quadratic copy (rust-lang/rust#36481).

use core::fmt;
use core::hash::{BuildHasher, Hasher};
use std::hash::RandomState;
use std::sync::OnceLock;

use foldhash::SharedSeed;
use foldhash::quality::{FoldHasher, SeedableRandomState};

/// The hash of a [`Dict`](crate::Dict) that is not told otherwise: foldhash, with seeds drawn from the
/// operating system for each process and each dict.
///
/// What it protects against:
///
/// - *Keys written beforehand*: no list of keys collides in every process. Somebody who sends keys and sees no
///   more than that they were taken cannot make chains.
/// - *One dict's order in another*: two dicts do not share their order (a clone has its original's), so copying one into the other is not quadratic.
///
/// What it does not protect against:
///
/// - *Somebody who sees hashes, or what follows from them*: the order of an iteration or a scan, or the time of single
///   look-ups, each of which tells a few bits of a hash. foldhash is not cryptographic: from enough of them the seeds can be
///   computed, and with them keys that collide. A server that shows strangers the order of their keys should
///   take [`std::hash::RandomState`] (SipHash-1-3) instead, which is made for this and costs about three times as much a hit.
/// - *Rare pairs*: pairs of keys are known that collide under one seed in a hundred million, where an ideal hash would need
///   2^64. A pair makes no chain.
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

/// Random bits that nobody has seen before: std seeds every thread's `RandomState` from the operating system.
fn random() -> u64 {
    RandomState::new().hash_one(())
}

impl DefaultHashBuilder {
    /// A hash with a seed of its own. The process's first one asks the operating system for random numbers, and so
    /// does every thread's first; the others take some 130 instructions.
    pub fn new() -> Self {
        static SHARED: OnceLock<SharedSeed> = OnceLock::new();
        let shared = SHARED.get_or_init(|| SharedSeed::from_u64(random()));
        Self { seeds: SeedableRandomState::with_seed(random(), shared) }
    }

    /// The same hash wherever the seed is the same, as long as the version of this crate is: for tests and for
    /// work that has to be repeatable. In C: `dictSetHashFunctionSeed`.
    ///
    /// Do not give it keys that strangers choose, **not even under a secret seed**: the constants beside the seed are
    /// then public, and keys can be made that collide under all seeds.
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
    /// Never shows the seed.
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

/// What a [`DefaultHashBuilder`] hashes one key with.
#[derive(Clone)]
pub struct DefaultHasher(FoldHasher<'static>);

impl fmt::Debug for DefaultHasher {
    /// Never shows the seed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DefaultHasher").finish_non_exhaustive()
    }
}

/// Hands numbers on as numbers: the trait's own methods would make bytes of them.
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
        // As foldhash itself does, whatever goes in.
        let ours = DefaultHashBuilder::with_seed(7);
        let theirs = foldhash::quality::FixedState::with_seed(7);
        let key = (1_u8, -2_i16, 3_u32, -4_i64, 5_u128, 6_usize, 'c', "text", [9_u8; 40]);
        assert_eq!(ours.hash_one(key), theirs.hash_one(key));
    }
}
