//! Hit ratios: how many requests of one stream are hits in several caches, at several limits.
//!
//! A ratio counts all requests, including the first one of each key, as libCacheSim does. Nothing is timed. A
//! row has the *misses* in percent, because smaller values are better in all rows. The table below the rows
//! has the hit ratios.
//!
//! The policies of redcore pick keys at random. On a short trace, the picks change the ratio by about one
//! percentage point. So a short trace is replayed with several seeds, and the mean counts. A line below the
//! table says how far a single run was from its mean at most.
//!
//! After each miss, the suite checks that the cache is not above its limit. Otherwise the suite fails,
//! because the cache would have more room than the others.

use super::cache::Cache;
use crate::report::{Plot, Row, Series};
use crate::suite::Ctx;
use crate::table;
use crate::text::thousands;
use crate::trace::Request;
use anyhow::ensure;

/// The limits, in percent of all keys or of the bytes that they would take.
pub(super) const PERCENTS: [usize; 3] = [1, 10, 30];

/// The metric of the rows.
pub(super) const MISSES: &str = "misses";

/// The names of the textbook policies.
pub(super) const EXACT_LRU: &str = "exact LRU";
pub(super) const EXACT_S3_FIFO: &str = "exact S3-FIFO";

/// Policies, and the textbook policies that they are compared with.
const COMPARED: [(&str, &str); 3] =
    [("allkeys-lru", EXACT_LRU), ("allkeys-s3fifo", EXACT_S3_FIFO), ("allkeys-s3fifo", EXACT_LRU)];

/// A short stream is replayed with several seeds, until there are [`REQUESTS_WANTED`] requests in all, but
/// with at most [`SEEDS_MAX`] seeds.
const REQUESTS_WANTED: usize = 2_000_000;
const SEEDS_MAX: usize = 5;

/// A stream of requests.
pub(super) struct Workload<'a> {
    /// The name in the rows.
    pub(super) name: &'a str,
    pub(super) requests: &'a [Request],
    /// The number that the limits are percentages of: all keys, or the bytes that they would take.
    pub(super) whole: usize,
}

/// A cache that is compared.
pub(super) struct CacheSubject<'a> {
    name: String,
    /// Makes an empty cache with a limit and a seed.
    new: Box<dyn Fn(usize, u64) -> Box<dyn Cache + 'a> + 'a>,
    has_seed: bool,
}

impl<'a> CacheSubject<'a> {
    /// Returns a cache that does the same in every run.
    pub(super) fn new(name: &str, new: impl Fn(usize) -> Box<dyn Cache + 'a> + 'a) -> Self {
        Self { name: name.into(), new: Box::new(move |limit, _seed| new(limit)), has_seed: false }
    }

    /// Returns a cache that picks keys at random.
    pub(super) fn with_seed(name: &str, new: impl Fn(usize, u64) -> Box<dyn Cache + 'a> + 'a) -> Self {
        Self { name: name.into(), new: Box::new(new), has_seed: true }
    }
}

/// The results of all caches in all workloads that have limits of one unit.
pub(super) struct Findings {
    /// The unit of the limits: `keys` or `bytes`.
    unit: &'static str,
    /// The names of the caches. Redcore's policies come first.
    names: Vec<String>,
    lines: Vec<Vec<String>>,
    /// For each pair of [`COMPARED`], the largest number of points by which the policy is behind, and the
    /// case.
    farthest: [Option<(f64, String)>; COMPARED.len()],
    /// The largest number of points by which a run differs from the mean of all seeds, and the case.
    spread: (f64, String),
}

impl Findings {
    pub(super) fn by(unit: &'static str) -> Self {
        Self {
            unit,
            names: Vec::new(),
            lines: Vec::new(),
            farthest: Default::default(),
            spread: Default::default(),
        }
    }

    /// Runs a workload with all caches at all limits, and adds its rows and its plot.
    pub(super) fn add<'a>(
        &mut self,
        ctx: &mut Ctx,
        workload: &Workload,
        policies: &[CacheSubject<'a>],
        peers: &[CacheSubject<'a>],
    ) -> anyhow::Result<()> {
        let cache_subjects = || policies.iter().chain(peers);
        self.names = cache_subjects().map(|cache_subject| cache_subject.name.clone()).collect();
        let mut series: Vec<Series> = cache_subjects()
            .map(|cache_subject| Series { name: cache_subject.name.clone(), points: Vec::new() })
            .collect();
        let steps = PERCENTS.len() * self.names.len();
        ctx.progress.start(&format!("hit ratios of {}, by {}", workload.name, self.unit), steps);
        for percent in PERCENTS {
            let limit = (workload.whole * percent / 100).max(1);
            let case = format!("{}, {percent} % of the {}", workload.name, self.unit);
            let mut ratios = Vec::new();
            for cache_subject in cache_subjects() {
                ratios.push(self.mean(ctx, workload.requests, cache_subject, limit, &case)?);
                ctx.progress.step();
            }
            self.rows(ctx, &case, limit, &ratios, policies.len());
            for (series, ratio) in series.iter_mut().zip(&ratios) {
                series.points.push((percent as f64, *ratio));
            }
            let place = [workload.name.into(), format!("{percent} %"), thousands(limit as i64)];
            self.lines
                .push(place.into_iter().chain(ratios.iter().map(|ratio| format!("{ratio:.2}"))).collect());
        }
        ctx.report.plot(Plot {
            id: format!("eviction-{}-{}", self.unit, self.lines.len() / PERCENTS.len()),
            suite: ctx.suite.into(),
            title: format!("Hit ratio of {}, by {}", workload.name, self.unit),
            x_label: format!("limit in % of all {}", self.unit),
            y_label: "hits in % of the requests".into(),
            log_x: true,
            log_y: false,
            series,
        });
        Ok(())
    }

    /// Returns the hit ratio of a cache. This is the mean over several seeds if the cache has a
    /// seed and there are few requests.
    fn mean(
        &mut self,
        ctx: &Ctx,
        requests: &[Request],
        cache_subject: &CacheSubject,
        limit: usize,
        case: &str,
    ) -> anyhow::Result<f64> {
        let max = ctx.settings.pick(1, SEEDS_MAX, SEEDS_MAX);
        let seeds = if cache_subject.has_seed { (REQUESTS_WANTED / requests.len()).clamp(1, max) } else { 1 };
        let ratios: Vec<f64> = (0..seeds as u64)
            .map(|i| hit_ratio(requests, cache_subject, limit, ctx.settings.seed.wrapping_add(i)))
            .collect::<anyhow::Result<_>>()?;
        let mean = ratios.iter().sum::<f64>() / ratios.len() as f64;
        let spread = ratios.iter().map(|ratio| (ratio - mean).abs()).fold(0.0, f64::max);
        if spread > self.spread.0 {
            self.spread = (spread, format!("{}, {case}", cache_subject.name));
        }
        Ok(mean)
    }

    /// Adds rows that compare each policy with the caches of other crates, and with the textbook policies of
    /// [`COMPARED`].
    fn rows(&mut self, ctx: &mut Ctx, case: &str, limit: usize, ratios: &[f64], policies: usize) {
        let misses: Vec<_> = self.names.iter().zip(ratios.iter().map(|ratio| 100.0 - ratio)).collect();
        let (policies, peers) = misses.split_at(policies);
        for (policy, misses) in policies {
            let row = Row::alone(ctx.suite, case, limit as u64, policy, MISSES, "%", *misses);
            let is_beside = |peer: &str| {
                COMPARED.contains(&(policy, peer)) || ![EXACT_LRU, EXACT_S3_FIFO].contains(&peer)
            };
            let beside: Vec<_> = peers.iter().filter(|(peer, _)| is_beside(peer)).collect();
            if beside.is_empty() {
                ctx.report.row(row.clone());
            }
            for (peer, misses_of_peer) in beside {
                ctx.report.row(row.clone().beside(peer, *misses_of_peer));
            }
        }
        for ((policy, peer), farthest) in COMPARED.into_iter().zip(&mut self.farthest) {
            let of = |name: &str| self.names.iter().position(|other| other == name).map(|i| ratios[i]);
            let (Some(ratio), Some(ratio_of_peer)) = (of(policy), of(peer)) else { continue };
            let behind = ratio_of_peer - ratio;
            if farthest.as_ref().is_none_or(|(most, _)| behind > *most) {
                *farthest = Some((behind, case.into()));
            }
        }
    }

    /// Adds the rows over all workloads, and the table.
    pub(super) fn finish(self, ctx: &mut Ctx) {
        let mut text = String::new();
        for ((policy, peer), farthest) in COMPARED.into_iter().zip(self.farthest) {
            let Some((behind, place)) = farthest else { continue };
            let case = format!("hit ratios by {}, farthest behind", self.unit);
            let metric = format!("points below {peer}");
            ctx.report.row(Row::alone(ctx.suite, &case, 0, policy, &metric, "", behind));
            let (points, word) = (behind.abs(), if behind > 0.0 { "below" } else { "above" });
            text += &format!("\n{policy} is at worst {points:.2} points {word} {peer}: {place}.");
        }
        if self.lines.is_empty() {
            return;
        }
        let (spread, place) = self.spread;
        if spread > 0.0 {
            text +=
                &format!("\nA run of one seed is at most {spread:.2} points from the mean of all: {place}.");
        }
        let heads = self.names.iter().map(|name| name.trim_start_matches("allkeys-"));
        let unit = format!("in {}", self.unit);
        let head: Vec<&str> = ["requests of", "limit", &unit].into_iter().chain(heads).collect();
        let table = table::of_note(&head, self.lines);
        let title = format!("Hits in % of all requests, limits by {}.", self.unit);
        let policies = "s3fifo, lru, lfu and random are redcore's policies allkeys-*.";
        ctx.report.note(ctx.suite, format!("{title} {policies}\n{table}{text}"));
    }
}

/// Returns the hits in percent of all requests.
fn hit_ratio(
    requests: &[Request],
    cache_subject: &CacheSubject,
    limit: usize,
    seed: u64,
) -> anyhow::Result<f64> {
    let mut cache = (cache_subject.new)(limit, seed);
    let mut hits = 0_usize;
    for request in requests {
        if cache.request(request.key, request.size) {
            hits += 1;
            continue;
        }
        let (name, used) = (&cache_subject.name, cache.used());
        ensure!(used <= limit, "{name} is above its limit of {limit}: {used}");
    }
    Ok(hits as f64 / requests.len() as f64 * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::Inputs;
    use crate::progress::Progress;
    use crate::report::Report;
    use crate::settings::Settings;

    /// A cache that has all keys below this number.
    struct Below(u32);

    impl Cache for Below {
        fn request(&mut self, key: u32, _size: u32) -> bool {
            key < self.0
        }

        fn used(&self) -> usize {
            self.0 as usize
        }
    }

    /// Returns the report for one request for each of a hundred keys. The least limit is 100.
    fn found<'a>(policy: CacheSubject<'a>, peers: &[CacheSubject<'a>]) -> anyhow::Result<Report> {
        let requests: Vec<Request> = (0..100).map(|key| Request { key, size: 1 }).collect();
        let workload = Workload { name: "t", requests: &requests, whole: 10_000 };
        let mut report = Report::default();
        let mut ctx = Ctx {
            suite: "eviction",
            settings: &Settings { quick: true, ..Settings::default() },
            inputs: &Inputs::default(),
            report: &mut report,
            progress: &Progress::hidden(),
        };
        let mut findings = Findings::by("keys");
        findings.add(&mut ctx, &workload, &[policy], peers)?;
        findings.finish(&mut ctx);
        Ok(report)
    }

    #[test]
    fn a_policy_stands_beside_its_textbook_form_and_the_caches_of_others() {
        // The seeds are 1 to 5. Three runs have 41 hits, and two have 40.
        let policy = CacheSubject::with_seed("allkeys-lru", |_, seed| Box::new(Below(40 + seed as u32 % 2)));
        let peers = [(EXACT_LRU, 42), (EXACT_S3_FIFO, 50), ("other", 30)]
            .map(|(name, hits)| CacheSubject::new(name, move |_| Box::new(Below(hits))));
        let report = found(policy, &peers).unwrap();
        let rows: Vec<_> =
            report.rows.iter().take(2).map(|row| (row.n, row.peer.as_str(), row.peer_value)).collect();
        assert_eq!(rows, [(100, EXACT_LRU, 58.0), (100, "other", 70.0)]);
        let close = |found: f64, wanted: f64| assert!((found - wanted).abs() < 1e-9, "{found} {wanted}");
        close(report.rows[0].value, 100.0 - 40.6);
        let farthest = report.rows.last().unwrap();
        assert_eq!(
            (farthest.subject.as_str(), farthest.metric.as_str()),
            ("allkeys-lru", "points below exact LRU")
        );
        close(farthest.value, 42.0 - 40.6);
        let note = &report.notes[0].text;
        for part in [
            "40.60",
            "at worst 1.40 points below exact LRU: t, 1 % of the keys",
            "at most 0.60 points from the mean",
        ] {
            assert!(note.contains(part), "{part}: {note}");
        }
        assert_eq!(report.plots[0].series[0].points.len(), PERCENTS.len());
    }

    #[test]
    fn a_cache_above_its_limit_is_an_error() {
        let peer = CacheSubject::new("greedy", |_| Box::new(OverLimit));
        let policy = CacheSubject::new("allkeys-lru", |_| Box::new(Below(99)));
        let error = found(policy, &[peer]).map(drop).unwrap_err();
        assert_eq!(error.to_string(), "greedy is above its limit of 100: 101");
    }

    /// A cache that uses too much room, and has no hits.
    struct OverLimit;

    impl Cache for OverLimit {
        fn request(&mut self, _key: u32, _size: u32) -> bool {
            false
        }

        fn used(&self) -> usize {
            101
        }
    }
}
