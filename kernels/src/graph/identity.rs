//! When two nodes are one: the same operator over the same inputs, constants bit for bit.
//!
//! In: nodes. Out: a fingerprint, equal for equal nodes. Never takes 0.0 for -0.0, which divide differently.

use super::{Node, Op};
use crate::block::Block;
use std::hash::{DefaultHasher, Hash, Hasher};

/// A number that equal nodes share.
pub(super) fn fingerprint(node: &Node) -> u64 {
    let mut state = DefaultHasher::new();
    (node.op.name(), &node.dims, node.dtype, node.op.inputs()).hash(&mut state);
    match &node.op {
        Op::Scan { source } => source.hash(&mut state),
        Op::Given { slot } => slot.hash(&mut state),
        Op::Constant(block) => hash_cells(block, &mut state),
        Op::Map { formula, .. } => formula.hash(&mut state),
        Op::Take { axis, index, .. } => (axis, index).hash(&mut state),
        Op::Pick { axis, index, .. } => (axis, index).hash(&mut state),
        Op::Transpose { order, .. } => order.hash(&mut state),
        Op::Rename { names, .. } => names.hash(&mut state),
        Op::Expand { axis, dim, .. } => (axis, dim).hash(&mut state),
        Op::Reduce { reduction, axes, groups, .. } => (reduction, axes, groups).hash(&mut state),
        Op::Interp { axis, from, to, method, .. } => {
            (axis, method).hash(&mut state);
            from.iter().chain(to.iter()).for_each(|v| v.to_bits().hash(&mut state));
        }
        Op::Along { axis, joined, along, .. } => (axis, joined, along).hash(&mut state),
        Op::Remap { axes, .. } => axes.iter().for_each(|a| {
            (a.axis, a.weights.first(), a.weights.lengths()).hash(&mut state);
            a.weights.all().iter().for_each(|w| w.to_bits().hash(&mut state));
        }),
        Op::Lookup { table, .. } => hash_cells(table, &mut state),
        Op::Points { points, .. } => points.hash(&mut state),
        Op::Reshape { axis, count, dims, .. } => (axis, count, dims).hash(&mut state),
        Op::Concat { axis, .. } => axis.hash(&mut state),
    }
    state.finish()
}

/// Whether two nodes of one fingerprint are the same.
pub(super) fn same(a: &Node, b: &Node) -> bool {
    match (&a.op, &b.op) {
        (Op::Constant(x), Op::Constant(y)) => a.dims == b.dims && same_cells(x, y),
        _ => a == b,
    }
}

fn same_cells(a: &Block, b: &Block) -> bool {
    match (a, b) {
        (Block::F32(x), Block::F32(y)) => x.shape() == y.shape() && x.iter().map(|v| v.to_bits()).eq(y.iter().map(|v| v.to_bits())),
        (Block::F64(x), Block::F64(y)) => x.shape() == y.shape() && x.iter().map(|v| v.to_bits()).eq(y.iter().map(|v| v.to_bits())),
        _ => a == b,
    }
}

fn hash_cells(block: &Block, state: &mut DefaultHasher) {
    match block {
        Block::F32(a) => a.iter().for_each(|v| v.to_bits().hash(state)),
        Block::F64(a) => a.iter().for_each(|v| v.to_bits().hash(state)),
        other => other.to_le_bytes().hash(state),
    }
}
