//! Graphs, rebuilt node by node so that every operator is checked against its inputs.
//!
//! In: graphs, or messages. Out: the other, with nodes in the same positions. Never runs an operator.

use super::block::{dtype_from_wire, dtype_to_wire, floats_from_wire, floats_to_wire};
use super::budget::{Budget, MAX_NODES, MAX_RANK, at_most, length, text};
use super::{Wire, along, integers, known, malformed, need, newer, pb};
use crate::error::RegionError;
use pb::node::Op as Message;
use std::collections::HashMap;
use std::sync::Arc;
use xeng_kernels::graph::{Groups, Index, InterpMethod};
use xeng_kernels::points::Points;
use xeng_kernels::remap::{RemappedAxis, Weights};
use xeng_kernels::{Block, Dim, Formula, Graph, Node, NodeId, Op, Reduction};

impl Wire for Graph {
    type Message = pb::Graph;

    fn to_wire(&self) -> pb::Graph {
        let mut table = DimTable::default();
        let nodes = self.nodes().iter().map(|node| node_to_wire(node, &mut table)).collect();
        pb::Graph { dims: table.dims, nodes }
    }

    fn from_wire(message: pb::Graph, budget: &mut Budget) -> Result<Graph, RegionError> {
        at_most(message.nodes.len(), MAX_NODES, "nodes")?;
        at_most(message.dims.len(), MAX_NODES, "dimensions")?;
        let dims = message.dims.into_iter().map(|d| Dim::from_wire(d, budget)).collect::<Result<Vec<Dim>, _>>()?;
        let mut graph = Graph::new();
        for node in message.nodes {
            let node = node_from_wire(node, &dims, budget)?;
            check_broadcast(&graph, &node)?;
            graph.push_checked(node).map_err(malformed)?;
        }
        Ok(graph)
    }
}

/// The dimensions that occur, each once.
#[derive(Default)]
struct DimTable {
    dims: Vec<pb::Dim>,
    at: HashMap<Dim, u32>,
}

impl DimTable {
    fn number(&mut self, dim: &Dim) -> u32 {
        if let Some(&at) = self.at.get(dim) {
            return at;
        }
        let at = self.dims.len() as u32;
        self.dims.push(dim.to_wire());
        self.at.insert(dim.clone(), at);
        at
    }
}

impl Wire for Dim {
    type Message = pb::Dim;

    fn to_wire(&self) -> pb::Dim {
        pb::Dim { name: self.name.to_string(), len: self.len as u64 }
    }

    fn from_wire(message: pb::Dim, _: &mut Budget) -> Result<Dim, RegionError> {
        let len = length(message.len, "a dimension")?;
        Ok(Dim { name: text(message.name, "a dimension's name")?.into(), len })
    }
}

fn node_to_wire(node: &Node, table: &mut DimTable) -> pb::Node {
    let dims = node.dims.iter().map(|d| table.number(d)).collect();
    pb::Node { dims, dtype: dtype_to_wire(node.dtype), op: Some(op_to_wire(&node.op)) }
}

fn node_from_wire(message: pb::Node, table: &[Dim], budget: &mut Budget) -> Result<Node, RegionError> {
    at_most(message.dims.len(), MAX_RANK, "axes")?;
    let dims =
        message.dims.iter().map(|&i| table.get(i as usize).cloned().ok_or_else(|| malformed(format!("dimension {i} is not in the list"))));
    let dims = dims.collect::<Result<Vec<Dim>, _>>()?;
    let dtype = dtype_from_wire(message.dtype)?;
    let op = op_from_wire(need(message.op, "an operator")?, budget)?;
    Ok(Node { op, dims, dtype })
}

/// Refuses an element-wise node whose inputs bring dimensions that it does not state, before they are gathered one by one.
fn check_broadcast(graph: &Graph, node: &Node) -> Result<(), RegionError> {
    for input in node.op.inputs() {
        let input = graph.node(input).map_err(malformed)?;
        if matches!(node.op, Op::Map { .. }) && input.dims.iter().any(|d| !node.dims.contains(d)) {
            return Err(malformed("an element-wise node lacks a dimension of its inputs"));
        }
    }
    Ok(())
}

fn op_to_wire(op: &Op) -> Message {
    match op {
        Op::Scan { source } => Message::Scan(pb::Scan { source: *source }),
        Op::Constant(block) => Message::Constant(pb::Constant { block: Some(block.to_wire()) }),
        Op::Given { slot } => Message::Given(pb::Given { slot: *slot }),
        Op::Map { formula, inputs } => Message::Map(pb::Map { formula: Some(formula.to_wire()), inputs: ids(inputs) }),
        Op::Take { input, axis, index } => {
            Message::Take(pb::Take { input: input.0, axis: *axis as u32, index: Some(index_to_wire(index)) })
        }
        Op::Pick { input, axis, index } => Message::Pick(pb::Pick { input: input.0, axis: *axis as u32, index: *index as u64 }),
        Op::Transpose { input, order } => Message::Transpose(pb::Transpose { input: input.0, order: axes(order) }),
        Op::Rename { input, names } => Message::Rename(pb::Rename { input: input.0, names: names.iter().map(|n| n.to_string()).collect() }),
        Op::Expand { input, axis, dim } => Message::Expand(pb::Expand { input: input.0, axis: *axis as u32, dim: Some(dim.to_wire()) }),
        Op::Reduce { input, reduction, axes: over, groups } => Message::Reduce(pb::Reduce {
            input: input.0,
            reduction: Some(reduction.to_wire()),
            axes: axes(over),
            groups: groups.as_ref().map(groups_to_wire),
        }),
        Op::Interp { input, axis, from, to, method } => Message::Interp(pb::Interp {
            input: input.0,
            axis: *axis as u32,
            from: Some(floats_to_wire(from)),
            to: Some(floats_to_wire(to)),
            method: method_to_wire(*method),
        }),
        Op::Along { input, axis, joined, along } => Message::Along(pb::Along {
            input: input.0,
            axis: *axis as u32,
            joined: joined.iter().map(|&a| a as u32).collect(),
            kind: Some(along::to_wire(along)),
        }),
        Op::Remap { input, axes } => Message::Remap(pb::Remap { input: input.0, axes: axes.iter().map(remapped_to_wire).collect() }),
        Op::Lookup { input, table } => Message::Lookup(pb::Lookup { input: input.0, table: Some(table.to_wire()) }),
        Op::Points { input, points } => Message::Points(pb::Points {
            input: input.0,
            axes: axes(&points.axes),
            at: points.at.iter().map(|list| integers::to_wire(list.iter().copied())).collect(),
            dims: points.dims.iter().map(Wire::to_wire).collect(),
        }),
        Op::Reshape { input, axis, count, dims } => Message::Reshape(pb::Reshape {
            input: input.0,
            axis: *axis as u32,
            count: *count as u32,
            dims: dims.iter().map(Wire::to_wire).collect(),
        }),
        Op::Concat { inputs, axis } => Message::Concat(pb::Concat { inputs: ids(inputs), axis: *axis as u32 }),
    }
}

fn op_from_wire(message: Message, budget: &mut Budget) -> Result<Op, RegionError> {
    Ok(match message {
        Message::Scan(m) => Op::Scan { source: m.source },
        Message::Constant(m) => Op::Constant(Arc::new(Block::from_wire(need(m.block, "a constant's block")?, budget)?)),
        Message::Given(m) => Op::Given { slot: m.slot },
        Message::Map(m) => {
            Op::Map { formula: Arc::new(Formula::from_wire(need(m.formula, "a formula")?, budget)?), inputs: node_ids(&m.inputs) }
        }
        Message::Take(m) => {
            Op::Take { input: NodeId(m.input), axis: m.axis as usize, index: index_from_wire(need(m.index, "an index")?, budget)? }
        }
        Message::Pick(m) => Op::Pick { input: NodeId(m.input), axis: m.axis as usize, index: length(m.index, "an index")? },
        Message::Transpose(m) => Op::Transpose { input: NodeId(m.input), order: positions(&m.order)? },
        Message::Rename(m) => Op::Rename { input: NodeId(m.input), names: names(m.names)? },
        Message::Expand(m) => {
            Op::Expand { input: NodeId(m.input), axis: m.axis as usize, dim: Dim::from_wire(need(m.dim, "a new dimension")?, budget)? }
        }
        Message::Reduce(m) => Op::Reduce {
            input: NodeId(m.input),
            reduction: Reduction::from_wire(need(m.reduction, "a reduction")?, budget)?,
            axes: positions(&m.axes)?,
            groups: m.groups.map(|g| groups_from_wire(g, budget)).transpose()?,
        },
        Message::Interp(m) => Op::Interp {
            input: NodeId(m.input),
            axis: m.axis as usize,
            from: floats_from_wire(need(m.from, "a source coordinate")?, budget)?.into(),
            to: floats_from_wire(need(m.to, "wanted coordinate values")?, budget)?.into(),
            method: method_from_wire(m.method)?,
        },
        Message::Along(m) => Op::Along {
            input: NodeId(m.input),
            axis: m.axis as usize,
            joined: m.joined.iter().map(|&a| a as usize).collect(),
            along: along::from_wire(need(m.kind, "what is made of each lane")?, budget)?,
        },
        Message::Remap(m) => {
            Op::Remap { input: NodeId(m.input), axes: m.axes.into_iter().map(|a| remapped_from_wire(a, budget)).collect::<Result<_, _>>()? }
        }
        Message::Lookup(m) => Op::Lookup { input: NodeId(m.input), table: Arc::new(Block::from_wire(need(m.table, "a table")?, budget)?) },
        Message::Points(m) => Op::Points { input: NodeId(m.input), points: Arc::new(points_from_wire(m, budget)?) },
        Message::Reshape(m) => Op::Reshape {
            input: NodeId(m.input),
            axis: m.axis as usize,
            count: m.count as usize,
            dims: at_most(m.dims.len(), MAX_RANK, "axes")
                .and_then(|()| m.dims.into_iter().map(|d| Dim::from_wire(d, budget)).collect::<Result<_, _>>())?,
        },
        Message::Concat(m) => Op::Concat { inputs: node_ids(&m.inputs), axis: m.axis as usize },
    })
}

fn points_from_wire(message: pb::Points, budget: &mut Budget) -> Result<Points, RegionError> {
    at_most(message.at.len(), MAX_RANK, "axes")?;
    at_most(message.dims.len(), MAX_RANK, "axes")?;
    let at = message.at.into_iter().map(|list| Ok(integers::from_wire(list, budget)?.into())).collect::<Result<_, RegionError>>()?;
    let dims = message.dims.into_iter().map(|d| Dim::from_wire(d, budget)).collect::<Result<_, _>>()?;
    Ok(Points { axes: positions(&message.axes)?, at, dims })
}

fn remapped_to_wire(a: &RemappedAxis) -> pb::RemappedAxis {
    pb::RemappedAxis {
        axis: a.axis as u32,
        source: a.weights.source() as u64,
        first: Some(integers::to_wire(a.weights.first().iter().map(|&i| i as i64))),
        lengths: Some(integers::to_wire(a.weights.lengths().into_iter().map(|n| n as i64))),
        weights: Some(floats_to_wire(a.weights.all())),
    }
}

fn remapped_from_wire(message: pb::RemappedAxis, budget: &mut Budget) -> Result<RemappedAxis, RegionError> {
    let first = positions_of(integers::from_wire(need(message.first, "weights")?, budget)?)?;
    let lengths = positions_of(integers::from_wire(need(message.lengths, "weights")?, budget)?)?;
    let weights = floats_from_wire(need(message.weights, "weights")?, budget)?;
    Ok(RemappedAxis {
        axis: message.axis as usize,
        weights: Weights::from_parts(length(message.source, "an axis")?, first, &lengths, weights).map_err(malformed)?,
    })
}

fn positions_of(list: Vec<i64>) -> Result<Vec<usize>, RegionError> {
    list.into_iter().map(|i| usize::try_from(i).map_err(malformed)).collect()
}

fn index_to_wire(index: &Index) -> pb::take::Index {
    match index {
        Index::Range { start, step, len } => {
            pb::take::Index::Range(pb::IndexRange { start: *start as u64, step: *step as i64, len: *len as u64 })
        }
        Index::List(list) => pb::take::Index::List(integers::to_wire(list.iter().copied())),
    }
}

fn index_from_wire(message: pb::take::Index, budget: &mut Budget) -> Result<Index, RegionError> {
    Ok(match message {
        pb::take::Index::Range(r) => Index::Range {
            start: length(r.start, "an index")?,
            step: isize::try_from(r.step).map_err(malformed)?,
            len: length(r.len, "a selection")?,
        },
        pb::take::Index::List(list) => Index::List(integers::from_wire(list, budget)?.into()),
    })
}

fn groups_to_wire(groups: &Groups) -> pb::Groups {
    let codes = integers::to_wire(groups.codes.iter().map(|&c| i64::from(c)));
    pb::Groups { axis: groups.axis as u32, codes: Some(codes), dim: Some(groups.dim.to_wire()) }
}

fn groups_from_wire(message: pb::Groups, budget: &mut Budget) -> Result<Groups, RegionError> {
    let codes = integers::from_wire(need(message.codes, "group codes")?, budget)?;
    let codes = codes.into_iter().map(|c| i32::try_from(c).map_err(malformed)).collect::<Result<Vec<i32>, _>>()?;
    Ok(Groups { axis: message.axis as usize, codes: codes.into(), dim: Dim::from_wire(need(message.dim, "a group dimension")?, budget)? })
}

fn method_to_wire(method: InterpMethod) -> i32 {
    let message = match method {
        InterpMethod::Linear => pb::InterpMethod::Linear,
        InterpMethod::Spline => pb::InterpMethod::Spline,
        InterpMethod::Nearest => pb::InterpMethod::Nearest,
        InterpMethod::Beyond => pb::InterpMethod::Beyond,
    };
    message.into()
}

fn method_from_wire(message: i32) -> Result<InterpMethod, RegionError> {
    match known(pb::InterpMethod::try_from(message), "interpolation")? {
        pb::InterpMethod::Unspecified => Err(newer("interpolation")),
        pb::InterpMethod::Linear => Ok(InterpMethod::Linear),
        pb::InterpMethod::Spline => Ok(InterpMethod::Spline),
        pb::InterpMethod::Nearest => Ok(InterpMethod::Nearest),
        pb::InterpMethod::Beyond => Ok(InterpMethod::Beyond),
    }
}

fn names(names: Vec<String>) -> Result<Vec<Arc<str>>, RegionError> {
    at_most(names.len(), MAX_RANK, "axes")?;
    names.into_iter().map(|n| Ok(text(n, "a dimension's name")?.into())).collect()
}

fn positions(axes: &[u32]) -> Result<Vec<usize>, RegionError> {
    at_most(axes.len(), MAX_RANK, "axes")?;
    Ok(axes.iter().map(|&a| a as usize).collect())
}

fn axes(positions: &[usize]) -> Vec<u32> {
    positions.iter().map(|&a| a as u32).collect()
}

fn ids(nodes: &[NodeId]) -> Vec<u32> {
    nodes.iter().map(|n| n.0).collect()
}

fn node_ids(numbers: &[u32]) -> Vec<NodeId> {
    numbers.iter().map(|&n| NodeId(n)).collect()
}
