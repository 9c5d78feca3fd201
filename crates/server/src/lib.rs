#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod append_only;
mod args;
mod call;
mod client;
mod clients;
mod commands;
mod config;
mod database;
mod digest;
mod error;
mod histogram;
mod latency;
mod listen;
mod log;
mod memory_limit;
mod monitor;
mod notify;
mod numbers;
mod open_files;
mod pubsub;
mod rates;
mod redact;
mod replace_file;
mod reply;
mod request;
mod rewrite;
mod server;
mod shutdown;
mod slowlog;
mod snapshot;
mod socket;
mod spec;
mod state;
mod stats;
mod trackers;
mod tracking;
mod upkeep;
mod waiting;

pub use config::{Config, ConfigError, Unknown};
pub use server::{Server, StopHandle};
