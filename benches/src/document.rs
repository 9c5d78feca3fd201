//! report.json: a run as a file, which programs can read and later runs can be compared with.

use crate::error::BadInput;
use crate::machine::{self, Machine};
use crate::report::{Plot, Report, Row};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The version of the form. It is raised when a field changes its meaning or is removed.
pub const SCHEMA: u32 = 1;

/// The whole content of report.json. Other programs rely on the fields: see benches/README.md.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Document {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The machine that the run was on.
    pub machine: Machine,
    /// When the run ended, in UTC, such as `2026-11-03T10:00:00Z`.
    pub date: String,
    /// The commit of the source.
    pub commit: String,
    /// The allocator: [`zmalloc::ALLOCATOR`].
    pub allocator: String,
    /// The distance between the smallest size classes of the allocator, in bytes: [`zmalloc::quantum`].
    #[serde(default)]
    pub quantum: Option<usize>,
    /// The command line of the run, without the options that name paths of the machine. It is empty in older
    /// files.
    #[serde(default)]
    pub command: String,
    /// The rows that were measured.
    pub rows: Vec<Row>,
    /// The curves. They have only points that can be drawn. Older files have none.
    #[serde(default)]
    pub plots: Vec<Plot>,
}

impl Document {
    /// Returns the document of a run that ends now on this machine.
    pub fn now(report: &Report) -> Self {
        let now = jiff::Timestamp::now();
        let date = now.round(jiff::Unit::Second).unwrap_or(now).to_string();
        Self {
            schema: SCHEMA,
            machine: Machine::this(),
            date,
            commit: machine::commit(),
            allocator: zmalloc::ALLOCATOR.into(),
            quantum: zmalloc::quantum(),
            command: command(std::env::args_os().skip(1)),
            rows: report.rows.clone(),
            plots: report.plots.iter().map(drawable).collect(),
        }
    }

    /// Returns a short form of the commit: twelve digits of the hash, and everything after the hash.
    pub fn short_commit(&self) -> String {
        const DIGITS: usize = 12;
        let end = self.commit.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(self.commit.len());
        format!("{}{}", &self.commit[..end.min(DIGITS)], &self.commit[end..])
    }

    /// Reads a saved run. Returns [`BadInput::File`] if it is missing, malformed, or of another schema.
    pub fn load(path: &Path) -> Result<Self, BadInput> {
        #[derive(Deserialize)]
        struct Head {
            schema: u32,
        }
        let text = fs::read_to_string(path).map_err(|err| BadInput::file(path, err))?;
        // The head is parsed first, because a document of another schema need not have the same fields.
        let head: Head = serde_json::from_str(&text).map_err(|err| BadInput::file(path, err))?;
        if head.schema != SCHEMA {
            let problem = format!("it has schema {}, this program reads schema {SCHEMA}", head.schema);
            return Err(BadInput::file(path, problem));
        }
        serde_json::from_str(&text).map_err(|err| BadInput::file(path, err))
    }

    /// Writes the document. Creates its folder if there is none.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        fs::write(path, text)
    }
}

/// Returns the plot without the points that cannot be drawn on its axes. JSON has no NaN.
fn drawable(plot: &Plot) -> Plot {
    let mut drawable = plot.clone();
    for series in &mut drawable.series {
        series.points.retain(|point| plot.is_drawable(*point));
    }
    drawable
}

/// Options whose value is a path of one machine, and says nothing about what was measured.
const PATH_OPTIONS: [&str; 3] = ["--out", "--save", "--against"];

/// An option that has no meaning without `--against`.
const FAIL_ON_REGRESSION: &str = "--fail-on-regression";

/// Returns the command line that repeats a run with these arguments on another machine.
fn command(arguments: impl Iterator<Item = OsString>) -> String {
    let mut words = vec!["cargo xtask bench".to_owned()];
    let mut arguments = arguments.map(|argument| argument.to_string_lossy().into_owned());
    while let Some(argument) = arguments.next() {
        match argument.split_once('=') {
            Some((option, _)) if PATH_OPTIONS.contains(&option) => {}
            None if PATH_OPTIONS.contains(&argument.as_str()) => drop(arguments.next()),
            None if argument == FAIL_ON_REGRESSION => {}
            _ => words.push(quoted(argument)),
        }
    }
    words.join(" ")
}

/// Quotes the argument for a shell, if necessary.
fn quoted(argument: String) -> String {
    if argument.is_empty() || argument.contains(|c: char| c.is_whitespace() || c == '\'') {
        format!("'{}'", argument.replace('\'', r"'\''"))
    } else {
        argument
    }
}

/// Returns the path of the run that was saved as `name`.
pub fn saved(out: &Path, name: &str) -> PathBuf {
    out.join("saved").join(format!("{name}.json"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Series;

    fn row() -> Row {
        Row::alone("alloc", "pair", 48, "Zmalloc", "time", "ns", 8.5).beside("System", 17.0)
    }

    fn report(rows: Vec<Row>) -> Report {
        let plot = Plot {
            id: "curve".into(),
            suite: "alloc".into(),
            title: "a curve".into(),
            x_label: "n".into(),
            y_label: "ns".into(),
            log_x: false,
            log_y: true,
            series: vec![Series { name: "ours".into(), points: vec![(1.0, 3.0), (2.0, 4.0)] }],
        };
        Report { rows, plots: vec![plot], ..Report::default() }
    }

    #[test]
    fn the_form_is_the_documented_one() {
        let json = serde_json::to_value(Document::now(&report(vec![row()]))).unwrap();
        let keys = |value: &serde_json::Value| -> Vec<String> {
            value.as_object().unwrap().keys().cloned().collect()
        };
        // The maps of serde_json sort their keys.
        let document_keys =
            ["allocator", "command", "commit", "date", "machine", "plots", "quantum", "rows", "schema"];
        assert_eq!(keys(&json), document_keys);
        let plot_keys = ["id", "log_x", "log_y", "series", "suite", "title", "x_label", "y_label"];
        assert_eq!(keys(&json["plots"][0]), plot_keys);
        assert_eq!(json["plots"][0]["series"][0]["points"][1], serde_json::json!([2.0, 4.0]));
        let row_keys = [
            "case",
            "metric",
            "n",
            "peer",
            "peer_value",
            "ratio",
            "ratio_high",
            "ratio_low",
            "subject",
            "suite",
            "unit",
            "value",
        ];
        assert_eq!(keys(&json["rows"][0]), row_keys);
        assert_eq!(keys(&json["machine"]), ["cores", "cpu", "memory_bytes", "os", "rustc"]);
        assert_eq!(json["schema"], 1);
        assert_eq!(json["rows"][0]["ratio"], 0.5);
        assert!(json["date"].as_str().unwrap().ends_with('Z'));
    }

    #[test]
    fn a_saved_run_comes_back_as_it_was() {
        let folder = std::env::temp_dir().join(format!("redcore-bench-{}", std::process::id()));
        let path = saved(&folder, "one");
        let document = Document::now(&report(vec![row(), Row::alone("s", "c", 0, "x", "memory", "B", 3.0)]));
        document.save(&path).unwrap();
        let back = Document::load(&path).unwrap();
        assert_eq!(serde_json::to_value(&back).unwrap(), serde_json::to_value(&document).unwrap());
        assert!(back.rows[1].ratio.is_nan());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn files_from_before_plots_and_command_are_read() {
        let mut old = serde_json::to_value(Document::now(&report(vec![row()]))).unwrap();
        for field in ["command", "plots", "quantum"] {
            old.as_object_mut().unwrap().remove(field);
        }
        let old: Document = serde_json::from_value(old).unwrap();
        assert!(old.plots.is_empty() && old.command.is_empty() && old.rows.len() == 1);
    }

    #[test]
    fn the_command_is_the_one_that_was_typed() {
        let typed = |arguments: &[&str]| command(arguments.iter().map(OsString::from));
        assert_eq!(typed(&["--suite", "memory,latency"]), "cargo xtask bench --suite memory,latency");
        assert_eq!(typed(&["--trace", "a trace"]), "cargo xtask bench --trace 'a trace'");
    }

    #[test]
    fn the_command_names_no_place_of_the_machine() {
        let arguments =
            ["--out", "/home/me", "--quick", "--save=one", "--against", "two", "--fail-on-regression"];
        assert_eq!(command(arguments.iter().map(OsString::from)), "cargo xtask bench --quick");
    }

    #[cfg(unix)]
    #[test]
    fn a_command_that_is_not_utf_8_is_written_as_far_as_it_can_be() {
        use std::os::unix::ffi::OsStringExt;
        let arguments = [OsString::from("--trace"), OsString::from_vec(b"a\xff".to_vec())];
        assert_eq!(command(arguments.into_iter()), "cargo xtask bench --trace a\u{fffd}");
    }

    #[test]
    fn points_without_a_place_on_the_axes_are_left_out() {
        let mut report = report(vec![row()]);
        // The y axis is logarithmic.
        report.plots[0].series[0].points.extend([(3.0, f64::NAN), (4.0, 0.0), (f64::INFINITY, 1.0)]);
        let json = serde_json::to_string(&Document::now(&report)).unwrap();
        let back: Document = serde_json::from_str(&json).unwrap();
        assert_eq!(back.plots[0].series[0].points, [(1.0, 3.0), (2.0, 4.0)]);
    }

    #[test]
    fn commits_are_short_and_say_that_they_are_dirty() {
        let short = |commit: &str| {
            Document { commit: commit.into(), ..Document::now(&report(vec![])) }.short_commit()
        };
        assert_eq!(short("6502e646c9a193e09d5e"), "6502e646c9a1");
        assert_eq!(short("6502e646c9a1-dirty"), "6502e646c9a1-dirty");
        assert_eq!(short("unknown"), "unknown");
    }

    #[test]
    fn files_of_another_form_are_refused() {
        let folder = std::env::temp_dir().join(format!("redcore-bench-bad-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("x.json");
        let refused = |text: &str| {
            fs::write(&path, text).unwrap();
            Document::load(&path).unwrap_err().to_string()
        };
        assert!(refused("{\"schema\": 1, \"rows\": [").contains("line 1 column"));
        assert!(refused("{\"schema\": 2}").contains("schema 2"));
        assert!(refused("{\"schema\": 1}").contains("missing field"));
        fs::remove_file(&path).unwrap();
        assert!(Document::load(&path).unwrap_err().to_string().contains("x.json"));
        fs::remove_dir_all(folder).unwrap();
    }
}
