//! The command line: which suites to run, with which [`Settings`], and what to do with the results.

use crate::error::{self, BadInput};
use crate::settings::Settings;
use crate::suite::Suite;
use crate::suites;
use clap::Parser;
use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// The options of the command line.
#[derive(Parser, Clone, Debug)]
#[command(
    name = "redcore-bench",
    bin_name = "cargo xtask bench",
    about = "Measures redcore beside its peers"
)]
#[command(after_help = suite_help())]
pub struct Options {
    /// The settings that the suites receive.
    #[command(flatten)]
    pub settings: Settings,
    /// Only these suites, separated by commas
    #[arg(long = "suite", value_name = "A,B", value_delimiter = ',')]
    pub suites: Vec<String>,
    /// Also prints all tables and notes (the report always has them)
    #[arg(long)]
    pub full: bool,
    /// Keeps this run under OUT/saved/NAME.json
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    pub save: Option<String>,
    /// Compares this run with the one that was saved as NAME
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    pub against: Option<String>,
    /// With --against: exit code 1 if a row is worse by more than the noise
    #[arg(long, requires = "against")]
    pub fail_on_regression: bool,
    /// Compares the rows with the limits of benches/targets.toml; exit code 1 if one is missed
    #[arg(long)]
    pub check: bool,
    /// The limits to use instead of benches/targets.toml
    #[arg(long, value_name = "FILE", requires = "check")]
    pub targets: Option<PathBuf>,
    /// The folder of the reports
    #[arg(long, value_name = "DIR", default_value = "target/bench")]
    pub out: PathBuf,
    /// Measures one part of a suite in this process, and prints the results as JSON. Suites use this option.
    #[arg(long, value_name = "PART", hide = true)]
    pub part: Option<String>,
}

fn suite_help() -> String {
    let lines = suites::ALL.iter().map(|suite| format!("  {:9} {}\n", suite.name, suite.about));
    format!("Suites:\n{}", lines.collect::<String>())
}

/// Checks the name of a saved run. The name becomes part of a file name, so it must not lead to another
/// folder.
pub fn parse_name(name: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
        return Err("a name is letters, digits, '-', '_' and '.', and begins with another than '.'".into());
    }
    Ok(name.into())
}

/// Prints a line to stdout. Ignores an error, such as a closed pipe (`| head`).
pub fn say(text: impl Display) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// Parses a command line that begins with the name of the program. `Ok(Err(text))` is the help or version to
/// print.
pub fn parse<T: Parser, I>(args: I) -> Result<Result<T, String>, BadInput>
where
    I: IntoIterator,
    I::Item: Into<OsString> + Clone,
{
    match T::try_parse_from(args) {
        Ok(options) => Ok(Ok(options)),
        Err(err) if err.use_stderr() => {
            // The message of clap is long, and its first paragraph says what is wrong.
            let text = err.to_string();
            let lines: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
            Err(BadInput::CommandLine(lines.join(" ").trim_start_matches("error: ").into()))
        }
        Err(help) => Ok(Err(help.to_string())),
    }
}

/// Returns the parsed options. Otherwise prints the help or the error, and returns the exit code to end with.
pub fn or_exit<T>(parsed: Result<Result<T, String>, BadInput>) -> Result<T, ExitCode> {
    match parsed {
        Ok(Ok(options)) => Ok(options),
        Ok(Err(help)) => {
            say(help);
            Err(ExitCode::SUCCESS)
        }
        Err(err) => Err(error::report(&err.into())),
    }
}

impl Options {
    /// Parses the options, and checks that the suites exist and that each option is for one of them. See
    /// [`parse`].
    pub fn read<I>(args: I) -> Result<Result<Self, String>, BadInput>
    where
        I: IntoIterator,
        I::Item: Into<OsString> + Clone,
    {
        let options: Self = match parse(args)? {
            Ok(options) => options,
            Err(help) => return Ok(Err(help)),
        };
        let suites = options.chosen()?;
        let Settings { servers, import, traces, .. } = &options.settings;
        let given: [(bool, &str, &[&str]); 3] = [
            (!servers.is_empty(), "--server", &["memory", "rdb", "server"]),
            (import.is_some(), "--import", &["memory", "keyspace"]),
            (!traces.is_empty(), "--trace", &["trace", "eviction"]),
        ];
        for (_, option, names) in given.into_iter().filter(|(is_given, ..)| *is_given) {
            if suites.iter().all(|suite| !names.contains(&suite.name)) {
                let names = names.join("' or '");
                let text = format!("{option} is for the suite '{names}', which --suite leaves out");
                return Err(BadInput::CommandLine(text));
            }
        }
        Ok(Ok(options))
    }

    /// Returns the suites to run, in the order of [`suites::ALL`].
    pub fn chosen(&self) -> Result<Vec<&'static Suite>, BadInput> {
        let known = || suites::ALL.iter().map(|suite| suite.name);
        if let Some(name) = self.suites.iter().find(|name| known().all(|k| k != name.as_str())) {
            return Err(BadInput::UnknownSuite { name: name.clone(), known: known().collect() });
        }
        let wanted = |suite: &&Suite| self.suites.is_empty() || self.suites.iter().any(|s| s == suite.name);
        Ok(suites::ALL.iter().filter(wanted).collect())
    }
}
