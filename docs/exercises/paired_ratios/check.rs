//! Checks the ratio of paired rounds.

#[cfg_attr(feature = "solutions", path = "solution.rs")]
mod exercise;

use exercise::{Ratio, RatioError, Verdict, ratio};

/// Returns a ratio.
fn of(low: f64, median: f64, high: f64) -> Ratio {
    Ratio { low, median, high }
}

#[test]
fn a_round_is_divided_before_the_median_is_taken() {
    // The machine is three times slower in the second and third round.
    assert_eq!(ratio(&[20, 60, 62, 20, 18], &[10, 30, 31, 10, 12]), Ok(of(2.0, 2.0, 2.0)));
    // The medians of the times are 30 and 20.
    assert_eq!(ratio(&[30, 30, 10], &[60, 20, 20]), Ok(of(0.5, 0.5, 1.0)));
}

#[test]
fn a_quantile_lies_between_its_neighbours() {
    assert_eq!(ratio(&[7], &[2]), Ok(of(3.5, 3.5, 3.5)));
    assert_eq!(ratio(&[2, 1], &[1, 1]), Ok(of(1.25, 1.5, 1.75)));
    assert_eq!(ratio(&[3, 1, 2], &[1; 3]), Ok(of(1.5, 2.0, 2.5)));
    assert_eq!(ratio(&[4, 2, 3, 1], &[1; 4]), Ok(of(1.75, 2.5, 3.25)));
    assert_eq!(ratio(&[5, 1, 4, 2, 3], &[1; 5]), Ok(of(2.0, 3.0, 4.0)));
}

#[test]
fn rounds_without_a_pair_are_an_error() {
    for (ours, peer) in [(1, 0), (0, 1), (2, 3), (3, 2)] {
        let result = ratio(&[1, 2, 3][..ours], &[1, 2, 3][..peer]);
        assert_eq!(result, Err(RatioError::Unpaired { ours, peer }));
    }
    assert_eq!(ratio(&[], &[]), Err(RatioError::Empty));
}

#[test]
fn a_time_of_0_counts_as_1() {
    assert_eq!(ratio(&[0, 0, 8], &[4, 0, 0]), Ok(of(0.625, 1.0, 4.5)));
    assert_eq!(ratio(&[u64::MAX], &[0]).map(|ratio| ratio.median), Ok(u64::MAX as f64));
}

#[test]
fn one_pause_moves_the_median_only_a_little() {
    for place in 0..9 {
        let [mut ours, peer] = [[95; 9], [100; 9]];
        ours[place] = 100_000;
        let ratio = ratio(&ours, &peer).unwrap();
        assert_eq!((ratio, ratio.verdict()), (of(0.95, 0.95, 0.95), Verdict::Ahead));
    }
}

#[test]
fn the_slowdown_of_a_round_does_not_matter() {
    let (ours, peer) = ([3, 5, 7, 11, 13], [2, 4, 8, 16, 32]);
    let expected = ratio(&ours, &peer).unwrap();
    for case in 0..4_u32.pow(5) {
        let slow = |times: [u64; 5]| {
            let mut place = 0;
            times.map(|time| {
                place += 1;
                time << (case >> (2 * place - 2) & 3)
            })
        };
        assert_eq!(ratio(&slow(ours), &slow(peer)), Ok(expected), "{:?}, {:?}", slow(ours), slow(peer));
    }
}

#[test]
fn five_rounds_have_their_second_third_and_fourth_ratio_in_any_order() {
    const TIMES: [u64; 5] = [1, 2, 4, 8, 16];
    for case in 0..5_usize.pow(5) {
        let ours: [u64; 5] = [1, 5, 25, 125, 625].map(|power| TIMES[case / power % 5]);
        let mut sorted = ours.map(|time| time as f64 / 4.0);
        sorted.sort_by(f64::total_cmp);
        let [_, low, median, high, _] = sorted;
        assert_eq!(ratio(&ours, &[4; 5]), Ok(of(low, median, high)), "{ours:?}");
    }
}

#[test]
fn both_quartiles_have_to_be_more_than_3_percent_away_on_the_same_side() {
    for (low, median, high, expected) in [
        (0.90, 0.93, 0.96, Verdict::Ahead),
        (0.50, 0.60, 0.969_999, Verdict::Ahead),
        (0.50, 0.60, 0.97, Verdict::Level),
        (0.50, 0.60, 0.98, Verdict::Level),
        (0.98, 0.99, 1.00, Verdict::Level),
        (0.90, 0.94, 1.10, Verdict::Level),
        (1.00, 1.00, 1.00, Verdict::Level),
        (0.90, 1.06, 1.10, Verdict::Level),
        (1.00, 1.01, 1.02, Verdict::Level),
        (1.02, 1.40, 1.50, Verdict::Level),
        (1.03, 1.40, 1.50, Verdict::Level),
        (1.030_001, 1.40, 1.50, Verdict::Behind),
        (1.04, 1.07, 1.10, Verdict::Behind),
    ] {
        assert_eq!(of(low, median, high).verdict(), expected, "{low} {median} {high}");
    }
}

#[test]
fn a_quartile_of_exactly_097_or_103_is_level() {
    for (ours, expected) in
        [(96, Verdict::Ahead), (97, Verdict::Level), (103, Verdict::Level), (104, Verdict::Behind)]
    {
        assert_eq!(ratio(&[ours; 3], &[100; 3]).unwrap().verdict(), expected, "{ours} of 100");
    }
}
