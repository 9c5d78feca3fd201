//! Lives: a subject that is built, used and taken apart, timed phase by phase.
//!
//! What an operation costs depends on what was done before it: a table that has just grown answers faster than one that is
//! full. So a round is a whole life, and its phases are told apart afterwards. Subjects take turns life by life; each
//! dies before the next one begins, so that none finds the caches full of a neighbour's entries.

use crate::measure::{Samples, Subject, paired};
use crate::progress::Progress;
use std::cell::RefCell;
use std::time::Duration;

/// Something that can live: its name, and a life of `PHASES` phases, which answers how long each took. A phase that it
/// does not have takes no time.
pub struct Candidate<'a, const PHASES: usize> {
    name: String,
    live: Box<dyn FnMut() -> [Duration; PHASES] + 'a>,
}

impl<'a, const PHASES: usize> Candidate<'a, PHASES> {
    /// A candidate that lives by `live`.
    pub fn new(name: &str, live: impl FnMut() -> [Duration; PHASES] + 'a) -> Self {
        Self { name: name.into(), live: Box::new(live) }
    }
}

/// How often candidates live.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// Rounds that count.
    pub rounds: usize,
    /// Lives in a round: a round must be long beside the clock's own cost and the timer interrupt.
    pub repeats: usize,
    /// Whether a round that does not count comes first.
    pub warm_up: bool,
    /// Of the order of turns.
    pub seed: u64,
}

/// Lets all candidates live in turns: each candidate's samples, for each phase.
pub fn lives<const PHASES: usize>(
    candidates: &mut [Candidate<PHASES>],
    schedule: Schedule,
    what: &str,
    progress: &Progress,
) -> [Vec<Samples>; PHASES] {
    let Schedule { rounds, repeats, warm_up, seed } = schedule;
    let warm_up = usize::from(warm_up);
    // `paired` knows one time a round; each life's own times are kept aside.
    let lives: Vec<RefCell<Vec<[Duration; PHASES]>>> =
        candidates.iter().map(|_| RefCell::default()).collect();
    let mut subjects: Vec<Subject> = candidates
        .iter_mut()
        .zip(&lives)
        .map(|(candidate, lives)| {
            Subject::new(candidate.name.clone(), || {
                let mut total = [Duration::ZERO; PHASES];
                for _ in 0..repeats {
                    let life = (candidate.live)();
                    total.iter_mut().zip(life).for_each(|(total, time)| *total += time);
                }
                lives.borrow_mut().push(total);
                total.iter().sum()
            })
        })
        .collect();
    progress.start(what, rounds + warm_up);
    let names = paired(&mut subjects, rounds - (1 - warm_up), seed, progress);
    drop(subjects);
    std::array::from_fn(|phase| {
        let of = |(samples, lives): (&Samples, &RefCell<Vec<[Duration; PHASES]>>)| Samples {
            name: samples.name.clone(),
            rounds: lives.borrow()[warm_up..].iter().map(|life| life[phase]).collect(),
        };
        names.iter().zip(&lives).map(of).collect()
    })
}

/// How long `work` keeps this thread busy: the time in which others had its core does not count, where the system tells.
pub fn timed(work: impl FnOnce()) -> Duration {
    let start = clock::now();
    work();
    clock::since(start)
}

#[cfg(unix)]
mod clock {
    //! The processor time of this thread, its system calls and page faults included.
    use std::time::Duration;

    pub(super) fn now() -> Duration {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the place is a timespec of ours. The clock exists on all systems of this `cfg`; were it not there, the time
        // would stay zero, and all durations with it.
        unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    }

    pub(super) fn since(start: Duration) -> Duration {
        now().saturating_sub(start)
    }
}

#[cfg(not(unix))]
mod clock {
    //! The time of the clock on the wall.
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
        let [first, second] = lives(&mut candidates, schedule, "test", &Progress::hidden());
        // Lives 1 and 2 were the warm-up.
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
        let [samples] = lives(&mut candidates, schedule, "test", &Progress::hidden());
        assert_eq!(samples[0].rounds.len(), 3);
    }
}
