//! Finds the longest step of work that is done several times, without interruptions by the machine.
//!
//! A step that is long in every run is long because of its work. A step that is long in only one run was
//! interrupted. If all runs have the same steps, the least time of each step is its cost
//! ([`MinTimes`](crate::min_times::MinTimes)). But the hash of a large collection has a random seed. So the
//! runs may have different numbers of steps, and a long step may come a few steps earlier or later. Therefore
//! the times are compared by neighbourhoods:
//!
//! ```text
//!  in a run    most[i] = the longest of the steps i - d ..= i + d
//!  over runs   least[i] = the least most[i]
//!  the result  the longest least[i]
//! ```
//!
//! If the longest step moves by at most `d`, the result is never less than the time of this step in its
//! fastest run. The result is too high if interruptions hit the same neighbourhood in every run, which is
//! improbable.

/// The least `d`. The difference between the numbers of steps of the runs is added.
const NEIGHBOURS: usize = 64;

/// Returns the longest step that recurs in each of `runs`, or 0 if there are no runs or no steps. The times
/// may have any unit.
pub(super) fn longest(runs: &[Vec<u32>]) -> u32 {
    let lens = runs.iter().map(Vec::len);
    let (Some(shortest), Some(most)) = (lens.clone().min(), lens.max()) else { return 0 };
    if shortest == 0 {
        return 0;
    }
    let reach = NEIGHBOURS + (most - shortest);
    let in_run = |run: &[u32], i: usize| {
        let end = (i + reach + 1).min(run.len());
        run[i.saturating_sub(reach).min(end - 1)..end].iter().copied().max().unwrap_or(0)
    };
    let least = |i: usize| runs.iter().map(|run| in_run(run, i)).min().unwrap_or(0);
    (0..most).map(least).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_is_long_in_every_run_counts_even_if_it_moves_a_little() {
        let mut runs = vec![vec![1; 1_000], vec![1; 1_010], vec![1; 1_005]];
        (runs[0][500], runs[1][520], runs[2][490]) = (30, 40, 35);
        assert_eq!(longest(&runs), 30);
    }

    #[test]
    fn a_step_that_is_long_in_some_runs_was_interrupted() {
        let mut runs = vec![vec![2; 10_000]; 3];
        (runs[0][500], runs[1][550], runs[2][9_000]) = (100, 100, 100);
        assert_eq!(longest(&runs), 2);
    }

    #[test]
    fn the_last_step_counts_in_runs_of_different_lengths() {
        let mut runs = vec![vec![1; 300], vec![1; 400]];
        (runs[0][299], runs[1][399]) = (7, 9);
        assert_eq!(longest(&runs), 7);
    }

    #[test]
    fn without_steps_there_is_none() {
        assert_eq!(longest(&[]), 0);
        assert_eq!(longest(&[vec![], vec![3]]), 0);
        assert_eq!(longest(&[vec![5, 3]]), 5);
    }
}
