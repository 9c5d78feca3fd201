//! The tables of measured numbers in the chapters of the book.
//!
//! A chapter has an experiment, and its page includes a table with the results of the experiment. The tables come from
//! one quick run, because a reader's experiment is a quick run too:
//!
//! ```text
//!   report.json -> extract -> benches/published/book/quick.json -> docs/src/numbers/PAGE.md
//! ```

use super::chapter_rows::CHAPTERS;
use super::rows::TableRow;
use super::table::{bold_if_loss, origin};
use crate::document::Document;
use crate::error::BadInput;
use crate::report::Row;
use crate::text::{TimeUnit, figure};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// The folder of the tables, relative to the root of the repository.
pub(super) const FOLDER: &str = "docs/src/numbers";

/// The run that the tables are from, relative to the root of the repository.
const RUN: &str = "benches/published/book/quick.json";

/// A table of a chapter.
pub(super) struct Chapter {
    /// The name of the page without its ending.
    pub(super) page: &'static str,
    pub(super) rows: &'static [TableRow],
}

impl Chapter {
    /// Returns the path of the table, relative to the root of the repository.
    pub(super) fn path(&self) -> String {
        format!("{FOLDER}/{}.md", self.page)
    }

    /// Returns the table, and below it the origin of its numbers. Columns for peers are left out if no row has a
    /// peer.
    pub(super) fn markdown(&self, run: &Document) -> Result<String, BadInput> {
        let mut rows = Vec::new();
        for shown in self.rows {
            rows.push((shown, find(run, shown, Path::new(RUN))?));
        }
        let has_peers = rows.iter().any(|(_, row)| !row.peer.is_empty());
        let head = if has_peers {
            "| | redcore | beside | ratio |\n|---|---|---|---|"
        } else {
            "| | redcore |\n|---|---|"
        };
        let mut text = format!("{head}\n");
        for (TableRow { label, peer_label, .. }, row) in rows {
            let ours = value(row.value, &row.unit);
            let (ours, others) = if row.peer.is_empty() {
                (ours, if has_peers { " | |" } else { "" }.to_owned())
            } else {
                let ratio = bold_if_loss(row);
                let theirs = value(row.peer_value, &row.unit);
                (format!("{}: {ours}", row.subject), format!(" {peer_label}: {theirs} | {ratio} |"))
            };
            _ = writeln!(text, "| {label} | {ours} |{others}");
        }
        _ = writeln!(text, "\n*{}*", origin(run));
        Ok(text)
    }
}

/// Returns a value with its unit.
fn value(value: f64, unit: &str) -> String {
    match unit {
        "ns" => {
            let unit = TimeUnit::of(value);
            format!("{}&nbsp;{}", unit.number(value), unit.name)
        }
        "us" => self::value(value * 1e3, "ns"),
        "" => figure(value),
        _ => format!("{}&nbsp;{}", figure(value), unit.replace(' ', "&nbsp;")),
    }
}

fn find<'a>(run: &'a Document, shown: &TableRow, path: &Path) -> Result<&'a Row, BadInput> {
    let missing = || BadInput::file(path, format!("the run has no {}", shown.measurement));
    shown.measurement.find(&run.rows).ok_or_else(missing)
}

/// Returns the published run, or `None` if there is none.
pub(super) fn load(root: &Path) -> Result<Option<Document>, BadInput> {
    let path = root.join(RUN);
    if path.exists() { Document::load(&path).map(Some) } else { Ok(None) }
}

/// Publishes the rows of the report in the file `path` that chapters show. Returns the path of the written file.
pub(super) fn publish(root: &Path, path: &Path) -> Result<PathBuf, BadInput> {
    let run = Document::load(path)?;
    if !run.command.contains("--quick") {
        return Err(BadInput::file(path, "the chapters show a quick run"));
    }
    let mut rows: Vec<Row> = Vec::new();
    for shown in CHAPTERS.iter().flat_map(|chapter| chapter.rows) {
        let row = find(&run, shown, path)?;
        if !rows.iter().any(|other| other.same_measurement(row)) {
            rows.push(row.clone());
        }
    }
    let file = root.join(RUN);
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(|err| BadInput::file(folder, err))?;
    }
    let shown = Document { rows, plots: Vec::new(), ..run };
    shown.save(&file).map_err(|err| BadInput::file(&file, err))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_the_unit_that_suits_it() {
        assert_eq!(value(1203.0, "ns"), "1,203&nbsp;ns");
        assert_eq!(value(26e3, "ns"), "26&nbsp;µs");
        assert_eq!(value(432.3, "us"), "432&nbsp;µs");
        assert_eq!(value(3.0, ""), "3.00");
        assert_eq!(value(1004.0, "B"), "1,004&nbsp;B");
    }

    #[test]
    fn every_table_of_a_chapter_is_included_by_its_page_and_has_all_rows() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let run = load(root).unwrap().expect("a published run");
        for chapter in CHAPTERS {
            let page = std::fs::read_to_string(root.join(format!("docs/src/{}.md", chapter.page))).unwrap();
            assert!(
                page.contains(&format!("{{{{#include numbers/{}.md}}}}", chapter.page)),
                "{}",
                chapter.page
            );
            chapter.markdown(&run).unwrap();
        }
    }

    #[test]
    fn only_a_quick_run_is_published() {
        let root = std::env::temp_dir().join(format!("redcore-chapters-{}", std::process::id()));
        let of_repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut run = load(of_repository).unwrap().expect("a published run");
        let report = root.join("report.json");
        run.save(&report).unwrap();
        assert_eq!(publish(&root, &report).unwrap(), root.join(RUN));
        run.command = "cargo xtask bench".into();
        run.save(&report).unwrap();
        assert!(publish(&root, &report).unwrap_err().to_string().contains("a quick run"));
        std::fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn a_run_without_a_row_is_refused_by_the_name_of_the_row() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut run = load(root).unwrap().expect("a published run");
        run.rows.clear();
        let error = CHAPTERS[0].markdown(&run).unwrap_err().to_string();
        assert!(error.contains("the run has no row"), "{error}");
    }
}
