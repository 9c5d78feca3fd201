//! Commands that wait for a list.

use super::lists::{move_element, mpop_options, pop_from_first, pop_one, side};
use crate::call::Call;
use crate::client::TimeoutReply;
use crate::error::Outcome;
use crate::spec::flags::{BLOCKING, DENYOOM, MOVABLEKEYS, NOSCRIPT, WRITE};
use crate::spec::{Keys, Spec};
use values::list::Side;
use values::{List, ObjectType};

const POP: u32 = WRITE | NOSCRIPT | BLOCKING;

pub(super) const COMMANDS: &[Spec] = &[
    row("blmove", 6, POP | DENYOOM, Keys::TWO, blmove).doc("6.2.0", "Moves an element, and waits for one."),
    row("blmpop", -5, POP | MOVABLEKEYS, COUNTED, blmpop)
        .doc("7.0.0", "Removes elements, and waits for some."),
    row("blpop", -3, POP, ALL_BUT_LAST, blpop).doc("2.0.0", "Removes the first element, and waits for one."),
    row("brpop", -3, POP, ALL_BUT_LAST, brpop).doc("2.0.0", "Removes the last element, and waits for one."),
    row("brpoplpush", 4, POP | DENYOOM, Keys::TWO, brpoplpush)
        .doc("2.2.0", "Moves the last element to the front of a list, and waits for one."),
];

const ALL_BUT_LAST: Keys = Keys::Range { first: 1, last: -2, step: 1 };
const COUNTED: Keys = Keys::Counted { at: 2, destination: 0 };

const fn row(
    name: &'static str,
    arity: i32,
    flags: u32,
    keys: Keys,
    run: fn(&mut Call<'_>) -> Outcome,
) -> Spec {
    Spec { group: "list", ..Spec::new(name, arity, flags, keys, run) }
}

fn blpop(call: &mut Call<'_>) -> Outcome {
    pop(call, Side::Front)
}

fn brpop(call: &mut Call<'_>) -> Outcome {
    pop(call, Side::Back)
}

fn pop(call: &mut Call<'_>, side: Side) -> Outcome {
    let (args, now) = (call.args, call.now);
    let timeout = Call::timeout(args.at(args.len() - 1))?;
    let names = args.first(args.len() - 1).from(1);
    for name in names.iter() {
        if call.keys().get_as::<List>(name, now)?.is_some() {
            call.reply().array(2);
            call.reply().bulk(name);
            pop_one(call, name, side)?;
            return Ok(());
        }
    }
    call.block(names.iter(), ObjectType::List, timeout, TimeoutReply::NullArray);
    Ok(())
}

fn blmove(call: &mut Call<'_>) -> Outcome {
    let (from, to) = (side(call.args, 3)?, side(call.args, 4)?);
    let timeout = Call::timeout(call.args.at(5))?;
    move_or_wait(call, from, to, timeout)
}

fn brpoplpush(call: &mut Call<'_>) -> Outcome {
    let timeout = Call::timeout(call.args.at(3))?;
    move_or_wait(call, Side::Back, Side::Front, timeout)
}

fn move_or_wait(call: &mut Call<'_>, from: Side, to: Side, timeout: u64) -> Outcome {
    if !move_element(call, from, to)? {
        let source = [call.args.at(1)];
        call.block(source.into_iter(), ObjectType::List, timeout, TimeoutReply::Null);
    }
    Ok(())
}

fn blmpop(call: &mut Call<'_>) -> Outcome {
    let timeout = Call::timeout(call.args.at(1))?;
    let args = call.args.from(2);
    if !pop_from_first(call, args)? {
        let (names, ..) = mpop_options(args)?;
        call.block(names.iter(), ObjectType::List, timeout, TimeoutReply::NullArray);
    }
    Ok(())
}
