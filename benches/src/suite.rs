//! What a suite is and what it is given.

use crate::inputs::Inputs;
use crate::progress::Progress;
use crate::report::{Report, Row};
use crate::settings::Settings;

/// What a suite works with: the settings, the inputs, where results go, and where waiting is shown.
pub struct Ctx<'a> {
    /// The name of the suite, under which its rows, notes and plots are filed.
    pub suite: &'static str,
    /// The scale of the run and its seed.
    pub settings: &'a Settings,
    /// The servers and files that the user gives.
    pub inputs: &'a Inputs,
    /// Takes rows, notes and plots.
    pub report: &'a mut Report,
    /// The bar on stderr; silent where stderr is not a terminal.
    pub progress: &'a Progress,
}

/// Runs a suite. An error that the user caused is a [`BadInput`](crate::error::BadInput) in the chain.
pub type SuiteFn = fn(&mut Ctx) -> anyhow::Result<()>;

/// One entry of [`suites::ALL`](crate::suites::ALL).
pub struct Suite {
    /// The word for `--suite`, and the `suite` field of its rows.
    pub name: &'static str,
    /// One line for `--help` and the heading of its table.
    pub about: &'static str,
    /// What the scoreboard says of it first.
    pub headline: Headline,
    /// Runs it.
    pub run: SuiteFn,
}

/// One ratio for a whole suite: that of a chosen row, or the geometric mean of several.
pub struct Headline {
    /// What is compared, and the peer if the line of the screen has room for it.
    pub what: &'static str,
    /// Picks the rows among those of the suite. At every scale of a run there is at least one.
    pub rows: fn(&Row) -> bool,
}
