//! Commands about the time at which keys expire.

use super::strings::expire_error;
use crate::call::Call;
use crate::error::{CommandError, Outcome};
use crate::notify;
use crate::numbers::integer;
use crate::spec::flags::{FAST, READONLY, WRITE};
use crate::spec::{Keys, Spec};
use keyspace::{ExpireOptions, Expiry, Ttl};

pub(super) const COMMANDS: &[Spec] = &[
    row("expire", -3, WRITE | FAST, expire).doc("1.0.0", "Lets a key expire after seconds."),
    row("expireat", -3, WRITE | FAST, expireat).doc("1.2.0", "Lets a key expire at a time in seconds."),
    row("expiretime", 2, READONLY | FAST, expiretime).doc("7.0.0", "Returns when a key expires, in seconds."),
    row("persist", 2, WRITE | FAST, persist).doc("2.2.0", "Removes the expiry of a key."),
    row("pexpire", -3, WRITE | FAST, pexpire).doc("2.6.0", "Lets a key expire after milliseconds."),
    row("pexpireat", -3, WRITE | FAST, pexpireat)
        .doc("2.6.0", "Lets a key expire at a time in milliseconds."),
    row("pexpiretime", 2, READONLY | FAST, pexpiretime)
        .doc("7.0.0", "Returns when a key expires, in milliseconds."),
    row("pttl", 2, READONLY | FAST, pttl).doc("2.6.0", "Returns the milliseconds until a key expires."),
    row("ttl", 2, READONLY | FAST, ttl).doc("1.0.0", "Returns the seconds until a key expires."),
];

const fn row(name: &'static str, arity: i32, flags: u32, run: fn(&mut Call<'_>) -> Outcome) -> Spec {
    Spec::new(name, arity, flags, Keys::FIRST, run)
}

fn expire(call: &mut Call<'_>) -> Outcome {
    set_expiry(call, Expiry::InSeconds, "expire")
}

fn pexpire(call: &mut Call<'_>) -> Outcome {
    set_expiry(call, Expiry::InMillis, "pexpire")
}

fn expireat(call: &mut Call<'_>) -> Outcome {
    set_expiry(call, Expiry::AtSeconds, "expireat")
}

fn pexpireat(call: &mut Call<'_>) -> Outcome {
    set_expiry(call, Expiry::AtMillis, "pexpireat")
}

fn set_expiry(call: &mut Call<'_>, make: fn(i64) -> Expiry, name: &str) -> Outcome {
    let (key, now) = (call.args.at(1), call.now);
    let time = integer(call.args.at(2))?;
    let mut options = ExpireOptions::default();
    for (index, option) in call.args.iter().enumerate().skip(3) {
        let flag = match () {
            () if call.args.is(index, "NX") => &mut options.nx,
            () if call.args.is(index, "XX") => &mut options.xx,
            () if call.args.is(index, "GT") => &mut options.gt,
            () if call.args.is(index, "LT") => &mut options.lt,
            () => {
                let shown = String::from_utf8_lossy(option);
                return Err(CommandError::of(format!("ERR Unsupported option {shown}")));
            }
        };
        *flag = true;
    }
    let is_set =
        call.parts().0.expire(key, make(time), options, now).map_err(|error| expire_error(error, name))?;
    if is_set {
        let is_there = call.keys().contains_key(key, now);
        call.changed(notify::GENERIC, if is_there { "expire" } else { "del" }, key);
    }
    call.reply().flag(is_set);
    Ok(())
}

fn persist(call: &mut Call<'_>) -> Outcome {
    let (key, now) = (call.args.at(1), call.now);
    let had_expiry = call.parts().0.persist(key, now);
    if had_expiry {
        call.changed(notify::GENERIC, "persist", key);
    }
    call.reply().flag(had_expiry);
    Ok(())
}

fn ttl(call: &mut Call<'_>) -> Outcome {
    let time = call.keys().ttl(call.args.at(1), call.now).as_secs();
    call.reply().integer(time);
    Ok(())
}

fn pttl(call: &mut Call<'_>) -> Outcome {
    let time = call.keys().ttl(call.args.at(1), call.now).as_millis();
    call.reply().integer(time);
    Ok(())
}

fn expiretime(call: &mut Call<'_>) -> Outcome {
    let time = match call.keys().expire_time(call.args.at(1), call.now) {
        Ttl::Millis(millis) => i64::try_from((millis + 500) / 1_000).unwrap_or(i64::MAX),
        other => other.as_millis(),
    };
    call.reply().integer(time);
    Ok(())
}

fn pexpiretime(call: &mut Call<'_>) -> Outcome {
    let time = call.keys().expire_time(call.args.at(1), call.now).as_millis();
    call.reply().integer(time);
    Ok(())
}
