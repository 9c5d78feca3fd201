//! Suite `rdb`: loads and saves dump files, and takes snapshots under writes. The peers are the servers of
//! `--server`.
//!
//! - [`data`] is the content of the files: short strings, and values of all types.
//! - [`beside`] runs lives, in which a file is loaded and then saved again.
//! - [`snapshot`] takes a snapshot under the random writes of [`workload`]. [`fork`] does the same with a
//!   server.
//!
//! Why it is fair: all subjects load the same file, of version 10, and all compress strings when they save,
//! which is the default. Only processor time counts, because the rest depends on the disk. For redcore it is
//! the time of this thread. For a server it is the time of its process with all threads, as reported by INFO
//! cpu. A server loads the file when it starts. So the time that it takes to start without a file is
//! subtracted. Files are in the cache of the system.
//!
//! Without a server, loading is compared with the commands that create the same keys, and with a map that is
//! filled from the events of the same reader.

mod beside;
mod data;
mod fork;
mod snapshot;
mod workload;

use crate::stores::{BoxMap, Store as _};
use crate::suite::{Ctx, Headline};

/// The subject.
const KEYSPACE: &str = "Keyspace";

/// A store of another kind, which is filled from the events of the reader.
const BOXES: &str = BoxMap::NAME;

/// A peer that is redcore too.
const COMMANDS: &str = "a command for each element";

/// The peers that are redcore too.
pub(crate) const OWN_PEERS: [&str; 2] = [COMMANDS, snapshot::WITHOUT];

/// The name of the fastest server as a peer. Each of its rows repeats the row of one server.
pub(crate) const FASTEST_SERVER: &str = "fastest server";

/// The advantage of loading over a map that an embedder would use instead.
pub const HEADLINE: Headline = Headline {
    what: "loading of strings from a file, beside hashbrown of boxes",
    rows: |row| row.case == "load strings" && row.peer == BOXES,
};

/// Runs the suite.
pub fn run(ctx: &mut Ctx) -> anyhow::Result<()> {
    for set in data::sets(ctx.settings) {
        beside::measure(ctx, &set)?;
    }
    snapshot::run(ctx)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::Inputs;
    use crate::progress::Progress;
    use crate::report::Report;
    use crate::settings::Settings;

    #[test]
    fn all_files_are_loaded_and_saved() {
        let settings = Settings { smoke: true, ..Settings::default() };
        let mut report = Report::default();
        let mut ctx = Ctx {
            suite: "rdb",
            settings: &settings,
            inputs: &Inputs::default(),
            report: &mut report,
            progress: &Progress::hidden(),
        };
        run(&mut ctx).unwrap();
        for case in [
            "load strings",
            "save strings",
            "load all types",
            "save all types",
            "snapshot of strings under writes",
            "snapshot of values of 1 MB under writes",
            "SET of an old key, snapshot of strings under writes",
        ] {
            assert!(report.rows.iter().any(|row| row.case == case), "{case}");
        }
        assert!(report.rows.iter().any(HEADLINE.rows));
    }
}
