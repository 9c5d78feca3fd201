//! The definition of a suite, and what a suite receives when it runs.

use crate::inputs::Inputs;
use crate::progress::Progress;
use crate::report::{Report, Row};
use crate::settings::Settings;

/// What a suite works with: the settings, the inputs, the report for its results, and the display of
/// progress.
pub struct Ctx<'a> {
    /// The name of the suite. Its rows, notes and plots are filed under it.
    pub suite: &'static str,
    /// The scale of the run and its seed.
    pub settings: &'a Settings,
    /// The servers and files that the user has given.
    pub inputs: &'a Inputs,
    /// Receives the rows, notes and plots.
    pub report: &'a mut Report,
    /// The progress bar on stderr. It is hidden if stderr is not a terminal.
    pub progress: &'a Progress,
}

/// Runs a suite. An error that the user caused is a [`BadInput`](crate::error::BadInput) in the chain.
pub type SuiteFn = fn(&mut Ctx) -> anyhow::Result<()>;

/// One entry of [`suites::ALL`](crate::suites::ALL).
pub struct Suite {
    /// The word for `--suite`, and the `suite` field of its rows.
    pub name: &'static str,
    /// One line for `--help` and for the heading of the suite's table.
    pub about: &'static str,
    /// The first figure of the suite on the scoreboard.
    pub headline: Headline,
    /// Runs the suite.
    pub run: SuiteFn,
}

/// One ratio for a whole suite: that of a chosen row, or the geometric mean of several.
pub struct Headline {
    /// What is compared, and the peer if the line of the screen has room for it.
    pub what: &'static str,
    /// Selects rows of the suite. It selects at least one row at every scale of a run.
    pub rows: fn(&Row) -> bool,
}
