//! The operations of the four types, on a collection in any place.

use super::{OpResult, Tested, Text, op_result};
use proptest::prelude::*;
use values::hash::HashError;
use values::list::Side;
use values::zset::{AddError, AddOptions};
use values::{Element, Encoding, EncodingLimits, Hash, List, Room, Set, ZSet};
fn text() -> impl Strategy<Value = Text> {
    prop_oneof![
        6 => (0..12_i64).prop_map(|value| value.to_string().into_bytes()),
        3 => prop::collection::vec(b'a'..=b'c', 0..3),
        1 => (any::<u8>(), 0..30_usize).prop_map(|(byte, len)| vec![byte; len]),
        1 => any::<i64>().prop_map(|value| value.to_string().into_bytes()),
    ]
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Front), Just(Side::Back)]
}

/// Returns a source of numbers that depends only on `number`.
fn source(mut number: u64) -> impl FnMut() -> u64 {
    move || {
        number = number.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
        number ^ (number >> 32)
    }
}

#[derive(Clone, Debug)]
pub(super) enum HashOp {
    Insert(Text, Text),
    InsertAbsent(Text, Text),
    InsertMany(Vec<(Text, Text)>),
    Remove(Text),
    IncrBy(Text, i64),
    IncrByFloat(Text, f64),
}

impl Tested for Hash {
    type Op = HashOp;

    fn apply<R: Room>(hash: &mut Hash<R>, _: &mut Hash, op: &HashOp, limits: &EncodingLimits) -> OpResult {
        match op {
            HashOp::Insert(field, value) => op_result(hash.try_insert(&field[..], &value[..], limits)?),
            HashOp::InsertAbsent(field, value) => {
                op_result(hash.try_insert_absent(&field[..], &value[..], limits)?)
            }
            HashOp::InsertMany(pairs) => {
                let pairs: Vec<(Element<'_>, Element<'_>)> =
                    pairs.iter().map(|(field, value)| (field[..].into(), value[..].into())).collect();
                op_result(hash.try_insert_many(&pairs, limits)?)
            }
            HashOp::Remove(field) => op_result(hash.remove(&field[..])),
            HashOp::IncrBy(field, increment) => match hash.try_incr_by(&field[..], *increment, limits) {
                Err(HashError::Reserve(error)) => Err(error),
                answer => op_result(answer),
            },
            HashOp::IncrByFloat(field, increment) => {
                match hash.try_incr_by_float(&field[..], *increment, limits) {
                    Err(HashError::Reserve(error)) => Err(error),
                    answer => op_result(answer),
                }
            }
        }
    }
}

pub(super) fn hash_op() -> impl Strategy<Value = HashOp> {
    prop_oneof![
        6 => (text(), text()).prop_map(|(field, value)| HashOp::Insert(field, value)),
        2 => (text(), text()).prop_map(|(field, value)| HashOp::InsertAbsent(field, value)),
        2 => prop::collection::vec((text(), text()), 0..5).prop_map(HashOp::InsertMany),
        4 => text().prop_map(HashOp::Remove),
        2 => (text(), any::<i64>()).prop_map(|(field, increment)| HashOp::IncrBy(field, increment)),
        1 => (text(), -9..9_i8)
            .prop_map(|(field, increment)| HashOp::IncrByFloat(field, f64::from(increment) / 4.0)),
    ]
}

#[derive(Clone, Debug)]
pub(super) enum SetOp {
    Insert(Text),
    Remove(Text),
    Pop(u64),
    PopMany(usize, u64),
    MoveAway(Text),
    MoveHere(Text),
    ConvertFor(usize),
}

impl Tested for Set {
    type Op = SetOp;

    fn apply<R: Room>(set: &mut Set<R>, other: &mut Set, op: &SetOp, limits: &EncodingLimits) -> OpResult {
        match op {
            SetOp::Insert(member) => op_result(set.try_insert(&member[..], limits)?),
            SetOp::Remove(member) => op_result(set.remove(&member[..])),
            // Each hash table has its own order, so the results differ.
            SetOp::Pop(_) | SetOp::PopMany(..) if set.encoding() == Encoding::HashTable => op_result(()),
            SetOp::Pop(number) => op_result(set.pop(source(*number), |member| member.text().to_vec())),
            SetOp::PopMany(count, number) => {
                let mut popped = Vec::new();
                let each = |member: Element<'_>| popped.push(member.text().to_vec());
                let count = set.try_pop_many(*count, limits, source(*number), each)?;
                op_result((count, popped))
            }
            SetOp::MoveAway(member) => op_result(set.try_move(other, &member[..], limits)?),
            SetOp::MoveHere(member) => op_result(other.try_move(set, &member[..], limits)?),
            SetOp::ConvertFor(size_hint) => op_result(set.try_convert_for(*size_hint, limits)?),
        }
    }
}

pub(super) fn set_op() -> impl Strategy<Value = SetOp> {
    prop_oneof![
        8 => text().prop_map(SetOp::Insert),
        8 => (-300..300_i64).prop_map(|value| SetOp::Insert(value.to_string().into_bytes())),
        4 => text().prop_map(SetOp::Remove),
        2 => any::<u64>().prop_map(SetOp::Pop),
        2 => (0..9_usize, any::<u64>()).prop_map(|(count, number)| SetOp::PopMany(count, number)),
        1 => text().prop_map(SetOp::MoveAway),
        1 => text().prop_map(SetOp::MoveHere),
        1 => (0..14_usize).prop_map(SetOp::ConvertFor),
    ]
}

#[derive(Clone, Debug)]
pub(super) enum ZSetOp {
    Add(Text, f64, AddOptions),
    Remove(Text),
    RemoveRange(usize, usize),
    PopFirst,
    PopLast,
    ConvertFor(usize),
}

impl Tested for ZSet {
    type Op = ZSetOp;

    fn apply<R: Room>(set: &mut ZSet<R>, _: &mut ZSet, op: &ZSetOp, limits: &EncodingLimits) -> OpResult {
        let to_pair = |member: Element<'_>, score| (member.text().to_vec(), score);
        match op {
            ZSetOp::Add(member, score, options) => match set.try_add(&member[..], *score, *options, limits) {
                Err(AddError::Reserve(error)) => Err(error),
                answer => op_result(answer),
            },
            ZSetOp::Remove(member) => op_result(set.remove(&member[..])),
            ZSetOp::RemoveRange(start, count) => op_result(set.remove_range(*start..start + count)),
            ZSetOp::PopFirst => op_result(set.pop_first(to_pair)),
            ZSetOp::PopLast => op_result(set.pop_last(to_pair)),
            ZSetOp::ConvertFor(size_hint) => op_result(set.try_convert_for(*size_hint, limits)?),
        }
    }
}

pub(super) fn zset_op() -> impl Strategy<Value = ZSetOp> {
    let score = prop_oneof![(-9..9_i8).prop_map(f64::from), any::<f64>(), Just(f64::NAN)];
    let none = AddOptions::default();
    let options = prop::sample::select(vec![
        none,
        none,
        AddOptions { incr: true, ..none },
        AddOptions { nx: true, ..none },
        AddOptions { xx: true, lt: true, ..none },
        AddOptions { gt: true, incr: true, ..none },
    ]);
    prop_oneof![
        8 => (text(), score, options).prop_map(|(member, score, options)| ZSetOp::Add(member, score, options)),
        3 => text().prop_map(ZSetOp::Remove),
        1 => (0..9_usize, 0..4_usize).prop_map(|(start, count)| ZSetOp::RemoveRange(start, count)),
        1 => Just(ZSetOp::PopFirst),
        1 => Just(ZSetOp::PopLast),
        1 => (0..14_usize).prop_map(ZSetOp::ConvertFor),
    ]
}

#[derive(Clone, Debug)]
pub(super) enum ListOp {
    Push(Side, Text),
    PushAll(Side, Vec<Text>),
    Pop(Side),
    RemoveEnd(Side, usize),
    Set(i64, Text),
    Insert(Side, Text, Text),
    Remove(i64, Text),
    Trim(i64, i64),
    Rotate(Side, Side),
    MoveAway(Side, Side),
    MoveHere(Side, Side),
}

impl Tested for List {
    type Op = ListOp;

    fn apply<R: Room>(
        list: &mut List<R>,
        other: &mut List,
        op: &ListOp,
        limits: &EncodingLimits,
    ) -> OpResult {
        match op {
            ListOp::Push(side, element) => op_result(list.try_push(*side, &element[..], limits)?),
            ListOp::PushAll(side, all) => op_result(list.try_push_all(
                *side,
                all.iter().map(|element| Element::Bytes(element)),
                limits,
            )?),
            ListOp::Pop(side) => op_result(list.try_pop(*side, limits)?),
            ListOp::RemoveEnd(side, count) => op_result(list.try_remove_end(*side, *count, limits)?),
            ListOp::Set(index, element) => op_result(list.try_set(*index, &element[..], limits)?),
            ListOp::Insert(side, pivot, element) => {
                op_result(list.try_insert(*side, &pivot[..], &element[..], limits)?)
            }
            ListOp::Remove(count, element) => op_result(list.try_remove(*count, &element[..], limits)?),
            ListOp::Trim(start, end) => op_result(list.try_trim(*start, *end, limits)?),
            ListOp::Rotate(from, to) => op_result(list.try_rotate(*from, *to, limits)?),
            ListOp::MoveAway(from, to) => op_result(list.try_move_to(*from, other, *to, limits)?),
            ListOp::MoveHere(from, to) => op_result(other.try_move_to(*from, list, *to, limits)?),
        }
    }
}

pub(super) fn list_op() -> impl Strategy<Value = ListOp> {
    let index = || -9..9_i64;
    prop_oneof![
        6 => (side(), text()).prop_map(|(side, element)| ListOp::Push(side, element)),
        2 => (side(), prop::collection::vec(text(), 0..5)).prop_map(|(side, all)| ListOp::PushAll(side, all)),
        4 => side().prop_map(ListOp::Pop),
        1 => (side(), 0..5_usize).prop_map(|(side, count)| ListOp::RemoveEnd(side, count)),
        2 => (index(), text()).prop_map(|(index, element)| ListOp::Set(index, element)),
        2 => (side(), text(), text()).prop_map(|(side, pivot, element)| ListOp::Insert(side, pivot, element)),
        2 => (-2..3_i64, text()).prop_map(|(count, element)| ListOp::Remove(count, element)),
        1 => (index(), index()).prop_map(|(start, end)| ListOp::Trim(start, end)),
        2 => (side(), side()).prop_map(|(from, to)| ListOp::Rotate(from, to)),
        1 => (side(), side()).prop_map(|(from, to)| ListOp::MoveAway(from, to)),
        1 => (side(), side()).prop_map(|(from, to)| ListOp::MoveHere(from, to)),
    ]
}
