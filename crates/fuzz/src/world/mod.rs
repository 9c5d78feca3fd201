//! Two keyspaces and two models from std's maps. The fuzz target `keyspace` and the soak run on them.
//!
//! ```text
//!  input     keys, members, texts, times        model     the model: std's maps
//!  strings, lists, sets, hashes, zsets          pair      an operation on a keyspace and on its model
//!  keys, whole                                  World     two keyspaces, two models, the time, and all bytes
//! ```
//!
//! The first keyspace has a callback for events, and may have a limit and evict keys. The second one has
//! neither a callback nor a limit, because it then takes other paths through the code.
//!
//! An [`Op`] does not depend on the contents of a keyspace. So the operations of a seed are the same in every
//! run.
//!
//! To add an operation, add a variant here or in one of the files, and a call of [`Pair::run_and_compare`]
//! with the operation on the keyspace and on the model.

mod events;
mod hashes;
pub(crate) mod input;
mod keys;
mod lists;
pub(crate) mod model;
pub(crate) mod pair;
mod sets;
mod strings;
mod whole;
mod zsets;

pub use events::Counts;
pub(crate) use events::{Log, OwnedEvent, apply_event};

use crate::harness::{LeakCheck, Plan};
use arbitrary::Arbitrary;
use hashes::HashOp;
pub(crate) use input::Scale;
use input::{Key, Kind, LEN_MAX, OneIn, Wait, Word};
use keys::KeyOp;
use keyspace::{Bytes as ReplyBytes, Cursor, DefaultHashBuilder, Error, Keyspace, Options};
use lists::ListOp;
use model::{Bytes, Model, StoredValue};
use pair::{Context, Pair};
use sets::{Algebra, SetOp};
use std::sync::LazyLock;
use strings::StringOp;
use values::ObjectType;
use whole::{TABLES, WholeOp, names};
use zsets::ZSetOp;

/// An operation.
#[derive(Arbitrary, Debug)]
pub(crate) enum Op {
    String(Key, StringOp),
    List(Key, ListOp),
    Set(Key, SetOp),
    Hash(Key, HashOp),
    ZSet(Key, ZSetOp),
    Key(Kind, Key, KeyOp),
    Keys(Kind, [Key; 3], KeysOp),
    Whole(WholeOp),
    AdvanceTime(Wait),
}

/// An operation on several keys.
#[derive(Arbitrary, Debug)]
pub(crate) enum KeysOp {
    Rename(bool),
    Copy(bool),
    CopyTo(bool),
    MoveTo,
    Algebra(Algebra, u8),
    GetMany,
    SetMany([Word; 3]),
    /// Keeps a reply, or drops all replies.
    Reply(OneIn),
}

/// The groups of operations in a report.
pub(crate) const GROUPS: [&str; 9] =
    ["strings", "lists", "sets", "hashes", "sorted sets", "keys", "several keys", "keyspace", "time"];

impl Op {
    /// Returns the key and its type, if the operation has one key.
    pub(crate) fn target(&self) -> Option<(Key, Kind)> {
        match self {
            Self::String(key, _) => Some((*key, Kind::String)),
            Self::List(key, _) => Some((*key, Kind::List)),
            Self::Set(key, _) => Some((*key, Kind::Set)),
            Self::Hash(key, _) => Some((*key, Kind::Hash)),
            Self::ZSet(key, _) => Some((*key, Kind::ZSet)),
            Self::Key(kind, key, _) => Some((*key, *kind)),
            Self::Keys(..) | Self::Whole(_) | Self::AdvanceTime(_) => None,
        }
    }

    /// Runs an operation on one key, which has this name.
    pub(crate) fn run(&self, key: &[u8], pair: &mut Pair<'_>) {
        match self {
            Self::String(_, op) => pair.on_string(key, op),
            Self::List(_, op) => pair.on_list(key, op),
            Self::Set(_, op) => pair.on_set(key, op),
            Self::Hash(_, op) => pair.on_hash(key, op),
            Self::ZSet(_, op) => pair.on_zset(key, op),
            Self::Key(kind, _, op) => pair.on_key(key, *kind, op),
            Self::Keys(..) | Self::Whole(_) | Self::AdvanceTime(_) => {
                unreachable!("not an operation of one key")
            }
        }
    }

    /// Returns the index of the operation's group in [`GROUPS`].
    pub(crate) fn group(&self) -> usize {
        match self {
            Self::String(..) => 0,
            Self::List(..) => 1,
            Self::Set(..) => 2,
            Self::Hash(..) => 3,
            Self::ZSet(..) => 4,
            Self::Key(..) => 5,
            Self::Keys(..) => 6,
            Self::Whole(_) => 7,
            Self::AdvanceTime(_) => 8,
        }
    }
}

/// An operation, its keyspace, and the plan of failing allocations. Allocations of the checks never fail.
#[derive(Arbitrary, Debug)]
pub(crate) struct Step {
    pub(crate) plan: Plan,
    /// The operation is on the second keyspace if this number is a multiple of 4.
    pub(crate) db: u8,
    pub(crate) op: Op,
}

/// A keyspace, its model, and the state of their comparison.
struct Db {
    keyspace: Keyspace,
    model: Model,
    /// The log of the keyspace's events, or `None` if the keyspace has no callback.
    log: Option<Log>,
    scan: Cursor,
}

impl Db {
    fn new(seed: u64, reports: bool) -> Self {
        let options = Options::new().proto_max_bulk_len(LEN_MAX);
        let mut keyspace = Keyspace::with_options_and_hasher(options, DefaultHashBuilder::with_seed(seed));
        let log = reports.then(Log::default);
        if let Some(log) = log.clone() {
            keyspace.on_event(move |event| log.push(event)).expect("no allocation fails");
        }
        Self { keyspace, model: Model::default(), log, scan: Cursor::START }
    }

    fn pair<'a>(&'a mut self, context: &'a mut Context) -> (Pair<'a>, &'a mut Cursor) {
        let Self { keyspace, model, log, scan } = self;
        (Pair::new(keyspace, model, log.as_ref(), context), scan)
    }
}

/// A fault that is planted to test whether the comparison finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlantedFault {
    /// A removed value is never freed.
    Leak,
    /// A key is removed. The model does not change, and the event is dropped.
    LostKey,
    /// Reads use an earlier time, so that they find keys that have expired.
    ExpiredAnswer {
        /// The difference of the times, in milliseconds.
        late: u64,
    },
}

/// Both keyspaces, their models, and the state that they share.
pub(crate) struct World {
    dbs: [Db; 2],
    pub(crate) context: Context,
    /// Replies that are held, and their bytes.
    replies: Vec<(ReplyBytes, Bytes)>,
    /// The number of bytes of the callback.
    callbacks: usize,
    /// This field is the last one, so that it is dropped last. All memory must be free then.
    leak_check: LeakCheck,
}

/// The maximum number of replies that are held.
const REPLIES_MAX: usize = 16;

impl World {
    pub(crate) fn new(scale: Scale, seed: u64) -> Self {
        LazyLock::force(&TABLES); // they outlive the leak check
        let leak_check = LeakCheck::open();
        let context = Context { scale, now: 1_000_000, late: 0, plan: Plan::None, counts: Counts::default() };
        let dbs = [Db::new(seed, true), Db::new(seed + 1, false)];
        Self { dbs, context, replies: Vec::new(), callbacks: leak_check.used(), leak_check }
    }

    /// Runs an operation, and compares the keys that it has used.
    pub(crate) fn step(&mut self, step: &Step) {
        let scale = self.context.scale;
        self.context.plan = step.plan;
        let index = usize::from(step.db.is_multiple_of(4));
        match &step.op {
            Op::Keys(kind, keys, op) => self.on_keys(index, *kind, &names(*keys, *kind, scale), op),
            Op::Whole(op) => {
                let (mut pair, scan) = self.dbs[index].pair(&mut self.context);
                pair.on_whole(op, scan);
                pair.end();
            }
            Op::AdvanceTime(wait) => {
                self.context.now += wait.millis(scale);
                self.dbs.iter_mut().for_each(|db| db.model.at(self.context.now));
            }
            op => {
                let keys = op.target().map(|(key, kind)| key.name(kind, scale));
                self.on(index, keys.as_slice(), |pair| keys.iter().for_each(|key| op.run(key, pair)));
            }
        }
        let bytes = self.dbs.iter().map(|db| db.keyspace.allocation_size()).sum();
        self.context.counts.bytes_max = self.context.counts.bytes_max.max(bytes);
    }

    /// Runs an operation on one keyspace, and compares the given keys.
    fn on(&mut self, index: usize, keys: &[Bytes], op: impl FnOnce(&mut Pair<'_>)) {
        let (mut pair, _) = self.dbs[index].pair(&mut self.context);
        op(&mut pair);
        keys.iter().for_each(|key| pair.compare(key));
        pair.end();
    }

    fn on_keys(&mut self, index: usize, kind: Kind, keys: &[Bytes; 3], op: &KeysOp) {
        let scale = self.context.scale;
        let [first, second, third] = keys.each_ref().map(Vec::as_slice);
        match op {
            KeysOp::Rename(replace) => self.on(index, keys, |pair| pair.rename(first, second, *replace)),
            KeysOp::Copy(replace) => self.on(index, keys, |pair| pair.copy(first, second, *replace)),
            KeysOp::CopyTo(replace) => self.copy_to(index, first, second, *replace),
            KeysOp::MoveTo => self.move_to(index, first),
            KeysOp::Algebra(algebra, which) => self.on(index, keys, |pair| match kind {
                Kind::String | Kind::List => pair.bit_op(*which, first, [second, third]),
                Kind::Set | Kind::Hash => pair.set_algebra(*algebra, first, [second, third]),
                Kind::ZSet => pair.zset_algebra(*algebra, *which, first, [second, third]),
            }),
            KeysOp::GetMany => self.on(index, &[], |pair| pair.get_many(keys)),
            KeysOp::SetMany(words) => {
                let pairs: Vec<_> = keys.iter().cloned().zip(words.iter().map(Word::bytes)).collect();
                self.on(index, keys, |pair| pair.set_many(&pairs));
            }
            KeysOp::Reply(_) if self.replies.len() == REPLIES_MAX => self.drop_replies(),
            KeysOp::Reply(all) if all.one_in(4, scale) => self.drop_replies(),
            KeysOp::Reply(_) => {
                let string = self.dbs[index].keyspace.get_string(first, self.context.now);
                let reply = string.ok().flatten().map(|text| {
                    let mut out = Vec::new();
                    text.append_to(&mut out).expect("the global allocator has memory");
                    (text.to_bytes(), out)
                });
                self.replies.extend(reply);
            }
        }
    }

    /// Drops all replies. Checks that their bytes have not changed.
    fn drop_replies(&mut self) {
        for (reply, text) in self.replies.drain(..) {
            assert_eq!(reply, text, "a reply that was held");
        }
    }

    fn copy_to(&mut self, index: usize, from: &[u8], to: &[u8], replace: bool) {
        let [one, other] = &mut self.dbs;
        let (source, target) = if index == 0 { (one, other) } else { (other, one) };
        let held = source.model.get(from).cloned();
        let (mut pair, _) = target.pair(&mut self.context);
        pair.is_of_two_keys = true;
        pair.run_and_compare(
            |target, now| source.keyspace.copy_to(from, target, to, replace, now),
            |model| {
                let held = held.filter(|_| replace || !model.contains(to));
                let copies = held.is_some();
                held.into_iter().for_each(|held| model.put(to, held.content, held.expiry));
                Ok(copies)
            },
        );
        pair.compare(to);
        pair.end();
        self.on(index, &[from.to_vec()], |_| {});
    }

    fn move_to(&mut self, index: usize, key: &[u8]) {
        let [one, other] = &mut self.dbs;
        let (source, target) = if index == 0 { (one, other) } else { (other, one) };
        let held = source.model.get(key).cloned();
        let (mut pair, _) = target.pair(&mut self.context);
        pair.is_of_two_keys = true;
        let moved = pair.run_and_compare(
            |target, now| source.keyspace.move_to(key, target, now),
            |model| {
                let held = held.filter(|_| !model.contains(key));
                let moves = held.is_some();
                held.into_iter().for_each(|held| model.put(key, held.content, held.expiry));
                Ok(moves)
            },
        );
        pair.compare(key);
        pair.end();
        // The source has reported events. They must agree with the answer.
        self.on(index, &[key.to_vec()], |pair| {
            pair.run_and_compare(
                |_keyspace, _now| Ok::<_, Error>(moved == Some(true)),
                |model| Ok(moved == Some(true) && model.remove(key).is_some()),
            );
        });
    }

    /// Plants a fault that a later comparison must find.
    pub(crate) fn plant(&mut self, plant: PlantedFault) {
        let Db { keyspace, model, log, .. } = &mut self.dbs[0];
        let is_collection = |held: &StoredValue| held.content.object_type() != ObjectType::String;
        let key = model.iter().find(|(_, held)| is_collection(held)).map(|(key, _)| key.clone());
        let key = key.expect("a collection in the middle of a run");
        match plant {
            PlantedFault::Leak => {
                std::mem::forget(keyspace.take(&key, self.context.now));
                model.remove(&key);
            }
            PlantedFault::LostKey => {
                keyspace.remove(&key, self.context.now);
            }
            PlantedFault::ExpiredAnswer { late } => self.context.late = late,
        }
        log.iter().for_each(|log| drop(log.take()));
    }

    /// Compares all keys, and the bytes of all keyspaces with the bytes that the thread has allocated.
    pub(crate) fn compare_all(&mut self) {
        self.context.plan = Plan::None;
        (self.context.counts.lazyfreed, self.context.counts.defragged) = (0, 0);
        for db in &mut self.dbs {
            db.pair(&mut self.context).0.compare_all();
            self.context.counts.add_totals(&db.keyspace);
        }
        let keys: usize = self.dbs.iter().map(|db| db.keyspace.allocation_size()).sum();
        let lent: usize = self.dbs.iter().map(|db| db.keyspace.lent_bytes()).sum();
        let (used, counted) = (self.leak_check.used(), keys + self.callbacks);
        assert!(
            (counted..=counted + lent).contains(&used),
            "{used} bytes are in use, and {counted} are accounted for, and {lent} that are lent"
        );
        assert!(self.replies.iter().all(|(reply, text)| reply == text), "a reply that is held");
    }
}
