//! What the pieces of one task's answer must be, for whoever puts them together: home, or the head of a region.
//!
//! In: a task, its work units; pieces from an engine that is not trusted. Out: where each belongs, or a refusal. Never keeps a piece.

use crate::answer::Piece;
use crate::coverage::Coverage;
use crate::error::RegionError;
use std::ops::Range;
use xeng_kernels::bounds::shape_of;
use xeng_kernels::{Block, DType, Graph, KernelError, MergeTree, NodeId, Op, Partial, Reduction, WorkPlan};

/// How the pieces of a node become its cells.
#[derive(Clone, Copy, Debug)]
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

/// What is expected of one task.
#[derive(Clone, Debug)]
pub struct Expected {
    plan: WorkPlan,
    nodes: Vec<Finish>,
    is_written: bool,
}

impl Expected {
    /// Of the task that computes `nodes` in these units; `is_written` tells whether its region writes it.
    ///
    /// # Errors
    /// [`KernelError::Malformed`] when a node does not exist.
    pub fn new(graph: &Graph, nodes: &[NodeId], plan: WorkPlan, is_written: bool) -> Result<Expected, KernelError> {
        let finish = |&id: &NodeId| {
            let node = graph.node(id)?;
            let reduced = match &node.op {
                Op::Reduce { input, reduction, .. } if plan.reduces() => Some((*reduction, graph.node(*input)?.dtype)),
                _ => None,
            };
            Ok(Finish { output: node.dtype, reduced })
        };
        Ok(Expected { nodes: nodes.iter().map(finish).collect::<Result<_, KernelError>>()?, plan, is_written })
    }

    /// The task's units.
    pub fn plan(&self) -> &WorkPlan {
        &self.plan
    }

    /// Whether its region writes it.
    pub fn is_written(&self) -> bool {
        self.is_written
    }

    /// The box that a piece belongs to, and its units among all of the task's.
    ///
    /// # Errors
    /// `Data` when it claims cells or units that the task does not have.
    pub fn place(&self, c: &Coverage) -> Result<(usize, Range<usize>), RegionError> {
        let box_index = self.plan.box_at(&c.bounds).ok_or_else(|| wrong("covers cells that were not asked for", c))?;
        let per_box = self.plan.units_per_box();
        let units = MergeTree::units_of((c.level, c.index), per_box as u32);
        if c.units as usize != per_box || units.is_empty() {
            return Err(wrong("covers work units that were not asked for", c));
        }
        Ok((box_index, box_index * per_box + units.start as usize..box_index * per_box + units.end as usize))
    }

    /// Whether a piece holds all units of its box.
    pub fn is_whole(&self, c: &Coverage) -> bool {
        (c.level, c.index) == MergeTree::root_of(c.units)
    }

    /// Each partial must have the fields, types and shape that its reduction makes; what is written comes as whole chunks.
    ///
    /// # Errors
    /// `Data` when the piece holds anything else.
    pub fn check(&self, piece: &Piece) -> Result<(), RegionError> {
        let (c, is_whole) = (&piece.coverage, self.is_whole(&piece.coverage));
        let shape = shape_of(&c.bounds);
        if self.is_written != (piece.written.len() == self.nodes.len() && piece.partials.is_empty()) {
            return Err(wrong(if self.is_written { "was to be written and was not" } else { "was to be sent and was written" }, c));
        }
        if self.is_written {
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

    /// Merges the partials of later cells into those of earlier ones.
    ///
    /// # Errors
    /// [`KernelError::Malformed`] for cells that do not merge.
    pub fn merge(&self, left: &mut [Partial], right: &[Partial]) -> Result<(), KernelError> {
        self.nodes.iter().zip(left.iter_mut().zip(right)).try_for_each(|(node, (l, r))| match node.reduced {
            Some((reduction, _)) => reduction.merge(l, r),
            None => Err(KernelError::malformed("coverage", "gathered cells that overlap")),
        })
    }

    /// The cells of each node, from the partials over all units of a box; `came_whole` when they came as one piece, which is finished.
    ///
    /// # Errors
    /// Whatever finishing gives.
    pub fn finish(&self, partials: Vec<Partial>, came_whole: bool) -> Result<Vec<Block>, RegionError> {
        let finish = |(partial, node): (Partial, &Finish)| match node.reduced {
            Some((reduction, input)) if !came_whole => Ok(reduction.finish(partial, input)?),
            _ => partial.states.into_iter().next().ok_or_else(|| RegionError::internal("a piece without cells")),
        };
        partials.into_iter().zip(&self.nodes).map(finish).collect()
    }
}

/// The refusal of a piece.
pub fn wrong(what: &str, c: &Coverage) -> RegionError {
    RegionError::data(format!(
        "a piece of the answer {what} (task {}, cells {:?}, merge node {}/{} of {} units): the engine is not to be trusted",
        c.task, c.bounds, c.level, c.index, c.units
    ))
}
