//! The report as text.

use super::advice::{Advice, Change, Limit};
use super::figures::Figures;
use super::largest::{LARGEST_MAX, LargeKey, Largest};
use super::prefixes::{FIRST_PARTS_MAX, SECOND_PARTS_MAX};
use super::survey::{Survey, Totals};
use common::Thousands;
use std::fmt::{self, Display, Write};

/// The number of prefixes that are listed.
pub(crate) const PREFIXES_MAX: usize = 20;

/// A table for the report.
struct Grid {
    /// The number of cells of a row that are names. The other cells are numbers.
    names: usize,
    rows: Vec<Vec<String>>,
}

impl Grid {
    fn new(head: &[&str], names: usize) -> Self {
        Self { names, rows: vec![head.iter().map(|cell| (*cell).to_owned()).collect()] }
    }

    /// Adds a row of names and numbers.
    fn row(&mut self, names: &[&str], numbers: &[u64]) {
        let numbers = numbers.iter().map(|number| Thousands(*number).to_string());
        self.rows.push(names.iter().map(|name| (*name).to_owned()).chain(numbers).collect());
    }

    fn figures(&mut self, names: &[&str], figures: Figures) {
        let Figures { keys, file, redis, here, coded } = figures;
        self.row(names, &[keys, file, redis, here, coded]);
    }
}

/// Names are aligned to the left, numbers to the right.
impl Display for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in &self.rows {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let width = *width;
                let _ = if column < self.names {
                    write!(line, "  {cell:<width$}")
                } else {
                    write!(line, "  {cell:>width$}")
                };
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// Returns the name of a key, in one line. Text without control characters is returned as it is. Any other
/// name is escaped.
pub(crate) fn name(key: &[u8]) -> String {
    match std::str::from_utf8(key) {
        Ok(text) if !text.chars().any(char::is_control) => text.to_owned(),
        _ => key.escape_ascii().to_string(),
    }
}

/// Formats `a` as a percentage of `b`.
fn percent(a: u64, b: u64) -> String {
    if b == 0 { "0 %".into() } else { format!("{:.1} %", a as f64 * 100.0 / b as f64) }
}

/// Formats a number with its noun, such as `1 key` or `2 keys`.
fn count(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", Thousands(number), if number == 1 { "" } else { "s" })
}

/// Returns the whole report.
pub(crate) fn report(survey: &Survey) -> String {
    let mut out = String::new();
    // Writing to a `String` does not fail.
    let _ = source(&mut out, survey).and_then(|()| {
        types(&mut out, survey)?;
        expiries(&mut out, survey)?;
        prefixes(&mut out, survey)?;
        largest(&mut out, "here", &survey.largest_here)?;
        largest(&mut out, "in Redis", &survey.largest_redis)?;
        advice(&mut out, survey)
    });
    out
}

fn source(out: &mut String, survey: &Survey) -> fmt::Result {
    let source = &survey.source;
    write!(out, "RDB version {}", source.version)?;
    if let Some(server) = &source.server {
        write!(out, ", written by {}", name(server.as_bytes()))?;
    }
    writeln!(out, ": {}, {}", count(source.len, "byte"), count(survey.keys(), "key"))?;
    if survey.error.is_some() {
        let (read, all) = (Thousands(source.read), count(source.len, "byte"));
        writeln!(
            out,
            "PARTIAL: the file could be read up to byte {read} of {all}. The figures are those of the keys before."
        )?;
    }
    if survey.is_sample() {
        let (sampled, one_of) = (count(survey.sampled(), "key"), Thousands(survey.options.one_of));
        writeln!(
            out,
            "A SAMPLE of 1/{one_of}: {sampled} were loaded. Figures of keys and bytes are scaled to all of them, advice too."
        )?;
    }
    if survey.unsupported.keys > 0 {
        let (keys, bytes) = (count(survey.unsupported.keys, "key"), count(survey.unsupported.file, "byte"));
        writeln!(out, "Left out: {keys} with streams or values of modules, {bytes} of the file.")?;
    }
    if survey.expiring_hashes > 0 {
        let hashes = Thousands(survey.expiring_hashes);
        writeln!(
            out,
            "Hashes whose fields may expire: {hashes}. They were measured without these expiries."
        )?;
    }
    Ok(())
}

fn types(out: &mut String, survey: &Survey) -> fmt::Result {
    let quantum = survey.options.quantum.bytes();
    writeln!(
        out,
        "\nBytes by type and encoding. Redis is 7.0 over jemalloc with classes of {quantum} bytes, worked out."
    )?;
    writeln!(
        out,
        "Here is measured, by loading, over {}. Coded: with strings and keys coded by symbols.\n",
        zmalloc::ALLOCATOR
    )?;
    let mut grid = Grid::new(&["type", "in Redis", "here", "keys", "file", "Redis", "here", "coded"], 3);
    for (form, figures) in survey.types.iter() {
        let names = [form.object_type.as_str(), form.redis.as_str(), form.here.as_str()];
        grid.figures(&names, survey.scaled(figures));
    }
    for (object_type, figures) in survey.types.by_type() {
        grid.figures(&[object_type.as_str(), "all", "all"], survey.scaled(figures));
    }
    let totals @ Totals { keys, redis_tables, here_tables, symbol_tables } = survey.totals();
    grid.row(&["tables", "", ""], &[0, 0, redis_tables, here_tables, here_tables + symbol_tables]);
    grid.figures(
        &["all", "", ""],
        Figures { redis: totals.redis(), here: totals.here(), coded: totals.coded(), ..keys },
    );
    write!(out, "{grid}")?;
    if keys.keys > 0 {
        let a_key = |bytes: u64| bytes as f64 / keys.keys as f64;
        let (redis, here) = (a_key(totals.redis()), a_key(totals.here()));
        writeln!(
            out,
            "\nA key takes {redis:.1} bytes in Redis and {here:.1} here, which is {}.",
            percent(totals.here(), totals.redis())
        )?;
    }
    if survey.is_sample() {
        writeln!(out, "The table here is the expected one of all keys: no table of this size was filled.")?;
    }
    if let Some(bytes) = survey.source.used_memory {
        writeln!(
            out,
            "The server that wrote the file said that it used {}, with its buffers.",
            count(bytes, "byte")
        )?;
    }
    Ok(())
}

fn expiries(out: &mut String, survey: &Survey) -> fmt::Result {
    let (with, keys) = (survey.ttls.keys(), survey.keys());
    writeln!(
        out,
        "\nKeys with an expiry: {} of {}, {}",
        Thousands(with),
        Thousands(keys),
        percent(with, keys)
    )?;
    if with == 0 {
        return Ok(());
    }
    let since = if survey.source.written_at.is_some() { "the file was written" } else { "now" };
    writeln!(out, "Time left, from when {since}:\n")?;
    const BAR: u64 = 40;
    for (span, keys) in survey.ttls.spans() {
        let bar = "#".repeat((keys * BAR).div_ceil(with) as usize);
        let (count, share) = (Thousands(keys).to_string(), percent(keys, with));
        writeln!(out, "{}", format!("  {span:<14}  {count:>11}  {share:>7}  {bar}").trim_end())?;
    }
    Ok(())
}

fn prefixes(out: &mut String, survey: &Survey) -> fmt::Result {
    let separator = name(&[survey.options.separator]);
    writeln!(
        out,
        "\nThe {PREFIXES_MAX} prefixes that take most here, up to the first two `{separator}`. A first part that more than {SECOND_PARTS_MAX}"
    )?;
    writeln!(
        out,
        "second parts follow is one prefix, with `*`. Keys whose first part is not among the first {} are others.\n",
        Thousands(FIRST_PARTS_MAX as u64)
    )?;
    let mut grid = Grid::new(&["prefix", "keys", "file", "Redis", "here", "coded"], 1);
    for prefix in survey.prefixes.largest(PREFIXES_MAX) {
        let star = if prefix.is_joined { "*" } else { "" };
        grid.figures(&[&format!("{}{star}", name(&prefix.name))], survey.scaled(prefix.figures));
    }
    for (what, figures) in [("(no prefix)", survey.prefixes.none), ("(others)", survey.prefixes.others)] {
        if figures.keys > 0 {
            grid.figures(&[what], survey.scaled(figures));
        }
    }
    write!(out, "{grid}")
}

fn largest(out: &mut String, place: &str, largest: &Largest) -> fmt::Result {
    writeln!(
        out,
        "\nThe {LARGEST_MAX} largest keys {place}, in bytes; length: elements, or bytes of a string\n"
    )?;
    let mut grid = Grid::new(&["key", "type", "encoding here", "length", "Redis", "here"], 3);
    for key in largest.iter() {
        let names = [&*large_name(key), key.form.object_type.as_str(), key.form.here.as_str()];
        grid.row(&names, &[key.len, key.redis, key.here]);
    }
    write!(out, "{grid}")
}

/// Returns the name of a large key. If the database is not 0, its number follows.
fn large_name(key: &LargeKey) -> String {
    let mut text = name(&key.name);
    if key.name_len > key.name.len() {
        let _ = write!(text, "... ({} bytes)", Thousands(key.name_len as u64));
    }
    if key.database != 0 {
        let _ = write!(text, " (database {})", key.database);
    }
    text
}

fn advice(out: &mut String, survey: &Survey) -> fmt::Result {
    let all = survey.advice();
    writeln!(out, "\nWhat could be changed, and how many bytes that would win. Gains do not add up.\n")?;
    if all.is_empty() {
        return writeln!(out, "  Nothing that this program looks for.");
    }
    for advice in all {
        let (here, redis) = (Thousands(advice.here), Thousands(advice.redis));
        writeln!(out, "  {here} here, {redis} in Redis: {}", sentence(&advice))?;
    }
    Ok(())
}

/// Returns the advice as a sentence.
pub(crate) fn sentence(advice: &Advice) -> String {
    let keys = |noun: &str| count(advice.keys, noun);
    match advice.change {
        Change::Limit(limit) => {
            let (directive, old) = (limit.directive(), limit.default());
            let (one, many) = match limit {
                Limit::HashEntries | Limit::HashValue => ("hash", "hashes"),
                Limit::SetIntsetEntries | Limit::SetEntries | Limit::SetValue => ("set", "sets"),
                Limit::ZSetEntries | Limit::ZSetValue => ("sorted set", "sorted sets"),
            };
            let (keys, what) = (Thousands(advice.keys), if advice.keys == 1 { one } else { many });
            format!("`{directive} {}` would pack {keys} {what} just above the limit of {old}.", 2 * old)
        }
        Change::ShorterNames(by) => {
            let (by, keys) = (count(by as u64, "byte"), keys("key"));
            format!("Names that are {by} shorter would put {keys} into a smaller size class.")
        }
        Change::Integers => {
            format!(
                "{} of digits, with leading zeros or a plus, would take less as integers.",
                keys("string")
            )
        }
        Change::Compression => {
            let (strings, percent) = (keys("string"), advice.ratio.unwrap_or(1.0) * 100.0);
            format!(
                "{strings} of 64 bytes and more would take less if clients compressed them, by LZF to {percent:.0} % of the length."
            )
        }
        Change::OneField => {
            format!("{} with a hash of one field would take less with a string.", keys("key"))
        }
        Change::Symbols => {
            format!("{} would take less if they were coded with symbols (`train_symbols`).", keys("key"))
        }
    }
}
