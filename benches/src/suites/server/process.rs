//! The cores and the processor time of processes, on Linux.

use anyhow::{Context, Result, ensure};
use std::fs;
use std::io;
use std::time::Duration;

/// The core of the servers and the core of this thread. When this is dropped, this thread may use all of its
/// former cores again.
pub(super) struct Cores {
    before: libc::cpu_set_t,
    server: usize,
    client: usize,
}

impl Cores {
    /// Pins this thread to its first core. The servers get its last core.
    pub(super) fn claim() -> Result<Self> {
        // SAFETY: a set of cores is an array of integers, which may be zeros.
        let mut before: libc::cpu_set_t = unsafe { std::mem::zeroed() };
        // SAFETY: `before` is a valid set of this size that the call may write.
        let outcome = unsafe { libc::sched_getaffinity(0, size_of_val(&before), &mut before) };
        ensure!(outcome == 0, "the cores of this thread are unknown: {}", io::Error::last_os_error());
        // SAFETY: the core is below the number of cores of a set.
        let mut cores =
            (0..libc::CPU_SETSIZE as usize).filter(|&core| unsafe { libc::CPU_ISSET(core, &before) });
        let client = cores.next().context("this thread has no core")?;
        let server = cores.next_back().unwrap_or(client);
        pin(0, client)?;
        Ok(Self { before, server, client })
    }

    /// Returns whether the servers and this thread have the same core.
    pub(super) fn is_shared(&self) -> bool {
        self.server == self.client
    }

    /// Pins all threads of a server to the core of servers. Threads that start later inherit it.
    pub(super) fn pin_server(&self, process: u32) -> Result<()> {
        threads(process)?.into_iter().try_for_each(|thread| pin(thread, self.server))
    }
}

impl Drop for Cores {
    fn drop(&mut self) {
        // SAFETY: `before` is a valid set of this size. If the call fails, the thread stays where it is.
        let _ = unsafe { libc::sched_setaffinity(0, size_of_val(&self.before), &self.before) };
    }
}

/// Pins a thread to a core. The thread 0 is this one.
fn pin(thread: u32, core: usize) -> Result<()> {
    // SAFETY: a set of cores is an array of integers, which may be zeros.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the core is from a set of this size.
    unsafe { libc::CPU_SET(core, &mut set) };
    // SAFETY: `set` is a valid set of this size.
    let outcome = unsafe { libc::sched_setaffinity(thread as libc::pid_t, size_of_val(&set), &set) };
    ensure!(outcome == 0, "thread {thread} cannot be pinned to core {core}: {}", io::Error::last_os_error());
    Ok(())
}

/// Returns the ids of the threads of a process.
fn threads(process: u32) -> Result<Vec<u32>> {
    let folder = format!("/proc/{process}/task");
    let entries = fs::read_dir(&folder).with_context(|| folder.clone())?;
    Ok(entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect())
}

/// Returns the processor time that the threads of a process have used so far. A thread that has ended is not
/// included.
pub(super) fn cpu_time(process: u32) -> Result<Duration> {
    let of_thread = |thread: u32| -> Result<u64> {
        let path = format!("/proc/{process}/task/{thread}/schedstat");
        let text = fs::read_to_string(&path).with_context(|| path.clone())?;
        let ns = text.split_whitespace().next().and_then(|ns| ns.parse().ok());
        ns.with_context(|| format!("{path} has no time"))
    };
    let ns: u64 = threads(process)?.into_iter().map(of_thread).sum::<Result<u64>>()?;
    Ok(Duration::from_nanos(ns))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn the_time_of_this_process_grows_while_it_works() {
        let before = cpu_time(std::process::id()).unwrap();
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(50) {}
        assert!(cpu_time(std::process::id()).unwrap() > before);
    }

    #[test]
    fn a_thread_gets_its_cores_back() {
        let count = || std::thread::available_parallelism().unwrap();
        let before = count();
        let cores = Cores::claim().unwrap();
        assert_eq!(count().get(), 1);
        assert_eq!(cores.is_shared(), before.get() == 1);
        drop(cores);
        assert_eq!(count(), before);
    }
}
