//! Commands for hashes.

use super::read::{RandomCount, begin_pairs, in_pieces, read, write_pair};
use crate::call::Call;
use crate::error::{CommandError, Outcome};
use crate::notify;
use crate::numbers::integer;
use crate::reply::Reply;
use crate::spec::flags::{DENYOOM, FAST, READONLY, WRITE};
use crate::spec::{Spec, on_key, on_member};
use values::string::LongDouble;
use values::{Element, Hash};

const ADD: u32 = WRITE | DENYOOM | FAST;
const READ: u32 = READONLY | FAST;

pub(super) const COMMANDS: &[Spec] = &[
    on_member("hdel", -3, WRITE | FAST, hdel).doc("2.0.0", "Removes fields of a hash."),
    on_member("hexists", 3, READ, hexists).doc("2.0.0", "Returns whether a hash has a field."),
    on_member("hget", 3, READ, hget).doc("2.0.0", "Returns the value of a field."),
    on_key("hgetall", 2, READONLY, hgetall).doc("2.0.0", "Returns all fields and their values."),
    on_member("hincrby", 4, ADD, hincrby).doc("2.0.0", "Adds a number to the integer of a field."),
    on_member("hincrbyfloat", 4, ADD, hincrbyfloat).doc("2.6.0", "Adds a number to the number of a field."),
    on_key("hkeys", 2, READONLY, hkeys).doc("2.0.0", "Returns all fields."),
    on_key("hlen", 2, READ, hlen).doc("2.0.0", "Returns the number of fields."),
    on_member("hmget", -3, READ, hmget).doc("2.0.0", "Returns the values of several fields."),
    on_member("hmset", -4, ADD, hmset).doc("2.0.0", "Sets the values of several fields."),
    on_key("hrandfield", -2, READONLY, hrandfield).doc("6.2.0", "Returns random fields."),
    on_member("hset", -4, ADD, hset).doc("2.0.0", "Sets the values of fields."),
    on_member("hsetnx", 4, ADD, hsetnx).doc("2.0.0", "Sets the value of a field that does not exist."),
    on_member("hstrlen", 3, READ, hstrlen).doc("3.2.0", "Returns the length of the value of a field."),
    on_key("hvals", 2, READONLY, hvals).doc("2.0.0", "Returns the values of all fields."),
];

fn hset(call: &mut Call<'_>) -> Outcome {
    let new = set_pairs(call, "hset")?;
    call.reply().count(new);
    Ok(())
}

fn hmset(call: &mut Call<'_>) -> Outcome {
    set_pairs(call, "hmset")?;
    call.reply().ok();
    Ok(())
}

/// Sets the fields of a request, and returns how many are new.
fn set_pairs(call: &mut Call<'_>, name: &str) -> Result<usize, CommandError> {
    let (key, now, limits) = (call.args.at(1), call.now, call.limits());
    let args = call.args.from(2);
    if !args.len().is_multiple_of(2) {
        return Err(CommandError::arity(name));
    }
    let (keys, _) = call.parts();
    let new = if args.len() == 2 {
        let (field, value) = (args.at(0), args.at(1));
        keys.edit_as::<Hash, _, _>(key, now, |hash| hash.try_insert(field, value, &limits))?.into()
    } else {
        let pair = |at| (Element::Bytes(args.at(at)), Element::Bytes(args.at(at + 1)));
        let pairs: Vec<_> = (0..args.len()).step_by(2).map(pair).collect();
        keys.edit_as::<Hash, _, _>(key, now, |hash| hash.try_insert_many(&pairs, &limits))?
    };
    call.changed(notify::HASH, "hset", key, args.len() / 2);
    Ok(new)
}

fn hsetnx(call: &mut Call<'_>) -> Outcome {
    let (key, now, limits) = (call.args.at(1), call.now, call.limits());
    let (field, value) = (call.args.at(2), call.args.at(3));
    let (keys, _) = call.parts();
    let is_new =
        keys.edit_as::<Hash, _, _>(key, now, |hash| hash.try_insert_absent(field, value, &limits))?;
    if is_new {
        call.changed(notify::HASH, "hset", key, 1);
    }
    call.reply().flag(is_new);
    Ok(())
}

fn hget(call: &mut Call<'_>) -> Outcome {
    let field = call.args.at(2);
    read::<Hash>(call, |reply, hash| {
        match hash.and_then(|hash| hash.get(field)) {
            Some(value) => reply.element(value),
            None => reply.null(),
        }
        Ok(())
    })
}

fn hmget(call: &mut Call<'_>) -> Outcome {
    let fields = call.args.from(2);
    read::<Hash>(call, |reply, hash| {
        reply.array(fields.len());
        for field in fields.iter() {
            match hash.and_then(|hash| hash.get(field)) {
                Some(value) => reply.element(value),
                None => reply.null(),
            }
        }
        Ok(())
    })
}

fn hgetall(call: &mut Call<'_>) -> Outcome {
    read::<Hash>(call, |reply, hash| {
        reply.map(hash.map_or(0, |hash| hash.len()));
        for (field, value) in hash.into_iter().flat_map(|hash| hash.iter()) {
            reply.element(field);
            reply.element(value);
        }
        Ok(())
    })
}

fn hkeys(call: &mut Call<'_>) -> Outcome {
    read::<Hash>(call, |reply, hash| {
        reply.array(hash.map_or(0, |hash| hash.len()));
        hash.into_iter().flat_map(|hash| hash.keys()).for_each(|field| reply.element(field));
        Ok(())
    })
}

fn hvals(call: &mut Call<'_>) -> Outcome {
    read::<Hash>(call, |reply, hash| {
        reply.array(hash.map_or(0, |hash| hash.len()));
        hash.into_iter().flat_map(|hash| hash.values()).for_each(|value| reply.element(value));
        Ok(())
    })
}

fn hlen(call: &mut Call<'_>) -> Outcome {
    read::<Hash>(call, |reply, hash| {
        reply.count(hash.map_or(0, |hash| hash.len()));
        Ok(())
    })
}

fn hstrlen(call: &mut Call<'_>) -> Outcome {
    let field = call.args.at(2);
    read::<Hash>(call, |reply, hash| {
        reply.count(hash.and_then(|hash| hash.value_len(field)).unwrap_or(0));
        Ok(())
    })
}

fn hexists(call: &mut Call<'_>) -> Outcome {
    let field = call.args.at(2);
    read::<Hash>(call, |reply, hash| {
        reply.flag(hash.is_some_and(|hash| hash.contains_key(field)));
        Ok(())
    })
}

fn hdel(call: &mut Call<'_>) -> Outcome {
    let (key, now) = (call.args.at(1), call.now);
    let fields = call.args.from(2);
    let removed = call.parts().0.modify_as::<Hash, _, keyspace::Error>(key, now, |hash| {
        Ok(fields.iter().filter(|field| hash.remove(*field)).count())
    })?;
    let removed = removed.unwrap_or(0);
    if removed > 0 {
        call.changed(notify::HASH, "hdel", key, removed);
        call.notify_if_removed(key);
    }
    call.reply().count(removed);
    Ok(())
}

fn hincrby(call: &mut Call<'_>) -> Outcome {
    let (key, field, now, limits) = (call.args.at(1), call.args.at(2), call.now, call.limits());
    let increment = integer(call.args.at(3))?;
    let (keys, _) = call.parts();
    let sum = keys.edit_as::<Hash, _, values::Error>(key, now, |hash| {
        Ok(hash.try_incr_by(field, increment, &limits)?)
    })?;
    call.changed(notify::HASH, "hincrby", key, 1);
    call.reply().integer(sum);
    Ok(())
}

fn hincrbyfloat(call: &mut Call<'_>) -> Outcome {
    let (key, field, now, limits) = (call.args.at(1), call.args.at(2), call.now, call.limits());
    let increment = LongDouble::parse(call.args.at(3)).ok_or(CommandError::NOT_A_FLOAT)?;
    if !increment.is_finite() {
        return Err(CommandError::new("ERR value is NaN or Infinity"));
    }
    let (keys, _) = call.parts();
    let sum = keys.edit_as::<Hash, _, values::Error>(key, now, |hash| {
        Ok(hash.try_incr_by_float(field, increment, &limits)?)
    })?;
    call.changed(notify::HASH, "hincrbyfloat", key, 1);
    sum.with_text(|text| {
        call.append_instead(&[b"HSET", key, field, text]);
        call.reply().bulk(text);
    });
    Ok(())
}

fn hrandfield(call: &mut Call<'_>) -> Outcome {
    let mut rng = call.random_source();
    if call.args.len() == 2 {
        return read::<Hash>(call, |reply, hash| {
            match hash.and_then(|hash| hash.random(rng)) {
                Some((field, _)) => reply.element(field),
                None => reply.null(),
            }
            Ok(())
        });
    }
    let (count, has_values) = RandomCount::parse_with(call.args.from(2), "WITHVALUES")?;
    read::<Hash>(call, |reply, hash| {
        let Some(hash) = hash else {
            reply.array(0);
            return Ok(());
        };
        let write = |reply: &mut Reply, field: Element<'_>, value: Element<'_>| {
            write_pair(reply, has_values, field, |reply| reply.element(value));
        };
        let len = count.of(hash.len());
        begin_pairs(reply, len, has_values);
        match count {
            RandomCount::Distinct(_) => {
                hash.try_random_unique(len, &mut rng, |field, value| write(reply, field, value))?;
            }
            RandomCount::Repeated(_) => in_pieces(reply, len, |reply, piece| {
                hash.random_many(piece, &mut rng, |field, value| write(reply, field, value));
            }),
        }
        Ok(())
    })
}
