//! [`MemoryReport`]: the memory of a keyspace and of its process.
//!
//! ```text
//!  |<------------------------ used_memory, of the process ------------------------>|
//!  |<----------------- allocation_size, of the keyspace ----------------->|  other  |
//!  |<------------- overhead_total ------------>|<----- dataset_bytes ---->|
//!  |   main: the table   | expires | eviction  |   entries, with values   |
//! ```
//!
//! The figures of the process come from `zmalloc`. The figures of the keyspace are sums that each write keeps
//! up to date, so a report reads no key. `info` prints a report as `INFO memory` does. `stats` lists it under
//! the names of `MEMORY STATS`. `finding` has the findings of `MEMORY DOCTOR`.
//!
//! Invariant: `overhead_hashtable_main`, `overhead_hashtable_expires` (always 0), `eviction_bytes`,
//! `dataset_bytes`, `lazyfree_pending_bytes` and `snapshot_bytes` sum to [`Keyspace::allocation_size`].
//!
//! Limits: entries and the blocks of large values are one sum, `dataset_bytes`. A second sum would cost each
//! write one more addition.
//!
//! Learned from: Redis' `object.c` and `server.c` (names of figures, formulas, thresholds).

mod finding;
mod info;
mod stats;
#[cfg(all(test, not(miri)))] // no unsafe code
mod tests;

pub use finding::Finding;
pub use stats::Figure;

use crate::keyspace::Keyspace;
use crate::options::MaxmemoryPolicy;
use dict::Stats;
use zmalloc::AllocatorInfo;

/// The memory of a process and of one of its keyspaces, at the time of [`Keyspace::memory_report`].
///
/// The fields have the names of `INFO memory`. A figure that only `MEMORY STATS` has keeps its name there,
/// with `_` for `.` and `-`. A figure that follows from other fields is a method. A figure that the platform
/// or the allocator does not know is `None`, and is not printed.
///
/// `Display` prints the section `# Memory` of INFO, and [`stats`](Self::stats) lists all figures. Feature
/// `serde` serializes that list.
///
/// ```
/// let mut keyspace = keyspace::Keyspace::new();
/// keyspace.set("key", "value", 0)?;
/// let report = keyspace.memory_report();
/// assert_eq!(report.keys_count, 1);
/// assert_eq!(report.overhead_total() + report.dataset_bytes, keyspace.allocation_size());
/// assert!(report.to_string().starts_with("# Memory\nused_memory:"));
/// # Ok::<(), keyspace::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryReport {
    /// Bytes in live blocks of zmalloc: those of all keyspaces and, if [`Zmalloc`](zmalloc::Zmalloc) is the
    /// program's global allocator, those of the whole program. INFO: `used_memory`. MEMORY STATS:
    /// `total.allocated`.
    pub used_memory: usize,
    /// The highest `used_memory` so far, in bytes. INFO: `used_memory_peak`. MEMORY STATS: `peak.allocated`.
    pub used_memory_peak: usize,
    /// Bytes of the process in physical memory. `None` if the platform has no cheap way to ask for them.
    /// INFO: `used_memory_rss`.
    pub used_memory_rss: Option<usize>,
    /// Bytes of memory that the process may use. `None` if the platform has no way to ask for them. INFO:
    /// `total_system_memory`.
    pub total_system_memory: Option<u64>,
    /// The library and the version of the allocator. INFO: `mem_allocator`.
    pub mem_allocator: &'static str,
    /// The allocator's own figures. `None` unless it is jemalloc with statistics. INFO:
    /// `allocator_allocated` and the next lines. MEMORY STATS: `allocator.allocated` and the next lines.
    pub allocator: Option<AllocatorInfo>,
    /// The number of keys in the keyspace, including expired keys that are not removed yet. MEMORY STATS:
    /// `keys.count`.
    pub keys_count: usize,
    /// The number of keys that have an expiry. INFO keyspace: `expires`.
    pub expires_count: usize,
    /// Bytes of the keyspace's table: six for each key, and its free places. MEMORY STATS:
    /// `overhead.hashtable.main`.
    pub overhead_hashtable_main: usize,
    /// Bytes of a table of expiries. Always 0, because an expiry is a part of its key's entry, and the main
    /// table has a mark for it. MEMORY STATS: `overhead.hashtable.expires`.
    pub overhead_hashtable_expires: usize,
    /// [`Keyspace::eviction_bytes`]: the bytes that eviction itself needs. Redis has no such figure.
    pub eviction_bytes: usize,
    /// Bytes of all entries with their keys and values, including the values' blocks outside of the entries.
    /// INFO: `used_memory_dataset`, which is of the whole process. MEMORY STATS: `dataset.bytes`.
    pub dataset_bytes: usize,
    /// [`Keyspace::lent_bytes`]: the sum over all replies that share a string. If a key still has the string,
    /// `dataset_bytes` includes the string too.
    pub lent_bytes: usize,
    /// [`Keyspace::lazyfree_pending_objects`]: the number of removed values that are not freed yet. INFO:
    /// `lazyfree_pending_objects`.
    pub lazyfree_pending_objects: usize,
    /// [`Keyspace::lazyfree_pending_bytes`]: the bytes of garbage. Redis has no such figure.
    pub lazyfree_pending_bytes: usize,
    /// [`Keyspace::snapshot_bytes`]: the bytes that a snapshot holds. INFO persistence: `current_cow_size`.
    pub snapshot_bytes: usize,
    /// [`Keyspace::lazyfreed_objects`]: the number of garbage values that the keyspace has freed. INFO:
    /// `lazyfreed_objects`.
    pub lazyfreed_objects: u64,
    /// The limit in bytes, or 0 for no limit. INFO: `maxmemory`.
    pub maxmemory: usize,
    /// The policy that chooses the keys to evict at the limit. INFO: `maxmemory_policy`.
    pub maxmemory_policy: MaxmemoryPolicy,
    /// [`Keyspace::counted_bytes`]: the bytes that count towards `maxmemory`.
    pub counted_bytes: usize,
    /// The number of evicted keys. INFO stats: `evicted_keys`.
    pub evicted_keys: u64,
    /// The percentage of the time that active defragmentation takes now, or 0 if it is not running. INFO:
    /// `active_defrag_running`.
    pub active_defrag_running: usize,
    /// The number of blocks that defragmentation found worth moving. INFO stats: `active_defrag_hits`.
    pub active_defrag_hits: u64,
    /// The number of blocks that defragmentation has visited and left where they are. INFO stats:
    /// `active_defrag_misses`.
    pub active_defrag_misses: u64,
    /// The shape of the keyspace's table.
    pub table: Stats,
    /// The number of chunks that the keyspace's table would have to split or merge to reach its ideal size.
    /// After removals, up to half of the chunks is normal.
    pub rehash_debt: usize,
}

impl<S> Keyspace<S> {
    /// Returns a report of the memory of the keyspace and of the process. In C: `INFO memory`, `MEMORY
    /// STATS`.
    ///
    /// The figures of the keyspace take constant time. The figures of the process cost more. On Linux, the
    /// resident set and the size of memory are read from files of /proc and /sys. The allocator's statistics
    /// take some ten microseconds for each arena in use. So this call is for once a second, and not for each
    /// command.
    ///
    /// If other threads allocate, the figures of the process are not all of the same instant.
    pub fn memory_report(&self) -> MemoryReport {
        MemoryReport {
            used_memory: zmalloc::used_memory(),
            used_memory_peak: zmalloc::peak_memory(),
            used_memory_rss: zmalloc::rss(),
            total_system_memory: zmalloc::memory_size(),
            mem_allocator: zmalloc::ALLOCATOR,
            allocator: zmalloc::allocator_info(),
            keys_count: self.len(),
            expires_count: self.expires(),
            overhead_hashtable_main: self.table.allocation_size(),
            overhead_hashtable_expires: 0,
            eviction_bytes: self.eviction_bytes(),
            dataset_bytes: self.totals.entry_bytes,
            lent_bytes: self.lent_bytes(),
            lazyfree_pending_objects: self.lazyfree_pending_objects(),
            lazyfree_pending_bytes: self.lazyfree_pending_bytes(),
            snapshot_bytes: self.snapshot_bytes(),
            lazyfreed_objects: self.lazyfreed_objects(),
            maxmemory: self.options.get_maxmemory(),
            maxmemory_policy: self.options.get_maxmemory_policy(),
            counted_bytes: self.counted_bytes(),
            evicted_keys: self.evicted_keys(),
            active_defrag_running: self.active_defrag_running(),
            active_defrag_hits: self.active_defrag_hits(),
            active_defrag_misses: self.active_defrag_misses(),
            table: self.table.stats(),
            rehash_debt: self.table.rehash_debt(),
        }
    }
}

/// Figures that follow from the fields.
///
/// No figure wraps around. The figures of the process are read one after the other while other threads
/// allocate, so any of them may be the larger one. Differences are therefore signed, and sums are saturating.
impl MemoryReport {
    /// Returns the bytes of the keyspace that are not data: its table, and what eviction needs. INFO:
    /// `used_memory_overhead`. MEMORY STATS: `overhead.total`. In Redis, both are of the whole process.
    pub fn overhead_total(&self) -> usize {
        let tables = self.overhead_hashtable_main.saturating_add(self.overhead_hashtable_expires);
        tables.saturating_add(self.eviction_bytes)
    }

    /// Returns the bytes that the keyspace adds to `used_memory`, which is [`Keyspace::allocation_size`].
    pub fn allocation_size(&self) -> usize {
        let live = self.overhead_total().saturating_add(self.dataset_bytes);
        live.saturating_add(self.lazyfree_pending_bytes).saturating_add(self.snapshot_bytes)
    }

    /// Returns the percentage of the keyspace's bytes that is data, or 0 if the keyspace has no memory. INFO:
    /// `used_memory_dataset_perc`. MEMORY STATS: `dataset.percentage`. Redis divides by the memory that the
    /// process has taken since its start.
    pub fn dataset_percentage(&self) -> f64 {
        percentage(self.dataset_bytes, self.allocation_size())
    }

    /// Returns the average bytes of data per key, rounded down, or 0 if there is no key. MEMORY STATS:
    /// `keys.bytes-per-key`.
    pub fn keys_bytes_per_key(&self) -> usize {
        self.dataset_bytes.checked_div(self.keys_count).unwrap_or(0)
    }

    /// Returns `used_memory` in percent of its peak. INFO: `used_memory_peak_perc`. MEMORY STATS:
    /// `peak.percentage`.
    pub fn used_memory_peak_perc(&self) -> f64 {
        percentage(self.used_memory, self.used_memory_peak)
    }

    /// Returns `used_memory_rss` divided by `used_memory`, or `None` if the former is not known or the latter
    /// is 0. INFO: `mem_fragmentation_ratio`. MEMORY STATS: `fragmentation`.
    pub fn mem_fragmentation_ratio(&self) -> Option<f64> {
        match self.used_memory {
            0 => None,
            used => Some(self.used_memory_rss? as f64 / used as f64),
        }
    }

    /// Returns `used_memory_rss` minus `used_memory`, in bytes. It is negative if a part of the memory is not
    /// resident. INFO: `mem_fragmentation_bytes`. MEMORY STATS: `fragmentation.bytes`.
    pub fn mem_fragmentation_bytes(&self) -> Option<isize> {
        let rss = self.used_memory_rss?;
        let bytes = rss.checked_signed_diff(self.used_memory);
        Some(bytes.unwrap_or(if rss > self.used_memory { isize::MAX } else { isize::MIN }))
    }

    /// Returns `used_memory_rss` divided by the resident bytes of the allocator, or `None` if either is not
    /// known. INFO: `rss_overhead_ratio`. MEMORY STATS: `rss-overhead.ratio`.
    pub fn rss_overhead_ratio(&self) -> Option<f64> {
        self.allocator?.rss_overhead_ratio(self.used_memory_rss?)
    }

    /// Returns `used_memory_rss` minus the resident bytes of the allocator. It is negative if a part of those
    /// is not resident. INFO: `rss_overhead_bytes`. MEMORY STATS: `rss-overhead.bytes`.
    pub fn rss_overhead_bytes(&self) -> Option<isize> {
        Some(self.allocator?.rss_overhead_bytes(self.used_memory_rss?))
    }

    /// Returns an estimate of the table's bytes in the chunks of [`rehash_debt`](Self::rehash_debt), or 0 if
    /// the table has no chunks.
    pub fn rehash_debt_bytes(&self) -> usize {
        let chunk = self.overhead_hashtable_main.checked_div(self.table.chunks).unwrap_or(0);
        chunk.saturating_mul(self.rehash_debt)
    }
}

/// Returns a part in percent of the whole, or 0 if the whole is 0.
fn percentage(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}
