//! The allocator's own figures, under the names that INFO gives them.

use super::bins::bins;
use super::ctl::{ALL_ARENAS, Control};

/// The memory of the allocator, or of one of its arenas, by state; all in bytes.
///
/// ```text
///  |<----------------------------- address space --------------------------->|
///  |<----------------- resident ----------------->|  muzzy  |    retained    |
///  |<------------- active ------------>|  dirty   |
///  |<- allocated ->|<- frag ->| padding|
/// ```
///
/// *frag* is the free blocks in slabs. *Padding* is bytes of active pages that belong to no block, such as
/// the end of a slab.
///
/// The fields have the names of `INFO memory` without the prefix `allocator_`. The default value describes an
/// allocator that holds nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AllocatorInfo {
    /// Bytes in blocks that are in use or in the cache of a thread. INFO: `allocator_allocated`.
    pub allocated: usize,
    /// Bytes in pages that hold at least one such block. INFO: `allocator_active`.
    pub active: usize,
    /// Bytes in pages that are, or may be, in physical memory: active pages, free pages that were not given
    /// back yet, and the allocator's own records. INFO: `allocator_resident`.
    pub resident: usize,
    /// Bytes of address space that is kept for reuse and holds no memory. A map of the process shows it, and
    /// `rss` does not.
    pub retained: usize,
    /// Bytes in free pages that the system may take when it needs them (`MADV_FREE`). The system counts them
    /// as resident until it takes them; the allocator does not. INFO: `allocator_muzzy`.
    pub muzzy: usize,
    /// Bytes in free blocks of slabs that also hold live blocks. This is the memory that moving blocks can
    /// win back ([`defrag`](crate::defrag)). INFO: `allocator_frag_bytes`.
    pub frag_smallbins_bytes: usize,
}

impl AllocatorInfo {
    /// Returns 1 plus [`frag_smallbins_bytes`](Self::frag_smallbins_bytes) divided by the allocated bytes: 1
    /// means no fragmentation, and 1.5 means half as much memory again. Returns `None` if nothing is
    /// allocated. INFO: `allocator_frag_ratio` (which was active over allocated until Redis 7.2).
    pub fn frag_ratio(&self) -> Option<f64> {
        Some(1.0 + ratio(self.frag_smallbins_bytes, self.allocated)?)
    }

    /// Returns resident over active bytes. The difference is the free pages that were not given back
    /// yet, and the allocator's own records. [`purge`](crate::purge) gives the pages back. Returns `None` if
    /// nothing is active. INFO: `allocator_rss_ratio`.
    pub fn rss_ratio(&self) -> Option<f64> {
        ratio(self.resident, self.active)
    }

    /// Returns resident less active bytes. The result is negative if the two were read at different instants.
    /// INFO: `allocator_rss_bytes`.
    pub fn rss_bytes(&self) -> isize {
        self.resident as isize - self.active as isize
    }

    /// Returns the resident set of the process ([`rss`](crate::rss)) over the allocator's resident bytes. A
    /// ratio above 1 means code, stacks and other allocators; a ratio below 1 means swap. Returns `None` if
    /// the allocator has no resident bytes. INFO: `rss_overhead_ratio`.
    pub fn rss_overhead_ratio(&self, rss: usize) -> Option<f64> {
        ratio(rss, self.resident)
    }

    /// Returns the difference for [`rss_overhead_ratio`](Self::rss_overhead_ratio), in bytes. INFO:
    /// `rss_overhead_bytes`.
    pub fn rss_overhead_bytes(&self, rss: usize) -> isize {
        rss as isize - self.resident as isize
    }
}

fn ratio(part: usize, whole: usize) -> Option<f64> {
    if whole == 0 { None } else { Some(part as f64 / whole as f64) }
}

/// Returns the present figures of the allocator. Returns `None` unless it is jemalloc built with statistics
/// (feature `stats`).
///
/// The call refreshes jemalloc's statistics, which locks every bin of every arena for a moment. That takes
/// some ten microseconds for each arena in use: cheap enough for ten times a second, but not for every
/// command. If other threads allocate during the call, the figures come from slightly different instants. In
/// C: `zmalloc_get_allocator_info`.
///
/// ```
/// if let Some(info) = zmalloc::allocator_info() {
///     assert!(info.allocated <= info.active && info.active <= info.resident);
/// }
/// ```
pub fn allocator_info() -> Option<AllocatorInfo> {
    refresh()?;
    read(ALL_ARENAS)
}

/// [`allocator_info`] of one arena. Returns `None` also if no arena has this index. In C:
/// `zmalloc_get_allocator_info_by_arena`.
pub fn arena_info(index: usize) -> Option<AllocatorInfo> {
    refresh()?;
    if index < arena_count()? && is_initialized(index) { read(index) } else { None }
}

/// [`arena_info`] of all arenas, each with its index. The statistics are refreshed once.
pub fn arena_infos() -> Option<impl Iterator<Item = (usize, AllocatorInfo)>> {
    refresh()?;
    Some(arenas()?.filter_map(|index| Some((index, read(index)?))))
}

/// Returns the indices of the arenas that have figures.
pub(super) fn arenas() -> Option<impl Iterator<Item = usize>> {
    Some((0..arena_count()?).filter(|&index| is_initialized(index)))
}

/// Returns the distance between the allocator's smallest size classes, in bytes. Returns `None` unless it is
/// jemalloc. Takes constant time.
///
/// With 8, as Redis builds its jemalloc, there are classes of 24, 40 and 56 bytes. With 16, jemalloc's
/// default, a key of a store takes some 15 % more memory. The quantum is chosen when jemalloc is built: set
/// `JEMALLOC_SYS_WITH_LG_QUANTUM=3` in cargo's environment, or in `[env]` of the `.cargo/config.toml` of the
/// folder that cargo runs in.
///
/// ```
/// assert!(matches!(zmalloc::quantum(), None | Some(8 | 16)));
/// ```
pub fn quantum() -> Option<usize> {
    static QUANTUM: Control<2> = Control::new(c"arenas.quantum");
    QUANTUM.read(&[])
}

/// Returns the size of page that the allocator was built for, in bytes. Returns `None` unless it is jemalloc.
/// Takes constant time.
///
/// The allocator does not run on a machine with larger pages. If you build for another machine, whose pages
/// have 16 or 64 KiB, set `JEMALLOC_SYS_WITH_LG_PAGE` to 14 or 16 in the places that [`quantum`] names. (For
/// ARM, jemalloc is built for 64 KiB by default.)
pub fn page_size() -> Option<usize> {
    static PAGE: Control<2> = Control::new(c"arenas.page");
    PAGE.read(&[])
}

/// Refreshes the statistics. Returns `None` if there are none.
pub(super) fn refresh() -> Option<()> {
    static STATS: Control<2> = Control::new(c"config.stats");
    static EPOCH: Control<1> = Control::new(c"epoch");
    if !STATS.read::<bool>(&[])? {
        return None;
    }
    EPOCH.update(1_u64).map(|_| ()) // any number has the same effect
}

fn arena_count() -> Option<usize> {
    static COUNT: Control<2> = Control::new(c"arenas.narenas");
    COUNT.read::<u32>(&[]).map(|count| count as usize)
}

/// Returns whether an arena has figures. An arena that no thread has used yet has none.
fn is_initialized(index: usize) -> bool {
    static INITIALIZED: Control<3> = Control::new(c"arena.0.initialized");
    INITIALIZED.read(&[(1, index)]) == Some(true)
}

fn read(arena: usize) -> Option<AllocatorInfo> {
    static SMALL: Control<5> = Control::new(c"stats.arenas.0.small.allocated");
    static LARGE: Control<5> = Control::new(c"stats.arenas.0.large.allocated");
    static ACTIVE_PAGES: Control<4> = Control::new(c"stats.arenas.0.pactive");
    static MUZZY_PAGES: Control<4> = Control::new(c"stats.arenas.0.pmuzzy");
    static RESIDENT: Control<4> = Control::new(c"stats.arenas.0.resident");
    static RETAINED: Control<4> = Control::new(c"stats.arenas.0.retained");
    let here = [(2, arena)];
    let page = page_size()?;
    let mut frag_smallbins_bytes = 0_usize;
    for bin in bins(arena)? {
        frag_smallbins_bytes = frag_smallbins_bytes.saturating_add(bin?.free_bytes());
    }
    Some(AllocatorInfo {
        allocated: SMALL.read::<usize>(&here)?.saturating_add(LARGE.read(&here)?),
        active: ACTIVE_PAGES.read::<usize>(&here)?.checked_mul(page)?,
        resident: RESIDENT.read(&here)?,
        retained: RETAINED.read(&here)?,
        muzzy: MUZZY_PAGES.read::<usize>(&here)?.checked_mul(page)?,
        frag_smallbins_bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratios_are_those_of_info() {
        let info = AllocatorInfo {
            allocated: 100,
            active: 200,
            resident: 300,
            retained: 1000,
            muzzy: 5,
            frag_smallbins_bytes: 50,
        };
        assert_eq!(info.frag_ratio(), Some(1.5));
        assert_eq!((info.rss_ratio(), info.rss_bytes()), (Some(1.5), 100));
        assert_eq!((info.rss_overhead_ratio(450), info.rss_overhead_bytes(450)), (Some(1.5), 150));
        assert_eq!(info.rss_overhead_bytes(250), -50);
        let empty = AllocatorInfo { allocated: 0, active: 0, resident: 0, ..info };
        assert_eq!((empty.frag_ratio(), empty.rss_ratio(), empty.rss_overhead_ratio(1)), (None, None, None));
    }
}
