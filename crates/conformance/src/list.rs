//! The commands of lists.

use crate::{Reply, World, integer, text};
use robj::{EncodingLimits, Robj};
use values::list::Side;
use values::{Element, List};

pub(crate) fn run(world: &mut World, command: &[Vec<u8>]) -> Reply {
    let words: Vec<&[u8]> = command.iter().map(Vec::as_slice).collect();
    execute(world, &words).unwrap_or_else(|reply| reply)
}

fn side(word: &[u8]) -> Side {
    match word {
        b"LEFT" | b"BEFORE" | b"LPUSH" | b"LPUSHX" | b"LPOP" => Side::Front,
        b"RIGHT" | b"AFTER" | b"RPUSH" | b"RPUSHX" | b"RPOP" => Side::Back,
        _ => panic!("no side is called {}", text(word)),
    }
}

fn bulk(element: Element<'_>) -> Reply {
    Reply::Bulk(element.text().to_vec())
}

/// Removes a list from the store and returns it, or an empty list if there is none. `put` inserts it again.
fn take(world: &mut World, key: &[u8]) -> List {
    let object = world.keys.remove(key);
    object.map_or_else(List::new, |object| object.into_collection().expect("a list"))
}

/// Inserts a list. An empty list is dropped, because a key without elements does not exist.
fn put(world: &mut World, key: &[u8], list: List) {
    if !list.is_empty() {
        world.keys.insert(key.to_vec(), Robj::from(list));
    }
}

fn execute(world: &mut World, command: &[&[u8]]) -> Result<Reply, Reply> {
    let limits = world.limits;
    let (name, key) = (text(command[0]), command[1]);
    let existed = world.keys.contains_key(key);
    if matches!(name, "LMOVE" | "RPOPLPUSH") {
        return Ok(lmove(world, command, &limits));
    }
    let mut list = take(world, key);
    let reply = on_list(&mut list, existed, command, &limits);
    put(world, key, list);
    reply
}

fn on_list(
    list: &mut List,
    existed: bool,
    command: &[&[u8]],
    limits: &EncodingLimits,
) -> Result<Reply, Reply> {
    Ok(match (text(command[0]), &command[2..]) {
        ("LPUSHX" | "RPUSHX", _) if !existed => Reply::Int(0),
        ("LPUSH" | "RPUSH" | "LPUSHX" | "RPUSHX", values) => {
            list.push_all(side(command[0]), values.iter().map(|value| Element::Bytes(value)), limits);
            Reply::int(list.len())
        }
        ("LPOP" | "RPOP", []) => match list.try_pop(side(command[0]), limits).unwrap() {
            Some(element) => Reply::Bulk(element.as_element().text().to_vec()),
            None => Reply::Nil,
        },
        ("LPOP" | "RPOP", [_]) if !existed => Reply::Nil,
        ("LPOP" | "RPOP", [count]) => {
            let (side, count) = (side(command[0]), integer(count)? as usize);
            let mut iter = list.iter();
            let mut popped = Vec::new();
            while popped.len() < count
                && let Some(element) = iter.next_element(side).unwrap()
            {
                popped.push(bulk(element));
            }
            assert_eq!(list.try_remove_end(side, count, limits), Ok(popped.len()));
            Reply::Array(popped)
        }
        ("LLEN", []) => Reply::int(list.len()),
        ("LINDEX", [index]) => list.get(integer(index)?).map_or(Reply::Nil, |item| bulk(item.element())),
        ("LRANGE", [start, end]) => Reply::Array(
            list.range(integer(start)?, integer(end)?).map(|item| bulk(item.element())).collect(),
        ),
        ("LSET", [_, _]) if !existed => return Err(Reply::error("no such key")),
        ("LSET", [index, value]) => {
            if !list.set(integer(index)?, *value, limits) {
                return Err(Reply::error("index out of range"));
            }
            Reply::Ok
        }
        ("LINSERT", _) if !existed => Reply::Int(0),
        ("LINSERT", [where_, pivot, value]) => {
            let done = list.insert(side(where_), *pivot, *value, limits);
            if done { Reply::int(list.len()) } else { Reply::Int(-1) }
        }
        ("LREM", [count, value]) => Reply::int(list.remove(integer(count)?, *value, limits)),
        ("LTRIM", [start, end]) => {
            list.trim(integer(start)?, integer(end)?, limits);
            Reply::Ok
        }
        (name, arguments) => panic!("no command {name} with {} arguments", arguments.len()),
    })
}

fn lmove(world: &mut World, command: &[&[u8]], limits: &EncodingLimits) -> Reply {
    let (source, destination) = (command[1], command[2]);
    let (from, to) = match command[3..] {
        [from, to] => (side(from), side(to)),
        _ => (Side::Back, Side::Front), // RPOPLPUSH
    };
    let mut list = take(world, source);
    let end = if to == Side::Front { 0 } else { -1 };
    if source == destination {
        let moved = list.try_rotate(from, to, limits).unwrap();
        let reply = list.get(end).map_or(Reply::Nil, |item| bulk(item.element()));
        assert_eq!(moved, reply != Reply::Nil);
        put(world, source, list);
        return reply;
    }
    let mut other = take(world, destination);
    let moved = list.try_move_to(from, &mut other, to, limits).unwrap();
    let reply = if moved { bulk(other.get(end).unwrap().element()) } else { Reply::Nil };
    put(world, source, list);
    put(world, destination, other);
    reply
}
