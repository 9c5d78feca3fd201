//! [`State`]: what a server reports about its data. Two servers are compared by their states.

use super::databases;
use anyhow::{Result, ensure};
use keyspace::Keyspace;
use redis::{Connection, cmd};

/// What a server reports about a key.
#[derive(Debug, PartialEq)]
pub(super) struct Key {
    pub(super) database: usize,
    pub(super) name: Vec<u8>,
    /// The answer of `PEXPIRETIME`.
    expiry: i64,
    /// The answer of `OBJECT ENCODING`.
    pub(super) encoding: String,
}

/// What a server reports about all its data.
#[derive(Debug)]
pub(super) struct State {
    /// The answer of `DEBUG DIGEST`: a digest of all keys and values in all databases.
    digest: String,
    /// The number of keys in each of the [`databases`].
    sizes: Vec<u64>,
    /// The keys of the model, in the model's order.
    pub(super) keys: Vec<Key>,
}

impl State {
    /// Asks the server for the state of the keys that the model has.
    pub(super) fn of(connection: &mut Connection, model: &[Keyspace]) -> Result<Self> {
        let (mut sizes, mut keys) = (Vec::new(), Vec::new());
        for database in databases() {
            cmd("SELECT").arg(database).exec(connection)?;
            sizes.push(cmd("DBSIZE").query(connection)?);
            let names: Vec<Vec<u8>> = model[database].records(0).map(|record| record.key.to_vec()).collect();
            let mut pipeline = redis::pipe();
            for name in &names {
                pipeline.cmd("PEXPIRETIME").arg(name);
                pipeline.cmd("OBJECT").arg("ENCODING").arg(name);
            }
            let replies: Vec<redis::Value> = pipeline.query(connection)?;
            for (name, replies) in names.into_iter().zip(replies.chunks(2)) {
                let expiry = redis::from_redis_value(replies[0].clone())?;
                let encoding: Option<String> = redis::from_redis_value(replies[1].clone())?;
                keys.push(Key { database, name, expiry, encoding: encoding.unwrap_or_default() });
            }
        }
        let digest = cmd("DEBUG").arg("DIGEST").query(connection)?;
        Ok(Self { digest, sizes, keys })
    }

    /// Returns an error if the other state differs.
    pub(super) fn same(&self, other: &Self) -> Result<()> {
        ensure!(self.sizes == other.sizes, "{:?} keys instead of {:?}", other.sizes, self.sizes);
        for (key, other) in self.keys.iter().zip(&other.keys) {
            let name = crate::quoted(&key.name);
            ensure!(
                key.expiry == other.expiry,
                "{name}: expires at {} instead of {}",
                other.expiry,
                key.expiry
            );
            ensure!(
                key.encoding == other.encoding,
                "{name}: has the encoding {} instead of {}",
                other.encoding,
                key.encoding
            );
        }
        ensure!(self.digest == other.digest, "DEBUG DIGEST is {} instead of {}", other.digest, self.digest);
        Ok(())
    }
}
