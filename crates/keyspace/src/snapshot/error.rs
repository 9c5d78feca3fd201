//! The errors of snapshots: a snapshot cannot begin ([`SnapshotError`]), or its sink fails ([`SinkError`]).

use core::fmt;
use values::ReserveError;

/// The reason why a snapshot cannot begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SnapshotError {
    /// A snapshot is running.
    InProgress,
    /// The previous snapshot failed or was abandoned, and is not cleared up yet. Call
    /// [`Keyspace::snapshot_for`](crate::Keyspace::snapshot_for) or
    /// [`Keyspace::maintain`](crate::Keyspace::maintain) to clear it up.
    ClearingUp,
    /// There is not enough memory for the sink, or for the state of the snapshot.
    Memory(ReserveError),
}

impl From<ReserveError> for SnapshotError {
    fn from(error: ReserveError) -> Self {
        Self::Memory(error)
    }
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InProgress => f.write_str("a snapshot is running"),
            Self::ClearingUp => f.write_str("the snapshot before is not cleared up yet"),
            Self::Memory(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for SnapshotError {}

/// A [`SnapshotSink`](crate::SnapshotSink) cannot save a key. The sink itself keeps the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SinkError;

impl fmt::Display for SinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key cannot be saved")
    }
}

impl core::error::Error for SinkError {}
