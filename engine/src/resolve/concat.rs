//! `xr.concat`: arrays or datasets end to end along a dim, old or new.
//!
//! In: arrays or datasets, and a dim. Out: one of their kind. Never sorts along the dim.

mod coords;
mod stack;

use super::align::{self, Join};
use super::args::{Arg, Args, Bound};
use super::dataset;
use super::fault::{Fault, Outcome, refuse};
use super::literals;
use crate::lazy::{CoordData, LazyArray, LazyCoord, LazyDataset, Plan, Value};
use indexmap::{IndexMap, IndexSet};
use stack::Stack;
use xeng_kernels::Dim;
use xeng_proto::Attrs;

/// What an array is called while it is joined as a dataset of one variable; no user sees it.
const ARRAY: &str = "the array";

/// Which of several variables are joined (`data_vars`, `coords`).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Over {
    /// Those that have the dim.
    Minimal,
    /// Those that have the dim, and those that differ.
    Different,
    /// Every one.
    All,
}

/// How the objects are joined.
struct Asked {
    dim: String,
    /// The labels of the joined dim, where they are given.
    index: Option<LazyCoord>,
    join: Join,
    data: Over,
    coords: Over,
    /// Whether what is not joined is the first one's, without a look at the others (`compat='override'`).
    overrides: bool,
}

/// One of the objects: variables by name, data among them.
struct Part {
    data: IndexMap<String, LazyCoord>,
    coords: IndexMap<String, LazyCoord>,
    sizes: IndexMap<String, usize>,
}

/// `xr.concat([a, b], dim)`
///
/// # Errors
/// When the objects cannot be aligned along their other dims, or a coordinate is in some of them only.
pub fn function(plan: &mut Plan, args: Args) -> Outcome<Value> {
    let mut bound = args.bind(&[
        "objs",
        "dim",
        "data_vars",
        "coords",
        "compat",
        "positions",
        "fill_value",
        "join",
        "combine_attrs",
        "create_index_for_new_dim",
    ])?;
    bound.unsupported(&["positions", "fill_value", "create_index_for_new_dim"])?;
    let objs = bound.need("objs")?;
    let (Value::List(items) | Value::Tuple(items)) = &objs.value else { return Err(bound.wrong("objs", &objs, "a list of arrays")) };
    let asked = asked(plan, &mut bound)?;
    let all_arrays = items.iter().all(|v| matches!(v, Value::Array(_)));
    let datasets = items.iter().map(|v| whole(plan, v)).collect::<Outcome<Vec<_>>>().map_err(|f| f.at(objs.span))?;
    let mixed = !all_arrays && items.iter().any(|v| matches!(v, Value::Array(_)));
    if datasets.is_empty() || mixed {
        let why = if mixed { "takes either arrays or datasets" } else { "needs at least one array" };
        return Err(Fault::new(format!("concat() {why}")).at(objs.span));
    }
    let out = joined(plan, datasets, &asked).map_err(|f| f.at(objs.span))?;
    match (all_arrays, items.first()) {
        (true, Some(Value::Array(first))) => match out.variables.get(ARRAY) {
            Some(array) => {
                Ok(Value::Array(LazyArray { name: first.name.clone(), attrs: first.attrs.clone(), coords: out.coords, ..array.clone() }))
            }
            None => refuse("concat() lost its array"),
        },
        _ => Ok(Value::Dataset(out)),
    }
}

fn asked(plan: &mut Plan, bound: &mut Bound) -> Outcome<Asked> {
    const OVER: &[(&str, Over)] = &[("all", Over::All), ("different", Over::Different), ("minimal", Over::Minimal)];
    const JOINS: &[(&str, Join)] =
        &[("outer", Join::Outer), ("inner", Join::Inner), ("left", Join::Left), ("right", Join::Right), ("exact", Join::Exact)];
    let arg = bound.need("dim")?;
    let (dim, index) = dim_of(plan, &arg).map_err(|f| f.at(arg.span))?;
    let compat = bound.choice("compat", &[("equals", false), ("override", true)], false)?;
    bound.choice("combine_attrs", &[("override", ())], ())?;
    let data = bound.choice("data_vars", OVER, Over::All)?;
    let coords = bound.choice("coords", OVER, Over::Different)?;
    if compat && (coords == Over::Different || data == Over::Different) {
        return refuse("concat(): compat='override' compares nothing, so that it needs coords='minimal'");
    }
    if data == Over::Different {
        return Err(Fault::unsupported("data_vars='different', for which variables would have to be read,"));
    }
    Ok(Asked { dim, index, join: bound.choice("join", JOINS, Join::Outer)?, data, coords, overrides: compat })
}

fn dim_of(plan: &mut Plan, arg: &Arg) -> Outcome<(String, Option<LazyCoord>)> {
    match &arg.value {
        Value::Text(t) => Ok((t.clone(), None)),
        Value::Array(a) => {
            let dims = plan.names(a.node)?;
            let [dim] = dims.as_slice() else { return refuse("concat(): the dim must be a name or an array along one dimension") };
            let coord = literals::coordinate(plan, &arg.value, dim)?;
            Ok((dim.clone(), Some(coord)))
        }
        other => refuse(format!("concat(): the dim must be a name, not {}", other.type_name())),
    }
}

/// An object as a dataset.
fn whole(plan: &Plan, v: &Value) -> Outcome<LazyDataset> {
    match v {
        Value::Dataset(d) => Ok(d.clone()),
        Value::Array(a) => dataset::gather(plan, [(ARRAY.to_owned(), a.clone())].into(), &LazyDataset::default()),
        other => refuse(format!("concat() takes arrays, not {}", other.type_name())),
    }
}

fn joined(plan: &mut Plan, datasets: Vec<LazyDataset>, asked: &Asked) -> Outcome<LazyDataset> {
    let attrs = datasets.first().map(|d| d.attrs.clone()).unwrap_or_default();
    let mut parts = aligned(plan, datasets, asked)?;
    let dim = asked.dim.as_str();
    with_dim(plan, &mut parts, dim)?;
    let names = |of: fn(&Part) -> &IndexMap<String, LazyCoord>| -> IndexSet<String> {
        parts.iter().flat_map(|p| of(p).keys().cloned()).collect::<IndexSet<_>>()
    };
    let (data, coords) = (names(|p| &p.data), names(|p| &p.coords));
    if let Some(name) = data.iter().find(|n| coords.contains(*n)) {
        return refuse(format!("concat(): '{name}' is a coordinate of some only"));
    }
    for name in coords.iter().filter(|n| *n != dim) {
        let mut indexed = parts.iter().filter_map(|p| p.coords.get(name)).map(|c| c.dims == [name.clone()]);
        if indexed.next().is_some_and(|first| indexed.any(|other| other != first)) {
            return refuse(format!(
                "concat(): '{name}' holds the labels of a dimension in some only; leave it out with .drop_vars('{name}')"
            ));
        }
    }
    let is_old = parts.iter().any(|p| p.sizes.contains_key(dim));
    if !is_old && asked.data == Over::Minimal && asked.coords == Over::Minimal {
        return refuse("concat(): along a new dimension, not both data_vars and coords can be 'minimal'");
    }
    let stack = Stack::new(dim, &parts);
    let over = coords::over(plan, &parts, asked)?;
    let mut out_coords: IndexMap<String, LazyCoord> = IndexMap::new();
    for name in &coords {
        let coord = if over.contains(name) { stack.coordinate(plan, &parts, name)? } else { coords::kept(plan, &parts, name, asked)? };
        out_coords.insert(name.clone(), coord);
    }
    if let Some(index) = &asked.index {
        out_coords.insert(dim.to_owned(), labelled(index, dim, stack.total())?);
    }
    let mut variables = IndexMap::new();
    for name in &data {
        let along = asked.data == Over::All || parts.iter().any(|p| p.data.get(name).is_some_and(|v| v.dims.iter().any(|d| d == dim)));
        let found = if along { stack.variable(plan, &parts, name)? } else { coords::kept_data(plan, &parts, name, asked)? };
        let CoordData::Lazy(node, cells) = found.data else { return refuse(format!("concat() lost the variable '{name}'")) };
        let own: Vec<(String, LazyCoord)> =
            out_coords.iter().filter(|(_, c)| c.dims.iter().all(|d| found.dims.contains(d))).map(|(n, c)| (n.clone(), c.clone())).collect();
        let array = LazyArray { name: Some(name.clone()), node, coords: own.into_iter().collect(), attrs: found.attrs, cells };
        variables.insert(name.clone(), array);
    }
    Ok(LazyDataset { variables, coords: out_coords, attrs })
}

/// Every variable brought onto common labels of all dims but the joined one.
fn aligned(plan: &mut Plan, datasets: Vec<LazyDataset>, asked: &Asked) -> Outcome<Vec<Part>> {
    let mut arrays: Vec<LazyArray> = datasets.iter().flat_map(|d| d.variables.values().cloned()).collect();
    align::align(plan, &mut arrays, asked.join, &[asked.dim.as_str()])?;
    let mut arrays = arrays.into_iter();
    datasets
        .iter()
        .map(|d| {
            let variables = d.variables.keys().cloned().zip(arrays.by_ref()).collect();
            let whole = dataset::gather(plan, variables, d)?;
            let data: IndexMap<String, LazyCoord> = whole
                .variables
                .iter()
                .map(|(name, v)| {
                    let dims = plan.names(v.node)?;
                    Ok((name.clone(), LazyCoord { dims, data: CoordData::Lazy(v.node, v.cells.clone()), attrs: v.attrs.clone() }))
                })
                .collect::<Outcome<_>>()?;
            let mut sizes = IndexMap::new();
            for v in data.values().chain(whole.coords.values()) {
                sizes.extend(v.dims.iter().cloned().zip(shape(plan, v)?));
            }
            Ok(Part { data, coords: whole.coords, sizes })
        })
        .collect()
}

/// The lengths of a variable.
fn shape(plan: &Plan, v: &LazyCoord) -> Outcome<Vec<usize>> {
    Ok(match &v.data {
        CoordData::Known(_, shape) => shape.clone(),
        CoordData::Lazy(node, _) => plan.node(*node)?.shape(),
    })
}

/// Where `dim` is a coordinate but nowhere a dim with labels, every data variable gets it.
fn with_dim(plan: &mut Plan, parts: &mut [Part], dim: &str) -> Outcome<()> {
    let is_named = parts.iter().any(|p| p.coords.contains_key(dim) || p.data.contains_key(dim));
    let has_labels = parts.iter().any(|p| p.sizes.contains_key(dim) && p.coords.contains_key(dim));
    if !is_named || has_labels {
        return Ok(());
    }
    for part in parts {
        if part.sizes.contains_key(dim) || part.data.contains_key(dim) {
            return refuse(format!("concat(): '{dim}' is a dimension of some and another variable of others"));
        }
        for v in part.data.values_mut() {
            if let CoordData::Lazy(node, _) = &mut v.data {
                *node = plan.expand(*node, 0, Dim::new(dim, 1))?;
                v.dims.insert(0, dim.to_owned());
            }
        }
        if let Some(c) = part.coords.get_mut(dim) {
            let known = c.known().cloned();
            let Some(values) = known.filter(|_| c.dims.is_empty()) else {
                return refuse(format!("concat(): the labels of '{dim}' must be single and known while planning"));
            };
            *c = LazyCoord::along(dim, crate::lazy::labels::repeat(&values, 1)?, c.attrs.clone());
        }
        part.sizes.insert(dim.to_owned(), 1);
    }
    Ok(())
}

/// Given labels of the joined dim.
fn labelled(index: &LazyCoord, dim: &str, total: usize) -> Outcome<LazyCoord> {
    if index.known().is_none_or(|v| v.len() != total) {
        return refuse(format!("concat(): {} labels for {total} indices of '{dim}'", index.known().map_or(0, |v| v.len())));
    }
    Ok(LazyCoord { dims: vec![dim.to_owned()], attrs: Attrs::clone(&index.attrs), data: index.data.clone() })
}
