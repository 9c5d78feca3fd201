//! What is common to the display of all errors.

use core::fmt;
use zmalloc::ReserveError;

/// The reply to a client if there is no memory.
pub(super) const OUT_OF_MEMORY: &str = "OOM command not allowed when used memory > 'maxmemory'.";

/// Writes an operation's error: the allocator's error, or the reply without the leading `ERR`.
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
