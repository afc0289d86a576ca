//! How a fragment is cut for the nodes of a region.
//!
//! In: a fragment made ready by the head's own engine, the number of nodes. Out: ranges and their keys. Reads no data.

use super::ranges::{Shape, cut};
use super::rendezvous::{hash, hash_with};
use crate::execute::Execution;
use xeng_kernels::bounds::size_of;
use xeng_kernels::{KernelError, WorkPlan};
use xeng_proto::{Expected, Run};

/// Bytes of a cell that are reckoned with: what a unit reads need not be known exactly.
const CELL_BYTES: usize = 4;

/// A fragment, cut.
pub(super) struct Cut {
    pub(super) expected: Vec<Expected>,
    pub(super) ranges: Vec<Run>,
    /// What decides which node does a range: where its input lies, so that the same chunks meet the same cache.
    pub(super) keys: Vec<u64>,
    pub(super) may_double: Vec<bool>,
    /// Bytes of the largest partial that a range may come as.
    pub(super) state_bytes: usize,
    pub(super) units: u64,
}

impl Cut {
    /// Cuts what an execution was asked for.
    pub(super) fn of(execution: &Execution, nodes: usize) -> Result<Cut, KernelError> {
        let fragment = &execution.fragment;
        let is_written = |task: usize| fragment.write_of(task).is_some();
        let shapes: Vec<Shape> = execution.answers.iter().enumerate().map(|(i, (_, plan))| shape(plan, is_written(i))).collect();
        let of_task = |(task, runs): (usize, &Vec<std::ops::Range<usize>>)| {
            let run = |r: &std::ops::Range<usize>| Run { task: task as u32, units: r.start as u64..r.end as u64 };
            runs.iter().map(run).collect::<Vec<_>>()
        };
        let wanted: Vec<Run> = execution.runs.iter().enumerate().flat_map(of_task).filter(|r| !r.units.is_empty()).collect();
        let ranges = cut(&shapes, &wanted, nodes as u64);
        let data = fragment.datasets.iter().flat_map(|d| d.spec.uris()).fold(0, |seed, uri| hash_with(seed, hash(uri.as_bytes())));
        let keys = ranges.iter().map(|r| execution.answers.get(r.task as usize).map_or(0, |(_, plan)| key(data, plan, r))).collect();
        let may_double = ranges.iter().map(|r| !is_written(r.task as usize)).collect();
        let of_cut = |r: &Run| {
            let (_, plan) = execution.answers.get(r.task as usize)?;
            let is_cut = [r.units.start, r.units.end].iter().any(|edge| edge % plan.units_per_box() as u64 != 0);
            is_cut.then(|| plan.box_state_bytes())
        };
        let state_bytes = ranges.iter().filter_map(of_cut).max().unwrap_or(0);
        let expected = execution.answers.iter().enumerate();
        let expected = expected.map(|(i, (task, plan))| Expected::new(&fragment.graph, &task.nodes, plan.clone(), is_written(i)));
        Ok(Cut {
            expected: expected.collect::<Result<_, _>>()?,
            units: ranges.iter().map(|r| r.units.end - r.units.start).sum(),
            ranges,
            keys,
            may_double,
            state_bytes,
        })
    }
}

fn shape(plan: &WorkPlan, is_whole: bool) -> Shape {
    let pieces = if plan.units() > 0 { plan.pieces(0).count() } else { 0 };
    Shape {
        boxes: plan.boxes() as u64,
        units_per_box: plan.units_per_box() as u64,
        is_whole,
        state_bytes: plan.box_state_bytes() as u64,
        unit_bytes: size_of(&plan.largest_piece()).saturating_mul(CELL_BYTES).saturating_mul(pieces.max(1)) as u64,
    }
}

fn key(data: u64, plan: &WorkPlan, range: &Run) -> u64 {
    let first = usize::try_from(range.units.start).ok().and_then(|unit| plan.pieces(unit).next());
    first.into_iter().flatten().fold(data, |seed, axis| hash_with(seed, axis.start as u64))
}
