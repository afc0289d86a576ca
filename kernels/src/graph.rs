//! The program that a region runs: array operators by position, each with its dims, shape and type.
//!
//! In: operators appended one by one, inputs first. Out: a graph whose every node is checked.
//! Never holds labels, coordinates or data beyond small constants; never lists chunks.

use crate::block::Block;
use crate::dtype::DType;
use crate::error::{KernelError, Result};
use crate::formula::Formula;
use crate::reduce::Reduction;
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
}

/// Indices picked along an axis.
#[derive(Clone, Debug, PartialEq)]
pub enum Index {
    /// `start, start+step, ...`, `len` of them; `step` may be negative, never 0.
    Range {
        /// The first index.
        start: usize,
        /// From one index to the next.
        step: isize,
        /// How many.
        len: usize,
    },
    /// Any indices; a negative one gives a missing value.
    List(Arc<[i64]>),
}

impl Index {
    /// Number of picked indices.
    pub fn len(&self) -> usize {
        match self {
            Index::Range { len, .. } => *len,
            Index::List(list) => list.len(),
        }
    }

    /// Whether nothing is picked.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The input index at position `at`, negative for a missing value.
    pub fn get(&self, at: usize) -> i64 {
        match self {
            Index::Range { start, step, .. } => *start as i64 + *step as i64 * at as i64,
            Index::List(list) => list.get(at).copied().unwrap_or(-1),
        }
    }

    /// The shortest form of the same indices: a range where they are evenly spaced.
    pub fn compact(list: &[i64]) -> Index {
        let step = if list.len() > 1 { list[1].wrapping_sub(list[0]) } else { 1 };
        let even = step != 0 && list.first().is_some_and(|&f| f >= 0) && list.windows(2).all(|w| w[1].wrapping_sub(w[0]) == step);
        if even && list.last().is_some_and(|&l| l >= 0) {
            Index::Range { start: list[0] as usize, step: step as isize, len: list.len() }
        } else if list.is_empty() {
            Index::Range { start: 0, step: 1, len: 0 }
        } else {
            Index::List(list.into())
        }
    }

    /// `self` applied after `first`: the picks of a pick.
    pub fn after(&self, first: &Index) -> Index {
        match (self, first) {
            (Index::Range { start, step, len }, Index::Range { start: s0, step: d0, .. }) => {
                Index::Range { start: (*s0 as isize + *d0 * *start as isize).max(0) as usize, step: d0 * step, len: *len }
            }
            _ => {
                let list: Vec<i64> = (0..self.len())
                    .map(|i| match self.get(i) {
                        at if at < 0 => -1,
                        at => first.get(at as usize),
                    })
                    .collect();
                Index::compact(&list)
            }
        }
    }
}

/// The groups that the indices of one axis fall into.
#[derive(Clone, Debug, PartialEq)]
pub struct Groups {
    /// Which axis of the input.
    pub axis: usize,
    /// The group of each index, `-1` for none.
    pub codes: Arc<[i32]>,
    /// The dimension that takes the axis's place: its name, and the number of groups.
    pub dim: Dim,
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
            | Op::Interp { input, .. } => vec![*input],
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
            | Op::Interp { input, .. } => *input = to(*input),
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
            Op::Concat { .. } => "concat",
        }
    }
}

/// A directed acyclic graph of operators, inputs before their users. Equal nodes are stored once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    nodes: Vec<Node>,
}

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
                return Err(KernelError::malformed("graph", format!("a {} node states dims or a type that do not follow from its inputs", node.op.name())));
            }
        }
        if let Op::Constant(block) = &node.op {
            if block.shape() != node.shape() || block.dtype() != node.dtype {
                return Err(KernelError::malformed("graph", "a constant's block differs from its stated dims"));
            }
        }
        distinct(&node.dims)?;
        // Kept in the sender's numbering: no deduplication here.
        self.nodes.push(node);
        Ok(NodeId(self.nodes.len() as u32 - 1))
    }

    fn insert(&mut self, node: Node) -> NodeId {
        if let Some(at) = self.nodes.iter().position(|n| *n == node) {
            return NodeId(at as u32);
        }
        self.nodes.push(node);
        NodeId(self.nodes.len() as u32 - 1)
    }

    fn infer(&self, op: &Op) -> Result<(Vec<Dim>, DType)> {
        let (dims, dtype) = match op {
            Op::Scan { .. } | Op::Given { .. } => return Err(KernelError::malformed("graph", "a leaf's dims must be stated")),
            Op::Constant(_) => return Err(KernelError::malformed("graph", "a constant's dims must be named")),
            Op::Map { formula, inputs } => self.infer_map(formula, inputs)?,
            Op::Take { input, axis, index } => self.infer_take(*input, *axis, index)?,
            Op::Pick { input, axis, index } => self.infer_pick(*input, *axis, *index)?,
            Op::Transpose { input, order } => self.infer_transpose(*input, order)?,
            Op::Rename { input, names } => self.infer_rename(*input, names)?,
            Op::Expand { input, axis, dim } => self.infer_expand(*input, *axis, dim)?,
            Op::Reduce { input, reduction, axes, groups } => self.infer_reduce(*input, *reduction, axes, groups.as_ref())?,
            Op::Interp { input, axis, from, to, method } => self.infer_interp(*input, *axis, from, to, *method)?,
            Op::Concat { inputs, axis } => self.infer_concat(inputs, *axis)?,
        };
        distinct(&dims)?;
        Ok((dims, dtype))
    }

    /// Dims of the inputs in order of first appearance, as xarray broadcasts.
    fn infer_map(&self, formula: &Formula, inputs: &[NodeId]) -> Result<(Vec<Dim>, DType)> {
        let mut dims: Vec<Dim> = vec![];
        let mut dtypes = vec![];
        for &input in inputs {
            let node = self.node(input)?;
            dtypes.push(node.dtype);
            for dim in &node.dims {
                match dims.iter().find(|d| d.name == dim.name) {
                    Some(known) if known.len != dim.len => {
                        return Err(KernelError::malformed("graph", format!("dimension '{}' has length {} and {}", dim.name, known.len, dim.len)));
                    }
                    Some(_) => {}
                    None => dims.push(dim.clone()),
                }
            }
        }
        if formula.inputs() != dtypes {
            return Err(KernelError::malformed("graph", "a formula's inputs differ from the nodes it is given"));
        }
        Ok((dims, formula.dtype()))
    }

    fn infer_take(&self, input: NodeId, axis: usize, index: &Index) -> Result<(Vec<Dim>, DType)> {
        let (mut dims, dtype) = self.dims_with_axis(input, axis)?;
        let len = dims[axis].len as i64;
        let fits = match index {
            Index::Range { step: 0, .. } => false,
            Index::Range { len: 0, .. } => true,
            Index::Range { start, step, len: n } => {
                let last = (*n as i64 - 1).checked_mul(*step as i64).and_then(|d| d.checked_add(*start as i64));
                (*start as i64) < len && last.is_some_and(|l| (0..len).contains(&l))
            }
            Index::List(list) => list.iter().all(|&i| i < len),
        };
        if !fits {
            return Err(KernelError::malformed("graph", format!("indices outside dimension '{}' of length {len}", dims[axis].name)));
        }
        dims[axis].len = index.len();
        Ok((dims, dtype))
    }

    fn infer_pick(&self, input: NodeId, axis: usize, index: usize) -> Result<(Vec<Dim>, DType)> {
        let (mut dims, dtype) = self.dims_with_axis(input, axis)?;
        if index >= dims[axis].len {
            return Err(KernelError::malformed("graph", format!("index {index} outside dimension '{}' of length {}", dims[axis].name, dims[axis].len)));
        }
        dims.remove(axis);
        Ok((dims, dtype))
    }

    fn infer_transpose(&self, input: NodeId, order: &[usize]) -> Result<(Vec<Dim>, DType)> {
        let node = self.node(input)?;
        let mut sorted = order.to_vec();
        sorted.sort_unstable();
        if sorted != (0..node.dims.len()).collect::<Vec<_>>() {
            return Err(KernelError::malformed("graph", "a transposition must name every axis once"));
        }
        Ok((order.iter().map(|&o| node.dims[o].clone()).collect(), node.dtype))
    }

    fn infer_rename(&self, input: NodeId, names: &[Arc<str>]) -> Result<(Vec<Dim>, DType)> {
        let node = self.node(input)?;
        if names.len() != node.dims.len() {
            return Err(KernelError::malformed("graph", "a renaming must name every axis"));
        }
        Ok((names.iter().zip(&node.dims).map(|(name, d)| Dim { name: name.clone(), len: d.len }).collect(), node.dtype))
    }

    fn infer_expand(&self, input: NodeId, axis: usize, dim: &Dim) -> Result<(Vec<Dim>, DType)> {
        let node = self.node(input)?;
        let mut dims = node.dims.clone();
        if axis > dims.len() {
            return Err(KernelError::malformed("graph", "a new axis lies outside the array"));
        }
        dims.insert(axis, dim.clone());
        Ok((dims, node.dtype))
    }

    fn infer_reduce(&self, input: NodeId, reduction: Reduction, axes: &[usize], groups: Option<&Groups>) -> Result<(Vec<Dim>, DType)> {
        let node = self.node(input)?;
        let mut dims = node.dims.clone();
        if axes.windows(2).any(|w| w[0] >= w[1]) || axes.iter().any(|&a| a >= dims.len()) {
            return Err(KernelError::malformed("graph", "reduced axes must be ascending and exist"));
        }
        if let Some(g) = groups {
            let fits = g.axis < dims.len()
                && !axes.contains(&g.axis)
                && g.codes.len() == dims[g.axis].len
                && g.codes.iter().all(|&c| c >= -1 && (c as i64) < g.dim.len as i64);
            if !fits {
                return Err(KernelError::malformed("graph", "group codes do not fit the axis that they group"));
            }
            dims[g.axis] = g.dim.clone();
        }
        let kept = dims.into_iter().enumerate().filter(|(i, _)| !axes.contains(i)).map(|(_, d)| d).collect();
        Ok((kept, reduction.output(node.dtype)))
    }

    fn infer_interp(&self, input: NodeId, axis: usize, from: &[f64], to: &[f64], method: InterpMethod) -> Result<(Vec<Dim>, DType)> {
        let (mut dims, dtype) = self.dims_with_axis(input, axis)?;
        let monotonic = from.windows(2).all(|w| w[0] < w[1]) || from.windows(2).all(|w| w[0] > w[1]);
        if from.len() != dims[axis].len || from.is_empty() || !monotonic {
            return Err(KernelError::malformed("graph", format!("cannot interpolate along '{}': it needs a strictly monotonic coordinate", dims[axis].name)));
        }
        dims[axis].len = to.len();
        Ok((dims, crate::interp::output(method, dtype)))
    }

    fn infer_concat(&self, inputs: &[NodeId], axis: usize) -> Result<(Vec<Dim>, DType)> {
        let first = inputs.first().ok_or_else(|| KernelError::malformed("graph", "nothing to join"))?;
        let (mut dims, dtype) = self.dims_with_axis(*first, axis)?;
        for &input in &inputs[1..] {
            let (other, other_dtype) = self.dims_with_axis(input, axis)?;
            let same = other.len() == dims.len() && other_dtype == dtype && (0..dims.len()).all(|i| i == axis || other[i] == dims[i]) && other[axis].name == dims[axis].name;
            if !same {
                return Err(KernelError::malformed("graph", "joined arrays differ in another dimension or in type"));
            }
            dims[axis].len = dims[axis].len.saturating_add(other[axis].len);
        }
        Ok((dims, dtype))
    }

    fn dims_with_axis(&self, input: NodeId, axis: usize) -> Result<(Vec<Dim>, DType)> {
        let node = self.node(input)?;
        if axis >= node.dims.len() {
            return Err(KernelError::malformed("graph", format!("axis {axis} of an array of rank {}", node.dims.len())));
        }
        Ok((node.dims.clone(), node.dtype))
    }
}

fn distinct(dims: &[Dim]) -> Result<()> {
    for (i, d) in dims.iter().enumerate() {
        if dims[..i].iter().any(|e| e.name == d.name) {
            return Err(KernelError::malformed("graph", format!("dimension '{}' occurs twice", d.name)));
        }
    }
    Ok(())
}
