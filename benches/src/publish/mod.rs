//! The first page's figures: what README.md and the book show of full runs, copied from report.json.
//!
//! ```text
//!   report.json -> extract -> benches/published/NAME.json    one file for each kind of machine
//!                                     -> pages -> the table in README.md, and the pictures of the book
//! ```
//!
//! `cargo xtask publish` does both steps. The second one takes nothing but the files of `benches/published`, and a test
//! repeats it: what the pages show is what the files say.
//!
//! [`rows`] says which rows are shown. A kind of machine has a column of its own, because ratios differ between processors.

mod bars;
mod curves;
mod panel;
pub mod rows;
mod table;

use crate::document::Document;
use crate::error::BadInput;
use crate::report::Row;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder of the published runs, from the root of the repository.
pub const FOLDER: &str = "benches/published";

/// The command that writes the pages, for messages.
pub const COMMAND: &str = "cargo xtask publish";

const README: &str = "README.md";
const CURVES: &str = "docs/src/pictures/bytes-an-entry.svg";
const BARS: &str = "docs/src/pictures/longest-insert.svg";

/// One published run.
pub struct Published {
    /// The kind of machine, as the column's head has it.
    pub name: String,
    /// The rows and plots that are shown, with machine, date and commit.
    pub document: Document,
}

/// A file that is written from the published runs.
pub struct Page {
    /// From the root of the repository.
    pub path: &'static str,
    /// The whole of it.
    pub text: String,
}

/// The part of a run that the pages show. `path` is for the message about a row or a plot that is missing.
pub fn extract(run: &Document, path: &Path) -> Result<Document, BadInput> {
    let missing = |what: String| BadInput::file(path, format!("the run has no {what}; publish a full one"));
    let mut shown = Vec::new();
    for row in rows::ROWS {
        shown.push(row.measurement.find(&run.rows).ok_or_else(|| missing(row.measurement.to_string()))?);
    }
    shown.extend(bars::rows(&run.rows).ok_or_else(|| missing(rows::LONGEST_INSERT.to_string()))?);
    shown.push(rows::worst(&run.rows).ok_or_else(|| missing("row with a peer".into()))?);
    let plot = curves::plot(&run.plots).ok_or_else(|| missing(format!("plot {}", curves::PLOT)))?;
    let is_shown = |row: &&Row| shown.iter().any(|other| other.same_measurement(row));
    Ok(Document {
        rows: run.rows.iter().filter(is_shown).cloned().collect(),
        plots: vec![plot.clone()],
        ..run.clone()
    })
}

/// The file of a published run.
pub fn file(root: &Path, name: &str) -> PathBuf {
    root.join(FOLDER).join(format!("{name}.json"))
}

/// All published runs, by name.
pub fn load(root: &Path) -> Result<Vec<Published>, BadInput> {
    let folder = root.join(FOLDER);
    let entries = fs::read_dir(&folder).map_err(|err| BadInput::file(&folder, err))?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(|err| BadInput::file(&folder, err))?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            paths.push(path);
        }
    }
    paths.sort();
    paths.iter().map(|path| published(path)).collect()
}

/// Reads one file, which has to have everything that is shown.
fn published(path: &Path) -> Result<Published, BadInput> {
    let document = extract(&Document::load(path)?, path)?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    Ok(Published { name: stem.replace('-', " "), document })
}

/// The pages as they have to be, from the files of [`FOLDER`] and from the README.md that is there.
pub fn pages(root: &Path) -> Result<Vec<Page>, BadInput> {
    let runs = load(root)?;
    let newest = runs
        .iter()
        .max_by_key(|run| &run.document.date)
        .ok_or_else(|| BadInput::file(&root.join(FOLDER), "there is no published run"))?;
    let readme = root.join(README);
    let text = fs::read_to_string(&readme).map_err(|err| BadInput::file(&readme, err))?;
    let text = table::replace(&text, &table::markdown(&runs)).ok_or_else(|| {
        BadInput::file(&readme, format!("has no lines {} and {}", table::BEGIN, table::END))
    })?;
    Ok(vec![
        Page { path: README, text },
        Page { path: CURVES, text: curves::svg(newest) },
        Page { path: BARS, text: bars::svg(newest) },
    ])
}

/// Writes the pages that are not as they have to be, and returns their paths.
pub fn write(root: &Path) -> Result<Vec<&'static str>, BadInput> {
    let mut written = Vec::new();
    for Page { path, text } in pages(root)? {
        let file = root.join(path);
        if fs::read_to_string(&file).is_ok_and(|old| old == text) {
            continue;
        }
        let folder = file.parent().unwrap_or(root);
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&file, text))
            .map_err(|err| BadInput::file(&file, err))?;
        written.push(path);
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::rows::{LONGEST_INSERT, Measurement, ROWS};
    use super::*;
    use crate::report::{Plot, Report, Series};

    fn row(of: &Measurement, peer: &str, peer_value: f64) -> Row {
        Row::alone(of.suite, of.case, of.n, of.subject, of.metric, "ns", 1e4).beside(peer, peer_value)
    }

    /// A run that has all that is shown, and more.
    fn full_run() -> Document {
        let mut report = Report::default();
        ROWS.iter().for_each(|shown| report.row(row(&shown.measurement, shown.measurement.peer, 2e4)));
        report.row(row(&LONGEST_INSERT, "dict::classic", 4e6));
        report.row(Row::alone("s", "a loss", 7, "ours", "time", "ns", 9.0).beside("theirs", 1.0));
        report.row(Row::alone("s", "a win", 7, "ours", "time", "ns", 1.0).beside("theirs", 9.0));
        let names = ["Table", "Table, 6-byte pointers", "hashbrown HashTable"];
        for id in [curves::PLOT, "another"] {
            report.plot(Plot {
                id: id.into(),
                suite: "memory".into(),
                title: String::new(),
                x_label: String::new(),
                y_label: String::new(),
                log_x: true,
                log_y: false,
                series: names
                    .map(|name| Series { name: name.into(), points: vec![(1e4, 11.0), (1e6, 12.0)] })
                    .into(),
            });
        }
        Document::now(&report)
    }

    #[test]
    fn what_is_published_has_the_rows_and_the_plot_of_the_pages_only() {
        let shown = extract(&full_run(), Path::new("x.json")).unwrap();
        let has = |case: &str| shown.rows.iter().any(|row| row.case == case);
        assert!(has("a loss") && !has("a win"));
        assert!(shown.rows.iter().any(|row| row.peer == "dict::classic"));
        assert_eq!(shown.plots.iter().map(|plot| plot.id.as_str()).collect::<Vec<_>>(), [curves::PLOT]);
        let again = extract(&shown, Path::new("x.json")).unwrap();
        assert_eq!(again.rows.len(), shown.rows.len());
    }

    #[test]
    fn a_run_without_a_row_or_the_plot_is_refused_by_its_name() {
        let refused = |change: &dyn Fn(&mut Document)| {
            let mut run = full_run();
            change(&mut run);
            extract(&run, Path::new("x.json")).unwrap_err().to_string()
        };
        for shown in ROWS {
            let without = |run: &mut Document| {
                run.rows.retain(|row| shown.measurement.find(std::slice::from_ref(row)).is_none())
            };
            let message = refused(&without);
            assert!(
                message.contains("x.json") && message.contains(&shown.measurement.to_string()),
                "{message}"
            );
        }
        assert!(refused(&|run| run.plots.clear()).contains(curves::PLOT));
    }

    #[test]
    fn pages_are_written_once_and_again_only_after_a_change() {
        let root = std::env::temp_dir().join(format!("redcore-publish-{}", std::process::id()));
        let mut run = full_run();
        run.machine.cpu = "Some CPU".into();
        extract(&run, Path::new("x.json")).unwrap().save(&file(&root, "Some-Kind")).unwrap();
        fs::write(root.join(README), format!("above\n{} -->\n{}\nbelow\n", table::BEGIN, table::END))
            .unwrap();
        assert_eq!(write(&root).unwrap(), [README, CURVES, BARS]);
        assert_eq!(write(&root).unwrap(), [""; 0]);
        let readme = fs::read_to_string(root.join(README)).unwrap();
        assert!(readme.starts_with("above\n") && readme.ends_with("below\n"));
        for part in ["| Some Kind |", "Some CPU", "a loss, of 7", "**9.00**", "0.50"] {
            assert!(readme.contains(part), "{part} is missing:\n{readme}");
        }
        let bars = fs::read_to_string(root.join(BARS)).unwrap();
        assert!(bars.contains("Redis' design") && bars.contains("Some Kind"), "{bars}");
        fs::remove_file(root.join(CURVES)).unwrap();
        assert_eq!(write(&root).unwrap(), [CURVES]);
        fs::remove_dir_all(root).unwrap();
    }
}
