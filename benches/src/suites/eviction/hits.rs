//! Hit ratios: what several caches find of one stream of requests, at several limits.
//!
//! A ratio counts all requests, the first one of each key too, as libCacheSim does. Nothing is timed. A row
//! has the *misses* in percent, because less is better in all rows; the table below the rows has the hit
//! ratios.
//!
//! After each miss a cache is asked whether it is above its limit. If it is, the suite fails: it would have
//! been compared with caches that have less room.

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

/// Policies, and what they are held against.
const HELD_AGAINST: [(&str, &str); 3] =
    [("allkeys-lru", EXACT_LRU), ("allkeys-s3fifo", EXACT_S3_FIFO), ("allkeys-s3fifo", EXACT_LRU)];

/// A stream of requests.
pub(super) struct Workload<'a> {
    /// What rows call it.
    pub(super) name: &'a str,
    pub(super) requests: &'a [Request],
    /// What the limits are percents of: all keys, or the bytes that they would take.
    pub(super) whole: usize,
}

/// A cache that takes part.
pub(super) struct Contestant<'a> {
    pub(super) name: String,
    /// Makes it, empty, with a limit.
    pub(super) new: Box<dyn Fn(usize) -> Box<dyn Cache + 'a> + 'a>,
}

impl<'a> Contestant<'a> {
    pub(super) fn new<C: Cache + 'a>(name: impl Into<String>, new: impl Fn(usize) -> C + 'a) -> Self {
        Self { name: name.into(), new: Box::new(move |limit| Box::new(new(limit))) }
    }
}

/// What the caches found in all workloads that have limits of one unit.
pub(super) struct Findings {
    /// Of the limits: `keys` or `bytes`.
    unit: &'static str,
    /// The caches, redcore's policies first.
    names: Vec<String>,
    lines: Vec<Vec<String>>,
    /// For each pair of [`HELD_AGAINST`] by how many points the policy is behind where that is most, and
    /// where.
    farthest: [Option<(f64, String)>; HELD_AGAINST.len()],
}

impl Findings {
    pub(super) fn by(unit: &'static str) -> Self {
        Self { unit, names: Vec::new(), lines: Vec::new(), farthest: Default::default() }
    }

    /// Runs a workload through all caches at all limits, and adds its rows and its plot.
    pub(super) fn add<'a>(
        &mut self,
        ctx: &mut Ctx,
        workload: &Workload,
        policies: &[Contestant<'a>],
        peers: &[Contestant<'a>],
    ) -> anyhow::Result<()> {
        let contestants = || policies.iter().chain(peers);
        self.names = contestants().map(|contestant| contestant.name.clone()).collect();
        let mut series: Vec<Series> = contestants()
            .map(|contestant| Series { name: contestant.name.clone(), points: Vec::new() })
            .collect();
        let steps = PERCENTS.len() * self.names.len();
        ctx.progress.start(&format!("hit ratios of {}, by {}", workload.name, self.unit), steps);
        for percent in PERCENTS {
            let limit = (workload.whole * percent / 100).max(1);
            let mut ratios = Vec::new();
            for contestant in contestants() {
                ratios.push(hit_ratio(workload.requests, contestant, limit)?);
                ctx.progress.step();
            }
            let case = format!("{}, {percent} % of the {}", workload.name, self.unit);
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

    /// Each policy beside the caches of others, and beside the textbook policies that it is [held
    /// against](HELD_AGAINST).
    fn rows(&mut self, ctx: &mut Ctx, case: &str, limit: usize, ratios: &[f64], policies: usize) {
        let misses: Vec<_> = self.names.iter().zip(ratios.iter().map(|ratio| 100.0 - ratio)).collect();
        let (policies, peers) = misses.split_at(policies);
        for (policy, misses) in policies {
            let row = Row::alone(ctx.suite, case, limit as u64, policy, MISSES, "%", *misses);
            let is_beside = |peer: &str| {
                HELD_AGAINST.contains(&(policy, peer)) || ![EXACT_LRU, EXACT_S3_FIFO].contains(&peer)
            };
            let beside: Vec<_> = peers.iter().filter(|(peer, _)| is_beside(peer)).collect();
            if beside.is_empty() {
                ctx.report.row(row.clone());
            }
            for (peer, misses_of_peer) in beside {
                ctx.report.row(row.clone().beside(peer, *misses_of_peer));
            }
        }
        for ((policy, peer), farthest) in HELD_AGAINST.into_iter().zip(&mut self.farthest) {
            let of = |name: &str| self.names.iter().position(|other| other == name).map(|i| ratios[i]);
            let (Some(ratio), Some(ratio_of_peer)) = (of(policy), of(peer)) else { continue };
            let behind = ratio_of_peer - ratio;
            if farthest.as_ref().is_none_or(|(most, _)| behind > *most) {
                *farthest = Some((behind, case.into()));
            }
        }
    }

    /// Adds the rows over all workloads and the table.
    pub(super) fn finish(self, ctx: &mut Ctx) {
        let mut text = String::new();
        for ((policy, peer), farthest) in HELD_AGAINST.into_iter().zip(self.farthest) {
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
        let heads = self.names.iter().map(|name| name.trim_start_matches("allkeys-"));
        let unit = format!("in {}", self.unit);
        let head: Vec<&str> = ["requests of", "limit", &unit].into_iter().chain(heads).collect();
        let table = table::of_note(&head, self.lines);
        let title = format!("Hits in % of all requests, limits by {}.", self.unit);
        let policies = "s3fifo, lru, lfu and random are redcore's policies allkeys-*.";
        ctx.report.note(ctx.suite, format!("{title} {policies}\n{table}{text}"));
    }
}

/// Hits in percent of all requests.
fn hit_ratio(requests: &[Request], contestant: &Contestant, limit: usize) -> anyhow::Result<f64> {
    let mut cache = (contestant.new)(limit);
    let mut hits = 0_usize;
    for request in requests {
        if cache.request(request.key, request.size) {
            hits += 1;
            continue;
        }
        let (name, used) = (&contestant.name, cache.used());
        ensure!(used <= limit, "{name} is above its limit of {limit}: {used}");
    }
    Ok(hits as f64 / requests.len() as f64 * 100.0)
}
