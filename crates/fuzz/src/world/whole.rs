//! Operations on a whole keyspace: scans, removals of many keys, expiry, eviction, options, upkeep.

use super::input::{Count, Key, Kind, Limits, OneIn, Scale, Source};
use super::model::{Bytes, Model, Set};
use super::pair::Pair;
use crate::harness::clock;
use arbitrary::Arbitrary;
use keyspace::{Cursor, Error, Keyspace, MaxmemoryPolicy, ScanOptions};
use std::ops::RangeInclusive;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use symbols::SymbolTable;
use testing::NaiveGlob;

#[derive(Arbitrary, Debug)]
pub(crate) enum WholeOp {
    ScanAll {
        pattern: Pattern,
        kind: Option<Kind>,
        count: u8,
        chance: OneIn,
    },
    /// Makes the next call of a scan. Other operations run between its calls.
    ScanOn {
        count: u8,
    },
    Keys(Pattern, OneIn),
    RandomKey(Source),
    Retain(Pattern, OneIn),
    Clear(OneIn),
    Reserve(Count, OneIn),
    ShrinkToFit(OneIn),
    Rehash(u8),
    RehashFor(u8),
    Sweep(u8),
    SweepFor(u8),
    Limits(Limits, OneIn),
    Policy(u8, OneIn),
    Maxmemory(u8, OneIn),
    Tuning {
        samples: u8,
        tenacity: u8,
        effort: u8,
        log_factor: u8,
        decay_time: u8,
    },
    OtherBytes(u16),
    EvictDownTo(u8),
    EvictSome(u8),
    MakeRoom(u16),
    FreeSome(u8),
    FreeFor(u8),
    DropGarbage,
    Defrag(u8, OneIn),
    Maintain(u8, OneIn),
    /// Sets which operations leave garbage, and whether `maintain` defragments.
    Lazy(u8, OneIn),
    /// Codes strings and keys with one of two symbol tables, or with none.
    Symbols(u8, OneIn),
    Recode(u8, OneIn),
}

/// Symbol tables for runs of one byte. All long texts of these operations are such runs, and
/// long keys end with them.
pub(super) static TABLES: LazyLock<[Arc<SymbolTable>; 2]> = LazyLock::new(|| {
    let table = |len: usize, bytes: RangeInclusive<u8>| {
        let symbols = bytes.map(|byte| vec![byte; len]);
        Arc::new(SymbolTable::from_symbols(symbols).expect("255 symbols, and memory"))
    };
    [table(8, 0..=254), table(4, 1..=255)]
});

/// A glob pattern.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) struct Pattern(u8);

impl Pattern {
    fn bytes(self) -> &'static [u8] {
        let patterns: [&[u8]; 10] =
            [b"*", b"k*", b"[sl]*", b"?:*1*", b"*[5-9]", b"h:3", b"", b"[^z]*", b"*x", b"k:\\1?"];
        patterns[usize::from(self.0) % patterns.len()]
    }
}

/// On a large keyspace, one of this many operations that visit all keys or change an option is performed. The
/// others are skipped. On a small keyspace, one in four is performed ([`OneIn::one_in`]).
const RARELY: u16 = 16;
/// The same for operations that remove most keys.
const VERY_RARELY: u16 = 2_048;

/// Returns a `maxmemory`: 0, which is no limit, or a limit that is reached.
fn maxmemory(choice: u8, scale: Scale) -> usize {
    let limits = match scale {
        Scale::Small => [0, 0, 60_000, 100_000, 200_000, 400_000],
        Scale::Large => [0, 60_000, 300_000, 2 << 20, 8 << 20, 32 << 20],
    };
    limits[usize::from(choice) % limits.len()]
}

impl Pair<'_> {
    pub(crate) fn on_whole(&mut self, op: &WholeOp, scan: &mut Cursor) {
        let scale = self.context.scale;
        match *op {
            WholeOp::ScanAll { pattern, kind, count, chance } if chance.one_in(RARELY, scale) => {
                self.scan_all(pattern.bytes(), kind, count);
            }
            WholeOp::ScanOn { count } => self.scan_on(count, scan),
            WholeOp::Keys(pattern, chance) if chance.one_in(RARELY, scale) => {
                let pattern = pattern.bytes();
                self.read_and_compare(
                    |keyspace, now| {
                        let found: Vec<_> = keyspace.keys(pattern, now).map(|key| key.to_vec()).collect();
                        let (len, found) = (found.len(), found.into_iter().collect::<Set>());
                        assert_eq!(len, found.len(), "a key twice");
                        Ok(found)
                    },
                    |model| {
                        let glob = NaiveGlob::new(pattern);
                        let keys = model.iter().map(|(key, _)| key);
                        Ok(keys.filter(|key| glob.is_match(key)).cloned().collect())
                    },
                );
            }
            WholeOp::RandomKey(source) => {
                let key = self.keyspace.random_key(self.now(), source.numbers());
                assert_eq!(key.is_none(), self.model.len() == 0);
                assert!(
                    key.is_none_or(|key| self.model.contains(&key.text())),
                    "a random key that is not there"
                );
            }
            WholeOp::Retain(pattern, chance) if chance.one_in(VERY_RARELY, scale) => {
                let glob = NaiveGlob::new(pattern.bytes());
                self.change(
                    |keyspace, now| {
                        keyspace.retain(now, |key, _value| !glob.is_match(key));
                        assert_eq!(keyspace.len(), keyspace.iter(now).count(), "an expired key is left");
                    },
                    |model| model.retain(|key| !glob.is_match(key)),
                );
            }
            WholeOp::Clear(chance) if chance.one_in(VERY_RARELY, scale) => {
                self.change(|keyspace, _now| keyspace.clear(), Model::clear);
                *scan = Cursor::START;
            }
            WholeOp::Reserve(count, chance) if chance.one_in(RARELY, scale) => {
                self.is_unlimited = true;
                let additional = count.of(scale);
                self.run_and_compare(|keyspace, _now| Ok(keyspace.try_reserve(additional)?), |_model| Ok(()));
            }
            WholeOp::ShrinkToFit(chance) if chance.one_in(RARELY, scale) => {
                self.upkeep(Keyspace::shrink_to_fit);
            }
            WholeOp::Rehash(chunks) => {
                self.upkeep(|keyspace| _ = keyspace.rehash(chunks.into()));
            }
            WholeOp::RehashFor(calls) => {
                let budget = Duration::from_millis(calls.into());
                self.upkeep(|keyspace| _ = keyspace.rehash_for(budget, clock()));
            }
            WholeOp::Sweep(_) | WholeOp::SweepFor(_) => self.sweep(op),
            WholeOp::EvictDownTo(_) | WholeOp::EvictSome(_) => self.evict(op),
            WholeOp::MakeRoom(bytes) => {
                let before = self.keyspace.len();
                self.run_and_compare(|keyspace, now| keyspace.make_room(bytes.into(), now), |_model| Ok(()));
                assert!(self.keyspace.len() <= before);
            }
            WholeOp::FreeSome(blocks) => self.upkeep(|keyspace| _ = keyspace.free_some(blocks.into())),
            WholeOp::FreeFor(calls) => {
                let budget = Duration::from_millis((calls % 16).into());
                self.upkeep(|keyspace| _ = keyspace.free_for(budget, clock()));
            }
            WholeOp::DropGarbage => self.upkeep(|keyspace| drop(keyspace.take_garbage())),
            WholeOp::Defrag(calls, chance) if chance.one_in(RARELY, scale) => {
                let budget = Duration::from_millis(calls.into());
                self.upkeep(|keyspace| _ = keyspace.defrag_for(budget, clock()));
            }
            WholeOp::Maintain(calls, chance) if chance.one_in(RARELY, scale) => {
                let budget = Duration::from_millis(calls.into());
                let now = self.now();
                self.upkeep(|keyspace| _ = keyspace.maintain(now, budget, clock()));
            }
            WholeOp::Symbols(choice, chance) if chance.one_in(RARELY, scale) => {
                let table = TABLES.get(usize::from(choice) % 3).cloned();
                self.upkeep(|keyspace| match keyspace.set_symbols(table) {
                    Ok(()) | Err(Error::SymbolsInUse) => {}
                    Err(error) => panic!("{error}"),
                });
            }
            WholeOp::Recode(calls, chance) if chance.one_in(RARELY, scale) => {
                let budget = Duration::from_millis(calls.into());
                self.upkeep(|keyspace| _ = keyspace.recode_for(budget, clock()));
            }
            _ => self.set_options(op),
        }
        let pending = self.keyspace.lazyfree_pending_bytes();
        assert!(pending <= self.keyspace.allocation_size(), "{pending} bytes are garbage");
    }

    /// Performs an operation that cannot fail.
    fn change(&mut self, run: impl FnOnce(&mut Keyspace, u64), want: impl FnOnce(&mut Model)) {
        self.run_and_compare(
            |keyspace, now| {
                run(keyspace, now);
                Ok(())
            },
            |model| {
                want(model);
                Ok(())
            },
        );
    }

    /// Performs an operation that changes no key. It may use memory above the limit.
    fn upkeep(&mut self, run: impl FnOnce(&mut Keyspace)) {
        self.is_unlimited = true;
        self.change(|keyspace, _now| run(keyspace), |_model| {});
    }

    fn scan_all(&mut self, pattern: &[u8], kind: Option<Kind>, count: u8) {
        let object_type = kind.map(Kind::object_type);
        let options = ScanOptions { pattern: Some(pattern), object_type, count: count.into() };
        self.read_and_compare(
            |keyspace, now| {
                let (mut cursor, mut found) = (Cursor::START, Set::new());
                loop {
                    cursor = keyspace.scan(cursor, &options, now, |key, value| {
                        assert!(object_type.is_none_or(|wanted| wanted == value.object_type()));
                        found.insert(key.to_vec());
                    });
                    if cursor.is_start() {
                        return Ok(found);
                    }
                }
            },
            |model| {
                let glob = NaiveGlob::new(pattern);
                let wanted = model.iter().filter(|(key, held)| {
                    glob.is_match(key)
                        && object_type.is_none_or(|wanted| wanted == held.content.object_type())
                });
                Ok(wanted.map(|(key, _)| key.clone()).collect())
            },
        );
    }

    /// Makes the next call of a scan. A key that exists from the first call to the last must be visited.
    fn scan_on(&mut self, count: u8, cursor: &mut Cursor) {
        if cursor.is_start() {
            self.model.unseen = self.model.iter().map(|(key, _)| key.clone()).collect();
        }
        let options = ScanOptions { count: count.into(), ..ScanOptions::default() };
        let model = &mut *self.model;
        *cursor = self.keyspace.scan(*cursor, &options, self.context.now, |key, value| {
            let held = model.get(key);
            assert_eq!(held.map(|held| held.content.object_type()), Some(value.object_type()));
            model.unseen.remove(key);
        });
        if cursor.is_start() {
            let unseen = &model.unseen;
            assert!(unseen.is_empty(), "a scan that has ended has not shown {:?}", unseen.first());
        }
    }

    fn sweep(&mut self, op: &WholeOp) {
        let (before, stale) = (self.keyspace.len(), self.model.stale.len());
        let (time, budget) = match *op {
            WholeOp::SweepFor(calls) => (Some(Duration::from_millis((calls % 8).into())), 0),
            WholeOp::Sweep(budget) => (None, usize::from(budget)),
            _ => unreachable!("another operation"),
        };
        let mut removed = 0;
        self.change(
            |keyspace, now| {
                let swept = match time {
                    Some(time) => keyspace.expire_for(now, time, clock()),
                    None => keyspace.expire_some(now, budget),
                };
                assert!(swept.removed <= swept.looked_at && swept.removed <= stale, "{swept:?}");
                removed = swept.removed;
            },
            |_model| {},
        );
        assert_eq!(before - self.keyspace.len(), removed, "the keys that a sweep has removed");
    }

    fn evict(&mut self, op: &WholeOp) {
        // The first search for a victim allocates memory, and the evicted keys may free less than that.
        self.is_unlimited = true;
        let (before, evicted, policy) = (
            self.keyspace.len(),
            self.keyspace.evicted_keys(),
            self.keyspace.options().get_maxmemory_policy(),
        );
        self.change(
            |keyspace, now| {
                let gone = match *op {
                    WholeOp::EvictDownTo(keys) => {
                        let most = usize::from(keys % 16);
                        let gone = keyspace.evict_down_to(keyspace.len().saturating_sub(most), now);
                        assert!(gone <= most, "{gone} evicted, and not {most}");
                        gone
                    }
                    WholeOp::EvictSome(budget) => {
                        let gone = keyspace.evict_some(now, budget.into());
                        assert!(gone.keys <= budget.into(), "{gone:?}");
                        gone.keys
                    }
                    _ => unreachable!("another operation"),
                };
                assert_eq!(before - keyspace.len(), gone, "the keys that were evicted");
            },
            |_model| {},
        );
        assert!(policy != MaxmemoryPolicy::Noeviction || self.keyspace.len() == before);
        self.find_evicted_keys();
        assert!(self.keyspace.evicted_keys() >= evicted);
    }

    fn set_options(&mut self, op: &WholeOp) {
        let (scale, options) = (self.context.scale, *self.keyspace.options());
        let options = match *op {
            WholeOp::Limits(limits, chance) if chance.one_in(RARELY, scale) => limits.within(options),
            WholeOp::Policy(policy, chance) if chance.one_in(RARELY, scale) => options
                .maxmemory_policy(MaxmemoryPolicy::ALL[usize::from(policy) % MaxmemoryPolicy::ALL.len()]),
            // Without a log, the model does not learn which keys a write evicts, so there is no limit.
            WholeOp::Maxmemory(choice, chance) if chance.one_in(RARELY, scale) && self.has_log() => {
                options.maxmemory(maxmemory(choice, scale))
            }
            WholeOp::Tuning { samples, tenacity, effort, log_factor, decay_time } => options
                .maxmemory_samples(samples.into())
                .maxmemory_eviction_tenacity(tenacity)
                .active_expire_effort(effort % 12)
                .lfu_log_factor(log_factor.into())
                .lfu_decay_time(decay_time.into()),
            WholeOp::Lazy(bits, chance) if chance.one_in(RARELY, scale) => {
                let [eviction, expire, server_del, user_del, user_flush, defrag] =
                    [1, 2, 4, 8, 16, 32].map(|bit| bits & bit != 0);
                options
                    .lazyfree_lazy_eviction(eviction)
                    .lazyfree_lazy_expire(expire)
                    .lazyfree_lazy_server_del(server_del)
                    .lazyfree_lazy_user_del(user_del)
                    .lazyfree_lazy_user_flush(user_flush)
                    .activedefrag(defrag)
            }
            WholeOp::OtherBytes(bytes) => {
                let most = options.get_maxmemory() / 8;
                self.is_unlimited = true;
                self.keyspace.set_other_bytes(usize::from(bytes).min(most));
                return;
            }
            _ => return,
        };
        self.upkeep(|keyspace| keyspace.set_options(options));
    }
}

/// Returns the names of the keys of an operation.
pub(crate) fn names(keys: [Key; 3], kind: Kind, scale: Scale) -> [Bytes; 3] {
    keys.map(|key| key.name(kind, scale))
}
