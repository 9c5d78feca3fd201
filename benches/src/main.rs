//! `redcore-bench`: what `cargo xtask bench` runs.
//!
//! Exit codes: 0 done; 1 a limit is missed (`--check`), a regression (`--fail-on-regression`) or a suite failed;
//! 2 bad input.

use anyhow::Context;
use benches::against::{Change, change};
use benches::cli::Options;
use benches::document::{Document, saved};
use benches::error::{BadInput, exit_code};
use benches::html::{self, Extras};
use benches::progress::Progress;
use benches::report::Report;
use benches::suite::{Ctx, Suite};
use benches::{suites, table, targets};
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
    let before = match &options.against {
        Some(name) => Some((name.as_str(), Document::load(&saved(&options.out, name))?)),
        None => None,
    };
    fs::create_dir_all(&options.out).map_err(|err| BadInput::file(&options.out, err))?;

    let mut report = Report::default();
    let before_rows = before.as_ref().map(|(_, document)| document.rows.as_slice());
    run_suites(options, &suites, &mut report, before_rows)?;

    let document = Document::now(&report);
    let names: Vec<&str> = suites.iter().map(|suite| suite.name).collect();
    let judged = options.check.then(|| targets::judge(&limits, &names, &report.rows));
    let mut good = true;
    if let Some((name, before)) = &before {
        good &= sum_up_changes(name, before, &document, options.fail_on_regression);
    }
    if let Some(judged) = &judged {
        good &= sum_up_limits(judged, options);
    }
    let extras = Extras {
        saved: before.as_ref().map(|(name, document)| (*name, document.rows.as_slice())),
        judged: judged.as_deref(),
    };
    let page = html::page(&report, &suites, &document, &extras)?;
    write_reports(options, &document, &page)?;
    Ok(good)
}

fn run_suites(
    options: &Options,
    suites: &[&Suite],
    report: &mut Report,
    before: Option<&[benches::report::Row]>,
) -> anyhow::Result<()> {
    let progress = Progress::stderr();
    for suite in suites {
        progress.suite(suite.name);
        let start = Instant::now();
        (suite.run)(&mut Ctx { suite: suite.name, settings: &options.settings, report, progress: &progress })
            .with_context(|| format!("suite {}", suite.name))?;
        progress.clear();
        say(format_args!("\n{}: {} ({:.1} s)", suite.name, suite.about, start.elapsed().as_secs_f64()));
        if report.rows_of(suite.name).next().is_some() {
            say(table::of_suite(report, suite.name, before));
        }
        for note in report.notes_of(suite.name) {
            say(&note.text);
        }
    }
    Ok(())
}

fn sum_up_changes(name: &str, before: &Document, now: &Document, strict: bool) -> bool {
    let count = |wanted| now.rows.iter().filter(|row| change(row, &before.rows).0 == wanted).count();
    let (worse, better) = (count(Change::Worse), count(Change::Better));
    let fresh = count(Change::New);
    say(format_args!(
        "\nAgainst {name} ({}, commit {}): {worse} worse, {better} better, {} within the noise or not judged, {fresh} new.",
        before.date,
        before.commit,
        now.rows.len() - worse - better - fresh,
    ));
    if before.machine != now.machine {
        say(format_args!("It is of another machine or compiler: {}.", before.machine));
    }
    worse == 0 || !strict
}

/// A limit without a row is missed in a full run; a smaller one does not have the large rows.
fn sum_up_limits(judged: &[targets::Judged], options: &Options) -> bool {
    let missed = judged.iter().filter(|j| !j.met && j.row.is_some()).count();
    let absent = judged.iter().filter(|j| j.row.is_none()).count();
    say(format_args!(
        "\nLimits: {} held, {missed} missed, {absent} without a row in this run.",
        judged.len() - missed - absent
    ));
    if missed + absent > 0 {
        say(table::of_misses(judged));
    }
    let full = !options.settings.quick && !options.settings.smoke;
    missed == 0 && (absent == 0 || !full)
}

fn write_reports(options: &Options, document: &Document, page: &str) -> anyhow::Result<()> {
    let (html, json) = (options.out.join("report.html"), options.out.join("report.json"));
    fs::write(&html, page).with_context(|| html.display().to_string())?;
    document.save(&json).with_context(|| json.display().to_string())?;
    say(format_args!("\n{}\n{}", html.display(), json.display()));
    if let Some(name) = &options.save {
        let path = saved(&options.out, name);
        document.save(&path).with_context(|| path.display().to_string())?;
        say(path.display());
    }
    Ok(())
}
