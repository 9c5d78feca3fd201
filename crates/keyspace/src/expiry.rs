//! Expiry times: [`Expiry`] is what a command is given, and [`Ttl`] is what a command reports.

use crate::entry::Entry;
use crate::error::Error;

const MILLIS_PER_SECOND: i64 = 1_000;

/// A time at which a key expires, in one of the four forms of the commands.
///
/// ```
/// use keyspace::Expiry;
/// assert_eq!(Expiry::InSeconds(10).at(5_000), Ok(15_000));
/// assert_eq!(Expiry::AtMillis(-3).at(5_000), Ok(0)); // long ago
/// assert!(Expiry::AtSeconds(i64::MAX).at(0).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Expiry {
    /// A number of seconds from now. In C: `EXPIRE`, `SET .. EX`.
    InSeconds(i64),
    /// A number of milliseconds from now. In C: `PEXPIRE`, `SET .. PX`.
    InMillis(i64),
    /// At an absolute time in seconds. In C: `EXPIREAT`, `SET .. EXAT`.
    AtSeconds(i64),
    /// At an absolute time in milliseconds. In C: `PEXPIREAT`, `SET .. PXAT`.
    AtMillis(i64),
}

impl Expiry {
    /// Returns the absolute time in milliseconds. A time before 0 becomes 0.
    ///
    /// # Errors
    /// [`Error::InvalidExpireTime`] if the time does not fit into 63 bits.
    pub fn at(self, now: u64) -> Result<u64, Error> {
        let (millis, relative) = match self {
            Self::InSeconds(seconds) => (seconds.checked_mul(MILLIS_PER_SECOND), true),
            Self::InMillis(millis) => (Some(millis), true),
            Self::AtSeconds(seconds) => (seconds.checked_mul(MILLIS_PER_SECOND), false),
            Self::AtMillis(millis) => (Some(millis), false),
        };
        let from = if relative { i64::try_from(now).ok() } else { Some(0) };
        let at = millis.zip(from).and_then(|(millis, from)| millis.checked_add(from));
        Ok(at.ok_or(Error::InvalidExpireTime)?.max(0).unsigned_abs())
    }

    /// Like [`at`](Self::at), but refuses numbers below 1, as `SET` and `GETEX` do.
    ///
    /// # Errors
    /// [`Error::InvalidExpireTime`] if the number is below 1, or the time does not fit into 63 bits.
    pub fn positive_at(self, now: u64) -> Result<u64, Error> {
        match self {
            Self::InSeconds(..=0) | Self::InMillis(..=0) | Self::AtSeconds(..=0) | Self::AtMillis(..=0) => {
                Err(Error::InvalidExpireTime)
            }
            expiry => expiry.at(now),
        }
    }
}

/// The conditions of `EXPIRE`, under their Redis names. All of them are off by default. An expiry is set only
/// if all conditions that are on hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExpireOptions {
    /// Only if the key has no expiry.
    pub nx: bool,
    /// Only if the key has an expiry.
    pub xx: bool,
    /// Only if the new expiry is later than the old one. A key without an expiry counts as one that never
    /// expires.
    pub gt: bool,
    /// Only if the new expiry is earlier than the old one, or if there is no old one.
    pub lt: bool,
}

impl ExpireOptions {
    /// Returns whether `EXPIRE` accepts these conditions together. `NX` excludes the other three, and `GT`
    /// excludes `LT`.
    pub fn are_compatible(self) -> bool {
        !(self.nx && (self.xx || self.gt || self.lt) || self.gt && self.lt)
    }

    /// Returns an error if the conditions are not compatible.
    pub(crate) fn check(self) -> Result<(), Error> {
        if self.are_compatible() {
            Ok(())
        } else if self.nx {
            Err(Error::IncompatibleOptions(
                "ERR NX and XX, GT or LT options at the same time are not compatible",
            ))
        } else {
            Err(Error::IncompatibleOptions("ERR GT and LT options at the same time are not compatible"))
        }
    }

    /// Returns whether the conditions allow the expiry `old` to be replaced by `new`.
    pub(crate) fn allow(self, old: Option<u64>, new: u64) -> bool {
        let is_later = old.is_some_and(|old| new > old);
        let is_earlier = old.is_none_or(|old| new < old);
        (!self.nx || old.is_none())
            && (!self.xx || old.is_some())
            && (!self.gt || is_later)
            && (!self.lt || is_earlier)
    }
}

/// The time until a key expires ([`Keyspace::ttl`](crate::Keyspace::ttl)), or the time at which it expires
/// ([`Keyspace::expire_time`](crate::Keyspace::expire_time)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Ttl {
    /// There is no such key.
    Absent,
    /// The key does not expire.
    Persistent,
    /// A time in milliseconds: the time that is left, which is at least 1, or the absolute time.
    Millis(u64),
}

impl Ttl {
    /// Returns the state of an entry. `millis` converts its expiry time.
    pub(crate) fn of(entry: Option<&Entry>, millis: impl FnOnce(u64) -> u64) -> Self {
        match entry.map(Entry::expiry) {
            None => Self::Absent,
            Some(None) => Self::Persistent,
            Some(Some(at)) => Self::Millis(millis(at)),
        }
    }

    /// Returns the time in milliseconds, or `None` if the key is absent or does not expire.
    pub fn millis(self) -> Option<u64> {
        match self {
            Self::Millis(millis) => Some(millis),
            Self::Absent | Self::Persistent => None,
        }
    }

    /// Returns the reply of `PTTL` and `PEXPIRETIME`: -2, -1, or milliseconds.
    pub fn as_millis(self) -> i64 {
        match self {
            Self::Absent => -2,
            Self::Persistent => -1,
            Self::Millis(millis) => i64::try_from(millis).unwrap_or(i64::MAX),
        }
    }

    /// Returns the reply of `TTL` and `EXPIRETIME`: -2, -1, or seconds, rounded to the nearest.
    ///
    /// ```
    /// use keyspace::Ttl;
    /// assert_eq!([Ttl::Millis(1_499), Ttl::Millis(1_500), Ttl::Absent].map(Ttl::as_secs), [1, 2, -2]);
    /// ```
    pub fn as_secs(self) -> i64 {
        match self {
            Self::Millis(millis) => {
                i64::try_from((millis / 1_000) + u64::from(millis % 1_000 >= 500)).unwrap_or(i64::MAX)
            }
            other => other.as_millis(),
        }
    }
}
