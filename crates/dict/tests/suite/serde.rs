//! Tests of `Serialize` and `Deserialize`: JSON, and a map that claims a wrong length.

use dict::Dict;
use serde::Deserialize;
use serde::de::value::{Error, MapAccessDeserializer};
use serde::de::{DeserializeSeed, IntoDeserializer, MapAccess};

#[test]
fn a_dict_is_a_map_and_comes_back_as_it_was() {
    let one = Dict::from([("key".to_owned(), Some(1))]);
    assert_eq!(serde_json::to_string(&one).unwrap(), r#"{"key":1}"#);
    for len in [0, 1, 15, 16, 1_000] {
        let dict: Dict<u32, String> = (0..len).map(|n| (n, n.to_string())).collect();
        let json = serde_json::to_string(&dict).unwrap();
        assert_eq!(serde_json::from_str::<Dict<u32, String>>(&json).unwrap(), dict);
    }
}

#[test]
fn a_key_that_comes_twice_has_the_last_value() {
    let dict: Dict<String, u32> = serde_json::from_str(r#"{"a":1,"b":2,"a":3}"#).unwrap();
    assert_eq!((dict.len(), dict["a"], dict["b"]), (2, 3, 2));
}

#[test]
fn what_is_no_map_is_an_error() {
    for json in ["17", "[]", "null", r#"{"a":}"#, r#"{"a":1"#, r#"{"a":"b"}"#] {
        assert!(serde_json::from_str::<Dict<String, u32>>(json).is_err(), "{json}");
    }
}

/// A map of three entries that claims to have `usize::MAX` entries.
struct WrongLength(u32);

impl<'de> MapAccess<'de> for WrongLength {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        self.0 += 1;
        (self.0 <= 3).then(|| seed.deserialize(self.0.into_deserializer())).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize((self.0 * 10).into_deserializer())
    }

    fn size_hint(&self) -> Option<usize> {
        Some(usize::MAX)
    }
}

#[test]
fn a_claimed_length_reserves_nothing() {
    let dict = Dict::<u32, u32>::deserialize(MapAccessDeserializer::new(WrongLength(0))).unwrap();
    let same = Dict::from([(1, 10), (2, 20), (3, 30)]);
    assert_eq!(dict, same);
    assert_eq!(dict.allocation_size(), same.allocation_size());
}

#[test]
fn missing_memory_is_an_error() {
    let dict: Dict<u32, u32> = (0..500).map(|n| (n, n)).collect();
    let json = serde_json::to_string(&dict).unwrap();
    let read = || serde_json::from_str::<Dict<u32, u32>>(&json);
    {
        let _plan = zmalloc::fault::fail_from(1);
        assert!(read().unwrap_err().to_string().contains("out of memory"));
    }
    assert_eq!(read().unwrap(), dict);
}
