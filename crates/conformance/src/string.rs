//! The commands of strings.

use crate::{Reply, World, integer, text};
use robj::Robj;
use sds::Sds;
use values::Error;
use values::string::{BitFieldType, BitOp, BitOverflow, BitRange, LongDouble, StringError, bit_not, bit_op};

pub(crate) fn run(world: &mut World, command: &[Vec<u8>]) -> Reply {
    let words: Vec<&[u8]> = command.iter().map(Vec::as_slice).collect();
    execute(world, &words).unwrap_or_else(|reply| reply)
}

fn execute(world: &mut World, command: &[&[u8]]) -> Result<Reply, Reply> {
    let limits = world.limits;
    let (name, key) = (text(command[0]), command[1].to_vec());
    let arguments = &command[2..];
    Ok(match (name, arguments) {
        ("SET", [value]) => {
            let object = Robj::from_bytes(value, &limits).encode(&limits);
            world.keys.insert(key, object);
            Reply::Ok
        }
        ("GET", []) => match world.keys.get(&key) {
            Some(object) => Reply::Bulk(object.as_string().unwrap().to_vec()),
            None => Reply::Nil,
        },
        ("STRLEN", []) => Reply::int(existing(world, &key).string_len().unwrap()),
        ("APPEND", [bytes]) => match world.keys.get_mut(&key) {
            Some(object) => Reply::int(object.append(bytes, &limits)?),
            None => {
                let object = Robj::from_bytes(bytes, &limits).encode(&limits);
                world.keys.insert(key, object);
                Reply::int(bytes.len())
            }
        },
        ("SETRANGE", [offset, bytes]) => {
            let offset =
                usize::try_from(integer(offset)?).map_err(|_| Reply::error("offset is out of range"))?;
            if bytes.is_empty() && !world.keys.contains_key(&key) {
                return Ok(Reply::Int(0));
            }
            Reply::int(written(world, key, |object| object.set_range(offset, bytes, &limits))?)
        }
        ("GETRANGE", [start, end]) => {
            let (start, end) = (integer(start)?, integer(end)?);
            Reply::Bulk(existing(world, &key).get_range(start, end).unwrap().to_vec())
        }
        ("INCR", []) => Reply::Int(counted(world, key, |object| object.incr_by(1, &limits))?),
        ("DECR", []) => Reply::Int(counted(world, key, |object| object.decr_by(1, &limits))?),
        ("INCRBY", [increment]) => {
            let increment = integer(increment)?;
            Reply::Int(counted(world, key, |object| object.incr_by(increment, &limits))?)
        }
        ("DECRBY", [decrement]) => match integer(decrement)? {
            i64::MIN => return Err(Reply::error("decrement would overflow")), // before the value is read
            decrement => Reply::Int(counted(world, key, |object| object.decr_by(decrement, &limits))?),
        },
        ("INCRBYFLOAT", [increment]) => {
            let increment = LongDouble::parse(increment).ok_or(StringError::NotAFloat)?;
            let sum = counted(world, key, |object| object.incr_by_float(increment, &limits))?;
            Reply::Bulk(sum.to_string().into_bytes())
        }
        ("SETBIT", [offset, bit]) => {
            let (offset, bit) = (bit_offset(offset)?, *bit == b"1");
            Reply::Int(written(world, key, |object| object.set_bit(offset, bit, &limits))?.into())
        }
        ("GETBIT", [offset]) => {
            Reply::Int(existing(world, &key).get_bit(bit_offset(offset)?).unwrap().into())
        }
        ("BITCOUNT", range) => {
            Reply::int(existing(world, &key).bit_count(bit_range(range)?).unwrap() as usize)
        }
        ("BITPOS", [bit, range @ ..]) if !world.keys.contains_key(&key) => {
            bit_range(range)?;
            Reply::Int(if *bit == b"1" { -1 } else { 0 })
        }
        ("BITPOS", [bit, range @ ..]) => {
            let position = existing(world, &key).bit_pos(*bit == b"1", bit_range(range)?).unwrap();
            Reply::Int(position.map_or(-1, |position| position as i64))
        }
        ("BITOP", [destination, sources @ ..]) => {
            let sources: Vec<Robj> = sources.iter().map(|key| existing(world, key)).collect();
            let sources: Vec<_> = sources.iter().map(|object| object.as_string().unwrap()).collect();
            let result = match command[1] {
                b"AND" => bit_op(BitOp::And, &sources),
                b"OR" => bit_op(BitOp::Or, &sources),
                b"XOR" => bit_op(BitOp::Xor, &sources),
                _ => bit_not(&sources[0]),
            };
            let len = result.len();
            world.keys.remove(*destination);
            if len > 0 {
                world.keys.insert(destination.to_vec(), Robj::raw(result));
            }
            Reply::int(len)
        }
        ("BITFIELD", operations) => bitfield(world, key, operations)?,
        _ => panic!("no command {name} with {} arguments", arguments.len()),
    })
}

/// Returns a copy of the value, or the empty string if there is no key. All commands that only read a string
/// use this function.
fn existing(world: &World, key: &[u8]) -> Robj {
    world.keys.get(key).cloned().unwrap_or_else(|| Robj::from(""))
}

/// Calls `count` with the value, or with a new value of 0. A new value is stored if `count` succeeds.
fn counted<T>(
    world: &mut World,
    key: Vec<u8>,
    count: impl FnOnce(&mut Robj) -> Result<T, Error>,
) -> Result<T, Reply> {
    if let Some(object) = world.keys.get_mut(&key) {
        return Ok(count(object)?);
    }
    let mut object = Robj::from(0);
    let result = count(&mut object)?;
    world.keys.insert(key, object);
    Ok(result)
}

/// Calls `write` with the value, or with a new empty string. A new value is stored if `write` succeeds.
fn written<T>(
    world: &mut World,
    key: Vec<u8>,
    write: impl FnOnce(&mut Robj) -> Result<T, Error>,
) -> Result<T, Reply> {
    if let Some(object) = world.keys.get_mut(&key) {
        return Ok(write(object)?);
    }
    let mut object = Robj::raw(Sds::new());
    let result = write(&mut object)?;
    world.keys.insert(key, object);
    Ok(result)
}

fn bit_offset(argument: &[u8]) -> Result<u64, Reply> {
    text(argument).parse().map_err(|_| Reply::error("bit offset is not an integer or out of range"))
}

fn bit_range(arguments: &[&[u8]]) -> Result<BitRange, Reply> {
    Ok(match arguments {
        [] => BitRange::All,
        [start] => BitRange::From(integer(start)?),
        [start, end] | [start, end, b"BYTE"] => BitRange::Bytes(integer(start)?, integer(end)?),
        [start, end, _bit] => BitRange::Bits(integer(start)?, integer(end)?),
        _ => panic!("no such range"),
    })
}

/// One operation of `BITFIELD`.
enum Field {
    Get,
    Set(i64, BitOverflow),
    Incr(i64, BitOverflow),
}

fn bitfield(world: &mut World, key: Vec<u8>, mut words: &[&[u8]]) -> Result<Reply, Reply> {
    const NO_TYPE: &str =
        "Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.";
    let limits = world.limits;
    let mut overflow = BitOverflow::Wrap;
    // All operations are parsed before the first one is executed, so a wrong argument leaves the value as it
    // was.
    let mut operations = Vec::new();
    while let [name, rest @ ..] = words {
        if *name == b"OVERFLOW" {
            overflow = match rest[0] {
                b"SAT" => BitOverflow::Sat,
                b"FAIL" => BitOverflow::Fail,
                _ => BitOverflow::Wrap,
            };
            words = &rest[1..];
            continue;
        }
        let field = BitFieldType::from_bytes(rest[0]).ok_or_else(|| Reply::error(NO_TYPE))?;
        let offset = match rest[1] {
            [b'#', number @ ..] => field.offset_of(bit_offset(number)?).unwrap(),
            number => bit_offset(number)?,
        };
        if offset / 8 >= limits.proto_max_bulk_len as u64 {
            return Err(StringError::BitOffset { offset }.into());
        }
        let (operation, len) = match *name {
            b"GET" => (Field::Get, 2),
            b"SET" => (Field::Set(integer(rest[2])?, overflow), 3),
            _ => (Field::Incr(integer(rest[2])?, overflow), 3),
        };
        operations.push((field, offset, operation));
        words = &rest[len..];
    }
    let mut replies = Vec::new();
    for (field, offset, operation) in operations {
        let result = match operation {
            Field::Get => Some(existing(world, &key).bitfield_get(field, offset).unwrap()),
            Field::Set(value, overflow) => written(world, key.clone(), |object| {
                object.bitfield_set(field, offset, value, overflow, &limits)
            })?,
            Field::Incr(increment, overflow) => written(world, key.clone(), |object| {
                object.bitfield_incr_by(field, offset, increment, overflow, &limits)
            })?,
        };
        replies.push(result.map_or(Reply::Nil, Reply::Int));
    }
    Ok(Reply::Array(replies))
}
