//! Cells that are known while planning: graphs over constants, computed at once.
//!
//! In: a node. Out: its cells, when nothing below it reads data. Never computes more than a constant may hold.

use super::plan::{LARGEST_CONSTANT_BYTES, Plan};
use super::{CoordData, LazyArray, LazyCoord, labels};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use xeng_kernels::evaluate::apply;
use xeng_kernels::{Block, Node, NodeId, Op};
use xeng_proto::Values;

/// The cells of a node, when they depend on constants alone. Each node below it is computed once.
pub fn known(plan: &Plan, id: NodeId) -> Option<Block> {
    let needed = constants_below(plan, id)?;
    let mut users: HashMap<NodeId, usize> = HashMap::new();
    for &at in &needed {
        plan.graph.node(at).ok()?.op.inputs().into_iter().for_each(|i| *users.entry(i).or_default() += 1);
    }
    let mut done: HashMap<NodeId, Node> = HashMap::new();
    for at in needed {
        let node = plan.graph.node(at).ok()?;
        let inputs = node.op.inputs();
        let constant = match &node.op {
            Op::Constant(_) => node.clone(),
            op => {
                let of = inputs.iter().map(|i| done.get(i)).collect::<Option<Vec<_>>>()?;
                Node { op: Op::Constant(Arc::new(apply(op, &of).ok()?)), dims: node.dims.clone(), dtype: node.dtype }
            }
        };
        done.insert(at, constant);
        for input in inputs {
            // What nobody will look at again need not be held.
            let left = users.entry(input).or_default();
            *left = left.saturating_sub(1);
            if *left == 0 {
                done.remove(&input);
            }
        }
    }
    match done.remove(&id)?.op {
        Op::Constant(block) => Some(Arc::unwrap_or_clone(block)),
        _ => None,
    }
}

/// A node and all below it, inputs first; `None` when any of them reads data or is too large.
fn constants_below(plan: &Plan, id: NodeId) -> Option<BTreeSet<NodeId>> {
    let (mut seen, mut waiting) = (BTreeSet::new(), vec![id]);
    while let Some(id) = waiting.pop() {
        if !seen.insert(id) {
            continue;
        }
        let node = plan.graph.node(id).ok()?;
        if matches!(node.op, Op::Scan { .. } | Op::Given { .. }) || node.bytes() > LARGEST_CONSTANT_BYTES {
            return None;
        }
        waiting.extend(node.op.inputs());
    }
    Some(seen)
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
