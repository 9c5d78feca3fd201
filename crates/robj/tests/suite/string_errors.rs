//! Tests of the errors of string commands, and of their texts.

use robj::{EncodingLimits, Robj};
use values::Set;
use values::string::{BitFieldType, BitOverflow, BitRange, StringError};

#[test]
fn other_types_are_refused() {
    let limits = EncodingLimits::DEFAULT;
    let mut set = Robj::from(Set::new());
    let field = BitFieldType::signed(8).unwrap();
    let wrong = set.as_string().unwrap_err();
    assert_eq!(set.append(b"x", &limits), Err(wrong.into()));
    assert_eq!(set.append(b"", &limits), Err(wrong.into()));
    assert_eq!(set.set_range(0, b"x", &limits), Err(wrong.into()));
    assert_eq!(set.set_range(0, b"", &limits), Err(wrong.into()));
    assert_eq!(set.incr_by(1, &limits), Err(wrong.into()));
    assert_eq!(set.decr_by(i64::MIN, &limits), Err(wrong.into()));
    assert_eq!(set.incr_by_float(1.0, &limits), Err(wrong.into()));
    assert_eq!(set.set_bit(0, true, &limits), Err(wrong.into()));
    assert_eq!(set.bitfield_set(field, 0, 1, BitOverflow::Wrap, &limits), Err(wrong.into()));
    assert_eq!(set.bitfield_incr_by(field, 0, 1, BitOverflow::Wrap, &limits), Err(wrong.into()));
    assert_eq!(set.get_range(0, -1).map(|text| text.len()), Err(wrong));
    assert_eq!((set.get_bit(0), set.bitfield_get(field, 0)), (Err(wrong), Err(wrong)));
    assert_eq!((set.bit_count(BitRange::All), set.bit_pos(true, BitRange::All)), (Err(wrong), Err(wrong)));
    assert_eq!(set.object_type(), robj::ObjectType::Set);
}

#[test]
fn errors_speak_as_redis_does() {
    let errors = [
        (StringError::NotAnInteger, "value is not an integer or out of range"),
        (StringError::Overflow { value: 1 }, "increment or decrement would overflow"),
        (StringError::NotAFloat, "value is not a valid float"),
        (StringError::NotFinite, "increment would produce NaN or Infinity"),
        (StringError::TooLong { len: 9 }, "string exceeds maximum allowed size (proto-max-bulk-len)"),
        (StringError::BitOffset { offset: 9 }, "bit offset is not an integer or out of range"),
    ];
    for (error, text) in errors {
        assert_eq!(error.to_string(), text);
    }
}
