//! [`Commands`]: random commands, with arguments that are often at an edge.

use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use values::EncodingLimits;

/// A source of commands. The first letter of a key gives the type of its value: `s` string, `l` list, `e`
/// set, `h` hash, `z` sorted set, and `y` sorted set whose scores are all 0.
pub struct Commands {
    rng: SmallRng,
}

/// The number of keys of each type. There are few, so that values grow.
const KEYS: usize = 3;
/// The number of different members, fields and elements.
const MEMBERS: u32 = 400;

/// Integers at the ends of ranges.
const INTEGERS: [&str; 18] = [
    "0",
    "1",
    "-1",
    "2",
    "10",
    "127",
    "128",
    "-129",
    "32768",
    "2147483648",
    "-2147483649",
    "9007199254740993",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775806",
    "-9223372036854775807",
    "4611686018427387904",
    "01",
];

/// Numbers, many of them with a point, an exponent, or more digits than a double holds.
const FLOATS: [&str; 27] = [
    "0",
    "-0",
    "0.1",
    "-0.1",
    "3.0",
    "1.5",
    "5.0e3",
    "1e-5",
    "4.47757e-5",
    "0.000001",
    "1e-7",
    "1e17",
    "1e21",
    "1e22",
    "-1e22",
    "1e300",
    "-1e300",
    "inf",
    "-inf",
    "+inf",
    "9007199254740993",
    "1152921504606846976",
    "9223372036854775808",
    "-9223372036854775808",
    "12199283400115996",
    "123456.789",
    "1.7976931348623157e308",
];

/// Texts that are not numbers, and numbers that are too large or too close to 0 for a double.
const NO_FLOATS: [&str; 7] = ["1e-400", "1e-4004095", "1e400", "nan", "abc", " 1", ""];

impl Commands {
    /// Returns the source of commands for a seed.
    pub fn new(seed: u64) -> Self {
        Self { rng: SmallRng::seed_from_u64(seed) }
    }

    /// Returns random limits. The caller uses them for some hundreds of commands.
    pub fn limits(&mut self) -> EncodingLimits {
        let rng = &mut self.rng;
        let mut few = || [0, 1, 4, 16, 64, 128, 512][rng.random_range(0..7)];
        let mut limits = EncodingLimits {
            set_max_intset_entries: few(),
            set_max_listpack_entries: few(),
            set_max_listpack_value: few(),
            hash_max_listpack_entries: few(),
            hash_max_listpack_value: few(),
            zset_max_listpack_entries: few(),
            zset_max_listpack_value: few(),
            ..EncodingLimits::DEFAULT
        };
        // `known` says why a smaller limit of intsets is left out.
        limits.set_max_intset_entries = limits.set_max_intset_entries.max(limits.set_max_listpack_entries);
        limits.list_max_listpack_size = *[-2, -1, -5, 1, 4, 32, 128].choose(rng).expect("some");
        limits.list_compress_depth = *[0, 0, 1, 3].choose(rng).expect("some");
        limits
    }

    /// Returns the next command.
    pub fn next_command(&mut self) -> Vec<Vec<u8>> {
        match self.rng.random_range(0..100) {
            0 => {
                let kind = *b"slehzy".choose(&mut self.rng).expect("some");
                vec![b"DEL".to_vec(), self.key(kind)]
            }
            1..25 => self.of_strings(),
            25..45 => self.of_lists(),
            45..60 => self.of_sets(),
            60..85 => self.of_sorted_sets(),
            _ => self.of_hashes(),
        }
    }

    fn pick(&mut self, words: &[&str]) -> Vec<u8> {
        words.choose(&mut self.rng).expect("some").as_bytes().to_vec()
    }

    fn one_in(&mut self, n: u32) -> bool {
        self.rng.random_ratio(1, n)
    }

    fn key(&mut self, kind: u8) -> Vec<u8> {
        format!("{}{}", char::from(kind), self.rng.random_range(0..KEYS)).into_bytes()
    }

    fn small(&mut self) -> Vec<u8> {
        self.rng.random_range(-6..12).to_string().into_bytes()
    }

    fn integer(&mut self) -> Vec<u8> {
        match self.rng.random_range(0..10) {
            0 => self.pick(&INTEGERS),
            1 => self.pick(&["", "x", "1.0", " 1", "9223372036854775808"]),
            2..6 => self.rng.random_range(-300..300).to_string().into_bytes(),
            _ => self.small(),
        }
    }

    /// Returns an argument for an index or an offset.
    fn index(&mut self) -> Vec<u8> {
        match self.rng.random_range(0..12) {
            0 => self.pick(&["9223372036854775807", "-9223372036854775808", "-200", "200", "-1"]),
            _ => self.rng.random_range(-40..60).to_string().into_bytes(),
        }
    }

    /// Returns an index or a value near 0. It is for commands for which `known` lists differences at larger
    /// numbers.
    fn near_index(&mut self) -> Vec<u8> {
        self.rng.random_range(-200..200).to_string().into_bytes()
    }

    fn float(&mut self) -> Vec<u8> {
        if self.one_in(30) { self.pick(&NO_FLOATS) } else { self.number() }
    }

    fn number(&mut self) -> Vec<u8> {
        match self.rng.random_range(0..6) {
            0 => self.pick(&FLOATS),
            1 => match f64::from_bits(self.rng.random()) {
                value if value.is_nan() => b"0.5".to_vec(),
                value => value.to_string().into_bytes(),
            },
            2 => (f64::from(self.rng.random_range(-100_000..100_000)) / 1000.0).to_string().into_bytes(),
            _ => self.small(),
        }
    }

    /// Returns the value of a string, or an element.
    fn value(&mut self) -> Vec<u8> {
        match self.rng.random_range(0..12) {
            0 => self.pick(&INTEGERS),
            1 => self.pick(&FLOATS),
            2 => b"x".repeat([43, 44, 45, 63, 64, 65, 127, 128, 300][self.rng.random_range(0..9)]),
            3 => (0..self.rng.random_range(0..30)).map(|_| self.rng.random()).collect(),
            4 => Vec::new(),
            _ => self.member(),
        }
    }

    fn member(&mut self) -> Vec<u8> {
        let n = self.rng.random_range(0..MEMBERS);
        match self.rng.random_range(0..10) {
            0..6 => n.to_string().into_bytes(),
            6 => format!("{}", i64::from(n) << (n % 50)).into_bytes(),
            7 => b"m".repeat(n as usize % 70),
            _ => format!("member:{n}").into_bytes(),
        }
    }

    fn members(&mut self, most: usize) -> Vec<Vec<u8>> {
        (0..self.rng.random_range(1..=most)).map(|_| self.member()).collect()
    }

    fn of_strings(&mut self) -> Vec<Vec<u8>> {
        let key = self.key(b's');
        let mut words = match self.rng.random_range(0..24) {
            0..4 => vec![b"SET".to_vec(), key, self.value()],
            4..6 => vec![b"GET".to_vec(), key],
            6 => vec![b"STRLEN".to_vec(), key],
            7..9 => vec![b"APPEND".to_vec(), key, self.value()],
            9 => {
                let offset = self.rng.random_range(0..200).to_string().into_bytes();
                vec![b"SETRANGE".to_vec(), key, offset, self.value()]
            }
            10 => vec![b"GETRANGE".to_vec(), key, self.index(), self.index()],
            11 => vec![self.pick(&["INCR", "DECR"]), key],
            12..14 => vec![self.pick(&["INCRBY", "DECRBY"]), key, self.integer()],
            14 if self.one_in(9) => {
                vec![b"INCRBYFLOAT".to_vec(), key, self.pick(&["0x1p3", "-0X.8", "0x1F"])]
            }
            14..18 => vec![b"INCRBYFLOAT".to_vec(), key, self.float()],
            18 => {
                let (offset, bit) = (self.rng.random_range(0..600).to_string(), self.pick(&["0", "1"]));
                vec![b"SETBIT".to_vec(), key, offset.into_bytes(), bit]
            }
            19 => vec![b"GETBIT".to_vec(), key, self.rng.random_range(0..600).to_string().into_bytes()],
            20 => {
                let mut words = vec![b"BITCOUNT".to_vec(), key];
                if !self.one_in(3) {
                    words.extend([self.index(), self.index()]);
                    words.extend((!self.one_in(3)).then(|| self.pick(&["BIT", "BYTE"])));
                }
                return words;
            }
            21 => {
                let mut words = vec![b"BITPOS".to_vec(), key, self.pick(&["0", "1"])];
                if !self.one_in(3) {
                    words.push(self.index());
                    if !self.one_in(3) {
                        words.push(self.index());
                        words.extend((!self.one_in(3)).then(|| self.pick(&["BIT", "BYTE"])));
                    }
                }
                return words;
            }
            22 => {
                let operation = self.pick(&["AND", "OR", "XOR", "NOT"]);
                let sources = if operation == b"NOT" { 1 } else { self.rng.random_range(1..4) };
                let mut words = vec![b"BITOP".to_vec(), operation, key];
                words.extend((0..sources).map(|_| self.key(b's')));
                return words;
            }
            _ => vec![b"BITFIELD".to_vec(), key],
        };
        if words[0] == b"BITFIELD" {
            let mut is_sat = false;
            for _ in 0..self.rng.random_range(1..4) {
                if self.one_in(2) {
                    let overflow = self.pick(&["WRAP", "SAT", "FAIL"]);
                    is_sat = overflow == b"SAT";
                    words.extend([b"OVERFLOW".to_vec(), overflow]);
                }
                let kind = self.pick(&[
                    "i1", "i8", "u8", "i16", "u31", "i32", "i63", "u63", "i64", "u1", "u64", "i65", "i0",
                ]);
                let offset = self.rng.random_range(0..300).to_string();
                let offset =
                    if self.one_in(4) { format!("#{}", self.rng.random_range(0..9)) } else { offset };
                words.extend(match self.pick(&["GET", "SET", "INCRBY"]) {
                    get if get == b"GET" => vec![get, kind, offset.into_bytes()],
                    set if set == b"SET" && is_sat => vec![set, kind, offset.into_bytes(), self.near_index()],
                    write => vec![write, kind, offset.into_bytes(), self.integer()],
                });
            }
        }
        words
    }

    fn of_lists(&mut self) -> Vec<Vec<u8>> {
        let key = self.key(b'l');
        match self.rng.random_range(0..20) {
            0..5 => {
                let mut words = vec![self.pick(&["LPUSH", "RPUSH", "LPUSHX", "RPUSHX"]), key];
                words.extend((0..self.rng.random_range(1..20)).map(|_| self.value()));
                words
            }
            5 => vec![self.pick(&["LPOP", "RPOP"]), key],
            6 => {
                vec![self.pick(&["LPOP", "RPOP"]), key, self.rng.random_range(0..30).to_string().into_bytes()]
            }
            7 => vec![b"LLEN".to_vec(), key],
            8 | 9 => vec![b"LINDEX".to_vec(), key, self.index()],
            10 => vec![b"LRANGE".to_vec(), key, self.index(), self.index()],
            11 | 12 => vec![b"LSET".to_vec(), key, self.near_index(), self.value()],
            13 | 14 => {
                vec![b"LINSERT".to_vec(), key, self.pick(&["BEFORE", "AFTER"]), self.member(), self.value()]
            }
            15 => vec![b"LREM".to_vec(), key, self.small(), self.member()],
            16 => vec![b"LTRIM".to_vec(), key, self.index(), self.index()],
            17 => vec![b"RPOPLPUSH".to_vec(), key, self.key(b'l')],
            _ => {
                let sides = ["LEFT", "RIGHT"];
                vec![b"LMOVE".to_vec(), key, self.key(b'l'), self.pick(&sides), self.pick(&sides)]
            }
        }
    }

    fn of_sets(&mut self) -> Vec<Vec<u8>> {
        let key = self.key(b'e');
        match self.rng.random_range(0..14) {
            0..5 => [vec![b"SADD".to_vec(), key], self.members(20)].concat(),
            5..7 => [vec![b"SREM".to_vec(), key], self.members(8)].concat(),
            7 => vec![b"SCARD".to_vec(), key],
            8 => vec![b"SISMEMBER".to_vec(), key, self.member()],
            9 => vec![b"SMEMBERS".to_vec(), key],
            10 => vec![b"SMOVE".to_vec(), key, self.key(b'e'), self.member()],
            _ => {
                let mut words = vec![self.pick(&["SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE"]), key];
                words.extend((0..self.rng.random_range(1..4)).map(|_| self.key(b'e')));
                words
            }
        }
    }

    fn score_bound(&mut self) -> Vec<u8> {
        let score = self.number();
        if self.one_in(3) { [b"(", &score[..]].concat() } else { score }
    }

    fn lex_bound(&mut self) -> Vec<u8> {
        match self.rng.random_range(0..6) {
            0 => b"-".to_vec(),
            1 => b"+".to_vec(),
            2 | 3 => [b"(", &self.member()[..]].concat(),
            _ => [b"[", &self.member()[..]].concat(),
        }
    }

    fn of_sorted_sets(&mut self) -> Vec<Vec<u8>> {
        let key = self.key(b'z');
        match self.rng.random_range(0..24) {
            0..7 => {
                let mut words = vec![b"ZADD".to_vec(), key];
                match self.rng.random_range(0..8) {
                    0 => words.push(b"NX".to_vec()),
                    1 => words.push(b"XX".to_vec()),
                    2 => words.push(self.pick(&["GT", "LT"])),
                    3 => words.extend([b"XX".to_vec(), self.pick(&["GT", "LT"])]),
                    4 => words.push(b"CH".to_vec()),
                    5 => {
                        words.extend([b"INCR".to_vec(), self.float(), self.member()]);
                        return words;
                    }
                    _ => {}
                }
                for _ in 0..self.rng.random_range(1..12) {
                    words.extend([self.float(), self.member()]);
                }
                words
            }
            7 | 8 => vec![b"ZINCRBY".to_vec(), key, self.float(), self.member()],
            9 | 10 => [vec![b"ZREM".to_vec(), key], self.members(5)].concat(),
            11 | 12 => vec![b"ZSCORE".to_vec(), key, self.member()],
            13 => vec![b"ZRANK".to_vec(), key, self.member()],
            14 => vec![b"ZCARD".to_vec(), key],
            15 => {
                let mut words = vec![self.pick(&["ZPOPMIN", "ZPOPMAX"]), key];
                words.extend(self.one_in(2).then(|| self.rng.random_range(0..9).to_string().into_bytes()));
                words
            }
            16 => vec![b"ZREMRANGEBYRANK".to_vec(), key, self.index(), self.index()],
            17 => vec![b"ZREMRANGEBYSCORE".to_vec(), key, self.score_bound(), self.score_bound()],
            18 => self.of_equal_scores(),
            19 => vec![b"ZRANGE".to_vec(), key, self.index(), self.index(), b"WITHSCORES".to_vec()],
            20 => {
                let mut words = vec![b"ZRANGESTORE".to_vec(), key, self.key(b'z')];
                match self.rng.random_range(0..2) {
                    0 => words.extend([self.index(), self.index()]),
                    _ => words.extend([self.score_bound(), self.score_bound(), b"BYSCORE".to_vec()]),
                }
                words
            }
            _ => {
                let name = self.pick(&["ZUNIONSTORE", "ZINTERSTORE", "ZINTERSTORE", "ZDIFFSTORE"]);
                let count = self.rng.random_range(1..4);
                let mut words = vec![name.clone(), key, count.to_string().into_bytes()];
                words.extend((0..count).map(|_| {
                    let kind = if self.one_in(5) { b'e' } else { b'z' };
                    self.key(kind)
                }));
                if name != b"ZDIFFSTORE" {
                    if self.one_in(2) {
                        words.push(b"WEIGHTS".to_vec());
                        words.extend(
                            (0..count).map(|_| self.pick(&["0", "1", "-1", "0.5", "inf", "-inf", "1e300"])),
                        );
                    }
                    words.extend([b"AGGREGATE".to_vec(), self.pick(&["SUM", "MIN", "MAX"])]);
                }
                words
            }
        }
    }

    /// Returns a command for a sorted set whose scores are all 0. Ranges of members (`BYLEX`) are specified
    /// only for equal scores, so only these keys get commands with such a range.
    fn of_equal_scores(&mut self) -> Vec<Vec<u8>> {
        let key = self.key(b'y');
        match self.rng.random_range(0..6) {
            0..3 => {
                let mut words = vec![b"ZADD".to_vec(), key];
                for _ in 0..self.rng.random_range(1..30) {
                    words.extend([b"0".to_vec(), self.member()]);
                }
                words
            }
            3 => vec![b"ZREMRANGEBYLEX".to_vec(), key, self.lex_bound(), self.lex_bound()],
            4 => {
                let from = self.key(b'y');
                vec![
                    b"ZRANGESTORE".to_vec(),
                    key,
                    from,
                    self.lex_bound(),
                    self.lex_bound(),
                    b"BYLEX".to_vec(),
                ]
            }
            _ => vec![b"ZRANGE".to_vec(), key, self.index(), self.index(), b"WITHSCORES".to_vec()],
        }
    }

    fn of_hashes(&mut self) -> Vec<Vec<u8>> {
        let key = self.key(b'h');
        match self.rng.random_range(0..18) {
            0..5 => {
                let mut words = vec![self.pick(&["HSET", "HMSET"]), key];
                for _ in 0..self.rng.random_range(1..12) {
                    words.extend([self.member(), self.value()]);
                }
                words
            }
            5 => vec![b"HSETNX".to_vec(), key, self.member(), self.value()],
            6 | 7 => vec![b"HGET".to_vec(), key, self.member()],
            8 => [vec![b"HMGET".to_vec(), key], self.members(5)].concat(),
            9 | 10 => [vec![b"HDEL".to_vec(), key], self.members(5)].concat(),
            11 => vec![b"HLEN".to_vec(), key],
            12 => vec![b"HSTRLEN".to_vec(), key, self.member()],
            13 => vec![b"HEXISTS".to_vec(), key, self.member()],
            14 => vec![b"HINCRBY".to_vec(), key, self.member(), self.integer()],
            15 | 16 => vec![b"HINCRBYFLOAT".to_vec(), key, self.member(), self.float()],
            _ => vec![b"HGETALL".to_vec(), key],
        }
    }
}
