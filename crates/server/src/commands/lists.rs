//! Commands for lists, except those that wait.

use super::read::{Mpop, pop_first, read as read_as};
use crate::args::Args;
use crate::call::Call;
use crate::error::{CommandError, Outcome};
use crate::notify;
use crate::numbers::{between, integer, natural, natural_or};
use crate::reply::Reply;
use crate::spec::flags::{DENYOOM, FAST, READONLY, WRITE};
use crate::spec::{Keys, Spec, on_key, row};
use keyspace::InEntry;
use std::num::NonZeroI64;
use values::list::Side;
use values::{List, ListView, OwnedElement, ReserveError};

const ADD: u32 = WRITE | DENYOOM;

pub(super) const COMMANDS: &[Spec] = &[
    on_key("lindex", 3, READONLY, lindex).doc("1.0.0", "Returns an element of a list by its index."),
    on_key("linsert", 5, ADD, linsert)
        .doc("2.2.0", "Inserts an element before or after another one of a list."),
    on_key("llen", 2, READONLY | FAST, llen).doc("1.0.0", "Returns the length of a list."),
    row("lmove", 5, ADD, Keys::TWO, lmove).doc("6.2.0", "Moves an element from an end of a list to an end."),
    row("lmpop", -4, WRITE, Keys::Counted { at: 1, destination: 0 }, lmpop)
        .doc("7.0.0", "Removes and returns elements of the first list that has some."),
    on_key("lpop", -2, WRITE | FAST, lpop).doc("1.0.0", "Removes and returns the first elements."),
    on_key("lpos", -3, READONLY, lpos).doc("6.0.6", "Returns the indexes of equal elements."),
    on_key("lpush", -3, ADD | FAST, lpush).doc("1.0.0", "Adds elements at the front of a list."),
    on_key("lpushx", -3, ADD | FAST, lpushx)
        .doc("2.2.0", "Adds elements at the front of a list that exists."),
    on_key("lrange", 4, READONLY, lrange).doc("1.0.0", "Returns a range of elements of a list."),
    on_key("lrem", 4, WRITE, lrem).doc("1.0.0", "Removes equal elements from a list."),
    on_key("lset", 4, ADD, lset).doc("1.0.0", "Replaces an element of a list by its index."),
    on_key("ltrim", 4, WRITE, ltrim).doc("1.0.0", "Removes all elements outside of a range."),
    on_key("rpop", -2, WRITE | FAST, rpop).doc("1.0.0", "Removes and returns the last elements."),
    row("rpoplpush", 3, ADD, Keys::TWO, rpoplpush)
        .doc("1.2.0", "Moves the last element of a list to the front of a list."),
    on_key("rpush", -3, ADD | FAST, rpush).doc("1.0.0", "Adds elements at the back of a list."),
    on_key("rpushx", -3, ADD | FAST, rpushx).doc("2.2.0", "Adds elements at the back of a list that exists."),
];

/// Parses `LEFT` or `RIGHT`.
pub(super) fn side(word: &[u8]) -> Result<Side, CommandError> {
    match word {
        _ if word.eq_ignore_ascii_case(b"left") => Ok(Side::Front),
        _ if word.eq_ignore_ascii_case(b"right") => Ok(Side::Back),
        _ => Err(CommandError::SYNTAX),
    }
}

/// Returns the event of a pop.
fn pop_event(side: Side) -> &'static str {
    if side == Side::Front { "lpop" } else { "rpop" }
}

/// Returns the event of a push.
fn push_event(side: Side) -> &'static str {
    if side == Side::Front { "lpush" } else { "rpush" }
}

/// Notes that elements were removed from a list. `changes` is how many.
fn removed(call: &mut Call<'_>, event: &str, key: &[u8], changes: usize) {
    call.changed(notify::LIST, event, key, changes);
    call.notify_if_removed(key);
}

fn lpush(call: &mut Call<'_>) -> Outcome {
    push(call, Side::Front, false)
}

fn rpush(call: &mut Call<'_>) -> Outcome {
    push(call, Side::Back, false)
}

fn lpushx(call: &mut Call<'_>) -> Outcome {
    push(call, Side::Front, true)
}

fn rpushx(call: &mut Call<'_>) -> Outcome {
    push(call, Side::Back, true)
}

fn push(call: &mut Call<'_>, side: Side, needs_key: bool) -> Outcome {
    let (key, elements, limits, now) = (call.args.at(1), call.args.from(2), call.limits(), call.now);
    let add = |list: &mut List<InEntry<'_>>| {
        list.try_push_all(side, elements.iter().map(Into::into), &limits)?;
        Ok::<_, ReserveError>(list.len())
    };
    let (keys, reply) = call.parts();
    let len = match needs_key {
        true => keys.modify_as::<List, _, _>(key, now, add)?,
        false => Some(keys.edit_as::<List, _, _>(key, now, add)?),
    };
    reply.count(len.unwrap_or(0));
    if len.is_some() {
        call.changed(notify::LIST, push_event(side), key, elements.len());
    }
    Ok(())
}

fn lpop(call: &mut Call<'_>) -> Outcome {
    pop(call, Side::Front, "lpop")
}

fn rpop(call: &mut Call<'_>) -> Outcome {
    pop(call, Side::Back, "rpop")
}

fn pop(call: &mut Call<'_>, side: Side, name: &str) -> Outcome {
    let key = call.args.at(1);
    match call.args.len() {
        2 => {
            if !pop_one(call, key, side, false)? {
                call.reply().null();
            }
        }
        3 => {
            let count = natural(call.args.at(2))?;
            if !pop_some(call, key, side, count, false)? {
                call.reply().null_array();
            }
        }
        _ => return Err(CommandError::arity(name)),
    }
    Ok(())
}

/// Removes the element at one end of a list, and writes it, after the key if `has_key` is set. Returns `false`
/// and writes nothing if there is no list.
pub(super) fn pop_one(
    call: &mut Call<'_>,
    key: &[u8],
    side: Side,
    has_key: bool,
) -> Result<bool, CommandError> {
    let (limits, now) = (call.limits(), call.now);
    let (keys, reply) = call.parts();
    let popped = keys.modify_as::<List, _, ReserveError>(key, now, |list| {
        list.try_pop_with(side, &limits, |element| {
            if has_key {
                reply.array(2);
                reply.bulk(key);
            }
            reply.element(element);
            Ok::<(), ReserveError>(())
        })
    })?;
    let is_found = popped.flatten().is_some();
    if is_found {
        removed(call, pop_event(side), key, 1);
    }
    Ok(is_found)
}

/// Removes up to `count` elements at one end of a list, and writes an array of them, after the key if `has_key`
/// is set. Returns `false` and writes nothing if there is no list.
fn pop_some(
    call: &mut Call<'_>,
    key: &[u8],
    side: Side,
    count: usize,
    has_key: bool,
) -> Result<bool, CommandError> {
    let (limits, now) = (call.limits(), call.now);
    let (keys, reply) = call.parts();
    let popped = keys.modify_as::<List, _, ReserveError>(key, now, |list| {
        if has_key {
            reply.array(2);
            reply.bulk(key);
        }
        let count = count.min(list.len());
        let part = count as i64;
        let range = match side {
            _ if count == 0 => (1, 0),
            Side::Front => (0, part - 1),
            Side::Back => (-part, -1),
        };
        reply.array(count);
        let mut popped = list.range(range.0, range.1);
        while let Some(element) = popped.next_element(side)? {
            reply.element(element);
        }
        drop(popped);
        match side {
            _ if count == 0 => {}
            _ if count == list.len() => list.try_trim(1, 0, &limits)?,
            Side::Front => list.try_trim(part, -1, &limits)?,
            Side::Back => list.try_trim(0, -part - 1, &limits)?,
        }
        Ok(count)
    })?;
    if let Some(count @ 1..) = popped {
        removed(call, pop_event(side), key, count);
    }
    Ok(popped.is_some())
}

/// Like [`pop_some`], for a command of several keys. In the append-only file it pops from the one that had elements.
pub(super) fn pop_from(
    call: &mut Call<'_>,
    key: &[u8],
    side: Side,
    count: usize,
) -> Result<bool, CommandError> {
    let is_found = pop_some(call, key, side, count, true)?;
    if is_found {
        let name = if side == Side::Front { b"LPOP" } else { b"RPOP" };
        call.append_instead(&[name, key, itoa::Buffer::new().format(count).as_bytes()]);
    }
    Ok(is_found)
}

fn lmpop(call: &mut Call<'_>) -> Outcome {
    let Mpop { keys, end, count } = Mpop::parse(call.args.from(1), side)?;
    if !pop_first(keys, |key| pop_from(call, key, end, count))? {
        call.reply().null_array();
    }
    Ok(())
}

/// Calls `present` with the list of the first key, or `absent` if there is no such key. Counts the look-up.
fn read(
    call: &mut Call<'_>,
    absent: impl FnOnce(&mut Reply),
    present: impl FnOnce(ListView<'_>, &mut Reply) -> Outcome,
) -> Outcome {
    read_as::<List>(call, |reply, list| match list {
        Some(list) => present(list, reply),
        None => {
            absent(reply);
            Ok(())
        }
    })
}

fn llen(call: &mut Call<'_>) -> Outcome {
    let write = |list: ListView<'_>, reply: &mut Reply| {
        reply.count(list.len());
        Ok(())
    };
    read(call, |reply| reply.count(0), write)
}

fn lindex(call: &mut Call<'_>) -> Outcome {
    let index = call.args.at(2);
    read(call, Reply::null, |list, reply| {
        match list.try_get(integer(index)?)? {
            Some(item) => reply.element(item.element()),
            None => reply.null(),
        }
        Ok(())
    })
}

fn lrange(call: &mut Call<'_>) -> Outcome {
    let (start, end) = (integer(call.args.at(2))?, integer(call.args.at(3))?);
    let write = |list: ListView<'_>, reply: &mut Reply| {
        let mut range = list.range(start, end);
        reply.array(range.len());
        while let Some(element) = range.next_element(Side::Front)? {
            reply.element(element);
        }
        Ok(())
    };
    read(call, |reply| reply.array(0), write)
}

const FIRST_MATCH: NonZeroI64 = NonZeroI64::new(1).unwrap();

/// The options of `LPOS`.
#[derive(Debug, PartialEq, Eq)]
struct PosOptions {
    rank: NonZeroI64,
    count: Option<usize>,
    max_len: usize,
}

impl PosOptions {
    /// Parses the arguments after the element.
    fn parse(args: Args<'_>) -> Result<Self, CommandError> {
        let mut options = Self { rank: FIRST_MATCH, count: None, max_len: usize::MAX };
        let unlimited = |number| if number == 0 { usize::MAX } else { number };
        for index in (0..args.len()).step_by(2) {
            let value = args.get(index + 1).ok_or(CommandError::SYNTAX)?;
            if args.is(index, "RANK") {
                let rank = between(value, -i64::MAX, i64::MAX)?;
                options.rank = NonZeroI64::new(rank).ok_or(CommandError::new(
                    "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use \
                     negative to start from the end of the list",
                ))?;
            } else if args.is(index, "COUNT") {
                options.count = Some(unlimited(natural_or(value, "ERR COUNT can't be negative")?));
            } else if args.is(index, "MAXLEN") {
                options.max_len = unlimited(natural_or(value, "ERR MAXLEN can't be negative")?);
            } else {
                return Err(CommandError::SYNTAX);
            }
        }
        Ok(options)
    }
}

fn lpos(call: &mut Call<'_>) -> Outcome {
    let element = call.args.at(2);
    let PosOptions { rank, count, max_len } = PosOptions::parse(call.args.from(3))?;
    let absent = |reply: &mut Reply| match count {
        Some(_) => reply.array(0),
        None => reply.null(),
    };
    read(call, absent, |list, reply| {
        let mut positions = list.positions(element, rank, max_len);
        let Some(count) = count else {
            match positions.try_next()? {
                Some(index) => reply.count(index),
                None => reply.null(),
            }
            return Ok(());
        };
        let (at, mut len) = (reply.defer(), 0);
        while len < count
            && let Some(index) = positions.try_next()?
        {
            reply.count(index);
            len += 1;
        }
        reply.end_array(at, len);
        Ok(())
    })
}

fn lset(call: &mut Call<'_>) -> Outcome {
    let (key, limits, now) = (call.args.at(1), call.limits(), call.now);
    let (index, element) = (call.args.at(2), call.args.at(3));
    if !call.exists(key) {
        return Err(CommandError::NO_SUCH_KEY);
    }
    let (keys, reply) = call.parts();
    keys.get_as::<List>(key, now)?;
    let index = integer(index)?;
    let is_set = keys.modify_as::<List, _, _>(key, now, |list| list.try_set(index, element, &limits))?;
    if is_set != Some(true) {
        return Err(CommandError::OUT_OF_RANGE);
    }
    reply.ok();
    call.changed(notify::LIST, "lset", key, 1);
    Ok(())
}

fn linsert(call: &mut Call<'_>) -> Outcome {
    let (key, limits, now) = (call.args.at(1), call.limits(), call.now);
    let side = match () {
        () if call.args.is(2, "BEFORE") => Side::Front,
        () if call.args.is(2, "AFTER") => Side::Back,
        () => return Err(CommandError::SYNTAX),
    };
    let (pivot, element) = (call.args.at(3), call.args.at(4));
    let (keys, reply) = call.parts();
    let len = keys.modify_as::<List, _, ReserveError>(key, now, |list| {
        Ok(list.try_insert(side, pivot, element, &limits)?.then(|| list.len()))
    })?;
    match len {
        Some(Some(len)) => {
            reply.count(len);
            call.changed(notify::LIST, "linsert", key, 1);
        }
        Some(None) => reply.integer(-1),
        None => reply.count(0),
    }
    Ok(())
}

fn lrem(call: &mut Call<'_>) -> Outcome {
    let (key, limits, now) = (call.args.at(1), call.limits(), call.now);
    let (count, element) = (between(call.args.at(2), -i64::MAX, i64::MAX)?, call.args.at(3));
    let (keys, reply) = call.parts();
    let equal = keys.modify_as::<List, _, _>(key, now, |list| list.try_remove(count, element, &limits))?;
    let equal = equal.unwrap_or(0);
    reply.count(equal);
    if equal > 0 {
        removed(call, "lrem", key, equal);
    }
    Ok(())
}

fn ltrim(call: &mut Call<'_>) -> Outcome {
    let (key, limits, now) = (call.args.at(1), call.limits(), call.now);
    let (start, end) = (integer(call.args.at(2))?, integer(call.args.at(3))?);
    let (keys, reply) = call.parts();
    let trimmed = keys.modify_as::<List, _, ReserveError>(key, now, |list| {
        let len = list.len();
        list.try_trim(start, end, &limits)?;
        Ok(len - list.len())
    })?;
    reply.ok();
    // Redis publishes the event even if nothing was removed, and does not count it as a change.
    if let Some(changes) = trimmed {
        removed(call, "ltrim", key, changes);
    }
    Ok(())
}

fn lmove(call: &mut Call<'_>) -> Outcome {
    let (from, to) = (side(call.args.at(3))?, side(call.args.at(4))?);
    move_one_or_null(call, from, to)
}

fn rpoplpush(call: &mut Call<'_>) -> Outcome {
    move_one_or_null(call, Side::Back, Side::Front)
}

fn move_one_or_null(call: &mut Call<'_>, from: Side, to: Side) -> Outcome {
    if !move_one(call, from, to)? {
        call.reply().null();
    }
    Ok(())
}

/// Moves an element from the list of the first key to that of the second, and writes it. Returns `false` and
/// writes nothing if there is no first list.
pub(super) fn move_one(call: &mut Call<'_>, from: Side, to: Side) -> Result<bool, CommandError> {
    let (source, target, limits, now) = (call.args.at(1), call.args.at(2), call.limits(), call.now);
    let (keys, reply) = call.parts();
    let Some(list) = keys.get_as::<List>(source, now)? else {
        call.exists(source);
        return Ok(false);
    };
    let end = if from == Side::Front { 0 } else { -1 };
    let Some(item) = list.try_get(end)? else { return Ok(false) };
    let element = OwnedElement::try_from(item.element())?;
    drop(item);
    if source == target {
        keys.modify_as::<List, _, _>(source, now, |list| list.try_rotate(from, to, &limits))?;
    } else {
        keys.edit_as::<List, _, _>(target, now, |list| list.try_push(to, element.as_element(), &limits))?;
        let popped = keys.modify_as::<List, _, _>(source, now, |list| list.try_pop(from, &limits));
        if let Err(error) = popped {
            keys.modify_as::<List, _, _>(target, now, |list| list.try_pop(to, &limits))?;
            return Err(error.into());
        }
    }
    reply.element(element.as_element());
    call.changed(notify::LIST, push_event(to), target, 0);
    removed(call, pop_event(from), source, 1);
    Ok(true)
}
