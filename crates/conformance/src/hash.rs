//! The commands of hashes.

use crate::{Reply, World, integer, text};
use robj::{EncodingLimits, Robj};
use values::string::LongDouble;
use values::{Element, Hash};

pub(crate) fn run(world: &mut World, command: &[Vec<u8>]) -> Reply {
    let words: Vec<Element<'_>> = command.iter().map(|word| Element::from(&word[..])).collect();
    let (name, key) = (text(&command[0]), command[1].clone());
    // A missing key counts as an empty hash. A key whose hash is empty afterwards is deleted.
    let mut object = world.keys.remove(&key).unwrap_or_else(|| Robj::from(Hash::new()));
    let mut hash = object.as_hash_mut().unwrap();
    let reply = execute(&mut hash, name, &words[2..], &world.limits).unwrap_or_else(|reply| reply);
    let empty = hash.is_empty();
    drop(hash);
    if !empty {
        world.keys.insert(key, object);
    }
    reply
}

fn execute(
    hash: &mut Hash,
    name: &str,
    arguments: &[Element<'_>],
    limits: &EncodingLimits,
) -> Result<Reply, Reply> {
    Ok(match (name, arguments) {
        ("HSET", pairs) => Reply::int(hash.insert_many(&in_pairs(pairs), limits)),
        ("HMSET", pairs) => {
            hash.insert_many(&in_pairs(pairs), limits);
            Reply::Ok
        }
        ("HSETNX", &[field, value]) => Reply::Int(hash.insert_absent(field, value, limits).into()),
        ("HGET", &[field]) => bulk(hash.get(field)),
        ("HMGET", fields) => Reply::Array(hash.get_many(fields).map(bulk).collect()),
        ("HDEL", fields) => Reply::int(fields.iter().filter(|&&field| hash.remove(field)).count()),
        ("HLEN", []) => Reply::int(hash.len()),
        ("HSTRLEN", &[field]) => Reply::int(hash.value_len(field).unwrap_or(0)),
        ("HEXISTS", &[field]) => Reply::Int(hash.contains_key(field).into()),
        ("HINCRBY", &[field, increment]) => {
            Reply::Int(hash.incr_by(field, integer(&increment.text())?, limits)?)
        }
        ("HINCRBYFLOAT", &[field, increment]) => {
            let no_float = || Reply::error("value is not a valid float");
            let increment = LongDouble::parse(&increment.text()).ok_or_else(no_float)?;
            if !increment.is_finite() {
                return Err(Reply::error("value is NaN or Infinity"));
            }
            let sum = hash.incr_by_float(field, increment, limits)?;
            let bytes = hash.get(field).unwrap().text().to_vec();
            assert_eq!(text(&bytes), sum.to_string());
            Reply::Bulk(bytes)
        }
        ("HGETALL", []) => {
            Reply::Array(hash.iter().flat_map(|(f, v)| [bulk(Some(f)), bulk(Some(v))]).collect())
        }
        _ => panic!("no command {name} with {} arguments", arguments.len()),
    })
}

fn in_pairs<'a>(arguments: &[Element<'a>]) -> Vec<(Element<'a>, Element<'a>)> {
    arguments.chunks(2).map(|pair| (pair[0], pair[1])).collect()
}

fn bulk(element: Option<Element<'_>>) -> Reply {
    element.map_or(Reply::Nil, |element| Reply::Bulk(element.text().to_vec()))
}
