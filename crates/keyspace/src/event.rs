//! [`Event`]: what has happened to a key.

/// What has happened to a key, for the callback of [`Keyspace::on_event`](crate::Keyspace::on_event). In C:
/// the keyspace notifications.
///
/// The callback runs after the change, and before the memory of a removed key is freed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The key has a new value: it was set, copied here or moved here.
    Set(&'a [u8]),
    /// The value may have been edited in place, or the expiry was changed. An edit that changed nothing is
    /// reported too.
    Changed(&'a [u8]),
    /// The key had expired, and was removed.
    Expired(&'a [u8]),
    /// The key was evicted: it was removed to make room.
    Evicted(&'a [u8]),
    /// The key was removed by the caller, or because its value had become empty.
    Removed(&'a [u8]),
    /// The key was renamed.
    Renamed {
        /// The old name.
        from: &'a [u8],
        /// The new name.
        to: &'a [u8],
    },
    /// All keys were removed at once. In C: `FLUSHDB`.
    Cleared,
}
