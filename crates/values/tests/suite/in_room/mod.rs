//! Tests of collections in a room against owned ones. The same operations must give the same results,
//! encodings and contents. The rest of the block must not change. A value that changes its encoding must
//! leave the room.

mod ops;

use ops::{HashOp, ListOp, SetOp, ZSetOp, hash_op, list_op, set_op, zset_op};
use proptest::prelude::*;
use std::fmt::Debug;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use testing::{Entry, FaultyRoom, RoomFault};
use values::list::Side;
use values::zset::AddOptions;
use values::{
    Collection, CollectionView, Edited, Encoding, EncodingLimits, Error, Hash, List, NoRoom, ReserveError,
    Room, Set, ZSet,
};
use zmalloc::fault;

type Text = Vec<u8>;
/// The result of an operation, as text.
type OpResult = Result<String, ReserveError>;

/// A collection, with the operations that the tests apply to it.
trait Tested: Collection + Debug {
    type Op: Clone + Debug;

    /// Applies the operation, which may move elements from and to `other`. Returns its result as text.
    fn apply<R: Room>(
        value: &mut Self::In<R>,
        other: &mut Self,
        op: &Self::Op,
        limits: &EncodingLimits,
    ) -> OpResult;
}

fn op_result(answer: impl Debug) -> OpResult {
    Ok(format!("{answer:?}"))
}

/// The failure of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    None,
    /// The entry cannot become longer.
    Full,
    /// The allocation of this number fails.
    NoMemory(u64),
}

fn failure() -> impl Strategy<Value = Failure> {
    prop_oneof![
        4 => Just(Failure::None),
        2 => Just(Failure::Full),
        1 => (1..4_u64).prop_map(Failure::NoMemory),
    ]
}

/// A value that begins in an entry, an owned one with the same operations, and for each another one to
/// which elements move.
struct RoomAndModel<C> {
    key: Text,
    entry: Entry,
    /// The encoding of the value in the entry.
    encoding: Encoding,
    /// The value, after it has left the entry.
    own: Option<C>,
    other: C,
    model: C,
    model_other: C,
}

impl<C: Tested> RoomAndModel<C> {
    fn new(key: &[u8]) -> Self {
        let [model, other, model_other] = [C::EMPTY; 3];
        let (bytes, encoding) = (model.as_packed().expect("packed"), model.encoding());
        let entry = Entry::new(b"8 bytes:", bytes, key, usize::MAX);
        Self { key: key.to_vec(), entry, encoding, own: None, other, model, model_other }
    }

    fn step(&mut self, op: &C::Op, failure: Failure, limits: &EncodingLimits) {
        let before = self.entry.block().to_vec();
        self.entry.set_capacity(if failure == Failure::Full { before.len() } else { usize::MAX });
        let was_in_room = self.own.is_none();
        let mut value: C::In<&mut Entry> = match self.own.take() {
            Some(own) => own.into_in(),
            None => C::in_room(self.encoding, &mut self.entry).map_err(|(error, _)| error).unwrap(),
        };
        let plan = fault::fail_nth(if let Failure::NoMemory(nth) = failure { nth } else { 0 });
        let answer = C::apply(&mut value, &mut self.other, op, limits);
        drop(plan);

        let failed = answer.is_err();
        match answer {
            Ok(answer) => {
                let mut model = mem::replace(&mut self.model, C::EMPTY).into_in::<NoRoom>();
                assert_eq!(C::apply(&mut model, &mut self.model_other, op, limits), Ok(answer));
                match C::from_in(model) {
                    Edited::Own(model) => self.model = model,
                    Edited::InRoom(no_room) => match no_room {},
                }
            }
            Err(_) => assert_ne!(failure, Failure::None),
        }
        assert!(C::view_in(&value) == self.model.view(), "{:?} {:?}", C::view_in(&value), self.model);
        assert!(self.other.view() == self.model_other.view());
        assert_eq!(C::view_in(&value).encoding(), self.model.encoding());
        assert_eq!(C::view_in(&value).len(), self.model.len());

        match C::from_in(value) {
            Edited::InRoom(_) => {
                let (header, rest) = self.entry.block().split_at(8);
                let packed = self.model.as_packed().expect("packed");
                assert_eq!((header, rest), (&b"8 bytes:"[..], &[packed, &self.key].concat()[..]));
                assert_eq!(self.model.encoding(), self.encoding);
                assert!(!failed || self.entry.block() == before);
            }
            Edited::Own(own) => {
                assert!(!failed || !was_in_room, "a write that failed has moved the value");
                assert_eq!(self.entry.block(), before, "a value that left its room was written into it");
                self.own = Some(own);
            }
        }
        // A value that is packed goes back into an entry.
        if let Some(bytes) = self.own.as_ref().and_then(C::as_packed) {
            self.entry = Entry::new(b"8 bytes:", bytes, &self.key, usize::MAX);
            self.encoding = self.model.encoding();
            self.own = None;
        }
    }
}

fn runs<O: Debug>(op: impl Strategy<Value = O>) -> impl Strategy<Value = (Vec<(O, Failure)>, Text)> {
    let steps = prop::collection::vec((op, failure()), if cfg!(miri) { 4..8 } else { 0..50 });
    (steps, prop::collection::vec(any::<u8>(), 0..9))
}

fn run<C: Tested>((steps, key): (Vec<(C::Op, Failure)>, Text), limits: &EncodingLimits) {
    let mut tested = RoomAndModel::<C>::new(&key);
    for (op, failure) in steps {
        tested.step(&op, failure, limits);
    }
}

proptest! {
    #![proptest_config(testing::config(400, 1))]

    #[test]
    fn a_hash_in_a_room_is_an_owned_hash(run_of in runs(hash_op()), entries in 0..12_usize, value in 3..25_usize) {
        let limits = EncodingLimits {
            hash_max_listpack_entries: entries,
            hash_max_listpack_value: value,
            ..EncodingLimits::DEFAULT
        };
        run::<Hash>(run_of, &limits);
    }

    #[test]
    fn a_set_in_a_room_is_an_owned_set(
        run_of in runs(set_op()),
        integers in 0..12_usize,
        entries in 0..12_usize,
        value in 3..25_usize,
    ) {
        let limits = EncodingLimits {
            set_max_intset_entries: integers,
            set_max_listpack_entries: entries,
            set_max_listpack_value: value,
            ..EncodingLimits::DEFAULT
        };
        run::<Set>(run_of, &limits);
    }

    #[test]
    fn a_sorted_set_in_a_room_is_an_owned_sorted_set(
        run_of in runs(zset_op()),
        entries in 0..12_usize,
        value in 3..25_usize,
    ) {
        let limits = EncodingLimits {
            zset_max_listpack_entries: entries,
            zset_max_listpack_value: value,
            ..EncodingLimits::DEFAULT
        };
        run::<ZSet>(run_of, &limits);
    }

    #[test]
    fn a_list_in_a_room_is_an_owned_list(run_of in runs(list_op()), size in 0..8_i32, depth in 0..2_u16) {
        let limits = EncodingLimits {
            list_max_listpack_size: size,
            list_compress_depth: depth,
            ..EncodingLimits::DEFAULT
        };
        run::<List>(run_of, &limits);
    }
}

const LIMITS: EncodingLimits = EncodingLimits::DEFAULT;

/// The place of a value in a store. It borrows from the store.
struct Slot<'a> {
    entry: &'a mut Entry,
}

impl Room for Slot<'_> {
    fn bytes(&self) -> &[u8] {
        self.entry.bytes()
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        self.entry.bytes_mut()
    }

    fn try_splice(&mut self, at: usize, removed: usize, added: usize) -> Result<(), ReserveError> {
        self.entry.try_splice(at, removed, added)
    }
}

/// Edits a value as a store would: the collection is a type argument, and the closure's argument has its
/// methods.
fn edit_as<C: Collection>(
    (encoding, entry): (Encoding, &mut Entry),
    edit: impl FnOnce(&mut C::In<Slot<'_>>) -> Result<bool, ReserveError>,
) -> Result<(bool, Option<C>), Error> {
    let mut value = C::in_room(encoding, Slot { entry }).map_err(|(error, _slot)| error)?;
    let answer = edit(&mut value)?;
    Ok(match C::from_in(value) {
        Edited::InRoom(_slot) => (answer, None),
        Edited::Own(own) => (answer, Some(own)),
    })
}

/// Returns an entry that holds a hash of ten fields.
fn ten_fields() -> Entry {
    let mut hash = Hash::new();
    for n in 0..10 {
        hash.insert(format!("field:{n}").as_bytes(), "a value", &LIMITS);
    }
    Entry::new(b"8 bytes:", hash.as_packed().unwrap(), b"key", usize::MAX)
}

#[test]
fn a_write_to_a_hash_of_ten_fields_resizes_its_entry_at_most_once() {
    let mut entry = ten_fields();
    for (field, value, splices) in
        [("field:3", "another value", 1), ("field:3", "another one!!", 0), ("field:x", "a new field", 1)]
    {
        let packed = (Encoding::ListPack, &mut entry);
        let (is_new, own) = edit_as::<Hash>(packed, |hash| hash.try_insert(field, value, &LIMITS)).unwrap();
        assert_eq!((is_new, own), (field == "field:x", None));
        assert_eq!(entry.take_splices(), splices, "{field} {value}");
    }
    let pairs = [("field:3", "1"), ("field:4", "two"), ("new", "3")].map(|(f, v)| (f.into(), v.into()));
    let packed = (Encoding::ListPack, &mut entry);
    let (many, own) =
        edit_as::<Hash>(packed, |hash| Ok(hash.try_insert_many(&pairs, &LIMITS)? == 1)).unwrap();
    assert_eq!((many, own, entry.take_splices()), (true, None, 1));
    let packed = (Encoding::ListPack, &mut entry);
    let (removed, own) = edit_as::<Hash>(packed, |hash| Ok(hash.remove("field:0"))).unwrap();
    assert_eq!((removed, own, entry.take_splices()), (true, None, 1));
    let hash = Hash::view_of_packed(Encoding::ListPack, entry.bytes()).unwrap();
    assert_eq!((hash.len(), hash.get("field:4")), (11, Some("two".into())));
}

#[test]
fn a_room_is_given_back_with_the_error_that_it_holds_no_such_value() {
    let refused = |encoding, bytes: &[u8]| {
        let entry = Entry::new(b"8 bytes:", bytes, b"key", 0);
        let (error, entry) = Hash::in_room(encoding, entry).unwrap_err();
        assert_eq!(entry.bytes(), bytes);
        error
    };
    let packed = ten_fields().bytes().to_vec();
    assert_eq!(refused(Encoding::IntSet, &packed), Error::NotPacked { encoding: Encoding::IntSet });
    assert!(matches!(refused(Encoding::ListPack, &packed[1..]), Error::Malformed { .. }));
    assert!(Set::in_room(Encoding::IntSet, ten_fields()).is_err());
}

/// The result for such a room is unspecified. It may be wrong values or a panic.
#[test]
#[cfg_attr(miri, ignore = "takes minutes; the tests of listpack and intset have such rooms")]
fn a_room_that_breaks_its_contract_does_not_endanger_a_collection() {
    fn write<C: Tested>(value: &C, ops: &[C::Op]) {
        for room_fault in RoomFault::ALL {
            for first in ops {
                let room = FaultyRoom::new(value.as_packed().unwrap(), room_fault);
                let mut value = C::in_room(value.encoding(), room).map_err(|(error, _)| error).unwrap();
                for op in [first].into_iter().chain(ops) {
                    let mut other = C::EMPTY;
                    let _ = catch_unwind(AssertUnwindSafe(|| C::apply(&mut value, &mut other, op, &LIMITS)));
                    let _ = catch_unwind(AssertUnwindSafe(|| format!("{:?}", C::view_in(&value))));
                }
            }
        }
    }
    let text = |text: &str| text.as_bytes().to_vec();
    let (mut hash, mut words, mut numbers) = (Hash::new(), Set::new(), Set::new());
    let (mut zset, mut list) = (ZSet::new(), List::new());
    for (n, word) in [(1, "one"), (2, "another"), (70_000, "one more")] {
        hash.insert(word, n, &LIMITS);
        words.insert(word, &LIMITS);
        numbers.insert(n, &LIMITS);
        zset.insert(word, n as f64 / 4.0, &LIMITS).unwrap();
        list.push_back(word, &LIMITS);
    }
    let long = vec![b'x'; 100];
    let many = vec![(text("one"), text("long value")), (text("new"), text("1"))];
    write(
        &hash,
        &[
            HashOp::Insert(text("one"), text("long value")),
            HashOp::InsertMany(many),
            HashOp::Remove(text("another")),
            HashOp::Insert(text("one"), long.clone()),
        ],
    );
    let set_ops = [
        SetOp::Insert(text("5")),
        SetOp::Remove(text("one")),
        SetOp::Remove(text("2")),
        SetOp::PopMany(1, 3),
        SetOp::PopMany(3, 3),
        SetOp::Insert(long.clone()),
    ];
    write(&words, &set_ops);
    write(&numbers, &set_ops);
    let options = AddOptions::default();
    write(
        &zset,
        &[
            ZSetOp::Add(text("one"), 1e9, options),
            ZSetOp::Add(text("new"), 0.3, options),
            ZSetOp::PopFirst,
            ZSetOp::Add(long.clone(), 1.0, options),
        ],
    );
    write(
        &list,
        &[
            ListOp::PushAll(Side::Front, vec![text("1"), text("two")]),
            ListOp::Remove(0, text("one")),
            ListOp::Rotate(Side::Front, Side::Back),
            ListOp::Trim(1, -2),
            ListOp::Push(Side::Back, vec![b'y'; 10_000]),
        ],
    );
}
