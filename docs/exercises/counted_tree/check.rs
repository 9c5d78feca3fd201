//! Checks the tree that counts.

#[cfg_attr(feature = "solutions", path = "solution.rs")]
mod exercise;

use exercise::{Child, Node};

/// Builds a tree of sorted scores. Each node has up to `width` scores or children. Leaves are `levels - 1` levels below
/// the root.
fn build(scores: &[u32], width: usize, levels: u32) -> Node {
    if levels == 1 {
        return Node::Leaf(scores.to_vec());
    }
    let child = |scores: &[u32]| Child {
        first: scores[0],
        count: scores.len(),
        node: build(scores, width, levels - 1),
    };
    Node::Inner(scores.chunks(width.pow(levels - 1)).map(child).collect())
}

/// Returns the scores in order. Checks that counts and first scores are right.
fn scores(node: &Node) -> Vec<u32> {
    match node {
        Node::Leaf(scores) => scores.clone(),
        Node::Inner(children) => children
            .iter()
            .flat_map(|child| {
                let below = scores(&child.node);
                assert_eq!((Some(&child.first), child.count), (below.first(), below.len()), "{child:?}");
                below
            })
            .collect(),
    }
}

/// Returns trees of one to four levels. Their scores are 3, 6, 9, and so on.
fn trees() -> impl Iterator<Item = (Node, Vec<u32>)> {
    (0..=27_u32).flat_map(|len| {
        let scores: Vec<u32> = (1..=len).map(|n| 3 * n).collect();
        [(27, 1), (6, 2), (3, 3), (3, 4), (2, 5)]
            .map(|(width, levels)| (build(&scores, width, levels), scores.clone()))
    })
}

#[test]
fn the_rank_is_the_number_of_scores_below() {
    for (tree, scores) in trees() {
        for score in (0..90).chain([u32::MAX]) {
            let expected = scores.partition_point(|other| *other < score);
            assert_eq!(tree.rank(score), expected, "{score} in {tree:?}");
        }
    }
}

#[test]
fn every_score_is_found_by_its_rank() {
    for (tree, scores) in trees() {
        for rank in (0..30).chain([usize::MAX]) {
            assert_eq!(tree.by_rank(rank), scores.get(rank).copied(), "rank {rank} in {tree:?}");
        }
    }
}

#[test]
fn only_the_counts_of_the_children_to_the_left_are_read() {
    // The first child has a million scores, which the test does not write down.
    let unknown = Child { first: 0, count: 1_000_000, node: Node::Leaf(vec![]) };
    let known = Child { first: 2_000_000, count: 2, node: Node::Leaf(vec![2_000_000, 2_000_007]) };
    let tree = Node::Inner(vec![unknown, known]);
    assert_eq!([2_000_001, 2_000_008].map(|score| tree.rank(score)), [1_000_001, 1_000_002]);
    let found = [1_000_000, 1_000_001, 1_000_002].map(|rank| tree.by_rank(rank));
    assert_eq!(found, [Some(2_000_000), Some(2_000_007), None]);
}

#[test]
fn a_removal_keeps_counts_and_first_scores_right() {
    for (tree, all) in trees() {
        for score in &all {
            let mut tree = tree.clone();
            assert!(tree.remove(*score), "{score} in {tree:?}");
            assert!(
                scores(&tree).iter().eq(all.iter().filter(|other| *other != score)),
                "{score} in {tree:?}"
            );
        }
    }
}

#[test]
fn a_score_that_is_absent_cannot_be_removed() {
    for (tree, _) in trees() {
        for score in [0, 1, 4, 29, 30, 80, 90, u32::MAX]
            .into_iter()
            .filter(|score| tree.by_rank(tree.rank(*score)) != Some(*score))
        {
            let mut other = tree.clone();
            assert!(!other.remove(score), "{score} in {tree:?}");
            assert_eq!(other, tree, "remove {score}");
        }
    }
}

#[test]
fn all_scores_can_be_removed_in_any_order() {
    for (mut tree, mut left) in trees() {
        for n in 0..left.len() {
            let score = left.remove(n * 17 % left.len());
            assert!(tree.remove(score) && !tree.remove(score), "{score} in {tree:?}");
            assert_eq!(scores(&tree), left);
            assert!((0..=left.len()).all(|rank| tree.by_rank(rank) == left.get(rank).copied()), "{tree:?}");
            assert!(left.iter().enumerate().all(|(rank, score)| tree.rank(*score) == rank), "{tree:?}");
        }
        if let Node::Inner(children) = tree {
            assert_eq!(children, []);
        }
    }
}
