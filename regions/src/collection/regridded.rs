//! A variable seen through another grid than its own: files of one series may be cut differently.
//!
//! In: a source and a grid over the same cells. Out: chunks of that grid, each put together from those that it meets. Reads and decodes these
//! a batch at a time, when a chunk is fetched: what is held is the chunk's cells, and each piece is decoded once for all chunks that are asked
//! for together.

use crate::source::{ChunkSource, Encoded, bounds_of, shape_of, unravel};
use indexmap::IndexMap;
use std::sync::Arc;
use xeng_kernels::bounds::{intersect, relative_to};
use xeng_kernels::{AxisChunks, Block, DType};
use xeng_proto::RegionError;

/// A chunk that is put together is cut along the joined axis where it would hold more bytes than this.
const MOST_CHUNK_BYTES: usize = 16 << 20;
/// How often a piece is decoded at most because of such cuts.
const MOST_DECODED: usize = 8;
/// Pieces of one chunk, at most.
const MOST_PIECES: usize = 1 << 16;
/// Decoded bytes of the pieces that are fetched at a time.
const BATCH_BYTES: usize = 4 << 20;

/// The grid that files share along the axes that they are not joined along: cut where all of them are, so that no piece belongs to two chunks.
pub(super) fn shared_grid(grids: &[&[AxisChunks]], axis: usize) -> Vec<AxisChunks> {
    let Some((first, more)) = grids.split_first() else { return vec![] };
    let common = |(i, own): (usize, &AxisChunks)| match i == axis {
        true => own.clone(),
        false => more.iter().filter_map(|grid| grid.get(i)).fold(own.clone(), |common, other| common.common(other)),
    };
    first.iter().enumerate().map(common).collect()
}

/// A variable seen through another grid.
pub(super) struct Regridded {
    source: Arc<dyn ChunkSource>,
    grid: Vec<AxisChunks>,
}

impl Regridded {
    /// The source through `grid`, but along `axis` as it is cut itself, or finer where its chunks would be large; itself where it is cut so.
    ///
    /// # Errors
    /// A reason, where a chunk would be put together from too many.
    pub(super) fn within(source: Arc<dyn ChunkSource>, grid: &[AxisChunks], axis: usize) -> Result<Arc<dyn ChunkSource>, String> {
        let own = source.chunks();
        let same = |(i, (own, shared)): (usize, (&AxisChunks, &AxisChunks))| i == axis || own == shared;
        if own.iter().zip(grid).enumerate().all(same) {
            return Ok(source);
        }
        let along = own.get(axis).cloned().unwrap_or_default();
        let across = grid.iter().enumerate().filter(|(i, _)| *i != axis).map(|(_, c)| c.longest());
        let row_bytes = across.fold(source.stored().size(), usize::saturating_mul);
        let most = (MOST_CHUNK_BYTES / row_bytes.max(1)).max(along.longest().div_ceil(MOST_DECODED)).max(1);
        let mut grid = grid.to_vec();
        grid[axis] = if along.longest() > most { recut(&along, most) } else { along };
        let met = |(own, shared): (&AxisChunks, &AxisChunks)| own.overlapping(&shared.range(shared.longest_at())).len();
        let pieces = own.iter().zip(&grid).map(met).fold(1, usize::saturating_mul);
        if pieces > MOST_PIECES {
            return Err(format!(
                "its files are cut too differently: a chunk that suits all of them is made of {pieces} of one file's (at most {MOST_PIECES}); \
                 open the files one by one, or rewrite them with equal chunks"
            ));
        }
        Ok(Arc::new(Regridded { source, grid }))
    }

    /// The chunks of the source that a chunk meets.
    fn pieces(&self, chunk: &[usize]) -> Vec<Vec<usize>> {
        let bounds = bounds_of(&self.grid, chunk);
        let ranges: Vec<_> = self.source.chunks().iter().zip(&bounds).map(|(axis, range)| axis.overlapping(range)).collect();
        let counts: Vec<usize> = ranges.iter().map(|r| r.len()).collect();
        (0..counts.iter().product()).map(|i| unravel(i, &counts).into_iter().zip(&ranges).map(|(p, r)| r.start + p).collect()).collect()
    }

    /// Decoded bytes of a piece.
    fn piece_bytes(&self, piece: &[usize]) -> usize {
        shape_of(self.source.chunks(), piece).into_iter().fold(self.source.stored().size(), usize::saturating_mul)
    }

    /// A chunk under way.
    fn empty(&self, chunk: &[usize]) -> Block {
        Block::filled(self.stored(), &shape_of(&self.grid, chunk), 0.0)
    }

    /// Copies what a piece and a chunk share.
    fn paste(&self, out: &mut Block, chunk: &[usize], piece: &[usize], block: &Block) -> Result<(), RegionError> {
        let (own, bounds) = (bounds_of(self.source.chunks(), piece), bounds_of(&self.grid, chunk));
        let Some(common) = intersect(&own, &bounds) else { return Ok(()) };
        Ok(out.paste(&relative_to(&common, &bounds), &block.slice(&relative_to(&common, &own))?)?)
    }
}

/// Chunks of at most `most` indices, which lie within the present ones where they can be about as long.
fn recut(along: &AxisChunks, most: usize) -> AxisChunks {
    let step = along.longest();
    let divisor = (most.div_ceil(2)..=most).rev().find(|d| step.is_multiple_of(*d));
    AxisChunks::uniform(along.len(), divisor.unwrap_or(most))
}

impl ChunkSource for Regridded {
    fn chunks(&self) -> &[AxisChunks] {
        &self.grid
    }

    fn stored(&self) -> DType {
        self.source.stored()
    }

    fn stored_bytes(&self, chunk: &[usize]) -> u64 {
        self.pieces(chunk).iter().map(|p| self.source.stored_bytes(p)).sum()
    }

    fn fetch(&self, chunk: &[usize]) -> Result<Option<Encoded>, RegionError> {
        Ok(self.fetch_many(&[chunk])?.pop().flatten())
    }

    fn fetch_many(&self, chunks: &[&[usize]]) -> Result<Vec<Option<Encoded>>, RegionError> {
        // Neighbours share pieces: each is read and decoded once.
        let mut users: IndexMap<Vec<usize>, Vec<usize>> = IndexMap::new();
        for (number, chunk) in chunks.iter().enumerate() {
            self.pieces(chunk).into_iter().for_each(|piece| users.entry(piece).or_default().push(number));
        }
        let mut out: Vec<(Block, Option<usize>)> = chunks.iter().map(|chunk| (self.empty(chunk), None)).collect();
        let pieces: Vec<(&[usize], &[usize])> = users.iter().map(|(piece, users)| (piece.as_slice(), users.as_slice())).collect();
        let mut rest = pieces.as_slice();
        while !rest.is_empty() {
            let mut bytes = 0usize;
            let fits = rest.iter().take_while(|(piece, _)| {
                bytes = bytes.saturating_add(self.piece_bytes(piece));
                bytes <= BATCH_BYTES
            });
            let (batch, later) = rest.split_at(fits.count().max(1).min(rest.len()));
            rest = later;
            let fetched = self.source.fetch_many(&batch.iter().map(|(piece, _)| *piece).collect::<Vec<_>>())?;
            for ((piece, users), encoded) in batch.iter().zip(fetched) {
                let block = self.source.decode(piece, encoded.as_ref())?;
                // What is read once counts once.
                let mut read_bytes = encoded.as_ref().map(|e| e.read_bytes);
                for &user in *users {
                    let (Some((out, written)), Some(chunk)) = (out.get_mut(user), chunks.get(user)) else { continue };
                    self.paste(out, chunk, piece, &block)?;
                    if let Some(bytes) = read_bytes.as_mut().map(std::mem::take) {
                        *written = Some(written.unwrap_or(0) + bytes);
                    }
                }
            }
        }
        let encoded = |(block, written): (Block, Option<usize>)| {
            written.map(|read_bytes| Encoded { read_bytes, ..Encoded::new(block.to_le_bytes()) })
        };
        Ok(out.into_iter().map(encoded).collect())
    }

    fn is_remote(&self) -> bool {
        self.source.is_remote()
    }

    fn is_watched(&self) -> bool {
        self.source.is_watched()
    }

    fn scratch_bytes(&self) -> usize {
        let piece = self.source.chunks().iter().fold(self.source.stored().size(), |n, axis| n.saturating_mul(axis.longest()));
        // A batch as it is stored, and one piece decoded.
        self.source.scratch_bytes().saturating_add(piece.max(BATCH_BYTES)).saturating_add(piece)
    }

    fn decode(&self, chunk: &[usize], encoded: Option<&Encoded>) -> Result<Block, RegionError> {
        if let Some(encoded) = encoded {
            return Ok(Block::from_le_bytes(self.stored(), &shape_of(&self.grid, chunk), &encoded.bytes)?);
        }
        let mut out = self.empty(chunk);
        for piece in self.pieces(chunk) {
            self.paste(&mut out, chunk, &piece, &self.source.decode(&piece, None)?)?;
        }
        Ok(out)
    }

    fn is_decoded(&self) -> bool {
        self.source.is_decoded()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::source::bytes::ByteOrder;
    use crate::source::chunked::{Chunked, Entry, Layout, Manifest};
    use crate::source::{positions, read};
    use crate::store::Object;
    use crate::store::local::LocalFile;

    /// Chunks of 3 x 2 of an array of 7 x 5, numbered in C order; one was never written.
    fn array(folder: &std::path::Path) -> Chunked {
        let grid = vec![AxisChunks::uniform(7, 3), AxisChunks::uniform(5, 2)];
        let (mut bytes, mut entries) = (vec![], vec![]);
        for (n, chunk) in positions(&grid).enumerate().filter(|(n, _)| *n != 4) {
            entries.push((n as u64, Entry { offset: bytes.len() as u64, len: 12, skipped: 0 }));
            for cell in 0..6 {
                let (row, column) = (chunk[0] * 3 + cell / 2, chunk[1] * 2 + cell % 2);
                bytes.extend(((row * 5 + column) as i16).to_le_bytes());
            }
        }
        let path = folder.join("x");
        std::fs::write(&path, bytes).unwrap();
        let file: Arc<dyn Object> = Arc::new(LocalFile::open(&path).unwrap());
        let fill = Some((-1i16).to_le_bytes().to_vec());
        let layout = Layout { dtype: DType::I16, order: ByteOrder::Little, chunk_shape: vec![3, 2], pipeline: Default::default(), fill };
        Chunked { what: "x".into(), file, is_remote: false, grid, manifest: Manifest::new(9, entries), layout, recipe: None }
    }

    #[test]
    fn cells_are_the_same_through_any_grid() {
        let folder = tempfile::tempdir().unwrap();
        let source = Arc::new(array(folder.path()));
        let whole = crate::source::read_whole(source.as_ref(), 1 << 20).unwrap();
        assert_eq!(whole.to_i64_vec()[3 * 5 + 2..3 * 5 + 4], [-1, -1]);
        for (rows, columns) in [(7, 5), (2, 3), (1, 1), (4, 5), (3, 2)] {
            let grid = vec![AxisChunks::uniform(7, rows), AxisChunks::uniform(5, columns)];
            let seen = Regridded { source: source.clone(), grid };
            let chunks: Vec<Vec<usize>> = positions(seen.chunks()).collect();
            let fetched = seen.fetch_many(&chunks.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap();
            for (chunk, encoded) in chunks.iter().zip(&fetched) {
                let expected = whole.slice(&bounds_of(seen.chunks(), chunk)).unwrap();
                assert_eq!(seen.decode(chunk, encoded.as_ref()).unwrap(), expected, "{rows} x {columns}, {chunk:?}");
                assert_eq!(read(&seen, chunk).unwrap(), expected);
            }
        }
    }
}
