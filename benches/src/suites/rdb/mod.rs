//! Suite `rdb`: loading and saving of dump files, and snapshots under writes, beside the servers of
//! `--server`.
//!
//! - [`data`]: what is in the files: short strings, and values of all types.
//! - [`beside`]: a life is the loading of a file and the saving of what was loaded.
//! - [`snapshot`]: a snapshot under random writes, by [`workload`]; [`fork`]: that of a server.
//!
//! Why it is fair: all load the same file, of version 10, and all compress strings as they save, which is the
//! default. What counts is processor time, because a disk decides the rest: that of this thread, and that of
//! a server's process with all its threads, as INFO cpu says. A server loads the file when it starts, so what
//! it takes to start without a file is taken off. Files are in the system's cache.
//!
//! Without a server, loading is compared with the commands that make the same keys, and with a map that is
//! filled by the events of the same reader.

mod beside;
mod data;
mod fork;
mod snapshot;
mod workload;

use crate::stores::{BoxMap, Store as _};
use crate::suite::{Ctx, Headline};

/// The subject.
const KEYSPACE: &str = "Keyspace";

/// A store of another kind, which is filled by the reader's events.
const BOXES: &str = BoxMap::NAME;

/// A peer that is redcore itself.
const COMMANDS: &str = "a command for each element";

/// The peers that are redcore itself.
pub(crate) const OWN_PEERS: [&str; 2] = [COMMANDS, snapshot::WITHOUT];

/// The peer of which each row repeats one beside a server.
pub(crate) const FASTEST_SERVER: &str = "fastest server";

/// What loading wins over a map that an embedder would have used.
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
