//! Tests of the logarithmic counter against its mathematics and against the table in redis.conf.
//!
//! The counter is a Markov chain. A hit moves it from `c` to `c + 1` with probability `p(c) = 1 /
//! (max(c - 5, 0) * f + 1)`, and leaves it at `c` otherwise. The distribution after n hits has an exact mean
//! and an exact standard deviation `sd`, with which the tests compare a counter:
//!
//! - The mean of R independent runs has the standard deviation `sd / sqrt(R)`. The measured mean must lie
//!   within five of these of the exact mean. A correct counter fails one comparison in 1.7 million, and the
//!   seed is fixed.
//! - Each figure in redis.conf is an integer and comes from a single run on its own server. It must lie within
//!   four standard deviations of the exact mean, plus one for a hit of the benchmark itself.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use robj::Robj;
use values::LfuParams;

/// Returns the exact mean and standard deviation of the counter after `hits` hits without decay.
fn exact(log_factor: u32, hits: u32) -> (f64, f64) {
    let mut distribution = [0.0f64; 256];
    distribution[5] = 1.0;
    for _ in 0..hits {
        // The loop begins at the highest counter, so that no share moves twice in one hit. A counter of 255
        // does not move.
        for counter in (5..255).rev() {
            let p = 1.0 / ((counter - 5) as f64 * f64::from(log_factor) + 1.0);
            let moved = distribution[counter] * p;
            distribution[counter] -= moved;
            distribution[counter + 1] += moved;
        }
    }
    let mean: f64 = distribution.iter().enumerate().map(|(c, p)| c as f64 * p).sum();
    let variance: f64 = distribution.iter().enumerate().map(|(c, p)| (c as f64 - mean).powi(2) * p).sum();
    (mean, variance.sqrt())
}

fn one_run(log_factor: u32, hits: u32, rng: &mut StdRng) -> u8 {
    let object = Robj::from("x");
    object.lfu_init(0);
    let params = LfuParams { log_factor, ..LfuParams::default() };
    for _ in 0..hits {
        object.lfu_touch(0, || rng.next_u32(), &params);
    }
    object.freq(0, &params)
}

/// The table of redis.conf. A row has `lfu-log-factor`, the number of hits, and the counter after them.
const REDIS_CONF: [(u32, u32, u8); 12] = [
    (0, 100, 104),
    (0, 1_000, 255),
    (1, 100, 18),
    (1, 1_000, 49),
    (1, 100_000, 255),
    (10, 100, 10),
    (10, 1_000, 18),
    (10, 100_000, 142),
    (10, 1_000_000, 255),
    (100, 100, 8),
    (100, 1_000, 11),
    (100, 100_000, 49),
];

#[test]
fn the_mean_of_many_runs_is_the_exact_one() {
    let mut rng = StdRng::seed_from_u64(20_260_101);
    for (log_factor, hits, _) in REDIS_CONF {
        let (mean, deviation) = exact(log_factor, hits);
        let runs = (2_000_000 / hits).clamp(3, 2_000);
        let total: u64 = (0..runs).map(|_| u64::from(one_run(log_factor, hits, &mut rng))).sum();
        let measured = total as f64 / f64::from(runs);
        let allowed = 5.0 * deviation / f64::from(runs).sqrt() + 1e-6;
        assert!(
            (measured - mean).abs() <= allowed,
            "factor {log_factor}, {hits} hits: {measured} is not {mean} +- {allowed}"
        );
    }
}

#[test]
fn the_table_of_redis_conf_is_a_likely_outcome() {
    for (log_factor, hits, published) in REDIS_CONF {
        let (mean, deviation) = exact(log_factor, hits);
        assert!(
            (f64::from(published) - mean).abs() <= 4.0 * deviation + 1.0,
            "factor {log_factor}, {hits} hits: {published} against {mean} +- {deviation}"
        );
    }
}

#[test]
fn a_counter_that_is_a_little_wrong_would_be_found() {
    // The means for the factors 9 and 10 differ by more than twice the tolerance of the first test, so that
    // test would detect a counter with the wrong one of the two factors.
    let (ten, deviation) = exact(10, 1_000);
    let (nine, _) = exact(9, 1_000);
    assert!((nine - ten).abs() > 2.0 * 5.0 * deviation / 2_000f64.sqrt(), "{ten} {nine} {deviation}");
}
