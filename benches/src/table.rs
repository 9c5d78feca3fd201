//! Tables for the terminal.

use crate::against::{Change, change};
use crate::report::{Report, Row};
use crate::targets::Judged;
use crate::text::{figure, thousands};
use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, LineStyle, Table, presets};

/// Returns the table of `suite`. If there is a saved run, the table compares the rows with its rows.
pub fn of_suite(report: &Report, suite: &str, saved: Option<&[Row]>) -> String {
    let mut header = vec!["case", "n", "redcore", "", "peer", "", "ratio", "spread"];
    if saved.is_some() {
        header.extend(["was", "change"]);
    }
    let mut table = new_table(&header);
    for column in [1, 3, 5, 6, 8] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut above: Option<&Row> = None;
    for row in report.rows_of(suite) {
        // Cells that are equal to those of the row above are blank: the row compares the same value with
        // another peer.
        let same_case = above.is_some_and(|above| above.same_case(row));
        let same_subject = above.is_some_and(|above| above.same_value(row));
        let unless = |same: bool, text: String| if same { String::new() } else { text };
        let with_unit = |value: f64| format!("{} {}", figure(value), row.unit);
        let mut cells = vec![
            Cell::new(unless(same_case, row.title())),
            Cell::new(unless(same_case, thousands(row.n as i64))),
            Cell::new(unless(same_subject, row.subject.clone())),
            Cell::new(unless(same_subject, with_unit(row.value))),
            Cell::new(&row.peer),
            Cell::new(if row.has_peer() { with_unit(row.peer_value) } else { String::new() }),
            Cell::new(if row.has_peer() { figure(row.ratio) } else { String::new() }),
            Cell::new(spread(row)),
        ];
        if let Some(saved) = saved {
            let (change, then) = change(row, saved);
            let was = then.map(|then| figure(then.verdict_value()));
            let word = Cell::new(change.word());
            cells.push(Cell::new(was.unwrap_or_default()));
            cells.push(match change {
                Change::Worse => word.fg(Color::Red).add_attribute(Attribute::Bold),
                Change::Better => word.fg(Color::Green),
                _ => word,
            });
        }
        table.add_row(cells);
        above = Some(row);
    }
    table.to_string()
}

/// Returns the quartiles, or an empty text if the row has no spread.
pub fn spread(row: &Row) -> String {
    if !row.has_peer() || row.ratio_low == row.ratio_high || !row.ratio_low.is_finite() {
        return String::new();
    }
    format!("{} to {}", figure(row.ratio_low), figure(row.ratio_high))
}

/// Returns the table of the limits that are missed or have no row.
pub fn of_misses(judged: &[Judged]) -> String {
    let mut table =
        new_table(&["row that misses its limit", "n", "found", "limit", "issue", "known, and why"]);
    for judged in judged.iter().filter(|judged| !judged.met) {
        let target = judged.target;
        table.add_row([
            judged.name(),
            judged.n(),
            judged.found(),
            figure(target.limit),
            target.issue.to_string(),
            target.known(),
        ]);
    }
    table.to_string()
}

/// Returns a table for a note as plain text. The first column is aligned to the left, and the others to the
/// right.
pub fn of_note(header: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header).add_rows(rows);
    table.column_iter_mut().skip(1).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    table.trim_fmt()
}

fn new_table(header: &[&str]) -> Table {
    let mut table = Table::new();
    let style = presets::UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none());
    table.load_style(style).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header.iter().map(|text| Cell::new(text).add_attribute(Attribute::Bold)));
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::NO_PEER;

    #[test]
    fn losses_stand_beside_wins_and_regressions_are_marked() {
        let mut report = Report::default();
        let row = |peer, value| Row::alone("s", "case", 1000, "ours", "time", "ns", 30.0).beside(peer, value);
        report.row(row("slow", 60.0));
        report.row(row("fast", 10.0));
        let plain = of_suite(&report, "s", None);
        assert!(plain.contains("0.500") && plain.contains("3.00"), "{plain}");
        assert_eq!(plain.matches("case").count(), 2, "the header and the first row:\n{plain}");
        assert!(!plain.contains("WORSE"));

        let saved = [row("slow", 60.0), row("fast", 20.0)];
        let beside = of_suite(&report, "s", Some(&saved));
        assert_eq!(beside.matches("WORSE").count(), 1, "{beside}");
        assert!(beside.contains("same") && beside.contains("1.50"), "{beside}");
    }

    #[test]
    fn a_row_that_no_peer_qualifies_for_shows_no_ratio() {
        let row = Row::alone("s", "case", 1000, "ours", "time", "ns", 0.0).beside(NO_PEER, 1.0);
        let table = of_suite(&vec![row].into(), "s", None);
        assert_eq!(table.matches("0 ns").count(), 1, "redcore's value only:\n{table}");
        assert!(table.contains(NO_PEER) && !table.contains("1.00"), "{table}");
    }
}
