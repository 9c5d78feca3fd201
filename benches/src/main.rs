//! `redcore-bench`: what `cargo xtask bench` runs.
//!
//! Exit codes: 0 done; 1 a limit is missed (`--check`), a regression (`--fail-on-regression`) or a suite failed;
//! 2 bad input.

use anyhow::Context;
use benches::against::{Changes, Saved};
use benches::cli::Options;
use benches::document::{Document, saved};
use benches::error::{BadInput, exit_code};
use benches::html::{self, Extras};
use benches::progress::Progress;
use benches::report::Report;
use benches::screen::Screen;
use benches::suite::{Ctx, Suite};
use benches::targets::{self, Judged, Tally};
use benches::{suites, table};
use std::fmt::Display;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let options = match Options::read(std::env::args_os()) {
        Ok(Ok(options)) => options,
        Ok(Err(help)) => {
            say(help);
            return ExitCode::SUCCESS;
        }
        Err(err) => return exit_code(&err.into()),
    };
    match run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(err) => exit_code(&err),
    }
}

/// Prints to stdout; that nobody reads on (`| head`) is no error of ours.
fn say(text: impl Display) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Runs what was asked for; false where a limit or a comparison says so.
fn run(options: &Options) -> anyhow::Result<bool> {
    // Everything that can be wrong with the input is looked at before the first minute is spent.
    let suites = options.chosen()?;
    if suites.iter().any(|suite| suite.name == "trace") {
        suites::trace::check(&options.settings)?;
    }
    let limits = match &options.targets {
        Some(path) => {
            let text = fs::read_to_string(path).map_err(|err| BadInput::file(path, err))?;
            targets::parse(&text, path)?
        }
        None => targets::parse(targets::OURS, Path::new("benches/targets.toml"))?,
    };
    let kept =
        options.against.as_deref().map(|name| Document::load(&saved(&options.out, name))).transpose()?;
    let before =
        options.against.as_deref().zip(kept.as_ref()).map(|(name, document)| Saved { name, document });
    fs::create_dir_all(&options.out).map_err(|err| BadInput::file(&options.out, err))?;

    let mut report = Report::default();
    let start = Instant::now();
    // After a suite that failed, the screen still shows what the ones before it found.
    let outcome = run_suites(options, &suites, &mut report, before);

    let document = Document::now(&report);
    let names: Vec<&str> = suites.iter().map(|suite| suite.name).collect();
    let judged = options.check.then(|| targets::judge(&limits, &names, &document.rows));
    let tally = judged.as_deref().map(Tally::of);
    let changes = before.map(|before| Changes::of(before, &document));
    if let Some(judged) = judged.as_deref().filter(|_| options.full) {
        say_misses(judged);
    }
    let screen = Screen {
        suites: &suites,
        document: &document,
        settings: &options.settings,
        took: start.elapsed(),
        changes: changes.as_ref(),
        tally: tally.as_ref(),
    };
    say(screen.lines().join("\n"));
    outcome?;

    let extras = Extras { settings: &options.settings, changes: changes.as_ref(), judged: judged.as_deref() };
    let page = html::page(&report, &suites, &document, &extras)?;
    write_reports(options, &document, &page)?;
    let regressed = options.fail_on_regression && changes.is_some_and(|changes| !changes.worse.is_empty());
    Ok(!regressed && tally.is_none_or(|tally| within_limits(&tally, options)))
}

fn run_suites(
    options: &Options,
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
            report,
            progress: &progress,
        });
        progress.clear();
        outcome.with_context(|| format!("suite {}", suite.name))?;
        if options.full {
            say(format_args!("{}: {} ({:.1} s)", suite.name, suite.about, start.elapsed().as_secs_f64()));
            say_tables(report, suite, before);
        }
    }
    Ok(())
}

/// The table and the notes of a suite.
fn say_tables(report: &Report, suite: &Suite, before: Option<Saved>) {
    if report.rows_of(suite.name).next().is_some() {
        say(table::of_suite(report, suite.name, before.map(|before| before.document.rows.as_slice())));
    }
    for note in report.notes_of(suite.name) {
        say(&note.text);
    }
    say("");
}

/// The table of the limits that are missed or without a row.
fn say_misses(judged: &[Judged]) {
    if judged.iter().any(|judged| !judged.met) {
        say(format_args!("{}\n", table::of_misses(judged)));
    }
}

/// A limit without a row is missed in a full run; a smaller one does not have the large rows.
fn within_limits(tally: &Tally, options: &Options) -> bool {
    let full = !options.settings.quick && !options.settings.smoke;
    tally.missed.is_empty() && (tally.absent == 0 || !full)
}

fn write_reports(options: &Options, document: &Document, page: &str) -> anyhow::Result<()> {
    let (html, json) = (options.out.join("report.html"), options.out.join("report.json"));
    fs::write(&html, page).with_context(|| html.display().to_string())?;
    document.save(&json).with_context(|| json.display().to_string())?;
    say(format_args!("{}\n{}", html.display(), json.display()));
    if let Some(name) = &options.save {
        let path = saved(&options.out, name);
        document.save(&path).with_context(|| path.display().to_string())?;
        say(path.display());
    }
    Ok(())
}
