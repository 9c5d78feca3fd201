//! `Serialize` and `Deserialize` of an [`Sds`], as bytes (feature `serde`).
//!
//! Binary formats store the bytes. JSON has no type for bytes, so `serde_json` writes an array of numbers.
//! Deserialization accepts bytes, text and arrays of numbers. It returns an error if there is no memory.

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
        // The hint may come from the input and may be wrong. So it reserves at most 4 KiB, and the string
        // grows further as bytes arrive.
        let mut s =
            Sds::try_with_capacity(seq.size_hint().unwrap_or(0).min(4096)).map_err(A::Error::custom)?;
        while let Some(byte) = seq.next_element()? {
            s.try_push(byte).map_err(A::Error::custom)?;
        }
        Ok(s)
    }
}
