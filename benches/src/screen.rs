//! The last screen of a run: the scoreboard, the results of comparisons, and the machine that the figures are
//! from.
//!
//! ```text
//!            ratio  redcore over its peer; below 1 it is ahead      ahead  level  behind
//!  alloc      1.16  what the suite's headline says                     38      7      39
//!    best   0.0433  the row in which redcore does best
//!    worst    1.41  the row in which it does worst
//! ```
//!
//! The screen with all suites, and with the paths of the reports below it, has at most [`LINES`] lines. Lists
//! are cut to the room that is left. If there is too little room, the best rows are left out.

use crate::against::Changes;
use crate::document::Document;
use crate::report::Row;
use crate::score::{NO_HEADLINE, Score};
use crate::settings::Settings;
use crate::suite::Suite;
use crate::targets::{Judged, Tally};
use crate::text::{cut, figure, thousands};
use crate::verdict::RULE;
use std::time::Duration;

/// The maximum number of lines, including the paths of the reports.
pub const LINES: usize = 45;

/// The maximum number of characters of a line.
pub const WIDTH: usize = 120;

/// The number of lines that the program prints below the screen: the paths of the page, of the JSON, and of
/// the file of `--save`.
const LINES_OF_PATHS: usize = 3;

/// The minimum number of lines for lists.
const LINES_OF_LISTS: usize = 6;

/// The number of characters before the text of a line: the label, the figure and two spaces.
const MARGIN: usize = 20;

/// The number of characters of a headline, which has the three counts to its right.
const TEXT_WIDTH: usize = WIDTH - MARGIN - 21;

/// The content of the last screen.
pub struct Screen<'a> {
    /// The suites that ran.
    pub suites: &'a [&'a Suite],
    /// The results of the suites, and the machine.
    pub document: &'a Document,
    /// The settings of the suites.
    pub settings: &'a Settings,
    /// How long the run took.
    pub took: Duration,
    /// The comparison with a saved run, if `--against` is given.
    pub changes: Option<&'a Changes<'a>>,
    /// How many limits hold, if `--check` is given.
    pub tally: Option<&'a Tally<'a>>,
}

impl Screen<'_> {
    /// Returns the lines of the screen.
    pub fn lines(&self) -> Vec<String> {
        let limits = self.tally.map(|tally| (vec![tally.summary()], misses(tally)));
        let changes = self.changes.map(|changes| (summary_of(changes), worse(changes)));
        let blocks: Vec<_> = limits.into_iter().chain(changes).collect();
        let summaries: usize = blocks.iter().map(|(summary, _)| summary.len()).sum();
        let origin = self.origin();
        let empty = usize::from(!blocks.is_empty()) + 1;
        let fixed = summaries + empty + origin.len() + LINES_OF_PATHS;
        let mut lines = self.scoreboard(true);
        let room_of_lists = if blocks.is_empty() { 0 } else { LINES_OF_LISTS };
        if lines.len() + fixed + room_of_lists > LINES {
            lines = self.scoreboard(false);
        }
        let mut room = LINES.saturating_sub(lines.len() + fixed);
        if !blocks.is_empty() {
            lines.push(String::new());
        }
        for (i, (summary, items)) in blocks.iter().enumerate() {
            lines.extend(summary.iter().cloned());
            // A list can use the room that the list before it has left.
            let listed = first_of(items, room / (blocks.len() - i));
            room -= listed.len();
            lines.extend(listed);
        }
        lines.push(String::new());
        lines.extend(origin.iter().map(|line| cut(line, WIDTH)));
        lines
    }

    /// Returns the lines about all suites.
    fn scoreboard(&self, with_best: bool) -> Vec<String> {
        let mut lines = vec![line("", "ratio", &heading()), line("", "", RULE)];
        for suite in self.suites {
            lines.extend(scored(suite, &Score::of(suite, &self.document.rows), with_best));
        }
        lines
    }

    /// Returns the origin of the figures: the machine, the allocator and the commit, and the scale of the
    /// run.
    fn origin(&self) -> [String; 2] {
        let Document { machine, allocator, rows, .. } = self.document;
        let cores = machine.cores.map(|cores| format!(", {cores} cores")).unwrap_or_default();
        let commit = self.document.short_commit();
        let (rows, seconds) = (thousands(rows.len() as i64), self.took.as_secs_f64());
        [
            format!("{}{cores}; {allocator}; commit {commit}", machine.cpu),
            format!("{rows} rows in {seconds:.0} s; {}", self.settings.scale()),
        ]
    }
}

fn heading() -> String {
    let what = "redcore over its peer; below 1 redcore is ahead; means are geometric";
    with_counts(what, ["ahead", "level", "behind"].map(String::from))
}

/// Returns the three lines of a suite, or two without the best row. There is only one line if no row counts.
fn scored(suite: &Suite, score: &Score, with_best: bool) -> Vec<String> {
    let (ratio, what) = match &score.headline {
        Some(headline) => (figure(headline.ratio), headline.describe(suite.headline.what)),
        None => (figure(f64::NAN), NO_HEADLINE.into()),
    };
    let counts = [score.ahead, score.level, score.behind].map(|count| thousands(count as i64));
    let mut lines = vec![line(suite.name, &ratio, &with_counts(&what, counts))];
    let extremes = [("  best", score.best.filter(|_| with_best)), ("  worst", score.worst)];
    lines.extend(
        extremes.into_iter().filter_map(|(label, row)| row.map(|row| of_row(label, row.ratio, row, ""))),
    );
    lines
}

fn with_counts(text: &str, [ahead, level, behind]: [String; 3]) -> String {
    format!("{:TEXT_WIDTH$}{ahead:>6}{level:>7}{behind:>8}", cut(text, TEXT_WIDTH))
}

/// Returns a line with a label, a figure in its column, and a text.
fn line(label: &str, figure: &str, text: &str) -> String {
    format!("{label:10}{figure:>8}  {text}").trim_end().into()
}

fn of_row(label: &str, value: f64, row: &Row, after: &str) -> String {
    let width = WIDTH - MARGIN - after.chars().count();
    line(label, &figure(value), &(row.name_within(width) + after))
}

/// Returns a line for each limit that is missed or has no row.
fn misses(tally: &Tally) -> Vec<String> {
    let item = |judged: &&Judged| {
        let after = format!("; limit {}", figure(judged.target.limit));
        match judged.row {
            Some(row) => of_row("  missed", judged.found, row, &after),
            None => {
                let name = cut(&judged.name(), WIDTH - MARGIN - after.chars().count());
                line("  no row", "-", &(name + &after))
            }
        }
    };
    tally.missed.iter().chain(&tally.absent).map(item).collect()
}

fn summary_of(changes: &Changes) -> Vec<String> {
    let mut summary = vec![changes.summary()];
    if !changes.same_machine {
        summary.push(format!("It is of another machine or compiler: {}.", changes.before.document.machine));
    }
    summary.iter().map(|text| cut(text, WIDTH)).collect()
}

fn worse(changes: &Changes) -> Vec<String> {
    let item = |&(row, then): &(&Row, &Row)| {
        let after = format!("; was {}", figure(then.verdict_value()));
        of_row("  WORSE", row.verdict_value(), row, &after)
    };
    changes.worse.iter().map(item).collect()
}

/// Returns the first of `items`, in `room` lines. If some are left out, the last line says how many.
fn first_of(items: &[String], room: usize) -> Vec<String> {
    if items.len() <= room {
        return items.to_vec();
    }
    let Some(shown) = room.checked_sub(1) else { return Vec::new() };
    let rest =
        format!("  and {} more, in the report and with --full", thousands((items.len() - shown) as i64));
    items[..shown].iter().cloned().chain([rest]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::against::Saved;
    use crate::suites;
    use crate::targets::{self, Target};
    use std::path::Path;

    fn settings() -> Settings {
        Settings { quick: true, ..Settings::default() }
    }

    /// Returns a document with many rows for each suite. Their names are longer than a line, and all of them
    /// are behind.
    fn document(factor: f64) -> Document {
        let row = |suite: &str, i: u32| {
            let (case, peer) = (format!("case {i}, {}", "of many words ".repeat(9)), "a peer of a long name");
            Row::alone(suite, &case, 1_000_000, "ours", "time", "ns", f64::from(i) * factor).beside(peer, 1.0)
        };
        let rows = suites::ALL.iter().flat_map(|suite| (2..40).map(|i| row(suite.name, i)));
        Document::now(&rows.collect::<Vec<_>>().into())
    }

    fn limit(row: &Row) -> Target {
        let name = |field: &str, value: &str| format!("{field} = '{value}'\n");
        let text = name("suite", &row.suite) + &name("case", &row.case) + &name("metric", &row.metric);
        let text = format!("[[target]]\n{text}{}limit = 1.0\nissue = 1", name("peer", &row.peer));
        targets::parse(&text, Path::new("t.toml")).unwrap().remove(0)
    }

    fn lines(
        suites: &[&Suite],
        now: &Document,
        before: Option<&Document>,
        judged: Option<&[Judged]>,
    ) -> Vec<String> {
        let names: Vec<&str> = suites.iter().map(|suite| suite.name).collect();
        let changes = before.map(|document| Changes::of(Saved { name: "base", document }, now, &names));
        let tally = judged.map(Tally::of);
        let screen = Screen {
            suites,
            document: now,
            settings: &settings(),
            took: Duration::from_secs(52),
            changes: changes.as_ref(),
            tally: tally.as_ref(),
        };
        screen.lines()
    }

    #[test]
    fn everything_there_is_to_say_fits_one_screen() {
        let (now, mut before) = (document(2.0), document(1.0));
        before.machine.cpu = "another machine".into();
        let limits: Vec<Target> = now.rows.iter().map(limit).collect();
        let all: Vec<&Suite> = suites::ALL.iter().collect();
        let names: Vec<&str> = all.iter().map(|suite| suite.name).collect();
        let judged = targets::judge(&limits, &names, &now.rows);
        let lines = lines(&all, &now, Some(&before), Some(&judged));
        assert_eq!(lines.len() + LINES_OF_PATHS, LINES, "all room is used:\n{}", lines.join("\n"));
        for line in &lines {
            assert!(line.chars().count() <= WIDTH, "too long: {line}");
        }
        let count = |word: &str| lines.iter().filter(|line| line.trim_start().starts_with(word)).count();
        assert_eq!((count("best"), count("worst")), (0, all.len()), "lists take the room of the best rows");
        assert!(count("missed") > 0 && count("WORSE") > 0 && count("and ") == 2, "{}", lines.join("\n"));
    }

    #[test]
    fn without_lists_every_suite_that_counts_without_servers_has_its_best_and_its_worst_row() {
        let all: Vec<&Suite> = suites::ALL.iter().collect();
        let counts_of = |now: &Document| {
            let lines = lines(&all, now, None, None);
            assert!(lines.len() + LINES_OF_PATHS <= LINES, "{} lines", lines.len());
            let count = |word: &str| lines.iter().filter(|line| line.trim_start().starts_with(word)).count();
            (count("best"), count("worst"))
        };
        let mut now = document(2.0);
        assert_eq!(counts_of(&now), (0, all.len()), "with servers there is no room for the best rows");
        now.rows.retain(|row| row.suite != "server");
        assert_eq!(counts_of(&now), (all.len() - 1, all.len() - 1));
    }

    #[test]
    fn what_one_suite_leaves_free_lists_take() {
        let (now, before) = (document(2.0), document(1.0));
        let alloc = [&suites::ALL[0]];
        let lines = lines(&alloc, &now, Some(&before), None);
        assert_eq!(lines.len() + LINES_OF_PATHS, LINES);
        assert!(lines.iter().filter(|line| line.contains("WORSE")).count() > 20);
    }

    #[test]
    fn limits_without_a_row_are_listed() {
        let now = document(2.0);
        let mut limits = vec![limit(&now.rows[0])];
        limits[0].case = "typo".into();
        let judged = targets::judge(&limits, &["alloc"], &now.rows);
        let text = lines(&[&suites::ALL[0]], &now, None, Some(&judged));
        let line = text.iter().find(|line| line.starts_with("  no row")).unwrap();
        assert!(line.ends_with("alloc: typo, time beside a peer of a long name; limit 1.00"), "{line}");
    }

    #[test]
    fn counts_best_worst_and_origin_are_said() {
        let row =
            |case: &str, value| Row::alone("alloc", case, 0, "ours", "time", "ns", value).beside("p", 1.0);
        let mut now = Document::now(&vec![row("good", 0.25), row("bad", 4.0), row("worse", 5.0)].into());
        now.commit = "0123456789abcdef0123456789abcdef01234567".into();
        let text = lines(&[&suites::ALL[0]], &now, None, None);
        assert!(text[2].ends_with(" 1      0       2"), "{}", text[2]);
        assert_eq!(text[3], "  best       0.250  good: ours beside p");
        assert_eq!(text[4], "  worst       5.00  worse: ours beside p");
        let origin = text[text.len() - 2..].join("\n");
        for part in [zmalloc::ALLOCATOR, "commit 0123456789ab\n", "3 rows in 52 s; quick run"] {
            assert!(origin.contains(part), "{part} is not in: {origin}");
        }
    }
}
