//! The progress bar on stderr.
//!
//! The thread that measures draws the bar between two rounds. A separate thread would take time from the code
//! that is measured.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A progress bar, which is hidden if stderr is not a terminal.
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Returns a bar on stderr. indicatif hides it if stderr is not a terminal.
    pub fn stderr() -> Self {
        let style = ProgressStyle::with_template("{prefix:>8} {bar:30} {pos}/{len} {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style);
        Self { bar }
    }

    /// Returns a bar that is never drawn.
    pub fn hidden() -> Self {
        Self { bar: ProgressBar::hidden() }
    }

    /// Shows the name of the suite that is running.
    pub fn suite(&self, name: &str) {
        self.bar.set_prefix(name.to_owned());
    }

    /// Begins a case that has `steps` steps.
    pub fn start(&self, case: &str, steps: usize) {
        self.bar.set_length(steps as u64);
        self.bar.set_position(0);
        self.bar.set_message(case.to_owned());
    }

    /// Advances the bar by one step.
    pub fn step(&self) {
        self.bar.inc(1);
    }

    /// Removes the bar, so that a table can be printed.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
        self.bar.reset();
    }
}
