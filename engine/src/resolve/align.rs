//! Bringing arrays onto common labels before they meet, and merging their coordinates, as xarray does.
//!
//! In: arrays. Out: arrays of equal indexes; merged coordinates and attributes. Never computes cells.

use super::agree::{self, Compared};
use super::fault::{Fault, Outcome, refuse};
use super::indexing;
use crate::lazy::labels::{self, Label};
use crate::lazy::{LazyArray, LazyCoord, Plan};
use indexmap::{IndexMap, IndexSet};
use std::collections::HashMap;
use std::sync::Arc;
use xeng_kernels::{Block, DType, NodeId};
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
    if mixed && join != Join::Inner || indexes.iter().any(|i| no_common_type(&first, i)) {
        return refuse(format!("the labels of '{dim}' are of different kinds or calendars, so they cannot be aligned"));
    }
    let joined = if !mixed && indexes.iter().all(|i| Arc::ptr_eq(i, &first) || labels::equal(i, &first)) {
        None
    } else if mixed {
        // Labels of different kinds are never equal: what they share is nothing, of no kind.
        match &*first {
            Values::Numbers(_) if indexes.iter().all(|i| matches!(&**i, Values::Numbers(_))) => {
                Some((Values::Numbers(Block::from_vec(&[0], Vec::<f64>::new())?), vec![]))
            }
            _ => Some((Values::Texts(vec![]), vec![])),
        }
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

/// Whether pandas has no type for labels of both: those of `datetime64` beside anything that is not a time.
fn no_common_type(a: &Values, b: &Values) -> bool {
    match (a, b) {
        (Values::Times(t), Values::Numbers(_) | Values::Texts(_)) | (Values::Numbers(_) | Values::Texts(_), Values::Times(t)) => {
            labels::is_datetime64(t)
        }
        _ => false,
    }
}

fn mixed_kinds(a: &Values, b: &Values) -> bool {
    match (a, b) {
        // Truths are no numbers among labels.
        (Values::Numbers(x), Values::Numbers(y)) => (x.dtype() == DType::Bool) != (y.dtype() == DType::Bool),
        (Values::Times(x), Values::Times(y)) => !labels::same_calendar(&x.encoding, &y.encoding),
        (Values::Texts(_), Values::Texts(_)) => false,
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
    // One operand's labels stay as they are; those of several are of a type that holds all.
    let kept = match join {
        Join::Left => indexes.first().zip(lists.first()),
        Join::Right => indexes.last().zip(lists.last()),
        Join::Exact | Join::Inner | Join::Outer => None,
    };
    if let Some((values, wanted)) = kept {
        return Ok(((**values).clone(), wanted.clone()));
    }
    let all = labels::concat(&indexes.iter().map(|i| &**i).collect::<Vec<_>>())?;
    let wanted: Vec<Label> = match join {
        Join::Exact => return refuse(format!("cannot combine arrays with join='exact': the labels of '{dim}' differ")),
        Join::Left | Join::Right => lists[0].clone(),
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
/// When two coordinates cannot be compared, or have to be read first: then the plan is made once more.
pub fn merge_coords(plan: &mut Plan, operands: &[&IndexMap<String, LazyCoord>]) -> Outcome<IndexMap<String, LazyCoord>> {
    let mut merged: IndexMap<String, LazyCoord> = IndexMap::new();
    let mut unsure: Vec<(String, NodeId)> = vec![];
    let names: IndexSet<&String> = operands.iter().flat_map(|c| c.keys()).collect();
    for name in names {
        let found: Vec<&LazyCoord> = operands.iter().filter_map(|c| c.get(name)).collect();
        if let Some(index) = found.iter().find(|c| c.dims.len() == 1 && c.dims[0] == *name) {
            merged.insert(name.clone(), (*index).clone());
            continue;
        }
        let mut agree = true;
        for other in &found[1..] {
            match agree::compared_broadcast(plan, found[0], other).map_err(|f| unread(f, name))? {
                Compared::Equal => {}
                Compared::Different => agree = false,
                Compared::Unknown(differs) => unsure.push((name.clone(), differs)),
            }
        }
        if agree {
            merged.insert(name.clone(), agree::widened(plan, found[0], &found[1..])?);
        }
    }
    unsure.retain(|(name, _)| merged.contains_key(name));
    let nodes: Vec<NodeId> = unsure.iter().map(|(_, node)| *node).collect();
    for ((name, _), differs) in unsure.iter().zip(agree::told(plan, &nodes)?) {
        if differs {
            merged.shift_remove(name);
        }
    }
    Ok(merged)
}

fn unread(f: Fault, name: &str) -> Fault {
    Fault { message: format!("both operands have a coordinate '{name}': {}; leave one out with .drop_vars('{name}')", f.message), ..f }
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
