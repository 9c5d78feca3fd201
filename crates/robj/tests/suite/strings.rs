//! Tests of the string commands against a `Vec<u8>`, a loop over bits, and the encoding that Redis would
//! print. They run with one reference, and while another reference holds the same object.

use proptest::prelude::*;
use robj::{Encoding, EncodingLimits, Robj};
use values::string::{BitFieldType, BitOp, BitOverflow, BitRange, StringError, bit_not, bit_op};
use values::{Error, OBJ_SHARED_INTEGERS};

/// A limit on lengths that is small enough for the operations to reach it.
const LEN_MAX: usize = 300;

#[derive(Clone, Debug)]
enum Op {
    Append(Vec<u8>),
    SetRange(usize, Vec<u8>),
    GetRange(i64, i64),
    IncrBy(i64),
    DecrBy(i64),
    IncrByCents(i32),
    SetBit(u64, bool),
    GetBit(u64),
    BitCount(BitRange),
    BitPos(bool, BitRange),
    Combine(BitOp, Vec<Vec<u8>>),
    BitNot,
    FieldGet(BitFieldType, u64),
    FieldSet(BitFieldType, u64, i64, BitOverflow),
    FieldIncrBy(BitFieldType, u64, i64, BitOverflow),
    Hold,
    Encode,
    Replace(Vec<u8>),
}

fn integers() -> impl Strategy<Value = i64> {
    prop_oneof![-300i64..300, 9_990i64..10_010, any::<i64>(), Just(i64::MIN), Just(i64::MAX)]
}

fn texts() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        integers().prop_map(|value| value.to_string().into_bytes()),
        (-1_000_000i32..1_000_000).prop_map(|cents| cents_text(cents.into()).into_bytes()),
        proptest::collection::vec(any::<u8>(), 0..60),
        (prop_oneof![Just(0u8), Just(0xFF)], 0usize..120).prop_map(|(byte, len)| vec![byte; len]),
    ]
}

fn ranges() -> impl Strategy<Value = BitRange> {
    let index = || prop_oneof![4 => -40i64..40, 2 => -400i64..400, 1 => any::<i64>()];
    prop_oneof![
        Just(BitRange::All),
        index().prop_map(BitRange::From),
        (index(), index()).prop_map(|(start, end)| BitRange::Bytes(start, end)),
        (index(), index()).prop_map(|(start, end)| BitRange::Bits(start, end)),
    ]
}

fn fields() -> impl Strategy<Value = BitFieldType> {
    prop_oneof![
        (1u32..=64).prop_map(|bits| BitFieldType::signed(bits).unwrap()),
        (1u32..=63).prop_map(|bits| BitFieldType::unsigned(bits).unwrap()),
    ]
}

fn overflows() -> impl Strategy<Value = BitOverflow> {
    prop_oneof![Just(BitOverflow::Wrap), Just(BitOverflow::Sat), Just(BitOverflow::Fail)]
}

fn ops() -> impl Strategy<Value = Op> {
    let at = || prop_oneof![8 => 0u64..400, 2 => 0u64..3_000, 1 => any::<u64>()];
    let offset = prop_oneof![6 => 0usize..100, 1 => 0usize..400, 1 => any::<usize>()];
    let index = || prop_oneof![4 => -40i64..40, 1 => any::<i64>()];
    let operation = prop_oneof![Just(BitOp::And), Just(BitOp::Or), Just(BitOp::Xor)];
    prop_oneof![
        3 => texts().prop_map(Op::Append),
        3 => (offset, texts()).prop_map(|(offset, bytes)| Op::SetRange(offset, bytes)),
        2 => (index(), index()).prop_map(|(start, end)| Op::GetRange(start, end)),
        3 => integers().prop_map(Op::IncrBy),
        2 => integers().prop_map(Op::DecrBy),
        2 => any::<i32>().prop_map(Op::IncrByCents),
        3 => (at(), any::<bool>()).prop_map(|(at, bit)| Op::SetBit(at, bit)),
        1 => at().prop_map(Op::GetBit),
        2 => ranges().prop_map(Op::BitCount),
        3 => (any::<bool>(), ranges()).prop_map(|(bit, range)| Op::BitPos(bit, range)),
        1 => (operation, proptest::collection::vec(texts(), 0..4)).prop_map(|(op, all)| Op::Combine(op, all)),
        1 => Just(Op::BitNot),
        1 => (fields(), at()).prop_map(|(field, at)| Op::FieldGet(field, at)),
        2 => (fields(), at(), integers(), overflows()).prop_map(|(f, at, n, o)| Op::FieldSet(f, at, n, o)),
        2 => (fields(), at(), integers(), overflows()).prop_map(|(f, at, n, o)| Op::FieldIncrBy(f, at, n, o)),
        1 => Just(Op::Hold),
        2 => Just(Op::Encode),
        3 => texts().prop_map(Op::Replace),
    ]
}

/// Returns an amount in cents as decimal text without trailing zeros.
fn cents_text(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let text = format!("{sign}{}.{:02}", cents.unsigned_abs() / 100, cents.unsigned_abs() % 100);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Returns the cents of a text that [`cents_text`] has written, or `None` for another text.
fn parse_cents(bytes: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(bytes).ok().filter(|text| text.len() < 16)?;
    let cents = (text.parse::<f64>().ok()? * 100.0).round() as i64;
    (cents_text(cents) == text).then_some(cents)
}

/// Returns the integer whose decimal form the bytes are.
fn canonical(bytes: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(bytes).ok()?;
    text.parse::<i64>().ok().filter(|value| value.to_string() == text)
}

fn bit(bytes: &[u8], at: u64) -> bool {
    usize::try_from(at / 8)
        .ok()
        .and_then(|byte| bytes.get(byte))
        .is_some_and(|byte| byte << (at % 8) & 0x80 != 0)
}

fn put_bit(bytes: &mut [u8], at: u64, bit: bool) {
    let byte = &mut bytes[(at / 8) as usize];
    *byte = if bit { *byte | 0x80 >> (at % 8) } else { *byte & !(0x80 >> (at % 8)) };
}

/// Returns the elements in a range. Each element is checked on its own.
fn elements(len: usize, start: i64, end: i64) -> impl Iterator<Item = u64> {
    let len = len as i64;
    let at = move |index: i64| if index < 0 { len.saturating_add(index).max(0) } else { index };
    (0..len).filter(move |element| (at(start)..=at(end)).contains(element)).map(|element| element as u64)
}

/// Returns the bits in a range.
fn range_bits(len: usize, range: BitRange) -> Vec<u64> {
    let of_bytes = |start, end| elements(len, start, end).flat_map(|byte| byte * 8..byte * 8 + 8).collect();
    match range {
        BitRange::All => of_bytes(0, -1),
        BitRange::From(start) => of_bytes(start, -1),
        BitRange::Bytes(start, end) => of_bytes(start, end),
        BitRange::Bits(start, end) => elements(len * 8, start, end).collect(),
    }
}

/// Returns whether both indexes count from the end, and are in the wrong order. `GETRANGE` and `BITCOUNT`
/// then find nothing, even if both indexes lie before the string.
fn is_reversed(range: BitRange) -> bool {
    matches!(range, BitRange::Bytes(a, b) | BitRange::Bits(a, b) if a < 0 && b < 0 && a > b)
}

/// An object, and the model that it must agree with.
struct ObjectAndModel {
    object: Robj,
    bytes: Vec<u8>,
    encoding: Encoding,
    limits: EncodingLimits,
    /// References to older values, with the bytes that they must keep.
    held: Vec<(Robj, Vec<u8>)>,
}

impl ObjectAndModel {
    fn set_raw(&mut self, bytes: Vec<u8>) {
        (self.bytes, self.encoding) = (bytes, Encoding::Raw);
    }

    fn zero_filled(&self, len: usize) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        bytes.resize(len.max(bytes.len()), 0);
        bytes
    }

    fn embedded_or_raw(&self, len: usize) -> Encoding {
        if len <= self.limits.embstr_size_limit { Encoding::EmbStr } else { Encoding::Raw }
    }

    /// Checks the result of `INCRBY`, and adds the increment to the model. `increment` is `None` if it does
    /// not fit into an `i64`.
    fn count(&mut self, increment: Option<i64>, result: Result<i64, Error>) {
        match (canonical(&self.bytes), increment) {
            (None, _) => assert_eq!(result, Err(StringError::NotAnInteger.into())),
            (Some(value), increment) => match increment.and_then(|increment| value.checked_add(increment)) {
                None => assert_eq!(result, Err(StringError::Overflow { value }.into())),
                Some(sum) => {
                    assert_eq!(result, Ok(sum));
                    (self.bytes, self.encoding) = (sum.to_string().into_bytes(), Encoding::Int);
                }
            },
        }
    }

    /// Returns the old value of a field, and the new one if `change` fits.
    fn field(
        &mut self,
        (field, at): (BitFieldType, u64),
        overflow: BitOverflow,
        change: impl Fn(i128) -> i128,
    ) -> Result<(i64, Option<i64>), StringError> {
        if at / 8 >= LEN_MAX as u64 {
            return Err(StringError::BitOffset { offset: at });
        }
        let bits = u64::from(field.bits());
        self.set_raw(self.zero_filled((at + bits).div_ceil(8) as usize));
        let (before, [min, max]) = (self.field_value(field, at), field_limits(field));
        let exact = change(before);
        let after = match overflow {
            _ if (min..=max).contains(&exact) => Some(exact),
            BitOverflow::Wrap => Some((exact - min).rem_euclid(max - min + 1) + min),
            BitOverflow::Sat => Some(if exact > max { max } else { min }),
            BitOverflow::Fail => None,
        };
        if let Some(after) = after {
            for number in 0..bits {
                put_bit(&mut self.bytes, at + number, after >> (bits - 1 - number) & 1 == 1);
            }
        }
        Ok((before as i64, after.map(|after| after as i64)))
    }

    fn field_value(&self, field: BitFieldType, at: u64) -> i128 {
        let bits = u64::from(field.bits());
        let bits = (0..bits).map(|number| at.checked_add(number).is_some_and(|at| bit(&self.bytes, at)));
        let word = bits.fold(0i128, |word, bit| word << 1 | i128::from(bit));
        let [_, max] = field_limits(field);
        if word > max { word - (1 << field.bits()) } else { word }
    }

    fn apply(&mut self, op: Op) {
        let limits = self.limits;
        match op {
            Op::Append(more) => {
                let result = self.object.append(&more, &limits);
                let len = self.bytes.len() + more.len();
                if len > LEN_MAX {
                    return assert_eq!(result, Err(StringError::TooLong { len }.into()));
                }
                assert_eq!(result, Ok(len));
                self.set_raw([&self.bytes[..], &more].concat());
            }
            Op::SetRange(offset, more) => {
                let result = self.object.set_range(offset, &more, &limits);
                let end = offset.saturating_add(more.len());
                if more.is_empty() {
                    return assert_eq!(result, Ok(self.bytes.len()));
                }
                if end > LEN_MAX {
                    return assert_eq!(result, Err(StringError::TooLong { len: end }.into()));
                }
                let mut bytes = self.zero_filled(end);
                bytes[offset..end].copy_from_slice(&more);
                assert_eq!(result, Ok(bytes.len()));
                self.set_raw(bytes);
            }
            Op::GetRange(start, end) => {
                let range = self.object.get_range(start, end).unwrap();
                let naive = elements(self.bytes.len(), start, end).map(|at| self.bytes[at as usize]);
                let naive = naive.filter(|_| !is_reversed(BitRange::Bytes(start, end)));
                assert!(naive.eq(range.iter().copied()), "{start} {end}: {range:?}");
            }
            Op::IncrBy(increment) => {
                let result = self.object.incr_by(increment, &limits);
                self.count(Some(increment), result);
            }
            Op::DecrBy(decrement) => {
                let result = self.object.decr_by(decrement, &limits);
                self.count(decrement.checked_neg(), result);
            }
            Op::IncrByCents(cents) => {
                let increment = f64::from(cents) / 100.0;
                let before = parse_cents(&self.bytes);
                let mut object = self.object.clone();
                let result = object.incr_by_float(increment, &limits);
                if let Some(before) = before {
                    let text = result.unwrap().to_string();
                    // The text of larger numbers may differ, because fewer than 17 of their decimals are
                    // exact.
                    let sum = before + i64::from(cents);
                    assert!(sum.abs() >= 1600 || before.abs() >= 1600 || text == cents_text(sum), "{text}");
                    let error = text.parse::<f64>().unwrap() - sum as f64 / 100.0;
                    let most = (before.abs().max(sum.abs()) as f64 + 4e9) * f64::EPSILON;
                    assert!(error.abs() <= most, "{text} for {sum} cents");
                    self.bytes = text.into_bytes();
                    self.encoding = self.embedded_or_raw(self.bytes.len());
                    self.object = object;
                } else if result.is_err() {
                    assert!(object.ptr_eq(&self.object));
                }
            }
            Op::SetBit(at, new) => {
                let result = self.object.set_bit(at, new, &limits);
                if at / 8 >= LEN_MAX as u64 {
                    return assert_eq!(result, Err(StringError::BitOffset { offset: at }.into()));
                }
                let mut bytes = self.zero_filled((at / 8) as usize + 1);
                assert_eq!(result, Ok(bit(&bytes, at)));
                put_bit(&mut bytes, at, new);
                self.set_raw(bytes);
            }
            Op::GetBit(at) => assert_eq!(self.object.get_bit(at), Ok(bit(&self.bytes, at))),
            Op::BitCount(range) => {
                let bits = range_bits(self.bytes.len(), range).into_iter().filter(|at| bit(&self.bytes, *at));
                let count = if is_reversed(range) { 0 } else { bits.count() as u64 };
                assert_eq!(self.object.bit_count(range), Ok(count), "{range:?}");
            }
            Op::BitPos(wanted, range) => {
                let bits = range_bits(self.bytes.len(), range);
                let found = bits.iter().copied().find(|at| bit(&self.bytes, *at) == wanted);
                // Without an end, `BITPOS` finds a 0 after a string of ones.
                let endless =
                    matches!(range, BitRange::All | BitRange::From(_)) && !bits.is_empty() && !wanted;
                let behind = endless.then_some(self.bytes.len() as u64 * 8);
                assert_eq!(self.object.bit_pos(wanted, range), Ok(found.or(behind)), "{wanted} {range:?}");
            }
            Op::Combine(operation, mut sources) => {
                sources.push(self.bytes.clone());
                let len = sources.iter().map(Vec::len).max().unwrap();
                let bytes = (0..len).map(|at| {
                    let column = sources.iter().map(|source| source.get(at).copied().unwrap_or(0));
                    let combine = match operation {
                        BitOp::And => |a, b| a & b,
                        BitOp::Or => |a, b| a | b,
                        BitOp::Xor => |a, b| a ^ b,
                    };
                    column.reduce(combine).unwrap()
                });
                self.bytes = bytes.collect();
                self.object = Robj::raw(bit_op(operation, &sources));
                self.encoding = Encoding::Raw;
            }
            Op::BitNot => {
                self.object = Robj::raw(bit_not(&self.object.as_string().unwrap()));
                self.set_raw(self.bytes.iter().map(|byte| !byte).collect());
            }
            Op::FieldGet(field, at) => {
                let value = self.field_value(field, at) as i64;
                assert_eq!(self.object.bitfield_get(field, at), Ok(value), "{field:?} at {at}");
            }
            Op::FieldSet(field, at, value, overflow) => {
                let result = self.object.bitfield_set(field, at, value, overflow, &limits);
                let signed = field_limits(field)[0] < 0;
                let value = if signed { i128::from(value) } else { i128::from(value as u64) };
                let expected = self.field((field, at), overflow, |_| value);
                assert_eq!(
                    result,
                    expected.map(|(before, after)| after.map(|_| before)).map_err(Error::from)
                );
            }
            Op::FieldIncrBy(field, at, increment, overflow) => {
                let result = self.object.bitfield_incr_by(field, at, increment, overflow, &limits);
                let expected = self.field((field, at), overflow, |before| before + i128::from(increment));
                assert_eq!(result, expected.map(|(_, after)| after).map_err(Error::from));
            }
            Op::Hold => self.held.push((self.object.clone(), self.bytes.clone())),
            Op::Encode => {
                self.held.clear();
                let object = std::mem::replace(&mut self.object, Robj::from(0));
                self.object = object.encode(&limits);
                if canonical(&self.bytes).is_some() {
                    self.encoding = Encoding::Int;
                } else if self.encoding == Encoding::Raw {
                    self.encoding = self.embedded_or_raw(self.bytes.len());
                }
            }
            Op::Replace(bytes) => {
                self.object = Robj::from_bytes(&bytes, &limits);
                self.encoding = self.embedded_or_raw(bytes.len());
                self.bytes = bytes;
            }
        }
    }

    fn check(&mut self) {
        // After `IncrByCents` the bytes are those of the result. The tests of `LongDouble` check its
        // decimals.
        if !matches!(self.object.as_string(), Ok(text) if *text == *self.bytes) {
            panic!("{:?} is not {:?}", self.object, self.bytes.escape_ascii().to_string());
        }
        assert_eq!(self.object.encoding(), self.encoding, "{:?}", self.object);
        for (object, bytes) in &self.held {
            assert_eq!(&*object.as_string().unwrap(), bytes.as_slice(), "a value that is held changed");
        }
    }
}

fn field_limits(field: BitFieldType) -> [i128; 2] {
    if BitFieldType::signed(field.bits()) == Some(field) {
        [-(1 << (field.bits() - 1)), (1 << (field.bits() - 1)) - 1]
    } else {
        [0, (1 << field.bits()) - 1]
    }
}

proptest! {
    #![proptest_config(testing::config(2000, 4))]

    #[test]
    fn strings_agree_with_the_model(
        embstr_size_limit in prop_oneof![Just(44usize), 0usize..70],
        shared_integers in prop_oneof![Just(OBJ_SHARED_INTEGERS), Just(0)],
        ops in proptest::collection::vec(ops(), 1..if cfg!(miri) { 12 } else { 60 }),
    ) {
        let limits = EncodingLimits {
            embstr_size_limit, shared_integers, proto_max_bulk_len: LEN_MAX, ..EncodingLimits::DEFAULT
        };
        let object = Robj::from_bytes(b"", &limits);
        let encoding = Encoding::EmbStr;
        let mut tested = ObjectAndModel { object, bytes: Vec::new(), encoding, limits, held: Vec::new() };
        for op in ops {
            tested.apply(op);
            tested.check();
        }
    }
}

#[test]
fn a_counter_of_its_own_is_counted_where_it_is() {
    let limits = EncodingLimits::DEFAULT;
    let mut counter = Robj::from(20_000);
    let address = counter.as_ptr();
    assert_eq!(counter.incr_by(1, &limits), Ok(20_001));
    assert_eq!((counter.as_ptr(), counter.encoding()), (address, Encoding::Int));
    assert_eq!(counter.decr_by(20_000, &limits), Ok(1));
    assert!(counter.is_shared_integer());
    let seen = counter.clone();
    assert_eq!(counter.incr_by(1, &limits), Ok(2));
    assert_eq!(seen.as_i64(), Some(1));
}

#[test]
#[cfg_attr(miri, ignore = "long, and no unsafe code")]
fn long_strings_are_combined_byte_by_byte() {
    let noise = |len: usize, seed: u32| -> Vec<u8> {
        (0..len as u32).map(|i| (i.wrapping_add(seed).wrapping_mul(0x9E37_79B9) >> 11) as u8).collect()
    };
    for lens in [[4095, 4096, 4097], [9000, 1, 8192], [0, 5000, 4096], [10_000, 10_000, 3]] {
        let sources: Vec<_> = lens.iter().zip(1..).map(|(len, seed)| noise(*len, seed)).collect();
        let longest = *lens.iter().max().unwrap();
        type Combine = fn(u8, u8) -> u8;
        let operations: [(BitOp, Combine); 3] =
            [(BitOp::And, |a, b| a & b), (BitOp::Or, |a, b| a | b), (BitOp::Xor, |a, b| a ^ b)];
        for (operation, combine) in operations {
            let column =
                |at| sources.iter().map(move |source: &Vec<u8>| source.get(at).copied().unwrap_or(0));
            let naive: Vec<u8> = (0..longest).map(|at| column(at).reduce(combine).unwrap()).collect();
            let result = bit_op(operation, &sources);
            assert_eq!(result.as_bytes(), naive.as_slice(), "{operation:?} {lens:?}");
        }
    }
    let nothing: [&[u8]; 0] = [];
    assert!(bit_op(BitOp::And, &nothing).is_empty());
}

#[test]
fn what_is_appended_to_again_has_room() {
    let limits = EncodingLimits::DEFAULT;
    let mut object = Robj::from("0");
    let mut moves = 0;
    let mut address = object.as_ptr().addr();
    for _ in 0..if cfg!(miri) { 1_000 } else { 100_000 } {
        object.append(b"x", &limits).unwrap();
        let now = object.as_string().unwrap().as_ptr().addr();
        moves += usize::from(now != address);
        address = now;
    }
    assert!(moves < 40, "{moves} moves");
}

#[test]
fn the_clock_stays_when_the_value_changes() {
    type Operation = fn(&mut Robj, &EncodingLimits) -> Result<(), Error>;
    let operations: [Operation; 6] = [
        |object, limits| object.append(b"", limits).map(drop),
        |object, limits| object.set_range(70, b"x", limits).map(drop),
        |object, limits| object.incr_by(1 << 40, limits).map(drop),
        |object, limits| object.incr_by_float(0.5, limits).map(drop),
        |object, limits| object.set_bit(3, true, limits).map(drop),
        |object, limits| {
            let field = BitFieldType::signed(7).unwrap();
            object.bitfield_incr_by(field, 3, 1, BitOverflow::Wrap, limits).map(drop)
        },
    ];
    for operation in operations {
        for held in [false, true] {
            for mut object in [Robj::from("12"), Robj::from(1 << 30), Robj::raw(sds::Sds::from("12"))] {
                object.touch(777);
                let _holder = held.then(|| object.clone());
                operation(&mut object, &EncodingLimits::DEFAULT).unwrap();
                assert_eq!(object.idle_time(777), 0, "{object:?}");
            }
        }
    }
}
