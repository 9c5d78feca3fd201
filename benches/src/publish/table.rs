//! The table of README.md. It has a row for each measurement, and a column for each kind of machine.

use super::Published;
use super::rows::ROWS;
use crate::document::Document;
use crate::report::Row;
use crate::score;
use crate::text::{TimeUnit, figure, thousands};
use std::fmt::Write;

/// The beginning of the line above the generated part.
pub(super) const BEGIN: &str = "<!-- BENCHMARKS: begin";

/// The line below the generated part.
pub(super) const END: &str = "<!-- BENCHMARKS: end -->";

/// Returns the text with the part between the two lines replaced, or `None` if one of the lines is missing.
pub(super) fn replace(text: &str, part: &str) -> Option<String> {
    let begin = text.find(BEGIN)?;
    let begin = begin + text[begin..].find('\n')? + 1;
    let end = begin + text[begin..].find(END)?;
    Some(format!("{}{part}{}", &text[..begin], &text[end..]))
}

/// Returns the table, and below it the origin of each column.
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
        _ = write!(text, "\n| {}<br>beside {} |{cells}", row.label, row.peer_label);
    }
    let cells = columns(&|run| {
        let worst = score::worst(run.document.rows.iter());
        worst.map_or_else(String::new, |row| format!("{}<br>`{}`", cell(row), row.name()))
    });
    _ = write!(text, "\n| **the worst row of the run** |{cells}");
    text += "\n\nA cell has the ratio, redcore's value over the peer's, and below it the two values. Below 1 redcore is better. Losses are bold.\n\n";
    for run in runs {
        let origin = origin(&run.document);
        // The name is omitted if the origin begins with it, as it does with the name of a processor.
        let name = if origin.starts_with(&run.name) { String::new() } else { format!("{}: ", run.name) };
        _ = writeln!(text, "- {name}{origin}");
    }
    text
}

/// Returns the ratio, and both values.
fn cell(row: &Row) -> String {
    format!("{}<br>{}", bold_if_loss(row), pair(row.value, row.peer_value, &row.unit))
}

/// Returns the ratio. It is bold if it is a loss.
pub(super) fn bold_if_loss(row: &Row) -> String {
    let ratio_text = ratio(row.ratio);
    // A ratio that is printed as 1.00 is not a loss.
    let is_loss = row.ratio.is_finite() && (row.ratio * 100.0).round() > 100.0;
    if is_loss { format!("**{ratio_text}**") } else { ratio_text }
}

/// Two values are shown in the same unit if their quotient is at most this number.
const SAME_UNIT: f64 = 1000.0;

/// Returns both values, such as `11.6 : 14.9 B`, `22 : 1.5 µs` or `26 µs : 289 ms`. A number and its unit are
/// never on different lines.
fn pair(ours: f64, theirs: f64, unit: &str) -> String {
    if unit == "ns" {
        let (less, more) = (ours.min(theirs), ours.max(theirs));
        let [first, second] = if more <= less * SAME_UNIT {
            [TimeUnit::of(more); 2]
        } else {
            [TimeUnit::of(ours), TimeUnit::of(theirs)]
        };
        let unit = if first == second { String::new() } else { format!("&nbsp;{}", first.name) };
        return format!("{}{unit} : {}&nbsp;{}", first.number(ours), second.number(theirs), second.name);
    }
    let unit = match unit {
        "" => String::new(),
        // The label of the row says what the bytes are divided by.
        "B/entry" | "B/element" => "&nbsp;B".into(),
        _ => format!("&nbsp;{}", unit.replace(' ', "&nbsp;")),
    };
    format!("{} : {}{unit}", figure(ours), figure(theirs))
}

/// Formats a ratio, with two decimals if it is below 10, and otherwise with none. A ratio below 0.01 becomes
/// a fraction with two significant digits, which is easier to read than its zeros. Returns `-` if the ratio
/// is not positive and finite.
fn ratio(ratio: f64) -> String {
    match ratio {
        none if !none.is_finite() || none <= 0.0 => "-".into(),
        small if small < 0.01 => format!("1/{}", thousands(rounded(small.recip()) as i64)),
        less if less < 10.0 => format!("{less:.2}"),
        more => thousands(more.round() as i64),
    }
}

/// Rounds to two significant digits.
fn rounded(value: f64) -> f64 {
    let unit = 10f64.powf(value.log10().floor() - 1.0).max(1.0);
    (value / unit).round() * unit
}

/// Returns the machine, the date, the commit and the command of a run.
pub(super) fn origin(document: &Document) -> String {
    let Document { machine, date, command, .. } = document;
    let commit = document.short_commit();
    format!("{}; {}, commit `{commit}`, `{command}`.", machine.hardware(), day(date))
}

/// Returns a date such as `22 November 2026`. Returns the text itself if it is not a time.
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
    fn a_cell_shows_losses_in_bold_and_both_values_in_the_unit_that_suits_them() {
        let row = |unit, ours, theirs| Row::alone("s", "c", 1, "ours", "m", unit, ours).beside("p", theirs);
        assert_eq!(cell(&row("B/entry", 11.6, 14.9)), "0.78<br>11.6 : 14.9&nbsp;B");
        assert_eq!(cell(&row("ns", 26e3, 289e6)), "1/11,000<br>26&nbsp;µs : 289&nbsp;ms");
        assert_eq!(cell(&row("ns", 1203.0, 603.0)), "**2.00**<br>1,203 : 603&nbsp;ns");
        assert_eq!(cell(&row("ns", 22e3, 1500.0)), "**15**<br>22 : 1.5&nbsp;µs");
        assert_eq!(cell(&row("", 3.0, 1.5)), "**2.00**<br>3.00 : 1.50");
        assert_eq!(cell(&row("B", 1004.0, 1000.0)), "1.00<br>1,004 : 1,000&nbsp;B");
    }

    #[test]
    fn a_ratio_of_nothing_is_a_dash() {
        for none in [f64::NAN, f64::INFINITY, 0.0] {
            assert_eq!(ratio(none), "-");
        }
        assert_eq!((ratio(0.009), ratio(9.994), ratio(10.4)), ("1/110".into(), "9.99".into(), "10".into()));
    }

    #[test]
    fn days_are_written_out() {
        assert_eq!(day("2026-11-22T10:00:00Z"), "22 November 2026");
        assert_eq!(day("some day"), "some day");
    }
}
