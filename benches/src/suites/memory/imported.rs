//! Measures the memory of the user's keys and values (`--import FILE`) in redcore's stores, in a map of
//! boxes, and in the servers of `--server`.

use super::beside::{Rates, Stats, measure};
use super::data_set::{DataSet, Part, Sink};
use super::workloads::TTL;
use crate::import::{Dump, Import};
use crate::maps::FoldHash;
use crate::suite::Ctx;
use crate::table;
use crate::text::{figure, thousands};
use keyspace::ValueRef;
use zmalloc::Region;

/// The peer: the simplest store that a program could have.
const BOXES: &str = "hashbrown of Box<[u8]>";

/// The figures of MEMORY STATS that are shown for each store.
const SHOWN: [&str; 5] = [
    "keys.count",
    "keys.bytes-per-key",
    "dataset.bytes",
    "overhead.hashtable.main",
    "overhead.hashtable.expires",
];

/// Measures the content of the file with this name.
pub(super) fn run(ctx: &mut Ctx, file: &str, import: &Import, rates: &mut Rates) -> anyhow::Result<()> {
    let name = format!("import of {file}");
    let has_only_strings = import.dump().is_none_or(|dump| dump.keyspace().len() == import.len());
    let n = import.dump().map_or(import.len(), |dump| dump.keyspace().len()) as u64;
    let writes: Box<dyn Fn(&mut Sink<'_>)> = match import.dump() {
        Some(dump) => Box::new(|sink| parts(dump, sink)),
        None => Box::new(|sink| import.pairs().for_each(|(key, value)| sink(key, Part::String(value)))),
    };
    let set = DataSet { name, keys: n, items: n, ttl: None, writes };
    // A map of boxes can store strings only.
    let boxes = has_only_strings.then(|| (BOXES, in_boxes(import) as f64 / n as f64));
    let stats = measure(ctx, &set, boxes.as_slice(), rates)?;
    if let Some(dump) = import.dump() {
        let text = format!(
            "{file}: {dump}. Each key is filled by its commands, so that its encoding is that of a new one. An expiry is a time far \
             in the future; a Dict<Sds, Robj> has none. A map of boxes has a row only if all values are strings."
        );
        ctx.report.note(ctx.suite, text);
    }
    if !import.is_empty() {
        ctx.report.note(ctx.suite, note(file, import, &stats));
    }
    Ok(())
}

/// Passes the commands that create the keys of a dump to `sink`.
fn parts(dump: &Dump, sink: &mut Sink<'_>) {
    for record in dump.keyspace().records(0) {
        let key = &*record.key.text();
        match record.value {
            ValueRef::String(string) => sink(key, Part::String(&string.to_bytes())),
            ValueRef::List(list) => {
                list.iter().for_each(|item| sink(key, Part::Item(&item.element().text())))
            }
            ValueRef::Set(set) => set.iter().for_each(|member| sink(key, Part::Member(&member.text()))),
            ValueRef::Hash(hash) => {
                hash.iter().for_each(|(field, value)| sink(key, Part::Field(&field.text(), &value.text())));
            }
            ValueRef::ZSet(zset) => {
                zset.iter().for_each(|(member, score)| sink(key, Part::Scored(&member.text(), score)));
            }
        }
        if record.expiry.is_some() {
            sink(key, Part::Expire(TTL));
        }
    }
}

/// Returns the bytes of the pairs in a map of boxes.
fn in_boxes(import: &Import) -> usize {
    let region = Region::start();
    let mut map: hashbrown::HashMap<Box<[u8]>, Box<[u8]>, FoldHash> = hashbrown::HashMap::default();
    map.extend(import.pairs().map(|(key, value)| (key.into(), value.into())));
    region.held().unsigned_abs()
}

fn note(file: &str, import: &Import, stats: &[Stats]) -> String {
    let total = |len: fn((&[u8], &[u8])) -> usize| import.pairs().map(len).sum::<usize>() as f64;
    let n = import.len() as f64;
    let header: Vec<&str> =
        std::iter::once("MEMORY STATS").chain(stats.iter().map(|stats| stats.store.as_str())).collect();
    let row = |name: &&str| {
        let figures = stats.iter().map(|stats| stats.get(name).map_or("-".into(), thousands));
        std::iter::once((*name).to_owned()).chain(figures).collect()
    };
    format!(
        "{file}: {} distinct keys in {} records (of equal keys the last one counts); the mean key has {} B, the mean value {} B. The \
         figures of MEMORY STATS are each store's own. A server's keys.bytes-per-key is what it has taken since its start over its \
         keys; the keyspace's is dataset.bytes over its keys.\n{}",
        thousands(import.len() as i64),
        thousands(import.records() as i64),
        figure(total(|(key, _)| key.len()) / n),
        figure(total(|(_, value)| value.len()) / n),
        table::of_note(&header, SHOWN.iter().map(row).collect())
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::Inputs;
    use crate::progress::Progress;
    use crate::report::Report;
    use crate::settings::Settings;

    #[test]
    fn an_import_has_rows_of_distinct_keys_without_a_server() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("own.csv");
        let lines = (0..3_000).map(|i| format!("user:{},\"value, {i}\"\n", i % 2_000));
        std::fs::write(&path, lines.collect::<String>()).unwrap();
        let (import, settings) = (Import::open(&path, false).unwrap(), Settings::default());
        let mut report = Report::default();
        let mut ctx = Ctx {
            suite: "memory",
            settings: &settings,
            inputs: &Inputs::default(),
            report: &mut report,
            progress: &Progress::hidden(),
        };
        run(&mut ctx, "own.csv", &import, &mut Rates::default()).unwrap();
        let rows: Vec<_> = report
            .rows
            .iter()
            .map(|row| {
                (row.case.as_str(), row.n, row.subject.as_str(), row.peer.as_str(), row.metric.as_str())
            })
            .collect();
        let row = |subject| ("import of own.csv", 2_000, subject, BOXES, "used_memory a key");
        assert_eq!(rows, [row("Keyspace"), row("Dict<Sds, Robj>")]);
        for row in &report.rows {
            // A key has at most 9 bytes and a value at most 11. A store adds less than a hundred bytes.
            assert!(row.counts() && row.value > 20.0 && row.value < 120.0, "{row:?}");
            assert!(row.peer_value > 40.0 && row.peer_value < 150.0, "{row:?}");
        }
        let note = &report.notes[0].text;
        assert!(note.starts_with("own.csv: 2,000 distinct keys in 3,000 records"), "{note}");
        let figures: Vec<_> =
            note.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>()).collect();
        assert_eq!(figures[0], ["MEMORY", "STATS", "Keyspace"], "{note}");
        assert!(figures.contains(&vec!["keys.count", "2,000"]), "{note}");
    }
}
