//! Rewrites a graph into one that gives the same arrays with less work: one file per rule.
//!
//! In: a graph and its roots. Out: another graph and the same roots in it. Never changes a root's dims or type.

mod broadcast;
mod constants;
mod fuse;
mod linear;
mod pushdown;
mod rewrite;

use xeng_kernels::{Graph, NodeId, Result};

/// The rules, applied once each in this order.
const RULES: [Rule; 5] =
    [constants::fold, pushdown::push_selections_down, linear::reduce_before_scaling, fuse::fuse_maps, broadcast::broadcast_in_front];

/// A rule: builds the graph anew and says where the roots went.
type Rule = fn(&Graph, &[NodeId]) -> Result<(Graph, Vec<NodeId>)>;

/// Applies every rule.
///
/// # Errors
/// A [`xeng_kernels::KernelError`] only when the graph was malformed before.
pub fn optimize(graph: &Graph, roots: &[NodeId]) -> Result<(Graph, Vec<NodeId>)> {
    RULES.iter().try_fold((graph.clone(), roots.to_vec()), |(graph, roots), rule| rule(&graph, &roots))
}
