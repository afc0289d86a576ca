//! Selection by position: `isel`, subscripts, and everything that comes down to picking indices.
//!
//! In: an array, indices per dim. Out: the array with its coordinates picked alike. Never looks at labels.

use super::agree;
use super::fault::{Fault, Outcome, refuse};
use crate::lazy::plan::Operand;
use crate::lazy::{Cells, CoordData, LazyArray, LazyCoord, Plan, fold, labels};
use indexmap::IndexMap;
use std::sync::Arc;
use xeng_kernels::graph::Index;
use xeng_kernels::{Block, NodeId};
use xeng_proto::Values;

/// What is picked along one dim.
#[derive(Clone, Debug, PartialEq)]
pub enum Picked {
    /// One index; the dim vanishes.
    One(usize),
    /// Several; the dim stays.
    Many(Index),
}

/// What becomes of coordinates whose only dim vanishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalars {
    /// They stay as scalar coordinates.
    Keep,
    /// They are dropped (`drop=True`).
    Drop,
}

/// The part of a coordinate at the picked indices of `dim`.
///
/// # Errors
/// When an index lies outside.
pub fn pick_coord(plan: &mut Plan, coord: &LazyCoord, dim: &str, picked: &Picked) -> Outcome<LazyCoord> {
    let Some(axis) = coord.dims.iter().position(|d| d == dim) else { return Ok(coord.clone()) };
    let mut dims = coord.dims.clone();
    if matches!(picked, Picked::One(_)) {
        dims.remove(axis);
    }
    let data = match &coord.data {
        CoordData::Known(values, _) if coord.dims.len() == 1 => match picked {
            Picked::One(i) => CoordData::Known(Arc::new(labels::pick(values, *i)?), vec![]),
            Picked::Many(index) => {
                let at: Vec<i64> = (0..index.len()).map(|i| index.get(i)).collect();
                CoordData::Known(Arc::new(labels::take(values, &at)?), vec![at.len()])
            }
        },
        CoordData::Known(values, shape) => {
            let (block, cells) = labels::to_block(values, shape)?;
            let node = plan.constant(&coord.dims, block)?;
            CoordData::Lazy(pick_node(plan, node, dim, picked)?, cells)
        }
        CoordData::Lazy(node, cells) => CoordData::Lazy(pick_node(plan, *node, dim, picked)?, cells.clone()),
    };
    Ok(LazyCoord { dims, data, attrs: coord.attrs.clone() })
}

fn pick_node(plan: &mut Plan, node: xeng_kernels::NodeId, dim: &str, picked: &Picked) -> Outcome<xeng_kernels::NodeId> {
    match picked {
        Picked::One(i) => plan.pick(node, dim, *i),
        Picked::Many(index) => plan.take(node, dim, index.clone()),
    }
}

/// The array at the picked indices of `dim`, with its coordinates.
///
/// # Errors
/// When there is no such dim or an index lies outside.
pub fn pick(plan: &mut Plan, array: &LazyArray, dim: &str, picked: &Picked, scalars: Scalars) -> Outcome<LazyArray> {
    let mut out = LazyArray { node: pick_node(plan, array.node, dim, picked)?, ..array.clone() };
    let mut gone = vec![];
    for (name, coord) in &mut out.coords {
        if coord.dims.iter().any(|d| d == dim) {
            *coord = pick_coord(plan, coord, dim, picked)?;
            if scalars == Scalars::Drop && coord.dims.is_empty() {
                gone.push(name.clone());
            }
        }
    }
    out.coords.retain(|name, _| !gone.contains(name));
    Ok(out)
}

/// The array with `dim` rearranged so that index `i` comes from `at[i]`, missing where that is negative, under new labels.
///
/// # Errors
/// When an index lies outside.
pub fn reindex(plan: &mut Plan, array: &LazyArray, dim: &str, at: &[i64], labels: &Values) -> Outcome<LazyArray> {
    let missing = at.iter().any(|&i| i < 0);
    let attrs = array.coords.get(dim).map(|c| c.attrs.clone()).unwrap_or_default();
    let index_coord = LazyCoord::along(dim, labels.clone(), attrs);
    let picked = Picked::Many(Index::compact(at));
    let mut coords = IndexMap::new();
    for (name, coord) in &array.coords {
        let along = coord.dims.iter().any(|d| d == dim);
        let taken = match (along, &coord.data) {
            (false, _) => coord.clone(),
            // Labels along one dim know how to go missing.
            (true, CoordData::Known(..)) if !missing || coord.dims.len() == 1 => pick_coord(plan, coord, dim, &picked)?,
            (true, CoordData::Lazy(..)) if !missing => pick_coord(plan, coord, dim, &picked)?,
            (true, _) => {
                let (node, cells) = agree::node(plan, coord)?;
                let node = with_missing(plan, node, &cells, dim, at).map_err(|f| f.about(name))?;
                fold::settle(plan, LazyCoord { data: CoordData::Lazy(node, cells), ..coord.clone() })
            }
        };
        coords.insert(name.clone(), taken);
    }
    coords.insert(dim.to_owned(), index_coord);
    let node = if missing { with_missing(plan, array.node, &array.cells, dim, at)? } else { pick_node(plan, array.node, dim, &picked)? };
    Ok(LazyArray { node, coords, ..array.clone() })
}

/// A node rearranged so that index `i` of `dim` comes from `at[i]`, missing where that is negative.
fn with_missing(plan: &mut Plan, node: NodeId, cells: &Cells, dim: &str, at: &[i64]) -> Outcome<NodeId> {
    let gone = match cells {
        Cells::Numbers => {
            let node = plan.cast(node, promoted(plan.dtype(node)?))?;
            return plan.take(node, dim, Index::compact(at));
        }
        Cells::Times(encoding) if !labels::is_gregorian(encoding.calendar) => {
            return Err(Fault::unsupported("making missing times of a calendar that has none"));
        }
        Cells::Times(_) => i64::MIN,
        Cells::Texts(_) => -1,
    };
    let dtype = plan.dtype(node)?;
    let nearest: Vec<i64> = at.iter().map(|&i| i.max(0)).collect();
    let taken = plan.take(node, dim, Index::compact(&nearest))?;
    let empty = plan.constant(&[dim.to_owned()], Block::from_vec(&[at.len()], at.iter().map(|&i| i < 0).collect::<Vec<bool>>())?)?;
    plan.select_like(taken.into(), empty, Operand::Int(gone), taken.into(), dtype)
}

/// The type that can hold missing cells beside the given one's.
pub fn promoted(dtype: xeng_kernels::DType) -> xeng_kernels::DType {
    if dtype.is_float() { dtype } else { dtype.missing_float() }
}

/// `slice(start, stop, step)` on an axis of `len`, as Python resolves it.
///
/// # Errors
/// When the step is zero.
pub fn python_slice(start: Option<i64>, stop: Option<i64>, step: Option<i64>, len: usize) -> Outcome<Index> {
    let (n, step) = (len as i64, step.unwrap_or(1));
    if step == 0 {
        return refuse("a slice's step cannot be zero");
    }
    let clamp = |v: i64, low: i64, high: i64| (if v < 0 { v.saturating_add(n) } else { v }).clamp(low, high);
    let (first, last) = if step > 0 {
        (start.map_or(0, |v| clamp(v, 0, n)), stop.map_or(n, |v| clamp(v, 0, n)))
    } else {
        (start.map_or(n - 1, |v| clamp(v, -1, n - 1)), stop.map_or(-1, |v| clamp(v, -1, n - 1)))
    };
    let span = if step > 0 { last - first } else { first - last };
    let count = if span <= 0 { 0 } else { (span - 1) / step.abs() + 1 };
    if count == 0 {
        return Ok(Index::Range { start: 0, step: 1, len: 0 });
    }
    let step = if count == 1 { 1 } else { step };
    Ok(Index::Range { start: first as usize, step: step as isize, len: count as usize })
}

/// A Python index, counted from the end where negative.
///
/// # Errors
/// When it lies outside.
pub fn python_index(at: i64, len: usize, dim: &str) -> Outcome<usize> {
    let from_start = if at < 0 { at.saturating_add(len as i64) } else { at };
    match usize::try_from(from_start) {
        Ok(i) if i < len => Ok(i),
        _ => refuse(format!("index {at} is out of bounds for dimension '{dim}' of length {len}")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn slices_are_pythons() {
        let list = |a, b, c| {
            let i = python_slice(a, b, c, 5).unwrap();
            (0..i.len()).map(|k| i.get(k)).collect::<Vec<_>>()
        };
        assert_eq!(list(None, None, Some(-1)), vec![4, 3, 2, 1, 0]);
        assert_eq!(list(Some(-2), None, None), vec![3, 4]);
        assert_eq!(list(Some(1), Some(10), Some(2)), vec![1, 3]);
        assert_eq!(list(Some(3), Some(0), Some(-2)), vec![3, 1]);
        assert_eq!(list(Some(4), Some(1), None), Vec::<i64>::new());
        assert!(python_slice(None, None, Some(0), 5).is_err());
    }
}
