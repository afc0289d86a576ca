//! Runs one task of a fragment: fetches, evaluates and folds its work units on the engine's threads.
//!
//! In: a prepared program, a task, a range of its units. Out: merged pieces, handed to a sink as they complete. Each lane has a thread
//! that reads ahead and one that takes pieces to the engine's pool, where nothing ever waits.
//! Never merges in order of arrival: pieces merge along the tree that the chunk grid fixes.

use crate::lane::{Lane, ReadPiece};
use crate::read::{self, AHEAD, Fetched, Leftovers, PieceLeaves, Source};
use crate::tally::Tally;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Scope;
use std::time::Instant;
use xeng_kernels::tree::{MergeTree, TreeNode};
use xeng_kernels::{Bounds, Evaluator, Graph, Known, NodeId, Op, Partial, Reduction, Tiling, WorkPlan};
use xeng_proto::{ErrorKind, RegionError};

/// A program whose variables are open and whose earlier steps are done.
pub(crate) struct Program<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) tiling: &'a Tiling,
    pub(crate) known: &'a Known,
    pub(crate) sources: &'a [Source],
    pub(crate) tally: &'a Tally,
    pub(crate) cancelled: &'a AtomicBool,
    /// Pieces that each lane fetches before they are computed.
    pub(crate) ahead: usize,
    /// Whether chunks are read as they are decoded, not ahead of it.
    pub(crate) streams: bool,
}

/// A merged piece of a task's result: its box, its place in the box's merge tree, and one partial per node.
pub(crate) struct Merged {
    pub(crate) box_index: usize,
    pub(crate) node: TreeNode,
    pub(crate) partials: Vec<Partial>,
}

/// What all lanes of a run share.
struct Shared<'a, 's> {
    program: &'a Program<'a>,
    nodes: &'a [NodeId],
    plan: &'a WorkPlan,
    runs: &'a [Range<usize>],
    /// How many units have been claimed.
    next: AtomicUsize,
    /// One lock per box of a run: boxes merge side by side, and the table is held only to look one up.
    trees: Mutex<Trees>,
    failure: Mutex<Option<RegionError>>,
    failed: AtomicBool,
    sink: &'s (dyn Fn(Merged) -> Result<(), RegionError> + Sync),
}

/// By the number of the run, and of the box.
type Trees = HashMap<(usize, usize), Arc<Mutex<Growing>>>;

/// What a run adds to one box.
struct Growing {
    tree: MergeTree,
    /// Units of the run that are still to come.
    left: usize,
}

/// Runs these units of the task that computes `nodes` on `lanes` threads of `pool`, each with a reader ahead of it. What a run adds to a box is
/// handed on once it is all there, and never merged with what another run adds: `runs` are ascending and apart.
///
/// # Errors
/// The first error of any unit or of the sink; `Cancelled` when the asker went away.
pub(crate) fn run(
    program: &Program<'_>,
    nodes: &[NodeId],
    plan: &WorkPlan,
    runs: &[Range<usize>],
    (pool, lanes): (&rayon::ThreadPool, usize),
    sink: &(dyn Fn(Merged) -> Result<(), RegionError> + Sync),
) -> Result<(), RegionError> {
    let shared = Shared {
        program,
        nodes,
        plan,
        runs,
        next: AtomicUsize::new(0),
        trees: Mutex::default(),
        failure: Mutex::new(None),
        failed: AtomicBool::new(false),
        sink,
    };
    let lanes = lanes.min(runs.iter().map(Range::len).sum()).max(1);
    std::thread::scope(|threads| {
        for _ in 0..lanes {
            let (send, receive) = sync_channel(program.ahead);
            let shared = &shared;
            threads.spawn(move || shared.read_ahead(threads, &send));
            threads.spawn(move || shared.drive(pool, receive));
        }
    });
    lock(&shared.failure).take().map_or(Ok(()), Err)
}

impl Shared<'_, '_> {
    /// Claims units and fetches their pieces' chunks, until none are left or nobody computes them any more.
    fn read_ahead<'t>(&'t self, threads: &'t Scope<'t, '_>, lane: &SyncSender<ReadPiece<'t>>) {
        // A chunk that the piece before used in part is still decoded in the lane's leftovers.
        let mut previous = HashSet::new();
        while !self.stopped() {
            let Some(unit) = self.claimed(self.next.fetch_add(1, Ordering::Relaxed)) else { return };
            if self.keep(self.read_unit(unit, threads, lane, &mut previous)).is_none() {
                return;
            }
        }
    }

    /// The unit that is the `number`-th of all runs.
    fn claimed(&self, mut number: usize) -> Option<usize> {
        for run in self.runs {
            if number < run.len() {
                return Some(run.start + number);
            }
            number -= run.len();
        }
        None
    }

    fn read_unit<'t>(
        &'t self,
        unit: usize,
        threads: &'t Scope<'t, '_>,
        lane: &SyncSender<ReadPiece<'t>>,
        previous: &mut HashSet<read::ChunkKey>,
    ) -> Result<(), RegionError> {
        let p = self.program;
        let mut pieces = self.plan.pieces(unit).peekable();
        if pieces.peek().is_none() {
            let _ = lane.send(ReadPiece::new(unit, vec![], Fetched::new(), true));
        }
        while let Some(at) = pieces.next() {
            if self.stopped() {
                return Ok(());
            }
            if p.streams {
                let last = pieces.peek().is_none();
                if lane.send(ReadPiece::new(unit, at, Fetched::new(), last)).is_err() {
                    return Ok(());
                }
                continue;
            }
            let wanted = self.inputs()?.into_iter().map(|id| (id, at.clone())).collect::<Vec<_>>();
            let keys = read::chunks_behind(p.graph, p.known, p.sources, &wanted)?;
            let fresh: Vec<read::ChunkKey> = keys.iter().filter(|k| !previous.contains(k)).cloned().collect();
            *previous = keys.into_iter().collect();
            let last = pieces.peek().is_none();
            let piece = if p.ahead > AHEAD && !fresh.is_empty() {
                ReadPiece::coming(unit, at, threads.spawn(move || read::fetch(p.sources, fresh, p.tally)), last)
            } else {
                ReadPiece::new(unit, at, read::fetch(p.sources, fresh, p.tally)?, last)
            };
            if lane.send(piece).is_err() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Takes the lane's pieces to the pool as they come, and sends what they complete. Whatever has to be waited for - bytes, a slow
    /// asker - is waited for here, and never on a thread of the pool, which all callers share.
    fn drive(&self, pool: &rayon::ThreadPool, mut pieces: Receiver<ReadPiece<'_>>) {
        let mut lane = Lane::default();
        let mut next = pieces.recv().ok();
        while let Some(piece) = next.take() {
            let step = piece.wait().and_then(|(piece, fetched)| pool.install(|| self.fold_ready(&mut lane, piece, fetched, &mut pieces)));
            let sent = step.and_then(|(complete, piece)| {
                next = piece;
                complete.into_iter().try_for_each(self.sink)
            });
            if self.stopped() || self.keep(sent).is_none() {
                return;
            }
            next = next.or_else(|| pieces.recv().ok());
        }
    }

    /// Folds a piece, and those behind it that have come already, to the end of the unit. What that completes, and a piece that is
    /// still on its way.
    fn fold_ready<'t>(
        &self,
        lane: &mut Lane,
        mut piece: ReadPiece<'t>,
        mut fetched: Fetched,
        pieces: &mut Receiver<ReadPiece<'t>>,
    ) -> Result<(Vec<Merged>, Option<ReadPiece<'t>>), RegionError> {
        loop {
            let started = Instant::now();
            lane.leftovers = self.fold_piece(piece.unit, &piece.at, fetched, &mut lane.partials, &lane.leftovers)?;
            self.program.tally.working(started.elapsed());
            if piece.last {
                self.program.tally.unit_done();
                return Ok((self.merged(piece.unit, lane.partials.take().unwrap_or_default())?, None));
            }
            let Some(next) = (!self.stopped()).then(|| pieces.try_recv().ok()).flatten() else { return Ok((vec![], None)) };
            match next.ready() {
                Ok(ready) => (piece, fetched) = ready?,
                Err(coming) => return Ok((vec![], Some(coming))),
            }
        }
    }

    fn fold_piece(
        &self,
        unit: usize,
        at: &Bounds,
        fetched: Fetched,
        partials: &mut Option<Vec<Partial>>,
        before: &Leftovers,
    ) -> Result<Leftovers, RegionError> {
        let p = self.program;
        let leaves = PieceLeaves {
            sources: p.sources,
            tally: p.tally,
            cancelled: p.cancelled,
            fetched: RefCell::new(fetched),
            before,
            after: RefCell::default(),
            streams: p.streams,
        };
        let mut evaluator = Evaluator::new(p.graph, p.tiling, p.known, &leaves);
        let state = match partials {
            Some(state) => state,
            None => partials.insert(self.identities(unit)?),
        };
        match self.plan.folded(self.plan.place(unit).0) {
            None => {
                let block = evaluator.evaluate(self.nodes[0], at)?;
                drop(evaluator);
                *state = vec![Partial { states: vec![Arc::unwrap_or_clone(block)] }];
            }
            Some(_) if at.is_empty() && !self.is_scalar_domain()? => {}
            Some(folded) => {
                let mut by_input: Vec<(NodeId, Vec<(Reduction, &mut Partial)>)> = vec![];
                for (&id, partial) in self.nodes.iter().zip(state.iter_mut()) {
                    let (input, reduction) = self.reduction(id)?;
                    match by_input.iter_mut().find(|(known, _)| *known == input) {
                        Some((_, into)) => into.push((reduction, partial)),
                        None => by_input.push((input, vec![(reduction, partial)])),
                    }
                }
                for (input, mut into) in by_input {
                    evaluator.fold(input, at, &folded, &mut into)?;
                }
            }
        }
        Ok(leaves.after.into_inner())
    }

    fn identities(&self, unit: usize) -> Result<Vec<Partial>, RegionError> {
        let shape = xeng_kernels::bounds::shape_of(&self.plan.result_box(self.plan.place(unit).0));
        if !self.plan.reduces() {
            return Ok(vec![]);
        }
        self.nodes
            .iter()
            .map(|&id| {
                let (input, reduction) = self.reduction(id)?;
                Ok(reduction.identity(self.program.graph.node(input)?.dtype, &shape))
            })
            .collect()
    }

    fn reduction(&self, id: NodeId) -> Result<(NodeId, Reduction), RegionError> {
        match &self.program.graph.node(id)?.op {
            Op::Reduce { input, reduction, .. } => Ok((*input, *reduction)),
            other => Err(RegionError::internal(format!("a {} in a reducing task", other.name()))),
        }
    }

    /// The nodes whose boxes the pieces are.
    fn inputs(&self) -> Result<Vec<NodeId>, RegionError> {
        if self.plan.reduces() { self.nodes.iter().map(|&id| Ok(self.reduction(id)?.0)).collect() } else { Ok(self.nodes.to_vec()) }
    }

    fn is_scalar_domain(&self) -> Result<bool, RegionError> {
        let inputs = self.inputs()?;
        Ok(inputs.first().is_some_and(|&id| self.program.graph.node(id).is_ok_and(|n| n.dims.is_empty())))
    }

    /// Adds a unit's partials to its box's tree, and gives what its run adds to the box once that is complete.
    fn merged(&self, unit: usize, partials: Vec<Partial>) -> Result<Vec<Merged>, RegionError> {
        let (box_index, at) = self.plan.place(unit);
        let units = self.plan.units_per_box() as u32;
        let reductions = if self.plan.reduces() {
            self.nodes.iter().map(|&id| Ok(self.reduction(id)?.1)).collect::<Result<Vec<_>, RegionError>>()?
        } else {
            vec![]
        };
        let run = self.runs.partition_point(|r| r.end <= unit);
        let growing = || {
            let first = box_index * units as usize;
            let of_box = first..first + units as usize;
            let left = self.runs.get(run).map_or(0, |r| of_box.end.min(r.end) - of_box.start.max(r.start));
            Arc::new(Mutex::new(Growing { tree: MergeTree::new(units), left }))
        };
        let growing = lock(&self.trees).entry((run, box_index)).or_insert_with(growing).clone();
        let complete = {
            let Growing { tree, left } = &mut *lock(&growing);
            tree.insert((0, at as u32), partials, |left, right| {
                reductions.iter().zip(left.iter_mut().zip(&right)).try_for_each(|(r, (l, n))| r.merge(l, n))
            })?;
            *left -= 1;
            if *left == 0 { tree.drain() } else { return Ok(vec![]) }
        };
        lock(&self.trees).remove(&(run, box_index));
        Ok(complete.into_iter().map(|(node, partials)| Merged { box_index, node, partials }).collect())
    }

    fn stopped(&self) -> bool {
        self.program.cancelled.load(Ordering::Relaxed) || self.failed.load(Ordering::Relaxed)
    }

    /// The value of a result; the first error is kept for the caller of [`run`], and stops every lane.
    fn keep<T>(&self, result: Result<T, RegionError>) -> Option<T> {
        match result {
            Ok(value) if !self.program.cancelled.load(Ordering::Relaxed) => Some(value),
            Ok(_) => {
                self.fail(RegionError::new(ErrorKind::Cancelled, "the asker went away"));
                None
            }
            Err(e) => {
                self.fail(e);
                None
            }
        }
    }

    fn fail(&self, e: RegionError) {
        lock(&self.failure).get_or_insert(e);
        self.failed.store(true, Ordering::Relaxed);
    }
}

/// A lock whose holder panicked is still good here: every guarded value is valid between statements.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
