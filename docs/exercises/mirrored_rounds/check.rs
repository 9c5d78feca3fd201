//! Checks rounds on machines with a drift.

#[cfg_attr(feature = "solutions", path = "solution.rs")]
mod exercise;

use exercise::measure;

/// The number of rounds. It is one more than a multiple of four, so the quartiles and the median are ratios of rounds.
const ROUNDS: usize = 41;

/// The times of two programs on a quiet machine. The second one needs 5 % less.
const TIMES: [u64; 2] = [100_000, 95_000];

/// A function that measures two programs, and returns the times of each. Its argument runs a program.
type Measure = fn(&mut dyn FnMut(usize) -> u64) -> Vec<Vec<u64>>;

/// Returns the quartiles and the median of the ratios, in ascending order.
fn quartiles(ours: &[u64], peer: &[u64]) -> [f64; 3] {
    assert_eq!((ours.len(), peer.len()), (ROUNDS, ROUNDS));
    let mut ratios: Vec<f64> =
        ours.iter().zip(peer).map(|(&ours, &peer)| ours as f64 / peer as f64).collect();
    ratios.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| ratios[ROUNDS / 4 * quarter])
}

/// Returns the verdict of the chapter.
fn verdict([low, _, high]: [f64; 3]) -> &'static str {
    match (low > 1.03, high < 0.97) {
        (true, _) => "behind",
        (_, true) => "ahead",
        _ => "level",
    }
}

/// Compares the second program with the first one, in three orders: all rounds of the first program before those of
/// the second, one run of each program in each round, and the order of the exercise. `slow` returns the time of a run
/// from its number and from the time that the program needs on a quiet machine.
fn results(slow: impl Fn(u64, u64) -> u64) -> [[f64; 3]; 3] {
    let compare = |measure: Measure| {
        let mut number = 0;
        let times = measure(&mut |program| {
            number += 1;
            slow(number - 1, TIMES[program])
        });
        quartiles(&times[1], &times[0])
    };
    let separate = compare(|run| [0, 1].map(|program| (0..ROUNDS).map(|_| run(program)).collect()).into());
    let simple = compare(|run| {
        let rounds: Vec<[u64; 2]> = (0..ROUNDS).map(|_| [0, 1].map(&mut *run)).collect();
        [0, 1].map(|program| rounds.iter().map(|round| round[program]).collect()).into()
    });
    [separate, simple, compare(|run| measure(2, ROUNDS, run))]
}

/// Returns the programs in the order in which they run.
fn order(programs: usize, rounds: usize) -> Vec<usize> {
    let mut order = Vec::new();
    measure(programs, rounds, |program| {
        order.push(program);
        0
    });
    order
}

#[test]
fn the_second_half_of_a_round_is_the_mirror_image_of_the_first() {
    assert_eq!(order(3, 1), [0, 1, 2, 0, 1, 2, 2, 1, 0]);
    assert_eq!(order(1, 2), [0, 0, 0, 0, 0]);
}

#[test]
fn each_round_begins_with_the_next_program() {
    assert_eq!(order(2, 3), [0, 1, 0, 1, 1, 0, 1, 0, 0, 1, 0, 1, 1, 0]);
    let of_three = [[0, 1, 2, 2, 1, 0], [1, 2, 0, 0, 2, 1], [2, 0, 1, 1, 0, 2], [0, 1, 2, 2, 1, 0]];
    assert_eq!(order(3, 4)[3..], of_three.concat());
}

#[test]
fn the_time_of_a_round_is_the_sum_of_two_runs_without_the_warm_up() {
    // The runs take 1, 2, 4, 8 and so on. Those of the warm-up take 1, 2 and 4.
    let mut next = 1;
    let times = measure(3, 2, |_| {
        next *= 2;
        next / 2
    });
    let run = |number: u32| 1 << number;
    let expected = [[run(3) + run(8), run(11) + run(12)], [run(4) + run(7), run(9) + run(14)]];
    assert_eq!(times[..2], expected);
    assert_eq!(times[2], [run(5) + run(6), run(10) + run(13)]);
}

#[test]
fn there_may_be_no_programs_or_no_rounds() {
    assert_eq!(measure(0, 5, |_| 1), Vec::<Vec<u64>>::new());
    assert_eq!(measure(2, 0, |_| 1), [[], []]);
}

#[test]
fn a_machine_that_becomes_slower_and_slower_does_not_change_the_verdict() {
    // Each run takes longer than the one before, by the same time.
    let [separate, simple, ours] = results(|number, time| time * (100 + 5 * number) / 100);
    assert_eq!([separate, simple].map(verdict), ["behind", "level"], "both are wrong");
    assert_eq!((verdict(ours), ours), ("ahead", [0.95; 3]));
}

#[test]
fn a_machine_on_which_every_second_run_is_slow_does_not_change_the_verdict() {
    let [_, simple, ours] = results(|number, time| if number % 2 == 0 { time } else { time * 12 / 10 });
    assert_eq!(verdict(simple), "behind", "which is wrong");
    assert_eq!((verdict(ours), ours), ("ahead", [0.95; 3]));
}

#[test]
fn a_machine_with_noise_drift_and_pauses_does_not_change_the_verdict() {
    for seed in 1..=100_u64 {
        // Knuth's generator. Its upper bits are the better ones.
        let random = |number: u64| {
            let state = (seed << 32 | number).wrapping_mul(6_364_136_223_846_793_005);
            (state ^ state >> 29).wrapping_mul(6_364_136_223_846_793_005) >> 33
        };
        let [separate, _, ours] = results(|number, time| {
            let noise = time * (random(number) % 20) / 1_000; // up to 2 %
            let pause = if random(number + 1_000) % 50 == 0 { 2 * time } else { 0 };
            (time + noise + pause) * (100 + 3 * number) / 100
        });
        assert_eq!(verdict(separate), "behind", "which is wrong, seed {seed}: {separate:.3?}");
        let [_, median, _] = ours;
        assert!((0.94..0.96).contains(&median), "seed {seed}: {ours:.3?}");
    }
}

#[test]
fn a_program_that_helps_the_next_run_of_itself_is_not_ahead_of_an_equal_one() {
    // A run takes a fifth less after a run of the same program, because its data are in the cache.
    for programs in 2..5 {
        let mut last = None;
        let times = measure(programs, ROUNDS, |program| {
            let is_warm = last.replace(program) == Some(program);
            if is_warm { 800 } else { 1_000 }
        });
        for (n, ours) in times.iter().enumerate() {
            for peer in &times[..n] {
                assert_eq!(verdict(quartiles(ours, peer)), "level", "{programs} programs, program {n}");
            }
        }
    }
}
