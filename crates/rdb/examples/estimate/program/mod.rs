//! The program: its command line, its input and its output.
//!
//! ```text
//!  cli --+--> numbers                               an estimate from numbers
//!        +--> scan --> survey --+--> text, json     a survey of a dump
//!                               +-- figures, prefixes, largest, ttl, advice, probe, coded
//! ```
//!
//! Exit codes: 0 if all is well; 1 if the file is damaged or cannot be read, or the report cannot be printed;
//! 2 if the arguments are wrong.

pub(crate) mod advice;
pub(crate) mod cli;
pub(crate) mod coded;
pub(crate) mod figures;
pub(crate) mod json;
pub(crate) mod largest;
pub(crate) mod numbers;
pub(crate) mod prefixes;
pub(crate) mod probe;
pub(crate) mod scan;
pub(crate) mod survey;
pub(crate) mod text;
pub(crate) mod ttl;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use std::ffi::OsString;
use std::io::{self, Write};

/// The exit code if the file is damaged or cannot be read, or if the report cannot be printed.
const FAILURE: u8 = 1;

/// Parses the arguments, prints the report to `out` and errors to `err`, and returns the exit code.
pub(crate) fn run(
    arguments: impl IntoIterator<Item = OsString>,
    out: &mut impl Write,
    err: &mut impl Write,
) -> u8 {
    match cli::Args::try_parse_from(arguments) {
        Ok(arguments) => report(&arguments, out, err),
        // A request for help is not an error, and help is printed to stdout.
        Err(error) if !error.use_stderr() => print(&error.to_string(), 0, out, err),
        Err(error) => usage(&error, err),
    }
}

fn report(arguments: &cli::Args, out: &mut impl Write, err: &mut impl Write) -> u8 {
    let Some(file) = &arguments.file else {
        return match numbers::report(arguments) {
            Ok(report) => print(&report, 0, out, err),
            Err(error) => usage(&cli::Args::command().error(ErrorKind::ValueValidation, error), err),
        };
    };
    let survey = match scan::scan_file(file, &arguments.scan_options()) {
        Ok(survey) => survey,
        Err(error) => {
            // If stderr is closed, the message is lost.
            let _ = writeln!(err, "estimate: {}: {error}", file.display());
            return FAILURE;
        }
    };
    let report = if arguments.json { json::report(&survey) } else { text::report(&survey) };
    let code = if survey.error.is_some() { FAILURE } else { 0 };
    let code = print(&report, code, out, err);
    if let Some(error) = &survey.error {
        let _ = writeln!(err, "estimate: {}: {error}", file.display());
    }
    code
}

/// Prints the report, and returns `code`, or [`FAILURE`] if the report could not be printed.
fn print(report: &str, code: u8, out: &mut impl Write, err: &mut impl Write) -> u8 {
    match out.write_all(report.as_bytes()).and_then(|()| out.flush()) {
        // A closed pipe (`| head`) is not a failure.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let _ = writeln!(err, "estimate: {error}");
            FAILURE
        }
        _ => code,
    }
}

fn usage(error: &clap::Error, err: &mut impl Write) -> u8 {
    let _ = write!(err, "{error}");
    u8::try_from(error.exit_code()).unwrap_or(FAILURE)
}
