//! Texts like those in real stores: JSON records and session values.
//!
//! The texts consist of words and numbers. A fixed rule makes them, so that runs can be compared. For the
//! texts of your own store, see [`import`](crate::import).

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use std::fmt::Write;

/// Returns a JSON record like those of a package index: `{"package": "libtable-dev", "version": ...`. The
/// mean length is 279 bytes.
pub fn record(number: u64) -> String {
    const NAMES: [&str; 24] = [
        "table", "index", "query", "event", "crypto", "parser", "socket", "render", "widget", "mapper",
        "stream", "logger", "vector", "filter", "backup", "kernel", "python", "editor", "player", "thread",
        "binary", "module", "packet", "signal",
    ];
    const WORDS: [&str; 40] = [
        "library",
        "development",
        "files",
        "for",
        "the",
        "fast",
        "documentation",
        "shared",
        "tools",
        "simple",
        "network",
        "protocol",
        "driver",
        "support",
        "common",
        "runtime",
        "of",
        "bindings",
        "plugin",
        "server",
        "client",
        "graphical",
        "interface",
        "data",
        "structures",
        "and",
        "headers",
        "utility",
        "daemon",
        "framework",
        "implementation",
        "source",
        "code",
        "format",
        "conversion",
        "debugging",
        "symbols",
        "analysis",
        "compression",
        "fonts",
    ];
    const SECTIONS: [&str; 8] = ["libs", "libdevel", "python", "utils", "doc", "net", "rust", "science"];
    let mut rng = SmallRng::seed_from_u64(number);
    let name = format!("lib{}-{}{}", pick(&NAMES, &mut rng), pick(&NAMES, &mut rng), rng.random_range(0..40));
    let [major, minor, patch, revision] = [9, 30, 20, 12].map(|below| rng.random_range(0..below));
    let mut summary = String::new();
    for _word in 0..rng.random_range(3..8) {
        write!(summary, "{} ", pick(&WORDS, &mut rng)).expect("a String grows");
    }
    format!(
        "{{\"package\": \"{name}\", \"version\": \"{major}.{minor}.{patch}-{revision}\", \"section\": \"{}\", \"priority\": \"optional\", \
         \"installed_size\": {}, \"architecture\": \"amd64\", \"maintainer\": null, \"homepage\": \
         \"https://github.com/{}/{name}\", \"summary\": \"{}\"}}",
        pick(&SECTIONS, &mut rng),
        rng.random_range(20..90_000),
        pick(&NAMES, &mut rng),
        summary.trim_end(),
    )
}

/// Returns the key of a session. It has 28 bytes, of which 16 are random hexadecimal digits.
pub fn session_key(number: u64) -> String {
    format!("app:session:{:016x}", SmallRng::seed_from_u64(number).random::<u64>())
}

/// Returns a session as JSON. The mean length is 64 bytes.
pub fn session(number: u64) -> String {
    let mut rng = SmallRng::seed_from_u64(!number);
    let language = pick(&["en", "de", "fr", "nl", "ja", "pt-BR"], &mut rng);
    format!(
        "{{\"user\":{},\"ip\":\"10.{}.{}.{}\",\"lang\":\"{language}\",\"admin\":{}}}",
        rng.random_range(1_000..9_000_000),
        rng.random::<u8>(),
        rng.random::<u8>(),
        rng.random::<u8>(),
        rng.random_ratio(1, 20),
    )
}

fn pick<'a>(words: &[&'a str], rng: &mut SmallRng) -> &'a str {
    words[rng.random_range(0..words.len())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn texts_have_the_stated_lengths_and_differ() {
        let mean = |text: fn(u64) -> String| {
            let texts: HashSet<String> = (0..1_000).map(text).collect();
            assert_eq!(texts.len(), 1_000);
            texts.iter().map(String::len).sum::<usize>() as f64 / 1_000.0
        };
        assert!((270.0..290.0).contains(&mean(record)), "{}", mean(record));
        assert_eq!(mean(session_key), 28.0);
        assert!((62.0..68.0).contains(&mean(session)), "{}", mean(session));
    }
}
