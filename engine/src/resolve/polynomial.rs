//! `.polyfit` and `xr.polyval`: polynomials of least squares along a dim, and their values.
//!
//! In: an array, a dim, a degree; or a coordinate and coefficients. Out: coefficients; or an array. Never weighs cells.

use super::args::Args;
use super::dataset;
use super::fault::{Fault, Outcome, refuse};
use super::indexing::{self, Picked, Scalars};
use super::operators::{Infix, infix_array, numbers_only};
use super::reindex;
use crate::expr::BinaryOp;
use crate::lazy::labels;
use crate::lazy::plan::Operand;
use crate::lazy::{Cells, LazyArray, LazyCoord, LazyDataset, Number, Plan, Value};
use indexmap::IndexMap;
use std::sync::Arc;
use xeng_kernels::along::Along;
use xeng_kernels::formula::Binary;
use xeng_kernels::{Block, DType};
use xeng_proto::{Attrs, Values};

/// The dim of coefficients.
const DEGREE: &str = "degree";
/// The highest degree that is taken.
const MOST_DEGREE: i64 = xeng_kernels::along::MOST_DEGREE as i64;

/// `.polyfit('time', 1, skipna=None)`: a dataset with `polyfit_coefficients`, the highest degree first.
///
/// Times count in nanoseconds since 1970, as in xarray.
///
/// # Errors
/// When the dim does not exist, its labels are texts, or those of another dim repeat.
pub fn polyfit(plan: &mut Plan, base: &Value, args: Args) -> Outcome<Value> {
    let mut bound = args.bind(&["dim", "deg", "skipna", "rcond", "w", "full", "cov"])?;
    bound.unsupported(&["rcond", "w"])?;
    for name in ["full", "cov"] {
        if let Some(arg) = bound.some(name).filter(|a| !matches!(a.value, Value::Bool(false))) {
            return Err(Fault::unsupported(format!("polyfit(): the argument '{name}'")).at(arg.span));
        }
    }
    let arg = bound.need("dim")?;
    let Value::Text(dim) = &arg.value else { return Err(bound.wrong("dim", &arg, "a name")) };
    let Some(degree) = bound.int("deg")? else { return refuse("polyfit() needs the argument 'deg'") };
    if !(0..=MOST_DEGREE).contains(&degree) {
        return refuse(format!("polyfit(): the degree must lie between 0 and {MOST_DEGREE}"));
    }
    let skipna = bound.flag("skipna", None)?.unwrap_or(true);
    let ask = Ask { dim, degree: degree as usize, skipna };
    match base {
        Value::Array(a) => {
            plan.axis(a.node, dim).map_err(|f| f.at(arg.span))?;
            let name = "polyfit_coefficients".to_owned();
            let out = LazyArray { name: Some(name.clone()), ..fit(plan, a, ask)? };
            Ok(Value::Dataset(dataset::gather(plan, [(name, out)].into(), &LazyDataset::default())?))
        }
        Value::Dataset(d) => {
            if !dataset::dims(plan, d)?.contains(dim) {
                return Err(Fault::new(format!("there is no dimension '{dim}'")).at(arg.span));
            }
            let mut variables = IndexMap::new();
            for (key, v) in &d.variables {
                if plan.names(v.node)?.contains(dim) {
                    let name = format!("{key}_polyfit_coefficients");
                    variables.insert(name.clone(), LazyArray { name: Some(name), ..fit(plan, v, ask)? });
                }
            }
            let like = LazyDataset { attrs: d.attrs.clone(), ..LazyDataset::default() };
            Ok(Value::Dataset(dataset::gather(plan, variables, &like)?))
        }
        other => refuse(format!("{} has no polyfit()", other.type_name())),
    }
}

/// What is fitted.
#[derive(Clone, Copy)]
struct Ask<'a> {
    dim: &'a str,
    degree: usize,
    skipna: bool,
}

fn fit(plan: &mut Plan, a: &LazyArray, ask: Ask) -> Outcome<LazyArray> {
    numbers_only(a, "polyfit")?;
    if plan.dtype(a.node)? == DType::Bool {
        return refuse("polyfit() does not take truths; use .astype(float) first");
    }
    let dims = plan.dims(a.node)?;
    if dims.iter().any(|d| &*d.name == DEGREE) {
        return refuse(format!("polyfit() of an array that has a dimension '{DEGREE}' already"));
    }
    let length = dims.iter().find(|d| &*d.name == ask.dim).map_or(0, |d| d.len);
    let x = positions(a, ask.dim, length)?;
    if length == 0 || x.iter().any(|v| !v.is_finite()) || ask.degree > 0 && x.iter().all(|v| *v == 0.0) {
        return refuse(format!("polyfit(): the labels of '{}' are missing or all zero, so no polynomial can be found", ask.dim));
    }
    let node = plan.along(a.node, ask.dim, Along::Fit { x, degree: ask.degree, skips_missing: ask.skipna })?;
    let node = plan.rename(node, ask.dim, DEGREE)?;
    let mut order = vec![DEGREE.to_owned()];
    let mut coords = IndexMap::new();
    let powers: Vec<i64> = (0..=ask.degree as i64).rev().collect();
    coords.insert(DEGREE.to_owned(), numbered(DEGREE, powers)?);
    for d in dims.iter().filter(|d| &*d.name != ask.dim) {
        let name = d.name.to_string();
        if let Some(values) = a.index(&name) {
            if labels::positions(&labels::labels(values)).is_none() {
                return refuse(format!("polyfit(): the labels of '{name}' repeat"));
            }
            coords.extend(a.coords.get(&name).map(|c| (name.clone(), c.clone())));
        }
        order.push(name);
    }
    Ok(LazyArray { name: None, node: plan.transpose(node, &order)?, coords, attrs: Attrs::new(), cells: Cells::Numbers })
}

fn numbered(dim: &str, cells: Vec<i64>) -> Outcome<LazyCoord> {
    Ok(LazyCoord::along(dim, Values::Numbers(Block::from_vec(&[cells.len()], cells)?), Attrs::new()))
}

/// Labels as numbers, times in nanoseconds since 1970; indices where there are none.
fn positions(a: &LazyArray, dim: &str, length: usize) -> Outcome<Arc<[f64]>> {
    match a.index(dim).map(|v| &**v) {
        None => Ok((0..length).map(|i| i as f64).collect()),
        Some(Values::Numbers(block)) => Ok(block.to_f64_vec().into()),
        Some(Values::Times(times)) if times.micros.contains(&i64::MIN) => refuse(format!("some times along '{dim}' are missing")),
        Some(Values::Times(times)) => Ok(times.micros.iter().map(|&m| m as f64 * 1e3).collect()),
        Some(Values::Texts(_)) => refuse(format!("the labels of '{dim}' are texts, along which nothing can be fitted")),
    }
}

/// `xr.polyval(coord, coeffs, degree_dim='degree')`: by Horner's method.
///
/// # Errors
/// When the coefficients have no dim of whole numbers from 0 up.
pub fn polyval(plan: &mut Plan, args: Args) -> Outcome<Value> {
    let mut bound = args.bind(&["coord", "coeffs", "degree_dim"])?;
    let (coord, coeffs) = (bound.need("coord")?, bound.need("coeffs")?);
    let dim = bound.text("degree_dim")?.unwrap_or_else(|| DEGREE.to_owned());
    let Value::Array(x) = &coord.value else { return Err(bound.wrong("coord", &coord, "a DataArray")) };
    let x = as_numbers(plan, x)?;
    match &coeffs.value {
        Value::Array(c) => Ok(Value::Array(horner(plan, &x, c, &dim).map_err(|f| f.at(coeffs.span))?)),
        Value::Dataset(d) => {
            let mut bare = d.clone();
            bare.attrs.clear();
            dataset::each(plan, &bare, |plan, c| horner(plan, &x, c, &dim))
        }
        _ => Err(bound.wrong("coeffs", &coeffs, "a DataArray or a Dataset")),
    }
}

/// Times in nanoseconds since 1970.
fn as_numbers(plan: &mut Plan, x: &LazyArray) -> Outcome<LazyArray> {
    if !matches!(x.cells, Cells::Times(_)) {
        numbers_only(x, "polyval")?;
        return Ok(x.clone());
    }
    let micros = plan.cast(x.node, DType::F64)?;
    let node = plan.binary(Binary::Mul, micros.into(), Operand::Float(1e3), DType::F64)?;
    Ok(LazyArray { node, cells: Cells::Numbers, ..x.clone() })
}

fn horner(plan: &mut Plan, x: &LazyArray, c: &LazyArray, dim: &str) -> Outcome<LazyArray> {
    numbers_only(c, "polyval")?;
    let Some(Values::Numbers(degrees)) = c.index(dim).map(|v| (**v).clone()) else {
        return refuse(format!("polyval() needs coefficients with labels along '{dim}'"));
    };
    let most = degrees.to_i64_vec().into_iter().max().unwrap_or(-1);
    if !degrees.dtype().is_integer() || degrees.to_i64_vec().iter().any(|d| *d < 0) || !(0..=MOST_DEGREE).contains(&most) {
        return refuse(format!("polyval() needs whole numbers from 0 to {MOST_DEGREE} as labels of '{dim}'"));
    }
    let how = reindex::How { method: super::lookup::Method::Exact, tolerance: None, fill: Some(0.0) };
    let c = reindex::at_labels(plan, c, dim, numbered(dim, (0..=most).collect())?, how)?;
    let arithmetic =
        |plan: &mut Plan, op: BinaryOp, a: &LazyArray, b: Value| infix_array(plan, Infix::Binary(op), &Value::Array(a.clone()), &b);
    // As in xarray, the result begins as zeros along the coordinate.
    let mut out = arithmetic(plan, BinaryOp::Multiply, x, Value::Number(Number::Int(0)))?;
    for degree in (0..=most as usize).rev() {
        let term = indexing::pick(plan, &c, dim, &Picked::One(degree), Scalars::Drop)?;
        if degree as i64 != most {
            out = arithmetic(plan, BinaryOp::Multiply, &out, Value::Array(x.clone()))?;
        }
        out = arithmetic(plan, BinaryOp::Add, &out, Value::Array(term))?;
    }
    Ok(out)
}
