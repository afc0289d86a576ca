//! `.rolling(time=3).construct('window')`: the cells of each window side by side along a new dim.
//!
//! In: an array, windows. Out: an array with a dim for each window; also what is folded over windows of several dims. Never copies cells
//! that are not wanted: a window's dim is a gather along the dim that it slides on.

use super::args::{self, Arg, Args};
use super::dataset;
use super::fault::{Fault, Outcome, refuse};
use super::indexing::{self, Picked, Scalars};
use super::operators::numbers_only;
use crate::lazy::plan::{LARGEST_CONSTANT_BYTES, Operand};
use crate::lazy::value::{Rolled, Window};
use crate::lazy::{LazyArray, Plan, Value};
use indexmap::IndexMap;
use std::sync::Arc;
use xeng_kernels::points::Points;
use xeng_kernels::{Block, DType, Dim, NodeId, Op};

/// `rolled.construct(window_dim, stride=1, fill_value=nan)`
///
/// # Errors
/// When a new dim is not named, or exists already.
pub fn construct(plan: &mut Plan, r: &Rolled, args: Args) -> Outcome<Value> {
    let (mut bound, mut entries) = args.clone().bind_dict("window_dim", &["stride", "fill_value", "keep_attrs"]).or_else(|fault| {
        // One name for the only window.
        let mut bound = args.clone().bind(&["window_dim", "stride", "fill_value", "keep_attrs"])?;
        match (bound.take("window_dim"), r.windows.keys().next()) {
            (Some(arg), Some(dim)) if r.windows.len() == 1 && matches!(arg.value, Value::Text(_)) => {
                Ok((bound, [(dim.clone(), arg)].into()))
            }
            _ => Err(fault),
        }
    })?;
    let fill = bound.number("fill_value")?.filter(|v| !v.is_nan());
    let keep_attrs = bound.flag("keep_attrs", Some(true))? != Some(false);
    let strides = strides(r, bound.some("stride").as_ref())?;
    let mut names = IndexMap::new();
    for dim in r.windows.keys() {
        let Some(arg) = entries.shift_remove(dim) else { return refuse(format!("construct() needs a name for the windows of '{dim}'")) };
        let Value::Text(name) = &arg.value else { return Err(Fault::new("a dimension's name must be a text").at(arg.span)) };
        names.insert(dim.clone(), name.clone());
    }
    if let Some((dim, arg)) = entries.first() {
        return Err(Fault::new(format!("there is no window of '{dim}'")).at(arg.span));
    }
    let one = |plan: &mut Plan, a: &LazyArray| {
        let mut out = LazyArray { node: side_by_side(plan, a, r, &names, fill)?, ..a.clone() };
        for (dim, &stride) in &strides {
            if stride > 1 && plan.names(out.node)?.contains(dim) {
                let length = plan.node(out.node)?.dims[plan.axis(out.node, dim)?].len;
                let every = indexing::python_slice(None, None, Some(stride as i64), length)?;
                out = indexing::pick(plan, &out, dim, &Picked::Many(every), Scalars::Keep)?;
            }
        }
        if !keep_attrs {
            out.attrs.clear();
        }
        Ok(out)
    };
    match &r.object {
        Value::Array(a) => Ok(Value::Array(one(plan, a)?)),
        Value::Dataset(d) => dataset::each(plan, d, |plan, v| {
            let own = plan.names(v.node)?;
            match r.windows.keys().filter(|dim| own.contains(dim)).count() {
                0 => Ok(v.clone()),
                n if n == r.windows.len() => one(plan, v),
                _ => Err(Fault::unsupported("construct() of a dataset over several dims, some of which a variable lacks,")),
            }
        }),
        other => refuse(format!("{} has no windows", other.type_name())),
    }
}

fn strides(r: &Rolled, arg: Option<&Arg>) -> Outcome<IndexMap<String, usize>> {
    let stride = |v: &Value| {
        args::integer(v).and_then(|n| usize::try_from(n).ok()).filter(|&n| n > 0).ok_or_else(|| Fault::new("a stride must be positive"))
    };
    r.windows
        .keys()
        .map(|dim| {
            let n = match arg.map(|a| &a.value) {
                None => 1,
                Some(Value::Dict(each)) => each.get(dim).map_or(Ok(1), stride)?,
                Some(v) => stride(v)?,
            };
            Ok((dim.clone(), n))
        })
        .collect()
}

/// The cells with a further dim for each window, after the others.
fn side_by_side(plan: &mut Plan, a: &LazyArray, r: &Rolled, names: &IndexMap<String, String>, fill: Option<f64>) -> Outcome<NodeId> {
    numbers_only(a, "construct")?;
    let dtype = plan.dtype(a.node)?;
    if dtype == DType::Bool {
        return Err(Fault::unsupported("windows of truths"));
    }
    let mut node = match fill {
        None => plan.cast(a.node, indexing::promoted(dtype))?,
        Some(v) if !dtype.is_float() && v.fract() != 0.0 => return refuse(format!("{v} is no cell of {dtype}")),
        Some(_) => a.node,
    };
    for (dim, window) in &r.windows {
        let Some(name) = names.get(dim) else { return refuse(format!("the windows of '{dim}' have no name")) };
        node = unrolled(plan, node, dim, window, name, fill)?;
    }
    let mut order = plan.names(a.node)?;
    order.extend(names.values().cloned());
    plan.transpose(node, &order)
}

/// The windows of one dim along a dim called `name`.
///
/// # Errors
/// When the dim is not there, the name is, or there are too many cells in all windows.
pub fn unrolled(plan: &mut Plan, node: NodeId, dim: &str, window: &Window, name: &str, fill: Option<f64>) -> Outcome<NodeId> {
    let axis = plan.axis(node, dim)?;
    let own = plan.dims(node)?;
    if own.iter().any(|d| *d.name == *name) {
        return refuse(format!("the array has a dimension '{name}' already"));
    }
    let length = own[axis].len;
    if length.saturating_mul(window.cells).saturating_mul(8) > LARGEST_CONSTANT_BYTES {
        return refuse(format!("the windows of '{dim}' have too many cells to be laid side by side; use a statistic of .rolling() itself"));
    }
    let place = |i: usize, w: usize| match (i + w).checked_sub(window.before) {
        Some(at) if at < length => at as i64,
        _ => -1,
    };
    let at: Vec<i64> = (0..length).flat_map(|i| (0..window.cells).map(move |w| place(i, w))).collect();
    let outside: Vec<bool> = at.iter().map(|&i| i < 0).collect();
    let dims = vec![own[axis].clone(), Dim::new(name, window.cells)];
    let points = Points { axes: vec![axis], at: vec![at.into()], dims };
    let gathered = plan.push(Op::Points { input: node, points: Arc::new(points) })?;
    let Some(fill) = fill else { return Ok(gathered) };
    let mask = plan.constant(&[dim.to_owned(), name.to_owned()], Block::from_vec(&[length, window.cells], outside)?)?;
    let dtype = plan.dtype(node)?;
    let value = if dtype.is_float() { Operand::Float(fill) } else { Operand::Int(fill as i64) };
    plan.select_like(gathered.into(), mask, value, gathered.into(), dtype)
}
