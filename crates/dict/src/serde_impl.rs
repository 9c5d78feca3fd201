//! `Serialize` and `Deserialize` of a [`Dict`], as a map (feature `serde`).
//!
//! Reading does not trust a number of entries in the input. A dict grows by one chunk at a time and reserves
//! nothing, so a wrong number has no effect. If a key comes twice, its last value counts, as with std's maps.
//! If there is no memory, reading returns an error and does not end the process.

use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::marker::PhantomData;

use serde::de::{Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::map::Dict;

impl<K: Serialize, V: Serialize, H> Serialize for Dict<K, V, H> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (key, value) in self {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl<'de, K, V, H> Deserialize<'de> for Dict<K, V, H>
where
    K: Deserialize<'de> + Eq + Hash,
    V: Deserialize<'de>,
    H: BuildHasher + Default,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(DictVisitor(PhantomData))
    }
}

struct DictVisitor<K, V, H>(PhantomData<Dict<K, V, H>>);

impl<'de, K, V, H> Visitor<'de> for DictVisitor<K, V, H>
where
    K: Deserialize<'de> + Eq + Hash,
    V: Deserialize<'de>,
    H: BuildHasher + Default,
{
    type Value = Dict<K, V, H>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut dict = Dict::default();
        while let Some((key, value)) = map.next_entry()? {
            dict.try_insert(key, value).map_err(A::Error::custom)?;
        }
        Ok(dict)
    }
}
