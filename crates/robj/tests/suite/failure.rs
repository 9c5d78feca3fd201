//! Tests of failed allocations. Every allocation of every operation fails once. The operation must return
//! an error, change nothing and leak nothing.
//!
//! A test creates its values before a plan begins. It creates them with infallible methods, which abort the
//! process if an allocation fails.

use robj::{AccessError, Encoding, EncodingLimits, Robj};
use sds::Sds;
use values::string::{BitFieldType, BitOp, BitOverflow, StringError, try_bit_not, try_bit_op};
use values::{Error, ReserveError};
use zmalloc::{Region, fault};

const LIMITS: EncodingLimits = EncodingLimits::DEFAULT;

/// Runs `operation` with its 1st, 2nd, .. allocation failing until it succeeds. Returns the number of
/// failures.
fn failures<T>(mut operation: impl FnMut() -> Result<T, ReserveError>) -> u64 {
    for nth in 1.. {
        let region = Region::start();
        let plan = fault::fail_nth(nth);
        let result = operation();
        let failed = plan.failures();
        drop(plan);
        match result {
            Ok(value) => {
                assert_eq!(failed, 0, "allocation {nth} failed and nobody said so");
                drop(value);
                return nth - 1;
            }
            Err(error) => {
                assert_eq!(failed, 1);
                assert!(matches!(error, ReserveError::OutOfMemory { size } if size > 0), "{error}");
                assert_eq!(region.held(), 0, "allocation {nth} leaked");
            }
        }
    }
    unreachable!()
}

fn constructors() {
    assert_eq!(failures(|| Robj::try_from_bytes(b"short", &LIMITS)), 1);
    assert_eq!(failures(|| Robj::try_from_bytes(&[b'x'; 45], &LIMITS)), 2);
    assert_eq!(failures(|| Robj::try_from_i64(7, &LIMITS)), 0);
    assert_eq!(failures(|| Robj::try_from_i64(10_000, &LIMITS)), 1);
    assert_eq!(failures(|| Robj::try_from_f64(0.5, &LIMITS)), 2);
    let int = Robj::from(10_000);
    assert_eq!(failures(|| int.try_decoded(&LIMITS)), 1);
    let text = Robj::from("text");
    assert_eq!(failures(|| text.try_decoded(&LIMITS)), 0);

    let string = Sds::from("comes back");
    let plan = fault::fail_nth(1);
    let (error, string) = Robj::try_raw(string).unwrap_err();
    drop(plan);
    assert_eq!(error, ReserveError::OutOfMemory { size: 16 });
    assert_eq!(string, "comes back");
}

/// Returns seven objects of the four shapes (shared integer, int, embstr, raw), first alone, and then each
/// with another reference.
fn shapes() -> Vec<(Robj, Option<Robj>)> {
    let one_each = || {
        // A clone of a string has no free space, so each object gets its own string.
        let mut with_free_space = Sds::from_bytes(&[b'x'; 100]);
        with_free_space.make_room_for(1000);
        [
            Robj::from(7),
            Robj::from(10_000),
            Robj::from("short"),
            Robj::from("123456"),
            Robj::raw(Sds::from("123456")),
            Robj::raw(Sds::from("short")),
            Robj::raw(with_free_space),
        ]
    };
    let alone = one_each().map(|object| (object, None));
    let held = one_each().map(|object| (object.clone(), Some(object)));
    alone.into_iter().chain(held).collect()
}

/// Returns everything that must not change when an operation fails.
fn state(object: &Robj) -> (Vec<u8>, Encoding, u32, *const u8) {
    (object.as_string().unwrap().to_vec(), object.encoding(), object.refcount(), object.as_ptr())
}

fn mutations() {
    let mut failed = 0;
    for (mut object, _holder) in shapes() {
        let before = state(&object);
        failed += failures(|| {
            let result = object.try_make_mut().map(|_| ());
            result.map_err(|error| {
                assert_eq!(state(&object), before);
                let AccessError::Reserve(error) = error else { unreachable!("{error}") };
                error
            })
        });
        assert_eq!(*object.as_string().unwrap(), *before.0);
    }
    // Of 14 objects, three are raw and alone, and need nothing. The int that is alone needs only a string.
    // The other ten need a string and a header.
    assert_eq!(failed, 1 + 10 * 2);

    let mut failed = 0;
    for (mut object, _holder) in shapes() {
        let before = state(&object);
        failed += failures(|| {
            let result = object.try_set_i64(-1, &LIMITS);
            if result.is_err() {
                assert_eq!(state(&object), before);
            }
            result.map_err(|error| {
                let AccessError::Reserve(error) = error else { unreachable!("{error}") };
                error
            })
        });
        assert_eq!(object.as_i64(), Some(-1));
    }
    assert_eq!(failed, 13); // all but the int that is alone, which is written in place
}

/// Tests the string commands. They write more bytes than an object without free space has room for.
fn string_operations() {
    type Operation = fn(&mut Robj) -> Result<(), Error>;
    let operations: [(Operation, u64); 8] = [
        // Ten objects need a string and a header. The int and two raw objects that are alone need only a longer
        // string. The third raw object has room.
        (|object| object.try_append(&[b'y'; 200], &LIMITS).map(drop), 10 * 2 + 3),
        (|object| object.try_set_range(250, b"y", &LIMITS).map(drop), 10 * 2 + 3),
        (|object| object.try_set_bit(8 * 250, true, &LIMITS).map(drop), 10 * 2 + 3),
        // Nothing is added, so it is enough that the object becomes raw.
        (|object| object.try_append(b"", &LIMITS).map(drop), 10 * 2 + 1),
        (|object| object.try_set_bit(0, true, &LIMITS).map(drop), 10 * 2 + 1),
        (
            |object| {
                let field = BitFieldType::signed(64).unwrap();
                object.try_bitfield_set(field, 8 * 250 + 1, -1, BitOverflow::Sat, &LIMITS).map(drop)
            },
            10 * 2 + 3,
        ),
        (
            |object| {
                let field = BitFieldType::unsigned(3).unwrap();
                object.try_bitfield_incr_by(field, 8 * 250, 9, BitOverflow::Fail, &LIMITS).map(drop)
            },
            10 * 2 + 3,
        ),
        // Nothing is written, so nothing happens.
        (|object| object.try_set_range(usize::MAX, b"", &LIMITS).map(drop), 0),
    ];
    for (index, (operation, expected)) in operations.into_iter().enumerate() {
        let mut failed = 0;
        for (mut object, _holder) in shapes() {
            let before = state(&object);
            failed += failures(|| {
                operation(&mut object).map_err(|error| {
                    assert_eq!(state(&object), before);
                    let Error::Reserve(error) = error else { unreachable!("{error}") };
                    error
                })
            });
        }
        assert_eq!(failed, expected, "operation {index}");
    }

    let mut failed = 0;
    for (mut object, _holder) in shapes() {
        let before = state(&object);
        for operation in [
            |object: &mut Robj| object.try_incr_by(100_000, &LIMITS).map(drop),
            |object: &mut Robj| object.try_incr_by_float(0.5, &LIMITS).map(drop),
        ] {
            let before = state(&object);
            failed += failures(|| match operation(&mut object) {
                Ok(()) | Err(Error::String(StringError::NotAnInteger | StringError::NotAFloat)) => Ok(()),
                Err(Error::Reserve(error)) => {
                    assert_eq!(state(&object), before);
                    Err(error)
                }
                Err(error) => unreachable!("{error}"),
            });
        }
        assert_eq!(before.0.len() < 10 && before.0[0].is_ascii_digit(), before.0 != state(&object).0);
    }
    // Eight objects are numbers. One of them is changed in place by `incr_by`. `incr_by_float` makes a new
    // object of each.
    assert_eq!(failed, 7 + 8);

    let (a, b) = ([1; 100], [3; 50]);
    assert_eq!(failures(|| try_bit_op(BitOp::Xor, &[&a[..], &b])), 1);
    assert_eq!(failures(|| try_bit_not(&a)), 1);
}

/// `encode` cannot fail. Without memory the object stays as it is.
fn encoding_without_memory() {
    for (object, _holder) in shapes() {
        let (before, region) = (state(&object), Region::start());
        let _plan = fault::fail_from(1);
        let object = object.encode(&LIMITS);
        let freed = -region.held();
        assert_eq!(*object.as_string().unwrap(), *before.0);
        if object.encoding() == before.1 {
            assert_eq!((state(&object), freed), (before, 0));
        } else {
            // One change needs no memory: a raw object whose text is an integer becomes an int.
            assert_eq!((before.1, object.encoding()), (Encoding::Raw, Encoding::Int));
            assert!(freed > 0);
        }
    }
}

#[test]
fn every_allocation_may_fail() {
    let region = Region::start();
    constructors();
    mutations();
    string_operations();
    encoding_without_memory();
    assert_eq!(region.held(), 0);
}
