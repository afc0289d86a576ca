//! Runs a fragment: its held steps first, then its answers, piece by piece.
//!
//! In: a fragment and which part of it. Out: answers in a channel. Never keeps more than its permit allows.

use crate::decoded::Origin;
use crate::held::Computed;
use crate::local::Engine;
use crate::memory::Permit;
use crate::open::{OpenDataset, current_snapshot};
use crate::read::{AHEAD, BATCH_BYTES, ChunkKey, FAR_AHEAD, FAR_AHEAD_BYTES, Kept, LEAST_AHEAD, STREAMED_BYTES, Source, chunks_behind};
use crate::run::{Merged, Program, run};
use crate::tally::Tally;
use crate::write::{MOST_WAITING, Queue, Writing, check_chunk};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::Sender;
use xeng_kernels::bounds::size_of;
use xeng_kernels::boxes::visit_boxes;
use xeng_kernels::evaluate::{folding_bytes, nested_piece, scratch_bytes};
use xeng_kernels::{Block, Bounds, Known, MergeTree, NodeId, Op, Partial, Tiling, WorkPlan};
use xeng_proto::{Answer, Coverage, ErrorKind, Fragment, Part, Piece, RegionError, Task};

/// How often progress is told.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// Boxes that memory is planned for, of a store and of what is sent.
const PLACES_TRIED: (usize, usize) = (64, 16);

/// Bytes that one lane holds for a piece.
struct Needs {
    /// Of the boxes of its operators.
    boxes: usize,
    /// Of its chunks, decoded; where they are read one after the other, of those that are held at once.
    chunks: usize,
    /// Whether its chunks are too large together to be read ahead.
    streams: bool,
    /// That reading or decoding takes for a while.
    scratch: usize,
}

/// A fragment whose datasets are open, whose units are planned and whose memory is known.
pub(crate) struct Execution {
    engine: Arc<Engine>,
    pub(crate) fragment: Arc<Fragment>,
    /// Per task of the answers: the units to do, ascending and apart.
    pub(crate) runs: Vec<Vec<Range<usize>>>,
    opened: Vec<Arc<OpenDataset>>,
    sources: Vec<Source>,
    tiling: Tiling,
    held: Vec<(Task, WorkPlan)>,
    pub(crate) answers: Vec<(Task, WorkPlan)>,
    /// Whether others of the same fragment come before or after.
    is_batch: bool,
    /// Per task of the answers: where it is written, if it is not sent.
    writings: Vec<Option<Writing>>,
    lanes: usize,
    ahead: usize,
    /// Whether chunks are read as they are decoded, not ahead of it.
    streams: bool,
    memory_bytes: usize,
    permit: Mutex<Option<Permit>>,
    total_bytes: u64,
}

impl Execution {
    /// Opens what the fragment reads and plans its work units and memory; reads no data.
    pub(crate) fn prepare(engine: Arc<Engine>, fragment: Arc<Fragment>, part: Part) -> Result<Execution, RegionError> {
        if let Part::Share { index, count } = part
            && index >= count
        {
            return Err(RegionError::request(format!("part {index} of {count} does not exist")));
        }
        let opened = open_all(&engine, &fragment)?;
        let sources = sources(&engine, &fragment, &opened)?;
        check_leaves(&fragment, &sources)?;
        let grids: Vec<_> = sources.iter().map(|s| s.chunks.chunks()).collect();
        let tiling = fragment.tiled(Tiling::of(&fragment.graph, &grids)?);
        let graph = &fragment.graph;
        let hold = |task: &Task| Ok((task.clone(), WorkPlan::of(graph, &tiling, &task.nodes)?));
        let held = fragment.held.iter().map(hold).collect::<Result<Vec<_>, RegionError>>()?;
        let answer = |(index, task): (usize, &Task)| match fragment.write_of(index) {
            Some(write) => {
                check_chunk(graph, &fragment, write)?;
                Ok((task.clone(), WorkPlan::on_grid(graph, &tiling, &task.nodes, &write.chunk)?))
            }
            None => hold(task),
        };
        let answers = fragment.answers.iter().enumerate().map(answer).collect::<Result<Vec<_>, RegionError>>()?;
        let runs = wanted_runs(&part, &fragment, &answers)?;
        let writing = |index| fragment.write_of(index).map(|write| Writing::prepare(&engine, &fragment, write)).transpose();
        let writings = (0..answers.len()).map(writing).collect::<Result<Vec<_>, RegionError>>()?;
        let total_bytes = opened.iter().map(|d| d.description.stored_bytes).sum();
        let mut execution = Execution {
            engine,
            runs,
            is_batch: matches!(part, Part::Own(_)),
            opened,
            sources,
            tiling,
            held,
            answers,
            writings,
            lanes: 1,
            ahead: AHEAD,
            streams: false,
            memory_bytes: 0,
            permit: Mutex::default(),
            total_bytes,
            fragment: fragment.clone(),
        };
        execution.plan_memory()?;
        Ok(execution)
    }

    /// Lets it run with the memory that it needs.
    pub(crate) fn admit(&self, permit: Permit) {
        *self.permit.lock().unwrap_or_else(PoisonError::into_inner) = Some(permit);
    }

    /// The most bytes that running it needs at once.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }

    /// As many lanes as there are threads, fewer where the budget is small, and chunks that are read as they are decoded where it is too
    /// small for those of a piece: the result's bits are the same.
    fn plan_memory(&mut self) -> Result<(), RegionError> {
        for most_read_ahead in [STREAMED_BYTES, BATCH_BYTES] {
            self.plan_reading(most_read_ahead)?;
            if self.memory_bytes <= self.engine.memory.budget_bytes() {
                break;
            }
        }
        Ok(())
    }

    /// The memory of pieces whose chunks are read ahead up to so many bytes, decoded.
    fn plan_reading(&mut self, most_read_ahead: usize) -> Result<(), RegionError> {
        self.ahead = AHEAD;
        // What one lane holds, and what each piece that is read ahead adds to it.
        let (mut lane, mut piece, mut tree, mut fixed) = (0, 0, 0, 0usize);
        let graph = &self.fragment.graph;
        for (task, _) in &self.held {
            for &id in &task.nodes {
                fixed = fixed.saturating_add(graph.node(id)?.bytes());
            }
        }
        let sent = std::iter::repeat(&None);
        for ((task, plan), writing) in self.held.iter().zip(sent).chain(self.answers.iter().zip(&self.writings)) {
            // Boxes may lie across the chunks of their sources, and need cells around them: how many chunks differs from place to place.
            let places = if writing.is_some() { PLACES_TRIED.0 } else { PLACES_TRIED.1 }.min(plan.boxes());
            let units = plan.units_per_box();
            let tried = (0..places).filter_map(|i| plan.pieces(plan.boxes() * i / places * units + i % 2 * units / 2).next());
            for at in tried.chain([plan.largest_piece()]) {
                let Needs { boxes, chunks, streams, scratch } = self.lane_bytes(task, plan, &at, most_read_ahead)?;
                self.streams |= streams;
                // The piece that is computed, decoded and as it came; the one that the reader holds until there is room for it; and what
                // reading and decoding take for a while.
                lane = lane.max(boxes.saturating_add(chunks.saturating_mul(3)).saturating_add(scratch.saturating_mul(2)));
                piece = piece.max(chunks);
            }
            tree = tree.max(plan.box_state_bytes());
        }
        fixed = fixed.saturating_add(self.fragment.given.iter().map(|b| b.bytes()).sum());
        // States that wait for their siblings: one per level of the tree, and what waits in the answer channel.
        let waiting = self.held.iter().chain(&self.answers).map(|(_, p)| p.units_per_box().ilog2() as usize + 2).max().unwrap_or(1);
        // Beside its cells, what is encoded holds their bytes and what zstd makes of them; then it waits for a writer.
        let chunk = self.writings.iter().flatten().map(Writing::chunk_bytes).max().unwrap_or(0);
        let need = |lanes: usize, ahead: usize| {
            let encoding = chunk.saturating_mul(2 * lanes + MOST_WAITING);
            let fixed = fixed.saturating_add(encoding);
            let lanes_bytes = lane.saturating_add(piece.saturating_mul(ahead)).saturating_mul(lanes);
            fixed.saturating_add(lanes_bytes).saturating_add(tree.saturating_mul(waiting + lanes))
        };
        let (threads, budget) = (self.engine.pool.current_num_threads(), self.engine.memory.budget_bytes());
        self.lanes = (1..=threads).rev().find(|&n| need(n, AHEAD) <= budget).unwrap_or(1);
        if need(self.lanes, AHEAD) > budget {
            self.ahead = LEAST_AHEAD;
        }
        // Reading far ahead takes at most half of the budget, so that one caller does not keep the others waiting.
        if self.sources.iter().any(|s| s.chunks.is_remote()) {
            let suits = |n: &usize| need(self.lanes, *n) <= budget / 2 && (*n == AHEAD || piece.saturating_mul(*n) <= FAR_AHEAD_BYTES);
            self.ahead = (AHEAD..=FAR_AHEAD).rev().find(suits).unwrap_or(self.ahead);
        }
        self.memory_bytes = need(self.lanes, self.ahead);
        Ok(())
    }

    /// What one lane holds for a piece.
    fn lane_bytes(&self, task: &Task, plan: &WorkPlan, at: &Bounds, most_read_ahead: usize) -> Result<Needs, RegionError> {
        let graph = &self.fragment.graph;
        let mut wanted = vec![];
        for &id in &task.nodes {
            match &graph.node(id)?.op {
                Op::Reduce { input, .. } if plan.reduces() => wanted.push((*input, at.clone())),
                _ => wanted.push((id, at.clone())),
            }
        }
        let (mut boxes, known) = (0usize, self.held_nodes());
        let folded = wanted.clone();
        let mut waiting = wanted.clone();
        while let Some((id, at)) = waiting.pop() {
            let mut nested = vec![];
            visit_boxes(graph, id, &at, &mut |(id, node, at)| {
                let scratch = scratch_bytes(graph, node, at).unwrap_or(usize::MAX);
                let held = match plan.folded(0).filter(|_| folded.contains(&(id, at.clone()))) {
                    // What is folded is held a tile at a time.
                    Some(fold) => folding_bytes(graph, node, at, &fold).unwrap_or(usize::MAX),
                    None => size_of(at).saturating_mul(node.dtype.size()),
                };
                boxes = boxes.saturating_add(held).saturating_add(scratch);
                // A reduction that is not held is computed where it is needed, a piece of its input at a time.
                nested.extend((!known.contains_key(&id)).then(|| nested_piece(graph, &self.tiling, node, at)));
                !known.contains_key(&id)
            })?;
            for piece in nested {
                let Some(piece) = piece? else { continue };
                if !wanted.contains(&piece) {
                    waiting.push(piece.clone());
                    wanted.push(piece);
                }
            }
        }
        let chunk_bytes = |(source, chunk): &ChunkKey| {
            self.sources.get(*source as usize).map_or(0, |s| {
                let lengths = s.chunks.chunks().iter().zip(chunk).map(|(axis, &c)| axis.range(c).len());
                lengths.fold(s.chunks.stored().size(), usize::saturating_mul)
            })
        };
        let keys = chunks_behind(graph, &known, &self.sources, &wanted)?;
        let all = keys.iter().map(chunk_bytes).fold(0, usize::saturating_add);
        let streams = all > most_read_ahead;
        let largest = keys.iter().map(chunk_bytes).max().unwrap_or(0);
        let chunks = if streams { largest.saturating_add(BATCH_BYTES.max(largest)) } else { all };
        let read: std::collections::BTreeSet<u32> = keys.iter().map(|(source, _)| *source).collect();
        let scratch = read.iter().filter_map(|&n| self.sources.get(n as usize)).map(|s| s.chunks.scratch_bytes()).max().unwrap_or(0);
        Ok(Needs { boxes, chunks, streams, scratch })
    }

    /// Stand-ins for the results of held steps: nothing behind them is read again.
    fn held_nodes(&self) -> Known {
        let nothing = Arc::new(Block::scalar(0u8));
        self.fragment.held.iter().flat_map(|t| &t.nodes).map(|&id| (id, nothing.clone())).collect()
    }
}

/// Runs a prepared fragment and sends its answers; an error is sent as the last answer.
pub(crate) fn execute(execution: &Execution, send: &Sender<Result<Answer, RegionError>>, cancelled: &AtomicBool) {
    let tally = Tally::default();
    let cache_before = execution.engine.stores.cache_use();
    let outcome = std::thread::scope(|threads| {
        let (running, ended) = std::sync::mpsc::channel();
        threads.spawn(|| tell_progress(&tally, send, ended));
        let outcome = execution.run(&tally, send, cancelled);
        drop(running);
        outcome
    });
    let outcome = outcome.and_then(|()| execution.check_unchanged());
    let last = outcome
        .map(|()| Answer::Done(tally.account(execution.engine.memory.peak_bytes(), cache_before, execution.engine.stores.cache_use())));
    if let Err(e) = &last
        && e.kind == ErrorKind::Cancelled
    {
        return;
    }
    let _ = send.blocking_send(last);
}

impl Execution {
    /// Refuses results of files that have changed since they were opened: they may be of two versions.
    pub(crate) fn check_unchanged(&self) -> Result<(), RegionError> {
        self.opened.iter().try_for_each(|dataset| {
            let spec = &dataset.description.spec;
            let is_same = || current_snapshot(&self.engine.stores, spec).is_ok_and(|now| now == dataset.description.snapshot);
            if dataset.is_far() || is_same() {
                return Ok(());
            }
            Err(RegionError::data(format!(
                "'{}' has changed while it was read: run again, so that no result mixes two versions",
                spec.shown()
            )))
        })
    }

    fn run(&self, tally: &Tally, send: &Sender<Result<Answer, RegionError>>, cancelled: &AtomicBool) -> Result<(), RegionError> {
        let f = &self.fragment;
        let units = |tasks: &[(Task, WorkPlan)]| tasks.iter().map(|(_, p)| p.units() as u64).sum::<u64>();
        let asked = self.runs.iter().flatten().map(|r| r.len() as u64).sum::<u64>();
        let share = asked as f64 / units(&self.answers).max(1) as f64;
        tally.announce(units(&self.held) + asked, (self.total_bytes as f64 * share) as u64);
        let mut known = givens(f)?;
        self.hold_all(&mut known, tally, cancelled)?;
        for (index, ((task, plan), writing)) in self.answers.iter().zip(&self.writings).enumerate() {
            if let Some(writing) = writing {
                self.write(index, writing, &known, tally, send, cancelled)?;
                continue;
            }
            let units = plan.units_per_box() as u32;
            let sink = |m: Merged| {
                let bounds = plan.result_box(m.box_index);
                let coverage = Coverage { task: index as u32, bounds, level: m.node.0, index: m.node.1, units };
                // What no other engine adds to travels finished: fewer bytes, and as many however long the series.
                let partials = if m.node == MergeTree::root_of(units) {
                    self.finished(task, m.partials)?.into_iter().map(|block| Partial { states: vec![block] }).collect()
                } else {
                    m.partials
                };
                let piece = Answer::Piece(Piece { coverage, partials, written: vec![] });
                send.blocking_send(Ok(piece)).map_err(|_| RegionError::new(ErrorKind::Cancelled, "the asker went away"))
            };
            self.run_task(task, plan, &self.runs[index], &known, tally, cancelled, &sink)?;
        }
        Ok(())
    }

    /// Computes answer number `index` box by box, and writes each.
    fn write(
        &self,
        index: usize,
        writing: &Writing,
        known: &Known,
        tally: &Tally,
        send: &Sender<Result<Answer, RegionError>>,
        cancelled: &AtomicBool,
    ) -> Result<(), RegionError> {
        let (task, plan) = &self.answers[index];
        let units = plan.units_per_box() as u32;
        let encoded = |m: Merged| {
            let began = Instant::now();
            let bounds = plan.result_box(m.box_index);
            if m.node != MergeTree::root_of(units) {
                return Err(RegionError::internal("a chunk that another engine adds to"));
            }
            let cells = self.finished(task, m.partials)?;
            let chunks = writing.arrays().iter().zip(cells).map(|(array, cells)| array.encode(&bounds, cells)).collect::<Result<_, _>>()?;
            tally.writing(began.elapsed());
            Ok((Coverage { task: index as u32, bounds, level: m.node.0, index: m.node.1, units }, chunks))
        };
        Queue::new(writing, tally, send).run(|queue| {
            let sink = |m: Merged| {
                let (coverage, chunks) = self.engine.pool.install(|| encoded(m))?;
                queue.take(coverage, chunks)
            };
            self.run_task(task, plan, &self.runs[index], known, tally, cancelled, &sink)
        })
    }

    /// Computes the held steps, unless an earlier batch of the same fragment has.
    fn hold_all(&self, known: &mut Known, tally: &Tally, cancelled: &AtomicBool) -> Result<(), RegionError> {
        if self.held.is_empty() {
            return Ok(());
        }
        let slot = self.is_batch.then(|| self.engine.held.slot(&self.fragment));
        let mut kept = slot.as_ref().map(|slot| slot.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(Computed { known: held, .. }) = kept.as_ref().and_then(|k| k.as_ref()) {
            known.extend(held.iter().map(|(&id, block)| (id, block.clone())));
            return Ok(());
        }
        let mut held = Known::new();
        for (task, plan) in &self.held {
            let blocks = self.hold(task, plan, known, tally, cancelled)?;
            held.extend(task.nodes.iter().copied().zip(blocks.iter().cloned()));
            known.extend(task.nodes.iter().copied().zip(blocks));
        }
        if let Some(kept) = &mut kept {
            let bytes = held.values().map(|block| block.bytes()).fold(0, usize::saturating_add);
            // Where it would leave too little room for the next batch, that has to compute it again.
            let leaves_room = self.memory_bytes.saturating_add(bytes) <= self.engine.memory.budget_bytes();
            let mut permit = self.permit.lock().unwrap_or_else(PoisonError::into_inner);
            let permit = permit.as_mut().filter(|_| leaves_room).and_then(|permit| permit.split(bytes));
            **kept = permit.map(|permit| Computed { known: held, _permit: permit });
        }
        Ok(())
    }

    /// Computes a held step in full.
    fn hold(
        &self,
        task: &Task,
        plan: &WorkPlan,
        known: &Known,
        tally: &Tally,
        cancelled: &AtomicBool,
    ) -> Result<Vec<Arc<Block>>, RegionError> {
        let graph = &self.fragment.graph;
        let nodes = task.nodes.iter().map(|&id| graph.node(id)).collect::<Result<Vec<_>, _>>()?;
        let out = Mutex::new(nodes.iter().map(|n| Block::filled(n.dtype, &n.shape(), 0.0)).collect::<Vec<_>>());
        let sink = |m: Merged| {
            let at = plan.result_box(m.box_index);
            let finished = self.finished(task, m.partials)?;
            let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
            out.iter_mut().zip(&finished).try_for_each(|(whole, block)| Ok(whole.paste(&at, block)?))
        };
        self.run_task(task, plan, &[0..plan.units()], known, tally, cancelled, &sink)?;
        Ok(out.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().map(Arc::new).collect())
    }

    /// The cells of each node of a task, from the partials over every unit of a box.
    fn finished(&self, task: &Task, partials: Vec<Partial>) -> Result<Vec<Block>, RegionError> {
        let graph = &self.fragment.graph;
        let finish = |(&id, partial): (&NodeId, Partial)| match &graph.node(id)?.op {
            Op::Reduce { input, reduction, .. } => Ok(reduction.finish(partial, graph.node(*input)?.dtype)?),
            _ => partial.states.into_iter().next().ok_or_else(|| RegionError::internal("a gathered piece without cells")),
        };
        task.nodes.iter().zip(partials).map(finish).collect()
    }

    #[allow(clippy::too_many_arguments)]
    fn run_task(
        &self,
        task: &Task,
        plan: &WorkPlan,
        runs: &[Range<usize>],
        known: &Known,
        tally: &Tally,
        cancelled: &AtomicBool,
        sink: &(dyn Fn(Merged) -> Result<(), RegionError> + Sync),
    ) -> Result<(), RegionError> {
        if cancelled.load(Ordering::Relaxed) {
            return Err(RegionError::new(ErrorKind::Cancelled, "the asker went away"));
        }
        let program = Program {
            graph: &self.fragment.graph,
            tiling: &self.tiling,
            known,
            sources: &self.sources,
            tally,
            cancelled,
            ahead: self.ahead,
            streams: self.streams,
        };
        run(&program, &task.nodes, plan, runs, (&self.engine.pool, self.lanes), sink)
    }
}

/// Tells how far the work is until it has ended, so that an engine which folds one large box for long is not taken for dead.
fn tell_progress(tally: &Tally, send: &Sender<Result<Answer, RegionError>>, ended: std::sync::mpsc::Receiver<()>) {
    while ended.recv_timeout(PROGRESS_EVERY) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
        // Progress may be lost when the asker is slow; answers never are.
        let _ = send.try_send(Ok(Answer::Progress(tally.progress())));
    }
}

fn open_all(engine: &Engine, fragment: &Fragment) -> Result<Vec<Arc<OpenDataset>>, RegionError> {
    fragment
        .datasets
        .iter()
        .map(|d| {
            let opened = engine.open(&d.spec)?;
            if opened.description.snapshot != d.snapshot {
                return Err(RegionError::data(format!("'{}' has changed since the plan was made: run it again", d.spec.shown())));
            }
            Ok(opened)
        })
        .collect()
}

fn sources(engine: &Engine, fragment: &Fragment, opened: &[Arc<OpenDataset>]) -> Result<Vec<Source>, RegionError> {
    static FRAGMENTS: AtomicU64 = AtomicU64::new(0);
    let number = FRAGMENTS.fetch_add(1, Ordering::Relaxed);
    fragment
        .sources
        .iter()
        .map(|s| {
            let dataset =
                opened.get(s.dataset as usize).ok_or_else(|| RegionError::request("the fragment reads a dataset that it does not list"))?;
            let chunks = dataset.source(&s.variable)?.clone();
            let variable = dataset.description.variables.get(&s.variable).cloned();
            let variable =
                variable.ok_or_else(|| RegionError::internal(format!("variable '{}' has chunks but no description", s.variable)))?;
            let origin = Origin { spec: dataset.description.spec.clone(), state: dataset.state.clone(), variable: s.variable.clone() };
            let kept = Kept { by: engine.decoded.clone(), origin: Arc::new(origin), is_watched: chunks.is_watched(), fragment: number };
            Ok(Source { chunks, variable, kept })
        })
        .collect()
}

/// The units of each task that are asked for.
fn wanted_runs(part: &Part, fragment: &Fragment, answers: &[(Task, WorkPlan)]) -> Result<Vec<Vec<Range<usize>>>, RegionError> {
    let runs = match part {
        Part::Share { index, count } => return Ok(answers.iter().map(|(_, plan)| vec![plan.share(*index, *count)]).collect()),
        Part::Missing(runs) | Part::Own(runs) => runs,
    };
    let mut wanted = vec![vec![]; answers.len()];
    for run in runs {
        let unfit = || RegionError::request(format!("units {:?} of task {} cannot be asked for", run.units, run.task));
        let (task, (_, plan)) = wanted.get_mut(run.task as usize).zip(answers.get(run.task as usize)).ok_or_else(unfit)?;
        let units = usize::try_from(run.units.start).map_err(|_| unfit())?..usize::try_from(run.units.end).map_err(|_| unfit())?;
        let is_after = task.last().is_none_or(|before: &Range<usize>| before.end <= units.start);
        // A chunk is made by one engine.
        let is_cut = [units.start, units.end].iter().any(|edge| edge % plan.units_per_box() != 0);
        if units.is_empty() || units.end > plan.units() || !is_after || is_cut && fragment.write_of(run.task as usize).is_some() {
            return Err(unfit());
        }
        task.push(units);
    }
    Ok(wanted)
}

/// What the sender claims of the leaves must be what lies here.
fn check_leaves(fragment: &Fragment, sources: &[Source]) -> Result<(), RegionError> {
    for node in fragment.graph.nodes() {
        let fits = match &node.op {
            Op::Scan { source } => sources.get(*source as usize).is_some_and(|s| {
                node.dtype == s.dtype() && s.chunks.chunks().iter().map(xeng_kernels::AxisChunks::len).eq(node.dims.iter().map(|d| d.len))
            }),
            Op::Given { slot } => fragment.given.get(*slot as usize).is_some_and(|b| b.shape() == node.shape() && b.dtype() == node.dtype),
            _ => true,
        };
        if !fits {
            return Err(RegionError::request(format!(
                "a {} of the fragment does not have the shape or type that it claims",
                node.op.name()
            )));
        }
    }
    Ok(())
}

fn givens(fragment: &Fragment) -> Result<Known, RegionError> {
    let mut known = Known::new();
    for id in fragment.graph.ids() {
        if let Op::Given { slot } = fragment.graph.node(id)?.op
            && let Some(block) = fragment.given.get(slot as usize)
        {
            known.insert(id, block.clone());
        }
    }
    Ok(known)
}
