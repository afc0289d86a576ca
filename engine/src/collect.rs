//! Puts the pieces of an answer together, and proves that nothing is missing and nothing counted twice.
//!
//! In: pieces, from any engine, in any order. Out: finished blocks. Never trusts a piece: its place, its units and its
//! arrays are checked before it is merged.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use xeng_kernels::bounds::shape_of;
use xeng_kernels::graph::Node;
use xeng_kernels::{Block, DType, Graph, KernelError, MergeTree, NodeId, Op, Partial, Reduction, WorkPlan};
use xeng_proto::{Coverage, Piece, RegionError, Write, Written};

/// What home knows of one task of a fragment.
struct Job {
    plan: WorkPlan,
    nodes: Vec<Finish>,
    /// Boxes under way.
    trees: HashMap<usize, MergeTree>,
    /// Results, filled box by box; none of a task that its region writes.
    out: Vec<Block>,
    /// Of a task that its region writes: the chunks of each box.
    written: Option<Vec<Vec<Written>>>,
    boxes_done: usize,
}

/// What came of a task.
#[derive(Clone, Debug, PartialEq)]
pub enum Collected {
    /// The cells of each node.
    Cells(Vec<Block>),
    /// What its region wrote, box by box in C order: a chunk of each node.
    Written(Vec<Vec<Written>>),
}

/// How the pieces of a node become its cells.
#[derive(Clone, Copy)]
struct Finish {
    /// Element type of the cells.
    output: DType,
    /// Of a reduction: what merges its partials, and its input's element type.
    reduced: Option<(Reduction, DType)>,
}

impl Finish {
    /// The element types of a piece's states; a piece that holds all units of its box is finished.
    fn state_types(self, is_whole: bool) -> Vec<DType> {
        match self.reduced {
            Some((reduction, input)) if !is_whole => reduction.fields(input).iter().map(|f| f.dtype).collect(),
            _ => vec![self.output],
        }
    }
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
    part: (u32, u32),
    claims: HashSet<Claim>,
    units: u64,
}

impl Attempt {
    /// A new attempt at part `index` of `count`.
    pub fn new(index: u32, count: u32) -> Attempt {
        Attempt { part: (index, count), claims: HashSet::new(), units: 0 }
    }
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
            let nodes = nodes.iter().map(|&id| graph.node(id)).collect::<Result<Vec<_>, _>>()?;
            let finish = |node: &&Node| match (&node.op, plan.fold()) {
                (Op::Reduce { input, reduction, .. }, Some(_)) => {
                    Ok(Finish { output: node.dtype, reduced: Some((*reduction, graph.node(*input)?.dtype)) })
                }
                _ => Ok(Finish { output: node.dtype, reduced: None }),
            };
            Ok(Job {
                plan: plan.clone(),
                nodes: nodes.iter().map(finish).collect::<Result<_, KernelError>>()?,
                trees: HashMap::new(),
                out: if is_written { vec![] } else { nodes.iter().map(|n| Block::filled(n.dtype, &n.shape(), 0.0)).collect() },
                written: is_written.then(|| vec![vec![]; plan.boxes()]),
                boxes_done: 0,
            })
        };
        Ok(Collector { jobs: tasks.iter().enumerate().map(job).collect::<Result<_, KernelError>>()?, accepted: HashSet::new() })
    }

    /// Adds a piece. One that an earlier attempt has delivered already is passed over: both hold the same bits.
    ///
    /// # Errors
    /// `Data` when the piece claims what it was not asked for, claims it twice, or holds other arrays than it should.
    pub fn add(&mut self, attempt: &mut Attempt, piece: Piece) -> Result<(), RegionError> {
        let c = &piece.coverage;
        let job = self.jobs.get_mut(c.task as usize).ok_or_else(|| wrong("names a task that was not asked for", c))?;
        let box_index = job.plan.box_at(&c.bounds).ok_or_else(|| wrong("covers cells that were not asked for", c))?;
        let per_box = job.plan.units_per_box();
        let units = MergeTree::units_of((c.level, c.index), per_box as u32);
        let range = box_index * per_box + units.start as usize..box_index * per_box + units.end as usize;
        if c.units as usize != per_box || range.is_empty() || !inside(&range, &job.plan.share(attempt.part.0, attempt.part.1)) {
            return Err(wrong("covers work units that were not asked for", c));
        }
        let claim = (c.task, box_index, c.level, c.index);
        if !attempt.claims.insert(claim) {
            return Err(wrong("was sent twice", c));
        }
        attempt.units += range.len() as u64;
        job.check(&piece, c)?;
        let is_new = self.accepted.insert(claim);
        match job.written.as_mut().map(|all| all.get_mut(box_index)) {
            None if is_new => job.merge(box_index, (c.level, c.index), piece.partials),
            None => Ok(()),
            Some(Some(chunks)) if is_new => {
                *chunks = piece.written;
                job.boxes_done += 1;
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
        let (index, count) = attempt.part;
        let asked: u64 = self.jobs.iter().map(|j| j.plan.share(index, count).len() as u64).sum();
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
            if job.boxes_done == job.plan.boxes() {
                Ok(job.written.map_or(Collected::Cells(job.out), Collected::Written))
            } else {
                Err(RegionError::internal(format!("{} of {} boxes of the result are complete", job.boxes_done, job.plan.boxes())))
            }
        };
        self.jobs.into_iter().map(complete).collect()
    }
}

impl Job {
    /// Each partial must have the fields, types and shape that its reduction makes; what is written comes as whole chunks.
    fn check(&self, piece: &Piece, c: &Coverage) -> Result<(), RegionError> {
        let shape = shape_of(&c.bounds);
        let is_whole = (c.level, c.index) == MergeTree::root_of(c.units);
        if self.written.is_some() != (piece.written.len() == self.nodes.len() && piece.partials.is_empty()) {
            return Err(wrong(if self.written.is_some() { "was to be written and was not" } else { "was to be sent and was written" }, c));
        }
        if self.written.is_some() {
            return if is_whole { Ok(()) } else { Err(wrong("was written in part", c)) };
        }
        let partials = &piece.partials;
        let fits = partials.len() == self.nodes.len()
            && partials.iter().zip(&self.nodes).all(|(partial, node)| {
                let types = node.state_types(is_whole);
                partial.states.len() == types.len() && partial.states.iter().zip(types).all(|(s, t)| s.dtype() == t && s.shape() == shape)
            });
        if fits { Ok(()) } else { Err(wrong("holds other arrays than were asked for", c)) }
    }

    fn merge(&mut self, box_index: usize, at: (u32, u32), partials: Vec<Partial>) -> Result<(), RegionError> {
        let units = self.plan.units_per_box() as u32;
        let nodes = &self.nodes;
        let tree = self.trees.entry(box_index).or_insert_with(|| MergeTree::new(units));
        tree.insert(at, partials, |left, right| {
            nodes.iter().zip(left.iter_mut().zip(&right)).try_for_each(|(node, (l, r))| match node.reduced {
                Some((reduction, _)) => reduction.merge(l, r),
                None => Err(KernelError::malformed("coverage", "gathered cells that overlap")),
            })
        })
        .map_err(|e| RegionError::data(e.to_string()))?;
        if tree.is_complete()
            && let Some(root) = self.trees.remove(&box_index).and_then(MergeTree::into_root)
        {
            let came_whole = at == MergeTree::root_of(units);
            let bounds = self.plan.result_box(box_index);
            for ((partial, node), out) in root.into_iter().zip(&self.nodes).zip(&mut self.out) {
                let block = match node.reduced {
                    Some((reduction, input)) if !came_whole => reduction.finish(partial, input)?,
                    _ => partial.states.into_iter().next().ok_or_else(|| RegionError::internal("a piece without cells"))?,
                };
                out.paste(&bounds, &block)?;
            }
            self.boxes_done += 1;
        }
        Ok(())
    }
}

fn inside(inner: &Range<usize>, outer: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

fn wrong(what: &str, c: &Coverage) -> RegionError {
    RegionError::data(format!(
        "a piece of the answer {what} (task {}, cells {:?}, merge node {}/{} of {} units): the engine is not to be trusted",
        c.task, c.bounds, c.level, c.index, c.units
    ))
}
