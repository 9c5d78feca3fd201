//! Tests of the server as its clients see it.

mod commands;
mod connection;
mod defence;
mod harness;
mod monitoring;
mod protocol;
mod settings;
#[cfg(unix)]
mod snapshots;
