//! Errors for bytes that come from a dump, a file or another program.

use core::error::Error;
use core::fmt;
use zmalloc::{ReserveError, oom};

/// A fault in the bytes of one format. The crate of each format has an enum of its faults.
pub trait Fault: Copy + fmt::Debug + fmt::Display {
    /// The format's name.
    const FORMAT: &'static str;
}

/// The error for bytes that are not valid in their format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Malformed<F> {
    /// The position of the fault, in bytes from the start.
    pub offset: usize,
    /// The fault.
    pub fault: F,
}

impl<F> Malformed<F> {
    /// Creates the error for a fault at `offset`.
    #[inline]
    pub const fn new(offset: usize, fault: F) -> Self {
        Self { offset, fault }
    }
}

impl<F: Fault> fmt::Display for Malformed<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "malformed {} at offset {}: {}", F::FORMAT, self.offset, self.fault)
    }
}

impl<F: Fault> Error for Malformed<F> {}

/// The error of creating a value from bytes that may be malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FromBytesError<F> {
    /// The bytes are not valid.
    Malformed(Malformed<F>),
    /// There was no memory for a copy of the bytes.
    Reserve(ReserveError),
}

impl<F> FromBytesError<F> {
    /// Calls the out-of-memory handler if there was no memory. Returns an error only for malformed bytes.
    pub fn or_oom<T>(result: Result<T, Self>) -> Result<T, Malformed<F>> {
        result.map_err(|error| match error {
            Self::Malformed(malformed) => malformed,
            Self::Reserve(error) => oom(error.size()),
        })
    }
}

impl<F: Fault> fmt::Display for FromBytesError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => error.fmt(f),
            Self::Reserve(error) => error.fmt(f),
        }
    }
}

impl<F: Fault> Error for FromBytesError<F> {}

impl<F> From<Malformed<F>> for FromBytesError<F> {
    fn from(error: Malformed<F>) -> Self {
        Self::Malformed(error)
    }
}

impl<F> From<ReserveError> for FromBytesError<F> {
    fn from(error: ReserveError) -> Self {
        Self::Reserve(error)
    }
}
