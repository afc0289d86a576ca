//! The chunks of one array that is written: where each lies, and its bytes.
//!
//! In: finished boxes. Out: encoded chunks. Never touches a disk.

use sha2::{Digest, Sha256};
use std::path::PathBuf;
use xeng_kernels::{Block, Bounds, DType};
use xeng_proto::{RegionError, Written};

/// The chunks of an array under way.
#[derive(Debug)]
pub(crate) struct Chunks {
    name: String,
    dtype: DType,
    chunk: Vec<usize>,
    zstd_level: i32,
}

/// A chunk, ready to be written.
#[derive(Debug)]
pub(crate) struct Encoded {
    /// Its file's path in the store.
    pub(crate) path: PathBuf,
    /// Its file's content; none where it holds nothing but the fill value.
    pub(crate) bytes: Vec<u8>,
    /// What home is told.
    pub(crate) written: Written,
}

impl Chunks {
    /// Chunks of `chunk` cells of an array.
    ///
    /// # Errors
    /// `Request` for a name that is no folder's, or a level that zstd does not have.
    pub(super) fn new(name: &str, dtype: DType, shape: &[usize], chunk: &[usize], zstd_level: i32) -> Result<Chunks, RegionError> {
        if !is_name(name) {
            return Err(RegionError::request(format!("'{name}' cannot be the name of an array of a store")));
        }
        if !(1..=19).contains(&zstd_level) || shape.len() != chunk.len() {
            return Err(RegionError::request(format!("array '{name}': zstd level {zstd_level} or chunks of {chunk:?} are impossible")));
        }
        Ok(Chunks { name: name.to_owned(), dtype, chunk: chunk.to_vec(), zstd_level })
    }

    /// Decoded bytes of a chunk.
    pub(super) fn bytes(&self) -> usize {
        self.chunk.iter().fold(self.dtype.size(), |bytes, &n| bytes.saturating_mul(n))
    }

    /// The chunk that a box of the array is.
    ///
    /// # Errors
    /// `Internal` for a box that is no chunk, or when zstd fails.
    pub(crate) fn encode(&self, at: &Bounds, cells: Block) -> Result<Encoded, RegionError> {
        let aligned = at.len() == self.chunk.len()
            && at.iter().zip(&self.chunk).all(|(r, &n)| n > 0 && r.start.is_multiple_of(n) && r.len() <= n && !r.is_empty());
        if !aligned || cells.dtype() != self.dtype {
            return Err(RegionError::internal(format!("array '{}': cells {at:?} are no chunk of {:?}", self.name, self.chunk)));
        }
        let mut path = PathBuf::from(&self.name).join("c");
        path.extend(at.iter().zip(&self.chunk).map(|(r, &n)| (r.start / n).to_string()));
        if is_fill(&cells) {
            return Ok(Encoded { path, bytes: vec![], written: Written::default() });
        }
        let bytes = self.filled_up(cells)?.to_le_bytes();
        let failed = |e: std::io::Error| RegionError::internal(format!("array '{}': zstd: {e}", self.name));
        let bytes = zstd::bulk::compress(&bytes, self.zstd_level).map_err(failed)?;
        let written = Written { bytes: bytes.len() as u64, sha256: Sha256::digest(&bytes).into() };
        Ok(Encoded { path, bytes, written })
    }

    /// The cells of a whole chunk, where they end before it does.
    fn filled_up(&self, cells: Block) -> Result<Block, RegionError> {
        if cells.shape() == self.chunk {
            return Ok(cells);
        }
        let mut whole = Block::filled(self.dtype, &self.chunk, if self.dtype.is_float() { f64::NAN } else { 0.0 });
        let at: Bounds = cells.shape().iter().map(|&n| 0..n).collect();
        whole.paste(&at, &cells)?;
        Ok(whole)
    }
}

/// A name becomes a folder of the store: it must not lead anywhere else.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 255
        && !name.starts_with("__")
        && !name.chars().all(|c| c == '.')
        && !name.contains(['/', '\\', '\0'])
        && name != "zarr.json"
}

/// Whether all cells are what a reader sees where there is no chunk.
fn is_fill(cells: &Block) -> bool {
    fn all<T: Copy>(cells: Option<&[T]>, is: impl Fn(T) -> bool) -> bool {
        cells.is_some_and(|cells| cells.iter().all(|&c| is(c)))
    }
    match cells {
        Block::Bool(_) => all(cells.as_slice::<bool>(), |c| !c),
        Block::I8(_) => all(cells.as_slice::<i8>(), |c| c == 0),
        Block::I16(_) => all(cells.as_slice::<i16>(), |c| c == 0),
        Block::I32(_) => all(cells.as_slice::<i32>(), |c| c == 0),
        Block::I64(_) => all(cells.as_slice::<i64>(), |c| c == 0),
        Block::U8(_) => all(cells.as_slice::<u8>(), |c| c == 0),
        Block::U16(_) => all(cells.as_slice::<u16>(), |c| c == 0),
        Block::U32(_) => all(cells.as_slice::<u32>(), |c| c == 0),
        Block::U64(_) => all(cells.as_slice::<u64>(), |c| c == 0),
        Block::F32(_) => all(cells.as_slice::<f32>(), f32::is_nan),
        Block::F64(_) => all(cells.as_slice::<f64>(), f64::is_nan),
    }
}
