//! [`Config`]: the settings of the server, from redis.conf, the command line and `CONFIG SET`.

mod directive;

pub(crate) use directive::{Directive, names};

use crate::replace_file::replace_file;
use keyspace::Options;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The settings of the server. Those of keys are in `options`.
#[derive(Clone, Debug)]
pub struct Config {
    /// The settings of keyspaces.
    pub(crate) options: Options,
    /// The port of TCP, or 0 for none.
    pub(crate) port: u16,
    /// The addresses to listen on. One that begins with `-` may be missing on the machine.
    pub(crate) bind: Vec<String>,
    /// The most connections that wait to be accepted.
    pub(crate) tcp_backlog: i32,
    /// The seconds after which an idle connection is probed, or 0 for never.
    pub(crate) tcp_keepalive: u64,
    /// The path of a socket in the file system.
    pub(crate) unixsocket: Option<PathBuf>,
    /// The permissions of this socket, or 0 for those of the process.
    pub(crate) unixsocketperm: u32,
    /// The seconds after which an idle client is closed, or 0 for never.
    pub(crate) timeout: u64,
    /// The most clients.
    pub(crate) maxclients: usize,
    /// The number of databases.
    pub(crate) databases: usize,
    /// The password, or nothing.
    pub(crate) requirepass: Vec<u8>,
    /// Whether connections from other machines are refused while there is no password.
    pub(crate) protected_mode: bool,
    /// The folder of the snapshot and of `appenddirname`.
    pub(crate) dir: PathBuf,
    /// The name of the snapshot.
    pub(crate) dbfilename: String,
    /// When a snapshot is begun: after so many seconds, if there are so many changes.
    pub(crate) save: Vec<(u64, u64)>,
    /// Whether strings are compressed in the snapshot.
    pub(crate) rdbcompression: bool,
    /// Whether the snapshot has a checksum, and it is compared.
    pub(crate) rdbchecksum: bool,
    /// Whether writes are refused after a snapshot that failed.
    pub(crate) stop_writes_on_bgsave_error: bool,
    /// Whether commands are appended to a file.
    pub(crate) appendonly: bool,
    /// The first part of the names of its files.
    pub(crate) appendfilename: String,
    /// The folder of its files, in `dir`.
    pub(crate) appenddirname: String,
    /// When it is synced.
    pub(crate) appendfsync: Appendfsync,
    /// By how many hundredths it grows before a rewrite begins by itself, or 0 for never.
    pub(crate) auto_aof_rewrite_percentage: u64,
    /// The bytes up to which no rewrite begins by itself.
    pub(crate) auto_aof_rewrite_min_size: usize,
    /// Whether an incomplete command at its end is cut off, instead of ending the start.
    pub(crate) aof_load_truncated: bool,
    /// The classes of events that are published. See [`crate::notify`].
    pub(crate) notify_keyspace_events: u32,
    /// The microseconds from which a command is slow. Negative: never. 0: always.
    pub(crate) slowlog_log_slower_than: i64,
    /// The most slow commands that are kept.
    pub(crate) slowlog_max_len: usize,
    /// The milliseconds from which an event is noted, or 0 for never.
    pub(crate) latency_monitor_threshold: u64,
    /// Whether the times of commands are kept in histograms.
    pub(crate) latency_tracking: bool,
    /// The percentages of calls whose times `INFO latencystats` prints.
    pub(crate) latency_percentiles: Vec<f64>,
    /// The most bytes of all clients.
    pub(crate) maxmemory_clients: ClientsLimit,
    /// The most keys that are noted because clients have copies of them, or 0 for any number.
    pub(crate) tracking_table_max_keys: usize,
    /// The most bytes of a query.
    pub(crate) client_query_buffer_limit: usize,
    /// How many bytes of replies may wait: for normal clients, replicas and subscribers.
    pub(crate) client_output_buffer_limit: [OutputLimit; 3],
    /// How often per second the server looks after its clients and keys.
    pub(crate) hz: u32,
    /// Where the lines about the server go, or nothing for the standard output.
    pub(crate) logfile: String,
    /// Which clients may change the directives that decide where files are written.
    pub(crate) enable_protected_configs: Allowed,
    /// Which clients may use `DEBUG`.
    pub(crate) enable_debug_command: Allowed,
    /// The file that the settings were read from.
    pub(crate) file: Option<PathBuf>,
}

/// When the append-only file is synced, so that its commands survive a crash of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Appendfsync {
    /// Before each reply.
    Always,
    /// About once in a second, by a thread.
    Everysec,
    /// When the operating system does it.
    No,
}

/// Which clients may do something that could harm the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Allowed {
    /// None.
    No,
    /// All of them.
    Yes,
    /// Those on the same machine.
    Local,
}

impl Allowed {
    /// Returns whether a client may do it. In C: `allowProtectedAction`.
    pub(crate) fn allows(self, is_local: bool) -> bool {
        self == Self::Yes || self == Self::Local && is_local
    }
}

/// The most bytes of all clients, by `maxmemory-clients`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientsLimit {
    /// So many bytes, or any number if this is 0.
    Bytes(usize),
    /// So many hundredths of `maxmemory`, or any number of bytes if there is no `maxmemory`.
    Percent(usize),
}

/// How many bytes of replies may wait for a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OutputLimit {
    /// The client is closed at once above this number of bytes. 0: never.
    pub(crate) hard: usize,
    /// The client is closed when it is above this number for a time. 0: never.
    pub(crate) soft: usize,
    /// This time, in seconds.
    pub(crate) soft_secs: u64,
}

/// The classes of clients that have output limits, in the order of [`Config::client_output_buffer_limit`].
pub(crate) const CLASSES: [&str; 3] = ["normal", "slave", "pubsub"];

impl Default for Config {
    fn default() -> Self {
        let limit = |hard: usize, soft: usize, soft_secs| OutputLimit {
            hard: hard << 20,
            soft: soft << 20,
            soft_secs,
        };
        Self {
            options: Options::new(),
            port: 6_379,
            bind: vec!["127.0.0.1".into(), "-::1".into()],
            tcp_backlog: 511,
            tcp_keepalive: 300,
            unixsocket: None,
            unixsocketperm: 0,
            timeout: 0,
            maxclients: 10_000,
            databases: 16,
            requirepass: Vec::new(),
            protected_mode: true,
            dir: PathBuf::from("."),
            dbfilename: "dump.rdb".into(),
            save: vec![(3_600, 1), (300, 100), (60, 10_000)],
            rdbcompression: true,
            rdbchecksum: true,
            stop_writes_on_bgsave_error: true,
            appendonly: false,
            appendfilename: "appendonly.aof".into(),
            appenddirname: "appendonlydir".into(),
            appendfsync: Appendfsync::Everysec,
            auto_aof_rewrite_percentage: 100,
            auto_aof_rewrite_min_size: 64 << 20,
            aof_load_truncated: true,
            notify_keyspace_events: 0,
            slowlog_log_slower_than: 10_000,
            slowlog_max_len: 128,
            latency_monitor_threshold: 0,
            latency_tracking: true,
            latency_percentiles: vec![50.0, 99.0, 99.9],
            maxmemory_clients: ClientsLimit::Bytes(0),
            tracking_table_max_keys: 1_000_000,
            client_query_buffer_limit: 1 << 30,
            client_output_buffer_limit: [limit(0, 0, 0), limit(256, 64, 60), limit(32, 8, 60)],
            hz: 10,
            logfile: String::new(),
            enable_protected_configs: Allowed::No,
            enable_debug_command: Allowed::No,
            file: None,
        }
    }
}

/// A line of redis.conf that has no effect here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The number of the line, from 1 on.
    pub line: usize,
    /// The name of the directive.
    pub name: String,
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: the directive '{}' has no effect here", self.line, self.name)
    }
}

/// Why a redis.conf cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    Io(io::Error),
    /// A directive has a wrong argument.
    Line {
        /// The number of the line, from 1 on.
        line: usize,
        /// What is wrong.
        reason: String,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Line { line, reason } => write!(f, "line {line}: {reason}"),
        }
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Returns the file that the lines about the server go to, or `None` for the standard output.
    pub fn logfile(&self) -> Option<PathBuf> {
        (!self.logfile.is_empty()).then(|| PathBuf::from(&self.logfile))
    }

    /// Reads a redis.conf over the present settings, and keeps its path for `CONFIG REWRITE`. Returns the
    /// directives that have no effect.
    ///
    /// # Errors
    /// If the file cannot be read, or a directive has a wrong argument.
    pub fn read_file(&mut self, path: &Path) -> Result<Vec<Unknown>, ConfigError> {
        let unknown = self.read(&std::fs::read(path).map_err(ConfigError::Io)?)?;
        self.file = Some(std::path::absolute(path).map_err(ConfigError::Io)?);
        Ok(unknown)
    }

    /// Reads the text of a redis.conf over the present settings. Returns the directives that have no effect.
    ///
    /// # Errors
    /// If a directive has a wrong argument.
    pub fn read(&mut self, text: &[u8]) -> Result<Vec<Unknown>, ConfigError> {
        let wrong = |line, reason| ConfigError::Line { line, reason };
        let mut unknown = Vec::new();
        let mut has_save = false;
        for (index, text) in text.split(|byte| *byte == b'\n').enumerate() {
            let (line, text) = (index + 1, text.trim_ascii());
            if matches!(text, [] | [b'#', ..]) {
                continue;
            }
            let words = sds::split_args(text).map_err(|error| wrong(line, error.to_string()))?;
            let words: Vec<&[u8]> = words.iter().map(|word| &word[..]).collect();
            let [name, arguments @ ..] = &words[..] else { continue };
            // The lines `save` add up, and the first one replaces the default.
            let is_save = name.eq_ignore_ascii_case(b"save");
            let before = if is_save && has_save { self.save.clone() } else { Vec::new() };
            has_save |= is_save;
            match Directive::find(name) {
                Some(directive) => directive.read(self, arguments).map_err(|text| wrong(line, text))?,
                None => unknown.push(Unknown { line, name: String::from_utf8_lossy(name).into_owned() }),
            }
            if is_save && !self.save.is_empty() {
                self.save.splice(..0, before);
            }
        }
        Ok(unknown)
    }

    /// Writes the settings into a file. Lines of directives that differ are changed, and those that are
    /// missing are added. Other lines stay as they are. In C: `CONFIG REWRITE`.
    pub(crate) fn rewrite(&self, path: &Path) -> io::Result<()> {
        let text = std::fs::read(path)?;
        let default = Self::default();
        let mut written: Vec<&str> = Vec::new();
        let mut out = Vec::new();
        for line in text.split(|byte| *byte == b'\n') {
            let word = line.trim_ascii().split(u8::is_ascii_whitespace).next().unwrap_or_default();
            match Directive::find(word) {
                Some(directive) if !written.contains(&directive.name()) => {
                    written.push(directive.name());
                    out.extend_from_slice(directive.line(self).as_bytes());
                }
                Some(_) => {}
                None => {
                    out.extend_from_slice(line);
                    out.push(b'\n');
                }
            }
        }
        while out.ends_with(b"\n\n") {
            out.pop();
        }
        for directive in directive::all().filter(|directive| !written.contains(&directive.name())) {
            if directive.write(self) != directive.write(&default) {
                out.extend_from_slice(directive.line(self).as_bytes());
            }
        }
        // The path is absolute, so it has a folder.
        replace_file(path, &path.with_extension("rewrite"), &out)
    }

    /// Returns how a snapshot is written.
    pub(crate) fn write_options(&self) -> rdb::WriteOptions {
        let mut options = rdb::WriteOptions::DEFAULT;
        options.compression = self.rdbcompression;
        options.checksum = self.rdbchecksum;
        options
    }

    /// Returns the most bytes of all clients, or `None` if there is no limit.
    pub(crate) fn clients_limit(&self) -> Option<usize> {
        let limit = match self.maxmemory_clients {
            ClientsLimit::Bytes(bytes) => bytes,
            ClientsLimit::Percent(percent) => self.options.get_maxmemory() / 100 * percent,
        };
        (limit > 0).then_some(limit)
    }

    /// Returns the path of the snapshot.
    pub(crate) fn snapshot_path(&self) -> PathBuf {
        self.dir.join(&self.dbfilename)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_and_its_unknown_lines_are_named() {
        let mut config = Config::default();
        let text = b"port 7000\n# comment\nbind 127.0.0.1 ::1\nmaxmemory 100mb\nsave 60 5\nsave 10 100\n\
            replicaof no one\nclient-output-buffer-limit pubsub 1mb 512kb 30\nhash-max-ziplist-value 99\n";
        let unknown = config.read(text).unwrap();
        assert_eq!(unknown, [Unknown { line: 7, name: "replicaof".into() }]);
        assert_eq!((config.port, config.options.get_maxmemory()), (7_000, 100 << 20));
        assert_eq!(config.bind, ["127.0.0.1", "::1"]);
        assert_eq!(config.save, [(60, 5), (10, 100)]);
        let limit = OutputLimit { hard: 1 << 20, soft: 512 << 10, soft_secs: 30 };
        assert_eq!(config.client_output_buffer_limit[2], limit);
        assert_eq!(config.options.encoding_limits().hash_max_listpack_value, 99);
    }

    #[test]
    fn a_wrong_line_is_an_error_with_its_number() {
        for (text, line) in [("\nport x", 2), ("maxmemory -1", 1), ("save 1", 1), ("timeout \"1", 1)] {
            let error = Config::default().read(text.as_bytes()).unwrap_err();
            assert!(error.to_string().starts_with(&format!("line {line}: ")), "{text}: {error}");
        }
    }

    #[test]
    fn every_directive_reads_what_it_writes() {
        let config = Config::default();
        for directive in directive::all() {
            let written = directive.write(&config);
            let mut copy = config.clone();
            let words = sds::split_args(written.as_bytes()).unwrap();
            let words: Vec<&[u8]> = words.iter().map(|word| &word[..]).collect();
            let arguments: &[&[u8]] = if directive.takes_one() { &[written.as_bytes()] } else { &words };
            directive
                .read(&mut copy, arguments)
                .unwrap_or_else(|error| panic!("{}: {error}", directive.name()));
            assert_eq!(directive.write(&copy), written, "{}", directive.name());
        }
    }
}
