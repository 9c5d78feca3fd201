//! Checks `INCRBY` on a small store.

#[cfg_attr(feature = "solutions", path = "solution.rs")]
mod exercise;

use exercise::{IncrError, Store, Value, incr_by};
use keyspace::Keyspace;
use values::string::StringError;

const KEY: &[u8] = b"visits";

/// Returns a store with one key.
fn store_of(text: &[u8]) -> Store {
    Store::from([(KEY.to_vec(), Value::Text(text.to_vec()))])
}

/// Increments `text` in both stores, and compares the results and the stores.
fn compare_with_keyspace(text: &[u8], increment: i64) {
    let mut store = store_of(text);
    let mut keyspace = Keyspace::new();
    keyspace.set(KEY, text, 0).unwrap();
    let expected = keyspace.incr_by(KEY, increment, 0).map_err(|error| match error {
        keyspace::Error::Value(values::Error::String(StringError::NotAnInteger)) => IncrError::NotAnInteger,
        keyspace::Error::Value(values::Error::String(StringError::Overflow { value })) => {
            IncrError::Overflow { value }
        }
        error => panic!("{error}"),
    });
    let at = text.escape_ascii();
    assert_eq!(incr_by(&mut store, KEY, increment), expected, "'{at}' and {increment}");
    let mut left = Vec::new();
    keyspace.get_into(KEY, &mut left, 0).unwrap();
    assert_eq!(store, store_of(&left), "the store, after '{at}' and {increment}");
}

#[test]
fn a_key_that_does_not_exist_counts_as_0() {
    let mut store = Store::new();
    assert_eq!(incr_by(&mut store, KEY, -7), Ok(-7));
    assert_eq!(incr_by(&mut store, KEY, 10), Ok(3));
    assert_eq!(store, store_of(b"3"));
}

#[test]
fn short_texts_have_the_results_of_the_keyspace() {
    let alphabet = b"-+ .0179ax\0\xff";
    let mut texts = vec![Vec::new()];
    let mut longest = texts.clone();
    for _ in 0..3 {
        let append = |text: Vec<u8>| alphabet.iter().map(move |&byte| [&text[..], &[byte]].concat());
        longest = longest.into_iter().flat_map(append).collect();
        texts.extend(longest.clone());
    }
    assert_eq!(texts.len(), 1 + 12 + 144 + 1_728);
    texts.iter().for_each(|text| compare_with_keyspace(text, 1));
}

#[test]
fn the_largest_and_smallest_integers_have_the_results_of_the_keyspace() {
    let ends = [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX];
    for value in ends {
        ends.iter().for_each(|&increment| compare_with_keyspace(value.to_string().as_bytes(), increment));
    }
    for text in ["9223372036854775808", "-9223372036854775809", "00000000000000000000000000000000000001"] {
        compare_with_keyspace(text.as_bytes(), 0);
    }
}

#[test]
fn an_overflow_reports_the_value_that_the_key_keeps() {
    let mut store = store_of(b"9223372036854775800");
    let expected = IncrError::Overflow { value: 9_223_372_036_854_775_800 };
    assert_eq!(incr_by(&mut store, KEY, 8), Err(expected));
    assert_eq!(store, store_of(b"9223372036854775800"));
}

#[test]
fn a_hash_is_a_wrong_type_and_stays_as_it_is() {
    let hash = Value::Hash([(b"name".to_vec(), b"Grace".to_vec())].into());
    let before = Store::from([(KEY.to_vec(), hash)]);
    let mut store = before.clone();
    assert_eq!(incr_by(&mut store, KEY, 1), Err(IncrError::WrongType));
    assert_eq!(store, before);
}

#[test]
fn other_keys_stay_as_they_are() {
    let mut store = store_of(b"1");
    store.insert(b"other".to_vec(), Value::Text(b"text".to_vec()));
    assert_eq!(incr_by(&mut store, KEY, 1), Ok(2));
    assert_eq!(store.remove(&b"other"[..]), Some(Value::Text(b"text".to_vec())));
    assert_eq!(store, store_of(b"2"));
}
