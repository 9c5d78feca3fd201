//! The figures of a report, as a list with their names, and as a serde map.

use super::MemoryReport;
use core::fmt;

/// A figure of a [`MemoryReport`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Figure {
    /// A number of bytes, or a count. At most `i64::MAX`.
    Integer(i64),
    /// A ratio, or a percentage. It is always finite in a report of
    /// [`Keyspace::memory_report`](crate::Keyspace::memory_report).
    Double(f64),
    /// A name.
    Text(&'static str),
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => value.fmt(f),
            Self::Double(value) => value.fmt(f),
            Self::Text(text) => f.pad(text),
        }
    }
}

macro_rules! from_integer {
    ($($Integer:ty),*) => { $(
        impl From<$Integer> for Figure {
            fn from(value: $Integer) -> Self {
                // Only a `u64` or a `usize` may not fit, if it is too large.
                Self::Integer(i64::try_from(value).unwrap_or(i64::MAX))
            }
        }
    )* };
}

from_integer!(usize, u64, isize);

impl From<f64> for Figure {
    fn from(value: f64) -> Self {
        Self::Double(value)
    }
}

impl From<&'static str> for Figure {
    fn from(text: &'static str) -> Self {
        Self::Text(text)
    }
}

impl MemoryReport {
    /// Returns an iterator over all known figures, under the names of `MEMORY STATS`. O(1).
    ///
    /// A figure that only `INFO memory` has is listed under its name there. Redis does not have `lent.bytes`,
    /// `eviction.bytes`, `snapshot.bytes`, `counted.bytes`, `lazyfree_pending.bytes` and the figures of the
    /// table, whose names begin with `table.`.
    ///
    /// ```
    /// # let keyspace = keyspace::Keyspace::new();
    /// let report = keyspace.memory_report();
    /// let (name, figure) = report.stats().find(|(name, _)| *name == "keys.count").unwrap();
    /// assert_eq!(format!("{name}: {figure}"), "keys.count: 0");
    /// ```
    pub fn stats(&self) -> impl Iterator<Item = (&'static str, Figure)> {
        let allocator = self.allocator.as_ref();
        let figures = [
            ("peak.allocated", Some(self.used_memory_peak.into())),
            ("total.allocated", Some(self.used_memory.into())),
            ("used_memory_rss", self.used_memory_rss.map(Into::into)),
            ("total_system_memory", self.total_system_memory.map(Into::into)),
            ("mem_allocator", Some(self.mem_allocator.into())),
            ("overhead.hashtable.main", Some(self.overhead_hashtable_main.into())),
            ("overhead.hashtable.expires", Some(self.overhead_hashtable_expires.into())),
            ("eviction.bytes", Some(self.eviction_bytes.into())),
            ("overhead.total", Some(self.overhead_total().into())),
            ("keys.count", Some(self.keys_count.into())),
            ("expires", Some(self.expires_count.into())),
            ("keys.bytes-per-key", Some(self.keys_bytes_per_key().into())),
            ("dataset.bytes", Some(self.dataset_bytes.into())),
            ("dataset.percentage", Some(self.dataset_percentage().into())),
            ("lent.bytes", Some(self.lent_bytes.into())),
            ("lazyfree_pending_objects", Some(self.lazyfree_pending_objects.into())),
            ("lazyfree_pending.bytes", Some(self.lazyfree_pending_bytes.into())),
            ("snapshot.bytes", Some(self.snapshot_bytes.into())),
            ("lazyfreed_objects", Some(self.lazyfreed_objects.into())),
            ("maxmemory", Some(self.maxmemory.into())),
            ("maxmemory_policy", Some(self.maxmemory_policy.as_str().into())),
            ("counted.bytes", Some(self.counted_bytes.into())),
            ("evicted_keys", Some(self.evicted_keys.into())),
            ("active_defrag_running", Some(self.active_defrag_running.into())),
            ("active_defrag_hits", Some(self.active_defrag_hits.into())),
            ("active_defrag_misses", Some(self.active_defrag_misses.into())),
            ("peak.percentage", Some(self.used_memory_peak_perc().into())),
            ("allocator.allocated", allocator.map(|info| info.allocated.into())),
            ("allocator.active", allocator.map(|info| info.active.into())),
            ("allocator.resident", allocator.map(|info| info.resident.into())),
            ("allocator.muzzy", allocator.map(|info| info.muzzy.into())),
            ("allocator-fragmentation.ratio", allocator.and_then(|info| info.frag_ratio()).map(Into::into)),
            ("allocator-fragmentation.bytes", allocator.map(|info| info.frag_smallbins_bytes.into())),
            ("allocator-rss.ratio", allocator.and_then(|info| info.rss_ratio()).map(Into::into)),
            ("allocator-rss.bytes", allocator.map(|info| info.rss_bytes().into())),
            ("rss-overhead.ratio", self.rss_overhead_ratio().map(Into::into)),
            ("rss-overhead.bytes", self.rss_overhead_bytes().map(Into::into)),
            ("fragmentation", self.mem_fragmentation_ratio().map(Into::into)),
            ("fragmentation.bytes", self.mem_fragmentation_bytes().map(Into::into)),
            ("table.chunks", Some(self.table.chunks.into())),
            ("table.chunks-allocated", Some(self.table.chunks_allocated.into())),
            ("table.children", Some(self.table.children.into())),
            ("table.load", Some(self.table.load().into())),
            ("table.rehash-debt", Some(self.rehash_debt.into())),
        ];
        figures.into_iter().filter_map(|(name, figure)| Some((name, figure?)))
    }
}

#[cfg(feature = "serde")]
mod serde_impl {
    use super::{Figure, MemoryReport};
    use serde::ser::SerializeMap;
    use serde::{Serialize, Serializer};

    impl Serialize for Figure {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            match self {
                Self::Integer(value) => serializer.serialize_i64(*value),
                Self::Double(value) => serializer.serialize_f64(*value),
                Self::Text(text) => serializer.serialize_str(text),
            }
        }
    }

    /// Serializes [`stats`](MemoryReport::stats) as a map.
    impl Serialize for MemoryReport {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(Some(self.stats().count()))?;
            for (name, figure) in self.stats() {
                map.serialize_entry(name, &figure)?;
            }
            map.end()
        }
    }
}
