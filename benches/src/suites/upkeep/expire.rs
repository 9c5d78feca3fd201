//! Measures EXPIRE after SET. An entry without an expiry has no room for one, so EXPIRE moves it to a larger
//! block.
//!
//! The same keys get the same expiries in three ways: by SET with EX, by EXPIRE after each SET, and by EXPIRE
//! in a random order after all SETs. The rows have the memory at the end: the bytes in blocks, and RSS after
//! the allocator has returned its free pages. A few passes of defragmentation then show how much of RSS was
//! in gaps.

use super::process;
use crate::keys::{key, shuffled};
use crate::maps::FoldHash;
use crate::report::Row;
use crate::settings::Settings;
use crate::suite::Ctx;
use keyspace::{ExpireOptions, Expiry, Keyspace, Options, SetExpiry, SetOptions};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use zmalloc::{flush_tcache, purge, rss};

/// The peer.
pub(super) const SET_EX: &str = "SET EX";

/// The other two ways, each of which is a separate case.
const AFTER_EACH: &str = "EXPIRE after each SET";
const AFTER_ALL: &str = "EXPIRE after all SETs";

/// The sizes of values, in bytes.
const SIZES: [usize; 2] = [32, 200];

/// The number of passes of defragmentation.
const PASSES: usize = 4;

const EXPIRY: Expiry = Expiry::InSeconds(1_000);

/// The bytes that a key takes.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct Bytes {
    in_blocks: f64,
    rss: f64,
    /// RSS before the purge.
    rss_at_once: f64,
    /// RSS after the passes of defragmentation, and another purge.
    rss_defragged: f64,
}

/// Measures the case with the name `way, size` in this process.
pub(super) fn measure(name: &str, settings: &Settings) -> Option<Bytes> {
    let (way, size) = name.split_once(", ")?;
    let n: u32 = settings.pick(5_000, 100_000, 1_000_000);
    let value = vec![b'v'; size.parse().ok()?];
    let order = shuffled(0..n, settings.seed);
    let mut store = Keyspace::with_options_and_hasher(Options::new(), FoldHash::default());
    purge();
    let before = rss()?;
    let ex = SetOptions { expiry: SetExpiry::To(EXPIRY), ..SetOptions::default() };
    let expire = |store: &mut Keyspace<FoldHash>, i: u32| {
        let is_set = store.expire(&key(i.into()), EXPIRY, ExpireOptions::default(), 0);
        assert_eq!(is_set, Ok(true), "the key is there");
    };
    for i in 0..n {
        let options = if way == SET_EX { &ex } else { &SetOptions::default() };
        let done = store.set_with(&key(i.into()), &value[..], options, 0);
        assert!(done.expect("there is memory").is_set);
        if way == AFTER_EACH {
            expire(&mut store, i);
        }
    }
    if way == AFTER_ALL {
        order.iter().for_each(|&i| expire(&mut store, i));
    }
    assert_eq!(store.expires(), n as usize, "{way}");
    let a_key = |bytes: usize| bytes as f64 / f64::from(n);
    let rss_at_once = a_key(rss()?.saturating_sub(before));
    let rss_purged = || {
        flush_tcache();
        purge();
        rss().map(|rss| a_key(rss.saturating_sub(before)))
    };
    let rss = rss_purged()?;
    for _ in 0..PASSES {
        while !store.defrag_for(Duration::MAX, || Duration::ZERO).is_complete {}
    }
    Some(Bytes { in_blocks: a_key(store.allocation_size()), rss, rss_at_once, rss_defragged: rss_purged()? })
}

pub(super) fn run(ctx: &mut Ctx) -> anyhow::Result<()> {
    let n = ctx.settings.pick(5_000, 100_000, 1_000_000);
    ctx.progress.start("EXPIRE after SET", SIZES.len() * 3);
    for size in SIZES {
        let mut found = [SET_EX, AFTER_EACH, AFTER_ALL].into_iter().map(|way| {
            ctx.progress.step();
            process::measured::<Bytes>(ctx.settings, "expire", &format!("{way}, {size}"))
        });
        let (Some(peer), rest) = (found.next().transpose()?, found) else { continue };
        let others: Vec<Bytes> = rest.collect::<anyhow::Result<_>>()?;
        for (way, ours) in [AFTER_EACH, AFTER_ALL].into_iter().zip(others) {
            let case = format!("{way}, values of {size} B");
            let row = |metric, value| Row::alone(ctx.suite, &case, n, "EXPIRE", metric, "B", value);
            for (metric, of) in [
                ("bytes a key", (|bytes| bytes.in_blocks) as fn(&Bytes) -> f64),
                ("RSS a key", |bytes| bytes.rss),
                ("RSS a key, before a purge", |bytes| bytes.rss_at_once),
                ("RSS a key, after defragmentation", |bytes| bytes.rss_defragged),
            ] {
                ctx.report.row(row(metric, of(&ours)).beside(SET_EX, of(&peer)));
            }
            ctx.report.row(row("RSS a key beyond SET EX", ours.rss - peer.rss));
        }
    }
    Ok(())
}
