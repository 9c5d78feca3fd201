//! [`Event`]: what has happened to a key.

/// What has happened to a key, for the callback of [`Keyspace::on_event`](crate::Keyspace::on_event). In C: the keyspace notifications.
///
/// The event comes after the change. A key that is removed or expired is named while its bytes are still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The key has a new value: it was set, copied here or moved here.
    Set(&'a [u8]),
    /// The value was changed where it is, or its expiry was.
    Changed(&'a [u8]),
    /// The key's time has come, and it was removed.
    Expired(&'a [u8]),
    /// The key was removed by the caller, or because its value had become empty.
    Removed(&'a [u8]),
    /// The key has another name.
    Renamed {
        /// What it was called.
        from: &'a [u8],
        /// What it is called now.
        to: &'a [u8],
    },
}
