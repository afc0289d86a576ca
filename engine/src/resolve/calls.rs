//! The registry: which methods and attributes each kind of value has, and who carries them out.
//!
//! In: a receiver, a name, arguments. Out: a value. Never guesses: what is not listed is refused, with the nearest name.

use super::args::Args;
use super::elementwise as element;
use super::fault::{Fault, Outcome, refuse};
use super::group;
use super::reduce;
use super::{
    accessor, bins, calculus, coarsen, convert_calendar, cumulate, dataset, dropna, extremes, gaps, interp, keys, late_bins, literals,
    merge, numpy, own_names, pad, polynomial, quantile, rank, regrid, reindex, resample, rolling, selection, shape, stack, weighted, xr,
};
use crate::lazy::labels;
use crate::lazy::value::{Accessor, GroupingKind, Module};
use crate::lazy::{CoordData, LazyArray, LazyCoord, Plan, Value};
use crate::suggest;
use indexmap::IndexMap;
use xeng_proto::Values;

/// Whether a method is called on an array, or on each variable of a dataset.
#[derive(Clone, Debug, Default)]
pub struct Receiver {
    dataset_dims: Option<Vec<String>>,
    lenient: bool,
}

impl Receiver {
    /// An array of its own.
    pub fn array() -> Receiver {
        Receiver::default()
    }

    /// An array that may lack any dim.
    pub fn lenient() -> Receiver {
        Receiver { dataset_dims: None, lenient: true }
    }

    /// A variable of a dataset with these dims.
    pub fn dataset(dims: Vec<String>) -> Receiver {
        Receiver { dataset_dims: Some(dims), lenient: false }
    }

    /// Whether the array is one of a dataset's variables.
    pub fn is_dataset(&self) -> bool {
        self.dataset_dims.is_some()
    }

    /// The dims of the dataset; none for an array.
    pub fn dims(&self) -> &[String] {
        self.dataset_dims.as_deref().unwrap_or_default()
    }

    /// Whether an array without `dim` is left as it is rather than refused.
    pub fn has_dim(&self, dim: &str) -> bool {
        self.lenient || self.dataset_dims.as_ref().is_some_and(|d| d.iter().any(|x| x == dim))
    }
}

type Method = fn(&mut Plan, &LazyArray, Args, &Receiver) -> Outcome<Value>;

/// Methods that an array has, and a dataset for each of its variables.
const METHODS: &[(&str, Method)] = &[
    ("sel", selection::sel),
    ("isel", selection::isel),
    ("drop_sel", selection::drop_sel),
    ("head", selection::ends),
    ("tail", selection::ends),
    ("thin", selection::ends),
    ("transpose", shape::transpose),
    ("squeeze", shape::squeeze),
    ("rename", shape::rename),
    ("swap_dims", shape::swap_dims),
    ("expand_dims", shape::expand_dims),
    ("drop_vars", shape::drop_vars),
    ("drop", shape::drop_vars),
    ("reset_coords", shape::reset_coords),
    ("assign_coords", shape::assign_coords),
    ("assign_attrs", shape::assign_attrs),
    ("sortby", shape::sortby),
    ("broadcast_like", shape::broadcast_like),
    ("compute", unchanged),
    ("load", unchanged),
    ("persist", unchanged),
    ("chunk", unchanged),
    ("copy", unchanged),
    ("unify_chunks", unchanged),
    ("astype", element::astype),
    ("clip", element::clip),
    ("fillna", element::fillna),
    ("isnull", element::isnull),
    ("notnull", element::notnull),
    ("isin", element::isin),
    ("round", element::round),
    ("where", element::where_method),
    ("roll", element::roll),
    ("shift", element::shift),
    ("diff", element::diff),
    ("interp", interp::interp),
    ("interp_like", interp::interp_like),
    ("idxmin", extremes::idxmin),
    ("idxmax", extremes::idxmax),
    ("reindex", reindex::reindex),
    ("reindex_like", reindex::reindex_like),
    ("pad", pad::pad),
    ("dot", dot),
    ("combine_first", merge::combine_first),
    ("drop_duplicates", merge::drop_duplicates),
    ("conj", unchanged),
    ("conjugate", unchanged),
    ("as_numpy", unchanged),
    ("drop_encoding", unchanged),
    ("drop_attrs", drop_attrs),
    ("drop_isel", selection::drop_isel),
    ("dropna", |plan, a, args, _| dropna::of_array(plan, a, args)),
    ("quantile", quantile::quantile),
    ("rank", rank::rank),
    ("cumsum", cumulate::cumsum),
    ("cumprod", cumulate::cumprod),
    ("ffill", gaps::ffill),
    ("bfill", gaps::bfill),
    ("interpolate_na", gaps::interpolate_na),
    ("differentiate", calculus::differentiate),
    ("integrate", calculus::integrate),
    ("cumulative_integrate", calculus::cumulative_integrate),
];

/// Methods that make another kind of object.
const GROUPERS: &[&str] = &["groupby", "resample", "weighted", "coarsen", "rolling", "cumulative", "groupby_bins"];
/// Methods of arrays and datasets as a whole.
const WHOLE: &[&str] = &["polyfit", "convert_calendar", "interp_calendar", "stack"];
/// Methods of datasets alone.
const DATASET_ONLY: &[&str] =
    &["assign", "assign_attrs", "merge", "to_array", "to_dataarray", "rename_vars", "rename_dims", "drop_dims", "set_coords"];
/// Methods of arrays alone.
const ARRAY_ONLY: &[&str] = &["to_dataset"];
/// What xarray has and xeng lacks so far.
const NOT_YET: &[&str] = &[
    "rolling_exp",
    "curvefit",
    "map",
    "map_blocks",
    "pipe",
    "reduce",
    "apply",
    "set_index",
    "reset_index",
    "reorder_levels",
    "to_dataframe",
    "to_netcdf",
    "to_zarr",
    "to_numpy",
    "to_series",
    "to_pandas",
    "plot",
    "item",
    "equals",
    "identical",
    "broadcast_equals",
    "argsort",
    "searchsorted",
    "set_xindex",
    "drop_indexes",
    "to_unstacked_dataset",
    "str",
    "real",
    "imag",
    "eval",
    "query",
    "update",
    "filter_by_attrs",
    "get_index",
    "set_coords",
    "isel_points",
    "sel_points",
    "xindexes",
    "indexes",
    "encoding",
    "chunks",
    "chunksizes",
    "nbytes",
    "to_stacked_array",
    "var_names",
    "close",
    "info",
    "squeeze_dims",
];
/// Properties.
const PROPERTIES: &[&str] =
    &["T", "attrs", "coords", "dims", "shape", "sizes", "size", "ndim", "name", "dt", "xeng", "dtype", "loc", "values"];

/// `a.dot(b, dim=None)`
fn dot(plan: &mut Plan, a: &LazyArray, args: Args, _: &Receiver) -> Outcome<Value> {
    let mut bound = args.bind(&["other", "dim"])?;
    let other = bound.need("other")?;
    let Value::Array(b) = &other.value else { return Err(bound.wrong("other", &other, "a DataArray")) };
    let names = bound.names("dim")?;
    xr::dotted(plan, a, b, &names).map(Value::Array)
}

/// `.drop_attrs(deep=True)`
fn drop_attrs(_: &mut Plan, a: &LazyArray, args: Args, _: &Receiver) -> Outcome<Value> {
    let deep = args.bind(&["deep"])?.flag("deep", Some(true))? != Some(false);
    let mut out = a.clone();
    out.attrs.clear();
    if deep {
        out.coords.values_mut().for_each(|c| c.attrs.clear());
    }
    Ok(Value::Array(out))
}

fn unchanged(_: &mut Plan, a: &LazyArray, _: Args, _: &Receiver) -> Outcome<Value> {
    Ok(Value::Array(a.clone()))
}

/// The names of all methods that arrays and datasets have.
pub fn methods() -> Vec<&'static str> {
    let own = METHODS.iter().map(|(n, _)| *n).chain(GROUPERS.iter().copied()).chain(WHOLE.iter().copied());
    own.chain(DATASET_ONLY.iter().copied()).chain(ARRAY_ONLY.iter().copied()).chain(reduce::NAMES.iter().map(|(n, _)| *n)).collect()
}

fn method_names(base: &Value) -> Vec<&'static str> {
    let reductions = reduce::NAMES.iter().map(|(n, _)| *n);
    match base {
        Value::Array(_) | Value::Dataset(_) => {
            let mut names: Vec<&str> =
                METHODS.iter().map(|(n, _)| *n).chain(reductions).chain(GROUPERS.iter().copied()).chain(WHOLE.iter().copied()).collect();
            names.extend(if matches!(base, Value::Dataset(_)) { DATASET_ONLY } else { ARRAY_ONLY });
            names
        }
        Value::Grouped(g) => {
            let upsampling = if g.by.kind == GroupingKind::Resample { resample::UPSAMPLING } else { &[] };
            reductions.chain(["first", "last", "quantile", "cumsum", "cumprod", "fillna"]).chain(upsampling.iter().copied()).collect()
        }
        Value::Rolled(_) => rolling::METHODS.to_vec(),
        Value::Coarsened(_) => reductions.collect(),
        Value::Stacked(_) => reductions.chain(stack::METHODS.iter().copied()).collect(),
        Value::Binned(_) => late_bins::METHODS.to_vec(),
        Value::Weighted(_) => weighted::METHODS.to_vec(),
        Value::Module(Module::Numpy) => numpy::names(),
        Value::Module(Module::Xarray) => xr::FUNCTIONS.to_vec(),
        Value::Accessor(Accessor::Dt, _) => accessor::METHODS.to_vec(),
        Value::Accessor(Accessor::Xeng, _) => regrid::METHODS.to_vec(),
        Value::Dict(_) => vec!["keys", "values", "items", "get"],
        Value::Numpy(_) => vec!["astype", "mean", "sum", "min", "max"],
        _ => vec![],
    }
}

/// Refuses a method that the receiver does not have, before its arguments are looked at.
///
/// # Errors
/// When it does not exist, or is not supported yet.
pub fn check(base: &Value, name: &str) -> Outcome<()> {
    let known = method_names(base);
    if known.contains(&name) || matches!(base, Value::Numpy(_) | Value::Dict(_)) {
        return Ok(());
    }
    let owner = base.type_name();
    let arrays = matches!(
        base,
        Value::Array(_) | Value::Dataset(_) | Value::Grouped(_) | Value::Coarsened(_) | Value::Weighted(_) | Value::Rolled(_)
    );
    if arrays && NOT_YET.contains(&name)
        || numpy::NOT_YET.contains(&name) && matches!(base, Value::Module(Module::Numpy))
        || xr::NOT_YET.contains(&name) && matches!(base, Value::Module(Module::Xarray))
    {
        return Err(Fault::unsupported(format!("{owner}.{name}()")));
    }
    if arrays && PROPERTIES.contains(&name) {
        return refuse(format!("'{name}' is a property of {owner}, not a method: leave out the parentheses"));
    }
    let hint = suggest::did_you_mean(name, known).map(|h| format!("; {h}")).unwrap_or_default();
    refuse(format!("{owner} has no method '{name}'{hint}"))
}

/// `base.name(args)`
///
/// # Errors
/// What the method refuses.
pub fn method(plan: &mut Plan, base: &Value, name: &str, args: Args) -> Outcome<Value> {
    match base {
        Value::Array(_) | Value::Dataset(_) if GROUPERS.contains(&name) => grouper(plan, base, name, args),
        Value::Array(_) | Value::Dataset(_) if WHOLE.contains(&name) => whole(plan, base, name, args),
        Value::Dataset(d) if DATASET_ONLY.contains(&name) => dataset::own_method(plan, d, name, args),
        Value::Array(a) if name == "to_dataset" => dataset::to_dataset(plan, a, args),
        Value::Array(a) => array_method(plan, a, name, args, &Receiver::array()),
        Value::Dataset(d) => dataset::method(plan, d, name, args),
        Value::Grouped(g) => group::method(plan, g, name, args),
        Value::Coarsened(c) => coarsen::method(plan, c, name, args),
        Value::Rolled(r) => rolling::method(plan, r, name, args),
        Value::Stacked(s) => stack::method(plan, s, name, args),
        Value::Binned(b) => late_bins::method(plan, b, name, args),
        Value::Weighted(w) => weighted::method(plan, w, name, args),
        Value::Module(m) => function(plan, *m, name, args),
        Value::Accessor(Accessor::Dt, a) => accessor::method(plan, a, name, args),
        Value::Accessor(Accessor::Xeng, a) => regrid::method(plan, a, name, args),
        Value::Accessor(other, _) => Err(Fault::unsupported(format!("the accessor .{other:?}").to_lowercase())),
        Value::Numpy(block) => numpy::array_method(plan, block, name, args),
        Value::Dict(d) if name == "get" => {
            let mut bound = args.bind(&["key", "default"])?;
            let key = bound.text("key")?.unwrap_or_default();
            Ok(d.get(&key).cloned().or_else(|| bound.take("default").map(|a| a.value)).unwrap_or(Value::None))
        }
        other => refuse(format!("{} has no method '{name}'", other.type_name())),
    }
}

fn whole(plan: &mut Plan, base: &Value, name: &str, args: Args) -> Outcome<Value> {
    match name {
        "stack" => stack::stack(plan, base, args),
        "polyfit" => polynomial::polyfit(plan, base, args),
        "convert_calendar" => convert_calendar::convert_calendar(plan, base, args),
        _ => convert_calendar::interp_calendar(plan, base, args),
    }
}

fn grouper(plan: &mut Plan, base: &Value, name: &str, args: Args) -> Outcome<Value> {
    match name {
        "groupby" => keys::groupby(plan, base, args),
        "resample" => resample::resample(plan, base, args),
        "weighted" => weighted::weighted(plan, base, args),
        "rolling" => rolling::rolling(plan, base, args),
        "cumulative" => rolling::cumulative(plan, base, args),
        "groupby_bins" => bins::groupby_bins(plan, base, args),
        _ => coarsen::coarsen(plan, base, args),
    }
}

/// A method of an array.
///
/// # Errors
/// What the method refuses.
pub fn array_method(plan: &mut Plan, a: &LazyArray, name: &str, args: Args, receiver: &Receiver) -> Outcome<Value> {
    if let Some(kind) = reduce::named(name) {
        return reduce::method(plan, a, kind, args, receiver);
    }
    match METHODS.iter().find(|(n, _)| *n == name) {
        Some((_, f)) => f(plan, a, args, receiver),
        None => refuse(format!("DataArray has no method '{name}'")),
    }
}

/// A function of a module, or one of Python's own.
///
/// # Errors
/// What the function refuses.
pub fn function(plan: &mut Plan, module: Module, name: &str, args: Args) -> Outcome<Value> {
    match module {
        Module::Numpy => numpy::function(plan, name, args),
        Module::Xarray => xr::function(plan, name, args),
        Module::Builtins => numpy::builtin(plan, name, args),
    }
}

/// `base.name`
///
/// # Errors
/// When there is no such thing.
pub fn attribute(plan: &mut Plan, base: &Value, name: &str) -> Outcome<Value> {
    match base {
        Value::Array(a) => array_attribute(plan, a, name, base),
        Value::Dataset(d) => dataset::attribute(plan, d, name, base),
        Value::Module(Module::Numpy) => numpy::attribute(name),
        Value::Module(Module::Xarray) if xr::FUNCTIONS.contains(&name) => Ok(Value::Function(Module::Xarray, name.to_owned())),
        Value::Module(_) => unknown(base, name, method_names(base)),
        Value::Accessor(Accessor::Dt, a) => accessor::property(plan, a, name),
        Value::Accessor(other, _) => Err(Fault::unsupported(format!("the accessor .{other:?}").to_lowercase())),
        Value::Numpy(block) if name == "size" => Ok(Value::Number(crate::lazy::Number::Int(block.len() as i64))),
        Value::Numpy(_) if name == "values" => Ok(base.clone()),
        _ => unknown(base, name, method_names(base)),
    }
}

/// The complaint about an attribute that is not there.
///
/// # Errors
/// Always.
pub fn unknown<'a>(base: &Value, name: &str, known: impl IntoIterator<Item = &'a str>) -> Outcome<Value> {
    let methods = method_names(base);
    if methods.contains(&name) {
        return refuse(format!("'{name}' is a method of {}: call it, as in .{name}(...)", base.type_name()));
    }
    if NOT_YET.contains(&name) {
        return Err(Fault::unsupported(format!("{}.{name}", base.type_name())));
    }
    let hint = suggest::did_you_mean_or_list(name, known.into_iter().chain(methods)).map(|h| format!("; {h}")).unwrap_or_default();
    refuse(format!("{} has no attribute '{name}'{hint}", base.type_name()))
}

/// `da.values`: cells without labels, read while planning where they depend on data.
fn values(plan: &mut Plan, a: &LazyArray) -> Outcome<Value> {
    let block = plan.cells_of(&[a.node])?.pop();
    match (block.map(|b| labels::from_block(&b, &a.cells)), plan.dims(a.node)?.len()) {
        (Some(Values::Numbers(block)), _) => Ok(Value::Numpy(block)),
        (Some(Values::Texts(texts)), 1) => Ok(Value::List(texts.into_iter().map(Value::Text).collect())),
        _ => Err(Fault::unsupported("the values of times, or of texts of several dimensions")),
    }
}

fn array_attribute(plan: &mut Plan, a: &LazyArray, name: &str, base: &Value) -> Outcome<Value> {
    let int = |n: usize| Value::Number(crate::lazy::Number::Int(n as i64));
    let dims = plan.dims(a.node)?;
    Ok(match name {
        "loc" => Value::Loc(Box::new(base.clone())),
        "values" | "data" => return values(plan, a),
        "dt" => Value::Accessor(Accessor::Dt, Box::new(a.clone())),
        "xeng" => Value::Accessor(Accessor::Xeng, Box::new(a.clone())),
        "T" => {
            return shape::transpose(
                plan,
                a,
                Args { callee: "T".to_owned(), positional: vec![], keyword: IndexMap::new() },
                &Receiver::array(),
            );
        }
        "dims" => Value::Tuple(dims.iter().map(|d| Value::Text(d.name.to_string())).collect()),
        "shape" => Value::Tuple(dims.iter().map(|d| int(d.len)).collect()),
        "sizes" => Value::Dict(dims.iter().map(|d| (d.name.to_string(), int(d.len))).collect()),
        "size" => int(dims.iter().fold(1, |n, d| n.saturating_mul(d.len))),
        "ndim" => int(dims.len()),
        "real" => Value::Array(a.clone()),
        "nbytes" => int(plan.node(a.node)?.bytes()),
        "name" => a.name.clone().map_or(Value::None, Value::Text),
        "dtype" => Value::DType(plan.dtype(a.node)?),
        "attrs" => Value::Dict(attrs_dict(&a.attrs)),
        "coords" => coords_dict(plan, &a.coords)?,
        _ if own_names::of_array(name) => return unknown(base, name, []),
        _ => match coordinate_array(plan, a, name) {
            Ok(c) => Value::Array(c),
            Err(_) => return unknown(base, name, a.coords.keys().map(String::as_str)),
        },
    })
}

/// Attributes as a dict.
pub fn attrs_dict(attrs: &xeng_proto::Attrs) -> IndexMap<String, Value> {
    attrs.iter().map(|(name, value)| (name.clone(), literals::of_attribute(value))).collect()
}

/// Coordinates as a dict of arrays.
///
/// # Errors
/// When cells do not fit their shape.
pub fn coords_dict(plan: &mut Plan, coords: &IndexMap<String, LazyCoord>) -> Outcome<Value> {
    let each = coords.iter().map(|(name, c)| Ok((name.clone(), Value::Array(coord_as_array(plan, name, c, coords)?))));
    Ok(Value::Dict(each.collect::<Outcome<_>>()?))
}

/// A coordinate of an array as an array; a dim without labels counts from zero.
///
/// # Errors
/// When there is neither.
pub fn coordinate_array(plan: &mut Plan, a: &LazyArray, name: &str) -> Outcome<LazyArray> {
    if let Some(coord) = a.coords.get(name) {
        return coord_as_array(plan, name, coord, &a.coords);
    }
    if let Some((of, component)) = name.split_once('.')
        && let Some(coord) = a.coords.get(of)
    {
        let times = coord_as_array(plan, of, coord, &a.coords)?;
        return match accessor::property(plan, &times, component)? {
            Value::Array(mut c) => {
                c.attrs.clear();
                Ok(c)
            }
            other => refuse(format!("'{name}' is {}", other.type_name())),
        };
    }
    match plan.dims(a.node)?.iter().find(|d| &*d.name == name) {
        Some(d) => {
            let at: Vec<i64> = (0..d.len as i64).collect();
            let values = xeng_proto::Values::Numbers(xeng_kernels::Block::from_vec(&[at.len()], at)?);
            let mut out = literals::array_of(plan, &values, &[d.len], &[name.to_owned()])?;
            out.name = Some(name.to_owned());
            Ok(out)
        }
        None => {
            let hint =
                suggest::did_you_mean_or_list(name, a.coords.keys().map(String::as_str)).map(|h| format!("; {h}")).unwrap_or_default();
            refuse(format!("there is no coordinate '{name}'{hint}"))
        }
    }
}

/// A coordinate as an array, with those of its fellows that fit.
///
/// # Errors
/// When its cells do not fit their shape.
pub fn coord_as_array(plan: &mut Plan, name: &str, coord: &LazyCoord, others: &IndexMap<String, LazyCoord>) -> Outcome<LazyArray> {
    let (node, cells) = match &coord.data {
        CoordData::Known(values, shape) => {
            let (block, cells) = labels::to_block(values, shape)?;
            (plan.constant(&coord.dims, block).map_err(|f| f.about(name))?, cells)
        }
        CoordData::Lazy(node, cells) => (*node, cells.clone()),
    };
    let coords =
        others.iter().filter(|(_, c)| c.dims.iter().all(|d| coord.dims.contains(d))).map(|(n, c)| (n.clone(), c.clone())).collect();
    Ok(LazyArray { name: Some(name.to_owned()), node, coords, attrs: coord.attrs.clone(), cells })
}
