//! The chunk grid of every node of a graph: where its cells can be computed without reading a chunk twice.
//!
//! In: a graph and the grids of its scans. Out: a grid per node. Never lists chunks; O(operators x runs).

use crate::along::Along;
use crate::chunks::AxisChunks;
use crate::error::Result;
use crate::graph::{Dim, Graph, Index, Node, NodeId, Op};
use crate::points::Points;
use crate::remap::RemappedAxis;

/// The chunk grid of every node.
#[derive(Clone, Debug, PartialEq)]
pub struct Tiling {
    grids: Vec<Vec<AxisChunks>>,
    gathered_bytes: usize,
}

/// Bytes of all boxes that evaluating a box of the result computes, at most, where boxes are grown.
pub(crate) const GROWN_BYTES: usize = 64 << 20;

impl Tiling {
    /// The grids of all nodes of `graph`, given those of its scans; a source that is not known counts as one chunk.
    ///
    /// # Errors
    /// [`crate::KernelError::Malformed`] when the graph refers to a node that does not exist.
    pub fn of(graph: &Graph, sources: &[&[AxisChunks]]) -> Result<Tiling> {
        let mut tiling = Tiling { grids: Vec::with_capacity(graph.len()), gathered_bytes: GROWN_BYTES };
        for node in graph.nodes() {
            let grid = tiling.grid_of(graph, node, sources)?;
            tiling.grids.push(grid);
        }
        Ok(tiling)
    }

    /// With boxes of cells that are gathered as they are grown until evaluating one computes so many bytes: what is made of whole lanes
    /// meets each chunk once per box. The bits of gathered cells do not depend on their boxes; those of reductions do, whose boxes stay.
    pub fn gathering(self, bytes: usize) -> Tiling {
        Tiling { gathered_bytes: bytes.max(1), ..self }
    }

    pub(crate) fn gathered_bytes(&self) -> usize {
        self.gathered_bytes
    }

    /// The grid of a node: the chunks along each of its axes.
    pub fn grid(&self, id: NodeId) -> &[AxisChunks] {
        self.grids.get(id.0 as usize).map_or(&[], Vec::as_slice)
    }

    fn grid_of(&self, graph: &Graph, node: &Node, sources: &[&[AxisChunks]]) -> Result<Vec<AxisChunks>> {
        let one_chunk = || node.dims.iter().map(|d| AxisChunks::uniform(d.len, 0)).collect();
        Ok(match &node.op {
            Op::Scan { source } => match sources.get(*source as usize) {
                Some(grid) if grid.iter().map(AxisChunks::len).eq(node.dims.iter().map(|d| d.len)) => grid.to_vec(),
                _ => one_chunk(),
            },
            Op::Constant(_) | Op::Given { .. } => one_chunk(),
            Op::Map { inputs, .. } => self.map_grid(graph, node, inputs)?,
            Op::Take { input, axis, index } => {
                let mut grid = self.grid(*input).to_vec();
                grid[*axis] = taken(&grid[*axis], index);
                grid
            }
            Op::Pick { input, axis, .. } => {
                let mut grid = self.grid(*input).to_vec();
                grid.remove(*axis);
                grid
            }
            Op::Transpose { input, order } => order.iter().map(|&o| self.grid(*input)[o].clone()).collect(),
            Op::Rename { input, .. } | Op::Lookup { input, .. } => self.grid(*input).to_vec(),
            Op::Expand { input, axis, dim } => {
                let mut grid = self.grid(*input).to_vec();
                grid.insert(*axis, AxisChunks::uniform(dim.len, 0));
                grid
            }
            Op::Reduce { input, axes, groups, .. } => {
                let mut grid = self.grid(*input).to_vec();
                if let Some(g) = groups {
                    let is_large = node.bytes() > GROUPED_BYTES;
                    grid[g.axis] = if is_large { g.cut(&grid[g.axis]) } else { AxisChunks::uniform(g.dim.len, 0) };
                }
                grid.into_iter().enumerate().filter(|(i, _)| !axes.contains(i)).map(|(_, c)| c).collect()
            }
            Op::Interp { input, axis, to, .. } => {
                let mut grid = self.grid(*input).to_vec();
                grid[*axis] = AxisChunks::uniform(to.len(), 0);
                grid
            }
            Op::Remap { input, axes } => {
                let source = graph.node(*input)?;
                let mut grid = self.grid(*input).to_vec();
                axes.iter().for_each(|a| grid[a.axis] = AxisChunks::uniform(a.weights.len(), 0));
                let of = |bytes: usize, len: &dyn Fn(&RemappedAxis) -> usize| axes.iter().map(len).fold(bytes, usize::saturating_mul);
                let read = of(source.dtype.size(), &|a| source.dims[a.axis].len);
                let row = read.max(of(4 * size_of::<f64>(), &|a| a.weights.len()));
                let folded: Vec<usize> = axes.iter().map(|a| a.axis).collect();
                narrowed(&mut grid, &folded, REMAPPED_BYTES / row.max(1));
                grid
            }
            Op::Along { input, axis, joined, along } => {
                let source = graph.node(*input)?;
                let mut grid = along_grid(self.grid(*input), *axis, joined, along, source.dtype.size());
                joined.iter().rev().for_each(|&a| drop(grid.remove(a)));
                grid
            }
            Op::Points { input, points } => pointed(self.grid(*input), points, node.dtype.size()),
            Op::Reshape { input, axis, count, dims } => reshaped_grid(self.grid(*input), *axis, *count, dims, node.dtype.size()),
            Op::Concat { inputs, axis } => {
                let mut grid = inputs.first().map_or(vec![], |&i| self.grid(i).to_vec());
                for &input in &inputs[1..] {
                    grid[*axis] = std::mem::take(&mut grid[*axis]).concat(&self.grid(input)[*axis]);
                }
                grid
            }
        })
    }

    /// Each axis as the largest input that has it cuts it: small operands are cheap to cut anywhere.
    fn map_grid(&self, graph: &Graph, node: &Node, inputs: &[NodeId]) -> Result<Vec<AxisChunks>> {
        let mut by_size = inputs.iter().map(|&i| graph.node(i).map(|n| (i, n))).collect::<Result<Vec<_>>>()?;
        by_size.sort_by_key(|(_, n)| std::cmp::Reverse(n.bytes()));
        let pick = |name: &str, len: usize| {
            let owner = by_size.iter().find_map(|(i, n)| n.axis(name).map(|a| self.grid(*i)[a].clone()));
            owner.unwrap_or_else(|| AxisChunks::uniform(len, 0))
        };
        Ok(node.dims.iter().map(|d| pick(&d.name, d.len)).collect())
    }
}

/// Bytes of the input that a box of an operator over lanes is made of, at most, unless one lane has more.
const LANES_BYTES: usize = 32 << 20;

/// Lanes as long as they have to be, and as many side by side as fit into [`LANES_BYTES`]; axes that are `joined` are whole.
fn along_grid(input: &[AxisChunks], axis: usize, joined: &[usize], along: &Along, size: usize) -> Vec<AxisChunks> {
    let mut grid = input.to_vec();
    let halo = along.halo();
    let read = if along.needs_whole_lanes() {
        let whole = grid[axis].len();
        grid[axis] = AxisChunks::uniform(along.len(whole), 0);
        whole
    } else {
        // Boxes at least as long as what they need around them.
        grid[axis] = grid[axis].coarsen(halo.div_ceil(grid[axis].longest().max(1)).max(1));
        grid[axis].longest().saturating_add(halo)
    };
    let read = joined.iter().fold(read, |n, &a| n.saturating_mul(grid[a].len()));
    let folded: Vec<usize> = std::iter::once(axis).chain(joined.iter().copied()).collect();
    narrowed(&mut grid, &folded, LANES_BYTES / read.saturating_mul(size).max(1));
    grid
}

/// Points of several axes in a box, at most: each may lie in another chunk.
const POINTS: usize = 1024;

/// Boxes of points: of few where each may lie in another chunk, as the axis is cut where they lie along one.
fn pointed(input: &[AxisChunks], points: &Points, size: usize) -> Vec<AxisChunks> {
    let others = input.iter().enumerate().filter(|(a, _)| !points.axes.contains(a)).map(|(_, c)| c.longest());
    let room = LANES_BYTES / others.fold(size.max(1), usize::saturating_mul).max(1);
    let along = match points.axes.as_slice() {
        [only] => input.get(*only).map_or(1, AxisChunks::longest),
        _ => POINTS,
    };
    // The last dims of the points are whole while there is room for them.
    let mut most = along.min(room).max(1);
    let mut cuts: Vec<AxisChunks> = vec![];
    for d in points.dims.iter().rev() {
        cuts.push(AxisChunks::uniform(d.len, most.min(d.len).max(1)));
        most = (most / d.len.max(1)).max(1);
    }
    cuts.reverse();
    let mut out = vec![];
    for (axis, grid) in input.iter().enumerate() {
        if axis == points.first() {
            out.append(&mut cuts);
        }
        if !points.axes.contains(&axis) {
            out.push(grid.clone());
        }
    }
    out
}

/// Runs of whole rows: as many as a chunk of the first of the axes holds, and as fit into [`LANES_BYTES`]; other axes as they are.
fn reshaped_grid(input: &[AxisChunks], axis: usize, count: usize, dims: &[Dim], size: usize) -> Vec<AxisChunks> {
    let row = input[axis + 1..axis + count].iter().fold(1usize, |n, c| n.saturating_mul(c.len())).max(1);
    let run = input[axis].longest().saturating_mul(row).min((LANES_BYTES / size.max(1)).max(row));
    let new_row = dims[1..].iter().fold(1usize, |n, d| n.saturating_mul(d.len)).max(1);
    let first = AxisChunks::uniform(dims[0].len, (run / new_row).max(1));
    let cells = first.longest().saturating_mul(new_row).max(run);
    let others = dims[1..].iter().map(|d| AxisChunks::uniform(d.len, 0));
    let mut grid: Vec<AxisChunks> = input[..axis].to_vec();
    grid.push(first);
    grid.extend(others);
    grid.extend_from_slice(&input[axis + count..]);
    let made: Vec<usize> = (axis..axis + dims.len()).collect();
    narrowed(&mut grid, &made, LANES_BYTES / cells.saturating_mul(size).max(1));
    grid
}

/// Groups that follow one another are in one piece up to so many bytes: what is made of a few months is made of all at once, and meets the
/// chunks behind its other operands once.
const GROUPED_BYTES: usize = if cfg!(test) { 0 } else { 32 << 20 };

/// Bytes of the input that a box of remapped cells is made of, at most, unless one index of the other axes has more.
const REMAPPED_BYTES: usize = 128 << 20;

/// Cuts the axes that are not `folded` until a box has at most `room` cells of them.
fn narrowed(grid: &mut [AxisChunks], folded: &[usize], mut room: usize) {
    for other in (0..grid.len()).rev().filter(|a| !folded.contains(a)) {
        if grid[other].longest() > room.max(1) {
            grid[other] = grid[other].split(room);
        }
        room /= grid[other].longest().max(1);
    }
}

fn taken(axis: &AxisChunks, index: &Index) -> AxisChunks {
    match index {
        Index::Range { start, step: 1, len } => axis.slice(&(*start..start + len)),
        Index::Range { step, len, .. } => AxisChunks::uniform(*len, (axis.longest() / step.unsigned_abs()).max(1)),
        Index::List(list) => AxisChunks::uniform(list.len(), axis.longest().max(1)),
    }
}
