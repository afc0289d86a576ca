//! Rule: what is made of constants alone is computed once, while planning.

use super::rewrite::rewrite;
use std::collections::HashMap;
use xeng_kernels::bounds::whole;
use xeng_kernels::evaluate::{Evaluator, Known, NoLeaves};
use xeng_kernels::{Graph, NodeId, Op, Result, Tiling};

/// A folded constant has at most this many cells: latitude weights are folded, a global field made of them is not.
const MOST_CELLS: usize = 1 << 16;

/// Replaces every small node without stored or given data by its value.
pub(super) fn fold(graph: &Graph, roots: &[NodeId]) -> Result<(Graph, Vec<NodeId>)> {
    let tiling = Tiling::of(graph, &[])?;
    let mut constant: HashMap<NodeId, bool> = HashMap::new();
    for id in graph.ids() {
        let node = graph.node(id)?;
        let inputs_constant = node.op.inputs().iter().all(|i| constant.get(i).copied().unwrap_or(false));
        let leaf = matches!(node.op, Op::Scan { .. } | Op::Given { .. });
        constant.insert(id, inputs_constant && !leaf && node.size() <= MOST_CELLS);
    }
    // `rewrite` visits the reachable nodes in the order of their ids, so the old id is found by walking along.
    let needed = super::rewrite::reachable(graph, roots)?;
    let mut old_ids = graph.ids().filter(|id| needed.contains(id));
    let known = Known::new();
    rewrite(graph, roots, |out, op, node| {
        let old = old_ids.next();
        match old {
            Some(id) if constant.get(&id) == Some(&true) && !matches!(op, Op::Constant(_)) => {
                let block = Evaluator::new(graph, &tiling, &known, &NoLeaves).evaluate(id, &whole(&node.shape()))?;
                let names: Vec<_> = node.dims.iter().map(|d| d.name.clone()).collect();
                out.graph.constant(&names, (*block).clone())
            }
            _ => out.keep(op, node),
        }
    })
}
