//! A variable with its dimensions in another order, and repeated along those that it lacks.
//!
//! In: a source, its dimensions, and those that are wanted. Out: the same cells. Never makes a repeated chunk much larger than it has to be.
//! Source: xarray 2026.9, `Variable.set_dims`.

use crate::source::{ChunkSource, Encoded};
use std::sync::Arc;
use xeng_kernels::{AxisChunks, Block, DType};
use xeng_proto::RegionError;

/// Bytes of a chunk up to which it is repeated at once.
const REPEATED_BYTES: usize = 4 << 20;

/// A source seen through dimensions `dims`, with their lengths; the source itself where these are its own.
pub(super) fn arranged(source: Arc<dyn ChunkSource>, own: &[String], dims: &[(String, usize)]) -> Arc<dyn ChunkSource> {
    if own.iter().eq(dims.iter().map(|(dim, _)| dim)) {
        return source;
    }
    let from: Vec<Option<usize>> = dims.iter().map(|(dim, _)| own.iter().position(|d| d == dim)).collect();
    let longest = source.chunks().iter().fold(source.stored().size(), |n, axis| n.saturating_mul(axis.longest()));
    let mut times = (REPEATED_BYTES / longest.max(1)).max(1);
    let mut axis = |(from, (_, len)): (&Option<usize>, &(String, usize))| match from.and_then(|a| source.chunks().get(a)) {
        Some(own) => own.clone(),
        None => {
            let each = times.min(*len).max(1);
            times = (times / each).max(1);
            AxisChunks::uniform(*len, each)
        }
    };
    let grid = from.iter().zip(dims).map(&mut axis).collect();
    Arc::new(Arranged { source, from, grid })
}

struct Arranged {
    source: Arc<dyn ChunkSource>,
    /// Per axis that of the source; `None` where it is repeated.
    from: Vec<Option<usize>>,
    grid: Vec<AxisChunks>,
}

impl Arranged {
    /// The chunk of the source that is seen in a chunk.
    fn inner(&self, chunk: &[usize]) -> Vec<usize> {
        let mut inner = vec![0; self.source.chunks().len()];
        for (&position, from) in chunk.iter().zip(&self.from) {
            if let Some(slot) = from.and_then(|a| inner.get_mut(a)) {
                *slot = position;
            }
        }
        inner
    }
}

impl ChunkSource for Arranged {
    fn chunks(&self) -> &[AxisChunks] {
        &self.grid
    }

    fn stored(&self) -> DType {
        self.source.stored()
    }

    fn stored_bytes(&self, chunk: &[usize]) -> u64 {
        self.source.stored_bytes(&self.inner(chunk))
    }

    fn fetch(&self, chunk: &[usize]) -> Result<Option<Encoded>, RegionError> {
        self.source.fetch(&self.inner(chunk))
    }

    fn fetch_many(&self, chunks: &[&[usize]]) -> Result<Vec<Option<Encoded>>, RegionError> {
        // Repeated chunks are the same one: it is read once.
        let inner: Vec<Vec<usize>> = chunks.iter().map(|chunk| self.inner(chunk)).collect();
        let wanted: indexmap::IndexSet<&[usize]> = inner.iter().map(Vec::as_slice).collect();
        let fetched = self.source.fetch_many(&wanted.iter().copied().collect::<Vec<_>>())?;
        let mut fetched = fetched.into_iter().collect::<Vec<_>>();
        let mut take = |chunk: &Vec<usize>| {
            let slot = wanted.get_index_of(chunk.as_slice()).and_then(|n| fetched.get_mut(n)).and_then(Option::as_mut)?;
            let one = slot.clone();
            // What is read once counts once.
            slot.read_bytes = 0;
            Some(one)
        };
        Ok(inner.iter().map(&mut take).collect())
    }

    fn is_remote(&self) -> bool {
        self.source.is_remote()
    }

    fn is_watched(&self) -> bool {
        self.source.is_watched()
    }

    fn scratch_bytes(&self) -> usize {
        let cells = self.source.chunks().iter().fold(self.stored().size(), |n, axis| n.saturating_mul(axis.longest()));
        self.source.scratch_bytes().saturating_add(cells)
    }

    fn decode(&self, chunk: &[usize], encoded: Option<&Encoded>) -> Result<Block, RegionError> {
        let mut block = self.source.decode(&self.inner(chunk), encoded)?;
        let order: Vec<usize> = self.from.iter().flatten().copied().collect();
        if !order.is_sorted() {
            block = block.transpose(&order)?;
        }
        for (axis, (from, (own, &position))) in self.from.iter().zip(self.grid.iter().zip(chunk)).enumerate() {
            if from.is_some() {
                continue;
            }
            let mut shape = block.shape().to_vec();
            shape.insert(axis.min(shape.len()), 1);
            block = block.reshape(&shape)?;
            let times = own.range(position).len();
            if times != 1 {
                block = block.take(axis, &vec![0; times])?;
            }
        }
        Ok(block)
    }

    fn is_decoded(&self) -> bool {
        self.source.is_decoded()
    }
}
