//! The text of a report, as `INFO memory` prints it.

use super::MemoryReport;
use core::fmt::{self, Display};

/// Prints the section `# Memory` of INFO: lines of `name:value`, in the order of Redis. Each line ends with
/// `\n`.
impl Display for MemoryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("# Memory\n")?;
        let mut info = Info(f);
        info.bytes("used_memory", Some(self.used_memory as u64))?;
        info.bytes("used_memory_rss", self.used_memory_rss.map(|bytes| bytes as u64))?;
        info.bytes("used_memory_peak", Some(self.used_memory_peak as u64))?;
        info.percentage("used_memory_peak_perc", self.used_memory_peak_perc())?;
        info.field("used_memory_overhead", Some(self.overhead_total()))?;
        info.field("used_memory_dataset", Some(self.dataset_bytes))?;
        info.percentage("used_memory_dataset_perc", self.dataset_percentage())?;
        let allocator = self.allocator.as_ref();
        info.field("allocator_allocated", allocator.map(|info| info.allocated))?;
        info.field("allocator_active", allocator.map(|info| info.active))?;
        info.field("allocator_resident", allocator.map(|info| info.resident))?;
        info.field("allocator_muzzy", allocator.map(|info| info.muzzy))?;
        info.bytes("total_system_memory", self.total_system_memory)?;
        info.bytes("maxmemory", Some(self.maxmemory as u64))?;
        info.field("maxmemory_policy", Some(self.maxmemory_policy))?;
        info.ratio("allocator_frag_ratio", allocator.and_then(|info| info.frag_ratio()))?;
        info.field("allocator_frag_bytes", allocator.map(|info| info.frag_smallbins_bytes))?;
        info.ratio("allocator_rss_ratio", allocator.and_then(|info| info.rss_ratio()))?;
        info.field("allocator_rss_bytes", allocator.map(|info| info.rss_bytes()))?;
        info.ratio("rss_overhead_ratio", self.rss_overhead_ratio())?;
        info.field("rss_overhead_bytes", self.rss_overhead_bytes())?;
        info.ratio("mem_fragmentation_ratio", self.mem_fragmentation_ratio())?;
        info.field("mem_fragmentation_bytes", self.mem_fragmentation_bytes())?;
        info.field("mem_allocator", Some(self.mem_allocator))?;
        info.field("active_defrag_running", Some(self.active_defrag_running))?;
        info.field("lazyfree_pending_objects", Some(self.lazyfree_pending_objects))?;
        info.field("lazyfreed_objects", Some(self.lazyfreed_objects))
    }
}

/// Writes lines. A value that is not known has no line.
struct Info<'a, 'f>(&'a mut fmt::Formatter<'f>);

impl Info<'_, '_> {
    fn field(&mut self, name: &str, value: Option<impl Display>) -> fmt::Result {
        match value {
            Some(value) => writeln!(self.0, "{name}:{value}"),
            None => Ok(()),
        }
    }

    /// Writes a number of bytes, and a second line that is easier to read.
    fn bytes(&mut self, name: &str, bytes: Option<u64>) -> fmt::Result {
        self.field(name, bytes)?;
        match bytes {
            Some(bytes) => writeln!(self.0, "{name}_human:{}", Human(bytes)),
            None => Ok(()),
        }
    }

    fn ratio(&mut self, name: &str, ratio: Option<f64>) -> fmt::Result {
        match ratio {
            Some(ratio) => writeln!(self.0, "{name}:{ratio:.2}"),
            None => Ok(()),
        }
    }

    fn percentage(&mut self, name: &str, percentage: f64) -> fmt::Result {
        writeln!(self.0, "{name}:{percentage:.2}%")
    }
}

/// A number of bytes that prints with a unit and two decimals, as in Redis. Fewer than 1,024 bytes, and 1,024
/// PiB and more, are printed in full. In C: `bytesToHuman`.
pub(super) struct Human(pub(super) u64);

impl Display for Human {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [char; 5] = ['K', 'M', 'G', 'T', 'P'];
        /// Each unit is 2^10 times the one before.
        const UNIT_BITS: u32 = 10;
        let unit = self.0.checked_ilog2().map_or(0, |bits| bits / UNIT_BITS);
        match unit.checked_sub(1).and_then(|index| UNITS.get(index as usize)) {
            Some(letter) => {
                let size = 1_u64 << (unit * UNIT_BITS);
                write!(f, "{:.2}{letter}", self.0 as f64 / size as f64)
            }
            None => write!(f, "{}B", self.0),
        }
    }
}
