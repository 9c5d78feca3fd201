//! What happens when memory is above `maxmemory`: [`State::make_room`]. In C: `performEvictions`.

use crate::database::Database;
use crate::state::State;
use std::time::{Duration, Instant};

/// The keys that one database gives between two looks at the clock.
const KEYS: usize = 16;

impl State {
    /// Evicts keys until the bytes in use are within `maxmemory`, or until `maxmemory-eviction-tenacity` says that
    /// it is time for the next command. The rest is evicted by the commands after it, and by upkeep. Takes keys from
    /// the largest database, or from the first one that has some to evict.
    ///
    /// Returns whether a command that needs memory may run: the bytes are within the limit, or will be. In C:
    /// `EVICT_OK`, `EVICT_RUNNING`.
    pub(crate) fn make_room(&mut self) -> bool {
        let limit = self.config.options.get_maxmemory();
        if limit == 0 || self.counted_memory() <= limit {
            return true;
        }
        let mut may_run = true;
        let time = eviction_time(self.config.options.get_maxmemory_eviction_tenacity());
        let start = Instant::now();
        loop {
            let total = self.counted_memory();
            if total <= limit {
                break;
            }
            let now = self.now;
            let evict = |db: &mut Database| {
                set_other_bytes(db, total, limit);
                let evicted = db.keys.evict_some(now, KEYS);
                evicted.keys > 0 || evicted.bytes > 0
            };
            // Under a policy for keys with an expiry, the largest database may have nothing to evict.
            let largest = self.dbs.iter_mut().max_by_key(|db| db.keys.allocation_size());
            if !largest.is_some_and(evict) && !self.dbs.iter_mut().any(evict) {
                may_run = false;
                break;
            }
            if start.elapsed() >= time {
                self.upkeep_at = Instant::now();
                self.dbs.iter_mut().for_each(|db| db.upkeep_at = self.upkeep_at);
                break;
            }
        }
        // These keys were evicted before the next command runs, so they stand before it in the append-only file.
        self.publish_removed();
        may_run
    }

    /// Tells the keyspaces how many of the bytes in use are not theirs, before they look at `maxmemory`.
    pub(crate) fn update_other_bytes(&mut self) {
        let limit = self.config.options.get_maxmemory();
        if limit > 0 {
            let total = self.counted_memory();
            self.dbs.iter_mut().for_each(|db| set_other_bytes(db, total, limit));
        }
    }

    /// Returns the number of bytes in use that count towards `maxmemory`: all but those that a snapshot holds, and
    /// the names of removed keys that are not published yet, and the commands that will be written to the append-only
    /// file. If the names counted, an eviction of keys with long names would free nothing, and so evict all keys.
    pub(crate) fn counted_memory(&self) -> usize {
        let uncounted = |db: &Database| db.keys.snapshot_bytes() + db.removed.bytes();
        let uncounted: usize = self.dbs.iter().map(uncounted).sum();
        zmalloc::used_memory().saturating_sub(uncounted + self.append_only.buffer_size())
    }
}

/// Tells the keys of a database how many of the `total` bytes are not theirs.
///
/// A keyspace evicts nothing if the other bytes alone reach the limit. Redis then evicts all keys. So the other bytes
/// that are told stay below `limit`.
fn set_other_bytes(db: &mut Database, total: usize, limit: usize) {
    let own = db.keys.counted_bytes() - db.keys.other_bytes();
    db.keys.set_other_bytes(total.saturating_sub(own).min(limit.saturating_sub(1)));
}

/// Returns how long the evictions in front of one command may take. In C: `evictionTimeLimitUs`.
fn eviction_time(tenacity: u8) -> Duration {
    match tenacity {
        0..=10 => Duration::from_micros(50) * u32::from(tenacity),
        11..=99 => Duration::from_micros(500).mul_f64(1.15_f64.powi(i32::from(tenacity) - 10)),
        _ => Duration::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn the_time_for_evictions_grows_with_the_tenacity() {
        let micros = |tenacity| eviction_time(tenacity).as_micros();
        assert_eq!([0, 1, 10, 11].map(micros), [0, 50, 500, 575]);
        assert!((0..100).all(|tenacity| eviction_time(tenacity) < eviction_time(tenacity + 1)));
        assert_eq!(eviction_time(100), Duration::MAX);
    }

    #[test]
    fn a_limit_that_was_lowered_far_does_not_hold_the_next_command_up() {
        let mut config = Config::default();
        config.read(b"maxmemory-policy allkeys-lru\nmaxmemory-eviction-tenacity 0").unwrap();
        let mut state = State::new(config);
        for n in 0..20_000 {
            state.dbs[0].keys.set(format!("key:{n}").as_str(), "a value of some length", state.now).unwrap();
        }
        let limit = state.counted_memory() - 500_000;
        let set_limit = |state: &mut State, tenacity: u8| {
            let options = state.config.options.maxmemory(limit).maxmemory_eviction_tenacity(tenacity);
            state.config.options = options;
            state.apply_options().unwrap();
        };
        set_limit(&mut state, 0);
        assert!(state.make_room(), "the command may run although memory is above the limit");
        assert!((20_000 - KEYS..20_000).contains(&state.dbs[0].keys.len()));
        assert!(state.counted_memory() > limit && state.upkeep_at <= Instant::now());
        set_limit(&mut state, 100);
        assert!(state.make_room() && state.counted_memory() <= limit);
    }

    #[test]
    fn all_keys_go_if_the_other_bytes_alone_exceed_the_limit() {
        let mut config = Config::default();
        config.read(b"maxmemory-policy allkeys-lru\nmaxmemory-eviction-tenacity 100").unwrap();
        let mut state = State::new(config);
        for n in 0..1_000 {
            state.dbs[n % 2].keys.set(format!("key:{n}").as_str(), "value", state.now).unwrap();
        }
        state.config.options = state.config.options.maxmemory(1);
        state.apply_options().unwrap();
        assert!(!state.make_room(), "a command that needs memory is refused");
        assert!(state.dbs.iter().all(|db| db.keys.is_empty()));
    }
}
