//! Variables end to end along a dim, each broadcast to the dims of all.
//!
//! In: a variable's name, the objects. Out: one variable. Never compares cells.

use super::Part;
use crate::lazy::{Cells, CoordData, LazyCoord, Plan, labels};
use crate::resolve::agree;
use crate::resolve::fault::{Outcome, refuse};
use crate::resolve::indexing;
use indexmap::IndexMap;
use std::sync::Arc;
use xeng_kernels::graph::Index;
use xeng_kernels::{Block, DType, Dim, NodeId, Op};
use xeng_proto::Values;

/// The dim, and how long it is in each object.
pub(super) struct Stack<'a> {
    dim: &'a str,
    lengths: Vec<usize>,
    /// The lengths of the other dims.
    sizes: IndexMap<String, usize>,
}

impl<'a> Stack<'a> {
    pub(super) fn new(dim: &'a str, parts: &[Part]) -> Stack<'a> {
        let lengths = parts.iter().map(|p| p.sizes.get(dim).copied().unwrap_or(1)).collect();
        let sizes = parts.iter().flat_map(|p| &p.sizes).filter(|(d, _)| *d != dim).map(|(d, n)| (d.clone(), *n)).collect();
        Stack { dim, lengths, sizes }
    }

    /// Indices of the joined dim.
    pub(super) fn total(&self) -> usize {
        self.lengths.iter().sum()
    }

    /// A coordinate, which all objects must have.
    pub(super) fn coordinate(&self, plan: &mut Plan, parts: &[Part], name: &str) -> Outcome<LazyCoord> {
        let all: Vec<&LazyCoord> = parts.iter().filter_map(|p| p.coords.get(name)).collect();
        if all.len() < parts.len() {
            return refuse(format!("concat(): '{name}' is a coordinate of some arrays only"));
        }
        let along = |c: &LazyCoord| c.dims.is_empty() || c.dims == [self.dim.to_owned()];
        if all.iter().all(|c| c.known().is_some() && along(c)) {
            let mut values: Vec<Values> = vec![];
            for (c, &n) in all.iter().zip(&self.lengths) {
                if let Some(v) = c.known() {
                    values.push(if c.dims.is_empty() { labels::repeat(v, n)? } else { (**v).clone() });
                }
            }
            let values = labels::concat(&values.iter().collect::<Vec<_>>())?;
            return Ok(LazyCoord::along(self.dim, values, all[0].attrs.clone()));
        }
        if name == self.dim {
            return refuse(format!("concat(): the labels of '{name}' must be known while planning"));
        }
        self.stacked(plan, &all, &self.lengths)
    }

    /// A data variable; it is missing along objects that lack it.
    pub(super) fn variable(&self, plan: &mut Plan, parts: &[Part], name: &str) -> Outcome<LazyCoord> {
        let have: Vec<(&LazyCoord, usize)> =
            parts.iter().zip(&self.lengths).filter_map(|(p, &n)| p.data.get(name).map(|v| (v, n))).collect();
        let (all, lengths): (Vec<_>, Vec<_>) = have.into_iter().unzip();
        let out = self.stacked(plan, &all, &lengths)?;
        if all.len() == parts.len() {
            return Ok(out);
        }
        let CoordData::Lazy(node, Cells::Numbers) = out.data else {
            return refuse(format!("concat(): '{name}' holds times or texts and is in some datasets only"));
        };
        let dtype = plan.dtype(node)?;
        if dtype == DType::Bool {
            return refuse(format!("concat(): '{name}' holds truths and is in some datasets only: they would become Python objects"));
        }
        let node = plan.cast(node, indexing::promoted(dtype))?;
        let (mut at, mut next) = (vec![], 0);
        for (part, &n) in parts.iter().zip(&self.lengths) {
            let is_there = part.data.contains_key(name);
            at.extend((0..n as i64).map(|i| if is_there { next + i } else { -1 }));
            next += if is_there { n as i64 } else { 0 };
        }
        let node = plan.take(node, self.dim, Index::compact(&at))?;
        Ok(LazyCoord { data: CoordData::Lazy(node, Cells::Numbers), ..out })
    }

    fn stacked(&self, plan: &mut Plan, all: &[&LazyCoord], lengths: &[usize]) -> Outcome<LazyCoord> {
        let mut order: Vec<String> = vec![];
        for d in all.iter().flat_map(|v| &v.dims) {
            if !order.contains(d) {
                order.push(d.clone());
            }
        }
        if !order.iter().any(|d| d == self.dim) {
            order.insert(0, self.dim.to_owned());
        }
        let nodes = all.iter().map(|v| agree::node(plan, v)).collect::<Outcome<Vec<_>>>()?;
        let (nodes, cells) = of_one_kind(plan, nodes)?;
        let mut inputs = vec![];
        for (mut node, &n) in nodes.into_iter().zip(lengths) {
            for d in order.iter().rev() {
                if !plan.names(node)?.contains(d) {
                    let len = if d == self.dim { n } else { self.sizes.get(d).copied().unwrap_or(1) };
                    node = plan.expand(node, 0, Dim::new(d, len))?;
                }
            }
            inputs.push(plan.transpose(node, &order)?);
        }
        let Some(&first) = inputs.first() else { return refuse("there is nothing to join") };
        let axis = plan.axis(first, self.dim)?;
        let node = if inputs.len() == 1 { first } else { plan.push(Op::Concat { inputs, axis })? };
        Ok(LazyCoord { dims: order, data: CoordData::Lazy(node, cells), attrs: all[0].attrs.clone() })
    }
}

/// Numbers in their common type, times of one calendar, or texts under one table.
fn of_one_kind(plan: &mut Plan, nodes: Vec<(NodeId, Cells)>) -> Outcome<(Vec<NodeId>, Cells)> {
    let kinds: Vec<Cells> = nodes.iter().map(|(_, c)| c.clone()).collect();
    let Some(first) = kinds.first().cloned() else { return Ok((vec![], Cells::Numbers)) };
    let same = kinds.iter().all(|k| match (k, &first) {
        (Cells::Numbers, Cells::Numbers) | (Cells::Texts(_), Cells::Texts(_)) => true,
        (Cells::Times(a), Cells::Times(b)) => labels::same_calendar(a, b),
        _ => false,
    });
    if !same {
        return refuse("concat() of arrays of different kinds: numbers, times of one calendar, or texts");
    }
    if let Cells::Texts(_) = first {
        return under_one_table(plan, nodes);
    }
    let mut dtype: Option<DType> = None;
    for (node, _) in &nodes {
        let own = plan.dtype(*node)?;
        dtype = Some(dtype.map_or(own, |d| d.promote(own)));
    }
    let dtype = dtype.unwrap_or(DType::F64);
    let nodes = nodes.into_iter().map(|(node, _)| plan.cast(node, dtype)).collect::<Outcome<_>>()?;
    Ok((nodes, first))
}

fn under_one_table(plan: &mut Plan, nodes: Vec<(NodeId, Cells)>) -> Outcome<(Vec<NodeId>, Cells)> {
    let tables: Vec<Arc<[String]>> =
        nodes.iter().filter_map(|(_, c)| if let Cells::Texts(t) = c { Some(t.clone()) } else { None }).collect();
    let mut all: Vec<String> = tables.iter().flat_map(|t| t.iter().cloned()).collect();
    all.sort_unstable();
    all.dedup();
    let mut out = vec![];
    for ((node, _), table) in nodes.into_iter().zip(&tables) {
        if **table == *all {
            out.push(node);
            continue;
        }
        let places: Vec<i64> = table.iter().map(|t| all.binary_search(t).map_or(-1, |i| i as i64)).collect();
        let table = Arc::new(Block::from_vec(&[places.len()], places)?);
        out.push(plan.push(Op::Lookup { input: node, table })?);
    }
    Ok((out, Cells::Texts(all.into())))
}
