//! [`Options`]: what a keyspace can be told, with redis.conf's names, ranges and defaults.
//!
//! Options are a plain value of some words. It is made by setters in a row, or read from the text of a
//! redis.conf, and it is written as such a text. Every value is in its directive's range, because a setter
//! takes a value outside of the range as the nearest one in it. So the text that [`Options`] writes reads
//! back as the same options.
//!
//! Only directives of a keyspace are here. A redis.conf that has others is read, and reports them among the
//! [unknown](Parsed::unknown) directives.
//!
//! | directive | range | default | argument |
//! |---|---|---|---|
//! | `hash-max-listpack-entries` | from 0 | 512 | integer |
//! | `hash-max-listpack-value` | from 0 | 64 | memory |
//! | `list-max-listpack-size` | 32 bits, signed | -2 | integer |
//! | `list-compress-depth` | from 0; above 65,535 counts as 65,535 | 0 | integer |
//! | `set-max-intset-entries` | from 0 | 512 | integer |
//! | `set-max-listpack-entries` | from 0 | 128 | integer |
//! | `set-max-listpack-value` | from 0 | 64 | integer |
//! | `zset-max-listpack-entries` | from 0 | 128 | integer |
//! | `zset-max-listpack-value` | from 0 | 64 | memory |
//! | `proto-max-bulk-len` | from 1 MiB | 512 MiB | memory |
//! | `maxmemory` | from 0 | 0 (no limit) | memory |
//! | `maxmemory-policy` | [`MaxmemoryPolicy`] | `noeviction` | word |
//! | `maxmemory-samples` | 1 to 64 | 5 | integer |
//! | `maxmemory-eviction-tenacity` | 0 to 100 | 10 | integer |
//! | `lfu-log-factor` | from 0 | 10 | integer |
//! | `lfu-decay-time` | from 0 | 1 (minute) | integer |
//! | `active-expire-effort` | 1 to 10 | 1 | integer |
//! | `lazyfree-lazy-eviction`, `-expire`, `-server-del`, `-user-del`, `-user-flush` | `yes` or `no` | `yes` | word |
//! | `activedefrag` | `yes` or `no` | `yes` | word |
//! | `active-defrag-ignore-bytes` | from 1 | 100 MiB | memory |
//! | `active-defrag-threshold-lower` | 0 to 1,000 | 10 (%) | integer |
//! | `active-defrag-threshold-upper` | 0 to 1,000 | 100 (%) | integer |
//! | `active-defrag-cycle-min` | 1 to 99 | 1 (%) | integer |
//! | `active-defrag-cycle-max` | 1 to 99 | 25 (%) | integer |
//!
//! The lazyfree defaults are those of Valkey 8. In Redis they are `no`.
//!
//! `activedefrag` is `no` in Redis, which needs a patched jemalloc for it. Here a stock jemalloc is enough,
//! and nothing moves below the thresholds.
//!
//! Learned from: Redis' `config.c` and redis.conf (names, ranges, defaults).

mod conf;
mod directive;
mod error;
mod policy;

pub use conf::{Parsed, UnknownDirective};
pub use error::{ConfError, ConfErrorKind};
pub use policy::MaxmemoryPolicy;
pub(crate) use policy::{ClockKind, Ranking};

use core::ops::RangeInclusive;
use values::{EncodingLimits, LfuParams};

/// What counts and sizes are allowed; the same as in Redis, whose upper limit is `LONG_MAX`.
const SIZES: RangeInclusive<usize> = 0..=isize::MAX as usize;
/// What `proto-max-bulk-len` is allowed, in bytes.
const BULK_LENS: RangeInclusive<usize> = 1024 * 1024..=isize::MAX as usize;
/// What `maxmemory-samples` is allowed.
const SAMPLES: RangeInclusive<usize> = 1..=64;
/// What `maxmemory-eviction-tenacity` is allowed.
const TENACITIES: RangeInclusive<u8> = 0..=100;
/// What the LFU parameters are allowed.
const LFU_PARAMS: RangeInclusive<u32> = 0..=i32::MAX as u32;
/// What `active-expire-effort` is allowed.
const EFFORTS: RangeInclusive<u8> = 1..=10;
/// What `active-defrag-ignore-bytes` is allowed.
const IGNORED_BYTES: RangeInclusive<usize> = 1..=isize::MAX as usize;
/// What the thresholds of fragmentation are allowed, in percent.
const THRESHOLDS: RangeInclusive<u16> = 0..=1_000;
/// What the shares of the time are allowed, in percent.
const CYCLES: RangeInclusive<u8> = 1..=99;

/// What a keyspace can be told. Names, ranges and defaults are those of redis.conf in Redis 7.4, but for the
/// defaults of [`activedefrag`](Self::activedefrag) and of the lazyfree options. Each setter is named after
/// its directive. [`MaxmemoryPolicy`] has more words than Redis 7.4. A setter takes a value outside of the
/// range as the nearest one in it.
///
/// ```
/// use keyspace::{MaxmemoryPolicy, Options};
/// let options = Options::new().hash_max_listpack_entries(128).maxmemory_policy(MaxmemoryPolicy::AllkeysLfu);
/// assert_eq!(options.encoding_limits().hash_max_listpack_entries, 128);
/// assert!(options.get_maxmemory_policy().is_lfu());
/// ```
///
/// `Display` writes all options as the text of a redis.conf, which [`from_conf`](Self::from_conf) reads:
///
/// ```
/// use keyspace::Options;
/// let text = Options::new().lfu_decay_time(5).to_string();
/// assert!(text.starts_with("hash-max-listpack-entries 512\n") && text.contains("\nlfu-decay-time 5\n"));
/// assert_eq!(Options::from_conf(text.as_bytes())?.options, Options::new().lfu_decay_time(5));
/// # Ok::<(), keyspace::ConfError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Options {
    limits: EncodingLimits,
    maxmemory: usize,
    policy: MaxmemoryPolicy,
    samples: usize,
    tenacity: u8,
    lfu: LfuParams,
    expire_effort: u8,
    lazy: Lazy,
    defrag: DefragOptions,
}

/// Which operations leave large values as garbage: the lazyfree options.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Lazy {
    pub(crate) eviction: bool,
    pub(crate) expire: bool,
    pub(crate) server_del: bool,
    pub(crate) user_del: bool,
    pub(crate) user_flush: bool,
}

/// What the directives of active defragmentation say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct DefragOptions {
    is_active: bool,
    ignore_bytes: usize,
    threshold_lower: u16,
    threshold_upper: u16,
    cycle_min: u8,
    cycle_max: u8,
}

impl Options {
    /// The defaults.
    pub const fn new() -> Self {
        Self {
            limits: EncodingLimits::DEFAULT,
            maxmemory: 0,
            policy: MaxmemoryPolicy::Noeviction,
            samples: 5,
            tenacity: 10,
            lfu: LfuParams { log_factor: 10, decay_time: 1 },
            expire_effort: *EFFORTS.start(),
            lazy: Lazy { eviction: true, expire: true, server_del: true, user_del: true, user_flush: true },
            defrag: DefragOptions {
                is_active: true,
                ignore_bytes: 100 << 20,
                threshold_lower: 10,
                threshold_upper: 100,
                cycle_min: 1,
                cycle_max: 25,
            },
        }
    }

    /// The most fields of a hash in a listpack.
    #[must_use]
    pub fn hash_max_listpack_entries(mut self, entries: usize) -> Self {
        self.limits.hash_max_listpack_entries = nearest(entries, &SIZES);
        self
    }

    /// The longest field or value, in bytes, of a hash in a listpack.
    #[must_use]
    pub fn hash_max_listpack_value(mut self, bytes: usize) -> Self {
        self.limits.hash_max_listpack_value = nearest(bytes, &SIZES);
        self
    }

    /// The most elements of a list's listpack, if positive; -1 to -5 limit its bytes to 4, 8, 16, 32 or 64
    /// KiB. 0 is the same as 1, and what is below -5 is the same as -5.
    #[must_use]
    pub fn list_max_listpack_size(mut self, size: i32) -> Self {
        self.limits.list_max_listpack_size = size;
        self
    }

    /// How many listpacks at each end of a list are never compressed; 0 compresses none.
    #[must_use]
    pub fn list_compress_depth(mut self, depth: u16) -> Self {
        self.limits.list_compress_depth = depth;
        self
    }

    /// The most members of a set in an intset.
    #[must_use]
    pub fn set_max_intset_entries(mut self, entries: usize) -> Self {
        self.limits.set_max_intset_entries = nearest(entries, &SIZES);
        self
    }

    /// The most members of a set in a listpack.
    #[must_use]
    pub fn set_max_listpack_entries(mut self, entries: usize) -> Self {
        self.limits.set_max_listpack_entries = nearest(entries, &SIZES);
        self
    }

    /// The longest member, in bytes, of a set in a listpack.
    #[must_use]
    pub fn set_max_listpack_value(mut self, bytes: usize) -> Self {
        self.limits.set_max_listpack_value = nearest(bytes, &SIZES);
        self
    }

    /// The most members of a sorted set in a listpack.
    #[must_use]
    pub fn zset_max_listpack_entries(mut self, entries: usize) -> Self {
        self.limits.zset_max_listpack_entries = nearest(entries, &SIZES);
        self
    }

    /// The longest member, in bytes, of a sorted set in a listpack.
    #[must_use]
    pub fn zset_max_listpack_value(mut self, bytes: usize) -> Self {
        self.limits.zset_max_listpack_value = nearest(bytes, &SIZES);
        self
    }

    /// The longest string, in bytes, that `APPEND`, `SETRANGE`, `SETBIT` and their like make. At least 1 MiB.
    #[must_use]
    pub fn proto_max_bulk_len(mut self, bytes: usize) -> Self {
        self.limits.proto_max_bulk_len = nearest(bytes, &BULK_LENS);
        self
    }

    /// The most bytes that a keyspace may have; 0 is no limit. They are those that
    /// [`Keyspace::allocation_size`](crate::Keyspace::allocation_size) counts, and what the caller says of
    /// others, such as the buffers of its clients. At most `isize::MAX`; in Redis at most `ULLONG_MAX`.
    #[must_use]
    pub fn maxmemory(mut self, bytes: usize) -> Self {
        self.maxmemory = nearest(bytes, &SIZES);
        self
    }

    /// Which keys may be evicted, in which order, and what each entry's access clock tells.
    #[must_use]
    pub fn maxmemory_policy(mut self, policy: MaxmemoryPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// How many keys are looked at for each key that is evicted, from 1 to 64. More samples come nearer to
    /// the order of the policy, and cost more time.
    #[must_use]
    pub fn maxmemory_samples(mut self, samples: usize) -> Self {
        self.samples = nearest(samples, &SAMPLES);
        self
    }

    /// How much a write evicts beyond what it needs, after the limit was lowered: from 0, the least, to 100,
    /// without bound. In Redis it gives the time limit of one loop of evictions.
    #[must_use]
    pub fn maxmemory_eviction_tenacity(mut self, tenacity: u8) -> Self {
        self.tenacity = nearest(tenacity, &TENACITIES);
        self
    }

    /// How much harder each step of the LFU counter is than the one before; 0 counts every use. At most
    /// `i32::MAX`.
    #[must_use]
    pub fn lfu_log_factor(mut self, factor: u32) -> Self {
        self.lfu.log_factor = nearest(factor, &LFU_PARAMS);
        self
    }

    /// After how many minutes the LFU counter loses one; 0 is never. At most `i32::MAX`.
    #[must_use]
    pub fn lfu_decay_time(mut self, minutes: u32) -> Self {
        self.lfu.decay_time = nearest(minutes, &LFU_PARAMS);
        self
    }

    /// How thoroughly the active cycle looks for expired keys, from 1 to 10. More effort costs more time and
    /// leaves fewer expired keys in memory.
    #[must_use]
    pub fn active_expire_effort(mut self, effort: u8) -> Self {
        self.expire_effort = nearest(effort, &EFFORTS);
        self
    }

    /// Whether evictions leave large values as garbage, to be freed later.
    #[must_use]
    pub fn lazyfree_lazy_eviction(mut self, is_lazy: bool) -> Self {
        self.lazy.eviction = is_lazy;
        self
    }

    /// Whether keys that expire leave large values as garbage, to be freed later.
    #[must_use]
    pub fn lazyfree_lazy_expire(mut self, is_lazy: bool) -> Self {
        self.lazy.expire = is_lazy;
        self
    }

    /// Whether writes that replace a value, and renames, leave large values as garbage, to be freed later.
    #[must_use]
    pub fn lazyfree_lazy_server_del(mut self, is_lazy: bool) -> Self {
        self.lazy.server_del = is_lazy;
        self
    }

    /// Whether removals leave large values as garbage, to be freed later.
    #[must_use]
    pub fn lazyfree_lazy_user_del(mut self, is_lazy: bool) -> Self {
        self.lazy.user_del = is_lazy;
        self
    }

    /// Whether [`clear`](crate::Keyspace::clear) leaves all entries as garbage, to be freed later.
    #[must_use]
    pub fn lazyfree_lazy_user_flush(mut self, is_lazy: bool) -> Self {
        self.lazy.user_flush = is_lazy;
        self
    }

    /// Whether [`Keyspace::active_defrag`](crate::Keyspace::active_defrag) does anything. The default is
    /// `true`. Redis' default is `no`, because it needs a patched jemalloc.
    #[must_use]
    pub fn activedefrag(mut self, is_active: bool) -> Self {
        self.defrag.is_active = is_active;
        self
    }

    /// The least fragmentation, in bytes, at which active defragmentation begins. At least 1.
    #[must_use]
    pub fn active_defrag_ignore_bytes(mut self, bytes: usize) -> Self {
        self.defrag.ignore_bytes = nearest(bytes, &IGNORED_BYTES);
        self
    }

    /// The least fragmentation at which active defragmentation begins, in percent of the bytes that are
    /// allocated. At most 1,000.
    #[must_use]
    pub fn active_defrag_threshold_lower(mut self, percent: u16) -> Self {
        self.defrag.threshold_lower = nearest(percent, &THRESHOLDS);
        self
    }

    /// The fragmentation from which on active defragmentation takes the most time, in percent of the bytes
    /// that are allocated. At most 1,000.
    #[must_use]
    pub fn active_defrag_threshold_upper(mut self, percent: u16) -> Self {
        self.defrag.threshold_upper = nearest(percent, &THRESHOLDS);
        self
    }

    /// How much of the time active defragmentation takes at the lower threshold, in percent: from 1 to 99.
    #[must_use]
    pub fn active_defrag_cycle_min(mut self, percent: u8) -> Self {
        self.defrag.cycle_min = nearest(percent, &CYCLES);
        self
    }

    /// How much of the time active defragmentation takes at the upper threshold, in percent: from 1 to 99.
    #[must_use]
    pub fn active_defrag_cycle_max(mut self, percent: u8) -> Self {
        self.defrag.cycle_max = nearest(percent, &CYCLES);
        self
    }

    /// The limits of all directives about encodings and sizes. Its fields that are not directives have their
    /// defaults.
    pub const fn encoding_limits(&self) -> &EncodingLimits {
        &self.limits
    }

    /// What `lfu-log-factor` and `lfu-decay-time` are.
    pub const fn lfu_params(&self) -> &LfuParams {
        &self.lfu
    }

    /// What `maxmemory` is, in bytes; 0 is no limit.
    pub const fn get_maxmemory(&self) -> usize {
        self.maxmemory
    }

    /// What `maxmemory-policy` is.
    pub const fn get_maxmemory_policy(&self) -> MaxmemoryPolicy {
        self.policy
    }

    /// What `maxmemory-samples` is, from 1 to 64.
    pub const fn get_maxmemory_samples(&self) -> usize {
        self.samples
    }

    /// What `maxmemory-eviction-tenacity` is, from 0 to 100.
    pub const fn get_maxmemory_eviction_tenacity(&self) -> u8 {
        self.tenacity
    }

    /// What `active-expire-effort` is, from 1 to 10.
    pub const fn get_active_expire_effort(&self) -> u8 {
        self.expire_effort
    }

    /// What `lazyfree-lazy-eviction` is.
    pub const fn get_lazyfree_lazy_eviction(&self) -> bool {
        self.lazy.eviction
    }

    /// What `lazyfree-lazy-expire` is.
    pub const fn get_lazyfree_lazy_expire(&self) -> bool {
        self.lazy.expire
    }

    /// What `lazyfree-lazy-server-del` is.
    pub const fn get_lazyfree_lazy_server_del(&self) -> bool {
        self.lazy.server_del
    }

    /// What `lazyfree-lazy-user-del` is.
    pub const fn get_lazyfree_lazy_user_del(&self) -> bool {
        self.lazy.user_del
    }

    /// What `lazyfree-lazy-user-flush` is.
    pub const fn get_lazyfree_lazy_user_flush(&self) -> bool {
        self.lazy.user_flush
    }

    pub(crate) const fn lazy(&self) -> Lazy {
        self.lazy
    }

    /// Whether `activedefrag` is `yes`.
    pub const fn get_activedefrag(&self) -> bool {
        self.defrag.is_active
    }

    /// What `active-defrag-ignore-bytes` is, in bytes.
    pub const fn get_active_defrag_ignore_bytes(&self) -> usize {
        self.defrag.ignore_bytes
    }

    /// What `active-defrag-threshold-lower` is, in percent.
    pub const fn get_active_defrag_threshold_lower(&self) -> u16 {
        self.defrag.threshold_lower
    }

    /// What `active-defrag-threshold-upper` is, in percent.
    pub const fn get_active_defrag_threshold_upper(&self) -> u16 {
        self.defrag.threshold_upper
    }

    /// What `active-defrag-cycle-min` is, in percent.
    pub const fn get_active_defrag_cycle_min(&self) -> u8 {
        self.defrag.cycle_min
    }

    /// What `active-defrag-cycle-max` is, in percent.
    pub const fn get_active_defrag_cycle_max(&self) -> u8 {
        self.defrag.cycle_max
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

/// The value in the range that is nearest to `value`.
fn nearest<T: Ord + Copy>(value: T, range: &RangeInclusive<T>) -> T {
    value.clamp(*range.start(), *range.end())
}

#[cfg(all(test, not(miri)))] // no unsafe code
mod tests;
