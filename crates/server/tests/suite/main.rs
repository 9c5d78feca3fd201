//! Tests of the server as its clients see it.

mod commands;
mod connection;
mod harness;
mod monitor;
mod monitoring;
mod protocol;
mod settings;
#[cfg(unix)]
mod snapshots;
mod tracking;
mod tracking_model;
