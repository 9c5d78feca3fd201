//! Measures writes to small collections, which are inside the entry or in a separate block.
//!
//! ```text
//!  Keyspace         Table -> | head | key | packed value |
//!  Dict<Sds, Hash>  Dict  -> key's block
//!                         -> packed value's block
//! ```
//!
//! Both subjects find the key by the same hash, and change its value by the same code of the crate `values`.
//! A round visits all collections in a random order, and adds one element to each. Another round removes
//! these elements.

use crate::keys::shuffled;
use crate::lifecycle::timed;
use crate::maps::FoldHash;
use crate::measure::{Subject, paired};
use crate::suite::Ctx;
use dict::Dict;
use keyspace::{Error, InEntry, Keyspace, Options};
use robj::EncodingLimits;
use sds::Sds;
use std::cell::RefCell;
use std::hint::black_box;
use std::time::Duration;
use values::list::Side;
use values::zset::AddOptions;
use values::{Collection, Hash, List, ReserveError, Set, ZSet};

/// The subject that holds its collections in separate blocks.
pub(super) const OWN_BLOCKS: &str = "Dict of collections";

const LIMITS: EncodingLimits = EncodingLimits::DEFAULT;

/// The sizes of the collections.
const SIZES: [u32; 2] = [10, 100];

type InKeyspace<C> = fn(&mut <C as Collection>::In<InEntry<'_>>, u32) -> Option<usize>;

/// A write of the element with a number, for both places. If it is done, it returns the number of elements.
struct Write<C: Collection> {
    name: &'static str,
    in_keyspace: InKeyspace<C>,
    in_dict: fn(&mut C, u32) -> Option<usize>,
}

/// A kind of collection: the writes that add and remove an element.
struct Kind<C: Collection> {
    add: Write<C>,
    remove: Write<C>,
}

/// Makes a [`Write`] to the collection `$C`, with the same code for both places.
macro_rules! write_to {
    ($C:ty, $name:literal, |$value:ident, $i:ident| $done:expr) => {
        Write::<$C> {
            name: $name,
            in_keyspace: |$value: &mut <$C as Collection>::In<InEntry<'_>>, $i| $done.then(|| $value.len()),
            in_dict: |$value, $i| $done.then(|| $value.len()),
        }
    };
}

/// Makes the [`Kind`] of the collection `$C`.
macro_rules! kind {
    ($C:ty, $add:literal => |$value:ident, $i:ident| $added:expr, $remove:literal => $removed:expr) => {
        Kind::<$C> {
            add: write_to!($C, $add, |$value, $i| $added),
            remove: write_to!($C, $remove, |$value, $i| $removed),
        }
    };
}

pub(super) fn run(ctx: &mut Ctx) {
    for n in SIZES {
        both(
            ctx,
            n,
            kind!(Hash,
                "HSET" => |hash, i| hash.try_insert(&field(i), b"value-000001", &LIMITS).is_ok_and(|new| new),
                "HDEL" => hash.remove(&field(i))
            ),
        );
        both(
            ctx,
            n,
            kind!(Set,
                "SADD, integers" => |set, i| set.try_insert(integer(i), &LIMITS).is_ok_and(|new| new),
                "SREM, integers" => set.remove(integer(i))
            ),
        );
        both(
            ctx,
            n,
            kind!(Set,
                "SADD, strings" => |set, i| set.try_insert(&field(i), &LIMITS).is_ok_and(|new| new),
                "SREM, strings" => set.remove(&field(i))
            ),
        );
        both(
            ctx,
            n,
            kind!(ZSet,
                "ZADD" => |zset, i| zset.try_add(&field(i), score(i), AddOptions::default(), &LIMITS).is_ok(),
                "ZREM" => zset.remove(&field(i)).is_some()
            ),
        );
        both(
            ctx,
            n,
            kind!(List,
                "RPUSH" => |list, i| list.try_push(Side::Back, &field(i), &LIMITS).is_ok(),
                "RPOP" => {
                    let _ = i;
                    list.try_pop_with(Side::Back, &LIMITS, |it| Ok::<_, ReserveError>(it.len()))
                        .is_ok_and(|popped| popped.is_some())
                }
            ),
        );
    }
    ctx.report.note(
        ctx.suite,
        "HSET and its neighbours: n elements a collection before the write, some megabytes of collections in all. The peer is a \
         Dict from Sds to the collection, with the same hash. Both spend one look-up a write. In a plain loop the processor begins \
         the next write before the present one ends, and gets further ahead if a write has fewer instructions. *Dependent* writes \
         wait for the length of the collection before.",
    );
}

/// Returns a field of eleven bytes.
fn field(i: u32) -> [u8; 11] {
    let mut field = *b"field000000";
    let mut rest = i;
    for digit in field[5..].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    field
}

/// Returns an integer of 32 bits. The order of the integers is not the order of the numbers.
fn integer(i: u32) -> i64 {
    (i.wrapping_mul(0x9E37_79B1) as i32).into()
}

fn score(i: u32) -> f64 {
    f64::from(i.wrapping_mul(0x9E37_79B1)) / 1e6
}

/// Both subjects with all their collections.
struct Stores<C: Collection> {
    keyspace: RefCell<Keyspace<FoldHash>>,
    dict: RefCell<Dict<Sds, C, FoldHash>>,
}

fn both<C: Collection>(ctx: &mut Ctx, n: u32, kind: Kind<C>) {
    let collections = ctx.settings.pick(20, 20_000, 100_000) / n.max(10) * 10;
    let rounds = ctx.settings.pick(1, 5, 15);
    let keys: Vec<Vec<u8>> = (0..collections).map(|i| format!("collection:{i}").into_bytes()).collect();
    let stores = Stores {
        keyspace: RefCell::new(Keyspace::with_options_and_hasher(Options::default(), FoldHash::default())),
        dict: RefCell::default(),
    };
    for key in &keys {
        let mut value = C::EMPTY;
        for i in 0..n {
            assert!(
                (kind.add.in_dict)(&mut value, i).is_some()
                    && edit(&mut stores.keyspace.borrow_mut(), key, i, kind.add.in_keyspace).is_some()
            );
        }
        stores.dict.borrow_mut().insert(Sds::from_bytes(key), value);
    }
    let orders = [shuffled(0..collections, 1), shuffled(0..collections, 2)];
    for (is_added, name) in [(true, kind.add.name), (false, kind.remove.name)] {
        for (waits, regime) in [(false, ""), (true, ", dependent")] {
            let case = format!("{name}{regime}");
            ctx.progress.start(&case, rounds + 1);
            // The part that is not timed restores every collection.
            let round = |change: &dyn Fn(bool, &[u32])| -> Duration {
                if is_added {
                    let time = timed(|| change(true, &orders[0]));
                    change(false, &orders[1]);
                    time
                } else {
                    change(true, &orders[0]);
                    timed(|| change(false, &orders[1]))
                }
            };
            let mut subjects = [
                Subject::new("Keyspace", || {
                    round(&|add, order| {
                        let change = if add { kind.add.in_keyspace } else { kind.remove.in_keyspace };
                        let mut keyspace = stores.keyspace.borrow_mut();
                        each(order, waits, |i| edit(&mut keyspace, &keys[i], n, change));
                    })
                }),
                Subject::new(OWN_BLOCKS, || {
                    round(&|add, order| {
                        let change = if add { kind.add.in_dict } else { kind.remove.in_dict };
                        let mut dict = stores.dict.borrow_mut();
                        each(order, waits, |i| {
                            let value = dict.get_mut(keys[i].as_slice()).expect("every key is there");
                            change(value, n)
                        });
                    })
                }),
            ];
            let samples = paired(&mut subjects, rounds, ctx.settings.seed, ctx.progress);
            ctx.report.compare(ctx.suite, &case, n.into(), collections.into(), &samples);
        }
    }
}

/// Writes to the collections with these numbers. If the writes wait for each other, the place of the next
/// number depends on the previous answer. It is always the next place.
fn each(order: &[u32], waits: bool, mut write: impl FnMut(usize) -> Option<usize>) {
    let mask = black_box(0);
    let mut answer = 0;
    for at in 0..order.len() {
        let at = if waits { at + (answer & mask) } else { at };
        answer = write(order[at] as usize).expect("every write is done");
    }
    black_box(answer);
}

fn edit<C: Collection>(
    keyspace: &mut Keyspace<FoldHash>,
    key: &[u8],
    i: u32,
    change: InKeyspace<C>,
) -> Option<usize> {
    keyspace.edit_as::<C, _, Error>(key, 0, |value| Ok(change(value, i))).expect("the type is right")
}
