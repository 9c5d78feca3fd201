//! Random sequences of operations on an `Sds` and on a `Vec<u8>` as the model. Every invariant is checked
//! after each operation.

use super::common::{self, check};
use bytes::BufMut;
use proptest::collection::vec;
use proptest::prelude::*;
use sds::Sds;
use sds::layout::HeaderType;

/// Lengths around the limit of `Sds16`, which counts in two bytes. Miri is too slow for them, so it uses
/// lengths around the limit of `Sds8`. `layout.rs` tests the other transitions.
const LARGE: core::ops::Range<usize> = if cfg!(miri) { 250..260 } else { 65_500..65_600 };

#[derive(Clone, Debug)]
enum Op {
    Push(u8),
    PushBytes(Vec<u8>),
    Assign(Vec<u8>),
    Extend(Vec<u8>),
    Integer(i64),
    GrowZero(usize),
    Truncate(usize),
    Clear,
    Range(isize, isize),
    Substr(usize, usize),
    Trim(Vec<u8>),
    UpdateLen,
    Map,
    SetByte(usize, u8),
    Room(usize),
    RoomNonGreedy(usize),
    RemoveFreeSpace,
    Resize(usize),
    /// Writes to the chunk and advances by part of it.
    Chunk(Vec<u8>, usize),
    /// Writes to the free space and does not advance.
    WriteSpare,
    PutBytes(u8, usize),
    Clone,
    ThroughC,
    /// C code shortens the string.
    ShortenedInC(usize),
}

/// Returns mostly short strings, and some at the limits of the headers.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let alphabet = || prop_oneof![3 => Just(b'a'), 1 => Just(0), 1 => Just(b' '), 5 => any::<u8>()];
    prop_oneof![
        8 => vec(alphabet(), 0..40),
        2 => vec(alphabet(), 200..300),
        1 => (LARGE).prop_map(common::sample),
    ]
}

fn len() -> impl Strategy<Value = usize> {
    prop_oneof![8 => 0..40usize, 2 => 240..270usize, 1 => LARGE]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        any::<u8>().prop_map(Op::Push),
        bytes().prop_map(Op::PushBytes),
        bytes().prop_map(Op::Assign),
        bytes().prop_map(Op::Extend),
        any::<i64>().prop_map(Op::Integer),
        len().prop_map(Op::GrowZero),
        len().prop_map(Op::Truncate),
        Just(Op::Clear),
        (-60..60isize, -60..60isize).prop_map(|(start, end)| Op::Range(start, end)),
        (len(), len()).prop_map(|(start, len)| Op::Substr(start, len)),
        vec(prop_oneof![Just(b'a'), any::<u8>()], 0..4).prop_map(Op::Trim),
        Just(Op::UpdateLen),
        Just(Op::Map),
        (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Op::SetByte(at, byte)),
        len().prop_map(Op::Room),
        len().prop_map(Op::RoomNonGreedy),
        Just(Op::RemoveFreeSpace),
        len().prop_map(Op::Resize),
        (vec(any::<u8>(), 0..50), 0..50usize).prop_map(|(bytes, taken)| Op::Chunk(bytes, taken)),
        Just(Op::WriteSpare),
        (any::<u8>(), 0..50usize).prop_map(|(byte, count)| Op::PutBytes(byte, count)),
        Just(Op::Clone),
        Just(Op::ThroughC),
        (0..40usize).prop_map(Op::ShortenedInC),
    ]
}

/// Selects a range position by position, as GETRANGE's documentation describes it.
fn range(model: &[u8], start: isize, end: isize) -> Vec<u8> {
    let len = model.len() as isize;
    let from_front = |position: isize| if position < 0 { len + position } else { position };
    let kept = |at: &usize| *at as isize >= from_front(start) && *at as isize <= from_front(end);
    (0..model.len()).filter(kept).map(|at| model[at]).collect()
}

fn apply(s: &mut Sds, model: &mut Vec<u8>, op: Op) {
    match op {
        Op::Push(byte) => {
            s.push(byte);
            model.push(byte);
        }
        Op::PushBytes(bytes) => {
            s.push_bytes(&bytes);
            model.extend(bytes);
        }
        Op::Assign(bytes) => {
            s.assign(&bytes);
            *model = bytes;
        }
        Op::Extend(bytes) => {
            s.extend(&bytes);
            model.extend(bytes);
        }
        Op::Integer(value) => {
            s.push_i64(value);
            model.extend(value.to_string().bytes());
        }
        Op::GrowZero(len) => {
            s.grow_zero(len);
            model.resize(len.max(model.len()), 0);
        }
        Op::Truncate(len) => {
            s.truncate(len);
            model.truncate(len);
        }
        Op::Clear => {
            let (ty, capacity) = (s.header_type(), s.capacity());
            s.clear();
            model.clear();
            assert!(ty == HeaderType::Sds5 || s.capacity() == capacity, "the room is kept");
        }
        Op::Range(start, end) => {
            s.range(start, end);
            *model = range(model, start, end);
        }
        Op::Substr(start, len) => {
            s.substr(start, len);
            *model = model.iter().copied().skip(start).take(len).collect();
        }
        Op::Trim(set) => {
            s.trim(&set);
            while model.last().is_some_and(|byte| set.contains(byte)) {
                model.pop();
            }
            while model.first().is_some_and(|byte| set.contains(byte)) {
                model.remove(0);
            }
        }
        Op::UpdateLen => {
            s.update_len();
            model.truncate(model.iter().take_while(|byte| **byte != 0).count());
        }
        Op::Map => {
            s.map_bytes(b"a b", b"xyz");
            for byte in model {
                *byte = match *byte {
                    b'a' => b'x',
                    b' ' => b'y',
                    b'b' => b'z',
                    other => other,
                };
            }
        }
        Op::SetByte(at, byte) => {
            if !model.is_empty() {
                let at = at % model.len();
                s[at] = byte;
                model[at] = byte;
            }
        }
        Op::Room(additional) => {
            s.make_room_for(additional);
            assert!(s.avail() >= additional);
        }
        Op::RoomNonGreedy(additional) => {
            s.make_room_for_non_greedy(additional);
            assert!(s.avail() >= additional);
        }
        Op::RemoveFreeSpace => s.remove_free_space(),
        Op::Resize(capacity) => {
            s.resize(capacity);
            model.truncate(capacity);
            assert!(s.capacity() >= capacity);
        }
        Op::Chunk(bytes, taken) => {
            let chunk = s.chunk_mut();
            let filled = bytes.len().min(chunk.len());
            chunk[..filled].copy_from_slice(&bytes[..filled]);
            let taken = taken.min(filled);
            // SAFETY: that many bytes of the chunk were written.
            unsafe { s.advance_mut(taken) };
            model.extend(&bytes[..taken]);
        }
        Op::WriteSpare => {
            s.spare_capacity_mut().fill(core::mem::MaybeUninit::new(0xff));
            assert_eq!(s.as_bytes_with_nul().last(), Some(&0));
        }
        Op::PutBytes(byte, count) => {
            s.put_bytes(byte, count);
            model.resize(model.len() + count, byte);
        }
        Op::Clone => {
            let copy = s.clone();
            check(&copy, model);
            *s = copy;
        }
        Op::ThroughC => {
            let raw = core::mem::take(s).into_raw();
            // SAFETY: the pointer was just given away and is given back once.
            *s = unsafe { Sds::from_raw(raw) };
        }
        Op::ShortenedInC(len) => {
            let len = len.min(model.len());
            let raw = core::mem::take(s).into_raw();
            // SAFETY: this writes the length field of each header type as `sdssetlen` does, and then the NUL.
            *s = unsafe {
                let flags = raw.sub(1).read();
                match flags & 7 {
                    0 => raw.sub(1).write((len as u8) << 3),
                    1 => raw.sub(3).write(len as u8),
                    2 => raw.sub(5).cast().write((len as u16).to_ne_bytes()),
                    3 => raw.sub(9).cast().write((len as u32).to_ne_bytes()),
                    _ => raw.sub(17).cast().write((len as u64).to_ne_bytes()),
                }
                raw.add(len).write(0);
                Sds::from_raw(raw)
            };
            model.truncate(len);
        }
    }
}

proptest! {
    #![proptest_config(testing::config(400, 1))]

    #[test]
    fn a_string_behaves_like_a_vec(
        start in bytes(),
        ops in vec(op(), 0..if cfg!(miri) { 10 } else { 60 }),
    ) {
        let mut s = Sds::from_bytes(&start);
        let mut model = start;
        check(&s, &model);
        for op in ops {
            apply(&mut s, &mut model, op);
            // `WriteSpare` may have overwritten the NUL, because it does not advance. This call restores it.
            s.as_bytes_with_nul();
            check(&s, &model);
        }
    }

    #[test]
    fn strings_compare_and_hash_like_their_bytes(a in vec(0..3u8, 0..6), b in vec(0..3u8, 0..6)) {
        use std::hash::{BuildHasher, RandomState};
        let (s, t) = (Sds::from(&a[..]), Sds::from(&b[..]));
        prop_assert_eq!(s.cmp(&t), a.cmp(&b));
        prop_assert_eq!(s == t, a == b);
        let state = RandomState::new();
        prop_assert_eq!(state.hash_one(&s), state.hash_one(&a[..]));
    }
}
