#![doc = include_str!("../README.md")]

mod glob;
mod options;

pub use glob::{Glob, glob_match};
pub use options::{ConfError, ConfErrorKind, MaxmemoryPolicy, Options, Parsed, UnknownDirective};
