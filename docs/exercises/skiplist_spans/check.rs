//! Checks the spans of a skip list.

#[cfg_attr(feature = "solutions", path = "solution.rs")]
mod exercise;

use exercise::{spans, steps};

/// Calls a function with all lists of up to seven heights from 1 to 3.
fn each_list(f: impl Fn(&[usize])) {
    for len in 0..=7 {
        for list in 0..3_usize.pow(len) {
            let heights: Vec<usize> = (0..len).map(|at| list / 3_usize.pow(at) % 3 + 1).collect();
            f(&heights);
        }
    }
}

/// Returns the number of steps of a search that looks at the heights of the nodes.
fn simple_steps(heights: &[usize], rank: usize) -> usize {
    let (mut begin, mut steps) = (0, 0);
    for level in (0..3).rev() {
        // The nodes from `begin` to the rank are the only ones to which a link may be followed.
        while let Some(next) = (begin..=rank).find(|node| heights[*node] > level) {
            begin = next + 1;
            steps += 1;
        }
    }
    steps
}

#[test]
fn the_list_of_the_chapter_has_the_spans_of_its_drawing() {
    assert_eq!(spans(&[2, 1, 3, 1]), [vec![1, 1, 1, 1, 0], vec![1, 2, 1], vec![3, 1]]);
}

#[test]
fn an_empty_list_has_one_link_to_the_end() {
    assert_eq!(spans(&[]), [[0]]);
    assert_eq!(steps(&[vec![0]], 0), None);
}

#[test]
fn every_level_has_its_nodes_at_their_places() {
    each_list(|heights| {
        let spans = spans(heights);
        assert_eq!(spans.len(), heights.iter().copied().max().unwrap_or(1), "levels of {heights:?}");
        for (level, links) in spans.iter().enumerate() {
            let places: Vec<usize> =
                (1..).zip(heights).filter(|(_, h)| **h > level).map(|(place, _)| place).collect();
            assert_eq!(links.len(), places.len() + 1, "links of level {level} of {heights:?}");
            for (at, place) in places.iter().enumerate() {
                assert_eq!(
                    links[..=at].iter().sum::<usize>(),
                    *place,
                    "level {level} of {heights:?}: {links:?}"
                );
            }
            assert_eq!(links.iter().sum::<usize>(), heights.len(), "level {level} of {heights:?}: {links:?}");
        }
    });
}

#[test]
fn a_search_in_the_list_of_the_chapter_follows_these_links() {
    let spans = [vec![1, 1, 1, 1, 0], vec![1, 2, 1], vec![3, 1]];
    assert_eq!([0, 1, 2, 3, 4].map(|rank| steps(&spans, rank)), [Some(1), Some(2), Some(1), Some(2), None]);
    assert_eq!(steps(&spans, usize::MAX), None);
}

#[test]
fn a_search_by_spans_follows_the_links_of_a_search_by_nodes() {
    each_list(|heights| {
        let spans = spans(heights);
        for rank in 0..heights.len() {
            let expected = simple_steps(heights, rank);
            assert_eq!(steps(&spans, rank), Some(expected), "rank {rank} of {heights:?}");
        }
        assert_eq!(steps(&spans, heights.len()), None, "there are {} nodes", heights.len());
    });
}

#[test]
fn a_search_follows_at_most_three_links_on_each_level_if_every_fourth_node_is_higher() {
    // Node 4 has two levels, node 16 has three, and so on.
    let heights: Vec<usize> = (1..=255_u32).map(|place| place.trailing_zeros() as usize / 2 + 1).collect();
    let spans = spans(&heights);
    assert_eq!(spans.len(), 4);
    let most = (0..255).map(|rank| steps(&spans, rank).unwrap()).max();
    assert_eq!(most, Some(12));
}
