//! [`Options`]: the configuration of a keyspace, with the names, ranges and defaults of redis.conf.
//!
//! `Options` is a small `Copy` value. It is created by a chain of setters, or read from the text of a
//! redis.conf. `Display` writes it as such a text. A setter replaces a value outside of its directive's range
//! by the nearest value in the range. So every value is in its range, and the text that is written reads back
//! as the same options.
//!
//! `Options` has only the directives that concern a keyspace. [`Options::from_conf`] returns the other
//! directives of a redis.conf as [unknown](Parsed::unknown).
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
//! The default of `activedefrag` is `no` in Redis, which needs a patched jemalloc for it. Here an unpatched
//! jemalloc is enough, and no block is moved below the thresholds.
//!
//! Learned from: Redis' `config.c` and redis.conf (names, ranges, defaults).

mod conf;
mod directive;
mod error;
mod policy;

pub use conf::{Parsed, UnknownDirective};
pub use directive::memory_amount;
pub use error::{ConfError, ConfErrorKind};
pub use policy::MaxmemoryPolicy;
pub(crate) use policy::{ClockKind, Ranking};

use core::ops::RangeInclusive;
use values::{EncodingLimits, LfuParams};

/// The range of counts and sizes. It is the same as in Redis, whose upper limit is `LONG_MAX`.
const SIZES: RangeInclusive<usize> = 0..=isize::MAX as usize;
/// The range of `proto-max-bulk-len`, in bytes.
const BULK_LENS: RangeInclusive<usize> = 1024 * 1024..=isize::MAX as usize;
/// The range of `maxmemory-samples`.
const SAMPLES: RangeInclusive<usize> = 1..=64;
/// The range of `maxmemory-eviction-tenacity`.
const TENACITIES: RangeInclusive<u8> = 0..=100;
/// The range of the LFU parameters.
const LFU_PARAMS: RangeInclusive<u32> = 0..=i32::MAX as u32;
/// The range of `active-expire-effort`.
const EFFORTS: RangeInclusive<u8> = 1..=10;
/// The range of `active-defrag-ignore-bytes`.
const IGNORED_BYTES: RangeInclusive<usize> = 1..=isize::MAX as usize;
/// The range of `active-defrag-threshold-lower` and `active-defrag-threshold-upper`, in percent.
const THRESHOLDS: RangeInclusive<u16> = 0..=1_000;
/// The range of `active-defrag-cycle-min` and `active-defrag-cycle-max`, in percent.
const CYCLES: RangeInclusive<u8> = 1..=99;

/// The configuration of a keyspace.
///
/// The names, ranges and defaults are those of redis.conf in Redis 7.4, except for the defaults of
/// [`activedefrag`](Self::activedefrag) and of the lazyfree options. [`MaxmemoryPolicy`] has more policies
/// than Redis 7.4. Each setter is named after its directive. It replaces a value outside of the range by the
/// nearest value in the range.
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
    /// Whether accesses leave the access clocks unchanged.
    pub(crate) is_no_touch: bool,
}

/// The lazyfree options. They determine which operations turn large values into garbage instead of freeing
/// them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Lazy {
    pub(crate) eviction: bool,
    pub(crate) expire: bool,
    pub(crate) server_del: bool,
    pub(crate) user_del: bool,
    pub(crate) user_flush: bool,
}

/// The directives of active defragmentation.
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
    /// Returns the default options.
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
            is_no_touch: false,
        }
    }

    /// Sets the largest number of fields of a hash in a listpack.
    #[must_use]
    pub fn hash_max_listpack_entries(mut self, entries: usize) -> Self {
        self.limits.hash_max_listpack_entries = nearest(entries, &SIZES);
        self
    }

    /// Sets the length of the longest field or value of a hash in a listpack, in bytes.
    #[must_use]
    pub fn hash_max_listpack_value(mut self, bytes: usize) -> Self {
        self.limits.hash_max_listpack_value = nearest(bytes, &SIZES);
        self
    }

    /// Sets the limit of one listpack of a list. A positive number limits its elements. -1 to -5 limit its
    /// bytes to 4, 8, 16, 32 or 64 KiB. 0 is the same as 1, and a number below -5 is the same as -5.
    #[must_use]
    pub fn list_max_listpack_size(mut self, size: i32) -> Self {
        self.limits.list_max_listpack_size = size;
        self
    }

    /// Sets how many listpacks at each end of a list are never compressed. With 0, no listpack is compressed.
    #[must_use]
    pub fn list_compress_depth(mut self, depth: u16) -> Self {
        self.limits.list_compress_depth = depth;
        self
    }

    /// Sets the largest number of members of a set in an intset.
    #[must_use]
    pub fn set_max_intset_entries(mut self, entries: usize) -> Self {
        self.limits.set_max_intset_entries = nearest(entries, &SIZES);
        self
    }

    /// Sets the largest number of members of a set in a listpack.
    #[must_use]
    pub fn set_max_listpack_entries(mut self, entries: usize) -> Self {
        self.limits.set_max_listpack_entries = nearest(entries, &SIZES);
        self
    }

    /// Sets the length of the longest member of a set in a listpack, in bytes.
    #[must_use]
    pub fn set_max_listpack_value(mut self, bytes: usize) -> Self {
        self.limits.set_max_listpack_value = nearest(bytes, &SIZES);
        self
    }

    /// Sets the largest number of members of a sorted set in a listpack.
    #[must_use]
    pub fn zset_max_listpack_entries(mut self, entries: usize) -> Self {
        self.limits.zset_max_listpack_entries = nearest(entries, &SIZES);
        self
    }

    /// Sets the length of the longest member of a sorted set in a listpack, in bytes.
    #[must_use]
    pub fn zset_max_listpack_value(mut self, bytes: usize) -> Self {
        self.limits.zset_max_listpack_value = nearest(bytes, &SIZES);
        self
    }

    /// Sets the length of the longest string that `APPEND`, `SETRANGE`, `SETBIT` and similar commands create,
    /// in bytes. The minimum is 1 MiB.
    #[must_use]
    pub fn proto_max_bulk_len(mut self, bytes: usize) -> Self {
        self.limits.proto_max_bulk_len = nearest(bytes, &BULK_LENS);
        self
    }

    /// Sets the largest number of bytes that a keyspace may have. 0 means no limit. The bytes are those of
    /// [`Keyspace::counted_bytes`](crate::Keyspace::counted_bytes). They include those that the caller
    /// reports, such as the buffers of its clients. The maximum is `isize::MAX`. In Redis, it is
    /// `ULLONG_MAX`.
    #[must_use]
    pub fn maxmemory(mut self, bytes: usize) -> Self {
        self.maxmemory = nearest(bytes, &SIZES);
        self
    }

    /// Sets which keys may be evicted, and in which order. The policy also determines the meaning of the
    /// access clocks.
    #[must_use]
    pub fn maxmemory_policy(mut self, policy: MaxmemoryPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets how many keys are looked at for each key that is evicted, from 1 to 64. With more samples,
    /// evictions are closer to the order of the policy, and take more time.
    #[must_use]
    pub fn maxmemory_samples(mut self, samples: usize) -> Self {
        self.samples = nearest(samples, &SAMPLES);
        self
    }

    /// Sets how much a write evicts beyond its own need after `maxmemory` was lowered. The range is 0 (the
    /// least) to 100 (no bound). In Redis, this directive determines the time limit of one loop of evictions.
    #[must_use]
    pub fn maxmemory_eviction_tenacity(mut self, tenacity: u8) -> Self {
        self.tenacity = nearest(tenacity, &TENACITIES);
        self
    }

    /// Sets how slowly the LFU counter grows. The larger the factor and the counter are, the less likely a
    /// use is to raise the counter. With a factor of 0, every use raises it. The maximum is `i32::MAX`.
    #[must_use]
    pub fn lfu_log_factor(mut self, factor: u32) -> Self {
        self.lfu.log_factor = nearest(factor, &LFU_PARAMS);
        self
    }

    /// Sets after how many minutes the LFU counter decreases by one. With 0, it never does. The maximum is
    /// `i32::MAX`.
    #[must_use]
    pub fn lfu_decay_time(mut self, minutes: u32) -> Self {
        self.lfu.decay_time = nearest(minutes, &LFU_PARAMS);
        self
    }

    /// Sets how thoroughly sweeps look for expired keys, from 1 to 10. More effort takes more time and leaves
    /// fewer expired keys in memory.
    #[must_use]
    pub fn active_expire_effort(mut self, effort: u8) -> Self {
        self.expire_effort = nearest(effort, &EFFORTS);
        self
    }

    /// Sets whether large values of evicted keys become garbage, which is freed later.
    #[must_use]
    pub fn lazyfree_lazy_eviction(mut self, is_lazy: bool) -> Self {
        self.lazy.eviction = is_lazy;
        self
    }

    /// Sets whether large values of expired keys become garbage, which is freed later.
    #[must_use]
    pub fn lazyfree_lazy_expire(mut self, is_lazy: bool) -> Self {
        self.lazy.expire = is_lazy;
        self
    }

    /// Sets whether large values that a write or a rename replaces become garbage, which is freed later.
    #[must_use]
    pub fn lazyfree_lazy_server_del(mut self, is_lazy: bool) -> Self {
        self.lazy.server_del = is_lazy;
        self
    }

    /// Sets whether large values of removed keys become garbage, which is freed later.
    #[must_use]
    pub fn lazyfree_lazy_user_del(mut self, is_lazy: bool) -> Self {
        self.lazy.user_del = is_lazy;
        self
    }

    /// Sets whether [`clear`](crate::Keyspace::clear) turns all entries into garbage, which is freed later.
    #[must_use]
    pub fn lazyfree_lazy_user_flush(mut self, is_lazy: bool) -> Self {
        self.lazy.user_flush = is_lazy;
        self
    }

    /// Sets whether [`Keyspace::active_defrag`](crate::Keyspace::active_defrag) does anything. The default is
    /// `true`. The default of Redis is `no`, because Redis needs a patched jemalloc.
    #[must_use]
    pub fn activedefrag(mut self, is_active: bool) -> Self {
        self.defrag.is_active = is_active;
        self
    }

    /// Sets the least fragmentation at which active defragmentation begins, in bytes. The minimum is 1.
    #[must_use]
    pub fn active_defrag_ignore_bytes(mut self, bytes: usize) -> Self {
        self.defrag.ignore_bytes = nearest(bytes, &IGNORED_BYTES);
        self
    }

    /// Sets the least fragmentation at which active defragmentation begins, in percent of the allocated
    /// bytes. The maximum is 1,000.
    #[must_use]
    pub fn active_defrag_threshold_lower(mut self, percent: u16) -> Self {
        self.defrag.threshold_lower = nearest(percent, &THRESHOLDS);
        self
    }

    /// Sets the fragmentation at which active defragmentation takes its largest share of the time, in percent
    /// of the allocated bytes. The maximum is 1,000.
    #[must_use]
    pub fn active_defrag_threshold_upper(mut self, percent: u16) -> Self {
        self.defrag.threshold_upper = nearest(percent, &THRESHOLDS);
        self
    }

    /// Sets the share of the time that active defragmentation takes at the lower threshold, in percent, from
    /// 1 to 99.
    #[must_use]
    pub fn active_defrag_cycle_min(mut self, percent: u8) -> Self {
        self.defrag.cycle_min = nearest(percent, &CYCLES);
        self
    }

    /// Sets the share of the time that active defragmentation takes at the upper threshold, in percent, from
    /// 1 to 99.
    #[must_use]
    pub fn active_defrag_cycle_max(mut self, percent: u8) -> Self {
        self.defrag.cycle_max = nearest(percent, &CYCLES);
        self
    }

    /// Returns the limits of all directives about encodings and sizes. Fields that have no directive have
    /// their defaults.
    pub const fn encoding_limits(&self) -> &EncodingLimits {
        &self.limits
    }

    /// Returns `lfu-log-factor` and `lfu-decay-time`.
    pub const fn lfu_params(&self) -> &LfuParams {
        &self.lfu
    }

    /// Returns `maxmemory`, in bytes. 0 means no limit.
    pub const fn get_maxmemory(&self) -> usize {
        self.maxmemory
    }

    /// Returns `maxmemory-policy`.
    pub const fn get_maxmemory_policy(&self) -> MaxmemoryPolicy {
        self.policy
    }

    /// Returns `maxmemory-samples`, from 1 to 64.
    pub const fn get_maxmemory_samples(&self) -> usize {
        self.samples
    }

    /// Returns `maxmemory-eviction-tenacity`, from 0 to 100.
    pub const fn get_maxmemory_eviction_tenacity(&self) -> u8 {
        self.tenacity
    }

    /// Returns `active-expire-effort`, from 1 to 10.
    pub const fn get_active_expire_effort(&self) -> u8 {
        self.expire_effort
    }

    /// Returns `lazyfree-lazy-eviction`.
    pub const fn get_lazyfree_lazy_eviction(&self) -> bool {
        self.lazy.eviction
    }

    /// Returns `lazyfree-lazy-expire`.
    pub const fn get_lazyfree_lazy_expire(&self) -> bool {
        self.lazy.expire
    }

    /// Returns `lazyfree-lazy-server-del`.
    pub const fn get_lazyfree_lazy_server_del(&self) -> bool {
        self.lazy.server_del
    }

    /// Returns `lazyfree-lazy-user-del`.
    pub const fn get_lazyfree_lazy_user_del(&self) -> bool {
        self.lazy.user_del
    }

    /// Returns `lazyfree-lazy-user-flush`.
    pub const fn get_lazyfree_lazy_user_flush(&self) -> bool {
        self.lazy.user_flush
    }

    pub(crate) const fn lazy(&self) -> Lazy {
        self.lazy
    }

    /// Returns `activedefrag`.
    pub const fn get_activedefrag(&self) -> bool {
        self.defrag.is_active
    }

    /// Returns `active-defrag-ignore-bytes`, in bytes.
    pub const fn get_active_defrag_ignore_bytes(&self) -> usize {
        self.defrag.ignore_bytes
    }

    /// Returns `active-defrag-threshold-lower`, in percent.
    pub const fn get_active_defrag_threshold_lower(&self) -> u16 {
        self.defrag.threshold_lower
    }

    /// Returns `active-defrag-threshold-upper`, in percent.
    pub const fn get_active_defrag_threshold_upper(&self) -> u16 {
        self.defrag.threshold_upper
    }

    /// Returns `active-defrag-cycle-min`, in percent.
    pub const fn get_active_defrag_cycle_min(&self) -> u8 {
        self.defrag.cycle_min
    }

    /// Returns `active-defrag-cycle-max`, in percent.
    pub const fn get_active_defrag_cycle_max(&self) -> u8 {
        self.defrag.cycle_max
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns the value in the range that is nearest to `value`.
fn nearest<T: Ord + Copy>(value: T, range: &RangeInclusive<T>) -> T {
    value.clamp(*range.start(), *range.end())
}

#[cfg(all(test, not(miri)))] // no unsafe code
mod tests;
