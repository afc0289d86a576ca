//! `.coarsen(lat=5, lon=5, boundary='trim')`: windows that do not overlap, as groups of indices.
//!
//! In: an array, window lengths. Out: an array with one index per window. Never slides; that is `rolling`.

use super::args::{self, Args};
use super::dataset;
use super::fault::{Fault, Outcome, refuse};
use super::indexing::{self, Picked, Scalars};
use super::reduce::{self, ReductionKind, Request};
use super::reduce_times;
use crate::lazy::labels;
use crate::lazy::plan::{Folding, Operand};
use crate::lazy::value::{Boundary, Coarsened, Side};
use crate::lazy::{Cells, CoordData, LazyArray, LazyCoord, Plan, Value, fold};
use indexmap::IndexMap;
use std::sync::Arc;
use xeng_kernels::formula::Binary;
use xeng_kernels::{DType, Dim, NodeId, Reduction};

/// `.coarsen(time=12, boundary='exact', side='left', coord_func='mean')`
///
/// # Errors
/// When a dim does not exist or a window is not positive.
pub fn coarsen(plan: &mut Plan, base: &Value, args: Args) -> Outcome<Value> {
    let (mut bound, entries) = args.bind_dict("dim", &["boundary", "side", "coord_func"])?;
    let boundaries = [("exact", Boundary::Exact), ("trim", Boundary::Trim), ("pad", Boundary::Pad)];
    let boundary = bound.choice("boundary", &boundaries, Boundary::Exact)?;
    let side = bound.choice("side", &[("left", Side::Left), ("right", Side::Right)], Side::Left)?;
    let funcs = bound.some("coord_func");
    let dims = match base {
        Value::Array(a) => plan.names(a.node)?,
        Value::Dataset(d) => dataset::dims(plan, d)?,
        other => return refuse(format!("{} cannot be coarsened", other.type_name())),
    };
    let mut windows = IndexMap::new();
    for (dim, arg) in entries {
        if !dims.contains(&dim) {
            let hint =
                crate::suggest::did_you_mean_or_list(&dim, dims.iter().map(String::as_str)).map(|h| format!("; {h}")).unwrap_or_default();
            return Err(Fault::new(format!("there is no dimension '{dim}'{hint}")).at(arg.span));
        }
        let n = args::integer(&arg.value).and_then(|n| usize::try_from(n).ok()).filter(|&n| n > 0);
        windows.insert(dim, n.ok_or_else(|| Fault::new("a window must be a positive whole number").at(arg.span))?);
    }
    if windows.is_empty() {
        return refuse("coarsen() needs a window: coarsen(time=12)");
    }
    let coord_func = funcs.map_or(Ok(IndexMap::new()), |f| coord_funcs(&f.value, &windows).map_err(|fault| fault.at(f.span)))?;
    Ok(Value::Coarsened(Box::new(Coarsened { object: base.clone(), windows, boundary, side, coord_func })))
}

/// One text is meant for the labels of the dims that are cut; a dict names coordinates.
fn coord_funcs(v: &Value, windows: &IndexMap<String, usize>) -> Outcome<IndexMap<String, String>> {
    let name = |v: &Value| match v {
        Value::Text(t) if matches!(t.as_str(), "mean" | "min" | "max" | "sum") => Ok(t.clone()),
        Value::Text(t) => Err(Fault::unsupported(format!("coord_func='{t}'"))),
        other => refuse(format!("coord_func must be a text or a dict of texts, not {}", other.type_name())),
    };
    match v {
        Value::Dict(d) => d.iter().map(|(coord, v)| Ok((coord.clone(), name(v)?))).collect(),
        v => {
            let func = name(v)?;
            Ok(windows.keys().map(|dim| (dim.clone(), func.clone())).collect())
        }
    }
}

/// A reduction of each window.
///
/// # Errors
/// When windows do not fit exactly, or the reduction has no windowed form.
pub fn method(plan: &mut Plan, c: &Coarsened, name: &str, args: Args) -> Outcome<Value> {
    let Some(kind) = reduce::named(name) else { return refuse(format!("coarsen object has no method '{name}'")) };
    // As xarray's, the reductions of windows take no other argument.
    let mut bound = args.bind(&["keep_attrs"])?;
    let keep_attrs = bound.flag("keep_attrs", Some(true))?.unwrap_or(true);
    let request = Request { dims: args::Names::Absent, keep_attrs, ..Request::plain(kind, vec![]) };
    match &c.object {
        Value::Array(a) => {
            let mut out = array(plan, a, c, &request)?;
            // As in xarray, an array called as one of its coordinates is that coordinate then.
            if let Some(name) = a.name.as_ref().filter(|name| a.coords.contains_key(*name)) {
                let data = CoordData::Lazy(out.node, out.cells.clone());
                let made = LazyCoord { dims: plan.names(out.node)?, data, attrs: out.attrs.clone() };
                out.coords.insert(name.clone(), fold::settle(plan, made));
            }
            Ok(Value::Array(out))
        }
        Value::Dataset(d) => {
            let out = dataset::each(plan, d, |plan, v| array(plan, v, c, &request))?;
            // Of a dataset all coordinates lose theirs, of an array those along windows.
            Ok(if keep_attrs { out } else { dataset::without_attrs(out) })
        }
        other => refuse(format!("{} cannot be coarsened", other.type_name())),
    }
}

/// How the indices of one dim fall into windows of `window` indices.
struct Cut {
    dim: String,
    skip: usize,
    codes: Arc<[i32]>,
    windows: usize,
    window: usize,
    padded: bool,
}

impl Cut {
    /// How many indices fall into each window.
    fn window_sizes(&self) -> Vec<usize> {
        let mut sizes = vec![0; self.windows];
        for &c in self.codes.iter() {
            if let Some(n) = sizes.get_mut(c as usize) {
                *n += 1;
            }
        }
        sizes
    }
}

fn cut(dim: &str, length: usize, window: usize, c: &Coarsened) -> Outcome<(Cut, usize)> {
    let rest = length % window;
    let whole = length / window;
    if rest != 0 && c.boundary == Boundary::Exact {
        return refuse(format!(
            "could not coarsen dimension '{dim}' of length {length} into windows of {window}: use boundary='trim' or 'pad'"
        ));
    }
    let trim = c.boundary == Boundary::Trim;
    let (skip, kept) = if trim && c.side == Side::Right {
        (rest, length - rest)
    } else if trim {
        (0, length - rest)
    } else {
        (0, length)
    };
    let padded = !trim && rest != 0;
    // With padding on the left, the first window is the incomplete one.
    let shift = if padded && c.side == Side::Right { window - rest } else { 0 };
    let codes: Vec<i32> = (0..kept).map(|i| ((i + shift) / window) as i32).collect();
    let windows = whole + usize::from(padded);
    Ok((Cut { dim: dim.to_owned(), skip, codes: codes.into(), windows, window, padded }, kept))
}

fn array(plan: &mut Plan, a: &LazyArray, c: &Coarsened, request: &Request) -> Outcome<LazyArray> {
    let mut source = a.clone();
    let mut cuts = vec![];
    for (dim, &window) in &c.windows {
        let Some(length) = plan.dims(source.node)?.iter().find(|d| *d.name == **dim).map(|d| d.len) else { continue };
        let (one, kept) = cut(dim, length, window, c)?;
        let index = indexing::python_slice(Some(one.skip as i64), Some((one.skip + kept) as i64), None, length)?;
        source = indexing::pick(plan, &source, dim, &Picked::Many(index), Scalars::Keep)?;
        cuts.push(one);
    }
    let (node, cells) = match &source.cells {
        cells if cuts.is_empty() => (source.node, cells.clone()),
        Cells::Times(_) if cuts.iter().any(|c| c.padded) => {
            let name = source.name.as_deref().unwrap_or("the array");
            return Err(Fault::unsupported(format!("padding '{name}', which holds times,")));
        }
        Cells::Times(encoding) => {
            reduce_times::reduced(plan, &source, encoding, request, &mut |plan, node, folding| fold_all(plan, node, &cuts, folding))?
        }
        Cells::Numbers | Cells::Texts(_) => {
            super::operators::numbers_only(&source, "coarsen")?;
            (windows(plan, source.node, &cuts, request)?, Cells::Numbers)
        }
    };
    let mut coords = IndexMap::new();
    for (name, coord) in &source.coords {
        let mut made = coordinate(plan, coord, &cuts, c.func_of(name))?;
        if !request.keep_attrs && coord.dims.iter().any(|d| c.windows.contains_key(d)) {
            made.attrs.clear();
        }
        coords.insert(name.clone(), made);
    }
    let attrs = if request.keep_attrs { a.attrs.clone() } else { xeng_proto::Attrs::new() };
    Ok(LazyArray { name: a.name.clone(), node, coords, attrs, cells })
}

/// Windows of several dims at once, one dim after the other where that gives the same.
fn windows(plan: &mut Plan, node: NodeId, cuts: &[Cut], request: &Request) -> Outcome<NodeId> {
    let dtype = plan.dtype(node)?;
    let mut node = node;
    if cuts.iter().any(|c| c.padded) {
        // What fills the last window counts as true in xarray, and makes objects of truths.
        if dtype == DType::Bool || matches!(request.kind, ReductionKind::Any | ReductionKind::All) {
            return Err(Fault::unsupported("a reduction of truths with boundary='pad'"));
        }
        node = plan.cast(node, indexing::promoted(dtype))?;
    }
    let dtype = plan.dtype(node)?;
    let folding = request.folding(dtype);
    match (cuts, request.kind) {
        ([], _) => Ok(node),
        ([one], _) => fold_one(plan, node, one, folding),
        (_, ReductionKind::Mean) => mean(plan, node, cuts, request),
        (_, ReductionKind::Count) => {
            let counted = fold_one(plan, node, &cuts[0], Reduction::Count)?;
            fold_all(plan, counted, &cuts[1..], Reduction::Sum { skipna: false, min_count: 0 })
        }
        (_, ReductionKind::Min | ReductionKind::Max | ReductionKind::Any | ReductionKind::All) => fold_all(plan, node, cuts, folding),
        (_, ReductionKind::Sum | ReductionKind::Prod) if request.min_count.unwrap_or(0) == 0 => fold_all(plan, node, cuts, folding),
        (_, _) => Err(Fault::unsupported("this reduction of windows over several dimensions")),
    }
}

fn mean(plan: &mut Plan, node: NodeId, cuts: &[Cut], request: &Request) -> Outcome<NodeId> {
    let dtype = plan.dtype(node)?;
    let skipna = dtype.is_float() && request.skipna.unwrap_or(true);
    let wide = plan.cast(node, DType::F64)?;
    let sum = fold_all(plan, wide, cuts, Reduction::Sum { skipna, min_count: 0 })?;
    let first = fold_one(plan, node, &cuts[0], Reduction::Count)?;
    let count = fold_all(plan, first, &cuts[1..], Reduction::Sum { skipna: false, min_count: 0 })?;
    // No cell at all gives 0 / 0: missing.
    let ratio = plan.binary(Binary::Div, Operand::Node(sum), Operand::Node(count), DType::F64)?;
    plan.cast(ratio, dtype.to_float())
}

fn fold_all(plan: &mut Plan, node: NodeId, cuts: &[Cut], folding: impl Into<Folding>) -> Outcome<NodeId> {
    let folding = folding.into();
    cuts.iter().try_fold(node, |n, c| fold_one(plan, n, c, folding))
}

fn fold_one(plan: &mut Plan, node: NodeId, cut: &Cut, folding: impl Into<Folding>) -> Outcome<NodeId> {
    plan.reduce_groups(node, folding, &[], &cut.dim, cut.codes.clone(), Dim::new(&cut.dim, cut.windows))
}

fn coordinate(plan: &mut Plan, coord: &LazyCoord, cuts: &[Cut], func: &str) -> Outcome<LazyCoord> {
    let own: Vec<&Cut> = cuts.iter().filter(|c| coord.dims.contains(&c.dim)).collect();
    if own.is_empty() {
        return Ok(coord.clone());
    }
    if let (CoordData::Known(values, _), [cut], 1) = (&coord.data, own.as_slice(), coord.dims.len()) {
        let values = known(values, cut, func)?;
        let shape = vec![values.len()];
        return Ok(LazyCoord { data: CoordData::Known(Arc::new(values), shape), ..coord.clone() });
    }
    let CoordData::Lazy(node, Cells::Numbers) = &coord.data else {
        return Err(Fault::unsupported("coarsening a coordinate of times or texts over several dimensions"));
    };
    let owned: Vec<Cut> = own
        .iter()
        .map(|c| Cut { dim: c.dim.clone(), skip: c.skip, codes: c.codes.clone(), windows: c.windows, window: c.window, padded: c.padded })
        .collect();
    let kind = reduce::named(func).unwrap_or(ReductionKind::Mean);
    let moved = windows(plan, *node, &owned, &Request { dims: args::Names::Absent, ..Request::plain(kind, vec![]) })?;
    Ok(fold::settle(plan, LazyCoord { data: CoordData::Lazy(moved, Cells::Numbers), ..coord.clone() }))
}

/// The windows of known labels; NaN is left out.
fn known(values: &xeng_proto::Values, cut: &Cut, func: &str) -> Outcome<xeng_proto::Values> {
    use xeng_proto::{Times, Values};
    let mut members: Vec<Vec<usize>> = vec![vec![]; cut.windows];
    for (at, &code) in cut.codes.iter().enumerate() {
        if let Some(window) = usize::try_from(code).ok().and_then(|w| members.get_mut(w)) {
            window.push(at);
        }
    }
    match values {
        Values::Texts(_) => Err(Fault::unsupported("coarsening a coordinate of texts")),
        Values::Times(t) => {
            if t.micros.contains(&i64::MIN) || func == "sum" {
                return Err(Fault::unsupported("coarsening missing times"));
            }
            let datetime64 = labels::is_datetime64(t);
            if cut.padded && func == "mean" && !datetime64 {
                return refuse("xarray cannot pad times of this calendar; use boundary='trim', or coord_func='min'");
            }
            let incomplete = cut.window_sizes();
            let micros = members.iter().enumerate().map(|(w, window)| {
                let cells: Vec<i128> = window.iter().filter_map(|&i| t.micros.get(i)).map(|&m| m as i128).collect();
                // A window that was filled up holds missing times: datetime64's least and greatest are missing, its mean is not.
                let padded = datetime64 && incomplete.get(w).is_some_and(|&n| n < cut.window);
                match func {
                    "min" | "max" if padded => i64::MIN,
                    "min" => cells.iter().min().copied().unwrap_or_default() as i64,
                    "max" => cells.iter().max().copied().unwrap_or_default() as i64,
                    _ => cells.iter().sum::<i128>().div_euclid((cells.len() as i128).max(1)) as i64,
                }
            });
            Ok(Values::Times(Times { micros: micros.collect(), encoding: t.encoding.clone() }))
        }
        Values::Numbers(block) => {
            let cells = block.to_f64_vec();
            let out: Vec<f64> = members
                .iter()
                .map(|window| {
                    let present: Vec<f64> = window.iter().filter_map(|&i| cells.get(i)).copied().filter(|v| !v.is_nan()).collect();
                    match func {
                        "sum" => present.iter().sum(),
                        "min" => present.iter().copied().fold(f64::NAN, f64::min),
                        "max" => present.iter().copied().fold(f64::NAN, f64::max),
                        _ => present.iter().sum::<f64>() / present.len() as f64,
                    }
                })
                .collect();
            let dtype = block.dtype();
            let to = if func == "mean" {
                dtype.to_float()
            } else if cut.padded {
                indexing::promoted(dtype)
            } else {
                dtype
            };
            Ok(Values::Numbers(labels::block_of(to, &out)?))
        }
    }
}
