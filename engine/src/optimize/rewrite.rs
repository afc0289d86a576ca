//! Builds a graph anew, node by node: what every rule stands on.

use std::collections::{HashMap, HashSet};
use xeng_kernels::graph::Node;
use xeng_kernels::{Graph, NodeId, Op, Result};

/// A graph under construction.
pub(super) struct Rewrite {
    /// The new graph.
    pub(super) graph: Graph,
}

impl Rewrite {
    /// Appends an operator whose inputs are already in the new graph; leaves keep the dims of `like`.
    pub(super) fn keep(&mut self, op: Op, like: &Node) -> Result<NodeId> {
        match op {
            Op::Scan { source } => Ok(self.graph.scan(source, like.dims.clone(), like.dtype)),
            Op::Given { slot } => Ok(self.graph.given(slot, like.dims.clone(), like.dtype)),
            Op::Constant(block) => {
                let names: Vec<_> = like.dims.iter().map(|d| d.name.clone()).collect();
                self.graph.constant(&names, (*block).clone())
            }
            other => self.graph.push(other),
        }
    }
}

/// Rebuilds what the roots need. `rule` is given each operator with its inputs already renamed, and appends its replacement.
pub(super) fn rewrite(
    graph: &Graph,
    roots: &[NodeId],
    mut rule: impl FnMut(&mut Rewrite, Op, &Node) -> Result<NodeId>,
) -> Result<(Graph, Vec<NodeId>)> {
    let needed = reachable(graph, roots)?;
    let mut out = Rewrite { graph: Graph::new() };
    let mut new_ids: HashMap<NodeId, NodeId> = HashMap::new();
    for id in graph.ids().filter(|id| needed.contains(id)) {
        let node = graph.node(id)?;
        let op = node.op.with_inputs(|i| new_ids.get(&i).copied().unwrap_or(i));
        let new_id = rule(&mut out, op, node)?;
        new_ids.insert(id, new_id);
    }
    let roots = roots.iter().map(|r| new_ids.get(r).copied().unwrap_or(*r)).collect();
    Ok((out.graph, roots))
}

/// The nodes that the roots are made from, themselves included.
pub(super) fn reachable(graph: &Graph, roots: &[NodeId]) -> Result<HashSet<NodeId>> {
    let (mut seen, mut waiting) = (HashSet::new(), roots.to_vec());
    while let Some(id) = waiting.pop() {
        if seen.insert(id) {
            waiting.extend(graph.node(id)?.op.inputs());
        }
    }
    Ok(seen)
}
