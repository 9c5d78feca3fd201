//! A description of the machine that the figures are from.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs;
use std::process::Command;

/// The properties of the machine that affect the figures. A property that the machine does not provide is
/// `unknown` or null.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The model name of the processor.
    pub cpu: String,
    /// The number of cores that this process may run on.
    pub cores: Option<usize>,
    /// The size of the physical memory, in bytes.
    pub memory_bytes: Option<u64>,
    /// The distribution and the kernel.
    pub os: String,
    /// The version of the compiler that built this program.
    pub rustc: String,
}

const UNKNOWN: &str = "unknown";

impl Machine {
    /// Returns the description of this machine.
    pub fn this() -> Self {
        let file = |path| fs::read_to_string(path).unwrap_or_default();
        let cpu = field(&file("/proc/cpuinfo"), "model name", ':').unwrap_or_else(|| UNKNOWN.into());
        let name = field(&file("/etc/os-release"), "PRETTY_NAME", '=');
        let name = name.unwrap_or_else(|| std::env::consts::OS.into());
        let kernel = file("/proc/sys/kernel/osrelease");
        Self {
            cpu,
            cores: std::thread::available_parallelism().ok().map(usize::from),
            memory_bytes: field(&file("/proc/meminfo"), "MemTotal", ':').and_then(|size| bytes(&size)),
            os: format!("{name} {} {}", kernel.trim(), std::env::consts::ARCH).replace("  ", " "),
            rustc: Some(env!("REDCORE_RUSTC")).filter(|v| !v.is_empty()).unwrap_or(UNKNOWN).into(),
        }
    }
}

impl Machine {
    /// Returns the processor, the cores and the memory as text.
    pub fn hardware(&self) -> String {
        let cores = self.cores.map(|cores| format!(", {cores} cores"));
        let memory =
            self.memory_bytes.map(|bytes| format!(", {:.0} GiB", bytes as f64 / (1u64 << 30) as f64));
        [Some(self.cpu.clone()), cores, memory].into_iter().flatten().collect()
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}, {}", self.hardware(), self.os, self.rustc)
    }
}

/// Returns the value of the first line `key <separator> value`, without quotes.
fn field(text: &str, key: &str, separator: char) -> Option<String> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(separator)?;
        (name.trim() == key).then(|| value.trim().trim_matches('"').to_owned())
    })
}

/// Converts a size such as `24689040 kB` to bytes.
fn bytes(size: &str) -> Option<u64> {
    size.strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// Returns the commit of the source: the value of `REDCORE_COMMIT`, otherwise the commit that git reports,
/// otherwise `unknown`.
pub fn commit() -> String {
    let from_git = || {
        let out =
            Command::new("git").args(["rev-parse", "HEAD"]).output().ok().filter(|o| o.status.success())?;
        Some(String::from_utf8_lossy(&out.stdout).trim().to_owned())
    };
    std::env::var("REDCORE_COMMIT").ok().or_else(from_git).unwrap_or_else(|| UNKNOWN.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_proc_are_read_and_may_be_missing() {
        let cpuinfo = "processor\t: 0\nmodel name\t: Some CPU @ 3 GHz\nmodel name\t: other\n";
        assert_eq!(field(cpuinfo, "model name", ':').as_deref(), Some("Some CPU @ 3 GHz"));
        assert_eq!(field(cpuinfo, "MemTotal", ':'), None);
        assert_eq!(field("PRETTY_NAME=\"A B\"", "PRETTY_NAME", '=').as_deref(), Some("A B"));
        assert_eq!(bytes("24689040 kB"), Some(24_689_040 * 1024));
        assert_eq!(bytes("many"), None);
    }

    #[test]
    fn this_machine_always_answers() {
        let machine = Machine::this();
        assert!(!machine.cpu.is_empty() && !machine.os.is_empty() && machine.rustc.contains("rustc"));
    }
}
