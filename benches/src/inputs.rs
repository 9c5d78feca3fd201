//! What the options `--server`, `--import` and `--trace` name: started or read once, before the first suite
//! runs.
//!
//! So a bad input is known before the first minutes are spent, and a pipe such as `/dev/stdin` can be read.

use crate::error::BadInput;
use crate::import::Import;
use crate::server::Program;
use crate::settings::Settings;
use crate::trace::Trace;

/// What the user gives the suites.
#[derive(Default)]
pub struct Inputs {
    /// The servers, in the order of the command line.
    pub servers: Vec<Program>,
    /// Keys and values.
    pub import: Option<Import>,
    /// A request trace.
    pub trace: Option<Trace>,
}

impl Inputs {
    /// Reads the files that the settings name, and starts each server once.
    pub fn read(settings: &Settings) -> Result<Self, BadInput> {
        let trace = |path| Trace::open(path).map_err(|err| BadInput::file(path, err));
        let import = |path| Import::open(path, settings.keys_only);
        Ok(Self {
            trace: settings.trace.as_deref().map(trace).transpose()?,
            import: settings.import.as_deref().map(import).transpose()?,
            servers: Program::identify(&settings.servers)?,
        })
    }
}
