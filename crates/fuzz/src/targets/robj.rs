//! String objects beside their bytes: encodings, references, copies on write.
//!
//! After each operation every handle still shows its bytes, the count of each object is the number of
//! its handles, and the objects' `memory_usage` adds up to what is in use.

use crate::harness::{Books, Faults, Len, Plan, Text, operations};
use ::robj::{Encoding, EncodingLimits, Robj};
use ::sds::Sds;
use arbitrary::Arbitrary;
use bytes::Bytes;
use std::collections::HashMap;

/// More handles than this are not kept.
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
    Touch(u8, u32),
    Reply(u8),
    Limits { embstr: u8, shared: u16 },
    Follow(Plan),
}

struct Handle {
    object: Robj,
    bytes: Vec<u8>,
}

/// Runs the operations that `data` spells.
pub fn run(data: &[u8]) {
    let books = Books::open();
    let mut state = State { handles: Vec::new(), limits: EncodingLimits::DEFAULT, faults: Faults::new() };
    for op in operations(data) {
        state.step(op);
        state.check(&books);
    }
}

struct State {
    handles: Vec<Handle>,
    limits: EncodingLimits,
    faults: Faults,
}

/// The integer whose decimal form the bytes are, by std's means.
fn canonical(bytes: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(bytes).ok()?;
    text.parse::<i64>().ok().filter(|value| value.to_string() == text)
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
            Op::Limits { embstr, shared } => {
                self.limits = EncodingLimits {
                    embstr_size_limit: embstr.into(),
                    shared_integers: shared.into(),
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
                let (object, failed) = self.faults.watch(|| object.try_encode(&limits));
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
                // Two allocations that may fail apart: becoming one's own, and growing.
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

    fn check(&self, books: &Books) {
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
            sum += object.memory_usage();
        }
        assert_eq!(books.used(), sum, "memory_usage is not what the objects take");
    }
}
