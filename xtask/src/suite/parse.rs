//! Reads what Redis' test suite prints, line by line.
//!
//! A result is `[ok]: NAME (N ms)`, `[err]: NAME in FILE` with details in the next lines, `[skip]: NAME`, or
//! `[ignore]: REASON`. The suite colours the words in brackets.

/// The results of a unit.
#[derive(Debug, Default)]
pub(super) struct Results {
    /// The names of the tests that passed. A loop can run several tests with the same name.
    pub(super) passed: Vec<String>,
    pub(super) failed: Vec<Failure>,
    /// The number of tests, or groups of tests, that tags or `--skiptest` left out.
    pub(super) left_out: usize,
    /// The number of tests that failed only because the server had died before.
    pub(super) after_death: usize,
    /// Why the unit ended early.
    pub(super) aborted: Option<String>,
    /// Whether the suite said that the unit is done.
    pub(super) done: bool,
    /// Whether the next lines are details of the last failure.
    in_details: bool,
}

/// A test that failed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) name: String,
    pub(super) details: String,
}

/// The messages of the suite's client if the server has gone.
const LOST: [&str; 4] = [
    "I/O error reading reply",
    "couldn't open socket: connection refused",
    "broken pipe",
    "can not find channel named",
];

impl Results {
    /// Reads one line of the suite's output.
    pub(super) fn line(&mut self, line: &str) {
        let line = without_colours(line);
        let Some((word, rest)) = line.strip_prefix('[').and_then(|line| line.split_once(']')) else {
            return self.detail(&line);
        };
        let text = rest.strip_prefix(": ").unwrap_or(rest);
        let known = match word {
            "ok" => {
                let name = text.rsplit_once(" (").map_or(text, |(name, _)| name);
                self.passed.push(name.to_owned());
                true
            }
            "err" => return self.failure(text),
            "skip" | "ignore" => {
                self.left_out += 1;
                true
            }
            "exception" | "TIMEOUT" => {
                self.aborted = Some(format!("{word}: {text}"));
                true
            }
            "ready" | "testing" => true,
            _ if word.ends_with("done") => {
                self.done = true;
                true
            }
            _ => false,
        };
        if known {
            self.in_details = false;
        } else {
            self.detail(&line);
        }
    }

    /// Classifies the failures when all lines have been read. The first failure without a connection stays
    /// a failure. The directly following ones are tests that did not run.
    pub(super) fn finish(&mut self) {
        let is_lost = |failure: &Failure| LOST.iter().any(|message| failure.details.contains(message));
        let Some(first) = self.failed.iter().position(is_lost) else { return };
        let rest = self.failed.split_off(first + 1);
        let (lost, kept): (Vec<_>, Vec<_>) = rest.into_iter().partition(is_lost);
        self.after_death = lost.len();
        self.failed.extend(kept);
        if self.after_death > 0 && self.aborted.is_none() {
            self.aborted = Some(format!("the server died in `{}`", self.failed[first].name));
        }
    }

    fn failure(&mut self, text: &str) {
        if let Some((name, _file)) = text.rsplit_once(" in tests/") {
            self.failed.push(Failure { name: name.to_owned(), details: String::new() });
            self.in_details = true;
        } else {
            // An error outside of a test ends a block of the unit, with all tests that come later in it.
            self.aborted = Some(format!("outside of a test: {text}"));
            self.in_details = false;
        }
    }

    fn detail(&mut self, line: &str) {
        if let Some(failure) = self.failed.last_mut().filter(|_| self.in_details) {
            failure.details += line;
            failure.details.push('\n');
        }
    }
}

/// Removes the escape sequences that colour text.
fn without_colours(line: &str) -> String {
    let mut parts = line.split("\x1b[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain += part.split_once('m').map_or(part, |(_, text)| text);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Results {
        let mut results = Results::default();
        text.lines().for_each(|line| results.line(line));
        results.finish();
        results
    }

    #[test]
    fn each_kind_of_line_is_counted() {
        let results = read(
            "[ready]: 17\n\x1b[1;37;49mTesting unit/a\x1b[0m\n[\x1b[0;32;49mok\x1b[0m]: a (b) (12 ms)\n\
             [\x1b[0;36;49mignore\x1b[0m]: Tag: slow denied\n[skip]: c\n\
             [\x1b[0;31;49merr\x1b[0m]: d in e in tests/unit/a.tcl\nExpected '[x]'\n[y]: more\n\
             [1/1 \x1b[0;33;49mdone\x1b[0m]: unit/a (7 seconds)\n*** [err]: d in e in tests/unit/a.tcl\n",
        );
        assert_eq!((results.passed, results.left_out, results.done), (vec!["a (b)".to_owned()], 2, true));
        assert_eq!(results.failed.len(), 1);
        assert_eq!((results.failed[0].name.as_str(), results.aborted), ("d in e", None));
        assert_eq!(results.failed[0].details, "Expected '[x]'\n[y]: more\n");
    }

    #[test]
    fn tests_after_the_death_of_the_server_did_not_run() {
        let results = read(
            "[err]: a in tests/unit/a.tcl\nI/O error reading reply\n[err]: b in tests/unit/a.tcl\n\
             can not find channel named \"sock5\"\n",
        );
        assert_eq!((results.failed.len(), results.after_death), (1, 1));
        assert_eq!(results.aborted.as_deref(), Some("the server died in `a`"));
    }

    #[test]
    fn errors_outside_of_tests_abort_the_unit() {
        assert!(read("[err]: ommand 'XADD'\n").aborted.unwrap().ends_with("ommand 'XADD'"));
        assert!(read("[exception]: Executing test client: no\n").aborted.unwrap().starts_with("exception"));
    }
}
