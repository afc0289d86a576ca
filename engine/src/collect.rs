//! Puts the pieces of an answer together, and proves that nothing is missing and nothing counted twice.
//!
//! In: pieces, from any engine, in any order. Out: finished blocks. Never trusts a piece: its place, its units and its
//! arrays are checked before it is merged.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use xeng_kernels::{Block, Graph, KernelError, MergeTree, NodeId, Partial, WorkPlan};
use xeng_proto::expected::wrong;
use xeng_proto::{Expected, Part, Piece, RegionError, Run, Write, Written};

/// What home knows of one task of a fragment.
struct Job {
    expected: Expected,
    /// Boxes under way.
    trees: HashMap<usize, MergeTree>,
    /// Results, filled box by box; none of a task that its region writes.
    out: Vec<Block>,
    /// Of a task that its region writes: the chunks of each box.
    written: Option<Vec<Vec<Written>>>,
    /// Per box, whether it is complete.
    done: Vec<bool>,
}

/// What came of a task.
#[derive(Clone, Debug, PartialEq)]
pub enum Collected {
    /// The cells of each node.
    Cells(Vec<Block>),
    /// What its region wrote, box by box in C order: a chunk of each node.
    Written(Vec<Vec<Written>>),
}

/// A claim that has been accepted: task, box, level and index in the box's merge tree.
type Claim = (u32, usize, u32, u32);

/// The pieces of one fragment's answers.
pub struct Collector {
    jobs: Vec<Job>,
    accepted: HashSet<Claim>,
}

/// What one attempt at one part of a fragment has delivered.
pub struct Attempt {
    /// Per task, what is asked for: ascending and apart.
    asked: Vec<Vec<Range<usize>>>,
    claims: HashSet<Claim>,
    units: u64,
}

impl Collector {
    /// A collector for these tasks: the nodes of `graph` that each computes, and its work units; `writes` tells which of them their region
    /// writes.
    ///
    /// # Errors
    /// [`KernelError::Malformed`] when a node does not exist.
    pub fn new(graph: &Graph, tasks: &[(Vec<NodeId>, WorkPlan)], writes: &[Write]) -> Result<Collector, KernelError> {
        let job = |(index, (nodes, plan)): (usize, &(Vec<NodeId>, WorkPlan))| {
            let is_written = writes.iter().any(|w| w.task as usize == index);
            let expected = Expected::new(graph, nodes, plan.clone(), is_written)?;
            let cells = nodes.iter().map(|&id| graph.node(id).map(|n| Block::filled(n.dtype, &n.shape(), 0.0)));
            Ok(Job {
                expected,
                trees: HashMap::new(),
                out: if is_written { vec![] } else { cells.collect::<Result<_, _>>()? },
                written: is_written.then(|| vec![vec![]; plan.boxes()]),
                done: vec![false; plan.boxes()],
            })
        };
        Ok(Collector { jobs: tasks.iter().enumerate().map(job).collect::<Result<_, KernelError>>()?, accepted: HashSet::new() })
    }

    /// A new attempt at a part.
    pub fn attempt(&self, part: &Part) -> Attempt {
        let of_task = |(task, job): (usize, &Job)| match part {
            Part::Share { index, count } => vec![job.expected.plan().share(*index, *count)],
            Part::Missing(runs) | Part::Own(runs) => {
                let of_task = runs.iter().filter(|r| r.task as usize == task);
                of_task.map(|r| r.units.start as usize..r.units.end as usize).collect()
            }
        };
        Attempt { asked: self.jobs.iter().enumerate().map(of_task).collect(), claims: HashSet::new(), units: 0 }
    }

    /// The units that are missing, `most` runs of them at most.
    pub fn missing(&self, most: usize) -> Vec<Run> {
        let mut runs: Vec<Run> = vec![];
        for (task, job) in self.jobs.iter().enumerate() {
            for box_index in (0..job.done.len()).filter(|&b| !job.done[b]) {
                for units in job.missing(box_index) {
                    let last = runs.last_mut().filter(|last| last.task == task as u32 && last.units.end == units.start);
                    if let Some(last) = last {
                        last.units.end = units.end;
                    } else if runs.len() == most {
                        return runs;
                    } else {
                        runs.push(Run { task: task as u32, units });
                    }
                }
            }
        }
        runs
    }

    /// Adds a piece. One that an earlier attempt has delivered already is passed over: both hold the same bits.
    ///
    /// # Errors
    /// `Data` when the piece claims what it was not asked for, claims it twice, or holds other arrays than it should.
    pub fn add(&mut self, attempt: &mut Attempt, piece: Piece) -> Result<(), RegionError> {
        let c = &piece.coverage;
        let job = self.jobs.get_mut(c.task as usize).ok_or_else(|| wrong("names a task that was not asked for", c))?;
        let (box_index, range) = job.expected.place(c)?;
        let asked = attempt.asked.get(c.task as usize).and_then(|runs| runs.get(runs.partition_point(|run| run.end <= range.start)));
        if !asked.is_some_and(|run| inside(&range, run)) {
            return Err(wrong("covers work units that were not asked for", c));
        }
        let claim = (c.task, box_index, c.level, c.index);
        if !attempt.claims.insert(claim) {
            return Err(wrong("was sent twice", c));
        }
        attempt.units += range.len() as u64;
        job.expected.check(&piece)?;
        let is_new = self.accepted.insert(claim);
        match job.written.as_mut().map(|all| all.get_mut(box_index)) {
            None if is_new => job.merge(box_index, (c.level, c.index), piece.partials),
            None => Ok(()),
            Some(Some(chunks)) if is_new => {
                *chunks = piece.written;
                job.done[box_index] = true;
                Ok(())
            }
            // The later one of two attempts is what lies there now.
            Some(Some(chunks)) if *chunks == piece.written => Ok(()),
            Some(_) => Err(wrong("was written twice, differently", c)),
        }
    }

    /// Number of different pieces accepted so far.
    pub fn accepted(&self) -> usize {
        self.accepted.len()
    }

    /// Checks that an attempt delivered all it was asked for.
    ///
    /// # Errors
    /// `Data` when units are missing.
    pub fn close(&self, attempt: &Attempt) -> Result<(), RegionError> {
        let asked: u64 = attempt.asked.iter().flatten().map(|run| run.len() as u64).sum();
        if attempt.units == asked {
            return Ok(());
        }
        Err(RegionError::data(format!("the engine says it is done, but answered for {} of {asked} work units", attempt.units)))
    }

    /// The finished results, task by task.
    ///
    /// # Errors
    /// `Internal` when a box is not complete, which [`Self::close`] over all parts rules out.
    pub fn finish(self) -> Result<Vec<Collected>, RegionError> {
        let complete = |job: Job| {
            let done = job.done.iter().filter(|done| **done).count();
            if done == job.done.len() {
                Ok(job.written.map_or(Collected::Cells(job.out), Collected::Written))
            } else {
                Err(RegionError::internal(format!("{done} of {} boxes of the result are complete", job.done.len())))
            }
        };
        self.jobs.into_iter().map(complete).collect()
    }
}

impl Job {
    /// The units of a box that are not there.
    fn missing(&self, box_index: usize) -> Vec<Range<u64>> {
        let per_box = self.expected.plan().units_per_box();
        let held = self.trees.get(&box_index).into_iter().flat_map(MergeTree::nodes);
        let mut held: Vec<_> = held.map(|node| MergeTree::units_of(node, per_box as u32)).collect();
        held.sort_by_key(|r| r.start);
        let first = (box_index * per_box) as u64;
        let mut missing = vec![];
        let mut next = 0;
        for range in held {
            missing.push(first + next..first + u64::from(range.start));
            next = u64::from(range.end);
        }
        missing.push(first + next..first + per_box as u64);
        missing.retain(|r| !r.is_empty());
        missing
    }

    fn merge(&mut self, box_index: usize, at: (u32, u32), partials: Vec<Partial>) -> Result<(), RegionError> {
        let units = self.expected.plan().units_per_box() as u32;
        let expected = &self.expected;
        let tree = self.trees.entry(box_index).or_insert_with(|| MergeTree::new(units));
        tree.insert(at, partials, |left, right| expected.merge(left, &right)).map_err(|e| RegionError::data(e.to_string()))?;
        if tree.is_complete()
            && let Some(root) = self.trees.remove(&box_index).and_then(MergeTree::into_root)
        {
            let bounds = expected.plan().result_box(box_index);
            for (block, out) in expected.finish(root, at == MergeTree::root_of(units))?.iter().zip(&mut self.out) {
                out.paste(&bounds, block)?;
            }
            self.done[box_index] = true;
        }
        Ok(())
    }
}

fn inside(inner: &Range<usize>, outer: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}
