//! `.reindex` and `.reindex_like`: an array at other labels, missing where it has none of them.
//!
//! In: an array, labels per dim. Out: the array under these labels. Never interpolates.

use super::args::{Arg, Args};
use super::calls::Receiver;
use super::fault::{Fault, Outcome, refuse};
use super::indexing;
use super::lookup::{Labels, Method};
use super::{dates, literals, reduce};
use crate::lazy::labels;
use crate::lazy::plan::Operand;
use crate::lazy::{Cells, LazyArray, LazyCoord, Plan, Value};
use indexmap::IndexMap;
use std::sync::Arc;
use xeng_kernels::graph::Index;
use xeng_kernels::{Block, DType};
use xeng_proto::{Times, Values};

/// How labels are found.
#[derive(Clone, Copy)]
pub struct How {
    /// What a label that is not there finds.
    pub method: Method,
    /// How far away that may be.
    pub tolerance: Option<f64>,
    /// What stands where nothing is found, if not missing cells.
    pub fill: Option<f64>,
}

/// `.reindex(lat=[...], method=None, tolerance=None, fill_value=nan)`
///
/// # Errors
/// When a dim has no labels, or they repeat.
pub fn reindex(plan: &mut Plan, a: &LazyArray, args: Args, receiver: &Receiver) -> Outcome<Value> {
    let (mut bound, entries) = args.bind_dict("indexers", &["method", "tolerance", "copy", "fill_value"])?;
    bound.take("copy");
    let how = How {
        method: bound.choice("method", Method::NAMES, Method::Exact)?,
        tolerance: bound.number("tolerance")?,
        fill: bound.number("fill_value")?,
    };
    let own = plan.names(a.node)?;
    let mut out = a.clone();
    for (dim, arg) in entries {
        if reduce::existing(std::slice::from_ref(&dim), &own, receiver).map_err(|f| f.at(arg.span))?.is_empty() {
            continue;
        }
        let wanted = wanted(plan, &out, &dim, &arg).map_err(|f| f.at(arg.span))?;
        out = at_labels(plan, &out, &dim, wanted, how).map_err(|f| f.at(arg.span))?;
    }
    Ok(Value::Array(out))
}

/// `.reindex_like(other, method=None)`
///
/// # Errors
/// As [`reindex`].
pub fn reindex_like(plan: &mut Plan, a: &LazyArray, args: Args, _: &Receiver) -> Outcome<Value> {
    let mut bound = args.bind(&["other", "method", "tolerance", "copy", "fill_value"])?;
    bound.take("copy");
    let arg = bound.need("other")?;
    let coords = match &arg.value {
        Value::Array(o) => &o.coords,
        Value::Dataset(d) => &d.coords,
        _ => return Err(bound.wrong("other", &arg, "a DataArray or a Dataset")),
    };
    let how = How {
        method: bound.choice("method", Method::NAMES, Method::Exact)?,
        tolerance: bound.number("tolerance")?,
        fill: bound.number("fill_value")?,
    };
    let own = plan.names(a.node)?;
    let mut out = a.clone();
    let indexes: IndexMap<&String, &LazyCoord> = coords.iter().filter(|(n, c)| c.dims == [(*n).clone()]).collect();
    for dim in &own {
        if let Some(coord) = indexes.get(dim)
            && let Some(values) = coord.known()
        {
            out = at_labels(plan, &out, dim, (*coord).clone_with(values), how).map_err(|f| f.at(arg.span))?;
        }
    }
    Ok(Value::Array(out))
}

/// A coordinate with its cells.
trait CloneWith {
    fn clone_with(&self, values: &Arc<Values>) -> LazyCoord;
}

impl CloneWith for LazyCoord {
    fn clone_with(&self, values: &Arc<Values>) -> LazyCoord {
        let mut out = self.clone();
        out.data = crate::lazy::CoordData::Known(values.clone(), vec![values.len()]);
        out
    }
}

/// The labels that an argument asks for, under the name of the dim.
fn wanted(plan: &mut Plan, a: &LazyArray, dim: &str, arg: &Arg) -> Outcome<LazyCoord> {
    let mut coord = match (&arg.value, a.index(dim).map(|v| &**v)) {
        // Texts on a time index are times.
        (Value::List(_), Some(Values::Times(times))) => match literals::cells(plan, &arg.value)?.0 {
            Values::Texts(texts) => {
                let calendar = times.encoding.calendar;
                let micros = texts.iter().map(|t| Ok(dates::parse(t, calendar)?.start)).collect::<Outcome<_>>()?;
                LazyCoord::along(dim, Values::Times(Times { micros, encoding: times.encoding.clone() }), Default::default())
            }
            values => LazyCoord::along(dim, values, Default::default()),
        },
        _ => literals::coordinate(plan, &arg.value, dim)?,
    };
    if coord.dims.len() != 1 {
        return refuse(format!("the labels of '{dim}' must be a list of them"));
    }
    coord.dims = vec![dim.to_owned()];
    Ok(coord)
}

/// The array at other labels of one dim.
///
/// # Errors
/// When labels repeat, or cannot be compared.
pub fn at_labels(plan: &mut Plan, a: &LazyArray, dim: &str, wanted: LazyCoord, how: How) -> Outcome<LazyArray> {
    let Some(index) = a.index(dim).cloned() else {
        let length = plan.node(a.node)?.dims[plan.axis(a.node, dim)?].len;
        return match wanted.known() {
            // A dim without labels takes those that are given, if there are as many.
            Some(values) if values.len() == length => {
                let mut out = a.clone();
                out.coords.insert(dim.to_owned(), wanted);
                Ok(out)
            }
            _ => refuse(format!("dimension '{dim}' of length {length} has no labels to look up")),
        };
    };
    let Some(values) = wanted.known() else { return refuse(format!("the labels of '{dim}' must be known while planning")) };
    if labels::equal(&index, values) {
        return Ok(a.clone());
    }
    let comparable = match (&*index, &**values) {
        (Values::Times(x), Values::Times(y)) => labels::same_calendar(&x.encoding, &y.encoding),
        (Values::Numbers(_), Values::Numbers(_)) | (Values::Texts(_), Values::Texts(_)) => true,
        _ => false,
    };
    if !comparable {
        return Err(Fault::unsupported(format!("labels of another kind or calendar than those of '{dim}'")));
    }
    let have = Labels::new(dim, &index);
    if labels::positions(&have.keys).is_none() {
        return refuse(format!("cannot reindex along '{dim}': its labels repeat"));
    }
    let at = labels::labels(values)
        .into_iter()
        .map(|l| Ok(have.look_up(&l, how.method, how.tolerance)?.map_or(-1, |i| i as i64)))
        .collect::<Outcome<Vec<i64>>>()?;
    let mut out = match how.fill {
        Some(fill) if at.contains(&-1) => filled(plan, a, dim, &at, values, fill)?,
        _ => indexing::reindex(plan, a, dim, &at, values)?,
    };
    // As in xarray, the labels are the other's and what is said of them the array's own.
    let attrs = a.coords.get(dim).map(|c| c.attrs.clone()).unwrap_or_default();
    out.coords.insert(dim.to_owned(), LazyCoord { attrs, ..wanted });
    Ok(out)
}

/// As [`indexing::reindex`], with `fill` where there is no label.
fn filled(plan: &mut Plan, a: &LazyArray, dim: &str, at: &[i64], labels: &Values, fill: f64) -> Outcome<LazyArray> {
    if a.cells != Cells::Numbers {
        return Err(Fault::unsupported("a fill_value for times or texts"));
    }
    if let Some((name, _)) = a.coords.iter().find(|(n, c)| *n != dim && c.dims.iter().any(|d| d == dim)) {
        return Err(Fault::unsupported(format!("a fill_value where the coordinate '{name}' along '{dim}' would take it too")));
    }
    let dtype = plan.dtype(a.node)?;
    let whole = fill.fract() == 0.0;
    if !dtype.is_float() && (!whole || fill.abs() > 9e15 || dtype == DType::Bool) {
        return Err(Fault::unsupported(format!("fill_value={fill} for cells of type {dtype}")));
    }
    let mut out = indexing::reindex(plan, a, dim, at, labels)?;
    let nearest: Vec<i64> = at.iter().map(|&i| i.max(0)).collect();
    let picked = plan.take(a.node, dim, Index::compact(&nearest))?;
    let gone = plan.constant(&[dim.to_owned()], Block::from_vec(&[at.len()], at.iter().map(|&i| i < 0).collect::<Vec<bool>>())?)?;
    let value = if dtype.is_float() { Operand::Float(fill) } else { Operand::Int(fill as i64) };
    out.node = plan.select_like(picked.into(), gone, value, picked.into(), dtype)?;
    Ok(out)
}
