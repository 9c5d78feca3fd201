//! The kinds of peers, and the rows that count in a score.
//!
//! A score compares redcore with the code of others. So these rows are shown, but not counted:
//!
//! | row | reason |
//! |---|---|
//! | without a peer, or with a ratio that is not a finite number | there is nothing to compare |
//! | redcore beside redcore, such as batches beside single look-ups | the row does not compare redcore with others |
//! | beside arithmetic or a goal | the peer was not measured |
//! | beside the best of several peers | each of these peers has its own row |
//! | the processor time of a command beside a server | the server also reads a socket, parses and replies; redcore is called in a loop |
//! | batches of one store beside single calls of another | the two do different work |
//! | beside a server whose size classes are different from redcore's | the allocators may be the reason for the difference |
//! | of a plain run of the suite `latency` | a single interrupt determines the maximum |

use crate::report::Row;
use crate::server;
use crate::suites::{
    dict, encodings, eviction, keyspace, latency, memory, rdb, server as server_suite, upkeep,
};

/// The kind of the peer of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerKind {
    /// There is no peer. The row has a value and no ratio.
    Absent,
    /// The code or the server of others, or a textbook design such as `dict::classic`.
    Outside,
    /// Redcore itself, used in another way.
    Redcore,
    /// A number that was not measured: the result of arithmetic, or a goal.
    Number,
    /// The best of several peers. Each of them has its own row.
    BestOf,
    /// A peer that is not like for like: it does more than redcore in this row, does one by one what redcore
    /// does in batches, or is a server with other size classes.
    NotComparable,
}

impl PeerKind {
    /// Returns the kind of the peer of `row`.
    pub fn of(row: &Row) -> Self {
        let peer = row.peer.as_str();
        if !row.has_peer() {
            Self::Absent
        } else if row.metric == encodings::RULE || [memory::BEST_SERVER, rdb::FASTEST_SERVER].contains(&peer)
        {
            Self::BestOf
        } else if row.metric == memory::CPU_TIME
            || row.subject == keyspace::IN_BATCHES
            || peer.ends_with(server::OTHER_ALLOCATOR)
        {
            Self::NotComparable
        } else if dict::OWN_PEERS.contains(&peer)
            || keyspace::OWN_PEERS.contains(&peer)
            || eviction::OWN_PEERS.contains(&peer)
            || upkeep::OWN_PEERS.contains(&peer)
            || server_suite::OWN_PEERS.contains(&peer)
            || rdb::OWN_PEERS.contains(&peer)
            || memory::OWN_PEERS.contains(&peer)
            || peer == encodings::AT_ONCE
        {
            Self::Redcore
        } else if memory::NUMBERS.contains(&peer) {
            Self::Number
        } else {
            Self::Outside
        }
    }
}

impl Row {
    /// Returns `false` for a plain run of the suite `latency`, whose result one interrupt can determine.
    pub fn is_judged(&self) -> bool {
        !self.case.ends_with(latency::PLAIN)
    }

    /// Returns `true` if the row counts in scores, and can be the best or the worst row.
    pub fn counts(&self) -> bool {
        PeerKind::of(self) == PeerKind::Outside && self.is_judged() && self.ratio.is_finite()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::NO_PEER;

    fn row(case: &str, subject: &str, peer: &str, metric: &str) -> Row {
        Row::alone("s", case, 1, subject, metric, "ns", 2.0).beside(peer, 1.0)
    }

    #[test]
    fn only_rows_beside_the_code_of_others_count() {
        assert!(row("c", "Dict", "hashbrown", "time").counts());
        assert!(row("c", "Dict", "dict::classic", "time").counts());
        assert!(row("c", "Keyspace", "valkey 9.1.2, jemalloc-5.3.0 q8", "used_memory a key").counts());
        assert!(row("insert, minimum of 5 runs", "Dict", "hashbrown", "max").counts());
        for other in [
            Row::alone("s", "c", 1, "ours", "time", "ns", 2.0),
            row("c", "ours", NO_PEER, "time"),
            row("c", "Dict, get_many of 16", "Dict, get", "time"),
            row("list: drop", "in steps of 100", "at once", "time"),
            row("c", "Dict", "Redis 3 arithmetic", "used_memory"),
            row("c", "Dict<Sds, Robj>", "goal", "used_memory a key"),
            row("c", "Dict<Sds, Robj>", "best server", "used_memory a key"),
            row("c", "Keyspace", "valkey 9.1.2, jemalloc-5.3.0 q8", memory::CPU_TIME),
            row("c", "Keyspace", "valkey 9.1.2, libc, unlike ours", "used_memory a key"),
            row("c", "List", "packed Vec<u8>", encodings::RULE),
            row("insert, plain", "Dict", "hashbrown", "max"),
            row("SET of a new key, at the limit", "allkeys-lru", "noeviction", "time"),
        ] {
            assert!(!other.counts(), "{}", other.name());
        }
    }

    #[test]
    fn a_ratio_that_is_not_finite_does_not_count() {
        for (value, peer_value) in [(0.0, 0.0), (1.0, 0.0), (f64::NAN, 1.0)] {
            let row = Row::alone("s", "c", 1, "ours", "time", "ns", value).beside("theirs", peer_value);
            assert!(!row.counts(), "{}", row.ratio);
        }
    }
}
