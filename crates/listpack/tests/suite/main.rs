//! Listpacks from outside. One program for all integration tests: see `docs/src/testing.md`.

mod accounting;
mod editor;
mod foreign;
mod format;
mod model;
mod sample;
