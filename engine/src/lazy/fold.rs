//! Cells that are known while planning: graphs over constants, computed at once.
//!
//! In: a node. Out: its cells, when nothing below it reads data. Never computes more than a constant may hold.

use super::plan::{LARGEST_CONSTANT_BYTES, Plan};
use super::{CoordData, LazyArray, LazyCoord, labels};
use std::sync::Arc;
use xeng_kernels::formula::Operand;
use xeng_kernels::{Block, NodeId, Op};
use xeng_proto::Values;

/// Deeper graphs over constants are left to the engines.
const MAX_DEPTH: usize = 64;

/// The cells of a node, when they depend on constants alone.
pub fn known(plan: &Plan, id: NodeId) -> Option<Block> {
    depends_on_constants(plan, id).then(|| compute(plan, id, 0)).flatten()
}

fn depends_on_constants(plan: &Plan, id: NodeId) -> bool {
    let mut seen = vec![false; plan.graph.len()];
    let mut stack = vec![id];
    while let Some(id) = stack.pop() {
        let Some(known) = seen.get_mut(id.0 as usize) else { return false };
        if std::mem::replace(known, true) {
            continue;
        }
        let Ok(node) = plan.graph.node(id) else { return false };
        if matches!(node.op, Op::Scan { .. } | Op::Given { .. }) || node.bytes() > LARGEST_CONSTANT_BYTES {
            return false;
        }
        stack.extend(node.op.inputs());
    }
    true
}

fn compute(plan: &Plan, id: NodeId, depth: usize) -> Option<Block> {
    if depth > MAX_DEPTH {
        return None;
    }
    let node = plan.graph.node(id).ok()?;
    let of = |id: &NodeId| compute(plan, *id, depth + 1);
    match &node.op {
        Op::Constant(block) => Some((**block).clone()),
        Op::Take { input, axis, index } => {
            let at: Vec<i64> = (0..index.len()).map(|i| index.get(i)).collect();
            of(input)?.take(*axis, &at).ok()
        }
        Op::Pick { input, axis, index } => of(input)?.take(*axis, &[*index as i64]).ok()?.reshape(&node.shape()).ok(),
        Op::Transpose { input, order } => of(input)?.transpose(order).ok(),
        Op::Rename { input, .. } => of(input),
        Op::Expand { input, axis, dim } => {
            let block = of(input)?;
            let mut shape = block.shape().to_vec();
            shape.insert(*axis, 1);
            block.reshape(&shape).ok()?.take(*axis, &vec![0; dim.len]).ok()
        }
        Op::Concat { inputs, axis } => {
            let blocks = inputs.iter().map(of).collect::<Option<Vec<_>>>()?;
            Block::concat(*axis, &blocks.iter().collect::<Vec<_>>()).ok()
        }
        Op::Map { formula, inputs } => {
            let blocks = inputs.iter().map(of).collect::<Option<Vec<_>>>()?;
            let axes: Vec<Vec<Option<usize>>> = inputs
                .iter()
                .map(|i| plan.graph.node(*i).ok().map(|n| node.dims.iter().map(|d| n.axis(&d.name)).collect()))
                .collect::<Option<_>>()?;
            let operands: Vec<Operand> = blocks.iter().zip(&axes).map(|(block, axes)| Operand { block, axes }).collect();
            formula.evaluate(&operands, &node.shape()).ok()
        }
        Op::Scan { .. } | Op::Given { .. } | Op::Reduce { .. } | Op::Interp { .. } => None,
    }
}

/// The cells of an array, when they are known.
pub fn values(plan: &Plan, a: &LazyArray) -> Option<Values> {
    known(plan, a.node).map(|block| labels::from_block(&block, &a.cells))
}

/// The same coordinate with its cells known, where they can be.
pub fn settle(plan: &Plan, coord: LazyCoord) -> LazyCoord {
    let CoordData::Lazy(node, cells) = &coord.data else { return coord };
    match (known(plan, *node), plan.graph.node(*node)) {
        (Some(block), Ok(n)) => LazyCoord { data: CoordData::Known(Arc::new(labels::from_block(&block, cells)), n.shape()), ..coord },
        _ => coord,
    }
}
