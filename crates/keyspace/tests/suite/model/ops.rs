//! The operations of the model. They use few keys and values, so that many operations meet the same key.

use keyspace::Expiry;
use proptest::prelude::*;
use values::ObjectType;

pub(crate) type Bytes = Vec<u8>;

#[derive(Clone, Debug)]
pub(crate) enum Condition {
    Always,
    Absent,
    Present,
    Equal(Bytes),
    Different(Bytes),
}

/// The time in a command. Most variants are relative to the present time.
#[derive(Clone, Copy, Debug)]
pub(crate) enum When {
    InSeconds(i64),
    InMillis(i64),
    AtSeconds(i64),
    AtMillis(i64),
    /// A time that does not depend on the present time.
    Exact(Expiry),
}

impl When {
    pub(crate) fn expiry(self, now: u64) -> Expiry {
        let now = now as i64;
        match self {
            Self::InSeconds(seconds) => Expiry::InSeconds(seconds),
            Self::InMillis(millis) => Expiry::InMillis(millis),
            Self::AtSeconds(seconds) => Expiry::AtSeconds(now / 1_000 + seconds),
            Self::AtMillis(millis) => Expiry::AtMillis(now + millis),
            Self::Exact(expiry) => expiry,
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum NewExpiry {
    Clear,
    Keep,
    To(When),
}

/// An operation on a lent collection. Each type of collection does the closest operation that it has.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// Adds an element, a member or a field.
    Put(Bytes, Bytes),
    /// Removes a member or a field, or pops an element.
    Take(Bytes),
    /// Removes all elements, one by one.
    Empty,
}

/// The method that lends a collection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum How {
    Edit,
    EditAs,
    ModifyAs,
}

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Set {
        key: Bytes,
        value: Bytes,
        condition: Condition,
        expiry: NewExpiry,
        get: bool,
    },
    SetMany(Vec<(Bytes, Bytes)>),
    GetExpire(Bytes, Option<When>),
    GetRemove(Bytes),
    Append(Bytes, Bytes),
    SetRange(Bytes, usize, Bytes),
    SetBit(Bytes, u64, bool),
    /// Appends, and then fails.
    AppendAndFail(Bytes, Bytes),
    IncrBy(Bytes, i64),
    /// The increment is in quarters.
    IncrByFloat(Bytes, i8),
    Edit {
        key: Bytes,
        object_type: ObjectType,
        actions: Vec<Action>,
        fails: bool,
        how: How,
    },
    /// Inserts a collection that was built outside of the keyspace.
    Insert {
        key: Bytes,
        object_type: ObjectType,
        actions: Vec<Action>,
        when: Option<When>,
    },
    Remove(Bytes),
    Unlink(Bytes, usize),
    Take(Bytes),
    Rename {
        from: Bytes,
        to: Bytes,
        replace: bool,
    },
    Copy {
        from: Bytes,
        to: Bytes,
        replace: bool,
    },
    CopyTo {
        from: Bytes,
        to: Bytes,
        replace: bool,
    },
    MoveTo(Bytes),
    Touch(Bytes),
    Expire {
        key: Bytes,
        when: When,
        conditions: u8,
    },
    Persist(Bytes),
    /// Removes a key if it has expired.
    RemoveExpired(Bytes),
    GetMany([Bytes; 3]),
    Scan {
        pattern: Option<&'static [u8]>,
        object_type: Option<ObjectType>,
        count: usize,
        /// Whether the scan removes the expired keys that it meets.
        removes: bool,
    },
    Keys(&'static [u8]),
    RandomKey(u64),
    Clear,
    /// Keeps the keys that match a pattern.
    Retain(&'static [u8]),
    /// Reserves room for this many more keys in the table, and then gives back all spare room.
    Resize(usize),
    Sweep(usize),
    /// Sweeps for this many readings of the clock.
    SweepFor(u8),
    /// Calls `maintain` with a budget of this many microseconds.
    Maintain(u8),
    /// Keeps a reply.
    Reply(Bytes),
    DropReplies,
    /// Codes new strings with one of two symbol tables, or with none.
    Symbols(Option<bool>),
    /// Sets other encoding limits.
    Limits(usize),
    /// Advances the time by this many milliseconds.
    AdvanceTime(u64),
}

fn key() -> impl Strategy<Value = Bytes> {
    let rare = [16, 24, 253, 254, 255, 300].map(|len| vec![b'k'; len]);
    prop_oneof![
        6 => prop::sample::select(vec![b"a".to_vec(), b"b".to_vec(), b"key:1".to_vec()]),
        2 => prop::sample::select(rare.to_vec()),
        1 => Just(Bytes::new()),
    ]
}

/// Texts that are integers, other numbers, or nearly integers.
const NUMBERS: [&str; 30] = [
    "0",
    "1",
    "-1",
    "9",
    "127",
    "128",
    "-128",
    "-129",
    "32767",
    "32768",
    "-32768",
    "-32769",
    "8388607",
    "8388608",
    "-8388609",
    "2147483647",
    "2147483648",
    "-2147483649",
    "549755813888",
    "140737488355328",
    "-36028797018963969",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "007",
    "-0",
    "+1",
    " 1",
    "3.25",
    "1e3",
];

/// Lengths near the limits of encodings and of length fields.
const LENGTHS: [usize; 15] = [0, 2, 12, 13, 43, 44, 45, 253, 254, 255, 256, 1_000, 1_023, 1_024, 1_025];

fn value() -> impl Strategy<Value = Bytes> {
    prop_oneof![
        8 => prop::sample::select(&NUMBERS[..]).prop_map(|text| text.as_bytes().to_vec()),
        4 => prop::collection::vec(b'a'..=b'c', 0..3),
        6 => (b'x'..=b'z', prop::sample::select(&LENGTHS[..])).prop_map(|(byte, len)| vec![byte; len]),
        1 => Just(vec![b'x'; 70_000]),
    ]
}

fn when() -> impl Strategy<Value = When> {
    let extreme =
        prop::sample::select(vec![i64::MIN, -1, 0, i64::MAX / 1_000, i64::MAX / 1_000 + 1, i64::MAX]);
    let form = |form: u8, seconds: i64, millis: i64| match form {
        0 => When::InSeconds(seconds),
        1 => When::InMillis(millis),
        2 => When::AtSeconds(seconds),
        _ => When::AtMillis(millis),
    };
    prop_oneof![
        12 => (0..4u8, -1..5i64, -500..5_000i64).prop_map(move |(number, seconds, millis)| {
            form(number, seconds, millis)
        }),
        1 => (0..4u8, extreme).prop_map(move |(number, value)| {
            When::Exact(match number {
                0 => Expiry::InSeconds(value),
                1 => Expiry::InMillis(value),
                2 => Expiry::AtSeconds(value),
                _ => Expiry::AtMillis(value),
            })
        }),
    ]
}

fn object_type() -> impl Strategy<Value = ObjectType> {
    use ObjectType::{Hash, List, Set, ZSet};
    prop::sample::select(vec![List, Set, ZSet, Hash])
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        8 => (value(), value()).prop_map(|(member, value)| Action::Put(member, value)),
        4 => value().prop_map(Action::Take),
        1 => Just(Action::Empty),
    ]
}

fn set() -> impl Strategy<Value = Op> {
    let condition = prop_oneof![
        4 => Just(Condition::Always),
        1 => Just(Condition::Absent),
        1 => Just(Condition::Present),
        1 => value().prop_map(Condition::Equal),
        1 => value().prop_map(Condition::Different),
    ];
    let expiry = prop_oneof![3 => Just(NewExpiry::Clear), 1 => Just(NewExpiry::Keep), 3 => when().prop_map(NewExpiry::To)];
    (key(), value(), condition, expiry, prop::bool::weighted(0.3))
        .prop_map(|(key, value, condition, expiry, get)| Op::Set { key, value, condition, expiry, get })
}

fn on_strings() -> impl Strategy<Value = Op> {
    let offset = prop::sample::select(vec![0, 1, 3, 44, 254, 1_023, 1_024, 70_000, (1 << 20) - 1, 1 << 20]);
    prop_oneof![
        12 => set(),
        2 => prop::collection::vec((key(), value()), 0..20).prop_map(Op::SetMany),
        3 => (key(), prop::option::of(when())).prop_map(|(key, when)| Op::GetExpire(key, when)),
        1 => key().prop_map(Op::GetRemove),
        5 => (key(), value()).prop_map(|(key, value)| Op::Append(key, value)),
        3 => (key(), offset, value()).prop_map(|(key, offset, value)| Op::SetRange(key, offset, value)),
        2 => (key(), 0..9_000u64, any::<bool>()).prop_map(|(key, offset, bit)| Op::SetBit(key, offset, bit)),
        1 => (key(), value()).prop_map(|(key, value)| Op::AppendAndFail(key, value)),
        3 => (key(), prop_oneof![-300..300i64, any::<i64>()]).prop_map(|(key, by)| Op::IncrBy(key, by)),
        2 => (key(), any::<i8>()).prop_map(|(key, by)| Op::IncrByFloat(key, by)),
    ]
}

fn on_keys() -> impl Strategy<Value = Op> {
    let to = || (key(), key(), any::<bool>());
    prop_oneof![
        3 => key().prop_map(Op::Remove),
        2 => (key(), 0..5usize).prop_map(|(key, steps)| Op::Unlink(key, steps)),
        2 => key().prop_map(Op::Take),
        5 => to().prop_map(|(from, to, replace)| Op::Rename { from, to, replace }),
        4 => to().prop_map(|(from, to, replace)| Op::Copy { from, to, replace }),
        3 => to().prop_map(|(from, to, replace)| Op::CopyTo { from, to, replace }),
        3 => key().prop_map(Op::MoveTo),
        1 => key().prop_map(Op::Touch),
        6 => (key(), when(), 0..16u8).prop_map(|(key, when, conditions)| Op::Expire { key, when, conditions }),
        4 => (key(), when()).prop_map(|(key, when)| Op::Expire { key, when, conditions: 0 }),
        3 => key().prop_map(Op::Persist),
        3 => key().prop_map(Op::RemoveExpired),
    ]
}

fn on_all() -> impl Strategy<Value = Op> {
    let pattern = prop::sample::select(vec![&b"*"[..], b"a", b"[ab]", b"k*", b"key:?", b"", b"?*1"]);
    let some_type = prop_oneof![Just(ObjectType::String), object_type()];
    prop_oneof![
        2 => [key(), key(), key()].prop_map(Op::GetMany),
        2 => (prop::option::of(pattern.clone()), prop::option::of(some_type), 0..12usize, any::<bool>())
            .prop_map(|(pattern, object_type, count, removes)| Op::Scan {
                pattern,
                object_type,
                count,
                removes,
            }),
        1 => pattern.clone().prop_map(Op::Keys),
        1 => pattern.prop_map(Op::Retain),
        1 => (0..500usize).prop_map(Op::Resize),
        1 => any::<u64>().prop_map(Op::RandomKey),
        1 => prop::bool::weighted(0.2).prop_map(|all| if all { Op::Clear } else { Op::DropReplies }),
        3 => (0..5usize).prop_map(Op::Sweep),
        1 => (1..4u8).prop_map(Op::SweepFor),
        1 => any::<u8>().prop_map(Op::Maintain),
        2 => key().prop_map(Op::Reply),
        1 => (0..9usize).prop_map(Op::Limits),
        2 => prop::option::of(any::<bool>()).prop_map(Op::Symbols),
        4 => prop_oneof![0..3u64, 0..3_000u64].prop_map(Op::AdvanceTime),
    ]
}

pub(crate) fn op() -> impl Strategy<Value = Op> {
    let actions = || prop::collection::vec(action(), 0..6);
    let how = prop::sample::select(vec![How::Edit, How::EditAs, How::ModifyAs]);
    let edit = (key(), object_type(), actions(), prop::bool::weighted(0.1), how).prop_map(
        |(key, object_type, actions, fails, how)| Op::Edit { key, object_type, actions, fails, how },
    );
    let insert = (key(), object_type(), actions(), prop::option::of(when()))
        .prop_map(|(key, object_type, actions, when)| Op::Insert { key, object_type, actions, when });
    prop_oneof![8 => on_strings(), 6 => on_keys(), 5 => on_all(), 9 => edit, 2 => insert]
}
