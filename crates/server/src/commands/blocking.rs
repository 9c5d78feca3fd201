//! Commands that block the client until a key holds a list.

use super::lists::{move_one, pop_from, pop_one, side};
use super::read::{Mpop, keys_and_timeout, pop_first};
use crate::args::Args;
use crate::call::Call;
use crate::client::TimeoutReply;
use crate::error::Outcome;
use crate::spec::flags::{BLOCKING, DENYOOM, WRITE};
use crate::spec::{Keys, Spec, row};
use values::ObjectType;
use values::list::Side;

const TAKE: u32 = WRITE | BLOCKING;

pub(super) const COMMANDS: &[Spec] = &[
    row("blmove", 6, TAKE | DENYOOM, Keys::TWO, blmove)
        .doc("6.2.0", "Moves an element from a list to another. Waits until there is one."),
    row("blmpop", -5, TAKE, Keys::Counted { at: 2, destination: 0 }, blmpop)
        .doc("7.0.0", "Removes and returns elements of one of several lists. Waits until there is one."),
    row("blpop", -3, TAKE, BEFORE_TIMEOUT, blpop)
        .doc("2.0.0", "Removes and returns the first element of a list. Waits until there is one."),
    row("brpop", -3, TAKE, BEFORE_TIMEOUT, brpop)
        .doc("2.0.0", "Removes and returns the last element of a list. Waits until there is one."),
    row("brpoplpush", 4, TAKE | DENYOOM, Keys::TWO, brpoplpush)
        .doc("2.2.0", "Moves the last element of a list to the front of another. Waits until there is one."),
];

const BEFORE_TIMEOUT: Keys = Keys::Range { first: 1, last: -2, step: 1 };

/// Blocks the client until one of these keys holds a list. The reply after a timeout is a null array, even for a
/// command that returns a string.
fn wait(call: &mut Call<'_>, keys: Args<'_>, timeout: u64) {
    call.block(keys.iter(), ObjectType::List, timeout, TimeoutReply::NullArray);
}

fn blpop(call: &mut Call<'_>) -> Outcome {
    pop(call, Side::Front)
}

fn brpop(call: &mut Call<'_>) -> Outcome {
    pop(call, Side::Back)
}

fn pop(call: &mut Call<'_>, side: Side) -> Outcome {
    let (keys, timeout) = keys_and_timeout(call)?;
    let pop_and_append = |key: &[u8]| {
        let is_found = pop_one(call, key, side, true)?;
        if is_found {
            call.append_instead(&[if side == Side::Front { b"LPOP" } else { b"RPOP" }, key]);
        }
        Ok(is_found)
    };
    if !pop_first(keys, pop_and_append)? {
        wait(call, keys, timeout);
    }
    Ok(())
}

fn blmpop(call: &mut Call<'_>) -> Outcome {
    let Mpop { keys, end, count } = Mpop::parse(call.args.from(2), side)?;
    let timeout = Call::timeout(call.args.at(1))?;
    if !pop_first(keys, |key| pop_from(call, key, end, count))? {
        wait(call, keys, timeout);
    }
    Ok(())
}

fn blmove(call: &mut Call<'_>) -> Outcome {
    let (from, to) = (side(call.args.at(3))?, side(call.args.at(4))?);
    move_or_wait(call, from, to, 5)
}

fn brpoplpush(call: &mut Call<'_>) -> Outcome {
    move_or_wait(call, Side::Back, Side::Front, 3)
}

fn move_or_wait(call: &mut Call<'_>, from: Side, to: Side, timeout_at: usize) -> Outcome {
    let timeout = Call::timeout(call.args.at(timeout_at))?;
    if move_one(call, from, to)? {
        let (source, target) = (call.args.at(1), call.args.at(2));
        let word = |side| if side == Side::Front { &b"LEFT"[..] } else { b"RIGHT" };
        call.append_instead(&[b"LMOVE", source, target, word(from), word(to)]);
    } else if call.is_in_exec {
        call.reply().null();
    } else {
        wait(call, call.args.first(2).from(1), timeout);
    }
    Ok(())
}
