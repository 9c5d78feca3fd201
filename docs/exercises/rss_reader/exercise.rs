//! What `/proc/PID/stat` says about the memory of a process.

/// What a line of `/proc/PID/stat` says about a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    /// The number of threads.
    pub(crate) num_threads: u64,
    /// The bytes of all mapped memory, whether it is in physical memory or not.
    pub(crate) vsize: u64,
    /// The bytes in physical memory: the resident set size.
    pub(crate) rss: u64,
}

// The numbers of the fields in the manual of Linux. The process ID is field 1, and the name is field 2.
const NUM_THREADS: usize = 20;
const VSIZE: usize = 23;
const RSS: usize = 24;

impl Stat {
    /// Reads the content of `/proc/PID/stat`. Returns `None` if a field is missing, or if a number does not fit. The
    /// file has the RSS in pages.
    pub(crate) fn parse(line: &[u8], page_size: u64) -> Option<Self> {
        let line = str::from_utf8(line).ok()?;
        let number = |field: usize| -> Option<u64> {
            let text = line.split_ascii_whitespace().nth(field - 1)?;
            text.parse().ok()
        };
        let rss = number(RSS)?.checked_mul(page_size)?;
        Some(Self { num_threads: number(NUM_THREADS)?, vsize: number(VSIZE)?, rss })
    }

    /// Returns the fragmentation ratio, or `None` if no memory is in use.
    pub(crate) fn fragmentation_ratio(&self, used_memory: u64) -> Option<f64> {
        (used_memory > 0).then(|| self.rss as f64 / used_memory as f64)
    }
}
