//! The program that a region runs: array operators by position, each with its dims, shape and type.
//!
//! In: operators appended one by one, inputs first. Out: a graph whose every node is checked.
//! Never holds labels, coordinates or data beyond small constants; never lists chunks.

mod groups;
mod identity;
mod index;
mod infer;

pub use groups::Groups;
pub use index::Index;

use crate::along::Along;
use crate::block::Block;
use crate::dtype::DType;
use crate::error::{KernelError, Result};
use crate::formula::Formula;
use crate::points::Points;
use crate::reduce::Reduction;
use crate::remap::RemappedAxis;
use std::collections::HashMap;
use std::sync::Arc;

/// A node of a [`Graph`], by position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u32);

/// A named dimension of known length.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Dim {
    /// Its name, by which operands are matched.
    pub name: Arc<str>,
    /// Number of indices.
    pub len: usize,
}

impl Dim {
    /// A dimension.
    pub fn new(name: &str, len: usize) -> Dim {
        Dim { name: name.into(), len }
    }
}

/// An operator with its inputs.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// Leaf: a stored variable, decoded. `source` numbers the variables of the fragment or plan.
    Scan {
        /// Which variable.
        source: u32,
    },
    /// Leaf: a small array that is part of the program.
    Constant(Arc<Block>),
    /// Leaf: an array made elsewhere and handed in when the graph runs (an earlier stage's result).
    Given {
        /// Which one.
        slot: u32,
    },
    /// An element-wise program over the inputs, matched by dimension name and broadcast.
    Map {
        /// The program.
        formula: Arc<Formula>,
        /// Its inputs, in the formula's numbering.
        inputs: Vec<NodeId>,
    },
    /// Indices of one axis, picked: selection, reordering, repetition, shifting.
    Take {
        /// Whose.
        input: NodeId,
        /// Which axis of the input.
        axis: usize,
        /// Which indices, in order.
        index: Index,
    },
    /// One index of one axis, which vanishes.
    Pick {
        /// Whose.
        input: NodeId,
        /// Which axis of the input.
        axis: usize,
        /// Which index.
        index: usize,
    },
    /// The axes in another order, names going with them.
    Transpose {
        /// Whose.
        input: NodeId,
        /// `order[i]` is the input axis that becomes axis `i`.
        order: Vec<usize>,
    },
    /// New dimension names; the data is untouched.
    Rename {
        /// Whose.
        input: NodeId,
        /// A name per axis.
        names: Vec<Arc<str>>,
    },
    /// A new axis along which the input repeats.
    Expand {
        /// Whose.
        input: NodeId,
        /// Where the new axis goes, `0..=rank`.
        axis: usize,
        /// The new dimension.
        dim: Dim,
    },
    /// Axes folded away, or one axis folded into groups.
    Reduce {
        /// Whose.
        input: NodeId,
        /// What is computed.
        reduction: Reduction,
        /// Axes of the input that vanish, ascending. A grouped axis is not among them.
        axes: Vec<usize>,
        /// One axis whose indices fall into groups; it stays, with one index per group.
        groups: Option<Groups>,
    },
    /// Interpolation along one axis by coordinate values (`scipy.interpolate.interp1d`); outside the source it is missing.
    Interp {
        /// Whose.
        input: NodeId,
        /// Which axis of the input.
        axis: usize,
        /// The source coordinate, strictly monotonic.
        from: Arc<[f64]>,
        /// The wanted coordinate values.
        to: Arc<[f64]>,
        /// How.
        method: InterpMethod,
    },
    /// Lanes along one axis, each made into another of its own cells alone: windows, running totals, order statistics.
    Along {
        /// Whose.
        input: NodeId,
        /// Which axis of the input.
        axis: usize,
        /// Axes, ascending, whose cells belong to the lane too and which vanish; only order statistics take any.
        joined: Vec<usize>,
        /// What becomes of each lane.
        along: Along,
    },
    /// Weighted means of neighbouring cells along several axes at once.
    Remap {
        /// Whose.
        input: NodeId,
        /// The axes, ascending, with their weights.
        axes: Vec<RemappedAxis>,
    },
    /// The cells of a table at the places that the input's cells name; missing where these are negative.
    Lookup {
        /// Whose: whole numbers.
        input: NodeId,
        /// Cells of rank 1.
        table: Arc<Block>,
    },
    /// Cells at points, each of which names an index of several axes: these vanish, and dims of points come in their place.
    Points {
        /// Whose.
        input: NodeId,
        /// Which cells.
        points: Arc<Points>,
    },
    /// Neighbouring axes counted as others with as many cells, in C order.
    Reshape {
        /// Whose.
        input: NodeId,
        /// The first of the axes.
        axis: usize,
        /// How many axes are counted anew.
        count: usize,
        /// What they become.
        dims: Vec<Dim>,
    },
    /// Inputs joined end to end along an existing axis.
    Concat {
        /// What is joined, in order.
        inputs: Vec<NodeId>,
        /// Along which axis.
        axis: usize,
    },
}

/// How to interpolate between two neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InterpMethod {
    /// A straight line between the neighbours (`linear`).
    Linear,
    /// The same line as a spline of degree 1 (`slinear`): it differs from `Linear` where a value hits a node beside a missing one.
    Spline,
    /// The nearer neighbour; half way, the lower one (SciPy's `nearest`).
    Nearest,
    /// As `Linear`, and beyond both ends on the line through the last two (`fill_value='extrapolate'`).
    Beyond,
}

/// An operator, with what is known of its result before it runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The operator.
    pub op: Op,
    /// Dimensions of the result, in axis order.
    pub dims: Vec<Dim>,
    /// Element type of the result.
    pub dtype: DType,
}

impl Node {
    /// Length along each axis.
    pub fn shape(&self) -> Vec<usize> {
        self.dims.iter().map(|d| d.len).collect()
    }

    /// Number of cells, saturating.
    pub fn size(&self) -> usize {
        self.dims.iter().fold(1usize, |n, d| n.saturating_mul(d.len))
    }

    /// Bytes of the result, saturating.
    pub fn bytes(&self) -> usize {
        self.size().saturating_mul(self.dtype.size())
    }

    /// The axis called `name`.
    pub fn axis(&self, name: &str) -> Option<usize> {
        self.dims.iter().position(|d| &*d.name == name)
    }
}

impl Op {
    /// The nodes that it reads, in order.
    pub fn inputs(&self) -> Vec<NodeId> {
        match self {
            Op::Scan { .. } | Op::Constant(_) | Op::Given { .. } => vec![],
            Op::Map { inputs, .. } | Op::Concat { inputs, .. } => inputs.clone(),
            Op::Take { input, .. }
            | Op::Pick { input, .. }
            | Op::Transpose { input, .. }
            | Op::Rename { input, .. }
            | Op::Expand { input, .. }
            | Op::Reduce { input, .. }
            | Op::Interp { input, .. }
            | Op::Along { input, .. }
            | Op::Lookup { input, .. }
            | Op::Points { input, .. }
            | Op::Reshape { input, .. }
            | Op::Remap { input, .. } => vec![*input],
        }
    }

    /// The same operator over other inputs: each input `i` becomes `to(i)`.
    pub fn with_inputs(&self, mut to: impl FnMut(NodeId) -> NodeId) -> Op {
        let mut op = self.clone();
        match &mut op {
            Op::Scan { .. } | Op::Constant(_) | Op::Given { .. } => {}
            Op::Map { inputs, .. } | Op::Concat { inputs, .. } => inputs.iter_mut().for_each(|i| *i = to(*i)),
            Op::Take { input, .. }
            | Op::Pick { input, .. }
            | Op::Transpose { input, .. }
            | Op::Rename { input, .. }
            | Op::Expand { input, .. }
            | Op::Reduce { input, .. }
            | Op::Interp { input, .. }
            | Op::Along { input, .. }
            | Op::Lookup { input, .. }
            | Op::Points { input, .. }
            | Op::Reshape { input, .. }
            | Op::Remap { input, .. } => *input = to(*input),
        }
        op
    }

    /// The operator's name, for plans and errors.
    pub fn name(&self) -> &'static str {
        match self {
            Op::Scan { .. } => "scan",
            Op::Constant(_) => "constant",
            Op::Given { .. } => "given",
            Op::Map { .. } => "map",
            Op::Take { .. } => "take",
            Op::Pick { .. } => "pick",
            Op::Transpose { .. } => "transpose",
            Op::Rename { .. } => "rename",
            Op::Expand { .. } => "expand",
            Op::Reduce { .. } => "reduce",
            Op::Interp { .. } => "interp",
            Op::Along { along, .. } => along.name(),
            Op::Lookup { .. } => "lookup",
            Op::Reshape { .. } => "reshape",
            Op::Remap { .. } => "remap",
            Op::Points { .. } => "points",
            Op::Concat { .. } => "concat",
        }
    }
}

/// A directed acyclic graph of operators, inputs before their users. Equal nodes are stored once.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    nodes: Vec<Node>,
    /// Operators on the longest way from each node to a leaf.
    depths: Vec<u32>,
    /// Where nodes of a fingerprint stand; those of [`Graph::push_checked`] are not among them.
    places: HashMap<u64, Vec<NodeId>>,
}

impl PartialEq for Graph {
    fn eq(&self, other: &Graph) -> bool {
        self.nodes == other.nodes
    }
}

/// The longest chain of operators: evaluation goes down it on the stack.
pub const MAX_DEPTH: u32 = 400;

impl Graph {
    /// An empty graph.
    pub fn new() -> Graph {
        Graph::default()
    }

    /// Every node, inputs before users.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether it has no nodes.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The ids of all nodes, inputs before users.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        (0..self.nodes.len() as u32).map(NodeId)
    }

    /// A node.
    ///
    /// # Errors
    /// [`KernelError::Malformed`] when there is no such node.
    pub fn node(&self, id: NodeId) -> Result<&Node> {
        self.nodes.get(id.0 as usize).ok_or_else(|| KernelError::malformed("graph", format!("node {} does not exist", id.0)))
    }

    /// Appends a leaf that reads a stored variable.
    pub fn scan(&mut self, source: u32, dims: Vec<Dim>, dtype: DType) -> NodeId {
        self.insert(Node { op: Op::Scan { source }, dims, dtype })
    }

    /// Appends a leaf that is handed in when the graph runs.
    pub fn given(&mut self, slot: u32, dims: Vec<Dim>, dtype: DType) -> NodeId {
        self.insert(Node { op: Op::Given { slot }, dims, dtype })
    }

    /// Appends a small array, its axes called `names`.
    ///
    /// # Errors
    /// [`KernelError::Malformed`] when the names do not fit the block's rank.
    pub fn constant(&mut self, names: &[Arc<str>], block: Block) -> Result<NodeId> {
        if names.len() != block.rank() {
            return Err(KernelError::malformed("graph", "a constant needs one dimension name per axis"));
        }
        let dims = names.iter().zip(block.shape()).map(|(name, &len)| Dim { name: name.clone(), len }).collect();
        let dtype = block.dtype();
        Ok(self.insert(Node { op: Op::Constant(Arc::new(block)), dims, dtype }))
    }

    /// Appends an operator; its dims and type follow from its inputs.
    ///
    /// # Errors
    /// [`KernelError::Malformed`] when the operator does not fit its inputs, or is a leaf other than a constant.
    pub fn push(&mut self, op: Op) -> Result<NodeId> {
        self.depth(&op)?;
        let (dims, dtype) = self.infer(&op)?;
        Ok(self.insert(Node { op, dims, dtype }))
    }

    /// Appends a node whose dims and type the sender states, after checking them: the way in from the wire.
    ///
    /// # Errors
    /// [`KernelError::Malformed`] when the statement is not what follows from the inputs.
    pub fn push_checked(&mut self, node: Node) -> Result<NodeId> {
        if !matches!(node.op, Op::Scan { .. } | Op::Given { .. } | Op::Constant(_)) {
            let (dims, dtype) = self.infer(&node.op)?;
            if dims != node.dims || dtype != node.dtype {
                return Err(KernelError::malformed(
                    "graph",
                    format!("a {} node states dims or a type that do not follow from its inputs", node.op.name()),
                ));
            }
        }
        if let Op::Constant(block) = &node.op
            && (block.shape() != node.shape() || block.dtype() != node.dtype)
        {
            return Err(KernelError::malformed("graph", "a constant's block differs from its stated dims"));
        }
        infer::distinct(&node.dims)?;
        // Kept in the sender's numbering: no deduplication here.
        self.depths.push(self.depth(&node.op)?);
        self.nodes.push(node);
        Ok(NodeId(self.nodes.len() as u32 - 1))
    }

    fn depth(&self, op: &Op) -> Result<u32> {
        let inputs = op.inputs();
        let below = inputs.iter().filter_map(|i| self.depths.get(i.0 as usize)).max().copied().unwrap_or(0);
        if below >= MAX_DEPTH {
            return Err(KernelError::malformed("graph", format!("more than {MAX_DEPTH} operators are applied one to another")));
        }
        Ok(below + 1)
    }

    fn insert(&mut self, node: Node) -> NodeId {
        let depth = self.depth(&node.op).unwrap_or(MAX_DEPTH);
        let places = self.places.entry(identity::fingerprint(&node)).or_default();
        if let Some(at) = places.iter().find(|at| self.nodes.get(at.0 as usize).is_some_and(|n| identity::same(n, &node))) {
            return *at;
        }
        let id = NodeId(self.nodes.len() as u32);
        places.push(id);
        self.depths.push(depth);
        self.nodes.push(node);
        id
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn equal_nodes_are_one_and_the_two_zeros_are_two() {
        let mut graph = Graph::new();
        let zero = graph.constant(&[], Block::scalar(0.0)).unwrap();
        assert_eq!(graph.constant(&[], Block::scalar(0.0)).unwrap(), zero);
        assert_ne!(graph.constant(&[], Block::scalar(-0.0)).unwrap(), zero, "1 / -0.0 is another number");
        let missing = graph.constant(&[], Block::scalar(f64::NAN)).unwrap();
        assert_eq!(graph.constant(&[], Block::scalar(f64::NAN)).unwrap(), missing);
    }

    #[test]
    fn appending_does_not_look_at_every_node() {
        let mut graph = Graph::new();
        let began = Instant::now();
        for i in 0..30_001 {
            graph.constant(&["x".into()], Block::from_vec(&[2], vec![0.5, f64::from(i)]).unwrap()).unwrap();
        }
        assert_eq!(graph.len(), 30_001);
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    }
}
