//! The commands of sets.

use crate::{Reply, World, integer, text};
use robj::{EncodingLimits, Robj};
use values::Set;
use values::set::{try_diff_store, try_inter_store, try_union_store};

pub(crate) fn run(world: &mut World, command: &[Vec<u8>]) -> Reply {
    let (name, key, arguments) = (text(&command[0]), &command[1], &command[2..]);
    let limits = &world.limits.clone();
    match name {
        "SADD" => {
            let hint = arguments.len();
            let mut set = match world.keys.remove(key) {
                Some(object) => object.into_set().unwrap(),
                None => Set::try_with_hint(&arguments[0][..], hint, limits).unwrap(),
            };
            set.try_convert_for(hint, limits).unwrap();
            let added = arguments.iter().filter(|member| set.insert(&member[..], limits)).count();
            put(world, key, set);
            Reply::int(added)
        }
        "SREM" => write(world, key, |set| {
            Reply::int(arguments.iter().filter(|member| set.remove(&member[..])).count())
        }),
        "SISMEMBER" => {
            let sets = sets(world, &command[1..2]).expect("a set");
            Reply::Int(sets[0].contains(&arguments[0][..]).into())
        }
        "SMEMBERS" => {
            let sets = sets(world, &command[1..]).expect("a set");
            Reply::Array(sets[0].iter().map(|member| Reply::Bulk(member.text().to_vec())).collect())
        }
        "SCARD" => Reply::int(sets(world, &command[1..]).map_or(0, |sets| sets[0].len())),
        "SMOVE" => smove(world, key, &arguments[0], &arguments[1], limits),
        "SPOP" => write(world, key, |set| {
            let mut popped = Vec::new();
            let count = arguments.first().map_or(1, |count| integer(count).unwrap() as usize);
            set.try_pop_many(count, limits, || 1, |member| popped.push(Reply::Bulk(member.text().to_vec())))
                .unwrap();
            if arguments.is_empty() { popped.pop().unwrap_or(Reply::Nil) } else { Reply::Array(popped) }
        }),
        "SINTERSTORE" | "SUNIONSTORE" | "SDIFFSTORE" => {
            let all = sets(world, arguments).expect("copies of sets");
            let mut sets: Vec<&Set> = all.iter().collect();
            let result = match name {
                "SINTERSTORE" => try_inter_store(&mut sets, limits),
                "SUNIONSTORE" => try_union_store(&sets, limits),
                _ => try_diff_store(&all[0], &mut sets[1..], limits),
            };
            let result = result.unwrap();
            let len = result.len();
            put(world, key, result);
            Reply::int(len)
        }
        _ => panic!("no command {name}"),
    }
}

/// Inserts the set, or deletes the key if the set is empty.
fn put(world: &mut World, key: &[u8], set: Set) {
    match set.is_empty() {
        true => world.keys.remove(key),
        false => world.keys.insert(key.to_vec(), Robj::from(set)),
    };
}

fn write(world: &mut World, key: &[u8], change: impl FnOnce(&mut Set) -> Reply) -> Reply {
    let mut set = world.keys.remove(key).map_or(Set::new(), |object| object.into_set().unwrap());
    let reply = change(&mut set);
    put(world, key, set);
    reply
}

/// Returns copies of the sets. A missing key has an empty set. Returns `None` if a value is not a set.
fn sets(world: &World, keys: &[Vec<u8>]) -> Option<Vec<Set>> {
    let copy = |key| match world.keys.get(key) {
        Some(object) => object.as_set().ok()?.try_to_owned().ok(),
        None => Some(Set::new()),
    };
    keys.iter().map(copy).collect()
}

fn smove(world: &mut World, from: &Vec<u8>, to: &Vec<u8>, member: &[u8], limits: &EncodingLimits) -> Reply {
    let Some(object) = world.keys.remove(from) else { return Reply::Int(0) };
    let mut source = object.into_set().unwrap();
    if from == to {
        let is_there = source.contains(member);
        put(world, from, source);
        return Reply::Int(is_there.into());
    }
    let mut target = match world.keys.remove(to) {
        Some(object) => object.into_set().unwrap(),
        None => Set::try_with_hint(member, 1, limits).unwrap(),
    };
    let moved = source.try_move(&mut target, member, limits).unwrap();
    put(world, from, source);
    put(world, to, target);
    Reply::Int(moved.into())
}
