//! Runs the steps of a command, continues after a failure, and prints the time of each step.

use crate::outcome::Outcome;
use crate::tail;
use anyhow::Result;
use std::time::{Duration, Instant};

/// A step of a command: its name and its function.
pub(crate) struct Step<'a> {
    name: &'static str,
    run: Box<dyn FnOnce() -> Result<Outcome> + 'a>,
}

impl<'a> Step<'a> {
    pub(crate) fn new(name: &'static str, run: impl FnOnce() -> Result<Outcome> + 'a) -> Self {
        Self { name, run: Box::new(run) }
    }
}

struct Done {
    name: &'static str,
    outcome: Outcome,
    time: Duration,
}

/// Runs the steps of `command` whose names contain `part`, each under a heading, and prints a table.
///
/// An error of a step is printed and counts as a failure. `above` is called after all steps, and its text is
/// printed above the table.
///
/// The outcome is a failure if a step failed, and unavailable if no step could run. Otherwise it names the
/// steps that were skipped: a step that this machine cannot run is not a failure.
pub(crate) fn run(
    command: &str,
    steps: Vec<Step<'_>>,
    part: Option<&str>,
    above: impl FnOnce() -> String,
) -> Outcome {
    let names: Vec<_> = steps.iter().map(|step| step.name).collect();
    let wanted = |step: &Step<'_>| part.is_none_or(|part| step.name.contains(part));
    let steps: Vec<_> = steps.into_iter().filter(wanted).collect();
    if steps.is_empty() {
        eprintln!("xtask: no step has such a name; there are: {}", names.join(", "));
        return Outcome::WrongArguments;
    }
    let mut done = Vec::new();
    for Step { name, run } in steps {
        eprintln!("\n=== {command}: {name}");
        let start = Instant::now();
        let outcome = run().unwrap_or_else(|error| {
            let error = format!("xtask: {error:#}");
            eprintln!("{error}");
            tail::keep_error(name, &error);
            Outcome::Failed
        });
        tail::end_step(matches!(outcome, Outcome::Failed | Outcome::WrongArguments));
        let time = start.elapsed();
        eprintln!("--- {name}: {outcome}, {} s", time.as_secs());
        done.push(Done { name, outcome, time });
    }
    print!("{}\n{}", above(), table(command, &done));
    sum(done)
}

fn table(command: &str, done: &[Done]) -> String {
    let row = |name: &str, time: Duration, outcome: &str| {
        format!("{:22} {:6} s  {outcome}", format!("{command}: {name}"), time.as_secs()).trim_end().to_owned()
            + "\n"
    };
    let rows = done.iter().map(|done| row(done.name, done.time, &done.outcome.to_string()));
    let total = done.iter().map(|done| done.time).sum();
    rows.chain([row("all", total, "")]).collect()
}

fn sum(done: Vec<Done>) -> Outcome {
    let mut left_out = Vec::new();
    let mut any_passed = false;
    for Done { name, outcome, .. } in done {
        match outcome {
            Outcome::Passed => any_passed = true,
            Outcome::Partly(parts) => {
                any_passed = true;
                left_out.extend(parts);
            }
            Outcome::Unavailable => left_out.push(name.to_owned()),
            Outcome::Failed | Outcome::WrongArguments => return Outcome::Failed,
        }
    }
    match (any_passed, left_out.is_empty()) {
        (true, true) => Outcome::Passed,
        (true, false) => Outcome::Partly(left_out),
        (false, _) => Outcome::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    fn outcome(outcomes: Vec<Outcome>) -> Outcome {
        let steps = outcomes.into_iter().map(|outcome| Step::new("a step", || Ok(outcome)));
        run("test", steps.collect(), None, String::new)
    }

    #[test]
    fn one_failure_fails_all_and_a_missing_tool_does_not() {
        use Outcome::*;
        assert_eq!(outcome(vec![Passed, Passed]), Passed);
        assert_eq!(outcome(vec![Passed, Unavailable]), Partly(vec!["a step".into()]));
        assert_eq!(outcome(vec![Partly(vec!["x".into()]), Passed]), Partly(vec!["x".into()]));
        assert_eq!(outcome(vec![Passed, Failed, Unavailable]), Failed);
        assert_eq!(outcome(vec![Unavailable]), Unavailable);
    }

    #[test]
    fn an_error_is_a_failure_and_the_next_step_is_run() {
        let mut ran = false;
        let first = Step::new("first", || Err(anyhow!("no such program")));
        let second = Step::new("second", || {
            ran = true;
            Ok(Outcome::Passed)
        });
        assert_eq!(run("test", vec![first, second], None, String::new), Outcome::Failed);
        assert!(ran);
    }

    #[test]
    fn steps_are_chosen_by_a_part_of_their_name() {
        let steps =
            || vec![Step::new("one", || Ok(Outcome::Passed)), Step::new("two", || Ok(Outcome::Failed))];
        assert_eq!(run("test", steps(), Some("on"), String::new), Outcome::Passed);
        assert_eq!(run("test", steps(), Some("three"), String::new), Outcome::WrongArguments);
    }

    #[test]
    fn the_table_has_a_row_for_each_step_and_their_sum() {
        let seconds = Duration::from_secs;
        let done = [
            Done { name: "a", outcome: Outcome::Passed, time: seconds(3) },
            Done { name: "b", outcome: Outcome::Partly(vec!["c".into()]), time: seconds(4) },
        ];
        let want = "ci: a                       3 s  passed\n\
                    ci: b                       4 s  passed, without c\n\
                    ci: all                     7 s\n";
        assert_eq!(table("ci", &done), want);
    }
}
