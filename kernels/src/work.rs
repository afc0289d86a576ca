//! The work units of a task, from its chunk grid alone: what is computed together, and in which order it merges.
//!
//! In: a graph, its tiling, the nodes of a task. Out: numbered units and the boxes of each. Never lists units;
//! knows nothing of threads, engines or time, so that the result's bits cannot depend on them.

use crate::bounds::{Bounds, size_of};
use crate::boxes::visit_boxes;
use crate::chunks::AxisChunks;
use crate::error::{KernelError, Result};
use crate::evaluate::Folded;
use crate::graph::{Graph, Groups, NodeId, Op};
use crate::reduce::Reduction;
use crate::tiling::{GROWN_BYTES, Tiling};
use std::collections::BTreeSet;
use std::ops::Range;

/// Decoded bytes that are evaluated at once where chunks are smaller: about one core's share of the cache.
const PIECE_BYTES: usize = 1 << 20;
/// Bytes of state, or of gathered cells, that one box of the result is grown to where chunks are smaller.
const BOX_BYTES: usize = 1 << 20;
/// Bounds of the decoded bytes of one unit.
const UNIT_BYTES: Range<usize> = 4 << 20..32 << 20;
/// Units that fold into one box at most, which bounds the states waiting to be merged.
const UNITS_PER_BOX: usize = 4096;

/// The work units of one task.
///
/// The result is cut into boxes along the axes that are kept; the input cells behind a box are cut into pieces along
/// the folded axes; consecutive pieces form a unit. Units are numbered box by box.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkPlan {
    roles: Vec<Role>,
    /// The axes of the result, of groups too, cut into boxes.
    kept: Vec<AxisChunks>,
    /// What folds into each run of groups; one where there are no groups.
    bands: Vec<Band>,
    pieces_per_unit: usize,
    fold: Option<FoldPlan>,
    state_bytes_per_cell: usize,
    output_bytes_per_cell: usize,
    shares: Shares,
}

/// The input of a run of groups, which is a chunk of the grouped axis of the result.
#[derive(Clone, Debug, PartialEq)]
struct Band {
    /// The first index of the grouped axis that is of one of them.
    start: usize,
    /// The axes that are folded, cut into pieces; the grouped one from `start` on.
    folded: Vec<AxisChunks>,
}

/// Where the shares of several engines may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shares {
    /// Anywhere: what engines have of one box is merged.
    Units,
    /// Between boxes: each is made by one engine.
    Boxes,
}

/// What becomes of an axis of the task's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// It stays.
    Kept,
    /// It vanishes.
    Reduced,
    /// It becomes an axis of groups.
    Grouped,
}

/// How the nodes of a reducing task fold their inputs.
#[derive(Clone, Debug, PartialEq)]
struct FoldPlan {
    axes: Vec<usize>,
    groups: Option<Groups>,
}

impl WorkPlan {
    /// The work units of the task that computes `nodes`.
    ///
    /// # Errors
    /// [`KernelError::Malformed`] when the nodes cannot be computed in one pass: they are reductions that fold different
    /// dims, axes or groups, or more than one node that is none.
    pub fn of(graph: &Graph, tiling: &Tiling, nodes: &[NodeId]) -> Result<WorkPlan> {
        WorkPlan::plan(graph, tiling, nodes, None)
    }

    /// As [`Self::of`], its boxes being the chunks of a regular grid over the result, `chunk[i]` indices long along axis `i`; shares of the
    /// work end between boxes.
    ///
    /// # Errors
    /// As [`Self::of`]; [`KernelError::Malformed`] too for a chunk of another rank or of no cells.
    pub fn on_grid(graph: &Graph, tiling: &Tiling, nodes: &[NodeId], chunk: &[usize]) -> Result<WorkPlan> {
        WorkPlan::plan(graph, tiling, nodes, Some(chunk))
    }

    fn plan(graph: &Graph, tiling: &Tiling, nodes: &[NodeId], chunk: Option<&[usize]>) -> Result<WorkPlan> {
        let first = *nodes.first().ok_or_else(|| KernelError::malformed("task", "it has no nodes"))?;
        match &graph.node(first)?.op {
            Op::Reduce { input, axes, groups, .. } => {
                let (mut state, mut output) = (0, 0);
                for &id in nodes {
                    state += state_bytes(graph, id, *input, axes, groups.as_ref())?;
                    output += graph.node(id)?.dtype.size();
                }
                let fold = FoldPlan { axes: axes.clone(), groups: groups.clone() };
                WorkPlan::build(graph, tiling, (*input, first), Some(fold), (state, output), chunk)
            }
            _ if nodes.len() == 1 => {
                let size = graph.node(first)?.dtype.size();
                WorkPlan::build(graph, tiling, (first, first), None, (size, size), chunk)
            }
            _ => Err(KernelError::malformed("task", "only reductions are computed together")),
        }
    }

    fn build(
        graph: &Graph,
        tiling: &Tiling,
        (domain, result): (NodeId, NodeId),
        fold: Option<FoldPlan>,
        (state_bytes_per_cell, output_bytes_per_cell): (usize, usize),
        chunk: Option<&[usize]>,
    ) -> Result<WorkPlan> {
        let node = graph.node(domain)?;
        let (grid, result) = (tiling.grid(domain), tiling.grid(result));
        let groups = fold.as_ref().and_then(|f| f.groups.as_ref());
        let role = |axis: usize| match &fold {
            Some(f) if f.axes.contains(&axis) => Role::Reduced,
            _ if groups.is_some_and(|g| g.axis == axis) => Role::Grouped,
            _ => Role::Kept,
        };
        let roles: Vec<Role> = (0..node.dims.len()).map(role).collect();
        let folded: Vec<AxisChunks> = roles.iter().zip(grid).filter(|(r, _)| **r != Role::Kept).map(|(_, g)| g.clone()).collect();
        let most_bytes = if fold.is_none() { tiling.gathered_bytes() } else { GROWN_BYTES };
        let grown_within = || -> Result<Vec<AxisChunks>> {
            let mut room = BOX_BYTES / state_bytes_per_cell.max(1);
            let mut kept = grown(result.to_vec(), room);
            // What makes few cells of many is not grown until the many no longer fit.
            let input_box = |kept: &[AxisChunks]| boxed(&roles, &longest_of(kept), &longest_of(&folded), 0);
            while room > 1 && evaluated_bytes(graph, domain, &input_box(&kept))? > most_bytes {
                room /= 2;
                kept = grown(result.to_vec(), room);
            }
            Ok(kept)
        };
        let (kept, shares) = match chunk {
            Some(chunk) => (on_grid(result, chunk)?, Shares::Boxes),
            None => (grown_within()?, Shares::Units),
        };
        let of_result = roles.iter().filter(|role| **role != Role::Reduced);
        let of_input = of_result.zip(&kept).filter(|(role, _)| **role == Role::Kept).map(|(_, axis)| axis.longest());
        let box_bytes = of_input.fold(node.dtype.size(), usize::saturating_mul).max(1);
        let bands = bands(&roles, &folded, &kept, groups, PIECE_BYTES / box_bytes);
        let longest = bands.iter().map(|band| longest_cells(&band.folded)).max().unwrap_or(1);
        let pieces = bands.iter().map(|band| count(&band.folded)).max().unwrap_or(0);
        let unit_bytes = (node.bytes() / 64).clamp(UNIT_BYTES.start, UNIT_BYTES.end);
        let pieces_per_unit = (unit_bytes / longest.saturating_mul(box_bytes).max(1)).max(pieces.div_ceil(UNITS_PER_BOX)).max(1);
        Ok(WorkPlan { roles, kept, bands, pieces_per_unit, fold, state_bytes_per_cell, output_bytes_per_cell, shares })
    }

    /// Number of boxes that the result is cut into; 0 where it has no cells.
    pub fn boxes(&self) -> usize {
        count(&self.kept)
    }

    /// Number of units that fold into each box, at least 1: an empty input still gives an (empty) answer. Boxes of fewer pieces than others
    /// end with units of none.
    pub fn units_per_box(&self) -> usize {
        self.bands.iter().map(|band| count(&band.folded)).max().unwrap_or(0).div_ceil(self.pieces_per_unit).max(1)
    }

    /// Number of units in all.
    pub fn units(&self) -> usize {
        self.boxes().saturating_mul(self.units_per_box())
    }

    /// The units of the `index`-th of `count` nearly equal runs.
    pub fn share(&self, index: u32, count: u32) -> Range<usize> {
        let (all, each) = match self.shares {
            Shares::Units => (self.units(), 1),
            Shares::Boxes => (self.boxes(), self.units_per_box()),
        };
        let at = |i: u32| (all as u128 * u128::from(i) / u128::from(count.max(1))) as usize * each;
        at(index)..at(index.saturating_add(1))
    }

    /// The cells of the result that box number `index` holds.
    pub fn result_box(&self, index: usize) -> Bounds {
        cell(&self.kept, index)
    }

    /// The box that unit `unit` folds into, and its number among that box's units.
    pub fn place(&self, unit: usize) -> (usize, usize) {
        (unit / self.units_per_box(), unit % self.units_per_box())
    }

    /// The boxes of the task's input that unit `unit` folds, in order.
    pub fn pieces(&self, unit: usize) -> impl Iterator<Item = Bounds> + '_ {
        let (box_index, at) = self.place(unit);
        let kept = cell(&self.kept, box_index);
        let band = self.band(&kept);
        let last = ((at + 1) * self.pieces_per_unit).min(band.map_or(0, |band| count(&band.folded)));
        (at * self.pieces_per_unit..last).filter_map(move |piece| {
            let Band { start, folded } = band?;
            Some(boxed(&self.roles, &kept, &cell(folded, piece), *start))
        })
    }

    /// A piece as large as any.
    pub fn largest_piece(&self) -> Bounds {
        let longest = self.bands.iter().max_by_key(|band| longest_cells(&band.folded));
        let (folded, start) = longest.map_or((vec![], 0), |band| (longest_of(&band.folded), band.start));
        boxed(&self.roles, &longest_of(&self.kept), &folded, start)
    }

    /// The input of a box of the result.
    fn band(&self, result: &[Range<usize>]) -> Option<&Band> {
        let of_result = self.roles.iter().filter(|role| **role != Role::Reduced).zip(&self.kept).zip(result);
        let grouped = of_result.into_iter().find(|((role, _), _)| **role == Role::Grouped);
        self.bands.get(grouped.map_or(0, |((_, axis), groups)| axis.chunk_at(groups.start)))
    }

    /// Bytes of the state of the largest box of the result.
    pub fn box_state_bytes(&self) -> usize {
        longest_cells(&self.kept).saturating_mul(self.state_bytes_per_cell)
    }

    /// Bytes that the answers hold before compression where `parts` answer a share each: finished cells of every box that one of them folds
    /// whole, and the states of every run of units of a box that is cut between them.
    pub fn answer_bytes(&self, parts: u32) -> usize {
        let per_box = self.units_per_box();
        let cells = |index: usize| size_of(&self.result_box(index));
        let whole = self.kept.iter().fold(1usize, |n, a| n.saturating_mul(a.len()));
        let (mut cut, mut states) = (BTreeSet::new(), 0usize);
        for share in (0..parts).map(|index| self.share(index, parts)).filter(|share| !share.is_empty()) {
            // At most two boxes of a share are not whole: its first and its last.
            for index in BTreeSet::from([share.start / per_box, (share.end - 1) / per_box]) {
                let from = share.start.saturating_sub(index * per_box);
                let to = (share.end - index * per_box).min(per_box);
                if to - from < per_box {
                    cut.insert(index);
                    states = states.saturating_add(runs(from, to, per_box).saturating_mul(cells(index)));
                }
            }
        }
        let finished = whole.saturating_sub(cut.into_iter().map(cells).sum());
        finished.saturating_mul(self.output_bytes_per_cell).saturating_add(states.saturating_mul(self.state_bytes_per_cell))
    }

    /// The number of the box that holds exactly these cells of the result, if there is one.
    pub fn box_at(&self, bounds: &Bounds) -> Option<usize> {
        let index = bounds.iter().zip(&self.kept).fold(0usize, |n, (range, axis)| n * axis.count() + axis.chunk_at(range.start));
        (index < self.boxes() && self.result_box(index) == *bounds).then_some(index)
    }

    /// What a reducing task folds into box number `index`; `None` for a task that gathers cells.
    pub fn folded(&self, index: usize) -> Option<Folded<'_>> {
        self.fold.as_ref().map(|f| Folded::new(&f.axes, f.groups.as_ref(), &self.result_box(index)))
    }

    /// Whether the task reduces; else it gathers cells.
    pub fn reduces(&self) -> bool {
        self.fold.is_some()
    }
}

/// What folds into each chunk of the grouped axis of the result, in pieces of up to so many cells of the folded axes.
fn bands(roles: &[Role], folded: &[AxisChunks], kept: &[AxisChunks], groups: Option<&Groups>, cells: usize) -> Vec<Band> {
    let grouped = roles.iter().filter(|role| **role != Role::Reduced).position(|role| *role == Role::Grouped);
    let Some((groups, cut)) = groups.zip(grouped.and_then(|at| kept.get(at))) else {
        return vec![Band { start: 0, folded: grown(folded.to_vec(), cells) }];
    };
    let at = roles.iter().filter(|role| **role != Role::Kept).position(|role| *role == Role::Grouped);
    let band = |reach: Range<usize>| {
        let mut folded = folded.to_vec();
        if let Some(axis) = at.and_then(|at| folded.get_mut(at)) {
            *axis = axis.slice(&reach);
        }
        Band { start: reach.start, folded: grown(folded, cells) }
    };
    groups.reaches(cut).into_iter().map(band).collect()
}

/// The largest chunk along each axis.
fn longest_of(axes: &[AxisChunks]) -> Bounds {
    axes.iter().map(|a| a.range(a.longest_at())).collect()
}

/// A box of the input from the axes of the result and those that are folded, of which the grouped one is counted from `start`.
fn boxed(roles: &[Role], kept: &[Range<usize>], folded: &[Range<usize>], start: usize) -> Bounds {
    let (mut kept, mut folded) = (kept.iter(), folded.iter());
    let mut of_role = |role: &Role| match role {
        Role::Kept => kept.next().cloned(),
        Role::Reduced => folded.next().cloned(),
        Role::Grouped => {
            kept.next();
            folded.next().map(|range| start + range.start..start + range.end)
        }
    };
    roles.iter().map(|role| of_role(role).unwrap_or(0..0)).collect()
}

/// Bytes of all boxes that evaluating box `at` of a node computes, those behind nested reductions left out.
fn evaluated_bytes(graph: &Graph, id: NodeId, at: &Bounds) -> Result<usize> {
    let mut bytes = 0usize;
    visit_boxes(graph, id, at, &mut |(_, node, at)| {
        bytes = bytes.saturating_add(size_of(at).saturating_mul(node.dtype.size()));
        true
    })?;
    Ok(bytes)
}

/// Bytes per result cell of a reduction's state, once it is sure that the reduction folds as the first of its task does.
fn state_bytes(graph: &Graph, id: NodeId, like: NodeId, axes: &[usize], groups: Option<&Groups>) -> Result<usize> {
    match &graph.node(id)?.op {
        Op::Reduce { input, reduction, axes: a, groups: g } if a == axes && g.as_ref() == groups => {
            let (own, first) = (graph.node(*input)?, graph.node(like)?);
            if own.dims != first.dims {
                return Err(KernelError::malformed("task", "its reductions fold arrays of different dims"));
            }
            Ok(fields_bytes(*reduction, own.dtype))
        }
        _ => Err(KernelError::malformed("task", "its nodes do not fold the same axes")),
    }
}

fn fields_bytes(reduction: Reduction, input: crate::DType) -> usize {
    reduction.fields(input).iter().map(|f| f.dtype.size()).sum()
}

/// Axes with neighbouring chunks joined, last axis first, until a cell of the grid holds up to `cells` indices.
fn grown(mut axes: Vec<AxisChunks>, cells: usize) -> Vec<AxisChunks> {
    for i in (0..axes.len()).rev() {
        let room = cells / longest_cells(&axes).max(1);
        if room < 2 {
            break;
        }
        axes[i] = axes[i].coarsen(room);
    }
    axes
}

/// Nodes of a merge tree over `units` that hold the units `from..to` and no others.
fn runs(mut from: usize, to: usize, units: usize) -> usize {
    let mut count = 0;
    while from < to {
        // The largest node that begins here: the last one of the tree may be cut short.
        let mut length = 1;
        while from.is_multiple_of(2 * length) && ((from + 2 * length).min(units) <= to) && length < units {
            length *= 2;
        }
        (from, count) = (from + length, count + 1);
    }
    count
}

/// The axes of the result, cut by a regular grid.
fn on_grid(result: &[AxisChunks], chunk: &[usize]) -> Result<Vec<AxisChunks>> {
    if result.len() != chunk.len() || chunk.contains(&0) {
        return Err(KernelError::malformed("task", format!("chunks of {chunk:?} do not fit its result")));
    }
    Ok(result.iter().zip(chunk).map(|(axis, &length)| AxisChunks::uniform(axis.len(), length)).collect())
}

fn longest_cells(axes: &[AxisChunks]) -> usize {
    axes.iter().fold(1usize, |n, a| n.saturating_mul(a.longest()))
}

fn count(axes: &[AxisChunks]) -> usize {
    axes.iter().fold(1usize, |n, a| n.saturating_mul(a.count()))
}

/// Cell number `index` of the grid in C order.
fn cell(axes: &[AxisChunks], mut index: usize) -> Bounds {
    let mut out = vec![0..0; axes.len()];
    for (range, axis) in out.iter_mut().zip(axes).rev() {
        let n = axis.count().max(1);
        *range = axis.range(index % n);
        index /= n;
    }
    out
}

#[cfg(test)]
#[path = "work/tests.rs"]
mod tests;
