#![doc = include_str!("../README.md")]

mod glob;

pub use glob::{Glob, glob_match};
