//! A variable seen through another grid than its own: files of one series may be cut differently.
//!
//! In: a source and a grid over the same cells. Out: chunks of that grid, each put together from those that it meets. Reads all that a
//! chunk needs when it is fetched, nothing when it is decoded.

use crate::source::{ChunkSource, Encoded, bounds_of, unravel};
use bytes::{BufMut, Bytes, BytesMut};
use std::collections::HashMap;
use std::sync::Arc;
use xeng_kernels::bounds::{intersect, relative_to, shape_of};
use xeng_kernels::{AxisChunks, Block, DType};
use xeng_proto::RegionError;

/// A variable seen through another grid.
pub(super) struct Regridded {
    source: Arc<dyn ChunkSource>,
    grid: Vec<AxisChunks>,
}

/// Bytes before each piece of a bundle: its length, `ABSENT` for none, and the filters that it skipped.
const HEAD_BYTES: usize = 12;
const ABSENT: u64 = u64::MAX;

impl Regridded {
    pub(super) fn new(source: Arc<dyn ChunkSource>, grid: Vec<AxisChunks>) -> Regridded {
        Regridded { source, grid }
    }

    /// The chunks of the source that a chunk meets.
    fn pieces(&self, chunk: &[usize]) -> Vec<Vec<usize>> {
        let bounds = bounds_of(&self.grid, chunk);
        let ranges: Vec<_> = self.source.chunks().iter().zip(&bounds).map(|(axis, range)| axis.overlapping(range)).collect();
        let counts: Vec<usize> = ranges.iter().map(|r| r.len()).collect();
        (0..counts.iter().product()).map(|i| unravel(i, &counts).into_iter().zip(&ranges).map(|(p, r)| r.start + p).collect()).collect()
    }
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
        let pieces: Vec<Vec<Vec<usize>>> = chunks.iter().map(|chunk| self.pieces(chunk)).collect();
        // Neighbours share pieces: each is read once.
        let mut numbers: HashMap<&[usize], usize> = HashMap::new();
        let mut wanted: Vec<&[usize]> = vec![];
        for piece in pieces.iter().flatten() {
            numbers.entry(piece).or_insert_with(|| {
                wanted.push(piece);
                wanted.len() - 1
            });
        }
        let fetched = self.source.fetch_many(&wanted)?;
        let of = |piece: &Vec<usize>| numbers.get(piece.as_slice()).and_then(|&n| fetched.get(n)).and_then(Option::as_ref);
        Ok(pieces.iter().map(|all| bundle(&all.iter().map(of).collect::<Vec<_>>())).collect())
    }

    fn is_remote(&self) -> bool {
        self.source.is_remote()
    }

    fn is_watched(&self) -> bool {
        self.source.is_watched()
    }

    fn decode(&self, chunk: &[usize], encoded: Option<&Encoded>) -> Result<Block, RegionError> {
        let bounds = bounds_of(&self.grid, chunk);
        let mut out = Block::filled(self.stored(), &shape_of(&bounds), 0.0);
        let mut rest = encoded.map(|e| e.bytes.clone());
        for piece in self.pieces(chunk) {
            let own = bounds_of(self.source.chunks(), &piece);
            let encoded = match &mut rest {
                Some(rest) => unbundle(rest)?,
                None => None,
            };
            let block = self.source.decode(&piece, encoded.as_ref())?;
            if let Some(common) = intersect(&own, &bounds) {
                out.paste(&relative_to(&common, &bounds), &block.slice(&relative_to(&common, &own))?)?;
            }
        }
        Ok(out)
    }

    fn is_decoded(&self) -> bool {
        self.source.is_decoded()
    }
}

/// Several pieces as one; nothing where none was ever written.
fn bundle(pieces: &[Option<&Encoded>]) -> Option<Encoded> {
    if pieces.iter().all(Option::is_none) {
        return None;
    }
    let len = pieces.iter().flatten().map(|e| e.bytes.len()).sum::<usize>() + pieces.len() * HEAD_BYTES;
    let mut out = BytesMut::with_capacity(len);
    for piece in pieces {
        out.put_u64_le(piece.map_or(ABSENT, |e| e.bytes.len() as u64));
        out.put_u32_le(piece.map_or(0, |e| e.skipped));
        out.extend_from_slice(piece.map_or(&[], |e| &e.bytes));
    }
    Some(Encoded::new(out.freeze()))
}

/// Takes the next piece of a bundle.
fn unbundle(rest: &mut Bytes) -> Result<Option<Encoded>, RegionError> {
    let short = || RegionError::internal("a bundle of chunks ends early");
    if rest.len() < HEAD_BYTES {
        return Err(short());
    }
    let head = rest.split_to(HEAD_BYTES);
    let (len, skipped) = head.split_first_chunk::<8>().ok_or_else(short)?;
    let len = u64::from_le_bytes(*len);
    if len == ABSENT {
        return Ok(None);
    }
    let len = usize::try_from(len).ok().filter(|&n| n <= rest.len()).ok_or_else(short)?;
    let skipped = skipped.first_chunk::<4>().map_or(0, |s| u32::from_le_bytes(*s));
    Ok(Some(Encoded { bytes: rest.split_to(len), skipped }))
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
            let seen = Regridded::new(source.clone(), grid);
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
