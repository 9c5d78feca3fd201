//! Look-ups that wait for each other: the next key depends on the previous answer.
//!
//! The next key is always the next one in the list, but the processor must wait for the answer to know that.
//! So no look-up begins before the previous one has ended. The look-ups of a plain loop overlap. A store that
//! does other work between two requests waits for each look-up in the same way.

use crate::lifecycle::timed;
use std::hint::black_box;
use std::time::Duration;

/// The maximum number of look-ups. Their time is scaled to the number of keys.
const LOOK_UPS_MAX: usize = 1_000_000;

/// Returns the time to look up all `keys`, one after the other.
pub fn hits<K>(keys: &[K], mut value: impl FnMut(&K) -> u64) -> Duration {
    batches::<1, K>(keys, |[key]| value(key))
}

/// Returns the time to look up all `keys` in batches. The keys of a batch depend on the answers to the
/// previous batch.
pub fn batches<const N: usize, K>(keys: &[K], mut values: impl FnMut(&[K; N]) -> u64) -> Duration {
    let some = keys.len().min(LOOK_UPS_MAX) / N * N;
    assert!(some > 0, "fewer keys than in a batch");
    let nothing = black_box(0);
    let mut found = 0;
    let time = timed(|| {
        for at in (0..some).step_by(N) {
            let batch = keys[at + (found & nothing) as usize..].first_chunk().expect("whole batches");
            found ^= values(batch);
        }
    });
    black_box(found);
    time.mul_f64(keys.len() as f64 / some as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{Key, key};

    #[test]
    fn every_key_of_a_whole_batch_is_looked_up_in_order() {
        let keys: Vec<Key> = (0..35).map(key).collect();
        let (mut seen, mut batched) = (Vec::new(), Vec::<Key>::new());
        hits(&keys, |key| {
            seen.push(*key);
            1
        });
        batches::<16, _>(&keys, |keys| {
            batched.extend(keys);
            2
        });
        assert!(seen == keys && batched == keys[..32]);
    }
}
