//! Tests of the codes of a [`Leaf`]: the 32 bits of each score that the leaf stores. Whichever bits these
//! are, a search must find the place of the whole score.

use proptest::prelude::*;

use crate::block::Block;
use crate::node::{LEAF, Leaf};
use crate::score::{LowerBound, sort_key};

fn block(score: f64) -> Block {
    Block::try_new(b"member", score).unwrap()
}

/// Generates scores whose keys have any number of leading bits in common.
fn score() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>().prop_filter("a score is a number", |score| !score.is_nan()),
        (0..1000).prop_map(|n| 1.7e12 + f64::from(n)),
        (0_u64..64, any::<u64>())
            .prop_map(|(bits, noise)| f64::from_bits(1.5_f64.to_bits() ^ (noise >> bits) >> 12)),
        (-5..5).prop_map(f64::from),
    ]
}

proptest! {
    #![proptest_config(testing::config(5_000, 4))]

    #[test]
    fn a_leaf_finds_each_score_after_any_inserts_splits_and_joins(
        scores in prop::collection::vec(score(), 1..=LEAF),
        cut in 0..=LEAF,
        probe in score(),
    ) {
        let mut scores = scores;
        let filler = block(0.0);
        let mut leaf = Leaf::empty(filler.ptr());
        for (done, &score) in scores.iter().enumerate() {
            let key = sort_key(score);
            let mut sorted: Vec<u64> = scores[..done].iter().map(|&score| sort_key(score)).collect();
            sorted.sort_unstable();
            let index = leaf.rank(&LowerBound { key, member: b"member" });
            assert_eq!(index, sorted.partition_point(|&other| other < key));
            leaf.insert(index, key, block(score));
            leaf.check();
        }
        scores.sort_by(f64::total_cmp);
        let cut = cut.min(scores.len());
        let mut right = Leaf::empty(filler.ptr());
        leaf.split_into(cut, &mut right);
        leaf.check();
        right.check();
        assert_eq!((leaf.len(), right.len()), (cut, scores.len() - cut));
        leaf.append(&mut right);
        leaf.check();
        assert_eq!(leaf.len(), scores.len());
        let key = sort_key(probe);
        let want = scores.iter().filter(|&&score| score < probe).count();
        assert_eq!(leaf.rank(&LowerBound { key, member: b"" }), want);
        while leaf.len() > 0 {
            let last = leaf.len() - 1;
            drop(leaf.remove(last));
            leaf.check();
        }
    }
}
