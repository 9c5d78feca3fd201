//! Insertion of an entry.
//!
//! ```text
//!  a full leaf      | a b c d |     + bb     | a b bb | c d |       in the middle
//!  the last leaf    | a b c d |     + e      | a b c d | e |        at an end of the whole order,
//!  the first leaf   | b c d e |     + a      | a | b c d e |        the old entries stay together
//! ```
//!
//! Scores that only ascend, such as times, therefore leave full leaves behind. A split in the middle would
//! leave half-empty ones that are never filled. The same holds for inner nodes.
//!
//! **Allocation comes first.** A split needs a new node on its own level, one on each full level above it,
//! and a new root if all levels are full. The search counts the full nodes directly above the leaf. If the
//! leaf is full, all nodes are allocated, and only then does anything change.
//!
//! **An update** that moves an entry is a removal and an insert. The insert must not fail, so the nodes
//! that it could need are allocated before the removal. They are enough for these reasons:
//!
//! - The search after the removal ends in the same leaf as a search before it. A search chooses between
//!   leaves by their first entries. So its result changes only if the removed entry is the first one of its
//!   leaf, and the new place is between this entry and the next one. But an entry that moves there keeps its
//!   rank. Such an entry is changed in place, without a removal.
//! - The leaf and the nodes above it are not fuller than before the removal, unless the removal joined them.
//!   A joined node is never full (`can_merge`).
//! - One case needs one more node. If a root of two children loses one, the other becomes the root, and it
//!   may be full. So one more node is allocated for a root of two children.

use core::mem;

use zmalloc::{ReserveError, box_size, try_box};

use super::Order;
use crate::block::{Block, BlockPtr};
use crate::node::{Child, FAN, First, Inner, LEAF, Leaf, NodeMut, NodeRef};
use crate::score::LowerBound;

type Boxed<T> = allocator_api2::boxed::Box<T, zmalloc::Zmalloc>;

/// Nodes that were allocated for a later insert.
#[derive(Default)]
pub(crate) struct Spares {
    leaf: Option<Boxed<Leaf>>,
    /// A chain of inner nodes, `inners` of them.
    inner: Option<Boxed<Inner>>,
    inners: usize,
    /// The number of bytes that the nodes used so far add to `used_memory`.
    allocation_size: usize,
}

impl Spares {
    /// Allocates nodes until there are a leaf and at least `inners` inner nodes.
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

/// The path from the root to a node.
#[derive(Clone, Copy)]
struct Path {
    /// The number of inner nodes on the path.
    depth: usize,
    /// The number of full inner nodes at the end of the path: those after the last one that is not full.
    full: usize,
    /// Whether the path leads to the first entry of the order.
    first: bool,
    /// Whether the path leads to the last entry of the order.
    last: bool,
}

impl Path {
    const ROOT: Self = Self { depth: 0, full: 0, first: true, last: true };

    fn down(self, inner: &Inner, index: usize) -> Self {
        Self {
            depth: self.depth + 1,
            full: if inner.is_full() { self.full + 1 } else { 0 },
            first: self.first && index == 0,
            last: self.last && index + 1 == inner.len(),
        }
    }

    /// Returns the number of inner nodes that a split of the leaf at the end of the path needs.
    fn inners_for_split(self) -> usize {
        self.full + usize::from(self.full == self.depth)
    }
}

/// The result of adding an entry below a node.
struct Inserted {
    /// Whether the new entry is the first below the node.
    first: bool,
    /// The new node to the right, if the node was split.
    right: Option<Child>,
}

impl Order {
    /// Adds a block whose score and member are not in this order yet.
    ///
    /// `before_change` is called after everything else that can fail, and before anything changes. If it or
    /// an allocation fails, the block is returned and nothing has changed.
    pub(crate) fn try_insert(
        &mut self,
        block: Block,
        before_change: impl FnOnce() -> Result<(), ReserveError>,
    ) -> Result<(), (ReserveError, Block)> {
        self.try_insert_with(block, Spares::default(), before_change)
    }

    /// Allocates the nodes that an insert could need after the removal of any one entry.
    pub(crate) fn try_allocate_spares(&self, key: u64, member: &[u8]) -> Result<Spares, ReserveError> {
        let mut spares = Spares::default();
        let Some(mut child) = self.root.as_ref() else { return Ok(spares) };
        let root_may_collapse = child.width() == 2;
        let (bound, mut path) = (LowerBound { key, member }, Path::ROOT);
        loop {
            match child.get() {
                NodeRef::Leaf(leaf) => {
                    if leaf.is_full() {
                        let inners = path.inners_for_split().max(path.full + usize::from(root_may_collapse));
                        spares.ensure(inners, leaf.ptr(0))?;
                    }
                    return Ok(spares);
                }
                NodeRef::Inner(inner) => {
                    let index = inner.find(&bound);
                    path = path.down(inner, index);
                    child = inner.child(index);
                }
            }
        }
    }

    /// Does the same as [`Order::try_insert`], with nodes that may have been allocated before.
    pub(crate) fn try_insert_with(
        &mut self,
        block: Block,
        mut spares: Spares,
        before_change: impl FnOnce() -> Result<(), ReserveError>,
    ) -> Result<(), (ReserveError, Block)> {
        let (size, ptr) = (block.allocation_size(), block.ptr());
        if let Some(root) = self.root.as_mut() {
            let mut block = Some(block);
            let inserted = match insert_into(root, &mut block, Path::ROOT, &mut spares, before_change) {
                Ok(inserted) => inserted,
                Err(error) => {
                    return Err((error, block.take().expect("what failed has not taken the block")));
                }
            };
            if let Some(right) = inserted.right {
                let node = Child::inner(spares.inner());
                let left = mem::replace(root, node);
                let NodeMut::Inner(node) = root.get_mut() else { unreachable!("made an inner node above") };
                node.insert(0, left);
                node.insert(1, right);
            }
        } else {
            if let Err(error) = spares.ensure(0, ptr).and_then(|()| before_change()) {
                return Err((error, block));
            }
            let mut leaf = spares.leaf();
            // SAFETY: the block is owned here until `insert` takes it, so it is live.
            leaf.insert(0, unsafe { ptr.key() }, block);
            self.root = Some(Child::leaf(leaf));
        }
        self.len += 1;
        self.allocation_size += size + spares.allocation_size;
        Ok(())
    }
}

/// Adds the block below a node, and takes it out of the option. On failure nothing has changed, and the
/// block stays in the option.
fn insert_into(
    child: &mut Child,
    block: &mut Option<Block>,
    path: Path,
    spares: &mut Spares,
    before_change: impl FnOnce() -> Result<(), ReserveError>,
) -> Result<Inserted, ReserveError> {
    let ptr = block.as_ref().expect("a block to add").ptr();
    // SAFETY: the block is live: it is owned by `block`, and in the end by a leaf below.
    let (key, member) = unsafe { (ptr.key(), ptr.member()) };
    let bound = LowerBound { key, member };
    match child.get_mut() {
        NodeMut::Leaf(leaf) => {
            let index = leaf.rank(&bound);
            if !leaf.is_full() {
                before_change()?;
                leaf.insert(index, key, block.take().expect("as above"));
                return Ok(Inserted { first: index == 0, right: None });
            }
            spares.ensure(path.inners_for_split(), ptr)?;
            before_change()?;
            let block = block.take().expect("as above");
            let mut right = spares.leaf();
            let cut = match index {
                LEAF if path.last => LEAF,
                0 if path.first => 0,
                _ => LEAF / 2,
            };
            leaf.split_into(cut, &mut right);
            if index <= cut && cut != LEAF {
                leaf.insert(index, key, block);
            } else {
                right.insert(index - cut, key, block);
            }
            Ok(Inserted { first: index == 0, right: Some(Child::leaf(right)) })
        }
        NodeMut::Inner(inner) => {
            let index = inner.find(&bound);
            let child_path = path.down(inner, index);
            inner.child(index).prefetch();
            let inserted = insert_into(inner.child_mut(index), block, child_path, spares, before_change)?;
            inner.add_count(index, 1);
            if inserted.first {
                inner.set_first(index, First { key, block: ptr });
            }
            let right = inserted.right.map(|child| {
                inner.add_count(index, -(child.count() as isize));
                let index = index + 1;
                if !inner.is_full() {
                    inner.insert(index, child);
                    return None;
                }
                let mut right = spares.inner();
                let cut = match index {
                    FAN if path.last => FAN,
                    1 if path.first => 1,
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
            Ok(Inserted { first: inserted.first && index == 0, right: right.flatten() })
        }
    }
}
