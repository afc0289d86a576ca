//! `groupby` and `resample`: indices of one dim into groups, and reductions per group.
//!
//! In: an array or dataset and a key. Out: a grouping, then reduced arrays. Never moves data: groups are codes along one axis.

use super::args::{Arg, Args, Names};
use super::calls::Receiver;
use super::dataset;
use super::fault::{Fault, Outcome, refuse};
use super::indexing;
use super::reduce::{self, ReductionKind, Request};
use super::{accessor, cumulate, quantile, resample};
use crate::lazy::labels::{self, Label, Order};
use crate::lazy::plan::Operand;
use crate::lazy::value::{Grouped, Grouping, GroupingKind};
use crate::lazy::{Cells, LazyArray, LazyCoord, LazyDataset, Plan, Value, fold};
use indexmap::IndexMap;
use std::sync::Arc;
use xeng_kernels::graph::Index;
use xeng_kernels::{Block, DType, Dim, NodeId};
use xeng_proto::{Attrs, Values};

/// A key with the dim that it lies along.
pub struct Key {
    /// The dim.
    pub along: String,
    /// Its name.
    pub name: String,
    /// Its values.
    pub values: Values,
    /// Its attributes.
    pub attrs: Attrs,
}

/// `.groupby(key)`
///
/// # Errors
/// When the key is not known along one dim.
pub fn groupby(plan: &mut Plan, base: &Value, args: Args) -> Outcome<Value> {
    let mut bound = args.bind(&["group", "squeeze", "restore_coord_dims", "eagerly_compute_group"])?;
    bound.take("squeeze");
    bound.take("restore_coord_dims");
    bound.take("eagerly_compute_group");
    let arg = bound.need("group")?;
    let key = key_of(plan, base, &arg).map_err(|f| f.at(arg.span))?;
    let by = grouping(key)?;
    Ok(Value::Grouped(Box::new(Grouped { object: base.clone(), by })))
}

/// What indices are grouped by.
///
/// # Errors
/// When it is not known along one dim.
pub fn key_of(plan: &mut Plan, base: &Value, arg: &Arg) -> Outcome<Key> {
    match &arg.value {
        Value::Text(text) => {
            let (name, component) = match text.split_once('.') {
                Some((name, component)) if coordinate(base, text).is_none() => (name, Some(component)),
                _ => (text.as_str(), None),
            };
            let Some(coord) = coordinate(base, name) else {
                let known = coords(base).map(|c| c.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
                let hint = crate::suggest::did_you_mean_or_list(name, known.iter().map(String::as_str))
                    .map(|h| format!("; {h}"))
                    .unwrap_or_default();
                return refuse(format!("groupby(): there is no coordinate '{name}'{hint}"));
            };
            let (along, values) = known_along(name, &coord)?;
            match component {
                None => Ok(Key { along, name: name.to_owned(), values: (*values).clone(), attrs: coord.attrs.clone() }),
                Some(c) => Ok(Key { along, name: c.to_owned(), values: accessor::component(&values, c)?, attrs: Attrs::new() }),
            }
        }
        Value::Array(a) => {
            let dims = plan.names(a.node)?;
            match (dims.as_slice(), fold::values(plan, a)) {
                ([along], Some(values)) => {
                    check_same_labels(base, along, a)?;
                    Ok(Key {
                        along: along.clone(),
                        name: a.name.clone().unwrap_or_else(|| "group".to_owned()),
                        values,
                        attrs: a.attrs.clone(),
                    })
                }
                ([_], None) => Err(Fault::unsupported("groupby() by an array that depends on data")),
                _ => Err(Fault::unsupported("groupby() by an array of several dimensions")),
            }
        }
        Value::Dict(_) | Value::List(_) => Err(Fault::unsupported("groupby() by several keys")),
        other => refuse(format!("groupby() takes a name such as 'time.month' or an array, not {}", other.type_name())),
    }
}

fn check_same_labels(base: &Value, along: &str, key: &LazyArray) -> Outcome<()> {
    let own = coordinate(base, along).and_then(|c| c.known().cloned());
    match (own, key.index(along)) {
        (Some(a), Some(b)) if !labels::equal(&a, b) => {
            refuse(format!("groupby(): the labels of '{along}' differ between the array and the key"))
        }
        _ => Ok(()),
    }
}

fn coords(base: &Value) -> Option<&IndexMap<String, LazyCoord>> {
    match base {
        Value::Array(a) => Some(&a.coords),
        Value::Dataset(d) => Some(&d.coords),
        _ => None,
    }
}

/// A coordinate of an array or a dataset.
pub fn coordinate(base: &Value, name: &str) -> Option<LazyCoord> {
    coords(base)?.get(name).cloned()
}

/// The dim of a coordinate of one, and its known cells.
///
/// # Errors
/// When it has several, or depends on data.
pub fn known_along(name: &str, coord: &LazyCoord) -> Outcome<(String, Arc<Values>)> {
    match (coord.dims.as_slice(), coord.known()) {
        ([dim], Some(values)) => Ok((dim.clone(), values.clone())),
        ([_], None) => Err(Fault::unsupported(format!("grouping by '{name}', which depends on data"))),
        _ => Err(Fault::unsupported(format!("grouping by '{name}', which does not lie along exactly one dimension"))),
    }
}

/// Distinct labels as groups, sorted unless they are those of a dimension in descending order, each once, which xarray keeps as
/// they are; missing ones belong to none.
fn grouping(key: Key) -> Outcome<Grouping> {
    let keys = labels::labels(&key.values);
    let missing = |l: &Label| matches!(l, Label::Time(i64::MIN)) || matches!(l, Label::Float(b) if f64::from_bits(*b).is_nan());
    let mut order: Vec<usize> = (0..keys.len()).filter(|&i| !missing(&keys[i])).collect();
    order.sort_by(|&i, &j| keys[i].cmp(&keys[j]));
    order.dedup_by(|a, b| keys[*a] == keys[*b]);
    if order.is_empty() {
        return refuse(format!("groupby(): '{}' has no labels to group by", key.name));
    }
    let sorted: Vec<&Label> = order.iter().map(|&i| &keys[i]).collect();
    let mut codes: Vec<i32> = keys.iter().map(|l| sorted.binary_search(&l).map_or(-1, |i| i as i32)).collect();
    if key.name == key.along && order.len() == keys.len() && labels::order(&keys) == Order::Descending {
        order.reverse();
        codes.iter_mut().for_each(|c| *c = order.len() as i32 - 1 - *c);
    }
    let labels = labels::take(&key.values, &order.iter().map(|&i| i as i64).collect::<Vec<_>>())?;
    Ok(Grouping {
        along: key.along,
        codes: codes.into(),
        dim: Dim::new(&key.name, order.len()),
        labels,
        attrs: key.attrs,
        kind: GroupingKind::GroupBy,
        bins: None,
    })
}

/// A reduction of a grouped object.
///
/// # Errors
/// When the grouped dim or another one does not exist, or the reduction has no grouped form.
pub fn method(plan: &mut Plan, g: &Grouped, name: &str, args: Args) -> Outcome<Value> {
    let request = match name {
        _ if g.by.kind == GroupingKind::Resample && resample::UPSAMPLING.contains(&name) => {
            return resample::upsampled(plan, g, name, args);
        }
        "quantile" => return quantile::of_groups(plan, g, args),
        "cumsum" | "cumprod" => return cumulate::of_groups(plan, g, name, args),
        "first" | "last" => {
            let mut bound = args.bind(&["skipna", "keep_attrs"])?;
            let kind = if name == "first" { ReductionKind::First } else { ReductionKind::Last };
            Request {
                skipna: bound.flag("skipna", None)?,
                keep_attrs: bound.flag("keep_attrs", Some(true))?.unwrap_or(true),
                ..Request::plain(kind, vec![g.by.along.clone()])
            }
        }
        _ => match reduce::named(name) {
            Some(ReductionKind::ArgMin | ReductionKind::ArgMax) => return Err(Fault::unsupported(format!("{name}() of groups"))),
            Some(kind) => Request::parse(kind, args)?,
            None => return refuse(format!("groupby object has no method '{name}'")),
        },
    };
    match &g.object {
        Value::Array(a) => Ok(Value::Array(reduced(plan, a, &g.by, &request, &Receiver::array())?)),
        Value::Dataset(d) => dataset(plan, d, &g.by, &request),
        other => refuse(format!("{} cannot be grouped", other.type_name())),
    }
}

/// Every variable reduced per group, as xarray joins the groups again: the groups' dim comes first, also in variables that have none
/// of the dims and stay as they are, which come last.
fn dataset(plan: &mut Plan, d: &LazyDataset, by: &Grouping, request: &Request) -> Outcome<Value> {
    let receiver = Receiver::dataset(dataset::dims(plan, d)?);
    let mut kept = d.clone();
    kept.variables.retain(|_, v| !matches!(v.cells, Cells::Texts(_)) || !request.kind.numeric_only());
    let dims = match &request.dims {
        Names::Absent => vec![by.along.clone()],
        Names::All => receiver.dims().to_vec(),
        Names::These(dims) => dims.clone(),
    };
    let has = |plan: &Plan, v: &LazyArray, dim: &String| Ok::<_, Fault>(plan.names(v.node)?.contains(dim));
    if !dims.contains(&by.along) {
        for v in kept.variables.values() {
            if !has(plan, v, &by.along)? {
                return Err(without_dim(v, &by.along, "groups over other dimensions"));
            }
        }
        return dataset::each(plan, &kept, |plan, v| reduced(plan, v, by, request, &receiver));
    }
    let (mut first, mut last) = (IndexMap::new(), IndexMap::new());
    for (name, v) in &kept.variables {
        let along = has(plan, v, &by.along)?;
        if !along && by.kind == GroupingKind::Resample && matches!(request.kind, ReductionKind::First | ReductionKind::Last) {
            return Err(without_dim(v, &by.along, "first() and last()"));
        }
        let mut any = along;
        for dim in &dims {
            any |= has(plan, v, dim)?;
        }
        let mut out = match (along, any) {
            (true, _) => reduced(plan, v, by, request, &receiver)?,
            (false, true) => {
                let own = request.dims_of(plan, v, &receiver)?;
                reduce::over(plan, v, request, &own)?
            }
            (false, false) => v.clone(),
        };
        out = groups_first(plan, out, by)?;
        out.name = Some(name.clone());
        (if any { &mut first } else { &mut last }).insert(name.clone(), out);
    }
    first.extend(last);
    Ok(Value::Dataset(dataset::gather(plan, first, &kept)?))
}

fn without_dim(v: &LazyArray, dim: &str, what: &str) -> Fault {
    let name = v.name.as_deref().unwrap_or_default();
    Fault::new(format!(
        "'{name}' of the dataset lacks the dimension '{dim}': {what} are not done for it; leave it out with .drop_vars('{name}'), or name the variables: ds[['tas']]"
    ))
}

/// The array with the groups' dim in front; repeated for each group where it has no groups.
fn groups_first(plan: &mut Plan, a: LazyArray, by: &Grouping) -> Outcome<LazyArray> {
    let group = by.dim.name.to_string();
    let mut names = plan.names(a.node)?;
    let mut out = a;
    match names.iter().position(|n| *n == group) {
        Some(axis) => {
            let name = names.remove(axis);
            names.insert(0, name);
            out.node = plan.transpose(out.node, &names)?;
        }
        None => {
            out.node = plan.expand(out.node, 0, Dim::new(&group, by.labels.len()))?;
            out.coords.shift_remove(&group);
            out.coords.insert(group.clone(), LazyCoord::along(&group, by.labels.clone(), by.attrs.clone()));
        }
    }
    Ok(out)
}

/// One array reduced per group.
///
/// # Errors
/// When a dim does not exist.
pub fn reduced(plan: &mut Plan, a: &LazyArray, by: &Grouping, request: &Request, receiver: &Receiver) -> Outcome<LazyArray> {
    let dims = dims_of(plan, a, by, request, receiver)?;
    if !dims.contains(&by.along) {
        if by.kind == GroupingKind::Resample {
            return refuse(format!("a resampled array can only be reduced over '{}', alone or with other dimensions", by.along));
        }
        return reduce::over(plan, a, request, &dims);
    }
    let others: Vec<String> = dims.iter().filter(|d| **d != by.along).cloned().collect();
    reduce::has_cells(plan, a, request, &others)?;
    let (mut node, cells) = reduce::folded(plan, a, request, &mut |plan, input, folding| {
        plan.reduce_groups(input, folding, &dims, &by.along, by.codes.clone(), by.dim.clone())
    })?;
    if let Some(fill) = &by.bins {
        node = with_gaps(plan, node, &cells, &by.dim.name, fill)?;
    }
    Ok(labelled(a, by, &dims, request.keep_attrs, node, cells))
}

/// The dims that a reduction of groups folds away; by default the grouped one.
///
/// # Errors
/// When one does not exist.
pub fn dims_of(plan: &Plan, a: &LazyArray, by: &Grouping, request: &Request, receiver: &Receiver) -> Outcome<Vec<String>> {
    match &request.dims {
        Names::Absent => Ok(vec![by.along.clone()]),
        Names::All => plan.names(a.node),
        // The group's own name stands for its dim.
        Names::These(_) => request.dims_of(plan, a, receiver),
    }
}

/// `node`, made of `a` by folding `dims` into groups, with the coordinates that are left and the groups' labels.
pub fn labelled(a: &LazyArray, by: &Grouping, dims: &[String], keep_attrs: bool, node: NodeId, cells: Cells) -> LazyArray {
    let mut coords = a.coords.clone();
    coords.retain(|n, c| !c.dims.iter().any(|d| dims.contains(d)) && **n != *by.dim.name);
    coords.insert(by.dim.name.to_string(), LazyCoord::along(&by.dim.name, by.labels.clone(), by.attrs.clone()));
    if !keep_attrs {
        coords.values_mut().for_each(|c| c.attrs.clear());
    }
    let attrs = if keep_attrs { a.attrs.clone() } else { Attrs::new() };
    LazyArray { name: a.name.clone(), node, coords, attrs, cells }
}

/// The groups of a `resample` in their bins; bins without a time are missing.
///
/// # Errors
/// For cells that cannot be missing.
pub fn with_gaps(plan: &mut Plan, node: NodeId, cells: &Cells, dim: &str, fill: &[i64]) -> Outcome<NodeId> {
    match cells {
        Cells::Numbers => {
            let to = indexing::promoted(plan.dtype(node)?);
            let node = plan.cast(node, to)?;
            plan.take(node, dim, Index::compact(fill))
        }
        Cells::Times(encoding) if !labels::is_gregorian(encoding.calendar) => {
            Err(Fault::unsupported("resampling with gaps times of a calendar that has no missing times"))
        }
        Cells::Times(_) => {
            let at: Vec<i64> = fill.iter().map(|&i| i.max(0)).collect();
            let node = plan.take(node, dim, Index::compact(&at))?;
            let empty =
                plan.constant(&[dim.to_owned()], Block::from_vec(&[fill.len()], fill.iter().map(|&i| i < 0).collect::<Vec<bool>>())?)?;
            plan.select_like(node.into(), empty, Operand::Int(i64::MIN), node.into(), DType::I64)
        }
        Cells::Texts(_) => Err(Fault::unsupported("resampling texts with gaps")),
    }
}
