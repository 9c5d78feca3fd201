//! Compares dump files and payloads of redcore and of a server: `cargo xtask conformance files`.
//!
//! ```text
//!  commands -> server -> SAVE  -> Loader  \
//!         \            -> DUMP -> restore  +-> the same keys, values, expiries and encodings
//!          -> Keyspaces of the model      /
//!
//!  Keyspaces -> Writer -> server that starts on the file -> the same DEBUG DIGEST, expiries and sizes
//!            -> dump   -> RESTORE                        -> the same DEBUG DIGEST-VALUE and encoding
//! ```
//!
//! The model is one keyspace per database. It gets the same commands as the server ([`fill`]). redcore writes the
//! loaded keyspaces and the model, both in each version that the server accepts. The server checks every entry of
//! each packed value (`sanitize-dump-payload yes`), and its `redis-check-rdb` must accept each file.
//!
//! Limits: servers before 7.0 are not compared, because their files have no listpacks. Encodings are compared
//! from 7.2 on, because sets had no listpacks before. `redis-check-rdb` runs on Unix only.

mod fill;
mod payloads;
mod state;

use crate::known::{Family, same_encoding};
use crate::process::{Process, START_TIME_MAX, StartOptions};
use anyhow::{Context, Result, bail, ensure};
use fill::{DATABASES, ServerAndModel};
use keyspace::{Keyspace, Record};
use rdb::{LoadOptions, Loader, WriteOptions, WriteVersion, save_to_path};
use state::State;
use std::fmt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// The current time of the comparison, in milliseconds since 1970. It is in 2025, and all expiries are later.
const NOW: u64 = 1_750_000_000_000;

/// The settings of the server.
const SETTINGS: [(&str, &str); 2] = [("enable-debug-command", "local"), ("sanitize-dump-payload", "yes")];

/// The result of a comparison that found no difference.
#[derive(Debug)]
pub struct RoundTrip {
    /// The server and its version.
    pub server: String,
    /// The number of keys in all databases.
    pub keys: usize,
    /// The version of the file that the server has written and redcore has read.
    pub read_version: u16,
    /// The versions of the files that redcore has written and the server has loaded.
    pub written_versions: Vec<u16>,
    /// The number of payloads that the server has restored.
    pub payloads: usize,
}

impl fmt::Display for RoundTrip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { server, keys, read_version, written_versions, payloads } = self;
        let written: Vec<String> = written_versions.iter().map(u16::to_string).collect();
        write!(
            f,
            "{server}: the same {keys} keys from a file of version {read_version}, in files of version {}, and in \
             {payloads} payloads",
            written.join(", ")
        )
    }
}

/// Starts the server, fills it, and transfers its data to redcore and back. Returns `None` if the server is
/// too old.
///
/// # Errors
/// At the first difference, or if an operation fails.
pub fn round_trip(program: &Path) -> Result<Option<RoundTrip>> {
    let name = || program.display().to_string();
    let process = Process::start(program, START_TIME_MAX).with_context(name)?;
    let server = format!("{:?} {}", process.family, process.version);
    let versions = versions(&process);
    if versions.is_empty() {
        return Ok(None);
    }
    drop(process);
    compare(program, server.clone(), &versions).with_context(|| server).map(Some)
}

/// Returns the versions of dump files that the server loads. The vector is empty if the server is too old.
fn versions(process: &Process) -> Vec<WriteVersion> {
    let mut versions = Vec::new();
    let (family, numbers) = (process.family, process.version_numbers());
    for (version, since) in
        [(WriteVersion::V10, (7, 0)), (WriteVersion::V11, (7, 2)), (WriteVersion::V12, (7, 4))]
    {
        let is_supported = family == Family::Redis || version != WriteVersion::V12;
        if is_supported && numbers >= since {
            versions.push(version);
        }
    }
    versions
}

fn compare(program: &Path, server: String, versions: &[WriteVersion]) -> Result<RoundTrip> {
    let options = StartOptions { settings: &SETTINGS, ..StartOptions::default() };
    let process = Process::start_with(program, START_TIME_MAX, &options)?;
    let mut both = ServerAndModel::new(&process)?;
    fill::fill(&mut both).context("filling")?;
    let ServerAndModel { keyspaces: model, mut connection, .. } = both;
    let state = State::of(&mut connection, &model)?;

    let mut loaded = fill::keyspaces();
    let mut loader = Loader::open(process.save()?, LoadOptions::default())?;
    let read_version = loader.version().number();
    let stats = loader.load(&mut loaded, NOW)?;
    ensure!(stats.other_databases == 0 && stats.expired == 0, "{stats:?}");
    ensure_same_keyspaces(&model, &loaded).context("loading")?;
    if process.version_numbers() >= (7, 2) {
        same_encodings(&process, &loaded, &state)?;
    }
    let payloads = payloads::compare(&process, &model, versions).context("payloads")?;

    // The strings and keys are now coded, and each file gets the symbol table. A server must ignore the table.
    for keyspace in loaded.iter_mut() {
        keyspace.train_symbols(64 << 10, keyspace::random_source(), NOW)?;
        while !keyspace.recode_for(Duration::MAX, || Duration::ZERO).is_complete {}
    }
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("redcore.rdb");
    for (origin, keyspaces, compression) in [("loaded", &loaded, true), ("built", &model, false)] {
        for &version in versions {
            let context = || format!("a file of version {} from the {origin} keyspaces", version.number());
            write(&path, keyspaces, version, compression).with_context(context)?;
            check_file(program, &path).with_context(context)?;
            let options = StartOptions { dump: Some(&path), ..options };
            let other = Process::start_with(program, START_TIME_MAX, &options).with_context(context)?;
            let found = State::of(&mut other.connect()?, &model).with_context(context)?;
            state.same(&found).with_context(context)?;
        }
    }
    let keys = model.iter().map(Keyspace::len).sum();
    let written_versions = versions.iter().map(|version| version.number()).collect();
    Ok(RoundTrip { server, keys, read_version, written_versions, payloads })
}

fn write(path: &Path, keyspaces: &[Keyspace], version: WriteVersion, compression: bool) -> Result<()> {
    let mut options = WriteOptions::default();
    (options.version, options.compression) = (version, compression);
    Ok(save_to_path(path, &options, |writer| {
        writer.default_aux(NOW, 0)?;
        for (number, keyspace) in keyspaces.iter().enumerate() {
            writer.write_keyspace(number as u64, keyspace, NOW)?;
        }
        Ok::<_, rdb::SaveError>(())
    })?)
}

/// Runs `redis-check-rdb` on the file. This is the server's own program, started under another name.
#[cfg(unix)]
fn check_file(program: &Path, path: &Path) -> Result<()> {
    use std::os::unix::process::CommandExt as _;
    let output = Command::new(program).arg0("redis-check-rdb").arg(path).output()?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let is_accepted = output.status.success() && printed.contains("RDB looks OK");
    ensure!(is_accepted, "redis-check-rdb, {}: {printed}", output.status);
    Ok(())
}

#[cfg(not(unix))]
fn check_file(_program: &Path, _path: &Path) -> Result<()> {
    Ok(())
}

/// Returns an error at the first key that differs.
fn ensure_same_keyspaces(expected: &[Keyspace], found: &[Keyspace]) -> Result<()> {
    for (number, (expected, found)) in expected.iter().zip(found).enumerate() {
        found.check();
        ensure!(
            expected.len() == found.len(),
            "database {number}: {} keys instead of {}",
            found.len(),
            expected.len()
        );
        for record in expected.records(NOW) {
            let key = crate::quoted(&record.key.text());
            let Some(other) = found.get_record(&record.key.text(), NOW) else {
                bail!("database {number}: the key {key} is missing")
            };
            ensure_same_records(&record, &other).with_context(|| format!("database {number}, {key}"))?;
        }
    }
    Ok(())
}

fn ensure_same_records(expected: &Record<'_>, found: &Record<'_>) -> Result<()> {
    ensure!(expected.expiry == found.expiry, "expiry {:?} instead of {:?}", found.expiry, expected.expiry);
    ensure!(expected.value == found.value, "the values differ");
    Ok(())
}

/// Returns an error at the first key whose encoding in redcore differs from that in the server.
fn same_encodings(process: &Process, loaded: &[Keyspace], state: &State) -> Result<()> {
    for key in &state.keys {
        let found = loaded[key.database].encoding(&key.name, NOW).map_or("none", |found| found.as_str());
        ensure!(
            same_encoding(process.family, found, &key.encoding),
            "{}: redcore has the encoding {found}, and the server has {}",
            crate::quoted(&key.name),
            key.encoding
        );
    }
    Ok(())
}

/// Returns the numbers of the databases that have keys.
fn databases() -> impl Iterator<Item = usize> {
    DATABASES.into_iter()
}
