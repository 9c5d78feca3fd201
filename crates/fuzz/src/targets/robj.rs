//! Compares string objects with their bytes: encodings, references, copies on write.
//!
//! After each operation, every handle must have its bytes. The reference count of each object must be the
//! number of its handles. The sum of the objects' `allocation_size` must be the number of bytes in use.

use crate::harness::{Faults, LeakCheck, Len, Plan, Text, operations};
use ::robj::{Encoding, EncodingLimits, Robj};
use ::sds::Sds;
use ::values::Error;
use ::values::string::{BitFieldType, BitOp, BitOverflow, BitRange, LongDouble, try_bit_op};
use arbitrary::Arbitrary;
use bytes::Bytes;
use std::collections::HashMap;

/// The maximum number of handles.
const HANDLES_MAX: usize = 24;

#[derive(Arbitrary, Debug)]
enum Op {
    FromBytes(Text),
    Digits(i64),
    FromInteger(i64),
    FromFloat(f64),
    Raw(Text, Len),
    Clone(u8),
    Drop(u8),
    Encode(u8),
    Decode(u8),
    Append(u8, Text),
    Truncate(u8, Len),
    SetInteger(u8, i64),
    AppendBytes(u8, Text),
    SetRange(u8, Len, Text),
    GetRange(u8, i16, i16),
    IncrBy(u8, i64),
    IncrByFloat(u8, f64),
    SetBit(u8, Len, bool),
    Bits(u8, Range, bool),
    Combine(u8, u8, u8),
    Field { at: u8, field: Field, offset: Len, value: i64, incr: bool, overflow: u8 },
    Touch(u8, u32),
    Reply(u8),
    Limits { embstr: u8, shared: u16, bulk: u16 },
    Follow(Plan),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Range {
    All,
    From(i16),
    Bytes(i16, i16),
    Bits(i16, i16),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
struct Field {
    signed: bool,
    bits: u8,
}

struct Handle {
    object: Robj,
    bytes: Vec<u8>,
}

/// Runs the operations that `data` encodes.
pub fn run(data: &[u8]) {
    let leak_check = LeakCheck::open();
    let mut state = State { handles: Vec::new(), limits: EncodingLimits::DEFAULT, faults: Faults::new() };
    for op in operations(data) {
        state.step(op);
        state.check(&leak_check);
    }
}

struct State {
    handles: Vec<Handle>,
    limits: EncodingLimits,
    faults: Faults,
}

/// Returns the integer whose decimal form the bytes are. Uses only std.
fn canonical(bytes: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(bytes).ok()?;
    text.parse::<i64>().ok().filter(|value| value.to_string() == text)
}

/// Returns whether an operation succeeded. Panics if it should have failed, because an allocation failed or
/// the request is not `allowed`. Panics also if it failed without such a reason.
fn written<T>(result: &Result<T, Error>, failed: bool, allowed: bool) -> bool {
    match result {
        Ok(_) => assert!(allowed && !failed),
        Err(Error::Reserve(_)) => assert!(failed),
        Err(error) => assert!(!allowed, "{error}"),
    }
    result.is_ok()
}

impl State {
    fn keep<E>(&mut self, (object, failed): (Result<Robj, E>, bool), bytes: Vec<u8>) {
        assert_eq!(object.is_err(), failed);
        if let Ok(object) = object {
            if self.handles.len() == HANDLES_MAX {
                self.handles.swap_remove(bytes.len() % HANDLES_MAX);
            }
            self.handles.push(Handle { object, bytes });
        }
    }

    fn step(&mut self, op: Op) {
        let limits = self.limits;
        match op {
            Op::FromBytes(Text(bytes)) => {
                let made = self.faults.watch(|| Robj::try_from_bytes(&bytes, &limits));
                self.keep(made, bytes);
            }
            Op::Digits(value) => {
                let bytes = value.to_string().into_bytes();
                let made = self.faults.watch(|| Robj::try_from_bytes(&bytes, &limits));
                self.keep(made, bytes);
            }
            Op::FromInteger(value) => {
                let made = self.faults.watch(|| Robj::try_from_i64(value, &limits));
                self.keep(made, value.to_string().into_bytes());
            }
            Op::FromFloat(value) => {
                let made = self.faults.watch(|| Robj::try_from_f64(value, &limits));
                let bytes = made.0.as_ref().map_or(Vec::new(), |object| object.as_string().unwrap().to_vec());
                self.keep(made, bytes);
            }
            Op::Raw(Text(bytes), Len(room)) => {
                let string = Sds::try_from_bytes(&bytes)
                    .and_then(|mut string| string.try_make_room_for_non_greedy(room).map(|()| string));
                let Ok(string) = string else { return };
                let (made, failed) = self.faults.watch(|| Robj::try_raw(string));
                let made =
                    made.map_err(|(_, string)| assert_eq!(string, bytes[..], "the string is unharmed"));
                self.keep((made, failed), bytes);
            }
            Op::Limits { embstr, shared, bulk } => {
                self.limits = EncodingLimits {
                    embstr_size_limit: embstr.into(),
                    shared_integers: shared.into(),
                    proto_max_bulk_len: bulk.into(),
                    ..EncodingLimits::DEFAULT
                };
            }
            Op::Follow(plan) => self.faults.follow(plan),
            Op::Clone(at)
            | Op::Drop(at)
            | Op::Encode(at)
            | Op::Decode(at)
            | Op::Append(at, _)
            | Op::Truncate(at, _)
            | Op::SetInteger(at, _)
            | Op::AppendBytes(at, _)
            | Op::SetRange(at, ..)
            | Op::GetRange(at, ..)
            | Op::IncrBy(at, _)
            | Op::IncrByFloat(at, _)
            | Op::SetBit(at, ..)
            | Op::Bits(at, ..)
            | Op::Combine(at, ..)
            | Op::Field { at, .. }
            | Op::Touch(at, _)
            | Op::Reply(at) => {
                if let Some(index) = usize::from(at).checked_rem(self.handles.len()) {
                    self.on_handle(index, op);
                }
            }
        }
    }

    fn on_handle(&mut self, index: usize, op: Op) {
        let (limits, Handle { object, bytes }) = (self.limits, &mut self.handles[index]);
        match op {
            Op::Clone(_) => {
                let copy = (Ok::<_, ()>(object.clone()), false);
                let bytes = bytes.clone();
                self.keep(copy, bytes);
            }
            Op::Drop(_) => drop(self.handles.swap_remove(index)),
            Op::Encode(_) => {
                let Handle { object, bytes } = self.handles.swap_remove(index);
                let alone = object.refcount() == 1;
                let (object, failed) = self.faults.watch(|| object.encode(&limits));
                if alone && !failed && canonical(&bytes).is_some() {
                    assert_eq!(object.encoding(), Encoding::Int);
                }
                self.handles.push(Handle { object, bytes });
            }
            Op::Decode(_) => {
                let bytes = bytes.clone();
                let made = self.faults.watch(|| object.try_decoded(&limits));
                assert!(made.0.as_ref().map_or(true, |object| object.encoding() != Encoding::Int));
                self.keep(made, bytes);
            }
            Op::Append(_, Text(more)) => {
                // There are two allocations, and each may fail: the copy of a shared object, and the growth.
                let (result, failed) =
                    self.faults.watch(|| object.try_make_mut().and_then(|s| Ok(s.try_push_bytes(&more)?)));
                assert_eq!(result.is_err(), failed);
                if result.is_ok() {
                    bytes.extend(more);
                }
            }
            Op::Truncate(_, Len(len)) => {
                if let Some(string) = object.get_mut() {
                    string.truncate(len);
                    bytes.truncate(len);
                }
            }
            Op::SetInteger(_, value) => {
                let (result, failed) = self.faults.watch(|| object.try_set_i64(value, &limits));
                assert_eq!(result.is_err(), failed);
                if result.is_ok() {
                    *bytes = value.to_string().into_bytes();
                }
            }
            Op::AppendBytes(_, Text(more)) => {
                let (result, failed) = self.faults.watch(|| object.try_append(&more, &limits));
                if written(&result, failed, bytes.len() + more.len() <= limits.proto_max_bulk_len) {
                    bytes.extend(more);
                }
            }
            Op::SetRange(_, Len(offset), Text(more)) => {
                let (result, failed) = self.faults.watch(|| object.try_set_range(offset, &more, &limits));
                let end = offset + more.len();
                if written(&result, failed, more.is_empty() || end <= limits.proto_max_bulk_len)
                    && !more.is_empty()
                {
                    bytes.resize(bytes.len().max(end), 0);
                    bytes[offset..end].copy_from_slice(&more);
                }
            }
            Op::GetRange(_, start, end) => {
                let part = object.get_range(start.into(), end.into()).unwrap();
                let at = |index: i16| index as isize + if index < 0 { bytes.len() as isize } else { 0 };
                let inside = (0..bytes.len() as isize).filter(|i| (at(start)..=at(end).max(0)).contains(i));
                let reversed = start < 0 && end < 0 && start > end;
                let by_hand = inside.filter(|_| !reversed).map(|i| bytes[i as usize]);
                assert!(by_hand.eq(part.iter().copied()), "{start} {end}");
            }
            Op::IncrBy(_, increment) => {
                let (result, failed) = self.faults.watch(|| object.try_incr_by(increment, &limits));
                let sum = canonical(bytes).and_then(|value| value.checked_add(increment));
                if written(&result, failed, sum.is_some()) {
                    assert_eq!(result.ok(), sum);
                    *bytes = object.as_string().unwrap().to_vec();
                    assert_eq!(canonical(bytes), sum);
                }
            }
            Op::IncrByFloat(_, increment) => {
                let (result, failed) = self.faults.watch(|| object.try_incr_by_float(increment, &limits));
                let value =
                    LongDouble::parse(bytes).filter(|value| value.is_finite() && increment.is_finite());
                if written(&result, failed, value.is_some()) {
                    let value = f64::from(value.unwrap());
                    let (exact, scale) = (value + increment, value.abs().max(increment.abs()));
                    let text = object.as_string().unwrap();
                    let sum = std::str::from_utf8(&text).unwrap().parse::<f64>().unwrap();
                    let is_near = (sum - exact).abs() <= 4.0 * f64::EPSILON * scale + 1e-16;
                    assert!(is_near || !exact.is_finite(), "{sum} for {exact}");
                    *bytes = text.to_vec();
                }
            }
            Op::SetBit(_, Len(offset), bit) => {
                let result = self.faults.watch(|| object.try_set_bit(offset as u64, bit, &limits));
                if written(&result.0, result.1, offset / 8 < limits.proto_max_bulk_len) {
                    bytes.resize(bytes.len().max(offset / 8 + 1), 0);
                    let (byte, mask) = (&mut bytes[offset / 8], 0x80 >> (offset % 8));
                    assert_eq!(result.0, Ok(*byte & mask != 0));
                    *byte = if bit { *byte | mask } else { *byte & !mask };
                }
            }
            Op::Bits(_, range, bit) => {
                let range = match range {
                    Range::All => BitRange::All,
                    Range::From(start) => BitRange::From(start.into()),
                    Range::Bytes(start, end) => BitRange::Bytes(start.into(), end.into()),
                    Range::Bits(start, end) => BitRange::Bits(start.into(), end.into()),
                };
                let is_set =
                    |at: u64| bytes.get((at / 8) as usize).is_some_and(|b| b << (at % 8) & 0x80 != 0);
                let count = object.bit_count(range).unwrap();
                if let Some(at) = object.bit_pos(bit, range).unwrap() {
                    assert!(is_set(at) == bit && object.get_bit(at) == Ok(bit));
                }
                if range == BitRange::All {
                    assert_eq!(count, bytes.iter().map(|byte| u64::from(byte.count_ones())).sum());
                    let first = (0..bytes.len() as u64 * 8).find(|at| is_set(*at) == bit);
                    let behind = (!bit && !bytes.is_empty()).then_some(bytes.len() as u64 * 8);
                    assert_eq!(object.bit_pos(bit, range), Ok(first.or(behind)));
                }
            }
            Op::Combine(_, other, operation) => {
                let other = &self.handles[usize::from(other) % self.handles.len()];
                let sources = [&self.handles[index].bytes, &other.bytes];
                let len = sources[0].len().max(sources[1].len());
                let (operation, by_hand): (_, fn(u8, u8) -> u8) = match operation % 3 {
                    0 => (BitOp::And, |a, b| a & b),
                    1 => (BitOp::Or, |a, b| a | b),
                    _ => (BitOp::Xor, |a, b| a ^ b),
                };
                let byte = |source: &[u8], at| source.get(at).copied().unwrap_or(0);
                let bytes = (0..len).map(|at| by_hand(byte(sources[0], at), byte(sources[1], at))).collect();
                let made = self
                    .faults
                    .watch(|| Robj::try_raw(try_bit_op(operation, &sources)?).map_err(|(error, _)| error));
                self.keep(made, bytes);
            }
            Op::Field { field, offset: Len(offset), value, incr, overflow, .. } => {
                let width = u32::from(field.bits % 66);
                let kind =
                    if field.signed { BitFieldType::signed(width) } else { BitFieldType::unsigned(width) };
                let Some(kind) = kind else { return };
                let overflow =
                    [BitOverflow::Wrap, BitOverflow::Sat, BitOverflow::Fail][usize::from(overflow % 3)];
                let at = offset as u64;
                let before = object.bitfield_get(kind, at).unwrap();
                let (result, failed) = self.faults.watch(|| {
                    if incr {
                        object.try_bitfield_incr_by(kind, at, value, overflow, &limits)
                    } else {
                        object.try_bitfield_set(kind, at, value, overflow, &limits)
                    }
                });
                if written(&result, failed, offset / 8 < limits.proto_max_bulk_len) {
                    bytes.resize(bytes.len().max((offset + width as usize).div_ceil(8)), 0);
                    let after = object.bitfield_get(kind, at).unwrap();
                    match result {
                        Ok(Some(answer)) => assert_eq!(answer, if incr { after } else { before }),
                        _ => assert_eq!((after, overflow), (before, BitOverflow::Fail)),
                    }
                    for number in 0..width as usize {
                        let (byte, mask) =
                            (&mut bytes[(offset + number) / 8], 0x80 >> ((offset + number) % 8));
                        let bit = after >> (width as usize - 1 - number) & 1 == 1;
                        *byte = if bit { *byte | mask } else { *byte & !mask };
                    }
                }
            }
            Op::Touch(_, now) => {
                object.touch(now.into());
                if !object.is_shared_integer() {
                    assert_eq!(object.idle_time(u64::from(now) + 9), 9);
                }
            }
            Op::Reply(_) => {
                let reply = Bytes::try_from(object.clone()).unwrap();
                assert_eq!(reply, bytes[..]);
            }
            _ => unreachable!("operations on no handle are done in `step`"),
        }
    }

    fn check(&self, leak_check: &LeakCheck) {
        let mut objects = HashMap::new();
        for Handle { object, bytes } in &self.handles {
            assert_eq!(&*object.as_string().unwrap(), &bytes[..]);
            assert_eq!(object.string_len().unwrap(), bytes.len());
            assert_eq!(object.as_i64(), canonical(bytes));
            let (_, handles) = objects.entry(object.as_ptr()).or_insert((object, 0));
            *handles += 1;
        }
        let mut sum = 0;
        for (object, handles) in objects.into_values() {
            assert!(object.is_shared_integer() || object.refcount() == handles);
            sum += object.allocation_size();
        }
        assert_eq!(leak_check.used(), sum, "allocation_size is not what the objects take");
    }
}
