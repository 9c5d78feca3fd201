//! The command `DEBUG`, as far as tests use it.

use super::admin::help;
use super::replay;
use crate::call::Call;
use crate::digest::Digest;
use crate::error::{CommandError, Outcome};
use crate::log::warning;
use crate::numbers::{float, integer, natural};
use crate::reply::Protocol;
use crate::snapshot;
use crate::spec::flags::{ADMIN, LOADING, NOSCRIPT, STALE};
use crate::spec::{Spec, keyless};
use keyspace::glob_match;
use rdb::{DuplicateKey, LoadOptions};
use std::time::Duration;
use values::{Encoding, lru_clock};

pub(super) const COMMANDS: &[Spec] = &[keyless("debug", -2, ADMIN | NOSCRIPT | LOADING | STALE, debug)
    .doc("1.0.0", "Helps those who test the server.")];

fn debug(call: &mut Call<'_>) -> Outcome {
    let name = call.args.at(1).to_ascii_lowercase();
    let len = call.args.len();
    match (&*name, len) {
        (b"help", 2) => debug_help(call),
        (b"change-repl-id" | b"jmap", 2) => done(call),
        (b"digest", 2) => digest(call),
        (b"digest-value", 2..) => digest_value(call),
        // The table always resizes in small steps, and the nodes of lists have a fixed largest size.
        (b"dict-resizing" | b"quicklist-packed-threshold", 3) => done(call),
        (b"error", 3) => {
            let text = String::from_utf8_lossy(call.args.at(2)).replace(['\r', '\n'], " ");
            Err(CommandError::of(text))
        }
        (b"htstats", 3..=4) => htstats(call),
        (b"htstats-key", 3..=4) => htstats_key(call),
        (b"listpack", 3) => listpack(call),
        (b"loadaof", 2) => loadaof(call),
        (b"log", 3) => {
            warning!("DEBUG LOG: {}", String::from_utf8_lossy(call.args.at(2)));
            done(call)
        }
        (b"object", 3..=4) => object(call),
        (b"pause-cron", 3) => {
            call.state.is_cron_paused = integer(call.args.at(2))? != 0;
            done(call)
        }
        (b"populate", 3..=5) => populate(call),
        (b"protocol", 3) => protocol(call),
        (b"reload", 2..) => reload(call),
        (b"set-active-expire", 3) => {
            call.state.is_active_expire = integer(call.args.at(2))? != 0;
            done(call)
        }
        (b"sleep", 3) => {
            let secs = float(call.args.at(2))?;
            std::thread::sleep(Duration::try_from_secs_f64(secs).map_err(|_| CommandError::NOT_A_FLOAT)?);
            // The commands after it in this turn see the time that has passed.
            call.state.update_now();
            done(call)
        }
        (b"stringmatch-len", 4) => stringmatch_len(call),
        _ => Err(CommandError::subcommand_syntax("DEBUG", call.args.at(1))),
    }
}

fn done(call: &mut Call<'_>) -> Outcome {
    call.reply().ok();
    Ok(())
}

fn debug_help(call: &mut Call<'_>) -> Outcome {
    help(
        call,
        "DEBUG",
        &[
            "DIGEST",
            "    Return a text that is the same for equal data sets.",
            "DIGEST-VALUE <key> [<key> ...]",
            "    Return a text for each value that is the same for equal values.",
            "HTSTATS <dbid>",
            "    Return the shape of the table of a database.",
            "LOADAOF",
            "    Load the append-only file again.",
            "OBJECT <key>",
            "    Return how a value is stored.",
            "PAUSE-CRON <0|1>",
            "    Stop or resume what the server does some times a second.",
            "POPULATE <count> [<prefix>] [<size>]",
            "    Create keys.",
            "RELOAD [NOSAVE] [NOFLUSH] [MERGE]",
            "    Save the keys and load them again.",
            "SET-ACTIVE-EXPIRE <0|1>",
            "    Stop or start to look for expired keys.",
            "SLEEP <seconds>",
            "    Stop the server for some time.",
        ],
    )
}

fn digest(call: &mut Call<'_>) -> Outcome {
    let mut digest = Digest::default();
    for (number, db) in call.state.dbs.iter().enumerate() {
        digest.add(Digest::of_keys(number, &db.keys, call.now)?);
    }
    call.reply().simple(&digest.to_string());
    Ok(())
}

fn digest_value(call: &mut Call<'_>) -> Outcome {
    let (args, now) = (call.args.from(2), call.now);
    let (keys, reply) = call.parts();
    reply.array(args.len());
    for key in args.iter() {
        // `DEBUG` does not count as an access.
        let record = keys.get_record(key, now);
        let digest = record.map(|record| Digest::of_value(record.value)).transpose()?.unwrap_or_default();
        reply.simple(&digest.to_string());
    }
    Ok(())
}

fn htstats(call: &mut Call<'_>) -> Outcome {
    let number = integer(call.args.at(2))?;
    let db = usize::try_from(number).ok().and_then(|number| call.state.dbs.get(number));
    let table = db.ok_or(CommandError::new("ERR Out of range database"))?.keys.memory_report().table;
    let text = format!(
        "[Dictionary HT]\nHash table stats:\n number of elements: {}\n chunks: {}\n overflow children: {}\n load: \
         {:.2}\n",
        table.entries,
        table.chunks,
        table.children,
        table.load()
    );
    call.reply().verbatim(text.as_bytes());
    Ok(())
}

fn encoding_of(call: &Call<'_>) -> Result<Encoding, CommandError> {
    call.keys().encoding(call.args.at(2), call.now).ok_or(CommandError::NO_SUCH_KEY)
}

fn htstats_key(call: &mut Call<'_>) -> Outcome {
    if !matches!(encoding_of(call)?, Encoding::HashTable | Encoding::SkipList) {
        return Err(CommandError::new(
            "ERR The value stored at the specified key is not represented using an hash table",
        ));
    }
    let bytes = call.keys().memory_usage(call.args.at(2), call.now).unwrap_or_default();
    call.reply().verbatim(format!("Hash table stats:\n bytes: {bytes}\n").as_bytes());
    Ok(())
}

fn listpack(call: &mut Call<'_>) -> Outcome {
    if encoding_of(call)? != Encoding::ListPack {
        return Err(CommandError::new("ERR Not a listpack encoded object."));
    }
    call.reply().simple("Listpack structure printed on stdout");
    Ok(())
}

fn object(call: &mut Call<'_>) -> Outcome {
    let (key, now) = (call.args.at(2), call.now);
    let encoding = encoding_of(call)?;
    let limits = call.limits();
    let keys = call.keys();
    let value = keys.get_record(key, now).ok_or(CommandError::NO_SUCH_KEY)?.value;
    let payload = rdb::dump(value, rdb::DumpOptions::DEFAULT)
        .map_err(|error| CommandError::of(format!("ERR {error}")))?;
    let idle = keys.idle_time(key, now).unwrap_or(0);
    let lru = lru_clock((now / 1_000).saturating_sub(idle.into()));
    let refcount = keys.refcount(key, now).unwrap_or(1);
    // The payload also has a type, a version and a checksum.
    let len = payload.len().saturating_sub(11);
    let mut text = format!(
        "Value at:0x0 refcount:{refcount} encoding:{encoding} serializedlength:{len} lru:{lru} \
         lru_seconds_idle:{idle}"
    );
    if encoding == Encoding::QuickList {
        let is_compressed = u8::from(limits.list_compress_depth != 0);
        text.push_str(&format!(
            " ql_listpack_max:{} ql_compressed:{is_compressed}",
            limits.list_max_listpack_size
        ));
    }
    call.reply().simple(&text);
    Ok(())
}

/// `DEBUG POPULATE` looks at `maxmemory` each time it has created so many keys.
const POPULATE_STEP: usize = 1_024;

/// Creates keys that do not exist yet. Their values are filled up with zeros to the size that is asked for.
fn populate(call: &mut Call<'_>) -> Outcome {
    let count = natural(call.args.at(2))?;
    let prefix = call.args.get(3).unwrap_or(b"key");
    let size = call.args.get(4).map(natural).transpose()?;
    if size.is_some_and(|size| size > call.limits().proto_max_bulk_len) {
        return Err(CommandError::NOT_AN_INTEGER);
    }
    let now = call.now;
    call.parts().0.try_reserve(count).map_err(|_| CommandError::new("ERR OOM in dictTryExpand"))?;
    for number in 0..count {
        // An eviction in the middle of a transaction would end its unit in the append-only file.
        if number % POPULATE_STEP == 0 && !call.is_in_exec && !call.state.make_room() {
            return Err(CommandError::OOM);
        }
        let (keys, _) = call.parts();
        let key = [prefix, format!(":{number}").as_bytes()].concat();
        if !keys.contains_key(&*key, now) {
            let mut value = format!("value:{number}").into_bytes();
            value.resize(size.unwrap_or(value.len()), 0);
            keys.set(&*key, &*value, now)?;
        }
    }
    done(call)
}

/// The number that `DEBUG PROTOCOL DOUBLE` returns. The suite expects these digits.
#[expect(clippy::approx_constant, reason = "the digits of Redis' test")]
const PI: f64 = 3.141;

fn protocol(call: &mut Call<'_>) -> Outcome {
    let name = call.args.at(2).to_ascii_lowercase();
    let reply = call.reply();
    let is_resp3 = reply.protocol() == Protocol::Resp3;
    match &*name {
        b"string" => reply.bulk(b"Hello World"),
        b"integer" => reply.integer(12_345),
        b"double" => reply.double(PI),
        b"null" => reply.null(),
        b"array" => {
            reply.array(3);
            (0..3).for_each(|number| reply.integer(number));
        }
        b"set" => {
            reply.set(3);
            (0..3).for_each(|number| reply.integer(number));
        }
        b"map" => {
            reply.map(3);
            for number in 0..3 {
                reply.integer(number);
                reply.boolean(number == 1);
            }
        }
        b"attrib" => {
            if is_resp3 {
                reply.raw(b"|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n");
            }
            reply.bulk(b"Some real reply following the attribute");
        }
        b"push" if is_resp3 => {
            reply.push(2);
            reply.bulk(b"server-cpu-usage");
            reply.integer(42);
        }
        b"push" => return Err(CommandError::new("ERR RESP2 is not supported by this command")),
        b"verbatim" => reply.verbatim(b"This is a verbatim\nstring"),
        b"true" => reply.boolean(true),
        b"false" => reply.boolean(false),
        b"bignum" if is_resp3 => reply.raw(b"(1234567999999999999999999999999999999\r\n"),
        b"bignum" => reply.bulk(b"1234567999999999999999999999999999999"),
        _ => {
            return Err(CommandError::new(
                "ERR Wrong protocol type name. Please use one of the following: \
                 string|integer|double|null|array|set|map|attrib|push|verbatim|true|false",
            ));
        }
    }
    Ok(())
}

fn reload(call: &mut Call<'_>) -> Outcome {
    let (mut saves, mut flushes, mut options) = (true, true, LoadOptions::DEFAULT);
    for index in 2..call.args.len() {
        match () {
            () if call.args.is(index, "NOSAVE") => saves = false,
            () if call.args.is(index, "NOFLUSH") => flushes = false,
            () if call.args.is(index, "MERGE") => options.duplicate_key = DuplicateKey::Replace,
            () => {
                return Err(CommandError::new(
                    "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.",
                ));
            }
        }
    }
    // Its file must not replace the one that is written or loaded here.
    call.state.snapshots.abandon(&mut call.state.dbs);
    if saves {
        call.state.save().map_err(|error| CommandError::of(format!("ERR {error}")))?;
    }
    let state = &mut *call.state;
    if flushes {
        state.dbs.iter_mut().for_each(|db| db.keys.clear());
    }
    state.tracking.flush(&mut state.clients);
    options.checks_checksum = state.config.rdbchecksum;
    options.drops_expired = state.is_active_expire;
    let path = state.config.snapshot_path();
    if let Err(error) = snapshot::load(&mut state.dbs, &path, options, state.now) {
        warning!("DEBUG RELOAD: {error}");
        return Err(CommandError::new("ERR Error trying to load the RDB dump, check server logs."));
    }
    done(call)
}

fn loadaof(call: &mut Call<'_>) -> Outcome {
    let state = &mut *call.state;
    let manifest =
        state.append_only.open(&state.config).map_err(|error| CommandError::of(format!("ERR {error}")))?;
    let has_files = manifest.files().next().is_some();
    if !has_files || state.append_only.is_waiting {
        // Without complete files, all keys would go. `BGREWRITEAOF` makes them, even if nothing is appended.
        return Err(CommandError::new("ERR There is no complete append-only file to load"));
    }
    let policy = state.config.appendfsync;
    state.append_only.finish(policy).map_err(|error| CommandError::of(format!("ERR {error}")))?;
    state.snapshots.abandon(&mut state.dbs);
    state.dbs.iter_mut().for_each(|db| db.keys.clear());
    state.tracking.flush(&mut state.clients);
    if let Err(error) = replay::load(state) {
        warning!("DEBUG LOADAOF: {error:#}");
        // The files have more than the memory now, so nothing may replace them.
        state.is_stopping = true;
        state.fatal = Some(error.context("DEBUG LOADAOF"));
        return Err(CommandError::new("ERR Error trying to load the AOF files, check server logs."));
    }
    done(call)
}

/// Matches a text of this many letters `a` with a pattern.
fn stringmatch_len(call: &mut Call<'_>) -> Outcome {
    let len = natural(call.args.at(2))?;
    if len > call.limits().proto_max_bulk_len {
        return Err(CommandError::NOT_AN_INTEGER);
    }
    let is_match = glob_match(call.args.at(3), &vec![b'a'; len]);
    call.reply().flag(is_match);
    Ok(())
}
