//! Evaluates a graph on demand, box by box.
//!
//! In: a node and a box of its result. Out: the cells of that box. Never computes a cell outside what the box
//! needs, and never holds more than the boxes under way.

use crate::block::Block;
use crate::bounds::{self, Bounds};
use crate::boxes::{self, clusters, folded_box, input_boxes};
use crate::error::{KernelError, Result};
use crate::formula::{Formula, Operand};
use crate::graph::{Graph, Groups, Index, InterpMethod, Node, NodeId, Op};
use crate::interp;
use crate::reduce::Reduction;
use crate::remap;
use crate::reshape::Reshape;
use crate::tiling::Tiling;

mod fold;

pub use fold::{Folded, folding_bytes};

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

/// Cells of a nested reduction's input that are held at once, unless one chunk has more.
const NESTED_CELLS: usize = 1 << 20;

/// Where the stored variables of a graph are read from.
pub trait Leaves {
    /// What can go wrong in reading.
    type Error: From<KernelError>;

    /// The decoded cells of a box of variable `source`.
    ///
    /// # Errors
    /// Whatever reading them gives.
    fn scan(&self, source: u32, bounds: &[Range<usize>]) -> std::result::Result<Block, Self::Error>;

    /// Asked between the pieces of long work; an error ends it.
    ///
    /// # Errors
    /// Why the work is not wanted any more.
    fn go_on(&self) -> std::result::Result<(), Self::Error> {
        Ok(())
    }
}

/// The leaves of a graph that has no scans.
#[derive(Clone, Copy, Debug)]
pub struct NoLeaves;

impl Leaves for NoLeaves {
    type Error = KernelError;

    fn scan(&self, source: u32, _: &[Range<usize>]) -> Result<Block> {
        Err(KernelError::malformed("graph", format!("variable {source} cannot be read here")))
    }
}

/// Nodes whose whole result is in memory already: earlier steps, and arrays handed in.
pub type Known = HashMap<NodeId, Arc<Block>>;

/// What an operator makes of constants.
///
/// # Errors
/// [`KernelError::Malformed`] when the inputs are not as many as the operator has, no constants, or do not fit it.
pub fn apply(op: &Op, inputs: &[&Node]) -> Result<Block> {
    if op.inputs().len() != inputs.len() {
        return Err(KernelError::malformed("graph", "an operator with another number of inputs"));
    }
    let mut graph = Graph::new();
    let ids = inputs.iter().map(|&node| graph.push_checked(node.clone())).collect::<Result<Vec<_>>>()?;
    let mut ids = ids.into_iter();
    let root = graph.push(op.with_inputs(|old| ids.next().unwrap_or(old)))?;
    let tiling = Tiling::of(&graph, &[])?;
    let at = bounds::whole(&graph.node(root)?.shape());
    let block = Evaluator::new(&graph, &tiling, &Known::new(), &NoLeaves).evaluate(root, &at)?;
    Ok(Arc::unwrap_or_clone(block))
}

/// Boxes that have been computed.
type Done = HashMap<(NodeId, Bounds), Arc<Block>>;

/// Evaluates boxes of a graph's nodes. Results of shared nodes are kept until it is dropped: make one per box of the root.
pub struct Evaluator<'a, L: Leaves> {
    graph: &'a Graph,
    tiling: &'a Tiling,
    known: &'a Known,
    leaves: &'a L,
    done: Done,
    /// Results of nested reductions, shared with the evaluators of their pieces: without it, reductions within reductions would be
    /// computed once per piece of each that they are in.
    reduced: Rc<RefCell<Done>>,
}

impl<'a, L: Leaves> Evaluator<'a, L> {
    /// An evaluator of `graph` whose scans are answered by `leaves` and whose `known` nodes need no work.
    pub fn new(graph: &'a Graph, tiling: &'a Tiling, known: &'a Known, leaves: &'a L) -> Self {
        Evaluator { graph, tiling, known, leaves, done: HashMap::new(), reduced: Rc::default() }
    }

    /// The cells of box `at` of node `id`.
    ///
    /// # Errors
    /// The leaves' error, or a [`KernelError`] when the box does not fit the node.
    pub fn evaluate(&mut self, id: NodeId, at: &Bounds) -> std::result::Result<Arc<Block>, L::Error> {
        if let Some(block) = self.known.get(&id) {
            return Ok(cut(block, at)?);
        }
        let key = (id, at.clone());
        if let Some(block) = self.done.get(&key) {
            return Ok(block.clone());
        }
        let graph = self.graph;
        let node = graph.node(id)?;
        let is_reduction = matches!(node.op, Op::Reduce { .. });
        if is_reduction && let Some(block) = self.reduced.borrow().get(&key) {
            return Ok(block.clone());
        }
        let block = self.compute(node, at)?;
        if block.shape() != bounds::shape_of(at) || block.dtype() != node.dtype {
            return Err(KernelError::malformed("graph", format!("a {} gave another shape or type than planned", node.op.name())).into());
        }
        if is_reduction {
            self.reduced.borrow_mut().insert(key, block.clone());
        } else {
            self.done.insert(key, block.clone());
        }
        Ok(block)
    }

    fn compute(&mut self, node: &Node, at: &Bounds) -> std::result::Result<Arc<Block>, L::Error> {
        if let Op::Reduce { input, reduction, axes, groups } = &node.op {
            return self.reduce(*input, *reduction, axes, groups.as_ref(), at).map(Arc::new);
        }
        let inputs = input_boxes(self.graph, node, at)?
            .into_iter()
            .map(|(input, b)| self.evaluate(input, &b))
            .collect::<std::result::Result<Vec<_>, _>>()?;
        let first = || inputs.first().cloned().ok_or_else(|| KernelError::malformed("graph", "an operator without input"));
        Ok(match &node.op {
            Op::Scan { source } => Arc::new(self.leaves.scan(*source, at)?),
            Op::Constant(block) => cut(block, at)?,
            Op::Given { slot } => return Err(KernelError::malformed("graph", format!("nothing was handed in for slot {slot}")).into()),
            Op::Map { formula, inputs: ids } => Arc::new(map(self.graph, node, formula, ids, &inputs, at)?),
            Op::Take { axis, index, .. } => take(node, *axis, index, &inputs, at)?,
            Op::Pick { .. } | Op::Rename { .. } => reshaped(first()?, at)?,
            Op::Transpose { order, .. } => Arc::new(first()?.transpose(order)?),
            Op::Expand { axis, .. } => Arc::new(expand(first()?.as_ref(), *axis, at)?),
            Op::Interp { axis, from, to, method, .. } => Arc::new(interpolate(first()?.as_ref(), *axis, from, to, *method, at)?),
            Op::Along { input, axis, joined, along } => {
                let len = self.graph.node(*input)?.dims[*axis].len;
                let kept = *axis - joined.iter().filter(|&a| a < axis).count();
                Arc::new(along.apply_joined(first()?.as_ref(), *axis, joined, at[kept].clone(), len)?)
            }
            Op::Remap { axes, .. } => Arc::new(remap::apply(first()?.as_ref(), axes, at)?),
            Op::Lookup { table, .. } => Arc::new(looked_up(first()?.as_ref(), table)?),
            Op::Points { points, .. } => Arc::new(points.apply(&inputs, at, node.dtype)?),
            Op::Reshape { input, axis, count, dims } => {
                let (from, to) = boxes::reshaped(self.graph.node(*input)?, *axis, *count, dims);
                Arc::new(Reshape { axis: *axis, from: &from, to: &to }.apply(first()?.as_ref(), at)?)
            }
            Op::Concat { axis, .. } => joined(*axis, &inputs, node, at)?,
            Op::Reduce { .. } => return Err(KernelError::malformed("graph", "a reduction outside its place").into()),
        })
    }

    /// A reduction inside the graph: folds its input piece by piece, in the order of the input's chunks.
    fn reduce(
        &mut self,
        input: NodeId,
        reduction: Reduction,
        axes: &[usize],
        groups: Option<&Groups>,
        at: &Bounds,
    ) -> std::result::Result<Block, L::Error> {
        let source = self.graph.node(input)?;
        let folded = Folded::new(axes, groups, at);
        let axes: Vec<usize> = (0..source.dims.len()).filter(|&axis| !folded.keeps(axis)).collect();
        let domain = folded_box(source, folded.axes, groups, at);
        let mut partial = reduction.identity(source.dtype, &bounds::shape_of(at));
        for piece in pieces(self.tiling.grid(input), &domain, &axes) {
            self.leaves.go_on()?;
            // Its own evaluator, so that a piece's intermediate blocks are dropped with it.
            let mut inner = Evaluator { reduced: self.reduced.clone(), ..Evaluator::new(self.graph, self.tiling, self.known, self.leaves) };
            inner.fold(input, &piece, &folded, &mut [(reduction, &mut partial)])?;
        }
        Ok(reduction.finish(partial, source.dtype)?)
    }
}

/// `domain` cut into pieces of bounded size along the folded axes, by whole chunks where a chunk fits.
fn pieces(grid: &[crate::AxisChunks], domain: &Bounds, folded: &[usize]) -> Vec<Bounds> {
    let mut out = vec![domain.clone()];
    for &axis in folded {
        out = out.into_iter().flat_map(|b| split(b, axis, &grid[axis])).collect();
    }
    out
}

/// A box of the input of reduction `node` that is as large as any that evaluating box `at` of it holds at once; `None` for other nodes.
///
/// # Errors
/// [`KernelError::Malformed`] when there is no such input.
pub fn nested_piece(graph: &Graph, tiling: &Tiling, node: &Node, at: &Bounds) -> Result<Option<(NodeId, Bounds)>> {
    let Op::Reduce { input, axes, groups, .. } = &node.op else { return Ok(None) };
    let source = graph.node(*input)?;
    let mut piece = folded_box(source, axes, groups.as_ref(), at);
    for (axis, chunks) in tiling.grid(*input).iter().enumerate() {
        let is_folded = axes.contains(&axis) || groups.as_ref().is_some_and(|g| g.axis == axis);
        if is_folded && bounds::size_of(&piece) > NESTED_CELLS && !piece[axis].is_empty() {
            let per_index = (bounds::size_of(&piece) / piece[axis].len()).max(1);
            let most = (NESTED_CELLS / per_index).saturating_add(chunks.longest()).min(piece[axis].len());
            piece[axis] = piece[axis].start..piece[axis].start + most;
        }
    }
    Ok(Some((*input, piece)))
}

/// Bytes that computing box `at` of `node` takes for a while, beside its inputs and its result.
///
/// # Errors
/// [`KernelError::Malformed`] when an input does not exist.
pub fn scratch_bytes(graph: &Graph, node: &Node, at: &Bounds) -> Result<usize> {
    let cells = bounds::size_of(at);
    match &node.op {
        // Sums, shares and quotients as float64, and where cells are there.
        Op::Remap { input, .. } => {
            let held: usize = input_boxes(graph, node, at)?.iter().map(|(_, b)| bounds::size_of(b)).sum();
            let is_float = graph.node(*input)?.dtype.is_float();
            Ok(cells.saturating_mul(4 * 8).saturating_add(if is_float { held.saturating_mul(4 + 8) } else { held.saturating_mul(8) }))
        }
        // The cells of each box with the indexed axes in front, and in the order of the points.
        Op::Points { input, .. } => {
            let size = graph.node(*input)?.dtype.size();
            let held: usize = input_boxes(graph, node, at)?.iter().map(|(_, b)| bounds::size_of(b)).sum();
            Ok(held.saturating_add(cells.saturating_mul(3)).saturating_mul(size))
        }
        // The cells as lines, and where each wanted one stands.
        Op::Reshape { input, .. } => {
            let held: usize = input_boxes(graph, node, at)?.iter().map(|(_, b)| bounds::size_of(b)).sum();
            Ok(held.saturating_mul(graph.node(*input)?.dtype.size()).saturating_add(cells.saturating_mul(8)))
        }
        // The cells of other axes are brought beside those of the lane.
        Op::Along { input, joined, .. } if !joined.is_empty() => {
            let held: usize = input_boxes(graph, node, at)?.iter().map(|(_, b)| bounds::size_of(b)).sum();
            Ok(held.saturating_mul(graph.node(*input)?.dtype.size() + 8))
        }
        Op::Along { input, axis, along, .. } => Ok(along.lane_bytes(graph.node(*input)?.dims[*axis].len)),
        _ => Ok(0),
    }
}

fn split(b: Bounds, axis: usize, chunks: &crate::AxisChunks) -> Vec<Bounds> {
    if bounds::size_of(&b) <= NESTED_CELLS || b[axis].is_empty() {
        return vec![b];
    }
    let per_index = (bounds::size_of(&b) / b[axis].len()).max(1);
    let (mut out, mut start) = (vec![], b[axis].start);
    while start < b[axis].end {
        let mut end = chunks.range(chunks.chunk_at(start)).end.min(b[axis].end);
        while end < b[axis].end && (end - start).saturating_mul(per_index) < NESTED_CELLS {
            end = chunks.range(chunks.chunk_at(end)).end.min(b[axis].end);
        }
        let mut piece = b.clone();
        piece[axis] = start..end;
        out.push(piece);
        start = end;
    }
    out
}

fn cut(block: &Arc<Block>, at: &Bounds) -> Result<Arc<Block>> {
    if bounds::whole(block.shape()) == *at { Ok(block.clone()) } else { block.slice(at).map(Arc::new) }
}

fn map(graph: &Graph, node: &Node, formula: &Formula, ids: &[NodeId], inputs: &[Arc<Block>], at: &Bounds) -> Result<Block> {
    let axes = operand_axes(graph, node, ids)?;
    let operands: Vec<Operand<'_>> = inputs.iter().zip(&axes).map(|(block, axes)| Operand::whole(block, axes)).collect();
    formula.evaluate(&operands, &bounds::shape_of(at))
}

/// For every operand of an element-wise node, and every axis of the result, the operand's axis that goes with it.
fn operand_axes(graph: &Graph, node: &Node, ids: &[NodeId]) -> Result<Vec<Vec<Option<usize>>>> {
    ids.iter()
        .map(|&id| {
            let operand = graph.node(id)?;
            Ok(node.dims.iter().map(|d| operand.axis(&d.name)).collect())
        })
        .collect()
}

/// Puts picks together again from the clusters of input indices that were evaluated.
fn take(node: &Node, axis: usize, index: &Index, inputs: &[Arc<Block>], at: &Bounds) -> Result<Arc<Block>> {
    let clusters = clusters(index, &at[axis]);
    if clusters.is_empty() {
        return Ok(Arc::new(Block::filled(node.dtype, &bounds::shape_of(at), f64::NAN)));
    }
    if let (Index::Range { step: 1, .. }, [block]) = (index, inputs) {
        return Ok(block.clone());
    }
    let starts: Vec<usize> = clusters.iter().scan(0, |n, c| Some(std::mem::replace(n, *n + c.len()))).collect();
    let position = |pick: i64| {
        let pick = usize::try_from(pick).ok()?;
        let c = clusters.partition_point(|c| c.end <= pick);
        Some((starts[c] + pick - clusters[c].start) as i64)
    };
    let local: Vec<i64> = at[axis].clone().map(|i| position(index.get(i)).unwrap_or(-1)).collect();
    let picked = match inputs {
        [block] => block.take(axis, &local),
        many => Block::concat(axis, &many.iter().map(|b| &**b).collect::<Vec<_>>())?.take(axis, &local),
    };
    picked.map(Arc::new)
}

fn reshaped(block: Arc<Block>, at: &Bounds) -> Result<Arc<Block>> {
    let shape = bounds::shape_of(at);
    if block.shape() == shape { Ok(block) } else { Arc::unwrap_or_clone(block).reshape(&shape).map(Arc::new) }
}

fn expand(block: &Block, axis: usize, at: &Bounds) -> Result<Block> {
    let mut shape = block.shape().to_vec();
    shape.insert(axis, 1);
    block.clone().reshape(&shape)?.take(axis, &vec![0; at[axis].len()])
}

fn interpolate(block: &Block, axis: usize, from: &[f64], to: &[f64], method: InterpMethod, at: &Bounds) -> Result<Block> {
    let brackets = interp::brackets(from, to, method)?;
    let targets = at[axis].clone();
    let window = brackets.window(targets.clone());
    brackets.apply(block, axis, targets, window.start)
}

fn looked_up(places: &Block, table: &Block) -> Result<Block> {
    table.take(0, places.as_slice::<i64>().unwrap_or_default())?.reshape(places.shape())
}

fn joined(axis: usize, inputs: &[Arc<Block>], node: &Node, at: &Bounds) -> Result<Arc<Block>> {
    match inputs {
        [] => Ok(Arc::new(Block::filled(node.dtype, &bounds::shape_of(at), f64::NAN))),
        [one] => Ok(one.clone()),
        many => Block::concat(axis, &many.iter().map(|b| &**b).collect::<Vec<_>>()).map(Arc::new),
    }
}

#[cfg(test)]
#[path = "evaluate/tests.rs"]
mod tests;
