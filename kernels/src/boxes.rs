//! Which boxes of its inputs an operator needs for a box of its result.
//!
//! In: a node and a box of its result. Out: boxes of its inputs. Never reads or computes a cell.

use crate::bounds::Bounds;
use crate::error::{KernelError, Result};
use crate::graph::{Dim, Graph, Groups, Index, Node, NodeId, Op};
use crate::interp;
use crate::reshape::Reshape;
use std::collections::HashSet;
use std::ops::Range;

/// Neighbouring picks at most this far apart are read in one sweep rather than apart.
const JOIN_GAP: usize = 32;

/// The boxes of `node`'s inputs that box `bounds` of its result is made from, in evaluation order.
///
/// An input may occur several times (scattered picks) or not at all (a join that the box misses).
///
/// # Errors
/// [`KernelError::Malformed`] when the box does not fit the node.
pub fn input_boxes(graph: &Graph, node: &Node, bounds: &[Range<usize>]) -> Result<Vec<(NodeId, Bounds)>> {
    check(node, bounds)?;
    match &node.op {
        Op::Scan { .. } | Op::Constant(_) | Op::Given { .. } => Ok(vec![]),
        Op::Map { inputs, .. } => inputs.iter().map(|&i| Ok((i, by_name(graph.node(i)?, &node.dims, bounds)?))).collect(),
        Op::Take { input, axis, index } => {
            let clusters = clusters(index, &bounds[*axis]);
            Ok(clusters.into_iter().map(|c| (*input, replaced(bounds, *axis, c))).collect())
        }
        Op::Pick { input, axis, index } => {
            let mut b = bounds.to_vec();
            b.insert(*axis, *index..*index + 1);
            Ok(vec![(*input, b)])
        }
        Op::Transpose { input, order } => {
            let mut b = bounds.to_vec();
            for (out, &from) in order.iter().enumerate() {
                b[from] = bounds[out].clone();
            }
            Ok(vec![(*input, b)])
        }
        Op::Rename { input, .. } | Op::Lookup { input, .. } => Ok(vec![(*input, bounds.to_vec())]),
        Op::Expand { input, axis, .. } => {
            let mut b = bounds.to_vec();
            b.remove(*axis);
            Ok(vec![(*input, b)])
        }
        Op::Reduce { input, axes, groups, .. } => Ok(vec![(*input, folded_box(graph.node(*input)?, axes, groups.as_ref(), bounds))]),
        Op::Interp { input, axis, from, to, method } => {
            let window = interp::brackets(from, to, *method)?.window(bounds[*axis].clone());
            Ok(vec![(*input, replaced(bounds, *axis, window))])
        }
        Op::Remap { input, axes } => {
            let mut b = bounds.to_vec();
            axes.iter().for_each(|a| b[a.axis] = a.weights.reach(b[a.axis].clone()));
            Ok(vec![(*input, b)])
        }
        Op::Along { input, axis, joined, along } => {
            let source = graph.node(*input)?;
            let mut b = domain_box(source, joined, bounds);
            b[*axis] = along.reach(b[*axis].clone(), source.dims[*axis].len);
            Ok(vec![(*input, b)])
        }
        Op::Points { input, points } => Ok(points.boxes(bounds).into_iter().map(|b| (*input, b)).collect()),
        Op::Reshape { input, axis, count, dims } => {
            let (from, to) = reshaped(graph.node(*input)?, *axis, *count, dims);
            Ok(vec![(*input, Reshape { axis: *axis, from: &from, to: &to }.source_box(bounds))])
        }
        Op::Concat { inputs, axis } => concat_boxes(graph, inputs, *axis, bounds),
    }
}

/// The lengths of the axes that a reshape counts anew, and of those that they become.
pub(crate) fn reshaped(source: &Node, axis: usize, count: usize, dims: &[Dim]) -> (Vec<usize>, Vec<usize>) {
    (source.dims.iter().skip(axis).take(count).map(|d| d.len).collect(), dims.iter().map(|d| d.len).collect())
}

/// A visit of [`visit_boxes`]: a node, and the box of it that is computed.
pub type Visit<'a> = (NodeId, &'a Node, &'a Bounds);

/// Calls `visit` for every box that evaluating box `at` of node `id` computes, each once, inputs after users.
///
/// What lies behind a node for which `visit` gives `false`, or behind a reduction, is not visited.
///
/// # Errors
/// [`KernelError::Malformed`] when a box does not fit its node.
pub fn visit_boxes(graph: &Graph, id: NodeId, at: &Bounds, visit: &mut impl FnMut(Visit<'_>) -> bool) -> Result<()> {
    let mut seen = HashSet::new();
    let mut waiting = vec![(id, at.clone())];
    while let Some((id, at)) = waiting.pop() {
        let node = graph.node(id)?;
        if !seen.insert((id, at.clone())) || !visit((id, node, &at)) || matches!(node.op, Op::Reduce { .. }) {
            continue;
        }
        waiting.extend(input_boxes(graph, node, &at)?);
    }
    Ok(())
}

/// The box of a reduction's input that folds into `bounds` of its result: reduced axes in full, a grouped axis as given.
pub(crate) fn domain_box(source: &Node, axes: &[usize], bounds: &[Range<usize>]) -> Bounds {
    let mut kept = bounds.iter().cloned();
    let axis_range = |(i, d): (usize, &Dim)| if axes.contains(&i) { 0..d.len } else { kept.next().unwrap_or(0..0) };
    source.dims.iter().enumerate().map(axis_range).collect()
}

/// The box of a reduction's input that folds into `bounds` of its result: reduced axes in full, a grouped one as far as the groups reach.
pub fn folded_box(source: &Node, axes: &[usize], groups: Option<&Groups>, bounds: &[Range<usize>]) -> Bounds {
    let mut domain = domain_box(source, axes, bounds);
    if let Some(g) = groups {
        domain[g.axis] = g.reach(&domain[g.axis]);
    }
    domain
}

/// The sorted, disjoint input ranges that hold the picks at output positions `at`.
pub(crate) fn clusters(index: &Index, at: &Range<usize>) -> Vec<Range<usize>> {
    if let Index::Range { start, step: 1, .. } = index {
        return if at.is_empty() { vec![] } else { vec![start + at.start..start + at.end] };
    }
    gathered(at.clone().map(|i| index.get(i)).filter(|&i| i >= 0).map(|i| i as usize).collect())
}

/// The sorted, disjoint ranges that hold some indices.
pub(crate) fn gathered(mut picks: Vec<usize>) -> Vec<Range<usize>> {
    picks.sort_unstable();
    picks.dedup();
    let mut out: Vec<Range<usize>> = vec![];
    for p in picks {
        match out.last_mut() {
            Some(last) if p < last.end + JOIN_GAP => last.end = p + 1,
            _ => out.push(p..p + 1),
        }
    }
    out
}

fn concat_boxes(graph: &Graph, inputs: &[NodeId], axis: usize, bounds: &[Range<usize>]) -> Result<Vec<(NodeId, Bounds)>> {
    let (mut out, mut start) = (vec![], 0);
    for &input in inputs {
        let len = graph.node(input)?.dims[axis].len;
        let (lo, hi) = (bounds[axis].start.max(start), bounds[axis].end.min(start + len));
        if lo < hi {
            out.push((input, replaced(bounds, axis, lo - start..hi - start)));
        }
        start += len;
    }
    Ok(out)
}

/// The box of an operand of an element-wise operator: its dims picked out of the result's by name.
fn by_name(operand: &Node, dims: &[Dim], bounds: &[Range<usize>]) -> Result<Bounds> {
    operand
        .dims
        .iter()
        .map(|d| {
            let at = dims.iter().position(|o| o.name == d.name);
            at.map(|i| bounds[i].clone())
                .ok_or_else(|| KernelError::malformed("graph", format!("dimension '{}' is not in the result", d.name)))
        })
        .collect()
}

fn replaced(bounds: &[Range<usize>], axis: usize, range: Range<usize>) -> Bounds {
    let mut b = bounds.to_vec();
    b[axis] = range;
    b
}

fn check(node: &Node, bounds: &[Range<usize>]) -> Result<()> {
    let fits = bounds.len() == node.dims.len() && bounds.iter().zip(&node.dims).all(|(r, d)| r.start <= r.end && r.end <= d.len);
    if fits {
        Ok(())
    } else {
        Err(KernelError::malformed("graph", format!("box {bounds:?} does not fit a {} of shape {:?}", node.op.name(), node.shape())))
    }
}
