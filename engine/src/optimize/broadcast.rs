//! Rule: what is folded is computed in the order in which its largest input lies.
//!
//! `x(time, lat, lon) - climate(month, lat, lon)` has the dims `(time, lat, lon, month)`: twelve cells at a time, each beside another row of
//! `climate`. With `month` in front, both are walked in the order in which they lie, and only the small result is turned. Each cell of the
//! result meets its input in the same order.

use super::rewrite::{Rewrite, rewrite};
use std::sync::Arc;
use xeng_kernels::formula::Formula;
use xeng_kernels::graph::{Groups, Node};
use xeng_kernels::{Block, Graph, NodeId, Op, Reduction, Result};

/// Cells of all dims that are put in front, at most: they travel with the plan.
const MOST_CELLS: usize = 4096;

/// Puts the dims that broadcasting adds behind those of the largest input in front of them, under every reduction.
pub(super) fn broadcast_in_front(graph: &Graph, roots: &[NodeId]) -> Result<(Graph, Vec<NodeId>)> {
    rewrite(graph, roots, |out, op, node| match op {
        Op::Reduce { input, reduction, axes, groups } => reduce(out, input, reduction, axes, groups),
        other => out.keep(other, node),
    })
}

fn reduce(out: &mut Rewrite, input: NodeId, reduction: Reduction, axes: Vec<usize>, groups: Option<Groups>) -> Result<NodeId> {
    let below = out.graph.node(input)?.clone();
    let added = added_behind(out, &below)?;
    let kept = below.dims.len() - added;
    let all_kept = axes.iter().all(|&a| a < kept) && groups.as_ref().is_none_or(|g| g.axis < kept);
    let few = below.dims[kept..].iter().fold(1usize, |n, d| n.saturating_mul(d.len)) <= MOST_CELLS;
    let (Op::Map { formula, inputs }, 1.., true) = (&below.op, added, all_kept && few) else {
        return out.graph.push(Op::Reduce { input, reduction, axes, groups });
    };
    // An operand that says nothing but which dims come first.
    let first = &below.dims[kept..];
    let names: Vec<Arc<str>> = first.iter().map(|d| d.name.clone()).collect();
    let shape: Vec<usize> = first.iter().map(|d| d.len).collect();
    let order = out.graph.constant(&names, Block::filled(xeng_kernels::DType::Bool, &shape, 0.0))?;
    let formula = Arc::new(Formula::behind(xeng_kernels::DType::Bool, formula)?);
    let inputs = std::iter::once(order).chain(inputs.iter().copied()).collect();
    let map = out.graph.push(Op::Map { formula, inputs })?;
    let axes: Vec<usize> = axes.into_iter().map(|a| a + added).collect();
    let groups = groups.map(|g| Groups { axis: g.axis + added, ..g });
    let left = kept - axes.len();
    let reduced = out.graph.push(Op::Reduce { input: map, reduction, axes, groups })?;
    out.graph.push(Op::Transpose { input: reduced, order: (added..added + left).chain(0..added).collect() })
}

/// How many of the last dims of an element-wise node its largest input does not have.
fn added_behind(out: &Rewrite, node: &Node) -> Result<usize> {
    let Op::Map { inputs, .. } = &node.op else { return Ok(0) };
    let nodes = inputs.iter().map(|&i| out.graph.node(i)).collect::<Result<Vec<_>>>()?;
    let Some(largest) = nodes.into_iter().max_by_key(|n| n.bytes()).filter(|n| !n.dims.is_empty()) else { return Ok(0) };
    Ok(node.dims.iter().rev().take_while(|d| largest.axis(&d.name).is_none()).count())
}
