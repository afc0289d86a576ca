//! The growing graph of an expression, with the stored variables that it reads.
//!
//! In: operators by dimension name. Out: graph nodes, checked and bounded in size. Never knows labels.

use crate::resolve::fault::{Fault, Outcome, refuse};
use std::collections::HashMap;
use std::sync::Arc;
use xeng_kernels::along::{Along, QuantileMethod};
use xeng_kernels::formula::{Binary, Formula, Step, Unary};
use xeng_kernels::graph::{Groups, Index, InterpMethod};
use xeng_kernels::{Block, DType, Dim, Graph, Node, NodeId, Op, Reduction};

/// Constants above this size are refused: they travel with every fragment.
pub const LARGEST_CONSTANT_BYTES: usize = 64 << 20;

/// A dataset that was opened under a name.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenedDataset {
    /// The name in expressions.
    pub alias: String,
    /// The region that holds it.
    pub region: String,
    /// What it holds.
    pub description: xeng_proto::Dataset,
}

/// A stored variable that a plan reads: what `Op::Scan { source }` numbers.
#[derive(Clone, Debug)]
pub struct PlanSource {
    /// Its dataset.
    pub dataset: Arc<OpenedDataset>,
    /// Its name there.
    pub variable: String,
}

/// A graph, and what its scans read.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The operators.
    pub graph: Graph,
    /// What `Op::Scan { source }` reads.
    pub sources: Vec<PlanSource>,
    /// What must not be true of the data: nodes of one cell, and why the request is refused where it is.
    pub refusals: Vec<(NodeId, Fault)>,
    /// Cells of data that were read while planning, by node: made of the same text, a plan has the same nodes.
    read: HashMap<NodeId, Block>,
    /// Nodes whose cells must be read before planning can go on.
    unread: Vec<NodeId>,
}

impl Plan {
    /// An empty plan, with cells that an earlier attempt had asked for.
    pub fn with_cells(read: HashMap<NodeId, Block>) -> Plan {
        Plan { read, ..Plan::default() }
    }

    /// Nodes whose cells must be read before planning can go on; none when the plan is whole.
    pub fn unread(&self) -> &[NodeId] {
        &self.unread
    }

    /// The cells of nodes, known or read from the data: planning depends on them.
    ///
    /// # Errors
    /// When they are not read yet: then the plan is made once more with them.
    pub fn cells_of(&mut self, nodes: &[NodeId]) -> Outcome<Vec<Block>> {
        let mut out = vec![];
        for &id in nodes {
            let node = self.node(id)?;
            match self.read.get(&id).filter(|b| b.shape() == node.shape() && b.dtype() == node.dtype) {
                Some(block) => out.push(block.clone()),
                None => out.extend(super::fold::known(self, id)),
            }
        }
        if out.len() < nodes.len() {
            self.unread = nodes.to_vec();
            return Err(Fault::unsupported("a result whose labels depend on data, where none can be read,"));
        }
        Ok(out)
    }

    /// A node.
    ///
    /// # Errors
    /// When it does not exist, which is a defect.
    pub fn node(&self, id: NodeId) -> Outcome<&Node> {
        Ok(self.graph.node(id)?)
    }

    /// The dims of a node.
    ///
    /// # Errors
    /// When it does not exist, which is a defect.
    pub fn dims(&self, id: NodeId) -> Outcome<Vec<Dim>> {
        Ok(self.node(id)?.dims.clone())
    }

    /// The names of the dims of a node.
    ///
    /// # Errors
    /// When it does not exist, which is a defect.
    pub fn names(&self, id: NodeId) -> Outcome<Vec<String>> {
        Ok(self.node(id)?.dims.iter().map(|d| d.name.to_string()).collect())
    }

    /// The element type of a node.
    ///
    /// # Errors
    /// When it does not exist, which is a defect.
    pub fn dtype(&self, id: NodeId) -> Outcome<DType> {
        Ok(self.node(id)?.dtype)
    }

    /// The axis called `dim`.
    ///
    /// # Errors
    /// When there is none.
    pub fn axis(&self, id: NodeId, dim: &str) -> Outcome<usize> {
        let node = self.node(id)?;
        match node.axis(dim) {
            Some(axis) => Ok(axis),
            None => refuse(format!(
                "there is no dimension '{dim}' among ({})",
                node.dims.iter().map(|d| &*d.name).collect::<Vec<_>>().join(", ")
            )),
        }
    }

    /// Appends an operator, refusing results whose size no machine can count.
    ///
    /// # Errors
    /// When it does not fit its inputs, or its result is too large.
    pub fn push(&mut self, op: Op) -> Outcome<NodeId> {
        let id = self.graph.push(op)?;
        let node = self.graph.node(id)?;
        if node.bytes() >= isize::MAX as usize {
            return refuse(format!("an array of shape {:?} is too large", node.shape()));
        }
        Ok(id)
    }

    /// Refuses the request when `node`, of one cell, turns out to be true.
    pub fn refuse_if(&mut self, node: NodeId, fault: Fault) {
        if !self.refusals.iter().any(|(known, _)| *known == node) {
            self.refusals.push((node, fault));
        }
    }

    /// Appends a small array with named axes.
    ///
    /// # Errors
    /// When it is larger than [`LARGEST_CONSTANT_BYTES`].
    pub fn constant(&mut self, dims: &[String], block: Block) -> Outcome<NodeId> {
        if block.bytes() > LARGEST_CONSTANT_BYTES {
            return refuse(format!(
                "an array of {} MiB{} cannot be part of an expression; the limit is {} MiB",
                block.bytes() >> 20,
                if dims.is_empty() { String::new() } else { format!(" along {}", dims.join(", ")) },
                LARGEST_CONSTANT_BYTES >> 20
            ));
        }
        let names: Vec<Arc<str>> = dims.iter().map(|d| d.as_str().into()).collect();
        Ok(self.graph.constant(&names, block)?)
    }

    /// Indices of `dim`, picked.
    ///
    /// # Errors
    /// When there is no such dim.
    pub fn take(&mut self, input: NodeId, dim: &str, index: Index) -> Outcome<NodeId> {
        let axis = self.axis(input, dim)?;
        let whole = Index::Range { start: 0, step: 1, len: self.node(input)?.dims[axis].len };
        if index == whole { Ok(input) } else { self.push(Op::Take { input, axis, index }) }
    }

    /// One index of `dim`, which vanishes.
    ///
    /// # Errors
    /// When there is no such dim.
    pub fn pick(&mut self, input: NodeId, dim: &str, index: usize) -> Outcome<NodeId> {
        let axis = self.axis(input, dim)?;
        self.push(Op::Pick { input, axis, index })
    }

    /// The axes in the order `names`.
    ///
    /// # Errors
    /// When a name is missing or unknown.
    pub fn transpose(&mut self, input: NodeId, names: &[String]) -> Outcome<NodeId> {
        let order = names.iter().map(|n| self.axis(input, n)).collect::<Outcome<Vec<_>>>()?;
        if order.iter().enumerate().all(|(i, &o)| i == o) && order.len() == self.node(input)?.dims.len() {
            return Ok(input);
        }
        self.push(Op::Transpose { input, order })
    }

    /// Dim `from` under the name `to`.
    ///
    /// # Errors
    /// When there is no such dim.
    pub fn rename(&mut self, input: NodeId, from: &str, to: &str) -> Outcome<NodeId> {
        let axis = self.axis(input, from)?;
        if from == to {
            return Ok(input);
        }
        let mut names: Vec<Arc<str>> = self.node(input)?.dims.iter().map(|d| d.name.clone()).collect();
        names[axis] = to.into();
        self.push(Op::Rename { input, names })
    }

    /// A new axis along which the input repeats.
    ///
    /// # Errors
    /// When the result is too large, or the dim exists already.
    pub fn expand(&mut self, input: NodeId, axis: usize, dim: Dim) -> Outcome<NodeId> {
        self.push(Op::Expand { input, axis, dim })
    }

    /// Dims folded away, in any order given.
    ///
    /// # Errors
    /// When a dim does not exist.
    pub fn reduce(&mut self, input: NodeId, folding: impl Into<Folding>, dims: &[String]) -> Outcome<NodeId> {
        let axes = self.axes(input, dims)?;
        match folding.into() {
            Folding::Streamed(reduction) => self.push(Op::Reduce { input, reduction, axes, groups: None }),
            Folding::Ordered(order) => match axes.as_slice() {
                [] => {
                    // A cell by itself is its own lane.
                    let lane = self.expand(input, 0, Dim::new(LANE, 1))?;
                    self.reduce(lane, order, &[LANE.to_owned()])
                }
                [axis, joined @ ..] => {
                    let along = order.along(None);
                    let lanes = self.push(Op::Along { input, axis: *axis, joined: joined.to_vec(), along })?;
                    self.push(Op::Pick { input: lanes, axis: *axis, index: 0 })
                }
            },
        }
    }

    /// `dim` folded into the groups of `codes`, and other dims folded away.
    ///
    /// # Errors
    /// When a dim does not exist.
    pub fn reduce_groups(
        &mut self,
        input: NodeId,
        folding: impl Into<Folding>,
        dims: &[String],
        dim: &str,
        codes: Arc<[i32]>,
        into: Dim,
    ) -> Outcome<NodeId> {
        let axis = self.axis(input, dim)?;
        if *into.name != *dim && self.node(input)?.axis(&into.name).is_some() {
            return refuse(format!("the array has a dimension '{}' already, so its groups cannot be called so", into.name));
        }
        let others: Vec<String> = dims.iter().filter(|d| *d != dim).cloned().collect();
        let axes = self.axes(input, &others)?;
        match folding.into() {
            Folding::Streamed(reduction) => {
                self.push(Op::Reduce { input, reduction, axes, groups: Some(Groups { axis, codes, dim: into }) })
            }
            Folding::Ordered(order) => {
                let along = order.along(Some((codes, into.len)));
                let lanes = self.push(Op::Along { input, axis, joined: axes, along })?;
                self.rename(lanes, dim, &into.name)
            }
        }
    }

    /// The axes called `dims`, ascending, each once.
    fn axes(&self, input: NodeId, dims: &[String]) -> Outcome<Vec<usize>> {
        let mut axes = dims.iter().map(|d| self.axis(input, d)).collect::<Outcome<Vec<_>>>()?;
        axes.sort_unstable();
        axes.dedup();
        Ok(axes)
    }

    /// Each lane along `dim` made into another.
    ///
    /// # Errors
    /// When there is no such dim, or the operator does not fit its length.
    pub fn along(&mut self, input: NodeId, dim: &str, along: Along) -> Outcome<NodeId> {
        let axis = self.axis(input, dim)?;
        self.push(Op::Along { input, axis, joined: vec![], along })
    }

    /// Interpolation along `dim`.
    ///
    /// # Errors
    /// When the coordinate is not strictly monotonic.
    pub fn interp(&mut self, input: NodeId, dim: &str, from: Arc<[f64]>, to: Arc<[f64]>, method: InterpMethod) -> Outcome<NodeId> {
        let axis = self.axis(input, dim)?;
        self.push(Op::Interp { input, axis, from, to, method })
    }

    /// The cells in another element type.
    ///
    /// # Errors
    /// When the node does not exist, which is a defect.
    pub fn cast(&mut self, input: NodeId, to: DType) -> Outcome<NodeId> {
        let from = self.dtype(input)?;
        if from == to {
            return Ok(input);
        }
        let mut formula = Formula::new(&[from]);
        let x = formula.push(Step::Input(0), from)?;
        formula.push(Step::Cast(x), to)?;
        self.push(Op::Map { formula: Arc::new(formula), inputs: vec![input] })
    }

    /// A function of each cell, computed in type `within`.
    ///
    /// # Errors
    /// When the function does not take that type.
    pub fn unary(&mut self, op: Unary, input: NodeId, within: DType) -> Outcome<NodeId> {
        let mut map = MapBuilder::new(self, &[input])?;
        let x = map.input(0, within)?;
        map.formula.push(Step::Unary(op, x), within)?;
        map.finish(self)
    }

    /// A function of two cells, computed in type `within`.
    ///
    /// # Errors
    /// When the function does not take that type, or shapes differ.
    pub fn binary(&mut self, op: Binary, a: Operand, b: Operand, within: DType) -> Outcome<NodeId> {
        let mut map = MapBuilder::of(self, &[a, b])?;
        let (x, y) = (map.operand(a, within)?, map.operand(b, within)?);
        map.formula.push(Step::Binary(op, x, y), within)?;
        map.finish(self)
    }

    /// `condition ? yes : no` in type `within`.
    ///
    /// # Errors
    /// When shapes differ.
    pub fn select(&mut self, condition: NodeId, yes: Operand, no: Operand, within: DType) -> Outcome<NodeId> {
        let mut map = MapBuilder::of(self, &[Operand::Node(condition), yes, no])?;
        let c = map.operand(Operand::Node(condition), DType::Bool)?;
        let (x, y) = (map.operand(yes, within)?, map.operand(no, within)?);
        map.formula.push(Step::Select(c, x, y), within)?;
        map.finish(self)
    }
}

impl Plan {
    /// As [`Plan::select`], with the dims of `first` before those of the condition.
    ///
    /// # Errors
    /// When shapes differ.
    pub fn select_like(&mut self, first: Operand, condition: NodeId, yes: Operand, no: Operand, within: DType) -> Outcome<NodeId> {
        let mut map = MapBuilder::of(self, &[first, Operand::Node(condition), yes, no])?;
        let c = map.operand(Operand::Node(condition), DType::Bool)?;
        let (x, y) = (map.operand(yes, within)?, map.operand(no, within)?);
        map.formula.push(Step::Select(c, x, y), within)?;
        map.finish(self)
    }
}

/// The dim of a lane of one cell, which no user sees.
const LANE: &str = "one cell";

/// How cells are folded away.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Folding {
    /// Cell by cell, in any number of pieces.
    Streamed(Reduction),
    /// By their order, which takes all cells of a lane at once.
    Ordered(Order),
}

/// A statistic of the order of cells by size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Order {
    /// The cell in the middle.
    Median {
        /// Whether missing cells are left out.
        skipna: bool,
    },
    /// The cell below which the share `q` of them lies.
    Quantile {
        /// From 0 to 1.
        q: f64,
        /// What lies between two cells.
        method: QuantileMethod,
        /// Whether missing cells are left out.
        skipna: bool,
    },
}

impl Order {
    fn along(self, groups: Option<(Arc<[i32]>, usize)>) -> Along {
        match self {
            Order::Median { skipna } => Along::Median { skips_missing: skipna, groups },
            Order::Quantile { q, method, skipna } => Along::Quantile { q, method, skips_missing: skipna, groups },
        }
    }
}

impl From<Reduction> for Folding {
    fn from(reduction: Reduction) -> Folding {
        Folding::Streamed(reduction)
    }
}

impl From<Order> for Folding {
    fn from(order: Order) -> Folding {
        Folding::Ordered(order)
    }
}

/// What a formula reads: a node, or the same number everywhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Operand {
    /// A node.
    Node(NodeId),
    /// A whole number.
    Int(i64),
    /// A float.
    Float(f64),
}

impl From<NodeId> for Operand {
    fn from(id: NodeId) -> Operand {
        Operand::Node(id)
    }
}

/// A formula being built over nodes; equal nodes are one input.
struct MapBuilder {
    formula: Formula,
    inputs: Vec<NodeId>,
}

impl MapBuilder {
    fn new(plan: &Plan, inputs: &[NodeId]) -> Outcome<MapBuilder> {
        let mut distinct: Vec<NodeId> = vec![];
        for &id in inputs {
            if !distinct.contains(&id) {
                distinct.push(id);
            }
        }
        let dtypes = distinct.iter().map(|&id| plan.dtype(id)).collect::<Outcome<Vec<_>>>()?;
        Ok(MapBuilder { formula: Formula::new(&dtypes), inputs: distinct })
    }

    fn of(plan: &Plan, operands: &[Operand]) -> Outcome<MapBuilder> {
        let nodes: Vec<NodeId> = operands.iter().filter_map(|o| if let Operand::Node(id) = o { Some(*id) } else { None }).collect();
        MapBuilder::new(plan, &nodes)
    }

    fn input(&mut self, n: u32, within: DType) -> Outcome<u32> {
        let from = *self.formula.inputs().get(n as usize).ok_or_else(|| Fault::new("a formula lacks an input"))?;
        let x = self.formula.push(Step::Input(n), from)?;
        if from == within { Ok(x) } else { Ok(self.formula.push(Step::Cast(x), within)?) }
    }

    fn operand(&mut self, operand: Operand, within: DType) -> Outcome<u32> {
        match operand {
            Operand::Node(id) => {
                let n = self.inputs.iter().position(|&i| i == id).unwrap_or(self.inputs.len());
                self.input(n as u32, within)
            }
            Operand::Int(v) if within.is_float() => self.literal((v as f64).to_bits(), within),
            Operand::Int(v) if within == DType::Bool => self.literal((v != 0) as u64, within),
            Operand::Int(v) => self.literal(v as u64, within),
            Operand::Float(v) => self.literal(Formula::literal_bits(within, v), within),
        }
    }

    fn literal(&mut self, bits: u64, within: DType) -> Outcome<u32> {
        Ok(self.formula.push(Step::Literal(bits), within)?)
    }

    fn finish(self, plan: &mut Plan) -> Outcome<NodeId> {
        let mut lengths: HashMap<Arc<str>, usize> = HashMap::new();
        for &input in &self.inputs {
            for dim in &plan.node(input)?.dims {
                let first = *lengths.entry(dim.name.clone()).or_insert(dim.len);
                if first != dim.len {
                    return refuse(format!("dimension '{}' has {first} indices in one operand and {} in another", dim.name, dim.len));
                }
            }
        }
        plan.push(Op::Map { formula: Arc::new(self.formula), inputs: self.inputs })
    }
}
