//! What the command line sets for the suites: the scale of a run, its seed, and its trace.

use std::path::PathBuf;

/// The settings of a run, the same for all of its suites.
#[derive(clap::Args, Clone, Debug)]
pub struct Settings {
    /// All suites within three minutes, on smaller data
    #[arg(long)]
    pub quick: bool,
    /// Every suite once, tiny, within seconds: shows that it runs, its figures mean nothing
    #[arg(long, conflicts_with = "quick")]
    pub smoke: bool,
    /// Replays this request trace in the suite `trace` instead of the generated ones
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// The most bytes that a value of a trace is given in memory
    #[arg(long, value_name = "BYTES", default_value_t = 1024)]
    pub value_cap: usize,
    /// Of everything that is drawn at random: keys, orders, sizes
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

impl Settings {
    /// The scale of the run in words.
    pub fn scale(&self) -> &'static str {
        self.pick("smoke run, whose figures mean nothing", "quick run", "at full scale")
    }

    /// Whether the run has the large rows.
    pub fn is_full_scale(&self) -> bool {
        self.pick(false, false, true)
    }

    /// The value for this run's scale.
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
