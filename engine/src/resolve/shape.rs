//! Dims, coordinates, names and attributes: everything that moves or renames without computing.
//!
//! In: an array and a method's arguments. Out: the array, rearranged. Never looks at cells of data.

use super::args::{self, Args, Names};
use super::calls::Receiver;
use super::fault::{Fault, Outcome, refuse};
use super::indexing::{self, Picked, Scalars};
use super::literals;
use super::reduce;
use crate::lazy::labels::{self, Order};
use crate::lazy::{CoordData, LazyArray, LazyCoord, LazyDataset, Plan, Value, fold};
use crate::suggest;
use std::sync::Arc;
use xeng_kernels::Dim;
use xeng_kernels::graph::Index;

/// `.transpose('lon', ..., 'time')`
///
/// # Errors
/// When the names are not the array's dims.
pub fn transpose(plan: &mut Plan, a: &LazyArray, args: Args, receiver: &Receiver) -> Outcome<Value> {
    let own = plan.names(a.node)?;
    let mut lenient = receiver.is_dataset();
    let mut with_coords = true;
    let mut wanted: Vec<Option<String>> = vec![];
    for (name, arg) in &args.keyword {
        match (name.as_str(), &arg.value) {
            ("missing_dims", Value::Text(t)) => lenient |= t == "ignore",
            ("transpose_coords", Value::Bool(yes)) => with_coords = *yes,
            _ => return Err(Fault::new(format!("transpose() has no argument '{name}'")).at(arg.span)),
        }
    }
    for arg in &args.positional {
        match &arg.value {
            Value::Ellipsis => wanted.push(None),
            Value::Text(t) if own.contains(t) => wanted.push(Some(t.clone())),
            Value::Text(t) if !lenient => {
                let hint = suggest::did_you_mean_or_list(t, own.iter().map(String::as_str)).map(|h| format!("; {h}")).unwrap_or_default();
                return Err(Fault::new(format!("there is no dimension '{t}'{hint}")).at(arg.span));
            }
            Value::Text(_) => {}
            other => return Err(Fault::new(format!("transpose() takes names of dimensions, not {}", other.type_name())).at(arg.span)),
        }
    }
    let order = full_order(&own, &wanted, lenient)?;
    let mut out = LazyArray { node: plan.transpose(a.node, &order)?, ..a.clone() };
    if with_coords {
        for coord in out.coords.values_mut().filter(|c| c.dims.len() > 1) {
            *coord = transposed_coord(plan, coord, &order)?;
        }
    }
    Ok(Value::Array(out))
}

/// A coordinate with its dims in the order that they have in `order`.
/// The array with the dims of its coordinates in the order of its own.
///
/// # Errors
/// When a node does not exist, which is a defect.
pub fn in_own_order(plan: &mut Plan, mut a: LazyArray) -> Outcome<LazyArray> {
    let order = plan.names(a.node)?;
    for coord in a.coords.values_mut().filter(|c| c.dims.len() > 1) {
        *coord = transposed_coord(plan, coord, &order)?;
    }
    Ok(a)
}

fn transposed_coord(plan: &mut Plan, coord: &LazyCoord, order: &[String]) -> Outcome<LazyCoord> {
    let dims: Vec<String> = order.iter().filter(|d| coord.dims.contains(d)).cloned().collect();
    let (node, cells) = match &coord.data {
        CoordData::Known(values, shape) => {
            let (block, cells) = labels::to_block(values, shape)?;
            (plan.constant(&coord.dims, block)?, cells)
        }
        CoordData::Lazy(node, cells) => (*node, cells.clone()),
    };
    let data = CoordData::Lazy(plan.transpose(node, &dims)?, cells);
    Ok(fold::settle(plan, LazyCoord { dims, data, attrs: coord.attrs.clone() }))
}

fn full_order(own: &[String], wanted: &[Option<String>], lenient: bool) -> Outcome<Vec<String>> {
    if wanted.is_empty() {
        return Ok(own.iter().rev().cloned().collect());
    }
    let named: Vec<&String> = wanted.iter().flatten().collect();
    if wanted.iter().filter(|w| w.is_none()).count() > 1 || (1..named.len()).any(|i| named[..i].contains(&named[i])) {
        return refuse("transpose() takes each dimension once, and `...` once");
    }
    let rest: Vec<String> = own.iter().filter(|d| !named.contains(d)).cloned().collect();
    let has_rest = wanted.iter().any(Option::is_none);
    if !has_rest && !rest.is_empty() && !lenient {
        return refuse(format!("transpose() must name every dimension: ({}) are left out; use `...` for the others", rest.join(", ")));
    }
    let mut order = vec![];
    for w in wanted {
        match w {
            Some(name) => order.push(name.clone()),
            None => order.extend(rest.iter().cloned()),
        }
    }
    if !has_rest {
        order.extend(rest);
    }
    Ok(order)
}

/// `.squeeze(dim=None, drop=False)`
///
/// # Errors
/// When a named dim is longer than one.
pub fn squeeze(plan: &mut Plan, a: &LazyArray, args: Args, receiver: &Receiver) -> Outcome<Value> {
    let mut bound = args.bind(&["dim", "drop", "axis"])?;
    bound.unsupported(&["axis"])?;
    let dims = plan.dims(a.node)?;
    let own = plan.names(a.node)?;
    let wanted = match bound.names("dim")? {
        Names::Absent | Names::All => dims.iter().filter(|d| d.len == 1).map(|d| d.name.to_string()).collect(),
        Names::These(names) => reduce::existing(&names, &own, receiver)?,
    };
    let scalars = scalars(bound.flag("drop", Some(false))?);
    let mut out = a.clone();
    for dim in wanted {
        if dims.iter().any(|d| *d.name == *dim && d.len != 1) {
            return refuse(format!("cannot squeeze dimension '{dim}': its length is not one"));
        }
        out = indexing::pick(plan, &out, &dim, &Picked::One(0), scalars)?;
    }
    Ok(Value::Array(out))
}

/// What `drop=` says.
pub fn scalars(drop: Option<bool>) -> Scalars {
    if drop == Some(true) { Scalars::Drop } else { Scalars::Keep }
}

/// `.rename('name')`, `.rename({'lat': 'y'})`, `.rename(lat='y')`
///
/// # Errors
/// When a name does not exist, or exists already.
pub fn rename(plan: &mut Plan, a: &LazyArray, args: Args, receiver: &Receiver) -> Outcome<Value> {
    let mut out = a.clone();
    if let [arg] = args.positional.as_slice() {
        match &arg.value {
            Value::Text(name) => {
                out.name = Some(name.clone());
                return Ok(Value::Array(out));
            }
            Value::None if args.keyword.is_empty() => {
                out.name = None;
                return Ok(Value::Array(out));
            }
            _ => {}
        }
    }
    let (_, entries) = args.bind_dict("new_name_or_name_dict", &[])?;
    for (from, arg) in entries {
        let Value::Text(to) = &arg.value else { return Err(Fault::new("a new name must be a text").at(arg.span)) };
        out = rename_one(plan, &out, &from, to, receiver).map_err(|f| f.at(arg.span))?;
    }
    Ok(Value::Array(out))
}

fn rename_one(plan: &mut Plan, a: &LazyArray, from: &str, to: &str, receiver: &Receiver) -> Outcome<LazyArray> {
    let own = plan.names(a.node)?;
    let is_dim = own.iter().any(|d| d == from);
    if !is_dim && !a.coords.contains_key(from) {
        if receiver.is_dataset() {
            return Ok(a.clone());
        }
        return refuse(format!("cannot rename '{from}': it is neither a dimension nor a coordinate"));
    }
    if from != to && (own.iter().any(|d| d == to) || a.coords.contains_key(to)) {
        return refuse(format!("cannot rename '{from}' to '{to}': that name exists already"));
    }
    let mut out = a.clone();
    if is_dim {
        out.node = plan.rename(a.node, from, to)?;
    }
    let mut coords = indexmap::IndexMap::new();
    for (name, coord) in &a.coords {
        let mut coord = coord.clone();
        if coord.dims.iter().any(|d| d == from) && is_dim {
            if let CoordData::Lazy(node, _) = &mut coord.data {
                *node = plan.rename(*node, from, to)?;
            }
            coord.dims.iter_mut().filter(|d| *d == from).for_each(|d| *d = to.to_owned());
        }
        coords.insert(if name == from { to.to_owned() } else { name.clone() }, coord);
    }
    out.coords = coords;
    Ok(out)
}

/// `.swap_dims({'x': 'label'})`
///
/// # Errors
/// When the new dim is not a coordinate along the old one.
pub fn swap_dims(plan: &mut Plan, a: &LazyArray, args: Args, receiver: &Receiver) -> Outcome<Value> {
    let (_, entries) = args.bind_dict("dims_dict", &[])?;
    let mut out = a.clone();
    for (from, arg) in entries {
        let Value::Text(to) = &arg.value else { return Err(Fault::new("a new dimension must be a text").at(arg.span)) };
        if out.coords.get(to).is_some_and(|c| c.dims != [from.clone()]) {
            return Err(Fault::new(format!("'{to}' is not a coordinate along '{from}'")).at(arg.span));
        }
        if receiver.is_dataset() && receiver.has_dim(&from) && !plan.names(out.node)?.contains(&from) {
            continue;
        }
        if *to != from && plan.names(out.node)?.contains(to) {
            return Err(Fault::new(format!("the dimension '{to}' exists already")).at(arg.span));
        }
        out.node = plan.rename(out.node, &from, to)?;
        for coord in out.coords.values_mut().filter(|c| c.dims.contains(&from)) {
            if let CoordData::Lazy(node, _) = &mut coord.data {
                *node = plan.rename(*node, &from, to)?;
            }
            coord.dims.iter_mut().filter(|d| **d == from).for_each(|d| d.clone_from(to));
        }
    }
    Ok(Value::Array(out))
}

/// `.expand_dims('k')`, `.expand_dims(k=3)`, `.expand_dims(k=[1, 2])`
///
/// # Errors
/// When a dim exists already or is too long.
pub fn expand_dims(plan: &mut Plan, a: &LazyArray, args: Args, _: &Receiver) -> Outcome<Value> {
    let (mut bound, mut entries) = args.bind_some(&["dim", "axis", "create_index_for_new_dim"])?;
    bound.unsupported(&["create_index_for_new_dim"])?;
    let axis = bound.int("axis")?;
    if let Some(arg) = bound.some("dim") {
        match (&arg.value, args::texts(&arg.value)) {
            (Value::Dict(dict), _) => entries.extend(dict.iter().map(|(k, v)| (k.clone(), args::Arg { value: v.clone(), span: arg.span }))),
            (_, Some(names)) => entries.extend(names.into_iter().map(|n| (n, args::Arg { value: Value::None, span: arg.span }))),
            _ => return Err(bound.wrong("dim", &arg, "a name, a list of names or a dict")),
        }
    }
    let mut out = a.clone();
    let first = match axis {
        None | Some(0) => 0,
        Some(at) if entries.len() == 1 => {
            let rank = plan.dims(a.node)?.len();
            indexing::python_index(at, rank + 1, "axis")?
        }
        Some(_) => return Err(Fault::unsupported("expand_dims() of several dims with 'axis'")),
    };
    for (i, (dim, arg)) in entries.iter().enumerate() {
        out = expand_one(plan, &out, dim, &arg.value, first + i).map_err(|f| f.at(arg.span))?;
    }
    Ok(Value::Array(out))
}

fn expand_one(plan: &mut Plan, a: &LazyArray, dim: &str, value: &Value, axis: usize) -> Outcome<LazyArray> {
    if plan.names(a.node)?.iter().any(|d| d == dim) {
        return refuse(format!("dimension '{dim}' exists already"));
    }
    let mut out = a.clone();
    let (length, index) = match value {
        Value::None => match a.coords.get(dim) {
            Some(c) if c.dims.is_empty() => match c.known() {
                Some(v) => (1, Some(LazyCoord::along(dim, labels::repeat(v, 1)?, c.attrs.clone()))),
                None => return Err(Fault::unsupported(format!("making the computed scalar '{dim}' a dimension"))),
            },
            _ => (1, None),
        },
        v => match args::integer(v) {
            Some(n) => (usize::try_from(n).map_err(|_| Fault::new("a dimension's length must not be negative"))?, None),
            None => {
                let c = literals::coordinate(plan, v, dim)?;
                let len = c.known().map_or(0, |k| k.len());
                (len, Some(c))
            }
        },
    };
    out.node = plan.expand(a.node, axis, Dim::new(dim, length))?;
    if let Some(index) = index {
        out.coords.shift_remove(dim);
        out.coords.insert(dim.to_owned(), index);
    } else if out.coords.get(dim).is_some_and(|c| c.dims.is_empty()) {
        out.coords.shift_remove(dim);
    }
    Ok(out)
}

/// `.drop_vars('height')`, `.drop(...)`, `.reset_coords(names, drop=True)`
///
/// # Errors
/// When a name does not exist.
pub fn drop_vars(_: &mut Plan, a: &LazyArray, args: Args, receiver: &Receiver) -> Outcome<Value> {
    let mut bound = args.bind(&["names", "errors"])?;
    let ignore = bound.text("errors")?.as_deref() == Some("ignore") || receiver.is_dataset();
    let names = match bound.names("names")? {
        Names::These(names) => names,
        Names::Absent | Names::All => return refuse("drop_vars() needs names"),
    };
    let mut out = a.clone();
    for name in names {
        if out.coords.shift_remove(&name).is_none() && !ignore {
            let hint =
                suggest::did_you_mean_or_list(&name, a.coords.keys().map(String::as_str)).map(|h| format!("; {h}")).unwrap_or_default();
            return refuse(format!("there is no coordinate '{name}'{hint}"));
        }
    }
    Ok(Value::Array(out))
}

/// `.reset_coords(names, drop=True)`
///
/// # Errors
/// Without `drop=True`, and for index coordinates.
pub fn reset_coords(plan: &mut Plan, a: &LazyArray, args: Args, _: &Receiver) -> Outcome<Value> {
    let mut bound = args.bind(&["names", "drop"])?;
    if bound.flag("drop", Some(false))? != Some(true) {
        return Err(Fault::unsupported("reset_coords() without drop=True"));
    }
    let dims = plan.names(a.node)?;
    let names = bound.names("names")?;
    let mut out = a.clone();
    out.coords.retain(|n, _| match &names {
        Names::Absent | Names::All => dims.contains(n),
        Names::These(these) => !these.contains(n),
    });
    Ok(Value::Array(out))
}

/// `.assign_coords(lon=..., lat=...)`
///
/// # Errors
/// When a coordinate does not fit the array's dims.
pub fn assign_coords(plan: &mut Plan, a: &LazyArray, args: Args, _: &Receiver) -> Outcome<Value> {
    let (_, entries) = args.bind_dict("coords", &[])?;
    let mut out = a.clone();
    for (name, arg) in entries {
        let coord = literals::coordinate(plan, &arg.value, &name).map_err(|f| f.at(arg.span))?;
        check_fit(plan, &out, &name, &coord).map_err(|f| f.at(arg.span))?;
        match out.coords.get_mut(&name) {
            Some(old) => *old = coord,
            None => {
                out.coords.insert(name, coord);
            }
        }
    }
    Ok(Value::Array(out))
}

/// `ds.assign_coords(lon=...)`: the dataset's own coordinate, and that of every variable that has its dims.
///
/// # Errors
/// When a coordinate does not fit the dataset's dims.
pub fn assign_coords_of_dataset(plan: &mut Plan, d: &LazyDataset, args: Args) -> Outcome<Value> {
    let (_, entries) = args.bind_dict("coords", &[])?;
    let mut out = d.clone();
    for (name, arg) in entries {
        // A variable of that name becomes the coordinate.
        out.variables.shift_remove(&name);
        let coord = literals::coordinate(plan, &arg.value, &name).map_err(|f| f.at(arg.span))?;
        let mut known: Vec<String> = out.coords.values().flat_map(|c| c.dims.iter().cloned()).collect();
        for v in out.variables.values_mut() {
            let own = plan.names(v.node)?;
            if coord.dims.iter().all(|dim| own.contains(dim)) {
                check_fit(plan, v, &name, &coord).map_err(|f| f.at(arg.span))?;
                v.coords.insert(name.clone(), coord.clone());
            } else if v.coords.contains_key(&name) {
                v.coords.shift_remove(&name);
            }
            known.extend(own);
        }
        if let Some(dim) = coord.dims.iter().find(|dim| !known.contains(dim)) {
            return Err(
                Fault::new(format!("coordinate '{name}' has the dimension '{dim}', which no variable of the dataset has")).at(arg.span)
            );
        }
        out.coords.insert(name, coord);
    }
    Ok(Value::Dataset(out))
}

fn check_fit(plan: &Plan, a: &LazyArray, name: &str, coord: &LazyCoord) -> Outcome<()> {
    let dims = plan.dims(a.node)?;
    let shape = match &coord.data {
        CoordData::Known(_, shape) => shape.clone(),
        CoordData::Lazy(node, _) => plan.node(*node)?.shape(),
    };
    for (d, n) in coord.dims.iter().zip(shape) {
        match dims.iter().find(|x| *x.name == **d) {
            None => return refuse(format!("coordinate '{name}' has the dimension '{d}', which the array does not have")),
            Some(x) if x.len != n => return refuse(format!("coordinate '{name}' has length {n} along '{d}', which has length {}", x.len)),
            Some(_) => {}
        }
    }
    if coord.dims.is_empty() && dims.iter().any(|d| *d.name == *name) {
        return refuse(format!("'{name}' is a dimension, whose coordinate needs a label per index, not one value"));
    }
    if coord.dims.len() == 1 && coord.dims[0] == name && coord.known().is_none() {
        return refuse(format!("the labels of dimension '{name}' must be known while planning, and cannot depend on data"));
    }
    Ok(())
}

/// `.assign_attrs(units='K')`
///
/// # Errors
/// When a value is neither text nor number.
pub fn assign_attrs(_: &mut Plan, a: &LazyArray, args: Args, _: &Receiver) -> Outcome<Value> {
    let (_, entries) = args.bind_dict("attrs", &[])?;
    let mut out = a.clone();
    for (name, arg) in entries {
        out.attrs.insert(name, literals::attribute(&arg.value).map_err(|f| f.at(arg.span))?);
    }
    Ok(Value::Array(out))
}

/// `.sortby('lat', ascending=True)`
///
/// # Errors
/// When the labels are not known or have several dims.
pub fn sortby(plan: &mut Plan, a: &LazyArray, args: Args, receiver: &Receiver) -> Outcome<Value> {
    let mut bound = args.bind(&["variables", "ascending"])?;
    let arg = bound.need("variables")?;
    let ascending = bound.flag("ascending", Some(true))?.unwrap_or(true);
    let keys = match &arg.value {
        Value::List(items) | Value::Tuple(items) => items.clone(),
        one => vec![one.clone()],
    };
    if keys.len() > 1 && keys.iter().any(|k| !matches!(k, Value::Text(t) if a.index(t).is_some())) {
        return Err(Fault::unsupported("sortby() of several keys that are not dimensions").at(arg.span));
    }
    let mut out = a.clone();
    for key in &keys {
        if receiver.is_dataset() && lacks(plan, a, key, receiver)? {
            continue;
        }
        let (dim, values) = sort_key(plan, &out, key).map_err(|f| f.at(arg.span))?;
        out = sorted(plan, &out, &dim, &values, ascending)?;
    }
    Ok(Value::Array(out))
}

/// Whether a variable of a dataset has no part in sorting by this key.
fn lacks(plan: &Plan, a: &LazyArray, key: &Value, receiver: &Receiver) -> Outcome<bool> {
    let own = plan.names(a.node)?;
    Ok(match key {
        Value::Text(name) => !own.contains(name) && !a.coords.contains_key(name) && receiver.has_dim(name),
        Value::Array(k) => plan.names(k.node)?.iter().all(|d| !own.contains(d) && receiver.has_dim(d)),
        _ => false,
    })
}

fn sort_key(plan: &Plan, a: &LazyArray, key: &Value) -> Outcome<(String, Arc<xeng_proto::Values>)> {
    match key {
        Value::Text(name) => match a.coords.get(name) {
            Some(c) if c.dims.len() == 1 => match c.known() {
                Some(v) => Ok((c.dims[0].clone(), v.clone())),
                None => refuse(format!("sortby(): the cells of '{name}' are not known while planning")),
            },
            _ => refuse(format!("sortby(): '{name}' is not a coordinate along one dimension")),
        },
        Value::Array(k) => {
            let dims = plan.names(k.node)?;
            match (dims.as_slice(), fold::values(plan, k)) {
                ([dim], Some(v)) => Ok((dim.clone(), Arc::new(v))),
                _ => refuse("sortby() needs an array along one dimension that is known while planning"),
            }
        }
        other => refuse(format!("sortby() takes names or arrays, not {}", other.type_name())),
    }
}

/// The array with `dim` in the order of `values`, missing ones last; equal labels keep their order.
///
/// # Errors
/// When there is no such dim.
pub fn sorted(plan: &mut Plan, a: &LazyArray, dim: &str, values: &xeng_proto::Values, ascending: bool) -> Outcome<LazyArray> {
    let keys = labels::labels(values);
    let has_missing = keys.iter().any(labels::Label::is_missing);
    if ascending && labels::order(&keys) == Order::Ascending && !has_missing {
        return Ok(a.clone());
    }
    let mut at: Vec<i64> = (0..keys.len() as i64).collect();
    let place = |i: i64| (keys[i as usize].is_missing() == ascending, &keys[i as usize]);
    at.sort_by(|&i, &j| place(i).cmp(&place(j)));
    if !ascending {
        // NumPy's order reversed: equal labels are reversed too.
        at.reverse();
    }
    indexing::pick(plan, a, dim, &Picked::Many(Index::compact(&at)), Scalars::Keep)
}

/// `.broadcast_like(other)`
///
/// # Errors
/// When the arrays cannot be aligned.
pub fn broadcast_like(plan: &mut Plan, a: &LazyArray, args: Args, receiver: &Receiver) -> Outcome<Value> {
    if receiver.is_dataset() {
        return Err(Fault::unsupported("broadcast_like() of a dataset; name a variable: ds['tas'].broadcast_like(...),"));
    }
    let mut bound = args.bind(&["other", "exclude"])?;
    bound.unsupported(&["exclude"])?;
    let arg = bound.need("other")?;
    let Value::Array(other) = &arg.value else { return Err(bound.wrong("other", &arg, "a DataArray")) };
    let mut both = [other.clone(), a.clone()];
    super::align::align(plan, &mut both, super::align::Join::Outer, &[])?;
    let [other, mut out] = both;
    let mut order = plan.names(other.node)?;
    for (axis, d) in plan.dims(other.node)?.iter().enumerate() {
        if plan.node(out.node)?.axis(&d.name).is_none() {
            out.node = plan.expand(out.node, axis.min(plan.dims(out.node)?.len()), d.clone())?;
        }
    }
    for (name, coord) in &other.coords {
        if coord.dims == [name.clone()] {
            out.coords.insert(name.clone(), coord.clone());
        }
    }
    let rest: Vec<String> = plan.names(out.node)?.into_iter().filter(|d| !order.contains(d)).collect();
    order.extend(rest);
    out.node = plan.transpose(out.node, &order)?;
    Ok(Value::Array(out))
}
