//! The second part of a soak: several threads on one [`Sharded`] keyspace.
//!
//! Each thread has its own keys, which begin with its number, and a model of them. The threads share the
//! locks, and evict each other's keys. Callbacks record which keys of a thread were removed. The thread
//! updates its model under the lock of the key that it uses next. The time does not change during a round.
//! Between two rounds, all keys are compared, all bytes are counted, and the policy and the limit change.
//!
//! A seed determines the operations of each thread, but not the order of operations of different threads.

use super::{Report, step};
use crate::harness::{Plan, clock};
use crate::world::input::{Key, Kind, LEN_MAX, Scale};
use crate::world::model::Model;
use crate::world::pair::{Context, Pair};
use crate::world::{Counts, KeysOp, Log, Op, OwnedEvent, apply_event};
use common::random;
use keyspace::{Cursor, DefaultHashBuilder, Error, MaxmemoryPolicy, Options, ScanOptions, Sharded};
use std::collections::BTreeSet;
use std::panic;
use std::time::{Duration, Instant};
use zmalloc::Region;

/// The number of operations of each thread in a round.
const ROUND: u64 = 3_000;
/// The number of shards. There are few, so that threads wait for the same locks.
const SHARDS: usize = 4;
/// The time between two rounds, in milliseconds. It passes only for the keyspace and the models.
const ROUND_TIME: u64 = 15_000;
/// One of this many operations is on all keys.
const WHOLE_ONE_IN: u64 = 128;

/// The values of `maxmemory`, in bytes. Each round takes the next one.
const LIMITS: [usize; 4] = [4 << 20, 400_000, 0, 16 << 20];

/// The state of a thread.
struct Worker {
    /// The first byte of its keys.
    number: u8,
    seed: u64,
    model: Model,
    log: Log,
    context: Context,
    done: u64,
}

/// Runs rounds until the time is over, but at least one.
pub(super) fn run(
    seed: u64,
    threads: usize,
    time: Duration,
    report: &mut Report,
    progress: &mut dyn FnMut(&Report),
) {
    let (region, start, before) = (Region::start(), Instant::now(), *report);
    let logs: Vec<Log> = (0..threads).map(|_| Log::default()).collect();
    let sharded =
        Sharded::try_with_options_and_hasher(SHARDS, Options::new(), DefaultHashBuilder::with_seed(seed));
    let sharded = sharded.expect("no allocation fails");
    sharded.for_each_mut(|keyspace| {
        let logs = logs.clone();
        let push = move |event: keyspace::Event<'_>| logs[usize::from(owner(event))].push(event);
        keyspace.on_event(push).expect("no allocation fails");
    });
    let callbacks = region.held() - sharded.allocation_size() as isize;
    let worker = |(number, log): (usize, Log)| Worker {
        number: number as u8,
        seed: random::mix(seed ^ (number as u64 + 1)),
        model: Model::default(),
        log,
        context: Context {
            scale: Scale::Large,
            now: 1_000_000,
            late: 0,
            plan: Plan::None,
            counts: Counts::default(),
        },
        done: 0,
    };
    let mut workers: Vec<_> = logs.into_iter().enumerate().map(worker).collect();
    let mut held = 0;
    for round in 0.. {
        let policy = MaxmemoryPolicy::ALL[round % MaxmemoryPolicy::ALL.len()];
        let limit = LIMITS[round % LIMITS.len()];
        let options = Options::new().maxmemory_policy(policy).maxmemory(limit);
        sharded.set_options(options.list_compress_depth(1).proto_max_bulk_len(LEN_MAX));
        held += std::thread::scope(|scope| {
            let run = |worker| scope.spawn(|| Worker::run(worker, &sharded));
            let threads: Vec<_> = workers.iter_mut().map(run).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|it| panic::resume_unwind(it)))
                .sum::<isize>()
        });
        for worker in &mut workers {
            worker.apply_event(policy);
            worker.compare_all(&sharded);
            worker.context.now += ROUND_TIME;
            worker.model.at(worker.context.now);
        }
        sharded.for_each(keyspace::Keyspace::check);
        let keys: usize = workers.iter().map(|worker| worker.model.len() + worker.model.stale.len()).sum();
        let at_end: usize = sharded.len();
        assert_eq!(at_end, keys, "the keys of all shards, and of all models");
        let (used, counted) = (region.held() + held, sharded.allocation_size() as isize + callbacks);
        assert_eq!(used, counted, "bytes in use, and bytes accounted for, of all threads");
        report.rounds = round as u64 + 1;
        report.thread_operations = workers.iter().map(|worker| worker.done).sum();
        report.counts =
            workers.iter().fold(before.counts, |counts, worker| counts.combined(worker.context.counts));
        sharded.for_each(|keyspace| report.counts.add_totals(keyspace));
        report.counts.bytes_max = report.counts.bytes_max.max(sharded.allocation_size());
        report.time = before.time + start.elapsed();
        progress(report);
        if start.elapsed() >= time {
            break;
        }
    }
    drop(sharded);
    assert_eq!(region.held() + held, 0, "bytes lost or freed twice, by all threads");
}

/// Returns the number of the thread that owns the key of an event.
fn owner(event: keyspace::Event<'_>) -> u8 {
    use keyspace::Event::{Changed, Evicted, Expired, Removed, Renamed, Set};
    match event {
        Set(key) | Changed(key) | Expired(key) | Evicted(key) | Removed(key) | Renamed { from: key, .. } => {
            key[0]
        }
        other => panic!("an event that the model does not know: {other:?}"),
    }
}

impl Worker {
    /// Runs the operations of a round. Returns the number of bytes that the thread has allocated and not
    /// freed.
    fn run(&mut self, sharded: &Sharded) -> isize {
        let region = Region::start();
        for _ in 0..ROUND {
            let step = step(self.seed, self.done);
            self.context.plan = step.plan;
            match &step.op {
                op if self.done.is_multiple_of(WHOLE_ONE_IN) => self.on_all(op.group(), sharded),
                Op::Keys(kind, keys, op) => self.on_keys(*kind, *keys, op, sharded),
                op => {
                    if let Some((key, kind)) = op.target() {
                        let key = self.name(key, kind);
                        let Self { model, log, context, .. } = self;
                        sharded.write(&key, |keyspace, _| {
                            let mut pair = Pair::new(keyspace, model, Some(log), context);
                            pair.apply_events();
                            op.run(&key, &mut pair);
                            pair.compare(&key);
                        });
                    }
                }
            }
            self.done += 1;
        }
        region.held()
    }

    fn name(&self, key: Key, kind: Kind) -> Vec<u8> {
        [&[self.number], &key.name(kind, Scale::Large)[..]].concat()
    }

    /// Updates the model with the events since the last call: other threads may have evicted keys of this
    /// thread.
    fn apply_event(&mut self, policy: MaxmemoryPolicy) {
        let Self { model, log, context, .. } = self;
        log.take().into_iter().for_each(|logged| apply_event(model, &mut context.counts, policy, logged));
    }

    /// Runs an operation on two keys, which may be in two shards. Other threads may evict both keys in the
    /// meantime.
    fn on_keys(&mut self, kind: Kind, keys: [Key; 3], op: &KeysOp, sharded: &Sharded) {
        let [from, to, _] = keys.map(|key| self.name(key, kind));
        let now = self.context.now;
        let policy = sharded.read(&from, |keyspace, _| keyspace.options().get_maxmemory_policy());
        let is_copy = matches!(op, KeysOp::Copy(_));
        self.apply_event(policy);
        let done = match is_copy {
            true => sharded.copy(&from, &to, true, now),
            false => sharded.rename(&from, &to, now).map(|()| from != to),
        };
        let mut logged = self.log.take();
        let later = logged.split_off(logged.iter().position(OwnedEvent::is_own).unwrap_or(logged.len()));
        let Self { model, context, .. } = self;
        logged.into_iter().for_each(|logged| apply_event(model, &mut context.counts, policy, logged));
        match done {
            Ok(true) => {
                let held = if is_copy { model.get(&from).cloned() } else { model.remove(&from) };
                let held = held.expect("a key that was copied or renamed");
                model.put(&to, held.content, held.expiry);
            }
            Ok(false) => assert!(from == to || !model.contains(&from), "a key that was not copied"),
            Err(Error::NoSuchKey) => assert!(!model.contains(&from), "a key that was not found"),
            Err(Error::MaxmemoryReached { .. }) => context.counts.refused += 1,
            Err(error) => panic!("{error}"),
        }
        let others = later.into_iter().filter(|logged| !logged.is_own());
        others.for_each(|logged| apply_event(model, &mut context.counts, policy, logged));
    }

    /// Runs an operation on all keys of all threads.
    fn on_all(&mut self, choice: usize, sharded: &Sharded) {
        let now = self.context.now;
        match choice % 6 {
            0 => sharded.for_each_mut(|keyspace| _ = keyspace.expire_some(now, 100)),
            1 => sharded.for_each_mut(|keyspace| _ = keyspace.evict_some(now, 100)),
            2 => sharded.for_each_mut(|keyspace| _ = keyspace.rehash(8)),
            3 => self.scan(sharded),
            4 => drop(sharded.maintain(now, Duration::from_millis(20), clock())),
            _ => {
                // Other threads have allocated these values. This thread frees them without a lock.
                let mut garbage = Vec::new();
                sharded.for_each_mut(|keyspace| garbage.extend(keyspace.take_garbage()));
                drop(garbage);
            }
        }
    }

    /// Scans all keys. The scan must show each key of this thread that exists before and after it.
    fn scan(&mut self, sharded: &Sharded) {
        let policy = sharded.read("", |keyspace, _| keyspace.options().get_maxmemory_policy());
        self.apply_event(policy);
        let mut unseen: BTreeSet<Vec<u8>> = self.model.iter().map(|(key, _)| key.clone()).collect();
        let mut cursor = Cursor::START;
        loop {
            cursor = sharded.scan(cursor, &ScanOptions::default(), self.context.now, |key, _value| {
                unseen.remove(key);
            });
            if cursor.is_start() {
                break;
            }
        }
        self.apply_event(policy);
        assert!(!unseen.iter().any(|key| self.model.contains(key)), "a scan has not shown a key");
    }

    fn compare_all(&mut self, sharded: &Sharded) {
        let keys: Vec<_> = self.model.iter().map(|(key, _)| key.clone()).collect();
        for key in keys {
            let Self { model, log, context, .. } = self;
            sharded.write(&key, |keyspace, _| {
                Pair::new(keyspace, model, Some(log), context).compare_in_full(&key)
            });
        }
    }
}
