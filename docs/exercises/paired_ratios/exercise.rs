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

/// Returns the ratio of our times to those of the peer. Both have one time for each round, in nanoseconds.
pub(crate) fn ratio(ours: &[u64], peer: &[u64]) -> Result<Ratio, RatioError> {
    let [_empty, _unpaired] =
        [RatioError::Empty, RatioError::Unpaired { ours: ours.len(), peer: peer.len() }];
    todo!("compare {ours:?} with {peer:?}, such as {:?}", Ratio { low: 0.9, median: 1.0, high: 1.1 })
}

impl Ratio {
    /// Returns the verdict.
    pub(crate) fn verdict(&self) -> Verdict {
        let [_ahead, _level, _behind] = [Verdict::Ahead, Verdict::Level, Verdict::Behind];
        todo!("the verdict of {self:?}")
    }
}
