//! [`Server`]: a server that is compared with redcore. It runs as a [`Process`], and its limits can be
//! changed.

use crate::Reply;
use crate::known::Family;
use crate::process::{Process, START_TIME_MAX};
use anyhow::{Context, Result, bail};
use redis::{Connection, Value};
use std::path::Path;
use values::EncodingLimits;

/// A running server.
pub struct Server {
    connection: Connection,
    /// Redis or Valkey.
    pub family: Family,
    /// The major and the minor number of the version.
    pub version: (u32, u32),
    _process: Process,
}

impl Server {
    /// Starts the program and waits until it answers.
    pub fn start(program: &Path) -> Result<Self> {
        let process =
            Process::start(program, START_TIME_MAX).with_context(|| program.display().to_string())?;
        let version = process.version_numbers();
        Ok(Self { connection: process.connect()?, family: process.family, version, _process: process })
    }

    /// Returns `true` if the version is at least 7.2. Earlier servers have no listpacks for sets, and print
    /// scores with 17 digits.
    pub fn is_comparable(&self) -> bool {
        self.version >= (7, 2)
    }

    /// Sets the limits of the server.
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

    /// Sends some commands together, and returns their replies.
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
