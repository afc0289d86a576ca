//! Chunked arrays in one file: a manifest of byte ranges, and a filter pipeline.
//!
//! In: where each chunk lies. Out: its stored bytes, its cells. Never asks the file's own index again.

use super::bytes::{self, ByteOrder, cells_of};
use super::{ChunkSource, Encoded, Places, ravel, shape_of};
use crate::codec::Pipeline;
use crate::store::Object;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::sync::Arc;
use xeng_kernels::{AxisChunks, Block, DType};
use xeng_proto::RegionError;

/// Where a chunk lies in its file: 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// First byte.
    pub offset: u64,
    /// Number of bytes.
    pub len: u32,
    /// Filters that it skipped, bit by bit.
    pub skipped: u32,
}

const ABSENT: Entry = Entry { offset: u64::MAX, len: 0, skipped: 0 };

impl Entry {
    /// Whether the chunk was never written.
    pub fn is_absent(&self) -> bool {
        *self == ABSENT
    }
}

/// Where every chunk lies, by its number in C order.
#[derive(Clone, Debug)]
pub enum Manifest {
    /// One entry per chunk of the grid.
    Dense(Vec<Entry>),
    /// Only the chunks that exist, by number.
    Sparse(Vec<(u64, Entry)>),
}

impl Manifest {
    /// A manifest from the chunks that exist; dense unless most of the `count` chunks do not.
    pub fn new(count: usize, mut entries: Vec<(u64, Entry)>) -> Manifest {
        if count > entries.len().saturating_mul(4).saturating_add(1024) {
            entries.sort_by_key(|e| e.0);
            return Manifest::Sparse(entries);
        }
        let mut dense = vec![ABSENT; count];
        for (number, entry) in entries {
            if let Some(slot) = usize::try_from(number).ok().and_then(|n| dense.get_mut(n)) {
                *slot = entry;
            }
        }
        Manifest::Dense(dense)
    }

    /// Where a chunk lies, if it was ever written.
    pub fn get(&self, number: usize) -> Option<Entry> {
        match self {
            Manifest::Dense(entries) => entries.get(number).copied().filter(|e| !e.is_absent()),
            Manifest::Sparse(entries) => entries.binary_search_by_key(&(number as u64), |e| e.0).ok().map(|i| entries[i].1),
        }
    }
}

/// What the cells of a chunk are and how they are packed.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Element type.
    pub dtype: DType,
    /// Byte order of the cells.
    pub order: ByteOrder,
    /// The shape that every chunk is stored with, also where it reaches over the array's edge.
    pub chunk_shape: Vec<usize>,
    /// The filters.
    pub pipeline: Pipeline,
    /// The bytes of the fill value, in the array's byte order.
    pub fill: Option<Vec<u8>>,
}

thread_local! {
    /// A whole chunk, where only a corner of it lies inside the array.
    static WHOLE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl Layout {
    /// Decodes a stored chunk, of which `shape` lies inside the array.
    ///
    /// # Errors
    /// `Data` when the bytes are not those of a chunk; `what` is named in it.
    pub fn decode(&self, what: impl Fn() -> String, shape: &[usize], encoded: Option<&Encoded>) -> Result<Block, RegionError> {
        let Some(encoded) = encoded else {
            return bytes::filled(self.dtype, shape, self.order, self.fill.as_deref());
        };
        if !self.pipeline.can_hold(encoded.bytes.len(), cells_of(self.dtype, &self.chunk_shape)? * self.dtype.size()) {
            return Err(RegionError::data(format!(
                "{}: {} stored bytes cannot hold a chunk of shape {:?}",
                what(),
                encoded.bytes.len(),
                self.chunk_shape
            )));
        }
        let corrupt = |e: crate::codec::CodecError| RegionError::data(format!("{}: {e}", what()));
        if shape == self.chunk_shape {
            return bytes::block_from(self.dtype, shape, self.order, |out| {
                self.pipeline.decode(&encoded.bytes, encoded.skipped, out).map_err(corrupt)
            });
        }
        let size = self.dtype.size();
        let len = cells_of(self.dtype, &self.chunk_shape)? * size;
        if self.pipeline.codecs.is_empty() {
            if encoded.bytes.len() != len {
                return Err(RegionError::data(format!("{}: has {} bytes, expected {len}", what(), encoded.bytes.len())));
            }
            return bytes::block_from(self.dtype, shape, self.order, |out| {
                bytes::copy_corner(&self.chunk_shape, shape, size, &encoded.bytes, out);
                Ok(())
            });
        }
        WHOLE.with_borrow_mut(|whole| {
            if whole.len() < len {
                *whole = vec![0; len];
            }
            self.pipeline.decode(&encoded.bytes, encoded.skipped, &mut whole[..len]).map_err(corrupt)?;
            bytes::block_from(self.dtype, shape, self.order, |out| {
                bytes::copy_corner(&self.chunk_shape, shape, size, &whole[..len], out);
                Ok(())
            })
        })
    }
}

/// A chunked array in one file.
#[derive(Clone, Debug)]
pub struct Chunked {
    /// File and variable, for errors.
    pub what: String,
    /// The file.
    pub file: Arc<dyn Object>,
    /// Whether it lies where a request takes milliseconds.
    pub is_remote: bool,
    /// The grid.
    pub grid: Vec<AxisChunks>,
    /// Where the chunks lie.
    pub manifest: Manifest,
    /// How they are packed.
    pub layout: Layout,
    /// The filters as the file names them, by which they can be found again; `None` where the file's words do not suffice.
    pub recipe: Option<Vec<Recipe>>,
}

/// A filter as HDF5 names it, or, numbered 0, the step that brings narrow numbers into place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipe {
    /// Its registered number; none is 0.
    pub id: u16,
    /// Its parameters.
    pub parameters: Vec<u32>,
}

impl Chunked {
    /// Refuses an entry that claims more bytes than a chunk can have.
    fn checked(&self, chunk: &[usize], entry: Entry) -> Result<Entry, RegionError> {
        let decoded = self.layout.chunk_shape.iter().fold(self.layout.dtype.size(), |n, &len| n.saturating_mul(len));
        if entry.len as usize <= bytes::most_stored(decoded) {
            return Ok(entry);
        }
        Err(RegionError::data(format!("{}, chunk {chunk:?}: {} stored bytes are more than it can have", self.what, entry.len)))
    }

    fn entry(&self, chunk: &[usize]) -> Option<Entry> {
        let counts: Vec<usize> = self.grid.iter().map(AxisChunks::count).collect();
        ravel(chunk, &counts).and_then(|number| self.manifest.get(number))
    }
}

impl ChunkSource for Chunked {
    fn chunks(&self) -> &[AxisChunks] {
        &self.grid
    }

    fn stored(&self) -> DType {
        self.layout.dtype
    }

    fn stored_bytes(&self, chunk: &[usize]) -> u64 {
        self.entry(chunk).map_or(0, |e| u64::from(e.len))
    }

    fn fetch(&self, chunk: &[usize]) -> Result<Option<Encoded>, RegionError> {
        super::strided::check_position(&self.what, &self.grid, chunk)?;
        let Some(entry) = self.entry(chunk).map(|e| self.checked(chunk, e)).transpose()? else { return Ok(None) };
        let bytes = self
            .file
            .read(entry.offset, entry.len as usize)
            .map_err(|e| RegionError::new(e.kind, format!("{}, chunk {chunk:?}: {}", self.what, e.message)))?;
        Ok(Some(Encoded { skipped: entry.skipped, ..Encoded::new(bytes) }))
    }

    fn fetch_many(&self, chunks: &[&[usize]]) -> Result<Vec<Option<Encoded>>, RegionError> {
        let (mut entries, mut ranges) = (vec![], vec![]);
        for chunk in chunks {
            super::strided::check_position(&self.what, &self.grid, chunk)?;
            let entry = self.entry(chunk).map(|e| self.checked(chunk, e)).transpose()?;
            ranges.extend(entry.map(|e| (e.offset, e.len as usize)));
            entries.push(entry);
        }
        let mut read =
            self.file.read_many(&ranges).map_err(|e| RegionError::new(e.kind, format!("{}: {}", self.what, e.message)))?.into_iter();
        let encoded = |entry: Option<Entry>| entry.and_then(|e| Some(Encoded { skipped: e.skipped, ..Encoded::new(read.next()?) }));
        Ok(entries.into_iter().map(encoded).collect())
    }

    fn is_remote(&self) -> bool {
        self.is_remote
    }

    fn places(&self) -> Option<Places<'_>> {
        Some(Places::Chunked(self))
    }

    fn decode(&self, chunk: &[usize], encoded: Option<&Encoded>) -> Result<Block, RegionError> {
        super::strided::check_position(&self.what, &self.grid, chunk)?;
        self.layout.decode(|| format!("{}, chunk {chunk:?}", self.what), &shape_of(&self.grid, chunk), encoded)
    }
}
