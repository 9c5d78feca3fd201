//! A server that is started for a run, on a socket in a folder of its own, and stopped afterwards.

use crate::Reply;
use crate::known::Family;
use anyhow::{Context, Result, bail};
use redis::{Connection, Value};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use values::EncodingLimits;

/// A program that is stopped when this is dropped, and its folder.
struct Process {
    child: Child,
    folder: PathBuf,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A running server.
pub struct Server {
    connection: Connection,
    /// Redis or Valkey.
    pub family: Family,
    /// Major and minor number.
    pub version: (u32, u32),
    _process: Process,
}

impl Server {
    /// Starts the program and waits until it answers.
    pub fn start(program: &Path) -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("redcore-conformance-{}", std::process::id()));
        std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        let socket = folder.join("socket");
        // A path is that of the caller's folder; a name is looked up.
        let is_name = program.components().count() == 1;
        let program = if is_name { program.to_owned() } else { std::path::absolute(program)? };
        let mut command = Command::new(&program);
        command.args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"]).arg(&socket);
        // Not ours: whoever waits for the end of our output would wait for the server.
        let log = folder.join("log");
        let output = std::fs::File::create(&log).with_context(|| log.display().to_string())?;
        command.current_dir(&folder).stdout(output.try_clone()?).stderr(output);
        let spawned = command.spawn().with_context(|| program.display().to_string());
        let child = spawned.inspect_err(|_| drop(std::fs::remove_dir_all(&folder)))?;
        let mut process = Process { child, folder };
        let client = redis::Client::open(format!("unix://{}", socket.display()))?;
        let patience = Instant::now();
        let mut connection = loop {
            match client.get_connection() {
                Ok(connection) => break connection,
                Err(error) if patience.elapsed() > Duration::from_secs(10) => return Err(error.into()),
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
            if let Some(status) = process.child.try_wait()? {
                let said = std::fs::read_to_string(&log).unwrap_or_default();
                bail!("{} has ended: {status}\n{said}", program.display());
            }
        };
        let info: String = redis::cmd("INFO").arg("server").query(&mut connection)?;
        let field = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let (family, version) = match (field("valkey_version"), field("redis_version")) {
            (Some(version), _) => (Family::Valkey, version),
            (None, Some(version)) => (Family::Redis, version),
            (None, None) => bail!("{} does not say its version", program.display()),
        };
        let mut numbers = version.split('.').map_while(|number| number.trim().parse().ok());
        let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        Ok(Self { connection, family, version, _process: process })
    }

    /// Whether its answers are compared: before 7.2, sets had no listpack, and scores were printed with 17 digits.
    pub fn is_comparable(&self) -> bool {
        self.version >= (7, 2)
    }

    /// Sets the limits.
    pub fn configure(&mut self, limits: &EncodingLimits) -> Result<()> {
        let settings = [
            ("list-max-listpack-size", limits.list_max_listpack_size.to_string()),
            ("list-compress-depth", limits.list_compress_depth.to_string()),
            ("set-max-intset-entries", limits.set_max_intset_entries.to_string()),
            ("set-max-listpack-entries", limits.set_max_listpack_entries.to_string()),
            ("set-max-listpack-value", limits.set_max_listpack_value.to_string()),
            ("hash-max-listpack-entries", limits.hash_max_listpack_entries.to_string()),
            ("hash-max-listpack-value", limits.hash_max_listpack_value.to_string()),
            ("zset-max-listpack-entries", limits.zset_max_listpack_entries.to_string()),
            ("zset-max-listpack-value", limits.zset_max_listpack_value.to_string()),
        ];
        let mut command = redis::cmd("CONFIG");
        command.arg("SET");
        for (name, value) in &settings {
            command.arg(name).arg(value);
        }
        command.query::<()>(&mut self.connection).context("CONFIG SET")
    }

    /// The replies to some commands, sent together.
    pub fn execute(&mut self, commands: &[Vec<Vec<u8>>]) -> Result<Vec<Reply>> {
        let pack = |words: &Vec<Vec<u8>>| {
            let mut command = redis::Cmd::new();
            for word in words {
                command.arg(&word[..]);
            }
            command.get_packed_command()
        };
        let packed: Vec<u8> = commands.iter().flat_map(pack).collect();
        let values =
            redis::ConnectionLike::req_packed_commands(&mut self.connection, &packed, 0, commands.len())?;
        values.into_iter().map(reply).collect()
    }
}

fn reply(value: Value) -> Result<Reply> {
    Ok(match value {
        Value::Nil => Reply::Nil,
        Value::Okay => Reply::Ok,
        Value::Int(value) => Reply::Int(value),
        Value::BulkString(bytes) => Reply::Bulk(bytes),
        Value::SimpleString(text) => Reply::Bulk(text.into_bytes()),
        Value::Array(values) => Reply::Array(values.into_iter().map(reply).collect::<Result<_>>()?),
        Value::ServerError(error) => Reply::Error(error.details().unwrap_or_default().to_owned()),
        other => bail!("an answer of an unknown kind: {other:?}"),
    })
}
