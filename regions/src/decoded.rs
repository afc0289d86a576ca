//! Decoded chunks that are wanted again, kept in what the budget leaves free.
//!
//! In: chunks as they are decoded. Out: the same blocks, when they are asked for again. Never keeps a chunk that one fragment alone has
//! asked for: memory that was never used costs about as much as decoding, and a pass over more than fits leaves everything as it was.
//! Never keeps memory that a request waits for.

use crate::memory::{Memory, Permit};
use std::collections::hash_map::{DefaultHasher, Entry};
use std::collections::{HashMap, VecDeque};
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use xeng_kernels::Block;
use xeng_proto::DatasetSpec;

/// Of the budget, the share that may be kept: a half, so that requests seldom have to wait until chunks are let go.
const SHARE: usize = 2;
/// Chunks that are remembered as asked for once, per generation; 16 bytes each.
const REMEMBERED: usize = 1 << 16;
/// Chunks that are looked at to find one that may go, each time one is to be kept.
const LOOKED_AT: usize = 2;

/// A variable of a dataset in one state of its files.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    pub(crate) spec: DatasetSpec,
    pub(crate) state: String,
    pub(crate) variable: String,
}

/// An origin's chunk, by the chunk's number along each axis.
type Key = (Arc<Origin>, Vec<usize>);

/// The decoded chunks that an engine keeps.
#[derive(Debug)]
pub(crate) struct DecodedChunks {
    memory: Memory,
    most_bytes: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    chunks: HashMap<Key, Chunk>,
    /// In the order in which they are considered for eviction.
    order: VecDeque<Key>,
    bytes: usize,
    /// Hashes of chunks that were asked for, and the first fragment that did: this generation and the one before.
    once: [HashMap<u64, u64>; 2],
}

#[derive(Debug)]
struct Chunk {
    block: Arc<Block>,
    was_hit: bool,
    _permit: Permit,
}

impl DecodedChunks {
    /// Keeps nothing yet; what it will keep counts against `memory`.
    pub(crate) fn new(memory: Memory) -> DecodedChunks {
        let most_bytes = memory.budget_bytes() / SHARE;
        DecodedChunks { memory, most_bytes, kept: Mutex::default() }
    }

    /// A chunk's cells as stored, if they are kept.
    pub(crate) fn get(&self, origin: &Arc<Origin>, chunk: &[usize]) -> Option<Arc<Block>> {
        let mut kept = self.lock();
        if kept.chunks.is_empty() {
            return None;
        }
        let found = kept.chunks.get_mut(&(origin.clone(), chunk.to_vec()))?;
        found.was_hit = true;
        Some(found.block.clone())
    }

    /// Offers a chunk that was just decoded for fragment number `fragment`.
    pub(crate) fn offer(&self, origin: &Arc<Origin>, chunk: &[usize], block: &Arc<Block>, fragment: u64) {
        let bytes = block.bytes();
        if bytes == 0 || bytes > self.most_bytes {
            return;
        }
        let key = (origin.clone(), chunk.to_vec());
        let mut kept = self.lock();
        if !kept.was_seen(&key, fragment) {
            return;
        }
        let mut looked_at = 0;
        while kept.bytes + bytes > self.most_bytes {
            if looked_at == LOOKED_AT || !kept.evict_one(&mut looked_at) {
                return;
            }
        }
        let Some(permit) = self.memory.take_spare(bytes) else { return };
        if let Entry::Vacant(slot) = kept.chunks.entry(key.clone()) {
            slot.insert(Chunk { block: block.clone(), was_hit: false, _permit: permit });
            kept.order.push_back(key);
            kept.bytes += bytes;
        }
    }

    /// Lets chunks go until `bytes` are free in the budget or none are left.
    pub(crate) fn make_room(&self, bytes: usize) {
        let mut kept = self.lock();
        while self.memory.free_bytes() < bytes {
            let Some(key) = kept.order.pop_front() else { return };
            kept.forget(&key);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Whether another fragment has asked for the chunk; from now on this one has.
    fn was_seen(&mut self, key: &Key, fragment: u64) -> bool {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let hash = hasher.finish();
        if let Some(first) = self.once.iter().find_map(|generation| generation.get(&hash)) {
            return *first != fragment;
        }
        if self.once[0].len() >= REMEMBERED {
            self.once.swap(0, 1);
            self.once[0].clear();
        }
        self.once[0].insert(hash, fragment);
        false
    }

    /// Lets the next chunk go that was not hit since it was last looked at, within [`LOOKED_AT`] looks.
    fn evict_one(&mut self, looked_at: &mut usize) -> bool {
        while *looked_at < LOOKED_AT {
            *looked_at += 1;
            let Some(key) = self.order.pop_front() else { return false };
            match self.chunks.get_mut(&key) {
                Some(chunk) if chunk.was_hit => {
                    chunk.was_hit = false;
                    self.order.push_back(key);
                }
                _ => {
                    self.forget(&key);
                    return true;
                }
            }
        }
        false
    }

    fn forget(&mut self, key: &Key) {
        if let Some(chunk) = self.chunks.remove(key) {
            self.bytes -= chunk.block.bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use xeng_kernels::DType;

    const PAGE: usize = 4096;

    fn origin(state: &str) -> Arc<Origin> {
        Arc::new(Origin { spec: DatasetSpec::default(), state: state.into(), variable: "v".into() })
    }

    fn page(value: f64) -> Arc<Block> {
        Arc::new(Block::filled(DType::U8, &[PAGE], value))
    }

    #[test]
    fn what_is_asked_for_twice_is_kept_and_a_pass_over_much_more_changes_nothing() {
        let memory = Memory::new(16 * PAGE);
        let chunks = DecodedChunks::new(memory.clone());
        let d = origin("1");
        for round in 0..2 {
            for c in 0..4 {
                assert!(chunks.get(&d, &[c]).is_none());
                chunks.offer(&d, &[c], &page(c as f64), round);
                chunks.offer(&d, &[c], &page(c as f64), round);
                assert_eq!(memory.used_bytes(), if round == 0 { 0 } else { (c + 1) * PAGE });
            }
        }
        (100..1000).for_each(|c| chunks.offer(&d, &[c], &page(0.0), 2));
        (0..4).for_each(|c| assert_eq!(chunks.get(&d, &[c]).unwrap(), page(c as f64)));
        assert!(chunks.get(&origin("2"), &[0]).is_none(), "another state of the files shares nothing");
        // Up to half of the budget is kept; what comes then drives out what was not hit.
        let twice = |c: usize| (3..5).for_each(|fragment| chunks.offer(&d, &[c], &page(1.0), fragment));
        (50..54).for_each(twice);
        assert_eq!(memory.used_bytes(), 8 * PAGE);
        (2000..2100).for_each(twice);
        assert_eq!(memory.used_bytes(), 8 * PAGE);
    }

    #[tokio::test]
    async fn a_request_gets_the_whole_budget() {
        let memory = Memory::new(16 * PAGE);
        let chunks = DecodedChunks::new(memory.clone());
        let d = origin("1");
        let twice = |c: usize| (0..2).for_each(|fragment| chunks.offer(&d, &[c], &page(1.0), fragment));
        (0..8).for_each(twice);
        assert_eq!(memory.free_bytes(), 8 * PAGE);
        let permit = memory.take(16 * PAGE, "a test", &|bytes| chunks.make_room(bytes)).await.unwrap();
        assert!(chunks.get(&d, &[0]).is_none());
        twice(0);
        assert!(chunks.get(&d, &[0]).is_none(), "there is no room");
        drop(permit);
        twice(0);
        assert!(chunks.get(&d, &[0]).is_some());
    }
}
