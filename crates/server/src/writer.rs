//! [`Writer`]: writes log lines to the standard output or to `logfile`, as Redis does.

use anyhow::{Context, Result};
use log::{LevelFilter, Log, Metadata, Record};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Writes the log lines of the server. In C: `serverLogRaw`.
pub(crate) struct Writer {
    /// The path of the log file, or `None` for the standard output.
    path: Option<PathBuf>,
}

impl Writer {
    /// Makes a writer the logger of this program. Without a path, it writes to the standard output.
    ///
    /// # Errors
    /// Returns an error if the file cannot be opened, or if the program already has a logger.
    pub(crate) fn install(path: Option<PathBuf>) -> Result<()> {
        if let Some(path) = &path {
            let _file = open(path).with_context(|| format!("cannot open the log file {}", path.display()))?;
        }
        log::set_boxed_logger(Box::new(Self { path }))?;
        log::set_max_level(LevelFilter::Info);
        Ok(())
    }
}

/// Opens the log file for appending. It is opened again for each line, so that another program can rename it.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

/// Writes a line with the process id, the role and the time.
fn write(to: &mut impl Write, record: &Record<'_>) -> io::Result<()> {
    let level = if record.level() <= log::Level::Warn { '#' } else { '*' };
    let now = jiff::Zoned::now().strftime("%d %b %Y %H:%M:%S%.3f");
    // A single system call writes the line, so lines of several programs do not mix.
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
