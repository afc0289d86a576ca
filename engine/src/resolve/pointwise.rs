//! Selection by arrays of positions: points that share dims, arrays of several dims, and the dims that they bring.
//!
//! In: an array, positions per dim with the dims that they lie along. Out: the array there, as xarray's vectorized indexing orders it.
//! Never looks labels up.

use super::align;
use super::fault::{Fault, Outcome, refuse};
use super::indexing::{self, Picked, Scalars};
use crate::lazy::plan::LARGEST_CONSTANT_BYTES;
use crate::lazy::{Cells, CoordData, LazyArray, LazyCoord, Plan, Value, fold, labels};
use indexmap::{IndexMap, IndexSet};
use std::sync::Arc;
use xeng_kernels::graph::Index;
use xeng_kernels::points::Points;
use xeng_kernels::{Block, DType, Dim, NodeId, Op};

/// What is picked along one dim.
#[derive(Clone, Debug)]
pub struct Indexer {
    /// The dims that the positions lie along; none for one position, the picked dim itself for a list.
    pub dims: Vec<String>,
    /// Their lengths.
    pub shape: Vec<usize>,
    /// Positions, C order.
    pub at: Vec<i64>,
    /// Whether it is a slice, which keeps its dim unless an array has it too.
    pub is_slice: bool,
    /// Whether it came as an array with dims of its own.
    pub is_array: bool,
    /// Coordinates of the array.
    pub coords: IndexMap<String, LazyCoord>,
}

impl Indexer {
    /// Positions or truths along a dim of `length`.
    ///
    /// # Errors
    /// When they are no such, or lie outside.
    pub fn new(plan: &mut Plan, v: &Value, length: usize, dim: &str) -> Outcome<Indexer> {
        match v {
            Value::Array(a) => Indexer::of_array(plan, a, length, dim),
            _ => Ok(Indexer::plain(dim, super::subscript::positions(plan, v, length, dim)?, matches!(v, Value::Slice(_)))),
        }
    }

    /// What was picked without an array.
    pub fn plain(dim: &str, picked: Picked, is_slice: bool) -> Indexer {
        let (dims, at): (Vec<String>, Vec<i64>) = match picked {
            Picked::One(i) => (vec![], vec![i as i64]),
            Picked::Many(index) => (vec![dim.to_owned()], (0..index.len()).map(|i| index.get(i)).collect()),
        };
        let shape = if dims.is_empty() { vec![] } else { vec![at.len()] };
        Indexer { dims, shape, at, is_slice, is_array: false, coords: IndexMap::new() }
    }

    fn of_array(plan: &mut Plan, a: &LazyArray, length: usize, dim: &str) -> Outcome<Indexer> {
        if a.cells != Cells::Numbers {
            return refuse(format!("'{dim}' is indexed by whole numbers or truths"));
        }
        let (dims, shape) = (plan.names(a.node)?, plan.node(a.node)?.shape());
        let Some(block) = plan.cells_of(&[a.node])?.pop() else { return refuse("an indexer without cells") };
        let cells = block.to_i64_vec();
        if block.dtype() == DType::Bool {
            return Indexer::of_truths(plan, a, &dims, &cells, length, dim);
        }
        if !block.dtype().is_integer() {
            return refuse(format!("'{dim}' is indexed by whole numbers or truths"));
        }
        let at = cells.into_iter().map(|i| indexing::python_index(i, length, dim).map(|i| i as i64)).collect::<Outcome<_>>()?;
        Ok(Indexer { dims, shape, at, is_slice: false, is_array: true, coords: a.coords.clone() })
    }

    fn of_truths(plan: &mut Plan, a: &LazyArray, dims: &[String], truths: &[i64], length: usize, dim: &str) -> Outcome<Indexer> {
        let [own] = dims else { return refuse(format!("truths that index '{dim}' must lie along one dimension")) };
        if truths.len() != length {
            return refuse(format!("a boolean index of length {} for dimension '{dim}' of length {length}", truths.len()));
        }
        let at: Vec<i64> = truths.iter().enumerate().filter(|(_, t)| **t != 0).map(|(i, _)| i as i64).collect();
        let picked = Picked::Many(Index::compact(&at));
        let mut coords = IndexMap::new();
        for (name, coord) in &a.coords {
            coords.insert(name.clone(), indexing::pick_coord(plan, coord, own, &picked)?);
        }
        Ok(Indexer { dims: vec![own.clone()], shape: vec![at.len()], at, is_slice: false, is_array: true, coords })
    }

    /// The positions without their dims.
    fn picked(&self) -> Picked {
        match (self.dims.is_empty(), self.at.as_slice()) {
            (true, [one]) => Picked::One(*one as usize),
            _ => Picked::Many(Index::compact(&self.at)),
        }
    }
}

/// The array at the positions, dim by dim or point by point; coordinates of arrays of positions come along.
///
/// # Errors
/// When dims of the positions are of different lengths, or labels contradict each other.
pub fn select(plan: &mut Plan, a: &LazyArray, indexers: &IndexMap<String, Indexer>, scalars: Scalars) -> Outcome<LazyArray> {
    let (node, _) = gathered(plan, a.node, indexers)?;
    let mut out = LazyArray { node, ..a.clone() };
    out.coords.clear();
    for (name, coord) in &a.coords {
        if !coord.dims.iter().any(|d| indexers.contains_key(d)) {
            out.coords.insert(name.clone(), coord.clone());
            continue;
        }
        let picked = coordinate(plan, coord, indexers)?;
        if scalars == Scalars::Keep || !picked.dims.is_empty() {
            out.coords.insert(name.clone(), picked);
        }
    }
    attach(plan, &mut out, a, indexers)?;
    Ok(out)
}

/// Coordinates of the arrays of positions, but those that the selected array has.
fn attach(plan: &mut Plan, out: &mut LazyArray, before: &LazyArray, indexers: &IndexMap<String, Indexer>) -> Outcome<()> {
    let brought = align::merge_coords(plan, &indexers.values().map(|i| &i.coords).collect::<Vec<_>>())?;
    let dims = plan.names(out.node)?;
    for (name, coord) in brought {
        match out.coords.get(&name) {
            Some(own) if dims.contains(&name) && own.dims == [name.clone()] => {
                let differ = own.known().zip(coord.known()).is_none_or(|(x, y)| !labels::equal(x, y));
                if differ || coord.dims != own.dims {
                    return refuse(format!(
                        "the labels of '{name}' differ from the coordinate '{name}' of what selects; leave that out with .drop_vars('{name}')"
                    ));
                }
            }
            Some(_) => {}
            None if before.coords.contains_key(&name) => {}
            None => drop(out.coords.insert(name, coord)),
        }
    }
    Ok(())
}

fn coordinate(plan: &mut Plan, coord: &LazyCoord, indexers: &IndexMap<String, Indexer>) -> Outcome<LazyCoord> {
    let (node, cells) = match &coord.data {
        CoordData::Lazy(node, cells) => (*node, cells.clone()),
        CoordData::Known(values, shape) => {
            let (block, cells) = labels::to_block(values, shape)?;
            (plan.constant(&coord.dims, block)?, cells)
        }
    };
    let (node, dims) = gathered(plan, node, indexers)?;
    Ok(fold::settle(plan, LazyCoord { dims, data: CoordData::Lazy(node, cells), attrs: coord.attrs.clone() }))
}

/// A node at the positions of those of its dims that are indexed, and the dims of the result.
fn gathered(plan: &mut Plan, mut node: NodeId, indexers: &IndexMap<String, Indexer>) -> Outcome<(NodeId, Vec<String>)> {
    let own = plan.names(node)?;
    let key: Vec<(String, Option<&Indexer>)> = own.iter().map(|d| (d.clone(), indexers.get(d))).collect();
    if !is_vectorized(&key) {
        for (dim, indexer) in key.iter().filter_map(|(d, i)| i.map(|i| (d, i))) {
            node = match indexer.picked() {
                Picked::One(i) => plan.pick(node, dim, i)?,
                Picked::Many(index) => plan.take(node, dim, index)?,
            };
        }
        // All at once, so that no name is met on the way.
        let names: Vec<Arc<str>> = key
            .iter()
            .filter_map(|(d, i)| match i {
                Some(i) => i.dims.first().map(|d| d.as_str().into()),
                None => Some(d.as_str().into()),
            })
            .collect();
        let now: Vec<Arc<str>> = plan.dims(node)?.into_iter().map(|d| d.name).collect();
        if now != names {
            node = plan.push(Op::Rename { input: node, names })?;
        }
        let dims = plan.names(node)?;
        return Ok((node, dims));
    }
    points(plan, node, &key)
}

/// Whether positions of a variable share dims, or lie along several.
fn is_vectorized(key: &[(String, Option<&Indexer>)]) -> bool {
    let mut seen = IndexSet::new();
    key.iter().any(|(dim, indexer)| match indexer {
        Some(i) if i.is_array => i.dims.len() > 1 || i.dims.iter().any(|d| !seen.insert(d.clone())),
        Some(i) if i.dims.is_empty() => false,
        _ => !seen.insert(dim.clone()),
    })
}

/// The dims of the result in xarray's order: those of slices and of positions, as the variable's dims come.
fn result_dims(key: &[(String, Option<&Indexer>)]) -> IndexSet<String> {
    let mut out = IndexSet::new();
    for (dim, indexer) in key {
        match indexer {
            Some(i) if !i.is_slice => out.extend(i.dims.iter().cloned()),
            _ => drop(out.insert(dim.clone())),
        }
    }
    out
}

fn points(plan: &mut Plan, mut node: NodeId, key: &[(String, Option<&Indexer>)]) -> Outcome<(NodeId, Vec<String>)> {
    let order = result_dims(key);
    let mut sizes: IndexMap<String, usize> = IndexMap::new();
    for (_, indexer) in key.iter().filter(|(_, i)| i.is_some_and(|i| !i.is_slice)) {
        for (d, n) in indexer.iter().flat_map(|i| i.dims.iter().zip(&i.shape)) {
            if *sizes.entry(d.clone()).or_insert(*n) != *n {
                return refuse(format!("arrays of positions have {} and {n} indices along '{d}'", sizes[d]));
            }
        }
    }
    let mut along: Vec<(String, Indexer)> = vec![];
    for (dim, indexer) in key {
        if let Some(i) = indexer.filter(|i| i.is_slice) {
            node = plan.take(node, dim, Index::compact(&i.at))?;
        }
        let length = plan.node(node)?.dims[plan.axis(node, dim)?].len;
        match indexer.filter(|i| !i.is_slice) {
            Some(i) => along.push((dim.clone(), i.clone())),
            None if sizes.contains_key(dim) => {
                if sizes.get(dim) != Some(&length) {
                    return refuse(format!("arrays of positions along '{dim}' are not as long as the array"));
                }
                along.push((dim.clone(), Indexer::plain(dim, Picked::Many(Index::Range { start: 0, step: 1, len: length }), false)));
            }
            None => {}
        }
    }
    let dims: Vec<Dim> = order.iter().filter_map(|d| sizes.get(d).map(|n| Dim::new(d, *n))).collect();
    let count = dims.iter().fold(1usize, |n, d| n.saturating_mul(d.len));
    if count.saturating_mul(8 * along.len()) > LARGEST_CONSTANT_BYTES {
        return refuse(format!("{count} points are too many to be part of an expression"));
    }
    let mut axes = vec![];
    let mut at: Vec<Arc<[i64]>> = vec![];
    for (dim, indexer) in &along {
        axes.push(plan.axis(node, dim)?);
        at.push(spread(plan, indexer, &dims)?);
    }
    let order: Vec<String> = order.into_iter().collect();
    // Names of points may be those of dims that vanish.
    let node = plan.push(Op::Points { input: node, points: Arc::new(Points { axes, at, dims }) })?;
    let node = plan.transpose(node, &order)?;
    Ok((node, order))
}

/// Positions, repeated along the points' dims that they lack.
fn spread(plan: &mut Plan, indexer: &Indexer, dims: &[Dim]) -> Outcome<Arc<[i64]>> {
    let names: Vec<String> = dims.iter().map(|d| d.name.to_string()).collect();
    let mut node = plan.constant(&indexer.dims, Block::from_vec(&indexer.shape, indexer.at.clone())?)?;
    for d in dims.iter().filter(|d| !indexer.dims.iter().any(|own| **own == *d.name)) {
        node = plan.expand(node, 0, d.clone())?;
    }
    let node = plan.transpose(node, &names)?;
    match fold::known(plan, node) {
        Some(block) => Ok(block.to_i64_vec().into()),
        None => Err(Fault::new("too many points to be part of an expression")),
    }
}
