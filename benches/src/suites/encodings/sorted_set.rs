//! The operations of a sorted set that are measured, for redcore and for its peers.

/// The operations that the suite needs of a sorted set.
pub(super) trait SortedSet: Default + 'static {
    /// Whether the type finds a member by its rank, and the rank of a member, in less than linear time.
    const COUNTS: bool = true;
    fn name() -> String;
    /// Adds a member, or changes its score.
    fn add(&mut self, member: &str, score: f64);
    fn score(&self, member: &str) -> Option<f64>;
    fn rank(&self, member: &str) -> Option<usize>;
    /// Visits up to `count` members, beginning with the one at `rank`.
    fn by_rank(&self, rank: usize, count: usize, visit: impl FnMut(&[u8], f64));
    /// Visits up to `count` members, beginning with the first one that has a score of at least `score`.
    fn by_score(&self, score: f64, count: usize, visit: impl FnMut(&[u8], f64));
    /// Visits all members.
    fn for_each(&self, visit: impl FnMut(&[u8], f64));
    /// Removes a member. Returns whether it was there.
    fn remove(&mut self, member: &str) -> bool;
}
