//! Reductions of what `groupby` and `resample` have grouped.
//!
//! In: an array or dataset under a grouping. Out: reduced arrays. Never moves data: groups are codes along one axis.

use super::args::{Args, Names};
use super::calls::Receiver;
use super::dataset;
use super::fault::{Fault, Outcome, refuse};
use super::indexing;
use super::reduce::{self, ReductionKind, Request};
use super::{cumulate, group_arithmetic, keys, quantile, resample};
use crate::lazy::labels;
use crate::lazy::plan::Operand;
use crate::lazy::value::{Grouped, Grouping, GroupingKind};
use crate::lazy::{Cells, LazyArray, LazyCoord, LazyDataset, Plan, Value};
use indexmap::IndexMap;
use xeng_kernels::graph::Index;
use xeng_kernels::{Block, DType, NodeId};
use xeng_proto::Attrs;

/// A reduction of a grouped object.
///
/// # Errors
/// When the grouped dim or another one does not exist, or the reduction has no grouped form.
pub fn method(plan: &mut Plan, g: &Grouped, name: &str, args: Args) -> Outcome<Value> {
    if !g.by.parts.is_empty() && matches!(name, "quantile" | "cumsum" | "cumprod") {
        return Err(Fault::unsupported(format!("{name}() of groups by several keys")));
    }
    if matches!(name, "first" | "last") && is_own_index(&g.object, &g.by) {
        // As in xarray, where each index is its own group nothing is done.
        return Ok(g.object.clone());
    }
    let request = match name {
        "fillna" => return group_arithmetic::fillna(plan, g, args),
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

/// Whether the groups are the indices of the grouped dim in the order of its labels.
fn is_own_index(object: &Value, by: &Grouping) -> bool {
    let plain = by.kind == GroupingKind::GroupBy && *by.dim.name == *by.along && by.bins.is_none();
    let own = keys::coordinate(object, &by.along).and_then(|c| c.known().cloned());
    plain
        && by.codes.iter().enumerate().all(|(i, c)| i as i32 == *c)
        && own.is_some_and(|own| labels::equal(&own, &by.labels) || labels::order(&labels::labels(&by.labels)) != labels::Order::None)
}

/// Every variable reduced per group, as xarray joins the groups again: the groups' dim comes first, also in variables that have none
/// of the dims and stay as they are.
fn dataset(plan: &mut Plan, d: &LazyDataset, by: &Grouping, request: &Request) -> Outcome<Value> {
    let receiver = Receiver::dataset(dataset::dims(plan, d)?);
    if !by.parts.is_empty() && matches!(request.dims, Names::All) {
        return Err(Fault::unsupported(
            "reducing a dataset's groups by several keys over all dimensions; name them, or a variable: ds['tas'],",
        ));
    }
    let mut kept = d.clone();
    kept.variables.retain(|_, v| !matches!(v.cells, Cells::Texts(_)) || !request.kind.numeric_only());
    if !request.keep_attrs {
        kept.attrs.clear();
    }
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
    let keeps_cells = matches!(request.kind, ReductionKind::First | ReductionKind::Last);
    let (mut variables, mut ungrouped) = (IndexMap::new(), vec![]);
    for (name, v) in &kept.variables {
        let along = has(plan, v, &by.along)?;
        if !along {
            ungrouped.push(name.clone());
            if matches!(request.kind, ReductionKind::Std | ReductionKind::Var) && *by.dim.name == *by.along {
                return Err(without_dim(v, &by.along, "std() and var() of groups of single labels"));
            }
        }
        if !along && by.kind == GroupingKind::Resample && matches!(request.kind, ReductionKind::First | ReductionKind::Last) {
            return Err(without_dim(v, &by.along, "first() and last()"));
        }
        let mut any = along;
        for dim in &dims {
            any |= has(plan, v, dim)?;
        }
        let mut out = if along {
            reduced(plan, v, by, request, &receiver)?
        } else if keeps_cells || !any && !plan.names(v.node)?.is_empty() && request.kind.spares_others() {
            let attrs = if request.keep_attrs || keeps_cells { v.attrs.clone() } else { Attrs::new() };
            LazyArray { attrs, ..v.clone() }
        } else {
            let own: Vec<String> = plan.names(v.node)?.into_iter().filter(|d| dims.contains(d)).collect();
            reduce::over(plan, v, request, &own)?
        };
        if by.kind == GroupingKind::Resample && matches!(request.kind, ReductionKind::First | ReductionKind::Last) {
            // Dims stay as they are.
        } else if by.parts.is_empty() {
            out = groups_first(plan, out, by)?;
        } else if !along {
            out = keys::repeated(plan, out, by)?;
        }
        out.name = Some(name.clone());
        variables.insert(name.clone(), out);
    }
    if keeps_cells && by.kind == GroupingKind::GroupBy {
        // What has no groups comes behind what has.
        let (grouped, others): (IndexMap<_, _>, IndexMap<_, _>) =
            variables.into_iter().partition(|(name, _)| ungrouped.iter().all(|n| n != name));
        variables = grouped.into_iter().chain(others).collect();
    }
    Ok(Value::Dataset(dataset::gather(plan, variables, &kept)?))
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
            out.node = plan.expand(out.node, 0, by.dim.clone())?;
            if let Some(fill) = &by.bins {
                if plan.dtype(out.node)? == DType::Bool {
                    return Err(without_dim(&out, &by.along, "truths in bins without a time"));
                }
                out.node = with_gaps(plan, out.node, &out.cells, &group, fill)?;
            }
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
        if !by.parts.is_empty() || !keys::coordinates_known(by) {
            return Err(Fault::unsupported(
                "reducing groups by several keys, or by one of several dimensions, over other dimensions alone",
            ));
        }
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
        if !by.parts.is_empty() && plan.dtype(node)? == DType::Bool {
            return Err(Fault::unsupported("truths for combinations of keys that are not there"));
        }
        node = with_gaps(plan, node, &cells, &by.dim.name, fill)?;
    }
    keys::split(plan, labelled(a, by, &dims, request.keep_attrs, node, cells), by)
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
