//! Operations on strings, and how they change a model.

use super::input::{Index, Indexes, LEN_MAX, When, Word, span};
use super::model::{
    Bytes, Content, INVALID_TIME, Model, NO_SUCH_KEY, NOT_AN_INTEGER, OVERFLOW, Reply, TOO_LONG,
    incr_by_float,
};
use super::pair::Pair;
use crate::harness::{Len, Text};
use arbitrary::Arbitrary;
use keyspace::{Error, Expiry, SetCondition, SetExpiry, SetOptions};
use std::cell::RefCell;
use testing::integer;
use values::string::{self, BitFieldType, BitOp, BitOverflow, BitRange};
use values::{EncodingLimits, OwnedElement};

#[derive(Arbitrary, Clone, Debug)]
pub(crate) enum Condition {
    Always,
    Absent,
    Present,
    /// `None` stands for the present string of the key, here and below.
    Equal(Option<Word>),
    Different(Option<Word>),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) enum NewExpiry {
    Clear,
    Keep,
    To(When),
}

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq)]
pub(crate) enum Overflow {
    Wrap,
    Sat,
    Fail,
}

/// The place of an integer in a string, for `BITFIELD`. The offset is in bits.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) struct Field {
    signed: bool,
    bits: u8,
    offset: u16,
}

#[derive(Arbitrary, Debug)]
pub(crate) enum StringOp {
    Set(Word),
    SetAgain(Word),
    SetWith { value: Word, condition: Condition, expiry: NewExpiry, get: bool },
    GetRange(Indexes),
    GetExpire(Option<When>),
    GetRemove,
    Append(Text),
    SetRange(Len, Text),
    SetBit(u16, bool),
    CountBits(Indexes, bool),
    FindBit(Index, bool),
    BitField { field: Field, value: i64, overflow: Overflow, adds: bool },
    IncrBy(i64),
    IncrBySmall(i8),
    IncrByFloat(i8),
    AppendAndFail(Text),
}

/// Returns an expiry as a time in milliseconds. If `positive` is set, as for `SET` and `GETEX`, only positive
/// numbers are valid.
pub(crate) fn time(expiry: Expiry, now: u64, positive: bool) -> Result<u64, Reply> {
    let (number, unit, base) = match expiry {
        Expiry::InSeconds(number) => (number, 1_000, i128::from(now)),
        Expiry::InMillis(number) => (number, 1, i128::from(now)),
        Expiry::AtSeconds(number) => (number, 1_000, 0),
        Expiry::AtMillis(number) => (number, 1, 0),
    };
    let millis = i128::from(number) * unit;
    let is_time = i64::try_from(millis).is_ok() && i64::try_from(millis + base).is_ok();
    if !is_time || positive && number <= 0 {
        return Err(INVALID_TIME);
    }
    Ok((millis + base).max(0) as u64)
}

pub(crate) fn owned_text(element: Option<OwnedElement>) -> Option<Bytes> {
    element.map(|element| element.as_element().text().to_vec())
}

impl Pair<'_> {
    pub(crate) fn on_string(&mut self, key: &[u8], op: &StringOp) {
        match op {
            StringOp::Set(word) | StringOp::SetAgain(word) => {
                let value = word.bytes();
                self.run_and_compare(
                    |keyspace, now| keyspace.set(key, &value[..], now),
                    |model| {
                        model.put(key, Content::String(value.clone()), None);
                        Ok(())
                    },
                );
            }
            StringOp::SetWith { value, condition, expiry, get } => {
                self.set_with(key, &value.bytes(), condition, *expiry, *get);
            }
            StringOp::GetExpire(when) => {
                let (now, to) = (self.now(), when.map(|when| when.expiry(self.now())));
                self.run_and_compare(
                    |keyspace, now| keyspace.get_expire(key, to, now).map(owned_text),
                    |model| get_expire(model, key, to, now),
                );
            }
            StringOp::GetRemove => {
                self.run_and_compare(
                    |keyspace, now| keyspace.get_remove(key, now).map(owned_text),
                    |model| {
                        let text = model.read::<Bytes>(key)?.cloned();
                        model.remove(key);
                        Ok(text)
                    },
                );
            }
            StringOp::Append(Text(bytes)) => {
                self.run_and_compare(
                    |keyspace, now| keyspace.append(key, bytes, now),
                    |model| {
                        let text = [model.read::<Bytes>(key)?.map_or(&[][..], Vec::as_slice), bytes].concat();
                        let len = text.len();
                        if len > LEN_MAX {
                            return Err(TOO_LONG);
                        }
                        model.write(key, Content::String(text));
                        Ok(len)
                    },
                );
            }
            StringOp::SetRange(Len(offset), Text(bytes)) => {
                // Some offsets are near the maximum length of a string.
                let offset = if offset % 64 == 7 { LEN_MAX - offset } else { *offset };
                self.run_and_compare(
                    |keyspace, now| keyspace.set_range(key, offset, bytes, now),
                    |model| set_range(model, key, offset, bytes),
                );
            }
            StringOp::GetRange(_) | StringOp::CountBits(..) | StringOp::FindBit(..) => {
                self.read_string(key, op)
            }
            StringOp::SetBit(..) | StringOp::BitField { .. } | StringOp::AppendAndFail(_) => {
                self.edit_string(key, op);
            }
            StringOp::IncrBy(by) => self.incr_by(key, *by),
            StringOp::IncrBySmall(by) => self.incr_by(key, (*by).into()),
            StringOp::IncrByFloat(quarters) => {
                let seen = RefCell::new(None);
                self.run_and_compare(
                    |keyspace, now| {
                        let sum = keyspace.incr_by_float(key, f64::from(*quarters) / 4.0, now);
                        let text = sum.map(|sum| sum.to_string().into_bytes());
                        seen.replace(Some(text.clone().map_err(|error| error.reply())));
                        text
                    },
                    |model| {
                        let text = incr_by_float(model.read(key)?, *quarters, seen.take())?;
                        model.write(key, Content::String(text.clone()));
                        Ok(text)
                    },
                );
            }
        }
    }

    fn incr_by(&mut self, key: &[u8], by: i64) {
        self.run_and_compare(
            |keyspace, now| keyspace.incr_by(key, by, now),
            |model| {
                let old = model.read::<Bytes>(key)?.map_or(Some(0), |text| integer(text));
                let sum = old.ok_or(NOT_AN_INTEGER)?.checked_add(by).ok_or(OVERFLOW)?;
                model.write(key, Content::String(sum.to_string().into_bytes()));
                Ok(sum)
            },
        );
    }

    fn set_with(&mut self, key: &[u8], value: &[u8], condition: &Condition, expiry: NewExpiry, get: bool) {
        let now = self.now();
        let present = self.model.read::<Bytes>(key).ok().flatten().cloned().unwrap_or_default();
        let compared = match condition {
            Condition::Equal(Some(word)) | Condition::Different(Some(word)) => word.bytes(),
            _ => present,
        };
        let condition = match condition {
            Condition::Always => SetCondition::Always,
            Condition::Absent => SetCondition::IfAbsent,
            Condition::Present => SetCondition::IfPresent,
            Condition::Equal(_) => SetCondition::IfEqual(&compared),
            Condition::Different(_) => SetCondition::IfDifferent(&compared),
        };
        let expiry = match expiry {
            NewExpiry::Clear => SetExpiry::Clear,
            NewExpiry::Keep => SetExpiry::Keep,
            NewExpiry::To(when) => SetExpiry::To(when.expiry(now)),
        };
        let options = SetOptions { condition, expiry, get };
        self.run_and_compare(
            |keyspace, now| {
                let outcome = keyspace.set_with(key, value, &options, now)?;
                Ok((outcome.is_set, owned_text(outcome.old)))
            },
            |model| set_with(model, key, value, &options, now),
        );
    }

    /// Operations that edit a string in a closure ([`keyspace::Keyspace::edit_string`]).
    fn edit_string(&mut self, key: &[u8], op: &StringOp) {
        let limits = self.limits();
        self.edits = true;
        match op {
            StringOp::SetBit(offset, bit) => {
                let (offset, bit) = (u64::from(*offset), *bit);
                self.run_and_compare(
                    |keyspace, now| {
                        keyspace.edit_string(key, now, |text| string::try_set_bit(text, offset, bit, &limits))
                    },
                    |model| {
                        let mut text = model.read::<Bytes>(key)?.cloned().unwrap_or_default();
                        text.resize(text.len().max(offset as usize / 8 + 1), 0);
                        let was = bit_at(&text, offset);
                        set_bit(&mut text, offset, bit);
                        model.write(key, Content::String(text));
                        Ok(was)
                    },
                );
            }
            StringOp::BitField { field, value, overflow, adds } => {
                self.bitfield(key, *field, *value, *overflow, *adds);
            }
            StringOp::AppendAndFail(Text(bytes)) => {
                self.run_and_compare(
                    |keyspace, now| {
                        keyspace.edit_string::<(), _>(key, now, |text| {
                            string::try_append(text, bytes, &EncodingLimits::DEFAULT)?;
                            Err(Error::NoSuchKey)
                        })
                    },
                    |model| {
                        // The closure fails after it has appended. A new key is then not created, but an
                        // existing string keeps the appended bytes.
                        if let Some(old) = model.read::<Bytes>(key)? {
                            let text = [old, &bytes[..]].concat();
                            model.write(key, Content::String(text));
                        }
                        Err(NO_SUCH_KEY)
                    },
                );
            }
            _ => unreachable!("another operation"),
        }
    }

    fn bitfield(&mut self, key: &[u8], field: Field, value: i64, overflow: Overflow, adds: bool) {
        let limits = self.limits();
        let (bits, offset) = (1 + u32::from(field.bits % 63), u64::from(field.offset));
        let field_type = if field.signed { BitFieldType::signed } else { BitFieldType::unsigned };
        let field_type = field_type(bits).expect("1 to 63 bits");
        let rule = match overflow {
            Overflow::Wrap => BitOverflow::Wrap,
            Overflow::Sat => BitOverflow::Sat,
            Overflow::Fail => BitOverflow::Fail,
        };
        self.run_and_compare(
            |keyspace, now| {
                keyspace.edit_string(key, now, |text| match adds {
                    true => string::try_bitfield_incr_by(text, field_type, offset, value, rule, &limits),
                    false => string::try_bitfield_set(text, field_type, offset, value, rule, &limits),
                })
            },
            |model| {
                let mut text = model.read::<Bytes>(key)?.cloned().unwrap_or_default();
                text.resize(text.len().max((offset + u64::from(bits)).div_ceil(8) as usize), 0);
                let places = || offset..offset + u64::from(bits);
                let raw = places().fold(0_i128, |sum, place| sum << 1 | i128::from(bit_at(&text, place)));
                let whole = 1_i128 << bits;
                let signed = |raw: i128| if field.signed && raw >= whole / 2 { raw - whole } else { raw };
                let before = signed(raw);
                let exact = match (adds, field.signed) {
                    (true, _) => before + i128::from(value),
                    (false, true) => i128::from(value),
                    (false, false) => i128::from(value.cast_unsigned()),
                };
                let (min, max) = if field.signed { (-whole / 2, whole / 2 - 1) } else { (0, whole - 1) };
                let after = match overflow {
                    Overflow::Wrap => Some(signed(exact.rem_euclid(whole))),
                    Overflow::Fail if !(min..=max).contains(&exact) => None,
                    Overflow::Sat | Overflow::Fail => Some(exact.clamp(min, max)),
                };
                if let Some(after) = after {
                    for (n, place) in places().rev().enumerate() {
                        set_bit(&mut text, place, after >> n & 1 == 1);
                    }
                }
                model.write(key, Content::String(text));
                Ok(after.map(|after| if adds { after } else { before } as i64))
            },
        );
    }

    fn read_string(&mut self, key: &[u8], op: &StringOp) {
        let len = self.model.read::<Bytes>(key).ok().flatten().map_or(0, Vec::len);
        match *op {
            StringOp::GetRange(indexes) => {
                let (start, end) = indexes.of(len);
                self.read_and_compare(
                    |keyspace, now| {
                        let (text, mut buffer) = (keyspace.get_string(key, now)?, Vec::new());
                        let text = text.map(|text| text.element(&mut buffer).unwrap());
                        Ok(text.map(|text| string::get_range(text, start, end).to_vec()))
                    },
                    |model| {
                        let text = model.read::<Bytes>(key)?;
                        // An end before the first byte stands for the first byte, as a start does.
                        let is_reversed = start < 0 && end < 0 && start > end;
                        let end = if end < 0 { end.max(-(len as i64)) } else { end };
                        let range = if is_reversed { 0..0 } else { span((start, end), len) };
                        Ok(text.map(|text| text[range].to_vec()))
                    },
                );
            }
            StringOp::CountBits(indexes, by_bits) => {
                let (start, end) = indexes.of(if by_bits { 8 * len } else { len });
                let range = if by_bits { BitRange::Bits(start, end) } else { BitRange::Bytes(start, end) };
                self.read_and_compare(
                    |keyspace, now| {
                        let text = keyspace.get_string(key, now)?;
                        Ok(text.map_or(0, |text| string::bit_count(&text.to_bytes(), range)))
                    },
                    |model| {
                        let Some(text) = model.read::<Bytes>(key)? else { return Ok(0) };
                        let units = if by_bits { 8 * len } else { len };
                        let is_reversed = start < 0 && end < 0 && start > end;
                        let end = if end < 0 { end.max(-(units as i64)) } else { end };
                        let range = if is_reversed { 0..0 } else { span((start, end), units) };
                        let bits = if by_bits { range } else { 8 * range.start..8 * range.end };
                        Ok(bits.filter(|bit| bit_at(text, *bit as u64)).count() as u64)
                    },
                );
            }
            StringOp::FindBit(start, bit) => {
                let start = start.of(len);
                self.read_and_compare(
                    |keyspace, now| {
                        let text = keyspace.get_string(key, now)?;
                        Ok(text
                            .and_then(|text| string::bit_pos(&text.to_bytes(), bit, BitRange::From(start))))
                    },
                    |model| {
                        let text = model.read::<Bytes>(key)?;
                        let Some(text) = text else { return Ok(None) };
                        let bits = span((start, -1), len);
                        let found = (8 * bits.start as u64..8 * bits.end as u64)
                            .find(|place| bit_at(text, *place) == bit);
                        // The string counts as if zeros followed it.
                        let behind = (!bit && !bits.is_empty()).then_some(8 * len as u64);
                        Ok(found.or(behind))
                    },
                );
            }
            _ => unreachable!("another operation"),
        }
    }

    /// `BITOP`, which stores the result of two strings in a third key.
    pub(crate) fn bit_op(&mut self, op: u8, to: &[u8], sources: [&[u8]; 2]) {
        let op = [BitOp::And, BitOp::Or, BitOp::Xor][usize::from(op % 3)];
        // The model is read first, because the keyspace may evict a source to make room for the result.
        let read = |key| self.model.read::<Bytes>(key).map(|text| text.cloned().unwrap_or_default());
        let result = read(sources[0]).and_then(|first| Ok(bits_of(op, first, read(sources[1])?)));
        self.run_and_compare(
            |keyspace, now| {
                let result = {
                    let mut lent = [None, None];
                    for (lent, source) in lent.iter_mut().zip(sources) {
                        *lent = keyspace.get_string(source, now)?;
                    }
                    let texts = lent.each_ref().map(|text| text.map(|text| text.to_bytes()));
                    let texts = texts.each_ref().map(|text| text.as_deref().unwrap_or_default());
                    string::try_bit_op(op, &texts)?
                };
                if result.is_empty() {
                    keyspace.remove(to, now);
                } else {
                    keyspace.set(to, result.as_bytes(), now)?;
                }
                Ok(result.len())
            },
            |model| {
                let result = result?;
                let len = result.len();
                if result.is_empty() {
                    model.remove(to);
                } else {
                    model.put(to, Content::String(result), None);
                }
                Ok(len)
            },
        );
    }
}

fn bits_of(op: BitOp, mut first: Bytes, mut second: Bytes) -> Bytes {
    let len = first.len().max(second.len());
    first.resize(len, 0);
    second.resize(len, 0);
    for (byte, other) in first.iter_mut().zip(second) {
        *byte = match op {
            BitOp::And => *byte & other,
            BitOp::Or => *byte | other,
            BitOp::Xor => *byte ^ other,
        };
    }
    first
}

fn bit_at(text: &[u8], place: u64) -> bool {
    text[place as usize / 8] & 0x80 >> (place % 8) != 0
}

fn set_bit(text: &mut [u8], place: u64, bit: bool) {
    let (byte, mask) = (&mut text[place as usize / 8], 0x80 >> (place % 8));
    *byte = if bit { *byte | mask } else { *byte & !mask };
}

fn set_range(model: &mut Model, key: &[u8], offset: usize, bytes: &[u8]) -> Result<usize, Reply> {
    let old = model.read::<Bytes>(key)?;
    if bytes.is_empty() {
        return Ok(old.map_or(0, Vec::len));
    }
    let (mut text, end) = (old.cloned().unwrap_or_default(), offset + bytes.len());
    if end > LEN_MAX {
        return Err(TOO_LONG);
    }
    text.resize(text.len().max(end), 0); // an edit may have made the string longer than `LEN_MAX`
    text[offset..end].copy_from_slice(bytes);
    let len = text.len();
    model.write(key, Content::String(text));
    Ok(len)
}

fn set_with(
    model: &mut Model,
    key: &[u8],
    value: &[u8],
    options: &SetOptions<'_>,
    now: u64,
) -> Result<(bool, Option<Bytes>), Reply> {
    let at = match options.expiry {
        SetExpiry::To(expiry) => Some(time(expiry, now, true)?),
        SetExpiry::Clear | SetExpiry::Keep => None,
    };
    let held = model.get(key);
    let old = if options.get { model.read::<Bytes>(key)?.cloned() } else { None };
    let is_set = match options.condition {
        SetCondition::IfAbsent => held.is_none(),
        SetCondition::IfPresent => held.is_some(),
        SetCondition::IfEqual(wanted) => model.read::<Bytes>(key)?.is_some_and(|text| text == wanted),
        SetCondition::IfDifferent(wanted) => model.read::<Bytes>(key)?.is_none_or(|text| text != wanted),
        _ => true,
    };
    if is_set && at.is_some_and(|at| at <= now) {
        model.remove(key);
    } else if is_set {
        let kept = held.and_then(|held| held.expiry).filter(|_| options.expiry == SetExpiry::Keep);
        model.put(key, Content::String(value.to_vec()), at.or(kept));
    }
    Ok((is_set, old))
}

fn get_expire(model: &mut Model, key: &[u8], to: Option<Expiry>, now: u64) -> Result<Option<Bytes>, Reply> {
    let Some(text) = model.read::<Bytes>(key)?.cloned() else { return Ok(None) };
    let at = to.map(|expiry| time(expiry, now, true)).transpose()?;
    if at.is_some_and(|at| at <= now) {
        model.remove(key);
    } else if let Some(held) = model.get_mut(key) {
        held.expiry = at;
    }
    Ok(Some(text))
}
