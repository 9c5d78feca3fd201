//! The block of a key that gets an expiry and loses it again.

use crate::drawing::{Frame, Series};
use keyspace::{ExpireOptions, Expiry, Keyspace};

/// The time of the drawing, in milliseconds since 1970. It is in 2026.
const NOW: u64 = 1_790_000_000_000;
const KEY: &str = "user:1";

pub(super) fn series() -> Series {
    let mut keyspace = Keyspace::new();
    let mut frames = Vec::new();
    let mut draw = |keyspace: &Keyspace, text: &str| {
        let parts = keyspace.block_parts(KEY, NOW).expect("the key exists");
        frames.push(Frame::of_block(text, parts));
    };
    keyspace.set(KEY, "Ada", NOW).expect("there is memory");
    draw(&keyspace, "SET user:1 Ada");
    keyspace.expire(KEY, Expiry::InMillis(60_000), ExpireOptions::default(), NOW).expect("there is memory");
    draw(&keyspace, "PEXPIRE user:1 60000. The expiry is in front of the key, and the block is larger.");
    keyspace.append(KEY, b" Lovelace", NOW).expect("there is memory");
    draw(&keyspace, "APPEND user:1 \" Lovelace\". The block is larger again.");
    keyspace.persist(KEY, NOW);
    draw(&keyspace, "PERSIST user:1. The expiry is gone.");
    keyspace.set(KEY, "1815", NOW).expect("there is memory");
    draw(&keyspace, "SET user:1 1815. The text of an integer is stored as an integer.");
    Series { name: "entry-ttl", about: "the block of a key that gets an expiry, and loses it", frames }
}
