//! Publishes the parts of full runs that README.md and the book show. They are copied from report.json.
//!
//! ```text
//!   report.json -> extract -> benches/published/NAME.json    one file for each kind of machine
//!                                     -> pages -> the table in README.md, and the pictures of the book
//! ```
//!
//! `cargo xtask publish` does both steps. The second step reads only the files of `benches/published`. A test
//! repeats it, so that the pages always agree with the files.
//!
//! The tables in the chapters of the book come from a quick run: see [`chapters`].
//!
//! [`rows`] lists the rows that are shown. Each kind of machine has its own column, because ratios differ
//! between processors.

mod bars;
mod chapter_rows;
mod chapters;
mod curves;
mod panel;
pub mod rows;
mod table;

use crate::document::Document;
use crate::error::BadInput;
use crate::report::Row;
use crate::{score, suites};
use std::fs;
use std::path::{Path, PathBuf};

/// The id of the plot in report.json that the curves are drawn from.
pub use curves::PLOT as CURVES_PLOT;

/// The folder of the published runs, relative to the root of the repository.
pub const FOLDER: &str = "benches/published";

/// The command that writes the pages, for messages.
pub const COMMAND: &str = "cargo xtask publish";

const README: &str = "README.md";
const CURVES: &str = "docs/src/pictures/bytes-a-key.svg";
const BARS: &str = "docs/src/pictures/longest-set.svg";

/// One published run.
pub struct Published {
    /// The kind of machine, which is the head of the column.
    pub name: String,
    /// The rows and plots that are shown, with the machine, the date and the commit.
    pub document: Document,
}

/// A file that is written from the published runs.
pub struct Page {
    /// The path of the file, relative to the root of the repository.
    pub path: String,
    /// The whole content of the file.
    pub text: String,
}

/// Returns the part of a new run that the pages show. The run must have rows of all suites. Otherwise the
/// worst row of some suites would be published as the worst row of the run.
fn import(run: &Document, path: &Path) -> Result<Document, BadInput> {
    let has_rows = |name: &str| run.rows.iter().any(|row| row.suite == name);
    if let Some(suite) = suites::ALL.iter().find(|suite| !has_rows(suite.name)) {
        let problem = format!("the run has no row of the suite {}; publish a full one", suite.name);
        return Err(BadInput::file(path, problem));
    }
    extract(run, path)
}

/// Returns the part of a run that the pages show. Error messages about a row or a plot that is missing or
/// cannot be drawn contain `path`.
pub fn extract(run: &Document, path: &Path) -> Result<Document, BadInput> {
    let missing = |what: String| BadInput::file(path, format!("the run has no {what}; publish a full one"));
    let mut shown = Vec::new();
    for row in rows::ROWS {
        shown.push(row.measurement.find(&run.rows).ok_or_else(|| missing(row.measurement.to_string()))?);
    }
    shown.extend(bars::rows(&run.rows).ok_or_else(|| missing(rows::LONGEST_SET.to_string()))?);
    shown.push(score::worst(run.rows.iter()).ok_or_else(|| missing("row that counts".into()))?);
    let is_positive = |value: f64| value.is_finite() && value > 0.0;
    if let Some(row) = shown.iter().find(|row| !is_positive(row.value) || !is_positive(row.peer_value)) {
        return Err(BadInput::file(path, format!("a value is not positive: {}", row.name())));
    }
    let plot = curves::plot(&run.plots).ok_or_else(|| missing(format!("plot {}", curves::PLOT)))?;
    if curves::points(plot).any(|(n, bytes)| !is_positive(n) || !is_positive(bytes)) {
        return Err(BadInput::file(path, format!("a value is not positive: plot {}", curves::PLOT)));
    }
    let is_shown = |row: &&Row| shown.iter().any(|other| other.same_measurement(row));
    Ok(Document {
        rows: run.rows.iter().filter(is_shown).cloned().collect(),
        plots: vec![plot.clone()],
        ..run.clone()
    })
}

/// Returns the path of a published run.
pub fn file(root: &Path, name: &str) -> PathBuf {
    root.join(FOLDER).join(format!("{name}.json"))
}

/// Returns all published runs in the order of their names, except the one in the file `without`.
fn load(root: &Path, without: Option<&Path>) -> Result<Vec<Published>, BadInput> {
    let folder = root.join(FOLDER);
    let entries = fs::read_dir(&folder).map_err(|err| BadInput::file(&folder, err))?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(|err| BadInput::file(&folder, err))?.path();
        if path.extension().is_some_and(|extension| extension == "json") && Some(path.as_path()) != without {
            paths.push(path);
        }
    }
    paths.sort();
    paths.iter().map(|path| Ok(Published::new(path, extract(&Document::load(path)?, path)?))).collect()
}

impl Published {
    /// Returns the run in the file `path`. The name of the file becomes the name of the run.
    fn new(path: &Path, document: Document) -> Self {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        Self { name: stem.replace('-', " "), document }
    }
}

/// Returns the pages that belong to the files of [`FOLDER`]. Only the generated part of README.md is
/// replaced.
pub fn pages(root: &Path) -> Result<Vec<Page>, BadInput> {
    pages_of(root, &load(root, None)?)
}

fn pages_of(root: &Path, runs: &[Published]) -> Result<Vec<Page>, BadInput> {
    let newest = runs
        .iter()
        .max_by_key(|run| &run.document.date)
        .ok_or_else(|| BadInput::file(&root.join(FOLDER), "there is no published run"))?;
    let readme = root.join(README);
    let text = fs::read_to_string(&readme).map_err(|err| BadInput::file(&readme, err))?;
    let text = table::replace(&text, &table::markdown(runs)).ok_or_else(|| {
        BadInput::file(&readme, format!("has no lines {} and {}", table::BEGIN, table::END))
    })?;
    let mut pages = vec![
        Page { path: README.into(), text },
        Page { path: CURVES.into(), text: curves::svg(newest) },
        Page { path: BARS.into(), text: bars::svg(newest) },
    ];
    if let Some(run) = chapters::load(root)? {
        for chapter in chapter_rows::CHAPTERS {
            pages.push(Page { path: chapter.path(), text: chapter.markdown(&run)? });
        }
    }
    Ok(pages)
}

/// Publishes the report in the file `path` as `name`, and returns the paths of the written files. Nothing is
/// written if something is wrong with the report, with another published run, or with README.md.
pub fn publish(root: &Path, name: &str, path: &Path) -> Result<Vec<PathBuf>, BadInput> {
    let document = import(&Document::load(path)?, path)?;
    let file = file(root, name);
    let folder = root.join(FOLDER);
    fs::create_dir_all(&folder).map_err(|err| BadInput::file(&folder, err))?;
    let mut runs = load(root, Some(&file))?;
    runs.push(Published::new(&file, document.clone()));
    runs.sort_by(|a, b| a.name.cmp(&b.name));
    pages_of(root, &runs)?;
    document.save(&file).map_err(|err| BadInput::file(&file, err))?;
    Ok([file].into_iter().chain(write(root)?.into_iter().map(PathBuf::from)).collect())
}

/// Publishes the rows of a quick run that the chapters of the book show, and returns the paths of the written
/// files. Nothing is written if the run lacks a row.
pub fn publish_chapters(root: &Path, path: &Path) -> Result<Vec<PathBuf>, BadInput> {
    let file = chapters::publish(root, path)?;
    Ok([file].into_iter().chain(write(root)?.into_iter().map(PathBuf::from)).collect())
}

/// Writes the pages that are not up to date, and returns their paths.
pub fn write(root: &Path) -> Result<Vec<String>, BadInput> {
    let mut written = Vec::new();
    for Page { path, text } in pages(root)? {
        let file = root.join(&path);
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
    use super::rows::{LONGEST_SET, Measurement, ROWS};
    use super::*;
    use crate::report::Report;

    fn row(of: &Measurement, peer: &str, peer_value: f64) -> Row {
        Row::alone(of.suite, of.case, of.n, of.subject, of.metric, "ns", 1e4).beside(peer, peer_value)
    }

    /// Returns a run that has everything that is shown, and more.
    fn full_run() -> Document {
        let mut report = Report::default();
        ROWS.iter().for_each(|shown| report.row(row(&shown.measurement, shown.measurement.peer, 2e4)));
        report.row(row(&LONGEST_SET, "classic of boxes", 4e6));
        report.row(Row::alone("s", "a loss", 7, "ours", "time", "ns", 9.0).beside("theirs", 1.0));
        report.row(Row::alone("s", "a win", 7, "ours", "time", "ns", 1.0).beside("theirs", 9.0));
        [curves::PLOT, "another"].into_iter().for_each(|id| report.plot(curves::tests::sample(id)));
        Document::now(&report)
    }

    #[test]
    fn what_is_published_has_the_rows_and_the_plot_of_the_pages_only() {
        let shown = extract(&full_run(), Path::new("x.json")).unwrap();
        let has = |case: &str| shown.rows.iter().any(|row| row.case == case);
        assert!(has("a loss") && !has("a win"));
        assert!(shown.rows.iter().any(|row| row.peer == "classic of boxes"));
        assert_eq!(shown.plots.iter().map(|plot| plot.id.as_str()).collect::<Vec<_>>(), [curves::PLOT]);
        let again = extract(&shown, Path::new("x.json")).unwrap();
        assert_eq!(again.rows.len(), shown.rows.len());
    }

    /// Returns the error for a run with this change.
    fn refused(change: &dyn Fn(&mut Document)) -> String {
        let mut run = full_run();
        change(&mut run);
        extract(&run, Path::new("x.json")).unwrap_err().to_string()
    }

    #[test]
    fn a_run_without_a_row_or_the_plot_is_refused_by_its_name() {
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
    fn a_run_whose_pictures_cannot_be_drawn_is_refused() {
        assert!(refused(&|run| run.rows[0].value = 0.0).contains("value is not positive"));
        assert!(refused(&|run| run.rows[1].peer_value = f64::NAN).contains("value is not positive"));
        assert!(refused(&|run| run.plots[0].series[0].points[0].1 = 0.0).contains("value is not positive"));
    }

    #[test]
    fn a_new_report_has_to_have_all_suites() {
        let mut run = full_run();
        for suite in suites::ALL {
            run.rows.push(Row::alone(suite.name, "c", 1, "ours", "time", "ns", 1.0));
        }
        assert!(import(&run, Path::new("x.json")).is_ok());
        run.rows.retain(|row| row.suite != "robj");
        let message = import(&run, Path::new("x.json")).map(drop).unwrap_err().to_string();
        assert!(message.contains("no row of the suite robj"), "{message}");
    }

    #[test]
    fn a_report_is_published_only_when_the_pages_can_be_written() {
        let root = std::env::temp_dir().join(format!("redcore-publish-first-{}", std::process::id()));
        let report = root.join("report.json");
        let mut run = full_run();
        for suite in suites::ALL {
            run.rows.push(Row::alone(suite.name, "c", 1, "ours", "time", "ns", 1.0));
        }
        run.save(&report).unwrap();
        fs::write(root.join(README), "no place for a table").unwrap();
        assert!(publish(&root, "Some-Kind", &report).is_err());
        assert!(!file(&root, "Some-Kind").exists());
        fs::write(root.join(README), format!("{} -->\n{}\n", table::BEGIN, table::END)).unwrap();
        assert_eq!(publish(&root, "Some-Kind", &report).unwrap().len(), 4);
        assert!(file(&root, "Some-Kind").exists());
        fs::remove_dir_all(root).unwrap();
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
        for part in ["| Some Kind |", "Some CPU", "`a loss, n 7: ours beside theirs`", "**9.00**", "0.50"] {
            assert!(readme.contains(part), "{part} is missing:\n{readme}");
        }
        let bars = fs::read_to_string(root.join(BARS)).unwrap();
        assert!(bars.contains("Redis' design") && bars.contains("Some Kind"), "{bars}");
        fs::remove_file(root.join(CURVES)).unwrap();
        assert_eq!(write(&root).unwrap(), [CURVES]);
        fs::remove_dir_all(root).unwrap();
    }
}
