//! Tests of the public interface. All integration tests are one program: see `docs/src/testing.md`.

mod segments;
