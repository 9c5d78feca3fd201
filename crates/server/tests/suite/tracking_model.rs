//! A model of `CLIENT TRACKING`: three clients read and write at random, and keep what they read. After each step they
//! handle their messages, and what they still keep has to be what the server answers.
//!
//! Keys expire and are evicted, the table of tracked keys is small in some rounds, and databases are flushed and
//! swapped. A key that has expired is told some time later, so a difference is an error only if it stays.

use crate::harness::{TestClient, TestServer};
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use std::time::{Duration, Instant};

const KEYS: [&str; 6] = ["a:1", "a:2", "a:3", "b:1", "b:2", "b:3"];
const READS: [&str; 8] =
    ["GET K", "LRANGE K 0 -1", "HGET K f", "SCARD K", "ZRANGE K 0 -1", "TYPE K", "EXISTS K", "MGET K L"];
const WRITES: [&str; 28] = [
    "SET K N",
    "SET K N PX 5",
    "SET K V",
    "MSET K N L N",
    "APPEND K N",
    "INCR K",
    "GETDEL K",
    "DEL K",
    "UNLINK K",
    "EXPIRE K 100",
    "PEXPIRE K 5",
    "PERSIST K",
    "RENAME K L",
    "COPY K L REPLACE",
    "RPUSH K N",
    "LPOP K",
    "LMOVE K L LEFT RIGHT",
    "SORT K ALPHA STORE L",
    "SADD K N",
    "SPOP K",
    "SUNIONSTORE K K L",
    "HSET K f N",
    "HDEL K f",
    "ZADD K 1 N",
    "ZREM K N",
    "ZUNIONSTORE K 1 L",
    "BITOP NOT K L",
    "MOVE K 1",
];
const MODES: [&str; 8] = [
    "",
    " NOLOOP",
    " OPTIN",
    " OPTOUT NOLOOP",
    " BCAST",
    " BCAST NOLOOP",
    " BCAST PREFIX a: PREFIX b:2",
    " REDIRECT",
];

/// A client that keeps what it reads.
struct Caching {
    client: TestClient,
    /// The client that is sent the messages, if it is another one.
    receiver: Option<TestClient>,
    mode: &'static str,
    /// Commands with their keys and their replies.
    kept: Vec<(String, [&'static str; 2], String)>,
    messages: usize,
}

impl Caching {
    fn new(server: &TestServer, mode: &'static str) -> Self {
        let mut client = server.client();
        let receiver = (mode == " REDIRECT").then(|| server.client());
        let mut caching = Self { client, receiver, mode, kept: Vec::new(), messages: 0 };
        client = server.client();
        let mut options = mode.to_owned();
        match &mut caching.receiver {
            Some(receiver) => {
                options += &format!(" {}", receiver.run("CLIENT ID"));
                receiver.run("SUBSCRIBE __redis__:invalidate");
            }
            None => drop(client.run("HELLO 3")),
        }
        assert_eq!(client.run(&format!("CLIENT TRACKING ON{options}")), "OK");
        caching.client = client;
        caching
    }

    /// Forgets what depends on a key.
    fn forget(&mut self, key: &str) {
        self.kept.retain(|(_, keys, _)| !keys.contains(&key));
    }

    /// Handles a message. Returns `false` if it is none.
    fn handle(&mut self, text: &str) -> bool {
        let message = text
            .strip_prefix("[\"invalidate\", ")
            .or_else(|| text.strip_prefix("[\"message\", \"__redis__:invalidate\", "));
        let Some(keys) = message else { return false };
        self.messages += 1;
        if keys == "nil]" {
            self.kept.clear();
        }
        keys.split('"').skip(1).step_by(2).for_each(|key| self.forget(key));
        true
    }

    /// Sends a command, and handles the messages before its reply.
    fn run(&mut self, command: &str) -> String {
        let mut reply = self.client.run(command);
        while self.handle(&reply) {
            reply = self.client.reply();
        }
        reply
    }

    /// Handles all messages that have been sent.
    fn catch_up(&mut self) {
        assert_eq!(self.run("PING"), "PONG");
        if let Some(mut receiver) = self.receiver.take() {
            let mut text = receiver.run("PING");
            while self.handle(&text) {
                text = receiver.reply();
            }
            assert_eq!(text, "[\"pong\", \"\"]");
            self.receiver = Some(receiver);
        }
    }

    fn read(&mut self, command: &str, keys: [&'static str; 2], rng: &mut SmallRng) {
        let makes_exception = rng.random_bool(0.5);
        let is_kept = match self.mode {
            " OPTIN" => makes_exception,
            " OPTOUT NOLOOP" => !makes_exception,
            " BCAST PREFIX a: PREFIX b:2" => {
                keys.iter().all(|key| key.starts_with("a:") || key.starts_with("b:2"))
            }
            _ => true,
        };
        if makes_exception {
            let _in_other_modes = match self.mode {
                " OPTIN" => self.run("CLIENT CACHING YES"),
                " OPTOUT NOLOOP" => self.run("CLIENT CACHING NO"),
                _ => String::new(),
            };
        }
        let reply = self.run(command);
        if is_kept {
            self.kept.push((command.to_owned(), keys, reply));
        }
    }

    fn write(&mut self, commands: &[(String, [&'static str; 2])]) {
        if commands.len() > 1 {
            self.run("MULTI");
        }
        for (command, keys) in commands {
            self.run(command);
            if self.mode.ends_with("NOLOOP") {
                keys.iter().for_each(|key| self.forget(key));
            }
        }
        if commands.len() > 1 {
            assert!(self.run("EXEC").starts_with('['));
        }
    }
}

/// Fills in the keys and the values of a command.
fn fill(template: &str, rng: &mut SmallRng) -> (String, [&'static str; 2]) {
    let mut key = || *KEYS.choose(rng).unwrap();
    let keys = [key(), key()];
    let number = rng.random_range(0..5).to_string();
    let large = "v".repeat(4_000);
    let words = template.split(' ').map(|word| match word {
        "K" => keys[0],
        "L" => keys[1],
        "N" => &number,
        "V" => &large,
        word => word,
    });
    (words.collect::<Vec<_>>().join(" "), if template.contains('L') { keys } else { [keys[0]; 2] })
}

/// Checks what a client keeps, until it is right or has been wrong for too long.
fn check(caching: &mut Caching, oracle: &mut TestClient, history: &[String]) {
    let start = Instant::now();
    loop {
        caching.catch_up();
        let wrong = caching.kept.iter().find_map(|(command, _, reply)| {
            let now = oracle.run(command);
            (now != *reply).then(|| format!("{command}: keeps {reply}, and it is {now}"))
        });
        let Some(wrong) = wrong else { return };
        assert!(
            start.elapsed() < Duration::from_secs(2),
            "{wrong}, in the mode{} after {history:#?}",
            caching.mode
        );
    }
}

#[test]
fn what_clients_keep_is_what_the_server_has() {
    let (mut messages, mut evicted) = (0, 0);
    for round in 0..24_u64 {
        let mut rng = SmallRng::seed_from_u64(round);
        let table = if round % 3 == 0 { "tracking-table-max-keys 3" } else { "" };
        let server = TestServer::with(&format!("{table}\nmaxmemory-policy allkeys-random"));
        let mut oracle = server.client();
        let mut all: Vec<Caching> =
            (0..3).map(|n| Caching::new(&server, MODES[(round as usize + 3 * n) % 8])).collect();
        let mut history = Vec::new();
        for step in 0..120 {
            // The clients live in the process of the server, so its memory grows with them.
            if round % 2 == 1 && step % 8 == 0 {
                let text = oracle.run("INFO memory");
                let used = text.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap();
                let limit = used.parse::<usize>().unwrap() + rng.random_range(0..8_000);
                oracle.run(&format!("CONFIG SET maxmemory {limit}"));
            }
            let who = rng.random_range(0..3);
            match rng.random_range(0..100) {
                0 => history.push(all[who].run("FLUSHDB") + " FLUSHDB"),
                1 => history.push(all[who].run("SWAPDB 0 1") + " SWAPDB"),
                2..50 => {
                    let (command, keys) = fill(READS.choose(&mut rng).unwrap(), &mut rng);
                    all[who].read(&command, keys, &mut rng);
                }
                choice => {
                    let len = if choice < 60 { 3 } else { 1 };
                    let commands: Vec<_> =
                        (0..len).map(|_| fill(WRITES.choose(&mut rng).unwrap(), &mut rng)).collect();
                    history.extend(commands.iter().map(|(command, _)| format!("{who}: {command:.60}")));
                    all[who].write(&commands);
                }
            }
            for caching in &mut all {
                check(caching, &mut oracle, &history);
            }
        }
        messages += all.iter().map(|caching| caching.messages).sum::<usize>();
        let text = oracle.run("INFO stats");
        evicted +=
            text.lines().filter(|line| line.starts_with("evicted_keys:") && !line.ends_with(":0")).count();
    }
    assert!(messages > 500 && evicted > 2, "{messages} messages, keys were evicted in {evicted} rounds");
}
