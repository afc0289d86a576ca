//! Rule: adding or multiplying by one number is done to the mean, not to every cell.
//!
//! `mean(a x + b) = a mean(x) + b` over the same present cells; each rewriting spares a pass over the data and keeps
//! the result within rounding. Sums, extremes and moments stay as they are: the number of cells or the order would matter.

use super::rewrite::{Rewrite, rewrite};
use std::sync::Arc;
use xeng_kernels::formula::{Binary, Formula, Step};
use xeng_kernels::{Graph, NodeId, Op, Reduction, Result};

/// Swaps a mean with the arithmetic by a finite constant under it.
pub(super) fn reduce_before_scaling(graph: &Graph, roots: &[NodeId]) -> Result<(Graph, Vec<NodeId>)> {
    rewrite(graph, roots, |out, op, node| match op {
        Op::Reduce { input, reduction: Reduction::Mean { skipna }, axes, groups } => mean(out, input, skipna, &axes, groups.as_ref()),
        other => out.keep(other, node),
    })
}

fn mean(out: &mut Rewrite, input: NodeId, skipna: bool, axes: &[usize], groups: Option<&xeng_kernels::graph::Groups>) -> Result<NodeId> {
    let below = out.graph.node(input)?.clone();
    if let Op::Map { formula, inputs } = &below.op
        && let Some(data) = scaled_operand(out, formula, inputs)?
        && out.graph.node(data)?.dims == below.dims
    {
        let reduced = mean(out, data, skipna, axes, groups)?;
        let inputs = inputs.iter().map(|&i| if i == data { reduced } else { i }).collect();
        return out.graph.push(Op::Map { formula: Arc::new((**formula).clone()), inputs });
    }
    out.graph.push(Op::Reduce { input, reduction: Reduction::Mean { skipna }, axes: axes.to_vec(), groups: groups.cloned() })
}

/// The array that `formula` adds one finite number to, or multiplies by one, in its own floating type; `None` for anything else.
fn scaled_operand(out: &Rewrite, formula: &Formula, inputs: &[NodeId]) -> Result<Option<NodeId>> {
    let steps = formula.steps();
    let Some((Step::Binary(op, a, b), dtype)) = steps.last().copied() else { return Ok(None) };
    if steps.len() != 3 || !dtype.is_float() || !matches!(op, Binary::Add | Binary::Sub | Binary::Mul | Binary::Div) {
        return Ok(None);
    }
    let operand = |r: u32| steps.get(r as usize).map(|s| s.0);
    let (left, right) = (operand(a), operand(b));
    let is_number = |step: Option<Step>| -> Result<bool> {
        Ok(match step {
            Some(Step::Literal(bits)) => f64::from_bits(bits).is_finite(),
            Some(Step::Input(n)) => match inputs.get(n as usize).map(|&i| out.graph.node(i)).transpose()? {
                Some(node) => {
                    matches!(&node.op, Op::Constant(block) if block.len() == 1 && block.to_f64_vec().iter().all(|v| v.is_finite()))
                        && node.dims.is_empty()
                }
                None => false,
            },
            _ => false,
        })
    };
    let data = |step: Option<Step>| match step {
        Some(Step::Input(n)) => inputs.get(n as usize).copied(),
        _ => None,
    };
    if is_number(right)? && !is_number(left)? {
        return Ok(data(left));
    }
    // A number divided by the data is not linear in it.
    if is_number(left)? && !is_number(right)? && op != Binary::Div {
        return Ok(data(right));
    }
    Ok(None)
}
