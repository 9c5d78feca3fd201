//! Payloads of `DUMP` and `RESTORE`, in both directions.

use super::{NOW, databases};
use crate::process::Process;
use anyhow::{Context, Result, ensure};
use keyspace::{Keyspace, Record, ValueRef};
use rdb::{DumpOptions, WriteVersion, dump, restore};
use redis::{Connection, cmd};
use values::zset::AddOptions;

/// The key of the copies. The model does not have it.
const COPY: &str = "a copy of another key";

/// Compares the payloads of all keys of the model. Returns how many payloads the server has restored.
pub(super) fn compare(process: &Process, model: &[Keyspace], versions: &[WriteVersion]) -> Result<usize> {
    let mut connection = process.connect()?;
    let has_same_encodings = process.version_numbers() >= (7, 2);
    let mut payloads = 0;
    for database in databases() {
        cmd("SELECT").arg(database).exec(&mut connection)?;
        for record in model[database].records(NOW) {
            let context = || format!("database {database}, {}", crate::quoted(&record.key.text()));
            from_server(&mut connection, &record).with_context(context)?;
            for &version in versions {
                let context = || format!("{}, version {}", context(), version.number());
                to_server(&mut connection, &record, version, has_same_encodings).with_context(context)?;
                payloads += 1;
            }
        }
        cmd("DEL").arg(COPY).exec(&mut connection)?;
    }
    negative_zero(&mut connection).context("a score of -0")?;
    Ok(payloads)
}

/// A server's listpack stores the score -0 as 0. redcore keeps it, and a server must accept the payload.
fn negative_zero(connection: &mut Connection) -> Result<()> {
    let mut keyspace = Keyspace::new();
    keyspace.zadd(COPY, "member", -0.0, AddOptions::default(), NOW)?;
    let payload = payload(keyspace.get(COPY, NOW).context("no value")?, WriteVersion::V10)?;
    cmd("RESTORE").arg(COPY).arg(0).arg(payload).exec(connection)?;
    let score: String = cmd("ZSCORE").arg(COPY).arg("member").query(connection)?;
    cmd("DEL").arg(COPY).exec(connection)?;
    ensure!(score == "-0" || score == "0", "the score is {score}");
    Ok(())
}

fn payload(value: ValueRef<'_>, version: WriteVersion) -> Result<Vec<u8>> {
    let mut options = DumpOptions::default();
    options.version = version;
    Ok(dump(value, options)?)
}

/// Restores the server's payload of a key in redcore.
fn from_server(connection: &mut Connection, record: &Record<'_>) -> Result<()> {
    let payload: Vec<u8> = cmd("DUMP").arg(&*record.key.text()).query(connection)?;
    let mut copy = Keyspace::new();
    let restored = restore(&payload, copy.options().encoding_limits())?;
    copy.insert(COPY, restored.value, None, NOW)?;
    let value = copy.get(COPY, NOW).context("no value was restored")?;
    ensure!(record.value == value, "the payload of the server holds another value");
    Ok(())
}

/// Makes the server restore redcore's payload of a key under the key [`COPY`].
fn to_server(
    connection: &mut Connection,
    record: &Record<'_>,
    version: WriteVersion,
    has_same_encodings: bool,
) -> Result<()> {
    let payload = payload(record.value, version)?;
    // The digest depends on whether the key expires, so the copy gets the same expiry.
    let mut command = cmd("RESTORE");
    command.arg(COPY).arg(record.expiry.unwrap_or(0)).arg(payload).arg("REPLACE").arg("ABSTTL");
    command.exec(connection).context("RESTORE")?;
    let digests: Vec<String> =
        cmd("DEBUG").arg("DIGEST-VALUE").arg(&*record.key.text()).arg(COPY).query(connection)?;
    ensure!(digests.len() == 2 && digests[0] == digests[1], "the server has restored another value");
    if has_same_encodings {
        let mut encoding = |key: &[u8]| cmd("OBJECT").arg("ENCODING").arg(key).query::<String>(connection);
        let (theirs, restored) = (encoding(&record.key.text())?, encoding(COPY.as_bytes())?);
        let embeds = |encoding: &str| matches!(encoding, "embstr" | "raw");
        // In Valkey, the length of the key also decides between embstr and raw.
        ensure!(
            theirs == restored || (embeds(&theirs) && embeds(&restored)),
            "the encoding {restored} was restored instead of {theirs}"
        );
    }
    Ok(())
}
