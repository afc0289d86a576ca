//! What is known of an operator's result before it runs: its dims and element type.
//!
//! In: an operator over nodes of a graph. Out: dims and type, or why it does not fit. Never runs anything.

use super::{Dim, Graph, Groups, Index, InterpMethod, NodeId, Op};
use crate::along::Along;
use crate::block::Block;
use crate::dtype::DType;
use crate::error::{KernelError, Result};
use crate::formula::Formula;
use crate::reduce::Reduction;
use crate::remap::RemappedAxis;
use std::sync::Arc;

impl Graph {
    /// Dims and type of `op`'s result.
    pub(super) fn infer(&self, op: &Op) -> Result<(Vec<Dim>, DType)> {
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
            Op::Along { input, axis, joined, along } => self.infer_along(*input, *axis, joined, along)?,
            Op::Remap { input, axes } => self.infer_remap(*input, axes)?,
            Op::Lookup { input, table } => self.infer_lookup(*input, table)?,
            Op::Points { input, points } => {
                let source = self.node(*input)?;
                (points.result(&source.dims)?, source.dtype)
            }
            Op::Reshape { input, axis, count, dims } => self.infer_reshape(*input, *axis, *count, dims)?,
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
                        return Err(KernelError::malformed(
                            "graph",
                            format!("dimension '{}' has length {} and {}", dim.name, known.len, dim.len),
                        ));
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
            return Err(KernelError::malformed(
                "graph",
                format!("index {index} outside dimension '{}' of length {}", dims[axis].name, dims[axis].len),
            ));
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
            return Err(KernelError::malformed(
                "graph",
                format!("cannot interpolate along '{}': it needs a strictly monotonic coordinate", dims[axis].name),
            ));
        }
        dims[axis].len = to.len();
        Ok((dims, crate::interp::output(method, dtype)))
    }

    fn infer_along(&self, input: NodeId, axis: usize, joined: &[usize], along: &Along) -> Result<(Vec<Dim>, DType)> {
        let (mut dims, dtype) = self.dims_with_axis(input, axis)?;
        along.check(dims[axis].len)?;
        let distinct = joined.windows(2).all(|w| w[0] < w[1]) && !joined.contains(&axis) && joined.iter().all(|&a| a < dims.len());
        if !distinct || !joined.is_empty() && !along.is_of_order() {
            return Err(KernelError::malformed("graph", format!("axes {joined:?} cannot join the lanes of a {}", along.name())));
        }
        dims[axis].len = along.len(dims[axis].len);
        joined.iter().rev().for_each(|&a| drop(dims.remove(a)));
        Ok((dims, along.output(dtype)))
    }

    fn infer_remap(&self, input: NodeId, axes: &[RemappedAxis]) -> Result<(Vec<Dim>, DType)> {
        let source = self.node(input)?;
        let mut dims = source.dims.clone();
        if axes.is_empty() || axes.windows(2).any(|w| w[0].axis >= w[1].axis) {
            return Err(KernelError::malformed("graph", "axes to be remapped that do not ascend"));
        }
        for a in axes {
            let dim = dims.get_mut(a.axis).ok_or_else(|| KernelError::malformed("graph", format!("there is no axis {}", a.axis)))?;
            a.weights.check(dim.len)?;
            dim.len = a.weights.len();
        }
        Ok((dims, crate::remap::output(source.dtype)))
    }

    fn infer_lookup(&self, input: NodeId, table: &Block) -> Result<(Vec<Dim>, DType)> {
        let source = self.node(input)?;
        if source.dtype != DType::I64 || table.rank() != 1 {
            return Err(KernelError::malformed(
                "graph",
                format!("{} cells cannot be places in a table of shape {:?}", source.dtype, table.shape()),
            ));
        }
        Ok((source.dims.clone(), table.dtype()))
    }

    fn infer_reshape(&self, input: NodeId, axis: usize, count: usize, new: &[Dim]) -> Result<(Vec<Dim>, DType)> {
        let node = self.node(input)?;
        let end = axis.checked_add(count).filter(|end| *end <= node.dims.len());
        let (Some(end), true) = (end, count > 0 && !new.is_empty()) else {
            return Err(KernelError::malformed("graph", format!("axes {axis} and {count} more of an array of rank {}", node.dims.len())));
        };
        let cells = |dims: &[Dim]| dims.iter().try_fold(1usize, |n, d| n.checked_mul(d.len));
        if cells(&node.dims[axis..end]).is_none() || cells(&node.dims[axis..end]) != cells(new) {
            return Err(KernelError::malformed("graph", "axes counted as others of another number of cells"));
        }
        Ok(([&node.dims[..axis], new, &node.dims[end..]].concat(), node.dtype))
    }

    fn infer_concat(&self, inputs: &[NodeId], axis: usize) -> Result<(Vec<Dim>, DType)> {
        let first = inputs.first().ok_or_else(|| KernelError::malformed("graph", "nothing to join"))?;
        let (mut dims, dtype) = self.dims_with_axis(*first, axis)?;
        for &input in &inputs[1..] {
            let (other, other_dtype) = self.dims_with_axis(input, axis)?;
            let same = other.len() == dims.len()
                && other_dtype == dtype
                && (0..dims.len()).all(|i| i == axis || other[i] == dims[i])
                && other[axis].name == dims[axis].name;
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

/// Refuses a dimension that occurs twice.
pub(super) fn distinct(dims: &[Dim]) -> Result<()> {
    for (i, d) in dims.iter().enumerate() {
        if dims[..i].iter().any(|e| e.name == d.name) {
            return Err(KernelError::malformed("graph", format!("dimension '{}' occurs twice", d.name)));
        }
    }
    Ok(())
}
