//! Fragments: what home asks. Every number in them is checked against the lists that it points into.

use super::budget::{Budget, MAX_LENGTH, MAX_RANK, MAX_RUNS, at_most, length, text};
use super::{Wire, list, malformed, need, pb};
use crate::dataset::DatasetSpec;
use crate::error::RegionError;
use crate::fragment::{DatasetUse, Fragment, Part, Run, SourceUse, Task, Write};
use crate::store::StoreTarget;
use std::sync::Arc;
use xeng_kernels::{Block, Graph, NodeId, Op};

impl Wire for Fragment {
    type Message = pb::Fragment;

    fn to_wire(&self) -> pb::Fragment {
        pb::Fragment {
            datasets: self.datasets.iter().map(Wire::to_wire).collect(),
            sources: self.sources.iter().map(Wire::to_wire).collect(),
            given: self.given.iter().map(|b| b.to_wire()).collect(),
            graph: Some(self.graph.to_wire()),
            held: self.held.iter().map(Wire::to_wire).collect(),
            answers: self.answers.iter().map(Wire::to_wire).collect(),
            writes: self.writes.iter().map(Wire::to_wire).collect(),
            gathered_bytes: self.gathered_bytes,
        }
    }

    fn from_wire(message: pb::Fragment, budget: &mut Budget) -> Result<Fragment, RegionError> {
        let fragment = Fragment {
            datasets: list(message.datasets, budget)?,
            sources: list(message.sources, budget)?,
            given: list(message.given, budget)?.into_iter().map(Arc::<Block>::new).collect(),
            graph: Graph::from_wire(need(message.graph, "a graph")?, budget)?,
            held: list(message.held, budget)?,
            answers: list(message.answers, budget)?,
            writes: list(message.writes, budget)?,
            gathered_bytes: message.gathered_bytes,
        };
        check(&fragment)?;
        Ok(fragment)
    }
}

/// Whether everything that a fragment points to is there, and handed-in arrays are as the graph states them.
fn check(fragment: &Fragment) -> Result<(), RegionError> {
    if let Some(s) = fragment.sources.iter().find(|s| s.dataset as usize >= fragment.datasets.len()) {
        return Err(malformed(format!("variable '{}' is of dataset {}, which is not in the list", s.variable, s.dataset)));
    }
    for node in fragment.graph.nodes() {
        let fits = match node.op {
            Op::Scan { source } => (source as usize) < fragment.sources.len(),
            Op::Given { slot } => fragment.given.get(slot as usize).is_some_and(|b| b.dtype() == node.dtype && b.shape() == node.shape()),
            _ => true,
        };
        if !fits {
            return Err(malformed(format!("a {} node does not fit what it reads", node.op.name())));
        }
    }
    for (number, write) in fragment.writes.iter().enumerate() {
        let task = fragment.answers.get(write.task as usize);
        if task.is_none_or(|task| task.nodes.len() != write.arrays.len()) {
            return Err(malformed(format!("what is written of task {} does not fit it", write.task)));
        }
        if fragment.writes[..number].iter().any(|other| other.task == write.task) {
            return Err(malformed(format!("task {} is written twice", write.task)));
        }
    }
    let nodes = fragment.held.iter().chain(&fragment.answers).flat_map(|t| &t.nodes);
    match nodes.into_iter().find(|n| n.0 as usize >= fragment.graph.len()) {
        Some(n) => Err(malformed(format!("node {} of a task is not in the graph", n.0))),
        None => Ok(()),
    }
}

impl Wire for DatasetUse {
    type Message = pb::DatasetUse;

    fn to_wire(&self) -> pb::DatasetUse {
        pb::DatasetUse { spec: Some(self.spec.to_wire()), snapshot: self.snapshot.clone() }
    }

    fn from_wire(message: pb::DatasetUse, budget: &mut Budget) -> Result<DatasetUse, RegionError> {
        Ok(DatasetUse {
            spec: DatasetSpec::from_wire(need(message.spec, "a dataset's spec")?, budget)?,
            snapshot: text(message.snapshot, "a snapshot")?,
        })
    }
}

impl Wire for SourceUse {
    type Message = pb::SourceUse;

    fn to_wire(&self) -> pb::SourceUse {
        pb::SourceUse { dataset: self.dataset, variable: self.variable.clone() }
    }

    fn from_wire(message: pb::SourceUse, _: &mut Budget) -> Result<SourceUse, RegionError> {
        Ok(SourceUse { dataset: message.dataset, variable: text(message.variable, "a variable's name")? })
    }
}

impl Wire for Task {
    type Message = pb::Task;

    fn to_wire(&self) -> pb::Task {
        pb::Task { nodes: self.nodes.iter().map(|n| n.0).collect() }
    }

    fn from_wire(message: pb::Task, _: &mut Budget) -> Result<Task, RegionError> {
        Ok(Task { nodes: message.nodes.into_iter().map(NodeId).collect() })
    }
}

impl Wire for Write {
    type Message = pb::Write;

    fn to_wire(&self) -> pb::Write {
        pb::Write {
            task: self.task,
            target: Some(self.target.to_wire()),
            arrays: self.arrays.clone(),
            chunk: self.chunk.iter().map(|&n| n as u64).collect(),
            zstd_level: self.zstd_level,
        }
    }

    fn from_wire(message: pb::Write, budget: &mut Budget) -> Result<Write, RegionError> {
        at_most(message.chunk.len(), MAX_RANK, "axes")?;
        Ok(Write {
            task: message.task,
            target: StoreTarget::from_wire(need(message.target, "a store")?, budget)?,
            arrays: message.arrays.into_iter().map(|name| text(name, "an array's name")).collect::<Result<_, _>>()?,
            chunk: message.chunk.into_iter().map(|n| length(n, "a chunk's length")).collect::<Result<_, _>>()?,
            zstd_level: message.zstd_level,
        })
    }
}

impl Wire for Part {
    type Message = pb::Part;

    fn to_wire(&self) -> pb::Part {
        let of_runs = |runs: &[Run], by_itself| pb::Part { index: 0, count: 1, runs: runs.iter().map(Wire::to_wire).collect(), by_itself };
        match self {
            Part::Share { index, count } => pb::Part { index: *index, count: *count, runs: vec![], by_itself: false },
            Part::Missing(runs) => of_runs(runs, false),
            Part::Own(runs) => of_runs(runs, true),
        }
    }

    fn from_wire(message: pb::Part, budget: &mut Budget) -> Result<Part, RegionError> {
        at_most(message.runs.len(), MAX_RUNS, "runs of work units")?;
        if message.runs.is_empty() && !message.by_itself {
            if message.index >= message.count {
                return Err(malformed(format!("part {} of {}", message.index, message.count)));
            }
            return Ok(Part::Share { index: message.index, count: message.count });
        }
        let runs = list(message.runs, budget)?;
        Ok(if message.by_itself { Part::Own(runs) } else { Part::Missing(runs) })
    }
}

impl Wire for Run {
    type Message = pb::Run;

    fn to_wire(&self) -> pb::Run {
        pb::Run { task: self.task, start: self.units.start, end: self.units.end }
    }

    fn from_wire(message: pb::Run, _: &mut Budget) -> Result<Run, RegionError> {
        if message.start >= message.end || message.end > MAX_LENGTH {
            return Err(malformed(format!("a run of units {}..{}", message.start, message.end)));
        }
        Ok(Run { task: message.task, units: message.start..message.end })
    }
}
