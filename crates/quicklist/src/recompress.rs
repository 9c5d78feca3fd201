//! Compresses and decompresses nodes after a change. The first and the last `list-compress-depth` nodes of a
//! list stay uncompressed. The others are compressed if that saves enough memory. If the depth is 0, no node is
//! compressed.

use crate::list::Inner;
use crate::node::Node;
use crate::nodes::Place;
use crate::side::Side;

impl Inner {
    /// Compresses and decompresses nodes near both ends, so that they match the depth again. Looks at
    /// O(depth) nodes, and takes O(segments) to count the nodes. In C: `__quicklistCompress`.
    ///
    /// One change moves a node away from an end by a few places only, so nodes further from the ends need no
    /// check. If there is no memory to compress or decompress a node, a later call handles it.
    pub(crate) fn recompress(&mut self) {
        /// How many nodes beyond the depth are checked. Three are enough, because one change adds at most two
        /// nodes.
        const SHIFT_MAX: usize = 3;
        let depth = usize::from(self.list_compress_depth);
        if depth == 0 {
            return;
        }
        let nodes = self.nodes.len();
        for side in [Side::Front, Side::Back] {
            let mut next = self.nodes.end(side);
            for distance in 0..depth + SHIFT_MAX {
                let Some(place) = next else { break };
                let nearest = distance.min(nodes - 1 - distance);
                self.recompress_node(place, nearest);
                next = self.nodes.step_from(side, place);
            }
        }
    }

    /// Does what [`recompress`](Self::recompress) does, but for all nodes. Takes O(nodes).
    pub(crate) fn recompress_all(&mut self) {
        if self.list_compress_depth == 0 {
            return;
        }
        let nodes = self.nodes.len();
        let mut next = self.nodes.end(Side::Front);
        for ordinal in 0..nodes {
            let Some(place) = next else { break };
            self.recompress_node(place, ordinal.min(nodes - 1 - ordinal));
            next = self.nodes.step_from(Side::Front, place);
        }
    }

    /// Does what [`recompress`](Self::recompress) does, and also checks the nodes around a change. `ordinal` is the
    /// number of nodes in front of the changed node.
    pub(crate) fn recompress_around(&mut self, ordinal: usize) {
        if self.list_compress_depth == 0 {
            return;
        }
        let nodes = self.nodes.len();
        for ordinal in ordinal.saturating_sub(2)..=ordinal + 3 {
            if let Some(place) = self.nodes.place(ordinal) {
                self.recompress_node(place, ordinal.min(nodes - 1 - ordinal));
            }
        }
        self.recompress();
    }

    /// Compresses or decompresses one node. `nearest` is how many nodes are between the node and the nearer
    /// end.
    fn recompress_node(&mut self, place: Place, nearest: usize) {
        let node = self.nodes.get(place);
        let outer = nearest < usize::from(self.list_compress_depth);
        if outer && node.is_compressed() {
            let _ = self.nodes.change(place, Node::try_decompress); // if this fails, a later call decompresses it
        } else if !outer && node.may_compress() {
            self.nodes.change(place, Node::compress);
        }
    }
}
