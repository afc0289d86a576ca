//! Version 1 B-trees of chunks, what netCDF-C and h5py write by default: where each chunk of a dataset lies in its file.
//!
//! In: the address of a root. Out: an entry per chunk that was written. Never reads a chunk, never a node twice.
//! The nodes lie between the chunks, all over the file: those of one level are read together, so that a far file takes a round trip per level
//! and not one per node.
//! Format: HDF5 File Format Specification 3.0, III.A.1.

use super::messages::{Sizes, number};
use crate::store::Object;
use bytes::Bytes;
use hdf5_reader::chunk_index::ChunkEntry;
use hdf5_reader::storage::Storage;
use std::collections::HashSet;
use xeng_proto::RegionError;

const SIGNATURE: &[u8] = b"TREE";
/// The type of nodes that hold chunks.
const CHUNKS: u8 = 1;
/// Children of a node as long as nobody changes the library's default; nodes with more are read in two goes.
const USUAL_CHILDREN: usize = 64;
/// Nodes that are read at once.
const AT_ONCE: usize = 256;

/// The index of one dataset, of `rank` axes.
pub(super) struct Tree<'a> {
    pub(super) file: &'a dyn Object,
    /// The file's metadata, addressed as in its tree.
    pub(super) metadata: &'a dyn Storage,
    /// What lies before the superblock: addresses count from there.
    pub(super) base: u64,
    pub(super) is_remote: bool,
    /// The dataset, for errors.
    pub(super) what: &'a str,
    pub(super) sizes: Sizes,
    pub(super) rank: usize,
    /// Entries that are listed, at most.
    pub(super) most: usize,
}

/// A node, as far as it is followed.
struct Node {
    level: u8,
    children: Vec<ChunkEntry>,
}

impl Tree<'_> {
    /// The chunks, in the order of the tree.
    ///
    /// # Errors
    /// `Data` when a node is malformed, lies outside the file, or belongs to the tree twice.
    pub(super) fn chunks(&self, root: u64) -> Result<Vec<ChunkEntry>, RegionError> {
        let (mut seen, mut addresses, mut above) = (HashSet::new(), vec![root], None);
        loop {
            if let Some(twice) = addresses.iter().find(|&&address| !seen.insert(address)) {
                return Err(self.bad(format!("the node at byte {twice} belongs to the index of its chunks twice")));
            }
            let mut children = vec![];
            let mut below = None;
            for group in addresses.chunks(AT_ONCE) {
                for node in self.nodes(group)? {
                    // Each level is one less than that above it, so that no tree is deeper than a byte can count.
                    let is_next = above.is_none_or(|above: u8| above.checked_sub(1) == Some(node.level));
                    if !is_next || below.is_some_and(|level| level != node.level) {
                        return Err(self.bad("the levels of the index of its chunks do not follow each other"));
                    }
                    below = Some(node.level);
                    children.extend(node.children);
                    if children.len() > self.most {
                        return Err(self.bad(format!("more than {} chunks are more than can be listed", self.most)));
                    }
                }
            }
            match below {
                None => return Ok(vec![]),
                Some(0) => return Ok(children),
                level => above = level,
            }
            addresses = children.into_iter().map(|child| child.address).filter(|&address| address != self.sizes.undefined()).collect();
        }
    }

    fn head_bytes(&self) -> usize {
        8 + 2 * usize::from(self.sizes.offset)
    }

    /// Of a child: its chunk's size and filters, the offset of its first cell along each axis and within a cell, its address.
    fn child_bytes(&self) -> usize {
        8 + 8 * (self.rank + 1) + usize::from(self.sizes.offset)
    }

    fn nodes(&self, addresses: &[u64]) -> Result<Vec<Node>, RegionError> {
        let usual = self.head_bytes() + USUAL_CHILDREN * self.child_bytes();
        let at = |&address: &u64| (address, usual.min(usize::try_from(self.metadata.len().saturating_sub(address)).unwrap_or(usize::MAX)));
        let read = self.read(&addresses.iter().map(at).collect::<Vec<_>>())?;
        read.iter().zip(addresses).map(|(bytes, &address)| self.node(bytes, address)).collect()
    }

    fn node(&self, bytes: &[u8], address: u64) -> Result<Node, RegionError> {
        let bad = |what: &str| self.bad(format!("the index of its chunks at byte {address} {what}"));
        let head = bytes.get(..self.head_bytes()).ok_or_else(|| bad("is cut off"))?;
        if !head.starts_with(SIGNATURE) || head[4] != CHUNKS {
            return Err(bad("is none"));
        }
        let (level, count) = (head[5], usize::from(u16::from_le_bytes([head[6], head[7]])));
        let len = self.head_bytes() + count * self.child_bytes();
        let longer;
        let body = if len <= bytes.len() {
            &bytes[..len]
        } else {
            longer = self.read(&[(address, len)])?.pop().unwrap_or_default();
            longer.get(..len).ok_or_else(|| bad("is cut off"))?
        };
        let children = body[self.head_bytes()..].chunks_exact(self.child_bytes()).map(|child| self.child(child)).collect();
        Ok(Node { level, children })
    }

    fn child(&self, bytes: &[u8]) -> ChunkEntry {
        let (key, address) = bytes.split_at(8 + 8 * (self.rank + 1));
        let offsets = key[8..].chunks_exact(8).take(self.rank).map(number).collect();
        ChunkEntry { address: number(address), size: number(&key[..4]), filter_mask: number(&key[4..8]) as u32, offsets }
    }

    /// Ranges of the file: side by side and exactly where it is far, through the blocks that are read anyway where it is near.
    fn read(&self, ranges: &[(u64, usize)]) -> Result<Vec<Bytes>, RegionError> {
        let is_inside = |&(address, len): &(u64, usize)| address.checked_add(len as u64).is_some_and(|end| end <= self.metadata.len());
        if let Some((address, _)) = ranges.iter().find(|range| !is_inside(range)) {
            return Err(self.bad(format!("the index of its chunks at byte {address} lies outside the file, which is truncated or corrupt")));
        }
        if self.is_remote {
            let moved: Vec<(u64, usize)> = ranges.iter().map(|&(address, len)| (address.saturating_add(self.base), len)).collect();
            return self.file.read_many(&moved);
        }
        let one = |&(address, len): &(u64, usize)| self.metadata.read_range(address, len).map(|b| Bytes::copy_from_slice(b.as_ref()));
        ranges.iter().map(one).collect::<Result<_, _>>().map_err(|e| self.bad(e))
    }

    fn bad(&self, e: impl std::fmt::Display) -> RegionError {
        RegionError::data(format!("{}: {}: {e}", self.file.name(), self.what))
    }
}
