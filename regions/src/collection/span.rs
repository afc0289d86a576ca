//! A stretch of a variable along one axis.
//!
//! In: a source and a range of its indices. Out: the chunks that the range meets, those at its ends cut. Never reads a chunk that it does not
//! meet.

use crate::source::{ChunkSource, Encoded};
use std::ops::Range;
use std::sync::Arc;
use xeng_kernels::{AxisChunks, Block, DType};
use xeng_proto::RegionError;

/// Indices `range` of a source's axis; the source itself where that is all of it.
pub(super) fn span(source: Arc<dyn ChunkSource>, axis: usize, range: &Range<usize>) -> Arc<dyn ChunkSource> {
    let Some(own) = source.chunks().get(axis).filter(|own| *range != (0..own.len())) else { return source };
    let first_chunk = own.overlapping(range).start;
    let mut grid = source.chunks().to_vec();
    grid[axis] = own.slice(range);
    Arc::new(Span { source, axis, range: range.clone(), first_chunk, grid })
}

struct Span {
    source: Arc<dyn ChunkSource>,
    axis: usize,
    range: Range<usize>,
    /// The chunk of the source that holds the first index.
    first_chunk: usize,
    grid: Vec<AxisChunks>,
}

impl Span {
    /// The chunk of the source that a chunk is part of.
    fn outer(&self, chunk: &[usize]) -> Vec<usize> {
        let mut outer = chunk.to_vec();
        if let Some(along) = outer.get_mut(self.axis) {
            *along += self.first_chunk;
        }
        outer
    }
}

impl ChunkSource for Span {
    fn chunks(&self) -> &[AxisChunks] {
        &self.grid
    }

    fn stored(&self) -> DType {
        self.source.stored()
    }

    fn stored_bytes(&self, chunk: &[usize]) -> u64 {
        self.source.stored_bytes(&self.outer(chunk))
    }

    fn fetch(&self, chunk: &[usize]) -> Result<Option<Encoded>, RegionError> {
        self.source.fetch(&self.outer(chunk))
    }

    fn fetch_many(&self, chunks: &[&[usize]]) -> Result<Vec<Option<Encoded>>, RegionError> {
        let outer: Vec<Vec<usize>> = chunks.iter().map(|chunk| self.outer(chunk)).collect();
        self.source.fetch_many(&outer.iter().map(Vec::as_slice).collect::<Vec<_>>())
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
        let outer = self.outer(chunk);
        let whole = self.source.decode(&outer, encoded)?;
        let Some((covered, &along)) = self.source.chunks().get(self.axis).zip(outer.get(self.axis)) else { return Ok(whole) };
        let covered = covered.range(along);
        let kept = self.range.start.max(covered.start)..self.range.end.min(covered.end);
        if kept == covered {
            return Ok(whole);
        }
        let mut bounds: Vec<Range<usize>> = whole.shape().iter().map(|&n| 0..n).collect();
        bounds[self.axis] = kept.start.saturating_sub(covered.start)..kept.end.saturating_sub(covered.start);
        Ok(whole.slice(&bounds)?)
    }

    fn is_decoded(&self) -> bool {
        self.source.is_decoded()
    }
}
