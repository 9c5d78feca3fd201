//! The benchmarks of redcore: a harness, the suites, and code that `cargo bench` shares with them.
//!
//! ```text
//!   main -> cli      the command line; settings has the part of it that suites need
//!        -> inputs   the servers and files of the command line, which are read once
//!        -> suites   one file for each suite; a suite runs workloads, and adds rows, notes and plots to
//!           report   which becomes a screen (stdout), report.html and report.json
//!        -> against  compares this run with a saved one
//!        -> targets  compares this run with the limits of targets.toml
//!        -> score    the summary of a suite, from the verdicts on its rows, for the screen and report.html;
//!                    peers decides which rows count
//!
//!   bin/publish -> publish   writes the figures of report.json to README.md and the book
//! ```
//!
//! The method is described in [`measure`]. A subject and its peers take turns in one process. Two
//! measurements that follow each other give a ratio, and the ratios are reported, because on a shared machine
//! a ratio varies less than a time.
//!
//! Every binary of this package has [`zmalloc::Zmalloc`] as its global allocator. So redcore and its peers
//! use the same jemalloc, and `zmalloc::used_memory` counts the bytes of both.

pub mod against;
pub mod cli;
pub mod dependent;
pub mod document;
pub mod error;
pub mod html;
pub mod import;
pub mod inputs;
pub mod keys;
pub mod lifecycle;
pub mod machine;
pub mod maps;
pub mod measure;
pub mod min_times;
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
