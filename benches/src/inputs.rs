//! The servers and files that the options `--server`, `--import` and `--trace` name. Before the first suite
//! runs, the files are read, and each server is started once to learn its name.
//!
//! So a bad input is reported before any time is spent on measuring. A pipe such as `/dev/stdin` can be read,
//! because each file is read only once.

use crate::error::BadInput;
use crate::import::Import;
use crate::server::Program;
use crate::settings::Settings;
use crate::trace::Trace;
use std::path::{Path, PathBuf};

/// The inputs of the suites that the user has given.
#[derive(Default)]
pub struct Inputs {
    /// The servers, in the order of the command line.
    pub servers: Vec<Program>,
    /// The keys and values of `--import`.
    pub import: Option<Named<Import>>,
    /// Request traces, in the order of the command line. No two have the same name.
    pub traces: Vec<Named<Trace>>,
}

/// The content of a file, with a name.
pub struct Named<T> {
    /// The name of the file, without its folder.
    pub name: String,
    /// The content of the file.
    pub content: T,
}

impl<T> Named<T> {
    /// Returns `content` with the name of the file at `path`.
    pub fn new(path: &Path, content: T) -> Self {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        Self { name, content }
    }
}

impl Inputs {
    /// Reads the files that the settings name, and starts each server once.
    pub fn read(settings: &Settings) -> Result<Self, BadInput> {
        let import = |path| Import::open(path, settings.keys_only).map(|import| Named::new(path, import));
        Ok(Self {
            traces: read_traces(&settings.traces)?,
            import: settings.import.as_deref().map(import).transpose()?,
            servers: Program::identify(&settings.servers)?,
        })
    }
}

/// Reads the traces. A trace whose file name is already used gets its whole path as its name.
fn read_traces(paths: &[PathBuf]) -> Result<Vec<Named<Trace>>, BadInput> {
    let mut traces: Vec<Named<Trace>> = Vec::new();
    for (i, path) in paths.iter().enumerate() {
        if paths[..i].contains(path) {
            return Err(BadInput::file(path, "is given twice"));
        }
        let content = Trace::open(path).map_err(|err| BadInput::file(path, err))?;
        let mut trace = Named::new(path, content);
        if traces.iter().any(|other| other.name == trace.name) {
            trace.name = path.display().to_string();
        }
        traces.push(trace);
    }
    Ok(traces)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_of_one_file_name_are_told_apart_and_the_same_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = |folder_name: &str| {
            let inner = folder.path().join(folder_name);
            std::fs::create_dir_all(&inner).unwrap();
            std::fs::write(inner.join("t.txt"), "a\nb\n").unwrap();
            inner.join("t.txt")
        };
        let (first, second) = (path("one"), path("two"));
        let traces = read_traces(&[first.clone(), second.clone()]).unwrap();
        assert_eq!(traces[0].name, "t.txt");
        assert_eq!(traces[1].name, second.display().to_string());
        let error = read_traces(&[first.clone(), first]).map(drop).unwrap_err().to_string();
        assert!(error.ends_with("t.txt: is given twice"), "{error}");
    }
}
