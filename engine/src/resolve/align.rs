//! Bringing arrays onto common labels before they meet, and merging their coordinates, as xarray does.
//!
//! In: arrays. Out: arrays of equal indexes; merged coordinates and attributes. Never computes cells.

use super::fault::{Fault, Outcome, refuse};
use super::indexing;
use crate::lazy::labels::{self, Label};
use crate::lazy::{CoordData, LazyArray, LazyCoord, Plan};
use indexmap::{IndexMap, IndexSet};
use std::collections::HashMap;
use std::sync::Arc;
use xeng_proto::{Attrs, Values};

/// How different indexes of one dim are reconciled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// The labels that all have, in the first one's order.
    Inner,
    /// All labels, sorted.
    Outer,
    /// The first one's labels.
    Left,
    /// The last one's labels.
    Right,
    /// Refuse.
    Exact,
}

/// Brings arrays onto common indexes, dim by dim.
///
/// # Errors
/// When sizes without labels differ, labels repeat, or `Exact` finds a difference.
pub fn align(plan: &mut Plan, arrays: &mut [LazyArray], join: Join, except: &[&str]) -> Outcome<()> {
    let mut dims: IndexSet<String> = IndexSet::new();
    for a in arrays.iter() {
        dims.extend(plan.names(a.node)?);
    }
    for dim in dims.iter().filter(|d| !except.contains(&d.as_str())) {
        align_dim(plan, arrays, join, dim)?;
    }
    Ok(())
}

fn align_dim(plan: &mut Plan, arrays: &mut [LazyArray], join: Join, dim: &str) -> Outcome<()> {
    let mut indexes: Vec<Arc<Values>> = vec![];
    let mut bare = vec![];
    for a in arrays.iter() {
        let Some(d) = plan.dims(a.node)?.into_iter().find(|d| &*d.name == dim) else { continue };
        match a.index(dim) {
            Some(index) => indexes.push(index.clone()),
            None => bare.push(d.len),
        }
    }
    let Some(first) = indexes.first().cloned() else {
        return same_sizes(dim, &bare);
    };
    let mixed = indexes.iter().any(|i| mixed_kinds(&first, i));
    if mixed && join != Join::Inner {
        return refuse(format!("the labels of '{dim}' are of different kinds or calendars, so they cannot be aligned"));
    }
    let joined = if indexes.iter().all(|i| Arc::ptr_eq(i, &first) || labels::equal(i, &first)) {
        None
    } else if mixed {
        // Labels of different kinds are never equal: what they share is nothing, of no kind.
        Some((Values::Texts(vec![]), vec![]))
    } else {
        Some(join_labels(dim, &indexes, join)?)
    };
    let length = joined.as_ref().map_or(first.len(), |(values, _)| values.len());
    if bare.iter().any(|&n| n != length) {
        return refuse(format!("dimension '{dim}' has {} indices without labels in one operand and {length} in the other", bare[0]));
    }
    let Some((values, wanted)) = joined else { return Ok(()) };
    for a in arrays.iter_mut() {
        if let Some(index) = a.index(dim).cloned() {
            let have = labels::labels(&index);
            let map = unique(dim, &have)?;
            let at: Vec<i64> = wanted.iter().map(|l| map.get(l).map_or(-1, |&i| i as i64)).collect();
            *a = indexing::reindex(plan, a, dim, &at, &values)?;
        }
    }
    Ok(())
}

fn same_sizes(dim: &str, sizes: &[usize]) -> Outcome<()> {
    match sizes.iter().find(|&&n| n != sizes[0]) {
        Some(n) => {
            refuse(format!("dimension '{dim}' has length {} in one operand and {n} in the other, and no labels to align by", sizes[0]))
        }
        None => Ok(()),
    }
}

fn mixed_kinds(a: &Values, b: &Values) -> bool {
    match (a, b) {
        (Values::Times(x), Values::Times(y)) => !labels::same_calendar(&x.encoding, &y.encoding),
        (Values::Texts(_), Values::Texts(_)) | (Values::Numbers(_), Values::Numbers(_)) => false,
        _ => true,
    }
}

fn unique<'a>(dim: &str, have: &'a [Label]) -> Outcome<HashMap<&'a Label, usize>> {
    labels::positions(have).ok_or_else(|| Fault::new(format!("cannot align along '{dim}': its labels repeat")))
}

fn join_labels(dim: &str, indexes: &[Arc<Values>], join: Join) -> Outcome<(Values, Vec<Label>)> {
    let lists: Vec<Vec<Label>> = indexes.iter().map(|i| labels::labels(i)).collect();
    for list in &lists {
        unique(dim, list)?;
    }
    let all = labels::concat(&indexes.iter().map(|i| &**i).collect::<Vec<_>>())?;
    let wanted: Vec<Label> = match join {
        Join::Exact => return refuse(format!("cannot combine arrays with join='exact': the labels of '{dim}' differ")),
        Join::Left => lists[0].clone(),
        Join::Right => lists.last().cloned().unwrap_or_default(),
        Join::Inner => {
            let sets: Vec<IndexSet<&Label>> = lists[1..].iter().map(|l| l.iter().collect()).collect();
            lists[0].iter().filter(|l| sets.iter().all(|s| s.contains(l))).cloned().collect()
        }
        Join::Outer => {
            let mut union: Vec<Label> = lists.iter().flatten().cloned().collect::<IndexSet<_>>().into_iter().collect();
            union.sort();
            union
        }
    };
    let flat = labels::labels(&all);
    let mut first_at: HashMap<&Label, i64> = HashMap::new();
    for (i, l) in flat.iter().enumerate() {
        first_at.entry(l).or_insert(i as i64);
    }
    let at: Vec<i64> = wanted.iter().map(|l| first_at.get(l).copied().unwrap_or(-1)).collect();
    Ok((labels::take(&all, &at)?, wanted))
}

/// Merges coordinates of operands: indexes win, equal ones stay, different ones vanish (`compat='minimal'`).
///
/// # Errors
/// When two coordinates could only be compared by reading them.
pub fn merge_coords(operands: &[&IndexMap<String, LazyCoord>]) -> Outcome<IndexMap<String, LazyCoord>> {
    let mut merged: IndexMap<String, LazyCoord> = IndexMap::new();
    let names: IndexSet<&String> = operands.iter().flat_map(|c| c.keys()).collect();
    for name in names {
        let found: Vec<&LazyCoord> = operands.iter().filter_map(|c| c.get(name)).collect();
        if let Some(coord) = merge_coord(name, &found)? {
            merged.insert(name.clone(), coord);
        }
    }
    Ok(merged)
}

fn merge_coord(name: &str, found: &[&LazyCoord]) -> Outcome<Option<LazyCoord>> {
    if let Some(index) = found.iter().find(|c| c.dims.len() == 1 && c.dims[0] == name) {
        return Ok(Some((*index).clone()));
    }
    let mut kept = found[0];
    for other in &found[1..] {
        match same_cells(kept, other) {
            Some(true) if other.dims.len() > kept.dims.len() => kept = other,
            Some(true) => {}
            Some(false) => return Ok(None),
            None => {
                return refuse(format!(
                    "both operands have a coordinate '{name}' that would have to be read to see whether they agree; leave one out with .drop_vars('{name}')"
                ));
            }
        }
    }
    Ok(Some(LazyCoord { attrs: found[0].attrs.clone(), ..kept.clone() }))
}

/// Whether two coordinates agree after broadcasting, if that can be told without reading.
fn same_cells(a: &LazyCoord, b: &LazyCoord) -> Option<bool> {
    match (&a.data, &b.data) {
        (CoordData::Lazy(x, _), CoordData::Lazy(y, _)) if x == y => Some(true),
        (CoordData::Known(x, shape_x), CoordData::Known(y, shape_y)) => {
            if a.dims == b.dims {
                return Some(shape_x == shape_y && labels::equal(x, y));
            }
            let (small, large) = if x.len() <= y.len() { (x, y) } else { (y, x) };
            let one = labels::labels(small);
            Some(small.len() == 1 && labels::labels(large).iter().all(|l| *l == one[0]))
        }
        _ if a.dims.len() == b.dims.len() && a.dims.iter().any(|d| !b.dims.contains(d)) => Some(false),
        _ => None,
    }
}

/// Attributes that do not contradict each other (`combine_attrs='drop_conflicts'`).
pub fn merge_attrs(operands: &[&Attrs]) -> Attrs {
    let mut merged = Attrs::new();
    let mut dropped: IndexSet<String> = IndexSet::new();
    for attrs in operands {
        for (key, value) in attrs.iter() {
            match merged.get(key) {
                _ if dropped.contains(key) => {}
                None => {
                    merged.insert(key.clone(), value.clone());
                }
                Some(known) if known == value => {}
                Some(_) => {
                    merged.shift_remove(key);
                    dropped.insert(key.clone());
                }
            }
        }
    }
    merged
}

/// The name that all operands share, if they do.
pub fn common_name(operands: &[&LazyArray]) -> Option<String> {
    let first = operands.first()?.name.clone();
    operands.iter().all(|a| a.name == first).then_some(first).flatten()
}
