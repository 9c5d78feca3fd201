//! [`Writer`]: writes the lines about the server to the standard output or to `logfile`, as Redis does.

use anyhow::{Context, Result};
use log::{LevelFilter, Log, Metadata, Record};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Writes the lines about the server. In C: `serverLogRaw`.
pub(crate) struct Writer {
    /// The file, or nothing for the standard output.
    path: Option<PathBuf>,
}

impl Writer {
    /// Writes all lines of this program to a file, or to the standard output if there is none.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub(crate) fn install(path: Option<PathBuf>) -> Result<()> {
        if let Some(path) = &path {
            let _file = open(path).with_context(|| format!("cannot open the log file {}", path.display()))?;
        }
        log::set_boxed_logger(Box::new(Self { path }))?;
        log::set_max_level(LevelFilter::Info);
        Ok(())
    }
}

/// Opens the file for appending. It is opened for each line, so that another program can rename it.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

/// Writes a line with the process id, the role and the time.
fn write(to: &mut impl Write, record: &Record<'_>) -> io::Result<()> {
    let level = if record.level() <= log::Level::Warn { '#' } else { '*' };
    let now = jiff::Zoned::now().strftime("%d %b %Y %H:%M:%S%.3f");
    // One call of the system for each line keeps the lines of several programs apart.
    to.write_all(format!("{}:M {now} {level} {}\n", std::process::id(), record.args()).as_bytes())
}

impl Log for Writer {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= LevelFilter::Info
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        // A closed output or a full disk does not stop the server.
        let _ignored = match &self.path {
            None => write(&mut io::stdout().lock(), record),
            Some(path) => open(path).and_then(|mut file| write(&mut file, record)),
        };
    }

    fn flush(&self) {}
}
