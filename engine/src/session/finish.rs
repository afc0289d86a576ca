//! From a lazy value to finished arrays: which nodes must be computed, and how their cells are labelled.

use crate::error::{Error, Result};
use crate::lazy::{Cells, CoordData, LazyArray, LazyCoord, Number, Plan, Value, labels};
use crate::result::{Array, Coordinate, Outcome};
use indexmap::IndexMap;
use std::sync::Arc;
use xeng_kernels::{Block, NodeId};
use xeng_proto::{Attrs, Values};

/// A wanted value, its cells given as positions among the roots.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    /// One array.
    Array(Box<ArrayShape>),
    /// Several.
    Dataset(Vec<ArrayShape>, Attrs),
}

/// An array whose cells are root number `root`.
#[derive(Clone, Debug)]
pub(super) struct ArrayShape {
    name: Option<String>,
    root: usize,
    dims: Vec<String>,
    lengths: Vec<usize>,
    cells: Cells,
    attrs: Attrs,
    coords: Vec<(String, LazyCoord, Option<usize>)>,
}

impl Shape {
    /// Its arrays.
    pub(super) fn arrays(&self) -> &[ArrayShape] {
        match self {
            Shape::Array(array) => std::slice::from_ref(array),
            Shape::Dataset(arrays, _) => arrays,
        }
    }
}

impl ArrayShape {
    /// Which root its cells are.
    pub(super) fn root(&self) -> usize {
        self.root
    }

    /// What its cells stand for.
    pub(super) fn cells(&self) -> &Cells {
        &self.cells
    }
}

/// Appends the nodes that a value is made of to the roots.
pub(super) fn shape(value: &Value, plan: &mut Plan, roots: &mut Vec<NodeId>) -> Result<Shape> {
    let scalar = |plan: &mut Plan, roots: &mut Vec<NodeId>, block: Block| {
        let dims: Vec<Arc<str>> = (0..block.rank()).map(|i| format!("dim_{i}").into()).collect();
        let node = plan.graph.constant(&dims, block)?;
        let array = LazyArray { name: None, node, coords: IndexMap::new(), attrs: Attrs::new(), cells: Cells::Numbers };
        Ok::<_, Error>(Shape::Array(Box::new(array_shape(&array, plan, roots)?)))
    };
    match value {
        Value::Array(array) => Ok(Shape::Array(Box::new(array_shape(array, plan, roots)?))),
        Value::Dataset(dataset) => {
            let arrays = dataset.variables.values().map(|a| array_shape(a, plan, roots)).collect::<Result<_>>()?;
            Ok(Shape::Dataset(arrays, dataset.attrs.clone()))
        }
        Value::Number(Number::Int(i)) => scalar(plan, roots, Block::scalar(*i)),
        Value::Number(Number::Float(f)) => scalar(plan, roots, Block::scalar(*f)),
        Value::Bool(b) => scalar(plan, roots, Block::scalar(*b)),
        Value::Numpy(block) => scalar(plan, roots, block.clone()),
        other => Err(Error::request(format!("the result is {}, not an array", other.type_name()))
            .hint("end with an expression that gives a DataArray, a Dataset or a number")),
    }
}

fn array_shape(array: &LazyArray, plan: &Plan, roots: &mut Vec<NodeId>) -> Result<ArrayShape> {
    let node = plan.graph.node(array.node)?;
    let dims = node.dims.iter().map(|d| d.name.to_string()).collect();
    let root = root_of(roots, array.node);
    let coords = array.coords.iter().map(|(name, coord)| {
        let at = match coord.data {
            CoordData::Known(..) => None,
            CoordData::Lazy(node, _) => Some(root_of(roots, node)),
        };
        (name.clone(), coord.clone(), at)
    });
    Ok(ArrayShape {
        name: array.name.clone(),
        dims,
        lengths: node.shape(),
        cells: array.cells.clone(),
        attrs: array.attrs.clone(),
        coords: coords.collect(),
        root,
    })
}

fn root_of(roots: &mut Vec<NodeId>, node: NodeId) -> usize {
    roots.iter().position(|&r| r == node).unwrap_or_else(|| {
        roots.push(node);
        roots.len() - 1
    })
}

/// The finished value, from the cells of the roots; an array whose cells are not there has none, but is otherwise as it will be.
pub(super) fn outcome(shape: &Shape, blocks: &[Arc<Block>]) -> Result<Outcome> {
    match shape {
        Shape::Array(a) => Ok(Outcome::Array(array(a, blocks)?)),
        Shape::Dataset(arrays, attrs) => {
            Ok(Outcome::Dataset { arrays: arrays.iter().map(|a| array(a, blocks)).collect::<Result<_>>()?, attrs: attrs.clone() })
        }
    }
}

fn array(a: &ArrayShape, blocks: &[Arc<Block>]) -> Result<Array> {
    let (_, values) = cells(blocks, a.root, &a.cells)?;
    let coords = a
        .coords
        .iter()
        .map(|(name, coord, at)| {
            let (shape, values) = match (&coord.data, at) {
                (CoordData::Known(values, shape), _) => (shape.clone(), (**values).clone()),
                (CoordData::Lazy(_, kind), Some(at)) => cells(blocks, *at, kind)?,
                (CoordData::Lazy(..), None) => return Err(Error::internal(format!("coordinate '{name}' was not computed"))),
            };
            Ok(Coordinate { name: name.clone(), dims: coord.dims.clone(), shape, values, attrs: coord.attrs.clone() })
        })
        .collect::<Result<_>>()?;
    Ok(Array { name: a.name.clone(), dims: a.dims.clone(), shape: a.lengths.clone(), values, attrs: a.attrs.clone(), coords })
}

fn cells(blocks: &[Arc<Block>], root: usize, kind: &Cells) -> Result<(Vec<usize>, Values)> {
    let block = blocks.get(root).ok_or_else(|| Error::internal("a root was not computed"))?;
    Ok((block.shape().to_vec(), labels::from_block(block, kind)))
}
