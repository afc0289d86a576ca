//! `.interp` and `.interp_like`: one dim after the other, as xarray decomposes it.
//!
//! In: an array and wanted coordinate values. Out: the array there; missing outside the source. Never wraps around.

use super::args::{Arg, Args};
use super::calls::Receiver;
use super::dates;
use super::fault::{Fault, Outcome, refuse};
use super::literals;
use super::lookup::{self, Labels};
use super::operators::numbers_only;
use super::{reduce, selection, shape};
use crate::lazy::fold;
use crate::lazy::labels::{self, Label};
use crate::lazy::plan::Operand;
use crate::lazy::{Cells, CoordData, LazyArray, LazyCoord, Plan, Value};
use indexmap::IndexMap;
use std::sync::Arc;
use xeng_kernels::graph::{Index, InterpMethod};
use xeng_kernels::{Block, DType, NodeId};
use xeng_proto::{Attrs, Times, Values};

/// How it was asked for: `linear` is NumPy's, `slinear` and `nearest` SciPy's.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Method {
    Linear,
    Slinear,
    Nearest,
}

/// What is given beyond the first and the last label.
#[derive(Clone, Copy, PartialEq)]
enum Outside {
    Missing,
    Number(f64),
    /// The line through the last two, or the last one (`fill_value='extrapolate'`).
    Extended,
}

/// How to interpolate.
#[derive(Clone, Copy)]
struct Way {
    method: Method,
    outside: Outside,
}

/// `kwargs={'fill_value': ..., 'bounds_error': False}`
fn outside(v: &Value) -> Outcome<Outside> {
    let Value::Dict(kwargs) = v else { return refuse(format!("kwargs must be a dict, not {}", v.type_name())) };
    if let Some(name) = kwargs.keys().find(|k| !matches!(k.as_str(), "fill_value" | "bounds_error")) {
        return Err(Fault::unsupported(format!("the keyword '{name}' of an interpolator")));
    }
    if !matches!(kwargs.get("bounds_error"), None | Some(Value::None | Value::Bool(false))) {
        return Err(Fault::unsupported("bounds_error"));
    }
    match kwargs.get("fill_value") {
        None => Ok(Outside::Missing),
        Some(Value::Text(t)) if t == "extrapolate" => Ok(Outside::Extended),
        Some(v) => match super::args::float(v) {
            Some(x) if x.is_nan() => Ok(Outside::Missing),
            Some(x) => Ok(Outside::Number(x)),
            None => refuse(format!("fill_value must be a number or 'extrapolate', not {}", v.type_name())),
        },
    }
}

/// What to interpolate to along one dim.
struct Target {
    values: Values,
    /// The dim that replaces the source's, if the target has one.
    dim: Option<String>,
    coord: LazyCoord,
    others: IndexMap<String, LazyCoord>,
    /// Whether it came without labels of its own.
    plain: bool,
}

/// `.interp(lat=..., lon=..., method='linear')`
///
/// # Errors
/// When a dim has no strictly monotonic numbers as labels, or a target is not known.
pub fn interp(plan: &mut Plan, a: &LazyArray, args: Args, receiver: &Receiver) -> Outcome<Value> {
    let (mut bound, entries) = args.bind_dict("coords", &["method", "assume_sorted", "kwargs", "method_non_numeric"])?;
    bound.take("assume_sorted");
    bound.take("method_non_numeric");
    let outside = match bound.some("kwargs") {
        None => Outside::Missing,
        Some(arg) => outside(&arg.value).map_err(|f| f.at(arg.span))?,
    };
    let method = match bound.take("method") {
        None => Method::Linear,
        Some(Arg { value: Value::Text(t), span }) => match t.as_str() {
            "linear" => Method::Linear,
            "slinear" => Method::Slinear,
            "nearest" => Method::Nearest,
            "zero" | "quadratic" | "cubic" | "polynomial" | "pchip" | "barycentric" | "krogh" | "akima" | "makima" | "quintic" => {
                return Err(Fault::unsupported(format!("the interpolation method '{t}'")).at(span));
            }
            _ => return Err(Fault::new(format!("there is no interpolation method '{t}'; there are: linear, slinear, nearest")).at(span)),
        },
        Some(arg) => return Err(bound.wrong("method", &arg, "a text")),
    };
    if plan.dtype(a.node)? == DType::Bool && !receiver.is_dataset() {
        return refuse("interp() does not take truths; use .astype(float) first");
    }
    if outside == Outside::Extended && method == Method::Slinear {
        return Err(Fault::unsupported("method='slinear' with fill_value='extrapolate'; method='linear' gives the same,"));
    }
    all(plan, a, entries, Way { method, outside }, receiver).map(Value::Array)
}

/// `.interp_like(other, method='linear')`
///
/// # Errors
/// As [`interp`].
pub fn interp_like(plan: &mut Plan, a: &LazyArray, args: Args, receiver: &Receiver) -> Outcome<Value> {
    let mut bound = args.bind(&["other", "method", "assume_sorted", "kwargs", "method_non_numeric"])?;
    let arg = bound.need("other")?;
    let coords = match &arg.value {
        Value::Array(o) => &o.coords,
        Value::Dataset(d) => &d.coords,
        _ => return Err(bound.wrong("other", &arg, "a DataArray or a Dataset")),
    };
    let own = plan.names(a.node)?;
    let mut keyword = IndexMap::new();
    for (name, coord) in coords.iter().filter(|(n, c)| c.dims.len() == 1 && c.dims[0] == **n && own.contains(n)) {
        let Some(values) = coord.known() else { continue };
        if !matches!(&**values, Values::Numbers(_)) {
            // Numbers and `datetime64` are interpolated even where they agree, which spreads missing cells; objects are only aligned.
            let objects = !matches!(&**values, Values::Times(times) if labels::is_datetime64(times));
            match a.index(name) {
                Some(mine) if objects && labels::equal(mine, values) => continue,
                Some(_) if !objects => {}
                _ => return Err(Fault::unsupported(format!("interp_like() along '{name}', whose labels are no numbers,")).at(arg.span)),
            }
        }
        let mut target = literals::array_of(plan, values, &[values.len()], std::slice::from_ref(name))?;
        target.attrs = coord.attrs.clone();
        keyword.insert(name.clone(), Arg { value: Value::Array(target), span: arg.span });
    }
    if let Some(method) = bound.take("method") {
        keyword.insert("method".to_owned(), method);
    }
    interp(plan, a, Args { callee: "interp".to_owned(), positional: vec![], keyword }, receiver)
}

fn all(plan: &mut Plan, a: &LazyArray, entries: IndexMap<String, Arg>, way: Way, receiver: &Receiver) -> Outcome<LazyArray> {
    let own = plan.names(a.node)?;
    // A variable without the dims stays as it is, whatever it holds.
    if !(receiver.is_dataset() && entries.keys().all(|dim| !own.contains(dim) && receiver.has_dim(dim))) {
        numbers_only(a, "interp")?;
    }
    let mut out = a.clone();
    pointwise_guard(plan, &entries)?;
    for (dim, arg) in entries {
        if reduce::existing(std::slice::from_ref(&dim), &own, receiver).map_err(|f| f.at(arg.span))?.is_empty() {
            continue;
        }
        let labels = out.index(&dim).cloned();
        let target = target(plan, &arg.value, &dim, labels.as_deref()).map_err(|f| f.at(arg.span))?;
        out = along(plan, &out, &dim, target, way).map_err(|f| f.at(arg.span))?;
    }
    Ok(out)
}

/// Refuses targets that share a dim: xarray would interpolate to points.
fn pointwise_guard(plan: &Plan, entries: &IndexMap<String, Arg>) -> Outcome<()> {
    let mut seen: Vec<String> = vec![];
    for arg in entries.values() {
        let Value::Array(a) = &arg.value else { continue };
        for d in plan.names(a.node)? {
            if seen.contains(&d) {
                return Err(Fault::unsupported(format!("interpolating to points by arrays that share the dimension '{d}'")).at(arg.span));
            }
            seen.push(d);
        }
    }
    Ok(())
}

fn target(plan: &mut Plan, v: &Value, dim: &str, index: Option<&Values>) -> Outcome<Target> {
    let (values, shape) = match (v, index) {
        (Value::DateTime(text), _) => (Values::Texts(vec![text.clone()]), vec![]),
        _ => literals::cells(plan, v)?,
    };
    let values = match (values, index) {
        (Values::Numbers(block), _) if block.dtype() == DType::Bool => {
            return refuse(format!("cannot interpolate along '{dim}' to truths"));
        }
        (values @ Values::Numbers(_), None | Some(Values::Numbers(_))) => values,
        (Values::Times(wanted), Some(Values::Times(times))) if labels::same_calendar(&wanted.encoding, &times.encoding) => {
            Values::Times(wanted)
        }
        (Values::Texts(texts), Some(Values::Times(times))) => {
            let at = |t: &String| Ok(dates::parse(t, times.encoding.calendar)?.start);
            let micros = texts.iter().map(at).collect::<Outcome<_>>()?;
            Values::Times(Times { micros, encoding: times.encoding.clone() })
        }
        _ => return refuse(format!("what to interpolate to along '{dim}' is of another kind than its labels")),
    };
    if matches!(&values, Values::Times(t) if t.micros.contains(&i64::MIN)) {
        return refuse(format!("cannot interpolate along '{dim}' to missing times"));
    }
    let (attrs, mut others, own_dim) = match v {
        Value::Array(t) => (t.attrs.clone(), t.coords.clone(), plan.names(t.node)?.first().cloned()),
        _ => (Attrs::new(), IndexMap::new(), Some(dim.to_owned())),
    };
    // An array's own coordinate labels the result, whatever the values that were interpolated to.
    let own = others.shift_remove(dim);
    let plain = !matches!(v, Value::Array(_));
    match shape.len() {
        0 => {
            let coord = own.unwrap_or_else(|| LazyCoord::scalar(values.clone(), attrs));
            Ok(Target { coord, values, dim: None, others, plain })
        }
        1 => {
            let name = own_dim.unwrap_or_else(|| dim.to_owned());
            let coord = own.unwrap_or_else(|| LazyCoord::along(&name, values.clone(), attrs));
            Ok(Target { coord, values, dim: Some(name), others, plain })
        }
        _ => Err(Fault::unsupported(format!("interpolating along '{dim}' to an array of several dimensions"))),
    }
}

fn along(plan: &mut Plan, a: &LazyArray, dim: &str, target: Target, way: Way) -> Outcome<LazyArray> {
    let Some(index) = a.index(dim).cloned() else {
        return refuse(format!("dimension '{dim}' has no labels to interpolate by"));
    };
    let mut source = shape::sorted(plan, a, dim, &index, true)?;
    let [from, to] = floats(&source, dim, &target.values)?;
    if from.windows(2).any(|w| w[0] >= w[1]) || from.iter().any(|v| v.is_nan()) || from.len() < 2 {
        return refuse(format!("the labels of '{dim}' repeat, are missing or fewer than two, so nothing can be interpolated between them"));
    }
    let line = Line { dim, from, to, types: [number_type(&index), number_type(&target.values)], new_dim: target.dim.as_deref(), way };
    let old = source.coords.shift_remove(dim);
    let mut out = step(plan, &source, &line)?;
    let mut coord = target.coord;
    if target.plain {
        // Bare numbers take the attributes of the coordinate that they replace.
        coord.attrs = old.map(|c| c.attrs).unwrap_or_default();
    }
    out.coords.insert(dim.to_owned(), coord);
    for (name, coord) in target.others {
        out.coords.entry(name).or_insert(coord);
    }
    Ok(out)
}

/// Labels and targets as numbers: times from the first of the labels on, as xarray counts them.
fn floats(a: &LazyArray, dim: &str, to: &Values) -> Outcome<[Arc<[f64]>; 2]> {
    match (a.index(dim).map(|v| &**v), to) {
        (Some(Values::Times(times)), Values::Times(wanted)) => {
            if times.micros.contains(&i64::MIN) {
                return refuse(format!("the labels of '{dim}' are missing in part"));
            }
            let first = times.micros.iter().min().copied().unwrap_or(0);
            let since = |micros: &[i64]| micros.iter().map(|&m| m.saturating_sub(first) as f64).collect();
            Ok([since(&times.micros), since(&wanted.micros)])
        }
        _ => Ok([selection::float_labels(a, dim)?, labels::floats(to).unwrap_or_else(|| Arc::from([]))]),
    }
}

fn number_type(values: &Values) -> DType {
    match values {
        Values::Numbers(block) => block.dtype(),
        Values::Times(_) | Values::Texts(_) => DType::F64,
    }
}

/// One dim's interpolation, the same for the cells and for the coordinates along it.
struct Line<'a> {
    dim: &'a str,
    from: Arc<[f64]>,
    to: Arc<[f64]>,
    /// The types of the labels, and of what is interpolated to.
    types: [DType; 2],
    /// The dim that replaces `dim`, if any does.
    new_dim: Option<&'a str>,
    way: Way,
}

impl Line<'_> {
    /// The cells at the nearest labels: what becomes of truths and texts, under labels of the same name.
    fn nearest(&self, plan: &mut Plan, source: NodeId) -> Outcome<Option<NodeId>> {
        if self.new_dim != Some(self.dim) {
            return Ok(None);
        }
        let values = Values::Numbers(Block::from_vec(&[self.from.len()], self.from.to_vec())?);
        let index = Labels::new(self.dim, &values);
        let at = self.to.iter().map(|&x| Ok(index.look_up(&Label::float(x), lookup::Method::Nearest, None)?.map_or(-1, |i| i as i64)));
        let at = at.collect::<Outcome<Vec<i64>>>()?;
        if at.contains(&-1) {
            return refuse(format!("truths or texts along '{}' at a label that is missing", self.dim));
        }
        plan.take(source, self.dim, Index::compact(&at)).map(Some)
    }

    fn ends(&self) -> (f64, f64) {
        self.from.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &x| (low.min(x), high.max(x)))
    }

    /// The targets, moved to the nearer end where they lie beyond it.
    fn within(&self) -> Arc<[f64]> {
        let (low, high) = self.ends();
        self.to.iter().map(|x| if x.is_nan() { *x } else { x.clamp(low, high) }).collect()
    }

    /// A number where targets lie beyond the labels.
    fn filled(&self, plan: &mut Plan, node: NodeId, fill: f64) -> Outcome<NodeId> {
        let (low, high) = self.ends();
        let beyond: Vec<bool> = self.to.iter().map(|&x| x < low || x > high).collect();
        if !beyond.contains(&true) {
            return Ok(node);
        }
        let mask = plan.constant(&[self.dim.to_owned()], Block::from_vec(&[beyond.len()], beyond)?)?;
        let within = plan.dtype(node)?;
        plan.select_like(node.into(), mask, Operand::Float(fill), node.into(), within)
    }

    /// The cells there, in the type that xarray's interpolators answer with.
    ///
    /// A line between `float32` cells at `float32` labels and targets is `float32`, every other line `float64`.
    fn node(&self, plan: &mut Plan, source: NodeId) -> Outcome<NodeId> {
        let dtype = plan.dtype(source)?;
        let [labels, targets] = self.types;
        let single = dtype == DType::F32;
        let (within, kernel) = match self.way.method {
            Method::Linear if self.way.outside == Outside::Extended => (if single { dtype } else { DType::F64 }, InterpMethod::Beyond),
            Method::Nearest => (if dtype.is_float() { dtype } else { DType::F64 }, InterpMethod::Nearest),
            Method::Slinear => (DType::F64, InterpMethod::Spline),
            Method::Linear if single => (dtype, InterpMethod::Linear),
            // Only where labels are 64 bits wide too does SciPy go by way of `numpy.interp`, which spares cells beside a missing one.
            Method::Linear if plan.names(source)?.len() == 1 && !matches!(labels, DType::F64 | DType::I64) => {
                (DType::F64, InterpMethod::Spline)
            }
            Method::Linear => (DType::F64, InterpMethod::Linear),
        };
        let source = plan.cast(source, within)?;
        let to = if self.way.outside == Outside::Extended && kernel == InterpMethod::Nearest { self.within() } else { self.to.clone() };
        let mut moved = plan.interp(source, self.dim, self.from.clone(), to, kernel)?;
        if let Outside::Number(fill) = self.way.outside {
            moved = self.filled(plan, moved, fill)?;
        }
        if self.way.method == Method::Linear && single && dtype.promote(labels) == DType::F32 && targets == DType::F32 {
            moved = plan.cast(moved, DType::F32)?;
        }
        match self.new_dim {
            None => plan.pick(moved, self.dim, 0),
            Some(new) => plan.rename(moved, self.dim, new),
        }
    }
}

/// Interpolates the cells, and every numeric coordinate along the dim.
fn step(plan: &mut Plan, a: &LazyArray, line: &Line) -> Outcome<LazyArray> {
    let truths = plan.dtype(a.node)? == DType::Bool;
    let node = match if truths { line.nearest(plan, a.node)? } else { Some(line.node(plan, a.node)?) } {
        Some(node) => node,
        None => return refuse("interp() of truths to a dimension of another name; use .astype(float) first"),
    };
    let mut out = LazyArray { node, ..a.clone() };
    let mut coords = IndexMap::new();
    let along = a.coords.iter().filter(|(name, c)| **name != *line.dim && c.dims.iter().any(|d| d == line.dim));
    let (numbers, others): (Vec<_>, Vec<_>) = along.partition(|(_, c)| {
        matches!(&c.data, CoordData::Lazy(_, Cells::Numbers)) || matches!(c.known().map(|v| &**v), Some(Values::Numbers(_)))
    });
    let is_as_long = line.new_dim == Some(line.dim) && line.to.len() == line.from.len();
    if let ([(name, _), ..], [(other, _), ..], true) = (numbers.as_slice(), others.as_slice(), is_as_long) {
        // Beside texts, and among as many labels as before, xarray leaves the numbers as they are.
        return Err(Fault::unsupported(format!(
            "interp() of the coordinates '{name}' and '{other}' along '{}'; leave one out with .drop_vars(),",
            line.dim
        )));
    }
    for (name, coord) in &a.coords {
        if !coord.dims.iter().any(|d| d == line.dim) {
            coords.insert(name.clone(), coord.clone());
            continue;
        }
        let (source, cells) = match &coord.data {
            CoordData::Known(values, shape) => {
                let (block, cells) = labels::to_block(values, shape)?;
                (plan.constant(&coord.dims, block).map_err(|f| f.about(name))?, cells)
            }
            CoordData::Lazy(n, cells) => (*n, cells.clone()),
        };
        let moved = match cells {
            Cells::Numbers if plan.dtype(source)? != DType::Bool => line.node(plan, source)?,
            // What lies between times is left out.
            Cells::Times(ref encoding) if labels::is_gregorian(encoding.calendar) => continue,
            _ => match line.nearest(plan, source)? {
                Some(moved) => moved,
                None => continue,
            },
        };
        let moved = LazyCoord { dims: plan.names(moved)?, data: CoordData::Lazy(moved, cells), attrs: coord.attrs.clone() };
        coords.insert(name.clone(), fold::settle(plan, moved));
    }
    out.coords = coords;
    Ok(out)
}
