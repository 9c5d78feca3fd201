//! Commands for the bits of strings.

use super::read::count_reads;
use super::strings::read_string;
use crate::call::Call;
use crate::error::{CommandError, Outcome};
use crate::notify;
use crate::numbers::integer;
use crate::spec::flags::{DENYOOM, FAST, READONLY, WRITE};
use crate::spec::{Keys, Spec, on_key, row};
use keyspace::{Keyspace, StringRef};
use values::ObjectType;
use values::string::{
    BitFieldType, BitOp, BitOverflow, BitRange, StringMut, bit_count, bit_pos, bitfield_get, get_bit,
    try_bit_not, try_bit_op, try_bitfield_incr_by, try_bitfield_set, try_set_bit,
};

pub(super) const COMMANDS: &[Spec] = &[
    on_key("bitcount", -2, READONLY, bitcount).doc("2.6.0", "Counts the bits that are set."),
    on_key("bitfield", -2, WRITE | DENYOOM, bitfield).doc("3.2.0", "Reads and writes integers of any width."),
    on_key("bitfield_ro", -2, READONLY | FAST, bitfield_ro).doc("6.0.0", "Reads integers of any width."),
    row("bitop", -4, WRITE | DENYOOM, Keys::Range { first: 2, last: -1, step: 1 }, bitop)
        .doc("2.6.0", "Combines the bits of strings."),
    on_key("bitpos", -3, READONLY, bitpos).doc("2.8.7", "Finds the first bit that is set or clear."),
    on_key("getbit", 3, READONLY | FAST, getbit).doc("2.2.0", "Returns a bit."),
    on_key("setbit", 4, WRITE | DENYOOM, setbit).doc("2.2.0", "Sets or clears a bit."),
];

const BIT_OFFSET: CommandError = CommandError::new("ERR bit offset is not an integer or out of range");

/// Parses the offset of a bit, which has to lie in the longest string that is allowed.
fn bit_offset(call: &Call<'_>, text: &[u8]) -> Result<u64, CommandError> {
    let offset = integer(text).ok().and_then(|offset| u64::try_from(offset).ok()).ok_or(BIT_OFFSET)?;
    checked_offset(call, offset)
}

fn checked_offset(call: &Call<'_>, offset: u64) -> Result<u64, CommandError> {
    let max = call.limits().proto_max_bulk_len as u64;
    if offset / 8 < max { Ok(offset) } else { Err(BIT_OFFSET) }
}

/// Calls `f` with the bytes of the first key's string, and returns its result. Returns `None` if there is no such
/// key. Counts the look-up.
fn with_string<T>(call: &mut Call<'_>, f: impl FnOnce(&[u8]) -> T) -> Result<Option<T>, CommandError> {
    let mut found = None;
    read_string(call, |_reply, string| {
        if let Some(string) = string {
            found = Some(f(&string.text(&mut Vec::new())?));
        }
        Ok(())
    })?;
    Ok(found)
}

fn getbit(call: &mut Call<'_>) -> Outcome {
    let offset = bit_offset(call, call.args.at(2))?;
    let bit = with_string(call, |bytes| get_bit(bytes, offset))?;
    call.reply().flag(bit.unwrap_or_default());
    Ok(())
}

fn setbit(call: &mut Call<'_>) -> Outcome {
    let (key, now) = (call.args.at(1), call.now);
    let offset = bit_offset(call, call.args.at(2))?;
    let bit = match integer(call.args.at(3)) {
        Ok(0) => false,
        Ok(1) => true,
        _ => return Err(CommandError::new("ERR bit is not an integer or out of range")),
    };
    let limits = call.limits();
    let (keys, _) = call.parts();
    let len = keys.strlen(key, now)? as u64;
    let before = keys.edit_string(key, now, |string| try_set_bit(string, offset, bit, &limits))?;
    if before != bit || offset / 8 >= len {
        call.changed(notify::STRING, "setbit", key, 1);
    }
    call.reply().flag(before);
    Ok(())
}

/// Parses start, end and unit from an argument on.
fn range(call: &Call<'_>, index: usize) -> Result<BitRange, CommandError> {
    let number = |at: usize| integer(call.args.at(at));
    let is = |word: &str| call.args.is(index + 2, word);
    match call.args.len() - index {
        0 => Ok(BitRange::All),
        1 => Ok(BitRange::From(number(index)?)),
        2 => Ok(BitRange::Bytes(number(index)?, number(index + 1)?)),
        3 => {
            // A wrong unit is reported before a wrong end.
            let start = number(index)?;
            let make: fn(i64, i64) -> BitRange = match () {
                () if is("BIT") => BitRange::Bits,
                () if is("BYTE") => BitRange::Bytes,
                () => return Err(CommandError::SYNTAX),
            };
            Ok(make(start, number(index + 1)?))
        }
        _ => Err(CommandError::SYNTAX),
    }
}

fn bitcount(call: &mut Call<'_>) -> Outcome {
    if call.args.len() == 3 {
        return Err(CommandError::SYNTAX);
    }
    // Unlike BITPOS, it reports a wrong end before a wrong unit.
    if let Some(end) = call.args.get(3) {
        integer(call.args.at(2))?;
        integer(end)?;
    }
    let range = range(call, 2)?;
    let count = with_string(call, |bytes| bit_count(bytes, range))?;
    call.reply().count(count.unwrap_or(0) as usize);
    Ok(())
}

fn bitpos(call: &mut Call<'_>) -> Outcome {
    let bit = match integer(call.args.at(2))? {
        0 => false,
        1 => true,
        _ => return Err(CommandError::new("ERR The bit argument must be 1 or 0.")),
    };
    let range = range(call, 3)?;
    let found = with_string(call, |bytes| bit_pos(bytes, bit, range))?;
    // A key that does not exist counts as zeros without end.
    let absent = if bit { None } else { Some(0) };
    match found.unwrap_or(absent) {
        Some(at) => call.reply().count(at as usize),
        None => call.reply().integer(-1),
    }
    Ok(())
}

/// What `BITOP` does.
#[derive(Clone, Copy)]
enum Operation {
    Not,
    Combine(BitOp),
}

fn bitop(call: &mut Call<'_>) -> Outcome {
    let (target, sources, now) = (call.args.at(2), call.args.from(3), call.now);
    let operation = match () {
        () if call.args.is(1, "AND") => Operation::Combine(BitOp::And),
        () if call.args.is(1, "OR") => Operation::Combine(BitOp::Or),
        () if call.args.is(1, "XOR") => Operation::Combine(BitOp::Xor),
        () if call.args.is(1, "NOT") => Operation::Not,
        () => return Err(CommandError::SYNTAX),
    };
    if matches!(operation, Operation::Not) && sources.len() != 1 {
        return Err(CommandError::new("ERR BITOP NOT must be called with a single source key."));
    }
    count_reads(call, sources, &[ObjectType::String])?;
    let (keys, _) = call.parts();
    let result = combine(keys, operation, sources.iter(), now)?;
    if !result.is_empty() {
        keys.set(target, &*result, now)?;
        call.changed(notify::STRING, "set", target, 1);
    } else if keys.remove(target, now) {
        call.changed(notify::GENERIC, "del", target, 1);
    }
    call.reply().count(result.len());
    Ok(())
}

/// Returns the result of an operation on the strings of some keys.
fn combine<'k>(
    keys: &Keyspace,
    operation: Operation,
    sources: impl Iterator<Item = &'k [u8]>,
    now: u64,
) -> Result<sds::Sds, CommandError> {
    let strings =
        sources.map(|key| keys.get_string(key, now)).collect::<Result<Vec<Option<StringRef<'_>>>, _>>()?;
    let mut buffers = vec![Vec::new(); strings.len()];
    let mut texts = Vec::with_capacity(strings.len());
    for (string, buffer) in strings.into_iter().zip(&mut buffers) {
        texts.push(string.map(|string| string.text(buffer)).transpose()?);
    }
    let bytes: Vec<&[u8]> = texts.iter().map(|text| text.as_deref().unwrap_or_default()).collect();
    Ok(match operation {
        Operation::Not => try_bit_not(bytes.first().copied().unwrap_or_default())?,
        Operation::Combine(operation) => try_bit_op(operation, &bytes)?,
    })
}

/// One operation of `BITFIELD`.
#[derive(Clone, Copy)]
struct FieldOp {
    field: BitFieldType,
    offset: u64,
    action: Action,
    overflow: BitOverflow,
}

/// What is done to a field.
#[derive(Clone, Copy)]
enum Action {
    Get,
    Set(i64),
    IncrBy(i64),
}

impl FieldOp {
    /// Returns the length of a string that has the whole field.
    fn end(&self) -> usize {
        usize::try_from((self.offset + u64::from(self.field.bits())).div_ceil(8)).unwrap_or(usize::MAX)
    }

    fn is_write(&self) -> bool {
        !matches!(self.action, Action::Get)
    }
}

fn field_offset(call: &Call<'_>, text: &[u8], field: BitFieldType) -> Result<u64, CommandError> {
    let Some(number) = text.strip_prefix(b"#") else { return bit_offset(call, text) };
    let number = integer(number).ok().and_then(|number| u64::try_from(number).ok()).ok_or(BIT_OFFSET)?;
    checked_offset(call, field.offset_of(number).ok_or(BIT_OFFSET)?)
}

/// Parses the operations of `BITFIELD`.
fn field_ops(call: &Call<'_>) -> Result<Vec<FieldOp>, CommandError> {
    let (mut ops, mut overflow, mut index) = (Vec::new(), BitOverflow::Wrap, 2);
    let args = call.args;
    while index < args.len() {
        let left = args.len() - index - 1;
        if args.is(index, "OVERFLOW") && left >= 1 {
            overflow = match () {
                () if args.is(index + 1, "WRAP") => BitOverflow::Wrap,
                () if args.is(index + 1, "SAT") => BitOverflow::Sat,
                () if args.is(index + 1, "FAIL") => BitOverflow::Fail,
                () => return Err(CommandError::new("ERR Invalid OVERFLOW type specified")),
            };
            index += 2;
            continue;
        }
        let make: Option<fn(i64) -> Action> = match () {
            () if args.is(index, "GET") && left >= 2 => None,
            () if args.is(index, "SET") && left >= 3 => Some(Action::Set),
            () if args.is(index, "INCRBY") && left >= 3 => Some(Action::IncrBy),
            () => return Err(CommandError::SYNTAX),
        };
        let field = BitFieldType::from_bytes(args.at(index + 1)).ok_or(CommandError::new(
            "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.",
        ))?;
        let offset = field_offset(call, args.at(index + 2), field)?;
        let action = match make {
            Some(make) => make(integer(args.at(index + 3))?),
            None => Action::Get,
        };
        ops.push(FieldOp { field, offset, action, overflow });
        index += 3 + usize::from(make.is_some());
    }
    Ok(ops)
}

fn bitfield(call: &mut Call<'_>) -> Outcome {
    let ops = field_ops(call)?;
    let Some(end) = ops.iter().filter(|op| op.is_write()).map(FieldOp::end).max() else {
        return read_fields(call, &ops);
    };
    let (key, now, limits) = (call.args.at(1), call.now, call.limits());
    let (keys, _) = call.parts();
    let has_grown = keys.strlen(key, now)? < end;
    let (results, changes) = keys.edit_string(key, now, |string| {
        string.try_make_len(end)?;
        // Writes that all fail change nothing, even if the string has become longer.
        let mut changes = 0;
        let mut results = Vec::with_capacity(ops.len());
        for op in &ops {
            let before = bitfield_get(string.try_make_len(end)?, op.field, op.offset);
            let (field, offset, overflow) = (op.field, op.offset, op.overflow);
            let result = match op.action {
                Action::Get => Some(before),
                Action::Set(value) => try_bitfield_set(string, field, offset, value, overflow, &limits)?,
                Action::IncrBy(by) => try_bitfield_incr_by(string, field, offset, by, overflow, &limits)?,
            };
            if op.is_write() && result.is_some() {
                let after = bitfield_get(string.try_make_len(end)?, field, offset);
                changes += usize::from(has_grown || after != before);
            }
            results.push(result);
        }
        Ok::<_, keyspace::Error>((results, changes))
    })?;
    if changes > 0 {
        call.changed(notify::STRING, "setbit", key, changes);
    }
    let reply = call.reply();
    reply.array(results.len());
    for result in results {
        match result {
            Some(number) => reply.integer(number),
            None => reply.null(),
        }
    }
    Ok(())
}

fn bitfield_ro(call: &mut Call<'_>) -> Outcome {
    let ops = field_ops(call)?;
    if ops.iter().any(FieldOp::is_write) {
        return Err(CommandError::new("ERR BITFIELD_RO only supports the GET subcommand"));
    }
    read_fields(call, &ops)
}

fn read_fields(call: &mut Call<'_>, ops: &[FieldOp]) -> Outcome {
    let read =
        |bytes: &[u8]| ops.iter().map(|op| bitfield_get(bytes, op.field, op.offset)).collect::<Vec<_>>();
    let numbers = with_string(call, read)?.unwrap_or_else(|| vec![0; ops.len()]);
    let reply = call.reply();
    reply.array(numbers.len());
    numbers.into_iter().for_each(|number| reply.integer(number));
    Ok(())
}
