//! `resample`: times into bins of a frequency, and values brought to the labels of these bins.
//!
//! In: an array or dataset with a coordinate of times. Out: a grouping, or an array at other times. Never reduces; see `group`.

use super::args::{Arg, Args, Bound};
use super::dataset;
use super::dates;
use super::fault::{Fault, Outcome, refuse};
use super::frequency;
use super::gaps::span_of_time;
use super::group;
use super::keys::{coordinate, known_along};
use super::lookup::Method;
use super::operators::numbers_only;
use super::reindex::{self, How};
use super::time_bins::{self, End, Ends, Origin};
use crate::lazy::value::{Grouped, Grouping, GroupingKind};
use crate::lazy::{LazyArray, LazyCoord, Plan, Value};
use indexmap::IndexMap;
use std::sync::Arc;
use xeng_kernels::graph::InterpMethod;
use xeng_kernels::{DType, Dim};
use xeng_proto::{Times, Values};

/// What brings values to the labels of the bins.
pub const UPSAMPLING: &[&str] = &["ffill", "pad", "bfill", "backfill", "nearest", "interpolate", "asfreq"];

/// `.resample(time='MS', closed=None, label=None, origin='start_day', offset=None)`
///
/// # Errors
/// When the frequency is unknown or the times are not sorted.
pub fn resample(_: &mut Plan, base: &Value, args: Args) -> Outcome<Value> {
    let (mut bound, entries) =
        args.bind_dict("indexer", &["skipna", "closed", "label", "offset", "origin", "restore_coord_dims", "boundaries"])?;
    bound.take("restore_coord_dims");
    bound.unsupported(&["skipna", "boundaries"])?;
    let mut entries = entries.into_iter();
    let (Some((dim, arg)), None) = (entries.next(), entries.next()) else {
        return refuse("resample() needs exactly one dimension: resample(time='MS')");
    };
    let Value::Text(text) = &arg.value else { return Err(Fault::new("a frequency must be a text, such as 'MS'").at(arg.span)) };
    let Some(coord) = coordinate(base, &dim) else {
        return Err(Fault::new(format!("resample(): there is no coordinate '{dim}'")).at(arg.span));
    };
    let (along, values) = known_along(&dim, &coord).map_err(|f| f.at(arg.span))?;
    let Values::Times(times) = &*values else { return Err(Fault::new(format!("resample(): '{dim}' holds no times")).at(arg.span)) };
    if along != dim {
        return Err(Fault::new(format!("resample(): '{dim}' is not a dimension")).at(arg.span));
    }
    let ends = ends(&mut bound, times)?;
    let bins = frequency::parse(text).and_then(|f| time_bins::bins(times, f, ends)).map_err(|f| f.at(arg.span))?;
    let mut used: Vec<i32> = bins.codes.clone();
    used.dedup();
    let codes: Vec<i32> = bins.codes.iter().map(|c| used.binary_search(c).map_or(-1, |i| i as i32)).collect();
    let fill: Vec<i64> = (0..bins.labels.len() as i32).map(|b| used.binary_search(&b).map_or(-1, |i| i as i64)).collect();
    let labels = Values::Times(Times { micros: bins.labels, encoding: times.encoding.clone() });
    let by = Grouping {
        along: along.clone(),
        codes: codes.into(),
        dim: Dim::new(&along, used.len()),
        labels,
        attrs: coord.attrs.clone(),
        kind: GroupingKind::Resample,
        bins: fill.contains(&-1).then_some(fill),
        parts: vec![],
    };
    Ok(Value::Grouped(Box::new(Grouped { object: base.clone(), by })))
}

/// What is said of the bins' ends.
fn ends(bound: &mut Bound, times: &Times) -> Outcome<Ends> {
    let names = [("left", End::Left), ("right", End::Right)];
    let mut end = |name: &str| if bound.span(name).is_some() { bound.choice(name, &names, End::Left).map(Some) } else { Ok(None) };
    let (label, closed) = (end("label")?, end("closed")?);
    let origin = bound.some("origin").map_or(Ok(Origin::StartDay), |arg| origin(&arg, times))?;
    let offset = match bound.some("offset") {
        None => 0,
        Some(Arg { value: Value::Text(t), span }) => {
            signed_span(&t).ok_or_else(|| Fault::new(format!("'{t}' is no span of time such as '6h' or '1D'")).at(span))?
        }
        Some(arg) => return Err(bound.wrong("offset", &arg, "a span of time such as '6h'")),
    };
    Ok(Ends { label, closed, origin, offset })
}

fn signed_span(text: &str) -> Option<i64> {
    match text.trim().strip_prefix('-') {
        Some(rest) => span_of_time(rest).map(|s| -s),
        None => span_of_time(text),
    }
}

fn origin(arg: &Arg, times: &Times) -> Outcome<Origin> {
    let is_text = matches!(arg.value, Value::Text(_));
    let (Value::Text(text) | Value::DateTime(text)) = &arg.value else {
        return Err(Fault::new(format!("an origin is a text such as 'start' or '2000-01-01', not {}", arg.value.type_name())).at(arg.span));
    };
    match text.as_str() {
        "start_day" => Ok(Origin::StartDay),
        "start" => Ok(Origin::Start),
        "end" => Ok(Origin::End),
        "end_day" => Ok(Origin::EndDay),
        "epoch" => {
            let epoch = dates::parse("1970-01-01", times.encoding.calendar)?;
            Ok(Origin::At(epoch.start))
        }
        date if crate::lazy::labels::is_datetime64(times) => {
            Ok(Origin::At(dates::parse(date, times.encoding.calendar).map_err(|f| f.at(arg.span))?.start))
        }
        _ if is_text => {
            Err(Fault::new("the origin of times of this calendar is 'start_day', 'start', 'end', 'end_day' or 'epoch'").at(arg.span))
        }
        _ => Err(Fault::new("the origin must be a time of the same calendar").at(arg.span)),
    }
}

/// `.resample(...).ffill()` and the like: values at the labels of the bins.
///
/// # Errors
/// When times repeat, or the cells cannot be missing.
pub fn upsampled(plan: &mut Plan, g: &Grouped, name: &str, args: Args) -> Outcome<Value> {
    let bare = match &g.object {
        Value::Array(a) => Value::Array(without_others(a, &g.by.along)),
        Value::Dataset(d) => {
            let mut d = d.clone();
            d.coords.retain(|n, c| *n == g.by.along || !c.dims.contains(&g.by.along));
            d.variables.values_mut().for_each(|v| *v = without_others(v, &g.by.along));
            Value::Dataset(d)
        }
        other => return refuse(format!("{} cannot be resampled", other.type_name())),
    };
    if name == "asfreq" {
        args.bind(&[])?;
        let g = Grouped { object: bare, by: g.by.clone() };
        let dim = Value::Text(g.by.along.clone());
        let span = crate::expr::Span::default();
        let keyword: IndexMap<String, Arg> = [("dim".to_owned(), Arg { value: dim, span })].into();
        return group::method(plan, &g, "mean", Args { callee: "mean".to_owned(), positional: vec![], keyword });
    }
    let way = if name == "interpolate" { Way::Line(kind_of_line(args)?) } else { Way::Neighbour(neighbour(name, args)?) };
    let one = |plan: &mut Plan, a: &LazyArray| -> Outcome<LazyArray> {
        if !plan.names(a.node)?.contains(&g.by.along) {
            return Ok(a.clone());
        }
        match way {
            Way::Neighbour(how) => {
                let wanted = LazyCoord::along(&g.by.along, g.by.labels.clone(), Default::default());
                reindex::at_labels(plan, a, &g.by.along, wanted, how)
            }
            Way::Line(kind) => on_line(plan, a, &g.by, kind),
        }
    };
    match &bare {
        Value::Dataset(d) => dataset::each(plan, d, one),
        Value::Array(a) => one(plan, a).map(Value::Array),
        other => refuse(format!("{} cannot be resampled", other.type_name())),
    }
}

/// How a value is found at a label.
#[derive(Clone, Copy)]
enum Way {
    Neighbour(How),
    Line(InterpMethod),
}

/// The array without coordinates along `dim` other than its labels.
fn without_others(a: &LazyArray, dim: &String) -> LazyArray {
    let mut out = a.clone();
    out.coords.retain(|n, c| n == dim || !c.dims.contains(dim));
    out
}

fn neighbour(name: &str, args: Args) -> Outcome<How> {
    let mut bound = args.bind(&["tolerance"])?;
    let tolerance = match bound.some("tolerance") {
        None => None,
        Some(Arg { value: Value::Text(t), span }) => {
            Some(span_of_time(&t).ok_or_else(|| Fault::new(format!("'{t}' is no span of time such as '6h' or '1D'")).at(span))? as f64)
        }
        Some(arg) => return Err(bound.wrong("tolerance", &arg, "a span of time such as '6h'")),
    };
    let method = match name {
        "ffill" | "pad" => Method::Pad,
        "bfill" | "backfill" => Method::Backfill,
        _ => Method::Nearest,
    };
    Ok(How { method, tolerance, fill: None })
}

fn kind_of_line(args: Args) -> Outcome<InterpMethod> {
    let mut bound = args.bind(&["kind"])?;
    let kinds = [("linear", InterpMethod::Linear), ("slinear", InterpMethod::Spline), ("nearest", InterpMethod::Nearest)];
    bound.choice("kind", &kinds, InterpMethod::Linear)
}

/// Cells on lines between those at the times that the array has; missing outside them.
fn on_line(plan: &mut Plan, a: &LazyArray, by: &Grouping, kind: InterpMethod) -> Outcome<LazyArray> {
    numbers_only(a, "interpolate")?;
    let (Some(Values::Times(from)), Values::Times(to)) = (a.index(&by.along).map(|v| (**v).clone()), &by.labels) else {
        return refuse(format!("'{}' holds no times", by.along));
    };
    if from.micros.windows(2).any(|w| w[0] >= w[1]) || from.micros.len() < 2 {
        return refuse(format!("the times along '{}' repeat or are fewer than two, so nothing can be interpolated between them", by.along));
    }
    let dtype = plan.dtype(a.node)?;
    if dtype == DType::Bool {
        return refuse("interpolate() does not take truths; use .astype(float) first");
    }
    let first = from.micros.first().copied().unwrap_or_default();
    let since = |t: &Times| -> Arc<[f64]> { t.micros.iter().map(|m| (m - first) as f64).collect() };
    let within = if dtype.is_float() && kind != InterpMethod::Spline { dtype } else { DType::F64 };
    let source = plan.cast(a.node, within)?;
    let mut out = a.clone();
    out.node = plan.interp(source, &by.along, since(&from), since(to), kind)?;
    out.coords.insert(by.along.clone(), LazyCoord::along(&by.along, by.labels.clone(), by.attrs.clone()));
    Ok(out)
}
