//! [`Finding`]: an unusual figure in a report, as `MEMORY DOCTOR` reports it.
//!
//! | finding | condition | in C |
//! |---|---|---|
//! | [`SmallInstance`](Finding::SmallInstance) | less than 5 MiB in use | `empty` |
//! | [`PeakMemory`](Finding::PeakMemory) | peak above 1.5 times the memory in use | `big_peak` |
//! | [`HighTotalRss`](Finding::HighTotalRss) | ratio above 1.4 and more than 10 MiB | `high_frag` |
//! | [`HighAllocatorFragmentation`](Finding::HighAllocatorFragmentation) | ratio above 1.1 and more than 10 MiB | `high_alloc_frag` |
//! | [`HighAllocatorRss`](Finding::HighAllocatorRss) | ratio above 1.1 and more than 10 MiB | `high_alloc_rss` |
//! | [`HighProcessRss`](Finding::HighProcessRss) | ratio above 1.1 and more than 10 MiB | `high_proc_rss` |
//! | [`HighRehashDebt`](Finding::HighRehashDebt) | more than half of the chunks and more than 10 MiB | |
//!
//! Ratios mean little in a small process, so the first finding excludes the others. If
//! [`Zmalloc`](zmalloc::Zmalloc) is not the program's global allocator, the memory of the rest of the program
//! counts as resident but not as used. `HighTotalRss` may then have no other cause. Redis also has findings
//! about clients, replicas and scripts. They are absent here, because a keyspace has none of these.
//!
//! Learned from: Redis' `object.c` (thresholds).

use super::MemoryReport;
use super::info::Human;
use core::fmt;

const MIB: usize = 1 << 20;
/// A process that uses fewer bytes is not examined.
const USED_MIN: usize = 5 * MIB;
/// A high ratio is a finding only if its bytes are more than this.
const BYTES_MAX: usize = 10 * MIB;
const PEAK_RATIO_MAX: f64 = 1.5;
const TOTAL_RSS_RATIO_MAX: f64 = 1.4;
/// The threshold for the allocator's fragmentation, the allocator's resident set and the rest of the process.
const OVERHEAD_RATIO_MAX: f64 = 1.1;
/// Removals may leave a third of a table's slots in use, and a rehash leaves six tenths in use. So a debt of
/// nearly half of the chunks is normal.
const DEBT_RATIO_MAX: f64 = 0.5;

/// An unusual figure about the memory of a keyspace or of its process. `Display` describes it in one or two
/// sentences. In C: `MEMORY DOCTOR`.
///
/// `ratio` is the quotient that is above its threshold, and `bytes` is the corresponding difference.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Finding {
    /// The process uses so little memory that the other findings would mean nothing.
    SmallInstance {
        /// Bytes in use.
        used_memory: usize,
    },
    /// The process has used much more memory than it does now.
    PeakMemory {
        /// Bytes in use.
        used_memory: usize,
        /// The most bytes that have been in use.
        used_memory_peak: usize,
    },
    /// The resident set of the process is much larger than the memory in use.
    HighTotalRss {
        /// [`MemoryReport::mem_fragmentation_ratio`].
        ratio: f64,
        /// [`MemoryReport::mem_fragmentation_bytes`].
        bytes: usize,
    },
    /// The allocator has many free blocks between those in use.
    HighAllocatorFragmentation {
        /// [`AllocatorInfo::frag_ratio`](zmalloc::AllocatorInfo::frag_ratio).
        ratio: f64,
        /// [`AllocatorInfo::frag_smallbins_bytes`](zmalloc::AllocatorInfo::frag_smallbins_bytes).
        bytes: usize,
    },
    /// The allocator keeps many pages that have no block in use.
    HighAllocatorRss {
        /// [`AllocatorInfo::rss_ratio`](zmalloc::AllocatorInfo::rss_ratio).
        ratio: f64,
        /// [`AllocatorInfo::rss_bytes`](zmalloc::AllocatorInfo::rss_bytes).
        bytes: usize,
    },
    /// The process has much resident memory that does not belong to the allocator.
    HighProcessRss {
        /// [`MemoryReport::rss_overhead_ratio`].
        ratio: f64,
        /// [`MemoryReport::rss_overhead_bytes`].
        bytes: usize,
    },
    /// The table of the keyspace is far from the size that it should have.
    HighRehashDebt {
        /// [`MemoryReport::rehash_debt`] divided by the number of chunks of the table.
        ratio: f64,
        /// [`MemoryReport::rehash_debt_bytes`].
        bytes: usize,
    },
}

impl MemoryReport {
    /// Returns the findings in the order of `MEMORY DOCTOR`. Usually there are none. O(1).
    ///
    /// ```
    /// # let keyspace = keyspace::Keyspace::new();
    /// for finding in keyspace.memory_report().findings() {
    ///     println!("{finding}");
    /// }
    /// ```
    pub fn findings(&self) -> impl Iterator<Item = Finding> {
        let small = self.used_memory < USED_MIN;
        let smallness = small.then_some(Finding::SmallInstance { used_memory: self.used_memory });
        let others = if small { [None; 6] } else { self.findings_of_large() };
        smallness.into_iter().chain(others.into_iter().flatten())
    }

    fn findings_of_large(&self) -> [Option<Finding>; 6] {
        let (used_memory, used_memory_peak) = (self.used_memory, self.used_memory_peak);
        let peak_is_high = used_memory_peak as f64 / used_memory as f64 > PEAK_RATIO_MAX;
        let allocator = self.allocator.as_ref();
        let debt_ratio = match self.table.chunks {
            0 => None,
            chunks => Some(self.rehash_debt as f64 / chunks as f64),
        };
        [
            peak_is_high.then_some(Finding::PeakMemory { used_memory, used_memory_peak }),
            excess(self.mem_fragmentation_ratio(), TOTAL_RSS_RATIO_MAX, self.mem_fragmentation_bytes())
                .map(|(ratio, bytes)| Finding::HighTotalRss { ratio, bytes }),
            excess(
                allocator.and_then(|info| info.frag_ratio()),
                OVERHEAD_RATIO_MAX,
                allocator.map(|info| info.frag_smallbins_bytes),
            )
            .map(|(ratio, bytes)| Finding::HighAllocatorFragmentation { ratio, bytes }),
            excess(
                allocator.and_then(|info| info.rss_ratio()),
                OVERHEAD_RATIO_MAX,
                allocator.map(|info| info.rss_bytes()),
            )
            .map(|(ratio, bytes)| Finding::HighAllocatorRss { ratio, bytes }),
            excess(self.rss_overhead_ratio(), OVERHEAD_RATIO_MAX, self.rss_overhead_bytes())
                .map(|(ratio, bytes)| Finding::HighProcessRss { ratio, bytes }),
            excess(debt_ratio, DEBT_RATIO_MAX, Some(self.rehash_debt_bytes()))
                .map(|(ratio, bytes)| Finding::HighRehashDebt { ratio, bytes }),
        ]
    }
}

/// Returns the ratio and its bytes if the ratio is above its threshold and the bytes are more than
/// [`BYTES_MAX`]. Returns `None` otherwise, also if the number of bytes is negative.
fn excess(ratio: Option<f64>, ratio_max: f64, bytes: Option<impl TryInto<usize>>) -> Option<(f64, usize)> {
    let (ratio, bytes) = (ratio?, bytes?.try_into().ok()?);
    (ratio > ratio_max && bytes > BYTES_MAX).then_some((ratio, bytes))
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let human = |bytes: usize| Human(bytes as u64);
        match *self {
            Self::SmallInstance { used_memory } => write!(
                f,
                "Small instance: the process uses only {} of memory. Ratios mean little below {}.",
                human(used_memory),
                human(USED_MIN),
            ),
            Self::PeakMemory { used_memory, used_memory_peak } => write!(
                f,
                "Peak memory: the process uses {} and has used {}. The allocator may still hold free memory of that \
                 time, which new data will use first.",
                human(used_memory),
                human(used_memory_peak),
            ),
            Self::HighTotalRss { ratio, bytes } => write!(
                f,
                "High total RSS: the process has {ratio:.2} times the memory in use, {} more. A past peak or a \
                 fragmented heap is the usual reason.",
                human(bytes),
            ),
            Self::HighAllocatorFragmentation { ratio, bytes } => write!(
                f,
                "High allocator fragmentation: {} of free blocks lie between those in use, a ratio of {ratio:.2}. \
                 Moving blocks together gives the memory back.",
                human(bytes),
            ),
            Self::HighAllocatorRss { ratio, bytes } => write!(
                f,
                "High allocator RSS overhead: the allocator keeps {} of free pages, a ratio of {ratio:.2}. A purge \
                 returns them to the system.",
                human(bytes),
            ),
            Self::HighProcessRss { ratio, bytes } => write!(
                f,
                "High process RSS overhead: {} of the resident set are not the allocator's, a ratio of {ratio:.2}. \
                 Stacks, code and other allocators count here.",
                human(bytes),
            ),
            Self::HighRehashDebt { ratio, bytes } => write!(
                f,
                "High rehash debt: the table should be about {} larger or smaller, which is {ratio:.2} of its size. A \
                 rehash in idle time changes its size.",
                human(bytes),
            ),
        }
    }
}
