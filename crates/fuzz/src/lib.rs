#![doc = include_str!("../README.md")]

mod harness;
mod hashes;
pub mod soak;
pub mod targets;
mod world;
