//! The benchmarks of redcore: a harness, the suites, and what `cargo bench` shares with them.
//!
//! ```text
//!   main -> cli      what was asked for; the part of it that suites need is in settings
//!        -> inputs   the servers and files that the command line names, read once
//!        -> suites   one file a suite; each runs workloads and hands rows, notes and plots to
//!           report   which becomes a screen (stdout), report.html and report.json
//!        -> against  a saved run beside this one;  targets: the limits of targets.toml
//!        -> score    what a suite says in three lines, by the verdict on each of its rows: screen and html show it;
//!                    peers says which rows count
//!
//!   bin/publish -> publish   what README.md and the book show of report.json
//! ```
//!
//! The method is in [`measure`]: a subject and its peers take turns in one process, and what is reported
//! is the ratio of neighbours in time, because on a shared machine a ratio is steadier than a time.
//!
//! Every binary of this package has [`zmalloc::Zmalloc`] as its global allocator, so that peers
//! and redcore stand on the same jemalloc and `zmalloc::used_memory` sees the bytes of both.

pub mod against;
pub mod cli;
pub mod dependent;
pub mod document;
pub mod error;
pub mod html;
pub mod import;
pub mod inputs;
pub mod keys;
pub mod least;
pub mod lives;
pub mod machine;
pub mod maps;
pub mod measure;
pub mod peers;
pub mod plot;
pub mod progress;
pub mod publish;
pub mod report;
pub mod score;
pub mod screen;
pub mod server;
pub mod settings;
pub mod stores;
pub mod suite;
pub mod suites;
pub mod table;
pub mod targets;
pub mod text;
pub mod texts;
pub mod trace;
pub mod verdict;

#[global_allocator]
static GLOBAL: zmalloc::Zmalloc = zmalloc::Zmalloc;
