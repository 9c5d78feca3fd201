//! Errors that are the user's to mend: one line on stderr and exit code 2.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The exit code for bad input.
pub const EXIT_BAD_INPUT: u8 = 2;

/// What was wrong with what the user gave.
#[derive(Debug)]
#[non_exhaustive]
pub enum BadInput {
    /// The command line does not parse; the text is one line.
    CommandLine(String),
    /// `--suite` names none of the suites.
    UnknownSuite {
        /// What was asked for.
        name: String,
        /// What could have been.
        known: Vec<&'static str>,
    },
    /// A program given by `--server` is not a server that can be measured.
    Server {
        /// Which.
        program: PathBuf,
        /// What it does instead, as one line that begins with a verb.
        what: String,
    },
    /// A file given by the user (a trace, an import, a saved run, the targets) is missing, cut short or of another form.
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong, with offset or line where there is one.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl BadInput {
    /// A [`BadInput::File`] for `path`.
    pub fn file(path: &Path, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::File { path: path.to_owned(), source: source.into() }
    }
}

impl fmt::Display for BadInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandLine(text) => f.write_str(text),
            Self::UnknownSuite { name, known } => {
                write!(f, "unknown suite '{name}'; known are {}", known.join(", "))
            }
            Self::Server { program, what } => write!(f, "{}: {what}", program.display()),
            Self::File { path, source } => write!(f, "{}: {source}", path.display()),
        }
    }
}

impl Error for BadInput {}

/// Prints an error in one line, and returns the exit code: [`EXIT_BAD_INPUT`] where it is the user's to mend.
pub fn report(err: &anyhow::Error) -> ExitCode {
    let _ = writeln!(io::stderr(), "error: {err:#}");
    match err.downcast_ref::<BadInput>() {
        Some(_) => EXIT_BAD_INPUT.into(),
        None => ExitCode::FAILURE,
    }
}
