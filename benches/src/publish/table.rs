//! The table of README.md: a row for each measurement, a column for each kind of machine.

use super::Published;
use super::rows::{self, ROWS};
use crate::document::Document;
use crate::report::Row;
use crate::text::{duration, figure, thousands};
use std::fmt::Write;

/// How the line above the generated part begins.
pub(super) const BEGIN: &str = "<!-- BENCHMARKS: begin";

/// The line under it.
pub(super) const END: &str = "<!-- BENCHMARKS: end -->";

/// The text with the part between the two lines replaced; `None` if one of them is missing.
pub(super) fn replace(text: &str, part: &str) -> Option<String> {
    let begin = text.find(BEGIN)?;
    let begin = begin + text[begin..].find('\n')? + 1;
    let end = begin + text[begin..].find(END)?;
    Some(format!("{}{part}{}", &text[..begin], &text[end..]))
}

/// The table, and under it where each column is from.
pub(super) fn markdown(runs: &[Published]) -> String {
    let mut text = String::from("| redcore beside its peers |");
    let columns = |cell: &dyn Fn(&Published) -> String| {
        runs.iter().map(|run| format!(" {} |", cell(run))).collect::<String>()
    };
    text += &columns(&|run| run.name.clone());
    text += "\n|---|";
    text += &runs.iter().map(|_| "---|").collect::<String>();
    for row in ROWS {
        let cells = columns(&|run| row.measurement.find(&run.document.rows).map_or_else(String::new, cell));
        _ = write!(text, "\n| {}<br>beside {} |{cells}", row.label, row.beside);
    }
    let cells = columns(&|run| {
        let worst = rows::worst(&run.document.rows);
        worst.map_or_else(String::new, |row| format!("{}<br>{}", cell(row), name(row)))
    });
    _ = write!(text, "\n| **the worst of all rows** that the run prints |{cells}");
    text += "\n\nA cell has the ratio, redcore's value over the peer's, and below it the two values. Below 1 redcore is better. Losses are bold.\n\n";
    for run in runs {
        _ = writeln!(text, "- {}: {}", run.name, origin(&run.document));
    }
    text
}

/// The ratio, and both values.
fn cell(row: &Row) -> String {
    let loss = if row.less_is_better() { row.ratio > 1.0 } else { row.ratio < 1.0 };
    let ratio = ratio(row.ratio);
    let ratio = if loss { format!("**{ratio}**") } else { ratio };
    format!("{ratio}<br>{}", pair(&value(row.value, &row.unit), &value(row.peer_value, &row.unit)))
}

/// `11.6 : 14.9 B`, `26 µs : 289 ms`. A number and its unit stay in one line.
fn pair(ours: &str, theirs: &str) -> String {
    let ours = match (ours.split_once(' '), theirs.split_once(' ')) {
        (Some((number, unit)), Some((_, other))) if unit == other => number,
        _ => ours,
    };
    let [ours, theirs] = [ours, theirs].map(|value| value.replace(' ', "&nbsp;"));
    format!("{ours} : {theirs}")
}

/// Two significant digits; a small ratio as a fraction, which is easier to grasp than its zeros.
fn ratio(ratio: f64) -> String {
    match ratio {
        small if small < 0.01 => format!("1/{}", thousands(rounded(small.recip()) as i64)),
        less if less < 10.0 => format!("{less:.2}"),
        more => thousands(more.round() as i64),
    }
}

/// To two significant digits.
fn rounded(value: f64) -> f64 {
    let unit = 10f64.powf(value.log10().floor() - 1.0).max(1.0);
    (value / unit).round() * unit
}

fn value(value: f64, unit: &str) -> String {
    match unit {
        "ns" => duration(value),
        "" => figure(value),
        // The row's label says of what.
        "B/entry" | "B/element" => format!("{} B", figure(value)),
        _ => format!("{} {unit}", figure(value)),
    }
}

/// What a row that was not chosen is: case, size, subject and peer.
fn name(row: &Row) -> String {
    format!("{}, of {}: `{}` beside `{}`", row.title(), thousands(row.n as i64), row.subject, row.peer)
}

/// Machine, date, commit, command.
fn origin(document: &Document) -> String {
    let Document { machine, date, commit, command, .. } = document;
    let commit = short_commit(commit);
    format!("{}; {}, commit `{commit}`, `{command}`.", machine.hardware(), day(date))
}

/// Twelve digits of the hash, and what stands behind it.
fn short_commit(commit: &str) -> String {
    const DIGITS: usize = 12;
    let end = commit.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(commit.len());
    format!("{}{}", &commit[..end.min(DIGITS)], &commit[end..])
}

/// `22 November 2026`, or what is there where it is not a time.
pub(super) fn day(date: &str) -> String {
    date.parse().map_or_else(|_| date.into(), |time: jiff::Timestamp| time.strftime("%-d %B %Y").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_lines_is_replaced() {
        let text = format!("above\n{BEGIN}. Note. -->\nold\n{END}\nbelow\n");
        let new = replace(&text, "new\n").unwrap();
        assert_eq!(new, format!("above\n{BEGIN}. Note. -->\nnew\n{END}\nbelow\n"));
        assert_eq!(replace(&new, "new\n").unwrap(), new);
        assert!(replace(&text.replace(END, ""), "new\n").is_none());
        assert!(replace(&format!("{END}\n{BEGIN} -->\n"), "new\n").is_none());
    }

    #[test]
    fn a_cell_shows_losses_in_bold_whatever_the_unit() {
        let row = |unit, ours, theirs| Row::alone("s", "c", 1, "ours", "m", unit, ours).beside("p", theirs);
        assert_eq!(cell(&row("B/entry", 11.6, 14.9)), "0.78<br>11.6 : 14.9&nbsp;B");
        assert_eq!(cell(&row("ns", 26e3, 289e6)), "1/11,000<br>26&nbsp;µs : 289&nbsp;ms");
        assert_eq!(cell(&row("ns", 1203.0, 603.0)), "**2.00**<br>1,203 : 603&nbsp;ns");
        assert_eq!(cell(&row("ops/s", 1.0, 2.0)), "**0.50**<br>1.00 : 2.00&nbsp;ops/s");
        assert_eq!(cell(&row("", 3.0, 1.5)), "**2.00**<br>3.00 : 1.50");
    }

    #[test]
    fn commits_are_short_and_say_that_they_are_dirty() {
        assert_eq!(short_commit("6502e646c9a193e09d5e"), "6502e646c9a1");
        assert_eq!(short_commit("6502e646c9a1-dirty"), "6502e646c9a1-dirty");
        assert_eq!(short_commit("unknown"), "unknown");
    }

    #[test]
    fn days_are_written_out() {
        assert_eq!(day("2026-11-22T10:00:00Z"), "22 November 2026");
        assert_eq!(day("some day"), "some day");
    }
}
