//! One Zarr array: chunk files, or inner chunks of shard files.
//!
//! In: metadata and a folder. Out: chunks. The grid is that of the smallest pieces that can be read alone; the index
//! of a shard is read once. Never reads a shard whole.

use super::metadata::Metadata;
use crate::source::bytes::{cells_of, most_stored};
use crate::source::strided::check_position;
use crate::source::{ChunkSource, Encoded, ravel, shape_of};
use crate::store::{Location, Object};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use xeng_kernels::{AxisChunks, Block, DType};
use xeng_proto::RegionError;

/// Shards whose index is remembered.
const REMEMBERED_SHARDS: usize = 4096;

/// An array in a folder.
pub struct ZarrArray {
    what: String,
    folder: Location,
    grid: Vec<AxisChunks>,
    metadata: Metadata,
    shards: Mutex<HashMap<Vec<usize>, Option<Arc<Shard>>>>,
}

/// A shard file and where its chunks lie in it: offset and length, both `u64::MAX` where there is none.
struct Shard {
    file: Arc<dyn Object>,
    index: Vec<(u64, u64)>,
}

/// A shard, and offset and length of a chunk in it.
type InShard = (Arc<Shard>, u64, u64);

impl ZarrArray {
    /// An array from its metadata.
    ///
    /// # Errors
    /// A reason, when its chunks are too large.
    pub fn new(what: String, folder: Location, metadata: Metadata) -> Result<ZarrArray, String> {
        let layout = &metadata.layout;
        cells_of(layout.dtype, &layout.chunk_shape).map_err(|e| e.message)?;
        let grid = metadata.shape.iter().zip(&layout.chunk_shape).map(|(&n, &c)| AxisChunks::uniform(n, c)).collect();
        Ok(ZarrArray { what, folder, grid, metadata, shards: Mutex::default() })
    }

    /// Bytes of a stored chunk, at most.
    fn most_stored(&self) -> u64 {
        let layout = &self.metadata.layout;
        most_stored(layout.chunk_shape.iter().fold(layout.dtype.size(), |n, &len| n.saturating_mul(len))) as u64
    }

    /// The length of a chunk in a shard, once it is sure that it is one.
    fn stored_len(&self, chunk: &[usize], len: u64) -> Result<usize, RegionError> {
        let fits = usize::try_from(len).ok().filter(|_| len <= self.most_stored());
        fits.ok_or_else(|| RegionError::data(format!("{}, chunk {chunk:?}: {len} stored bytes are more than it can have", self.what)))
    }

    fn at(&self, chunk: &[usize]) -> Location {
        let (prefix, separator) = &self.metadata.key;
        let indices: Vec<String> = chunk.iter().map(usize::to_string).collect();
        let key = match (prefix.is_empty(), indices.is_empty()) {
            (true, true) => "0".to_string(),
            (true, false) => indices.join(separator),
            (false, true) => prefix.clone(),
            (false, false) => format!("{prefix}{separator}{}", indices.join(separator)),
        };
        self.folder.child(&key)
    }

    /// Inner chunks per shard along each axis.
    fn per_shard(&self) -> Vec<usize> {
        self.metadata.file_chunks.iter().zip(&self.metadata.layout.chunk_shape).map(|(&outer, &inner)| outer / inner).collect()
    }

    /// The shard of an inner chunk, and where in it the chunk lies.
    fn in_shard(&self, chunk: &[usize]) -> Result<Option<InShard>, RegionError> {
        let counts = self.per_shard();
        let outer: Vec<usize> = chunk.iter().zip(&counts).map(|(&c, &n)| c / n).collect();
        let inner: Vec<usize> = chunk.iter().zip(&counts).map(|(&c, &n)| c % n).collect();
        let known = self.shards.lock().unwrap_or_else(PoisonError::into_inner).get(&outer).cloned();
        let shard = match known {
            Some(shard) => shard,
            None => {
                let read = self.read_shard(&outer, &counts)?.map(Arc::new);
                let mut shards = self.shards.lock().unwrap_or_else(PoisonError::into_inner);
                if shards.len() >= REMEMBERED_SHARDS {
                    shards.clear();
                }
                shards.insert(outer, read.clone());
                read
            }
        };
        let Some(shard) = shard else { return Ok(None) };
        let place = ravel(&inner, &counts).and_then(|n| shard.index.get(n).copied());
        Ok(place.filter(|&p| p != (u64::MAX, u64::MAX)).map(|(offset, len)| (shard, offset, len)))
    }

    fn read_shard(&self, outer: &[usize], counts: &[usize]) -> Result<Option<Shard>, RegionError> {
        let Some(settings) = &self.metadata.chain.shard else { return Ok(None) };
        let Some(file) = self.at(outer).open()? else { return Ok(None) };
        let chunks = counts.iter().try_fold(1usize, |n, &c| n.checked_mul(c));
        let raw = chunks.and_then(|n| n.checked_mul(16)).filter(|&n| n as u64 <= file.len());
        let raw = raw.ok_or_else(|| RegionError::data(format!("{}: shard {outer:?} is shorter than its index", self.what)))?;
        let checks = settings.index.pipeline.codecs.iter().filter(|c| **c == crate::codec::Codec::Crc32c).count();
        if checks != settings.index.pipeline.codecs.len() {
            return Err(RegionError::data(format!("{}: compressed shard indexes are not supported", self.what)));
        }
        let stored = raw + 4 * checks;
        let at = if settings.index_first { 0 } else { file.len().saturating_sub(stored as u64) };
        let bytes = file.read(at, stored)?;
        let mut index = vec![0u8; raw];
        let bad = |e| RegionError::data(format!("{}: index of shard {outer:?}: {e}", self.what));
        settings.index.pipeline.decode(&bytes, 0, &mut index).map_err(bad)?;
        let words: Vec<u64> =
            index
                .as_chunks::<8>()
                .0
                .iter()
                .map(|w| {
                    if settings.index.order == crate::source::bytes::ByteOrder::Big {
                        u64::from_be_bytes(*w)
                    } else {
                        u64::from_le_bytes(*w)
                    }
                })
                .collect();
        Ok(Some(Shard { file, index: words.as_chunks::<2>().0.iter().map(|&[offset, len]| (offset, len)).collect() }))
    }

    fn named(&self, chunk: &[usize], e: &RegionError) -> RegionError {
        RegionError::new(e.kind, format!("{}, chunk {chunk:?}: {}", self.what, e.message))
    }

    /// Decodes a chunk whose axes are stored in another order.
    fn decode_transposed(&self, order: &[usize], chunk: &[usize], encoded: &Encoded) -> Result<Block, RegionError> {
        let mut layout = self.metadata.layout.clone();
        layout.chunk_shape = order.iter().map(|&axis| self.metadata.layout.chunk_shape[axis]).collect();
        let stored = layout.decode(|| format!("{}, chunk {chunk:?}", self.what), &layout.chunk_shape, Some(encoded))?;
        let mut inverse = vec![0; order.len()];
        for (position, &axis) in order.iter().enumerate() {
            inverse[axis] = position;
        }
        let whole = stored.transpose(&inverse)?;
        let shape = shape_of(&self.grid, chunk);
        Ok(whole.slice(&xeng_kernels::bounds::whole(&shape))?)
    }
}

impl ChunkSource for ZarrArray {
    fn chunks(&self) -> &[AxisChunks] {
        &self.grid
    }

    fn stored(&self) -> DType {
        self.metadata.layout.dtype
    }

    fn stored_bytes(&self, chunk: &[usize]) -> u64 {
        if self.metadata.chain.shard.is_some() {
            return self.in_shard(chunk).ok().flatten().map_or(0, |(_, _, len)| len);
        }
        let at = self.at(chunk);
        at.store.stored_len(&at.key).ok().flatten().unwrap_or(0)
    }

    fn fetch(&self, chunk: &[usize]) -> Result<Option<Encoded>, RegionError> {
        check_position(&self.what, &self.grid, chunk)?;
        let name = |e: RegionError| self.named(chunk, &e);
        if self.metadata.chain.shard.is_some() {
            let Some((shard, offset, len)) = self.in_shard(chunk).map_err(name)? else { return Ok(None) };
            let len = self.stored_len(chunk, len)?;
            return shard.file.read(offset, len).map(|b| Some(Encoded::new(b))).map_err(name);
        }
        Ok(self.at(chunk).get(self.most_stored()).map_err(name)?.map(Encoded::new))
    }

    fn fetch_many(&self, chunks: &[&[usize]]) -> Result<Vec<Option<Encoded>>, RegionError> {
        if self.metadata.chain.shard.is_none() {
            chunks.iter().try_for_each(|chunk| check_position(&self.what, &self.grid, chunk))?;
            let keys: Vec<String> = chunks.iter().map(|chunk| self.at(chunk).key).collect();
            let found = self.folder.store.get_many(&keys, self.most_stored());
            let found = found.map_err(|e| RegionError::new(e.kind, format!("{}: {}", self.what, e.message)))?;
            return Ok(found.into_iter().map(|bytes| bytes.map(Encoded::new)).collect());
        }
        let in_shard = |chunk: &&[usize]| {
            check_position(&self.what, &self.grid, chunk)?;
            self.in_shard(chunk).map_err(|e| self.named(chunk, &e))
        };
        let places = chunks.iter().map(in_shard).collect::<Result<Vec<_>, _>>()?;
        let mut out = Vec::with_capacity(places.len());
        let same = |a: &Option<InShard>, b: &Option<InShard>| matches!((a, b), (Some(a), Some(b)) if Arc::ptr_eq(&a.0, &b.0));
        for run in places.chunk_by(same) {
            let Some((shard, ..)) = &run[0] else {
                out.push(None);
                continue;
            };
            let ranges = run
                .iter()
                .flatten()
                .map(|&(_, offset, len)| Ok((offset, self.stored_len(&[], len)?)))
                .collect::<Result<Vec<_>, RegionError>>()?;
            let read = shard.file.read_many(&ranges).map_err(|e| RegionError::new(e.kind, format!("{}: {}", self.what, e.message)))?;
            out.extend(read.into_iter().map(|bytes| Some(Encoded::new(bytes))));
        }
        Ok(out)
    }

    fn is_remote(&self) -> bool {
        self.folder.store.is_remote()
    }

    fn is_watched(&self) -> bool {
        self.folder.store.stamps_contents()
    }

    fn decode(&self, chunk: &[usize], encoded: Option<&Encoded>) -> Result<Block, RegionError> {
        check_position(&self.what, &self.grid, chunk)?;
        let chain = &self.metadata.chain;
        let transpose = chain.shard.as_ref().map_or(&chain.transpose, |s| &s.inner.transpose);
        match (transpose, encoded) {
            (Some(order), Some(encoded)) => self.decode_transposed(order, chunk, encoded),
            _ => self.metadata.layout.decode(|| format!("{}, chunk {chunk:?}", self.what), &shape_of(&self.grid, chunk), encoded),
        }
    }
}
