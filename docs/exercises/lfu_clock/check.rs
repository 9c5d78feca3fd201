//! Checks the clock of LFU.

#[cfg_attr(feature = "solutions", path = "solution.rs")]
mod exercise;

use exercise::{Params, freq, touched};
use values::{Lfu, LfuParams};

/// The defaults of redis.conf.
const DEFAULT: Params = Params { log_factor: 10, decay_time: 1 };

/// Returns a clock.
fn clock(minutes: u16, counter: u8) -> u32 {
    u32::from(minutes) << 8 | u32::from(counter)
}

/// Returns the parameters of the oracle.
fn of(params: &Params) -> LfuParams {
    LfuParams { log_factor: params.log_factor, decay_time: params.decay_time }
}

#[test]
fn the_counter_loses_one_per_full_decay_time() {
    let freq = |decay_time, now| freq(clock(100, 7), now, &Params { decay_time, ..DEFAULT });
    assert_eq!([100, 101, 106, 107, 108, 600].map(|now| freq(1, now)), [7, 6, 1, 0, 0, 0]);
    assert_eq!([100, 109, 110, 119, 120].map(|now| freq(10, now)), [7, 7, 6, 6, 5]);
    assert_eq!([100, 600].map(|now| freq(0, now)), [7, 7]);
}

#[test]
fn the_minutes_start_again_after_65_536_of_them() {
    assert_eq!(freq(clock(65_530, 100), 65_540, &DEFAULT), 90);
    assert_eq!(freq(clock(4, 100), 10 * 65_536 + 14, &DEFAULT), 90);
    assert_eq!(touched(clock(65_530, 100), 65_540, u32::MAX, &DEFAULT), clock(4, 90));
}

#[test]
fn a_use_decays_first_and_rises_then() {
    // A counter of 7 rises with a probability of 1/21, and one of 5 rises always.
    assert_eq!(touched(clock(0, 7), 2, u32::MAX, &DEFAULT), clock(2, 6));
    assert_eq!(touched(clock(0, 7), 0, u32::MAX, &DEFAULT), clock(0, 7));
    assert_eq!(touched(clock(0, 7), 20, u32::MAX, &DEFAULT), clock(20, 1));
}

#[test]
fn a_step_has_exactly_the_probability_of_the_chapter() {
    for (counter, divisor) in [(6, 11), (7, 21), (8, 31), (9, 41), (254, 2_491)] {
        let limit = ((1_u64 << 32) / divisor) as u32;
        assert_eq!(touched(clock(0, counter), 0, limit, &DEFAULT), clock(0, counter + 1), "{counter}");
        assert_eq!(touched(clock(0, counter), 0, limit + 1, &DEFAULT), clock(0, counter), "{counter}");
    }
}

#[test]
fn the_largest_counter_stays() {
    for log_factor in [0, 1, u32::MAX] {
        assert_eq!(touched(clock(0, 255), 0, 0, &Params { log_factor, ..DEFAULT }), clock(0, 255));
    }
}

#[test]
fn all_counters_rise_as_in_redcore() {
    let mut randoms = vec![0, 1, 2, 3, 1 << 31, u32::MAX - 1, u32::MAX];
    // The numbers beside the limits of all divisors with the default factor.
    randoms.extend(
        (0..250).flat_map(|n| [0, 1, 2].map(|more| (u32::MAX / (10 * n + 1)).saturating_add(more) - 1)),
    );
    for log_factor in [0, 1, 10, 100, 1 << 25, 1 << 31, u32::MAX] {
        let params = Params { log_factor, ..DEFAULT };
        for counter in 0..=u8::MAX {
            for &random in &randoms {
                let expected = Lfu::with_counter(counter, 9).touched(9, || random, &of(&params));
                let clock = touched(clock(9, counter), 9, random, &params);
                assert_eq!(clock, expected.to_bits(), "{counter} with {random} and {params:?}");
            }
        }
    }
}

#[test]
fn all_times_decay_as_in_redcore() {
    for decay_time in [0, 1, 2, 7, 255, 256, 65_535, 65_536, u32::MAX] {
        let params = Params { decay_time, ..DEFAULT };
        for now in (0..3 * 65_536).step_by(5).chain(u64::MAX - 300..=u64::MAX) {
            for counter in [0, 1, 5, 100, 255] {
                let (clock, lfu) = (clock(40_000, counter), Lfu::with_counter(counter, 40_000));
                let at = format_args!("{counter} at {now} with {params:?}");
                assert_eq!(freq(clock, now, &params), lfu.freq(now, &of(&params)), "{at}");
                let expected = lfu.touched(now, || 1 << 29, &of(&params)).to_bits();
                assert_eq!(touched(clock, now, 1 << 29, &params), expected, "{at}");
            }
        }
    }
}

#[test]
fn the_counter_stands_for_about_as_many_uses_as_the_chapter_says() {
    let mut state = 1_u64;
    let mut random = || {
        // Knuth's generator. Its upper bits are the better ones.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 32) as u32
    };
    let mut used = |times| (0..times).fold(clock(0, 5), |clock, _| touched(clock, 0, random(), &DEFAULT));
    assert!((13..=25).contains(&used(924)), "about 19");
    assert!((126..=166).contains(&used(98_841)), "about 146");
}
