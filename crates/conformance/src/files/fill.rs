//! [`fill`]: creates values of all types in all encodings, on a server and in keyspaces.

use super::NOW;
use crate::process::Process;
use anyhow::Result;
use keyspace::{ExpireOptions, Expiry, Keyspace, Options};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use redis::{Cmd, Connection, cmd};
use values::list::Side;
use values::zset::AddOptions;

/// The databases that have keys. The lists of database [`COMPRESSED`] have compressed nodes.
pub(super) const DATABASES: [usize; 3] = [0, 3, 15];

/// The database whose lists have a `list-compress-depth` of 1.
const COMPRESSED: usize = 3;

/// The number of elements of a collection that is too large to be packed.
const MANY: usize = 700;

/// Integers that files store in 1, 2, 4 and 8 bytes, and the ends of these ranges.
const INTEGERS: [i64; 20] = [
    0,
    1,
    -1,
    12,
    -13,
    127,
    -128,
    128,
    4_095,
    -4_096,
    32_767,
    -32_769,
    8_388_607,
    -8_388_609,
    2_147_483_647,
    -2_147_483_649,
    9_007_199_254_740_993,
    -1_000_000_000_000_000_000,
    i64::MAX,
    i64::MIN,
];

/// Texts that look like integers but are not stored as integers.
const NOT_INTEGERS: [&str; 8] =
    ["", "01", "+1", " 1", "-0", "1e3", "9223372036854775808", "-9223372036854775809"];

/// Scores without a short text, and scores at the ends of the range.
const SCORES: [f64; 18] = [
    0.0,
    1.0,
    -1.0,
    0.5,
    0.1 + 0.2,
    1.0 / 3.0,
    -123_456_789.123_456_79,
    9_007_199_254_740_991.0,
    9_007_199_254_740_993.0,
    9_223_372_036_854_775_807.0,
    1e17,
    1e22,
    1e-7,
    5e-324,
    f64::MAX,
    f64::MIN,
    f64::INFINITY,
    f64::NEG_INFINITY,
];

/// Expiry times in milliseconds since 1970: in whole seconds, in milliseconds, and with more digits than a
/// double has.
const EXPIRIES: [u64; 4] = [NOW + 1_000_000_000_000, NOW + 999_999_999_999, 1 << 42, (1 << 53) + 1];

/// Returns an empty keyspace for each database.
pub(super) fn keyspaces() -> Vec<Keyspace> {
    let options =
        |number| if number == COMPRESSED { Options::new().list_compress_depth(1) } else { Options::new() };
    (0..=DATABASES[DATABASES.len() - 1]).map(|number| Keyspace::with_options(options(number))).collect()
}

/// A server and keyspaces that get the same commands.
pub(super) struct ServerAndModel {
    pub(super) connection: Connection,
    pub(super) keyspaces: Vec<Keyspace>,
    database: usize,
}

impl ServerAndModel {
    pub(super) fn new(process: &Process) -> Result<Self> {
        Ok(Self { connection: process.connect()?, keyspaces: keyspaces(), database: 0 })
    }

    fn select(&mut self, database: usize) -> Result<()> {
        self.database = database;
        let depth = i32::from(database == COMPRESSED);
        self.send(cmd("CONFIG").arg("SET").arg("list-compress-depth").arg(depth))?;
        self.send(cmd("SELECT").arg(database))
    }

    fn send(&mut self, command: &Cmd) -> Result<()> {
        Ok(command.exec(&mut self.connection)?)
    }

    /// Sends the elements to the server in commands of 100 elements, and calls `here` for each element.
    fn each<T>(
        &mut self,
        name: &str,
        key: &[u8],
        elements: &[T],
        words: impl for<'c> Fn(&'c mut Cmd, &T) -> &'c mut Cmd,
        mut here: impl FnMut(&mut Keyspace, &T) -> Result<(), keyspace::Error>,
    ) -> Result<()> {
        for some in elements.chunks(100) {
            let mut command = cmd(name);
            command.arg(key);
            some.iter().for_each(|element| {
                words(&mut command, element);
            });
            self.send(&command)?;
        }
        let keyspace = &mut self.keyspaces[self.database];
        elements.iter().try_for_each(|element| Ok(here(keyspace, element)?))
    }

    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.send(cmd("SET").arg(key).arg(value))?;
        Ok(self.keyspaces[self.database].set(key, value, NOW)?)
    }

    fn rpush(&mut self, key: &[u8], elements: &[Vec<u8>]) -> Result<()> {
        self.each(
            "RPUSH",
            key,
            elements,
            |command, element| command.arg(element),
            |keyspace, element| keyspace.push(key, Side::Back, element, NOW),
        )
    }

    fn sadd(&mut self, key: &[u8], members: &[Vec<u8>]) -> Result<()> {
        self.each(
            "SADD",
            key,
            members,
            |command, member| command.arg(member),
            |keyspace, member| keyspace.sadd(key, member, NOW).map(drop),
        )
    }

    fn hset(&mut self, key: &[u8], pairs: &[(Vec<u8>, Vec<u8>)]) -> Result<()> {
        self.each(
            "HSET",
            key,
            pairs,
            |command, (field, value)| command.arg(field).arg(value),
            |keyspace, (field, value)| keyspace.hset(key, field, value, NOW).map(drop),
        )
    }

    fn zadd(&mut self, key: &[u8], members: &[(Vec<u8>, f64)]) -> Result<()> {
        self.each(
            "ZADD",
            key,
            members,
            |command, (member, score)| command.arg(format!("{score:?}")).arg(member),
            |keyspace, (member, score)| {
                keyspace.zadd(key, member, *score, AddOptions::default(), NOW).map(drop)
            },
        )
    }

    fn expire_at(&mut self, key: &[u8], at: u64) -> Result<()> {
        if at.is_multiple_of(1_000) {
            self.send(cmd("EXPIREAT").arg(key).arg(at / 1_000))?;
        } else {
            self.send(cmd("PEXPIREAT").arg(key).arg(at))?;
        }
        let (expiry, options) = (Expiry::AtMillis(at as i64), ExpireOptions::default());
        self.keyspaces[self.database].expire(key, expiry, options, NOW)?;
        Ok(())
    }
}

/// Returns random bytes, which LZF cannot compress.
fn noise(random: &mut SmallRng, len: usize) -> Vec<u8> {
    (0..len).map(|_| random.random()).collect()
}

fn words(count: usize, len: usize) -> Vec<Vec<u8>> {
    (0..count).map(|n| format!("{n:0len$}:{}", n * 7_919).into_bytes()).collect()
}

/// Returns integers as text, and texts that look like integers.
fn numbers() -> Vec<Vec<u8>> {
    let integers = INTEGERS.iter().map(i64::to_string);
    integers.chain(NOT_INTEGERS.map(String::from)).map(String::into_bytes).collect()
}

/// Fills all databases.
pub(super) fn fill(both: &mut ServerAndModel) -> Result<()> {
    // From Redis 7.2 on, large elements have their own nodes by default. Redis 7.0 needs this command for it.
    both.send(cmd("DEBUG").arg("QUICKLIST-PACKED-THRESHOLD").arg("8192b"))?;
    for database in DATABASES {
        both.select(database)?;
        let mut random = SmallRng::seed_from_u64(database as u64);
        strings(both, &mut random)?;
        lists(both, &mut random)?;
        sets(both, &mut random)?;
        hashes(both, &mut random)?;
        sorted_sets(both)?;
        for (n, at) in EXPIRIES.into_iter().enumerate() {
            for key in ["string:0", "list:large", "set:words", "hash:large", "zset:small"] {
                let key = format!("{key}:{n}").into_bytes();
                match &key[..4] {
                    b"stri" => both.set(&key, b"value")?,
                    b"list" => both.rpush(&key, &words(MANY, 20))?,
                    b"set:" => both.sadd(&key, &words(5, 5))?,
                    b"hash" => both.hset(&key, &pairs(MANY))?,
                    _ => both.zadd(&key, &[(b"member".to_vec(), 1.5)])?,
                }
                both.expire_at(&key, at)?;
            }
        }
    }
    Ok(())
}

fn strings(both: &mut ServerAndModel, random: &mut SmallRng) -> Result<()> {
    for (n, number) in numbers().into_iter().enumerate() {
        both.set(format!("number:{n}").as_bytes(), &number)?;
        both.set(&number, b"the key is a number, or nearly one")?; // one of the keys is empty
    }
    let letters = |len: usize| b"abcdefgh".repeat(len.div_ceil(8))[..len].to_vec();
    for len in [1, 11, 12, 20, 21, 44, 45, 63, 64, 200, 16_383, 16_384, 70_000, 300_000] {
        both.set(format!("letters:{len}").as_bytes(), &letters(len))?;
        both.set(format!("noise:{len}").as_bytes(), &noise(random, len))?;
    }
    let all_bytes: Vec<u8> = (0..=255).collect();
    both.set(&all_bytes, &all_bytes)?;
    both.set(b"\0\r\n\xFF", b"\0")?;
    both.set(&letters(20_000), b"a long key of few letters")?;
    both.set(&noise(random, 20_000), b"a long key of noise")
}

fn lists(both: &mut ServerAndModel, random: &mut SmallRng) -> Result<()> {
    both.rpush(b"list:small", &numbers())?;
    both.rpush(b"list:one", &[Vec::new()])?;
    both.rpush(b"list:nodes", &words(4_000, 20))?;
    let long: Vec<Vec<u8>> = (0..60).map(|n| noise(random, 100 * n)).collect();
    both.rpush(b"list:noise", &long)?;
    // These elements are below and above the 8 KiB of a node.
    let large = [8_000, 8_191, 8_192, 9_000, 70_000, 200_000].map(|len| noise(random, len));
    let large = large.into_iter().chain([vec![b'x'; 100_000]]);
    let mixed: Vec<Vec<u8>> = large.flat_map(|large| [b"7".to_vec(), large, b"small".to_vec()]).collect();
    both.rpush(b"list:plain", &mixed)?;
    both.rpush(b"list:only-plain", &[noise(random, 20_000)])
}

fn sets(both: &mut ServerAndModel, random: &mut SmallRng) -> Result<()> {
    let integers = |bits: u32, count: i64| -> Vec<Vec<u8>> {
        let step = 1_i64 << (bits - 12);
        (0..count).map(|n| ((n - count / 2) * step).to_string().into_bytes()).collect()
    };
    for bits in [16, 32, 64] {
        both.sadd(format!("set:integers:{bits}").as_bytes(), &integers(bits, 500))?;
    }
    both.sadd(b"set:integers:all", &INTEGERS.map(|n| n.to_string().into_bytes()))?;
    both.sadd(b"set:integers:many", &integers(32, 3_000))?;
    both.sadd(b"set:numbers", &numbers())?;
    both.sadd(b"set:words", &words(100, 10))?;
    both.sadd(b"set:many", &words(MANY, 10))?;
    both.sadd(b"set:long", &[vec![b'y'; 65], noise(random, 30_000), Vec::new()])
}

fn pairs(count: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    words(count, 6).into_iter().zip(words(count, 12)).collect()
}

fn hashes(both: &mut ServerAndModel, random: &mut SmallRng) -> Result<()> {
    let all: Vec<_> = numbers().into_iter().zip(numbers().into_iter().rev()).collect();
    both.hset(b"hash:numbers", &all)?;
    both.hset(b"hash:small", &pairs(100))?;
    both.hset(b"hash:many", &pairs(3_000))?;
    both.hset(b"hash:long", &[(b"field".to_vec(), vec![b'z'; 65]), (Vec::new(), Vec::new())])?;
    both.hset(
        b"hash:large",
        &[(noise(random, 5_000), noise(random, 50_000)), (b"f".to_vec(), vec![b'z'; 90_000])],
    )
}

fn sorted_sets(both: &mut ServerAndModel) -> Result<()> {
    let scored = |count: usize| -> Vec<(Vec<u8>, f64)> {
        let score = |n: usize| SCORES.get(n).copied().unwrap_or(n as f64 / 7.0 - 50.0);
        words(count, 8).into_iter().enumerate().map(|(n, word)| (word, score(n))).collect()
    };
    both.zadd(b"zset:small", &scored(SCORES.len()))?;
    both.zadd(b"zset:medium", &scored(120))?;
    both.zadd(b"zset:many", &scored(3_000))?;
    // A server's listpack stores -0 as 0 (see `known`), so only a large set has a score of -0.
    let members: Vec<_> = numbers().into_iter().map(|member| (member, 1.0)).collect();
    both.zadd(b"zset:numbers", &members)?;
    let mut large = scored(MANY);
    large.push((b"negative zero".to_vec(), -0.0));
    both.zadd(b"zset:negative-zero", &large)
}
