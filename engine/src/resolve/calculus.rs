//! `.differentiate`, `.integrate` and `.cumulative_integrate`: derivatives and trapezoids along a coordinate.
//!
//! In: an array, a coordinate of one dim. Out: an array without attributes, as xarray's. Never sorts.

use super::args::{self, Args, Bound};
use super::calls::Receiver;
use super::fault::{Fault, Outcome, refuse};
use super::indexing;
use super::operators::numbers_only;
use super::reduce;
use crate::lazy::plan::Operand;
use crate::lazy::{LazyArray, LazyCoord, Plan, Value, labels};
use std::sync::Arc;
use xeng_kernels::along::Along;
use xeng_kernels::formula::Binary;
use xeng_kernels::{Block, DType, NodeId, Op, Reduction};
use xeng_proto::{Attrs, Values};

/// Positions along a dim.
struct Axis {
    dim: String,
    x: Arc<[f64]>,
    /// The type in which xarray takes their differences.
    dtype: DType,
}

/// `.differentiate('lat', edge_order=1, datetime_unit=None)`
///
/// # Errors
/// When the coordinate does not lie along one dim, or has too few labels.
pub fn differentiate(plan: &mut Plan, a: &LazyArray, args: Args, receiver: &Receiver) -> Outcome<Value> {
    let mut bound = args.bind(&["coord", "edge_order", "datetime_unit"])?;
    let arg = bound.need("coord")?;
    let Value::Text(coord) = &arg.value else { return Err(bound.wrong("coord", &arg, "a name")) };
    let edge_order = match bound.int("edge_order")? {
        None | Some(1) => 1,
        Some(2) => 2,
        Some(_) => return refuse("'edge_order' must be 1 or 2"),
    };
    let unit = unit(&mut bound)?;
    let Some(axis) = axis(plan, a, coord, unit, receiver).map_err(|f| f.at(arg.span))? else { return Ok(Value::Array(a.clone())) };
    numbers_only(a, "differentiate")?;
    if plan.dtype(a.node)? == DType::Bool {
        return refuse("differentiate() does not take truths");
    }
    if axis.x.len() <= usize::from(edge_order) {
        return Err(Fault::new(format!("'{coord}' has {} labels: too few to differentiate by", axis.x.len())).at(arg.span));
    }
    let node = plan.along(a.node, &axis.dim, Along::Gradient { x: axis.x, edge_order })?;
    Ok(Value::Array(LazyArray { node, attrs: Attrs::new(), ..a.clone() }))
}

/// `.integrate(['lat', 'lon'], datetime_unit=None)`: the trapezoidal rule.
///
/// # Errors
/// When a coordinate does not lie along one dim.
pub fn integrate(plan: &mut Plan, a: &LazyArray, args: Args, receiver: &Receiver) -> Outcome<Value> {
    over(plan, a, args, receiver, false)
}

/// `.cumulative_integrate('time')`: integrals from the first label to each.
///
/// # Errors
/// As [`integrate`].
pub fn cumulative_integrate(plan: &mut Plan, a: &LazyArray, args: Args, receiver: &Receiver) -> Outcome<Value> {
    over(plan, a, args, receiver, true)
}

fn over(plan: &mut Plan, a: &LazyArray, args: Args, receiver: &Receiver, cumulative: bool) -> Outcome<Value> {
    let mut bound = args.bind(&["coord", "datetime_unit"])?;
    let arg = bound.need("coord")?;
    let Some(coords) = args::texts(&arg.value) else { return Err(bound.wrong("coord", &arg, "a name or a list of names")) };
    let unit = unit(&mut bound)?;
    let mut out = a.clone();
    for coord in &coords {
        if let Some(axis) = axis(plan, &out, coord, unit, receiver).map_err(|f| f.at(arg.span))? {
            out = integrated(plan, &out, &axis, cumulative)?;
        }
    }
    Ok(Value::Array(out))
}

fn integrated(plan: &mut Plan, a: &LazyArray, axis: &Axis, cumulative: bool) -> Outcome<LazyArray> {
    numbers_only(a, "integrate")?;
    let own = plan.dtype(a.node)?;
    let within = axis.dtype.promote(own);
    let trapezoids = trapezoids(plan, a.node, axis, own, within)?;
    let mut out = LazyArray { attrs: Attrs::new(), ..a.clone() };
    if cumulative {
        let dims = plan.dims(a.node)?;
        let at = plan.axis(a.node, &axis.dim)?;
        let mut nothing = plan.constant(&[], Block::filled(within, &[], 0.0))?;
        for (i, d) in dims.into_iter().enumerate() {
            let len = if i == at { 1 } else { d.len };
            nothing = plan.expand(nothing, i, xeng_kernels::Dim::new(&d.name, len))?;
        }
        let steps = plan.push(Op::Concat { inputs: vec![nothing, trapezoids], axis: at })?;
        out.node = plan.along(steps, &axis.dim, Along::Cumulate { multiplies: false, skips_missing: false, groups: None })?;
    } else {
        out.node = plan.reduce(trapezoids, Reduction::Sum { skipna: false, min_count: 0 }, std::slice::from_ref(&axis.dim))?;
        out.coords.retain(|_, c| !c.dims.contains(&axis.dim));
    }
    Ok(out)
}

/// `dx * 0.5 * (y[1:] + y[:-1])`
fn trapezoids(plan: &mut Plan, node: NodeId, axis: &Axis, own: DType, within: DType) -> Outcome<NodeId> {
    let n = axis.x.len();
    let (later, earlier) = (indexing::python_slice(Some(1), None, None, n)?, indexing::python_slice(None, Some(-1), None, n)?);
    let (later, earlier) = (plan.take(node, &axis.dim, later)?, plan.take(node, &axis.dim, earlier)?);
    // NumPy adds truths as `or`.
    let adds = if own == DType::Bool { Binary::Or } else { Binary::Add };
    let sum = plan.binary(adds, later.into(), earlier.into(), own)?;
    let halves: Vec<f64> = axis.x.windows(2).map(|w| (w[1] - w[0]) * 0.5).collect();
    let widths = plan.constant(std::slice::from_ref(&axis.dim), labels::block_of(axis.dtype, &halves)?)?;
    plan.binary(Binary::Mul, Operand::Node(sum), Operand::Node(widths), within)
}

/// Microseconds of the unit that times are counted in; `None` for xarray's own choice.
fn unit(bound: &mut Bound) -> Outcome<Option<f64>> {
    const UNITS: &[(&str, f64)] =
        &[("W", 6.048e11), ("D", 8.64e10), ("h", 3.6e9), ("m", 6e7), ("s", 1e6), ("ms", 1e3), ("us", 1.0), ("ns", 1e-3)];
    let span = bound.span("datetime_unit");
    let Some(text) = bound.text("datetime_unit")? else { return Ok(None) };
    match UNITS.iter().find(|(name, _)| *name == text) {
        Some((_, micros)) => Ok(Some(*micros)),
        None => {
            let fault = Fault::new(format!("there is no datetime_unit '{text}'; there are: W, D, h, m, s, ms, us, ns"));
            Err(span.map_or(fault.clone(), |s| fault.at(s)))
        }
    }
}

/// The coordinate called `name`; `None` for a variable of a dataset that lacks its dim.
fn axis(plan: &Plan, a: &LazyArray, name: &str, unit: Option<f64>, receiver: &Receiver) -> Outcome<Option<Axis>> {
    let own = plan.dims(a.node)?;
    let Some(coord) = a.coords.get(name) else {
        return match own.iter().find(|d| *d.name == *name) {
            Some(d) => Ok(Some(Axis { dim: name.to_owned(), x: (0..d.len).map(|i| i as f64).collect(), dtype: DType::F64 })),
            None => reduce::existing(&[name.to_owned()], &plan.names(a.node)?, receiver).map(|_| None),
        };
    };
    let [dim] = coord.dims.as_slice() else {
        return refuse(format!("coordinate '{name}' must be 1 dimensional but is {} dimensional", coord.dims.len()));
    };
    let (x, dtype) = numeric(name, coord, unit)?;
    Ok(Some(Axis { dim: dim.clone(), x, dtype }))
}

/// A coordinate as numbers: times from the first of them, in the unit asked for, else as xarray holds them.
fn numeric(name: &str, coord: &LazyCoord, unit: Option<f64>) -> Outcome<(Arc<[f64]>, DType)> {
    match coord.known().map(|v| &**v) {
        Some(Values::Numbers(b)) => {
            let dtype = if b.dtype() == DType::F32 { DType::F32 } else { DType::F64 };
            Ok((b.to_f64_vec().into(), dtype))
        }
        Some(values @ Values::Times(t)) => {
            if t.micros.contains(&i64::MIN) {
                return refuse(format!("coordinate '{name}' has missing times"));
            }
            let datetime64 = matches!(values, Values::Times(t) if labels::is_datetime64(t));
            let unit = unit.unwrap_or(if datetime64 { 1e-3 } else { 1e6 });
            let first = t.micros.iter().min().copied().unwrap_or_default();
            Ok((t.micros.iter().map(|&m| (m - first) as f64 / unit).collect(), DType::F64))
        }
        Some(Values::Texts(_)) => refuse(format!("coordinate '{name}' holds texts")),
        None => Err(Fault::unsupported(format!("the coordinate '{name}', which depends on data,"))),
    }
}
