//! Commands for the expiry of keys.

use super::strings::expire_error;
use crate::call::Call;
use crate::error::{CommandError, Outcome};
use crate::notify;
use crate::numbers::integer;
use crate::spec::flags::{FAST, READONLY, WRITE};
use crate::spec::{Spec, on_key};
use keyspace::{ExpireOptions, Expiry, Ttl};

pub(super) const COMMANDS: &[Spec] = &[
    writes("expire", -3, expire).doc("1.0.0", "Lets a key expire after seconds."),
    writes("expireat", -3, expireat).doc("1.2.0", "Lets a key expire at a time in seconds."),
    reads("expiretime", expiretime).doc("7.0.0", "Returns when a key expires, in seconds."),
    writes("persist", 2, persist).doc("2.2.0", "Removes the expiry of a key."),
    writes("pexpire", -3, pexpire).doc("2.6.0", "Lets a key expire after milliseconds."),
    writes("pexpireat", -3, pexpireat).doc("2.6.0", "Lets a key expire at a time in milliseconds."),
    reads("pexpiretime", pexpiretime).doc("7.0.0", "Returns when a key expires, in milliseconds."),
    reads("pttl", pttl).doc("2.6.0", "Returns after how many milliseconds a key expires."),
    reads("ttl", ttl).doc("1.0.0", "Returns after how many seconds a key expires."),
];

const fn writes(name: &'static str, arity: i32, run: fn(&mut Call<'_>) -> Outcome) -> Spec {
    on_key(name, arity, WRITE | FAST, run)
}

const fn reads(name: &'static str, run: fn(&mut Call<'_>) -> Outcome) -> Spec {
    on_key(name, 2, READONLY | FAST, run)
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

/// Parses the conditions after the time.
fn conditions(call: &Call<'_>) -> Result<ExpireOptions, CommandError> {
    let mut options = ExpireOptions::default();
    for index in 3..call.args.len() {
        let option = match () {
            () if call.args.is(index, "NX") => &mut options.nx,
            () if call.args.is(index, "XX") => &mut options.xx,
            () if call.args.is(index, "GT") => &mut options.gt,
            () if call.args.is(index, "LT") => &mut options.lt,
            () => {
                let shown = String::from_utf8_lossy(call.args.at(index));
                return Err(CommandError::of(format!("ERR Unsupported option {shown}")));
            }
        };
        *option = true;
    }
    Ok(options)
}

fn set_expiry(call: &mut Call<'_>, make: fn(i64) -> Expiry, name: &str) -> Outcome {
    let (key, now) = (call.args.at(1), call.now);
    let options = conditions(call)?;
    let expiry = make(integer(call.args.at(2))?);
    let is_set =
        call.parts().0.expire(key, expiry, options, now).map_err(|error| expire_error(error, name))?;
    if is_set {
        let is_there = call.keys().contains_key(key, now);
        call.changed(notify::GENERIC, if is_there { "expire" } else { "del" }, key, 1);
        call.append_expiry(key);
    }
    call.reply().flag(is_set);
    Ok(())
}

fn persist(call: &mut Call<'_>) -> Outcome {
    let (key, now) = (call.args.at(1), call.now);
    let is_changed = call.parts().0.persist(key, now);
    if is_changed {
        call.changed(notify::GENERIC, "persist", key, 1);
    }
    call.reply().flag(is_changed);
    Ok(())
}

fn ttl(call: &mut Call<'_>) -> Outcome {
    let left = call.keys().ttl(call.args.at(1), call.now);
    report(call, left, Ttl::as_secs)
}

fn pttl(call: &mut Call<'_>) -> Outcome {
    let left = call.keys().ttl(call.args.at(1), call.now);
    report(call, left, Ttl::as_millis)
}

fn expiretime(call: &mut Call<'_>) -> Outcome {
    let at = call.keys().expire_time(call.args.at(1), call.now);
    report(call, at, Ttl::as_secs)
}

fn pexpiretime(call: &mut Call<'_>) -> Outcome {
    let at = call.keys().expire_time(call.args.at(1), call.now);
    report(call, at, Ttl::as_millis)
}

/// Writes a time, and counts the look-up.
fn report(call: &mut Call<'_>, time: Ttl, unit: fn(Ttl) -> i64) -> Outcome {
    call.count_read(call.args.at(1), time != Ttl::Absent);
    call.reply().integer(unit(time));
    Ok(())
}
