//! Tests of the server as its clients see it.

#[cfg(unix)]
mod append_only;
mod commands;
mod connection;
mod counting;
mod defence;
mod harness;
mod monitor;
mod monitoring;
mod protocol;
#[cfg(unix)]
mod real_files;
mod settings;
#[cfg(unix)]
mod snapshots;
mod tracking;
mod tracking_model;
