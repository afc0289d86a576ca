//! `.ffill`, `.bfill` and `.interpolate_na`: missing cells from their neighbours along a dim.
//!
//! In: an array, a dim. Out: an array of the same shape. Never fills beyond the first or last cell that is there, unless asked to.

use super::args::{Arg, Args, Bound};
use super::calls::Receiver;
use super::dates::DAY;
use super::fault::{Fault, Outcome, refuse};
use super::indexing;
use super::operators::numbers_only;
use super::reduce;
use super::shape;
use crate::lazy::labels::{self, Order};
use crate::lazy::{LazyArray, Plan, Value};
use std::sync::Arc;
use xeng_kernels::along::Along;
use xeng_proto::Values;

/// `.ffill('time', limit=None)`
///
/// # Errors
/// When the dim does not exist.
pub fn ffill(plan: &mut Plan, a: &LazyArray, args: Args, receiver: &Receiver) -> Outcome<Value> {
    filled(plan, a, args, receiver, true)
}

/// `.bfill('time', limit=None)`
///
/// # Errors
/// When the dim does not exist.
pub fn bfill(plan: &mut Plan, a: &LazyArray, args: Args, receiver: &Receiver) -> Outcome<Value> {
    filled(plan, a, args, receiver, false)
}

fn filled(plan: &mut Plan, a: &LazyArray, args: Args, receiver: &Receiver, forward: bool) -> Outcome<Value> {
    let mut bound = args.bind(&["dim", "limit"])?;
    let Some(dim) = one_dim(plan, a, &mut bound, receiver)? else { return Ok(Value::Array(a.clone())) };
    let limit = limit(&mut bound)?;
    numbers_only(a, "filling")?;
    let out = LazyArray { node: plan.along(a.node, &dim, Along::Fill { forward, limit })?, ..a.clone() };
    shape::in_own_order(plan, out).map(Value::Array)
}

/// The dim that is named, unless the array is a variable of a dataset and lacks it.
fn one_dim(plan: &Plan, a: &LazyArray, bound: &mut Bound, receiver: &Receiver) -> Outcome<Option<String>> {
    let arg = bound.need("dim")?;
    let Value::Text(dim) = &arg.value else { return Err(bound.wrong("dim", &arg, "a name")) };
    let own = plan.names(a.node)?;
    Ok(reduce::existing(std::slice::from_ref(dim), &own, receiver).map_err(|f| f.at(arg.span))?.pop())
}

fn limit(bound: &mut Bound) -> Outcome<Option<usize>> {
    let span = bound.span("limit");
    let wrong = || Fault::new("'limit' must be greater than zero");
    match bound.int("limit")? {
        None => Ok(None),
        Some(n) => match usize::try_from(n) {
            Ok(n) if n > 0 => Ok(Some(n)),
            _ => Err(span.map_or(wrong(), |s| wrong().at(s))),
        },
    }
}

/// `.interpolate_na('time', method='linear', limit=None, use_coordinate=True, max_gap=None)`
///
/// # Errors
/// When the labels do not ascend strictly, or the method is not `linear`.
pub fn interpolate_na(plan: &mut Plan, a: &LazyArray, args: Args, receiver: &Receiver) -> Outcome<Value> {
    let mut bound = args.bind(&["dim", "method", "limit", "use_coordinate", "max_gap", "keep_attrs", "fill_value"])?;
    let Some(dim) = one_dim(plan, a, &mut bound, receiver)? else { return Ok(Value::Array(a.clone())) };
    let nearest = match bound.text("method")?.as_deref() {
        None | Some("linear") => false,
        Some("nearest") => true,
        Some(method) => return Err(Fault::unsupported(format!("interpolate_na() with method='{method}'"))),
    };
    let beyond = match bound.some("fill_value") {
        None => false,
        Some(Arg { value: Value::Text(t), .. }) if t == "extrapolate" => true,
        Some(arg) => return Err(Fault::unsupported("interpolate_na() with a fill_value that is no 'extrapolate'").at(arg.span)),
    };
    let limit = limit(&mut bound)?;
    let by = bound.some("use_coordinate");
    let gap = bound.some("max_gap");
    let keep_attrs = bound.flag("keep_attrs", Some(true))? != Some(false);
    numbers_only(a, "interpolate_na")?;
    let (x, scale) = positions(plan, a, &dim, by.as_ref())?;
    let max_gap = gap.map(|g| longest_gap(&g, scale).map_err(|f| f.at(g.span))).transpose()?;
    if beyond && max_gap.is_some() {
        return Err(Fault::unsupported("interpolate_na() with both max_gap and fill_value='extrapolate'"));
    }
    // Looking for the cells to fill, xarray makes whole numbers floats.
    let looked_at = limit.is_some() || max_gap.is_some();
    let to = indexing::promoted(plan.dtype(a.node)?);
    let source = if looked_at { plan.cast(a.node, to)? } else { a.node };
    let node = plan.along(source, &dim, Along::Bridge { x, limit, max_gap, nearest, beyond })?;
    let mut out = shape::in_own_order(plan, LazyArray { node, ..a.clone() })?;
    if !keep_attrs {
        out.attrs.clear();
        out.coords.values_mut().for_each(|c| c.attrs.clear());
    }
    Ok(Value::Array(out))
}

/// What the positions along a dim are counted in.
#[derive(Clone, Copy, PartialEq)]
enum Scale {
    /// As the labels are.
    Labels,
    /// Microseconds.
    Time,
    /// Indices: the dim has no labels, or they are not used.
    Indices,
}

/// Strictly ascending positions along `dim`.
fn positions(plan: &Plan, a: &LazyArray, dim: &str, by: Option<&Arg>) -> Outcome<(Arc<[f64]>, Scale)> {
    let length = plan.node(a.node)?.dims[plan.axis(a.node, dim)?].len;
    let indices = || ((0..length).map(|i| i as f64).collect(), Scale::Indices);
    let values = match by.map(|b| &b.value) {
        Some(Value::Bool(false)) => return Ok(indices()),
        None | Some(Value::Bool(true)) => match a.index(dim) {
            None => return Ok(indices()),
            Some(values) => values.clone(),
        },
        Some(Value::Text(name)) => match a.coords.get(name) {
            Some(c) if c.dims == [dim.to_owned()] && c.known().is_some() => {
                c.known().cloned().unwrap_or_else(|| Arc::new(Values::Texts(vec![])))
            }
            _ => return refuse(format!("use_coordinate: '{name}' is not a known coordinate along '{dim}'")),
        },
        Some(other) => return refuse(format!("use_coordinate must be True, False or a name, not {}", other.type_name())),
    };
    let keys = labels::labels(&values);
    if labels::order(&keys) != Order::Ascending || keys.windows(2).any(|w| w[0] == w[1]) {
        return refuse(format!("the labels of '{dim}' must be monotonically increasing without repetitions; use .sortby('{dim}') first"));
    }
    match &*values {
        Values::Numbers(b) => Ok((b.to_f64_vec().into(), Scale::Labels)),
        Values::Times(t) => Ok((t.micros.iter().map(|&m| m as f64).collect(), Scale::Time)),
        Values::Texts(_) => refuse(format!("the labels of '{dim}' are texts, between which nothing can be interpolated")),
    }
}

fn longest_gap(arg: &Arg, scale: Scale) -> Outcome<f64> {
    match (&arg.value, scale) {
        (_, Scale::Indices) => Err(Fault::unsupported("max_gap for unlabeled coordinates")),
        (Value::Number(n), Scale::Labels) => Ok(n.as_f64()),
        (Value::Text(t), Scale::Time) => {
            span_of_time(t).map(|micros| micros as f64).ok_or_else(|| Fault::new(format!("'{t}' is no span of time such as '30D' or '6h'")))
        }
        (other, Scale::Time) => refuse(format!("max_gap must be a span of time such as '30D', not {}", other.type_name())),
        (other, _) => refuse(format!("max_gap must be a number, not {}", other.type_name())),
    }
}

/// Microseconds of a text such as `30D`, `6h`, `90min` or `45s`.
pub fn span_of_time(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (count, unit) = text.split_at(digits);
    let count: i64 = if count.is_empty() { 1 } else { count.parse().ok()? };
    let micros = match unit.trim() {
        "W" | "w" => 7 * DAY,
        "D" | "d" | "day" | "days" => DAY,
        "h" | "H" | "hour" | "hours" => DAY / 24,
        "min" | "m" | "T" | "minute" | "minutes" => DAY / 1440,
        "s" | "S" | "second" | "seconds" => DAY / 86_400,
        "ms" => 1000,
        "us" => 1,
        _ => return None,
    };
    count.checked_mul(micros)
}
