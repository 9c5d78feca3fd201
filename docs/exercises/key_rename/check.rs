//! Checks that a renamed key keeps its value and its expiry.

#[cfg_attr(feature = "solutions", path = "solution.rs")]
mod exercise;

use exercise::{NoSuchKey, Store};
use keyspace::{Error, ExpireOptions, Expiry, Keyspace};

#[test]
fn a_key_exists_until_its_expiry_has_come() {
    let mut store = Store::default();
    store.set("a", "1");
    assert_eq!((store.get("a", u64::MAX), store.get("b", 0)), (Some("1"), None));
    store.expire_at("a", 10);
    assert_eq!((store.get("a", 9), store.get("a", 10)), (Some("1"), None));
}

#[test]
fn the_expiry_moves_with_the_value() {
    let mut store = Store::default();
    store.set("a", "1");
    store.expire_at("a", 10);
    assert_eq!(store.rename("a", "b", 0), Ok(()));
    assert_eq!((store.get("a", 0), store.get("b", 9), store.get("b", 10)), (None, Some("1"), None));
}

#[test]
fn the_expiry_of_a_replaced_key_has_no_effect() {
    let mut store = Store::default();
    store.set("a", "1");
    store.set("b", "2");
    store.expire_at("b", 10);
    assert_eq!(store.rename("a", "b", 0), Ok(()));
    assert_eq!(store.get("b", 10), Some("1"));
}

#[test]
fn an_expired_key_cannot_be_renamed_and_does_not_block_a_rename() {
    let mut store = Store::default();
    store.set("a", "1");
    store.set("b", "2");
    store.expire_at("b", 10);
    assert_eq!(store.rename_absent("a", "b", 9), Ok(false));
    assert_eq!(store.rename("b", "a", 10), Err(NoSuchKey));
    assert_eq!(store.rename_absent("b", "c", 10), Err(NoSuchKey));
    assert_eq!(store.rename("b", "b", 10), Err(NoSuchKey));
    assert_eq!((store.get("a", 10), store.get("c", 10)), (Some("1"), None));
    assert_eq!(store.rename_absent("a", "b", 10), Ok(true));
    assert_eq!((store.get("a", 10), store.get("b", 10)), (None, Some("1")));
}

#[test]
fn a_rename_to_the_same_name_keeps_the_key() {
    let mut store = Store::default();
    store.set("a", "1");
    store.expire_at("a", 10);
    assert_eq!((store.rename("a", "a", 0), store.rename_absent("a", "a", 0)), (Ok(()), Ok(false)));
    assert_eq!((store.get("a", 9), store.get("a", 10)), (Some("1"), None));
}

/// Returns the result of a rename of the keyspace, as the exercise has it.
fn result_of<T>(result: Result<T, Error>) -> Result<T, NoSuchKey> {
    result.map_err(|error| {
        assert_eq!(error, Error::NoSuchKey);
        NoSuchKey
    })
}

#[test]
fn random_commands_have_the_results_of_the_keyspace() {
    const KEYS: [&str; 4] = ["a", "b", "c", "d"];
    let (mut store, mut keyspace) = (Store::default(), Keyspace::new());
    let mut state = 1_u64;
    for now in 0..5_000 {
        // Knuth's generator. Its upper bits are the better ones.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let number = (state >> 33) as usize;
        let (from, to) = (KEYS[number % 4], KEYS[number / 4 % 4]);
        match number / 16 % 5 {
            0 => {
                let value = now.to_string();
                store.set(from, &value);
                keyspace.set(from, value.as_str(), now).unwrap();
            }
            1 if keyspace.contains_key(from, now) => {
                let at = now + 1 + (number / 80 % 10) as u64;
                store.expire_at(from, at);
                let expiry = Expiry::AtMillis(at as i64);
                assert!(keyspace.expire(from, expiry, ExpireOptions::default(), now).unwrap());
            }
            2 | 3 => {
                let expected = result_of(keyspace.rename(from, to, now));
                assert_eq!(store.rename(from, to, now), expected, "{from} to {to} at {now}");
            }
            _ => {
                let expected = result_of(keyspace.rename_absent(from, to, now));
                assert_eq!(store.rename_absent(from, to, now), expected, "{from} to {to} at {now}");
            }
        }
        for key in KEYS {
            let mut value = Vec::new();
            let exists = keyspace.get_into(key, &mut value, now).unwrap();
            let expected = exists.then(|| String::from_utf8(value).unwrap());
            assert_eq!(store.get(key, now), expected.as_deref(), "{key} at {now}");
        }
    }
}
