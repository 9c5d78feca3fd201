//! What is expected of the units of Redis' test suite: `crates/server/conformance.toml`.
//!
//! The file has the number of tests of each unit that pass on the snapshot's own server, and the tests that do
//! not pass on redcore's server, each with its reason.

use super::parse::Results;
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// A test that is known not to pass on redcore's server.
#[derive(Clone, Debug)]
pub(super) struct NotPassing {
    pub(super) name: String,
    pub(super) reason: String,
    /// Whether the test is left out, because its failure ends the unit.
    pub(super) skip: bool,
}

/// What is expected of a unit.
#[derive(Clone, Debug, Default)]
pub(super) struct Unit {
    /// The number of tests that pass on the snapshot's own server.
    pub(super) tests: usize,
    pub(super) not_passing: Vec<NotPassing>,
}

/// All units by name.
#[derive(Debug, Default)]
pub(super) struct Expected(pub(super) BTreeMap<String, Unit>);

const HEADER: &str = "\
# Redis' Tcl test suite on redcore's server (`cargo xtask conformance suite DIR`).
#
# `tests` is the number of tests that pass on the snapshot's own server with the same tags. `--write` writes it.
# `not_passing` lists the tests that do not pass on redcore's server. `skip = true` leaves a test out, because
# its failure ends the unit, or leaves clients or a transaction behind that the tests after it fail over.
";

impl Expected {
    /// Returns the path of the file.
    pub(super) fn path() -> PathBuf {
        crate::shell::root().join("crates/server/conformance.toml")
    }

    /// Reads the file. A file that does not exist is empty.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let exists = path.exists();
        let text = if exists { std::fs::read_to_string(path)? } else { String::new() };
        Self::parse(&text).with_context(|| path.display().to_string())
    }

    fn parse(text: &str) -> Result<Self> {
        let table: Table = text.parse()?;
        let units = table.get("unit").and_then(Value::as_table).cloned().unwrap_or_default();
        let units = units.iter().map(|(name, value)| {
            let unit = unit(value).with_context(|| format!("unit {name}"))?;
            Ok((name.clone(), unit))
        });
        Ok(Self(units.collect::<Result<_>>()?))
    }

    /// Returns the text of the file.
    pub(super) fn text(&self) -> String {
        let quoted = |text: &str| Value::String(text.to_owned()).to_string();
        let mut text = HEADER.to_owned();
        for (name, unit) in &self.0 {
            let name = quoted(name);
            // Writing to a string does not fail.
            let _ = write!(text, "\n[unit.{name}]\ntests = {}\n", unit.tests);
            for test in &unit.not_passing {
                let (test_name, reason) = (quoted(&test.name), quoted(&test.reason));
                let _ =
                    write!(text, "\n[[unit.{name}.not_passing]]\nname = {test_name}\nreason = {reason}\n");
                text += if test.skip { "skip = true\n" } else { "" };
            }
        }
        text
    }
}

fn unit(value: &Value) -> Result<Unit> {
    let tests = value.get("tests").and_then(Value::as_integer).context("`tests` is not a number")?;
    let mut unit = Unit { tests: usize::try_from(tests)?, not_passing: Vec::new() };
    for test in value.get("not_passing").and_then(Value::as_array).into_iter().flatten() {
        let string = |key: &str| {
            let string = test.get(key).and_then(Value::as_str);
            string.map(str::to_owned).with_context(|| format!("a test without `{key}`"))
        };
        let skip = test.get("skip").and_then(Value::as_bool).unwrap_or(false);
        let test = NotPassing { name: string("name")?, reason: string("reason")?, skip };
        ensure!(!test.reason.is_empty(), "{}: the reason is empty", test.name);
        unit.not_passing.push(test);
    }
    Ok(unit)
}

impl Unit {
    /// Returns the names of the tests that are left out.
    pub(super) fn skipped(&self) -> impl Iterator<Item = &str> {
        self.not_passing.iter().filter(|test| test.skip).map(|test| test.name.as_str())
    }

    /// Compares results with this unit. Returns a sentence for each difference.
    pub(super) fn differences(&self, results: &Results) -> Vec<String> {
        let mut differences: Vec<_> =
            results.aborted.iter().map(|why| format!("ended early: {why}")).collect();
        if results.aborted.is_none() && !results.done {
            differences.push("the suite ended before the unit was done".into());
        }
        let is_listed = |name: &str| self.not_passing.iter().any(|test| test.name == name);
        for failure in results.failed.iter().filter(|failure| !is_listed(&failure.name)) {
            let first = failure.details.lines().next().unwrap_or_default();
            differences.push(format!("failed and is not listed: {}: {first}", failure.name));
        }
        let has_passed = |name: &str| {
            let failed = results.failed.iter().any(|failure| failure.name == name);
            !failed && results.passed.iter().any(|passed| passed == name)
        };
        let passing = self.not_passing.iter().filter(|test| has_passed(&test.name));
        differences.extend(passing.map(|test| format!("passed and is listed as not passing: {}", test.name)));
        let seen = results.passed.len() + results.failed.len() + self.skipped().count();
        if differences.is_empty() && seen < self.tests {
            differences.push(format!("{} of {} tests did not run", self.tests - seen, self.tests));
        }
        differences
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "[unit.\"type/a\"]\ntests = 3\n[[unit.\"type/a\".not_passing]]\nname = 'b \"c\"'\nreason = 'r'\n\
                        [[unit.\"type/a\".not_passing]]\nname = 'd'\nreason = 'r'\nskip = true\n";

    fn results(lines: &str) -> Results {
        let mut results = Results::default();
        lines.lines().for_each(|line| results.line(line));
        results.finish();
        results
    }

    #[test]
    fn the_file_is_written_as_it_is_read() {
        let text = Expected::parse(TEXT).unwrap().text();
        assert_eq!(Expected::parse(&text).unwrap().text(), text);
        assert!(text.contains("tests = 3") && text.ends_with("skip = true\n"), "{text}");
        assert!(Expected::parse("[unit.a]\n").is_err());
        assert!(Expected::parse(&TEXT.replace("reason = 'r'", "")).is_err());
    }

    #[test]
    fn only_listed_tests_may_fail() {
        let unit = Expected::parse(TEXT).unwrap().0["type/a"].clone();
        assert_eq!(unit.skipped().collect::<Vec<_>>(), ["d"]);
        let listed = "[ok]: a (1 ms)\n[err]: b \"c\" in tests/a.tcl\n[skip]: d\n[1/1 done]: a (1 seconds)\n";
        assert_eq!(unit.differences(&results(listed)), [""; 0]);
        let unlisted = listed.replace("[ok]: a (1 ms)", "[err]: a in tests/a.tcl");
        assert!(unit.differences(&results(&unlisted))[0].starts_with("failed and is not listed: a"));
        let passes = listed.replace("[err]: b \"c\" in tests/a.tcl", "[ok]: b \"c\" (1 ms)");
        assert!(unit.differences(&results(&passes))[0].starts_with("passed and is listed"));
        let fewer = listed.replace("[ok]: a (1 ms)\n", "");
        assert_eq!(unit.differences(&results(&fewer)), ["1 of 3 tests did not run"]);
    }

    #[test]
    fn a_unit_that_ends_early_is_a_difference() {
        let unit = Unit::default();
        assert_eq!(unit.differences(&results("")), ["the suite ended before the unit was done"]);
        assert_eq!(unit.differences(&results("[exception]: x\n")), ["ended early: exception: x"]);
    }
}
