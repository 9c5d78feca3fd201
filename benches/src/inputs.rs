//! What the options `--server`, `--import` and `--trace` name. Before the first suite runs, files are read,
//! and each server is started once to learn its name.
//!
//! So a bad input is known before the first minutes are spent, and a pipe such as `/dev/stdin` can be read.

use crate::error::BadInput;
use crate::import::Import;
use crate::server::Program;
use crate::settings::Settings;
use crate::trace::Trace;
use std::path::Path;

/// What the user gives the suites.
#[derive(Default)]
pub struct Inputs {
    /// The servers, in the order of the command line.
    pub servers: Vec<Program>,
    /// Keys and values.
    pub import: Option<Named<Import>>,
    /// A request trace.
    pub trace: Option<Named<Trace>>,
}

/// What is in a file.
pub struct Named<T> {
    /// The name of the file, without its folder.
    pub name: String,
    /// What is in it.
    pub content: T,
}

impl<T> Named<T> {
    /// The content of the file at `path`.
    pub fn new(path: &Path, content: T) -> Self {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        Self { name, content }
    }
}

impl Inputs {
    /// Reads the files that the settings name, and starts each server once.
    pub fn read(settings: &Settings) -> Result<Self, BadInput> {
        let trace = |path| {
            let trace = Trace::open(path).map_err(|err| BadInput::file(path, err))?;
            Ok::<_, BadInput>(Named::new(path, trace))
        };
        let import = |path| Import::open(path, settings.keys_only).map(|import| Named::new(path, import));
        Ok(Self {
            trace: settings.trace.as_deref().map(trace).transpose()?,
            import: settings.import.as_deref().map(import).transpose()?,
            servers: Program::identify(&settings.servers)?,
        })
    }
}
