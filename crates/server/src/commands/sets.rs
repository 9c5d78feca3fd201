//! Commands for sets.

use crate::call::Call;
use crate::error::{CommandError, Outcome};
use crate::notify;
use crate::numbers::integer;
use crate::reply::Reply;
use crate::spec::flags::{DENYOOM, FAST, MOVABLEKEYS, READONLY, WRITE};
use crate::spec::{Keys, Spec};
use keyspace::{Keyspace, Value};
use rand::RngExt;
use values::{Element, Set, SetView};

const ADD: u32 = WRITE | DENYOOM;
const REST: Keys = Keys::Range { first: 1, last: -1, step: 1 };
const COUNTED: Keys = Keys::Counted { at: 1, destination: 0 };

pub(super) const COMMANDS: &[Spec] = &[
    row("sadd", -3, ADD | FAST, Keys::FIRST, sadd).doc("1.0.0", "Adds members."),
    row("scard", 2, READONLY | FAST, Keys::FIRST, scard).doc("1.0.0", "Returns the number of members."),
    row("sdiff", -2, READONLY, REST, sdiff)
        .doc("1.0.0", "Returns the members of a set that others do not have."),
    row("sdiffstore", -3, ADD, REST, sdiffstore).doc("1.0.0", "Stores what SDIFF returns."),
    row("sinter", -2, READONLY, REST, sinter).doc("1.0.0", "Returns the members that all sets have."),
    row("sintercard", -3, READONLY | MOVABLEKEYS, COUNTED, sintercard)
        .doc("7.0.0", "Returns how many members all sets have."),
    row("sinterstore", -3, ADD, REST, sinterstore).doc("1.0.0", "Stores what SINTER returns."),
    row("sismember", 3, READONLY | FAST, Keys::FIRST, sismember)
        .doc("1.0.0", "Returns whether a member exists."),
    row("smembers", 2, READONLY, Keys::FIRST, smembers).doc("1.0.0", "Returns all members."),
    row("smismember", -3, READONLY | FAST, Keys::FIRST, smismember)
        .doc("6.2.0", "Returns whether several members exist."),
    row("smove", 4, WRITE | FAST, Keys::TWO, smove).doc("1.0.0", "Moves a member to another set."),
    row("spop", -2, WRITE | FAST, Keys::FIRST, spop).doc("1.0.0", "Removes and returns random members."),
    row("srandmember", -2, READONLY, Keys::FIRST, srandmember).doc("1.0.0", "Returns random members."),
    row("srem", -3, WRITE | FAST, Keys::FIRST, srem).doc("1.0.0", "Removes members."),
    row("sunion", -2, READONLY, REST, sunion).doc("1.0.0", "Returns the members of all sets."),
    row("sunionstore", -3, ADD, REST, sunionstore).doc("1.0.0", "Stores what SUNION returns."),
];

const fn row(
    name: &'static str,
    arity: i32,
    flags: u32,
    keys: Keys,
    run: fn(&mut Call<'_>) -> Outcome,
) -> Spec {
    Spec { group: "set", ..Spec::new(name, arity, flags, keys, run) }
}

/// Returns the set of the first argument.
fn set<'c>(call: &'c Call<'_>) -> Result<Option<SetView<'c>>, CommandError> {
    Ok(call.keys().get_as::<Set>(call.args.at(1), call.now)?)
}

fn sadd(call: &mut Call<'_>) -> Outcome {
    let (key, now, limits) = (call.args.at(1), call.now, call.limits());
    let members = call.args.from(2);
    let keys = call.parts().0;
    let added = if members.len() == 1 {
        usize::from(keys.sadd(key, members.at(0), now)?)
    } else {
        keys.make_room(members.size(), now)?;
        keys.edit_as::<Set, _, keyspace::Error>(key, now, |set| {
            if set.is_empty() {
                set.try_convert_for(members.len(), &limits)?;
            }
            let mut added = 0;
            for member in members.iter() {
                added += usize::from(set.try_insert(member, &limits)?);
            }
            Ok(added)
        })?
    };
    if added > 0 {
        call.changed(notify::SET, "sadd", key);
    }
    call.reply().count(added);
    Ok(())
}

fn srem(call: &mut Call<'_>) -> Outcome {
    let (key, now) = (call.args.at(1), call.now);
    let members = call.args.from(2);
    let removed = call.parts().0.modify_as::<Set, _, keyspace::Error>(key, now, |set| {
        Ok(members.iter().filter(|member| set.remove(*member)).count())
    })?;
    let removed = removed.unwrap_or(0);
    if removed > 0 {
        call.changed(notify::SET, "srem", key);
        call.notify_if_removed(key);
    }
    call.reply().count(removed);
    Ok(())
}

fn smove(call: &mut Call<'_>) -> Outcome {
    let (from, to, member) = (call.args.at(1), call.args.at(2), call.args.at(3));
    let (now, limits) = (call.now, call.limits());
    let keys = call.keys();
    let is_there = keys.get_as::<Set>(from, now)?.is_some_and(|set| set.contains(member));
    if keys.object_type(from, now).is_some() {
        keys.get_as::<Set>(to, now)?;
    }
    if is_there && from != to {
        let keys = call.parts().0;
        keys.make_room(member.len(), now)?;
        keys.edit_as::<Set, _, _>(to, now, |set| set.try_insert(member, &limits))?;
        keys.modify_as::<Set, _, keyspace::Error>(from, now, |set| Ok(set.remove(member)))?;
        call.changed(notify::SET, "srem", from);
        call.notify_if_removed(from);
        call.changed(notify::SET, "sadd", to);
    }
    call.reply().flag(is_there);
    Ok(())
}

fn sismember(call: &mut Call<'_>) -> Outcome {
    let is_there = set(call)?.is_some_and(|set| set.contains(call.args.at(2)));
    call.reply().flag(is_there);
    Ok(())
}

fn smismember(call: &mut Call<'_>) -> Outcome {
    let (key, now) = (call.args.at(1), call.now);
    let members: Vec<_> = call.args.from(2).iter().map(Element::Bytes).collect();
    let (keys, reply) = call.parts();
    let set = keys.get_as::<Set>(key, now)?;
    reply.array(members.len());
    match set {
        Some(set) => set.contains_many(&members).for_each(|is_there| reply.flag(is_there)),
        None => members.iter().for_each(|_| reply.flag(false)),
    }
    Ok(())
}

fn scard(call: &mut Call<'_>) -> Outcome {
    let len = set(call)?.map_or(0, SetView::len);
    call.reply().count(len);
    Ok(())
}

fn smembers(call: &mut Call<'_>) -> Outcome {
    let (key, now) = (call.args.at(1), call.now);
    let (keys, reply) = call.parts();
    let set = keys.get_as::<Set>(key, now)?;
    reply.set(set.map_or(0, SetView::len));
    set.into_iter().flat_map(SetView::iter).for_each(|member| reply.element(member));
    let is_there = set.is_some();
    if is_there {
        call.state.stats.keyspace_hits += 1;
    } else {
        call.missed(key);
    }
    Ok(())
}

fn spop(call: &mut Call<'_>) -> Outcome {
    let (key, now) = (call.args.at(1), call.now);
    let count = match call.args.len() {
        2 => None,
        3 => Some(crate::numbers::natural(call.args.at(2))?),
        _ => return Err(CommandError::SYNTAX),
    };
    let limits = call.limits();
    let rng = &mut call.state.rng;
    let keys = &mut call.state.dbs[call.client.db].keys;
    let reply = &mut call.client.reply;
    let popped = match count {
        None => {
            let popped = keys.modify_as::<Set, _, keyspace::Error>(key, now, |set| {
                Ok(set.pop(|| rng.random(), |member| reply.element(member)))
            })?;
            if popped.flatten().is_none() {
                reply.null();
            }
            usize::from(popped.flatten().is_some())
        }
        Some(count) => {
            let at = reply.defer();
            let popped = keys.modify_as::<Set, _, values::ReserveError>(key, now, |set| {
                set.try_pop_many(count, &limits, || rng.random(), |member| reply.element(member))
            })?;
            let popped = popped.unwrap_or(0);
            reply.end_set(at, popped);
            popped
        }
    };
    if popped > 0 {
        call.changed(notify::SET, "spop", key);
        call.notify_if_removed(key);
    }
    Ok(())
}

/// Parses the count of `SRANDMEMBER` and its like. If it is negative, members may come several times.
pub(super) fn random_count(text: &[u8]) -> Result<i64, CommandError> {
    let count = integer(text)?;
    // A negative count is turned around.
    if count == i64::MIN { Err(CommandError::new("ERR value is out of range")) } else { Ok(count) }
}

fn srandmember(call: &mut Call<'_>) -> Outcome {
    let (key, now) = (call.args.at(1), call.now);
    if call.args.len() > 3 {
        return Err(CommandError::SYNTAX);
    }
    let count = call.args.get(2).map(random_count).transpose()?;
    let rng = &mut call.state.rng;
    let keys = &call.state.dbs[call.client.db].keys;
    let reply = &mut call.client.reply;
    let set = keys.get_as::<Set>(key, now)?;
    let Some(count) = count else {
        match set.and_then(|set| set.random(|| rng.random())) {
            Some(member) => reply.element(member),
            None => reply.null(),
        }
        return Ok(());
    };
    let Some(set) = set.filter(|_| count != 0) else {
        reply.array(0);
        return Ok(());
    };
    let number = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    let at = reply.defer();
    let mut found = 0;
    let mut each = |member: Element<'_>| {
        found += 1;
        reply.element(member);
    };
    if count < 0 {
        set.random_many(number, || rng.random(), &mut each);
    } else {
        set.try_random_unique(number, || rng.random(), &mut each)?;
    }
    reply.end_array(at, found);
    Ok(())
}

/// Returns the sets of some keys. A key that does not exist is an empty set, and `None` here.
fn sets<'c>(
    keys: &'c Keyspace,
    names: impl Iterator<Item = &'c [u8]>,
    now: u64,
) -> Result<Vec<Option<SetView<'c>>>, CommandError> {
    names.map(|name| Ok(keys.get_as::<Set>(name, now)?)).collect()
}

fn sinter(call: &mut Call<'_>) -> Outcome {
    let (names, now) = (call.args.from(1), call.now);
    let (keys, reply) = call.parts();
    let all = sets(keys, names.iter(), now)?;
    let Some(mut all) = all.into_iter().collect::<Option<Vec<_>>>() else {
        reply.set(0);
        return Ok(());
    };
    write_set(reply, |each| {
        values::set::inter(&mut all, each);
        Ok(())
    })
}

fn sunion(call: &mut Call<'_>) -> Outcome {
    let (names, now) = (call.args.from(1), call.now);
    let (keys, reply) = call.parts();
    let all: Vec<_> = sets(keys, names.iter(), now)?.into_iter().flatten().collect();
    write_set(reply, |each| Ok(values::set::union(&all, each)?))
}

fn sdiff(call: &mut Call<'_>) -> Outcome {
    let (names, now) = (call.args.from(1), call.now);
    let (keys, reply) = call.parts();
    let all = sets(keys, names.iter(), now)?;
    let Some(Some(first)) = all.first() else {
        reply.set(0);
        return Ok(());
    };
    let mut others: Vec<_> = all[1..].iter().copied().flatten().collect();
    write_set(reply, |each| Ok(values::set::diff(*first, &mut others, each)?))
}

/// Writes members as a set, whose number is not known before.
fn write_set(reply: &mut Reply, make: impl FnOnce(&mut dyn FnMut(Element<'_>)) -> Outcome) -> Outcome {
    let at = reply.defer();
    let mut found = 0;
    make(&mut |member| {
        found += 1;
        reply.element(member);
    })?;
    reply.end_set(at, found);
    Ok(())
}

fn sinterstore(call: &mut Call<'_>) -> Outcome {
    let (names, now, limits) = (call.args.from(2), call.now, call.limits());
    let all = sets(call.keys(), names.iter(), now)?;
    let result = match all.into_iter().collect::<Option<Vec<_>>>() {
        Some(mut all) => values::set::try_inter_store(&mut all, &limits)?,
        None => Set::new(),
    };
    store(call, result, "sinterstore")
}

fn sunionstore(call: &mut Call<'_>) -> Outcome {
    let (names, now, limits) = (call.args.from(2), call.now, call.limits());
    let all: Vec<_> = sets(call.keys(), names.iter(), now)?.into_iter().flatten().collect();
    let result = values::set::try_union_store(&all, &limits)?;
    store(call, result, "sunionstore")
}

fn sdiffstore(call: &mut Call<'_>) -> Outcome {
    let (names, now, limits) = (call.args.from(2), call.now, call.limits());
    let all = sets(call.keys(), names.iter(), now)?;
    let result = match all.first() {
        Some(Some(first)) => {
            let mut others: Vec<_> = all[1..].iter().copied().flatten().collect();
            values::set::try_diff_store(*first, &mut others, &limits)?
        }
        _ => Set::new(),
    };
    store(call, result, "sdiffstore")
}

/// Stores a set under the first argument, and writes the number of its members. An empty set removes the key.
fn store(call: &mut Call<'_>, set: Set, event: &str) -> Outcome {
    let (key, now, len) = (call.args.at(1), call.now, set.len());
    if len == 0 {
        if call.parts().0.remove(key, now) {
            call.changed(notify::GENERIC, "del", key);
        }
    } else {
        call.parts().0.insert(key, Value::Set(set), None, now)?;
        call.changed(notify::SET, event, key);
    }
    call.reply().count(len);
    Ok(())
}

fn sintercard(call: &mut Call<'_>) -> Outcome {
    let (names, rest) = super::counted_keys(call.args.from(1))?;
    let now = call.now;
    let limit = match rest.len() {
        0 => 0,
        2 if rest.is(0, "LIMIT") => crate::numbers::natural(rest.at(1))
            .map_err(|_| CommandError::new("ERR LIMIT can't be negative"))?,
        _ => return Err(CommandError::SYNTAX),
    };
    let all = sets(call.keys(), names.iter(), now)?;
    let count = match all.into_iter().collect::<Option<Vec<_>>>() {
        Some(mut all) => values::set::inter_card(&mut all, limit),
        None => 0,
    };
    call.reply().count(count);
    Ok(())
}
