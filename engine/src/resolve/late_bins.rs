//! Reductions of cells in bins of values that are read when the request runs: a coordinate of two dims, another variable.
//!
//! In: an array, the values, edges. Out: an array with a dim of bins, the last. Never knows which bins are empty: cells of those are missing,
//! and reductions whose type would tell are refused.

use super::align::{self, Join};
use super::args::{Args, Names};
use super::fault::{Fault, Outcome, refuse};
use super::operators::numbers_only;
use super::reduce::{self, ReductionKind, Request};
use crate::lazy::plan::Operand;
use crate::lazy::value::Binned;
use crate::lazy::{Cells, LazyArray, LazyCoord, Plan, Value};
use xeng_kernels::formula::{Binary, Unary};
use xeng_kernels::{DType, Dim, NodeId, Op, Reduction};
use xeng_proto::Attrs;

/// What can be asked of the bins.
pub const METHODS: &[&str] = &["mean", "sum", "min", "max", "std", "var", "prod", "median"];
/// More bins than this are refused: each is a reduction of its own.
const MOST_BINS: usize = 100;

/// A reduction over the dims of the key, or over all.
///
/// # Errors
/// For cells or options whose answer would depend on which bins are empty.
pub fn method(plan: &mut Plan, b: &Binned, name: &str, args: Args) -> Outcome<Value> {
    let Some(kind) = reduce::named(name) else { return refuse(format!("groupby object has no method '{name}'")) };
    let request = Request::parse(kind, args)?;
    let mut both = vec![b.object.clone(), b.key.clone()];
    align::align(plan, &mut both, Join::Exact, &[])?;
    let (Some(key), Some(a)) = (both.pop(), both.pop()) else { return refuse("groupby_bins() needs an array and a key") };
    numbers_only(&a, name)?;
    numbers_only(&key, "groupby_bins")?;
    let dtype = plan.dtype(a.node)?;
    let as_floats = matches!(kind, ReductionKind::Mean | ReductionKind::Std | ReductionKind::Var | ReductionKind::Median);
    if request.skipna == Some(false) || request.min_count.is_some() || !dtype.is_float() && !as_floats {
        return Err(Fault::unsupported(format!("this {name}() of bins of values that depend on data; it needs floats and skipna=True,")));
    }
    let own = plan.names(a.node)?;
    let along = plan.names(key.node)?;
    if along.is_empty() || !along.iter().all(|d| own.contains(d)) || b.edges.len() > MOST_BINS {
        return Err(Fault::unsupported("groupby_bins() by values along other dimensions than the array's, or into more than 99 bins"));
    }
    let stacked = format!("stacked_{}", along.join("_"));
    let dims = match &request.dims {
        Names::Absent => along.clone(),
        Names::All => own.clone(),
        Names::These(names) if names.len() == 1 && (names[0] == stacked || along == *names) => along.clone(),
        Names::These(_) => return Err(Fault::unsupported("reducing bins of values that depend on data over these dimensions")),
    };
    let wide = if dtype.is_float() { dtype } else { DType::F64 };
    let a = LazyArray { node: plan.cast(a.node, wide)?, ..a };
    let mut inputs = vec![];
    let mut nowhere: Option<NodeId> = None;
    for (n, edge) in b.edges.windows(2).enumerate() {
        let inside = inside(plan, key.node, edge, b, n)?;
        let kept = plan.select_like(a.node.into(), inside, a.node.into(), Operand::Float(f64::NAN), wide)?;
        let masked = LazyArray { node: kept, ..a.clone() };
        let (node, _) = reduce::folded(plan, &masked, &request, &mut |plan, input, folding| plan.reduce(input, folding, &dims))?;
        let any = plan.reduce(inside, Reduction::Any, &along)?;
        let to = plan.dtype(node)?;
        let node = plan.select_like(node.into(), any, node.into(), Operand::Float(f64::NAN), to)?;
        let empty = plan.unary(Unary::Not, any, DType::Bool)?;
        nowhere = Some(match nowhere {
            None => empty,
            Some(before) => plan.binary(Binary::And, before.into(), empty.into(), DType::Bool)?,
        });
        let axis = plan.names(node)?.len();
        inputs.push(plan.expand(node, axis, Dim::new(&b.part.name, 1))?);
    }
    if let Some(nowhere) = nowhere {
        plan.refuse_if(nowhere, Fault::new(format!("none of the values of '{}' lies in a bin", b.part.name.trim_end_matches("_bins"))));
    }
    let axis = inputs.first().map_or(Ok(0), |&n| plan.names(n).map(|d| d.len() - 1))?;
    let node = if let [only] = inputs.as_slice() { *only } else { plan.push(Op::Concat { inputs, axis })? };
    let mut coords = a.coords.clone();
    coords.retain(|_, c| !c.dims.iter().any(|d| dims.contains(d)));
    coords.insert(b.part.name.clone(), LazyCoord::along(&b.part.name, b.part.labels.clone(), b.part.attrs.clone()));
    let attrs = if request.keep_attrs { a.attrs.clone() } else { Attrs::new() };
    Ok(Value::Array(LazyArray { name: a.name.clone(), node, coords, attrs, cells: Cells::Numbers }))
}

/// Whether each value lies in bin number `n`.
fn inside(plan: &mut Plan, key: NodeId, edge: &[f64], b: &Binned, n: usize) -> Outcome<NodeId> {
    let (low, high) = match edge {
        [low, high] => (*low, *high),
        _ => return refuse("a bin has two edges"),
    };
    let (above, below) = if b.right { (Binary::Gt, Binary::Le) } else { (Binary::Ge, Binary::Lt) };
    let above = if b.right && b.lowest && n == 0 { Binary::Ge } else { above };
    let above = plan.binary(above, key.into(), Operand::Float(low), DType::F64)?;
    let below = plan.binary(below, key.into(), Operand::Float(high), DType::F64)?;
    plan.binary(Binary::And, above.into(), below.into(), DType::Bool)
}
