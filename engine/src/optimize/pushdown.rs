//! Rule: selections move down to the scans, through everything that works cell by cell.

use super::rewrite::{Rewrite, rewrite};
use std::collections::HashMap;
use xeng_kernels::graph::Index;
use xeng_kernels::{Graph, NodeId, Op, Result};

/// What selections of nodes of the new graph have become: a node with many users is gone through once.
#[derive(Default)]
struct Moved {
    taken: HashMap<(NodeId, usize, Index), NodeId>,
    picked: HashMap<(NodeId, usize, usize), NodeId>,
}

/// Moves every `Take` and `Pick` below the element-wise operators and transpositions under it.
pub(super) fn push_selections_down(graph: &Graph, roots: &[NodeId]) -> Result<(Graph, Vec<NodeId>)> {
    let mut moved = Moved::default();
    rewrite(graph, roots, |out, op, node| match op {
        Op::Take { input, axis, index } => take(out, &mut moved, input, axis, index),
        Op::Pick { input, axis, index } => pick(out, &mut moved, input, axis, index),
        other => out.keep(other, node),
    })
}

fn take(out: &mut Rewrite, moved: &mut Moved, input: NodeId, axis: usize, index: Index) -> Result<NodeId> {
    let key = (input, axis, index);
    if let Some(&done) = moved.taken.get(&key) {
        return Ok(done);
    }
    let done = take_anew(out, moved, input, axis, key.2.clone())?;
    moved.taken.insert(key, done);
    Ok(done)
}

fn take_anew(out: &mut Rewrite, moved: &mut Moved, input: NodeId, axis: usize, index: Index) -> Result<NodeId> {
    let below = out.graph.node(input)?.clone();
    let name = below.dims[axis].name.clone();
    // A missing pick (-1) is NaN after the formula, not what the formula makes of NaN.
    let never_missing = (0..index.len()).all(|i| index.get(i) >= 0);
    match below.op {
        Op::Map { formula, inputs } if never_missing => {
            let inputs = inputs
                .into_iter()
                .map(|i| match out.graph.node(i)?.axis(&name) {
                    Some(axis) => take(out, moved, i, axis, index.clone()),
                    None => Ok(i),
                })
                .collect::<Result<_>>()?;
            out.graph.push(Op::Map { formula, inputs })
        }
        Op::Take { input, axis: first_axis, index: first } if first_axis == axis => {
            let both = index.after(&first);
            out.graph.push(Op::Take { input, axis, index: both })
        }
        Op::Transpose { input, order } => {
            let taken = take(out, moved, input, order[axis], index)?;
            out.graph.push(Op::Transpose { input: taken, order })
        }
        _ => out.graph.push(Op::Take { input, axis, index }),
    }
}

fn pick(out: &mut Rewrite, moved: &mut Moved, input: NodeId, axis: usize, index: usize) -> Result<NodeId> {
    let key = (input, axis, index);
    if let Some(&done) = moved.picked.get(&key) {
        return Ok(done);
    }
    let done = pick_anew(out, moved, input, axis, index)?;
    moved.picked.insert(key, done);
    Ok(done)
}

fn pick_anew(out: &mut Rewrite, moved: &mut Moved, input: NodeId, axis: usize, index: usize) -> Result<NodeId> {
    let below = out.graph.node(input)?.clone();
    let name = below.dims[axis].name.clone();
    match below.op {
        Op::Map { formula, inputs } if keeps_order(out, &below.dims, &inputs, &name)? => {
            let inputs = inputs
                .into_iter()
                .map(|i| match out.graph.node(i)?.axis(&name) {
                    Some(axis) => pick(out, moved, i, axis, index),
                    None => Ok(i),
                })
                .collect::<Result<_>>()?;
            out.graph.push(Op::Map { formula, inputs })
        }
        Op::Take { input, axis: first_axis, index: first } if first_axis == axis => match usize::try_from(first.get(index)) {
            Ok(index) => pick(out, moved, input, axis, index),
            Err(_) => {
                let taken = out.graph.push(Op::Take { input, axis, index: first })?;
                out.graph.push(Op::Pick { input: taken, axis, index })
            }
        },
        _ => out.graph.push(Op::Pick { input, axis, index }),
    }
}

/// Whether the result's dims without `name` are in the order in which the inputs without it show them.
fn keeps_order(out: &Rewrite, dims: &[xeng_kernels::Dim], inputs: &[NodeId], name: &str) -> Result<bool> {
    let mut seen: Vec<&str> = vec![];
    for &i in inputs {
        for d in &out.graph.node(i)?.dims {
            if &*d.name != name && !seen.contains(&&*d.name) {
                seen.push(&d.name);
            }
        }
    }
    Ok(seen.iter().copied().eq(dims.iter().map(|d| &*d.name).filter(|n| *n != name)))
}
