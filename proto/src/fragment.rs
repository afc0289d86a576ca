//! What home asks of a region: one self-contained program per stage.
//!
//! In: nothing; plain data. Out: nothing. Never grows with the number of chunks.

use crate::dataset::DatasetSpec;
use crate::store::StoreTarget;
use std::ops::Range;
use std::sync::Arc;
use xeng_kernels::{Block, Graph, NodeId, Tiling};

/// A program over datasets of one region. Idempotent: running it again, or parts of it elsewhere, gives the same bits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fragment {
    /// The datasets that it reads.
    pub datasets: Vec<DatasetUse>,
    /// The variables behind the graph's scans: `Op::Scan { source }` is an index into this list.
    pub sources: Vec<SourceUse>,
    /// Results of earlier stages: `Op::Given { slot }` is an index into this list.
    pub given: Vec<Arc<Block>>,
    /// The operators.
    pub graph: Graph,
    /// Intermediate results that the region computes first, in this order, and holds in memory.
    pub held: Vec<Task>,
    /// What is answered.
    pub answers: Vec<Task>,
    /// Which answers are written beside the data instead of being sent; at most one per task.
    pub writes: Vec<Write>,
    /// Bytes that evaluating a box of gathered cells may compute; see [`xeng_kernels::Tiling::gathering`]. 0 for the usual number.
    pub gathered_bytes: u64,
}

impl Fragment {
    /// A tiling as this fragment's work is cut.
    pub fn tiled(&self, tiling: Tiling) -> Tiling {
        match usize::try_from(self.gathered_bytes) {
            Ok(bytes) if bytes > 0 => tiling.gathering(bytes),
            _ => tiling,
        }
    }

    /// How the answer of task number `task` is written, if it is not sent.
    pub fn write_of(&self, task: usize) -> Option<&Write> {
        self.writes.iter().find(|w| w.task as usize == task)
    }
}

/// Makes arrays of a Zarr store of a task's cells: each chunk is one box of the work, written by whoever computes it.
///
/// A chunk is its cells in C order, little-endian, in one zstd frame; where it reaches over the end of the array it is filled up with the fill
/// value: NaN, 0 or false. A chunk of nothing else is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Index into [`Fragment::answers`].
    pub task: u32,
    /// The store.
    pub target: StoreTarget,
    /// The array's name in the store, per node of the task.
    pub arrays: Vec<String>,
    /// Length of a chunk along each axis of the result.
    pub chunk: Vec<usize>,
    /// How hard zstd tries.
    pub zstd_level: i32,
}

/// A dataset that a fragment reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatasetUse {
    /// Which.
    pub spec: DatasetSpec,
    /// The state that was planned for; a region refuses any other.
    pub snapshot: String,
}

/// A variable that a fragment reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceUse {
    /// Index into [`Fragment::datasets`].
    pub dataset: u32,
    /// The variable's name.
    pub variable: String,
}

/// Nodes computed in one pass over the same work units.
///
/// Either every node is a reduction, and all of them fold inputs of the same dims over the same axes and groups;
/// or there is one node of any other kind, whose cells are gathered as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// The nodes.
    pub nodes: Vec<NodeId>,
}

/// A share of a fragment's work.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The `index`-th of `count` nearly equal, contiguous runs of its work units.
    Share {
        /// Which share, `0..count`.
        index: u32,
        /// How many shares.
        count: u32,
    },
    /// These runs: what is missing of an answer that was cut off. Whoever is asked may share them with other engines of its region.
    Missing(Vec<Run>),
    /// These runs, each answered as soon as it is done, by the very engine that is asked: what the head of a region sends to a node.
    Own(Vec<Run>),
}

impl Part {
    /// All of it.
    pub const WHOLE: Part = Part::Share { index: 0, count: 1 };
}

/// Consecutive work units of one task of a fragment's answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Run {
    /// Index into [`Fragment::answers`].
    pub task: u32,
    /// The units.
    pub units: Range<u64>,
}
