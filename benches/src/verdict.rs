//! What a row says: redcore is ahead of the peer, level with it, or behind it.

use crate::report::Row;

/// How redcore stands to a peer in one row.
///
/// Only a row whose whole spread lies on one side of 1 is ahead or behind: medians that a noisy round could turn around
/// are level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Better than the peer.
    Ahead,
    /// The spread holds 1.
    Level,
    /// Worse than the peer.
    Behind,
}

impl Verdict {
    /// What `row` says; none without a peer.
    pub fn of(row: &Row) -> Option<Self> {
        let (below, above) = (row.ratio_high < 1.0, row.ratio_low > 1.0);
        let (ahead, behind) = if row.less_is_better() { (below, above) } else { (above, below) };
        row.has_peer().then_some(match (ahead, behind) {
            (true, _) => Self::Ahead,
            (_, true) => Self::Behind,
            _ => Self::Level,
        })
    }

    /// The word on the page.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ahead => "ahead",
            Self::Level => "level",
            Self::Behind => "behind",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::NO_PEER;

    fn row(unit: &str, low: f64, high: f64) -> Row {
        let row = Row::alone("s", "c", 1, "ours", "m", unit, 1.0).beside("peer", 1.0);
        Row { ratio_low: low, ratio_high: high, ..row }
    }

    #[test]
    fn only_a_whole_spread_on_one_side_of_1_is_ahead_or_behind() {
        assert_eq!(Verdict::of(&row("ns", 0.8, 0.99)), Some(Verdict::Ahead));
        assert_eq!(Verdict::of(&row("ns", 0.8, 1.0)), Some(Verdict::Level));
        assert_eq!(Verdict::of(&row("ns", 1.0, 1.2)), Some(Verdict::Level));
        assert_eq!(Verdict::of(&row("ns", 1.01, 1.2)), Some(Verdict::Behind));
    }

    #[test]
    fn where_more_is_better_above_1_is_ahead() {
        assert_eq!(Verdict::of(&row("ops/s", 1.1, 1.2)), Some(Verdict::Ahead));
        assert_eq!(Verdict::of(&row("ops/s", 0.8, 0.9)), Some(Verdict::Behind));
    }

    #[test]
    fn without_a_peer_there_is_no_verdict() {
        let alone = Row::alone("s", "c", 1, "ours", "m", "ns", 1.0);
        assert_eq!(Verdict::of(&alone), None);
        assert_eq!(Verdict::of(&alone.beside(NO_PEER, 1.0)), None);
    }
}
