//! A real server as a peer: `--server PATH`.
//!
//! ```text
//!  Program   a program that was started once, to learn its name    valkey-server 9.1.2, libc
//!  Server    a fresh process of it, on a socket in a folder of its own, without persistence
//!  Client    a connection to it, on which batches of commands are sent
//! ```
//!
//! The process is that of `cargo xtask conformance` ([`Process`]), and so is the client, the crate `redis` without its
//! features: no asynchronous runtime, no TLS. What is left of it packs commands and parses replies.
//!
//! [`Server::used_memory`] is what INFO says to a new connection while there is no other: connections have buffers, which count.
//! [`Client::cpu_time`] is the processor time of the process with all its threads, in the program and in the system.
//!
//! A server that cannot be started is a [`BadInput`]. One that fails later is an error of the suite.

use crate::error::BadInput;
use anyhow::{Context, Result, bail, ensure};
use conformance::known::Family;
use conformance::process::{Info, Process, START_PATIENCE};
use redis::{Connection, ConnectionLike, Value};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a server may take to forget a connection that was closed.
const CLOSE_PATIENCE: Duration = Duration::from_secs(10);

/// A server's program that has answered once.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
    /// The family, version and allocator: what rows call it.
    pub name: String,
}

impl Program {
    /// Starts each program, asks it who it is, and ends it. Two programs of one name are told apart by their paths.
    pub fn identify(paths: &[PathBuf]) -> Result<Vec<Self>, BadInput> {
        let mut programs: Vec<Self> = Vec::new();
        for path in paths {
            if programs.iter().any(|other| other.path == *path) {
                return Err(BadInput::Server { program: path.clone(), what: "is given twice".into() });
            }
            let refused = |what: String| BadInput::Server { program: path.clone(), what };
            let named = Server::start(path).and_then(|server| server.name());
            let mut name = named.map_err(|err| refused(format!("{err:#}")))?;
            if programs.iter().any(|other| other.name == name) {
                name = format!("{name}, {}", path.display());
            }
            programs.push(Self { path: path.clone(), name });
        }
        Ok(programs)
    }

    /// A fresh process of it.
    pub fn start(&self) -> Result<Server> {
        Server::start(&self.path).with_context(|| self.name.clone())
    }
}

/// A running server. It is ended when this is dropped.
pub struct Server(Process);

impl Server {
    fn start(path: &Path) -> Result<Self> {
        Ok(Self(Process::start(path, START_PATIENCE)?))
    }

    fn name(&self) -> Result<String> {
        let family = match self.0.family {
            Family::Redis => "redis-server",
            Family::Valkey => "valkey-server",
        };
        let info = Info::ask(&mut self.0.connect()?, "memory")?;
        let allocator = info.text("mem_allocator").context("INFO memory has no mem_allocator")?;
        Ok(format!("{family} {}, {allocator}", self.0.version))
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

    /// The integers of MEMORY STATS, by name. Those of a database have its name before theirs: `db.0 overhead.hashtable.main`.
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
    fn a_server_that_cannot_be_started_is_bad_input_with_its_path() {
        let err = Program::identify(&["no/such/server".into()]).unwrap_err();
        assert!(matches!(err, BadInput::Server { .. }));
        assert!(err.to_string().starts_with("no/such/server: cannot be started: "), "{err}");
    }
}
