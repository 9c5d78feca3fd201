//! [`MaxmemoryPolicy`]: the values of `maxmemory-policy`.

use core::fmt;

/// The policy of eviction: which keys a keyspace may evict, and in which order. In redis.conf:
/// `maxmemory-policy`.
///
/// The policy determines whether all keys may be evicted, or only those with an expiry
/// ([`is_volatile`](Self::is_volatile)). It also determines the meaning of the 24 bits of each entry's access
/// clock:
///
/// | policy | access clock |
/// |---|---|
/// | `allkeys-lfu`, `volatile-lfu` | a counter of uses, and the minute of the last one |
/// | `allkeys-s3fifo`, `volatile-s3fifo` | two bits that count uses from 0 to 3, and the entry's place in the queues |
/// | `allkeys-lrm`, `volatile-lrm` | the second of the last modification |
/// | all others | the second of the last use |
///
/// The policies are those of Redis 8.6, and two that only redcore has: `allkeys-s3fifo` and
/// `volatile-s3fifo`.
///
/// ```
/// use keyspace::MaxmemoryPolicy;
/// assert_eq!(MaxmemoryPolicy::default().as_str(), "noeviction");
/// assert_eq!(MaxmemoryPolicy::from_name(b"AllKeys-LFU"), Some(MaxmemoryPolicy::AllkeysLfu));
/// assert!(MaxmemoryPolicy::VolatileTtl.is_volatile());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MaxmemoryPolicy {
    // Policies whose clocks have the same meaning are neighbours, so that a look-up distinguishes them by one
    // comparison.
    /// No key is evicted. The default.
    #[default]
    Noeviction,
    /// Any key, the least recently used first.
    AllkeysLru,
    /// Any key, at random.
    AllkeysRandom,
    /// Keys with an expiry, the least recently used first.
    VolatileLru,
    /// Keys with an expiry, at random.
    VolatileRandom,
    /// Keys with an expiry, the one that expires soonest first.
    VolatileTtl,
    /// Any key, the least recently modified first. Reads do not count. In Redis since 8.6.
    AllkeysLrm,
    /// Keys with an expiry, the least recently modified first. Reads do not count. In Redis since 8.6.
    VolatileLrm,
    /// Any key, in the order of S3-FIFO: keys that are not used again soon after they are added come first.
    /// Redis has no such policy.
    AllkeysS3fifo,
    /// Keys with an expiry, in the order of S3-FIFO: keys that are not used again soon after they are added
    /// come first. A key that gets its expiry later counts as used. Redis has no such policy.
    VolatileS3fifo,
    /// Any key, the least frequently used first.
    AllkeysLfu,
    /// Keys with an expiry, the least frequently used first.
    VolatileLfu,
}

impl MaxmemoryPolicy {
    /// All policies.
    pub const ALL: [Self; 12] = [
        Self::Noeviction,
        Self::AllkeysLru,
        Self::AllkeysLrm,
        Self::AllkeysLfu,
        Self::AllkeysS3fifo,
        Self::AllkeysRandom,
        Self::VolatileLru,
        Self::VolatileLrm,
        Self::VolatileLfu,
        Self::VolatileS3fifo,
        Self::VolatileRandom,
        Self::VolatileTtl,
    ];

    /// Returns the name in redis.conf.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Noeviction => "noeviction",
            Self::AllkeysLru => "allkeys-lru",
            Self::AllkeysLrm => "allkeys-lrm",
            Self::AllkeysLfu => "allkeys-lfu",
            Self::AllkeysS3fifo => "allkeys-s3fifo",
            Self::AllkeysRandom => "allkeys-random",
            Self::VolatileLru => "volatile-lru",
            Self::VolatileLrm => "volatile-lrm",
            Self::VolatileLfu => "volatile-lfu",
            Self::VolatileS3fifo => "volatile-s3fifo",
            Self::VolatileRandom => "volatile-random",
            Self::VolatileTtl => "volatile-ttl",
        }
    }

    /// Returns the policy with this name, in upper or lower case, or `None` if there is no such policy.
    pub fn from_name(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.as_str().as_bytes().eq_ignore_ascii_case(name))
    }

    /// Returns whether only keys with an expiry are evicted. In C: not `MAXMEMORY_FLAG_ALLKEYS`.
    pub const fn is_volatile(self) -> bool {
        matches!(
            self,
            Self::VolatileLru
                | Self::VolatileLrm
                | Self::VolatileLfu
                | Self::VolatileS3fifo
                | Self::VolatileRandom
                | Self::VolatileTtl
        )
    }

    /// Returns whether the policy is LFU, so that the access clock counts uses. In C: `MAXMEMORY_FLAG_LFU`.
    pub const fn is_lfu(self) -> bool {
        matches!(self.ranking(), Ranking::Lfu)
    }

    /// Returns whether the policy is LRM, so that reads do not change the access clock. In C:
    /// `MAXMEMORY_FLAG_LRM`.
    pub const fn is_lrm(self) -> bool {
        matches!(self.ranking(), Ranking::Lrm)
    }

    /// Returns whether the policy is S3-FIFO, so that two bits of the access clock count uses. Redis has no
    /// such policy.
    pub const fn is_s3fifo(self) -> bool {
        matches!(self.ranking(), Ranking::S3fifo)
    }

    /// Returns the order in which keys are evicted.
    #[inline]
    pub(crate) const fn ranking(self) -> Ranking {
        match self {
            Self::Noeviction => Ranking::None,
            Self::AllkeysLru | Self::VolatileLru => Ranking::Lru,
            Self::AllkeysLrm | Self::VolatileLrm => Ranking::Lrm,
            Self::AllkeysLfu | Self::VolatileLfu => Ranking::Lfu,
            Self::AllkeysS3fifo | Self::VolatileS3fifo => Ranking::S3fifo,
            Self::AllkeysRandom | Self::VolatileRandom => Ranking::Random,
            Self::VolatileTtl => Ranking::Ttl,
        }
    }
}

/// The order in which a policy evicts the keys that it may evict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ranking {
    /// No key is evicted.
    None,
    /// At random.
    Random,
    /// The least recently used first.
    Lru,
    /// The least recently modified first.
    Lrm,
    /// The least frequently used first.
    Lfu,
    /// The one that expires soonest first.
    Ttl,
    /// By S3-FIFO.
    S3fifo,
}

impl Ranking {
    /// Returns the meaning of access clocks.
    #[inline]
    pub(crate) const fn clock(self) -> ClockKind {
        match self {
            Self::None | Self::Random | Self::Lru | Self::Lrm | Self::Ttl => ClockKind::Seconds,
            Self::Lfu => ClockKind::Lfu,
            Self::S3fifo => ClockKind::S3fifo,
        }
    }
}

/// The meaning of the 24 bits of an access clock. Clocks stay valid if the policy changes to another one of
/// the same kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClockKind {
    /// The second of the last use, or of the last modification.
    Seconds,
    /// A counter of uses, and the minute of the last one ([`values::Lfu`]).
    Lfu,
    /// The entry's place in the queues of S3-FIFO, and a counter of uses in the two low bits.
    S3fifo,
}

impl fmt::Display for MaxmemoryPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_policy_is_found_by_its_word_in_any_case() {
        for policy in MaxmemoryPolicy::ALL {
            let word = policy.to_string();
            assert_eq!(MaxmemoryPolicy::from_name(word.as_bytes()), Some(policy));
            assert_eq!(MaxmemoryPolicy::from_name(word.to_uppercase().as_bytes()), Some(policy));
            assert_eq!(policy.is_volatile(), word.starts_with("volatile-"));
            assert_eq!(policy.is_lfu(), word.ends_with("-lfu"));
            assert_eq!(policy.is_lrm(), word.ends_with("-lrm"));
            assert_eq!(policy.is_s3fifo(), word.ends_with("-s3fifo"));
        }
        for word in [&b""[..], b"lru", b"allkeys", b"allkeys-lru ", b"allkeys_lru"] {
            assert_eq!(MaxmemoryPolicy::from_name(word), None);
        }
    }
}
