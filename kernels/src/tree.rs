//! The fixed binary tree along which partials of one result box merge.
//!
//! In: partials of units, in any order. Out: partials of larger and larger runs of units, at last of all.
//! Never merges two partials other than siblings, so that the bits do not depend on who computed what, or when.

use crate::error::{KernelError, Result};
use crate::partial::Partial;
use std::collections::BTreeMap;

/// A node of the tree: `(level, index)` holds units `index << level .. min((index + 1) << level, units)`.
pub type TreeNode = (u32, u32);

/// The partials of one result box that are not merged yet.
#[derive(Clone, Debug)]
pub struct MergeTree {
    units: u32,
    nodes: BTreeMap<TreeNode, Vec<Partial>>,
}

impl MergeTree {
    /// An empty tree over `units` units.
    pub fn new(units: u32) -> MergeTree {
        MergeTree { units, nodes: BTreeMap::new() }
    }

    /// The units that a node holds; empty for a node that the tree does not have.
    pub fn units_of((level, index): TreeNode, units: u32) -> std::ops::Range<u32> {
        let edge = |i: u64| (i.checked_shl(level).unwrap_or(u64::MAX)).min(u64::from(units)) as u32;
        if level > 32 { 0..0 } else { edge(u64::from(index))..edge(u64::from(index) + 1) }
    }

    /// Adds the partials of a node and merges siblings as far as they are there. `merge(left, right)` folds later cells into earlier ones.
    ///
    /// # Errors
    /// [`KernelError::Malformed`] when the tree has no such node or holds some of its units already; whatever `merge` gives.
    pub fn insert(
        &mut self,
        node: TreeNode,
        partials: Vec<Partial>,
        mut merge: impl FnMut(&mut Vec<Partial>, Vec<Partial>) -> Result<()>,
    ) -> Result<()> {
        let range = Self::units_of(node, self.units);
        let held = |n: &TreeNode| {
            let r = Self::units_of(*n, self.units);
            r.start < range.end && range.start < r.end
        };
        if range.is_empty() || self.nodes.keys().any(held) {
            return Err(KernelError::malformed("coverage", format!("units {range:?} of {} are out of range or counted twice", self.units)));
        }
        let ((mut level, mut index), mut partials) = (node, partials);
        while (level, index) != self.root() {
            let right_edge = Self::units_of((level, index ^ 1), self.units).is_empty();
            if !right_edge {
                let Some(sibling) = self.nodes.remove(&(level, index ^ 1)) else { break };
                let (mut left, right) = if index % 2 == 0 { (partials, sibling) } else { (sibling, partials) };
                merge(&mut left, right)?;
                partials = left;
            }
            (level, index) = (level + 1, index / 2);
        }
        self.nodes.insert((level, index), partials);
        Ok(())
    }

    /// The node that holds every unit.
    pub fn root(&self) -> TreeNode {
        Self::root_of(self.units)
    }

    /// The node that holds every unit of a tree over `units`.
    pub fn root_of(units: u32) -> TreeNode {
        (units.max(1).checked_next_power_of_two().map_or(32, u32::trailing_zeros), 0)
    }

    /// Whether every unit has been merged.
    pub fn is_complete(&self) -> bool {
        self.nodes.contains_key(&self.root())
    }

    /// The nodes that are there.
    pub fn nodes(&self) -> impl Iterator<Item = TreeNode> + '_ {
        self.nodes.keys().copied()
    }

    /// Takes the nodes that are there.
    pub fn drain(&mut self) -> BTreeMap<TreeNode, Vec<Partial>> {
        std::mem::take(&mut self.nodes)
    }

    /// The partials over every unit, once complete.
    pub fn into_root(mut self) -> Option<Vec<Partial>> {
        self.nodes.remove(&self.root())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::Block;

    fn text(label: &str) -> Vec<Partial> {
        vec![Partial { states: vec![Block::from_vec(&[label.len()], label.bytes().collect()).unwrap()] }]
    }

    fn label(p: &[Partial]) -> String {
        String::from_utf8(p[0].states[0].as_slice::<u8>().unwrap().to_vec()).unwrap()
    }

    fn bracket(left: &mut Vec<Partial>, right: Vec<Partial>) -> Result<()> {
        *left = text(&format!("({}{})", label(left), label(&right)));
        Ok(())
    }

    #[test]
    fn merge_order_does_not_depend_on_arrival() {
        for units in 1..12u32 {
            let mut shapes = std::collections::BTreeSet::new();
            for seed in 0..20u32 {
                let mut order: Vec<u32> = (0..units).collect();
                order.sort_by_key(|u| (u.wrapping_mul(2_654_435_761).wrapping_add(seed.wrapping_mul(40_503))) % 97);
                let mut tree = MergeTree::new(units);
                for u in order {
                    tree.insert((0, u), text(&char::from(b'a' + u as u8).to_string()), bracket).unwrap();
                }
                assert!(tree.is_complete());
                shapes.insert(label(&tree.into_root().unwrap()));
            }
            assert_eq!(shapes.len(), 1, "{units}: {shapes:?}");
        }
    }

    #[test]
    fn a_unit_counted_twice_is_an_error() {
        let mut tree = MergeTree::new(4);
        tree.insert((0, 0), text("a"), bracket).unwrap();
        tree.insert((0, 1), text("b"), bracket).unwrap();
        assert!(tree.insert((0, 1), text("b"), bracket).is_err());
        assert!(tree.insert((2, 0), text("x"), bracket).is_err());
        assert!(tree.insert((0, 4), text("x"), bracket).is_err());
    }
}
