//! Tests of estimates that can be checked by hand: sums, texts, advice, and workloads that are too large.

use super::*;

const KEY_LEN_MAX: u64 = Workload::KEY_LEN_MAX;
const VALUE_LEN_MAX: u64 = Workload::VALUE_LEN_MAX;

const CLASSIC: [Store; 2] = [Store::Classic(Quantum::Eight), Store::Classic(Quantum::Sixteen)];
const STORES: [Store; 3] = [Store::Keyspace, CLASSIC[0], CLASSIC[1]];

fn strings(keys: u64, key_len: u64, lens: RangeInclusive<u64>) -> Workload {
    Workload { keys, key_len, values: Values::Strings(lens), expires: false }
}

fn integers(keys: u64, key_len: u64, numbers: RangeInclusive<i64>) -> Workload {
    Workload { keys, key_len, values: Values::Integers(numbers), expires: false }
}

/// Returns workloads with each kind of value, in each of its forms.
fn workloads() -> Vec<Workload> {
    let of_each = [
        strings(90_000, 7, 7..=7),
        strings(1, 0, 0..=0),
        strings(3, 300, 254..=254),
        strings(1_000, 16, 32..=512),
        strings(1_000, 16, 1_000..=70_000),
        strings(1_000_000, 16, 0..=3_000_000),
        integers(100, 3, 5..=5),
        integers(1_000, 16, -70_000..=70_000),
        integers(1_000, 16, i64::MIN..=i64::MAX),
        strings(0, 7, 7..=7),
    ];
    of_each.into_iter().flat_map(|it| [it.clone(), Workload { expires: true, ..it }]).collect()
}

/// Returns the value of a text such as `90,000 * (32 + 16) + 7 * 8`.
fn evaluate(formula: &str) -> u64 {
    let number =
        |text: &str| text.replace(',', "").parse::<u64>().unwrap_or_else(|_| panic!("{text} of {formula}"));
    let (mut depth, mut terms) = (0, vec![String::new()]);
    for char in formula.chars().filter(|char| *char != ' ') {
        match char {
            '(' => depth += 1,
            ')' => depth -= 1,
            '+' if depth == 0 => terms.push(String::new()),
            char => terms.last_mut().expect("there is one").push(char),
        }
    }
    let sum = |text: &str| text.split('+').map(number).sum::<u64>();
    terms.iter().map(|term| term.split('*').map(sum).product::<u64>()).sum()
}

#[test]
fn classic_redis_takes_8_248_576_bytes_for_the_90_000_keys() {
    let estimate = strings(90_000, 7, 7..=7).estimate(Store::Classic(Quantum::Sixteen)).unwrap();
    assert_eq!(estimate.total(), 8_248_576);
    assert_eq!(format!("{:.2}", estimate.bytes_per_key()), "91.65");
    let text = "\
classic Redis 7, jemalloc with classes of 16 bytes:
  blocks * contents = bytes that are asked for -> size class: the block size to which the allocator rounds them up
  90,000 * entry (key, value, next)                  8 + 8 + 8 =        24 -> class        32
  90,000 * key (header, bytes, NUL)                  1 + 7 + 1 =         9 -> class        16
  90,000 * embstr (object, header, bytes, NUL)  16 + 3 + 7 + 1 =        27 -> class        32
       1 * buckets                                 131,072 * 8 = 1,048,576 -> class 1,048,576
  90,000 * (32 + 16 + 32) + 131,072 * 8 = 8,248,576 bytes, 91.65 a key";
    assert_eq!(estimate.to_string(), text);
    assert_eq!(
        strings(90_000, 7, 7..=7).estimate(Store::Classic(Quantum::Eight)).unwrap().total(),
        7_528_576
    );
}

#[test]
fn a_key_of_a_keyspace_is_one_block() {
    let estimate = strings(90_000, 7, 7..=7).estimate(Store::Keyspace).unwrap();
    let [entry, table] = estimate.steps.as_slice() else { panic!("{estimate}") };
    assert_eq!(entry.sum(), "4 + 1 + 7 + 1 + 7");
    assert_eq!((entry.asked.clone(), entry.count), (20..=20, 90_000));
    assert_eq!(entry.bytes, 90_000 * zmalloc::good_size(20) as u64);
    assert_eq!(table.bytes, dict::Table::<crate::entry::Entry>::expected_size(90_000).allocation_size as u64);
    let expiring = Workload { expires: true, ..strings(90_000, 7, 7..=7) }.estimate(Store::Keyspace).unwrap();
    assert_eq!(expiring.steps[0].sum(), "4 + 1 + 8 + 7 + 1 + 7");
    assert_eq!(expiring.steps.len(), 2);
}

#[test]
fn the_last_line_is_a_sum_that_is_right() {
    for workload in workloads() {
        for store in STORES {
            let estimate = workload.estimate(store).unwrap();
            assert_eq!(evaluate(&estimate.formula()), estimate.total(), "{estimate}");
            assert_eq!(estimate.steps.iter().map(|step| step.bytes).sum::<u64>(), estimate.total());
        }
    }
}

#[test]
fn every_key_has_one_value() {
    for workload in workloads() {
        let keys = |estimate: &Estimate, names: &[&str]| {
            let steps = estimate.steps.iter().filter(|step| names.contains(&step.what));
            steps.map(|step| step.count).sum::<u64>()
        };
        let here = workload.estimate(Store::Keyspace).unwrap();
        assert_eq!(keys(&here, &["entry"]), workload.keys, "{here}");
        let classic = workload.estimate(CLASSIC[0]).unwrap();
        assert_eq!(keys(&classic, &["entry"]), workload.keys, "{classic}");
        assert_eq!(keys(&classic, &["key"]), workload.keys, "{classic}");
        let values = ["embstr", "object", "integer", "shared integer"];
        assert_eq!(keys(&classic, &values), workload.keys, "{classic}");
    }
}

#[test]
fn an_estimate_of_a_range_is_the_sum_of_those_of_its_numbers() {
    // There is one key for each length or integer. The table is not included.
    let sum = |of: &dyn Fn(i64) -> Workload, range: RangeInclusive<i64>, store| {
        range.map(|number| total(&of(number).blocks(store))).sum::<u64>()
    };
    for store in STORES {
        let lens = strings(1_300, 16, 1..=1_300);
        let each = |len: i64| strings(1, 16, len as u64..=len as u64);
        assert_eq!(total(&lens.blocks(store)), sum(&each, 1..=1_300, store));
        let numbers = integers(20_001, 9, -200..=19_800);
        let each = |number| integers(1, 9, number..=number);
        assert_eq!(total(&numbers.blocks(store)), sum(&each, -200..=19_800, store));
    }
}

#[test]
fn integers_take_the_bytes_of_their_form() {
    let classic = Store::Classic(Quantum::Eight);
    let step = |workload: Workload, store, what| {
        let estimate = workload.estimate(store).unwrap();
        let steps = estimate.steps.into_iter().filter(|step| step.what == what);
        steps.map(|step| (step.sum(), step.count)).collect::<Vec<_>>()
    };
    let small = integers(10_000, 8, 0..=9_999);
    assert_eq!(step(small.clone(), classic, "shared integer"), [("0".into(), 10_000)]);
    assert_eq!(step(small.clone(), classic, "integer"), []);
    assert_eq!(
        step(small, Store::Keyspace, "entry"),
        [("4 + 1 + 8 + 1".into(), 128), ("4 + 1 + 8 + 2".into(), 9_872)]
    );
    let large = integers(10, 8, i64::MAX - 9..=i64::MAX);
    assert_eq!(step(large.clone(), classic, "integer"), [("16".into(), 10)]);
    assert_eq!(step(large, Store::Keyspace, "entry"), [("4 + 1 + 8 + 8".into(), 10)]);
    assert_eq!(step(integers(4, 1, -2..=1), Store::Keyspace, "entry"), [("4 + 1 + 1 + 1".into(), 4)]);
}

#[test]
fn strings_move_out_of_the_block_at_the_limits_of_each_store() {
    let what = |len, store| {
        let steps = strings(1, 7, len..=len).blocks(store);
        steps.into_iter().map(|step| step.what).collect::<Vec<_>>()
    };
    assert_eq!(what(1_024, Store::Keyspace), ["entry"]);
    assert_eq!(what(1_025, Store::Keyspace), ["entry", "object", "string"]);
    assert_eq!(what(44, CLASSIC[0]), ["entry", "key", "embstr"]);
    assert_eq!(what(45, CLASSIC[0]), ["entry", "key", "object", "string"]);
    let header = |len| strings(1, 7, len..=len).blocks(CLASSIC[0])[3].sum();
    assert_eq!(
        [45, 255, 256, 65_536].map(header),
        ["3 + 45 + 1", "3 + 255 + 1", "5 + 256 + 1", "9 + 65,536 + 1"]
    );
}

#[test]
fn expiries_have_a_second_table_in_classic_redis_only() {
    let workload = Workload { expires: true, ..strings(1_000, 16, 32..=32) };
    let without = strings(1_000, 16, 32..=32);
    for (store, entry) in CLASSIC.into_iter().zip([24, 32]) {
        let more = workload.estimate(store).unwrap().total() - without.estimate(store).unwrap().total();
        assert_eq!(more, 1_000 * entry + 1_024 * 8);
    }
    let more = workload.estimate(Store::Keyspace).unwrap().total()
        - without.estimate(Store::Keyspace).unwrap().total();
    assert_eq!(more, 1_000 * (zmalloc::good_size(62) - zmalloc::good_size(54)) as u64);
}

#[test]
fn an_empty_workload_takes_nothing_and_no_workload_is_too_large() {
    for store in STORES {
        let none = strings(0, 7, 7..=7);
        assert_eq!((none.estimate(store).unwrap().total(), none.advice(store).unwrap().len()), (0, 0));
        assert_eq!(none.estimate(store).unwrap().bytes_per_key(), 0.0);
        assert!(none.estimate(store).unwrap().to_string().ends_with("  0 = 0 bytes, 0.00 a key"));
        let most = strings(u64::MAX, KEY_LEN_MAX, VALUE_LEN_MAX..=VALUE_LEN_MAX);
        let all = strings(u64::MAX, KEY_LEN_MAX, 0..=VALUE_LEN_MAX);
        let numbers = integers(u64::MAX, KEY_LEN_MAX, i64::MIN..=i64::MAX);
        for workload in [most, all, numbers] {
            for workload in [workload.clone(), Workload { expires: true, ..workload }] {
                let estimate = workload.estimate(store).unwrap();
                assert_eq!(estimate.total(), u64::MAX, "{estimate}");
                let _ = workload.advice(store).unwrap().iter().map(Advice::to_string).collect::<String>();
            }
        }
        let exchanged = strings(10, 7, RangeInclusive::new(300, 20));
        assert_eq!(exchanged.estimate(store).unwrap(), strings(10, 7, 20..=300).estimate(store).unwrap());
        let exchanged = integers(10, 7, RangeInclusive::new(300, -20));
        assert_eq!(exchanged.estimate(store).unwrap(), integers(10, 7, -20..=300).estimate(store).unwrap());
    }
}

#[test]
fn lengths_beyond_the_limits_are_errors() {
    let (key, value) = (KEY_LEN_MAX + 1, VALUE_LEN_MAX + 1);
    assert_eq!((key, value), (1 << 32, (512 << 20) + 1));
    for store in STORES {
        let error = |workload: Workload| {
            let error = workload.estimate(store).unwrap_err();
            assert_eq!(workload.advice(store), Err(error));
            error
        };
        assert_eq!(error(strings(1, key, 7..=7)), EstimateError::KeyTooLong { len: key });
        assert_eq!(error(integers(0, u64::MAX, 7..=7)), EstimateError::KeyTooLong { len: u64::MAX });
        for lens in [value..=value, 7..=value, RangeInclusive::new(value, 7)] {
            assert_eq!(error(strings(1, 7, lens)), EstimateError::ValueTooLong { len: value });
        }
        assert!(strings(1, KEY_LEN_MAX, VALUE_LEN_MAX..=VALUE_LEN_MAX).estimate(store).is_ok());
    }
    let error = EstimateError::ValueTooLong { len: value };
    assert_eq!(
        error.to_string(),
        "a value of 536,870,913 bytes is too long: it can have at most 536,870,912 bytes"
    );
}

#[test]
fn no_advice_is_beyond_the_limits() {
    let longer = |workload: &Workload, subject| {
        let advice = workload.advice(CLASSIC[0]).unwrap();
        advice.into_iter().find_map(|advice| match advice {
            Advice::Longer { subject: other, free, .. } if other == subject => Some(free),
            _ => None,
        })
    };
    let value = |len| longer(&strings(1, 7, len..=len), Subject::Value);
    assert_eq!(value(VALUE_LEN_MAX), None);
    // The header and the NUL take ten bytes of a class of 512 MiB.
    assert_eq!(value(VALUE_LEN_MAX - 10), Some(0));
    assert_eq!(value(VALUE_LEN_MAX - 62_000_000), Some(61_999_990));
    assert_eq!(longer(&strings(1, KEY_LEN_MAX, 7..=7), Subject::Key), None);
}

#[test]
fn a_key_and_a_value_of_one_block_share_its_spare_bytes() {
    let is_given =
        |workload: &Workload, store| advice(workload, store).contains(&Advice::SharedBlock.to_string());
    // 20 of 24 bytes.
    if zmalloc::good_size(20) == 24 {
        assert!(is_given(&strings(10, 7, 7..=7), Store::Keyspace));
        // 24 of 24 bytes.
        assert!(!is_given(&strings(10, 7, 11..=11), Store::Keyspace));
    }
    for store in CLASSIC {
        assert!(!is_given(&strings(10, 7, 7..=7), store));
    }
    assert!(!is_given(&integers(10, 7, 7..=7), Store::Keyspace));
}

#[test]
fn advice_that_relies_on_shared_integers_says_when_there_are_none() {
    const CAVEAT: &str = "Redis does not share integers if maxmemory is set with an LRU or LFU policy.";
    let lines = |workload: &Workload, store| -> [usize; 2] {
        let advice = advice(workload, store);
        let relying = advice.iter().filter(|text| text.contains(CAVEAT)).count();
        [
            relying,
            advice.iter().filter(|text| text.contains("Integers of") || text.contains("shares all")).count(),
        ]
    };
    for store in CLASSIC {
        // The strings become integers that are shared, or that are not.
        assert_eq!(lines(&strings(90_000, 7, 4..=4), store), [1, 1]);
        assert_eq!(lines(&strings(90_000, 7, 5..=5), store), [0, 1]);
        // Advice about smaller integers, a larger constant, and integers that are shared already.
        assert_eq!(lines(&integers(100_000_000, 8, 0..=19_999), store), [3, 1]);
    }
    assert_eq!(lines(&strings(90_000, 7, 4..=4), Store::Keyspace)[0], 0);
}

fn advice(workload: &Workload, store: Store) -> Vec<String> {
    workload.advice(store).unwrap().iter().map(Advice::to_string).collect()
}

/// Checks that the advice is right, by estimates of the changed workloads.
#[test]
fn advice_says_what_another_estimate_says() {
    for workload in workloads() {
        for store in STORES {
            let total = |workload: &Workload| workload.estimate(store).unwrap().total();
            for advice in workload.advice(store).unwrap() {
                match advice {
                    Advice::Longer { subject, free, bytes, keys } => {
                        let longer = |by| total(&workload.longer(subject, by).unwrap());
                        assert_eq!(longer(free), total(&workload), "{advice}");
                        assert_eq!(longer(free + 1), total(&workload) + bytes, "{advice}");
                        assert_eq!(keys, workload.keys);
                    }
                    Advice::Shorter { subject, by, bytes, .. } => {
                        let shorter = |by| total(&workload.resized(subject, |len| Some(len - by)).unwrap());
                        assert_eq!(shorter(by), total(&workload) - bytes, "{advice}");
                        assert_eq!(shorter(by - 1), total(&workload), "{advice}");
                    }
                    Advice::Integers { digits, bytes, .. } => {
                        let range = 10_i64.pow(digits as u32 - 1)..=10_i64.pow(digits as u32) - 1;
                        let integers = Workload { values: Values::Integers(range), ..workload.clone() };
                        assert_eq!(total(&integers), total(&workload) - bytes, "{advice}");
                    }
                    Advice::SmallIntegers { bytes, .. } => {
                        let small = Workload { values: Values::Integers(0..=9_999), ..workload.clone() };
                        assert_eq!(total(&small), total(&workload) - bytes, "{advice}");
                    }
                    _ => {}
                }
            }
        }
    }
}

#[test]
fn the_seeds_advice_is_given_where_it_applies() {
    let classic = Store::Classic(Quantum::Sixteen);
    let of_strings = advice(&strings(90_000, 7, 7..=7), classic);
    assert_eq!(
        of_strings,
        [
            "A key can be 7 bytes longer without more memory. One byte more takes 16 bytes a key, 1,440,000 in all.",
            "A key that is 1 byte shorter saves 8 bytes a key, 720,000 in all.",
            "A value can be 5 bytes longer without more memory. One byte more takes 16 bytes a key, 1,440,000 in all.",
            "Integers of 7 digits take less than strings of 7 bytes. They save 16 bytes a key, 1,440,000 in all.",
            "With 90,000 keys, none of these changes saves more than 1,440,000 bytes. That is hardly worth more complex code. With tens of millions of \
         keys, it can be.",
        ]
    );
    // These are the views of a forum, of which most are below 20,000.
    let of_integers = advice(&integers(100_000_000, 8, 0..=19_999), classic);
    assert_eq!(
        of_integers[1..],
        [
            "Integers from 0 to 9,999 are shared and take no object. If all values were in that range, it would save 8 bytes a key, \
         800,000,000 in all. Redis does not share integers if maxmemory is set with an LRU or LFU policy.",
            "A server built with OBJ_SHARED_INTEGERS = 20000 shares all of these integers. That saves 8.00 bytes a key, 799,760,000 in all. \
         Redis does not share integers if maxmemory is set with an LRU or LFU policy.",
            "Integers from 0 to 9,999 are shared. That saves 8 bytes a key, 800,000,000 in all. \
         Redis does not share integers if maxmemory is set with an LRU or LFU policy.",
        ]
    );
    // There are too few keys for so many objects.
    let few = integers(1_000, 8, 0..=99_999).advice(classic).unwrap();
    assert!(!few.iter().any(|advice| matches!(advice, Advice::MoreSharedIntegers { .. })));
    // A keyspace shares no integers.
    let here = integers(90_000, 8, 0..=9_999).advice(Store::Keyspace).unwrap();
    assert!(here.iter().all(|advice| matches!(
        advice,
        Advice::Longer { .. } | Advice::Shorter { .. } | Advice::SmallSavings { .. }
    )));
}

#[test]
fn a_key_is_long_enough_to_number_all_keys() {
    let shortest = |keys, key_len| {
        strings(keys, key_len, 7..=7)
            .advice(CLASSIC[0])
            .unwrap()
            .iter()
            .any(|advice| matches!(advice, Advice::Shorter { subject: Subject::Key, .. }))
    };
    // A key of 6 bytes or fewer takes 8 bytes instead of 16.
    assert!(shortest(1_000_000, 7) && !shortest(1_000_001, 7));
}

#[test]
fn a_workload_says_what_it_is() {
    assert_eq!(strings(90_000, 7, 7..=7).to_string(), "90,000 keys of 7 bytes, strings of 7 bytes");
    let integers = Workload { expires: true, ..integers(1, 1_000, -5..=5_000) };
    assert_eq!(integers.to_string(), "1 key of 1,000 bytes, integers from -5 to 5,000, with an expiry");
    assert_eq!(strings(2, 3, 32..=512).to_string(), "2 keys of 3 bytes, strings of 32 to 512 bytes");
}
