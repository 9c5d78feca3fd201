//! `Serialize` and `Deserialize`, as bytes (feature `serde`).
//!
//! Binary formats store the bytes. JSON has no bytes, so it stores an array of numbers. Deserialization
//! accepts bytes, text and arrays of numbers.

use crate::Sds;
use core::fmt;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

impl Serialize for Sds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self)
    }
}

impl<'de> Deserialize<'de> for Sds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(BytesVisitor)
    }
}

struct BytesVisitor;

impl<'de> Visitor<'de> for BytesVisitor {
    type Value = Sds;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes or text")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Sds, E> {
        Sds::try_from_bytes(bytes).map_err(E::custom)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Sds, E> {
        self.visit_bytes(text.as_bytes())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Sds, A::Error> {
        // The hint is only a claim of the input. It is trusted up to one page, and then the string grows as
        // bytes arrive.
        let mut s =
            Sds::try_with_capacity(seq.size_hint().unwrap_or(0).min(4096)).map_err(A::Error::custom)?;
        while let Some(byte) = seq.next_element()? {
            s.try_push(byte).map_err(A::Error::custom)?;
        }
        Ok(s)
    }
}
