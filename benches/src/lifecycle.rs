//! Times the lifecycle of a subject in phases: it is built, used and dropped.
//!
//! The cost of an operation depends on the operations before it: a table that has just grown is faster than
//! one that is full. So a round is a whole life, and the times of its phases are separated afterwards.
//! Subjects take turns, one life each. Each subject is dropped before the next one is built. Otherwise the
//! caches would be full of the entries of another subject.

use crate::measure::{Samples, Subject, paired};
use crate::progress::Progress;
use std::cell::RefCell;
use std::time::Duration;

/// A subject whose life has `PHASES` phases. `run_phases` runs one life, and returns the time of each phase.
/// The time of a phase that the subject does not have is 0.
pub struct Candidate<'a, const PHASES: usize> {
    name: String,
    run_phases: Box<dyn FnMut() -> [Duration; PHASES] + 'a>,
}

impl<'a, const PHASES: usize> Candidate<'a, PHASES> {
    /// Returns a candidate with this name. `run_phases` runs one of its lives.
    pub fn new(name: &str, run_phases: impl FnMut() -> [Duration; PHASES] + 'a) -> Self {
        Self { name: name.into(), run_phases: Box::new(run_phases) }
    }
}

/// How many lives the candidates have.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// The number of rounds that count.
    pub rounds: usize,
    /// The number of lives in a round. A round must be long in comparison with the cost of the clock and with
    /// a timer interrupt.
    pub repeats: usize,
    /// Whether the first round is an additional one that does not count.
    pub warm_up: bool,
    /// The seed of the order of turns.
    pub seed: u64,
}

/// Runs the lives of all candidates in turns. Returns the samples of each candidate for each phase.
pub fn time_phases<const PHASES: usize>(
    candidates: &mut [Candidate<PHASES>],
    schedule: Schedule,
    what: &str,
    progress: &Progress,
) -> [Vec<Samples>; PHASES] {
    let Schedule { rounds, repeats, warm_up, seed } = schedule;
    let warm_up = usize::from(warm_up);
    // `paired` keeps one time for each round. The times of the phases are kept separately.
    let phase_times: Vec<RefCell<Vec<[Duration; PHASES]>>> =
        candidates.iter().map(|_| RefCell::default()).collect();
    let mut subjects: Vec<Subject> = candidates
        .iter_mut()
        .zip(&phase_times)
        .map(|(candidate, phase_times)| {
            Subject::new(candidate.name.clone(), || {
                let mut total = [Duration::ZERO; PHASES];
                for _ in 0..repeats {
                    let times = (candidate.run_phases)();
                    total.iter_mut().zip(times).for_each(|(total, time)| *total += time);
                }
                phase_times.borrow_mut().push(total);
                total.iter().sum()
            })
        })
        .collect();
    progress.start(what, rounds + warm_up);
    let names = paired(&mut subjects, rounds - (1 - warm_up), seed, progress);
    drop(subjects);
    std::array::from_fn(|phase| {
        let of = |(samples, phase_times): (&Samples, &RefCell<Vec<[Duration; PHASES]>>)| Samples {
            name: samples.name.clone(),
            rounds: phase_times.borrow()[warm_up..].iter().map(|times| times[phase]).collect(),
        };
        names.iter().zip(&phase_times).map(of).collect()
    })
}

/// Returns how long `work` keeps this thread busy. On Unix, time in which the thread does not run is not
/// included.
pub fn timed(work: impl FnOnce()) -> Duration {
    let start = clock::now();
    work();
    clock::since(start)
}

#[cfg(unix)]
mod clock {
    //! The processor time of this thread, including its system calls and page faults.
    use std::time::Duration;

    pub(super) fn now() -> Duration {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `time` is a valid `timespec` that the call may write. If a system did not have this clock,
        // the time would stay 0.
        unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    }

    pub(super) fn since(start: Duration) -> Duration {
        now().saturating_sub(start)
    }
}

#[cfg(not(unix))]
mod clock {
    //! The wall-clock time.
    use std::time::{Duration, Instant};

    pub(super) fn now() -> Instant {
        Instant::now()
    }

    pub(super) fn since(start: Instant) -> Duration {
        start.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_are_told_apart_and_the_warm_up_does_not_count() {
        let micros = Duration::from_micros;
        let mut lived = 0;
        let growing = Candidate::new("growing", || {
            lived += 1;
            [micros(lived), micros(100 * lived)]
        });
        let steady = Candidate::new("steady", || [micros(7), Duration::ZERO]);
        let schedule = Schedule { rounds: 2, repeats: 2, warm_up: true, seed: 1 };
        let mut candidates = [growing, steady];
        let [first, second] = time_phases(&mut candidates, schedule, "test", &Progress::hidden());
        // Lives 1 and 2 are the warm-up.
        assert_eq!(
            (first[0].name.as_str(), first[0].rounds.as_slice()),
            ("growing", &[micros(7), micros(11)][..])
        );
        assert_eq!(second[0].rounds, [micros(700), micros(1100)]);
        assert_eq!(first[1].rounds, [micros(14), micros(14)]);
        assert!(second[1].rounds.iter().all(Duration::is_zero));
    }

    #[test]
    fn time_passes_in_work_and_not_in_sleep() {
        let asleep = timed(|| std::thread::sleep(Duration::from_millis(50)));
        assert!(cfg!(not(unix)) || asleep < Duration::from_millis(40), "{asleep:?}");
        let busy = timed(|| {
            let start = std::time::Instant::now();
            while start.elapsed() < Duration::from_millis(5) {}
        });
        assert!(!busy.is_zero());
    }

    #[test]
    fn without_a_warm_up_all_rounds_count() {
        let schedule = Schedule { rounds: 3, repeats: 1, warm_up: false, seed: 1 };
        let mut candidates = [Candidate::new("x", || [Duration::from_micros(1)])];
        let [samples] = time_phases(&mut candidates, schedule, "test", &Progress::hidden());
        assert_eq!(samples[0].rounds.len(), 3);
    }
}
