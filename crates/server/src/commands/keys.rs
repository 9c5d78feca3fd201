//! Commands for keys of any type.

use crate::call::Call;
use crate::error::{CommandError, Outcome};
use crate::notify;
use crate::spec::flags::{FAST, READONLY, WRITE};
use crate::spec::{Keys, Spec};
use rand::RngExt;

pub(super) const COMMANDS: &[Spec] = &[
    row("del", -2, WRITE, Keys::ALL, del).doc("1.0.0", "Removes keys."),
    row("exists", -2, READONLY | FAST, Keys::ALL, exists).doc("1.0.0", "Returns how many of the keys exist."),
    row("keys", 2, READONLY, Keys::None, keys).doc("1.0.0", "Returns all keys that match a pattern."),
    row("randomkey", 1, READONLY, Keys::None, randomkey).doc("1.0.0", "Returns a random key."),
    row("rename", 3, WRITE, Keys::TWO, rename).doc("1.0.0", "Renames a key, and replaces the other one."),
    row("renamenx", 3, WRITE | FAST, Keys::TWO, renamenx)
        .doc("1.0.0", "Renames a key if the new name is free."),
    row("touch", -2, READONLY | FAST, Keys::ALL, touch).doc("3.2.1", "Marks keys as used."),
    row("type", 2, READONLY | FAST, Keys::FIRST, type_of).doc("1.0.0", "Returns the type of a value."),
    row("unlink", -2, WRITE | FAST, Keys::ALL, unlink)
        .doc("4.0.0", "Removes keys, and frees large ones later."),
];

const fn row(
    name: &'static str,
    arity: i32,
    flags: u32,
    keys: Keys,
    run: fn(&mut Call<'_>) -> Outcome,
) -> Spec {
    Spec::new(name, arity, flags, keys, run)
}

fn del(call: &mut Call<'_>) -> Outcome {
    remove(call, |keys, key, now| keys.remove(key, now))
}

fn unlink(call: &mut Call<'_>) -> Outcome {
    remove(call, |keys, key, now| keys.unlink(key, now))
}

fn remove(call: &mut Call<'_>, remove: fn(&mut keyspace::Keyspace, &[u8], u64) -> bool) -> Outcome {
    let now = call.now;
    let mut removed = 0;
    for key in call.args.from(1).iter() {
        if remove(call.parts().0, key, now) {
            call.changed(notify::GENERIC, "del", key);
            removed += 1;
        }
    }
    call.reply().count(removed);
    Ok(())
}

fn exists(call: &mut Call<'_>) -> Outcome {
    let found = call.args.from(1).iter().filter(|key| call.keys().contains_key(*key, call.now)).count();
    call.state.stats.keyspace_hits += found as u64;
    call.state.stats.keyspace_misses += (call.args.len() - 1 - found) as u64;
    call.reply().count(found);
    Ok(())
}

fn touch(call: &mut Call<'_>) -> Outcome {
    let found = call.args.from(1).iter().filter(|key| call.keys().touch(*key, call.now)).count();
    call.reply().count(found);
    Ok(())
}

fn keys(call: &mut Call<'_>) -> Outcome {
    let (pattern, now) = (call.args.at(1), call.now);
    let (keys, reply) = call.parts();
    let at = reply.defer();
    let mut found = 0;
    for key in keys.keys(pattern, now) {
        reply.bulk(&key.text());
        found += 1;
    }
    reply.end_array(at, found);
    Ok(())
}

fn randomkey(call: &mut Call<'_>) -> Outcome {
    let now = call.now;
    let keys = &call.state.dbs[call.client.db].keys;
    match keys.random_key(now, || call.state.rng.random()) {
        Some(key) => call.client.reply.bulk(&key.text()),
        None => call.client.reply.null(),
    }
    Ok(())
}

fn type_of(call: &mut Call<'_>) -> Outcome {
    let kind = call.keys().object_type(call.args.at(1), call.now);
    call.reply().simple(kind.map_or("none", |kind| kind.as_str()));
    Ok(())
}

/// Notes that a key has got a new name.
fn renamed(call: &mut Call<'_>, from: &[u8], to: &[u8]) {
    call.changed(notify::GENERIC, "rename_from", from);
    call.changed(notify::GENERIC, "rename_to", to);
}

fn rename(call: &mut Call<'_>) -> Outcome {
    let (from, to, now) = (call.args.at(1), call.args.at(2), call.now);
    call.parts().0.rename(from, to, now)?;
    if from != to {
        renamed(call, from, to);
    }
    call.reply().ok();
    Ok(())
}

fn renamenx(call: &mut Call<'_>) -> Outcome {
    let (from, to, now) = (call.args.at(1), call.args.at(2), call.now);
    if from == to {
        let exists = call.keys().contains_key(from, now);
        return if exists {
            call.reply().flag(false);
            Ok(())
        } else {
            Err(CommandError::NO_SUCH_KEY)
        };
    }
    let is_renamed = call.parts().0.rename_absent(from, to, now)?;
    if is_renamed {
        renamed(call, from, to);
    }
    call.reply().flag(is_renamed);
    Ok(())
}
