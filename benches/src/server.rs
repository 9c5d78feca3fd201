//! A real server as a peer: `--server PATH`.
//!
//! ```text
//!  Program   a program that was started once, to learn its name    valkey 9.1.2, libc, unlike ours
//!  Server    a fresh process of it, on a socket in a folder of its own, without persistence
//!  Client    a connection to it, on which batches of commands are sent
//! ```
//!
//! The process is that of `cargo xtask conformance` ([`Process`]), and so is the client, the crate `redis`
//! without its features: no asynchronous runtime, no TLS. What is left of it packs commands and parses
//! replies.
//!
//! [`Server::used_memory`] is what INFO says to a new connection while there is no other: connections have
//! buffers, which count. [`Client::cpu_time`] is the processor time of the process with all its threads, in
//! the program and in the system.
//!
//! The bytes of a server are those of its own allocator. They are compared with ours only if both allocators
//! have the same size classes: see [`Allocator`]. Otherwise the name ends with [`UNLIKE`], and no row beside
//! the server [counts](crate::report::Row::counts).
//!
//! A server that cannot be started is a [`BadInput`]. One that fails later is an error of the suite.

use crate::error::BadInput;
use anyhow::{Context, Result, bail, ensure};
use conformance::known::Family;
use conformance::process::{Info, Process, START_PATIENCE, StartOptions};
use redis::{Connection, ConnectionLike, Value};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a server may take to forget a connection that was closed.
const CLOSE_PATIENCE: Duration = Duration::from_secs(10);

/// How long a server may take to start with a file that it loads.
const LOAD_PATIENCE: Duration = Duration::from_secs(120);

/// How the name of a server ends whose allocator has other size classes than ours. Rows of report.json have
/// no other sign of that.
pub const UNLIKE: &str = ", unlike ours";

/// An allocator, as far as it decides the size of a block.
///
/// Two of them are alike if they are of one family, such as jemalloc, and of the same quantum. The version
/// does not matter up to blocks of 14 KiB; jemalloc rounds larger ones in smaller steps since 5.3.1, which is
/// ours.
#[derive(Clone, Debug, PartialEq)]
struct Allocator {
    /// As INFO says, such as `jemalloc-5.3.0` or `libc`.
    name: String,
    /// The distance of the smallest size classes in bytes, which only jemalloc tells.
    quantum: Option<u64>,
}

impl Allocator {
    fn ours() -> Self {
        Self { name: zmalloc::ALLOCATOR.into(), quantum: zmalloc::quantum().map(|bytes| bytes as u64) }
    }

    fn ask(connection: &mut Connection) -> Result<Self> {
        let info = Info::ask(connection, "memory")?;
        let name = info.text("mem_allocator").context("INFO memory has no mem_allocator")?.to_owned();
        let mut allocator = Self { name, quantum: None };
        if allocator.is_jemalloc() {
            // A server may refuse it. Its quantum is then unknown.
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

    /// Whether a block takes as much as in the other one. False for a jemalloc that does not tell its
    /// quantum.
    fn is_like(&self, other: &Self) -> bool {
        let is_known = !self.is_jemalloc() || self.quantum.is_some();
        is_known && self.family() == other.family() && self.quantum == other.quantum
    }
}

/// `jemalloc-5.3.0 q16`, `jemalloc-5.3.0 q?`, or `libc`.
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

/// The quantum in jemalloc's statistics.
fn quantum(stats: &str) -> Option<u64> {
    stats.lines().find_map(|line| line.trim().strip_prefix("Quantum size:")?.trim().parse().ok())
}

/// A server's program that has answered once.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
    /// The family, version and allocator: what rows call it. Ends with [`UNLIKE`] if rows beside it do not
    /// count.
    pub name: String,
}

impl Program {
    /// Starts each program, asks it who it is, and ends it. Two programs of one name also have their paths in
    /// it.
    pub fn identify(paths: &[PathBuf]) -> Result<Vec<Self>, BadInput> {
        let mut programs: Vec<Self> = Vec::new();
        for path in paths {
            if programs.iter().any(|other| other.path == *path) {
                return Err(BadInput::Server { program: path.clone(), what: "is given twice".into() });
            }
            let refused = |what: String| BadInput::Server { program: path.clone(), what };
            let identity = Server::start(path).and_then(|server| server.identity());
            let (version, allocator) = identity.map_err(|err| refused(format!("{err:#}")))?;
            let unlike = if allocator.is_like(&Allocator::ours()) { "" } else { UNLIKE };
            let mut name = format!("{version}, {allocator}{unlike}");
            if programs.iter().any(|other| other.name == name) {
                name = format!("{version}, {allocator}, {}{unlike}", path.display());
            }
            programs.push(Self { path: path.clone(), name });
        }
        Ok(programs)
    }

    /// A fresh process of it.
    pub fn start(&self) -> Result<Server> {
        Server::start(&self.path).with_context(|| self.name.clone())
    }

    /// A fresh process that has loaded the dump file.
    pub fn start_with(&self, dump: &Path) -> Result<Server> {
        let options = StartOptions { dump: Some(dump), ..StartOptions::default() };
        let process = Process::start_with(&self.path, LOAD_PATIENCE, &options);
        Ok(Server(process.with_context(|| self.name.clone())?))
    }
}

/// A running server. It is ended when this is dropped.
pub struct Server(Process);

impl Server {
    fn start(path: &Path) -> Result<Self> {
        Ok(Self(Process::start(path, START_PATIENCE)?))
    }

    /// The family with the version, and the allocator.
    fn identity(&self) -> Result<(String, Allocator)> {
        let family = match self.0.family {
            Family::Redis => "redis",
            Family::Valkey => "valkey",
        };
        Ok((format!("{family} {}", self.0.version), Allocator::ask(&mut self.0.connect()?)?))
    }

    /// A connection.
    pub fn connect(&self) -> Result<Client> {
        Ok(Client(self.0.connect()?))
    }

    /// The bytes that the server has taken, while a new connection is the only one.
    pub fn used_memory(&self) -> Result<u64> {
        let start = Instant::now();
        loop {
            // A new one each time, in the same state each time.
            let info = Info::ask(&mut self.0.connect()?, "everything")?;
            match info.number("connected_clients") {
                Some(1) => return info.number("used_memory").context("INFO has no used_memory"),
                Some::<u32>(_) if start.elapsed() < CLOSE_PATIENCE => {
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
    /// The processor time that the server has taken since its start.
    pub fn cpu_time(&mut self) -> Result<Duration> {
        let info = Info::ask(&mut self.0, "cpu")?;
        let seconds =
            |name| info.number::<f64>(name).with_context(|| format!("INFO cpu has no number {name}"));
        let sum = seconds("used_cpu_user")? + seconds("used_cpu_sys")?;
        Duration::try_from_secs_f64(sum).context("INFO cpu")
    }

    /// How many keys there are.
    pub fn len(&mut self) -> Result<u64> {
        Ok(redis::cmd("DBSIZE").query(&mut self.0)?)
    }

    /// Whether there is no key.
    pub fn is_empty(&mut self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Has the server write its dump file.
    pub fn save(&mut self) -> Result<()> {
        Ok(redis::cmd("SAVE").exec(&mut self.0)?)
    }

    /// Has the server write its dump file in a process of its own.
    pub fn background_save(&mut self) -> Result<()> {
        Ok(redis::cmd("BGSAVE").query::<Value>(&mut self.0).map(drop)?)
    }

    /// What INFO says of dump files.
    pub fn persistence(&mut self) -> Result<Info> {
        Ok(Info::ask(&mut self.0, "persistence")?)
    }

    /// Sends packed commands together and waits for all replies. Fails on the first error among them.
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

    /// The integers of MEMORY STATS, by name. Those of a database have its name before theirs:
    /// `db.0 overhead.hashtable.main`.
    pub fn memory_stats(&mut self) -> Result<Vec<(String, i64)>> {
        let mut stats = Vec::new();
        integers("", &redis::cmd("MEMORY").arg("STATS").query(&mut self.0)?, &mut stats);
        Ok(stats)
    }
}

/// The integers of a reply of names and values, some of which are such lists themselves.
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
        let server = Server::start(Path::new(program)).unwrap();
        let mut connection = server.0.connect().unwrap();
        let refuse = ["SETUSER", "default", "-memory"];
        redis::cmd("ACL").arg(&refuse).exec(&mut connection).unwrap();
        let allocator = Allocator::ask(&mut connection).unwrap();
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
