//! Commands for lists, except those that wait.

use crate::args::Args;
use crate::call::Call;
use crate::error::{CommandError, Outcome};
use crate::notify;
use crate::numbers::{integer, natural};
use crate::spec::flags::{DENYOOM, FAST, MOVABLEKEYS, READONLY, WRITE};
use crate::spec::{Keys, Spec};
use std::num::NonZeroI64;
use values::list::Side;
use values::{Element, List, ListView};

const ADD: u32 = WRITE | DENYOOM;

pub(super) const COMMANDS: &[Spec] = &[
    row("lindex", 3, READONLY, Keys::FIRST, lindex).doc("1.0.0", "Returns the element at an index."),
    row("linsert", 5, ADD, Keys::FIRST, linsert)
        .doc("2.2.0", "Inserts an element before or after another one."),
    row("llen", 2, READONLY | FAST, Keys::FIRST, llen).doc("1.0.0", "Returns the number of elements."),
    row("lmove", 5, ADD, Keys::TWO, lmove).doc("6.2.0", "Moves an element from one list to another."),
    row("lmpop", -4, WRITE | MOVABLEKEYS, COUNTED, lmpop)
        .doc("7.0.0", "Removes and returns elements of one of several lists."),
    row("lpop", -2, WRITE | FAST, Keys::FIRST, lpop).doc("1.0.0", "Removes and returns the first elements."),
    row("lpos", -3, READONLY, Keys::FIRST, lpos).doc("6.0.6", "Returns where elements are."),
    row("lpush", -3, ADD | FAST, Keys::FIRST, lpush).doc("1.0.0", "Adds elements at the front."),
    row("lpushx", -3, ADD | FAST, Keys::FIRST, lpushx)
        .doc("2.2.0", "Adds elements at the front if there is a list."),
    row("lrange", 4, READONLY, Keys::FIRST, lrange).doc("1.0.0", "Returns the elements of a range."),
    row("lrem", 4, WRITE, Keys::FIRST, lrem).doc("1.0.0", "Removes elements that are equal."),
    row("lset", 4, ADD, Keys::FIRST, lset).doc("1.0.0", "Replaces the element at an index."),
    row("ltrim", 4, WRITE, Keys::FIRST, ltrim).doc("1.0.0", "Removes all elements outside of a range."),
    row("rpop", -2, WRITE | FAST, Keys::FIRST, rpop).doc("1.0.0", "Removes and returns the last elements."),
    row("rpoplpush", 3, ADD, Keys::TWO, rpoplpush)
        .doc("1.2.0", "Moves the last element to the front of a list."),
    row("rpush", -3, ADD | FAST, Keys::FIRST, rpush).doc("1.0.0", "Adds elements at the back."),
    row("rpushx", -3, ADD | FAST, Keys::FIRST, rpushx)
        .doc("2.2.0", "Adds elements at the back if there is a list."),
];

const COUNTED: Keys = Keys::Counted { at: 1, destination: 0 };

const fn row(
    name: &'static str,
    arity: i32,
    flags: u32,
    keys: Keys,
    run: fn(&mut Call<'_>) -> Outcome,
) -> Spec {
    Spec { group: "list", ..Spec::new(name, arity, flags, keys, run) }
}

/// Returns the list of the first argument.
fn list<'c>(call: &'c Call<'_>) -> Result<Option<ListView<'c>>, CommandError> {
    Ok(call.keys().get_as::<List>(call.args.at(1), call.now)?)
}

fn lpush(call: &mut Call<'_>) -> Outcome {
    push(call, Side::Front, true)
}

fn rpush(call: &mut Call<'_>) -> Outcome {
    push(call, Side::Back, true)
}

fn lpushx(call: &mut Call<'_>) -> Outcome {
    push(call, Side::Front, false)
}

fn rpushx(call: &mut Call<'_>) -> Outcome {
    push(call, Side::Back, false)
}

fn push(call: &mut Call<'_>, side: Side, creates: bool) -> Outcome {
    let (key, now, limits) = (call.args.at(1), call.now, call.limits());
    let elements = call.args.from(2);
    if !creates && list(call)?.is_none() {
        call.reply().count(0);
        return Ok(());
    }
    let keys = call.parts().0;
    keys.make_room(elements.size(), now)?;
    let len = keys.edit_as::<List, _, values::ReserveError>(key, now, |list| {
        match elements.len() {
            1 => list.try_push(side, elements.at(0), &limits)?,
            _ => list.try_push_all(side, elements.iter().map(Element::Bytes), &limits)?,
        }
        Ok(list.len())
    })?;
    call.changed(notify::LIST, if side == Side::Front { "lpush" } else { "rpush" }, key);
    call.reply().count(len);
    Ok(())
}

fn lpop(call: &mut Call<'_>) -> Outcome {
    pop(call, Side::Front)
}

fn rpop(call: &mut Call<'_>) -> Outcome {
    pop(call, Side::Back)
}

fn pop(call: &mut Call<'_>, side: Side) -> Outcome {
    let key = call.args.at(1);
    let count = match call.args.len() {
        2 => None,
        3 => Some(natural(call.args.at(2))?),
        _ => return Err(CommandError::arity(if side == Side::Front { "lpop" } else { "rpop" })),
    };
    let Some(count) = count else {
        if !pop_one(call, key, side)? {
            call.reply().null();
        }
        return Ok(());
    };
    if list(call)?.is_none() {
        call.reply().null_array();
        return Ok(());
    }
    pop_many(call, key, side, count)
}

/// Removes an element and writes it. Writes nothing and returns `false` if there is none.
pub(super) fn pop_one(call: &mut Call<'_>, key: &[u8], side: Side) -> Result<bool, CommandError> {
    let (now, limits) = (call.now, call.limits());
    let (keys, reply) = call.parts();
    let popped = keys.modify_as::<List, _, values::ReserveError>(key, now, |list| {
        list.try_pop_with(side, &limits, |element| {
            reply.element(element);
            Ok::<_, values::ReserveError>(())
        })
    })?;
    let is_popped = popped.flatten().is_some();
    if is_popped {
        popped_from(call, key, side);
    }
    Ok(is_popped)
}

/// Notes that elements have gone from a list.
fn popped_from(call: &mut Call<'_>, key: &[u8], side: Side) {
    call.changed(notify::LIST, if side == Side::Front { "lpop" } else { "rpop" }, key);
    call.notify_if_removed(key);
}

/// Removes up to `count` elements, and writes them as an array.
fn pop_many(call: &mut Call<'_>, key: &[u8], side: Side, count: usize) -> Outcome {
    let (now, limits) = (call.now, call.limits());
    let (keys, reply) = call.parts();
    let popped = keys.modify_as::<List, _, values::ReserveError>(key, now, |list| {
        let count = count.min(list.len());
        reply.array(count);
        let mut elements = list.iter();
        for _ in 0..count {
            if let Some(element) = elements.next_element(side)? {
                reply.element(element);
            }
        }
        list.try_remove_end(side, count, &limits)
    })?;
    if popped.is_some_and(|popped| popped > 0) {
        popped_from(call, key, side);
    }
    Ok(())
}

fn llen(call: &mut Call<'_>) -> Outcome {
    let len = list(call)?.map_or(0, ListView::len);
    call.reply().count(len);
    Ok(())
}

fn lindex(call: &mut Call<'_>) -> Outcome {
    let (key, now) = (call.args.at(1), call.now);
    let args = call.args;
    let (keys, reply) = call.parts();
    let Some(list) = keys.get_as::<List>(key, now)? else {
        reply.null();
        return Ok(());
    };
    match list.try_get(integer(args.at(2))?)? {
        Some(item) => reply.element(item.element()),
        None => reply.null(),
    }
    Ok(())
}

fn lrange(call: &mut Call<'_>) -> Outcome {
    let (key, now) = (call.args.at(1), call.now);
    let (start, end) = (integer(call.args.at(2))?, integer(call.args.at(3))?);
    let (keys, reply) = call.parts();
    let Some(list) = keys.get_as::<List>(key, now)? else {
        reply.array(0);
        return Ok(());
    };
    let mut elements = list.range(start, end);
    reply.array(elements.len());
    while let Some(element) = elements.next_element(Side::Front)? {
        reply.element(element);
    }
    Ok(())
}

fn lset(call: &mut Call<'_>) -> Outcome {
    let (key, now, limits) = (call.args.at(1), call.now, call.limits());
    let element = call.args.at(3);
    if list(call)?.is_none() {
        return Err(CommandError::NO_SUCH_KEY);
    }
    let index = integer(call.args.at(2))?;
    let keys = call.parts().0;
    keys.make_room(element.len(), now)?;
    let is_set = keys.modify_as::<List, _, _>(key, now, |list| list.try_set(index, element, &limits))?;
    if is_set != Some(true) {
        return Err(CommandError::OUT_OF_RANGE);
    }
    call.changed(notify::LIST, "lset", key);
    call.reply().ok();
    Ok(())
}

fn linsert(call: &mut Call<'_>) -> Outcome {
    let (key, now, limits) = (call.args.at(1), call.now, call.limits());
    let side = match () {
        () if call.args.is(2, "BEFORE") => Side::Front,
        () if call.args.is(2, "AFTER") => Side::Back,
        () => return Err(CommandError::SYNTAX),
    };
    let (pivot, element) = (call.args.at(3), call.args.at(4));
    let keys = call.parts().0;
    keys.make_room(element.len(), now)?;
    let len = keys.modify_as::<List, _, values::ReserveError>(key, now, |list| {
        let is_inserted = list.try_insert(side, pivot, element, &limits)?;
        Ok(is_inserted.then(|| list.len()))
    })?;
    match len {
        None => call.reply().count(0),
        Some(None) => call.reply().integer(-1),
        Some(Some(len)) => {
            call.changed(notify::LIST, "linsert", key);
            call.reply().count(len);
        }
    }
    Ok(())
}

fn lrem(call: &mut Call<'_>) -> Outcome {
    let (key, now, limits) = (call.args.at(1), call.now, call.limits());
    let (count, element) = (integer(call.args.at(2))?, call.args.at(3));
    let removed = call
        .parts()
        .0
        .modify_as::<List, _, _>(key, now, |list| list.try_remove(count, element, &limits))?
        .unwrap_or(0);
    if removed > 0 {
        call.changed(notify::LIST, "lrem", key);
        call.notify_if_removed(key);
    }
    call.reply().count(removed);
    Ok(())
}

fn ltrim(call: &mut Call<'_>) -> Outcome {
    let (key, now, limits) = (call.args.at(1), call.now, call.limits());
    let (start, end) = (integer(call.args.at(2))?, integer(call.args.at(3))?);
    let trimmed =
        call.parts().0.modify_as::<List, _, _>(key, now, |list| list.try_trim(start, end, &limits))?;
    if trimmed.is_some() {
        call.changed(notify::LIST, "ltrim", key);
        call.notify_if_removed(key);
    }
    call.reply().ok();
    Ok(())
}

fn lpos(call: &mut Call<'_>) -> Outcome {
    let (key, now, args) = (call.args.at(1), call.now, call.args);
    let (mut rank, mut count, mut max_len) = (1, None, 0);
    for index in (3..args.len()).step_by(2) {
        let value = args.get(index + 1).ok_or(CommandError::SYNTAX)?;
        if args.is(index, "RANK") {
            rank = integer(value)?;
            if rank == 0 {
                return Err(CommandError::new(
                    "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use \
                     negative to start from the end of the list",
                ));
            }
            if rank == i64::MIN {
                return Err(CommandError::new(
                    "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
                ));
            }
        } else if args.is(index, "COUNT") {
            count = Some(natural(value).map_err(|_| CommandError::new("ERR COUNT can't be negative"))?);
        } else if args.is(index, "MAXLEN") {
            max_len = natural(value).map_err(|_| CommandError::new("ERR MAXLEN can't be negative"))?;
        } else {
            return Err(CommandError::SYNTAX);
        }
    }
    let (keys, reply) = call.parts();
    let most = match count {
        None => 1,
        Some(0) => usize::MAX,
        Some(count) => count,
    };
    let list = keys.get_as::<List>(key, now)?;
    let at = reply.defer();
    let mut found = 0;
    if let (Some(list), Some(rank)) = (list, NonZeroI64::new(rank)) {
        let mut positions = list.positions(args.at(2), rank, max_len);
        while found < most
            && let Some(position) = positions.try_next()?
        {
            reply.count(position);
            found += 1;
        }
    }
    match count {
        Some(_) => reply.end_array(at, found),
        None if found == 0 => reply.null(),
        None => {}
    }
    Ok(())
}

/// Parses an end of a list.
pub(super) fn side(args: Args<'_>, index: usize) -> Result<Side, CommandError> {
    match () {
        () if args.is(index, "LEFT") => Ok(Side::Front),
        () if args.is(index, "RIGHT") => Ok(Side::Back),
        () => Err(CommandError::SYNTAX),
    }
}

fn lmove(call: &mut Call<'_>) -> Outcome {
    let (from, to) = (side(call.args, 3)?, side(call.args, 4)?);
    if !move_element(call, from, to)? {
        call.reply().null();
    }
    Ok(())
}

fn rpoplpush(call: &mut Call<'_>) -> Outcome {
    if !move_element(call, Side::Back, Side::Front)? {
        call.reply().null();
    }
    Ok(())
}

/// Moves an element of the list of the first argument to that of the second one, and writes it. Writes
/// nothing and returns `false` if there is none.
pub(super) fn move_element(call: &mut Call<'_>, from: Side, to: Side) -> Result<bool, CommandError> {
    let (source, target) = (call.args.at(1), call.args.at(2));
    let (now, limits) = (call.now, call.limits());
    let Some(list) = list(call)? else { return Ok(false) };
    let Some(item) = list.try_get(if from == Side::Front { 0 } else { -1 })? else { return Ok(false) };
    call.keys().get_as::<List>(target, now)?;
    let element = values::OwnedElement::try_from(item.element())?;
    drop(item);
    let element = element.as_element();
    let keys = call.parts().0;
    if source == target {
        keys.modify_as::<List, _, _>(source, now, |list| list.try_rotate(from, to, &limits))?;
    } else {
        keys.make_room(element.len(), now)?;
        keys.edit_as::<List, _, _>(target, now, |list| list.try_push(to, element, &limits))?;
        keys.modify_as::<List, _, _>(source, now, |list| list.try_remove_end(from, 1, &limits))?;
    }
    call.reply().element(element);
    call.changed(notify::LIST, if to == Side::Front { "lpush" } else { "rpush" }, target);
    popped_from(call, source, from);
    Ok(true)
}

fn lmpop(call: &mut Call<'_>) -> Outcome {
    if !pop_from_first(call, call.args.from(1))? {
        call.reply().null_array();
    }
    Ok(())
}

/// The arguments of `LMPOP` from the number of keys on: keys, side and count.
pub(super) fn mpop_options(args: Args<'_>) -> Result<(Args<'_>, Side, usize), CommandError> {
    let (names, rest) = super::counted_keys(args)?;
    let side = side(rest, 0)?;
    let count = match rest.len() {
        1 => 1,
        3 if rest.is(1, "COUNT") => natural(rest.at(2)).unwrap_or(0),
        _ => return Err(CommandError::SYNTAX),
    };
    if count == 0 {
        return Err(CommandError::new("ERR count should be greater than 0"));
    }
    Ok((names, side, count))
}

/// Removes elements of the first list that has some, and writes its key and them. Writes nothing and returns
/// `false` if there is none.
pub(super) fn pop_from_first(call: &mut Call<'_>, args: Args<'_>) -> Result<bool, CommandError> {
    let (names, side, count) = mpop_options(args)?;
    let now = call.now;
    for name in names.iter() {
        if call.keys().get_as::<List>(name, now)?.is_some() {
            call.reply().array(2);
            call.reply().bulk(name);
            pop_many(call, name, side, count)?;
            return Ok(true);
        }
    }
    Ok(false)
}
