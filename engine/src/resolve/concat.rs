//! `xr.concat`: arrays end to end along a dim, old or new.
//!
//! In: arrays and a dim. Out: one array. Never sorts along the dim.

use super::align::{self, Join};
use super::args::{Arg, Args};
use super::fault::{Fault, Outcome, refuse};
use super::literals;
use crate::lazy::labels;
use crate::lazy::{Cells, CoordData, LazyArray, LazyCoord, Plan, Value};
use indexmap::IndexMap;
use xeng_kernels::{DType, Dim, NodeId, Op};
use xeng_proto::Values;

/// `xr.concat([a, b], dim)`
///
/// # Errors
/// When the arrays cannot be aligned along their other dims.
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
    bound.take("data_vars");
    bound.unsupported(&["coords", "compat", "positions", "fill_value", "combine_attrs", "create_index_for_new_dim"])?;
    let objs = bound.need("objs")?;
    let (Value::List(items) | Value::Tuple(items)) = &objs.value else { return Err(bound.wrong("objs", &objs, "a list of arrays")) };
    let mut arrays = vec![];
    for item in items {
        match item {
            Value::Array(a) => arrays.push(a.clone()),
            Value::Dataset(_) => return Err(Fault::unsupported("xr.concat() of datasets").at(objs.span)),
            other => return Err(Fault::new(format!("concat() takes arrays, not {}", other.type_name())).at(objs.span)),
        }
    }
    if arrays.is_empty() {
        return Err(Fault::new("concat() needs at least one array").at(objs.span));
    }
    let dim = bound.need("dim")?;
    let (name, index) = dim_of(plan, &dim).map_err(|f| f.at(dim.span))?;
    let join = match bound.text("join")?.as_deref() {
        None | Some("outer") => Join::Outer,
        Some("inner") => Join::Inner,
        Some("left") => Join::Left,
        Some("right") => Join::Right,
        Some("exact") => Join::Exact,
        Some(other) => return Err(Fault::unsupported(format!("join='{other}'"))),
    };
    joined(plan, arrays, &name, index, join).map(Value::Array)
}

fn dim_of(plan: &mut Plan, arg: &Arg) -> Outcome<(String, Option<LazyCoord>)> {
    match &arg.value {
        Value::Text(t) => Ok((t.clone(), None)),
        Value::Array(a) => {
            let dims = plan.names(a.node)?;
            let [dim] = dims.as_slice() else { return refuse("concat(): the dim must be a name or an array along one dimension") };
            let coord = literals::coordinate(plan, &arg.value, dim)?;
            Ok((a.name.clone().unwrap_or_else(|| dim.clone()), Some(coord)))
        }
        other => refuse(format!("concat(): the dim must be a name, not {}", other.type_name())),
    }
}

fn joined(plan: &mut Plan, mut arrays: Vec<LazyArray>, dim: &str, index: Option<LazyCoord>, join: Join) -> Outcome<LazyArray> {
    align::align(plan, &mut arrays, join, &[dim])?;
    let old = arrays.iter().map(|a| Ok(plan.names(a.node)?.iter().any(|d| d == dim))).collect::<Outcome<Vec<bool>>>()?;
    let order = common_order(plan, &arrays, dim)?;
    let dtype = common_type(plan, &arrays)?;
    let mut inputs = vec![];
    for (a, has) in arrays.iter().zip(&old) {
        let mut node = plan.cast(a.node, dtype)?;
        if !has {
            let at = order.iter().position(|d| d == dim).unwrap_or(0);
            node = plan.expand(node, at.min(plan.dims(node)?.len()), Dim::new(dim, 1))?;
        }
        inputs.push(plan.transpose(node, &order)?);
    }
    let lengths = inputs.iter().map(|&n| Ok(plan.node(n)?.dims[plan.axis(n, dim)?].len)).collect::<Outcome<Vec<usize>>>()?;
    let axis = plan.axis(inputs[0], dim)?;
    let node = if inputs.len() == 1 { inputs[0] } else { plan.push(Op::Concat { inputs, axis })? };
    let mut coords = merged(plan, &arrays, dim, &old, &lengths)?;
    if let Some(mut index) = index {
        let total: usize = lengths.iter().sum();
        if index.known().is_some_and(|v| v.len() != total) {
            return refuse(format!("concat(): {} labels for {total} indices of '{dim}'", index.known().map_or(0, |v| v.len())));
        }
        index.dims = vec![dim.to_owned()];
        coords.insert(dim.to_owned(), index);
    }
    Ok(LazyArray { name: name(&arrays), node, coords, attrs: arrays[0].attrs.clone(), cells: arrays[0].cells.clone() })
}

/// xarray names the result like the first array.
fn name(arrays: &[LazyArray]) -> Option<String> {
    arrays[0].name.clone()
}

/// The dims of the result: the first array's, a new dim before them.
fn common_order(plan: &Plan, arrays: &[LazyArray], dim: &str) -> Outcome<Vec<String>> {
    let mut order: Vec<String> = vec![];
    for a in arrays {
        for d in plan.names(a.node)? {
            if !order.contains(&d) {
                order.push(d);
            }
        }
    }
    for a in arrays {
        let own = plan.names(a.node)?;
        if let Some(d) = order.iter().find(|d| *d != dim && !own.contains(d)) {
            return Err(Fault::unsupported(format!("concat() of arrays of which some lack the dimension '{d}'")));
        }
    }
    if !order.iter().any(|d| d == dim) {
        order.insert(0, dim.to_owned());
    }
    Ok(order)
}

fn common_type(plan: &Plan, arrays: &[LazyArray]) -> Outcome<DType> {
    if arrays.iter().any(|a| a.cells != arrays[0].cells) {
        return refuse("concat() of arrays of different kinds: numbers, times of one calendar and units, or texts");
    }
    let mut dtype = plan.dtype(arrays[0].node)?;
    for a in arrays {
        dtype = dtype.promote(plan.dtype(a.node)?);
    }
    Ok(dtype)
}

/// Coordinates along the dim are joined; others stay where all agree, and are stacked where they differ.
fn merged(plan: &mut Plan, arrays: &[LazyArray], dim: &str, old: &[bool], lengths: &[usize]) -> Outcome<IndexMap<String, LazyCoord>> {
    let mut out = IndexMap::new();
    let names: indexmap::IndexSet<&String> = arrays.iter().flat_map(|a| a.coords.keys()).collect();
    for name in names {
        let all: Vec<&LazyCoord> = arrays.iter().filter_map(|a| a.coords.get(name)).collect();
        let first = all[0];
        if all.len() < arrays.len() {
            if name == dim || first.dims.iter().any(|d| d == dim) || !same(&all) {
                return refuse(format!("concat(): '{name}' is a coordinate of some arrays only"));
            }
            out.insert(name.clone(), first.clone());
            continue;
        }
        let along = name == dim || all.iter().any(|c| c.dims.iter().any(|d| d == dim));
        let index = first.dims.len() == 1 && first.dims[0] == *name;
        let coord = if along || !index && !same(&all) { stacked(plan, name, &all, dim, old, lengths)? } else { first.clone() };
        out.insert(name.clone(), coord);
    }
    Ok(out)
}

fn same(all: &[&LazyCoord]) -> bool {
    all.iter().all(|c| {
        c.dims == all[0].dims
            && match (&c.data, &all[0].data) {
                (CoordData::Known(x, s), CoordData::Known(y, t)) => s == t && labels::equal(x, y),
                (CoordData::Lazy(x, _), CoordData::Lazy(y, _)) => x == y,
                _ => false,
            }
    })
}

fn stacked(plan: &mut Plan, name: &str, all: &[&LazyCoord], dim: &str, old: &[bool], lengths: &[usize]) -> Outcome<LazyCoord> {
    let simple = all.iter().all(|c| c.known().is_some() && (c.dims.is_empty() || c.dims.len() == 1 && c.dims[0] == dim));
    if simple {
        let mut parts: Vec<Values> = vec![];
        for (c, &n) in all.iter().zip(lengths) {
            if let Some(v) = c.known() {
                parts.push(if c.dims.is_empty() { labels::repeat(v, n)? } else { (**v).clone() });
            }
        }
        let values = labels::concat(&parts.iter().collect::<Vec<_>>())?;
        return Ok(LazyCoord::along(dim, values, all[0].attrs.clone()));
    }
    if name == dim {
        return refuse(format!("concat(): the labels of '{dim}' must be known while planning"));
    }
    let mut inputs = vec![];
    let mut order: Vec<String> = vec![];
    let mut dtype: Option<DType> = None;
    let mut nodes: Vec<NodeId> = vec![];
    for ((c, &n), _) in all.iter().zip(lengths).zip(old) {
        let (node, cells) = match &c.data {
            CoordData::Lazy(node, cells) => (*node, cells.clone()),
            CoordData::Known(v, shape) => {
                let (block, cells) = labels::to_block(v, shape)?;
                (plan.constant(&c.dims, block)?, cells)
            }
        };
        if cells != Cells::Numbers {
            return Err(Fault::unsupported(format!("joining the coordinate '{name}', which holds times or texts of several dimensions")));
        }
        let node = if c.dims.iter().any(|d| d == dim) { node } else { plan.expand(node, 0, Dim::new(dim, n))? };
        if order.is_empty() {
            order = plan.names(node)?;
        }
        let own = plan.dtype(node)?;
        dtype = Some(dtype.map_or(own, |d| d.promote(own)));
        nodes.push(node);
    }
    for node in nodes {
        let node = plan.cast(node, dtype.unwrap_or(DType::F64))?;
        inputs.push(plan.transpose(node, &order)?);
    }
    let axis = plan.axis(inputs[0], dim)?;
    let node = plan.push(Op::Concat { inputs, axis })?;
    Ok(LazyCoord { dims: order, data: CoordData::Lazy(node, Cells::Numbers), attrs: all[0].attrs.clone() })
}
