//! Compares a listpack with a vector, while some allocations fail. Also runs operations on lists of arbitrary
//! bytes. Each of these operations must return, and must not access memory outside of the list.
//!
//! If the first byte of the input is even, the target compares with a vector. If the first byte is odd, the
//! other bytes of the input become the bytes of a list.

use crate::harness::{Faults, LeakCheck, Plan, Text, operations};
use ::listpack::{Depth, Editor, ListPack, Offset, Value, View, encoded_len, validate};
use arbitrary::Arbitrary;

#[derive(Arbitrary, Clone, Debug)]
enum Item {
    Int(i64, u8),
    Parsed(Text),
    Raw(Text),
    Double(f64),
}

impl<'a> From<&'a Item> for Value<'a> {
    fn from(item: &'a Item) -> Self {
        match item {
            Item::Int(value, shift) => Value::Int(value >> (shift % 64)),
            Item::Parsed(Text(bytes)) => Value::from(bytes.as_slice()),
            Item::Raw(Text(bytes)) => Value::raw(bytes),
            Item::Double(value) => Value::Double(*value),
        }
    }
}

#[derive(Arbitrary, Debug)]
enum Op {
    PushBack(Item),
    PushFront(Item),
    InsertBefore(u8, Item),
    InsertAfter(u8, Item),
    Replace(u8, Item),
    Remove(u8),
    Extend(Vec<Item>),
    RemoveRange(u8, u8),
    RemoveMany(Vec<u8>),
    Truncate(u8),
    SplitAndMerge(u8),
    Find(Item, u8, u8),
    Random(u64, u8),
    ThroughBytes,
    Relocate,
    Clear,
    Follow(Plan),
}

/// Runs the operations that `data` encodes.
pub fn run(data: &[u8]) {
    let Some((first, data)) = data.split_first() else { return };
    let leak_check = LeakCheck::open();
    if first % 2 == 1 {
        return any_bytes(data);
    }
    let mut faults = Faults::new();
    let (mut list, mut model) = (ListPack::new(), Vec::new());
    for op in operations(data) {
        step(&mut list, &mut model, &mut faults, op);
        assert_eq!(leak_check.used(), list.allocation_size());
        assert_eq!(list.byte_len(), 7 + model.iter().map(encoded_len).sum::<usize>());
        assert_eq!(list.len(), model.len());
        assert!(list.iter().zip(&model).all(|(value, item)| same(value, item.into())));
        assert!(list.iter().rev().zip(model.iter().rev()).all(|(value, item)| same(value, item.into())));
        assert_eq!((list.iter().count(), list.iter().rev().count()), (model.len(), model.len()));
        validate(list.as_bytes(), Depth::Deep).unwrap();
    }
}

/// Returns `true` if the values are equal and of the same kind. A NaN is equal to itself.
fn same(one: Value<'_>, other: Value<'_>) -> bool {
    match (one, other) {
        (Value::Int(one), Value::Int(other)) => one == other,
        (Value::Str(one), Value::Str(other)) => one == other,
        (Value::Double(one), Value::Double(other)) => one.to_bits() == other.to_bits(),
        _ => false,
    }
}

/// Returns `true` if the operation succeeded. Panics if it failed without a failed allocation.
fn done<T, E>((result, failed): (Result<T, E>, bool)) -> bool {
    assert!(result.is_ok() || failed);
    result.is_ok()
}

fn step(list: &mut ListPack, model: &mut Vec<Item>, faults: &mut Faults, op: Op) {
    // Returns the index and the offset of an entry.
    let pick = |list: &ListPack, at: u8| -> Option<(usize, Offset)> {
        let index = usize::from(at).checked_rem(list.len())?;
        Some((index, list.seek(index as isize).unwrap()))
    };
    match op {
        Op::PushBack(item) => {
            if done(faults.watch(|| list.try_push_back(&item))) {
                model.push(item);
            }
        }
        Op::PushFront(item) => {
            if done(faults.watch(|| list.try_push_front(&item))) {
                model.insert(0, item);
            }
        }
        Op::InsertBefore(at, item) => {
            let Some((index, offset)) = pick(list, at) else { return };
            if done(faults.watch(|| list.try_insert_before(offset, &item))) {
                model.insert(index, item);
            }
        }
        Op::InsertAfter(at, item) => {
            let Some((index, offset)) = pick(list, at) else { return };
            if done(faults.watch(|| list.try_insert_after(offset, &item))) {
                model.insert(index + 1, item);
            }
        }
        Op::Replace(at, item) => {
            let Some((index, offset)) = pick(list, at) else { return };
            if done(faults.watch(|| list.try_replace(offset, &item))) {
                model[index] = item;
            }
        }
        Op::Remove(at) => {
            let Some((index, offset)) = pick(list, at) else { return };
            let next = list.remove(offset);
            model.remove(index);
            assert_eq!(next, list.seek(index as isize));
        }
        Op::Extend(items) => {
            if done(faults.watch(|| list.try_extend(&items))) {
                model.extend(items);
            }
        }
        Op::RemoveRange(at, n) => {
            let from = usize::from(at).min(model.len());
            let removed = model.drain(from..(from + usize::from(n)).min(model.len())).count();
            assert_eq!(list.remove_range(usize::from(at), usize::from(n)), removed);
        }
        Op::RemoveMany(places) => {
            let mut picked: Vec<_> = places.iter().filter_map(|at| pick(list, *at)).collect();
            picked.sort_unstable();
            picked.dedup();
            let offsets: Vec<Offset> = picked.iter().map(|(_, offset)| *offset).collect();
            assert_eq!(list.remove_many(&offsets), picked.len());
            picked.iter().rev().for_each(|(index, _)| drop(model.remove(*index)));
        }
        Op::Truncate(len) => {
            list.truncate(usize::from(len));
            model.truncate(usize::from(len));
        }
        Op::SplitAndMerge(at) => {
            let (tail, failed) = faults.watch(|| list.try_split_off(usize::from(at)));
            let Ok(mut tail) = tail else { return assert!(failed) };
            assert_eq!(list.len() + tail.len(), model.len());
            if !done(faults.watch(|| list.try_merge(&mut tail))) {
                model.truncate(list.len()); // the entries that were split off are dropped
            }
        }
        Op::Find(item, from, skip) => {
            let (needle, skip) = (Value::from(&item), usize::from(skip % 4));
            let text = match needle {
                Value::Int(value) => value.to_string().into_bytes(),
                Value::Str(bytes) => bytes.to_vec(),
                Value::Double(_) => return,
            };
            let Some((index, offset)) = pick(list, from) else { return };
            let want = (index..model.len()).step_by(skip + 1).find(|at| Value::from(&model[*at]) == text[..]);
            assert_eq!(list.find(offset, &text, skip), want.and_then(|at| list.seek(at as isize)));
        }
        Op::Random(seed, n) => {
            let mut state = seed;
            let mut rng = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                state
            };
            let (n, len) = (usize::from(n), list.len());
            assert_eq!(list.random(&mut rng).is_some(), len > 0);
            assert_eq!(list.random_many(n, &mut rng).count(), if len > 0 { n } else { 0 });
            assert_eq!(list.random_pairs(n, &mut rng).count(), if len > 1 { n } else { 0 });
            assert_eq!(list.random_unique(n, &mut rng).count(), n.min(len));
            assert_eq!(list.random_pairs_unique(n, &mut rng).count(), n.min(len / 2));
        }
        Op::ThroughBytes => {
            let (copy, failed) = faults.watch(|| ListPack::try_from_bytes(list.as_bytes(), Depth::Deep));
            match copy {
                Ok(copy) => *list = copy,
                Err(_) => assert!(failed),
            }
        }
        Op::Relocate => {
            list.relocate(&mut |_, _| true);
        }
        Op::Clear => {
            list.clear();
            model.clear();
        }
        Op::Follow(plan) => faults.follow(plan),
    }
}

/// Reads the bytes as a list. Then reads and edits a list that has the bytes as its entries. The length in
/// its header and its end byte are right, and its count is arbitrary.
fn any_bytes(data: &[u8]) {
    let _ = (validate(data, Depth::Shallow), validate(data, Depth::Deep), validate(data, Depth::Strict));
    let _ = (View::new(data).map(View::len), View::from_prefix(data).map(|(list, _)| list.iter().count()));
    let mut bytes = (data.len() as u32 + 7).to_le_bytes().to_vec();
    let count = if data.is_empty() { 0 } else { u16::from(data[0]) };
    bytes.extend(count.to_le_bytes());
    bytes.extend(data);
    bytes.push(0xFF);
    if let Ok(list) = ListPack::from_bytes(&bytes) {
        assert_eq!((list.iter().count(), list.iter().rev().count()), (list.len(), list.len()));
    }
    let list = ListPack::from_bytes_shallow(&bytes).unwrap();
    let _ = (list.iter().rev().count(), list.seek(3), list.seek(-3), list.last(), list.len());
    let _ = (list.random_many(9, || u64::MAX).count(), list.random_pairs(9, || u64::MAX).count());
    let _ = (list.random_unique(9, || 0).count(), list.random_pairs_unique(9, || 0).count());
    // Offsets of another list point to an entry of this list only by chance.
    let mut other = ListPack::new();
    other.extend(data.iter().take(40).map(|byte| i64::from(*byte) << (byte % 40)));
    let offsets: Vec<Offset> = (0..other.len() as isize).filter_map(|index| other.seek(index)).collect();
    for (n, &offset) in offsets.iter().enumerate() {
        let _ = (list.get(offset), list.next(offset), list.prev(offset));
        let _ = (list.iter_from(offset).count(), list.iter_from(offset).rev().count());
        let _ = (list.find(offset, b"5", n % 3), list.find(offset, &data[..n.min(data.len())], n % 3));
        let mut copy = list.clone();
        match n % 7 {
            0 => drop(copy.remove(offset)),
            1 => drop(copy.replace(offset, data)),
            2 => drop(copy.insert_after(offset, 70_000)),
            3 => copy.insert_all_before(offset, [data, b"5"]),
            4 => copy.move_before(offset, n / 7, offsets.get(n / 2).copied()),
            5 => drop(copy.remove_run(offset, n / 7)),
            _ => drop(copy.insert_before(offset, "text")),
        }
        assert_eq!(copy.as_bytes().len(), copy.byte_len());
    }
    let mut copy = list.clone();
    copy.remove_many(&offsets);
    copy.remove_range(2, 3);
    let mut tail = copy.split_off(3);
    tail.push_front(1);
    copy.merge(&mut tail);
    copy.truncate(2);
    validate(copy.as_bytes(), Depth::Shallow).unwrap();
    in_a_block(&bytes, &offsets, data);
}

/// Edits the list between other bytes of a block, and checks that these bytes stay unchanged.
fn in_a_block(bytes: &[u8], offsets: &[Offset], data: &[u8]) {
    let mut entry = testing::Entry::new(b"8 bytes:", bytes, b"key", bytes.len() + 60);
    for (n, &offset) in offsets.iter().enumerate() {
        let mut list = Editor::new(&mut entry).expect("an edit keeps header and end right");
        match n % 7 {
            0 => drop(list.remove(offset)),
            1 => drop(list.try_replace(offset, data)),
            2 => drop(list.try_insert_after(offset, 70_000)),
            3 => list.move_before(offset, n / 7, offsets.get(n / 2).copied()),
            4 => drop(list.remove_run(offset, n / 7)),
            5 => drop(list.try_extend([data, b"5"])),
            _ => drop(list.try_push_front("text")),
        }
    }
    let block = entry.block();
    assert!(block.starts_with(b"8 bytes:"));
    let (_, behind) = View::from_prefix(&block[8..]).expect("a list, and the key behind it");
    assert_eq!(behind, b"key");
}
