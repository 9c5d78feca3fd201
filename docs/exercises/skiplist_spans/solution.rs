//! The spans of a skip list.

/// Returns the spans of all links, for each level from 0. Each height is at least 1.
pub(crate) fn spans(heights: &[usize]) -> Vec<Vec<usize>> {
    let levels = heights.iter().copied().max().unwrap_or(1);
    let of_level = |level| {
        // The place of the head is 0, and that of a node is its rank plus 1.
        let (mut spans, mut from) = (vec![], 0);
        for (place, height) in (1..).zip(heights) {
            if *height > level {
                spans.push(place - from);
                from = place;
            }
        }
        spans.push(heights.len() - from);
        spans
    };
    (0..levels).map(of_level).collect()
}

/// Returns how many links a search follows to the node with this rank, or `None` if there is no such node.
pub(crate) fn steps(spans: &[Vec<usize>], rank: usize) -> Option<usize> {
    let nodes: usize = spans.first()?.iter().sum();
    if rank >= nodes {
        return None;
    }
    let (mut place, mut steps) = (0, 0);
    for links in spans.iter().rev() {
        // The last link leads to the end. Its span can be the distance to the node, so it must not be followed.
        let (_, links) = links.split_last()?;
        let mut next = 0;
        for span in links {
            next += span;
            if next > rank + 1 {
                break;
            }
            if next > place {
                place = next;
                steps += 1;
            }
        }
    }
    Some(steps)
}
