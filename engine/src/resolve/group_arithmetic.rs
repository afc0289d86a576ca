//! Arithmetic of a grouped array with values per group: `da.groupby('time.month') - climatology`.
//!
//! In: a grouping, an array with one index per group. Out: an array along the grouped dim. Never reduces.

use super::args::Args;
use super::dataset;
use super::elementwise;
use super::fault::{Fault, Outcome, refuse};
use super::indexing::{self, Picked, Scalars};
use super::operators::{self, Infix};
use crate::lazy::labels;
use crate::lazy::value::{Grouped, Grouping, GroupingKind};
use crate::lazy::{Cells, LazyArray, LazyCoord, Plan, Value};
use std::collections::HashMap;
use xeng_kernels::Dim;
use xeng_kernels::graph::Index;

/// On which side of the operator the grouped array stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// `g - x`
    Left,
    /// `x - g`
    Right,
}

/// `g op other`, or `other op g`.
///
/// # Errors
/// When `other` has no index per group.
pub fn apply(plan: &mut Plan, op: Infix, g: &Grouped, other: &Value, side: Side) -> Outcome<Value> {
    if g.by.kind == GroupingKind::Resample {
        return Err(Fault::unsupported("arithmetic with a resample object"));
    }
    if !g.by.parts.is_empty() || !plain(g) {
        return Err(Fault::unsupported("arithmetic with groups by several keys, or by one of several dimensions,"));
    }
    if g.by.bins.is_some() {
        return Err(Fault::unsupported("arithmetic with bins of which some are empty"));
    }
    match (&g.object, other) {
        (Value::Array(a), Value::Array(o)) => Ok(Value::Array(arrays(plan, op, a, &g.by, o, side)?)),
        (Value::Array(a), Value::Dataset(d)) => dataset::each(plan, d, |plan, o| arrays(plan, op, a, &g.by, o, side)),
        (Value::Dataset(d), Value::Array(o)) => dataset::each(plan, d, |plan, a| member(plan, op, a, &g.by, o, side)),
        (Value::Dataset(a), Value::Dataset(b)) => {
            let mut common = a.clone();
            common.variables.retain(|n, _| b.variables.contains_key(n));
            if side == Side::Right {
                // As the left operand has them.
                common.variables.sort_by_key(|name, _| b.variables.get_index_of(name));
            }
            dataset::each(plan, &common, |plan, x| match x.name.as_ref().and_then(|n| b.variables.get(n)) {
                Some(y) => member(plan, op, x, &g.by, y, side),
                None => Ok(x.clone()),
            })
        }
        (_, other) => refuse(format!("a groupby object meets arrays with an index per group, not {}", other.type_name())),
    }
}

/// Whether the grouped dim is one of the object's own.
fn plain(g: &Grouped) -> bool {
    super::keys::coordinate(&g.object, &g.by.along).is_some() || !g.by.along.starts_with("stacked_")
}

/// `g.fillna(values)`: missing cells from an array with one index per group.
///
/// # Errors
/// When the array has no index per group.
pub fn fillna(plan: &mut Plan, g: &Grouped, args: Args) -> Outcome<Value> {
    let mut bound = args.bind(&["value"])?;
    let arg = bound.need("value")?;
    if g.by.kind == GroupingKind::Resample || g.by.bins.is_some() || !g.by.parts.is_empty() || !plain(g) {
        return Err(Fault::unsupported("fillna() of these groups").at(arg.span));
    }
    match (&g.object, &arg.value) {
        (Value::Array(a), Value::Array(o)) => Ok(Value::Array(filled(plan, a, &g.by, o).map_err(|f| f.at(arg.span))?)),
        _ => Err(Fault::unsupported("fillna() of groups of anything but arrays, with anything but an array,").at(arg.span)),
    }
}

fn filled(plan: &mut Plan, a: &LazyArray, by: &Grouping, other: &LazyArray) -> Outcome<LazyArray> {
    let (a, expanded) = met(plan, a, by, other)?;
    let mut out = elementwise::filled(plan, &a, &Value::Array(expanded.clone()))?;
    out.coords.clone_from(&a.coords);
    // Scalars stay scalars here, as the label of an only group does.
    for (name, coord) in other.coords.iter().filter(|(_, c)| c.dims.is_empty()) {
        out.coords.entry(name.clone()).or_insert_with(|| coord.clone());
    }
    let group = by.dim.name.to_string();
    if group != by.along
        && let Some(coord) = expanded.coords.get(&group)
    {
        let own = match (by.dim.len, coord.known()) {
            (1, Some(values)) => LazyCoord::scalar(labels::pick(values, 0)?, coord.attrs.clone()),
            _ => coord.clone(),
        };
        out.coords.insert(group, own);
    }
    Ok(out)
}

/// A variable of a grouped dataset: one without the grouped dim is the same in every group, and gets the dim in front.
fn member(plan: &mut Plan, op: Infix, a: &LazyArray, by: &Grouping, other: &LazyArray, side: Side) -> Outcome<LazyArray> {
    if plan.names(a.node)?.contains(&by.along) {
        return arrays(plan, op, a, by, other, side);
    }
    let spread = LazyArray { node: plan.expand(a.node, 0, Dim::new(&by.along, by.codes.len()))?, ..a.clone() };
    arrays(plan, op, &spread, by, other, side)
}

fn arrays(plan: &mut Plan, op: Infix, a: &LazyArray, by: &Grouping, other: &LazyArray, side: Side) -> Outcome<LazyArray> {
    let (a, expanded) = met(plan, a, by, other)?;
    let (left, right) = match side {
        Side::Left => (a, expanded),
        Side::Right => (expanded, a),
    };
    operators::infix_array(plan, op, &Value::Array(left), &Value::Array(right))
}

/// The array without the indices that fall into no group, and `other` with an index for each that is left.
fn met(plan: &mut Plan, a: &LazyArray, by: &Grouping, other: &LazyArray) -> Outcome<(LazyArray, LazyArray)> {
    let name = by.dim.name.to_string();
    if !plan.names(other.node)?.contains(&name) {
        return refuse(format!("the array that meets a groupby object needs the dimension '{name}', one index per group"));
    }
    let at = positions(plan, by, other, &name)?;
    let mut other = with_scalars_along(other, &name, by)?;
    if at.iter().any(|&i| i < 0) && other.cells == Cells::Numbers {
        let to = indexing::promoted(plan.dtype(other.node)?);
        other.node = plan.cast(other.node, to)?;
    }
    let (along, codes) = (&by.along, &by.codes);
    let (a, kept) = without_groupless(plan, a, along, codes)?;
    let index: Vec<i64> = kept.iter().map(|&c| at[c as usize]).collect();
    let group_coord =
        LazyCoord::along(&name, labels::take(&by.labels, &kept.iter().map(|&c| c as i64).collect::<Vec<_>>())?, by.attrs.clone());
    let expanded = expand(plan, &other, &name, along, &index, group_coord)?;
    Ok((a, expanded))
}

/// Where each group stands in `other`, -1 where it has none.
fn positions(plan: &Plan, by: &Grouping, other: &LazyArray, name: &str) -> Outcome<Vec<i64>> {
    let Some(index) = other.index(name) else {
        let length = plan.dims(other.node)?.iter().find(|d| *d.name == *name).map_or(0, |d| d.len);
        if length != by.dim.len {
            return refuse(format!("'{name}' has no labels, and {length} indices for {} groups", by.dim.len));
        }
        return Ok((0..length as i64).collect());
    };
    let have = labels::labels(index);
    let Some(map) = labels::positions(&have) else { return refuse(format!("the labels of '{name}' repeat")) };
    let map: HashMap<_, _> = map;
    Ok(labels::labels(&by.labels).iter().map(|l| map.get(l).map_or(-1, |&i| i as i64)).collect())
}

/// Scalar coordinates become coordinates along the groups, as xarray does here.
fn with_scalars_along(other: &LazyArray, name: &str, by: &Grouping) -> Outcome<LazyArray> {
    let mut out = other.clone();
    let length = other.index(name).map_or(by.dim.len, |i| i.len());
    for coord in out.coords.values_mut() {
        if coord.dims.is_empty()
            && let Some(value) = coord.known()
        {
            *coord = LazyCoord::along(name, labels::repeat(value, length)?, coord.attrs.clone());
        }
    }
    Ok(out)
}

/// The array without the indices that fall into no group, and the codes of the others.
fn without_groupless(plan: &mut Plan, a: &LazyArray, along: &str, codes: &[i32]) -> Outcome<(LazyArray, Vec<i32>)> {
    if !codes.contains(&-1) {
        return Ok((a.clone(), codes.to_vec()));
    }
    let at: Vec<i64> = codes.iter().enumerate().filter(|(_, c)| **c >= 0).map(|(i, _)| i as i64).collect();
    let kept = at.iter().map(|&i| codes[i as usize]).collect();
    Ok((indexing::pick(plan, a, along, &Picked::Many(Index::compact(&at)), Scalars::Keep)?, kept))
}

/// `other` with its groups spread along the grouped dim; the group's labels become a coordinate there.
fn expand(plan: &mut Plan, other: &LazyArray, name: &str, along: &str, at: &[i64], group: LazyCoord) -> Outcome<LazyArray> {
    let mut source = other.clone();
    source.coords.shift_remove(name);
    if name != along && plan.names(other.node)?.iter().any(|d| d == along) {
        return refuse(format!("the array that meets a groupby object has the dimension '{along}' itself"));
    }
    let mut out = indexing::pick(plan, &source, name, &Picked::Many(Index::compact(at)), Scalars::Keep)?;
    if name == along {
        out.coords.insert(name.to_owned(), group);
        return Ok(out);
    }
    out.node = plan.rename(out.node, name, along)?;
    for coord in out.coords.values_mut() {
        if let crate::lazy::CoordData::Lazy(node, _) = &mut coord.data
            && coord.dims.iter().any(|d| d == name)
        {
            *node = plan.rename(*node, name, along)?;
        }
        coord.dims.iter_mut().filter(|d| *d == name).for_each(|d| along.clone_into(d));
    }
    out.coords.insert(name.to_owned(), LazyCoord { dims: vec![along.to_owned()], ..group });
    Ok(out)
}
