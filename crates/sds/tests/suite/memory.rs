//! The memory that strings allocate and free, and their behaviour when there is no more memory.

use super::common::{check, sample};
use core::ptr::NonNull;
use sds::layout::{self, HeaderType};
use sds::{Sds, join, split_args, template};
use std::io::Write;
use zmalloc::{Region, fault};

/// Miri is slow, so it runs only every `STEP`-th case.
const STEP: usize = if cfg!(miri) { 15 } else { 1 };

#[test]
fn memory_is_accounted_for_and_failures_leave_everything_as_it_was() {
    drop(Sds::new()); // a thread's first call may allocate memory of its own
    every_byte_is_counted_and_given_back();
    every_failure_leaves_the_string_as_it_was();
    every_failing_creation_leaves_nothing_behind();
}

fn every_byte_is_counted_and_given_back() {
    let region = Region::start();
    let mut strings: Vec<Sds> = (0..600).step_by(STEP).map(|len| Sds::from_bytes(&sample(len))).collect();
    strings.push(Sds::zeroed(70_000));
    strings.push(Sds::with_capacity(2_000_000));
    let sum = |strings: &[Sds]| strings.iter().map(Sds::allocation_size).sum::<usize>();
    assert_eq!(region.held() as usize, sum(&strings));

    for (index, s) in strings.iter_mut().enumerate() {
        match index % 6 {
            0 => s.push_bytes(&sample(index)),
            1 => s.truncate(index / 7),
            2 => s.remove_free_space(),
            3 => s.resize(index * 3),
            4 => s.make_room_for(1),
            _ => s.clear(),
        }
    }
    assert_eq!(region.held() as usize, sum(&strings));

    let raw: Vec<_> = strings.drain(..).map(Sds::into_raw).collect();
    // SAFETY: each pointer was just given away and is taken back once.
    strings.extend(raw.into_iter().map(|s| unsafe { Sds::from_raw(s) }));
    assert_eq!(region.held() as usize, sum(&strings));
    drop(strings);
    assert_eq!(region.held(), 0);
}

/// An operation that can fail. `run` returns whether it succeeded. An operation that allocates in steps may
/// leave a larger block when it fails.
struct Operation {
    name: &'static str,
    run: fn(&mut Sds) -> bool,
    in_steps: bool,
}

fn operations() -> Vec<Operation> {
    let one = |name, run| Operation { name, run, in_steps: false };
    let steps = |name, run| Operation { name, run, in_steps: true };
    vec![
        one("push", |s| s.try_push(b'x').is_ok()),
        one("push_bytes", |s| s.try_push_bytes(&sample(300)).is_ok()),
        one("assign", |s| s.try_assign(&sample(70_000)).is_ok()),
        one("grow_zero", |s| s.try_grow_zero(80_000).is_ok()),
        one("make_room_for", |s| s.try_make_room_for(1000).is_ok()),
        one("make_room_for_non_greedy", |s| s.try_make_room_for_non_greedy(1000).is_ok()),
        one("remove_free_space", |s| s.try_remove_free_space().is_ok()),
        one("resize to more", |s| s.try_resize(100_000).is_ok()),
        one("resize to less", |s| s.try_resize(7).is_ok()),
        one("push_repr", |s| s.try_push_repr(&sample(100)).is_ok()),
        one("push_i64", |s| s.try_push_i64(i64::MIN).is_ok()),
        one("push_u64", |s| s.try_push_u64(u64::MAX).is_ok()),
        one("push_f64", |s| s.try_push_f64(0.1).is_ok()),
        one("write", |s| s.write(&sample(300)).is_ok()),
        one("write_vectored", |s| {
            let part = sample(150);
            s.write_vectored(&[std::io::IoSlice::new(&part), std::io::IoSlice::new(&part)]).is_ok()
        }),
        one("grow_zero by one", |s| s.try_grow_zero(s.len() + s.avail() + 1).is_ok()),
        one("resize to none", |s| s.try_resize(0).is_ok()),
        one("try_clone", |s| s.try_clone().is_ok()),
        steps("push_fmt", |s| {
            s.try_push_fmt(format_args!("{}{}", "x".repeat(200), "y".repeat(2000))).is_ok()
        }),
        steps("write_fmt", |s| write!(s, "{}{}", "x".repeat(200), "y".repeat(2000)).is_ok()),
    ]
}

/// Returns functions that create strings of every header, full and with free space.
fn starts() -> Vec<fn() -> Sds> {
    vec![
        Sds::new,
        || Sds::from_bytes(&sample(1)),
        || Sds::from_bytes(&sample(31)),
        || Sds::from_bytes(&sample(252)),
        || Sds::from_bytes(&sample(65_530)),
        || Sds::from_bytes(&sample(70_000)),
        || {
            let mut s = Sds::with_capacity(5000);
            s.push_bytes(&sample(20));
            s
        },
        || {
            let (ty, text) = (HeaderType::Sds64, sample(21));
            let block = zmalloc::zmalloc(ty.header_len() + text.len() + 1);
            // SAFETY: the block has room for the header, the text and the NUL, and all of them are written.
            unsafe {
                let s = layout::init(block, ty, text.len(), text.len());
                s.copy_from_nonoverlapping(NonNull::from(&text[..]).cast(), text.len());
                s.add(text.len()).write(0);
                Sds::from_raw(s)
            }
        },
    ]
}

fn every_failure_leaves_the_string_as_it_was() {
    let mut failures = 0;
    for Operation { name, run, in_steps } in operations() {
        for start in starts().into_iter().step_by(STEP.min(3)) {
            for nth in 1.. {
                let mut s = start();
                let (bytes, address, size) = (s.to_vec(), s.as_ptr(), s.capacity());
                let region = Region::start();
                let plan = fault::fail_nth(nth);
                let succeeded = run(&mut s);
                let failed = plan.failures() > 0;
                drop(plan);
                assert_eq!(succeeded, !failed, "{name}, allocation {nth}");
                if succeeded {
                    break;
                }
                failures += 1;
                check(&s, &bytes);
                if !in_steps {
                    assert_eq!((s.as_ptr(), s.capacity()), (address, size), "{name}");
                    assert_eq!(region.held(), 0, "{name}");
                }
            }
        }
    }
    assert!(failures * STEP > 80, "only {failures} failures tried");
}

fn every_failing_creation_leaves_nothing_behind() {
    type Creation = (&'static str, fn() -> bool);
    let creations: [Creation; 11] = [
        ("with_capacity", || Sds::try_with_capacity(10).is_ok()),
        ("from_bytes, Sds5", || Sds::try_from_bytes(b"abc").is_ok()),
        ("from_bytes, Sds8", || Sds::try_from_bytes(&sample(100)).is_ok()),
        ("from_bytes, Sds16", || Sds::try_from_bytes(&sample(1000)).is_ok()),
        ("zeroed", || Sds::try_zeroed(10).is_ok()),
        ("from_i64", || Sds::try_from_i64(17).is_ok()),
        ("from_f64", || Sds::try_from_f64(0.5).is_ok()),
        ("from_str", || "abc".parse::<Sds>().is_ok()),
        ("join", || sds::try_join(&["a", "b"], b", ").is_ok()),
        ("split_args", || split_args(b"one 'two' \"three\\x21\"").is_ok()),
        ("template", || template(b"{a} and {b}", |_| Some(sample(100))).is_ok()),
    ];
    for (name, create) in creations {
        let region = Region::start();
        for nth in 1.. {
            let plan = fault::fail_nth(nth);
            let succeeded = create();
            let failed = plan.failures() > 0;
            drop(plan);
            assert_eq!(succeeded, !failed, "{name}, allocation {nth}");
            assert_eq!(region.held(), 0, "{name}, allocation {nth}");
            if succeeded {
                assert!(nth > 1, "{name} allocates nothing");
                break;
            }
        }
    }
    assert_eq!(join(&["a", "b"], b"-"), "a-b");
}
