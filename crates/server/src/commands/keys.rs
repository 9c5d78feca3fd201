//! Commands for keys of any type.

use crate::call::Call;
use crate::error::{CommandError, Outcome};
use crate::notify;
use crate::spec::flags::{FAST, READONLY, WRITE};
use crate::spec::{Keys, Spec, keyless, on_key, row};
use rand::RngExt;

pub(super) const COMMANDS: &[Spec] = &[
    row("del", -2, WRITE, Keys::ALL, del).doc("1.0.0", "Removes keys."),
    row("exists", -2, READONLY | FAST, Keys::ALL, exists).doc("1.0.0", "Counts the keys that exist."),
    keyless("keys", 2, READONLY, keys).doc("1.0.0", "Returns the keys that match a pattern."),
    keyless("randomkey", 1, READONLY, randomkey).doc("1.0.0", "Returns a random key."),
    row("rename", 3, WRITE, Keys::TWO, rename).doc("1.0.0", "Renames a key."),
    row("renamenx", 3, WRITE | FAST, Keys::TWO, renamenx)
        .doc("1.0.0", "Renames a key if the new name is free."),
    row("touch", -2, READONLY | FAST, Keys::ALL, touch).doc("3.2.1", "Marks keys as used."),
    on_key("type", 2, READONLY | FAST, type_of).doc("1.0.0", "Returns the type of a value."),
    row("unlink", -2, WRITE | FAST, Keys::ALL, unlink)
        .doc("4.0.0", "Removes keys. Frees their values after the reply."),
];

fn del(call: &mut Call<'_>) -> Outcome {
    let mut removed = 0;
    for key in call.args.from(1).iter() {
        let now = call.now;
        if call.parts().0.remove(key, now) {
            call.changed(notify::GENERIC, "del", key, 1);
            removed += 1;
        }
    }
    call.reply().count(removed);
    Ok(())
}

fn unlink(call: &mut Call<'_>) -> Outcome {
    let mut removed = 0;
    for key in call.args.from(1).iter() {
        let now = call.now;
        if call.parts().0.unlink(key, now) {
            call.changed(notify::GENERIC, "del", key, 1);
            removed += 1;
        }
    }
    call.reply().count(removed);
    Ok(())
}

fn exists(call: &mut Call<'_>) -> Outcome {
    let mut found = 0;
    for key in call.args.from(1).iter() {
        found += usize::from(call.read_type(key).is_some());
    }
    call.reply().count(found);
    Ok(())
}

fn touch(call: &mut Call<'_>) -> Outcome {
    let mut found = 0;
    for key in call.args.from(1).iter() {
        let is_found = call.keys().touch(key, call.now);
        call.count_read(key, is_found);
        found += usize::from(is_found);
    }
    call.reply().count(found);
    Ok(())
}

fn type_of(call: &mut Call<'_>) -> Outcome {
    match call.read_type(call.args.at(1)) {
        Some(object_type) => call.reply().simple(&object_type.to_string()),
        None => call.reply().simple("none"),
    }
    Ok(())
}

fn keys(call: &mut Call<'_>) -> Outcome {
    let (pattern, now) = (call.args.at(1), call.now);
    let (keys, reply) = call.parts();
    let (start, mut len) = (reply.defer(), 0);
    for key in keys.keys(pattern, now) {
        reply.bulk(&key.text());
        len += 1;
    }
    reply.end_array(start, len);
    Ok(())
}

fn randomkey(call: &mut Call<'_>) -> Outcome {
    let state = &mut *call.state;
    let rng = &mut state.rng;
    match state.dbs[call.client.db].keys.random_key(call.now, || rng.random()) {
        Some(key) => call.client.reply.bulk(&key.text()),
        None => call.client.reply.null(),
    }
    Ok(())
}

fn rename(call: &mut Call<'_>) -> Outcome {
    let (from, to, now) = (call.args.at(1), call.args.at(2), call.now);
    if !call.exists(from) {
        return Err(CommandError::NO_SUCH_KEY);
    }
    if from != to {
        call.parts().0.rename(from, to, now)?;
        note_renamed(call, from, to);
    }
    call.reply().ok();
    Ok(())
}

fn renamenx(call: &mut Call<'_>) -> Outcome {
    let (from, to, now) = (call.args.at(1), call.args.at(2), call.now);
    if !call.exists(from) {
        return Err(CommandError::NO_SUCH_KEY);
    }
    let is_renamed = from != to && call.parts().0.rename_absent(from, to, now)?;
    if is_renamed {
        note_renamed(call, from, to);
    }
    call.reply().flag(is_renamed);
    Ok(())
}

fn note_renamed(call: &mut Call<'_>, from: &[u8], to: &[u8]) {
    call.changed(notify::GENERIC, "rename_from", from, 1);
    call.changed(notify::GENERIC, "rename_to", to, 0);
}
