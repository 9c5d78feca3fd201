//! [`Survey`]: the result of reading a file.

use super::advice::{Advice, Advisor};
use super::figures::{Figures, Types};
use super::largest::Largest;
use super::prefixes::Prefixes;
use super::scan::ScanOptions;
use super::ttl::Ttls;
use keyspace::Keyspace;
use keyspace::estimate::{ClassicRedis, Store, Values, Workload};
use rdb::{Error, Version};
use std::collections::BTreeMap;

/// The file, and its fields about itself.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) version: Version,
    /// The length of the file, in bytes.
    pub(crate) len: u64,
    /// The number of bytes that were read.
    pub(crate) read: u64,
    /// The name and version of the server that wrote the file.
    pub(crate) server: Option<String>,
    /// The time at which the file was written, in milliseconds since 1970.
    pub(crate) written_at: Option<u64>,
    /// The `used_memory` of the server at that time.
    pub(crate) used_memory: Option<u64>,
}

impl Source {
    /// Stores a field of the file about itself. Other fields are ignored.
    pub(crate) fn aux(&mut self, name: &[u8], value: &[u8]) {
        let text = || std::str::from_utf8(value).ok();
        let number = || text()?.parse::<u64>().ok();
        match name {
            b"redis-ver" => self.server = text().map(|version| format!("Redis {version}")),
            b"valkey-ver" => self.server = text().map(|version| format!("Valkey {version}")),
            b"ctime" => self.written_at = number().and_then(|seconds| seconds.checked_mul(1_000)),
            b"used-mem" => self.used_memory = number(),
            _ => {}
        }
    }
}

/// A database of the file.
#[derive(Default)]
pub(crate) struct Database {
    /// The keys that were loaded: all, or those of the sample.
    pub(crate) keyspace: Keyspace,
    /// The number of keys in the file.
    pub(crate) keys: u64,
    /// The number of these keys that have an expiry.
    pub(crate) expires: u64,
}

/// The result of reading a file. Unless a field says otherwise, its figures are those of the keys that were
/// loaded.
pub(crate) struct Survey {
    pub(crate) options: ScanOptions,
    pub(crate) source: Source,
    pub(crate) databases: BTreeMap<u64, Database>,
    pub(crate) types: Types,
    pub(crate) prefixes: Prefixes,
    pub(crate) ttls: Ttls,
    pub(crate) largest_here: Largest,
    pub(crate) largest_redis: Largest,
    pub(crate) advisor: Advisor,
    /// The bytes of the symbol tables.
    pub(crate) symbol_tables: u64,
    /// The number of keys with streams or values of modules, and their bytes in the file. They are not
    /// loaded.
    pub(crate) unsupported: Figures,
    /// The number of hashes in the file whose fields may expire. They are loaded without these expiries.
    pub(crate) expiring_hashes: u64,
    /// The error that ended the reading before the end of the file.
    pub(crate) error: Option<Error>,
}

/// The bytes of all keys and of their tables. The figures of a sample are scaled to all keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Totals {
    /// The figures of keys and values.
    pub(crate) keys: Figures,
    /// The bytes of the tables of Redis: the buckets of keys and of expires.
    pub(crate) redis_tables: u64,
    /// The bytes of the tables of the keyspaces.
    pub(crate) here_tables: u64,
    /// The bytes of the symbol tables.
    pub(crate) symbol_tables: u64,
}

impl Totals {
    pub(crate) fn redis(&self) -> u64 {
        self.keys.redis + self.redis_tables
    }

    pub(crate) fn here(&self) -> u64 {
        self.keys.here + self.here_tables
    }

    pub(crate) fn coded(&self) -> u64 {
        self.keys.coded + self.here_tables + self.symbol_tables
    }
}

impl Survey {
    pub(crate) fn new(options: &ScanOptions, source: Source) -> Self {
        Self {
            options: *options,
            source,
            databases: BTreeMap::new(),
            types: Types::default(),
            prefixes: Prefixes::new(options.separator),
            ttls: Ttls::default(),
            largest_here: Largest::default(),
            largest_redis: Largest::default(),
            advisor: Advisor::new(options.quantum),
            symbol_tables: 0,
            unsupported: Figures::default(),
            expiring_hashes: 0,
            error: None,
        }
    }

    /// Returns the number of keys in the file, without those of unsupported types.
    pub(crate) fn keys(&self) -> u64 {
        self.databases.values().map(|database| database.keys).sum()
    }

    /// Returns the number of keys that were loaded.
    pub(crate) fn sampled(&self) -> u64 {
        self.types.total().keys
    }

    pub(crate) fn is_sample(&self) -> bool {
        self.options.one_of > 1
    }

    /// Returns the figures of all keys, given those of the keys that were loaded.
    pub(crate) fn scaled(&self, figures: Figures) -> Figures {
        figures.scaled(self.keys(), self.sampled())
    }

    pub(crate) fn totals(&self) -> Totals {
        let keys = self.types.total();
        let redis = ClassicRedis::new(self.options.quantum);
        let redis_tables = self.databases.values().map(|it| redis.tables(it.keys, it.expires)).sum();
        let here_tables = if self.is_sample() {
            self.databases.values().map(|database| table_bytes(database.keys)).sum()
        } else {
            let bytes: usize = self.databases.values().map(|it| it.keyspace.allocation_size()).sum();
            // These keyspaces are coded by now. So `coded` has the bytes of the keys and values, and the rest
            // is tables.
            (bytes as u64).saturating_sub(keys.coded)
        };
        Totals { keys: self.scaled(keys), redis_tables, here_tables, symbol_tables: self.symbol_tables }
    }

    pub(crate) fn advice(&self) -> Vec<Advice> {
        self.advisor.advice(self.keys(), self.sampled())
    }
}

/// Returns the expected bytes of a keyspace's table with this number of keys.
fn table_bytes(keys: u64) -> u64 {
    let workload = Workload { keys, key_len: 0, values: Values::Strings(0..=0), expires: false };
    let estimate = workload.estimate(Store::Keyspace).ok();
    estimate.and_then(|estimate| estimate.steps.last().map(|table| table.bytes)).unwrap_or(0)
}
