#![doc = include_str!("../README.md")]

mod harness;
mod hashes;
pub mod targets;
