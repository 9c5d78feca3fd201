//! Imports a dump file of Redis or Valkey, which is loaded into a keyspace.
//!
//! Streams and the values of modules are skipped and counted, and so are the keys of all databases except 0.
//! Keys that have expired are loaded too, with their expiry.

use super::ImportError;
use crate::maps::FoldHash;
use keyspace::{Keyspace, ValueRef};
use rdb::{LoadOptions, LoadStats, Loader, UnsupportedValue};
use std::fmt;
use std::io::Read;

/// The name at the start of a dump file, and the number of digits of the version after it.
const MAGICS: [(&[u8], usize); 2] = [(b"REDIS", 4), (b"VALKEY", 3)];

/// Returns whether a file begins like a dump, with a name and the digits of a version.
pub(super) fn is_dump(start: &[u8]) -> bool {
    MAGICS.iter().any(|(magic, digits)| {
        let version = start.strip_prefix(*magic).and_then(|rest| rest.get(..*digits));
        version.is_some_and(|version| version.iter().all(u8::is_ascii_digit))
    })
}

/// The content of a dump file.
#[derive(Debug)]
pub struct Dump {
    keyspace: Keyspace<FoldHash>,
    stats: LoadStats,
}

impl Dump {
    /// Loads a dump.
    pub(super) fn read(input: impl Read) -> Result<Self, ImportError> {
        let mut options = LoadOptions::default();
        (options.drops_expired, options.unsupported) = (false, UnsupportedValue::Skip);
        let mut keyspace = Keyspace::with_hasher(FoldHash::default());
        let stats = Loader::new(input, options)?.load(&mut keyspace, 0)?;
        if keyspace.is_empty() { Err(ImportError::Empty) } else { Ok(Self { keyspace, stats }) }
    }

    /// Returns all keys. The keyspace has the state of the time 0, at which no key has expired.
    pub fn keyspace(&self) -> &Keyspace<FoldHash> {
        &self.keyspace
    }
}

/// Writes what was loaded and what was skipped, as a list in one line.
impl fmt::Display for Dump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut counts = [0_u64; 5];
        for record in self.keyspace.records(0) {
            counts[match record.value {
                ValueRef::String(_) => 0,
                ValueRef::List(_) => 1,
                ValueRef::Set(_) => 2,
                ValueRef::Hash(_) => 3,
                ValueRef::ZSet(_) => 4,
            }] += 1;
        }
        let LoadStats { unsupported, other_databases, field_expiries, .. } = self.stats;
        let counts = [
            (counts[0], "strings"),
            (counts[1], "lists"),
            (counts[2], "sets"),
            (counts[3], "hashes"),
            (counts[4], "sorted sets"),
            (self.keyspace.expires() as u64, "keys with an expiry"),
            (unsupported, "streams and values of modules passed over"),
            (other_databases, "keys of other databases passed over"),
            (field_expiries, "expiries of fields left out"),
        ];
        let found = counts.iter().filter(|(count, _)| *count > 0);
        let found: Vec<String> =
            found.map(|(count, what)| format!("{} {what}", crate::text::thousands(*count as i64))).collect();
        f.write_str(&found.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_is_told_by_its_first_bytes() {
        for start in [&b"REDIS0011\xFA"[..], b"VALKEY080\xFA", b"REDIS0003"] {
            assert!(is_dump(start));
        }
        for start in [&b"REDIS\tis a key"[..], b"REDIS001", b"VALKEY08x", b"", b"redis0011"] {
            assert!(!is_dump(start));
        }
    }
}
