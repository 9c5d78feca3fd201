//! Commands that look at how values are stored and at what they take.

use super::reply::{Refusal, Reply};
use super::{Answer, Command};
use keyspace::{Figure, Keyspace};
use values::Encoding;

pub(super) const COMMANDS: &[Command] = &[
    ("object", 1..=2, "ENCODING|REFCOUNT|IDLETIME|FREQ key", object),
    ("memory", 1..=2, "USAGE key | STATS | DOCTOR", memory),
];

fn object(db: &mut Keyspace, args: &[&[u8]], now: u64) -> Answer {
    let [word, key] = *args else { return Err(unknown_subcommand(args[0])) };
    let policy = db.options().get_maxmemory_policy();
    Ok(match &word.to_ascii_uppercase()[..] {
        b"ENCODING" => db.encoding(key, now).map(|it| Encoding::as_str(it).as_bytes()).into(),
        b"REFCOUNT" => db.refcount(key, now).map(i64::from).into(),
        b"IDLETIME" if policy.is_lfu() => {
            return Err(Refusal::new("ERR An LFU maxmemory policy is selected, idle time not tracked."));
        }
        b"IDLETIME" if policy.is_s3fifo() => {
            return Err(Refusal::new("ERR An S3-FIFO maxmemory policy is selected, idle time not tracked."));
        }
        b"IDLETIME" => db.idle_time(key, now).map(i64::from).into(),
        b"FREQ" if !policy.is_lfu() && !policy.is_s3fifo() => {
            return Err(Refusal::new(
                "ERR An LFU maxmemory policy is not selected, access frequency not tracked.",
            ));
        }
        b"FREQ" => db.freq(key, now).map(i64::from).into(),
        _ => return Err(unknown_subcommand(word)),
    })
}

fn memory(db: &mut Keyspace, args: &[&[u8]], now: u64) -> Answer {
    match (&args[0].to_ascii_uppercase()[..], &args[1..]) {
        (b"USAGE", [key]) => Ok(db.memory_usage(*key, now).into()),
        (b"STATS", []) => {
            let pair = |(name, figure): (&str, Figure)| [name.as_bytes().into(), Reply::from(figure)];
            Ok(db.memory_report().stats().flat_map(pair).collect())
        }
        (b"DOCTOR", []) => {
            let findings: Vec<_> = db.memory_report().findings().map(|it| it.to_string()).collect();
            let nothing = "Nothing unusual was found.".to_owned();
            Ok(Reply::text(if findings.is_empty() { nothing } else { findings.join("\n") }))
        }
        _ => Err(unknown_subcommand(args[0])),
    }
}

fn unknown_subcommand(word: &[u8]) -> Refusal {
    let word = word.escape_ascii();
    Refusal::new(format!("ERR unknown subcommand or wrong number of arguments for '{word}'"))
}
