//! What the errors have in common when they are printed.

use core::fmt;
use zmalloc::ReserveError;

/// What a client hears where there is no memory.
pub(super) const OUT_OF_MEMORY: &str = "OOM command not allowed when used memory > 'maxmemory'.";

/// Writes an operation's error: its reply without the `ERR` in front, or what the allocator says.
pub(super) fn display(
    f: &mut fmt::Formatter<'_>,
    reply: &str,
    reserve: Option<&ReserveError>,
) -> fmt::Result {
    match reserve {
        Some(error) => fmt::Display::fmt(error, f),
        None => f.write_str(reply.strip_prefix("ERR ").unwrap_or(reply)),
    }
}
