//! Errors that the user can correct. The program prints one line on stderr, and ends with exit code 2.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The exit code for bad input.
pub const EXIT_BAD_INPUT: u8 = 2;

/// What is wrong with the input of the user.
#[derive(Debug)]
#[non_exhaustive]
pub enum BadInput {
    /// The command line cannot be parsed. The text is one line.
    CommandLine(String),
    /// `--suite` has a name that is not the name of a suite.
    UnknownSuite {
        /// The name that was given.
        name: String,
        /// The names of all suites.
        known: Vec<&'static str>,
    },
    /// A program given by `--server` is not a server that can be measured.
    Server {
        /// The path that was given.
        program: PathBuf,
        /// What the program does instead, in one line that begins with a verb.
        what: String,
    },
    /// A file that the user has given (a trace, an import, a saved run or the targets) is missing, truncated,
    /// or of another form.
    File {
        /// The path that was given.
        path: PathBuf,
        /// What is wrong, with the offset or the line if there is one.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl BadInput {
    /// Returns a [`BadInput::File`] for `path`.
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

/// Prints an error in one line, and returns the exit code. This is [`EXIT_BAD_INPUT`] if the error is a
/// [`BadInput`].
pub fn report(err: &anyhow::Error) -> ExitCode {
    let _ = writeln!(io::stderr(), "error: {err:#}");
    match err.downcast_ref::<BadInput>() {
        Some(_) => EXIT_BAD_INPUT.into(),
        None => ExitCode::FAILURE,
    }
}
