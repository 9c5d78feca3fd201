//! Rounds whose second half is the mirror image of the first.

/// Runs all programs in each of some rounds. Returns a list for each program, with its time in each round.
/// `run` runs a program, and returns its time.
pub(crate) fn measure(programs: usize, rounds: usize, mut run: impl FnMut(usize) -> u64) -> Vec<Vec<u64>> {
    // The warm-up loads code and data into the caches.
    for program in 0..programs {
        run(program);
    }
    let mut times = vec![Vec::new(); programs];
    for round in 0..rounds {
        // The program in the middle runs twice in a row, which may help it. So this is another program in each round.
        let order = (0..programs).map(|n| (round + n) % programs);
        let mut sums = vec![0; programs];
        for program in order.clone().chain(order.rev()) {
            sums[program] += run(program);
        }
        times.iter_mut().zip(sums).for_each(|(times, sum)| times.push(sum));
    }
    times
}
