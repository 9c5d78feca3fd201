//! The ratio of two programs that were measured in the same rounds.

/// The median and the quartiles of the ratios of all rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ratio {
    pub(crate) low: f64,
    pub(crate) median: f64,
    pub(crate) high: f64,
}

/// What a ratio says about our program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Ahead,
    Level,
    Behind,
}

/// The reason why there is no ratio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RatioError {
    /// There are no rounds.
    Empty,
    /// The programs have different numbers of rounds.
    Unpaired { ours: usize, peer: usize },
}

/// How far from 1 a ratio has to be. The place of the code in memory can change it by a few percent.
const NOISE: f64 = 0.03;

/// Returns the ratio of our times to those of the peer. Both have one time for each round, in nanoseconds.
pub(crate) fn ratio(ours: &[u64], peer: &[u64]) -> Result<Ratio, RatioError> {
    if ours.len() != peer.len() {
        return Err(RatioError::Unpaired { ours: ours.len(), peer: peer.len() });
    }
    if ours.is_empty() {
        return Err(RatioError::Empty);
    }
    // The two times of a round have the same slowdown of the machine. So they are divided first.
    let ns = |time: u64| time.max(1) as f64;
    let mut ratios: Vec<f64> = ours.iter().zip(peer).map(|(&ours, &peer)| ns(ours) / ns(peer)).collect();
    ratios.sort_by(f64::total_cmp);
    let [low, median, high] = [0.25, 0.5, 0.75].map(|q| quantile(&ratios, q));
    Ok(Ratio { low, median, high })
}

/// Returns the quantile `q` of sorted values, of which there is at least one.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let position = q * (sorted.len() - 1) as f64;
    let [below, above] = [position.floor(), position.ceil()].map(|position| sorted[position as usize]);
    below + (above - below) * position.fract()
}

impl Ratio {
    /// Returns the verdict.
    pub(crate) fn verdict(&self) -> Verdict {
        if self.high < 1.0 - NOISE {
            Verdict::Ahead
        } else if self.low > 1.0 + NOISE {
            Verdict::Behind
        } else {
            Verdict::Level
        }
    }
}
