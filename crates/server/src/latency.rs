//! [`Latency`]: the events that took at least `latency-monitor-threshold`, for `LATENCY`.

use std::collections::{BTreeMap, VecDeque};

/// The samples of an event that are kept. In C: `LATENCY_TS_LEN`.
const SAMPLES: usize = 160;

/// The events that took long, by their names.
#[derive(Debug, Default)]
pub(crate) struct Latency {
    events: BTreeMap<&'static str, Series>,
}

/// The samples of an event.
#[derive(Debug, Default)]
pub(crate) struct Series {
    /// Times in seconds since 1970, and durations in milliseconds. The last one is at the end.
    pub(crate) samples: VecDeque<(u64, u64)>,
    /// The longest duration of all, in milliseconds.
    pub(crate) max: u64,
}

impl Latency {
    /// Adds a sample. Two samples of the same second become one.
    pub(crate) fn add(&mut self, event: &'static str, at: u64, millis: u64) {
        let series = self.events.entry(event).or_default();
        series.max = series.max.max(millis);
        match series.samples.back_mut() {
            Some((last, longest)) if *last == at => *longest = millis.max(*longest),
            _ => {
                if series.samples.len() == SAMPLES {
                    series.samples.pop_front();
                }
                series.samples.push_back((at, millis));
            }
        }
    }

    /// Returns all events.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (&'static str, &Series)> {
        self.events.iter().map(|(name, series)| (*name, series))
    }

    /// Returns the samples of an event.
    pub(crate) fn get(&self, event: &[u8]) -> Option<&Series> {
        self.events
            .iter()
            .find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(event))
            .map(|(_, series)| series)
    }

    /// Forgets an event, or all if there is no name. Returns how many were forgotten.
    pub(crate) fn reset(&mut self, event: Option<&[u8]>) -> usize {
        let before = self.events.len();
        self.events.retain(|name, _| event.is_some_and(|event| !name.as_bytes().eq_ignore_ascii_case(event)));
        before - self.events.len()
    }
}
