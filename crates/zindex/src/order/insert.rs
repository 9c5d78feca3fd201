//! Adding an entry.
//!
//! ```text
//!  full leaf    | a b c d |        + bb        | a b bb | c d |       in the middle
//!  the last     | a b c d |        + e         | a b c d | e |        at an edge of the whole order:
//!  the first    | b c d e |        + a         | a | b c d e |        what stays behind stays full
//! ```
//!
//! Scores that only ascend, such as times, thus leave full leaves behind, where splitting in the middle would leave
//! half-empty ones for ever. The same holds for inner nodes.
//!
//! **Memory first.** A split needs a node on its own level, one on each full level above it, and a root if all are full. On the
//! way down the full nodes directly above are counted; at a full leaf all are allocated, and only then anything is changed.
//!
//! **An update** that moves an entry is a removal and an insert, and the insert must not fail. So the nodes it would need are had
//! before the removal, and it does not need more after it: the entry goes to the same leaf as before (leaves are told apart
//! by their first entries; only the removal of one that is first and has the new place directly behind it would lead
//! elsewhere, and then the entry keeps its rank and has been changed in place). The leaf and the nodes above are then those
//! of before, with less in them, or nodes that have been joined, and those are never full (`fit_together`). One thing may come
//! up: a root of two children goes if one of them does, and the other, full, is the root. So then there is a new root in store.

use core::mem;

use zmalloc::{ReserveError, box_size, try_box};

use super::Order;
use crate::block::{Block, BlockPtr};
use crate::node::{Child, FAN, First, Inner, LEAF, Leaf, NodeMut, NodeRef};
use crate::score::At;

type Boxed<T> = allocator_api2::boxed::Box<T, zmalloc::Zmalloc>;

/// Nodes for an insert to come.
#[derive(Default)]
pub(crate) struct Spares {
    leaf: Option<Boxed<Leaf>>,
    /// A chain of `inners`.
    inner: Option<Boxed<Inner>>,
    inners: usize,
    /// What the nodes that have been used add to `used_memory`.
    allocation_size: usize,
}

impl Spares {
    /// Makes them a leaf and so many inner nodes at least.
    fn ensure(&mut self, inners: usize, filler: BlockPtr) -> Result<(), ReserveError> {
        if self.leaf.is_none() {
            self.leaf = Some(try_box(Leaf::empty(filler))?);
        }
        while self.inners < inners {
            let node = try_box(Inner::empty(filler))?;
            self.inner = Some(Inner::chain(node, self.inner.take()));
            self.inners += 1;
        }
        Ok(())
    }

    fn leaf(&mut self) -> Boxed<Leaf> {
        let leaf = self.leaf.take().expect("a leaf was made ready");
        self.allocation_size += box_size(&leaf);
        leaf
    }

    fn inner(&mut self) -> Boxed<Inner> {
        let (node, rest) = Inner::unchain(self.inner.take().expect("inner nodes were made ready"));
        (self.inner, self.inners) = (rest, self.inners - 1);
        self.allocation_size += box_size(&node);
        node
    }
}

/// The way from the root.
#[derive(Clone, Copy)]
struct Way {
    /// The inner nodes above.
    depth: usize,
    /// How many of them, directly above, are full.
    full: usize,
    /// Whether it has been the way to the first entry, and to the last.
    first: bool,
    last: bool,
}

impl Way {
    const ROOT: Self = Self { depth: 0, full: 0, first: true, last: true };

    fn down(self, inner: &Inner, index: usize) -> Self {
        Self {
            depth: self.depth + 1,
            full: if inner.is_full() { self.full + 1 } else { 0 },
            first: self.first && index == 0,
            last: self.last && index + 1 == inner.len(),
        }
    }

    /// The inner nodes that a split of the leaf at its end needs.
    fn inners_for_split(self) -> usize {
        self.full + usize::from(self.full == self.depth)
    }
}

/// What has become of a node to which an entry was added.
struct Grown {
    /// Whether the entry is its first.
    first: bool,
    /// What it has been split off.
    right: Option<Child>,
}

impl Order {
    /// Adds a block whose score and member are not here yet. `last` is called when nothing else can fail any more, and
    /// nothing has changed yet. If it or anything else fails, gives the block back, and everything is as it was.
    pub(crate) fn try_insert(
        &mut self,
        block: Block,
        last: impl FnOnce() -> Result<(), ReserveError>,
    ) -> Result<(), (ReserveError, Block)> {
        self.try_insert_with(block, Spares::default(), last)
    }

    /// The nodes that an insert would need after the removal of any other entry.
    pub(crate) fn try_prepare(&self, key: u64, member: &[u8]) -> Result<Spares, ReserveError> {
        let mut spares = Spares::default();
        let Some(mut child) = self.root.as_ref() else { return Ok(spares) };
        let root_may_go = child.width() == 2;
        let (place, mut way) = (At { key, member }, Way::ROOT);
        loop {
            match child.get() {
                NodeRef::Leaf(leaf) => {
                    if leaf.is_full() {
                        let inners = way.inners_for_split().max(way.full + usize::from(root_may_go));
                        spares.ensure(inners, leaf.ptr(0))?;
                    }
                    return Ok(spares);
                }
                NodeRef::Inner(inner) => {
                    let index = inner.find(&place);
                    way = way.down(inner, index);
                    child = inner.child(index);
                }
            }
        }
    }

    /// [`Order::try_insert`] with nodes that have been made ready.
    pub(crate) fn try_insert_with(
        &mut self,
        block: Block,
        mut spares: Spares,
        last: impl FnOnce() -> Result<(), ReserveError>,
    ) -> Result<(), (ReserveError, Block)> {
        let (size, ptr) = (block.allocation_size(), block.ptr());
        if let Some(root) = self.root.as_mut() {
            let mut block = Some(block);
            let grown = match below(root, &mut block, Way::ROOT, &mut spares, last) {
                Ok(grown) => grown,
                Err(error) => {
                    return Err((error, block.take().expect("what failed has not taken the block")));
                }
            };
            if let Some(right) = grown.right {
                let node = Child::inner(spares.inner());
                let left = mem::replace(root, node);
                let NodeMut::Inner(node) = root.get_mut() else { unreachable!("made an inner node above") };
                node.insert(0, left);
                node.insert(1, right);
            }
        } else {
            if let Err(error) = spares.ensure(0, ptr).and_then(|()| last()) {
                return Err((error, block));
            }
            let mut leaf = spares.leaf();
            // SAFETY: owned here.
            leaf.insert(0, unsafe { ptr.key() }, block);
            self.root = Some(Child::leaf(leaf));
        }
        self.len += 1;
        self.allocation_size += size + spares.allocation_size;
        Ok(())
    }
}

/// Adds the block below a node, and takes it; or fails before anything is changed, and leaves it.
fn below(
    child: &mut Child,
    block: &mut Option<Block>,
    way: Way,
    spares: &mut Spares,
    last: impl FnOnce() -> Result<(), ReserveError>,
) -> Result<Grown, ReserveError> {
    let ptr = block.as_ref().expect("a block to add").ptr();
    // SAFETY: a block that is owned here, or by a leaf below when this is over.
    let (key, member) = unsafe { (ptr.key(), ptr.member()) };
    let place = At { key, member };
    match child.get_mut() {
        NodeMut::Leaf(leaf) => {
            let index = leaf.rank(&place);
            if !leaf.is_full() {
                last()?;
                leaf.insert(index, key, block.take().expect("as above"));
                return Ok(Grown { first: index == 0, right: None });
            }
            spares.ensure(way.inners_for_split(), ptr)?;
            last()?;
            let block = block.take().expect("as above");
            let mut right = spares.leaf();
            let cut = match index {
                LEAF if way.last => LEAF,
                0 if way.first => 0,
                _ => LEAF / 2,
            };
            leaf.split_into(cut, &mut right);
            if index <= cut && cut != LEAF {
                leaf.insert(index, key, block);
            } else {
                right.insert(index - cut, key, block);
            }
            Ok(Grown { first: index == 0, right: Some(Child::leaf(right)) })
        }
        NodeMut::Inner(inner) => {
            let index = inner.find(&place);
            let way_down = way.down(inner, index);
            inner.child(index).prefetch();
            let grown = below(inner.child_mut(index), block, way_down, spares, last)?;
            inner.add_count(index, 1);
            if grown.first {
                inner.set_first(index, First { key, block: ptr });
            }
            let right = grown.right.map(|child| {
                inner.add_count(index, -(child.count() as isize));
                let index = index + 1;
                if !inner.is_full() {
                    inner.insert(index, child);
                    return None;
                }
                let mut right = spares.inner();
                let cut = match index {
                    FAN if way.last => FAN,
                    1 if way.first => 1,
                    _ => FAN / 2,
                };
                inner.split_into(cut, &mut right);
                if index < cut {
                    inner.insert(index, child);
                } else {
                    right.insert(index - cut, child);
                }
                Some(Child::inner(right))
            });
            Ok(Grown { first: grown.first && index == 0, right: right.flatten() })
        }
    }
}
