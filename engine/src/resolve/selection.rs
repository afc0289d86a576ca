//! Selection by label: `.sel`, as a pandas index looks labels up.
//!
//! In: an array and labels per dim. Out: the array at these labels. Never selects by data.

use super::args::{self, Arg, Args};
use super::calls::Receiver;
use super::dates;
use super::fault::{Fault, Outcome, refuse};
use super::indexing::{self, Picked, Scalars};
use super::lookup::{self, Labels, Method, Place};
use super::pointwise::{self, Indexer};
use super::{literals, shape, subscript};
use crate::lazy::labels::{self, Label, Order};
use crate::lazy::{LazyArray, Plan, Value};
use indexmap::IndexMap;
use std::collections::HashSet;
use std::sync::Arc;
use xeng_kernels::DType;
use xeng_kernels::graph::Index;
use xeng_proto::Values;

/// `.sel(lat=..., method=..., tolerance=..., drop=...)`
///
/// # Errors
/// At a label that is not there.
pub fn sel(plan: &mut Plan, a: &LazyArray, args: Args, receiver: &Receiver) -> Outcome<Value> {
    let (mut bound, entries) = args.bind_dict("indexers", &["method", "tolerance", "drop"])?;
    let method = bound.choice("method", Method::NAMES, Method::Exact)?;
    let tolerance = bound.number("tolerance")?;
    let scalars = shape::scalars(bound.flag("drop", Some(false))?);
    known_dims(plan, a, &entries, receiver)?;
    if entries.values().any(|arg| matches!(arg.value, Value::Array(_))) {
        return by_arrays(plan, a, entries, method, tolerance, scalars, receiver).map(Value::Array);
    }
    let mut out = a.clone();
    for (dim, arg) in entries {
        out = sel_dim(plan, out, &dim, &arg, method, tolerance, scalars, receiver).map_err(|f| f.at(arg.span))?;
    }
    Ok(Value::Array(out))
}

/// Refuses names that are no dims before any label is looked up: they may be misspelt options.
fn known_dims(plan: &Plan, a: &LazyArray, entries: &IndexMap<String, Arg>, receiver: &Receiver) -> Outcome<()> {
    let own = plan.names(a.node)?;
    for (name, arg) in entries {
        if !own.contains(name) && !receiver.has_dim(name) && !a.coords.contains_key(name) {
            let known = own.iter().map(String::as_str).chain(["method", "tolerance", "drop"]);
            let hint = crate::suggest::did_you_mean_or_list(name, known).map(|h| format!("; {h}")).unwrap_or_default();
            return Err(Fault::new(format!("'{name}' is neither a dimension nor an option of sel(){hint}")).at(arg.span));
        }
    }
    Ok(())
}

#[allow(clippy::too_many_arguments)]
fn sel_dim(
    plan: &mut Plan,
    a: LazyArray,
    dim: &str,
    arg: &Arg,
    method: Method,
    tolerance: Option<f64>,
    scalars: Scalars,
    receiver: &Receiver,
) -> Outcome<LazyArray> {
    let own = plan.names(a.node)?;
    let Some(index) = a.index(dim).cloned() else {
        if own.iter().any(|d| d == dim) {
            if method != Method::Exact {
                return refuse(format!("dimension '{dim}' has no labels, so no method can be given"));
            }
            // Without labels, positions are the labels.
            return subscript::isel(plan, &a, [(dim.to_owned(), arg.clone())].into(), scalars, receiver);
        }
        if receiver.has_dim(dim) {
            return Ok(a);
        }
        let hint = crate::suggest::did_you_mean_or_list(dim, own.iter().map(String::as_str)).map(|h| format!("; {h}")).unwrap_or_default();
        return refuse(format!("'{dim}' is not a dimension with labels{hint}"));
    };
    let index = Labels::new(dim, &index);
    let picked = picked(plan, &index, &arg.value, method, tolerance)?;
    indexing::pick(plan, &a, dim, &picked, scalars)
}

/// Selection by arrays of labels, which bring dims and coordinates of their own.
fn by_arrays(
    plan: &mut Plan,
    a: &LazyArray,
    entries: IndexMap<String, Arg>,
    method: Method,
    tolerance: Option<f64>,
    scalars: Scalars,
    receiver: &Receiver,
) -> Outcome<LazyArray> {
    let own = plan.names(a.node)?;
    let names: Vec<String> = entries.keys().cloned().collect();
    let mut indexers = IndexMap::new();
    for (dim, arg) in entries {
        let found = match a.index(&dim).cloned() {
            Some(index) => labelled(plan, &Labels::new(&dim, &index), &arg.value, method, tolerance),
            None if !own.contains(&dim) && receiver.has_dim(&dim) => continue,
            None if !own.contains(&dim) => refuse(format!("'{dim}' is not a dimension with labels")),
            None if method != Method::Exact => refuse(format!("dimension '{dim}' has no labels, so no method can be given")),
            // Without labels, positions are the labels.
            None => {
                let length = plan.node(a.node)?.dims[plan.axis(a.node, &dim)?].len;
                Indexer::new(plan, &arg.value, length, &dim)
            }
        };
        let mut indexer = found.map_err(|f| f.at(arg.span))?;
        indexer.coords.retain(|name, _| !names.contains(name));
        indexers.insert(dim, indexer);
    }
    pointwise::select(plan, a, &indexers, scalars)
}

/// Where the labels that a value asks for stand.
fn labelled(plan: &mut Plan, index: &Labels, v: &Value, method: Method, tolerance: Option<f64>) -> Outcome<Indexer> {
    let Value::Array(array) = v else {
        return Ok(Indexer::plain(index.dim, picked(plan, index, v, method, tolerance)?, matches!(v, Value::Slice(_))));
    };
    if plan.dtype(array.node)? == DType::Bool {
        return Indexer::new(plan, v, index.keys.len(), index.dim);
    }
    let (dims, shape) = (plan.names(array.node)?, plan.node(array.node)?.shape());
    let Some(block) = plan.cells_of(&[array.node])?.pop() else { return refuse("labels without cells") };
    let known = LazyArray { node: plan.constant(&dims, block)?, ..array.clone() };
    let ((labels, _), _) = wanted(plan, index, &Value::Array(known))?;
    if !shape.is_empty() {
        index.must_be_unique()?;
    }
    let at = labels.into_iter().map(|l| Ok(index.find(&index.as_held(l), method, tolerance)? as i64)).collect::<Outcome<Vec<_>>>()?;
    Ok(Indexer { dims, shape, at, is_slice: false, is_array: true, coords: array.coords.clone() })
}

fn picked(plan: &Plan, index: &Labels, v: &Value, method: Method, tolerance: Option<f64>) -> Outcome<Picked> {
    match v {
        Value::Slice(_) if method != Method::Exact => refuse("a slice of labels takes no method"),
        Value::Slice(parts) => Ok(Picked::Many(slice(plan, index, parts)?)),
        Value::Text(text) => match index.values {
            Values::Times(times) => time_text(index, times, text, method, tolerance),
            _ => Ok(Picked::One(index.find(&Label::Text(text.clone()), method, tolerance)?)),
        },
        Value::Bool(_) => refuse("a truth is no label"),
        _ => {
            let (wanted, rank) = wanted(plan, index, v)?;
            if wanted.1 {
                return subscript::positions(plan, v, index.keys.len(), index.dim);
            }
            let at =
                wanted.0.into_iter().map(|l| Ok(index.find(&index.as_held(l), method, tolerance)? as i64)).collect::<Outcome<Vec<_>>>()?;
            if rank > 0 {
                index.must_be_unique()?;
            }
            match (rank, at.as_slice()) {
                (0, [one]) => Ok(Picked::One(*one as usize)),
                (0 | 1, _) => Ok(Picked::Many(Index::compact(&at))),
                _ => Err(Fault::unsupported("selecting by labels of several dimensions")),
            }
        }
    }
}

/// The labels that a value asks for, whether it is a mask instead, and its rank.
fn wanted(plan: &Plan, index: &Labels, v: &Value) -> Outcome<((Vec<Label>, bool), usize)> {
    let (values, shape) = match v {
        Value::DateTime(t) => match index.values {
            Values::Times(times) => (
                Values::Times(xeng_proto::Times {
                    micros: vec![dates::parse(t, times.encoding.calendar)?.start],
                    encoding: times.encoding.clone(),
                }),
                vec![],
            ),
            _ => return refuse(format!("the labels of '{}' are not times", index.dim)),
        },
        Value::Dict(_) | Value::Dataset(_) | Value::None | Value::Ellipsis => return refuse(format!("{} is no label", v.type_name())),
        _ => literals::cells(plan, v)?,
    };
    let wanted = match (&values, index.values) {
        (Values::Numbers(block), _) if block.dtype() == DType::Bool => return Ok(((vec![], true), shape.len())),
        (Values::Numbers(_), Values::Numbers(_)) | (Values::Texts(_), Values::Texts(_)) => labels::labels(&values),
        (Values::Times(a), Values::Times(b)) if labels::same_calendar(&a.encoding, &b.encoding) => labels::labels(&values),
        (Values::Texts(texts), Values::Times(times)) if labels::is_datetime64(times) => {
            texts.iter().map(|t| Ok(Label::Time(dates::parse(t, times.encoding.calendar)?.start))).collect::<Outcome<_>>()?
        }
        (Values::Numbers(b), _) if b.is_empty() => vec![],
        _ => return refuse(format!("the labels of '{}' are of another kind", index.dim)),
    };
    Ok(((wanted, false), shape.len()))
}

/// A text on a time index: a partial date is a slice, as in pandas.
fn time_text(index: &Labels, times: &xeng_proto::Times, text: &str, method: Method, tolerance: Option<f64>) -> Outcome<Picked> {
    let period = dates::parse(text, times.encoding.calendar)?;
    let datetime64 = labels::is_datetime64(times);
    if !datetime64 && method != Method::Exact {
        return refuse("xarray cannot look up a text by a method on times of this calendar");
    }
    let coarser = if datetime64 { period.resolution < dates::index_resolution(times) } else { true };
    if method != Method::Exact || !coarser {
        return Ok(Picked::One(index.find(&Label::Time(period.start), method, tolerance)?));
    }
    let within: Vec<i64> =
        (0..index.keys.len() as i64).filter(|&i| (period.start..=period.end).contains(&times.micros[i as usize])).collect();
    let outside = times.micros.iter().all(|&m| m < period.start) || times.micros.iter().all(|&m| m > period.end);
    if within.is_empty() && (datetime64 || outside) {
        return refuse(format!("no time of '{}' lies in '{text}'", index.dim));
    }
    Ok(Picked::Many(Index::compact(&within)))
}

/// The range of positions of `slice(start, stop, step)` in labels; both ends are inside.
fn slice(plan: &Plan, index: &Labels, parts: &[Value; 3]) -> Outcome<Index> {
    let n = index.keys.len();
    let start = bound(plan, index, &parts[0], End::Start)?;
    let stop = bound(plan, index, &parts[1], End::Stop)?;
    let first = match &start {
        None => 0,
        Some(l) => edge(index, l, End::Start)?,
    };
    let last = match &stop {
        None => n,
        Some(l) => edge(index, l, End::Stop)?,
    };
    let step = match &parts[2] {
        Value::None => 1,
        v => args::integer(v).filter(|&s| s > 0).ok_or_else(|| Fault::new("a slice of labels needs a positive whole step"))?,
    };
    indexing::python_slice(Some(first as i64), Some(last as i64), Some(step), n)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Start,
    Stop,
}

fn bound(plan: &Plan, index: &Labels, v: &Value, end: End) -> Outcome<Option<Label>> {
    // Among labels that repeat, pandas does not round to their type.
    let held = |label| if index.must_be_unique().is_ok() { index.as_held(label) } else { label };
    match (v, index.values) {
        (Value::None, _) => Ok(None),
        (Value::Text(t), Values::Times(times)) => {
            let period = dates::parse(t, times.encoding.calendar)?;
            if index.order == Order::Descending && labels::is_datetime64(times) {
                return refuse(format!(
                    "pandas cannot slice the descending times of '{}' by texts; use .sortby('{}') first",
                    index.dim, index.dim
                ));
            }
            // A `CFTimeIndex` whose labels are all one descends, as pandas tells it.
            let all_one = !labels::is_datetime64(times) && index.keys.len() > 1 && index.keys.first() == index.keys.last();
            let late = (end == End::Stop) != (index.order == Order::Descending || all_one && index.order == Order::Ascending);
            Ok(Some(Label::Time(if late { period.end } else { period.start })))
        }
        (Value::Array(a), _) if plan.dims(a.node)?.is_empty() => {
            let ((labels, is_mask), _) = wanted(plan, index, v)?;
            let label = labels.into_iter().next().filter(|_| !is_mask).map(held);
            label.map(Some).ok_or_else(|| Fault::new(format!("this cannot bound a slice of the labels of '{}'", index.dim)))
        }
        (Value::Text(t), Values::Texts(_)) => Ok(Some(Label::Text(t.clone()))),
        (Value::DateTime(t), Values::Times(times)) => Ok(Some(Label::Time(dates::parse(t, times.encoding.calendar)?.start))),
        (Value::Number(n), Values::Numbers(_)) => Ok(Some(held(Label::float(n.as_f64())))),
        (Value::Numpy(b), Values::Numbers(_)) if b.rank() == 0 => Ok(b.to_f64_vec().first().map(|&v| held(Label::float(v)))),
        (other, _) => refuse(format!("{} cannot bound a slice of the labels of '{}'", other.type_name(), index.dim)),
    }
}

/// The position where a slice starts, or one past where it stops.
fn edge(index: &Labels, label: &Label, end: End) -> Outcome<usize> {
    let keys = &index.keys;
    Ok(match (index.order, end) {
        (Order::Ascending, End::Start) => keys.partition_point(|k| k < label),
        (Order::Ascending, End::Stop) => keys.partition_point(|k| k <= label),
        (Order::Descending, End::Start) => keys.partition_point(|k| k > label),
        (Order::Descending, End::Stop) => keys.partition_point(|k| k >= label),
        (Order::None, end) => match (index.place(label), end) {
            (Some(Place { first, repeated: false }), End::Start) => first,
            (Some(Place { first, repeated: false }), End::Stop) => first + 1,
            _ => {
                return refuse(format!(
                    "the labels of '{}' are not sorted, so a slice must start and stop at labels that occur once",
                    index.dim
                ));
            }
        },
    })
}

/// `.drop_sel(lat=[...])`
///
/// # Errors
/// At a label that is not there.
pub fn drop_sel(plan: &mut Plan, a: &LazyArray, args: Args, _: &Receiver) -> Outcome<Value> {
    let (_, entries) = args.bind_dict("labels", &["errors"])?;
    let mut out = a.clone();
    for (dim, arg) in entries {
        let Some(index) = out.index(&dim).cloned() else {
            return Err(Fault::new(format!("'{dim}' is not a dimension with labels")).at(arg.span));
        };
        let index = Labels::new(&dim, &index);
        index.must_be_unique().map_err(|f| f.at(arg.span))?;
        // Compared as they stand: unlike `sel`, pandas does not round them to the type of the labels here.
        let ((gone, _), _) = wanted(plan, &index, &arg.value).map_err(|f| f.at(arg.span))?;
        let have: HashSet<&Label> = index.keys.iter().collect();
        if let Some(l) = gone.iter().find(|l| !have.contains(l)) {
            let Some(v) = l.number().filter(|_| index.is_single()) else {
                return Err(lookup::not_found(&index, l, Method::Exact, None).at(arg.span));
            };
            let told = format!("'{dim}' has no label {v}; its labels are float32, so that drop_sel() needs np.float32({v})");
            return Err(Fault::new(told).at(arg.span));
        }
        let gone: HashSet<Label> = gone.into_iter().collect();
        let keep: Vec<i64> = index.keys.iter().enumerate().filter(|(_, k)| !gone.contains(k)).map(|(i, _)| i as i64).collect();
        out = indexing::pick(plan, &out, &dim, &Picked::Many(Index::compact(&keep)), Scalars::Keep)?;
    }
    Ok(Value::Array(out))
}

/// `.drop_isel(lat=[0, 3])`
///
/// # Errors
/// At an index that lies outside.
pub fn drop_isel(plan: &mut Plan, a: &LazyArray, args: Args, receiver: &Receiver) -> Outcome<Value> {
    let (_, entries) = args.bind_dict("indexers", &[])?;
    let own = plan.names(a.node)?;
    let mut out = a.clone();
    for (dim, arg) in entries {
        if super::reduce::existing(std::slice::from_ref(&dim), &own, receiver).map_err(|f| f.at(arg.span))?.is_empty() {
            continue;
        }
        let length = plan.node(out.node)?.dims[plan.axis(out.node, &dim)?].len;
        let Values::Numbers(block) = literals::cells(plan, &arg.value).map_err(|f| f.at(arg.span))?.0 else {
            return Err(Fault::new("indices must be whole numbers").at(arg.span));
        };
        if !block.dtype().is_integer() {
            return Err(Fault::new("indices must be whole numbers").at(arg.span));
        }
        let gone = block.to_i64_vec().into_iter().map(|i| indexing::python_index(i, length, &dim)).collect::<Outcome<HashSet<usize>>>();
        let gone = gone.map_err(|f| f.at(arg.span))?;
        let keep: Vec<i64> = (0..length).filter(|i| !gone.contains(i)).map(|i| i as i64).collect();
        out = indexing::pick(plan, &out, &dim, &Picked::Many(Index::compact(&keep)), Scalars::Keep)?;
    }
    Ok(Value::Array(out))
}

/// `.isel(time=0)`
///
/// # Errors
/// At an index out of bounds.
pub fn isel(plan: &mut Plan, a: &LazyArray, args: Args, receiver: &Receiver) -> Outcome<Value> {
    let (mut bound, entries) = args.bind_dict("indexers", &["drop", "missing_dims"])?;
    let scalars = shape::scalars(bound.flag("drop", Some(false))?);
    let receiver = if bound.text("missing_dims")?.as_deref() == Some("ignore") { &Receiver::lenient() } else { receiver };
    Ok(Value::Array(subscript::isel(plan, a, entries, scalars, receiver)?))
}

/// `.head(time=5)`, `.tail(...)`, `.thin(...)`
///
/// # Errors
/// At numbers that are not positive.
pub fn ends(plan: &mut Plan, a: &LazyArray, args: Args, receiver: &Receiver) -> Outcome<Value> {
    let callee = args.callee.clone();
    let dims = plan.names(a.node)?;
    let mut entries = args.keyword;
    if let Some(arg) = args.positional.first() {
        match &arg.value {
            Value::Dict(d) => entries.extend(d.iter().map(|(k, v)| (k.clone(), Arg { value: v.clone(), span: arg.span }))),
            _ => entries.extend(dims.iter().map(|d| (d.clone(), arg.clone()))),
        }
    } else if entries.is_empty() && callee != "thin" {
        return refuse(format!("{callee}() needs how many indices to take of which dimension"));
    }
    let mut out = a.clone();
    for (dim, arg) in entries {
        if super::reduce::existing(std::slice::from_ref(&dim), &dims, receiver).map_err(|f| f.at(arg.span))?.is_empty() {
            continue;
        }
        let n = args::integer(&arg.value)
            .filter(|&n| n >= 0 && (n > 0 || callee != "thin"))
            .ok_or_else(|| Fault::new(format!("{callee}() needs a positive whole number")).at(arg.span))?;
        let length = plan.dims(out.node)?.iter().find(|d| *d.name == *dim).map_or(0, |d| d.len);
        let index = match callee.as_str() {
            "head" => indexing::python_slice(None, Some(n), None, length)?,
            "tail" if n == 0 => indexing::python_slice(Some(0), Some(0), None, length)?,
            "tail" => indexing::python_slice(Some(-n), None, None, length)?,
            _ => indexing::python_slice(None, None, Some(n), length)?,
        };
        out = indexing::pick(plan, &out, &dim, &Picked::Many(index), Scalars::Keep)?;
    }
    Ok(Value::Array(out))
}

/// Known labels of a dim as floats.
///
/// # Errors
/// When they are not numbers.
pub fn float_labels(a: &LazyArray, dim: &str) -> Outcome<Arc<[f64]>> {
    match a.index(dim).and_then(|v| labels::floats(v)) {
        Some(f) => Ok(f),
        None => refuse(format!("dimension '{dim}' has no numbers as labels")),
    }
}
