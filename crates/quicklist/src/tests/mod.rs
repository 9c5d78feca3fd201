//! Tests with access to the nodes: against a model, and with allocations that fail.

mod faults;
mod model;
mod shape;

use crate::list::QuickList;
use crate::node::Node;
use crate::side::Side;

/// Returns all elements. Panics unless every way of reading them gives the same result.
fn elements(list: &QuickList) -> Vec<Vec<u8>> {
    let forward: Vec<Vec<u8>> = list.iter().map(|item| item.to_vec()).collect();
    let mut backward: Vec<Vec<u8>> = list.iter().rev().map(|item| item.to_vec()).collect();
    backward.reverse();
    assert!(forward == backward, "the two directions differ");
    for side in [Side::Front, Side::Back] {
        let mut iter = list.iter();
        let mut borrowed = Vec::new();
        while let Some(value) = iter.next_value_from(side).unwrap() {
            borrowed.push(crate::Item::stored(value).to_vec());
        }
        if side == Side::Back {
            borrowed.reverse();
        }
        assert!(borrowed == forward, "lent elements differ");
    }
    forward
}

/// Panics if an invariant does not hold. `compressed` says that no allocation has failed. So no outer node is
/// compressed, and every interior node is, if compression saves enough.
fn check(list: &QuickList, compressed: bool) {
    let inner = list.inner();
    inner.nodes.check();
    assert_eq!(inner.len, inner.nodes.iter().map(Node::count).sum::<usize>());
    let depth = usize::from(list.list_compress_depth());
    let nodes = list.node_count();
    for (ordinal, node) in inner.nodes.iter().enumerate() {
        assert!(node.count() > 0, "an empty node");
        let raw = node.try_decompressed().unwrap();
        let raw = raw.as_ref().unwrap_or(node);
        match raw {
            Node::Packed { pack, count, .. } => {
                assert_eq!(pack.len(), *count as usize);
                assert_eq!(pack.iter().count(), *count as usize);
                assert_eq!(pack.byte_len(), node.raw_len());
            }
            Node::Plain { bytes, .. } => {
                assert!(list.limit().is_large(bytes.as_bytes().len()));
                assert_eq!(bytes.as_bytes().len(), node.raw_len());
            }
            Node::Compressed { .. } => panic!("compressed twice"),
        }
        let interior = depth > 0 && ordinal >= depth && nodes - 1 - ordinal >= depth;
        if !interior {
            assert!(
                !node.is_compressed() || !compressed,
                "node {ordinal} of {nodes} is compressed, depth {depth}"
            );
        } else if compressed && !node.is_compressed() && !cfg!(miri) {
            let mut copy = node.try_clone().unwrap();
            if let Node::Packed { incompressible, .. } | Node::Plain { incompressible, .. } = &mut copy {
                *incompressible = false;
            }
            copy.compress();
            assert!(!copy.is_compressed(), "node {ordinal} of {nodes} is not compressed, depth {depth}");
        }
    }
}
