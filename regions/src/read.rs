//! Brings the stored chunks of the pieces of a work unit into memory ahead of the computation, and decodes them on demand.
//!
//! In: boxes of variables. Out: their decoded cells. Never fetches more than [`FAR_AHEAD`] pieces before they are used.

use crate::cf;
use crate::decoded::{DecodedChunks, Origin};
use crate::source::{ChunkSource, Encoded};
use crate::tally::Tally;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use xeng_kernels::boxes::visit_boxes;
use xeng_kernels::{Block, Bounds, DType, Graph, Known, Leaves, NodeId, Op, bounds};
use xeng_proto::{ErrorKind, Kind, RegionError, Variable};

/// Pieces that are fetched before they are computed, per lane: disks answer at once, networks after a round trip.
pub(crate) const AHEAD: usize = 2;
/// Decoded bytes of a piece's chunks above which they are not read ahead, but as they are decoded: what is made of whole lanes is made
/// of more than memory holds.
pub(crate) const STREAMED_BYTES: usize = 128 << 20;
/// Decoded bytes of the chunks that are then fetched together.
pub(crate) const BATCH_BYTES: usize = 8 << 20;
/// As [`AHEAD`], where memory allows no more.
pub(crate) const LEAST_AHEAD: usize = 1;
/// As [`AHEAD`], where a request takes milliseconds and memory allows.
pub(crate) const FAR_AHEAD: usize = 16;
/// Decoded bytes of these pieces, at most: what is asked for all at once shares the line, and the first piece comes late.
pub(crate) const FAR_AHEAD_BYTES: usize = 52 << 20;

/// A stored variable, ready to be read.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) chunks: Arc<dyn ChunkSource>,
    pub(crate) variable: Variable,
    pub(crate) kept: Kept,
}

/// How decoded chunks of a variable are kept in memory.
#[derive(Clone)]
pub(crate) struct Kept {
    pub(crate) by: Arc<DecodedChunks>,
    pub(crate) origin: Arc<Origin>,
    /// Whether a change of its bytes is always noticed: else nothing is kept.
    pub(crate) is_watched: bool,
    /// The number of the fragment that reads.
    pub(crate) fragment: u64,
}

impl Kept {
    fn get(&self, chunk: &[usize]) -> Option<Arc<Block>> {
        if self.is_watched { self.by.get(&self.origin, chunk) } else { None }
    }

    fn offer(&self, chunk: &[usize], block: &Arc<Block>) {
        if self.is_watched {
            self.by.offer(&self.origin, chunk, block, self.fragment);
        }
    }
}

impl Source {
    /// Stored cells as the user knows them.
    fn decoded(&self, raw: Block) -> Result<Block, RegionError> {
        if self.chunks.is_decoded() { Ok(raw) } else { cf::decode_variable(&self.variable, raw) }
    }

    /// Element type of the decoded cells; times are counts of microseconds.
    pub(crate) fn dtype(&self) -> DType {
        if matches!(self.variable.kind, Kind::Time(_)) { DType::I64 } else { self.variable.decode.dtype }
    }
}

/// A chunk of a variable: the variable, and the chunk's number along each axis.
pub(crate) type ChunkKey = (u32, Vec<usize>);

/// A chunk that is in memory.
pub(crate) enum Arrived {
    /// Its stored bytes; `None` where it was never written.
    Stored(Option<Encoded>),
    /// Its cells as stored, from an earlier reading.
    Decoded(Arc<Block>),
}

/// A piece's chunks.
pub(crate) type Fetched = HashMap<ChunkKey, Arrived>;

/// The chunks that evaluating `at` of each node reads, in a fixed order, each once.
pub(crate) fn chunks_behind(
    graph: &Graph,
    known: &Known,
    sources: &[Source],
    nodes: &[(NodeId, Bounds)],
) -> Result<Vec<ChunkKey>, RegionError> {
    let (mut keys, mut seen) = (vec![], HashSet::new());
    for (id, at) in nodes {
        visit_boxes(graph, *id, at, &mut |(id, node, at)| {
            if let Op::Scan { source } = node.op
                && let Some(s) = sources.get(source as usize)
            {
                each_chunk(s.chunks.as_ref(), at, |chunk| {
                    if seen.insert((source, chunk.to_vec())) {
                        keys.push((source, chunk.to_vec()));
                    }
                });
            }
            !known.contains_key(&id)
        })?;
    }
    Ok(keys)
}

/// Fetches the stored bytes of chunks that are not kept decoded, in order.
pub(crate) fn fetch(sources: &[Source], keys: Vec<ChunkKey>, tally: &Tally) -> Result<Fetched, RegionError> {
    let started = Instant::now();
    let mut out = Fetched::with_capacity(keys.len());
    let mut wanted = Vec::with_capacity(keys.len());
    for key in keys {
        match source_of(sources, key.0)?.kept.get(&key.1) {
            Some(block) => {
                tally.kept(block.bytes());
                out.insert(key, Arrived::Decoded(block));
            }
            None => wanted.push(key),
        }
    }
    for run in wanted.chunk_by(|a, b| a.0 == b.0) {
        let chunks: Vec<&[usize]> = run.iter().map(|key| key.1.as_slice()).collect();
        let encoded = source_of(sources, run[0].0)?.chunks.fetch_many(&chunks)?;
        if encoded.len() != chunks.len() {
            return Err(RegionError::internal(format!("{} of {} chunks came", encoded.len(), chunks.len())));
        }
        encoded.iter().for_each(|e| tally.fetched(e.as_ref().map_or(0, |e| e.read_bytes)));
        out.extend(run.iter().cloned().zip(encoded.into_iter().map(Arrived::Stored)));
    }
    tally.fetching(started.elapsed());
    Ok(out)
}

fn fetch_one(sources: &[Source], key: &ChunkKey, tally: &Tally) -> Result<Arrived, RegionError> {
    let one = fetch(sources, vec![key.clone()], tally)?.remove(key);
    one.ok_or_else(|| RegionError::internal(format!("chunk {:?} did not come", key.1)))
}

fn source_of(sources: &[Source], number: u32) -> Result<&Source, RegionError> {
    sources.get(number as usize).ok_or_else(|| RegionError::request("the fragment scans a variable that it does not list"))
}

/// Decoded chunks that the next piece may need again, because this one used only part of them.
#[derive(Default)]
pub(crate) struct Leftovers {
    raw: HashMap<ChunkKey, Arc<Block>>,
}

/// The leaves of one piece: decodes what was fetched for it, and fetches what was not foreseen.
pub(crate) struct PieceLeaves<'a> {
    pub(crate) sources: &'a [Source],
    pub(crate) tally: &'a Tally,
    pub(crate) cancelled: &'a AtomicBool,
    pub(crate) fetched: RefCell<Fetched>,
    pub(crate) before: &'a Leftovers,
    pub(crate) after: RefCell<Leftovers>,
    /// Whether nothing was fetched, and nothing is left over: chunks come as they are wanted, a batch at a time.
    pub(crate) streams: bool,
}

impl PieceLeaves<'_> {
    /// The raw cells of a chunk; `whole` says that nothing of it is left over for the next piece.
    fn raw(&self, key: &ChunkKey, whole: bool) -> Result<Arc<Block>, RegionError> {
        let whole = whole || self.streams;
        if let Some(block) = self.after.borrow().raw.get(key) {
            return Ok(block.clone());
        }
        if let Some(block) = self.before.raw.get(key) {
            if !whole {
                self.after.borrow_mut().raw.insert(key.clone(), block.clone());
            }
            return Ok(block.clone());
        }
        let foreseen = self.fetched.borrow_mut().remove(key);
        let arrived = foreseen.map_or_else(|| fetch_one(self.sources, key, self.tally), Ok)?;
        let block = match arrived {
            Arrived::Decoded(block) => block,
            Arrived::Stored(encoded) => self.decode(key, encoded.as_ref())?,
        };
        if !whole {
            self.after.borrow_mut().raw.insert(key.clone(), block.clone());
        }
        Ok(block)
    }

    fn decode(&self, key: &ChunkKey, encoded: Option<&Encoded>) -> Result<Arc<Block>, RegionError> {
        let started = Instant::now();
        let source = source_of(self.sources, key.0)?;
        let block = Arc::new(source.chunks.decode(&key.1, encoded)?);
        self.tally.decoded(block.bytes(), started.elapsed());
        source.kept.offer(&key.1, &block);
        Ok(block)
    }
}

impl Leaves for PieceLeaves<'_> {
    type Error = RegionError;

    fn go_on(&self) -> Result<(), RegionError> {
        if self.cancelled.load(Ordering::Relaxed) { Err(RegionError::new(ErrorKind::Cancelled, "the asker went away")) } else { Ok(()) }
    }

    fn scan(&self, source: u32, at: &[Range<usize>]) -> Result<Block, RegionError> {
        let s = source_of(self.sources, source)?;
        let grid = s.chunks.chunks();
        let mut keys = vec![];
        each_chunk(s.chunks.as_ref(), at, |chunk| keys.push((source, chunk.to_vec())));
        let mut out: Option<Block> = None;
        let batch = if self.streams { batch_of(s) } else { usize::MAX };
        for (number, key) in keys.iter().enumerate() {
            if self.streams && number % batch == 0 {
                self.go_on()?;
                let next = keys[number..keys.len().min(number.saturating_add(batch))].to_vec();
                *self.fetched.borrow_mut() = fetch(self.sources, next, self.tally)?;
            }
            let covers: Bounds = key.1.iter().zip(grid).map(|(&c, axis)| axis.range(c)).collect();
            let Some(common) = bounds::intersect(&covers, at) else { continue };
            let raw = self.raw(key, common == covers)?;
            let part = if common == covers { Arc::unwrap_or_clone(raw) } else { raw.slice(&bounds::relative_to(&common, &covers))? };
            let part = s.decoded(part)?;
            if common == at {
                return Ok(part);
            }
            let whole = out.get_or_insert_with(|| Block::filled(part.dtype(), &bounds::shape_of(at), 0.0));
            whole.paste(&bounds::relative_to(&common, at), &part)?;
        }
        Ok(out.unwrap_or_else(|| Block::filled(s.dtype(), &bounds::shape_of(at), f64::NAN)))
    }
}

/// How many chunks of a variable are fetched at once where they are read as they are decoded.
fn batch_of(source: &Source) -> usize {
    let chunk = source.chunks.chunks().iter().map(|axis| axis.longest()).fold(source.chunks.stored().size(), usize::saturating_mul);
    (BATCH_BYTES / chunk.max(1)).max(1)
}

/// Calls `visit` with every chunk that meets the box, in C order.
fn each_chunk(source: &dyn ChunkSource, at: &[Range<usize>], mut visit: impl FnMut(&[usize])) {
    let ranges: Vec<Range<usize>> = source.chunks().iter().zip(at).map(|(axis, r)| axis.overlapping(r)).collect();
    if ranges.iter().any(Range::is_empty) {
        return;
    }
    let mut chunk: Vec<usize> = ranges.iter().map(|r| r.start).collect();
    loop {
        visit(&chunk);
        let Some(axis) = (0..chunk.len()).rev().find(|&a| chunk[a] + 1 < ranges[a].end) else { return };
        chunk[axis] += 1;
        for a in axis + 1..chunk.len() {
            chunk[a] = ranges[a].start;
        }
    }
}
