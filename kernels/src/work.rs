//! The work units of a task, from its chunk grid alone: what is computed together, and in which order it merges.
//!
//! In: a graph, its tiling, the nodes of a task. Out: numbered units and the boxes of each. Never lists units;
//! knows nothing of threads, engines or time, so that the result's bits cannot depend on them.

use crate::bounds::{Bounds, size_of};
use crate::boxes::visit_boxes;
use crate::chunks::AxisChunks;
use crate::error::{KernelError, Result};
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
    kept: Vec<AxisChunks>,
    folded: Vec<AxisChunks>,
    pieces_per_unit: usize,
    fold: Option<FoldPlan>,
    state_bytes_per_cell: usize,
    output_bytes_per_cell: usize,
    shares: Shares,
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
    /// It becomes an axis of this many groups.
    Grouped(usize),
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
    /// work end between boxes. An axis of groups is in one piece.
    ///
    /// # Errors
    /// As [`Self::of`]; [`KernelError::Malformed`] too for a chunk of another rank, of no cells, or that cuts an axis of groups.
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
                WorkPlan::build(graph, tiling, *input, Some(fold), (state, output), chunk)
            }
            _ if nodes.len() == 1 => {
                let size = graph.node(first)?.dtype.size();
                WorkPlan::build(graph, tiling, first, None, (size, size), chunk)
            }
            _ => Err(KernelError::malformed("task", "only reductions are computed together")),
        }
    }

    fn build(
        graph: &Graph,
        tiling: &Tiling,
        domain: NodeId,
        fold: Option<FoldPlan>,
        (state_bytes_per_cell, output_bytes_per_cell): (usize, usize),
        chunk: Option<&[usize]>,
    ) -> Result<WorkPlan> {
        let node = graph.node(domain)?;
        let grid = tiling.grid(domain);
        let role = |axis: usize| match &fold {
            Some(f) if f.axes.contains(&axis) => Role::Reduced,
            Some(FoldPlan { groups: Some(g), .. }) if g.axis == axis => Role::Grouped(g.dim.len),
            _ => Role::Kept,
        };
        let roles: Vec<Role> = (0..node.dims.len()).map(role).collect();
        let axes =
            |kept: bool| roles.iter().zip(grid).filter(|(r, _)| (**r == Role::Kept) == kept).map(|(_, g)| g.clone()).collect::<Vec<_>>();
        let groups = roles.iter().map(|r| if let Role::Grouped(n) = r { *n } else { 1 }).product::<usize>().max(1);
        let input_box = |kept: &[AxisChunks], folded: &[AxisChunks]| boxed(&roles, &longest_of(kept), &longest_of(folded));
        let most_bytes = if fold.is_none() { tiling.gathered_bytes() } else { GROWN_BYTES };
        let grown_within = || -> Result<Vec<AxisChunks>> {
            let (kept_axes, folded) = (axes(true), axes(false));
            let mut room = BOX_BYTES / (state_bytes_per_cell * groups).max(1);
            let mut kept = grown(kept_axes.clone(), room);
            // What makes few cells of many is not grown until the many no longer fit.
            while room > 1 && evaluated_bytes(graph, domain, &input_box(&kept, &folded))? > most_bytes {
                room /= 2;
                kept = grown(kept_axes.clone(), room);
            }
            Ok(kept)
        };
        let (kept, shares) = match chunk {
            Some(chunk) => (on_grid(&roles, grid, chunk)?, Shares::Boxes),
            None => (grown_within()?, Shares::Units),
        };
        let box_cells = longest_cells(&kept);
        let dtype_bytes = node.dtype.size();
        let folded = grown(axes(false), PIECE_BYTES / box_cells.saturating_mul(dtype_bytes).max(1));
        let piece_bytes = longest_cells(&folded).saturating_mul(box_cells).saturating_mul(dtype_bytes).max(1);
        let pieces = count(&folded);
        let unit_bytes = (node.bytes() / 64).clamp(UNIT_BYTES.start, UNIT_BYTES.end);
        let pieces_per_unit = (unit_bytes / piece_bytes).max(pieces.div_ceil(UNITS_PER_BOX)).max(1);
        Ok(WorkPlan { roles, kept, folded, pieces_per_unit, fold, state_bytes_per_cell, output_bytes_per_cell, shares })
    }

    /// Number of boxes that the result is cut into; 0 where it has no cells.
    pub fn boxes(&self) -> usize {
        count(&self.kept)
    }

    /// Number of units that fold into each box, at least 1: an empty input still gives an (empty) answer.
    pub fn units_per_box(&self) -> usize {
        count(&self.folded).div_ceil(self.pieces_per_unit).max(1)
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
        let mut kept = cell(&self.kept, index).into_iter();
        let of_role = |role: &Role| match role {
            Role::Kept => kept.next(),
            Role::Reduced => None,
            Role::Grouped(n) => Some(0..*n),
        };
        self.roles.iter().filter_map(of_role).collect()
    }

    /// The box that unit `unit` folds into, and its number among that box's units.
    pub fn place(&self, unit: usize) -> (usize, usize) {
        (unit / self.units_per_box(), unit % self.units_per_box())
    }

    /// The boxes of the task's input that unit `unit` folds, in order.
    pub fn pieces(&self, unit: usize) -> impl Iterator<Item = Bounds> + '_ {
        let (box_index, at) = self.place(unit);
        let first = at * self.pieces_per_unit;
        let last = (first + self.pieces_per_unit).min(count(&self.folded));
        (first..last).map(move |piece| self.input_box(cell(&self.kept, box_index), cell(&self.folded, piece)))
    }

    /// A piece as large as any.
    pub fn largest_piece(&self) -> Bounds {
        boxed(&self.roles, &longest_of(&self.kept), &longest_of(&self.folded))
    }

    /// Bytes of the state of the largest box of the result.
    pub fn box_state_bytes(&self) -> usize {
        longest_cells(&self.kept).saturating_mul(self.groups()).saturating_mul(self.state_bytes_per_cell)
    }

    /// Bytes that the answers hold before compression where `parts` answer a share each: finished cells of every box that one of them folds
    /// whole, and the states of every run of units of a box that is cut between them.
    pub fn answer_bytes(&self, parts: u32) -> usize {
        let per_box = self.units_per_box();
        let cells = |index: usize| size_of(&self.result_box(index));
        let whole = self.kept.iter().fold(self.groups(), |n, a| n.saturating_mul(a.len()));
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

    fn groups(&self) -> usize {
        self.roles.iter().map(|r| if let Role::Grouped(n) = r { *n } else { 1 }).product()
    }

    /// The number of the box that holds exactly these cells of the result, if there is one.
    pub fn box_at(&self, bounds: &Bounds) -> Option<usize> {
        let kept_axes = self.roles.iter().filter(|r| **r != Role::Reduced).zip(bounds).filter(|(r, _)| **r == Role::Kept);
        let index = kept_axes.zip(&self.kept).fold(0usize, |n, ((_, range), axis)| n * axis.count() + axis.chunk_at(range.start));
        (index < self.boxes() && self.result_box(index) == *bounds).then_some(index)
    }

    /// Reduced axes and groups of a reducing task; `None` for one that gathers cells.
    pub fn fold(&self) -> Option<(&[usize], Option<&Groups>)> {
        self.fold.as_ref().map(|f| (f.axes.as_slice(), f.groups.as_ref()))
    }

    fn input_box(&self, kept: Bounds, folded: Bounds) -> Bounds {
        boxed(&self.roles, &kept, &folded)
    }
}

/// The largest chunk along each axis.
fn longest_of(axes: &[AxisChunks]) -> Bounds {
    axes.iter().map(|a| a.range(a.longest_at())).collect()
}

/// A box of the input from its kept and its folded axes.
fn boxed(roles: &[Role], kept: &[Range<usize>], folded: &[Range<usize>]) -> Bounds {
    let (mut kept, mut folded) = (kept.iter().cloned(), folded.iter().cloned());
    roles.iter().map(|r| if *r == Role::Kept { kept.next() } else { folded.next() }.unwrap_or(0..0)).collect()
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

/// The kept axes, cut by the chunks of the result.
fn on_grid(roles: &[Role], grid: &[AxisChunks], chunk: &[usize]) -> Result<Vec<AxisChunks>> {
    let left: Vec<(&Role, &AxisChunks)> = roles.iter().zip(grid).filter(|(role, _)| **role != Role::Reduced).collect();
    let fits = |((role, _), &length): (&(&Role, &AxisChunks), &usize)| match role {
        Role::Grouped(groups) => length >= *groups && length > 0,
        Role::Kept | Role::Reduced => length > 0,
    };
    if left.len() != chunk.len() || !left.iter().zip(chunk).all(fits) {
        return Err(KernelError::malformed("task", format!("chunks of {chunk:?} do not fit its result")));
    }
    let kept = left.into_iter().zip(chunk).filter(|((role, _), _)| **role == Role::Kept);
    Ok(kept.map(|((_, axis), &length)| AxisChunks::uniform(axis.len(), length)).collect())
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
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::MergeTree;
    use std::collections::BTreeMap;

    #[test]
    fn runs_are_what_a_merge_tree_is_left_with() {
        for units in 1..20usize {
            for from in 0..units {
                for to in from..=units {
                    let mut tree = MergeTree::new(units as u32);
                    (from..to).for_each(|u| tree.insert((0, u as u32), vec![], |_, _| Ok(())).unwrap());
                    assert_eq!(runs(from, to, units), tree.drain().len(), "{from}..{to} of {units}");
                }
            }
        }
    }

    #[test]
    fn answers_are_finished_boxes_and_the_runs_of_cut_ones() {
        for (boxes, units) in [(1, 1), (1, 4), (1, 5), (3, 5), (4, 7), (9, 1)] {
            let plan = WorkPlan {
                roles: vec![Role::Kept, Role::Reduced],
                kept: vec![AxisChunks::uniform(2 * boxes, 2)],
                folded: vec![AxisChunks::uniform(units, 1)],
                pieces_per_unit: 1,
                fold: None,
                state_bytes_per_cell: 100,
                output_bytes_per_cell: 1,
                shares: Shares::Units,
            };
            let per_box = plan.units_per_box();
            for parts in 1..8u32 {
                let mut expected = 0;
                for part in 0..parts {
                    let mut trees = BTreeMap::<usize, MergeTree>::new();
                    for unit in plan.share(part, parts) {
                        let (at, number) = plan.place(unit);
                        let tree = trees.entry(at).or_insert_with(|| MergeTree::new(per_box as u32));
                        tree.insert((0, number as u32), vec![], |_, _| Ok(())).unwrap();
                    }
                    for mut tree in trees.into_values() {
                        expected += if tree.is_complete() { 2 } else { 200 * tree.drain().len() };
                    }
                }
                assert_eq!(plan.answer_bytes(parts), expected, "{boxes} boxes of {units} units in {parts} parts");
            }
        }
    }

    #[test]
    fn boxes_on_a_grid_are_its_chunks_and_are_never_shared() {
        use crate::{DType, Dim, Graph, Reduction};
        let mut graph = Graph::new();
        let dims = vec![Dim::new("t", 400), Dim::new("y", 700), Dim::new("x", 900)];
        let scan = graph.scan(0, dims, DType::F32);
        let op = Op::Reduce { input: scan, reduction: Reduction::Mean { skipna: true }, axes: vec![0], groups: None };
        let mean = graph.push(op).unwrap();
        let grid = [AxisChunks::uniform(400, 3), AxisChunks::uniform(700, 100), AxisChunks::uniform(900, 70)];
        let tiling = Tiling::of(&graph, &[&grid]).unwrap();
        for (node, chunk) in [(scan, vec![7, 90, 800]), (mean, vec![90, 800])] {
            let plan = WorkPlan::on_grid(&graph, &tiling, &[node], &chunk).unwrap();
            let shape = graph.node(node).unwrap().shape();
            assert_eq!(plan.boxes(), shape.iter().zip(&chunk).map(|(n, c)| n.div_ceil(*c)).product::<usize>());
            for index in 0..plan.boxes() {
                let at = plan.result_box(index);
                assert!(at.iter().zip(&chunk).zip(&shape).all(|((r, c), n)| r.start % c == 0 && r.end == (r.start + c).min(*n)), "{at:?}");
                assert_eq!(plan.box_at(&at), Some(index));
            }
            for parts in 1..6 {
                let shares: Vec<_> = (0..parts).map(|i| plan.share(i, parts)).collect();
                assert!(shares.iter().all(|s| s.start % plan.units_per_box() == 0), "{shares:?}");
                assert_eq!(shares.iter().map(Range::len).sum::<usize>(), plan.units());
            }
        }
        assert!(WorkPlan::on_grid(&graph, &tiling, &[mean], &[90]).is_err());
        assert!(WorkPlan::on_grid(&graph, &tiling, &[mean], &[90, 0]).is_err());
    }
}
