//! Commands that remove the members with the lowest or highest scores, and those that wait for them.

use super::read::{Mpop, keys_and_timeout, pop_first};
use crate::args::Args;
use crate::call::Call;
use crate::client::TimeoutReply;
use crate::error::{CommandError, Outcome};
use crate::notify;
use crate::numbers::natural;
use crate::spec::flags::{BLOCKING, FAST, MOVABLEKEYS, WRITE};
use crate::spec::{Keys, Spec, on_key, row};
use values::{ObjectType, ZSet};

pub(super) const COMMANDS: &[Spec] = &[
    row("bzmpop", -5, WRITE | BLOCKING | MOVABLEKEYS, Keys::Counted { at: 2, destination: 0 }, bzmpop)
        .doc("7.0.0", "Removes and returns members of one of several sets. Waits until there is one."),
    row("bzpopmax", -3, WRITE | BLOCKING | FAST, BEFORE_TIMEOUT, bzpopmax)
        .doc("5.0.0", "Removes and returns the member with the highest score. Waits until there is one."),
    row("bzpopmin", -3, WRITE | BLOCKING | FAST, BEFORE_TIMEOUT, bzpopmin)
        .doc("5.0.0", "Removes and returns the member with the lowest score. Waits until there is one."),
    row("zmpop", -4, WRITE | MOVABLEKEYS, Keys::Counted { at: 1, destination: 0 }, zmpop)
        .doc("7.0.0", "Removes and returns members of one of several sets."),
    on_key("zpopmax", -2, WRITE | FAST, zpopmax)
        .doc("5.0.0", "Removes and returns the members with the highest scores."),
    on_key("zpopmin", -2, WRITE | FAST, zpopmin)
        .doc("5.0.0", "Removes and returns the members with the lowest scores."),
];

const BEFORE_TIMEOUT: Keys = Keys::Range { first: 1, last: -2, step: 1 };

/// Which members are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Those with the lowest scores.
    Min,
    /// Those with the highest scores.
    Max,
}

/// How the members are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Members and scores in one array.
    Flat,
    /// An array of pairs in RESP3, and one array in RESP2.
    Pairs,
    /// The key, and an array of pairs.
    KeyAndPairs,
    /// The key, one member and its score.
    KeyAndMember,
}

/// Removes up to `count` members, and writes them. Writes nothing and returns `false` if there is no such key.
fn pop(call: &mut Call<'_>, key: &[u8], end: End, count: usize, form: Form) -> Result<bool, CommandError> {
    let now = call.now;
    let (keys, reply) = call.parts();
    let popped = keys.modify_as::<ZSet, _, keyspace::Error>(key, now, |set| {
        let len = set.view().len();
        let count = count.min(len);
        let ranks = if end == End::Min { 0..count } else { len - count..len };
        match form {
            Form::Flat => reply.array(2 * count),
            Form::Pairs => reply.pairs(count),
            Form::KeyAndPairs => {
                reply.array(2);
                reply.bulk(key);
                reply.array(count);
            }
            Form::KeyAndMember => {
                reply.array(3);
                reply.bulk(key);
            }
        }
        let mut write = |(member, score)| {
            match form {
                Form::Flat | Form::KeyAndMember => {}
                Form::Pairs => reply.pair(),
                Form::KeyAndPairs => reply.array(2),
            }
            reply.element(member);
            reply.double(score);
        };
        let members = set.view().range(ranks.clone());
        if end == End::Min {
            members.for_each(&mut write)
        } else {
            members.rev().for_each(&mut write)
        }
        Ok(set.remove_range(ranks))
    })?;
    let Some(popped) = popped else { return Ok(false) };
    if popped > 0 {
        call.changed(notify::ZSET, if end == End::Min { "zpopmin" } else { "zpopmax" }, key, popped);
        call.notify_if_removed(key);
    }
    Ok(true)
}

fn zpopmin(call: &mut Call<'_>) -> Outcome {
    pop_from_one(call, End::Min)
}

fn zpopmax(call: &mut Call<'_>) -> Outcome {
    pop_from_one(call, End::Max)
}

fn pop_from_one(call: &mut Call<'_>, end: End) -> Outcome {
    let (count, form) = match call.args.len() {
        2 => (1, Form::Flat),
        3 => (natural(call.args.at(2))?, Form::Pairs),
        _ => return Err(CommandError::SYNTAX),
    };
    let key = call.args.at(1);
    if !pop(call, key, end, count, form)? {
        call.reply().array(0);
    }
    Ok(())
}

/// Like [`pop`], for a command of several keys. In the append-only file it pops from the one that had members.
fn pop_from(
    call: &mut Call<'_>,
    key: &[u8],
    end: End,
    count: usize,
    form: Form,
) -> Result<bool, CommandError> {
    let is_found = pop(call, key, end, count, form)?;
    if is_found {
        let name: &[u8] = if end == End::Min { b"ZPOPMIN" } else { b"ZPOPMAX" };
        call.append_instead(&[name, key, itoa::Buffer::new().format(count).as_bytes()]);
    }
    Ok(is_found)
}

/// Lets the client wait for one of these sorted sets.
fn wait(call: &mut Call<'_>, keys: Args<'_>, timeout: u64) {
    call.block(keys.iter(), ObjectType::ZSet, timeout, TimeoutReply::NullArray);
}

fn bzpopmin(call: &mut Call<'_>) -> Outcome {
    pop_or_wait(call, End::Min)
}

fn bzpopmax(call: &mut Call<'_>) -> Outcome {
    pop_or_wait(call, End::Max)
}

fn pop_or_wait(call: &mut Call<'_>, end: End) -> Outcome {
    let (keys, timeout) = keys_and_timeout(call)?;
    if !pop_first(keys, |key| pop_from(call, key, end, 1, Form::KeyAndMember))? {
        wait(call, keys, timeout);
    }
    Ok(())
}

/// Parses `MIN` or `MAX`.
fn end(word: &[u8]) -> Result<End, CommandError> {
    match word {
        _ if word.eq_ignore_ascii_case(b"min") => Ok(End::Min),
        _ if word.eq_ignore_ascii_case(b"max") => Ok(End::Max),
        _ => Err(CommandError::SYNTAX),
    }
}

fn zmpop(call: &mut Call<'_>) -> Outcome {
    let Mpop { keys, end, count } = Mpop::parse(call.args.from(1), end)?;
    if !pop_first(keys, |key| pop_from(call, key, end, count, Form::KeyAndPairs))? {
        call.reply().null_array();
    }
    Ok(())
}

fn bzmpop(call: &mut Call<'_>) -> Outcome {
    let Mpop { keys, end, count } = Mpop::parse(call.args.from(2), end)?;
    let timeout = Call::timeout(call.args.at(1))?;
    if !pop_first(keys, |key| pop_from(call, key, end, count, Form::KeyAndPairs))? {
        wait(call, keys, timeout);
    }
    Ok(())
}
