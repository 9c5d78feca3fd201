//! The commands `SCAN`, `SSCAN`, `HSCAN` and `ZSCAN`.

use super::read::read;
use crate::args::Args;
use crate::call::Call;
use crate::error::{CommandError, Outcome};
use crate::numbers::{format_double, integer};
use crate::reply::{Deferred, Reply};
use crate::spec::flags::READONLY;
use crate::spec::{Spec, keyless, on_key};
use keyspace::{Glob, ScanOptions, ValueRef};
use values::{Collection, Cursor, Element, Hash, ObjectType, Set, ZSet};

pub(super) const COMMANDS: &[Spec] =
    &[keyless("scan", -2, READONLY, scan).doc("2.8.0", "Iterates over the keys.")];

pub(super) const OF_SETS: &[Spec] =
    &[on_key("sscan", -3, READONLY, sscan).doc("2.8.0", "Iterates over the members of a set.")];

pub(super) const OF_HASHES: &[Spec] =
    &[on_key("hscan", -3, READONLY, hscan).doc("2.8.0", "Iterates over the fields and values of a hash.")];

pub(super) const OF_ZSETS: &[Spec] = &[on_key("zscan", -3, READONLY, zscan)
    .doc("2.8.0", "Iterates over the members and scores of a sorted set.")];

/// What a scan iterates over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    Keys,
    Fields,
    Members,
}

/// The options of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Options<'a> {
    scan: ScanOptions<'a>,
    no_values: bool,
    /// Whether `TYPE` names `stream`, a type that no key of this server has. Redis 8 refuses names of no type, and
    /// 7.4 answers an empty page.
    is_other_type: bool,
}

/// Parses a cursor.
fn cursor(text: &[u8]) -> Result<Cursor, CommandError> {
    let number = std::str::from_utf8(text).ok().and_then(|text| text.parse::<u64>().ok());
    number.map(Cursor::from).ok_or(CommandError::new("ERR invalid cursor"))
}

/// Parses the options that follow the cursor.
fn options(args: Args<'_>, over: Over) -> Result<Options<'_>, CommandError> {
    let mut options = Options { scan: ScanOptions::default(), no_values: false, is_other_type: false };
    let mut index = 0;
    while let Some(word) = args.get(index) {
        let value = args.get(index + 1);
        index += 2;
        match (word.to_ascii_uppercase().as_slice(), value) {
            (b"COUNT", Some(value)) => {
                let count = integer(value)?;
                let count = usize::try_from(count).ok().filter(|count| *count > 0);
                options.scan.count = count.ok_or(CommandError::SYNTAX)?;
            }
            (b"MATCH", Some(value)) => options.scan.pattern = Some(value),
            (b"TYPE", Some(value)) if over == Over::Keys => {
                let is_named = |of: &ObjectType| value.eq_ignore_ascii_case(of.as_str().as_bytes());
                options.scan.object_type = ObjectType::ALL.into_iter().find(is_named);
                options.is_other_type = options.scan.object_type.is_none();
                if options.is_other_type && !value.eq_ignore_ascii_case(b"stream") {
                    let name = String::from_utf8_lossy(value);
                    return Err(CommandError::of(format!("ERR unknown type name '{name}'")));
                }
            }
            (b"NOVALUES", _) if over == Over::Fields => {
                options.no_values = true;
                index -= 1;
            }
            (b"NOVALUES", _) => {
                return Err(CommandError::new("ERR NOVALUES option can only be used in HSCAN"));
            }
            _ => return Err(CommandError::SYNTAX),
        }
    }
    Ok(options)
}

/// The most elements that a step looks at. Between two steps, a scan looks whether its reply has passed its limit.
const PER_STEP: usize = 1_000;

/// The elements that a scan has found so far.
struct Found<'r> {
    reply: &'r mut Reply,
    start: Deferred,
    len: usize,
}

impl<'r> Found<'r> {
    fn new(reply: &'r mut Reply) -> Self {
        Self { start: reply.defer(), reply, len: 0 }
    }

    fn push(&mut self, element: Element<'_>) {
        self.reply.element(element);
        self.len += 1;
    }

    /// Calls `step` until it has seen `count` elements or has come to the end, or the reply has passed its limit. A
    /// step is told how many elements are left, and returns the next cursor and the number of elements that it has
    /// seen. A table that has lost most of its elements ends a call early. Returns the next cursor.
    fn steps(
        &mut self,
        mut at: Cursor,
        count: usize,
        mut step: impl FnMut(&mut Self, Cursor, usize) -> (Cursor, usize),
    ) -> Cursor {
        let mut steps_left = count.saturating_mul(10);
        let mut left = count;
        loop {
            let (next, seen) = step(self, at, left);
            (at, left, steps_left) = (next, left.saturating_sub(seen), steps_left - 1);
            if at.is_start() || left == 0 || steps_left == 0 || self.reply.is_over_limit() {
                return at;
            }
        }
    }

    /// Writes the next cursor in front of the elements.
    fn end(self, next: Cursor) {
        self.reply.end_scan(self.start, next.into(), self.len);
    }
}

/// Removes the expired keys that it meets, except during a pause, and publishes them before the reply.
fn scan(call: &mut Call<'_>) -> Outcome {
    let (start, now) = (cursor(call.args.at(1))?, call.now);
    let options = options(call.args.from(2), Over::Keys)?;
    let is_read_only = options.is_other_type || call.state.pause().is_some();
    let (keys, reply) = call.parts();
    let mut found = Found::new(reply);
    let next = found.steps(start, options.scan.count, |found, at, left| {
        let of_step = ScanOptions { count: left.min(PER_STEP), ..options.scan };
        let each = |key: &[u8], _value: ValueRef<'_>| {
            if !options.is_other_type {
                found.push(key.into());
            }
        };
        let next = match is_read_only {
            true => keys.scan(at, &of_step, now, each),
            false => keys.scan_removing_expired(at, &of_step, now, each),
        };
        (next, of_step.count)
    });
    found.end(next);
    call.state.publish_removed_of(call.client.db);
    Ok(())
}

/// Scans the collection of a key. `step` scans one step: it begins at a cursor, adds
/// the elements that the options select to `Found`, and returns the next cursor and the number of elements seen.
fn scan_collection<C: Collection>(
    call: &mut Call<'_>,
    over: Over,
    step: impl Fn(C::View<'_>, Cursor, &Options<'_>, &mut Found<'_>) -> (Cursor, usize),
) -> Outcome {
    let args = call.args;
    let start = cursor(args.at(2))?;
    read::<C>(call, |reply, view| {
        let mut found = Found::new(reply);
        let next = match view {
            None => Cursor::START,
            Some(view) => {
                let options = options(args.from(3), over)?;
                found.steps(start, options.scan.count, |found, at, _left| step(view, at, &options, found))
            }
        };
        found.end(next);
        Ok(())
    })
}

impl Options<'_> {
    /// Returns whether an element matches the pattern.
    fn is_wanted(&self, element: Element<'_>) -> bool {
        self.scan.pattern.is_none_or(|pattern| Glob::new(pattern).is_match(&element.text()))
    }
}

fn sscan(call: &mut Call<'_>) -> Outcome {
    scan_collection::<Set>(call, Over::Members, |set, at, options, found| {
        let mut seen = 0;
        let next = set.scan(at, |member| {
            seen += 1;
            if options.is_wanted(member) {
                found.push(member);
            }
        });
        (next, seen)
    })
}

fn hscan(call: &mut Call<'_>) -> Outcome {
    scan_collection::<Hash>(call, Over::Fields, |hash, at, options, found| {
        let mut seen = 0;
        let next = hash.scan(at, |field, value| {
            seen += 1;
            if options.is_wanted(field) {
                found.push(field);
                if !options.no_values {
                    found.push(value);
                }
            }
        });
        (next, seen)
    })
}

/// Scores have the digits of `ZSCORE`. Redis writes those of a set that is no listpack with 17 digits here, as in
/// `0.10000000000000001`.
fn zscan(call: &mut Call<'_>) -> Outcome {
    scan_collection::<ZSet>(call, Over::Members, |set, at, options, found| {
        let mut seen = 0;
        let next = set.scan(at, |member, score| {
            seen += 1;
            if options.is_wanted(member) {
                found.push(member);
                found.push(format_double(score).as_bytes().into());
            }
        });
        (next, seen)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_unsigned_numbers() {
        assert_eq!(cursor(b"18446744073709551615").map(u64::from), Ok(u64::MAX));
        for text in [&b""[..], b"-1", b" 0", b"1x", b"18446744073709551616", b"\xff"] {
            assert!(cursor(text).is_err());
        }
    }

    #[test]
    fn a_scan_stops_when_it_has_seen_enough() {
        let mut reply = Reply::default();
        let mut found = Found::new(&mut reply);
        let mut lefts = Vec::new();
        let next = found.steps(Cursor::START, 10, |_, at, left| {
            lefts.push(left);
            ((u64::from(at) + 1).into(), 3)
        });
        assert_eq!((u64::from(next), lefts), (4, vec![10, 7, 4, 1]));
        let next = found.steps(Cursor::START, 2, |_, at, _| ((u64::from(at) + 1).into(), 0));
        assert_eq!(u64::from(next), 20);
        assert!(found.steps(5.into(), 10, |_, _, _| (Cursor::START, 0)).is_start());
    }

    #[test]
    fn a_scan_stops_when_its_reply_has_passed_its_limit() {
        let mut reply = Reply::default();
        reply.set_limit(1);
        let mut found = Found::new(&mut reply);
        let next = found.steps(Cursor::START, usize::MAX, |found, at, _| {
            found.push([b'x'; 1_000][..].into());
            ((u64::from(at) + 1).into(), 1)
        });
        assert!((16..18).contains(&u64::from(next)), "{next:?}");
    }
}
