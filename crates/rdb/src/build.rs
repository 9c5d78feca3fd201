//! [`Builder`]: builds a value in its final encoding while the input is read.
//!
//! A listpack or an intset that is within the configured limits is stored as it is: its bytes go from the
//! input's buffer into the entry's block. Any other collection is built element by element or node by node,
//! so its encoding is the one that write commands would have chosen.
//!
//! Limits: the number of elements that the input claims only chooses an encoding. It never reserves memory.

use crate::error::Fault;
use crate::sink::{LongPair, Pair, PartError, Sink, SinkResult, check_listpack};
use crate::text::Stream;
use crate::walk::emit_all;
use keyspace::values::list::{NodeLimit, Side};
use keyspace::values::zset::{AddError, AddOptions, Added};
use keyspace::values::{
    Collection, Element, Encoding, EncodingLimits, Hash, List, ObjectType, OwnedElement, PackedShape, Set,
    ZSet,
};
use keyspace::{RestoreValue, Value};
use listpack::{Value as Packed, View};

/// The longest text of a score, in bytes, that takes less memory in a listpack than a double does.
const SCORE_TEXT_MAX: usize = 7;

/// Stores a value that is complete.
pub(crate) trait Store {
    fn store(&mut self, value: RestoreValue<'_>) -> Result<(), keyspace::Error>;

    /// Called instead of `store` if the value is a collection without elements.
    fn store_empty(&mut self) -> SinkResult;
}

/// A value that is being built.
#[derive(Default)]
pub(crate) struct Partial {
    value: Option<Value>,
    /// The number of elements that the input claims, or of nodes if the value is a quicklist.
    hint: usize,
    /// Whether the value is already stored. A string or a packed value is stored as soon as it is read.
    is_stored: bool,
    /// The number of fields that are kept without the expiry that they had.
    pub(crate) expiries: u64,
    /// The number of fields that were left out because they had expired.
    pub(crate) expired: u64,
}

/// Builds one value, and stores it when it is complete.
pub(crate) struct Builder<'b, T> {
    pub(crate) partial: &'b mut Partial,
    pub(crate) limits: &'b EncodingLimits,
    pub(crate) store: T,
    /// Fields that have expired at this time, in milliseconds since 1970, are left out. `None` keeps all
    /// fields.
    pub(crate) drops_expired_at: Option<u64>,
}

impl<T: Store> Builder<'_, T> {
    fn list(&mut self) -> Option<&mut List> {
        match self.partial.value.get_or_insert_with(|| List::new().into()) {
            Value::List(list) => Some(list),
            _ => None,
        }
    }

    /// Inserts the elements of a packed value that is not within the limits.
    fn unpack(
        &mut self,
        object_type: ObjectType,
        encoding: Encoding,
        bytes: &[u8],
        len: usize,
    ) -> SinkResult {
        self.begin(object_type, len as u64)?;
        if encoding == Encoding::IntSet {
            let set =
                intset::View::new(bytes).map_err(|error| PartError::Packed(Fault::Intset, error.offset))?;
            return set.iter().try_for_each(|member| self.element(Element::Int(member)));
        }
        let list = View::new(bytes).map_err(|error| PartError::Packed(Fault::Listpack, error.offset))?;
        emit_all(list.iter(), object_type, self)
    }

    /// Adds a node to the list. A node that is the whole list and within the limits is stored as it is.
    fn node(&mut self, bytes: &[u8]) -> SinkResult {
        let is_whole = self.partial.hint <= 1 && self.partial.value.as_ref().is_none_or(Value::is_empty);
        let limits = self.limits;
        if is_whole {
            let shape = List::check_packed(Encoding::ListPack, bytes).map_err(of_listpack)?;
            if NodeLimit::new(limits.list_max_listpack_size).allows(bytes.len(), shape.len) && shape.len > 0 {
                let value = RestoreValue::Packed(ObjectType::List, Encoding::ListPack, bytes);
                self.store.store(value)?;
                self.partial.is_stored = true;
                return Ok(());
            }
        }
        let Some(list) = self.list() else { return Ok(()) };
        list.try_push_listpack(bytes, limits).map_err(of_listpack)
    }

    /// Counts the expiry of a field. Returns `true` if the field has expired and is left out.
    #[inline]
    fn skip_expired(&mut self, expiry: Option<u64>) -> bool {
        let has_expired = expiry.is_some_and(|expiry| self.drops_expired_at.is_some_and(|now| expiry <= now));
        let counter = if has_expired { &mut self.partial.expired } else { &mut self.partial.expiries };
        *counter += u64::from(expiry.is_some());
        has_expired
    }

    /// Returns whether a packed value of this shape is within the limits, so that it can be stored as it is.
    fn fits(&self, object_type: ObjectType, encoding: Encoding, shape: PackedShape, bytes: &[u8]) -> bool {
        let limits = self.limits;
        let (len, longest) = match (object_type, encoding) {
            (ObjectType::Set, Encoding::IntSet) => (limits.set_max_intset_entries, usize::MAX),
            (ObjectType::Set, _) => (limits.set_max_listpack_entries, limits.set_max_listpack_value),
            (ObjectType::Hash, _) => (limits.hash_max_listpack_entries, limits.hash_max_listpack_value),
            (ObjectType::ZSet, _) if has_long_scores(bytes) => (0, 0),
            (ObjectType::ZSet, _) => (limits.zset_max_listpack_entries, limits.zset_max_listpack_value),
            (ObjectType::List | ObjectType::String, _) => (0, 0),
        };
        shape.len > 0 && shape.len <= len && shape.longest <= longest
    }
}

/// Returns whether a list keeps an element of `len` bytes in a separate node.
fn is_large(len: usize, limits: &EncodingLimits) -> bool {
    NodeLimit::new(limits.list_max_listpack_size).is_large(len)
}

fn of_listpack(error: keyspace::values::Error) -> PartError {
    PartError::of_packed(error, Fault::Listpack)
}

/// Returns whether the listpack of a sorted set has a score whose text takes at least the memory of a double.
fn has_long_scores(bytes: &[u8]) -> bool {
    let is_long = |score| matches!(score, Packed::Str(text) if text.len() > SCORE_TEXT_MAX);
    View::new(bytes).is_ok_and(|list| list.iter().skip(1).step_by(2).any(is_long))
}

impl<T: Store> Sink for Builder<'_, T> {
    fn string(&mut self, string: Element<'_>) -> SinkResult {
        self.partial.is_stored = true;
        Ok(self.store.store(RestoreValue::String(string))?)
    }

    fn long_string(&mut self, string: OwnedElement) -> SinkResult {
        self.partial.value = Some(Value::String(string));
        Ok(())
    }

    fn begin(&mut self, object_type: ObjectType, len: u64) -> SinkResult {
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        self.partial.hint = len;
        // The encoding of a set or a sorted set also depends on its first member, so it is created with that
        // member.
        self.partial.value = match object_type {
            ObjectType::Hash => {
                let mut hash = Hash::new();
                hash.try_convert_for(len, self.limits)?;
                Some(hash.into())
            }
            ObjectType::List if self.partial.value.is_none() => Some(List::new().into()),
            _ => self.partial.value.take(),
        };
        Ok(())
    }

    fn element(&mut self, element: Element<'_>) -> SinkResult {
        let (limits, hint) = (self.limits, self.partial.hint);
        if self.partial.value.is_none() {
            // Only a set has no value yet, because `begin` creates the value of a list.
            self.partial.value = Some(Set::try_with_hint(element, hint, limits)?.into());
        }
        match &mut self.partial.value {
            Some(Value::Set(set)) => {
                if set.try_insert(element, limits)? {
                    Ok(())
                } else {
                    Err(duplicate())
                }
            }
            Some(Value::List(list)) => Ok(list.try_push(Side::Back, element, limits)?),
            _ => Ok(()),
        }
    }

    fn scored(&mut self, member: Element<'_>, score: f64) -> SinkResult {
        let (limits, hint) = (self.limits, self.partial.hint);
        let value = &mut self.partial.value;
        let value = value.get_or_insert_with(|| ZSet::with_hint(member, hint, limits).into());
        let Value::ZSet(zset) = value else { return Ok(()) };
        match zset.try_add(member, score, AddOptions { nx: true, ..AddOptions::default() }, limits) {
            Ok(Added::Added(_)) => Ok(()),
            Ok(_) => Err(duplicate()),
            Err(AddError::NotANumber) => Err(PartError::Packed(Fault::Score, 0)),
            Err(error) => Err(error.into()),
        }
    }

    fn pair(&mut self, (field, value, expiry): Pair<'_>) -> SinkResult {
        let limits = self.limits;
        if self.skip_expired(expiry) {
            return Ok(());
        }
        let Some(Value::Hash(hash)) = &mut self.partial.value else { return Ok(()) };
        if hash.try_insert(field, value, limits)? { Ok(()) } else { Err(duplicate()) }
    }

    fn packed(&mut self, object_type: ObjectType, encoding: Encoding, bytes: &[u8]) -> SinkResult {
        let shape = match encoding {
            _ if object_type == ObjectType::List => return self.node(bytes),
            Encoding::IntSet => Set::check_packed(encoding, bytes)
                .map_err(|error| PartError::of_packed(error, Fault::Intset))?,
            _ => check_listpack(object_type, bytes)?,
        };
        if !self.fits(object_type, encoding, shape, bytes) {
            return self.unpack(object_type, encoding, bytes, shape.len);
        }
        self.partial.is_stored = true;
        Ok(self.store.store(RestoreValue::Packed(object_type, encoding, bytes))?)
    }

    fn plain(&mut self, element: &[u8]) -> SinkResult {
        let limits = self.limits;
        let Some(list) = self.list() else { return Ok(()) };
        Ok(list.try_push_plain(element, limits)?)
    }

    fn long_element(&mut self, element: Stream<'_>) -> SinkResult {
        let (limits, len) = (self.limits, element.raw_len());
        match &mut self.partial.value {
            Some(Value::List(list)) if is_large(len, limits) => {
                list.try_push_plain_with(len, limits, |place| element.decompress(place))
            }
            Some(Value::Set(set)) if len > limits.set_max_listpack_value => {
                let is_new = set.try_insert_with(len, |place| element.decompress(place))?;
                if is_new { Ok(()) } else { Err(duplicate()) }
            }
            None if len > limits.set_max_listpack_value => {
                self.partial.value = Some(Set::new().into());
                self.long_element(element)
            }
            // The limits allow an element of this length in a listpack.
            _ => self.element(Element::Bytes(&element.try_decompressed()?)),
        }
    }

    fn long_scored(&mut self, member: Stream<'_>, score: f64) -> SinkResult {
        let (limits, len) = (self.limits, member.raw_len());
        if len <= limits.zset_max_listpack_value {
            return self.scored(Element::Bytes(&member.try_decompressed()?), score);
        }
        let value = self.partial.value.get_or_insert_with(|| ZSet::new().into());
        let Value::ZSet(zset) = value else { return Ok(()) };
        let is_new = zset.try_add_with(len, score, |place| member.decompress(place))?;
        if is_new { Ok(()) } else { Err(duplicate()) }
    }

    fn long_pair(&mut self, (field, value, expiry): LongPair<'_>) -> SinkResult {
        let lens = [field.len(), value.len()];
        if lens.iter().all(|len| *len <= self.limits.hash_max_listpack_value) {
            let (field, value) = (field.try_decompressed()?, value.try_decompressed()?);
            return self.pair((field.element(), value.element(), expiry));
        }
        if self.skip_expired(expiry) {
            return Ok(());
        }
        let Some(Value::Hash(hash)) = &mut self.partial.value else { return Ok(()) };
        let is_new = hash.try_insert_with(lens, |[field_place, value_place]| {
            field.write(field_place)?;
            value.write(value_place)
        })?;
        if is_new { Ok(()) } else { Err(duplicate()) }
    }

    fn long_plain(&mut self, element: Stream<'_>) -> SinkResult {
        let (limits, len) = (self.limits, element.raw_len());
        let Some(list) = self.list() else { return Ok(()) };
        if is_large(len, limits) {
            list.try_push_plain_with(len, limits, |place| element.decompress(place))
        } else {
            Ok(list.try_push_plain(&element.try_decompressed()?, limits)?)
        }
    }

    fn end(&mut self) -> SinkResult {
        match &mut self.partial.value {
            _ if self.partial.is_stored => Ok(()),
            Some(value) if !value.is_empty() => Ok(self.store.store(RestoreValue::Built(value))?),
            _ => self.store.store_empty(),
        }
    }
}

fn duplicate() -> PartError {
    PartError::Packed(Fault::Duplicate, 0)
}
