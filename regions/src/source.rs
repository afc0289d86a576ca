//! Where chunks come from: one variable's chunk grid, its stored bytes, and their decoding.
//!
//! In: a chunk's position. Out: its raw stored cells as a block. Never applies CF decoding, never locks while reading.

pub mod bytes;
pub mod chunked;
#[cfg(feature = "grib")]
pub mod grib;
pub mod hdf5;
pub mod netcdf3;
pub mod raw;
pub mod strided;
pub mod zarr;

#[cfg(test)]
#[path = "tests/archives.rs"]
mod archives;

use ::bytes::Bytes;
use xeng_kernels::{AxisChunks, Block, DType};
use xeng_proto::RegionError;

/// The stored bytes of one chunk, as they lie in the file.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// The bytes.
    pub bytes: Bytes,
    /// Which filters of the pipeline this chunk skipped, bit by bit (HDF5's filter mask).
    pub skipped: u32,
    /// Bytes that were read for it: others than its own where it was put together.
    pub read_bytes: usize,
}

impl Encoded {
    /// Bytes that went through every filter.
    pub fn new(bytes: impl Into<Bytes>) -> Encoded {
        let bytes = bytes.into();
        Encoded { skipped: 0, read_bytes: bytes.len(), bytes }
    }
}

/// One variable, chunk by chunk. Chunks are named by their position along each axis.
pub trait ChunkSource: Send + Sync {
    /// The chunk grid; the lengths of its axes are the variable's shape.
    fn chunks(&self) -> &[AxisChunks];

    /// Element type of the blocks that [`Self::decode`] gives.
    fn stored(&self) -> DType;

    /// Stored bytes of a chunk, known without reading it; 0 where it was never written.
    fn stored_bytes(&self, chunk: &[usize]) -> u64;

    /// Reads the stored bytes of a chunk; `None` where it was never written.
    ///
    /// # Errors
    /// `Data` when the bytes cannot be read in full, `Internal` when there is no such chunk.
    fn fetch(&self, chunk: &[usize]) -> Result<Option<Encoded>, RegionError>;

    /// Reads the stored bytes of several chunks, in order: one request for neighbours, the others side by side where requests take long.
    ///
    /// # Errors
    /// As [`Self::fetch`].
    fn fetch_many(&self, chunks: &[&[usize]]) -> Result<Vec<Option<Encoded>>, RegionError> {
        chunks.iter().map(|chunk| self.fetch(chunk)).collect()
    }

    /// Whether its bytes lie where a request takes milliseconds.
    fn is_remote(&self) -> bool {
        false
    }

    /// Whether its dataset's snapshot changes whenever its stored bytes do.
    fn is_watched(&self) -> bool {
        true
    }

    /// Bytes that fetching or decoding takes for a while, beside the cells and stored bytes of the chunks that are asked for.
    fn scratch_bytes(&self) -> usize {
        0
    }

    /// Decodes stored bytes to the raw cells of the chunk, clipped to the array's edge; fill values where it was never written.
    ///
    /// # Errors
    /// `Data` when the bytes are not those of this chunk.
    fn decode(&self, chunk: &[usize], encoded: Option<&Encoded>) -> Result<Block, RegionError>;

    /// Where its bytes lie in its one file, for whoever wants to save that; `None` where there is no such file.
    fn places(&self) -> Option<Places<'_>> {
        None
    }

    /// Whether blocks are CF-decoded already, because the files of a collection are packed differently: apply no `Decode`.
    fn is_decoded(&self) -> bool {
        false
    }
}

/// An array within one file.
#[derive(Clone, Copy)]
pub enum Places<'a> {
    /// In chunks that the file has an index of.
    Chunked(&'a chunked::Chunked),
    /// In one piece, or records.
    Strided(&'a strided::Strided),
    /// In fields of a GRIB file.
    #[cfg(feature = "grib")]
    Fields(&'a grib::FieldSource),
}

/// Fetches and decodes one chunk.
///
/// # Errors
/// As [`ChunkSource::fetch`] and [`ChunkSource::decode`].
pub fn read(source: &dyn ChunkSource, chunk: &[usize]) -> Result<Block, RegionError> {
    let encoded = source.fetch(chunk)?;
    source.decode(chunk, encoded.as_ref())
}

/// Reads every chunk of a variable into one block; for coordinates and checksums of small variables.
///
/// # Errors
/// As [`read`]; `Budget` when the variable is larger than `limit_bytes`.
pub fn read_whole(source: &dyn ChunkSource, limit_bytes: usize) -> Result<Block, RegionError> {
    let shape: Vec<usize> = source.chunks().iter().map(AxisChunks::len).collect();
    let cells = shape.iter().try_fold(1usize, |n, &len| n.checked_mul(len));
    let bytes = cells.and_then(|n| n.checked_mul(source.stored().size())).unwrap_or(usize::MAX);
    if bytes > limit_bytes {
        return Err(RegionError::budget(format!(
            "a variable of shape {shape:?} is too large to be read whole (limit {limit_bytes} bytes)"
        )));
    }
    // Each chunk costs a look into the file, also where it was never written: a tiny file may claim millions of tiny chunks.
    let chunks = source.chunks().iter().fold(1usize, |n, axis| n.saturating_mul(axis.count()));
    if chunks > limit_bytes >> 9 && chunks > 1 {
        return Err(RegionError::budget(format!(
            "a variable of {chunks} chunks has too many to be read whole (limit {})",
            limit_bytes >> 9
        )));
    }
    let mut whole = Block::filled(source.stored(), &shape, 0.0);
    for chunk in positions(source.chunks()) {
        let piece = read(source, &chunk)?;
        if piece.len() == whole.len() {
            return Ok(piece);
        }
        whole.paste(&bounds_of(source.chunks(), &chunk), &piece)?;
    }
    Ok(whole)
}

/// The cells that a chunk covers.
pub fn bounds_of(chunks: &[AxisChunks], chunk: &[usize]) -> xeng_kernels::Bounds {
    chunks.iter().zip(chunk).map(|(axis, &c)| axis.range(c)).collect()
}

/// The shape of a chunk.
pub fn shape_of(chunks: &[AxisChunks], chunk: &[usize]) -> Vec<usize> {
    chunks.iter().zip(chunk).map(|(axis, &c)| axis.range(c).len()).collect()
}

/// Every chunk position of a grid in C order.
pub fn positions(chunks: &[AxisChunks]) -> impl Iterator<Item = Vec<usize>> {
    let counts: Vec<usize> = chunks.iter().map(AxisChunks::count).collect();
    let total = counts.iter().fold(1usize, |n, &c| n.saturating_mul(c));
    (0..total).map(move |linear| unravel(linear, &counts))
}

/// The position of the `linear`-th chunk in C order of a grid with these counts.
pub fn unravel(mut linear: usize, counts: &[usize]) -> Vec<usize> {
    let mut position = vec![0; counts.len()];
    for (p, &count) in position.iter_mut().zip(counts).rev() {
        *p = linear % count.max(1);
        linear /= count.max(1);
    }
    position
}

/// The number of a chunk in C order, or `None` where there is no such chunk.
pub fn ravel(position: &[usize], counts: &[usize]) -> Option<usize> {
    if position.len() != counts.len() {
        return None;
    }
    position.iter().zip(counts).try_fold(0usize, |n, (&p, &count)| if p < count { n.checked_mul(count)?.checked_add(p) } else { None })
}
