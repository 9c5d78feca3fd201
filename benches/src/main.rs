//! `redcore-bench`: the program that `cargo xtask bench` runs.
//!
//! Exit codes: 0 if everything is done; 1 if a limit is missed (`--check`), a row is worse
//! (`--fail-on-regression`), or a suite has failed; 2 if the input is bad.

use anyhow::Context;
use benches::against::{Changes, Saved};
use benches::cli::{Options, or_exit, say};
use benches::document::{Document, saved};
use benches::error::{self, BadInput};
use benches::html::{self, RunContext};
use benches::inputs::Inputs;
use benches::progress::Progress;
use benches::report::Report;
use benches::screen::Screen;
use benches::suite::{Ctx, Suite};
use benches::suites::upkeep;
use benches::table;
use benches::targets::{self, Judged, Tally, Target};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let options = match or_exit(Options::read(std::env::args_os())) {
        Ok(options) => options,
        Err(code) => return code,
    };
    match run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(err) => error::report(&err),
    }
}

/// Runs the program with these options. Returns `false` if a limit is missed or a row is worse.
fn run(options: &Options) -> anyhow::Result<bool> {
    if let Some(part) = &options.part {
        say(upkeep::part(part, &options.settings)?);
        return Ok(true);
    }
    // The whole input is checked before any time is spent on measuring.
    let suites = options.chosen()?;
    let limits = match &options.targets {
        Some(path) => {
            let text = fs::read_to_string(path).map_err(|err| BadInput::file(path, err))?;
            targets::parse(&text, path)?
        }
        None => targets::parse(targets::DEFAULT_TARGETS, Path::new("benches/targets.toml"))?,
    };
    let kept =
        options.against.as_deref().map(|name| Document::load(&saved(&options.out, name))).transpose()?;
    let before =
        options.against.as_deref().zip(kept.as_ref()).map(|(name, document)| Saved { name, document });
    let files = Files::of(options);
    files.check()?;
    let inputs = Inputs::read(&options.settings)?;
    measure(options, &inputs, &suites, &limits, before, &files)
}

/// Runs the suites, writes the reports and prints the screen.
///
/// A suite that fails ends the run with an error. The rows that were measured before it are written and
/// printed first.
fn measure(
    options: &Options,
    inputs: &Inputs,
    suites: &[&Suite],
    limits: &[Target],
    before: Option<Saved>,
    files: &Files,
) -> anyhow::Result<bool> {
    let mut report = Report::default();
    let start = Instant::now();
    let outcome = run_suites(options, inputs, suites, &mut report, before);

    let document = Document::now(&report);
    // The document is saved first, so that a later failure does not lose the results of the run.
    let saved = files.save(&document);
    let names: Vec<&str> = suites.iter().map(|suite| suite.name).collect();
    let judged = options.check.then(|| targets::judge(limits, &names, &document.rows));
    let tally = judged.as_deref().map(Tally::of);
    let changes = before.map(|before| Changes::of(before, &document, &names));
    if let Some(judged) = judged.as_deref().filter(|_| options.full) {
        print_misses(judged);
    }
    let screen = Screen {
        suites,
        document: &document,
        settings: &options.settings,
        took: start.elapsed(),
        changes: changes.as_ref(),
        tally: tally.as_ref(),
    };
    say(screen.lines().join("\n"));
    let context =
        RunContext { settings: &options.settings, changes: changes.as_ref(), judged: judged.as_deref() };
    let page = html::page(&report, suites, &document, &context);
    let written = fs::write(&files.html, page).with_context(|| files.html.display().to_string());
    if saved.is_ok() && written.is_ok() {
        files.all().for_each(|path| say(path.display()));
    }
    outcome.and(saved).and(written)?;
    let regressed = options.fail_on_regression && changes.is_some_and(|changes| !changes.worse.is_empty());
    Ok(!regressed && tally.is_none_or(|tally| within_limits(&tally, options)))
}

fn run_suites(
    options: &Options,
    inputs: &Inputs,
    suites: &[&Suite],
    report: &mut Report,
    before: Option<Saved>,
) -> anyhow::Result<()> {
    let progress = Progress::stderr();
    for suite in suites {
        progress.suite(suite.name);
        let start = Instant::now();
        let outcome = (suite.run)(&mut Ctx {
            suite: suite.name,
            settings: &options.settings,
            inputs,
            report,
            progress: &progress,
        });
        progress.clear();
        outcome.with_context(|| format!("suite {}", suite.name))?;
        if options.full {
            say(format_args!("{}: {} ({:.1} s)", suite.name, suite.about, start.elapsed().as_secs_f64()));
            print_tables(report, suite, before);
        }
    }
    Ok(())
}

/// Prints the table and the notes of a suite.
fn print_tables(report: &Report, suite: &Suite, before: Option<Saved>) {
    if report.rows_of(suite.name).next().is_some() {
        say(table::of_suite(report, suite.name, before.map(|before| before.document.rows.as_slice())));
    }
    for note in report.notes_of(suite.name) {
        say(&note.text);
    }
    say("");
}

/// Prints the table of the limits that are missed or have no row.
fn print_misses(judged: &[Judged]) {
    if judged.iter().any(|judged| !judged.met) {
        say(format_args!("{}\n", table::of_misses(judged)));
    }
}

/// Returns whether no limit is missed. At full scale, a limit without a row counts as missed. Smaller runs do
/// not have the large rows.
fn within_limits(tally: &Tally, options: &Options) -> bool {
    tally.missed.is_empty() && (tally.absent.is_empty() || !options.settings.is_full_scale())
}

/// The files that a run writes.
struct Files {
    html: PathBuf,
    json: PathBuf,
    /// The file of `--save`, if it is given.
    saved: Option<PathBuf>,
}

impl Files {
    fn of(options: &Options) -> Self {
        let out = &options.out;
        let saved = options.save.as_deref().map(|name| saved(out, name));
        Self { html: out.join("report.html"), json: out.join("report.json"), saved }
    }

    fn all(&self) -> impl Iterator<Item = &PathBuf> {
        [&self.html, &self.json].into_iter().chain(&self.saved)
    }

    /// Writes the JSON files.
    fn save(&self, document: &Document) -> anyhow::Result<()> {
        [&self.json]
            .into_iter()
            .chain(&self.saved)
            .try_for_each(|path| document.save(path).with_context(|| path.display().to_string()))
    }

    /// Creates the folders, and fails if a file cannot be written.
    fn check(&self) -> Result<(), BadInput> {
        for path in self.all() {
            let refused = |err| BadInput::file(path, err);
            fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).map_err(refused)?;
            let is_new = !path.exists();
            File::options().create(true).append(true).open(path).map_err(refused)?;
            if is_new {
                fs::remove_file(path).map_err(refused)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use benches::report::Row;
    use benches::suite::Headline;

    const GOOD: Suite = Suite {
        name: "good",
        about: "",
        headline: Headline { what: "", rows: |_| true },
        run: |ctx| {
            ctx.report.row(Row::alone(ctx.suite, "c", 1, "ours", "time", "ns", 2.0).beside("theirs", 1.0));
            Ok(())
        },
    };
    const FAILING: Suite = Suite { name: "failing", run: |_| anyhow::bail!("out of luck"), ..GOOD };

    #[test]
    fn a_suite_that_fails_leaves_the_reports_of_those_before_it() {
        let folder = std::env::temp_dir().join(format!("redcore-bench-main-{}", std::process::id()));
        let arguments = ["bench", "--save", "kept", "--out", folder.to_str().unwrap()];
        let options = Options::read(arguments).unwrap().unwrap();
        let files = Files::of(&options);
        files.check().unwrap();
        assert!(!files.json.exists(), "the check leaves no empty report");
        let err = measure(&options, &Inputs::default(), &[&GOOD, &FAILING], &[], None, &files).unwrap_err();
        assert_eq!(format!("{err:#}"), "suite failing: out of luck");
        for path in [&files.json, files.saved.as_ref().unwrap()] {
            assert_eq!(Document::load(path).unwrap().rows.len(), 1);
        }
        assert!(fs::read_to_string(&files.html).unwrap().contains("theirs"));
        fs::remove_dir_all(folder).unwrap();
    }
}
