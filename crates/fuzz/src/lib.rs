#![doc = include_str!("../README.md")]

mod harness;
pub mod targets;
