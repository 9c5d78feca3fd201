//! What stands on the other side of a row, and whether the row counts in a score.
//!
//! A score says how redcore stands to the code of others. So these rows are shown and not counted:
//!
//! | row | reason |
//! |---|---|
//! | without a peer, or with a ratio that is no finite number | there is nothing to compare |
//! | redcore beside redcore, such as batches beside single look-ups | a win over oneself says nothing about others |
//! | beside arithmetic or a goal | the peer was not measured |
//! | beside the best of several peers | each of these peers has a row of its own |
//! | the processor time of a command beside a server | the server also reads a socket, parses and replies; redcore is called by a loop |
//! | beside a server whose size classes are not ours | the difference may be that of the allocators |
//! | of a plain run of the suite `latency` | one interrupt decides its maximum |

use crate::report::Row;
use crate::server;
use crate::suites::{dict, encodings, eviction, keyspace, latency, memory, rdb, upkeep};

/// What redcore is compared with in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerKind {
    /// Nothing: the row has a value and no ratio.
    Absent,
    /// Code or a server of others, or a textbook design such as `dict::classic`.
    Outside,
    /// Redcore itself, used in another way.
    Redcore,
    /// A number that was not measured: the result of arithmetic, or a goal.
    Number,
    /// The best of several peers that have rows of their own.
    BestOf,
    /// Something that does more than redcore in this row, or the same one by one, or a server over another
    /// allocator.
    Unlike,
}

impl PeerKind {
    /// The kind of the peer of `row`.
    pub fn of(row: &Row) -> Self {
        let peer = row.peer.as_str();
        if !row.has_peer() {
            Self::Absent
        } else if row.metric == encodings::RULE || [memory::BEST_SERVER, rdb::FASTEST_SERVER].contains(&peer)
        {
            Self::BestOf
        } else if row.metric == memory::CPU_TIME
            || row.subject == keyspace::IN_BATCHES
            || peer.ends_with(server::UNLIKE)
        {
            Self::Unlike
        } else if dict::OWN_PEERS.contains(&peer)
            || keyspace::OWN_PEERS.contains(&peer)
            || eviction::OWN_PEERS.contains(&peer)
            || upkeep::OWN_PEERS.contains(&peer)
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
    /// Whether one interrupt cannot decide the row: false for the plain runs of the suite `latency`.
    pub fn is_judged(&self) -> bool {
        !self.case.ends_with(latency::PLAIN)
    }

    /// Whether the row counts in scores, and may be the best or the worst row.
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
    fn a_ratio_that_is_no_finite_number_does_not_count() {
        for (value, peer_value) in [(0.0, 0.0), (1.0, 0.0), (f64::NAN, 1.0)] {
            let row = Row::alone("s", "c", 1, "ours", "time", "ns", value).beside("theirs", peer_value);
            assert!(!row.counts(), "{}", row.ratio);
        }
    }
}
