//! Folds a box of a node into partials: what is computed cell by cell is folded tile by tile, while it lies in the cache.
//!
//! In: a reduction's input, a box of it, partials as wide as the box. Out: the partials with the box's cells. Never changes the order in which a
//! cell of the result meets its input: tiles are cut along kept axes alone, so that the bits are those of one fold of the whole box.

use super::{Evaluator, Leaves, operand_axes};
use crate::block::Block;
use crate::bounds::{self, Bounds};
use crate::boxes::input_boxes;
use crate::error::Result;
use crate::formula::{Formula, Operand};
use crate::graph::{Graph, Groups, Node, NodeId, Op};
use crate::partial::Partial;
use crate::reduce::{Fold, Reduction};
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

/// Bytes of a tile: with its operands and the states that it falls on, a core's share of the cache.
const TILE_BYTES: usize = if cfg!(test) { 256 } else { 256 << 10 };

/// Which axes of a reduction's input vanish, and which falls into groups.
#[derive(Clone, Debug)]
pub struct Folded<'a> {
    /// Axes that vanish, ascending.
    pub axes: &'a [usize],
    /// The axis whose indices fall into groups, and the groups that are folded: indices of others are passed over.
    pub groups: Option<(&'a Groups, Range<usize>)>,
}

impl<'a> Folded<'a> {
    /// What is folded for box `at` of the reduction's result.
    pub fn new(axes: &'a [usize], groups: Option<&'a Groups>, at: &[Range<usize>]) -> Folded<'a> {
        let wanted = |g: &Groups| at.get(g.axis - axes.iter().filter(|&&a| a < g.axis).count()).cloned();
        Folded { axes, groups: groups.map(|g| (g, wanted(g).unwrap_or(0..0))) }
    }

    pub(super) fn keeps(&self, axis: usize) -> bool {
        !self.axes.contains(&axis) && !self.groups(axis)
    }

    fn groups(&self, axis: usize) -> bool {
        self.groups.as_ref().is_some_and(|(g, _)| g.axis == axis)
    }

    /// The group of each index of a piece.
    fn codes(&self, piece: &Bounds) -> Option<Cow<'a, [i32]>> {
        self.groups.as_ref().map(|(g, wanted)| g.codes_within(wanted, &piece[g.axis]))
    }

    /// How a piece of `source`, a reduction's input, is folded; `codes` as of [`Self::codes`].
    fn fold<'f>(&'f self, source: &Node, piece: &Bounds, codes: Option<&'f [i32]>) -> Fold<'f> {
        let is_narrow = |axis: &usize| piece[*axis].len() == 1 && source.dims[*axis].len > 1;
        let narrow = (0..piece.len().min(64)).filter(|&axis| self.keeps(axis)).filter(is_narrow).fold(0, |bits, axis| bits | 1 << axis);
        let grouped = self.groups.as_ref().map(|(g, _)| g.axis);
        let along = grouped.or(self.axes.first().copied());
        Fold { axes: self.axes, groups: grouped.zip(codes), offset: along.map_or(0, |a| piece[a].start), narrow, within: &[] }
    }
}

impl<L: Leaves> Evaluator<'_, L> {
    /// Folds box `at` of node `input` into partials whose states are as wide as the box.
    ///
    /// # Errors
    /// The leaves' error, or a [`crate::KernelError`] when the box or a partial does not fit the node.
    pub fn fold(
        &mut self,
        input: NodeId,
        at: &Bounds,
        folded: &Folded<'_>,
        into: &mut [(Reduction, &mut Partial)],
    ) -> std::result::Result<(), L::Error> {
        if bounds::size_of(at) == 0 {
            return Ok(());
        }
        let source = self.graph.node(input)?;
        let codes = folded.codes(at);
        let (Op::Map { formula, inputs: ids }, false) = (&source.op, self.is_done(input, at)) else {
            let block = self.evaluate(input, at)?;
            let fold = folded.fold(source, at, codes.as_deref());
            into.iter_mut().try_for_each(|(reduction, partial)| reduction.update(partial, &block, &fold))?;
            return Ok(());
        };
        let boxes = input_boxes(self.graph, source, at)?;
        let blocks = boxes.iter().map(|(id, b)| self.evaluate(*id, b)).collect::<std::result::Result<Vec<_>, _>>()?;
        let map = TiledMap::new(self.graph, source, formula, ids, &blocks, at)?;
        for tile in tiles(source, at, folded) {
            self.leaves.go_on()?;
            map.fold(&tile, folded, codes.as_deref(), into)?;
        }
        Ok(())
    }

    /// Whether the cells of a box are in memory already.
    fn is_done(&self, id: NodeId, at: &Bounds) -> bool {
        self.known.contains_key(&id) || self.done.contains_key(&(id, at.clone()))
    }
}

/// A formula over operands that are there, computed where it is wanted.
struct TiledMap<'a> {
    source: &'a Node,
    formula: &'a Formula,
    at: &'a Bounds,
    operands: Vec<(Arc<Block>, Vec<Option<usize>>)>,
}

impl<'a> TiledMap<'a> {
    fn new(graph: &Graph, source: &'a Node, formula: &'a Formula, ids: &[NodeId], blocks: &[Arc<Block>], at: &'a Bounds) -> Result<Self> {
        let cells = bounds::size_of(at);
        let axes = operand_axes(graph, source, ids)?;
        let operands = blocks.iter().zip(axes).map(|(block, axes)| in_order(block, axes, cells)).collect::<Result<_>>()?;
        Ok(TiledMap { source, formula, at, operands })
    }

    /// Computes and folds the cells of box `tile`.
    fn fold(&self, tile: &Bounds, folded: &Folded<'_>, codes: Option<&[i32]>, into: &mut [(Reduction, &mut Partial)]) -> Result<()> {
        let from: Vec<usize> = tile.iter().zip(self.at).map(|(t, whole)| t.start - whole.start).collect();
        let operands: Vec<Operand<'_>> = self.operands.iter().map(|(block, axes)| Operand { block, axes, from: &from }).collect();
        let block = self.formula.evaluate(&operands, &bounds::shape_of(tile))?;
        let left = from.iter().enumerate().filter(|(axis, _)| !folded.axes.contains(axis));
        let within: Vec<usize> = left.map(|(axis, &from)| if folded.groups(axis) { 0 } else { from }).collect();
        let mut fold = folded.fold(self.source, tile, codes);
        fold.within = &within;
        into.iter_mut().try_for_each(|(reduction, partial)| reduction.update(partial, &block, &fold))
    }
}

/// A block whose axes lie in the order of the result's, where it is small enough beside the result for that to pay.
fn in_order(block: &Arc<Block>, axes: Vec<Option<usize>>, cells: usize) -> Result<(Arc<Block>, Vec<Option<usize>>)> {
    let order: Vec<usize> = axes.iter().flatten().copied().collect();
    if !is_turned(&order, block.len(), cells) || order.len() != block.shape().len() {
        return Ok((block.clone(), axes));
    }
    let mut next = 0..;
    let axes = axes.into_iter().map(|axis| axis.and_then(|_| next.next())).collect();
    Ok((Arc::new(block.transpose(&order)?), axes))
}

/// Whether an operand of `len` cells, whose axes the result shows in this order, is turned for a result of `cells`.
fn is_turned(order: &[usize], len: usize, cells: usize) -> bool {
    !order.is_sorted() && len.saturating_mul(2) <= cells
}

/// `at` cut along one kept axis: the outermost that is long enough, or else the longest; the innermost, along which operands lie, only where
/// there is no other.
fn tiles(source: &Node, at: &Bounds, folded: &Folded<'_>) -> impl Iterator<Item = Bounds> + use<> {
    let parts = bounds::size_of(at).saturating_mul(source.dtype.size()).div_ceil(TILE_BYTES);
    let kept = (0..at.len()).filter(|&axis| folded.keeps(axis) && at[axis].len() > 1);
    let outer = kept.clone().filter(|&axis| axis + 1 < at.len());
    let longest = outer.clone().max_by_key(|&axis| at[axis].len());
    let axis = outer.clone().find(|&axis| at[axis].len() >= parts).or(longest).or_else(|| kept.clone().next());
    let (axis, range, step) = match axis {
        Some(axis) if parts > 1 => (Some(axis), at[axis].clone(), at[axis].len().div_ceil(parts)),
        _ => (None, 0..1, 1),
    };
    let at = at.clone();
    range.clone().step_by(step).map(move |start| {
        let mut tile = at.clone();
        if let Some(axis) = axis {
            tile[axis] = start..(start + step).min(range.end);
        }
        tile
    })
}

/// Bytes that folding box `at` of `node` holds at once, beside its operands.
///
/// # Errors
/// [`crate::KernelError::Malformed`] when the box does not fit the node.
pub fn folding_bytes(graph: &Graph, node: &Node, at: &Bounds, folded: &Folded<'_>) -> Result<usize> {
    let bytes = |at: &Bounds, node: &Node| bounds::size_of(at).saturating_mul(node.dtype.size());
    let Op::Map { inputs, .. } = &node.op else { return Ok(bytes(at, node)) };
    let tile = tiles(node, at, folded).next().map_or(0, |tile| bytes(&tile, node));
    let orders = operand_axes(graph, node, inputs)?.into_iter().map(|axes| axes.into_iter().flatten().collect::<Vec<_>>());
    let turned = input_boxes(graph, node, at)?.into_iter().zip(orders).map(|((id, b), order)| {
        let is_turned = is_turned(&order, bounds::size_of(&b), bounds::size_of(at));
        Ok(if is_turned { bytes(&b, graph.node(id)?) } else { 0 })
    });
    turned.sum::<Result<usize>>().map(|turned| tile.saturating_add(turned))
}

#[cfg(test)]
#[path = "fold/tests.rs"]
mod tests;
