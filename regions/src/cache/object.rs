//! An object seen through the cache: blocks come from the disk beside the data where they can, else from afar, once.
//!
//! In: an object and a cache. Out: the same bytes. Never asks for a block that another reader is fetching.

use super::entry::Key;
use super::{BLOCK_BYTES, Cache};
use crate::store::{Object, outside};
use bytes::{Bytes, BytesMut};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use xeng_proto::RegionError;

/// Blocks that one request brings, at most.
const MOST_AT_ONCE: usize = 16;

/// An object with a cache before it.
#[derive(Debug)]
pub struct CachedObject {
    far: Arc<dyn Object>,
    cache: Arc<Cache>,
}

impl CachedObject {
    /// Puts a cache before an object.
    pub fn new(far: Arc<dyn Object>, cache: Arc<Cache>) -> CachedObject {
        CachedObject { far, cache }
    }

    fn key(&self, block: u64) -> Key {
        Key::new(self.far.name(), self.far.version(), self.far.len(), block)
    }

    /// Blocks by number: those on the disk, then those that others have fetched meanwhile, then those from afar.
    fn blocks(&self, numbers: &[u64]) -> Result<BTreeMap<u64, Bytes>, RegionError> {
        let mut found: BTreeMap<u64, Bytes> = BTreeMap::new();
        let mut missing = vec![];
        for &number in numbers {
            let key = self.key(number);
            match self.cache.load(&key) {
                Some(bytes) => drop(found.insert(number, bytes)),
                None => missing.push((number, key)),
            }
        }
        for group in missing.chunks(MOST_AT_ONCE) {
            let _locks = self.cache.locks(&group.iter().map(|(_, key)| key).collect::<Vec<_>>());
            let mut wanted = vec![];
            for (number, key) in group {
                match self.cache.load(key) {
                    Some(bytes) => drop(found.insert(*number, bytes)),
                    None => wanted.push((*number, key)),
                }
            }
            let ranges: Vec<(u64, usize)> = wanted.iter().map(|&(number, _)| self.range(number)).collect();
            for ((number, key), bytes) in wanted.into_iter().zip(self.far.read_many(&ranges)?) {
                self.cache.counts.misses.fetch_add(1, Relaxed);
                self.cache.counts.fetched_bytes.fetch_add(bytes.len() as u64, Relaxed);
                self.cache.store(key, &bytes);
                found.insert(number, bytes);
            }
        }
        Ok(found)
    }

    fn range(&self, block: u64) -> (u64, usize) {
        let start = block * BLOCK_BYTES;
        (start, (self.far.len() - start).min(BLOCK_BYTES) as usize)
    }
}

impl Object for CachedObject {
    fn name(&self) -> &str {
        self.far.name()
    }

    fn len(&self) -> u64 {
        self.far.len()
    }

    fn version(&self) -> &str {
        self.far.version()
    }

    fn read(&self, offset: u64, len: usize) -> Result<Bytes, RegionError> {
        self.read_many(&[(offset, len)])?.pop().ok_or_else(|| RegionError::internal("no range was read"))
    }

    fn read_many(&self, ranges: &[(u64, usize)]) -> Result<Vec<Bytes>, RegionError> {
        let mut numbers = vec![];
        for &(offset, len) in ranges {
            let end = offset.checked_add(len as u64).filter(|&end| end <= self.far.len());
            let end = end.ok_or_else(|| outside(self.far.name(), offset, len, self.far.len()))?;
            if len > 0 {
                numbers.extend(offset / BLOCK_BYTES..=(end - 1) / BLOCK_BYTES);
            }
        }
        numbers.sort_unstable();
        numbers.dedup();
        let blocks = self.blocks(&numbers)?;
        ranges.iter().map(|&(offset, len)| gathered(&blocks, offset, len)).collect()
    }
}

/// A range out of the blocks that hold it: a view where it lies in one, a copy where it lies in several.
fn gathered(blocks: &BTreeMap<u64, Bytes>, offset: u64, len: usize) -> Result<Bytes, RegionError> {
    if len == 0 {
        return Ok(Bytes::new());
    }
    let missing = || RegionError::internal(format!("no block for byte {offset}"));
    let block = |number: u64| blocks.get(&number).ok_or_else(missing);
    let (first, last) = (offset / BLOCK_BYTES, (offset + len as u64 - 1) / BLOCK_BYTES);
    let within = |number: u64| {
        let start = number * BLOCK_BYTES;
        let from = offset.saturating_sub(start) as usize;
        let to = ((offset + len as u64 - start).min(BLOCK_BYTES)) as usize;
        from..to
    };
    if first == last {
        let (bytes, range) = (block(first)?, within(first));
        return if range.end <= bytes.len() { Ok(bytes.slice(range)) } else { Err(missing()) };
    }
    let mut out = BytesMut::with_capacity(len);
    for number in first..=last {
        out.extend_from_slice(block(number)?.get(within(number)).ok_or_else(missing)?);
    }
    Ok(out.freeze())
}
