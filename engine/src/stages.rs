//! What each region is asked, in rounds, and what is left for home: the plan, cut along the WAN.
//!
//! In: a graph with a place per node. Out: one fragment per region and round. Never runs anything; its size does not
//! depend on the number of chunks.

mod chunking;

use crate::lazy::{OpenedDataset, PlanSource};
use crate::place::{Place, Placement, place_for};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use xeng_kernels::bounds::{size_of, whole};
use xeng_kernels::boxes::visit_boxes;
use xeng_kernels::evaluate::nested_piece;
use xeng_kernels::graph::Node;
use xeng_kernels::{AxisChunks, Bounds, Graph, NodeId, Op, Result, Tiling, WorkPlan};
use xeng_proto::{DatasetUse, Fragment, SourceUse, StoreTarget, Task, Write};

/// A nested reduction whose result is at most this big is computed once and held by its region.
const MOST_HELD_BYTES: usize = 256 << 20;
/// What home is told of a chunk that is written.
const WRITTEN_BYTES: usize = 128;
/// How hard regions try to compress what they write: four times as fast as 3, and of noisy floats within a hundredth of its size.
pub const ZSTD_LEVEL: i32 = 1;

/// A plan, cut into what regions are asked and what home does.
#[derive(Clone, Debug)]
pub struct Stages {
    /// The whole graph, as home sees it.
    pub graph: Graph,
    /// The chunk grid of every node.
    pub tiling: Tiling,
    /// What the user wants, as nodes of `graph`.
    pub roots: Vec<NodeId>,
    /// Where each node runs.
    pub placement: Placement,
    /// Names of the regions that [`Place::Region`] numbers.
    pub regions: Vec<String>,
    /// Questions, by round and region.
    pub asks: Vec<Ask>,
    /// Which of `roots` are written where they are made instead of coming home.
    pub writes: Vec<RootWrite>,
}

/// A root that a region writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootWrite {
    /// Index into [`Stages::roots`].
    pub root: usize,
    /// Name of the region.
    pub region: String,
    /// The store, as the region sees it.
    pub uri: String,
    /// Name of the array in the store.
    pub array: String,
}

/// One question to one region.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Index into [`Stages::regions`].
    pub region: usize,
    /// Asks of one round run side by side; a round begins when the one before has been answered.
    pub round: u32,
    /// The program, its `given` and the names of the runs that write still empty.
    pub fragment: Fragment,
    /// The nodes of the whole graph whose results fill `fragment.given`.
    pub given: Vec<NodeId>,
    /// Per task of the fragment's answers: the nodes of the whole graph that it computes, and its work units.
    pub answers: Vec<(Vec<NodeId>, WorkPlan)>,
}

impl Ask {
    /// Bytes that the answers of so many engines hold before compression: finished cells, the states of those that engines share, and
    /// a line for each chunk that is written.
    pub fn answer_bytes(&self, engines: usize) -> u64 {
        let engines = u32::try_from(engines).unwrap_or(u32::MAX).max(1);
        let task = |(index, (nodes, plan)): (usize, &(Vec<NodeId>, WorkPlan))| match self.fragment.write_of(index) {
            Some(_) => plan.boxes().saturating_mul(nodes.len()).saturating_mul(WRITTEN_BYTES) as u64,
            None => plan.answer_bytes(engines) as u64,
        };
        self.answers.iter().enumerate().map(task).fold(0, u64::saturating_add)
    }

    /// The tasks whose cells come home.
    pub fn sent(&self) -> impl Iterator<Item = &(Vec<NodeId>, WorkPlan)> {
        self.answers.iter().enumerate().filter(|(index, _)| self.fragment.write_of(*index).is_none()).map(|(_, task)| task)
    }
}

impl Stages {
    /// Whether root number `root` is written by a region and does not come home.
    pub fn is_written(&self, root: usize) -> bool {
        self.writes.iter().any(|w| w.root == root)
    }

    /// Bytes that home holds at most: what regions answer, and the boxes that it computes from that.
    ///
    /// # Errors
    /// [`xeng_kernels::KernelError::Malformed`] for a graph that refers to missing nodes.
    pub fn home_bytes(&self) -> Result<u64> {
        let answered: HashSet<NodeId> = self.asks.iter().flat_map(Ask::sent).flat_map(|(nodes, _)| nodes).copied().collect();
        let mut bytes = 0u64;
        for &id in &answered {
            bytes = bytes.saturating_add(self.graph.node(id)?.bytes() as u64);
        }
        let given = self.asks.iter().flat_map(|ask| &ask.given);
        let mut waiting: Vec<(NodeId, Bounds)> = vec![];
        let wanted = self.roots.iter().enumerate().filter(|(root, _)| !self.is_written(*root)).map(|(_, id)| id);
        for &id in wanted.chain(given) {
            waiting.push((id, whole(&self.graph.node(id)?.shape())));
        }
        let mut seen = HashSet::new();
        while let Some((id, at)) = waiting.pop() {
            let mut nested = vec![];
            visit_boxes(&self.graph, id, &at, &mut |(id, node, at)| {
                let is_new = seen.insert((id, at.clone())) && !answered.contains(&id);
                if is_new {
                    bytes = bytes.saturating_add((size_of(at) as u64).saturating_mul(node.dtype.size() as u64));
                    nested.push(nested_piece(&self.graph, &self.tiling, node, at));
                }
                is_new
            })?;
            for piece in nested {
                waiting.extend(piece?);
            }
        }
        Ok(bytes)
    }
}

/// Cuts a graph into rounds of questions.
///
/// # Errors
/// [`xeng_kernels::KernelError::Malformed`] for a graph that refers to missing nodes.
pub fn cut(graph: Graph, roots: Vec<NodeId>, sources: &[PlanSource]) -> Result<Stages> {
    cut_for(graph, roots, sources, vec![], 0)
}

/// As [`cut`], some roots being computed and written by regions that hold data of theirs. Those of other regions come home.
/// Evaluating a box of gathered cells may compute `gathered_bytes`; see [`Fragment::gathered_bytes`].
///
/// # Errors
/// As [`cut`].
pub fn cut_for(graph: Graph, roots: Vec<NodeId>, sources: &[PlanSource], writes: Vec<RootWrite>, gathered_bytes: u64) -> Result<Stages> {
    let regions: Vec<String> = sources.iter().map(|s| s.dataset.region.clone()).collect::<BTreeSet<_>>().into_iter().collect();
    let region_of: Vec<usize> = sources.iter().map(|s| regions.iter().position(|r| *r == s.dataset.region).unwrap_or(0)).collect();
    let grids: Vec<&[AxisChunks]> =
        sources.iter().map(|s| s.dataset.description.variables.get(&s.variable).map_or(&[][..], |v| &v.chunks)).collect();
    let tiling = Tiling::of(&graph, &grids)?;
    let writes: Vec<RootWrite> = writes.into_iter().filter(|w| w.root < roots.len() && regions.contains(&w.region)).collect();
    let home: Vec<NodeId> = (0..roots.len()).filter(|root| !writes.iter().any(|w| w.root == *root)).map(|root| roots[root]).collect();
    let there = |w: &RootWrite| (roots[w.root], Place::Region(regions.iter().position(|r| *r == w.region).unwrap_or(0)));
    let fixed: HashMap<NodeId, Place> = writes.iter().map(there).collect();
    let users: Vec<(NodeId, Place)> = home.iter().map(|&r| (r, Place::Home)).chain(writes.iter().map(there)).collect();
    let placement = place_for(&graph, &users, &fixed, &region_of)?;
    let mut wanted: BTreeMap<(u32, usize), Wanted> = BTreeMap::new();
    for write in &writes {
        if let Some(&(Place::Region(region), round)) = placement.nodes.get(&roots[write.root]) {
            wanted.entry((round, region)).or_default().writes.push((roots[write.root], write.clone()));
        }
    }
    let mut want = |id: NodeId| {
        if let Some(&(Place::Region(region), round)) = placement.nodes.get(&id) {
            wanted.entry((round, region)).or_default().home.insert(id);
        }
    };
    home.iter().for_each(|&r| want(r));
    for (&id, &(place, _)) in &placement.nodes {
        for input in graph.node(id)?.op.inputs() {
            if placement.nodes.get(&input).is_some_and(|&(p, _)| p != place) {
                want(input);
            }
        }
    }
    let asks = wanted
        .into_iter()
        .map(|((round, region), outputs)| ask(&graph, &placement, sources, &grids, (region, round, gathered_bytes), outputs))
        .collect::<Result<_>>()?;
    Ok(Stages { graph, tiling, roots, placement, regions, asks, writes })
}

/// What is wanted of a region in a round.
#[derive(Default)]
struct Wanted {
    /// What it sends.
    home: BTreeSet<NodeId>,
    /// What it writes.
    writes: Vec<(NodeId, RootWrite)>,
}

fn ask(
    graph: &Graph,
    placement: &Placement,
    sources: &[PlanSource],
    grids: &[&[AxisChunks]],
    (region, round, gathered_bytes): (usize, u32, u64),
    wanted: Wanted,
) -> Result<Ask> {
    let mut cutter = Cutter::default();
    let outputs = wanted.home.iter().copied().chain(wanted.writes.iter().map(|(id, _)| *id)).collect();
    for id in needed_here(graph, placement, region, &outputs)? {
        cutter.copy(graph, placement, sources, region, id)?;
    }
    let local: HashMap<NodeId, NodeId> = cutter.ids.clone();
    let local_grids: Vec<&[AxisChunks]> = cutter.source_order.iter().map(|&s| grids[s as usize]).collect();
    let used = used_inside(&cutter.graph);
    let held = held(&cutter.graph, &used)?;
    // A held node that is also asked for is handed out as it is, under another node.
    let mut handed_out = |id: NodeId| -> Result<Option<(NodeId, NodeId)>> {
        let Some(&at) = local.get(&id) else { return Ok(None) };
        let is_held = held.iter().any(|t| t.nodes.contains(&at));
        Ok(Some((id, if is_held { renamed(&mut cutter.graph, at)? } else { at })))
    };
    let mut answered = vec![];
    for &id in &wanted.home {
        answered.extend(handed_out(id)?);
    }
    let mut written: Vec<(RootWrite, (NodeId, NodeId))> = vec![];
    for (id, write) in wanted.writes {
        written.extend(handed_out(id)?.map(|node| (write, node)));
    }
    let tiling = Tiling::of(&cutter.graph, &local_grids)?;
    let mut fragment = Fragment { gathered_bytes, ..Fragment::default() };
    let tiling = fragment.tiled(tiling);
    let mut answers = vec![];
    let mut tasks = vec![];
    for group in together(&cutter.graph, answered)? {
        let task = Task { nodes: group.iter().map(|(_, at)| *at).collect() };
        answers.push((group.into_iter().map(|(id, _)| id).collect(), WorkPlan::of(&cutter.graph, &tiling, &task.nodes)?));
        tasks.push(task);
    }
    let mut writes = vec![];
    for group in written_together(&cutter.graph, written)? {
        let task = Task { nodes: group.iter().map(|(_, (_, at))| *at).collect() };
        let chunk = chunking::chunk_of(&cutter.graph, &tiling, &task.nodes)?;
        let target = StoreTarget { uri: group.first().map(|(write, _)| write.uri.clone()).unwrap_or_default(), run: String::new() };
        let arrays = group.iter().map(|(write, _)| write.array.clone()).collect();
        let plan = WorkPlan::on_grid(&cutter.graph, &tiling, &task.nodes, &chunk)?;
        writes.push(Write { task: tasks.len() as u32, target, arrays, chunk, zstd_level: ZSTD_LEVEL });
        answers.push((group.into_iter().map(|(_, (id, _))| id).collect(), plan));
        tasks.push(task);
    }
    (fragment.datasets, fragment.sources, fragment.graph) = (cutter.datasets, cutter.sources, cutter.graph);
    (fragment.held, fragment.answers, fragment.writes) = (held, tasks, writes);
    Ok(Ask { region, round, fragment, given: cutter.given, answers })
}

/// The nodes that a region copies into its program: its own behind the outputs, and the edge where others hand in.
fn needed_here(graph: &Graph, placement: &Placement, region: usize, outputs: &BTreeSet<NodeId>) -> Result<BTreeSet<NodeId>> {
    let (mut seen, mut waiting) = (BTreeSet::new(), outputs.iter().copied().collect::<Vec<_>>());
    while let Some(id) = waiting.pop() {
        if seen.insert(id) && is_here(graph, placement, region, id)? {
            waiting.extend(graph.node(id)?.op.inputs());
        }
    }
    Ok(seen)
}

fn is_here(graph: &Graph, placement: &Placement, region: usize, id: NodeId) -> Result<bool> {
    let placed_here = placement.nodes.get(&id).is_some_and(|&(p, _)| p == Place::Region(region));
    Ok(placed_here || matches!(graph.node(id)?.op, Op::Constant(_)))
}

/// A region's program under construction.
#[derive(Default)]
struct Cutter {
    graph: Graph,
    ids: HashMap<NodeId, NodeId>,
    datasets: Vec<DatasetUse>,
    dataset_of: Vec<Arc<OpenedDataset>>,
    sources: Vec<SourceUse>,
    source_order: Vec<u32>,
    given: Vec<NodeId>,
}

impl Cutter {
    fn copy(&mut self, graph: &Graph, placement: &Placement, sources: &[PlanSource], region: usize, id: NodeId) -> Result<()> {
        let node = graph.node(id)?;
        let at = match &node.op {
            _ if !is_here(graph, placement, region, id)? => {
                self.given.push(id);
                self.graph.given(self.given.len() as u32 - 1, node.dims.clone(), node.dtype)
            }
            Op::Scan { source } => {
                let source = self.source(sources, *source);
                self.graph.scan(source, node.dims.clone(), node.dtype)
            }
            Op::Constant(block) => {
                let names: Vec<_> = node.dims.iter().map(|d| d.name.clone()).collect();
                self.graph.constant(&names, (**block).clone())?
            }
            op => self.graph.push(op.with_inputs(|i| self.ids.get(&i).copied().unwrap_or(i)))?,
        };
        self.ids.insert(id, at);
        Ok(())
    }

    fn source(&mut self, sources: &[PlanSource], source: u32) -> u32 {
        if let Some(known) = self.source_order.iter().position(|&s| s == source) {
            return known as u32;
        }
        if let Some(s) = sources.get(source as usize) {
            let dataset = match self.dataset_of.iter().position(|d| Arc::ptr_eq(d, &s.dataset)) {
                Some(known) => known,
                None => {
                    self.dataset_of.push(s.dataset.clone());
                    let d = &s.dataset.description;
                    self.datasets.push(DatasetUse { spec: d.spec.clone(), snapshot: d.snapshot.clone() });
                    self.datasets.len() - 1
                }
            };
            self.sources.push(SourceUse { dataset: dataset as u32, variable: s.variable.clone() });
            self.source_order.push(source);
        }
        self.source_order.len() as u32 - 1
    }
}

fn used_inside(graph: &Graph) -> HashSet<NodeId> {
    graph.nodes().iter().flat_map(|n| n.op.inputs()).collect()
}

/// The reductions under other operators that are computed once and kept, in dependency order.
fn held(graph: &Graph, used: &HashSet<NodeId>) -> Result<Vec<Task>> {
    let mut depth: HashMap<NodeId, usize> = HashMap::new();
    let mut by_depth: BTreeMap<usize, Vec<(NodeId, NodeId)>> = BTreeMap::new();
    for id in graph.ids() {
        let node = graph.node(id)?;
        let below = node.op.inputs().iter().map(|i| depth.get(i).copied().unwrap_or(0)).max().unwrap_or(0);
        let nested = used.contains(&id) && matches!(node.op, Op::Reduce { .. }) && node.bytes() <= MOST_HELD_BYTES;
        let reads = has_scan(graph, id)?;
        if nested && reads {
            by_depth.entry(below).or_default().push((id, id));
        }
        depth.insert(id, below + usize::from(nested && reads));
    }
    let mut tasks = vec![];
    for (_, nodes) in by_depth {
        for group in together(graph, nodes)? {
            tasks.push(Task { nodes: group.into_iter().map(|(_, at)| at).collect() });
        }
    }
    Ok(tasks)
}

/// Whether evaluating the node reads stored data at all.
fn has_scan(graph: &Graph, id: NodeId) -> Result<bool> {
    let (mut seen, mut waiting) = (HashSet::new(), vec![id]);
    while let Some(id) = waiting.pop() {
        if seen.insert(id) {
            let op = &graph.node(id)?.op;
            if matches!(op, Op::Scan { .. }) {
                return Ok(true);
            }
            waiting.extend(op.inputs());
        }
    }
    Ok(false)
}

/// Groups nodes that can be computed in one pass: reductions of arrays of the same dims over the same axes and groups.
fn together(graph: &Graph, nodes: Vec<(NodeId, NodeId)>) -> Result<Vec<Vec<(NodeId, NodeId)>>> {
    let mut groups: Vec<Vec<(NodeId, NodeId)>> = vec![];
    for (id, at) in nodes {
        let node = graph.node(at)?;
        let mate =
            groups.iter_mut().find(|g| g.first().is_some_and(|(_, first)| graph.node(*first).is_ok_and(|f| folds_alike(graph, f, node))));
        match mate {
            Some(group) => group.push((id, at)),
            None => groups.push(vec![(id, at)]),
        }
    }
    Ok(groups)
}

/// Groups what is written as [`together`], each store by itself.
#[allow(clippy::type_complexity)]
fn written_together(graph: &Graph, written: Vec<(RootWrite, (NodeId, NodeId))>) -> Result<Vec<Vec<(RootWrite, (NodeId, NodeId))>>> {
    let mut groups: Vec<Vec<(RootWrite, (NodeId, NodeId))>> = vec![];
    for (write, (id, at)) in written {
        let node = graph.node(at)?;
        let joins = |group: &&mut Vec<(RootWrite, (NodeId, NodeId))>| {
            let alike = |first: NodeId| graph.node(first).is_ok_and(|f| folds_alike(graph, f, node));
            group.first().is_some_and(|(other, (_, first))| other.uri == write.uri && alike(*first))
        };
        match groups.iter_mut().find(joins) {
            Some(group) => group.push((write, (id, at))),
            None => groups.push(vec![(write, (id, at))]),
        }
    }
    Ok(groups)
}

fn folds_alike(graph: &Graph, a: &Node, b: &Node) -> bool {
    match (&a.op, &b.op) {
        (Op::Reduce { input: ia, axes: xa, groups: ga, .. }, Op::Reduce { input: ib, axes: xb, groups: gb, .. }) => {
            xa == xb && ga == gb && matches!((graph.node(*ia), graph.node(*ib)), (Ok(na), Ok(nb)) if na.dims == nb.dims)
        }
        _ => false,
    }
}

fn renamed(graph: &mut Graph, id: NodeId) -> Result<NodeId> {
    let names = graph.node(id)?.dims.iter().map(|d| d.name.clone()).collect();
    graph.push(Op::Rename { input: id, names })
}
