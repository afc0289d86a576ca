//! Rule: chains of element-wise operators become one program, run over cache-sized tiles.

use super::rewrite::{reachable, rewrite};
use std::collections::HashMap;
use std::sync::Arc;
use xeng_kernels::formula::Formula;
use xeng_kernels::{Graph, NodeId, Op, Result};

/// Fused programs have at most this many steps.
const MOST_STEPS: usize = 64;

/// Inlines every element-wise node that has one user, an element-wise one of the same dims.
///
/// Fewer dims below are left alone: a small operand is computed once per box, not once per cell.
pub(super) fn fuse_maps(graph: &Graph, roots: &[NodeId]) -> Result<(Graph, Vec<NodeId>)> {
    let needed = reachable(graph, roots)?;
    let mut users: HashMap<NodeId, usize> = HashMap::new();
    for &id in &needed {
        let mut inputs = graph.node(id)?.op.inputs();
        inputs.sort_unstable();
        inputs.dedup();
        inputs.into_iter().for_each(|i| *users.entry(i).or_default() += 1);
    }
    roots.iter().for_each(|r| *users.entry(*r).or_default() += 1);
    let mut old_ids = graph.ids().filter(|id| needed.contains(id));
    // Nodes of the new graph that only one node will use.
    let mut single: HashMap<NodeId, bool> = HashMap::new();
    rewrite(graph, roots, |out, op, node| {
        let old = old_ids.next();
        let new_id = match op {
            Op::Map { formula, inputs } => {
                let (formula, inputs) = inline(&out.graph, formula, inputs, &single)?;
                let fused = out.graph.push(Op::Map { formula, inputs })?;
                // Broadcasting order may differ once operands are inlined: the dims must stay.
                reorder(&mut out.graph, fused, node)?
            }
            other => out.keep(other, node)?,
        };
        let once = old.and_then(|id| users.get(&id)).copied() == Some(1);
        single.entry(new_id).and_modify(|s| *s = false).or_insert(once);
        Ok(new_id)
    })
}

fn inline(
    graph: &Graph,
    mut formula: Arc<Formula>,
    mut inputs: Vec<NodeId>,
    single: &HashMap<NodeId, bool>,
) -> Result<(Arc<Formula>, Vec<NodeId>)> {
    let all: usize = inputs.iter().map(|&i| graph.node(i).map_or(0, |n| n.size())).max().unwrap_or(0);
    let mut at = 0;
    while at < inputs.len() {
        let below = graph.node(inputs[at])?;
        match &below.op {
            Op::Map { formula: inner, inputs: more }
                if single.get(&inputs[at]) == Some(&true)
                    && below.size() == all
                    && formula.steps().len() + inner.steps().len() <= MOST_STEPS =>
            {
                formula = Arc::new(Formula::fuse(&formula, at, inner)?);
                inputs.remove(at);
                inputs.extend(more.iter().copied());
            }
            _ => at += 1,
        }
    }
    Ok((formula, inputs))
}

fn reorder(graph: &mut Graph, fused: NodeId, like: &xeng_kernels::graph::Node) -> Result<NodeId> {
    let dims = graph.node(fused)?.dims.clone();
    if dims == like.dims {
        return Ok(fused);
    }
    let order = like.dims.iter().filter_map(|d| dims.iter().position(|o| o.name == d.name)).collect();
    graph.push(Op::Transpose { input: fused, order })
}
