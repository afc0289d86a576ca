//! `.stack(p=['y', 'x'])`: several dims seen as one, until they are folded away or unstacked.
//!
//! In: an array or dataset. Out: a stacked object; of it an array again. Never moves a cell: a reduction over the stacked dim is one over
//! the dims behind it.

use super::args::{self, Arg, Args};
use super::calls;
use super::dataset;
use super::fault::{Fault, Outcome, refuse};
use crate::lazy::labels;
use crate::lazy::value::Stacked;
use crate::lazy::{CoordData, LazyArray, LazyCoord, Plan, Value};
use indexmap::IndexMap;
use xeng_kernels::{Block, Dim};
use xeng_proto::{Attrs, Values};

/// What a stacked object can do beside reductions.
pub const METHODS: &[&str] = &["unstack", "quantile", "isel"];

/// `.stack(p=['y', 'x'])`
///
/// # Errors
/// When a dim does not exist, or the new one does.
pub fn stack(plan: &mut Plan, base: &Value, args: Args) -> Outcome<Value> {
    let (mut bound, entries) = args.bind_dict("dim", &["create_index", "index_cls"])?;
    bound.unsupported(&["index_cls"])?;
    if let Some(arg) = bound.some("create_index").filter(|a| !matches!(a.value, Value::Bool(true))) {
        return Err(Fault::unsupported("stack(): the argument 'create_index'").at(arg.span));
    }
    if entries.is_empty() {
        return refuse("stack() needs the dims to be stacked: stack(p=['y', 'x'])");
    }
    let own = dataset::lengths(plan, base, "cannot be stacked")?;
    let mut dims: IndexMap<String, Vec<String>> = IndexMap::new();
    for (name, arg) in entries {
        let parts = match &arg.value {
            Value::Text(_) => None,
            v => args::texts(v),
        };
        let Some(parts) = parts.filter(|p| !p.is_empty()) else {
            return Err(Fault::new(format!("stack(): '{name}' must be a list of names of dimensions")).at(arg.span));
        };
        for (i, part) in parts.iter().enumerate() {
            if !own.contains_key(part) {
                return Err(Fault::new(format!("there is no dimension '{part}'")).at(arg.span));
            }
            if parts[..i].contains(part) || dims.values().any(|p| p.contains(part)) {
                return Err(Fault::new(format!("the dimension '{part}' is stacked twice")).at(arg.span));
            }
        }
        if own.contains_key(&name) || super::keys::coordinate(base, &name).is_some() {
            return Err(Fault::new(format!("the name '{name}' exists already")).at(arg.span));
        }
        dims.insert(name, parts);
    }
    let object = match base {
        Value::Array(a) => Value::Array(spread(plan, a, &dims, &own)?),
        Value::Dataset(d) => {
            // The stacked dim's own coordinate takes the place of a variable of its name.
            let mut left = d.clone();
            left.variables.retain(|name, _| !dims.contains_key(name));
            for v in left.variables.values_mut() {
                with_stacked_coords(plan, v, &d.coords, &dims)?;
            }
            dataset::each(plan, &left, |plan, v| spread(plan, v, &dims, &own))?
        }
        other => return refuse(format!("{} cannot be stacked", other.type_name())),
    };
    Ok(Value::Stacked(Box::new(Stacked { object, dims })))
}

/// Gives a variable the coordinates of its dataset along the dims that it is about to get.
fn with_stacked_coords(
    plan: &Plan,
    v: &mut LazyArray,
    coords: &IndexMap<String, LazyCoord>,
    dims: &IndexMap<String, Vec<String>>,
) -> Outcome<()> {
    let own = plan.names(v.node)?;
    let gained: Vec<&String> = dims.values().filter(|parts| parts.iter().any(|p| own.contains(p))).flatten().collect();
    for (name, coord) in coords {
        if coord.dims.iter().all(|d| own.contains(d) || gained.contains(&d)) {
            v.coords.entry(name.clone()).or_insert_with(|| coord.clone());
        }
    }
    Ok(())
}

/// The array with the stacked dims last; all of those of which it has one, coordinates too.
fn spread(plan: &mut Plan, a: &LazyArray, dims: &IndexMap<String, Vec<String>>, own: &IndexMap<String, usize>) -> Outcome<LazyArray> {
    let mut out = a.clone();
    for parts in dims.values() {
        if !plan.names(out.node)?.iter().any(|d| parts.contains(d)) {
            continue;
        }
        out.node = with_all(plan, out.node, parts, own)?;
        for (name, coord) in &mut out.coords {
            if coord.dims == [name.clone()] || !coord.dims.iter().any(|d| parts.contains(d)) {
                continue;
            }
            let (node, cells) = match &coord.data {
                CoordData::Known(values, shape) => {
                    let (block, cells) = labels::to_block(values, shape)?;
                    (plan.constant(&coord.dims, block).map_err(|f| f.about(name))?, cells)
                }
                CoordData::Lazy(node, cells) => (*node, cells.clone()),
            };
            let node = with_all(plan, node, parts, own)?;
            *coord = LazyCoord { dims: plan.names(node)?, data: CoordData::Lazy(node, cells), attrs: coord.attrs.clone() };
        }
    }
    Ok(out)
}

fn with_all(
    plan: &mut Plan,
    mut node: xeng_kernels::NodeId,
    parts: &[String],
    own: &IndexMap<String, usize>,
) -> Outcome<xeng_kernels::NodeId> {
    let mut order = plan.names(node)?;
    for part in parts.iter().filter(|p| !order.contains(p)) {
        node = plan.expand(node, 0, Dim::new(part, own.get(part).copied().unwrap_or_default()))?;
    }
    order.retain(|d| !parts.contains(d));
    order.extend(parts.iter().cloned());
    plan.transpose(node, &order)
}

/// A method of a stacked object: `unstack`, or a reduction.
///
/// # Errors
/// When it is another, or a dim does not exist.
pub fn method(plan: &mut Plan, s: &Stacked, name: &str, args: Args) -> Outcome<Value> {
    if name == "unstack" {
        return unstack(plan, s, args);
    }
    if name == "isel" {
        return one_cell(plan, s, args);
    }
    if matches!(name, "argmin" | "argmax") {
        return Err(Fault::unsupported(format!("{name}() of a stacked object")));
    }
    let mut args = args;
    let at = usize::from(name == "quantile");
    let folded = match args.positional.get_mut(at).or(args.keyword.get_mut("dim")) {
        Some(arg) => behind(s, arg)?,
        None => s.dims.keys().cloned().collect(),
    };
    let object = calls::method(plan, &s.object, name, args)?;
    let mut dims = s.dims.clone();
    dims.retain(|name, _| !folded.contains(name));
    Ok(if dims.is_empty() { object } else { Value::Stacked(Box::new(Stacked { object, dims })) })
}

/// `.isel(p=3, drop=True)`: one index of the stacked dim.
fn one_cell(plan: &mut Plan, s: &Stacked, args: Args) -> Outcome<Value> {
    let (mut bound, entries) = args.bind_dict("indexers", &["drop", "missing_dims"])?;
    let drop = bound.take("drop");
    let asked: Option<Vec<(&Vec<String>, i64, &Arg)>> =
        entries.iter().map(|(name, arg)| Some((s.dims.get(name)?, args::integer(&arg.value)?, arg))).collect();
    let (Some(asked), Some(Arg { value: Value::Bool(true), .. })) = (asked.filter(|a| a.len() == s.dims.len()), &drop) else {
        return Err(Fault::unsupported("isel() of a stacked object with anything but a whole number and drop=True"));
    };
    let own = dataset::lengths(plan, &s.object, "cannot be stacked")?;
    let mut keyword: IndexMap<String, Arg> = drop.into_iter().map(|d| ("drop".to_owned(), d)).collect();
    for (parts, at, arg) in asked {
        let lengths: Vec<usize> = parts.iter().map(|p| own.get(p).copied().unwrap_or_default()).collect();
        let mut rest = super::indexing::python_index(at, lengths.iter().product(), "stacked").map_err(|f| f.at(arg.span))?;
        for (part, length) in parts.iter().zip(lengths).rev() {
            let value = Value::Number(crate::lazy::Number::Int((rest % length.max(1)) as i64));
            keyword.insert(part.clone(), Arg { value, span: arg.span });
            rest /= length.max(1);
        }
    }
    calls::method(plan, &s.object, "isel", Args { callee: "isel".to_owned(), positional: vec![], keyword })
}

/// Puts the dims behind stacked ones in their places; which were named.
fn behind(s: &Stacked, arg: &mut Arg) -> Outcome<Vec<String>> {
    let Some(names) = args::texts(&arg.value) else { return Ok(s.dims.keys().cloned().collect()) };
    let mut all = vec![];
    for name in &names {
        match s.dims.get(name) {
            Some(parts) => all.extend(parts.iter().cloned()),
            None if s.dims.values().any(|p| p.contains(name)) => {
                return Err(Fault::new(format!("there is no dimension '{name}': it is stacked")).at(arg.span));
            }
            None => all.push(name.clone()),
        }
    }
    arg.value = Value::List(all.into_iter().map(Value::Text).collect());
    Ok(names)
}

/// `.unstack('p')`: dims that had no labels have their indices as labels then.
fn unstack(plan: &mut Plan, s: &Stacked, args: Args) -> Outcome<Value> {
    let mut bound = args.bind(&["dim", "fill_value", "sparse"])?;
    bound.unsupported(&["sparse"])?;
    bound.take("fill_value");
    let span = bound.span("dim");
    let wanted = match bound.names("dim")? {
        super::args::Names::These(names) => names,
        _ => s.dims.keys().cloned().collect(),
    };
    if let Some(name) = wanted.iter().find(|n| !s.dims.contains_key(*n)) {
        let fault = Fault::new(format!("'{name}' is no stacked dimension"));
        return Err(span.map_or(fault.clone(), |s| fault.at(s)));
    }
    if wanted.len() < s.dims.len() {
        return Err(Fault::unsupported("unstacking some of several stacked dimensions"));
    }
    let parts: Vec<String> = s.dims.values().flatten().cloned().collect();
    match &s.object {
        Value::Array(a) => Ok(Value::Array(numbered(plan, a, &parts)?)),
        Value::Dataset(d) => dataset::each(plan, d, |plan, v| numbered(plan, v, &parts)),
        other => refuse(format!("{} cannot be unstacked", other.type_name())),
    }
}

fn numbered(plan: &mut Plan, a: &LazyArray, parts: &[String]) -> Outcome<LazyArray> {
    let mut out = a.clone();
    let dims = plan.dims(a.node)?;
    if dims.iter().any(|d| d.len == 0 && parts.iter().any(|p| **p == *d.name)) {
        return Err(Fault::unsupported("unstacking a dimension of no cells"));
    }
    for dim in dims.iter().filter(|d| parts.iter().any(|p| **p == *d.name)) {
        match a.index(&dim.name) {
            Some(values) if labels::labels(values).iter().any(labels::Label::is_missing) => {
                return refuse(format!("a label of '{}' is missing, so they cannot be unstacked; leave it out first", dim.name));
            }
            Some(values) if labels::positions(&labels::labels(values)).is_none() => {
                return refuse(format!("the labels of '{}' repeat, so they cannot be unstacked", dim.name));
            }
            Some(_) => {}
            None => {
                let cells: Vec<i64> = (0..dim.len as i64).collect();
                let values = Values::Numbers(Block::from_vec(&[cells.len()], cells)?);
                out.coords.insert(dim.name.to_string(), LazyCoord::along(&dim.name, values, Attrs::new()));
            }
        }
    }
    Ok(out)
}
