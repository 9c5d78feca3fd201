//! Runs lives of loading and saving. Redcore and the servers take turns.

use super::data::Set;
use super::{BOXES, COMMANDS, FASTEST_SERVER, KEYSPACE};
use crate::lifecycle::{Candidate, Schedule, time_phases, timed};
use crate::maps::FoldHash;
use crate::measure::Samples;
use crate::server::Program;
use crate::stores::BoxMap;
use crate::suite::Ctx;
use crate::text::thousands;
use anyhow::{Context, Result, ensure};
use keyspace::Keyspace;
use rdb::{Event, Item, LoadOptions, Loader, Reader, WriteOptions, WriteVersion, save_to_path};
use std::cell::RefCell;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

/// The times of loading and of saving.
type PhaseTimes = [Duration; 2];

pub(super) fn measure(ctx: &mut Ctx, set: &Set) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (file, saved) = (folder.path().join("dump.rdb"), folder.path().join("saved.rdb"));
    let mut store = Keyspace::with_hasher(FoldHash::default());
    set.fill(&mut store);
    save(&store, &file)?;
    let keys = store.len();
    drop(store);

    let failed = RefCell::new(None);
    let times = |name: &str, run_phases: &dyn Fn() -> Result<PhaseTimes>| {
        if failed.borrow().is_some() {
            return PhaseTimes::default();
        }
        run_phases().unwrap_or_else(|error| {
            *failed.borrow_mut() = Some(error.context(name.to_owned()));
            PhaseTimes::default()
        })
    };
    let ours = || times(KEYSPACE, &|| keyspace_life(keys, &file, &saved));
    let commands = || {
        let mut store = Keyspace::with_hasher(FoldHash::default());
        [timed(|| set.fill(&mut store)), Duration::ZERO]
    };
    let boxes = || times(BOXES, &|| boxes_life(keys, &file));
    let mut candidates = vec![Candidate::new(KEYSPACE, ours), Candidate::new(COMMANDS, commands)];
    if set.has_only_strings() {
        candidates.push(Candidate::new(BOXES, boxes));
    }
    let without_save = candidates.len();
    let programs = &ctx.inputs.servers;
    let idle: Vec<Duration> = programs.iter().map(idle_time).collect::<Result<_>>()?;
    for (program, idle) in programs.iter().zip(idle) {
        let (file, times) = (&file, &times);
        let run_phases = move || times(&program.name, &|| server_life(program, file, keys, idle));
        candidates.push(Candidate::new(&program.name, run_phases));
    }
    let rounds = ctx.settings.pick(1, 3, 5);
    let schedule = Schedule { rounds, repeats: 1, warm_up: false, seed: set.seed };
    let [mut load, mut save] = time_phases(&mut candidates, schedule, set.name, ctx.progress);
    drop(candidates);
    if let Some(error) = failed.into_inner() {
        return Err(error);
    }
    save.drain(1..without_save);
    for (what, samples, servers) in [("load", &mut load, without_save), ("save", &mut save, 1)] {
        samples.extend(fastest(&samples[servers..]));
        let case = format!("{what} {}", set.name);
        ctx.report.compare(ctx.suite, &case, keys as u64, set.elements, samples);
    }
    let bytes = std::fs::metadata(&file)?.len();
    let rate = |samples: &Samples| bytes as f64 * 1e3 / samples.median_ns();
    ctx.report.note(
        ctx.suite,
        format!(
            "The file of {}: {} keys, {} elements, {} bytes; loaded at {:.0} MB/s, saved at {:.0} MB/s.",
            set.name,
            thousands(keys as i64),
            thousands(set.elements as i64),
            thousands(bytes as i64),
            rate(&load[0]),
            rate(&save[0])
        ),
    );
    Ok(())
}

/// Returns the samples of the server with the least median.
fn fastest(servers: &[Samples]) -> Option<Samples> {
    let fastest = servers.iter().min_by(|one, other| one.median_ns().total_cmp(&other.median_ns()))?;
    Some(Samples { name: FASTEST_SERVER.into(), rounds: fastest.rounds.clone() })
}

pub(super) fn save(store: &Keyspace<FoldHash>, path: &Path) -> Result<()> {
    let mut options = WriteOptions::default();
    options.version = WriteVersion::V10; // the version of Redis 7.0
    save_to_path(path, &options, |writer| {
        writer.default_aux(0, store.allocation_size() as u64)?;
        writer.write_keyspace(0, store, 0)
    })?;
    Ok(())
}

fn keyspace_life(keys: usize, file: &Path, saved: &Path) -> Result<PhaseTimes> {
    let mut store = Keyspace::with_hasher(FoldHash::default());
    let mut loaded = Ok(());
    let load = timed(|| {
        loaded = Loader::open(file, LoadOptions::default())
            .and_then(|mut loader| loader.load(&mut store, 0))
            .map(drop);
    });
    loaded?;
    ensure!(store.len() == keys, "{} of {keys} keys were loaded", store.len());
    let mut written = Ok(());
    let time = timed(|| written = save(&store, saved));
    written?;
    Ok([load, time])
}

/// Runs the life of a store of another kind, which is filled from the events of the reader.
fn boxes_life(keys: usize, file: &Path) -> Result<PhaseTimes> {
    let mut map = BoxMap::default();
    let mut read = Ok(());
    let load = timed(|| read = fill_boxes(&mut map, file));
    read?;
    ensure!(map.len() == keys, "{} of {keys} keys were loaded", map.len());
    Ok([load, Duration::ZERO])
}

fn fill_boxes(map: &mut BoxMap, file: &Path) -> Result<()> {
    let mut reader = Reader::new(File::open(file)?)?;
    let mut key = None;
    while let Some(event) = reader.next_event()? {
        match event {
            Event::Resize { keys, .. } => map.reserve(usize::try_from(keys)?),
            Event::Key(header) => key = Some(header.key.into()),
            _ => {}
        }
        if key.is_some() {
            reader.walk_value(|item| {
                if let (Item::String(text), Some(key)) = (item, key.take()) {
                    map.insert(key, Box::from(&*text.text()));
                }
            })?;
        }
    }
    Ok(())
}

/// Returns the processor time that a server takes to start without a file.
fn idle_time(program: &Program) -> Result<Duration> {
    program.start()?.connect()?.cpu_time().with_context(|| program.name.clone())
}

fn server_life(program: &Program, file: &Path, keys: usize, idle: Duration) -> Result<PhaseTimes> {
    let server = program.start_with(file)?;
    let mut client = server.connect()?;
    let loaded = client.cpu_time()?;
    let len = client.len()?;
    ensure!(len == keys as u64, "{len} of {keys} keys were loaded");
    let before = client.cpu_time()?;
    client.save()?;
    let saved = client.cpu_time()?;
    Ok([loaded.saturating_sub(idle), saved.saturating_sub(before)])
}
