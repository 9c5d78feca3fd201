//! Tests of objects against a model: the bytes, the encoding that Redis would print, the clock and the
//! references.

use proptest::prelude::*;
use robj::{Encoding, EncodingLimits, Robj, SHARED_REFCOUNT};
use sds::Sds;
use values::OBJ_SHARED_INTEGERS;

/// An object as a reader of Redis' `object.c` would describe it.
#[derive(Clone, Debug)]
struct Model {
    bytes: Vec<u8>,
    encoding: Encoding,
    shared: bool,
    lru: u32,
}

/// Returns the integer whose decimal form is `bytes`, if there is one.
fn is_canonical(bytes: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(bytes).ok()?;
    text.parse::<i64>().ok().filter(|value| value.to_string() == text)
}

impl Model {
    fn integer(value: i64, limits: &EncodingLimits, lru: u32) -> Self {
        let shared = (0..i64::from(limits.shared_integers.min(OBJ_SHARED_INTEGERS))).contains(&value);
        let lru = if shared { 0 } else { lru };
        Self { bytes: value.to_string().into_bytes(), encoding: Encoding::Int, shared, lru }
    }

    fn string(bytes: &[u8], limits: &EncodingLimits) -> Self {
        let short = bytes.len() <= limits.embstr_size_limit.min(255);
        let encoding = if short { Encoding::EmbStr } else { Encoding::Raw };
        Self { bytes: bytes.to_vec(), encoding, shared: false, lru: 0 }
    }

    fn encode(&mut self, unique: bool, limits: &EncodingLimits) {
        if !unique || self.encoding == Encoding::Int {
            return;
        }
        if let Some(value) = is_canonical(&self.bytes) {
            *self = Self::integer(value, limits, self.lru);
        } else if self.bytes.len() <= limits.embstr_size_limit.min(255) {
            self.encoding = Encoding::EmbStr;
        }
    }
}

#[derive(Clone, Debug)]
enum Op {
    FromBytes(Vec<u8>),
    FromInteger(i64),
    Raw(Vec<u8>, usize),
    Clone(usize),
    Drop(usize),
    Encode(usize),
    Decode(usize),
    Append(usize, Vec<u8>),
    Truncate(usize, usize),
    AppendIfMutable(usize, Vec<u8>),
    SetInteger(usize, i64),
    Touch(usize, u64),
    Reply(usize),
}

fn integers() -> impl Strategy<Value = i64> {
    prop_oneof![-2i64..12, 9_990i64..10_010, any::<i64>(), Just(i64::MIN), Just(i64::MAX),]
}

fn texts() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        integers().prop_map(|value| value.to_string().into_bytes()),
        "[-+ 0-9]{0,22}".prop_map(String::into_bytes),
        proptest::collection::vec(any::<u8>(), 0..60),
        // These lengths are around the limits of embstr, of its header, and of sds headers.
        prop_oneof![40usize..50, 250usize..260, Just(5_000)].prop_map(|len| vec![b'x'; len]),
    ]
}

fn ops() -> impl Strategy<Value = Op> {
    let at = any::<usize>;
    prop_oneof![
        3 => texts().prop_map(Op::FromBytes),
        2 => integers().prop_map(Op::FromInteger),
        2 => (texts(), 0usize..200).prop_map(|(bytes, spare)| Op::Raw(bytes, spare)),
        3 => at().prop_map(Op::Clone),
        2 => at().prop_map(Op::Drop),
        4 => at().prop_map(Op::Encode),
        1 => at().prop_map(Op::Decode),
        2 => (at(), texts()).prop_map(|(i, bytes)| Op::Append(i, bytes)),
        1 => (at(), 0usize..60).prop_map(|(i, len)| Op::Truncate(i, len)),
        1 => (at(), texts()).prop_map(|(i, bytes)| Op::AppendIfMutable(i, bytes)),
        2 => (at(), integers()).prop_map(|(i, value)| Op::SetInteger(i, value)),
        1 => (at(), 0u64..1 << 26).prop_map(|(i, now)| Op::Touch(i, now)),
        1 => at().prop_map(Op::Reply),
    ]
}

/// All references, each with the index of its object's model.
#[derive(Default)]
struct ObjectsAndModels {
    limits: EncodingLimits,
    references: Vec<(Robj, usize)>,
    models: Vec<Model>,
}

impl ObjectsAndModels {
    /// Returns the number of references to the object of a model.
    fn holders(&self, model: usize) -> usize {
        self.references.iter().filter(|(_, other)| *other == model).count()
    }

    fn push(&mut self, object: Robj, model: Model) {
        self.models.push(model);
        self.references.push((object, self.models.len() - 1));
    }

    /// Gives reference `i` a model of its own and returns it. The caller then changes the value in the model.
    fn detach(&mut self, i: usize) -> &mut Model {
        let model = self.models[self.references[i].1].clone();
        self.models.push(model);
        self.references[i].1 = self.models.len() - 1;
        self.models.last_mut().unwrap()
    }

    fn apply(&mut self, op: Op) {
        let limits = self.limits;
        match op {
            Op::FromBytes(bytes) => {
                self.push(Robj::from_bytes(&bytes, &limits), Model::string(&bytes, &limits));
            }
            Op::FromInteger(value) => {
                self.push(Robj::from_i64(value, &limits), Model::integer(value, &limits, 0));
            }
            Op::Raw(bytes, spare) => {
                let mut string = Sds::from_bytes(&bytes);
                string.make_room_for_non_greedy(spare);
                let model = Model { bytes, encoding: Encoding::Raw, shared: false, lru: 0 };
                self.push(Robj::raw(string), model);
            }
            _ if self.references.is_empty() => {}
            Op::Clone(i) => {
                let (object, model) = &self.references[i % self.references.len()];
                let pair = (object.clone(), *model);
                assert!(pair.0.ptr_eq(object));
                self.references.push(pair);
            }
            Op::Drop(i) => {
                self.references.swap_remove(i % self.references.len());
            }
            Op::Encode(i) => {
                let (object, model) = self.references.swap_remove(i % self.references.len());
                let unique = self.holders(model) == 0;
                self.models[model].encode(unique, &limits);
                let object = object.encode(&limits);
                if unique && self.models[model].encoding == Encoding::Raw {
                    // The object has two blocks: the header and the string. `least` is their size if the
                    // free space is a tenth of the length. The allocator may add `extra` bytes to each: a
                    // prefix word, or with libc a remainder too small to be split off.
                    let extra = if zmalloc::ALLOCATOR == "libc" { 32 } else { size_of::<usize>() };
                    let (len, usage) = (object.string_len().unwrap(), object.allocation_size());
                    let least = zmalloc::good_size(16) + zmalloc::good_size(len + len / 10 + 18);
                    assert!(usage <= least + 2 * extra, "{usage} for {len}");
                }
                self.references.push((object, model));
            }
            Op::Decode(i) => {
                let (object, model) = &self.references[i % self.references.len()];
                let (decoded, model) = (object.decoded(&limits), self.models[*model].clone());
                if model.encoding == Encoding::Int {
                    let encoding = Model::string(&model.bytes, &limits).encoding;
                    self.push(decoded, Model { encoding, shared: false, ..model });
                } else {
                    assert!(decoded.ptr_eq(object));
                }
            }
            Op::Append(i, bytes) => {
                let i = i % self.references.len();
                self.references[i].0.make_mut().unwrap().push_bytes(&bytes);
                let model = self.detach(i);
                model.bytes.extend_from_slice(&bytes);
                (model.encoding, model.shared) = (Encoding::Raw, false);
            }
            Op::Truncate(i, len) => {
                let i = i % self.references.len();
                self.references[i].0.make_mut().unwrap().truncate(len);
                let model = self.detach(i);
                model.bytes.truncate(len);
                (model.encoding, model.shared) = (Encoding::Raw, false);
            }
            Op::AppendIfMutable(i, bytes) => {
                let i = i % self.references.len();
                let mutable = self.holders(self.references[i].1) == 1
                    && self.models[self.references[i].1].encoding == Encoding::Raw;
                let string = self.references[i].0.get_mut();
                assert_eq!(string.is_some(), mutable);
                if let Some(string) = string {
                    string.push_bytes(&bytes);
                    self.detach(i).bytes.extend_from_slice(&bytes);
                }
            }
            Op::SetInteger(i, value) => {
                let i = i % self.references.len();
                self.references[i].0.set_i64(value, &limits).unwrap();
                let model = self.detach(i);
                *model = Model::integer(value, &limits, model.lru);
            }
            Op::Touch(i, now) => {
                let (object, model) = &self.references[i % self.references.len()];
                object.touch(now);
                if !self.models[*model].shared {
                    self.models[*model].lru = (now % (1 << 24)) as u32;
                }
            }
            Op::Reply(i) => {
                let (object, model) = &self.references[i % self.references.len()];
                let reply = bytes::Bytes::try_from(object.clone()).unwrap();
                assert_eq!(reply, self.models[*model].bytes);
                if object.encoding() != Encoding::Int && !reply.is_empty() {
                    assert_eq!(reply.as_ptr(), object.as_string().unwrap().as_ptr());
                }
            }
        }
    }

    fn check(&self) {
        for (object, index) in &self.references {
            let model = &self.models[*index];
            assert_eq!(&*object.as_string().unwrap(), model.bytes.as_slice());
            assert_eq!(object.encoding(), model.encoding, "{object:?}");
            assert_eq!(object.is_shared_integer(), model.shared);
            assert_eq!(object.string_len().unwrap(), model.bytes.len());
            assert_eq!(object.as_i64(), is_canonical(&model.bytes));
            assert_eq!(object.idle_time(u64::from(model.lru)), 0);
            assert_eq!(object.allocation_size() == 0, model.shared);
            let holders = self.holders(*index) as u32;
            assert_eq!(object.refcount(), if model.shared { SHARED_REFCOUNT } else { holders });
        }
        if let [.., (a, _), (b, _)] = self.references.as_slice() {
            assert_eq!(a == b, *a.as_string().unwrap() == *b.as_string().unwrap());
            assert_eq!(a.cmp_bytes(b).unwrap(), a.as_string().unwrap().cmp(&b.as_string().unwrap()));
        }
    }
}

fn limits() -> impl Strategy<Value = EncodingLimits> {
    let embstr = prop_oneof![3 => Just(44), 1 => 0usize..70, 1 => 250usize..260];
    let shared = prop_oneof![3 => Just(OBJ_SHARED_INTEGERS), 1 => Just(0), 1 => 0u32..20_000];
    (embstr, shared).prop_map(|(embstr_size_limit, shared_integers)| EncodingLimits {
        embstr_size_limit,
        shared_integers,
        ..EncodingLimits::DEFAULT
    })
}

proptest! {
    #![proptest_config(testing::config(1500, 1))]

    #[test]
    fn objects_agree_with_the_model(
        limits in limits(),
        ops in proptest::collection::vec(ops(), if cfg!(miri) { 6..12 } else { 1..60 }),
    ) {
        let mut tested = ObjectsAndModels { limits, ..ObjectsAndModels::default() };
        for op in ops {
            tested.apply(op);
            tested.check();
        }
    }
}
