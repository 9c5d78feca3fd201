//! Compares an `Sds` with a `Vec<u8>`: editing, growing, shrinking, and the functions that read or write text
//! formats.
//!
//! After each operation, the bytes and the NUL after them must be right. The thread must hold exactly
//! `allocation_size` bytes. An allocation that fails changes none of these. Only `try_` forms are called,
//! because the others end the process when an allocation fails.

use crate::harness::{Faults, LeakCheck, Len, Plan, Text, operations};
use ::sds::{ReserveError, Sds, SplitArgsError, TemplateError, split, split_args, template, try_join};
use arbitrary::Arbitrary;

#[derive(Arbitrary, Debug)]
enum Op {
    Push(u8),
    PushBytes(Text),
    Assign(Text),
    Integer(i64),
    Float(f64),
    Format(Text, i8),
    GrowZero(Len),
    Truncate(Len),
    UpdateLen,
    Range(i16, i16),
    Substr(Len, Len),
    Trim([u8; 3]),
    Room { additional: Len, greedy: bool },
    RemoveFreeSpace,
    Resize(Len),
    FillSpare(u8),
    ReplaceByClone,
    ThroughRaw,
    Repr,
    SplitArgs,
    Template,
    SplitAndJoin(Text),
    Follow(Plan),
}

/// Runs the operations that `data` encodes.
pub fn run(data: &[u8]) {
    let leak_check = LeakCheck::open();
    let mut faults = Faults::new();
    let (mut string, mut model) = (Sds::new(), Vec::new());
    for op in operations(data) {
        step(&mut string, &mut model, &mut faults, op);
        assert_eq!(string.as_bytes(), model);
        assert_eq!(string.len(), model.len());
        assert!(string.len() <= string.capacity());
        assert_eq!(string.as_bytes_with_nul().last(), Some(&0));
        assert_eq!(leak_check.used(), string.allocation_size());
    }
}

/// Returns `true` if the operation succeeded. It must fail if an allocation failed, and succeed otherwise.
fn done<E>((result, failed): (Result<(), E>, bool)) -> bool {
    assert_eq!(result.is_err(), failed);
    result.is_ok()
}

fn step(string: &mut Sds, model: &mut Vec<u8>, faults: &mut Faults, op: Op) {
    match op {
        Op::Push(byte) => {
            if done(faults.watch(|| string.try_push(byte))) {
                model.push(byte);
            }
        }
        Op::PushBytes(Text(bytes)) => {
            if done(faults.watch(|| string.try_push_bytes(&bytes))) {
                model.extend(bytes);
            }
        }
        Op::Assign(Text(bytes)) => {
            if done(faults.watch(|| string.try_assign(&bytes))) {
                *model = bytes;
            }
        }
        Op::Integer(value) => {
            if done(faults.watch(|| string.try_push_i64(value))) {
                model.extend(value.to_string().into_bytes());
            }
        }
        Op::Float(value) => float(string, model, faults, value),
        Op::Format(Text(bytes), number) => {
            let text = String::from_utf8_lossy(&bytes);
            let written = faults.watch(|| string.try_push_fmt(format_args!("{text}{number:+}")));
            if done(written) {
                model.extend(format!("{text}{number:+}").into_bytes());
            }
        }
        Op::GrowZero(Len(len)) => {
            if done(faults.watch(|| string.try_grow_zero(len))) {
                model.resize(len.max(model.len()), 0);
            }
        }
        Op::Truncate(Len(len)) => {
            string.truncate(len);
            model.truncate(len);
        }
        Op::UpdateLen => {
            string.update_len();
            model.truncate(model.iter().position(|byte| *byte == 0).unwrap_or(model.len()));
        }
        Op::Range(start, end) => {
            string.range(start.into(), end.into());
            let len = model.len() as i64;
            let place = |at: i16| if at < 0 { len + i64::from(at) } else { at.into() };
            let mut at = -1;
            model.retain(|_| {
                at += 1;
                (place(start)..=place(end)).contains(&at)
            });
        }
        Op::Substr(Len(start), Len(len)) => {
            string.substr(start, len);
            *model = model.iter().skip(start).take(len).copied().collect();
        }
        Op::Trim(set) => {
            string.trim(&set);
            while model.last().is_some_and(|byte| set.contains(byte)) {
                model.pop();
            }
            let start = model.iter().take_while(|byte| set.contains(byte)).count();
            model.drain(..start);
        }
        Op::Room { additional: Len(additional), greedy } => {
            let made = faults.watch(|| match greedy {
                true => string.try_make_room_for(additional),
                false => string.try_make_room_for_non_greedy(additional),
            });
            assert!(!done(made) || string.avail() >= additional);
        }
        Op::RemoveFreeSpace => {
            done(faults.watch(|| string.try_remove_free_space()));
        }
        Op::Resize(Len(capacity)) => {
            if done(faults.watch(|| string.try_resize(capacity))) {
                assert!(string.capacity() >= capacity);
                model.truncate(capacity);
            }
        }
        Op::FillSpare(byte) => fill_spare(string, model, byte),
        Op::ReplaceByClone => {
            let (clone, failed) = faults.watch(|| string.try_clone());
            assert_eq!(clone.is_err(), failed);
            if let Ok(clone) = clone {
                *string = clone;
            }
        }
        Op::ThroughRaw => {
            if let Ok(other) = Sds::try_with_capacity(0) {
                let raw = std::mem::replace(string, other).into_raw();
                // SAFETY: `into_raw` has returned the pointer, and it is used only here.
                *string = unsafe { Sds::from_raw(raw) };
            }
        }
        Op::Repr => repr(model, faults),
        Op::SplitArgs => match split_args(model) {
            Ok(arguments) => assert!(arguments.iter().map(Sds::len).sum::<usize>() <= model.len()),
            Err(SplitArgsError::UnbalancedQuotes { offset } | SplitArgsError::TextAfterQuote { offset }) => {
                assert!(offset < model.len());
            }
            Err(SplitArgsError::Reserve(_)) => {}
            Err(error) => panic!("an error of a new kind: {error}"),
        },
        Op::Template => match template(model, |name| (name.len() < 4).then(|| name.to_vec())) {
            Ok(expanded) => assert!(expanded.len() <= model.len()),
            Err(TemplateError::UnclosedBrace { offset } | TemplateError::UnknownName { offset }) => {
                assert_eq!(model[offset], b'{');
            }
            Err(TemplateError::Reserve(_)) => {}
            Err(error) => panic!("an error of a new kind: {error}"),
        },
        Op::SplitAndJoin(Text(separator)) => {
            if !separator.is_empty() {
                let parts: Vec<_> = split(model, &separator).collect();
                let (joined, failed) = faults.watch(|| try_join(&parts, &separator));
                assert_eq!(joined.is_err(), failed);
                assert!(joined.map_or(true, |joined| joined == model[..]));
            }
        }
        Op::Follow(plan) => faults.follow(plan),
    }
}

/// Appends a number, and checks that its text parses as the same number.
fn float(string: &mut Sds, model: &mut Vec<u8>, faults: &mut Faults, value: f64) {
    if done(faults.watch(|| string.try_push_f64(value))) {
        let text = &string[model.len()..];
        let read: f64 = std::str::from_utf8(text).expect("digits").parse().expect("a number");
        assert!(read == value || (read.is_nan() && value.is_nan()), "{value} became {read}");
        model.extend(text);
    }
}

/// Writes into the spare capacity and then sets the length, as a read from a socket does.
fn fill_spare(string: &mut Sds, model: &mut Vec<u8>, byte: u8) {
    let spare = string.spare_capacity_mut();
    let count = spare.len().min(usize::from(byte));
    for place in &mut spare[..count] {
        place.write(byte);
    }
    // SAFETY: the new length is within the capacity, and the loop has written all new bytes.
    unsafe { string.set_len(model.len() + count) };
    model.resize(model.len() + count, byte);
}

/// Checks that the quoted form of the string parses as the same string.
fn repr(model: &[u8], faults: &Faults) {
    let (quoted, failed) = faults.watch(|| -> Result<Sds, ReserveError> {
        let mut quoted = Sds::try_with_capacity(0)?;
        quoted.try_push_repr(model)?;
        Ok(quoted)
    });
    assert_eq!(quoted.is_err(), failed);
    if let Ok(quoted) = quoted {
        match split_args(&quoted) {
            Ok(arguments) => assert_eq!(arguments, [model]),
            Err(error) => assert!(matches!(error, SplitArgsError::Reserve(_)), "{error} in {quoted}"),
        }
    }
}
