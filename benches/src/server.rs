//! Uses a real server as a peer: `--server PATH`.
//!
//! ```text
//!  Program   a program that has been started once to learn its name   valkey 9.1.2, libc, unlike ours
//!  Server    a new process of it, on a socket in a temporary folder, without persistence
//!  Client    a connection to it, on which batches of commands are sent
//! ```
//!
//! The process is started as in `cargo xtask conformance` ([`Process`]). The client is the crate `redis`
//! without its features, so it has no asynchronous runtime and no TLS. It packs commands and parses replies.
//!
//! [`Server::used_memory`] is the value in INFO while a new connection is the only one, because the buffers
//! of connections are included in it. [`Client::cpu_time`] is the processor time of the process with all its
//! threads, in user mode and in the kernel.
//!
//! The bytes of a server depend on its allocator. They can be compared with ours only if both allocators have
//! the same size classes: see [`Allocator`]. Otherwise the name of the server ends with [`OTHER_ALLOCATOR`],
//! and no row with it as the peer [counts](crate::report::Row::counts).
//!
//! A server that cannot be started is a [`BadInput`]. One that fails later is an error of the suite.

use crate::error::BadInput;
use anyhow::{Context, Result, bail, ensure};
use conformance::known::Family;
use conformance::process::{Info, Process, START_TIME_MAX, StartOptions};
use redis::{Connection, ConnectionAddr, ConnectionLike, Value};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a server may take to notice that a connection is closed.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(10);

/// How long a server may take to start if it loads a file.
const LOAD_TIME_MAX: Duration = Duration::from_secs(120);

/// The ending of the name of a server whose allocator has other size classes than ours. Rows of report.json
/// have no other mark for this.
pub const OTHER_ALLOCATOR: &str = ", unlike ours";

/// The file name of redcore's own server.
const REDCORE: &str = "redcore-server";

/// The properties of an allocator that determine the size of a block.
///
/// Two allocators are alike if they are of the same family, such as jemalloc, and have the same quantum. The
/// version does not matter for blocks of up to 14 KiB. For larger blocks, jemalloc has smaller steps since
/// version 5.3.1, which is ours.
#[derive(Clone, Debug, PartialEq)]
struct Allocator {
    /// The name in INFO, such as `jemalloc-5.3.0` or `libc`.
    name: String,
    /// The distance between the smallest size classes in bytes. Only jemalloc reports it.
    quantum: Option<u64>,
}

impl Allocator {
    fn ours() -> Self {
        Self { name: zmalloc::ALLOCATOR.into(), quantum: zmalloc::quantum().map(|bytes| bytes as u64) }
    }

    fn fetch(connection: &mut Connection) -> Result<Self> {
        let info = Info::fetch(connection, "memory")?;
        let name = info.text("mem_allocator").context("INFO memory has no mem_allocator")?.to_owned();
        let mut allocator = Self { name, quantum: None };
        if allocator.is_jemalloc() {
            // A server may refuse this command. Its quantum is then unknown.
            let stats = redis::cmd("MEMORY").arg("MALLOC-STATS").query::<String>(connection);
            allocator.quantum = stats.ok().as_deref().and_then(quantum);
        }
        Ok(allocator)
    }

    fn family(&self) -> &str {
        self.name.split_once('-').map_or(&self.name, |(family, _)| family)
    }

    fn is_jemalloc(&self) -> bool {
        self.family() == "jemalloc"
    }

    /// Returns whether a block takes as many bytes in both allocators. Returns `false` for a jemalloc whose
    /// quantum is unknown.
    fn is_like(&self, other: &Self) -> bool {
        let is_known = !self.is_jemalloc() || self.quantum.is_some();
        is_known && self.family() == other.family() && self.quantum == other.quantum
    }
}

/// Writes, for example, `jemalloc-5.3.0 q16`, `jemalloc-5.3.0 q?` or `libc`.
impl fmt::Display for Allocator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match self.quantum {
            Some(bytes) => write!(f, " q{bytes}"),
            None if self.is_jemalloc() => f.write_str(" q?"),
            None => Ok(()),
        }
    }
}

/// Returns the quantum in the statistics of jemalloc.
fn quantum(stats: &str) -> Option<u64> {
    stats.lines().find_map(|line| line.trim().strip_prefix("Quantum size:")?.trim().parse().ok())
}

/// The program of a server that has been started once.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
    /// Whether it is the program `redcore-server`.
    is_redcore: bool,
    /// The family and the version, such as `valkey 9.1.2`.
    pub version: String,
    /// The name in rows: the family, the version and the allocator. It ends with [`OTHER_ALLOCATOR`] if rows
    /// with this peer do not count.
    pub name: String,
}

impl Program {
    /// Starts each program, asks it for its name, and ends it. If the name is already used, it also contains
    /// the path.
    pub fn identify(paths: &[PathBuf]) -> Result<Vec<Self>, BadInput> {
        let mut programs: Vec<Self> = Vec::new();
        for path in paths {
            if programs.iter().any(|other| other.path == *path) {
                return Err(BadInput::Server { program: path.clone(), what: "is given twice".into() });
            }
            let refused = |what: String| BadInput::Server { program: path.clone(), what };
            let identity = Server::start(path, false).and_then(|server| server.identity());
            let (version, allocator) = identity.map_err(|err| refused(format!("{err:#}")))?;
            let unlike = if allocator.is_like(&Allocator::ours()) { "" } else { OTHER_ALLOCATOR };
            let mut name = format!("{version}, {allocator}{unlike}");
            if programs.iter().any(|other| other.name == name) {
                name = format!("{version}, {allocator}, {}{unlike}", path.display());
            }
            programs.push(Self { path: path.clone(), is_redcore: false, version, name });
        }
        Ok(programs)
    }

    /// Returns the program `redcore-server`, which is built into the folder of the running program.
    pub fn redcore() -> Result<Self> {
        let this = std::env::current_exe().context("the path of this program is unknown")?;
        // The programs of tests are one folder below the others.
        let mut found = this.ancestors().skip(1).take(2).map(|folder| folder.join(REDCORE));
        let path = found.find(|path| path.is_file()).with_context(|| {
            let folder = this.parent().unwrap_or(Path::new("."));
            format!("{}: no {REDCORE} here; build it: cargo build --release -p server", folder.display())
        })?;
        Ok(Self { path, is_redcore: true, version: REDCORE.into(), name: REDCORE.into() })
    }

    /// Returns the version, or the whole name if another program has the same version.
    pub fn name_among(&self, programs: &[Self]) -> &str {
        let is_same = |other: &&Self| other.version == self.version && other.path != self.path;
        if programs.iter().any(|other| is_same(&other)) { &self.name } else { &self.version }
    }

    /// Starts a new process of the program.
    pub fn start(&self) -> Result<Server> {
        Server::start(&self.path, self.is_redcore).with_context(|| self.name.clone())
    }

    /// Starts a new process that loads the dump file.
    pub fn start_with(&self, dump: &Path) -> Result<Server> {
        let options =
            StartOptions { dump: Some(dump), takes_lines: self.is_redcore, ..StartOptions::default() };
        let process = Process::start_with(&self.path, LOAD_TIME_MAX, &options);
        Ok(Server(process.with_context(|| self.name.clone())?))
    }
}

/// A running server. The process is ended when this is dropped.
pub struct Server(Process);

impl Server {
    fn start(path: &Path, is_redcore: bool) -> Result<Self> {
        let options = StartOptions { takes_lines: is_redcore, ..StartOptions::default() };
        Ok(Self(Process::start_with(path, START_TIME_MAX, &options)?))
    }

    /// Returns where the server listens.
    pub fn address(&self) -> &ConnectionAddr {
        self.0.address()
    }

    /// Returns the id of the process.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Returns the family with the version, and the allocator.
    fn identity(&self) -> Result<(String, Allocator)> {
        let family = match self.0.family {
            Family::Redis => "redis",
            Family::Valkey => "valkey",
        };
        Ok((format!("{family} {}", self.0.version), Allocator::fetch(&mut self.0.connect()?)?))
    }

    /// Opens a connection.
    pub fn connect(&self) -> Result<Client> {
        Ok(Client(self.0.connect()?))
    }

    /// Returns how many bytes the server uses while a new connection is the only one.
    pub fn used_memory(&self) -> Result<u64> {
        let start = Instant::now();
        loop {
            // Each attempt uses a new connection, which is always in the same state.
            let info = Info::fetch(&mut self.0.connect()?, "everything")?;
            match info.number("connected_clients") {
                Some(1) => return info.number("used_memory").context("INFO has no used_memory"),
                Some::<u32>(_) if start.elapsed() < CLOSE_TIME_MAX => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Some(clients) => bail!("the server has {clients} clients instead of one"),
                None => bail!("INFO has no connected_clients"),
            }
        }
    }
}

/// A connection to a server.
pub struct Client(Connection);

impl Client {
    /// Returns the processor time that the server has used since its start.
    pub fn cpu_time(&mut self) -> Result<Duration> {
        let info = Info::fetch(&mut self.0, "cpu")?;
        let seconds =
            |name| info.number::<f64>(name).with_context(|| format!("INFO cpu has no number {name}"));
        let sum = seconds("used_cpu_user")? + seconds("used_cpu_sys")?;
        Duration::try_from_secs_f64(sum).context("INFO cpu")
    }

    /// Returns how many keys the server has.
    pub fn len(&mut self) -> Result<u64> {
        Ok(redis::cmd("DBSIZE").query(&mut self.0)?)
    }

    /// Returns whether the server has no keys.
    pub fn is_empty(&mut self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Changes a setting (`CONFIG SET`).
    pub fn configure(&mut self, name: &str, value: &str) -> Result<()> {
        Ok(redis::cmd("CONFIG").arg("SET").arg(name).arg(value).exec(&mut self.0)?)
    }

    /// Makes the server write its dump file.
    pub fn save(&mut self) -> Result<()> {
        Ok(redis::cmd("SAVE").exec(&mut self.0)?)
    }

    /// Makes the server write its dump file in a child process.
    pub fn background_save(&mut self) -> Result<()> {
        Ok(redis::cmd("BGSAVE").query::<Value>(&mut self.0).map(drop)?)
    }

    /// Returns a section of INFO.
    pub fn info(&mut self, section: &str) -> Result<Info> {
        Ok(Info::fetch(&mut self.0, section)?)
    }

    /// Sends packed commands together, and waits for all replies. Returns the first error among them, if
    /// there is one.
    pub fn send(&mut self, packed: &[u8], commands: usize) -> Result<()> {
        let replies = self.0.req_packed_commands(packed, 0, commands)?;
        ensure!(replies.len() == commands, "{} replies to {commands} commands", replies.len());
        for reply in replies {
            if let Value::ServerError(err) = reply {
                bail!("the server answers {} {}", err.code(), err.details().unwrap_or_default());
            }
        }
        Ok(())
    }

    /// Returns the integers of MEMORY STATS with their names. The names of a database begin with the name of
    /// the database: `db.0 overhead.hashtable.main`.
    pub fn memory_stats(&mut self) -> Result<Vec<(String, i64)>> {
        let mut stats = Vec::new();
        integers("", &redis::cmd("MEMORY").arg("STATS").query(&mut self.0)?, &mut stats);
        Ok(stats)
    }
}

/// Finds the integers in a reply that is a list of names and values. A value may be such a list itself.
fn integers(before: &str, reply: &Value, found: &mut Vec<(String, i64)>) {
    let Value::Array(items) = reply else { return };
    for pair in items.chunks_exact(2) {
        let Value::BulkString(name) = &pair[0] else { continue };
        let name = format!("{before}{}", String::from_utf8_lossy(name));
        match &pair[1] {
            Value::Int(value) => found.push((name, *value)),
            nested => integers(&format!("{name} "), nested, found),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use conformance::process::server_on_path;

    #[test]
    fn the_integers_of_a_database_have_its_name() {
        let text = |text: &str| Value::BulkString(text.into());
        let database = Value::Array(vec![text("overhead.hashtable.main"), Value::Int(7)]);
        let reply = Value::Array(vec![
            text("keys.count"),
            Value::Int(3),
            text("db.0"),
            database,
            text("dataset.percentage"),
            text("5.5"),
        ]);
        let mut found = Vec::new();
        integers("", &reply, &mut found);
        let expected = [("keys.count", 3), ("db.0 overhead.hashtable.main", 7)];
        assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value)));
    }

    #[test]
    fn only_an_allocator_with_the_same_size_classes_is_like_ours() {
        let allocator = |name: &str, quantum| Allocator { name: name.into(), quantum };
        let ours = allocator("jemalloc-5.3.1", Some(8));
        assert!(allocator("jemalloc-5.2.1", Some(8)).is_like(&ours));
        for other in [
            allocator("jemalloc-5.3.1", Some(16)),
            allocator("jemalloc-5.3.1", None),
            allocator("libc", None),
            allocator("tcmalloc-2.9", None),
        ] {
            assert!(!other.is_like(&ours), "{other}");
        }
        assert!(allocator("libc", None).is_like(&allocator("libc", None)));
        let unknown = allocator("jemalloc-5.3.1", None);
        assert!(!unknown.is_like(&unknown));
        assert!(Allocator::ours().is_like(&Allocator::ours()), "{}", Allocator::ours());
    }

    #[test]
    fn the_name_of_an_allocator_says_its_version_and_its_quantum() {
        let name = |name: &str, quantum| Allocator { name: name.into(), quantum }.to_string();
        assert_eq!(name("jemalloc-5.2.1", Some(16)), "jemalloc-5.2.1 q16");
        assert_eq!(name("jemalloc-5.2.1", None), "jemalloc-5.2.1 q?");
        assert_eq!(name("libc", None), "libc");
    }

    #[test]
    fn the_quantum_is_a_line_of_the_statistics() {
        let stats = "  opt.narenas: 8\nArenas: 8\nQuantum size: 16\nPage size: 4096\n";
        assert_eq!((quantum(stats), quantum("Page size: 4096")), (Some(16), None));
    }

    #[test]
    fn a_server_that_refuses_its_statistics_has_an_unknown_quantum() {
        let Some(program) = server_on_path() else { return };
        let server = Server::start(Path::new(program), false).unwrap();
        let mut connection = server.0.connect().unwrap();
        let refuse = ["SETUSER", "default", "-memory"];
        redis::cmd("ACL").arg(&refuse).exec(&mut connection).unwrap();
        let allocator = Allocator::fetch(&mut connection).unwrap();
        assert_eq!(allocator.quantum, None);
        assert!(!allocator.is_jemalloc() || allocator.to_string().ends_with(" q?"), "{allocator}");
    }

    #[test]
    fn a_server_that_cannot_be_started_is_bad_input_with_its_path() {
        let err = Program::identify(&["no/such/server".into()]).unwrap_err();
        assert!(matches!(err, BadInput::Server { .. }));
        assert!(err.to_string().starts_with("no/such/server: cannot be started: "), "{err}");
    }
}
