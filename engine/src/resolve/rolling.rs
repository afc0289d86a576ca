//! `.rolling(time=12, center=True, min_periods=1)` and `.cumulative('time')`: statistics of windows that slide.
//!
//! In: an array, window lengths. Out: an array of the same shape. Never looks further than a window's length beyond what is wanted.

use super::args::{self, Arg, Args};
use super::dataset;
use super::fault::{Fault, Outcome, refuse};
use super::indexing;
use super::operators::numbers_only;
use super::windows;
use crate::lazy::plan::{Folding, Operand, Order};
use crate::lazy::value::{Rolled, Window};
use crate::lazy::{Cells, LazyArray, LazyDataset, Plan, Value};
use indexmap::IndexMap;
use xeng_kernels::along::{Along, Statistic};
use xeng_kernels::formula::{Binary, Unary};
use xeng_kernels::{DType, NodeId, Reduction};
use xeng_proto::Attrs;

/// What rolling objects can do.
pub const METHODS: &[&str] = &["sum", "mean", "min", "max", "prod", "std", "var", "median", "count", "construct"];

/// `.rolling(time=12, min_periods=None, center=False)`
///
/// # Errors
/// When a dim does not exist or a window is not positive.
pub fn rolling(plan: &mut Plan, base: &Value, args: Args) -> Outcome<Value> {
    let (mut bound, entries) = args.bind_dict("dim", &["min_periods", "center"])?;
    let (least_at, center_at) = (bound.span("min_periods"), bound.span("center"));
    let least = bound.int("min_periods")?;
    let center = bound.some("center");
    let lengths = dataset::lengths(plan, base, "has no windows")?;
    let mut windows = IndexMap::new();
    for (dim, arg) in &entries {
        if !lengths.contains_key(dim) {
            let hint =
                crate::suggest::did_you_mean_or_list(dim, lengths.keys().map(String::as_str)).map(|h| format!("; {h}")).unwrap_or_default();
            return Err(Fault::new(format!("there is no dimension '{dim}'{hint}")).at(arg.span));
        }
        let cells = args::integer(&arg.value).and_then(|n| usize::try_from(n).ok()).filter(|&n| n > 0 && n <= i32::MAX as usize);
        let cells = cells.ok_or_else(|| Fault::new("a window must be a positive whole number").at(arg.span))?;
        let centered = centered(center.as_ref(), dim).map_err(|f| center_at.map_or(f.clone(), |s| f.at(s)))?;
        // The window of cell `i` ends at `i`, or has `i` in its middle, the later one of two.
        let before = if centered { cells / 2 } else { cells - 1 };
        windows.insert(dim.clone(), Window { cells, before });
    }
    if windows.is_empty() {
        return refuse("rolling() needs a window: rolling(time=12)");
    }
    let all = windows.values().map(|w| w.cells).try_fold(1usize, usize::checked_mul).unwrap_or(usize::MAX);
    let least = match least {
        None => all,
        Some(n) => {
            let wrong = || Fault::new("min_periods must be greater than zero");
            // More than a window has are never there.
            usize::try_from(n).ok().filter(|n| *n > 0).ok_or_else(|| least_at.map_or(wrong(), |s| wrong().at(s)))?
        }
    };
    Ok(Value::Rolled(Box::new(Rolled { object: base.clone(), windows, least })))
}

/// `.cumulative('time', min_periods=1)`: windows from the first cell on.
///
/// # Errors
/// When a dim does not exist.
pub fn cumulative(plan: &mut Plan, base: &Value, args: Args) -> Outcome<Value> {
    let mut bound = args.bind(&["dim", "min_periods"])?;
    let arg = bound.need("dim")?;
    let Some(dims) = args::texts(&arg.value) else { return Err(bound.wrong("dim", &arg, "a name or a list of names")) };
    let least = bound.int("min_periods")?.unwrap_or(1);
    let lengths = dataset::lengths(plan, base, "has no windows")?;
    let mut windows = IndexMap::new();
    for dim in dims {
        let Some(&n) = lengths.get(&dim) else { return Err(Fault::new(format!("there is no dimension '{dim}'")).at(arg.span)) };
        let cells = n.max(1);
        windows.insert(dim, Window { cells, before: cells - 1 });
    }
    let least = usize::try_from(least).ok().filter(|&n| n > 0).ok_or_else(|| Fault::new("min_periods must be greater than zero"))?;
    Ok(Value::Rolled(Box::new(Rolled { object: base.clone(), windows, least })))
}

fn centered(center: Option<&Arg>, dim: &str) -> Outcome<bool> {
    let truth = |v: &Value| match v {
        Value::Bool(b) => Ok(*b),
        other => refuse(format!("'center' must be True or False, not {}", other.type_name())),
    };
    match center.map(|a| &a.value) {
        None => Ok(false),
        Some(Value::Dict(per_dim)) => per_dim.get(dim).map_or(Ok(false), truth),
        Some(v) => truth(v),
    }
}

/// A statistic of each window.
///
/// # Errors
/// When the cells are no numbers, or the statistic has no form for several dims.
pub fn method(plan: &mut Plan, r: &Rolled, name: &str, args: Args) -> Outcome<Value> {
    if name == "construct" {
        return windows::construct(plan, r, args);
    }
    let mut bound = args.bind(if matches!(name, "std" | "var") { &["ddof", "keep_attrs"] } else { &["keep_attrs"] })?;
    let keep_attrs = bound.flag("keep_attrs", Some(true))? != Some(false);
    let ddof = bound.int("ddof")?.unwrap_or(0);
    let ddof = u32::try_from(ddof).map_err(|_| Fault::new("'ddof' must not be negative"))?;
    let statistic = match name {
        "sum" => Statistic::Sum,
        "mean" => Statistic::Mean,
        "min" => Statistic::Min,
        "max" => Statistic::Max,
        "prod" => Statistic::Product,
        "std" => Statistic::Deviation { ddof },
        "var" => Statistic::Variance { ddof },
        "median" => Statistic::Median,
        "count" => Statistic::Count,
        _ => return refuse(format!("rolling object has no method '{name}'")),
    };
    let one = |plan: &mut Plan, a: &LazyArray| {
        let mut out = slid(plan, a, r, statistic)?;
        if !keep_attrs {
            out.attrs.clear();
            if statistic == Statistic::Count && matches!(r.object, Value::Array(_)) {
                // Counted are truths that xarray makes without attributes, coordinates too.
                out.coords.values_mut().for_each(|c| c.attrs.clear());
            }
        }
        Ok(out)
    };
    match &r.object {
        Value::Array(a) => Ok(Value::Array(one(plan, a)?)),
        Value::Dataset(d) => {
            let kept = LazyDataset { attrs: if keep_attrs { d.attrs.clone() } else { Attrs::new() }, ..d.clone() };
            dataset::each(plan, &kept, |plan, v| one(plan, v))
        }
        other => refuse(format!("{} has no windows", other.type_name())),
    }
}

fn slid(plan: &mut Plan, a: &LazyArray, r: &Rolled, statistic: Statistic) -> Outcome<LazyArray> {
    let own = plan.names(a.node)?;
    let windows: Vec<(&String, &Window)> = r.windows.iter().filter(|(d, _)| own.contains(d)).collect();
    if windows.is_empty() {
        if statistic == Statistic::Count {
            let name = a.name.as_deref().unwrap_or_default();
            return Err(Fault::unsupported(format!(
                "count() of windows of a dataset whose variable '{name}' lacks the dimension; name the variables: ds[['tas']],"
            )));
        }
        return Ok(a.clone());
    }
    if windows.len() < r.windows.len() {
        let name = a.name.as_deref().unwrap_or_default();
        return Err(Fault::unsupported(format!("rolling '{name}' of a dataset over several dims, some of which it lacks,")));
    }
    numbers_only(a, "rolling")?;
    let input = prepared(plan, a.node, statistic)?;
    let node = match windows.as_slice() {
        [(dim, w)] if r.least <= w.cells => plan.along(input, dim, sliding(w, r.least, statistic))?,
        many => over_several(plan, input, many, r.least, statistic)?,
    };
    Ok(LazyArray { node, cells: Cells::Numbers, ..a.clone() })
}

fn sliding(w: &Window, least: usize, statistic: Statistic) -> Along {
    Along::Rolling { window: w.cells, before: w.before, min_periods: least, statistic }
}

/// The cells in the type that xarray's windows of them have.
fn prepared(plan: &mut Plan, node: NodeId, statistic: Statistic) -> Outcome<NodeId> {
    let dtype = plan.dtype(node)?;
    match statistic {
        Statistic::Count => Ok(node),
        _ if dtype.is_float() => Ok(node),
        Statistic::Sum | Statistic::Mean | Statistic::Product => plan.cast(node, DType::F64),
        Statistic::Min | Statistic::Max if dtype == DType::Bool => plan.cast(node, DType::F64),
        _ if dtype == DType::Bool => refuse("this statistic of windows does not take truths; use .astype(float) first"),
        _ => plan.cast(node, indexing::promoted(dtype)),
    }
}

/// All cells of each window, laid side by side and folded.
fn folded(plan: &mut Plan, input: NodeId, windows: &[(&String, &Window)], folding: impl Into<Folding>) -> Outcome<NodeId> {
    let (mut node, mut names) = (input, vec![]);
    for (dim, window) in windows {
        let name = format!("window of {dim}");
        node = windows::unrolled(plan, node, dim, window, &name, None)?;
        names.push(name);
    }
    plan.reduce(node, folding, &names)
}

/// Windows over several dims, one dim after the other; whether enough cells were there is decided at the end.
fn over_several(plan: &mut Plan, input: NodeId, windows: &[(&String, &Window)], least: usize, statistic: Statistic) -> Outcome<NodeId> {
    let each = |plan: &mut Plan, node: NodeId, statistic: Statistic| {
        windows.iter().try_fold(node, |n, (dim, w)| plan.along(n, dim, sliding(w, 1, statistic)))
    };
    let dtype = plan.dtype(input)?;
    let missing = plan.unary(Unary::IsNan, input, dtype.to_float())?;
    let there = plan.unary(Unary::Not, missing, DType::Bool)?;
    let ones = plan.cast(there, DType::F64)?;
    let count = each(plan, ones, Statistic::Sum)?;
    let enough = plan.binary(Binary::Ge, count.into(), Operand::Float(least as f64), DType::F64)?;
    let found = match statistic {
        Statistic::Count => count,
        Statistic::Min | Statistic::Max | Statistic::Product | Statistic::Sum => each(plan, input, statistic)?,
        Statistic::Mean => {
            let wide = plan.cast(input, DType::F64)?;
            let sum = each(plan, wide, Statistic::Sum)?;
            let mean = plan.binary(Binary::Div, sum.into(), count.into(), DType::F64)?;
            plan.cast(mean, dtype.to_float())?
        }
        Statistic::Median => folded(plan, input, windows, Order::Median { skipna: true })?,
        Statistic::Variance { ddof } => folded(plan, input, windows, Reduction::Var { skipna: true, ddof })?,
        Statistic::Deviation { ddof } => folded(plan, input, windows, Reduction::Std { skipna: true, ddof })?,
    };
    let within = plan.dtype(found)?;
    plan.select_like(found.into(), enough, found.into(), Operand::Float(f64::NAN), within)
}
