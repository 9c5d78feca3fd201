//! Measures how many bytes of pages are copied while a server runs `BGSAVE` under random writes.

use super::workload::{Data, Writes};
use crate::server::Program;
use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::time::{Duration, Instant};

/// The number of commands of a pipeline.
const PIPELINE: usize = 500;

/// The number of pipelines between two calls of INFO.
const PIPELINES_PER_CHECK: usize = 10;

/// The result of one `BGSAVE`.
pub(super) struct Copied {
    /// The bytes of the copied pages. If the server reports their peak, this is the peak.
    pub(super) bytes: u64,
    /// `used_memory` at the start.
    pub(super) used: u64,
    /// The number of commands that were sent during `BGSAVE`.
    pub(super) writes: usize,
    pub(super) took: Duration,
}

impl Copied {
    pub(super) fn percent(&self) -> f64 {
        100.0 * self.bytes as f64 / self.used as f64
    }
}

/// Makes a server load the file, and save it in the background while it gets random writes.
pub(super) fn measure(program: &Program, file: &Path, data: Data, seed: u64) -> Result<Copied> {
    let server = program.start_with(file)?;
    let used = server.used_memory()?;
    let mut client = server.connect()?;
    let mut random = Writes::new(data, seed);
    let (start, mut bytes, mut writes) = (Instant::now(), 0, 0);
    client.background_save()?;
    loop {
        for _ in 0..PIPELINES_PER_CHECK {
            let mut packed = Vec::new();
            for _ in 0..PIPELINE {
                random.next_write(|key, write| write.command(key).write_packed_command(&mut packed));
            }
            client.send(&packed, PIPELINE)?;
            writes += PIPELINE;
        }
        let info = client.info("persistence")?;
        // A server before version 7.0 reports no peak, and reports the size only at the end.
        bytes = bytes.max(info.number("current_cow_peak").unwrap_or(0));
        if info.number("rdb_bgsave_in_progress") == Some(0) {
            let last = info.number("rdb_last_cow_size").context("INFO has no rdb_last_cow_size")?;
            let status = info.text("rdb_last_bgsave_status");
            ensure!(status == Some("ok"), "{}: BGSAVE: {status:?}", program.name);
            return Ok(Copied { bytes: bytes.max(last), used, writes, took: start.elapsed() });
        }
    }
}
