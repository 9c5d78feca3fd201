//! [`MaxmemoryPolicy`]: the words of `maxmemory-policy`.

use core::fmt;

/// Which keys a store may evict, and in which order: the directive `maxmemory-policy`.
///
/// The policy decides today how a keyspace reads the 24 bits of access clock of each entry: as the time of
/// the last use, or as a counter of uses ([`is_lfu`](Self::is_lfu)).
///
/// ```
/// use keyspace::MaxmemoryPolicy;
/// assert_eq!(MaxmemoryPolicy::default().as_str(), "noeviction");
/// assert_eq!(MaxmemoryPolicy::from_name(b"AllKeys-LFU"), Some(MaxmemoryPolicy::AllkeysLfu));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MaxmemoryPolicy {
    /// No key is evicted. The default.
    #[default]
    Noeviction,
    /// Any key, the least recently used first.
    AllkeysLru,
    /// Any key, the least frequently used first.
    AllkeysLfu,
    /// Any key, at random.
    AllkeysRandom,
    /// Keys with an expiry, the least recently used first.
    VolatileLru,
    /// Keys with an expiry, the least frequently used first.
    VolatileLfu,
    /// Keys with an expiry, at random.
    VolatileRandom,
    /// Keys with an expiry, the one that expires soonest first.
    VolatileTtl,
}

impl MaxmemoryPolicy {
    /// All policies.
    pub const ALL: [Self; 8] = [
        Self::Noeviction,
        Self::AllkeysLru,
        Self::AllkeysLfu,
        Self::AllkeysRandom,
        Self::VolatileLru,
        Self::VolatileLfu,
        Self::VolatileRandom,
        Self::VolatileTtl,
    ];

    /// The word in redis.conf.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Noeviction => "noeviction",
            Self::AllkeysLru => "allkeys-lru",
            Self::AllkeysLfu => "allkeys-lfu",
            Self::AllkeysRandom => "allkeys-random",
            Self::VolatileLru => "volatile-lru",
            Self::VolatileLfu => "volatile-lfu",
            Self::VolatileRandom => "volatile-random",
            Self::VolatileTtl => "volatile-ttl",
        }
    }

    /// The policy with this word, in upper or lower case. `None` for any other word.
    pub fn from_name(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.as_str().as_bytes().eq_ignore_ascii_case(name))
    }

    /// Whether the policy goes by frequency of use, so that the access clock counts uses. In C:
    /// `MAXMEMORY_FLAG_LFU`.
    pub const fn is_lfu(self) -> bool {
        matches!(self, Self::AllkeysLfu | Self::VolatileLfu)
    }
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
            assert_eq!(policy.is_lfu(), word.ends_with("-lfu"));
        }
        for word in [&b""[..], b"lru", b"allkeys", b"allkeys-lru ", b"allkeys_lru"] {
            assert_eq!(MaxmemoryPolicy::from_name(word), None);
        }
    }
}
