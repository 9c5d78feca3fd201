//! Tests of the defaults and ranges of redis.conf, and of the conversion to text and back.

use super::directive::DIRECTIVES;
use super::*;
use proptest::prelude::*;
use sds::SplitArgsError;

const DEFAULTS: &str = "\
hash-max-listpack-entries 512
hash-max-listpack-value 64
list-max-listpack-size -2
list-compress-depth 0
set-max-intset-entries 512
set-max-listpack-entries 128
set-max-listpack-value 64
zset-max-listpack-entries 128
zset-max-listpack-value 64
proto-max-bulk-len 536870912
maxmemory 0
maxmemory-policy noeviction
maxmemory-samples 5
maxmemory-eviction-tenacity 10
lfu-log-factor 10
lfu-decay-time 1
active-expire-effort 1
lazyfree-lazy-eviction yes
lazyfree-lazy-expire yes
lazyfree-lazy-server-del yes
lazyfree-lazy-user-del yes
lazyfree-lazy-user-flush yes
activedefrag yes
active-defrag-ignore-bytes 104857600
active-defrag-threshold-lower 10
active-defrag-threshold-upper 100
active-defrag-cycle-min 1
active-defrag-cycle-max 25
";

/// Returns the options of a text without unknown directives.
fn options(text: &str) -> Options {
    let parsed = Options::from_conf(text.as_bytes()).unwrap();
    assert_eq!(parsed.unknown, []);
    parsed.options
}

fn error(text: &str) -> (usize, ConfErrorKind) {
    let ConfError { line, kind } = Options::from_conf(text.as_bytes()).unwrap_err();
    (line, kind)
}

#[test]
fn the_defaults_are_those_of_redis_7_4_but_for_lazy_freeing_and_activedefrag() {
    assert_eq!(Options::new().to_string(), DEFAULTS);
    assert_eq!(options(DEFAULTS), Options::new());
    assert_eq!(options(""), Options::default());
    let options = Options::new();
    assert_eq!(options.encoding_limits(), &EncodingLimits::DEFAULT);
    assert_eq!(options.lfu_params(), &LfuParams::default());
    assert_eq!(
        (options.get_maxmemory_policy(), options.get_active_expire_effort()),
        (MaxmemoryPolicy::Noeviction, 1)
    );
    assert_eq!((options.get_maxmemory(), options.get_maxmemory_samples()), (0, 5));
    assert_eq!(options.get_maxmemory_eviction_tenacity(), 10);
    assert!(options.get_lazyfree_lazy_eviction() && options.get_lazyfree_lazy_expire());
    assert!(options.get_lazyfree_lazy_server_del() && options.get_lazyfree_lazy_user_del());
    assert!(options.get_lazyfree_lazy_user_flush());
    assert!(options.get_activedefrag());
}

#[test]
fn each_directive_sets_what_its_setter_sets() {
    let new = Options::new;
    for (text, expected) in [
        ("hash-max-listpack-entries 7", new().hash_max_listpack_entries(7)),
        ("hash-max-ziplist-entries 7", new().hash_max_listpack_entries(7)),
        ("hash-max-listpack-value 7", new().hash_max_listpack_value(7)),
        ("hash-max-ziplist-value 7", new().hash_max_listpack_value(7)),
        ("list-max-listpack-size -5", new().list_max_listpack_size(-5)),
        ("list-max-ziplist-size 7", new().list_max_listpack_size(7)),
        ("list-compress-depth 7", new().list_compress_depth(7)),
        ("list-compress-depth 70000", new().list_compress_depth(u16::MAX)),
        ("set-max-intset-entries 7", new().set_max_intset_entries(7)),
        ("set-max-listpack-entries 7", new().set_max_listpack_entries(7)),
        ("set-max-listpack-value 7", new().set_max_listpack_value(7)),
        ("zset-max-listpack-entries 7", new().zset_max_listpack_entries(7)),
        ("zset-max-ziplist-entries 7", new().zset_max_listpack_entries(7)),
        ("zset-max-listpack-value 7", new().zset_max_listpack_value(7)),
        ("zset-max-ziplist-value 7", new().zset_max_listpack_value(7)),
        ("proto-max-bulk-len 7mb", new().proto_max_bulk_len(7 << 20)),
        ("maxmemory 1gb", new().maxmemory(1 << 30)),
        ("maxmemory-samples 7", new().maxmemory_samples(7)),
        ("maxmemory-eviction-tenacity 7", new().maxmemory_eviction_tenacity(7)),
        ("maxmemory-policy allkeys-s3fifo", new().maxmemory_policy(MaxmemoryPolicy::AllkeysS3fifo)),
        ("lazyfree-lazy-eviction no", new().lazyfree_lazy_eviction(false)),
        ("lazyfree-lazy-expire NO", new().lazyfree_lazy_expire(false)),
        ("lazyfree-lazy-server-del no", new().lazyfree_lazy_server_del(false)),
        ("lazyfree-lazy-user-del no", new().lazyfree_lazy_user_del(false)),
        ("lazyfree-lazy-user-flush no", new().lazyfree_lazy_user_flush(false)),
        ("maxmemory-policy volatile-ttl", new().maxmemory_policy(MaxmemoryPolicy::VolatileTtl)),
        ("lfu-log-factor 7", new().lfu_log_factor(7)),
        ("lfu-decay-time 7", new().lfu_decay_time(7)),
        ("active-expire-effort 7", new().active_expire_effort(7)),
        ("activedefrag NO", new().activedefrag(false)),
        ("active-defrag-ignore-bytes 7kb", new().active_defrag_ignore_bytes(7 << 10)),
        ("active-defrag-threshold-lower 7", new().active_defrag_threshold_lower(7)),
        ("active-defrag-threshold-upper 7", new().active_defrag_threshold_upper(7)),
        ("active-defrag-cycle-min 7", new().active_defrag_cycle_min(7)),
        ("active-defrag-cycle-max 7", new().active_defrag_cycle_max(7)),
    ] {
        assert_eq!(options(text), expected, "{text}");
        assert_ne!(options(text), new(), "{text}");
    }
}

#[test]
fn each_number_is_read_at_the_ends_of_its_range_and_refused_behind_them() {
    for (directive, range) in DIRECTIVES.iter().filter_map(|directive| Some((directive, directive.range()?)))
    {
        let (name, min, max) = (directive.name, *range.start(), *range.end());
        for value in [min, max] {
            let written = options(&format!("{name} {value}")).to_string();
            let shown = if name == "list-compress-depth" { value.min(65_535) } else { value };
            assert!(written.contains(&format!("{name} {shown}\n")), "{value} in {written}");
        }
        for value in [i128::from(min) - 1, i128::from(max) + 1] {
            let (line, kind) = error(&format!("{name} {value}"));
            let is_memory = [
                "hash-max-listpack-value",
                "zset-max-listpack-value",
                "proto-max-bulk-len",
                "maxmemory",
                "active-defrag-ignore-bytes",
            ]
            .contains(&name);
            let expected = if value < 0 && is_memory {
                ConfErrorKind::NotAnAmount { directive: name, min, max }
            } else if value > i64::MAX.into() && !is_memory {
                ConfErrorKind::NotAnInteger { directive: name, min, max }
            } else {
                ConfErrorKind::OutOfRange { directive: name, min, max }
            };
            assert_eq!((line, kind), (1, expected), "{value}");
        }
    }
}

#[test]
fn an_amount_of_memory_may_have_a_unit() {
    for (text, bytes) in [
        ("2000000", 2_000_000),
        ("2000000b", 2_000_000),
        ("2000k", 2_000_000),
        ("2000kb", 2_048_000),
        ("2M", 2_000_000),
        ("2mB", 2 << 20),
        ("1g", 1_000_000_000),
        ("1GB", 1 << 30),
        ("0002m", 2_000_000),
    ] {
        let text = format!("proto-max-bulk-len {text}");
        assert_eq!(options(&text).encoding_limits().proto_max_bulk_len, bytes, "{text}");
    }
    let (directive, min, max) = ("proto-max-bulk-len", 1 << 20, isize::MAX as i64);
    for text in
        ["\"\"", "mb", "-1", "1.5mb", "1tb", "1 ", "1mbb", "0x10"].map(|text| format!("{directive} '{text}'"))
    {
        assert_eq!(error(&text).1, ConfErrorKind::NotAnAmount { directive, min, max }, "{text}");
    }
    for text in ["1k", "99999999999999999999", "9999999999gb", "0"].map(|text| format!("{directive} {text}"))
    {
        assert_eq!(error(&text).1, ConfErrorKind::OutOfRange { directive, min, max }, "{text}");
    }
}

#[test]
fn an_integer_is_read_in_its_plain_form_only() {
    let (directive, min, max) = ("set-max-intset-entries", 0, isize::MAX as i64);
    for text in ["1k", "+1", "007", "1.0", "", " 1", "one"].map(|text| format!("{directive} '{text}'")) {
        assert_eq!(error(&text), (1, ConfErrorKind::NotAnInteger { directive, min, max }), "{text}");
    }
}

#[test]
fn lines_may_have_comments_blanks_quotes_and_any_case() {
    let text =
        "\n  # a comment\r\n\tSET-Max-Intset-Entries\t \"1\\x30\"  \r\n   \nmaxmemory-policy 'ALLKEYS-lru'";
    let expected = Options::new().set_max_intset_entries(10).maxmemory_policy(MaxmemoryPolicy::AllkeysLru);
    assert_eq!(options(text), expected);
}

#[test]
fn the_later_of_two_lines_counts() {
    let text = "lfu-decay-time 5\nhash-max-listpack-value 1\nlfu-decay-time 9\nhash-max-ziplist-value 2";
    assert_eq!(options(text), Options::new().lfu_decay_time(9).hash_max_listpack_value(2));
}

#[test]
fn other_directives_are_reported_with_their_lines() {
    let text = b"port 6379\nlfu-log-factor 3\n\n  save 3600 1 \r\nappendonly yes\ninclude /etc/other.conf\nlist-max-ziplist-entries 1";
    let parsed = Options::from_conf(text).unwrap();
    assert_eq!(parsed.options, Options::new().lfu_log_factor(3));
    let unknown: Vec<_> = parsed.unknown.iter().map(|unknown| (unknown.line, unknown.text)).collect();
    let expected: [(usize, &[u8]); 5] = [
        (1, b"port 6379"),
        (4, b"save 3600 1"),
        (5, b"appendonly yes"),
        (6, b"include /etc/other.conf"),
        (7, b"list-max-ziplist-entries 1"),
    ];
    assert_eq!(unknown, expected);
}

#[test]
fn an_error_names_the_line_the_directive_and_what_is_allowed() {
    for (text, expected) in [
        ("port 1\nlfu-log-factor", "line 2: lfu-log-factor takes one argument, not 0"),
        ("HASH-MAX-ZIPLIST-VALUE 1 # no", "line 1: hash-max-listpack-value takes one argument, not 3"),
        ("active-expire-effort 0", "line 1: active-expire-effort must be between 1 and 10"),
        ("lazyfree-lazy-expire 1", "line 1: lazyfree-lazy-expire must be yes or no"),
        ("activedefrag true", "line 1: activedefrag must be yes or no"),
        ("active-expire-effort x", "line 1: active-expire-effort must be an integer between 1 and 10"),
        (
            "maxmemory-policy lru",
            "line 1: maxmemory-policy must be one of noeviction, allkeys-lru, allkeys-lrm, allkeys-lfu, \
             allkeys-s3fifo, allkeys-random, volatile-lru, volatile-lrm, volatile-lfu, volatile-s3fifo, \
             volatile-random, volatile-ttl",
        ),
        ("\n\nrequirepass \"open", "line 3: the quote at offset 12 is never closed"),
    ] {
        assert_eq!(Options::from_conf(text.as_bytes()).unwrap_err().to_string(), expected);
    }
    if cfg!(target_pointer_width = "64") {
        assert_eq!(
            Options::from_conf(b"proto-max-bulk-len all").unwrap_err().to_string(),
            "line 1: proto-max-bulk-len must be an amount of memory, such as 64 or 1mb, between 1048576 and \
             9223372036854775807 bytes"
        );
    }
    assert_eq!(error("  'a'b"), (1, ConfErrorKind::Syntax(SplitArgsError::TextAfterQuote { offset: 3 })));
}

#[test]
fn a_setter_takes_a_value_outside_of_the_range_as_the_nearest_in_it() {
    let options =
        Options::new().proto_max_bulk_len(0).hash_max_listpack_entries(usize::MAX).lfu_log_factor(u32::MAX);
    assert_eq!(options.encoding_limits().proto_max_bulk_len, 1 << 20);
    assert_eq!(options.encoding_limits().hash_max_listpack_entries, isize::MAX as usize);
    assert_eq!(options.lfu_params().log_factor, i32::MAX as u32);
    assert_eq!(Options::new().maxmemory(usize::MAX).get_maxmemory(), isize::MAX as usize);
    assert_eq!(Options::new().maxmemory_samples(0).get_maxmemory_samples(), 1);
    assert_eq!(Options::new().maxmemory_samples(65).get_maxmemory_samples(), 64);
    assert_eq!(Options::new().maxmemory_eviction_tenacity(101).get_maxmemory_eviction_tenacity(), 100);
    assert_eq!(Options::new().active_expire_effort(0).get_active_expire_effort(), 1);
    assert_eq!(Options::new().active_expire_effort(11).get_active_expire_effort(), 10);
    assert_eq!(Options::new().active_defrag_ignore_bytes(0).get_active_defrag_ignore_bytes(), 1);
    assert_eq!(
        Options::new().active_defrag_threshold_upper(9_999).get_active_defrag_threshold_upper(),
        1_000
    );
    assert_eq!(Options::new().active_defrag_cycle_min(0).get_active_defrag_cycle_min(), 1);
    assert_eq!(Options::new().active_defrag_cycle_max(100).get_active_defrag_cycle_max(), 99);
}

fn any_options() -> impl Strategy<Value = Options> {
    let policy = prop::sample::select(&MaxmemoryPolicy::ALL[..]);
    let defrag = any::<(bool, usize, u16, u16, u8, u8)>();
    let others = (any::<(u32, u32, u8, u8)>(), any::<[bool; 5]>(), defrag);
    (any::<[usize; 10]>(), any::<(i32, u16)>(), policy, others).prop_map(
        |(sizes, (list_size, depth), policy, ((factor, minutes, effort, tenacity), lazy, defrag))| {
            Options::new()
                .activedefrag(defrag.0)
                .active_defrag_ignore_bytes(defrag.1)
                .active_defrag_threshold_lower(defrag.2)
                .active_defrag_threshold_upper(defrag.3)
                .active_defrag_cycle_min(defrag.4)
                .active_defrag_cycle_max(defrag.5)
                .hash_max_listpack_entries(sizes[0])
                .hash_max_listpack_value(sizes[1])
                .list_max_listpack_size(list_size)
                .list_compress_depth(depth)
                .set_max_intset_entries(sizes[2])
                .set_max_listpack_entries(sizes[3])
                .set_max_listpack_value(sizes[4])
                .zset_max_listpack_entries(sizes[5])
                .zset_max_listpack_value(sizes[6])
                .proto_max_bulk_len(sizes[7])
                .maxmemory(sizes[8])
                .maxmemory_policy(policy)
                .maxmemory_samples(sizes[9] % 100)
                .maxmemory_eviction_tenacity(tenacity)
                .lfu_log_factor(factor)
                .lfu_decay_time(minutes)
                .active_expire_effort(effort)
                .lazyfree_lazy_eviction(lazy[0])
                .lazyfree_lazy_expire(lazy[1])
                .lazyfree_lazy_server_del(lazy[2])
                .lazyfree_lazy_user_del(lazy[3])
                .lazyfree_lazy_user_flush(lazy[4])
        },
    )
}

proptest! {
    #![proptest_config(testing::config(1_000, 4))]

    #[test]
    fn options_read_back_from_their_text(expected in any_options()) {
        prop_assert_eq!(options(&expected.to_string()), expected);
    }

    #[test]
    fn any_bytes_are_options_or_an_error_in_one_of_their_lines(
        lines in prop::collection::vec((0..DIRECTIVES.len() + 3, any::<Vec<u8>>()), 0..6)
    ) {
        let name = |index: usize| DIRECTIVES.get(index).map_or("", |directive| directive.name).as_bytes();
        let text = lines.iter().map(|(index, bytes)| [name(*index), b" ", bytes].concat()).collect::<Vec<_>>().join(&b'\n');
        let count = text.split(|byte| *byte == b'\n').count();
        match Options::from_conf(&text) {
            Ok(parsed) => prop_assert!(parsed.unknown.iter().all(|unknown| (1..=count).contains(&unknown.line))),
            Err(error) => prop_assert!((1..=count).contains(&error.line)),
        }
    }
}
