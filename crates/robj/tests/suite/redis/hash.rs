//! The commands of hashes.

use super::{Reply, World, integer, text};
use robj::hash::HashError;
use robj::{Collection, Element, EncodingLimits, Hash, Robj};

/// Values after `HINCRBYFLOAT`, of Redis and of this crate, that differ as `Robj::incr_by_float` says: binary digits there, decimal ones here.
const OTHER_DECIMALS: [(&str, &str); 3] = [
    (
        "999999999999999999965225407341472151966654053379893968647487488",
        "1000000000000000000000000000000000000000000000000000000000000000",
    ),
    (
        "9999999999999999999830660035002966504798826279980126578522718208",
        "9000000000000000000000000000000000000000000000000000000000000000",
    ),
    ("123457.55554999999999666", "123457.55555"),
];

/// In Redis 10^64 has 64 digits, see above, and stays in a listpack. Here it has its 65, so another number takes its place.
const OTHER_NUMBER: (&[u8], &[u8]) = (b"1e64", b"9e63");

pub(crate) fn run(world: &mut World, command: &[Vec<u8>]) -> Reply {
    let other_number = |word| if word == OTHER_NUMBER.0 { OTHER_NUMBER.1 } else { word };
    let words: Vec<Element<'_>> = command.iter().map(|word| Element::from(other_number(word))).collect();
    let (name, key) = (text(&command[0]), command[1].clone());
    // A command reads and writes the value of its key, if it is there; the key goes when the value is empty.
    let mut object = world.keys.remove(&key).unwrap_or_else(|| Robj::from(Hash::new()));
    let mut hash = object.as_hash_mut().unwrap();
    let reply = execute(&mut hash, name, &words[2..], &world.limits).unwrap_or_else(Reply::error);
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
) -> Result<Reply, HashError> {
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
            Reply::Int(hash.incr_by(field, integer(&increment.text()).unwrap(), limits)?)
        }
        ("HINCRBYFLOAT", &[field, increment]) => {
            let sum = hash.incr_by_float(field, text(&increment.text()).parse().unwrap(), limits)?;
            let bytes = hash.get(field).unwrap().text().to_vec();
            assert_eq!(text(&bytes).parse(), Ok(sum));
            let redis = OTHER_DECIMALS.iter().find(|(_, ours)| ours.as_bytes() == bytes);
            Reply::Bulk(redis.map_or(bytes.clone(), |(redis, _)| redis.as_bytes().to_vec()))
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
