//! Tests that fragmented memory is won back by moving the blocks that the hints select, for each structure
//! and each encoding. This is a program of its own, because slabs belong to the whole process.
#![cfg(not(miri))] // Miri uses the prefix layout, which has no slabs

use common::Cursor;
use dict::Dict;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use robj::{Encoding, EncodingLimits, Robj};
use sds::Sds;
use std::cell::RefCell;
use std::ptr::NonNull;
use std::thread;
use values::{Hash, List, Set, ZSet};
use zindex::ZIndex;
use zmalloc::defrag::Survey;

/// The `moves` argument of `relocate`.
type Moves<'a> = &'a mut dyn FnMut(NonNull<u8>, usize) -> bool;

const LIMITS: EncodingLimits = EncodingLimits::DEFAULT;
/// The number of elements in all collections of a case together, before seven of eight are removed.
const ELEMENTS: usize = 400_000;

/// The values of a case.
trait Relocatable: Sync {
    /// Runs one pass over all blocks.
    fn relocate(&mut self, moves: Moves<'_>);
    fn copy(&self) -> Box<dyn Relocatable>;
}

/// Calls `step` with `START`, then with each cursor that it returns, until it returns `START`.
fn from_start_to_end(mut step: impl FnMut(Cursor) -> Cursor) {
    let mut cursor = step(Cursor::START);
    while !cursor.is_start() {
        cursor = step(cursor);
    }
}

impl Relocatable for Vec<Robj> {
    fn relocate(&mut self, mut moves: Moves<'_>) {
        for object in self {
            from_start_to_end(|cursor| object.relocate(cursor, &mut moves));
        }
    }

    fn copy(&self) -> Box<dyn Relocatable> {
        Box::new(self.iter().map(Robj::duplicate).collect::<Self>())
    }
}

impl Relocatable for Dict<Sds, Robj> {
    fn relocate(&mut self, moves: Moves<'_>) {
        let moves = RefCell::new(moves);
        let ask = |block, size| moves.borrow_mut()(block, size);
        let each = |key: &mut Sds, value: &mut Robj| {
            key.relocate(&mut { ask });
            value.relocate(Cursor::START, &mut { ask });
        };
        from_start_to_end(|cursor| Dict::relocate(self, cursor, &mut { ask }, each));
    }

    fn copy(&self) -> Box<dyn Relocatable> {
        Box::new(self.iter().map(|(key, value)| (key.clone(), value.duplicate())).collect::<Self>())
    }
}

impl Relocatable for ZIndex {
    fn relocate(&mut self, mut moves: Moves<'_>) {
        from_start_to_end(|cursor| ZIndex::relocate(self, cursor, &mut moves));
    }

    fn copy(&self) -> Box<dyn Relocatable> {
        Box::new(self.clone())
    }
}

/// Returns by how many bytes the pages in use exceed `base`. The thread's cache is flushed first, because its
/// blocks would count as in use.
fn active_since(base: usize) -> usize {
    zmalloc::flush_tcache();
    zmalloc::allocator_info().expect("asked before").active.saturating_sub(base)
}

/// Runs passes over all blocks until one moves next to nothing. The survey is renewed every 1000 blocks, as
/// a defragmenter that works in slices would do.
fn relocate_to_the_end(held: &mut dyn Relocatable) {
    for _pass in 0..20 {
        let (mut survey, mut asked, mut moved) = (Survey::take(), 0_usize, 0_usize);
        held.relocate(&mut |block, _| {
            asked += 1;
            if asked.is_multiple_of(1000) {
                survey = Survey::take();
            }
            // SAFETY: `relocate` passes only live blocks.
            let moves = survey.as_ref().and_then(|survey| unsafe { survey.hint(block) }) == Some(true);
            moved += usize::from(moves);
            moves
        });
        if moved <= asked / 1000 {
            return;
        }
    }
    panic!("twenty passes do not come to an end");
}

/// Returns the bytes that a copy takes. Another thread makes the copy. That thread has another arena, so the
/// copy cannot fill the gaps in this thread's arena.
fn fresh_copy(held: &dyn Relocatable, base: usize) -> usize {
    thread::scope(|scope| {
        let copied = scope.spawn(|| {
            let copy = held.copy();
            let active = active_since(base);
            drop(copy);
            zmalloc::flush_tcache();
            active
        });
        copied.join().expect("no panic")
    })
}

/// The limit for the memory after moving, relative to a fresh copy.
const AT_MOST: f64 = 1.1;
/// The least memory before moving, relative to a fresh copy. A case with less waste would show nothing.
const BEFORE: f64 = 1.4;

/// Builds the values of a case, moves them, and compares the memory with that of a fresh copy.
fn assert_memory_is_reclaimed(name: &str, build: impl FnOnce(&mut SmallRng) -> Box<dyn Relocatable>) {
    let base = active_since(0);
    let mut held = build(&mut SmallRng::seed_from_u64(7));
    let before = active_since(base);
    relocate_to_the_end(&mut *held);
    let after = active_since(base);
    let fresh = fresh_copy(&*held, base + after);
    let ratio = |bytes: usize| bytes as f64 / fresh as f64;
    println!(
        "{name:28} fresh {:6} KiB, before {:5.2}, after {:5.2}",
        fresh / 1024,
        ratio(before),
        ratio(after)
    );
    drop(held);
    assert!(ratio(before) >= BEFORE, "{name}: {before} bytes before, {fresh} in a fresh copy");
    assert!(ratio(after) <= AT_MOST, "{name}: {after} bytes after moving, {fresh} in a fresh copy");
}

/// Creates collections, whose number is `of`, with [`ELEMENTS`] elements in all. Then removes seven of eight
/// elements in random order.
fn collections<C>(
    of: usize,
    random: &mut SmallRng,
    encoding: Encoding,
    mut insert: impl FnMut(&mut C, usize),
    mut remove: impl FnMut(&mut C, usize, &mut SmallRng),
) -> Box<dyn Relocatable>
where
    C: Default,
    Robj: From<C>,
{
    let mut all: Vec<C> = (0..of).map(|_| C::default()).collect();
    let mut elements: Vec<usize> = (0..ELEMENTS).collect();
    elements.iter().for_each(|&element| insert(&mut all[element % of], element));
    elements.shuffle(random);
    elements.iter().skip(ELEMENTS / 8).for_each(|&element| remove(&mut all[element % of], element, random));
    let objects: Vec<Robj> = all.into_iter().map(Robj::from).collect();
    objects.iter().for_each(|object| assert_eq!(object.encoding(), encoding));
    Box::new(objects)
}

/// Creates strings, and drops seven of eight.
fn strings(
    random: &mut SmallRng,
    encoding: Encoding,
    text: impl Fn(usize) -> String,
) -> Box<dyn Relocatable> {
    let mut objects: Vec<_> =
        (0..ELEMENTS / 2).map(|n| Robj::from_bytes(text(n).as_bytes(), &LIMITS).encode(&LIMITS)).collect();
    objects.iter().for_each(|object| assert_eq!(object.encoding(), encoding));
    objects.shuffle(random);
    objects.truncate(ELEMENTS / 16);
    Box::new(objects)
}

fn member(n: usize) -> String {
    format!("member:{n:012}")
}

/// Creates lists. Removing from a list is a walk, so the lists and their nodes are small.
fn lists(of: usize, compress: u16, random: &mut SmallRng, encoding: Encoding) -> Box<dyn Relocatable> {
    let limits = EncodingLimits { list_compress_depth: compress, list_max_listpack_size: 100, ..LIMITS };
    collections::<List>(
        of,
        random,
        encoding,
        |list, n| list.push_back(member(n).as_bytes(), &limits),
        |list, _, random| {
            let index = random.random_range(0..list.len()) as i64;
            list.set(index, b"gone", &limits);
            list.remove(1, b"gone", &limits);
        },
    )
}

fn sets(of: usize, random: &mut SmallRng, encoding: Encoding) -> Box<dyn Relocatable> {
    let name = |n: usize| if encoding == Encoding::IntSet { format!("{}", n * 1000) } else { member(n) };
    collections::<Set>(
        of,
        random,
        encoding,
        |set, n| assert!(set.insert(name(n).as_bytes(), &LIMITS)),
        |set, n, _| assert!(set.remove(name(n).as_bytes())),
    )
}

fn zsets(of: usize, random: &mut SmallRng, encoding: Encoding) -> Box<dyn Relocatable> {
    collections::<ZSet>(
        of,
        random,
        encoding,
        |set, n| assert_eq!(set.insert(member(n).as_bytes(), (n % 1013) as f64, &LIMITS), Ok(true)),
        |set, n, _| assert!(set.remove(member(n).as_bytes()).is_some()),
    )
}

fn hashes(of: usize, random: &mut SmallRng, encoding: Encoding) -> Box<dyn Relocatable> {
    collections::<Hash>(
        of,
        random,
        encoding,
        |hash, n| assert!(hash.insert(member(n).as_bytes(), &b"some value"[..], &LIMITS)),
        |hash, n, _| assert!(hash.remove(member(n).as_bytes())),
    )
}

/// All cases are one test, so that each has the process to itself.
#[test]
fn moving_what_the_hints_say_leaves_each_structure_as_small_as_a_fresh_copy() {
    if Survey::take().is_none() {
        assert!(!zmalloc::ALLOCATOR.starts_with("jemalloc"), "only jemalloc says what is worth moving");
        return;
    }
    use Encoding::*;
    // One large collection has large blocks. Many small ones have blocks of every kind in slabs.
    assert_memory_is_reclaimed("strings, int", |random| {
        strings(random, Int, |n| format!("{}", n + 1_000_000))
    });
    assert_memory_is_reclaimed("strings, embstr", |random| strings(random, EmbStr, member));
    assert_memory_is_reclaimed("strings, raw", |random| strings(random, Raw, |n| format!("{:0100}", n)));
    assert_memory_is_reclaimed("lists, listpack", |random| lists(ELEMENTS / 40, 0, random, ListPack));
    assert_memory_is_reclaimed("lists, quicklist", |random| lists(ELEMENTS / 500, 0, random, QuickList));
    assert_memory_is_reclaimed("lists, quicklist, compressed", |random| {
        lists(ELEMENTS / 500, 1, random, QuickList)
    });
    assert_memory_is_reclaimed("sets, intset", |random| sets(ELEMENTS / 100, random, IntSet));
    assert_memory_is_reclaimed("sets, listpack", |random| sets(ELEMENTS / 40, random, ListPack));
    assert_memory_is_reclaimed("sets, hashtable", |random| sets(1, random, HashTable));
    assert_memory_is_reclaimed("sets, hashtable, many", |random| sets(ELEMENTS / 200, random, HashTable));
    assert_memory_is_reclaimed("sorted sets, listpack", |random| zsets(ELEMENTS / 40, random, ListPack));
    assert_memory_is_reclaimed("sorted sets, skiplist", |random| zsets(1, random, SkipList));
    assert_memory_is_reclaimed("sorted sets, skiplist, many", |random| {
        zsets(ELEMENTS / 200, random, SkipList)
    });
    assert_memory_is_reclaimed("hashes, listpack", |random| hashes(ELEMENTS / 40, random, ListPack));
    assert_memory_is_reclaimed("hashes, hashtable", |random| hashes(1, random, HashTable));
    assert_memory_is_reclaimed("hashes, hashtable, many", |random| hashes(ELEMENTS / 600, random, HashTable));
    assert_memory_is_reclaimed("Dict<Sds, Robj>", |random| {
        let mut dict: Dict<Sds, Robj> = Dict::new();
        let mut keys: Vec<_> = (0..ELEMENTS / 2).map(|n| Sds::from(&*member(n))).collect();
        for (n, key) in keys.iter().enumerate() {
            dict.insert(key.clone(), Robj::from_bytes(&vec![b'v'; n % 90], &LIMITS));
        }
        keys.shuffle(random);
        keys.iter().skip(ELEMENTS / 16).for_each(|key| drop(dict.remove(key)));
        Box::new(dict)
    });
    assert_memory_is_reclaimed("ZIndex", |random| {
        let mut index = ZIndex::new();
        let mut members: Vec<_> = (0..ELEMENTS / 2).collect();
        members.iter().for_each(|&n| assert_eq!(index.insert(member(n).as_bytes(), n as f64), Ok(true)));
        members.shuffle(random);
        members
            .iter()
            .skip(ELEMENTS / 16)
            .for_each(|&n| assert!(index.remove(member(n).as_bytes(), n as f64)));
        Box::new(index)
    });
}
