//! The memory of a process at one moment.

use serde::{Deserialize, Serialize};
use zmalloc::{allocator_info, flush_tcache, rss, used_memory};

/// The memory of this process, in bytes.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct Memory {
    pub(super) used: usize,
    pub(super) rss: usize,
    pub(super) allocated: usize,
    pub(super) active: usize,
    pub(super) frag_smallbins_bytes: usize,
}

impl Memory {
    pub(super) fn now() -> Self {
        flush_tcache();
        let info = allocator_info().unwrap_or_default();
        Self {
            used: used_memory(),
            rss: rss().unwrap_or(0),
            allocated: info.allocated,
            active: info.active,
            frag_smallbins_bytes: info.frag_smallbins_bytes,
        }
    }

    pub(super) fn fragmentation(self) -> f64 {
        1.0 + self.frag_smallbins_bytes as f64 / self.allocated as f64
    }

    pub(super) fn active_over_allocated(self) -> f64 {
        self.active as f64 / self.allocated as f64
    }

    pub(super) fn rss_over_used(self) -> f64 {
        self.rss as f64 / self.used as f64
    }

    /// Returns the text for the notes, in MiB.
    pub(super) fn text(self) -> String {
        let mib = |bytes: usize| bytes as f64 / (1 << 20) as f64;
        format!("RSS {:.1}, active {:.1}, used {:.1}", mib(self.rss), mib(self.active), mib(self.used))
    }
}
