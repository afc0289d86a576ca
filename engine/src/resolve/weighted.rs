//! `.weighted(w)`: sums, means and moments with weights, as sums of products.
//!
//! In: an array, its weights. Out: reduced arrays. Never normalises weights beforehand: missing cells change their sum.

use super::align::{self, Join};
use super::args::{Args, Names};
use super::calls::Receiver;
use super::dataset;
use super::fault::{Fault, Outcome, refuse};
use super::operators::{Infix, infix_array, numbers_only};
use super::reduce;
use super::{elementwise, indexing};
use crate::expr::BinaryOp;
use crate::lazy::plan::Operand;
use crate::lazy::value::Weighted;
use crate::lazy::{Cells, LazyArray, Number, Plan, Value, fold};
use xeng_kernels::formula::{Binary, Unary};
use xeng_kernels::{DType, Reduction};
use xeng_proto::Attrs;

/// What a weighted object can do.
pub const METHODS: &[&str] = &["mean", "sum", "sum_of_weights", "sum_of_squares", "var", "std"];

/// `.weighted(w)`
///
/// # Errors
/// When the weights are no array, or have missing cells.
pub fn weighted(plan: &mut Plan, base: &Value, args: Args) -> Outcome<Value> {
    let mut bound = args.bind(&["weights"])?;
    let arg = bound.need("weights")?;
    let Value::Array(weights) = &arg.value else { return Err(bound.wrong("weights", &arg, "a DataArray")) };
    if weights.cells != Cells::Numbers {
        return Err(bound.wrong("weights", &arg, "an array of numbers"));
    }
    let missing =
        || Fault::new("`weights` cannot contain missing values; missing values can be replaced by `weights.fillna(0)`").at(arg.span);
    match fold::values(plan, weights) {
        Some(values) if elementwise::any_missing(&values) => return Err(missing()),
        Some(_) => {}
        // What depends on data is looked at when it has been read.
        None => refuse_missing(plan, weights, missing())?,
    }
    Ok(Value::Weighted(Box::new(Weighted { object: base.clone(), weights: weights.clone() })))
}

/// Lets the run fail with `fault` where a cell is missing.
fn refuse_missing(plan: &mut Plan, weights: &LazyArray, fault: Fault) -> Outcome<()> {
    let dtype = plan.dtype(weights.node)?;
    if !dtype.is_float() {
        return Ok(());
    }
    let missing = plan.unary(Unary::IsNan, weights.node, dtype)?;
    let dims = plan.names(missing)?;
    let any = plan.reduce(missing, Reduction::Any, &dims)?;
    plan.refuse_if(any, fault);
    Ok(())
}

/// A method of a weighted object.
///
/// # Errors
/// When a dim exists in neither the array nor its weights.
pub fn method(plan: &mut Plan, w: &Weighted, name: &str, args: Args) -> Outcome<Value> {
    let takes_skipna = name != "sum_of_weights";
    let mut bound = args.bind(if takes_skipna { &["dim", "skipna", "keep_attrs"] } else { &["dim", "keep_attrs"] })?;
    let span = bound.span("dim");
    let names = bound.names("dim")?;
    if names == Names::All {
        let fault = Fault::new("weighted reductions take names of dimensions, not `...`; leave `dim` out for all");
        return Err(span.map_or(fault.clone(), |s| fault.at(s)));
    }
    let skipna = bound.flag("skipna", None)?;
    let keep = bound.flag("keep_attrs", Some(true))?.unwrap_or(true);
    let one = |plan: &mut Plan, a: &LazyArray| -> Outcome<LazyArray> {
        let dims = dims_of(plan, a, &w.weights, &names).map_err(|f| span.map_or(f.clone(), |span| f.at(span)))?;
        let mut out = apply(plan, a, &w.weights, name, &dims, skipna)?;
        out.name.clone_from(&a.name);
        out.attrs = if keep { a.attrs.clone() } else { Attrs::new() };
        if !keep {
            out.coords.values_mut().for_each(|c| c.attrs.clear());
        }
        Ok(out)
    };
    match &w.object {
        Value::Array(a) => Ok(Value::Array(one(plan, a)?)),
        // As in xarray, every variable must have numbers and the dims.
        Value::Dataset(d) => {
            let mut d = d.clone();
            if !keep {
                d.attrs.clear();
            }
            dataset::each(plan, &d, |plan, v| one(plan, v).map_err(|f| about(v, f)))
        }
        other => refuse(format!("{} cannot be weighted", other.type_name())),
    }
}

/// A fault of one variable of a dataset, with its name and the way out.
fn about(v: &LazyArray, f: Fault) -> Fault {
    let name = v.name.as_deref().unwrap_or_default();
    let message =
        format!("'{name}' of the dataset: {}; leave it out with .drop_vars('{name}'), or name the variables: ds[['tas']]", f.message);
    Fault { message, ..f }
}

fn dims_of(plan: &Plan, a: &LazyArray, w: &LazyArray, names: &Names) -> Outcome<Vec<String>> {
    numbers_only(a, "weighted")?;
    let mut all = plan.names(a.node)?;
    for d in plan.names(w.node)? {
        if !all.contains(&d) {
            all.push(d);
        }
    }
    match names {
        Names::Absent | Names::All => Ok(all),
        Names::These(dims) => reduce::existing(dims, &all, &Receiver::array()),
    }
}

fn apply(plan: &mut Plan, a: &LazyArray, w: &LazyArray, name: &str, dims: &[String], skipna: Option<bool>) -> Outcome<LazyArray> {
    match name {
        "sum" => sum_of_products(plan, a, w, dims, skipna),
        "sum_of_weights" => sum_of_weights(plan, a, w, dims),
        "mean" => mean(plan, a, w, dims, skipna),
        "sum_of_squares" => sum_of_squares(plan, a, w, dims, skipna),
        "var" => var(plan, a, w, dims, skipna),
        _ => {
            let v = var(plan, a, w, dims, skipna)?;
            let dtype = plan.dtype(v.node)?;
            Ok(LazyArray { node: plan.unary(Unary::Sqrt, v.node, dtype)?, ..v })
        }
    }
}

fn mean(plan: &mut Plan, a: &LazyArray, w: &LazyArray, dims: &[String], skipna: Option<bool>) -> Outcome<LazyArray> {
    let sum = sum_of_products(plan, a, w, dims, skipna)?;
    let weights = sum_of_weights(plan, a, w, dims)?;
    ratio(plan, &sum, &weights)
}

fn var(plan: &mut Plan, a: &LazyArray, w: &LazyArray, dims: &[String], skipna: Option<bool>) -> Outcome<LazyArray> {
    let squares = sum_of_squares(plan, a, w, dims, skipna)?;
    let weights = sum_of_weights(plan, a, w, dims)?;
    ratio(plan, &squares, &weights)
}

fn sum_of_squares(plan: &mut Plan, a: &LazyArray, w: &LazyArray, dims: &[String], skipna: Option<bool>) -> Outcome<LazyArray> {
    let centre = mean(plan, a, w, dims, None)?;
    let departure = binary(plan, BinaryOp::Subtract, a, &centre)?;
    let squared = infix_array(plan, Infix::Binary(BinaryOp::Power), &Value::Array(departure), &Value::Number(Number::Int(2)))?;
    sum_of_products(plan, &squared, w, dims, skipna)
}

fn ratio(plan: &mut Plan, a: &LazyArray, b: &LazyArray) -> Outcome<LazyArray> {
    binary(plan, BinaryOp::Divide, a, b)
}

fn binary(plan: &mut Plan, op: BinaryOp, a: &LazyArray, b: &LazyArray) -> Outcome<LazyArray> {
    infix_array(plan, Infix::Binary(op), &Value::Array(a.clone()), &Value::Array(b.clone()))
}

/// `xr.dot(a.fillna(0), w, dim=dims)`: missing weights make the result missing.
fn sum_of_products(plan: &mut Plan, a: &LazyArray, w: &LazyArray, dims: &[String], skipna: Option<bool>) -> Outcome<LazyArray> {
    let masked = skipna.unwrap_or_else(|| plan.dtype(a.node).is_ok_and(DType::is_float));
    let a = if masked { elementwise::filled(plan, a, &elementwise::weak(0.0))? } else { a.clone() };
    dot(plan, &a, w, dims)
}

/// `xr.dot(a, b, dim=dims)` of aligned arrays.
///
/// # Errors
/// When they cannot be aligned.
pub fn dot(plan: &mut Plan, a: &LazyArray, b: &LazyArray, dims: &[String]) -> Outcome<LazyArray> {
    let mut both = vec![a.clone(), b.clone()];
    align::align(plan, &mut both, Join::Inner, &[])?;
    let within = plan.dtype(both[0].node)?.promote(plan.dtype(both[1].node)?);
    let kernel = if within == DType::Bool { Binary::And } else { Binary::Mul };
    let product = plan.binary(kernel, both[0].node.into(), both[1].node.into(), within)?;
    let present: Vec<String> = plan.names(product)?.into_iter().filter(|d| dims.contains(d)).collect();
    let sum = plan.reduce(product, Reduction::Sum { skipna: false, min_count: 0 }, &present)?;
    // `einsum` keeps the type of its operands.
    let node = plan.cast(sum, within)?;
    let mut coords = align::merge_coords(plan, &[&both[0].coords, &both[1].coords])?;
    coords.retain(|_, c| !c.dims.iter().any(|d| dims.contains(d)));
    Ok(LazyArray { name: align::common_name(&[a, b]), node, coords, attrs: Attrs::new(), cells: Cells::Numbers })
}

fn sum_of_weights(plan: &mut Plan, a: &LazyArray, w: &LazyArray, dims: &[String]) -> Outcome<LazyArray> {
    let Value::Array(there) = elementwise::notnull(
        plan,
        a,
        Args { callee: "notnull".to_owned(), positional: vec![], keyword: indexmap::IndexMap::new() },
        &Receiver::array(),
    )?
    else {
        return refuse("weights of something that is no array");
    };
    let mut w = w.clone();
    if plan.dtype(w.node)? == DType::Bool {
        w.node = plan.cast(w.node, DType::I64)?;
    }
    let sum = dot(plan, &there, &w, dims)?;
    let dtype = plan.dtype(sum.node)?;
    let valid = plan.binary(Binary::Ne, sum.node.into(), Operand::Int(0), dtype)?;
    let node = plan.select_like(sum.node.into(), valid, sum.node.into(), Operand::Float(f64::NAN), indexing::promoted(dtype))?;
    Ok(LazyArray { node, ..sum })
}
