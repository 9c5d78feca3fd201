//! [`Survey`]: what was found in a file.

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

/// What the file says about itself.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) version: Version,
    /// The length of the file.
    pub(crate) len: u64,
    /// How many bytes were read.
    pub(crate) read: u64,
    /// The version of the server that wrote it.
    pub(crate) server: Option<String>,
    /// When it was written, in milliseconds since 1970.
    pub(crate) written_at: Option<u64>,
    /// `used_memory` of the server at that time.
    pub(crate) used_memory: Option<u64>,
}

impl Source {
    /// Takes a field about the file.
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
    /// The keys of the sample, or all.
    pub(crate) keyspace: Keyspace,
    /// How many keys the file has.
    pub(crate) keys: u64,
    /// How many of them have an expiry.
    pub(crate) expires: u64,
}

/// What was found.
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
    /// Bytes of the symbol tables.
    pub(crate) symbol_tables: u64,
    /// Keys with streams and values of modules, and their bytes in the file.
    pub(crate) unsupported: Figures,
    /// Hashes whose fields may expire. They were loaded without these expiries.
    pub(crate) expiring_hashes: u64,
    /// Why the file could not be read to its end.
    pub(crate) error: Option<Error>,
}

/// The sums of all keys, scaled if there is a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Totals {
    /// Keys and values.
    pub(crate) keys: Figures,
    /// The tables of Redis: buckets of keys and of expires.
    pub(crate) redis_tables: u64,
    /// The tables of the keyspaces.
    pub(crate) here_tables: u64,
    /// The symbol tables.
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

    /// How many keys the file has, without those of unsupported types.
    pub(crate) fn keys(&self) -> u64 {
        self.databases.values().map(|database| database.keys).sum()
    }

    /// How many keys were loaded.
    pub(crate) fn sampled(&self) -> u64 {
        self.types.total().keys
    }

    pub(crate) fn is_sample(&self) -> bool {
        self.options.one_of > 1
    }

    /// Figures of the sample as figures of all keys.
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
            // The strings of these keyspaces are coded.
            (bytes as u64).saturating_sub(keys.coded)
        };
        Totals { keys: self.scaled(keys), redis_tables, here_tables, symbol_tables: self.symbol_tables }
    }

    pub(crate) fn advice(&self) -> Vec<Advice> {
        self.advisor.advice(self.keys(), self.sampled())
    }
}

/// The expected bytes of a table that holds so many keys, which has not been filled.
fn table_bytes(keys: u64) -> u64 {
    let workload = Workload { keys, key_len: 0, values: Values::Strings(0..=0), expires: false };
    let estimate = workload.estimate(Store::Keyspace).ok();
    estimate.and_then(|estimate| estimate.steps.last().map(|table| table.bytes)).unwrap_or(0)
}
