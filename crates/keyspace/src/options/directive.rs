//! The table of directives, which is used to read and to write options.

use super::{
    BULK_LENS, CYCLES, ConfErrorKind, EFFORTS, IGNORED_BYTES, LFU_PARAMS, MaxmemoryPolicy, Options, SAMPLES,
    SIZES, TENACITIES, THRESHOLDS,
};
use core::fmt;
use core::ops::RangeInclusive;
use values::Element;

/// One directive of redis.conf. Each directive takes one argument.
pub(super) struct Directive {
    pub(super) name: &'static str,
    argument: Argument,
}

enum Argument {
    Number {
        form: Form,
        range: RangeInclusive<i64>,
        get: fn(&Options) -> i64,
        /// Is called only with numbers in the range.
        set: fn(Options, i64) -> Options,
    },
    Policy,
    YesNo {
        get: fn(&Options) -> bool,
        set: fn(Options, bool) -> Options,
    },
}

/// How a number may be written.
enum Form {
    /// A plain decimal integer.
    Integer,
    /// Digits, with or without a unit of memory.
    Memory,
}

const fn number(
    name: &'static str,
    form: Form,
    range: RangeInclusive<i64>,
    get: fn(&Options) -> i64,
    set: fn(Options, i64) -> Options,
) -> Directive {
    Directive { name, argument: Argument::Number { form, range, get, set } }
}

const fn yes_no(
    name: &'static str,
    get: fn(&Options) -> bool,
    set: fn(Options, bool) -> Options,
) -> Directive {
    Directive { name, argument: Argument::YesNo { get, set } }
}

const fn wide(range: RangeInclusive<usize>) -> RangeInclusive<i64> {
    *range.start() as i64..=*range.end() as i64
}

const SIZE: RangeInclusive<i64> = wide(SIZES);
const LFU: RangeInclusive<i64> = *LFU_PARAMS.start() as i64..=*LFU_PARAMS.end() as i64;
const TENACITY: RangeInclusive<i64> = *TENACITIES.start() as i64..=*TENACITIES.end() as i64;
const EFFORT: RangeInclusive<i64> = *EFFORTS.start() as i64..=*EFFORTS.end() as i64;
const THRESHOLD: RangeInclusive<i64> = *THRESHOLDS.start() as i64..=*THRESHOLDS.end() as i64;
const CYCLE: RangeInclusive<i64> = *CYCLES.start() as i64..=*CYCLES.end() as i64;
const ANY_INT: RangeInclusive<i64> = i32::MIN as i64..=i32::MAX as i64;
const DEPTH: RangeInclusive<i64> = 0..=i32::MAX as i64;

/// All directives, in the order in which they are written.
#[rustfmt::skip] // one row, one directive
pub(super) static DIRECTIVES: [Directive; 28] = {
    use Form::{Integer, Memory};
    [
        number("hash-max-listpack-entries", Integer, SIZE,
            |o| o.limits.hash_max_listpack_entries as i64, |o, value| o.hash_max_listpack_entries(value as usize)),
        number("hash-max-listpack-value", Memory, SIZE,
            |o| o.limits.hash_max_listpack_value as i64, |o, value| o.hash_max_listpack_value(value as usize)),
        number("list-max-listpack-size", Integer, ANY_INT,
            |o| o.limits.list_max_listpack_size.into(), |o, value| o.list_max_listpack_size(value as i32)),
        number("list-compress-depth", Integer, DEPTH,
            |o| o.limits.list_compress_depth.into(), |o, value| o.list_compress_depth(value.min(u16::MAX.into()) as u16)),
        number("set-max-intset-entries", Integer, SIZE,
            |o| o.limits.set_max_intset_entries as i64, |o, value| o.set_max_intset_entries(value as usize)),
        number("set-max-listpack-entries", Integer, SIZE,
            |o| o.limits.set_max_listpack_entries as i64, |o, value| o.set_max_listpack_entries(value as usize)),
        number("set-max-listpack-value", Integer, SIZE,
            |o| o.limits.set_max_listpack_value as i64, |o, value| o.set_max_listpack_value(value as usize)),
        number("zset-max-listpack-entries", Integer, SIZE,
            |o| o.limits.zset_max_listpack_entries as i64, |o, value| o.zset_max_listpack_entries(value as usize)),
        number("zset-max-listpack-value", Memory, SIZE,
            |o| o.limits.zset_max_listpack_value as i64, |o, value| o.zset_max_listpack_value(value as usize)),
        number("proto-max-bulk-len", Memory, wide(BULK_LENS),
            |o| o.limits.proto_max_bulk_len as i64, |o, value| o.proto_max_bulk_len(value as usize)),
        number("maxmemory", Memory, SIZE,
            |o| o.maxmemory as i64, |o, value| o.maxmemory(value as usize)),
        Directive { name: "maxmemory-policy", argument: Argument::Policy },
        number("maxmemory-samples", Integer, wide(SAMPLES),
            |o| o.samples as i64, |o, value| o.maxmemory_samples(value as usize)),
        number("maxmemory-eviction-tenacity", Integer, TENACITY,
            |o| o.tenacity.into(), |o, value| o.maxmemory_eviction_tenacity(value as u8)),
        number("lfu-log-factor", Integer, LFU,
            |o| o.lfu.log_factor.into(), |o, value| o.lfu_log_factor(value as u32)),
        number("lfu-decay-time", Integer, LFU,
            |o| o.lfu.decay_time.into(), |o, value| o.lfu_decay_time(value as u32)),
        number("active-expire-effort", Integer, EFFORT,
            |o| o.expire_effort.into(), |o, value| o.active_expire_effort(value as u8)),
        yes_no("lazyfree-lazy-eviction", |o| o.lazy.eviction, Options::lazyfree_lazy_eviction),
        yes_no("lazyfree-lazy-expire", |o| o.lazy.expire, Options::lazyfree_lazy_expire),
        yes_no("lazyfree-lazy-server-del", |o| o.lazy.server_del, Options::lazyfree_lazy_server_del),
        yes_no("lazyfree-lazy-user-del", |o| o.lazy.user_del, Options::lazyfree_lazy_user_del),
        yes_no("lazyfree-lazy-user-flush", |o| o.lazy.user_flush, Options::lazyfree_lazy_user_flush),
        yes_no("activedefrag",
            |o| o.defrag.is_active, Options::activedefrag),
        number("active-defrag-ignore-bytes", Memory, wide(IGNORED_BYTES),
            |o| o.defrag.ignore_bytes as i64, |o, value| o.active_defrag_ignore_bytes(value as usize)),
        number("active-defrag-threshold-lower", Integer, THRESHOLD,
            |o| o.defrag.threshold_lower.into(), |o, value| o.active_defrag_threshold_lower(value as u16)),
        number("active-defrag-threshold-upper", Integer, THRESHOLD,
            |o| o.defrag.threshold_upper.into(), |o, value| o.active_defrag_threshold_upper(value as u16)),
        number("active-defrag-cycle-min", Integer, CYCLE,
            |o| o.defrag.cycle_min.into(), |o, value| o.active_defrag_cycle_min(value as u8)),
        number("active-defrag-cycle-max", Integer, CYCLE,
            |o| o.defrag.cycle_max.into(), |o, value| o.active_defrag_cycle_max(value as u8)),
    ]
};

/// The names that directives had before Redis 7.0, which are still accepted, and their present names.
const OLD_NAMES: [(&str, &str); 5] = [
    ("hash-max-ziplist-entries", "hash-max-listpack-entries"),
    ("hash-max-ziplist-value", "hash-max-listpack-value"),
    ("list-max-ziplist-size", "list-max-listpack-size"),
    ("zset-max-ziplist-entries", "zset-max-listpack-entries"),
    ("zset-max-ziplist-value", "zset-max-listpack-value"),
];

impl Directive {
    /// Returns the directive with this name or old name, in upper or lower case.
    pub(super) fn find(name: &[u8]) -> Option<&'static Self> {
        let is_named = |of: &str| of.as_bytes().eq_ignore_ascii_case(name);
        let today = OLD_NAMES.iter().find(|(old, _)| is_named(old)).map(|(_, today)| *today);
        DIRECTIVES.iter().find(|directive| is_named(directive.name) || today == Some(directive.name))
    }

    /// Returns the options with the value of this directive read from `arguments`.
    pub(super) fn read(
        &self,
        options: Options,
        arguments: &[impl AsRef<[u8]>],
    ) -> Result<Options, ConfErrorKind> {
        let directive = self.name;
        let [argument] = arguments else {
            return Err(ConfErrorKind::ArgumentCount { directive, found: arguments.len() });
        };
        let argument = argument.as_ref();
        match &self.argument {
            Argument::Policy => match MaxmemoryPolicy::from_name(argument) {
                Some(policy) => Ok(options.maxmemory_policy(policy)),
                None => Err(ConfErrorKind::NotAPolicy { directive }),
            },
            Argument::YesNo { set, .. } => {
                let value = yes_or_no(argument).ok_or(ConfErrorKind::NotYesOrNo { directive })?;
                Ok(set(options, value))
            }
            Argument::Number { form, range, set, .. } => {
                let (min, max) = (*range.start(), *range.end());
                let (value, refused) = match form {
                    Form::Integer => (
                        Element::Bytes(argument).as_i64().map(i128::from),
                        ConfErrorKind::NotAnInteger { directive, min, max },
                    ),
                    Form::Memory => (
                        memory_amount(argument).map(i128::from),
                        ConfErrorKind::NotAnAmount { directive, min, max },
                    ),
                };
                let value = value.ok_or(refused)?;
                let value = i64::try_from(value).ok().filter(|value| range.contains(value));
                let value = value.ok_or(ConfErrorKind::OutOfRange { directive, min, max })?;
                Ok(set(options, value))
            }
        }
    }

    /// Writes the value of this directive.
    pub(super) fn write(&self, options: &Options, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.argument {
            Argument::Number { get, .. } => write!(f, "{}", get(options)),
            Argument::Policy => write!(f, "{}", options.policy),
            Argument::YesNo { get, .. } => f.write_str(if get(options) { "yes" } else { "no" }),
        }
    }

    /// Returns the range of the number, or `None` if the argument is not a number.
    #[cfg(all(test, not(miri)))]
    pub(super) fn range(&self) -> Option<RangeInclusive<i64>> {
        match &self.argument {
            Argument::Number { range, .. } => Some(range.clone()),
            Argument::Policy | Argument::YesNo { .. } => None,
        }
    }
}

/// Parses `yes` or `no`, in upper or lower case. In C: `yesnotoi`.
fn yes_or_no(text: &[u8]) -> Option<bool> {
    let is_yes = text.eq_ignore_ascii_case(b"yes");
    (is_yes || text.eq_ignore_ascii_case(b"no")).then_some(is_yes)
}

/// Parses a number of bytes: digits, with or without a unit in upper or lower case. A number that does not
/// fit into a `u64` becomes `u64::MAX`. In C: `memtoull`, which also reads an empty argument or a unit
/// without digits as 0.
///
/// ```
/// assert_eq!(keyspace::memory_amount(b"100mb"), Some(100 << 20));
/// assert_eq!(keyspace::memory_amount(b"1 mb"), None);
/// ```
pub fn memory_amount(text: &[u8]) -> Option<u64> {
    const UNITS: [(&[u8], u64); 8] = [
        (b"", 1),
        (b"b", 1),
        (b"k", 1_000),
        (b"kb", 1 << 10),
        (b"m", 1_000_000),
        (b"mb", 1 << 20),
        (b"g", 1_000_000_000),
        (b"gb", 1 << 30),
    ];
    let (digits, unit) = text.split_at(text.iter().take_while(|byte| byte.is_ascii_digit()).count());
    let (_, factor) = UNITS.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?;
    if digits.is_empty() {
        return None;
    }
    let shift = |number: u64, digit: &u8| number.saturating_mul(10).saturating_add((digit - b'0').into());
    Some(digits.iter().fold(0, shift).saturating_mul(factor))
}
