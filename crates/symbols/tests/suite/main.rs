//! Tests of symbol tables through the public interface. All integration tests are one program: see
//! `docs/src/testing.md`.

mod damage;
mod memory;
mod model;
mod training;
