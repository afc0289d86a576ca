//! Decides where each operator runs: in the region of its data, or at home.
//!
//! In: a graph and the region of each stored variable. Out: a place per node. Never moves data: it only counts
//! the bytes that a choice would send over the WAN, and takes the fewest.

use std::collections::HashMap;
use xeng_kernels::graph::Node;
use xeng_kernels::{Graph, NodeId, Op, Result};

/// A result that has been reduced already is worth a region's while only when that sends this many times fewer bytes.
const WORTH: u64 = 4;
/// Fewer bytes than this are not worth any effort.
const SMALL_BYTES: u64 = 64 << 10;

/// Where a node runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// Beside the user.
    Home,
    /// In the region of this number.
    Region(usize),
}

/// The place of every node that the roots need, and the round of asking in which it runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Placement {
    /// Place and round per node; rounds start at 0, and a node runs after everything of earlier rounds has come home.
    pub nodes: HashMap<NodeId, (Place, u32)>,
}

/// Places every node that the roots need so that the fewest bytes leave the regions.
///
/// `region_of_source[s]` is the region of variable `s`. A shared operand is counted once per user: the choice is
/// near the best, not proven best.
///
/// # Errors
/// [`xeng_kernels::KernelError::Malformed`] for a graph that refers to missing nodes.
pub fn place(graph: &Graph, roots: &[NodeId], region_of_source: &[usize]) -> Result<Placement> {
    let users = roots.iter().map(|&r| (r, Place::Home)).collect::<Vec<_>>();
    place_for(graph, &users, &HashMap::new(), region_of_source)
}

/// As [`place()`], for roots that are wanted at these places; those in `fixed` are computed there, whatever that sends.
///
/// # Errors
/// As [`place()`].
pub fn place_for(
    graph: &Graph,
    users: &[(NodeId, Place)],
    fixed: &HashMap<NodeId, Place>,
    region_of_source: &[usize],
) -> Result<Placement> {
    let places: Vec<Place> = std::iter::once(Place::Home)
        .chain({
            let mut regions = region_of_source.to_vec();
            regions.sort_unstable();
            regions.dedup();
            regions.into_iter().map(Place::Region)
        })
        .collect();
    let costs = costs(graph, &places, region_of_source)?;
    let chosen = choose(graph, (users, fixed), &places, &costs)?;
    Ok(Placement { nodes: rounds(graph, &chosen)? })
}

/// What it takes to have a node's result at each place.
struct Costs {
    /// `bytes[node][p]`: bytes sent over the WAN to compute the node at place number `p`; `None` where it cannot be computed.
    bytes: Vec<Vec<Option<u64>>>,
    /// Whether every stored cell behind the node has passed through a reduction.
    reduced: Vec<bool>,
}

fn costs(graph: &Graph, places: &[Place], region_of_source: &[usize]) -> Result<Costs> {
    let mut costs = Costs { bytes: vec![], reduced: vec![] };
    for node in graph.nodes() {
        let mut inputs = node.op.inputs();
        inputs.sort_unstable();
        inputs.dedup();
        let bytes = places
            .iter()
            .map(|&at| match node.op {
                Op::Scan { source } => (Some(at) == region_of_source.get(source as usize).map(|&r| Place::Region(r))).then_some(0),
                _ => inputs.iter().try_fold(0u64, |sum, &i| Some(sum.saturating_add(fetched(graph, &costs, places, i, at)?))),
            })
            .collect();
        let reduced = match node.op {
            Op::Scan { .. } => false,
            Op::Reduce { .. } => true,
            _ => inputs.iter().all(|i| costs.reduced[i.0 as usize]),
        };
        costs.bytes.push(bytes);
        costs.reduced.push(reduced);
    }
    Ok(costs)
}

/// Fewest bytes to have the result of `id` at `at`.
fn fetched(graph: &Graph, costs: &Costs, places: &[Place], id: NodeId, at: Place) -> Option<u64> {
    best(graph, costs, places, id, &[at]).map(|(_, bytes)| bytes)
}

/// The place to compute `id` for users at `users`, and the bytes that it takes.
fn best(graph: &Graph, costs: &Costs, places: &[Place], id: NodeId, users: &[Place]) -> Option<(Place, u64)> {
    let node = graph.node(id).ok()?;
    let row = &costs.bytes[id.0 as usize];
    let total = |p: usize| -> Option<u64> {
        let sent = users.iter().map(|&u| transfer(node, places[p], u)).fold(0u64, u64::saturating_add);
        Some(row[p]?.saturating_add(sent))
    };
    let cheapest = (0..places.len()).filter_map(|p| Some((places[p], total(p)?))).min_by_key(|&(p, bytes)| (bytes, p))?;
    match total(0) {
        Some(home)
            if costs.reduced[id.0 as usize]
                && !matches!(node.op, Op::Reduce { .. })
                && users.contains(&Place::Home)
                && home <= cheapest.1.saturating_mul(WORTH).saturating_add(SMALL_BYTES) =>
        {
            Some((Place::Home, home))
        }
        _ => Some(cheapest),
    }
}

/// Bytes that a node's result sends from place to place; between regions it goes through home.
fn transfer(node: &Node, from: Place, to: Place) -> u64 {
    let bytes = node.bytes() as u64;
    match (from, to) {
        // A constant is part of the fragment wherever it is needed.
        _ if from == to || matches!(node.op, Op::Constant(_)) => 0,
        (Place::Region(_), Place::Region(_)) => bytes.saturating_mul(2),
        _ => bytes,
    }
}

/// From the roots down: each node where it is cheapest for the places of its users.
fn choose(
    graph: &Graph,
    (roots, fixed): (&[(NodeId, Place)], &HashMap<NodeId, Place>),
    places: &[Place],
    costs: &Costs,
) -> Result<HashMap<NodeId, Place>> {
    let mut users: HashMap<NodeId, Vec<Place>> = HashMap::new();
    for &(id, at) in roots {
        users.entry(id).or_default().push(at);
    }
    let mut chosen = HashMap::new();
    for id in graph.ids().rev() {
        let Some(at) = users.get(&id) else { continue };
        let mut at = at.clone();
        at.sort_unstable();
        at.dedup();
        let place = match fixed.get(&id) {
            Some(&place) => place,
            None => best(graph, costs, places, id, &at).map_or(Place::Home, |(place, _)| place),
        };
        chosen.insert(id, place);
        for input in graph.node(id)?.op.inputs() {
            users.entry(input).or_default().push(place);
        }
    }
    Ok(chosen)
}

/// The round of each node: one later than that of any other region's node it needs.
fn rounds(graph: &Graph, chosen: &HashMap<NodeId, Place>) -> Result<HashMap<NodeId, (Place, u32)>> {
    let mut out: HashMap<NodeId, (Place, u32)> = HashMap::new();
    for id in graph.ids() {
        let Some(&place) = chosen.get(&id) else { continue };
        let mut round = 0;
        for input in graph.node(id)?.op.inputs() {
            if let Some(&(from, r)) = out.get(&input) {
                let after_asking = from != place && from != Place::Home;
                round = round.max(r + u32::from(after_asking));
            }
        }
        out.insert(id, (place, round));
    }
    Ok(out)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use xeng_kernels::graph::InterpMethod;
    use xeng_kernels::{DType, Dim, Reduction};

    fn mean_over_time(graph: &mut Graph, source: u32, n: usize) -> NodeId {
        let scan = graph.scan(source, vec![Dim::new("time", 1000), Dim::new("lat", n), Dim::new("lon", 2 * n)], DType::F32);
        graph.push(Op::Reduce { input: scan, reduction: Reduction::Mean { skipna: true }, axes: vec![0], groups: None }).unwrap()
    }

    #[test]
    fn refining_interpolation_runs_at_home() {
        let mut graph = Graph::new();
        let mean = mean_over_time(&mut graph, 0, 50);
        let from: Vec<f64> = (0..50).map(f64::from).collect();
        let to: Vec<f64> = (0..490).map(|i| f64::from(i) / 10.0).collect();
        let fine = graph.push(Op::Interp { input: mean, axis: 0, from: from.into(), to: to.into(), method: InterpMethod::Linear }).unwrap();
        let placed = place(&graph, &[fine], &[7]).unwrap();
        assert_eq!(placed.nodes[&mean], (Place::Region(7), 0));
        assert_eq!(placed.nodes[&fine], (Place::Home, 1));
    }

    #[test]
    fn what_a_region_writes_is_computed_there() {
        let mut graph = Graph::new();
        let mean = mean_over_time(&mut graph, 0, 50);
        let other = mean_over_time(&mut graph, 1, 50);
        let mut f = xeng_kernels::Formula::new(&[DType::F32, DType::F32]);
        use xeng_kernels::formula::{Binary, Step};
        f.push(Step::Input(0), DType::F32).unwrap();
        f.push(Step::Input(1), DType::F32).unwrap();
        f.push(Step::Binary(Binary::Sub, 0, 1), DType::F32).unwrap();
        let difference = graph.push(Op::Map { formula: f.into(), inputs: vec![mean, other] }).unwrap();
        assert_eq!(place(&graph, &[difference], &[0, 1]).unwrap().nodes[&difference], (Place::Home, 1));
        let there = Place::Region(1);
        let placed = place_for(&graph, &[(difference, there)], &HashMap::from([(difference, there)]), &[0, 1]).unwrap();
        assert_eq!(placed.nodes[&difference], (there, 1));
        assert_eq!((placed.nodes[&mean].0, placed.nodes[&other].0), (Place::Region(0), there));
    }

    #[test]
    fn a_small_array_travels_to_a_big_one() {
        let mut graph = Graph::new();
        let small = mean_over_time(&mut graph, 0, 50);
        let big = graph.scan(1, vec![Dim::new("time", 1000), Dim::new("lat", 50), Dim::new("lon", 100)], DType::F32);
        let mut f = xeng_kernels::Formula::new(&[DType::F32, DType::F32]);
        use xeng_kernels::formula::{Binary, Step};
        f.push(Step::Input(0), DType::F32).unwrap();
        f.push(Step::Input(1), DType::F32).unwrap();
        f.push(Step::Binary(Binary::Sub, 0, 1), DType::F32).unwrap();
        let difference = graph.push(Op::Map { formula: f.into(), inputs: vec![big, small] }).unwrap();
        let root = graph
            .push(Op::Reduce { input: difference, reduction: Reduction::Var { skipna: true, ddof: 0 }, axes: vec![0, 1, 2], groups: None })
            .unwrap();
        let placed = place(&graph, &[root], &[0, 1]).unwrap();
        assert_eq!(placed.nodes[&small], (Place::Region(0), 0));
        assert_eq!(placed.nodes[&difference], (Place::Region(1), 1));
        assert_eq!(placed.nodes[&root], (Place::Region(1), 1));
    }
}
