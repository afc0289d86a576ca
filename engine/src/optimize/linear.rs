//! Rule: adding or multiplying by one number is done to the mean, not to every cell.
//!
//! `mean(a x + b) = a mean(x) + b` over the same present cells; each rewriting spares a pass over the data. It is done only
//! where the result stays within rounding: a `float32` mean is rounded before the number comes, so that there only powers of
//! two, which round nothing, may wait; factors are moderate, lest a cell overflow or vanish that the mean does not.
//! Sums, extremes and moments stay as they are: the number of cells or the order would matter.

use super::rewrite::{Rewrite, rewrite};
use xeng_kernels::formula::{Binary, Formula, Step};
use xeng_kernels::graph::{Groups, Node};
use xeng_kernels::{DType, Graph, NodeId, Op, Reduction, Result};

/// Binary orders of magnitude by which all factors together may move a `float64` cell.
const MOST_ORDERS: f64 = 32.0;
/// The same for `float32`, whose range is narrower; and only downwards, as undecoded fill values lie close to its upper end.
const MOST_ORDERS_SINGLE: f64 = 16.0;
/// The largest number that is added afterwards.
const LARGEST_SUMMAND: f64 = 4_294_967_296.0;

/// Swaps a mean with the arithmetic by a moderate constant under it.
pub(super) fn reduce_before_scaling(graph: &Graph, roots: &[NodeId]) -> Result<(Graph, Vec<NodeId>)> {
    rewrite(graph, roots, |out, op, node| match op {
        Op::Reduce { input, reduction: Reduction::Mean { skipna }, axes, groups } => {
            Mean { skipna, axes, groups }.of(out, input, node.dtype, 0.0)
        }
        other => out.keep(other, node),
    })
}

/// A mean that is to be taken.
struct Mean {
    skipna: bool,
    axes: Vec<usize>,
    groups: Option<Groups>,
}

impl Mean {
    /// The mean of `input`, whose cells are still to be moved by `orders` binary orders of magnitude.
    fn of(&self, out: &mut Rewrite, input: NodeId, dtype: DType, orders: f64) -> Result<NodeId> {
        let below = out.graph.node(input)?.clone();
        if let Op::Map { formula, inputs } = &below.op
            && let Some(scaling) = scaling(out, formula, inputs)?
            && scaling.keeps_within_rounding(dtype, orders)
            && out.graph.node(scaling.data)?.dims == below.dims
        {
            let reduced = self.of(out, scaling.data, dtype, orders + scaling.orders())?;
            let inputs = inputs.iter().map(|&i| if i == scaling.data { reduced } else { i }).collect();
            return out.graph.push(Op::Map { formula: formula.clone(), inputs });
        }
        let reduction = Reduction::Mean { skipna: self.skipna };
        out.graph.push(Op::Reduce { input, reduction, axes: self.axes.clone(), groups: self.groups.clone() })
    }
}

/// One number met by an array: `data op number`, or the other way round where that is linear too.
struct Scaling {
    data: NodeId,
    op: Binary,
    number: f64,
}

impl Scaling {
    /// Binary orders of magnitude by which a factor moves a cell.
    fn orders(&self) -> f64 {
        if matches!(self.op, Binary::Mul | Binary::Div) { self.number.abs().log2().abs() } else { 0.0 }
    }

    fn keeps_within_rounding(&self, dtype: DType, orders: f64) -> bool {
        let size = self.number.abs();
        let normal = size.is_normal();
        let (power_of_two, shrinks) =
            (size.to_bits().trailing_zeros() >= 52, if self.op == Binary::Div { size >= 1.0 } else { size <= 1.0 });
        match (self.op, dtype) {
            (Binary::Add | Binary::Sub, DType::F64) => self.number == 0.0 || normal && size <= LARGEST_SUMMAND,
            (Binary::Mul | Binary::Div, DType::F64) => normal && orders + self.orders() <= MOST_ORDERS,
            (Binary::Mul | Binary::Div, DType::F32) => normal && power_of_two && shrinks && orders + self.orders() <= MOST_ORDERS_SINGLE,
            _ => false,
        }
    }
}

/// The array and the number that `formula` joins in the array's own floating type; `None` for anything else.
fn scaling(out: &Rewrite, formula: &Formula, inputs: &[NodeId]) -> Result<Option<Scaling>> {
    let steps = formula.steps();
    let Some((Step::Binary(op, a, b), dtype)) = steps.last().copied() else { return Ok(None) };
    if steps.len() != 3 || !dtype.is_float() || !matches!(op, Binary::Add | Binary::Sub | Binary::Mul | Binary::Div) {
        return Ok(None);
    }
    let operand = |r: u32| steps.get(r as usize).map(|s| s.0);
    let node = |n: u32| inputs.get(n as usize).map(|&i| out.graph.node(i).map(|node| (i, node))).transpose();
    let side = |step: Option<Step>| -> Result<(Option<NodeId>, Option<f64>)> {
        Ok(match step {
            Some(Step::Literal(bits)) => (None, Some(f64::from_bits(bits))),
            Some(Step::Input(n)) => node(n)?.map_or((None, None), |(id, node)| match one_number(node) {
                Some(number) => (None, Some(number)),
                None => (Some(id), None),
            }),
            _ => (None, None),
        })
    };
    Ok(match (side(operand(a))?, side(operand(b))?) {
        ((Some(data), _), (_, Some(number))) => Some(Scaling { data, op, number }),
        // A number divided by the data is not linear in it.
        ((_, Some(number)), (Some(data), _)) if op != Binary::Div => Some(Scaling { data, op, number }),
        _ => None,
    })
}

/// The value of a constant of rank 0.
fn one_number(node: &Node) -> Option<f64> {
    match &node.op {
        Op::Constant(block) if node.dims.is_empty() => block.to_f64_vec().first().copied(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::sync::Arc;
    use xeng_kernels::Dim;

    /// Whether the mean of `x op number op number ...` waits for none of the numbers.
    fn moves(dtype: DType, chain: &[(Binary, f64)]) -> bool {
        let mut graph = Graph::new();
        let mut at = graph.given(0, vec![Dim::new("x", 10)], dtype);
        for &(op, number) in chain {
            let mut formula = Formula::new(&[dtype]);
            let x = formula.push(Step::Input(0), dtype).unwrap();
            let c = formula.push(Step::Literal(Formula::literal_bits(dtype, number)), dtype).unwrap();
            formula.push(Step::Binary(op, x, c), dtype).unwrap();
            at = graph.push(Op::Map { formula: Arc::new(formula), inputs: vec![at] }).unwrap();
        }
        let mean = graph.push(Op::Reduce { input: at, reduction: Reduction::Mean { skipna: true }, axes: vec![0], groups: None }).unwrap();
        let (graph, roots) = reduce_before_scaling(&graph, &[mean]).unwrap();
        let reduces_data = |n: &Node| matches!(n.op, Op::Reduce { input, .. } if matches!(graph.node(input).unwrap().op, Op::Given { .. }));
        assert!(graph.node(roots[0]).unwrap().dtype == dtype);
        graph.nodes().iter().any(reduces_data)
    }

    #[test]
    fn only_what_rounding_hides_is_done_after_the_mean() {
        use Binary::{Add, Div, Mul, Sub};
        use DType::{F32, F64};
        for (dtype, chain, want) in [
            (F64, vec![(Sub, 273.15)], true),
            (F64, vec![(Sub, 273.15), (Mul, 1.8), (Add, 32.0)], true),
            (F64, vec![(Mul, 86_400.0)], true),
            (F64, vec![(Div, 100.0)], true),
            (F64, vec![(Sub, 1e15)], false),
            (F64, vec![(Mul, 0.0)], false),
            (F64, vec![(Div, 0.0)], false),
            (F64, vec![(Mul, 1e300)], false),
            (F64, vec![(Mul, 1e9), (Mul, 1e9)], false),
            (F64, vec![(Mul, f64::INFINITY)], false),
            (F64, vec![(Add, f64::NAN)], false),
            (F32, vec![(Sub, 273.15)], false),
            (F32, vec![(Sub, 101_325.0)], false),
            (F32, vec![(Mul, 0.5)], true),
            (F32, vec![(Div, 4.0)], true),
            (F32, vec![(Div, -4.0)], true),
            (F32, vec![(Mul, 4.0)], false),
            (F32, vec![(Mul, 0.1)], false),
            (F32, vec![(Div, 0.0)], false),
            (F32, vec![(Mul, 1e-5), (Mul, 0.5)], false),
        ] {
            assert_eq!(moves(dtype, &chain), want, "{dtype} {chain:?}");
        }
    }
}
