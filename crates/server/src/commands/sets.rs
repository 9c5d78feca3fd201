//! Commands for sets.

use super::read::{FEW_KEYS, RandomCount, count_reads, counted_keys, in_pieces, intercard_limit, read};
use crate::args::{Args, OwnedArgs};
use crate::call::Call;
use crate::error::{CommandError, Outcome};
use crate::notify;
use crate::numbers::natural;
use crate::spec::flags::{DENYOOM, FAST, READONLY, WRITE};
use crate::spec::{Keys, Spec, on_key, on_member, row};
use keyspace::{Error, Keyspace};
use values::{Collection, Element, ObjectType, Set, SetView, WrongType, set};

pub(super) const COMMANDS: &[Spec] = &[
    on_member("sadd", -3, WRITE | DENYOOM | FAST, sadd).doc("1.0.0", "Adds members to a set."),
    on_key("scard", 2, READONLY | FAST, scard).doc("1.0.0", "Returns the number of members."),
    row("sdiff", -2, READONLY, Keys::ALL, sdiff).doc("1.0.0", "Returns the difference of sets."),
    row("sdiffstore", -3, WRITE | DENYOOM, Keys::ALL, sdiffstore)
        .doc("1.0.0", "Stores the difference of sets."),
    row("sinter", -2, READONLY, Keys::ALL, sinter).doc("1.0.0", "Returns the intersection of sets."),
    row("sintercard", -3, READONLY, Keys::Counted { at: 1, destination: 0 }, sintercard)
        .doc("7.0.0", "Returns the number of members of an intersection."),
    row("sinterstore", -3, WRITE | DENYOOM, Keys::ALL, sinterstore)
        .doc("1.0.0", "Stores the intersection of sets."),
    on_member("sismember", 3, READONLY | FAST, sismember).doc("1.0.0", "Returns whether a set has a member."),
    on_key("smembers", 2, READONLY, smembers).doc("1.0.0", "Returns all members of a set."),
    on_member("smismember", -3, READONLY | FAST, smismember)
        .doc("6.2.0", "Returns for several members whether a set has them."),
    row("smove", 4, WRITE | FAST, Keys::TWO, smove).doc("1.0.0", "Moves a member to another set."),
    on_key("spop", -2, WRITE | FAST, spop).doc("1.0.0", "Removes random members and returns them."),
    on_key("srandmember", -2, READONLY, srandmember).doc("1.0.0", "Returns random members."),
    on_member("srem", -3, WRITE | FAST, srem).doc("1.0.0", "Removes members of a set."),
    row("sunion", -2, READONLY, Keys::ALL, sunion).doc("1.0.0", "Returns the union of sets."),
    row("sunionstore", -3, WRITE | DENYOOM, Keys::ALL, sunionstore).doc("1.0.0", "Stores the union of sets."),
];

fn sadd(call: &mut Call<'_>) -> Outcome {
    let (key, now, limits) = (call.args.at(1), call.now, call.limits());
    let members = call.args.from(2);
    let added = call.parts().0.edit_as::<Set, _, Error>(key, now, |set| {
        if Set::view_in(set).is_empty() {
            *set = Set::try_with_hint(members.at(0), members.len(), &limits)?.into_in();
        } else {
            set.try_convert_for(members.len(), &limits)?;
        }
        let mut added = 0_usize;
        for member in members.iter() {
            added += usize::from(set.try_insert(member, &limits)?);
        }
        Ok(added)
    })?;
    if added > 0 {
        call.changed(notify::SET, "sadd", key, added);
    }
    call.reply().count(added);
    Ok(())
}

fn srem(call: &mut Call<'_>) -> Outcome {
    let (key, now) = (call.args.at(1), call.now);
    let members = call.args.from(2);
    let removed = call.parts().0.modify_as::<Set, _, Error>(key, now, |set| {
        Ok(members.iter().filter(|member| set.remove(*member)).count())
    })?;
    let removed = removed.unwrap_or(0);
    if removed > 0 {
        call.changed(notify::SET, "srem", key, removed);
        call.notify_if_removed(key);
    }
    call.reply().count(removed);
    Ok(())
}

fn scard(call: &mut Call<'_>) -> Outcome {
    read::<Set>(call, |reply, set| {
        reply.count(set.map_or(0, |set| set.len()));
        Ok(())
    })
}

fn sismember(call: &mut Call<'_>) -> Outcome {
    let member = call.args.at(2);
    read::<Set>(call, |reply, set| {
        reply.flag(set.is_some_and(|set| set.contains(member)));
        Ok(())
    })
}

fn smismember(call: &mut Call<'_>) -> Outcome {
    let members = call.args.from(2);
    read::<Set>(call, |reply, set| {
        reply.array(members.len());
        members.iter().for_each(|member| reply.flag(set.is_some_and(|set| set.contains(member))));
        Ok(())
    })
}

fn smembers(call: &mut Call<'_>) -> Outcome {
    read::<Set>(call, |reply, set| {
        reply.set(set.map_or(0, |set| set.len()));
        set.into_iter().flat_map(|set| set.iter()).for_each(|member| reply.element(member));
        Ok(())
    })
}

fn smove(call: &mut Call<'_>) -> Outcome {
    let (source, target, member) = (call.args.at(1), call.args.at(2), call.args.at(3));
    let (now, limits) = (call.now, call.limits());
    call.exists(source);
    call.exists(target);
    let keys = call.keys();
    let Some(from) = keys.get_as::<Set>(source, now)? else {
        call.reply().flag(false);
        return Ok(());
    };
    let has_member = from.contains(member);
    let is_in_target = keys.get_as::<Set>(target, now)?.is_some_and(|to| to.contains(member));
    if has_member && source != target {
        let (keys, _) = call.parts();
        if !is_in_target {
            keys.edit_as::<Set, _, _>(target, now, |to| to.try_insert(member, &limits))?;
        }
        keys.srem(source, member, now)?;
        call.changed(notify::SET, "srem", source, 1);
        call.notify_if_removed(source);
        if !is_in_target {
            call.changed(notify::SET, "sadd", target, 1);
        }
    }
    call.reply().flag(has_member);
    Ok(())
}

fn spop(call: &mut Call<'_>) -> Outcome {
    let (key, now, limits) = (call.args.at(1), call.now, call.limits());
    let count = match call.args.len() {
        2 => None,
        3 => Some(natural(call.args.at(2))?),
        _ => return Err(CommandError::SYNTAX),
    };
    call.exists(key);
    let mut rng = call.random_source();
    let is_appended = call.is_appended();
    let (keys, reply) = call.parts();
    let Some(len) = keys.get_as::<Set>(key, now)?.map(|set| set.len()) else {
        if count.is_some() {
            reply.set(0)
        } else {
            reply.null()
        }
        return Ok(());
    };
    let wanted = count.unwrap_or(1).min(len);
    if count.is_some() {
        reply.set(wanted);
    }
    if wanted == 0 {
        return Ok(());
    }
    // The members that go are named in the append-only file, unless all of them go.
    let mut removal =
        (is_appended && wanted < len).then(|| -> OwnedArgs { [b"SREM", key].into_iter().collect() });
    let mut each = |member: Element<'_>| {
        removal.iter_mut().for_each(|removal| removal.push(&member.text()));
        reply.element(member);
    };
    keys.modify_as::<Set, _, Error>(key, now, |set| {
        match count {
            None => drop(set.pop(&mut rng, each)),
            Some(_) => drop(set.try_pop_many(wanted, &limits, &mut rng, &mut each)?),
        }
        Ok(())
    })?;
    call.changed(notify::SET, "spop", key, wanted);
    match removal {
        Some(removal) => call.state.append_only.buffer.replace(removal),
        None => call.append_instead(&[b"DEL", key]),
    }
    call.notify_if_removed(key);
    Ok(())
}

fn srandmember(call: &mut Call<'_>) -> Outcome {
    let mut rng = call.random_source();
    let count = match call.args.len() {
        2 => {
            return read::<Set>(call, |reply, set| {
                match set.and_then(|set| set.random(rng)) {
                    Some(member) => reply.element(member),
                    None => reply.null(),
                }
                Ok(())
            });
        }
        3 => RandomCount::parse(call.args.at(2))?,
        _ => return Err(CommandError::SYNTAX),
    };
    read::<Set>(call, |reply, set| {
        let Some(set) = set else {
            reply.array(0);
            return Ok(());
        };
        let len = count.of(set.len());
        reply.array(len);
        match count {
            RandomCount::Distinct(_) => {
                set.try_random_unique(len, &mut rng, |member| reply.element(member))?;
            }
            RandomCount::Repeated(_) => in_pieces(reply, len, |reply, piece| {
                set.random_many(piece, &mut rng, |member| reply.element(member));
            }),
        }
        Ok(())
    })
}

/// Returns the sets of some keys.
fn sets_of<'k>(keys: &'k Keyspace, args: Args<'_>, now: u64) -> Result<Vec<Option<SetView<'k>>>, WrongType> {
    args.iter().map(|key| keys.get_as::<Set>(key, now)).collect()
}

/// An operation on several sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Inter,
    Union,
    Diff,
}

/// Writes the result of an operation.
fn answer(call: &mut Call<'_>, operation: Operation) -> Outcome {
    let (args, now) = (call.args.from(1), call.now);
    count_reads(call, args, &[ObjectType::Set])?;
    let (keys, reply) = call.parts();
    let sets = sets_of(keys, args, now)?;
    let (first, has_all) = (sets[0], sets.iter().all(Option::is_some));
    let at = reply.defer();
    let mut len = 0;
    let each = |member: values::Element<'_>| {
        reply.element(member);
        len += 1;
    };
    match operation {
        Operation::Inter if has_all => {
            let mut sets: Vec<_> = sets.into_iter().flatten().collect();
            set::inter(&mut sets, each);
        }
        Operation::Inter => {}
        Operation::Union => {
            let sets: Vec<_> = sets.into_iter().flatten().collect();
            set::union(&sets, each)?;
        }
        Operation::Diff => {
            if let Some(first) = first {
                let mut others: Vec<_> = sets.into_iter().skip(1).flatten().collect();
                set::diff(first, &mut others, each)?;
            }
        }
    }
    reply.end_set(at, len);
    Ok(())
}

/// Stores the result of an operation.
fn store(call: &mut Call<'_>, operation: Operation, event: &str) -> Outcome {
    let (target, args, now, limits) = (call.args.at(1), call.args.from(2), call.now, call.limits());
    count_reads(call, args, &[ObjectType::Set])?;
    let sets = sets_of(call.keys(), args, now)?;
    let (first, has_all) = (sets[0], sets.iter().all(Option::is_some));
    let result = match (operation, first) {
        (Operation::Inter, _) if has_all => {
            let mut sets: Vec<_> = sets.into_iter().flatten().collect();
            set::try_inter_store(&mut sets, &limits)?
        }
        (Operation::Union, _) => {
            let sets: Vec<_> = sets.into_iter().flatten().collect();
            set::try_union_store(&sets, &limits)?
        }
        (Operation::Diff, Some(first)) => {
            let mut others: Vec<_> = sets.into_iter().skip(1).flatten().collect();
            set::try_diff_store(first, &mut others, &limits)?
        }
        (Operation::Inter | Operation::Diff, _) => Set::new(),
    };
    let len = result.view().len();
    super::store::store(call, target, (result, len), (notify::SET, event), 1)
}

fn sinter(call: &mut Call<'_>) -> Outcome {
    answer(call, Operation::Inter)
}

fn sunion(call: &mut Call<'_>) -> Outcome {
    answer(call, Operation::Union)
}

fn sdiff(call: &mut Call<'_>) -> Outcome {
    answer(call, Operation::Diff)
}

fn sinterstore(call: &mut Call<'_>) -> Outcome {
    store(call, Operation::Inter, "sinterstore")
}

fn sunionstore(call: &mut Call<'_>) -> Outcome {
    store(call, Operation::Union, "sunionstore")
}

fn sdiffstore(call: &mut Call<'_>) -> Outcome {
    store(call, Operation::Diff, "sdiffstore")
}

fn sintercard(call: &mut Call<'_>) -> Outcome {
    let now = call.now;
    let many = CommandError::new("ERR Number of keys can't be greater than number of args");
    let (args, rest) = counted_keys(call.args.from(1), FEW_KEYS, many)?;
    let limit = intercard_limit(rest)?;
    count_reads(call, args, &[ObjectType::Set])?;
    let sets = sets_of(call.keys(), args, now)?;
    let count = if sets.iter().all(Option::is_some) {
        let mut sets: Vec<_> = sets.into_iter().flatten().collect();
        set::inter_card(&mut sets, limit)
    } else {
        0
    };
    call.reply().count(count);
    Ok(())
}
