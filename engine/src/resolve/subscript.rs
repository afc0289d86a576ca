//! Square brackets: variables of a dataset, positions of an array, items of a list or dict.
//!
//! In: a value and the items between brackets. Out: the picked value. Never selects by label.

use super::args::{self, Arg};
use super::calls;
use super::dataset;
use super::fault::{Fault, Outcome, refuse};
use super::indexing::{self, Picked, Scalars};
use super::numbers;
use super::pointwise::{self, Indexer};
use crate::lazy::{Cells, LazyArray, LazyDataset, Plan, Value, fold};
use indexmap::IndexMap;
use xeng_kernels::DType;
use xeng_kernels::graph::Index;
use xeng_proto::Values;

/// `base[items]`
///
/// # Errors
/// At the item that does not fit.
pub fn subscript(plan: &mut Plan, base: &Value, items: Vec<Arg>) -> Outcome<Value> {
    // `x[(a, b)]` is `x[a, b]`.
    let items = match items.as_slice() {
        [Arg { value: Value::Tuple(parts), span }] => parts.iter().map(|v| Arg { value: v.clone(), span: *span }).collect(),
        _ => items,
    };
    match base {
        Value::Dataset(d) => dataset_item(plan, d, &items),
        Value::Array(a) => match items.as_slice() {
            [Arg { value: Value::Text(name), span }] => calls::coordinate_array(plan, a, name).map(Value::Array).map_err(|f| f.at(*span)),
            [Arg { value: Value::Dict(dict), span }] => {
                let entries = dict.iter().map(|(k, v)| (k.clone(), Arg { value: v.clone(), span: *span })).collect();
                isel(plan, a, entries, Scalars::Keep, &calls::Receiver::array()).map(Value::Array)
            }
            _ => Ok(Value::Array(positional(plan, a, items)?)),
        },
        Value::Loc(of) => by_label(plan, of, items),
        Value::Numpy(block) => {
            let a = numbers::unlabelled(plan, block)?;
            let out = positional(plan, &a, items)?;
            numbers::known_numpy(plan, &out)
        }
        Value::Dict(d) => match items.as_slice() {
            [Arg { value: Value::Text(key), span }] => {
                d.get(key).cloned().ok_or_else(|| missing_key(key, d.keys().map(String::as_str)).at(*span))
            }
            _ => refuse("a dict is read by one text: d['lat']"),
        },
        Value::List(list) | Value::Tuple(list) => match items.as_slice() {
            [Arg { value, span }] => match args::integer(value) {
                Some(i) => Ok(list[indexing::python_index(i, list.len(), "item").map_err(|f| f.at(*span))?].clone()),
                None => Err(Fault::new("a list is read by a whole number").at(*span)),
            },
            _ => refuse("a list is read by one whole number"),
        },
        Value::Grouped(_) => Err(Fault::unsupported("picking one group of a groupby")),
        other => refuse(format!("{} cannot be subscripted", other.type_name())),
    }
}

fn missing_key<'a>(key: &str, known: impl Iterator<Item = &'a str>) -> Fault {
    let hint = crate::suggest::did_you_mean_or_list(key, known).map(|h| format!("; {h}")).unwrap_or_default();
    Fault::new(format!("there is no '{key}'{hint}"))
}

fn dataset_item(plan: &mut Plan, d: &LazyDataset, items: &[Arg]) -> Outcome<Value> {
    match items {
        [Arg { value: Value::Text(name), span }] => dataset::variable(plan, d, name).map(Value::Array).map_err(|f| f.at(*span)),
        [Arg { value: Value::List(_), span }] => {
            let Some(names) = args::texts(&items[0].value) else { return Err(Fault::new("a dataset is read by names").at(*span)) };
            let mut variables = IndexMap::new();
            for name in names {
                variables.insert(name.clone(), dataset::variable(plan, d, &name).map_err(|f| f.at(*span))?);
            }
            Ok(Value::Dataset(dataset::gather(plan, variables, d)?))
        }
        [Arg { value: Value::Dict(dict), span }] => {
            let keyword = dict.iter().map(|(k, v)| (k.clone(), Arg { value: v.clone(), span: *span })).collect();
            dataset::method(plan, d, "isel", args::Args { callee: "isel".to_owned(), positional: vec![], keyword })
        }
        _ => refuse("a dataset is read by a name or a list of names: ds['tas'], ds[['u', 'v']]"),
    }
}

/// `base.loc[items]` is `base.sel(...)`, dim by dim.
fn by_label(plan: &mut Plan, base: &Value, items: Vec<Arg>) -> Outcome<Value> {
    let keyword = match (base, items.as_slice()) {
        (_, [Arg { value: Value::Dict(dict), span }]) => {
            dict.iter().map(|(k, v)| (k.clone(), Arg { value: v.clone(), span: *span })).collect()
        }
        (Value::Array(a), _) => by_dim(&plan.names(a.node)?, items)?,
        _ => return refuse("a dataset's .loc takes a dict: ds.loc[{'lat': 50}]"),
    };
    calls::method(plan, base, "sel", args::Args { callee: "loc".to_owned(), positional: vec![], keyword })
}

fn positional(plan: &mut Plan, a: &LazyArray, items: Vec<Arg>) -> Outcome<LazyArray> {
    let entries = by_dim(&plan.names(a.node)?, items)?;
    isel(plan, a, entries, Scalars::Keep, &calls::Receiver::array())
}

/// The items between brackets by dim; `...` stands for all dims that are not named.
fn by_dim(dims: &[String], items: Vec<Arg>) -> Outcome<IndexMap<String, Arg>> {
    let explicit = items.iter().filter(|i| !matches!(i.value, Value::Ellipsis)).count();
    if explicit > dims.len() {
        return refuse(format!("{explicit} indices for an array of {} dimensions", dims.len()));
    }
    let mut entries = IndexMap::new();
    let mut at = 0;
    let mut ellipsis = false;
    for item in items {
        if matches!(item.value, Value::Ellipsis) {
            if ellipsis {
                return Err(Fault::new("an index can have one `...`").at(item.span));
            }
            ellipsis = true;
            at += dims.len() - explicit;
        } else {
            entries.insert(dims[at].clone(), item);
            at += 1;
        }
    }
    Ok(entries)
}

/// Selection by position, dim by dim.
///
/// # Errors
/// At the indexer that does not fit.
pub fn isel(
    plan: &mut Plan,
    a: &LazyArray,
    entries: IndexMap<String, Arg>,
    scalars: Scalars,
    receiver: &calls::Receiver,
) -> Outcome<LazyArray> {
    let mut out = a.clone();
    if entries.values().any(|arg| matches!(arg.value, Value::Array(_))) {
        return by_arrays(plan, a, entries, scalars, receiver);
    }
    for (dim, arg) in entries {
        let own = plan.names(out.node)?;
        if super::reduce::existing(std::slice::from_ref(&dim), &own, receiver).map_err(|f| f.at(arg.span))?.is_empty() {
            continue;
        }
        let length = plan.dims(out.node)?.iter().find(|d| *d.name == *dim).map_or(0, |d| d.len);
        let picked = positions(plan, &arg.value, length, &dim).map_err(|f| f.at(arg.span))?;
        out = indexing::pick(plan, &out, &dim, &picked, scalars)?;
    }
    Ok(out)
}

/// Selection by arrays of positions, which bring dims and coordinates of their own.
fn by_arrays(
    plan: &mut Plan,
    a: &LazyArray,
    entries: IndexMap<String, Arg>,
    scalars: Scalars,
    receiver: &calls::Receiver,
) -> Outcome<LazyArray> {
    let dims = plan.dims(a.node)?;
    let own: Vec<String> = dims.iter().map(|d| d.name.to_string()).collect();
    let mut indexers = IndexMap::new();
    for (dim, arg) in entries {
        if super::reduce::existing(std::slice::from_ref(&dim), &own, receiver).map_err(|f| f.at(arg.span))?.is_empty() {
            continue;
        }
        let length = dims.iter().find(|d| *d.name == *dim).map_or(0, |d| d.len);
        let indexer = Indexer::new(plan, &arg.value, length, &dim).map_err(|f| f.at(arg.span))?;
        indexers.insert(dim, indexer);
    }
    pointwise::select(plan, a, &indexers, scalars)
}

/// What an indexer by position picks on an axis of `length`.
///
/// # Errors
/// When it is no position, slice, or array of positions or truths.
pub fn positions(plan: &Plan, v: &Value, length: usize, dim: &str) -> Outcome<Picked> {
    if let Some(i) = args::integer(v) {
        return Ok(Picked::One(indexing::python_index(i, length, dim)?));
    }
    let list = match v {
        Value::Slice(parts) => {
            let mut bounds = [None; 3];
            for (bound, part) in bounds.iter_mut().zip(parts.iter()) {
                *bound = match part {
                    Value::None => None,
                    other => Some(
                        args::integer(other)
                            .ok_or_else(|| Fault::new(format!("a slice by position needs whole numbers, not {}", other.type_name())))?,
                    ),
                };
            }
            return Ok(Picked::Many(indexing::python_slice(bounds[0], bounds[1], bounds[2], length)?));
        }
        Value::List(_) | Value::Tuple(_) => super::literals::cells(plan, v)?.0,
        Value::Numpy(block) if block.rank() == 1 => Values::Numbers(block.clone()),
        Value::Array(a) if a.cells == Cells::Numbers && plan.dims(a.node)?.len() <= 1 => match fold::values(plan, a) {
            Some(values) => values,
            None => return Err(Fault::unsupported(format!("picking along '{dim}' by positions that depend on data"))),
        },
        other => return refuse(format!("'{dim}' cannot be indexed by {}", other.type_name())),
    };
    match list {
        Values::Numbers(block) if block.dtype() == DType::Bool && block.rank() == 1 => {
            if block.len() != length {
                return refuse(format!("a boolean index of length {} for dimension '{dim}' of length {length}", block.len()));
            }
            let at: Vec<i64> = block.to_i64_vec().iter().enumerate().filter(|(_, t)| **t != 0).map(|(i, _)| i as i64).collect();
            Ok(Picked::Many(Index::compact(&at)))
        }
        Values::Numbers(block) if block.is_empty() => Ok(Picked::Many(Index::compact(&[]))),
        Values::Numbers(block) if block.dtype().is_integer() => {
            let at = block.to_i64_vec().into_iter().map(|i| indexing::python_index(i, length, dim)).collect::<Outcome<Vec<usize>>>()?;
            if block.rank() == 0 {
                Ok(Picked::One(at[0]))
            } else {
                Ok(Picked::Many(Index::compact(&at.iter().map(|&i| i as i64).collect::<Vec<_>>())))
            }
        }
        _ => refuse(format!("'{dim}' is indexed by whole numbers or truths")),
    }
}
