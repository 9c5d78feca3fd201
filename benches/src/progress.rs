//! The bar on stderr.
//!
//! It is drawn between rounds only, by the measuring thread: a thread of its own would take time from what
//! is being measured.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A progress bar where stderr is a terminal, silence elsewhere.
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A bar on stderr; indicatif hides it where stderr is not a terminal.
    pub fn stderr() -> Self {
        let style = ProgressStyle::with_template("{prefix:>8} {bar:30} {pos}/{len} {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style);
        Self { bar }
    }

    /// Never draws.
    pub fn hidden() -> Self {
        Self { bar: ProgressBar::hidden() }
    }

    /// Names the suite that is running.
    pub fn suite(&self, name: &str) {
        self.bar.set_prefix(name.to_owned());
    }

    /// Begins a case of `steps` steps.
    pub fn start(&self, case: &str, steps: usize) {
        self.bar.set_length(steps as u64);
        self.bar.set_position(0);
        self.bar.set_message(case.to_owned());
    }

    /// One step is done.
    pub fn step(&self) {
        self.bar.inc(1);
    }

    /// Takes the bar away, so that a table can be printed.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
        self.bar.reset();
    }
}
