//! Tests of the program from outside: exit codes, messages, files.

use benches::document::Document;
use benches::publish::CURVES_PLOT;
use benches::publish::rows::{LONGEST_SET, ROWS};
use benches::score::Score;
use benches::screen::LINES;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder for one test. It is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("redcore-bench-{test}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// Runs the suite `alloc` at its smallest, with more arguments.
    fn smoke(&self, more: &[&str]) -> Output {
        bench(&self.0, &[&["--smoke", "--suite", "alloc"], more].concat())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn bench(out: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_redcore-bench"));
    command.args(args).arg("--out").arg(out).env("REDCORE_COMMIT", "0123abc").output().unwrap()
}

/// Builds the program `redcore-server` beside the benchmark program, which starts it.
fn build_server() {
    let program = Path::new(env!("CARGO_BIN_EXE_redcore-bench"));
    let target_dir = program.ancestors().nth(2).unwrap();
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["build", "--quiet", "--package", "server", "--bin", "redcore-server", "--target-dir"]);
    command.arg(target_dir).args((!cfg!(debug_assertions)).then_some("--release"));
    assert!(command.status().unwrap().success(), "redcore-server could not be built");
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Checks the output for bad input: exit code 2, nothing on stdout, and one line on stderr that contains all
/// `parts`.
fn refused(output: &Output, parts: &[&str]) {
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert_eq!(stderr.trim_end().lines().count(), 1, "{stderr}");
    assert!(output.stdout.is_empty(), "{}", stdout(output));
    for part in parts {
        assert!(stderr.contains(part), "'{part}' is not in: {stderr}");
    }
}

#[test]
fn bad_command_lines_are_refused_in_one_line() {
    let folder = Folder::new("bad");
    let run = |args: &[&str]| bench(&folder.0, args);
    refused(&run(&["--suite", "alloc,nonsense"]), &["nonsense", "known are alloc"]);
    refused(&run(&["--frobnicate"]), &["--frobnicate"]);
    refused(&run(&["--seed", "many"]), &["many", "--seed"]);
    refused(&run(&["--quick", "--smoke"]), &["--quick", "--smoke"]);
    refused(&run(&["--save", "../escape"]), &["../escape"]);
    refused(&run(&["--fail-on-regression"]), &["--against"]);
    refused(&run(&["--trace", "no/such/file"]), &["no/such/file"]);
    for option in ["--server", "--import"] {
        refused(&run(&["--suite", "alloc", option, "x"]), &[option, "the suite 'memory'"]);
    }
    refused(&run(&["--suite", "alloc", "--trace", "x"]), &["--trace", "the suite 'trace' or 'eviction'"]);
}

#[test]
fn files_that_cannot_be_read_are_refused_before_anything_runs() {
    let folder = Folder::new("files");
    refused(&folder.smoke(&["--against", "never"]), &["never.json"]);
    folder.file("saved/cut.json", "{\"schema\": 1, \"rows\": [");
    refused(&folder.smoke(&["--against", "cut"]), &["cut.json", "line 1 column"]);
    folder.file("saved/later.json", "{\"schema\": 99}");
    refused(&folder.smoke(&["--against", "later"]), &["schema 99"]);
    let targets = folder.file("t.toml", "[[target]]\nlimit = 'x'\n");
    refused(&folder.smoke(&["--check", "--targets", &targets]), &["t.toml", "line "]);
    let in_the_way = folder.file("in-the-way", "");
    refused(&bench(Path::new(&in_the_way), &["--smoke", "--suite", "alloc"]), &["in-the-way"]);
    let no_report = Folder::new("no-report");
    fs::create_dir_all(no_report.0.join("report.json")).unwrap();
    refused(&no_report.smoke(&[]), &["report.json"]);
    let no_saved = Folder::new("no-saved");
    no_saved.file("saved", "");
    refused(&no_saved.smoke(&["--save", "one"]), &["one.json"]);
}

#[test]
fn help_names_the_suites() {
    let output = Command::new(env!("CARGO_BIN_EXE_redcore-bench")).arg("--help").output().unwrap();
    assert!(output.status.success());
    for suite in benches::suites::ALL {
        assert!(stdout(&output).contains(suite.about), "{}", suite.name);
    }
}

#[test]
fn a_run_leaves_its_reports_and_compares_with_itself() {
    let folder = Folder::new("run");
    let first = folder.smoke(&["--save", "base"]);
    assert!(first.status.success(), "{}", String::from_utf8_lossy(&first.stderr));
    assert!(first.stderr.is_empty(), "progress is drawn on terminals only");
    assert!(stdout(&first).contains(benches::suites::alloc::HEADLINE.what));
    assert!(!stdout(&first).contains("price of asking"), "the tables are in the report");

    let json = fs::read_to_string(folder.0.join("report.json")).unwrap();
    assert_eq!(json, fs::read_to_string(folder.0.join("saved/base.json")).unwrap());
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["schema"], 1);
    assert_eq!(json["commit"], "0123abc");
    assert_eq!(json["allocator"], zmalloc::ALLOCATOR);
    assert!(json["rows"].as_array().unwrap().len() > 10);
    let html = fs::read_to_string(folder.0.join("report.html")).unwrap();
    assert!(html.contains("prefers-color-scheme") && html.contains("price of asking"));

    let second = folder.smoke(&["--against", "base"]);
    assert!(second.status.success(), "without --fail-on-regression a change is only shown");
    assert!(stdout(&second).contains("Against base") && stdout(&second).contains(", 0 new"));
}

#[test]
fn the_tables_are_printed_when_asked_for() {
    let folder = Folder::new("full");
    let full = folder.smoke(&["--full"]);
    assert!(full.status.success());
    for part in
        ["price of asking", "spread", "cap counts in one atomic", benches::suites::alloc::HEADLINE.what]
    {
        assert!(stdout(&full).contains(part), "{part} is missing:\n{}", stdout(&full));
    }
}

#[test]
fn a_run_of_every_suite_ends_with_one_screen_on_which_each_has_a_headline() {
    build_server();
    let folder = Folder::new("screen");
    let first = bench(&folder.0, &["--smoke", "--save", "base"]);
    assert!(first.status.success(), "{}", String::from_utf8_lossy(&first.stderr));
    let document = Document::load(&folder.0.join("report.json")).unwrap();
    for suite in benches::suites::ALL {
        let score = Score::of(suite, &document.rows);
        let Some(headline) = &score.headline else { panic!("{}: no row of its headline", suite.name) };
        let text = headline.describe(suite.headline.what);
        assert!(stdout(&first).contains(&text), "cut or missing: {text}\n{}", stdout(&first));
        // Without `--server`, all rows of this suite are beside redcore itself.
        let counts = suite.name != "server";
        assert_eq!((score.best.is_some(), score.worst.is_some()), (counts, counts), "{}", suite.name);
    }
    let published = ROWS.iter().map(|row| &row.measurement).chain([&LONGEST_SET]);
    for measurement in published {
        let exists = document.rows.iter().any(|row| measurement.is_at_some_n(row));
        assert!(exists, "a full run could not be published: {measurement}");
    }
    assert!(document.plots.iter().any(|plot| plot.id == CURVES_PLOT));

    let all = stdout(&bench(&folder.0, &["--smoke", "--save", "other", "--against", "base", "--check"]));
    assert!(all.lines().count() <= LINES, "{all}");
    for part in ["ahead", "Limits: ", "Against base", "0123abc", "report.html", "other.json"] {
        assert!(all.contains(part), "{part} is missing:\n{all}");
    }
}

#[test]
fn a_regression_fails_the_run_only_when_asked() {
    let folder = Folder::new("regression");
    assert!(folder.smoke(&["--save", "base"]).status.success());
    let path = folder.0.join("saved/base.json");
    let mut document = Document::load(&path).unwrap();
    for row in &mut document.rows {
        // The saved run looks as if redcore had been a thousand times faster.
        for ratio in [&mut row.ratio, &mut row.ratio_low, &mut row.ratio_high] {
            *ratio /= 1000.0;
        }
    }
    document.save(&path).unwrap();
    let shown = folder.smoke(&["--against", "base"]);
    assert!(shown.status.success() && stdout(&shown).contains("WORSE"));
    let failed = folder.smoke(&["--against", "base", "--fail-on-regression"]);
    assert_eq!(failed.status.code(), Some(1));
}

#[test]
fn check_fails_on_a_missed_limit_and_not_on_a_met_one() {
    let folder = Folder::new("check");
    let target = |limit: f64| {
        format!(
            "target = [{{ suite = 'alloc', case = 'pair, 1 thread', metric = 'time', n = 48, subject = 'Zmalloc', \
             peer = 'System', limit = {limit}, issue = 3 }}]"
        )
    };
    let generous = folder.file("generous.toml", &target(1e6));
    let met = folder.smoke(&["--check", "--targets", &generous]);
    assert!(met.status.success(), "{}", stdout(&met));
    assert!(stdout(&met).contains("1 held, 0 missed"));
    let strict = folder.file("strict.toml", &target(1e-6));
    let missed = folder.smoke(&["--check", "--targets", &strict]);
    assert_eq!(missed.status.code(), Some(1));
    let missed = stdout(&missed);
    let is_listed = |line: &str| line.starts_with("  missed") && line.contains("pair, 1 thread");
    assert!(missed.contains("0 held, 1 missed") && missed.lines().any(is_listed), "{missed}");
}
