//! [`Ttls`]: counts keys by the time until they expire.

/// The upper end of each span of time, in milliseconds, and its name.
const SPANS: [(u64, &str); 6] = [
    (60_000, "up to 1 minute"),
    (3_600_000, "up to 1 hour"),
    (86_400_000, "up to 1 day"),
    (604_800_000, "up to 7 days"),
    (2_592_000_000, "up to 30 days"),
    (u64::MAX, "longer"),
];

/// The number of keys in each span of remaining time. All keys of a file are counted, including those outside
/// the sample.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ttls {
    expired: u64,
    spans: [u64; SPANS.len()],
}

impl Ttls {
    /// Counts a key that expires at `expiry`. The remaining time is counted from `now`. Both are in
    /// milliseconds since 1970.
    pub(crate) fn add(&mut self, expiry: u64, now: u64) {
        match expiry.checked_sub(now) {
            None | Some(0) => self.expired += 1,
            Some(left) => {
                let at = SPANS.partition_point(|(end, _)| *end < left);
                self.spans[at] += 1;
            }
        }
    }

    /// Returns the number of keys with an expiry.
    pub(crate) fn keys(&self) -> u64 {
        self.expired + self.spans.iter().sum::<u64>()
    }

    /// Returns the name of each span and the number of its keys.
    pub(crate) fn spans(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let spans = SPANS.iter().zip(self.spans).map(|((_, name), keys)| (*name, keys));
        std::iter::once(("has expired", self.expired)).chain(spans)
    }
}
