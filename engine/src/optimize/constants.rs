//! Rule: what is made of constants alone is computed once, while planning.

use super::rewrite::rewrite;
use xeng_kernels::evaluate::apply;
use xeng_kernels::graph::Node;
use xeng_kernels::{Graph, NodeId, Op, Result};

/// A folded constant has at most this many cells: latitude weights are folded, a global field made of them is not.
const MOST_CELLS: usize = 1 << 16;

/// Replaces every small node without stored or given data by its value.
///
/// Inputs are folded before their users, so that each operator is computed once, however often it is used.
pub(super) fn fold(graph: &Graph, roots: &[NodeId]) -> Result<(Graph, Vec<NodeId>)> {
    rewrite(graph, roots, |out, op, node| {
        let inputs = op.inputs().into_iter().map(|i| out.graph.node(i)).collect::<Result<Vec<_>>>()?;
        let leaf = matches!(op, Op::Scan { .. } | Op::Given { .. } | Op::Constant(_));
        if leaf || node.size() > MOST_CELLS || !inputs.iter().all(|i| is_small_constant(i)) {
            return out.keep(op, node);
        }
        let block = apply(&op, &inputs)?;
        let names: Vec<_> = node.dims.iter().map(|d| d.name.clone()).collect();
        out.graph.constant(&names, block)
    })
}

fn is_small_constant(node: &Node) -> bool {
    matches!(node.op, Op::Constant(_)) && node.size() <= MOST_CELLS
}
