//! [`MemoryReport`]: what a keyspace and its process take.
//!
//! ```text
//!  |<------------------------ used_memory, of the process ------------------------>|
//!  |<----------------- allocation_size, of the keyspace ----------------->|  other  |
//!  |<------------- overhead_total ------------>|<----- dataset_bytes ---->|
//!  |   main: the table   | expires | eviction  |   entries, with values   |
//! ```
//!
//! The figures of the process come from `zmalloc`. Those of the keyspace are sums that each write keeps up to
//! date, so a report reads no key. `info` writes a report as `INFO memory` does, `stats` lists it under the
//! names of `MEMORY STATS`, and `finding` has what `MEMORY DOCTOR` says.
//!
//! Invariant: `overhead_hashtable_main`, `overhead_hashtable_expires` (always 0), `eviction_bytes`,
//! `dataset_bytes`, `lazyfree_pending_bytes` and `snapshot_bytes` sum to [`Keyspace::allocation_size`].
//!
//! Limit: entries and the blocks of large values are one sum, `dataset_bytes`. A second sum would be one more
//! addition in each write.
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

/// What a process and one of its keyspaces take, at the time of [`Keyspace::memory_report`].
///
/// The fields have the names of `INFO memory` and, where only that has one, of `MEMORY STATS`, with `_` for
/// `.` and `-`. What follows from other fields is a method. A figure that the platform or the allocator does
/// not know is `None`, and is left out where a report is printed.
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
    /// Bytes in live blocks of zmalloc: those of this keyspace, of all others and, if
    /// [`Zmalloc`](zmalloc::Zmalloc) is the program's global allocator, of everything else. INFO:
    /// `used_memory`. MEMORY STATS: `total.allocated`.
    pub used_memory: usize,
    /// The most that `used_memory` has been, in bytes. INFO: `used_memory_peak`. MEMORY STATS:
    /// `peak.allocated`.
    pub used_memory_peak: usize,
    /// Bytes of the process in physical memory. `None` where the platform has no cheap way to ask. INFO:
    /// `used_memory_rss`.
    pub used_memory_rss: Option<usize>,
    /// Bytes of memory that the process may use. `None` where the platform cannot be asked. INFO:
    /// `total_system_memory`.
    pub total_system_memory: Option<u64>,
    /// The allocator, library and version. INFO: `mem_allocator`.
    pub mem_allocator: &'static str,
    /// The allocator's own figures. `None` unless it is jemalloc with statistics. INFO:
    /// `allocator_allocated` and its neighbours. MEMORY STATS: `allocator.allocated` and its neighbours.
    pub allocator: Option<AllocatorInfo>,
    /// How many keys the keyspace has, expired ones included that have not been removed yet. MEMORY STATS:
    /// `keys.count`.
    pub keys_count: usize,
    /// How many keys have an expiry. INFO keyspace: `expires`.
    pub expires_count: usize,
    /// Bytes of the keyspace's table: six for each key, and its free places. MEMORY STATS:
    /// `overhead.hashtable.main`.
    pub overhead_hashtable_main: usize,
    /// Bytes of a table of expiries. Always 0: an expiry is a part of its key's entry, and the main table
    /// has a mark for it. MEMORY STATS: `overhead.hashtable.expires`.
    pub overhead_hashtable_expires: usize,
    /// [`Keyspace::eviction_bytes`]: what eviction itself needs. Redis has no such figure.
    pub eviction_bytes: usize,
    /// Bytes of all entries with their keys and values, those outside of the entries' blocks included. INFO:
    /// `used_memory_dataset`, which is of the whole process. MEMORY STATS: `dataset.bytes`.
    pub dataset_bytes: usize,
    /// [`Keyspace::lent_bytes`]: the sum over all replies that share a string. Keys that still have the
    /// string count it in `dataset_bytes`, too.
    pub lent_bytes: usize,
    /// [`Keyspace::lazyfree_pending_objects`]: values that were removed and are not free yet. INFO:
    /// `lazyfree_pending_objects`.
    pub lazyfree_pending_objects: usize,
    /// [`Keyspace::lazyfree_pending_bytes`]: what garbage still takes. Redis has no such figure.
    pub lazyfree_pending_bytes: usize,
    /// [`Keyspace::snapshot_bytes`]: what a snapshot holds. INFO persistence: `current_cow_size`.
    pub snapshot_bytes: usize,
    /// [`Keyspace::lazyfreed_objects`]: values of garbage that were freed here. INFO: `lazyfreed_objects`.
    pub lazyfreed_objects: u64,
    /// The limit, in bytes; 0 is none. INFO: `maxmemory`.
    pub maxmemory: usize,
    /// Which keys are evicted at the limit. INFO: `maxmemory_policy`.
    pub maxmemory_policy: MaxmemoryPolicy,
    /// [`Keyspace::counted_bytes`]: the bytes that count for `maxmemory`.
    pub counted_bytes: usize,
    /// How many keys were evicted. INFO stats: `evicted_keys`.
    pub evicted_keys: u64,
    /// The percentage of the time that active defragmentation takes now; 0 if it is not running. INFO:
    /// `active_defrag_running`.
    pub active_defrag_running: usize,
    /// How many blocks defragmentation has moved. INFO stats: `active_defrag_hits`.
    pub active_defrag_hits: u64,
    /// How many blocks defragmentation has looked at and left where they are. INFO stats:
    /// `active_defrag_misses`.
    pub active_defrag_misses: u64,
    /// The shape of the keyspace's table.
    pub table: Stats,
    /// How many chunks the keyspace's table would split or merge to be as large as it should be. 0 is ideal.
    /// After removals, up to half of the chunks is normal.
    pub rehash_debt: usize,
}

impl<S> Keyspace<S> {
    /// What the keyspace and the process take. In C: `INFO memory`, `MEMORY STATS`.
    ///
    /// Constant time for the keyspace, whatever it holds. The figures of the process cost more: the system is
    /// asked for the resident set and for the size of memory, which reads files of /proc and /sys on Linux.
    /// The allocator's statistics take some ten microseconds for each arena in use. It is a call for once in
    /// a second, not for each command. The figures of the process are not all of one instant if other threads
    /// allocate.
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

/// What follows from the fields.
///
/// No figure wraps around. The figures of the process are read one after the other while other threads
/// allocate, so any of them may be the larger one. A difference of two is signed, and a sum of several ends
/// at the largest number.
impl MemoryReport {
    /// Bytes of the keyspace that are not data: its table, and what eviction needs. INFO:
    /// `used_memory_overhead`. MEMORY STATS: `overhead.total`. In Redis both count the whole process.
    pub fn overhead_total(&self) -> usize {
        let tables = self.overhead_hashtable_main.saturating_add(self.overhead_hashtable_expires);
        tables.saturating_add(self.eviction_bytes)
    }

    /// Bytes that the keyspace adds to `used_memory`, which is [`Keyspace::allocation_size`].
    pub fn allocation_size(&self) -> usize {
        let live = self.overhead_total().saturating_add(self.dataset_bytes);
        live.saturating_add(self.lazyfree_pending_bytes).saturating_add(self.snapshot_bytes)
    }

    /// How much of the keyspace is data of keys, in percent. 0 for a keyspace that has no memory. INFO:
    /// `used_memory_dataset_perc`. MEMORY STATS: `dataset.percentage`. Redis divides by the memory that the
    /// process has taken since its start.
    pub fn dataset_percentage(&self) -> f64 {
        percentage(self.dataset_bytes, self.allocation_size())
    }

    /// Bytes of data for each key, on average and rounded down. 0 if there is no key. MEMORY STATS:
    /// `keys.bytes-per-key`.
    pub fn keys_bytes_per_key(&self) -> usize {
        self.dataset_bytes.checked_div(self.keys_count).unwrap_or(0)
    }

    /// `used_memory` in percent of its peak. INFO: `used_memory_peak_perc`. MEMORY STATS: `peak.percentage`.
    pub fn used_memory_peak_perc(&self) -> f64 {
        percentage(self.used_memory, self.used_memory_peak)
    }

    /// `used_memory_rss` over `used_memory`. `None` if either is not known or nothing is used. INFO:
    /// `mem_fragmentation_ratio`. MEMORY STATS: `fragmentation`.
    pub fn mem_fragmentation_ratio(&self) -> Option<f64> {
        match self.used_memory {
            0 => None,
            used => Some(self.used_memory_rss? as f64 / used as f64),
        }
    }

    /// `used_memory_rss` less `used_memory`, in bytes. Negative if a part of the memory is not resident.
    /// INFO: `mem_fragmentation_bytes`. MEMORY STATS: `fragmentation.bytes`.
    pub fn mem_fragmentation_bytes(&self) -> Option<isize> {
        let rss = self.used_memory_rss?;
        let bytes = rss.checked_signed_diff(self.used_memory);
        Some(bytes.unwrap_or(if rss > self.used_memory { isize::MAX } else { isize::MIN }))
    }

    /// `used_memory_rss` over the resident bytes of the allocator. `None` if either is not known. INFO:
    /// `rss_overhead_ratio`. MEMORY STATS: `rss-overhead.ratio`.
    pub fn rss_overhead_ratio(&self) -> Option<f64> {
        self.allocator?.rss_overhead_ratio(self.used_memory_rss?)
    }

    /// `used_memory_rss` less the resident bytes of the allocator. Negative if a part of them is not
    /// resident. INFO: `rss_overhead_bytes`. MEMORY STATS: `rss-overhead.bytes`.
    pub fn rss_overhead_bytes(&self) -> Option<isize> {
        Some(self.allocator?.rss_overhead_bytes(self.used_memory_rss?))
    }

    /// About how many bytes of the table are in the chunks of [`rehash_debt`](Self::rehash_debt). 0 for a
    /// table without chunks.
    pub fn rehash_debt_bytes(&self) -> usize {
        let chunk = self.overhead_hashtable_main.checked_div(self.table.chunks).unwrap_or(0);
        chunk.saturating_mul(self.rehash_debt)
    }
}

/// A part in percent of the whole. 0 if the whole is 0.
fn percentage(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}
