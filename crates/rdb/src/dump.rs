//! Payloads of `DUMP` and `RESTORE`: one value without its key.
//!
//! ```text
//!  | type | value | version, 2 bytes | CRC-64 of all before, 8 bytes |      little-endian
//! ```

use crate::build::{Builder, Partial};
use crate::crc::crc64;
use crate::error::{Error, Fault, SaveError};
use crate::format::Version;
use crate::input::Input;
use crate::output::Output;
use crate::reader::ValueStore;
use crate::value::ValueProgress;
use crate::walk::Walk;
use crate::write::WriteVersion;
use keyspace::values::EncodingLimits;
use keyspace::{Value, ValueRef};

/// The length of the version and the checksum, in bytes.
const FOOTER: usize = 10;

/// How a payload is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DumpOptions {
    /// The version that is written.
    pub version: WriteVersion,
    /// Whether strings of more than 20 bytes are compressed. In C: `rdbcompression`.
    pub compression: bool,
}

impl DumpOptions {
    /// The defaults of redis.conf, and version 11.
    pub const DEFAULT: Self = Self { version: WriteVersion::V11, compression: true };
}

impl Default for DumpOptions {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Writes a value as a payload. O(bytes). In C: `DUMP`.
///
/// ```
/// use rdb::keyspace::Keyspace;
/// use rdb::{DumpOptions, dump, restore};
/// let mut keyspace = Keyspace::new();
/// keyspace.sadd("primes", 7, 0)?;
/// let payload = dump(keyspace.get("primes", 0).unwrap(), DumpOptions::default())?;
///
/// let restored = restore(&payload, keyspace.options().encoding_limits())?;
/// keyspace.insert("copy", restored.value, None, 0)?;
/// assert!(keyspace.sismember("copy", 7, 0)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`SaveError::Memory`] if there is no memory.
pub fn dump(value: ValueRef<'_>, options: DumpOptions) -> Result<Vec<u8>, SaveError> {
    let mut output = Output::new(Vec::new(), options.compression, true);
    let mut progress = ValueProgress::new(value, options.version);
    output.byte(progress.code())?;
    while !progress.write(&mut output, value, usize::MAX)? {}
    output.raw(&options.version.number().to_le_bytes())?;
    let checksum = output.checksum()?;
    output.raw(&checksum.to_le_bytes())?;
    output.finish()
}

/// The value of a payload, with its version, and the number of expiries that were left out.
#[derive(Debug)]
#[non_exhaustive]
pub struct Restored {
    /// The value.
    pub value: Value,
    /// The version of the payload.
    pub version: Version,
    /// How many fields of a hash had an expiry. The value has these fields without their expiry.
    pub field_expiries: u64,
}

/// Reads the value of a payload, and validates all its bytes. The value gets the encoding that the limits ask
/// for. O(bytes). In C: `RESTORE`.
///
/// # Errors
/// [`Error::Version`] and [`Error::Checksum`]; [`Error::Unsupported`] for streams and modules;
/// [`Error::Malformed`] with [`Fault::Empty`] for a collection without elements, with
/// [`Fault::TrailingBytes`] for bytes after the value, and with other faults for damaged bytes;
/// [`Error::Keyspace`] if there is no memory.
pub fn restore(payload: &[u8], limits: &EncodingLimits) -> Result<Restored, Error> {
    let truncated = Error::Malformed { offset: payload.len() as u64, fault: Fault::Truncated };
    let (Some(body), Some((checked, checksum))) =
        (payload.len().checked_sub(FOOTER).map(|len| &payload[..len]), payload.split_last_chunk())
    else {
        return Err(truncated);
    };
    let number = match checked.last_chunk() {
        Some(number) => u16::from_le_bytes(*number),
        None => return Err(truncated),
    };
    let offset = body.len() as u64;
    let version = Version::new(number).ok_or(Error::Version { offset, version: number })?;
    let (stored, computed) = (u64::from_le_bytes(*checksum), crc64(checked));
    if stored != computed {
        return Err(Error::Checksum { offset: checked.len() as u64, stored, computed });
    }
    let mut input = Input::try_with_buffer(body, body.len())?;
    let code = input.byte()?;
    let mut walk = Walk::done(version);
    if !walk.restart(code, 0) {
        return input.fault(0, Fault::Opcode);
    }
    let (mut partial, mut value) = (Partial::default(), None);
    let store = ValueStore(&mut value);
    let mut builder = Builder { partial: &mut partial, limits, store, drops_expired_at: None };
    walk.finish(&mut input, &mut builder)?;
    let field_expiries = partial.expiries;
    match value {
        Some(value) if input.offset() == body.len() as u64 => Ok(Restored { value, version, field_expiries }),
        Some(_) => input.fault(input.offset(), Fault::TrailingBytes),
        None => input.fault(0, Fault::Empty),
    }
}
