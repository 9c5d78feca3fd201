//! The settings of the suites that the command line gives: the scale of a run, its seed, and its inputs.

use std::path::PathBuf;

/// The settings of a run, the same for all of its suites.
#[derive(clap::Args, Clone, Debug)]
pub struct Settings {
    /// All suites within three minutes, on smaller data
    #[arg(long)]
    pub quick: bool,
    /// Every suite once, on very little data, within seconds: shows that the suites run; the figures mean
    /// nothing
    #[arg(long, conflicts_with = "quick")]
    pub smoke: bool,
    /// Replays this request trace in the suites `trace` and `eviction` instead of the generated ones; may be
    /// given several times
    #[arg(long = "trace", value_name = "FILE")]
    pub traces: Vec<PathBuf>,
    /// The maximum length of a value of a trace in memory, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = Settings::default().value_cap)]
    pub value_cap: usize,
    /// A redis-server or valkey-server that the suites `memory`, `rdb` and `server` start as a peer; may be given
    /// several times
    #[arg(long = "server", value_name = "PATH")]
    pub servers: Vec<PathBuf>,
    /// Keys and values for the suites `memory` and `keyspace`: a dump of Redis or Valkey (`.rdb`), CSV
    /// (`.csv`), or lines of a key, a tab and a value (a value may be empty, but not missing)
    #[arg(long, value_name = "FILE")]
    pub import: Option<PathBuf>,
    /// The file of --import is a list of keys, one per line without a tab; their values are empty
    #[arg(long, requires = "import")]
    pub keys_only: bool,
    /// The seed of everything that is drawn at random: keys, orders and sizes
    #[arg(long, value_name = "N", default_value_t = Settings::default().seed)]
    pub seed: u64,
}

/// The values of options that are not given.
impl Default for Settings {
    fn default() -> Self {
        Self {
            quick: false,
            smoke: false,
            traces: Vec::new(),
            value_cap: 1024,
            servers: Vec::new(),
            import: None,
            keys_only: false,
            seed: 1,
        }
    }
}

impl Settings {
    /// Returns the scale of the run in words.
    pub fn scale(&self) -> &'static str {
        self.pick("smoke run, whose figures mean nothing", "quick run", "at full scale")
    }

    /// Returns whether the run has the large rows.
    pub fn is_full_scale(&self) -> bool {
        self.pick(false, false, true)
    }

    /// Returns the value for the scale of this run.
    pub fn pick<T>(&self, smoke: T, quick: T, full: T) -> T {
        if self.smoke {
            smoke
        } else if self.quick {
            quick
        } else {
            full
        }
    }
}
